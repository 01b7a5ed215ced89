//! What others send, made harmless: a terminal that is given raw control characters can be told to do
//! things, and text that runs the other way can show what is not there.

use std::fmt::Write;

/// Whether a character must not reach a terminal as it is: controls, and format characters that change how
/// the text around them is shown or that cannot be seen at all. The joiners U+200C and U+200D stay, because
/// writing systems and emoji need them and they do no harm.
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e007f}')
}

/// Bytes as a person may see them: text as it is, unsafe characters and bytes that are no text escaped.
pub(crate) fn escape(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_unsafe(c) {
                shown.extend(c.escape_default());
            } else {
                shown.push(c);
            }
        }
        for byte in chunk.invalid() {
            write!(shown, "\\x{byte:02x}").expect("a String takes everything");
        }
    }
    shown
}

/// JSON text, with the unsafe characters that JSON allows escaped as well. They can only stand inside of strings.
pub(crate) fn escape_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        if is_unsafe(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(shown, "\\u{unit:04x}").expect("a String takes everything");
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_could_mislead_is_spelled_out() {
        assert_eq!(escape(b"plain \xc3\xa9"), "plain é");
        assert_eq!(escape(b"\x1b[2J\r\n\t\x07\x7f"), "\\u{1b}[2J\\r\\n\\t\\u{7}\\u{7f}");
        assert_eq!(escape("\u{9b}31m\u{202e}\u{2066}".as_bytes()), "\\u{9b}31m\\u{202e}\\u{2066}");
        assert_eq!(escape(b"\xff\xc3("), "\\xff\\xc3(");
        assert_eq!(escape("👩\u{200d}🚀".as_bytes()), "👩\u{200d}🚀");
    }

    #[test]
    fn json_stays_json() {
        let text = "a\u{7f}\u{9b}\u{202e}\u{e0041}\n\"";
        let json = escape_json(&serde_json::to_string(text).unwrap());
        assert_eq!(json, r#""a\u007f\u009b\u202e\udb40\udc41\n\"""#);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }

    proptest! {
        #[test]
        fn nothing_unsafe_is_shown(bytes in proptest::collection::vec(any::<u8>(), 0..80), text in any::<String>()) {
            prop_assert!(!escape(&bytes).contains(is_unsafe));
            prop_assert!(!escape(text.as_bytes()).contains(is_unsafe));
            let json = escape_json(&serde_json::to_string(&text).unwrap());
            prop_assert!(!json.contains(is_unsafe));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
