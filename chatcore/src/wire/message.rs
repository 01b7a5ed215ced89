//! The messages, as both ends read and write them. Text and bodies are borrowed from the frame.

use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::bounds::{Bounded, Side};
use super::code::{DeliveryStatus, ErrorCode, GoodbyeCode, LeaveCode, RefusalCode, RejectCode};
use super::codec;
use super::frame::{self, Content};
use super::kind::Kind;
use super::message_id::MessageId;
use super::protocol_error::ProtocolError;
use super::token::Token;
use crate::redacted::Secret;

/// A set of messages that go one way: [`ClientMessage`] or [`HubMessage`].
pub trait Message<'a>: Sized {
    /// Which message it is.
    fn kind(&self) -> Kind;

    /// Decodes a frame's content, and checks the bounds of its fields (protocol.md, *Messages*). Returns none if the
    /// kind is unknown and optional: the receiver skips such a frame.
    ///
    /// # Errors
    ///
    /// How the frame breaks the protocol: its kind is unknown and critical, or belongs to the other direction; or its
    /// fields are cut short, too long, not canonical or out of bounds.
    fn decode(content: Content<'a>) -> Result<Option<Self>, ProtocolError>;

    /// Appends the message to `out`, as a whole frame. It does not check the bounds of the fields.
    fn encode(&self, out: &mut Vec<u8>);
}

/// The fields of a frame of which the kind is known to be that of `T`.
pub(crate) fn fields<'a, T: Deserialize<'a> + Serialize>(content: Content<'a>) -> Result<T, ProtocolError> {
    codec::decode(content.kind, content.fields)
}

