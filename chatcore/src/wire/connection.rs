//! Messages about a connection and its session: how they begin, go on and end. Text is borrowed from the frame.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::code::{ErrorCode, GoodbyeCode, RefusalCode};
use super::token::Token;
use crate::redacted::Secret;

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
    /// As in [`UserInfo`](super::UserInfo).
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

/// A hub's hint about the next connection: [`Reconnect`](crate::Reconnect) as it goes over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconnectHint<'a> {
    /// The milliseconds to wait before the client connects again.
    pub after_ms: u32,
    /// Where to connect to, in the transport's notation (`host:port` for TCP), at most
    /// [`DETAIL_BYTES_MAX`](crate::DETAIL_BYTES_MAX) bytes; none for the same place.
    #[serde(borrow)]
    pub address: Option<&'a str>,
}

/// Names how the peer broke the protocol. Nothing follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorMessage<'a> {
    /// How, for programs.
    pub code: ErrorCode,
    /// How, for people.
    pub detail: &'a str,
}
