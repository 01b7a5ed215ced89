//! What a client tells its program.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use crate::name::{RoomName, UserName};
use crate::reconnect::Reconnect;
use crate::wire::{
    Announced, DeliveryStatus, ErrorCode, GoodbyeCode, LeaveCode, MessageId, OtherProtocol, ProtocolError, RefusalCode,
    RejectCode, Token,
};

/// What a client tells its program: [`Client::poll_event`](super::Client::poll_event) returns it.
///
/// *We* in these descriptions means the user of this client. There may be more events, and more in each: a program
/// matches them with `..`, and has an arm for what it does not know. A test gets them from a client and a hub in
/// memory, or with the feature `serde` from text.
///
/// With the feature `serde`, an event is its name and its fields, such as `{"done":{"number":7}}`. Codes are the
/// numbers of protocol.md, times are text with a unit (`"1500ms"`), and a body is a sequence of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Event {
    /// We have the name, and a session begins (protocol.md, *welcome*).
    #[non_exhaustive]
    Registered {
        /// The name, as the hub mapped it.
        #[cfg_attr(feature = "serde", serde(with = "crate::form::mapped"))]
        name: UserName,
        /// As in [`User`].
        #[cfg_attr(feature = "serde", serde(default))]
        display_name: Option<String>,
        /// What the hub allows.
        limits: Announced,
    },
    /// We do not get the name (protocol.md, *refused*). The program may try another name, or the same one again: that
    /// may help after `wait` if there is one, or later if the code [passes](RefusalCode::passes). The client does not
    /// ask for it again by itself, not even on the next connection. With
    /// [`ClientConfig::keeps_trying`](super::ClientConfig::keeps_trying) it does if that may help: then
    /// [`Reconnecting`](Self::Reconnecting) comes in place of this.
    #[non_exhaustive]
    Refused {
        /// Why, for programs.
        code: RefusalCode,
        /// Why, for people. The hub wrote this text: escape it before a terminal shows it.
        detail: String,
        /// The time after which it may be worth trying again; none if the hub does not know.
        #[cfg_attr(feature = "serde", serde(with = "crate::form::duration::option"))]
        wait: Option<Duration>,
    },
    /// The connection is lost, and the client makes another one. Drop the transport if it is still there.
    /// [`Connect`](Self::Connect) follows when it is time for that. What the program sends meanwhile waits in the
    /// outbox.
    #[non_exhaustive]
    Reconnecting {
        /// Why the connection was lost, or could not be made.
        why: Closed,
        /// How many attempts there are since a connection last held a session for
        /// [`Backoff::reset_after`](super::Backoff::reset_after), the next one included.
        attempt: u32,
        /// How long the client waits before the next attempt, at the least.
        #[cfg_attr(feature = "serde", serde(with = "crate::form::duration"))]
        after: Duration,
    },
    /// The connection is lost after a [`Refused`](Self::Refused), and the client makes no other one by itself: there is
    /// nothing that it could ask the hub for. Drop the transport if it is still there. If the program asks for a name
    /// ([`Client::register`](super::Client::register)), [`Connect`](Self::Connect) follows. Otherwise close the client.
    /// It comes only with [`ClientConfig::keeps_trying`](super::ClientConfig::keeps_trying), or after a
    /// [`SessionLost`](Self::SessionLost).
    #[non_exhaustive]
    Disconnected {
        /// Why the connection was lost.
        why: Closed,
    },
    /// The client wants a new transport. Call [`Client::connected`](super::Client::connected) when it stands, or
    /// [`Client::disconnect`](super::Client::disconnect) if it cannot be made.
    #[non_exhaustive]
    Connect {
        /// Where to connect to, in the transport's notation; none for the same place. The hub wrote this text.
        address: Option<String>,
    },
    /// The session goes on with a new connection. Nothing is lost, and nothing comes twice.
    Resumed,
    /// The hub does not have the session any more, and the client registers anew. We are in no room, and watch nobody.
    ///
    /// Nobody knows what became of requests without an answer, with one exception: those with a number of `unsent_from`
    /// or above never went out.
    #[non_exhaustive]
    SessionLost {
        /// The number of the first request that certainly did not go out.
        unsent_from: u64,
    },
    /// A message has come.
    #[non_exhaustive]
    Message {
        /// Its id, which holds the hub's time. Ids rise in the order in which the hub accepts messages.
        id: MessageId,
        /// The sender.
        #[cfg_attr(feature = "serde", serde(with = "crate::form::mapped"))]
        from: UserName,
        /// The room that the message was sent to; none if it was sent to us alone.
        #[cfg_attr(feature = "serde", serde(with = "crate::form::mapped::option"))]
        room: Option<RoomName>,
        /// The body: opaque bytes.
        #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))]
        body: Vec<u8>,
    },
    /// Another session of ours has sent a message to a user, and the hub has accepted it (protocol.md, *sent*). What
    /// another session of ours says in a room comes as a [`Message`](Self::Message) from our own name.
    #[non_exhaustive]
    Sent {
        /// Its id.
        id: MessageId,
        /// The recipient.
        #[cfg_attr(feature = "serde", serde(with = "crate::form::mapped"))]
        to: UserName,
        /// The body: opaque bytes.
        #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))]
        body: Vec<u8>,
    },
    /// We have another name from now on: an operator has renamed us (protocol.md, *renamed*). What we sent before bears
    /// the old name. The [`ticket`](super::Client::ticket) has the new one: a program that stores it does so again. If
    /// the session is lost, the client registers with the new name.
    #[non_exhaustive]
    Renamed {
        /// The name before, as far as the client knew it. It is the new one if only the display name changes, and if a
        /// program that was started again had stored the new ticket.
        #[cfg_attr(feature = "serde", serde(with = "crate::form::mapped"))]
        from: UserName,
        /// The name.
        #[cfg_attr(feature = "serde", serde(with = "crate::form::mapped"))]
        name: UserName,
        /// As in [`User`].
        #[cfg_attr(feature = "serde", serde(default))]
        display_name: Option<String>,
        /// Why, for people. The hub wrote this text: escape it before a terminal shows it.
        detail: String,
    },
    /// The hub has taken responsibility for a message (protocol.md, *accepted and rejected*).
    Accepted {
        /// The number that [`Client::send`](super::Client::send) returned.
        number: u64,
        /// The id with which the recipient, or the members of the room, get the message.
        id: MessageId,
    },
    /// A join, a leave, a watch or an unwatch is done.
    Done {
        /// The number that the call returned.
        number: u64,
    },
    /// The hub has not done a request, and no part of it.
    #[non_exhaustive]
    Rejected {
        /// The number that the call returned.
        number: u64,
        /// Why.
        code: RejectCode,
    },
    /// A user's session has ended before the user acknowledged messages of ours, which the hub had accepted
    /// (protocol.md, *Reports*). There are no reports about messages to rooms.
    #[non_exhaustive]
    Report {
        /// What the hub knows about these messages.
        status: DeliveryStatus,
        /// The recipient.
        #[cfg_attr(feature = "serde", serde(with = "crate::form::mapped"))]
        to: UserName,
        /// The messages, by the ids in their [`Accepted`](Self::Accepted).
        ids: Vec<MessageId>,
    },
    /// A page of the users who are online.
    #[non_exhaustive]
    Online {
        /// The number that [`Client::who`](super::Client::who) returned.
        number: u64,
        /// The users, in no order that means anything. A page may be empty and not the last.
        users: Vec<User>,
        /// The cursor for [`Client::who`](super::Client::who) to get the next page; none on the last page.
        next: Option<u64>,
    },
    /// A page of the members of a room.
    #[non_exhaustive]
    Members {
        /// The number that [`Client::roster`](super::Client::roster) returned.
        number: u64,
        /// The members, in no order that means anything. A page may be empty and not the last.
        users: Vec<User>,
        /// The cursor for [`Client::roster`](super::Client::roster) to get the next page; none on the last page.
        next: Option<u64>,
    },
    /// A page of the rooms that we are in and the users that we watch.
    #[non_exhaustive]
    Subscribed {
        /// The number that [`Client::subscriptions`](super::Client::subscriptions) returned.
        number: u64,
        /// The rooms, in no order that means anything. What is on one page may be on another one, too, and a page may
        /// be empty and not the last.
        #[cfg_attr(feature = "serde", serde(with = "crate::form::mapped::list"))]
        rooms: Vec<RoomName>,
        /// The users, likewise. An [`Event::Presence`](Self::Presence) tells the state of those that are watched again.
        #[cfg_attr(feature = "serde", serde(with = "crate::form::mapped::list"))]
        users: Vec<UserName>,
        /// The cursor for [`Client::subscriptions`](super::Client::subscriptions) to get the next page; none on the
        /// last page.
        next: Option<u64>,
    },
    /// Another user has joined a room that we are in. A hub does not tell this in rooms with many members:
    /// more than 100, if its program does not set another number (`Limits::announced_members_max`). With our own
    /// name: another session of ours has joined the room, or we were in it when this session began. Then we are in it.
    #[non_exhaustive]
    Joined {
        /// The room.
        #[cfg_attr(feature = "serde", serde(with = "crate::form::mapped"))]
        room: RoomName,
        /// The user.
        #[cfg_attr(feature = "serde", serde(with = "crate::form::mapped"))]
        name: UserName,
        /// As in [`User`].
        #[cfg_attr(feature = "serde", serde(default))]
        display_name: Option<String>,
    },
    /// Another user has left a room that we are in. A hub does not tell this in rooms with many members:
    /// more than 100, if its program does not set another number (`Limits::announced_members_max`). With our own
    /// name: another session of ours has left the room. Then we are not in it.
    #[non_exhaustive]
    Left {
        /// The room.
        #[cfg_attr(feature = "serde", serde(with = "crate::form::mapped"))]
        room: RoomName,
        /// The user.
        #[cfg_attr(feature = "serde", serde(with = "crate::form::mapped"))]
        name: UserName,
        /// Why.
        code: LeaveCode,
    },
    /// Messages of a room are missing in this place (protocol.md, *missed and stale*). The hub left them out, because
    /// we had left too much unacknowledged, or because they are longer than the frames that we take.
    #[non_exhaustive]
    Missed {
        /// The room.
        #[cfg_attr(feature = "serde", serde(with = "crate::form::mapped"))]
        room: RoomName,
        /// The id of the first message that is missing.
        first_id: MessageId,
        /// The id of the last message that is missing.
        last_id: MessageId,
        /// How many messages are missing.
        count: u64,
    },
    /// The hub has left out [`Joined`](Self::Joined) and [`Left`](Self::Left) of a room, because we had left too much
    /// unacknowledged. [`Client::roster`](super::Client::roster) tells who is there now.
    Stale {
        /// The room.
        #[cfg_attr(feature = "serde", serde(with = "crate::form::mapped"))]
        room: RoomName,
    },
    /// A user that we watch is online, or is not (protocol.md, *Presence*).
    #[non_exhaustive]
    Presence {
        /// The user.
        #[cfg_attr(feature = "serde", serde(with = "crate::form::mapped"))]
        name: UserName,
        /// Whether the user's session lives, attached or detached.
        online: bool,
        /// As in [`User`]; none if the user is not online.
        #[cfg_attr(feature = "serde", serde(default))]
        display_name: Option<String>,
    },
    /// The client has ended. This is the last event.
    Closed(Closed),
}

