//! What others send, made harmless: a terminal that is given raw control characters can be told to do
//! things, and text that runs the other way can show what is not there.

use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

/// Marks on one letter, at the most. More are spelled out or left out, so that no letter reaches into other lines.
pub(crate) const MARKS_MAX: usize = 4;

/// What the flags of countries that are parts of others begin with.
const FLAG: char = '\u{1f3f4}';

/// What such a flag ends with. Between the two, as many tags spell the country.
const FLAG_END: char = '\u{e007f}';
const FLAG_TAGS_MIN: usize = 3;
const FLAG_TAGS_MAX: usize = 6;

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

/// Whether a character is obeyed by terminals, or is seen by nobody.
pub(crate) fn is_hidden(c: char) -> bool {
    is_unsafe(c) || is_blank_letter(c) || is_noncharacter(c)
}

/// Letters that are drawn as nothing, and are no blanks.
const fn is_blank_letter(c: char) -> bool {
    matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}')
}

/// Code points that are no characters, and the one that replaces what is no text: some terminals leave it out, so that
/// a mark on it would go onto the cell before.
const fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fffd}' | '\u{fdd0}'..='\u{fdef}') || c as u32 & 0xfffe == 0xfffe
}

/// What is shown in place of a character that nobody sees, and that belongs into texts: hyphens for breaking words,
/// places for breaking lines, and marks of direction. Terminals disagree whether these take a cell.
pub(crate) const fn stand_in(c: char) -> Option<char> {
    match c {
        '\u{ad}' => Some('-'),
        '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{2060}' | '\u{feff}' => Some('·'),
        _ => None,
    }
}

/// Whether a character must not stand in a text that is shown as a text. What breaks words, and what gives the sign
/// after it a direction, does no more harm than a blank or a letter does.
fn is_misleading(c: char) -> bool {
    is_unsafe(c) && !matches!(c, '\t' | '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2060}')
}

/// Names and words as a person may see them: unsafe characters and bytes that are no text are spelled out.
pub(crate) fn escape(bytes: &[u8]) -> String {
    spell_out(bytes, &FOR_NAMES)
}

/// What a person said, on one line: what could mislead is spelled out, and what belongs into texts stays.
pub(crate) fn escape_body(bytes: &[u8]) -> String {
    spell_out(bytes, &FOR_TEXTS)
}

/// The same in cells of a terminal, where each character that stays can be seen, or may take a cell.
pub(crate) fn escape_for_cells(bytes: &[u8]) -> String {
    spell_out(bytes, &FOR_CELLS)
}

/// What becomes of characters.
struct Rules {
    is_bad: fn(char) -> bool,
    /// What is shown in place of one, whether it is bad or not.
    stand_in: fn(char) -> Option<char>,
    /// What stays as a whole with which a text begins.
    whole: for<'a> fn(&'a str) -> Option<&'a str>,
}

const FOR_NAMES: Rules = Rules { is_bad: is_unsafe, stand_in: |_| None, whole: |_| None };
const FOR_TEXTS: Rules = Rules { is_bad: is_misleading, stand_in: |_| None, whole: flag };
const FOR_CELLS: Rules = Rules { is_bad: |c| c != '\t' && is_hidden(c), stand_in, whole: flag };

/// The flag with which a text begins that holds characters which nobody sees.
pub(crate) fn flag(text: &str) -> Option<&str> {
    let tags = text.strip_prefix(FLAG)?;
    let is_tag = |c: char| matches!(c, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}');
    let rest = tags.trim_start_matches(is_tag);
    let count = tags[..tags.len() - rest.len()].chars().count();
    let rest = rest.strip_prefix(FLAG_END).filter(|_| (FLAG_TAGS_MIN..=FLAG_TAGS_MAX).contains(&count))?;
    Some(&text[..text.len() - rest.len()])
}

