//! The server over other transports than TCP: Unix sockets and TLS.
#![cfg(unix)]

mod support;
#[path = "transports/tls.rs"]
mod tls;
#[path = "transports/unix.rs"]
mod unix;