/// A user in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct User {
    /// The name: the sender of messages, and the identity of the user.
    #[cfg_attr(feature = "serde", serde(with = "crate::form::mapped"))]
    pub name: UserName,
    /// The spelling with which the user registered, to be shown in place of the name; none if that is the name
    /// (protocol.md, *Names*). The client drops a display name that does not map to the name by its own tables of
    /// Unicode, so that no user is shown as another.
    #[cfg_attr(feature = "serde", serde(default))]
    pub display_name: Option<String>,
}

impl User {
    /// A user without a display name.
    pub const fn new(name: UserName) -> Self {
        Self { name, display_name: None }
    }

    /// The same with this [`display_name`](Self::display_name).
    #[must_use]
    pub fn with_display_name(mut self, display_name: Option<String>) -> Self {
        self.display_name = display_name;
        self
    }

    /// The text to show for the user: the display name, or the name if there is none.
    ///
    /// ```
    /// use chatcore::User;
    ///
    /// let bob = User::new("bob".parse()?).with_display_name(Some("Bob".into()));
    /// assert_eq!(bob.shown(), "Bob");
    /// assert_eq!(bob.with_display_name(None).shown(), "bob");
    /// # Ok::<(), chatcore::NameError>(())
    /// ```
    pub fn shown(&self) -> &str {
        self.display_name.as_deref().unwrap_or(self.name.as_str())
    }
}

