//! The bytes of the protocol: prefaces, frames and messages, as [protocol.md] specifies them.
//!
//! [protocol.md]: https://github.com/chatcore/chatcore/blob/main/docs/src/protocol.md
//!
//! A program that drives a [`Handshake`](crate::Handshake), a [`Hub`](crate::Hub) or a [`Client`](crate::Client) needs
//! little of this: the limits that a hub announces ([`Announced`]). The rest is for tools that read or write the bytes
//! themselves.
//!
//! The codec reads and writes these types with serde, so they have its traits with and without the feature `serde`.
//! These impls are the form of the wire and are not promised: a program that wants messages as text makes values of its
//! own. What is promised is what the feature `serde` names: among them the codes and [`MessageId`], as numbers, and
//! limits, tickets and events.
//!
//! ```
//! use chatcore::wire::{self, ClientMessage, Message, Send};
//!
//! let mut bytes = Vec::new();
//! ClientMessage::Send(Send { to: "bob", body: b"hello" }).encode(&mut bytes);
//! assert_eq!(bytes, b"\x0b\0\0\0\x40\x03bob\x05hello");
//!
//! let mut input = &bytes[..];
//! let content = wire::take(&mut input, 65_536)?.expect("the frame is whole");
//! let message = ClientMessage::decode(content)?.expect("the kind is known");
//! assert_eq!(message, ClientMessage::Send(Send { to: "bob", body: b"hello" }));
//! # Ok::<(), chatcore::ProtocolError>(())
//! ```

mod bounds;
mod chat;
mod code;
mod codec;
mod connection;
mod frame;
mod kind;
mod message;
mod message_id;
mod plain;
mod preface;
mod protocol_error;
mod sizes;
mod token;

pub use chat::{
    Accepted, AcceptedRun, Deliver, DeliveryReport, Done, Join, Joined, Leave, Left, Members, Missed, Online, Presence,
    Rejected, Renamed, RoomDeliver, Roster, Send, Sent, Stale, Subscribed, Subscriptions, Unwatch, UserInfo, Watch,
    Who,
};
pub use code::{DeliveryStatus, ErrorCode, GoodbyeCode, LeaveCode, RefusalCode, RejectCode};
pub use connection::{
    Ack, Announced, ErrorMessage, Goodbye, Ping, Pong, ReconnectHint, Refused, Register, Resume, Resumed, Welcome,
};
pub use frame::{Content, HEADER_BYTES, OVERHEAD_BYTES_MAX, take};
pub use kind::Kind;
pub use message::{ClientMessage, HubMessage, Message};
pub(crate) use message_id::EPOCH_UNIX_MS;
pub use message_id::{HUB_NUMBER_MAX, MessageId};
pub use preface::{Features, OtherProtocol, PREFACE_BYTES, Preface, VERSION};
pub use protocol_error::ProtocolError;
pub use sizes::{CREDENTIAL_BYTES_MAX, DETAIL_BYTES_MAX, HANDSHAKE_FRAME_BYTES_MAX, PAGE_NAMES_MAX, PAGE_USERS_MAX};
pub use token::Token;

pub(crate) use frame::{content, measure};
pub(crate) use message::fields;
pub(crate) use plain::{HEAD_ROOM, Head, read_ack, read_count, read_send};
pub(crate) use preface::{OURS as OUR_PREFACE, PrefaceError, take as take_preface};
pub(crate) use protocol_error::words;
pub(crate) use sizes::cut_detail;
