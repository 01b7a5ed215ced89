//! Names of users and rooms: what may be one, which spellings are the same one, and which look alike.
//!
//! A name is a spelling mapped by RFC 8265, profile `UsernameCaseMapped`: full-width forms become their ordinary ones,
//! upper case becomes lower, and the result is composed (NFC). Two spellings that map to the same text are the same
//! user. Only then it is judged: by RFC 8264's `IdentifierClass`, by RFC 5892's rules about neighbours, by RFC 5893's
//! about directions, and by UTS 39's about marks and scripts. On top of these, `#`, `@` and `:` are refused, because
//! they introduce a room, a recipient and a body. The chapter *Names* of the book has the rules one by one.
//!
//! Without the `unicode` feature only ASCII names are known; what they map to is the same.
//!
//! | file | |
//! |---|---|
//! | `mod.rs` | the types, and ASCII, which nearly all names are |
//! | `bounds.rs` | how long a name may be, and what stands around names |
//! | `error.rs` | why a spelling is refused |
//! | `unicode.rs` | the order of what follows |
//! | `mapping.rs` | which spellings are one name |
//! | `class.rs`, `context.rs`, `bidi.rs`, `marks.rs`, `scripts.rs` | what may be a name, rule by rule |
//! | `broken_rule.rs`, `origin.rs` | from the rule that a mapped name breaks to the character that was typed |
//! | `confusable.rs` | which names look alike |

#[cfg(feature = "unicode")]
mod bidi;
mod bounds;
#[cfg(feature = "unicode")]
mod broken_rule;
#[cfg(feature = "unicode")]
mod class;
#[cfg(feature = "unicode")]
mod confusable;
#[cfg(feature = "unicode")]
mod context;
mod error;
#[cfg(feature = "unicode")]
mod mapping;
#[cfg(feature = "unicode")]
mod marks;
#[cfg(feature = "unicode")]
mod origin;
#[cfg(feature = "unicode")]
mod scripts;
#[cfg(feature = "unicode")]
mod unicode;

use alloc::borrow::Cow;
use core::fmt;

use compact_str::CompactString;

pub(crate) use bounds::ROOM_SIGN;
pub use bounds::{NAME_BYTES_MAX, SPELLING_BYTES_MAX, UNICODE_VERSION};
pub use error::NameError;

use bounds::RESERVED;

/// Units of a hub's work for each byte of a name that has to be mapped by the tables of Unicode.
pub(crate) const MAPPED_BYTE_COST: u32 = 4;

/// Units of a hub's work for mapping a name.
pub(crate) fn cost_of_mapping(spelling: &str) -> u32 {
    let bytes = u32::try_from(spelling.len().min(SPELLING_BYTES_MAX)).unwrap_or_default();
    if spelling.is_ascii() { 1 } else { bytes * MAPPED_BYTE_COST }
}

/// A user's name, mapped (protocol.md, *Names*): 1 to [`NAME_BYTES_MAX`] bytes. Two names are equal if their bytes are.
///
/// ```
/// use chatcore::UserName;
///
/// let name: UserName = "Alice".parse()?;
/// assert_eq!(name.as_str(), "alice");
/// assert_eq!(name, UserName::new("ALICE")?);
/// # Ok::<(), chatcore::NameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserName(CompactString);

impl UserName {
    /// Maps a spelling to the name that it stands for.
    ///
    /// # Errors
    ///
    /// Why no user can have such a name.
    pub fn new(spelling: &str) -> Result<Self, NameError> {
        map(spelling).map(|mapped| Self(CompactString::from(mapped)))
    }

    /// A name that a hub has already mapped, as a client receives it: only its size is checked, so that
    /// a client which knows less of Unicode than its hub still shows every name.
    pub(crate) fn from_hub(mapped: &str) -> Option<Self> {
        is_sized(mapped).then(|| Self(CompactString::from(mapped)))
    }

    /// The mapped name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a spelling maps to this name.
    pub(crate) fn has_spelling(&self, spelling: &str) -> bool {
        Self::new(spelling).is_ok_and(|mapped| mapped == *self)
    }

    /// The same, as far as this client can tell: without the tables of Unicode it maps no spelling beyond ASCII.
    #[cfg(feature = "client")]
    pub(crate) fn may_have_spelling(&self, spelling: &str) -> bool {
        match Self::new(spelling) {
            Ok(mapped) => mapped == *self,
            Err(error) => error == NameError::NotAscii,
        }
    }

    /// A key for what this name looks like: people easily confuse two names with equal keys (UTS 39, section 4;
    /// protocol.md, *Names*).
    ///
    /// A name in ASCII is its own key, so that `bob1` and `bobl` may both exist. In the key of any other name, each
    /// character that looks like another one is replaced by that one. Only compare a key with other keys: do not show
    /// it, and do not store it, because it changes with [`UNICODE_VERSION`]. Without the feature `unicode` every name
    /// is its own key.
    ///
    /// ```
    /// # #[cfg(feature = "unicode")] {
    /// use chatcore::UserName;
    ///
    /// let (latin, cyrillic) = (UserName::new("cop")?, UserName::new("\u{441}\u{43e}\u{440}")?);
    /// assert_ne!(latin, cyrillic);
    /// assert_eq!(latin.confusable_key(), cyrillic.confusable_key());
    /// # }
    /// # Ok::<(), chatcore::NameError>(())
    /// ```
    pub fn confusable_key(&self) -> Cow<'_, str> {
        #[cfg(feature = "unicode")]
        return confusable::key(self.as_str());
        #[cfg(not(feature = "unicode"))]
        Cow::Borrowed(self.as_str())
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

/// A room's name, mapped (protocol.md, *Names*): `#`, and after it a text that can be a user's name. Two names are
/// equal if their bytes are.
///
/// ```
/// use chatcore::{NameError, RoomName};
///
/// let room: RoomName = "#Lobby".parse()?;
/// assert_eq!(room.as_str(), "#lobby");
/// assert_eq!(RoomName::new("lobby"), Err(NameError::NoRoom { character: 'l', position: 1 }));
/// # Ok::<(), NameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomName(CompactString);

impl RoomName {
    /// Maps a spelling, with its `#`, to the name that it stands for.
    ///
    /// # Errors
    ///
    /// Why no room can have such a name.
    pub fn new(spelling: &str) -> Result<Self, NameError> {
        let Some(rest) = spelling.strip_prefix(ROOM_SIGN) else {
            let first = spelling.chars().next();
            return Err(first.map_or(NameError::Empty, |character| NameError::NoRoom { character, position: 1 }));
        };
        // Places are counted in the whole spelling.
        let mapped = map(rest).map_err(|error| error.after(1))?;
        let mut name = CompactString::with_capacity(ROOM_SIGN.len_utf8() + mapped.len());
        name.push(ROOM_SIGN);
        name.push_str(&mapped);
        Ok(Self(name))
    }

    /// A name that a hub has already mapped, as [`UserName::from_hub`].
    pub(crate) fn from_hub(mapped: &str) -> Option<Self> {
        is_room_sized(mapped).then(|| Self(CompactString::from(mapped)))
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

impl AsRef<str> for RoomName {
    fn as_ref(&self) -> &str {
        self.as_str()
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

/// A mapped user's name has this many bytes, whatever they are.
pub(crate) fn is_sized(mapped: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&mapped.len())
}

/// The same of a room's.
pub(crate) fn is_room_sized(mapped: &str) -> bool {
    mapped.strip_prefix(ROOM_SIGN).is_some_and(is_sized)
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
    unicode::map(spelling)
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
mod tests;
