//! Text that arrives in pieces.

/// Bytes of the longest character.
const CHAR_BYTES_MAX: usize = 4;

/// The start of a character whose rest has not come yet.
#[derive(Debug, Default)]
pub(super) struct Utf8 {
    partial: [u8; CHAR_BYTES_MAX - 1],
    partial_bytes: u8,
}

impl Utf8 {
    /// Whether the text is still valid with this piece. A byte that can follow nothing that is there makes it invalid
    /// at once.
    pub(super) fn accepts(&mut self, mut piece: &[u8]) -> bool {
        while self.partial_bytes > 0 {
            let Some((first, rest)) = piece.split_first() else { return true };
            piece = rest;
            let known = usize::from(self.partial_bytes);
            let mut character = [0; CHAR_BYTES_MAX];
            character[..known].copy_from_slice(&self.partial[..known]);
            character[known] = *first;
            match str::from_utf8(&character[..=known]) {
                Ok(_) => self.partial_bytes = 0,
                // Four bytes are a character or none, so there is room for what is not whole.
                Err(error) if error.error_len().is_none() => {
                    self.partial[known] = *first;
                    self.partial_bytes += 1;
                }
                Err(_) => return false,
            }
        }
        match str::from_utf8(piece) {
            Ok(_) => true,
            Err(error) if error.error_len().is_none() => {
                let rest = &piece[error.valid_up_to()..];
                self.partial[..rest.len()].copy_from_slice(rest);
                self.partial_bytes = u8::try_from(rest.len()).expect("it is less than a character");
                true
            }
            Err(_) => false,
        }
    }

    /// Whether the text may end here.
    pub(super) const fn is_whole(&self) -> bool {
        self.partial_bytes == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many bytes are accepted, one by one.
    fn accepted(text: &[u8]) -> usize {
        let mut utf8 = Utf8::default();
        text.iter().take_while(|byte| utf8.accepts(&[**byte])).count()
    }

    #[test]
    fn text_is_valid_however_it_is_cut() {
        let text = "κόσμε, 🦀 and \u{10FFFF}\u{0}\u{7FF}\u{800}\u{FFFF}";
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let mut utf8 = Utf8::default();
                let pieces = [&text.as_bytes()[..first], &text.as_bytes()[first..second], &text.as_bytes()[second..]];
                assert!(pieces.iter().all(|piece| utf8.accepts(piece)), "cut at {first} and {second}");
                assert!(utf8.is_whole());
            }
        }
    }

    #[test]
    fn the_first_byte_that_cannot_follow_is_refused() {
        for (text, valid) in [
            (&b"a\x80"[..], 1),
            (b"\xC0\x80", 0),
            (b"\xE0\x9F\x80", 1),
            (b"\xED\xA0\x80", 1),
            (b"\xF0\x8F\x80\x80", 1),
            (b"\xF4\x90\x80\x80", 1),
            (b"\xF5\x80\x80\x80", 0),
            (b"\xFF", 0),
            (b"\xF0\x9F\xA6a", 3),
        ] {
            assert_eq!(accepted(text), valid, "{text:x?}");
            assert!(!Utf8::default().accepts(text), "{text:x?} at once");
        }
    }

    #[test]
    fn a_character_that_is_cut_is_not_whole() {
        let mut utf8 = Utf8::default();
        assert!(utf8.accepts("🦀".as_bytes().split_last().unwrap().1));
        assert!(!utf8.is_whole());
    }
}
