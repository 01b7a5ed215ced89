#![doc = include_str!("../README.md")]

mod clock;
mod connection;
mod driver;

/// The core, whose types the events and errors here are made of.
pub use chatcore;

pub use chatcore::{
    ClientConfig, ClientError, Closed, Event, Reconnect, RefusalCode, RejectCode, SessionTicket, User, UserName,
};
pub use connection::{ConnectError, Connection, Error, RegisterError, Registered, connect_any};
pub use driver::Driver;
