#![doc = include_str!("../README.md")]

mod accept;
mod clock;
mod config;
mod connection;
mod connections;
mod deadlines;
mod listen;
mod server;

pub use config::{Config, DriverLimits, ReconnectAdvice};
pub use listen::BindError;
pub use server::{Handle, Server};
