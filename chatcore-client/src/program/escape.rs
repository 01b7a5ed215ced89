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

    /// What no output may hold, written down once more and not taken from [`is_unsafe`].
    fn is_forbidden(c: char) -> bool {
        let ranges = [
            ('\0', '\x1f'),           // C0
            ('\x7f', '\u{9f}'),       // DEL and C1
            ('\u{61c}', '\u{61c}'),   // direction marks,
            ('\u{200e}', '\u{200f}'), // ...
            ('\u{202a}', '\u{202e}'), // embeddings and overrides,
            ('\u{2066}', '\u{2069}'), // isolates
            ('\u{2028}', '\u{2029}'), // line and paragraph separators
            ('\u{200b}', '\u{200b}'), // what cannot be seen
            ('\u{2060}', '\u{2064}'),
            ('\u{feff}', '\u{feff}'),
            ('\u{e0001}', '\u{e007f}'),
        ];
        ranges.iter().any(|(first, last)| (*first..=*last).contains(&c))
    }

    /// Text in which what is forbidden is frequent.
    fn nasty_text() -> impl Strategy<Value = String> {
        let nasty = prop_oneof![
            any::<char>(),
            prop::char::range('\0', '\u{a0}'),
            prop::char::range('\u{200a}', '\u{2070}'),
            prop::char::range('\u{e0000}', '\u{e0080}'),
            Just('\u{61c}'),
            Just('\u{feff}'),
        ];
        prop::collection::vec(nasty, 0..40).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn nothing_unsafe_is_shown(
            before in nasty_text(),
            bytes in prop::collection::vec(any::<u8>(), 0..20),
            after in nasty_text(),
        ) {
            let all = [before.as_bytes(), &bytes, after.as_bytes()].concat();
            prop_assert!(!escape(&all).contains(is_forbidden));
        }

        #[test]
        fn json_shows_nothing_unsafe_and_loses_nothing(text in nasty_text()) {
            let json = escape_json(&serde_json::to_string(&text).unwrap());
            prop_assert!(!json.contains(is_forbidden));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }

        #[test]
        fn what_is_safe_is_shown_as_it_is(text in "[ -~äß中🚀]{0,40}") {
            prop_assert_eq!(escape(text.as_bytes()), text);
        }
    }
}
