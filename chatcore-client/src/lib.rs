#![doc = include_str!("../README.md")]

mod clock;
mod connection;
mod driver;

pub use chatcore::{ClientConfig, ClientError, Closed, Event, Reconnect, RejectCode, UserName};
pub use connection::{ConnectError, Connection, Error, RegisterError, Registered, connect_any};
pub use driver::Driver;
