//! What clients ask for in a session, what they are answered, and what they are told. Text and bodies are borrowed from
//! the frame.

use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::code::{DeliveryStatus, LeaveCode, RejectCode};
use super::message_id::MessageId;

/// A message for a user or a room. It is answered by an [`Accepted`] or a [`Rejected`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Send<'a> {
    /// The recipient's name, as typed: a user's, or `#` and a room's.
    pub to: &'a str,
    /// Opaque; at most [`Announced::body_bytes_max`](super::Announced::body_bytes_max) bytes.
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

/// Asks for a page of the rooms that the session is in and of the users that it watches. It is answered by a
/// [`Subscribed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscriptions {
    /// Zero for the first page, then what the last page gave as `next`.
    pub cursor: u64,
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
    /// The spelling with which the user registered, at most [`SPELLING_BYTES_MAX`](crate::SPELLING_BYTES_MAX) bytes;
    /// none if that is the name. It maps to the name, so that a client may show it in place of the name.
    pub display_name: Option<&'a str>,
}

impl UserInfo<'_> {
    /// Bytes that it takes in a list: each text has its length before it, which is one byte.
    pub(crate) fn encoded_bytes(&self) -> usize {
        1 + self.name.len() + 1 + self.display_name.map_or(0, |display| 1 + display.len())
    }
}

/// A page of who is online, in no order that means anything. A user that is online during the whole of a listing is in
/// it. A user with several sessions may be on several pages.
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

/// A message from a member of a room. The same bytes go to every other member, and to the other sessions of the
/// sender's user. The session that sent it gets an [`Accepted`] instead.
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
/// listing is in it. A user with several sessions may be on several pages.
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

/// Another user has joined a room that the client is in. With the client's own name: another session of its user has
/// joined the room, or the user was in it when this session began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined<'a> {
    /// The room's name.
    pub room: &'a str,
    /// The user's name.
    pub name: &'a str,
    /// As in [`UserInfo`].
    pub display_name: Option<&'a str>,
}

/// Another user has left a room that the client is in. With the client's own name: another session of its user has left
/// the room.
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
    /// What the hub knows: the `code` of protocol.md, *report*.
    pub status: DeliveryStatus,
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

/// Another session of the client's user has sent a message to a user, and the hub has accepted it. A message to a room
/// comes as a [`RoomDeliver`] from the user's own name instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent<'a> {
    /// The message's id, with which the recipient gets it, too.
    pub id: MessageId,
    /// The recipient's name.
    pub to: &'a str,
    /// As it was sent.
    #[serde(borrow, with = "serde_bytes")]
    pub body: &'a [u8],
}

/// The client has another name from now on: an operator has renamed its user. What the client says from now on bears
/// this name, and its next resume may name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renamed<'a> {
    /// The name, as the hub mapped it. It is the one before if only the display name is another.
    pub name: &'a str,
    /// As in [`UserInfo`].
    pub display_name: Option<&'a str>,
    /// Why, for people: at most [`DETAIL_BYTES_MAX`](crate::DETAIL_BYTES_MAX) bytes.
    pub detail: &'a str,
}

/// A page of the rooms that the session is in and of the users that it watches, in no order that means anything. What
/// it is subscribed to during the whole of a listing is in it, and may be on several pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscribed<'a> {
    /// The number of the [`Subscriptions`] in the client's own stream.
    pub number: u64,
    /// Names of rooms, each with its `#`, and names of users. A page may be empty and not the last.
    #[serde(borrow, deserialize_with = "list")]
    pub names: Vec<&'a str>,
    /// Where the next page starts; none on the last.
    pub next: Option<u64>,
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

    // The length is read as the number that it is on the wire: the codec would read it as a usize, and where that has
    // 32 bits forget the rest of it.
    deserializer.deserialize_tuple(usize::MAX, List(PhantomData))
}
