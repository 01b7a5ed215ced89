//! Why a spelling is no name.

use core::fmt;

use super::bounds::{NAME_BYTES_MAX, ROOM_SIGN, UNICODE_VERSION};

/// Why a spelling can be no name of a user or a room (protocol.md, *Names*).
///
/// `character` is a character as it was typed, and `position` is its place in the spelling, counted in
/// characters from 1. `Display` names the rule and says what would be right, in at most
/// [`DETAIL_BYTES_MAX`](crate::DETAIL_BYTES_MAX) bytes.
///
/// ```
/// use chatcore::UserName;
///
/// let error = UserName::new("bob smith").unwrap_err();
/// assert!(error.to_string().starts_with("a name may not hold U+0020 (character 4)"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// A spelling for a room does not begin with `#`.
    #[error("the name of a room begins with {ROOM_SIGN}, not with {}", CharacterAt(*.character, *.position))]
    NoRoom {
        /// The character.
        character: char,
        /// Its place: it is the first.
        position: usize,
    },
    /// The spelling is empty.
    #[error("a name is empty: it needs 1 to {NAME_BYTES_MAX} bytes")]
    Empty,
    /// The spelling has more than [`SPELLING_BYTES_MAX`](crate::SPELLING_BYTES_MAX) bytes, or the mapped name has more
    /// than [`NAME_BYTES_MAX`].
    #[error("a name of {bytes} bytes is too long: at most {bytes_max} bytes are allowed")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The limit that it exceeds.
        bytes_max: usize,
    },
    /// A character that no name may hold (RFC 8264, section 9).
    #[error(
        "a name may not hold {}: letters and digits of any script and most ASCII signs are allowed, spaces, \
         control characters and # @ : are not", CharacterAt(*.character, *.position)
    )]
    Forbidden {
        /// The character.
        character: char,
        /// Its place.
        position: usize,
    },
    /// A compatibility form of other characters, such as a ligature or a superscript (RFC 8264, section 9.17).
    #[error(
        "a name may not hold {}, which is a form of other characters (RFC 8264, 9.17): write those",
        CharacterAt(*.character, *.position)
    )]
    Variant {
        /// The character.
        character: char,
        /// Its place.
        position: usize,
    },
    /// A code point to which no character is assigned in the hub's version of Unicode.
    #[error(
        "a name may not hold {}, which is no character in Unicode {}: write one that is",
        CharacterAt(*.character, *.position), Version
    )]
    Unassigned {
        /// The code point.
        character: char,
        /// Its place.
        position: usize,
    },
    /// A character that is allowed only beside certain others (RFC 5892, appendix A).
    #[error(
        "a name may hold {} only {} (RFC 5892, appendix A)", CharacterAt(*.character, *.position), context_of(*.character)
    )]
    Context {
        /// The character.
        character: char,
        /// Its place.
        position: usize,
    },
    /// Right-to-left and left-to-right characters together in a way that would not read the same everywhere (RFC
    /// 5893, section 2).
    #[error(
        "a name with right-to-left letters {}: {} is against rule {rule} of RFC 5893", right_direction(*.rule),
        CharacterAt(*.character, *.position)
    )]
    Directions {
        /// The character that breaks the rule.
        character: char,
        /// Its place.
        position: usize,
        /// Which of the six conditions it breaks.
        rule: u8,
    },
    /// A combining mark where there is no letter before it.
    #[error(
        "a name may not begin with a combining mark, as {} is: put a letter before it", CharacterAt(*.character, *.position)
    )]
    LeadingMark {
        /// The mark.
        character: char,
        /// Its place.
        position: usize,
    },
    /// More nonspacing marks in a row than the script's spelling needs, or one mark twice (UTS 39, section 5.4).
    #[error(
        "a name may not hold {}: at most {marks_max} marks in a row are allowed here, and none twice (UTS 39, 5.4)",
        CharacterAt(*.character, *.position)
    )]
    Marks {
        /// The first mark that is too many.
        character: char,
        /// Its place.
        position: usize,
        /// How many may follow each other on that letter.
        marks_max: usize,
    },
    /// Two scripts that are not written together (UTS 39, section 5.2, *highly restrictive*).
    #[error(
        "a name may not mix {script} with {other}, as it does at {}: write it in one script, or Latin with Chinese, \
         Japanese or Korean (UTS 39, 5.2)", CharacterAt(*.character, *.position)
    )]
    Scripts {
        /// The first character that does not go with those before it.
        character: char,
        /// Its place.
        position: usize,
        /// Its script.
        script: &'static str,
        /// The script of what is before it.
        other: &'static str,
    },
    /// The spelling is not ASCII, and this build has no `unicode` feature.
    #[error("a name beyond ASCII: this program was built without the chatcore feature `unicode`")]
    NotAscii,
}

impl NameError {
    /// The same, where `characters` more stand before the text that was judged.
    #[must_use]
    pub(super) fn after(mut self, characters: usize) -> Self {
        match &mut self {
            Self::NoRoom { position, .. }
            | Self::Forbidden { position, .. }
            | Self::Variant { position, .. }
            | Self::Unassigned { position, .. }
            | Self::Context { position, .. }
            | Self::Directions { position, .. }
            | Self::LeadingMark { position, .. }
            | Self::Marks { position, .. }
            | Self::Scripts { position, .. } => *position += characters,
            Self::Empty | Self::TooLong { .. } | Self::NotAscii => {}
        }
        self
    }
}

/// `U+0041 (character 3)`: many of these characters cannot be shown, or would change how the sentence is shown.
struct CharacterAt(char, usize);

impl fmt::Display for CharacterAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "U+{:04X} (character {})", u32::from(self.0), self.1)
    }
}

/// The version of Unicode, as people write it.
struct Version;

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor, patch) = UNICODE_VERSION;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// Where RFC 5892 allows the character, or one that is mapped to such a character.
fn context_of(character: char) -> &'static str {
    match character {
        '\u{b7}' | '\u{387}' => "between two l",
        '\u{375}' => "before a Greek letter",
        '\u{5f3}' | '\u{5f4}' => "after a Hebrew letter",
        '\u{30fb}' | '\u{ff65}' => "with Hiragana, Katakana or Han",
        '\u{660}'..='\u{669}' | '\u{6f0}'..='\u{6f9}' => "without the other kind of Arabic-Indic digits",
        '\u{200c}' => "after a virama, or between letters that would join",
        '\u{200d}' => "after a virama",
        _ => "beside the characters that it needs",
    }
}

/// What the rule of RFC 5893 asks for.
fn right_direction(rule: u8) -> &'static str {
    match rule {
        1 => "begins with a letter",
        2 => "holds no left-to-right ones",
        3 => "ends with a letter or a digit",
        4 => "holds European or Arabic digits, not both",
        _ => "does not begin with a left-to-right one",
    }
}
