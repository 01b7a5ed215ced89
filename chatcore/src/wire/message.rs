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

    /// Reads a frame's content: a kind and the fields of that kind, which keep to their bounds (protocol.md, *Bounds of
    /// fields*). None if the kind is unknown and optional, so that it is to be skipped.
    ///
    /// # Errors
    ///
    /// How the frame breaks the protocol: its kind is unknown and critical, or goes the other way; or its fields are
    /// cut short, too long, not canonical or out of bounds.
    fn decode(content: Content<'a>) -> Result<Option<Self>, ProtocolError>;

    /// Appends the message as a frame.
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
    /// What a client says to its hub.
    ClientMessage from Client {
        /// Take this name.
        Register(Register<'a>) = REGISTER,
        /// Everything up to this count has arrived.
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
    /// What a hub says to its client.
    HubMessage from Hub {
        /// The name is yours.
        Welcome(Welcome<'a>) = WELCOME,
        /// Not that name.
        Refused(Refused<'a>) = REFUSED,
        /// Everything up to this count has arrived.
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
        /// A request came to nothing.
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
        /// Somebody has come into a room.
        Joined(Joined<'a>) = JOINED,
        /// Somebody has gone out of a room.
        Left(Left<'a>) = LEFT,
        /// A watched user is online, or is not.
        Presence(Presence<'a>) = PRESENCE,
        /// What became of messages whose recipient's session has ended.
        Report(DeliveryReport<'a>) = REPORT,
        /// Messages of a room for which the client's outbox had no room.
        Missed(Missed<'a>) = MISSED,
        /// Changes in a room's membership were left out.
        Stale(Stale<'a>) = STALE,
    }
}

/// Asks for a name. `Debug` shows its credential to nobody.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register<'a> {
    /// The name, as typed: at most [`SPELLING_BYTES_MAX`](crate::SPELLING_BYTES_MAX) bytes.
    pub name: &'a str,
    /// What proves the right to it, if the embedder asks for that: opaque, at most
    /// [`CREDENTIAL_BYTES_MAX`](crate::CREDENTIAL_BYTES_MAX) bytes.
    #[serde(borrow, with = "serde_bytes")]
    pub credential: &'a [u8],
    /// Bytes of a frame's content that the client takes, at the most; at least
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

/// Answers a [`Register`]: the name is taken, and these limits hold from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome<'a> {
    /// The name as the hub mapped it.
    pub name: &'a str,
    /// As in [`UserInfo`].
    pub display_name: Option<&'a str>,
    /// What a later connection proves with that it is the same client. A secret of the two.
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
    /// How many numbered frames the client has received in the session; none if it has forgotten, because it
    /// was started again.
    pub received: Option<u64>,
    /// Higher than in every resume of this session before: what was held up on its way, and comes when the client has
    /// asked again, is known by that.
    pub attempt: u64,
    /// As in the [`Register`]; not less than the session had before.
    pub frame_bytes_max: u32,
}

/// Answers a [`Resume`]: the session goes on. After this, both sides send again what the other lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    /// How many numbered frames the hub has received in the session.
    pub received: u64,
    /// How many numbered frames of the hub lie before those that follow.
    pub sent: u64,
    /// What the hub allows.
    pub limits: Announced,
}

/// The limits that concern a client, as its [`Welcome`] announces them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// Bytes of a frame after its length, at the most, in both directions.
    pub frame_bytes_max: u32,
    /// Bytes of a message's body, at the most.
    pub body_bytes_max: u32,
    /// Bytes that the hub keeps for a client until it acknowledges them. A client that lets them
    /// fill up misses messages.
    pub outbox_bytes_max: u32,
    /// Milliseconds for which a client may acknowledge nothing while numbered frames wait for that, however few.
    pub stall_ms_max: u32,
    /// Milliseconds of silence after which the hub closes the connection. It pings after half of them.
    pub idle_ms_max: u32,
    /// Milliseconds for which the session waits when its connection broke; zero if it ends with it.
    pub resume_ms_max: u32,
    /// Rooms that one user can be in at a time.
    pub rooms_max: u32,
    /// Names that one user can watch at a time.
    pub watches_max: u32,
    /// Cost that the session's requests may have in a second, in the units of protocol.md, *Cost*; zero if the hub does
    /// not bound it. Beyond that the hub reads more slowly.
    pub cost_per_s: u32,
    /// Cost that they may have at once, after a pause.
    pub cost_burst: u32,
}

/// Answers a [`Register`] or a [`Resume`]: no. The client may try again on the same connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused<'a> {
    /// Why, for programs.
    pub code: RefusalCode,
    /// Why, for people.
    pub detail: &'a str,
    /// Milliseconds after which it may be worth to try again, if that is known.
    pub wait_ms: Option<u32>,
}

/// Acknowledges all numbered frames of the other direction up to a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// How many numbered frames have arrived since the session began.
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
    /// When, and perhaps where, to connect again. Only a hub says this.
    #[serde(borrow)]
    pub reconnect: Option<ReconnectHint<'a>>,
}

/// A hub's hint about the next connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconnectHint<'a> {
    /// Milliseconds to wait first.
    pub after_ms: u32,
    /// Where to, in the transport's own notation (`host:port` for TCP); none for the same place.
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

/// Asks to be let into a room, which comes into being if it is not there. It is answered by a [`Done`], also
/// if one is in it already, or a [`Rejected`].
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

/// Asks to be told when users come and go. It is answered by a [`Presence`] for each name and then a
/// [`Done`], or by a [`Rejected`] and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch<'a> {
    /// Names as typed, in addition to those that are watched already.
    #[serde(borrow, deserialize_with = "list")]
    pub names: Vec<&'a str>,
}

/// Takes back a [`Watch`]. It is answered by a [`Done`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unwatch<'a> {
    /// Names as typed. Those that are not watched are no error.
    #[serde(borrow, deserialize_with = "list")]
    pub names: Vec<&'a str>,
}

/// A message from a user. Nothing in it names the recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deliver<'a> {
    /// Rises with every message that the hub accepts.
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
    /// At least one. Answers may overtake each other, so they come in no order that means anything.
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
    /// The number of the first in the client's own stream.
    pub number: u64,
    /// The id under which the recipient gets it.
    pub id: MessageId,
    /// How many sends after it are accepted, too.
    pub more: u16,
}

/// A request came to nothing.
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
    /// if that is the name. It maps to the name, so that it may be shown in its place.
    pub display_name: Option<&'a str>,
}

impl UserInfo<'_> {
    /// Bytes that it takes in a list: each text has its length before it, which is one byte.
    pub(crate) fn encoded_bytes(&self) -> usize {
        1 + self.name.len() + 1 + self.display_name.map_or(0, |display| 1 + display.len())
    }
}