/// What a program stores, so that it can go on with its session when it is started again:
/// [`Client::ticket`](super::Client::ticket) gives it, and [`Client::resume`](super::Client::resume) takes it.
///
/// With the feature `serde`, it is a map of its fields, in which the token is 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SessionTicket {
    /// The session's name.
    #[cfg_attr(feature = "serde", serde(with = "crate::form::mapped"))]
    pub name: UserName,
    /// The spelling with which the user registered; none if that is the name. If the session is lost, the client
    /// registers with this spelling again. It ignores one that maps to another name.
    #[cfg_attr(feature = "serde", serde(default))]
    pub display_name: Option<String>,
    /// The session's secret. Store it where nobody else can read it.
    #[cfg_attr(feature = "serde", serde(with = "crate::form::token"))]
    pub token: Token,
    /// The number of the last attempt to resume the session. A program that was started again sets this to a number
    /// that is higher than any number of a process before it, such as the milliseconds since 1970. So the hub knows
    /// which of two processes is the later one (protocol.md, *Sessions*).
    #[cfg_attr(feature = "serde", serde(default))]
    pub attempt: u64,
}

impl SessionTicket {
    /// A ticket without a display name, whose last attempt was 0.
    pub const fn new(name: UserName, token: Token) -> Self {
        Self { name, display_name: None, token, attempt: 0 }
    }

    /// The same with this [`display_name`](Self::display_name).
    #[must_use]
    pub fn with_display_name(mut self, display_name: Option<String>) -> Self {
        self.display_name = display_name;
        self
    }

