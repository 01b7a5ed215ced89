//! What a client tells its driver.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use crate::name::{RoomName, UserName};
use crate::wire::{
    Announced, DeliveryStatus, ErrorCode, GoodbyeCode, LeaveCode, MessageId, OtherProtocol, ProtocolError, RefusalCode,
    RejectCode, Token,
};

/// What a client learns.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The name is ours.
    Registered {
        /// As the hub mapped it.
        name: UserName,
        /// As in [`User`].
        display_name: Option<String>,
        /// What the hub allows.
        limits: Announced,
    },
    /// The name is not ours; another can be tried, or the same one again. It is not asked for by itself any more, also
    /// on the next connection.
    Refused {
        /// Why, for programs.
        code: RefusalCode,
        /// Why, for people. The hub's words: escape them before a terminal shows them.
        detail: String,
        /// After which time it may be worth to try again, if the hub knows.
        wait: Option<Duration>,
    },
    /// The connection is lost, and the session waits for another one. A transport that is still there is to be dropped;
    /// [`Connect`](Self::Connect) follows when a new one is to be made. What is sent meanwhile waits in the outbox.
    /// Without a session, after [`Refused`](Self::Refused), that waits until a name is asked for.
    Reconnecting {
        /// Why the connection was lost, or could not be made.
        why: Closed,
        /// Attempts since the session was last connected, the coming one included.
        attempt: u32,
        /// How long until then, at the least.
        after: Duration,
    },
    /// A new transport is to be made: call [`Client::connected`](super::Client::connected) when it stands, or
    /// [`Client::disconnect`](super::Client::disconnect) if it cannot be made.
    Connect {
        /// Where to, in the transport's notation, if the hub said so; none for the same place. The hub's words.
        address: Option<String>,
    },
    /// The session goes on with a new connection: nothing was lost, and nothing comes twice.
    Resumed,
    /// The hub does not have the session any more: the client registers anew. It is in no room, and watches nobody.
    ///
    /// What was sent and not answered before has an unknown fate, unless its number is at least `unsent_from`:
    /// that never went out.
    SessionLost {
        /// The number of the first send or request that certainly went nowhere.
        unsent_from: u64,
    },
    /// A message came.
    Message {
        /// Rises from one message of a hub to the next, and holds the hub's time.
        id: MessageId,
        /// Who sent it.
        from: UserName,
        /// The room that it was sent to; none if to us alone.
        room: Option<RoomName>,
        /// What was sent: opaque bytes.
        body: Vec<u8>,
    },
    /// The hub has taken responsibility for what was sent.
    Accepted {
        /// What [`Client::send`](super::Client::send) returned.
        number: u64,
        /// The id under which the recipient, or the room, gets it.
        id: MessageId,
    },
    /// A request is done.
    Done {
        /// What the request returned.
        number: u64,
    },
    /// A message or a request came to nothing.
    Rejected {
        /// What the request returned.
        number: u64,
        /// Why.
        code: RejectCode,
    },
    /// A user's session ended before it acknowledged messages of ours that were accepted for it. Of messages to rooms
    /// nothing is reported.
    Report {
        /// What is known of them.
        status: DeliveryStatus,
        /// The user.
        to: UserName,
        /// Which messages.
        ids: Vec<MessageId>,
    },
    /// A page of who is online.
    Online {
        /// What [`Client::who`](super::Client::who) returned.
        number: u64,
        /// Who, in no order that means anything.
        users: Vec<User>,
        /// What to give to [`Client::who`](super::Client::who) for the next page; none on the last.
        next: Option<u64>,
    },
    /// A page of who is in a room.
    Members {
        /// What [`Client::roster`](super::Client::roster) returned.
        number: u64,
        /// Who, in no order that means anything.
        users: Vec<User>,
        /// What to give to [`Client::roster`](super::Client::roster) for the next page; none on the last.
        next: Option<u64>,
    },
    /// Somebody has come into a room that we are in. A hub does not tell this in rooms with many members.
    Joined {
        /// The room.
        room: RoomName,
        /// Who.
        name: UserName,
        /// As in [`User`].
        display_name: Option<String>,
    },
    /// Somebody has gone out of a room that we are in. A hub does not tell this in rooms with many members.
    Left {
        /// The room.
        room: RoomName,
        /// Who.
        name: UserName,
        /// Why.
        reason: LeaveCode,
    },
    /// Messages of a room are missing in this place: we had left so much unacknowledged that the hub had no room for
    /// them.
    Missed {
        /// The room.
        room: RoomName,
        /// The id of the first message that is missing.
        first_id: MessageId,
        /// The id of the last one.
        last_id: MessageId,
        /// How many are missing.
        count: u64,
    },
    /// Not every change of a room's membership was told, because the hub had no room for it:
    /// [`Client::roster`](super::Client::roster) tells who is there now.
    Stale {
        /// The room.
        room: RoomName,
    },
    /// Somebody whom we watch is online, or is not.
    Presence {
        /// Who.
        name: UserName,
        /// Its session lives, connected or waiting to be resumed.
        online: bool,
        /// As in [`User`]; none if it is not online.
        display_name: Option<String>,
    },
    /// It is over. Nothing follows.
    Closed(Closed),
}

