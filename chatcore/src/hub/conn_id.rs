//! How the hub and its driver name a connection.

use core::fmt;

/// The id of a connection that a hub has admitted. A hub uses no id twice (within 2³² connections). Where it begins to
/// number them comes from its seed: an id of a hub with another seed, such as the one before a restart, is unknown to
/// it, but for a chance of one in 2³² for each.
///
/// It is shown as its [`index`](Self::index), and with [`Debug`](fmt::Debug) whole. Ids have an order, so that they can
/// be keys; it is not that in which connections began.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ConnId {
    pub(super) index: u32,
    pub(super) serial: u32,
}

impl ConnId {
    /// A small number that no other connection has at the same time: an index for the driver's own table. The hub
    /// uses the number again when the connection is gone.
    pub const fn index(self) -> usize {
        self.index as usize
    }
}

impl fmt::Display for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.index)
    }
}

impl fmt::Debug for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}@{:08x}", self.serial)
    }
}

/// The driver named a connection that the hub does not have: the hub never admitted it, or it was closed or
/// disconnected. This is a bug of the driver, never an error of a peer. The field is the id that the driver gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("connection {0} is not known to the hub: it was closed or disconnected before, or belongs to another hub")]
pub struct UnknownConn(pub ConnId);
