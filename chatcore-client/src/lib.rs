#![cfg_attr(feature = "mio", doc = include_str!("../README.md"))]
#![cfg_attr(not(feature = "mio"), doc = "The drivers of a `chatcore` client: each is a feature.")]

#[cfg(any(feature = "mio", feature = "tokio"))]
mod addresses;
#[cfg(feature = "tokio")]
mod async_client;
#[cfg(any(feature = "mio", feature = "tokio"))]
mod clock;
#[cfg(any(feature = "mio", feature = "tokio"))]
mod commands;
#[cfg(feature = "mio")]
mod connection;
#[cfg(feature = "mio")]
mod driver;
#[cfg(feature = "mio")]
mod endpoint;
#[cfg(all(feature = "cli", unix))]
#[doc(hidden)]
pub mod program;
#[cfg(feature = "tls")]
mod tls;
#[cfg(any(feature = "mio", feature = "tokio"))]
mod waiting;

/// The core. The events and errors of this crate consist of its types.
pub use chatcore;

#[cfg(feature = "tokio")]
pub use async_client::{AsyncClient, Dial, Private, Tcp};
pub use chatcore::{
    ClientConfig, ClientError, Closed, Event, GoodbyeCode, Position, Reconnect, RefusalCode, RejectCode, RoomName,
    SessionTicket, User, UserName,
};
#[cfg(feature = "mio")]
pub use connection::{
    ConnectError, Connection, Error, ReceiveHalf, RegisterError, Registered, ReuniteError, SendHalf, connect_any,
};
#[cfg(feature = "mio")]
pub use driver::Driver;
#[cfg(feature = "mio")]
pub use endpoint::{Endpoint, EndpointError, FollowedHost, Resolve, SystemResolver, Target};
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsError, TlsFault};