/// A page of who is online, in no order that means anything. Who is there during the whole of a listing is in it exactly once.
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

/// A message from a member of a room. The same bytes go to every other member; to the sender, the
/// [`Accepted`] stands in their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomDeliver<'a> {
    /// Rises with every message that the hub accepts.
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

/// A page of a room's members, in no order that means anything. Who is in the room during the whole of a
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

/// Somebody has come into a room that the client is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined<'a> {
    /// The room's name.
    pub room: &'a str,
    /// Who.
    pub name: &'a str,
    /// As in [`UserInfo`].
    pub display_name: Option<&'a str>,
}

/// Somebody has gone out of a room that the client is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left<'a> {
    /// The room's name.
    pub room: &'a str,
    /// Who.
    pub name: &'a str,
    /// Why.
    pub code: LeaveCode,
}

/// A watched user is online, or is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence<'a> {
    /// Who.
    pub name: &'a str,
    /// Its session lives, connected or waiting to be resumed.
    pub online: bool,
    /// As in [`UserInfo`]; none if it is not online.
    pub display_name: Option<&'a str>,
}

/// What became of accepted messages, sent by the client, whose recipient's session ended before it acknowledged
/// them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryReport<'a> {
    /// What is known.
    pub code: DeliveryStatus,
    /// The recipient: for a room's message, the one of its members.
    pub to: &'a str,
    /// The messages, rising.
    #[serde(deserialize_with = "list")]
    pub ids: Vec<MessageId>,
}

/// In this place of the stream, messages of a room are missing: the client's outbox had no room for them. They follow
/// each other in the room, apart from the client's own and those from before it joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed<'a> {
    /// The room's name.
    pub room: &'a str,
    /// The id of the first message that is missing.
    pub first_id: MessageId,
    /// The id of the last one.
    pub last_id: MessageId,
    /// How many are missing.
    pub count: u64,
}

/// The client was not told of everybody who joined or left a room, because its outbox had no room. It asks for the
/// [`Roster`] to know who is there now.
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
