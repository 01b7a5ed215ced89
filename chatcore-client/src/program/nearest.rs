//! What somebody may have meant who wrote a word that is not known.

/// How many letters may be different in a word that is suggested.
const TYPOS_MAX: usize = 3;

/// Letters of a word for which there is something to suggest. The work grows with them.
const SUGGESTED_LETTERS_MAX: usize = 64;

/// The known word that is the most like another one, if one is.
pub(crate) fn nearest<N: AsRef<str>>(word: &str, known: impl Iterator<Item = N>) -> Option<N> {
    let letters = word.chars().take(SUGGESTED_LETTERS_MAX + 1).count();
    if letters > SUGGESTED_LETTERS_MAX {
        return None;
    }
    let near = known.map(|known| (strsim::osa_distance(word, known.as_ref()), known));
    let near = near.filter(|(distance, _)| *distance <= TYPOS_MAX.min(letters / 2));
    near.min_by_key(|(distance, _)| *distance).map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_suggested_that_has_few_other_letters() {
        let known = || ["join", "leave"].into_iter();
        assert_eq!(nearest("jion", known()), Some("join"));
        assert_eq!(nearest("leaf", known()), Some("leave"));
        assert_eq!(nearest("jump", known()), None);
        assert_eq!(nearest("", known()), None);
    }

    #[test]
    fn nothing_is_looked_for_that_is_like_a_word_of_any_length() {
        let looked = || std::iter::repeat_with(|| panic!("it is compared")).map(|word: &str| word);
        assert_eq!(nearest(&"x".repeat(SUGGESTED_LETTERS_MAX + 1), looked()), None);
        let known = "x".repeat(SUGGESTED_LETTERS_MAX);
        assert_eq!(nearest(&known, [&known].into_iter()), Some(&known));
    }
}
