#![doc = include_str!("../README.md")]
#![no_std]
// What only the other end uses is left out by the linker. A build with both finds what nobody uses.
#![cfg_attr(not(all(feature = "client", feature = "hub")), allow(dead_code, unused_imports))]

extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

#[cfg(feature = "client")]
mod client;
#[cfg(feature = "serde")]
mod form;
#[cfg(feature = "hub")]
mod handshake;
#[cfg(feature = "hub")]
mod hub;
#[cfg(feature = "hub")]
mod hub_connection;
mod limits;
mod limits_error;
mod liveness;
mod name;
mod outbox;
mod rate;
mod received;
mod reconnect;
mod redacted;
mod setters;
#[cfg(feature = "sim")]
pub mod sim;
mod time;
mod transition;
#[cfg(feature = "hub")]
mod user_limits;
#[cfg(feature = "websocket")]
pub mod websocket;
pub mod wire;

// Pages of the book, for those who read the docs. Their examples are tested with the other crates that they show.
#[cfg(all(doc, not(doctest)))]
#[doc = include_str!("../docs/embedding.md")]
pub mod guide {}
#[cfg(all(doc, not(doctest)))]
#[doc = include_str!("../docs/protocol.md")]
pub mod protocol {}

#[cfg(feature = "client")]
pub use client::{
    Backoff, Client, ClientConfig, ClientConfigError, ClientError, Closed, Event, Inbox, Position, SessionTicket,
    Transport, User,
};
#[cfg(feature = "hub")]
pub use handshake::{Denial, Handshake, HandshakeError, QuotaKey, QuotaSource, Refusal, Registration};
#[cfg(feature = "hub")]
pub use hub::{
    ANNOUNCEMENTS_MAX, Action, Admission, Asking, Audience, CONNECTION_COST, CloseReason, ConnId, Counters, Hub,
    HubEvent, Memory, NotAdmitted, Question, QuestionId, RenameError, Requested, SessionId, UnknownConn,
    UnknownQuestion, UserLimitsError, cost_of_read,
};
#[cfg(feature = "hub")]
pub use hub_connection::{HubConnection, Next};
pub use limits::Limits;
pub use limits_error::LimitsError;
pub use name::{NAME_BYTES_MAX, NameError, RoomName, SPELLING_BYTES_MAX, UNICODE_VERSION, UserName};
pub use outbox::Chunks;
pub use rate::Rate;
pub use received::Received;
pub use reconnect::Reconnect;
pub use time::Instant;
#[cfg(feature = "hub")]
pub use user_limits::UserLimits;
pub use wire::{
    CREDENTIAL_BYTES_MAX, DETAIL_BYTES_MAX, DeliveryStatus, ErrorCode, GoodbyeCode, HANDSHAKE_FRAME_BYTES_MAX,
    HUB_NUMBER_MAX, LeaveCode, MessageId, OtherProtocol, PAGE_NAMES_MAX, PAGE_USERS_MAX, ProtocolError, RefusalCode,
    RejectCode, Token,
};
