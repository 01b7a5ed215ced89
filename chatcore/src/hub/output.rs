//! What a hub tells its driver.

use core::fmt;

use crate::name::{RoomName, UserName};
use crate::wire::{ErrorCode, Fault};

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

/// What the driver must do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// There is something to write: [`Hub::transmit`](super::Hub::transmit) has it. This comes once, when there was nothing
    /// before; go on until there is nothing again, waiting for the transport as often as it takes.
    Write {
        /// The connection.
        conn: ConnId,
    },
    /// Drop the connection: what had to be written is, or its time is over. The id is unknown from now on.
    Close {
        /// The connection.
        conn: ConnId,
        /// Why.
        reason: CloseReason,
    },
    /// A name is held here from now on.
    Joined {
        /// Whose connection.
        conn: ConnId,
        /// The name.
        name: UserName,
    },
    /// The connection of a name is lost; the name is still held, and its session waits to be resumed.
    Parked {
        /// Which connection. If the driver did not say itself that it is gone, a [`Close`](Self::Close) follows.
        conn: ConnId,
        /// The name.
        name: UserName,
        /// Why.
        reason: CloseReason,
    },
    /// The session of a name goes on with a new connection.
    Resumed {
        /// The new connection.
        conn: ConnId,
        /// The name.
        name: UserName,
    },
    /// A name is free again, its session over. If it had a connection, a [`Close`](Self::Close) follows when that is
    /// written out, unless the driver itself said that the connection is gone.
    Left {
        /// The name.
        name: UserName,
        /// Why.
        reason: CloseReason,
    },
    /// A room has its first member here.
    RoomOpened {
        /// The room.
        room: RoomName,
    },
    /// A room has no member here any more.
    RoomClosed {
        /// The room.
        room: RoomName,
    },
}

/// Why a connection or a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// The client said goodbye.
    #[error("goodbye")]
    Left,
    /// The transport broke.
    #[error("the connection broke")]
    Disconnected,
    /// The client was silent for longer than the idle time.
    #[error("nothing was heard from the client for the idle time")]
    TimedOut,
    /// The client left too much unread.
    #[error("the client did not keep up with what it was sent")]
    SlowConsumer,
    /// Another connection goes on with the session.
    #[error("another connection resumed the session")]
    TakenOver,
    /// The connection broke, and no other resumed the session in time.
    #[error("the session was not resumed in time")]
    Expired,
    /// The client came back, but what it says it has does not fit what it was sent.
    #[error("the client and the server do not agree on what was sent, so the session cannot go on")]
    OutOfStep,
    /// The hub is stopping.
    #[error("the server is shutting down")]
    ShuttingDown,
    /// An operator ended it.
    #[error("an operator ended the session")]
    Kicked,
    /// The client broke the protocol.
    #[error("protocol error: {0}")]
    Fault(Fault),
    /// The client says that this hub broke the protocol.
    #[error("the client reports a protocol error: {0}")]
    Accused(ErrorCode),
}

/// The driver named a connection that the hub does not have: never admitted, or closed or disconnected
/// since. This is the driver's fault, never a peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("connection {0} is not known to the hub: it was closed or disconnected before, or belongs to another hub")]
pub struct UnknownConn(pub ConnId);