/// A user in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name: what messages come from, and what the user is compared by.
    pub name: UserName,
    /// The spelling with which the user registered, to be shown in place of the name; none if that is the name. Only what
    /// maps to the name, as far as this client knows of Unicode, is told, so that nobody can be shown as somebody else.
    pub display_name: Option<String>,
}

impl User {
    /// What to show of it.
    pub fn shown(&self) -> &str {
        self.display_name.as_deref().unwrap_or(self.name.as_str())
    }
}

/// What a program keeps, so that when it is started again it can be the client that it was: see
/// [`Client::resume`](super::Client::resume).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionTicket {
    /// The session's name.
    pub name: UserName,
    /// The spelling with which the user registered; none if that is the name. If the session is lost, it registers so
    /// again. What maps to another name is left out of account.
    pub display_name: Option<String>,
    /// The session's secret: to be stored where nobody else can read it.
    pub token: Token,
    /// The last attempt to resume the session. A program that was started again sets this to a number that is higher than
    /// any in a process before it, such as the milliseconds since 1970: of two processes, the hub then believes the
    /// later one (protocol.md, *Sessions*).
    pub attempt: u64,
}

/// Why a client's connection ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Closed {
    /// We left.
    #[error("left")]
    Left,
    /// The hub ended it in an orderly way.
    #[error("{}", farewell(*code, detail, reconnect.as_ref()))]
    Goodbye {
        /// Why, for programs.
        code: GoodbyeCode,
        /// Why, for people. The hub's words: escape them before a terminal shows them.
        detail: String,
        /// When, and perhaps where, to connect again.
        reconnect: Option<Reconnect>,
    },
    /// The hub does not take us back at present. This is a reason to try again later, never the end.
    #[error("{detail}")]
    Refused {
        /// Why, for programs.
        code: RefusalCode,
        /// Why, for people. The hub's words: escape them before a terminal shows them.
        detail: String,
    },
    /// The hub says that we broke the protocol.
    #[error("the server reports a protocol error, {code}: {detail}")]
    Error {
        /// How, for programs.
        code: ErrorCode,
        /// How, for people. The hub's words: escape them before a terminal shows them.
        detail: String,
    },
    /// The hub broke the protocol.
    #[error("the server broke the protocol: {0}")]
    ProtocolError(ProtocolError),
    /// There is no hub at the other end.
    #[error("the server speaks {0}, not chatcore")]
    OtherProtocol(OtherProtocol),
    /// The hub was silent for too long.
    #[error("nothing was heard from the server for too long")]
    TimedOut,
    /// The transport broke.
    #[error("the connection to the server broke")]
    Disconnected,
}

/// A hub's goodbye in words.
fn farewell(code: GoodbyeCode, detail: &str, reconnect: Option<&Reconnect>) -> String {
    let why = if detail.is_empty() { code.to_string() } else { detail.to_string() };
    match reconnect {
        None => why,
        Some(Reconnect { after, address: None }) => format!("{why}; connect again after {after:?}"),
        Some(Reconnect { after, address: Some(address) }) => format!("{why}; connect to {address} after {after:?}"),
    }
}

/// A hub's hint about the next connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconnect {
    /// How long to wait first.
    pub after: Duration,
    /// Where to, in the transport's notation; none for the same place. The hub's words.
    pub address: Option<String>,
}

/// A command that cannot be done. Nothing was written, and the connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// It needs a name first.
    #[error("not registered yet: ask for a name first")]
    NotRegistered,
    /// A name was asked for before.
    #[error("a registration is under way or done: one connection has one name")]
    Registered,
    /// The connection is over, or a goodbye was said.
    #[error("the connection is closed")]
    Closed,
    /// No name is so long.
    #[error("a name of {bytes} bytes is too long: at most {bytes_max} bytes are allowed")]
    NameTooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// No credential is so long.
    #[error("a credential of {bytes} bytes is too long: at most {bytes_max} bytes are allowed")]
    CredentialTooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The hub takes no list of this length.
    #[error("{names} names are too many at once: the server takes {names_max} short ones at the most")]
    TooManyNames {
        /// How many.
        names: usize,
        /// The limit that the hub announced; a frame may hold fewer if they are long.
        names_max: usize,
    },
    /// The hub takes no body of this length.
    #[error("a message of {bytes} bytes is too long: the server takes {bytes_max} bytes at the most")]
    BodyTooLong {
        /// Its length.
        bytes: usize,
        /// The limit that the hub announced, or what fits a frame of our own if that is less.
        bytes_max: usize,
    },
    /// Too many requests have no answer yet; this passes when answers come.
    #[error("{requests_max} requests wait for an answer of the server: try again when it has answered some")]
    TooManyPending {
        /// The limit.
        requests_max: usize,
    },
    /// Too much is not acknowledged yet; this passes when acknowledgements come.
    #[error("{bytes_max} bytes wait for the server already: try again when it has acknowledged some")]
    OutboxFull {
        /// The limit.
        bytes_max: u32,
    },
}

impl ClientError {
    /// The same request may be made later, when the hub has acknowledged or answered some.
    pub const fn passes(&self) -> bool {
        matches!(self, Self::OutboxFull { .. } | Self::TooManyPending { .. })
    }
}