macro_rules! messages {
    ($(#[$meta:meta])* $name:ident from $side:ident { $($(#[$variant_meta:meta])* $variant:ident($fields:ty) = $kind:ident,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $name<'a> {
            $($(#[$variant_meta])* $variant($fields),)+
        }

        impl<'a> Message<'a> for $name<'a> {
            fn kind(&self) -> Kind {
                match self {
                    $(Self::$variant(_) => Kind::$kind,)+
                }
            }

            fn decode(Content { kind, fields }: Content<'a>) -> Result<Option<Self>, ProtocolError> {
                match kind {
                    $(Kind::$kind => {
                        let fields: $fields = codec::decode(kind, fields)?;
                        if fields.is_within_bounds(Side::$side) {
                            Ok(Some(Self::$variant(fields)))
                        } else {
                            Err(ProtocolError::InvalidValue { kind })
                        }
                    })+
                    known if known.name().is_some() => {
                        Err(ProtocolError::Unexpected { kind, state: "in this direction" })
                    }
                    unknown if unknown.is_optional() => Ok(None),
                    _ => Err(ProtocolError::UnknownKind { kind }),
                }
            }

            fn encode(&self, out: &mut Vec<u8>) {
                frame::encode(self.kind(), out, |out| match self {
                    $(Self::$variant(fields) => codec::encode(fields, out),)+
                });
            }
        }
    };
}

messages! {
    /// A message from a client to its hub (protocol.md, *Messages*, which has a section for each).
    ClientMessage from Client {
        /// Give me this name.
        Register(Register<'a>) = REGISTER,
        /// The numbered frames up to this count are taken.
        Ack(Ack) = ACK,
        /// Answer at once.
        Ping(Ping) = PING,
        /// The answer to a ping.
        Pong(Pong) = PONG,
        /// An orderly end.
        Goodbye(Goodbye<'a>) = GOODBYE,
        /// The hub broke the protocol.
        Error(ErrorMessage<'a>) = ERROR,
        /// This connection goes on with a session.
        Resume(Resume<'a>) = RESUME,
        /// A message for a user or a room.
        Send(Send<'a>) = SEND,
        /// Who is online?
        Who(Who) = WHO,
        /// Let me into this room.
        Join(Join<'a>) = JOIN,
        /// Let me out of this room.
        Leave(Leave<'a>) = LEAVE,
        /// Who is in this room?
        Roster(Roster<'a>) = ROSTER,
        /// Tell me when these users come and go.
        Watch(Watch<'a>) = WATCH,
        /// Tell me no more.
        Unwatch(Unwatch<'a>) = UNWATCH,
    }
}

messages! {
    /// A message from a hub to its client (protocol.md, *Messages*, which has a section for each).
    HubMessage from Hub {
        /// The name is yours.
        Welcome(Welcome<'a>) = WELCOME,
        /// Not that name.
        Refused(Refused<'a>) = REFUSED,
        /// The numbered frames up to this count are taken.
        Ack(Ack) = ACK,
        /// Answer at once.
        Ping(Ping) = PING,
        /// The answer to a ping.
        Pong(Pong) = PONG,
        /// An orderly end.
        Goodbye(Goodbye<'a>) = GOODBYE,
        /// The client broke the protocol.
        Error(ErrorMessage<'a>) = ERROR,
        /// The session goes on.
        Resumed(Resumed) = RESUMED,
        /// A message from a user.
        Deliver(Deliver<'a>) = DELIVER,
        /// The hub has taken responsibility for a send.
        Accepted(Accepted) = ACCEPTED,
        /// A request is not done, and why.
        Rejected(Rejected) = REJECTED,
        /// A page of who is online.
        #[doc(alias = "who")]
        Online(Online<'a>) = ONLINE,
        /// A message from a member of a room.
        RoomDeliver(RoomDeliver<'a>) = ROOM_DELIVER,
        /// A request is done.
        Done(Done) = DONE,
        /// A page of who is in a room.
        Members(Members<'a>) = MEMBERS,
        /// Another user has joined a room.
        Joined(Joined<'a>) = JOINED,
        /// Another user has left a room.
        Left(Left<'a>) = LEFT,
        /// A watched user is online, or is not.
        Presence(Presence<'a>) = PRESENCE,
        /// What became of messages whose recipient's session has ended.
        Report(DeliveryReport<'a>) = REPORT,
        /// The hub has left out messages of a room.
        Missed(Missed<'a>) = MISSED,
        /// The hub has left out joined and left messages of a room.
        Stale(Stale<'a>) = STALE,
    }
}

/// Asks for a name. `Debug` does not show the credential.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register<'a> {
    /// The name, as typed: at most [`SPELLING_BYTES_MAX`](crate::SPELLING_BYTES_MAX) bytes.
    pub name: &'a str,
    /// What proves the right to the name, if the hub wants that: opaque, at most
    /// [`CREDENTIAL_BYTES_MAX`](crate::CREDENTIAL_BYTES_MAX) bytes.
    #[serde(borrow, with = "serde_bytes")]
    pub credential: &'a [u8],
    /// The most bytes of a frame's content that the client takes; at least
    /// [`HANDSHAKE_FRAME_BYTES_MAX`](crate::HANDSHAKE_FRAME_BYTES_MAX).
    pub frame_bytes_max: u32,
}

impl fmt::Debug for Register<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, credential: _, frame_bytes_max } = self;
        f.debug_struct("Register")
            .field("name", name)
            .field("credential", &Secret)
            .field("frame_bytes_max", frame_bytes_max)
            .finish()
    }
}

/// Answers a [`Register`]: the client has the name, and these limits hold from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome<'a> {
    /// The name as the hub mapped it.
    pub name: &'a str,
    /// As in [`UserInfo`].
    pub display_name: Option<&'a str>,
    /// With this, a later connection proves that it belongs to the session. It is a secret of the hub and the client.
    pub token: Token,
    /// What the hub allows.
    pub limits: Announced,
}

/// Asks to go on with a session whose connection broke, or to take it over from another connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume<'a> {
    /// The name of the session.
    pub name: &'a str,
    /// From the session's [`Welcome`].
    pub token: Token,
    /// How many numbered frames the client has taken in the session; none if it has lost count, because it
    /// was started again.
    pub received: Option<u64>,
    /// A number that is higher than in every resume of this session before. By it the hub recognises a resume that
    /// arrives late, after a newer one.
    pub attempt: u64,
    /// As in the [`Register`]; not less than the session had before.
    pub frame_bytes_max: u32,
}

/// Answers a [`Resume`]: the session goes on. After this, both sides send again what the other lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    /// How many numbered frames the hub has received in the session.
    pub received: u64,
    /// How many numbered frames of the hub come before those that follow.
    pub sent: u64,
    /// What the hub allows.
    pub limits: Announced,
}

/// The limits that concern a client, as its [`Welcome`] or [`Resumed`] announces them. Most of them are fields of
/// [`Limits`](crate::Limits), which say what happens at the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// The most bytes of a frame after its length, in both directions.
    pub frame_bytes_max: u32,
    /// The most bytes of a message's body.
    pub body_bytes_max: u32,
    /// The bytes that the hub keeps for a client until the client acknowledges them. If they fill up, the client
    /// misses rooms' messages, and the hub rejects users' messages for it.
    pub outbox_bytes_max: u32,
    /// The milliseconds for which a client can acknowledge none of the numbered frames that wait for that.
    pub stall_ms_max: u32,
    /// The milliseconds of silence after which the hub closes the connection. It pings after half of them.
    pub idle_ms_max: u32,
    /// The milliseconds for which the hub keeps the session when its connection broke; 0 if the session ends then.
    pub resume_ms_max: u32,
    /// The rooms that one user can be in at a time: [`Limits::rooms_of_user_max`](crate::Limits::rooms_of_user_max).
    pub rooms_max: u32,
    /// The names that one user can watch at a time.
    pub watches_max: u32,
    /// The cost that the session's requests can have in a second, in the units of protocol.md, *Cost*; 0 if the hub
    /// does not bound it. Beyond it, the hub reads more slowly.
    pub cost_per_s: u32,
    /// The cost that the session's requests can have at once, after a pause.
    pub cost_burst: u32,
}

/// Answers a [`Register`] or a [`Resume`]: the hub refuses. The client may send another [`Register`] on the same
/// connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused<'a> {
    /// Why, for programs.
    pub code: RefusalCode,
    /// Why, for people.
    pub detail: &'a str,
    /// The milliseconds after which it may be worth trying again; none if that is not known.
    pub wait_ms: Option<u32>,
}

/// Acknowledges all numbered frames of the other direction up to a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// How many numbered frames are taken since the session began. The client's acknowledgement of the welcome may be
    /// 0.
    pub count: u64,
}

/// Asks whether the peer is alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// Comes back in the pong.
    pub nonce: u64,
}

/// Answers a [`Ping`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    /// The ping's.
    pub nonce: u64,
}

/// Ends the connection in an orderly way. Nothing follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goodbye<'a> {
    /// Why, for programs.
    pub code: GoodbyeCode,
    /// Why, for people.
    pub detail: &'a str,
    /// When, and perhaps where, to connect again. Only a hub sends this.
    #[serde(borrow)]
    pub reconnect: Option<ReconnectHint<'a>>,
}

/// A hub's hint about the next connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconnectHint<'a> {
    /// The milliseconds to wait before the client connects again.
    pub after_ms: u32,
    /// Where to connect to, in the transport's notation (`host:port` for TCP), at most
    /// [`DETAIL_BYTES_MAX`](crate::DETAIL_BYTES_MAX) bytes; none for the same place.
    #[serde(borrow)]
    pub address: Option<&'a str>,
}

impl ReconnectHint<'_> {
    /// The same without an address that is too long to be one.
    pub(crate) fn bounded(self) -> Self {
        Self { address: self.address.filter(|address| address.len() <= crate::limits::DETAIL_BYTES_MAX), ..self }
    }
}

/// Names how the peer broke the protocol. Nothing follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorMessage<'a> {
    /// How, for programs.
    pub code: ErrorCode,
    /// How, for people.
    pub detail: &'a str,
}

/// A message for a user or a room. It is answered by an [`Accepted`] or a [`Rejected`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Send<'a> {
    /// The recipient's name, as typed: a user's, or `#` and a room's.
    pub to: &'a str,
    /// Opaque; at most [`Announced::body_bytes_max`] bytes.
    #[serde(borrow, with = "serde_bytes")]
    pub body: &'a [u8],
}

/// Asks for a page of who is online. It is answered by an [`Online`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// Zero for the first page, then what the last page gave as `next`.
    pub cursor: u64,
}

/// Joins a room. The hub makes the room if it is not there. It is answered by a [`Done`], also if the client is in the
/// room already, or a [`Rejected`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join<'a> {
    /// The room's name as typed, with its `#`.
    pub room: &'a str,
}

/// Leaves a room. It is answered by a [`Done`] or a [`Rejected`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leave<'a> {
    /// The room's name as typed, with its `#`.
    pub room: &'a str,
}

/// Asks for a page of a room's members. It is answered by a [`Members`] or a [`Rejected`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster<'a> {
    /// The room's name as typed, with its `#`.
    pub room: &'a str,
    /// Zero for the first page, then what the last page gave as `next`.
    pub cursor: u64,
}

/// Watches users: the hub sends a [`Presence`] when they come and go. It is answered by a [`Presence`] for each name
/// and then a [`Done`], or only by a [`Rejected`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch<'a> {
    /// Names as typed, in addition to those that are watched already.
    #[serde(borrow, deserialize_with = "list")]
    pub names: Vec<&'a str>,
}

/// Ends the watching of names. It is answered by a [`Done`], or by a [`Rejected`] if the list is too long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unwatch<'a> {
    /// Names as typed. Those that are not watched are no error.
    #[serde(borrow, deserialize_with = "list")]
    pub names: Vec<&'a str>,
}

/// A message from a user. It does not name the recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deliver<'a> {
    /// The message's id, which rises with every message that the hub accepts.
    pub id: MessageId,
    /// The sender's name.
    pub from: &'a str,
    /// As it was sent.
    #[serde(borrow, with = "serde_bytes")]
    pub body: &'a [u8],
}

/// The hub has taken responsibility for one [`Send`] or more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// At least one run. Answers may overtake each other, so the order of the runs means nothing.
    #[serde(deserialize_with = "list")]
    pub runs: Vec<AcceptedRun>,
}

