#![doc = include_str!("../README.md")]

mod accept;
mod ack_delay;
mod buffers;
mod clock;
mod closing;
mod config;
mod connection;
mod connections;
mod deadlines;
mod handshakes;
mod listen;
mod memory;
mod read_queue;
mod reading;
mod server;
mod table;
mod time_slice;
mod writing;

pub use config::{Config, DriverLimits, DriverLimitsError, ReconnectAdvice};
pub use listen::BindError;
pub use server::{Handle, Server};
