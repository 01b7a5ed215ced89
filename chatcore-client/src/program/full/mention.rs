//! Whether a message names somebody.

use unicode_width::UnicodeWidthChar;

use crate::UserName;

/// Bytes of a message that are searched for a name.
const SEARCHED_BYTES_MAX: usize = 16 << 10;

/// Bytes that a spelling of a name may take for each byte of the name.
const SPELLING_FACTOR: usize = 4;

/// Spellings of one message that are compared with a name: each takes about a microsecond.
const SPELLINGS_MAX: usize = 200;

/// Spellings that are compared in one turn of the program, at the most, however many messages it shows.
const TURN_SPELLINGS_MAX: usize = 2_000;

/// How many spellings are still compared in this turn. What is ASCII costs none.
#[derive(Debug)]
pub(super) struct Spellings {
    left: usize,
    /// The name stands in the body that was searched last.
    has_found: bool,
}

impl Default for Spellings {
    fn default() -> Self {
        Self { left: TURN_SPELLINGS_MAX, has_found: false }
    }
}

impl Spellings {
    /// Whether the name stands in the body that was searched last in this turn.
    pub(super) const fn has_found(&self) -> bool {
        self.has_found
    }
}

/// Whether a name stands in a body as a word, spelled in any way that the server takes for it. When so many were
/// compared that there is no time for more, it is looked for as it is spelled, where what is ASCII may be in any case.
pub(super) fn names(body: &[u8], name: &str, spellings: &mut Spellings) -> bool {
    let body = &body[..body.len().min(SEARCHED_BYTES_MAX)];
    let is_named = !name.is_empty() && body.utf8_chunks().any(|chunk| stands_in(chunk.valid(), name, spellings));
    spellings.has_found = is_named;
    is_named
}

fn stands_in(text: &str, name: &str, budget: &mut Spellings) -> bool {
    if text.is_ascii() || budget.left == 0 {
        return if name.is_ascii() {
            stands_in_ascii(text.as_bytes(), name.as_bytes())
        } else {
            stands_in_as_spelled(text, name)
        };
    }
    let mut before = None;
    let starts = text.char_indices().filter(|(at, c)| {
        let is_start = is_of_word(*c) && !before.is_some_and(is_of_word);
        before = Some(*c);
        is_start && may_begin(&text[*at..], name)
    });
    let spellings = starts.flat_map(|(at, _)| words(&text[at..], name.len() * SPELLING_FACTOR));
    let mut compared = 0;
    let mut spellings = spellings.take(SPELLINGS_MAX.min(budget.left)).inspect(|_| compared += 1);
    let is_named = spellings.any(|words| UserName::new(words).is_ok_and(|spelled| spelled.as_str() == name));
    budget.left -= compared;
    is_named
}

/// Whether a spelling of the name may begin here: with its first letter in any case, with one in full or half width, or
/// with a letter whose mark is a character of its own. Most words cannot be, and need not be compared.
fn may_begin(text: &str, name: &str) -> bool {
    let mut chars = text.chars();
    let Some(c) = chars.next() else { return false };
    c.to_lowercase().next() == name.chars().next()
        || matches!(c, '\u{ff00}'..='\u{ffef}')
        || chars.next().is_some_and(|next| !next.is_ascii() && next.width() == Some(0))
}

fn stands_in_ascii(text: &[u8], name: &[u8]) -> bool {
    let is_of_word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    text.windows(name.len()).enumerate().any(|(at, window)| {
        window.eq_ignore_ascii_case(name)
            && !is_of_word(at.checked_sub(1).and_then(|before| text.get(before)))
            && !is_of_word(text.get(at + name.len()))
    })
}

fn stands_in_as_spelled(text: &str, name: &str) -> bool {
    text.match_indices(name)
        .any(|(at, _)| !text[..at].ends_with(is_of_word) && !text[at + name.len()..].starts_with(is_of_word))
}

/// The first word of a text, the first two and what is between them, and so on, up to so many bytes.
fn words(text: &str, bytes_max: usize) -> impl Iterator<Item = &str> {
    let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]).skip(1);
    let is_end = |end: &usize| !text[*end..].starts_with(is_of_word) && text[..*end].ends_with(is_of_word);
    ends.take_while(move |end| *end <= bytes_max).filter(is_end).map(|end| &text[..end])
}

/// Letters, their marks and digits.
fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || !c.is_ascii() && c.width() == Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In a turn of its own.
    fn names(body: &[u8], name: &str) -> bool {
        super::names(body, name, &mut Spellings::default())
    }

    #[test]
    fn a_name_is_found_as_a_word_in_any_case() {
        for body in [
            "alice",
            "hello Alice!",
            "@ALICE: look",
            "(alice)",
            "ask alice's brother",
            "wörter, alice",
            "ａｌｉｃｅ?",
            "ä Alice",
        ] {
            assert!(names(body.as_bytes(), "alice"), "{body}");
        }
        for body in ["malice", "alices", "ali ce", "", "al\u{ef}ce", "wörter, malice", "alice2"] {
            assert!(!names(body.as_bytes(), "alice"), "{body}");
        }
    }

    #[test]
    fn names_of_other_scripts_are_found_too() {
        assert!(names("сказал ВАНЯ вчера".as_bytes(), "ваня"));
        assert!(!names("сказал ванята".as_bytes(), "ваня"));
        // Composed or not, it is the same name.
        assert!(names("oh, Ame\u{301}lie!".as_bytes(), "amélie"));
        assert!(names(b"\xff\xfe guest-7 \xff", "guest-7"));
    }

    /// The work for one message is bounded: what comes after so many words is not looked at.
    #[test]
    fn a_message_of_many_words_costs_no_more_than_a_bound() {
        let words = "В ".repeat(4_000);
        assert!(!names(format!("{words} ваня").as_bytes(), "ваня"));
        assert!(names(format!("ваня {words}").as_bytes(), "ваня"));
    }

    /// The work for all messages of a turn, too: thousands of them come in one.
    #[test]
    fn the_messages_of_one_turn_cost_no_more_than_a_bound() {
        let body = "a\u{301}.".repeat(40);
        let mut spellings = Spellings::default();
        let left: Vec<usize> = (0..1_000)
            .map(|_| {
                assert!(!super::names(body.as_bytes(), "alice", &mut spellings));
                spellings.left
            })
            .collect();
        assert!(left[0] < TURN_SPELLINGS_MAX && left[0] >= TURN_SPELLINGS_MAX - SPELLINGS_MAX, "{}", left[0]);
        assert_eq!(left[999], 0);
        assert!(super::names(b"hello Alice!", "alice", &mut spellings), "that costs none");
        assert!(super::names("wörter, alice".as_bytes(), "alice", &mut spellings), "nor does its plain spelling");
        assert!(!super::names("ａｌｉｃｅ?".as_bytes(), "alice", &mut spellings));
        for (body, is_named) in [("сказал ваня вчера", true), ("ваня", true), ("ванята", false), ("диваня", false)]
        {
            assert_eq!(super::names(body.as_bytes(), "ваня", &mut spellings), is_named, "{body}");
        }
    }

    #[test]
    fn a_nobody_is_never_named() {
        assert!(!names(b"hello", ""));
    }
}