impl Accepted {
    /// How many sends are accepted.
    pub fn count(&self) -> u64 {
        self.runs.iter().map(|run| 1 + u64::from(run.more)).sum()
    }
}

impl From<AcceptedRun> for Accepted {
    fn from(run: AcceptedRun) -> Self {
        Self { runs: Vec::from([run]) }
    }
}

/// Sends whose numbers follow each other, and so do the ids of their messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedRun {
    /// The number of the first send in the client's own stream.
    pub number: u64,
    /// The id with which the recipient gets the first message.
    pub id: MessageId,
    /// How many further sends are accepted, too.
    pub more: u16,
}

/// The hub has not done a request, and no part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// The number of the request in the client's own stream.
    pub number: u64,
    /// Why.
    pub code: RejectCode,
}

/// A user in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserInfo<'a> {
    /// The name.
    pub name: &'a str,
    /// The spelling with which the user registered, at most [`SPELLING_BYTES_MAX`](crate::SPELLING_BYTES_MAX) bytes; none
    /// if that is the name. It maps to the name, so that a client may show it in place of the name.
    pub display_name: Option<&'a str>,
}

impl UserInfo<'_> {
    /// Bytes that it takes in a list: each text has its length before it, which is one byte.
    pub(crate) fn encoded_bytes(&self) -> usize {
        1 + self.name.len() + 1 + self.display_name.map_or(0, |display| 1 + display.len())
    }
}

