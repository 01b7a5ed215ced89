#![doc = include_str!("../README.md")]

mod clock;
mod config;
mod connection;
mod listener;
mod server;

pub use config::{BindError, Config, ReconnectAdvice};
pub use server::{Handle, Server};
