//! How the hub and its driver name a connection.

use core::fmt;

/// A connection that a hub has admitted. Never used twice by one hub (up to 2³² connections).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId {
    pub(super) index: u32,
    pub(super) serial: u32,
}

impl ConnId {
    /// A small number, unlike that of any other connection which is there at the same time: an index for
    /// the driver's own table. It is used again once the connection is gone.
    pub const fn index(self) -> usize {
        self.index as usize
    }
}

impl fmt::Display for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.serial)
    }
}

impl fmt::Debug for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}@{}", self.index)
    }
}

/// The driver named a connection that the hub does not have: never admitted, or closed or disconnected
/// since. This is a bug of the driver, never an error of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("connection {0} is not known to the hub: it was closed or disconnected before, or belongs to another hub")]
pub struct UnknownConn(pub ConnId);
