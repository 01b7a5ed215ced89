#![cfg_attr(feature = "mio", doc = include_str!("../README.md"))]
#![cfg_attr(not(feature = "mio"), doc = "The drivers of a `chatcore` hub: each is a feature.")]

#[cfg(feature = "mio")]
mod accept;
#[cfg(feature = "mio")]
mod accept_error;
#[cfg(feature = "mio")]
mod ack_delay;
#[cfg(feature = "mio")]
mod buffers;
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
#[cfg(feature = "mio")]
mod deadlines;
#[cfg(feature = "mio")]
mod handshakes;
#[cfg(feature = "mio")]
mod listen;
#[cfg(feature = "mio")]
mod load;
#[cfg(feature = "mio")]
mod memory;
#[cfg(feature = "mio")]
mod origin;
#[cfg(feature = "mio")]
mod read_queue;
#[cfg(feature = "mio")]
mod reading;
#[cfg(feature = "mio")]
mod reconnect;
#[cfg(feature = "mio")]
mod server;
#[cfg(feature = "mio")]
mod table;
#[cfg(feature = "mio")]
mod time_slice;
#[cfg(feature = "mio")]
mod writing;

#[cfg(feature = "mio")]
pub use config::{Config, DriverLimits, DriverLimitsError};
#[cfg(feature = "mio")]
pub use listen::BindError;
#[cfg(feature = "mio")]
pub use origin::quota_key;
#[cfg(feature = "mio")]
pub use reconnect::ReconnectAdvice;
#[cfg(feature = "mio")]
pub use server::{Handle, Server};
