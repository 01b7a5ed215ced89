//! The server over other transports than TCP: Unix sockets, TLS, and `WebSocket`s.
#![cfg(unix)]

#[path = "transports/client_certificates.rs"]
mod client_certificates;
#[path = "transports/files.rs"]
mod files;
#[cfg(feature = "page")]
#[path = "transports/page.rs"]
mod page;
#[path = "transports/proxy.rs"]
mod proxy;
mod support;
#[path = "transports/talk.rs"]
mod talk;
#[path = "transports/tls.rs"]
mod tls;
#[path = "transports/tls_faults.rs"]
mod tls_faults;
#[path = "transports/tls_sessions.rs"]
mod tls_sessions;
#[path = "transports/unix.rs"]
mod unix;
#[path = "transports/websocket/mod.rs"]
mod websocket;
