#![cfg_attr(feature = "mio", doc = include_str!("../README.md"))]
#![cfg_attr(not(feature = "mio"), doc = "The drivers of a `chatcore` hub: each is a feature.")]

#[cfg(feature = "mio")]
mod accept;
#[cfg(any(feature = "mio", feature = "tokio"))]
mod accept_error;
#[cfg(feature = "mio")]
mod ack_delay;
#[cfg(feature = "tokio")]
mod async_server;
#[cfg(feature = "mio")]
mod buffers;
#[cfg(feature = "mio")]
mod census;
#[cfg(feature = "mio")]
mod charging;
#[cfg(feature = "mio")]
mod checks;
#[cfg(feature = "tls")]
mod client_certificate;
#[cfg(feature = "mio")]
mod clock;
#[cfg(feature = "mio")]
mod closing;
#[cfg(feature = "mio")]
mod config;
#[cfg(feature = "mio")]
mod connection;
#[cfg(feature = "mio")]
mod connections;
#[cfg(any(feature = "mio", feature = "tokio"))]
mod counts;
#[cfg(feature = "mio")]
mod deadlines;
#[cfg(feature = "mio")]
mod descriptors;
#[cfg(feature = "mio")]
mod driver_memory;
#[cfg(feature = "websocket")]
mod file_responses;
#[cfg(feature = "mio")]
mod handle;
#[cfg(feature = "tls")]
mod handshake_cost;
#[cfg(feature = "mio")]
mod handshakes;
#[cfg(feature = "mio")]
mod held_timers;
#[cfg(feature = "mio")]
mod listen;
#[cfg(any(feature = "mio", feature = "tokio"))]
mod load;
#[cfg(feature = "mio")]
mod log_in;
#[cfg(any(feature = "mio", feature = "tokio"))]
mod memory;
#[cfg(feature = "mio")]
mod network;
#[cfg(any(feature = "mio", feature = "tokio"))]
mod origin;
#[cfg(feature = "page")]
mod page;
#[cfg(feature = "mio")]
mod peer;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod program;
#[cfg(feature = "mio")]
mod proxied;
#[cfg(feature = "mio")]
mod read_queue;
#[cfg(feature = "mio")]
mod reading;
#[cfg(any(feature = "mio", feature = "tokio"))]
mod rests;
#[cfg(feature = "mio")]
mod server;
#[cfg(any(feature = "mio", feature = "tokio"))]
mod setters;
#[cfg(feature = "tls")]
mod short_chains;
#[cfg(feature = "mio")]
mod table;
#[cfg(feature = "mio")]
mod time_slice;
#[cfg(feature = "tls")]
mod tls;
#[cfg(any(feature = "mio", feature = "tokio"))]
mod turn_queue;
#[cfg(feature = "mio")]
mod turned_away;
#[cfg(feature = "mio")]
mod turns;
#[cfg(any(feature = "mio", feature = "tokio"))]
mod wall_clock;
#[cfg(feature = "mio")]
mod writing;

/// The core. The configurations and hooks of this crate consist of its types.
pub use chatcore;

#[cfg(feature = "tokio")]
pub use async_server::{AsyncConfig, AsyncServer, Hooks, Listener, Origin, StartError};
pub use chatcore::Reconnect;
#[cfg(feature = "websocket")]
pub use chatcore_transport::{Files, FilesError};
#[cfg(feature = "tls")]
pub use client_certificate::ClientCertificate;
#[cfg(feature = "mio")]
pub use config::{Config, DriverLimits, DriverLimitsError};
#[cfg(feature = "mio")]
pub use descriptors::raise_open_files;
#[cfg(feature = "mio")]
pub use handle::Handle;
#[cfg(feature = "mio")]
pub use listen::{BindError, Endpoint};
#[cfg(feature = "mio")]
pub use log_in::{Authenticator, LogIn, LogInRequest};
#[cfg(feature = "mio")]
pub use network::{Network, NetworkError};
#[cfg(any(feature = "mio", feature = "tokio"))]
pub use origin::{origin_of, quota_key};
#[cfg(feature = "page")]
pub use page::page;
#[cfg(feature = "mio")]
pub use server::Server;
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsError};
