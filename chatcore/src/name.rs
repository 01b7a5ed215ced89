//! User names: what may be one, and which spellings are the same one.
//!
//! Names follow RFC 8265, profile `UsernameCaseMapped`: full-width forms become their ordinary ones,
//! upper case becomes lower, the result is normalised (NFC), and control characters, spaces, symbols,
//! direction overrides and unassigned code points are refused. Two spellings that map to the same text
//! are the same user. On top of the RFC, `#`, `@` and `:` are refused, because they introduce a room, a
//! recipient and a body.
//!
//! Without the `unicode` feature only ASCII names are known; what they map to is the same.

use alloc::borrow::Cow;
use core::fmt;

use compact_str::CompactString;

/// Bytes of a name once mapped, at the most.
pub const NAME_BYTES_MAX: usize = 32;

/// Bytes of a name as somebody typed it, at the most. Mapping shortens: the widest spelling of a
/// 32 byte name stays below this.
pub const SPELLING_BYTES_MAX: usize = 128;

/// What every room's name begins with, and no user's.
pub(crate) const ROOM_SIGN: char = '#';

/// Units of a hub's work for each byte of a name that has to be mapped by the tables of Unicode.
pub(crate) const MAPPED_BYTE_COST: u32 = 4;

/// How often the mapping is applied again until it changes nothing (RFC 8264, section 7).
#[cfg(feature = "unicode")]
const APPLICATIONS_MAX: usize = 3;

/// Characters that no name holds, because they have a meaning around names.
const RESERVED: [char; 3] = ['#', '@', ':'];

/// Units of a hub's work for mapping a name.
pub(crate) fn cost_of_mapping(spelling: &str) -> u32 {
    let bytes = u32::try_from(spelling.len().min(SPELLING_BYTES_MAX)).unwrap_or_default();
    if spelling.is_ascii() { 1 } else { bytes * MAPPED_BYTE_COST }
}

/// A user's name, mapped: 1 to [`NAME_BYTES_MAX`] bytes. Equal names are equal bytes.
///
/// ```
/// use chatcore::UserName;
///
/// let name: UserName = "Alice".parse()?;
/// assert_eq!(name.as_str(), "alice");
/// # Ok::<(), chatcore::NameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserName(CompactString);

impl UserName {
    /// Maps a spelling to the name it stands for.
    ///
    /// Fails with the exact reason if no user can have such a name.
    pub fn new(spelling: &str) -> Result<Self, NameError> {
        map(spelling).map(|mapped| Self(CompactString::from(mapped)))
    }

    /// A name that a hub has already mapped, as a client receives it: only its size is checked, so that
    /// a client which knows less of Unicode than its hub still shows every name.
    pub(crate) fn from_hub(mapped: &str) -> Option<Self> {
        (1..=NAME_BYTES_MAX).contains(&mapped.len()).then(|| Self(CompactString::from(mapped)))
    }

    /// The mapped name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl core::str::FromStr for UserName {
    type Err = NameError;

    fn from_str(spelling: &str) -> Result<Self, NameError> {
        Self::new(spelling)
    }
}

/// A room's name, mapped: `#`, and then what could be a user's name. Equal names are equal bytes.
///
/// ```
/// use chatcore::RoomName;
///
/// let room: RoomName = "#Lobby".parse()?;
/// assert_eq!(room.as_str(), "#lobby");
/// # Ok::<(), chatcore::NameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomName(CompactString);

impl RoomName {
    /// Maps a spelling, with its `#`, to the name it stands for.
    ///
    /// Fails with the exact reason if no room can have such a name.
    pub fn new(spelling: &str) -> Result<Self, NameError> {
        let rest = spelling.strip_prefix(ROOM_SIGN).ok_or(NameError::NoRoom)?;
        let mapped = map(rest)?;
        let mut name = CompactString::with_capacity(ROOM_SIGN.len_utf8() + mapped.len());
        name.push(ROOM_SIGN);
        name.push_str(&mapped);
        Ok(Self(name))
    }

    /// A name that a hub has already mapped, as [`UserName::from_hub`].
    pub(crate) fn from_hub(mapped: &str) -> Option<Self> {
        let name = mapped.strip_prefix(ROOM_SIGN)?;
        (1..=NAME_BYTES_MAX).contains(&name.len()).then(|| Self(CompactString::from(mapped)))
    }

    /// The mapped name, with its `#`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl core::str::FromStr for RoomName {
    type Err = NameError;

    fn from_str(spelling: &str) -> Result<Self, NameError> {
        Self::new(spelling)
    }
}

impl fmt::Display for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl AsRef<str> for UserName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

