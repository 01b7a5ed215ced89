//! The client's end of the protocol.

mod acks;
mod backoff;
mod commands;
mod config;
mod connecting;
mod event;
mod inbox;
mod incoming;
mod outgoing;
mod outputs;
mod parts;
mod pending;
mod queue;
mod timeouts;
mod transport;

pub use self::acks::Position;
pub use self::backoff::Backoff;
pub use self::config::{ClientConfig, ClientConfigError};
pub use self::event::{ClientError, Closed, Event, SessionTicket, User};
pub use self::inbox::Inbox;
pub use self::parts::Client;
pub use self::transport::Transport;
