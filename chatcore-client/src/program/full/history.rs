//! What was said before in this run, to be said again.

use std::collections::VecDeque;

/// Texts that are kept, at the most.
const TEXTS_MAX: usize = 500;

/// Their bytes, at the most.
const TEXTS_BYTES_MAX: usize = 1 << 20;

/// What was said, from the oldest on. Each conversation has its own: what was said to one is not said to another by a
/// slip.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Where, and what.
    texts: VecDeque<(String, String)>,
    bytes: usize,
}

impl History {
    pub(super) fn push(&mut self, place: &str, text: &str) {
        if self.get(place, 1) == Some(text) {
            return;
        }
        self.bytes += place.len() + text.len();
        self.texts.push_back((place.to_owned(), text.to_owned()));
        while self.texts.len() > TEXTS_MAX || self.bytes > TEXTS_BYTES_MAX {
            let Some((place, text)) = self.texts.pop_front() else { return };
            self.bytes -= place.len() + text.len();
        }
    }

    /// What was said there so many texts ago, from 1.
    pub(super) fn get(&self, place: &str, ago: usize) -> Option<&str> {
        let mut texts = self.texts.iter().rev().filter(|(said_at, _)| said_at == place);
        texts.nth(ago.checked_sub(1)?).map(|(_, text)| text.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_conversation_has_its_own() {
        let mut history = History::default();
        for (place, text) in [("#a", "one"), ("bob", "secret"), ("#a", "two"), ("#a", "two")] {
            history.push(place, text);
        }
        assert_eq!([1, 2, 3].map(|ago| history.get("#a", ago)), [Some("two"), Some("one"), None]);
        assert_eq!([0, 1, 2].map(|ago| history.get("bob", ago)), [None, Some("secret"), None]);
    }

    #[test]
    fn it_is_bounded() {
        let mut history = History::default();
        for number in 0..TEXTS_MAX * 2 {
            history.push("#a", &number.to_string());
        }
        assert_eq!(history.texts.len(), TEXTS_MAX);
        history.push("#a", &"x".repeat(TEXTS_BYTES_MAX));
        assert!(history.texts.is_empty() && history.bytes == 0);
    }
}
