//! How the hub and its driver name a session.

use core::fmt;

/// The id of a session of a hub: one device of a user, attached to a connection or not. A hub uses no id twice (within
/// 2³² sessions). Where it begins to number them comes from its seed: an id of a hub with another seed, such as the one
/// before a restart, is unknown to it, but for a chance of one in 2³² for each.
///
/// It is shown as its [`index`](Self::index), and with [`Debug`](fmt::Debug) whole. Ids have an order, so that they can
/// be keys; it is not that in which sessions began.
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
        write!(f, "session {}", self.index)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}@{:08x}", self.serial)
    }
}