/// Why a spelling is no user's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// A room's name was asked for, and the sign of a room is missing.
    #[error("the name of a room begins with {ROOM_SIGN}")]
    NoRoom,
    /// Nothing was given.
    #[error("a name is empty: it needs 1 to {NAME_BYTES_MAX} bytes")]
    Empty,
    /// More than [`SPELLING_BYTES_MAX`] bytes as typed, or more than [`NAME_BYTES_MAX`] once mapped.
    #[error("a name of {bytes} bytes is too long: at most {bytes_max} bytes are allowed")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The limit that it passes.
        bytes_max: usize,
    },
    /// A character that no name may hold.
    #[error("a name may not hold U+{:04X} (character {position}): letters and digits of any script and most ASCII signs are allowed, spaces, control characters and # @ : are not", *.character as u32)]
    Forbidden {
        /// The character.
        character: char,
        /// Its place, counted in characters from 1.
        position: usize,
    },
    /// Right-to-left and left-to-right characters together in a way that would not read the same
    /// everywhere (RFC 5893).
    #[error("a name may not mix writing directions this way (RFC 5893)")]
    Directions,
    /// A character that only some neighbours allow stands at the border, where it has none.
    #[error("a name may not hold a character without the neighbours that it needs (RFC 5892, appendix A)")]
    Context,
    /// Mapping it again and again never comes to rest (RFC 8264, section 7).
    #[error("a name may not change each time it is mapped (RFC 8264, section 7)")]
    Unstable,
    /// Text beyond ASCII, met by a build without the `unicode` feature.
    #[error("a name beyond ASCII: this program was built without the chatcore feature `unicode`")]
    NotAscii,
}

/// Maps a spelling to its name, without a copy where it is mapped already.
pub(crate) fn map(spelling: &str) -> Result<Cow<'_, str>, NameError> {
    if spelling.len() > SPELLING_BYTES_MAX {
        return Err(NameError::TooLong { bytes: spelling.len(), bytes_max: SPELLING_BYTES_MAX });
    }
    let mapped = if spelling.is_ascii() { map_ascii(spelling)? } else { map_unicode(spelling)? };
    if mapped.is_empty() {
        return Err(NameError::Empty);
    }
    if mapped.len() > NAME_BYTES_MAX {
        return Err(NameError::TooLong { bytes: mapped.len(), bytes_max: NAME_BYTES_MAX });
    }
    Ok(mapped)
}

/// RFC 8264's ASCII7 is every printable ASCII character but space; lower case is its only mapping.
fn map_ascii(spelling: &str) -> Result<Cow<'_, str>, NameError> {
    // Nearly every name comes as it was shown.
    let is_mapped =
        |byte: u8| byte.is_ascii_graphic() && !byte.is_ascii_uppercase() && !RESERVED.contains(&char::from(byte));
    if spelling.bytes().all(is_mapped) {
        return Ok(Cow::Borrowed(spelling));
    }
    refuse(spelling, |c| !c.is_ascii_graphic() || RESERVED.contains(&c))?;
    Ok(Cow::Owned(spelling.to_ascii_lowercase()))
}

#[cfg(feature = "unicode")]
fn map_unicode(spelling: &str) -> Result<Cow<'static, str>, NameError> {
    use precis_core::profile::Profile;
    use precis_core::{Error, UnexpectedError};

    let profile = precis_profiles::UsernameCaseMapped::new();
    let enforce = |text: &str| {
        profile.enforce(text).map(Cow::into_owned).map_err(|error| match error {
            // The latter: a character that only some neighbours allow (RFC 5892, appendix A).
            Error::BadCodepoint(info)
            | Error::Unexpected(
                UnexpectedError::ContextRuleNotApplicable(info) | UnexpectedError::MissingContextRule(info),
            ) => NameError::Forbidden {
                character: char::from_u32(info.cp).unwrap_or(char::REPLACEMENT_CHARACTER),
                position: info.position + 1,
            },
            Error::Unexpected(_) => NameError::Context,
            Error::Invalid => NameError::Directions,
        })
    };
    // What is a name must be its own mapping, or a user could not be reached under the name shown. RFC 8264,
    // section 7, applies the rules again until nothing changes, and refuses what does not come to rest.
    let mut mapped = enforce(spelling)?;
    for _ in 0..APPLICATIONS_MAX {
        let again = enforce(&mapped)?;
        if again == mapped {
            // Full-width forms have become ASCII only now.
            refuse(&mapped, |c| RESERVED.contains(&c))?;
            return Ok(Cow::Owned(mapped));
        }
        mapped = again;
    }
    Err(NameError::Unstable)
}

#[cfg(not(feature = "unicode"))]
fn map_unicode(_spelling: &str) -> Result<Cow<'static, str>, NameError> {
    Err(NameError::NotAscii)
}

