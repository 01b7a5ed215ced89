//! The WebSocket protocol (RFC 6455), for a stream of chatcore or for anything else. As everywhere in this crate there
//! is no I/O: bytes go in, and bytes come out. This module needs the feature `websocket`.
//!
//! [`Upgrade`] and [`UpgradeRequest`] are the two ends of the opening, which is an HTTP request and its response.
//! [`UpgradeRules`] say who may connect to a server; the default ones are for a chatcore server. [`WebSocket`] is
//! either end of what follows. It takes frames apart where they lie, keeps no payload, and lets a server write payload
//! without a copy. It has at most 88 bytes. No extension is spoken, and so no compression.
//!
//! The server's end of a stream, over any transport that reads and writes:
//!
//! ```
//! use std::io::{self, Read, Write};
//!
//! use chatcore::websocket::{Content, HEAD_BYTES_MAX, Upgrade, UpgradeRules, WebSocket};
//!
//! /// Gives `take` what arrives, and writes what that answers, until the peer leaves.
//! fn serve(peer: &mut (impl Read + Write), mut take: impl FnMut(&[u8]) -> Vec<u8>) -> io::Result<()> {
//!     let (rules, mut upgrade) = (UpgradeRules::default(), Upgrade::new());
//!     let mut socket = WebSocket::server(Content::Stream);
//!     let (mut buffer, mut count) = ([0; HEAD_BYTES_MAX], 0);
//!     loop {
//!         match upgrade.receive(&rules, &buffer[..count]) {
//!             Ok(None) => match peer.read(&mut buffer[count..])? {
//!                 0 => return Ok(()),
//!                 more => count += more,
//!             },
//!             Ok(Some(accepted)) => {
//!                 peer.write_all(accepted.response().as_bytes())?;
//!                 buffer.copy_within(accepted.head_bytes()..count, 0); // the first frames, if they came with it
//!                 count -= accepted.head_bytes();
//!                 break;
//!             }
//!             Err(refused) => return peer.write_all(refused.response().as_bytes()),
//!         }
//!     }
//!     loop {
//!         let arrived = socket.unframe(&mut buffer[..count]);
//!         let answer = take(&buffer[..arrived.payload_bytes]);
//!         let mut rest = &answer[..];
//!         while !socket.transmit(rest.len()).is_empty() {
//!             let slices: Vec<&[u8]> = socket.transmit(rest.len()).slices([rest].into_iter()).collect();
//!             let written = peer.write(slices[0])?; // or a vectored write of them all
//!             rest = &rest[socket.transmitted(written)..];
//!         }
//!         if socket.is_closed() {
//!             return Ok(());
//!         }
//!         count = peer.read(&mut buffer)?;
//!         if count == 0 {
//!             return Ok(());
//!         }
//!     }
//! }
//! # struct Peer(Vec<&'static [u8]>, Vec<u8>);
//! # impl Read for Peer {
//! #     fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
//! #         if self.0.is_empty() { Ok(0) } else { self.0.remove(0).read(buffer) }
//! #     }
//! # }
//! # impl Write for Peer {
//! #     fn write(&mut self, bytes: &[u8]) -> io::Result<usize> { self.1.write(bytes) }
//! #     fn flush(&mut self) -> io::Result<()> { Ok(()) }
//! # }
//! # let arrives = vec![
//! #     &b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"[..],
//! #     b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
//! #     b"Sec-WebSocket-Protocol: chatcore.v1\r\n\r\n\x82\x85\x00\x00\x00\x00hello",
//! #     b"\x82\x81\x00\x00\x00\x00!",
//! #     b"\x88\x82\x00\x00\x00\x00\x03\xe8",
//! # ];
//! # let mut peer = Peer(arrives, Vec::new());
//! # serve(&mut peer, |bytes| bytes.to_ascii_uppercase())?;
//! # assert!(peer.1.starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"));
//! # assert!(peer.1.ends_with(b"\r\n\r\n\x82\x05HELLO\x82\x01!\x88\x02\x03\xe8"));
//! # Ok::<(), io::Error>(())
//! ```
//!
//! # What a peer is told
//!
//! A request that does not open a WebSocket gets an HTTP response with the status and the sentence of its
//! [`UpgradeError`]. A server that has files besides gives them to requests that ask for no WebSocket
//! ([`Upgrade::receive_http`]). A peer that breaks the framing gets a close frame with the code and the sentence of the
//! [`FrameError`]:
//!
//! | code | for |
//! |---|---|
//! | 1002 | a reserved bit, an unknown opcode, a client's frame without a mask or a server's with one, a control frame that is too long or in fragments, a length in a longer form than it needs or with its highest bit set, fragments in no order, a close frame with no valid code |
//! | 1003 | text, where a stream is spoken |
//! | 1007 | text or a reason that is not UTF-8 |
//! | 1008 | more than [`IDLE_FRAMES_MAX`] frames that bring nothing |
//! | 1009 | a message, or a frame of a stream, that is longer than its limit |
//!
//! # What a peer can cost
//!
//! The work of a call is proportional to the bytes that it is given. A ping is answered once, however often it comes
//! before the answer can be written: only the newest waits. Frames that bring nothing are counted, and each byte of
//! payload makes up for one of them.

mod close;
mod control;
mod file_request;
mod frame_error;
mod head;
mod header;
mod mask;
mod origin;
mod reading;
mod socket;
mod upgrade;
mod upgrade_error;
mod upgrade_request;
mod upgrade_rules;
mod utf8;
mod writing;

pub use close::{Close, CloseCode, REASON_BYTES_MAX};
pub use file_request::FileRequest;
pub use frame_error::FrameError;
pub use head::{HEAD_BYTES_MAX, HEADERS_MAX};
pub use mask::Mask;
pub use socket::{Data, End, Incoming, Unframed, WebSocket};
pub use upgrade::{Accepted, HttpRequest, Upgrade};
pub use upgrade_error::UpgradeError;
pub use upgrade_request::{Answer, AnswerError, RequestError, UpgradeRequest};
pub use upgrade_rules::{RuleError, UpgradeRules};
pub use writing::Outgoing;

/// The subprotocol whose binary messages carry the stream of chatcore's protocol, version 1.
pub const SUBPROTOCOL: &str = "chatcore.v1";

/// The bytes of a message, or of a frame of a stream, that are taken if
/// [`WebSocket::with_bytes_max`] says nothing else.
pub const BYTES_MAX: u32 = 16 << 20;

/// How many frames may bring nothing: with [`Content::Stream`] those without payload and control frames, and with
/// [`Content::Messages`] fragments without payload that do not end their message. Each byte of payload makes up for one
/// of them.
pub const IDLE_FRAMES_MAX: u16 = 1024;

/// What a WebSocket carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// A stream of bytes, in binary messages that may begin and end anywhere in it.
    Stream,
    /// Messages, of text or of bytes.
    Messages,
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// Text in UTF-8.
    Text,
    /// Bytes.
    Binary,
}
