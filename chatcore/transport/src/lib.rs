#![doc = include_str!("../README.md")]
//!
//! A [`Transport`] never waits: it reads once, writes what the system takes, and tells with [`Input`], [`Written`] and
//! [`Flushed`] what came of it. The event loop that has it waits for its socket.

#[cfg(feature = "websocket")]
mod base;
#[cfg(feature = "websocket")]
mod files;
#[cfg(any(feature = "tls", feature = "websocket"))]
mod no_room;
#[cfg(feature = "websocket")]
mod opening;
mod outcome;
#[cfg(feature = "proxy")]
mod proxy;
#[cfg(feature = "tls")]
mod records;
mod socket;
#[cfg(feature = "tls")]
mod tls_stream;
mod transport;
#[cfg(feature = "websocket")]
mod websocket_stream;

#[cfg(feature = "tls")]
pub use rustls;

#[cfg(feature = "websocket")]
pub use self::base::Base;
#[cfg(feature = "websocket")]
pub use self::files::{FileResponse, Files, FilesError};
pub use self::outcome::{Flushed, Framing, Input, Written};
#[cfg(feature = "proxy")]
pub use self::proxy::{PROXY_HEADER_BYTES_MAX, Proxied, ProxyError, ProxyReader};
pub use self::socket::Socket;
#[cfg(feature = "tls")]
pub use self::tls_stream::TlsStream;
pub use self::transport::Transport;
#[cfg(feature = "websocket")]
pub use self::websocket_stream::WebSocketStream;