fn refuse(text: &str, forbidden: impl Fn(char) -> bool) -> Result<(), NameError> {
    match text.chars().enumerate().find(|(_, c)| forbidden(*c)) {
        Some((index, character)) => Err(NameError::Forbidden { character, position: index + 1 }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};
    use proptest::prelude::*;

    #[test]
    fn a_room_is_a_sign_and_a_name() {
        assert_eq!(RoomName::new("#Lobby").unwrap().as_str(), "#lobby");
        assert_eq!(RoomName::new("lobby"), Err(NameError::NoRoom));
        assert_eq!(RoomName::new("#"), Err(NameError::Empty));
        assert_eq!(RoomName::new("##x"), Err(NameError::Forbidden { character: '#', position: 1 }));
        assert!(RoomName::new(&alloc::format!("#{}", "x".repeat(NAME_BYTES_MAX))).is_ok());
        assert!(UserName::new("#lobby").is_err(), "no user is a room");
    }

    fn name(spelling: &str) -> Result<String, NameError> {
        UserName::new(spelling).map(|name| name.to_string())
    }

    #[track_caller]
    fn forbidden(spelling: &str, character: char, position: usize) {
        assert_eq!(name(spelling), Err(NameError::Forbidden { character, position }), "{spelling:?}");
    }

    #[test]
    fn spellings_of_one_name_map_to_it() {
        assert_eq!(name("alice"), Ok("alice".into()));
        assert_eq!(name("ALICE"), Ok("alice".into()));
        assert_eq!(name("r2-d2_!"), Ok("r2-d2_!".into()));
    }

    #[cfg(feature = "unicode")]
    #[test]
    fn unicode_look_alikes_fold_to_their_equal() {
        assert_eq!(name("\u{ff41}\u{ff4c}\u{ff29}\u{ff43}\u{ff45}"), Ok("alice".into()), "full-width");
        assert_eq!(name("zoe\u{308}"), name("ZO\u{cb}"), "combining");
        assert_eq!(name("ÉMILE"), Ok("émile".into()));
        assert_eq!(name("山田"), Ok("山田".into()));
    }

    #[test]
    fn what_is_no_name_is_refused_with_the_exact_reason() {
        assert_eq!(name(""), Err(NameError::Empty));
        assert_eq!(name(&"a".repeat(33)), Err(NameError::TooLong { bytes: 33, bytes_max: NAME_BYTES_MAX }));
        assert_eq!(name(&"a".repeat(129)), Err(NameError::TooLong { bytes: 129, bytes_max: SPELLING_BYTES_MAX }));
        assert!(name(&"a".repeat(32)).is_ok());
        forbidden("#x", '#', 1);
        forbidden("@x", '@', 1);
        forbidden("x:y", ':', 2);
        forbidden("a b", ' ', 2);
        forbidden("ab\0", '\0', 3);
        forbidden("ab\n", '\n', 3);
        forbidden("\x1b[31m", '\x1b', 1);
        forbidden("x\x7f", '\x7f', 2);
    }

    #[cfg(feature = "unicode")]
    #[test]
    fn forbidden_unicode_is_refused_with_the_character() {
        forbidden("bob\u{202e}", '\u{202e}', 4);
        forbidden("\u{ff03}x", '#', 1);
        forbidden("\u{378}", '\u{378}', 1);
        forbidden("\u{85}", '\u{85}', 1);
        forbidden("a\u{200b}", '\u{200b}', 2);
        forbidden("\u{13a0}", '\u{ab70}', 1);
        assert_eq!(name("é\u{b7}"), Err(NameError::Context));
        assert_eq!(name("l\u{b7}l"), Ok("l·l".into()), "as in Catalan");
        forbidden("é\u{b7}a", '\u{b7}', 2);
        assert_eq!(name("a\u{5d0}"), Err(NameError::Directions));
        assert_eq!(
            NameError::Forbidden { character: '\u{202e}', position: 4 }.to_string(),
            "a name may not hold U+202E (character 4): letters and digits of any script and most ASCII \
             signs are allowed, spaces, control characters and # @ : are not"
        );
    }

    #[cfg(not(feature = "unicode"))]
    #[test]
    fn names_beyond_ascii_need_the_unicode_feature() {
        assert_eq!(name("zoë"), Err(NameError::NotAscii));
    }

    proptest! {
        #[test]
        fn mapping_is_idempotent(spelling in "\\PC{0,12}|[ -~]{0,40}|\\p{L}{1,8}") {
            if let Ok(mapped) = UserName::new(&spelling) {
                prop_assert!((1..=NAME_BYTES_MAX).contains(&mapped.as_str().len()));
                prop_assert_eq!(UserName::new(mapped.as_str()), Ok(mapped));
            }
        }
    }
}
