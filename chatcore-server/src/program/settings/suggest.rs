//! What somebody may have meant.

/// How many letters may be different in a name that is suggested.
const TYPOS_MAX: usize = 3;

/// Letters of a name for which there is something to suggest. The work grows with them.
const NAME_LETTERS_MAX: usize = 64;

/// The name that is the most like another one, if one is.
pub(super) fn nearest<N: AsRef<str>>(name: &str, known: impl IntoIterator<Item = N>) -> Option<N> {
    let letters = name.chars().count();
    if letters > NAME_LETTERS_MAX {
        return None;
    }
    let distances = known.into_iter().map(|known| (strsim::damerau_levenshtein(name, known.as_ref()), known));
    let (distance, nearest) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= TYPOS_MAX && distance < letters).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_few_wrong_letters_is_recognized_and_one_of_another_kind_is_not() {
        let known = ["rooms_max", "sessions_max", "log"];
        assert_eq!(nearest("session_max", known), Some("sessions_max"));
        assert_eq!(nearest("romos_max", known), Some("rooms_max"));
        assert_eq!(nearest("xyz", known), None, "all its letters are wrong");
        assert_eq!(nearest("", known), None);
        assert_eq!(nearest(&"rooms_max".repeat(100), known), None);
    }
}
