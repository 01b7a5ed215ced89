#![doc = include_str!("../README.md")]

mod clock;
mod commands;
mod connection;
mod driver;
mod inbox;

/// The core. The events and errors of this crate consist of its types.
pub use chatcore;

pub use chatcore::{
    ClientConfig, ClientError, Closed, Event, Reconnect, RefusalCode, RejectCode, SessionTicket, User, UserName,
};
pub use connection::{ConnectError, Connection, Error, RegisterError, Registered, connect_any};
pub use driver::Driver;
