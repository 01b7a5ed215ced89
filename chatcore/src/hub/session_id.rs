//! How the hub and its driver name a session.

use core::fmt;

/// The id of a session of a hub: one device of a user, attached to a connection or not. A hub uses no id twice (within 2³²
/// sessions).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SessionId {
    pub(super) index: u32,
    pub(super) serial: u32,
}

impl SessionId {
    /// A small number that no other session has at the same time: an index for the embedder's own table. The hub uses
    /// the number again when the session has ended.
    pub const fn index(self) -> usize {
        self.index as usize
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "session {}", self.serial)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}@{}", self.index)
    }
}