/// A page of who is online, in no order that means anything. A user that is online during the whole of a listing is in
/// it exactly once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Online<'a> {
    /// The number of the [`Who`] in the client's own stream.
    pub number: u64,
    /// The users; a page may be empty and not the last.
    #[serde(borrow, deserialize_with = "list")]
    pub users: Vec<UserInfo<'a>>,
    /// Where the next page starts; none on the last.
    pub next: Option<u64>,
}

/// A message from a member of a room. The same bytes go to every other member. The sender gets an [`Accepted`] instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomDeliver<'a> {
    /// The message's id, which rises with every message that the hub accepts.
    pub id: MessageId,
    /// The room's name.
    pub room: &'a str,
    /// The sender's name.
    pub from: &'a str,
    /// As it was sent.
    #[serde(borrow, with = "serde_bytes")]
    pub body: &'a [u8],
}

/// A [`Join`], [`Leave`], [`Watch`] or [`Unwatch`] is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The number of the request in the client's own stream.
    pub number: u64,
}

/// A page of a room's members, in no order that means anything. A user that is in the room during the whole of a
/// listing is in it exactly once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Members<'a> {
    /// The number of the [`Roster`] in the client's own stream.
    pub number: u64,
    /// The users; a page may be empty and not the last.
    #[serde(borrow, deserialize_with = "list")]
    pub users: Vec<UserInfo<'a>>,
    /// Where the next page starts; none on the last.
    pub next: Option<u64>,
}