    /// The same with this [`attempt`](Self::attempt).
    #[must_use]
    pub const fn with_attempt(mut self, attempt: u64) -> Self {
        self.attempt = attempt;
        self
    }
}

/// Why a client ended, or lost its connection. `Display` gives a sentence for people, which may hold text that the hub
/// wrote: escape it before a terminal shows it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Closed {
    /// We left: [`Client::close`](super::Client::close).
    #[error("left")]
    Left,
    /// The hub said goodbye (protocol.md, *goodbye*).
    #[error("{}", farewell(*code, detail, reconnect.as_ref()))]
    #[non_exhaustive]
    Goodbye {
        /// Why, for programs.
        code: GoodbyeCode,
        /// Why, for people. The hub wrote this text.
        detail: String,
        /// When, and perhaps where, to connect again; none if the hub gives no hint.
        reconnect: Option<Reconnect>,
    },
    /// The hub does not resume the session at present. The session may live, and a later attempt may succeed. Or the
    /// hub does not give us the name at present, with
    /// [`ClientConfig::keeps_trying`](super::ClientConfig::keeps_trying). So this is the reason of an
    /// [`Event::Reconnecting`]. It is that of an [`Event::Closed`] only if the client was closing, or has no
    /// [`ClientConfig::reconnect`](super::ClientConfig::reconnect).
    #[error("{detail}")]
    #[non_exhaustive]
    Refused {
        /// Why, for programs.
        code: RefusalCode,
        /// Why, for people. The hub wrote this text.
        detail: String,
        /// The time after which it may be worth trying again, as the hub told it; none if it does not know. The client
        /// may wait less ([`Backoff::announced_max`](super::Backoff::announced_max)).
        #[cfg_attr(feature = "serde", serde(with = "crate::form::duration::option"))]
        wait: Option<Duration>,
    },
    /// The hub reports that we broke the protocol (protocol.md, *error*).
    #[error("the server reports a protocol error, {code}: {detail}")]
    #[non_exhaustive]
    Error {
        /// How, for programs.
        code: ErrorCode,
        /// How, for people. The hub wrote this text.
        detail: String,
    },
    /// The hub broke the protocol.
    #[error("the server broke the protocol: {0}")]
    ProtocolError(ProtocolError),
    /// The other end speaks another protocol.
    #[error("the server speaks {0}, not chatcore")]
    OtherProtocol(OtherProtocol),
    /// The hub was silent for too long (protocol.md, *Time*), or did not answer in time.
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

/// A command that the client cannot do. The client sends nothing, and goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// There is no session yet.
    #[error("not registered yet: ask for a name first")]
    NotRegistered,
    /// The client has a session, or a registration waits for its answer.
    #[error("a registration is under way or done: one connection has one name")]
    Registered,
    /// The client has ended, or [`Client::close`](super::Client::close) was called.
    #[error("the connection is closed")]
    Closed,
    /// The name, without the `#` of a room, is longer than [`SPELLING_BYTES_MAX`](crate::SPELLING_BYTES_MAX).
    #[error("a name of {bytes} bytes is too long: at most {bytes_max} bytes are allowed")]
    NameTooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The credential is longer than [`CREDENTIAL_BYTES_MAX`](crate::CREDENTIAL_BYTES_MAX).
    #[error("a credential of {bytes} bytes is too long: at most {bytes_max} bytes are allowed")]
    CredentialTooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// Others could read the credential on its way. Drivers that know of their transport whether it is private give
    /// this; the client itself knows no transport.
    #[error(
        "others could read the credential on its way: it goes over an encrypted connection, or not out of this machine"
    )]
    NotPrivate,
    /// The hub takes no list of names of this length.
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
    /// Too many requests have no answer yet. The same request works later, when answers have come.
    #[error("{requests_max} requests wait for an answer of the server: try again when it has answered some")]
    TooManyPending {
        /// The limit.
        requests_max: usize,
    },
    /// Too many bytes are not acknowledged yet. The same request works later, when acknowledgements have come.
    #[error("{bytes_max} bytes wait for the server already: try again when it has acknowledged some")]
    OutboxFull {
        /// The limit, [`ClientConfig::outbox_bytes_max`](super::ClientConfig::outbox_bytes_max).
        bytes_max: u32,
    },
}

impl ClientError {
    /// Whether the error passes: the same request may work later, when the hub has acknowledged or answered some.
    ///
    /// ```
    /// use chatcore::ClientError;
    ///
    /// assert!(ClientError::OutboxFull { bytes_max: 1024 }.passes());
    /// assert!(!ClientError::NotRegistered.passes());
    /// ```
    pub const fn passes(&self) -> bool {
        matches!(self, Self::OutboxFull { .. } | Self::TooManyPending { .. })
    }
}