fn spell_out(bytes: &[u8], rules: &Rules) -> String {
    let mut shown = String::with_capacity(bytes.len());
    let mut marks = 0;
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some(c) = rest.chars().next() {
            if let Some(whole) = (rules.whole)(rest) {
                (rest, marks) = (&rest[whole.len()..], 0);
                shown.push_str(whole);
                continue;
            }
            rest = &rest[c.len_utf8()..];
            marks = marks_with(marks, c);
            if let Some(other) = (rules.stand_in)(c) {
                shown.push(other);
            } else if (rules.is_bad)(c) || marks > MARKS_MAX && is_mark(c) {
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

/// Takes no place of its own, and is seen.
fn is_mark(c: char) -> bool {
    c.width() == Some(0) && !is_unsafe(c) && !matches!(c, '\u{200c}' | '\u{200d}')
}

/// The marks on the letter before, with this character. What is not seen begins no letter.
fn marks_with(marks: usize, c: char) -> usize {
    match c.width() {
        Some(0) => marks + usize::from(is_mark(c)),
        _ => 0,
    }
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

    /// P15 of the faults that were found.
    #[test]
    fn what_is_harmless_in_a_text_stays_in_it() {
        let england = "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}";
        for text in [england, "🇩🇪", "so\u{ad}ft", "(א)\u{200f}", "ไทย\u{200b}ไทย", "a\tb", "\u{2060}", "❤\u{fe0f}"]
        {
            assert_eq!(escape_body(text.as_bytes()), text);
        }
        // Tags that spell no country hide a text.
        for text in ["\u{1f3f4}\u{e0067}\u{e0062}", "x\u{e0067}\u{e0062}\u{e0065}\u{e007f}", "\u{1f3f4}\u{e007f}"] {
            assert!(escape_body(text.as_bytes()).contains("\\u{e00"), "{text:?}");
        }
        let hidden = format!("\u{1f3f4}{}\u{e007f}", "\u{e0061}".repeat(7));
        assert!(!escape_body(hidden.as_bytes()).contains('\u{e0061}'));
        assert_eq!(
            escape_body("\u{202e}\u{2066}\u{2028}\r\n\x1b".as_bytes()),
            "\\u{202e}\\u{2066}\\u{2028}\\r\\n\\u{1b}"
        );
        assert_eq!(escape("so\u{ad}ft".as_bytes()), "so\\u{ad}ft", "in a name it makes two names look like one");
    }

    /// P4 of the faults that were found.
    #[test]
    fn in_cells_nothing_stays_that_nobody_sees() {
        let england = "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}";
        for text in [england, "🇩🇪", "a\tb", "❤\u{fe0f}", "👩\u{200d}🚀"] {
            assert_eq!(escape_for_cells(text.as_bytes()), text);
        }
        assert_eq!(escape_for_cells("so\u{ad}ft ไทย\u{200b}ไทย (א)\u{200f}".as_bytes()), "so-ft ไทย·ไทย (א)·");
        for hidden in ["\u{3164}", "\u{115f}", "\u{fffd}", "\u{fdd0}", "\u{2066}", "\u{202e}", "\u{180e}", "\r"] {
            let shown = escape_for_cells(hidden.as_bytes());
            assert!(shown.is_ascii() && shown.starts_with('\\'), "{hidden:?}: {shown}");
        }
    }

    /// P4 of the faults that were found.
    #[test]
    fn a_letter_bears_four_marks_at_the_most() {
        assert_eq!(
            escape_body("ệ\u{301}\u{302}\u{303}\u{304}x\u{301}".as_bytes()),
            "ệ\u{301}\u{302}\u{303}\u{304}x\u{301}"
        );
        for between in ["", "\u{200d}", "\u{200b}", "\u{34f}"] {
            let tower = format!("a{}", ["\u{301}", between].concat().repeat(3000));
            for escape in [escape, escape_body, escape_for_cells] {
                let shown = escape(tower.as_bytes());
                assert!(shown.matches('\u{301}').count() <= 4, "{between:?}");
            }
        }
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
        fn nothing_that_misleads_is_shown_of_a_body(text in nasty_text()) {
            let harmless = ['\t', '\u{61c}', '\u{200e}', '\u{200f}', '\u{200b}', '\u{2060}'];
            let shown = escape_body(text.as_bytes());
            prop_assert!(!shown.contains(|c| is_forbidden(c) && !harmless.contains(&c)));
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