/// Another user has joined a room that the client is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined<'a> {
    /// The room's name.
    pub room: &'a str,
    /// The user's name.
    pub name: &'a str,
    /// As in [`UserInfo`].
    pub display_name: Option<&'a str>,
}

/// Another user has left a room that the client is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left<'a> {
    /// The room's name.
    pub room: &'a str,
    /// The user's name.
    pub name: &'a str,
    /// Why.
    pub code: LeaveCode,
}

/// A watched user is online, or is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence<'a> {
    /// The user's name.
    pub name: &'a str,
    /// Whether the user's session lives, attached or detached.
    pub online: bool,
    /// As in [`UserInfo`]; none if the user is not online.
    pub display_name: Option<&'a str>,
}

/// What became of accepted messages of the client for a user whose session has ended before it acknowledged them. There
/// are no reports about messages to rooms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryReport<'a> {
    /// What the hub knows.
    pub code: DeliveryStatus,
    /// The recipient's name.
    pub to: &'a str,
    /// The ids of the messages, rising; at least one.
    #[serde(deserialize_with = "list")]
    pub ids: Vec<MessageId>,
}

/// In this place of the stream, messages of a room are missing: the client's outbox had no room for them, or they are
/// too long for the client. They follow each other in the room, apart from the client's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed<'a> {
    /// The room's name.
    pub room: &'a str,
    /// The id of the first message that is missing.
    pub first_id: MessageId,
    /// The id of the last message that is missing.
    pub last_id: MessageId,
    /// How many messages are missing; at least 1.
    pub count: u64,
}

/// The hub has left out [`Joined`] and [`Left`] of a room, because the client's outbox had no room. The [`Roster`]
/// tells who is there now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stale<'a> {
    /// The room's name.
    pub room: &'a str,
}

/// Reads a list without reserving memory for the length that it claims: what is not there cannot be allocated.
fn list<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    struct List<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
            let count: u64 = elements.next_element()?.unwrap_or_default();
            let mut list = Vec::new();
            for _ in 0..count {
                let Some(element) = elements.next_element()? else { break };
                list.push(element);
            }
            Ok(list)
        }
    }

    // The length is read as the number that it is on the wire: the codec would read it as a usize, and where that has 32 bits
    // forget the rest of it.
    deserializer.deserialize_tuple(usize::MAX, List(PhantomData))
}
