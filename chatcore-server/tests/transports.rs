//! The server over other transports than TCP: Unix sockets, TLS, and `WebSocket`s.
#![cfg(unix)]

mod support;
#[path = "transports/tls.rs"]
mod tls;
#[path = "transports/unix.rs"]
mod unix;
#[path = "transports/websocket/mod.rs"]
mod websocket;
