#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod client;
mod handshake;
mod hub;
mod limits;
mod liveness;
mod name;
mod outbox;
mod received;
mod time;
mod transition;
pub mod wire;

pub use client::{Client, ClientConfig, ClientError, Closed, Event, Reconnect};
pub use handshake::{Handshake, HandshakeError, Refusal, Registration};
pub use hub::{CloseReason, ConnId, Hub, Output, UnknownConn};
pub use limits::{
    CREDENTIAL_BYTES_MAX, DETAIL_BYTES_MAX, HANDSHAKE_FRAME_BYTES_MAX, Limits, LimitsError, ONLINE_NAMES_MAX,
};
pub use name::{NAME_BYTES_MAX, NameError, SPELLING_BYTES_MAX, UserName};
pub use received::Received;
pub use time::Instant;
pub use wire::{ErrorCode, Fault, Foreign, GoodbyeCode, RefusalCode, RejectCode};
