//! What a server is told before it starts, and what can be wrong with that.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use chatcore::{Limits, LimitsError};

/// How a server is set up. The limits of the protocol are in [`Limits`]; the others are the driver's.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen: `host:port` each, port 0 for any free one. A name with several addresses listens on all
    /// of them. Default `127.0.0.1:12345`.
    pub listen: Vec<String>,
    /// The limits of the hub.
    pub limits: Limits,
    /// Connections at the most, those included that have no name yet. Further ones wait in the system's queue
    /// until one closes. Default 100 000; the limit of open files is often lower, and is treated the same way.
    pub connections_max: usize,
    /// Bytes that are read from one connection before the others have their turn. Default 64 KiB; at least 1.
    pub read_budget_bytes: usize,
    /// How long a closed connection is still read, and its input thrown away, so that its last words are not
    /// lost to a reset. Default 1 s.
    pub linger_time_max: Duration,
    /// Bytes that are thrown away in that time before the connection is dropped all the same. Default 1 MiB.
    pub linger_bytes_max: usize,
    /// What the goodbye of a stopping server advises. Default nothing.
    pub reconnect: Option<ReconnectAdvice>,
}

/// When, and perhaps where, clients of a stopping server are to connect again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconnectAdvice {
    /// How long to wait first.
    pub after: Duration,
    /// Another server, `host:port`; none for this one.
    pub address: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: vec!["127.0.0.1:12345".into()],
            limits: Limits::default(),
            connections_max: 100_000,
            read_budget_bytes: 64 << 10,
            linger_time_max: Duration::from_secs(1),
            linger_bytes_max: 1 << 20,
            reconnect: None,
        }
    }
}

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The limits do not fit together, or one of the driver's is zero.
    #[error("{0}")]
    Limits(#[from] LimitsError),
    /// A limit of the driver is zero.
    #[error("{name} is 0: it must be at least 1")]
    Zero {
        /// The limit's name.
        name: &'static str,
    },
    /// There is nothing to listen on.
    #[error("no address to listen on: give at least one, such as 127.0.0.1:12345")]
    NoAddress,
    /// An address cannot be understood or found.
    #[error("cannot listen on {spec}: {source}; an address is HOST:PORT, such as 127.0.0.1:12345 or [::1]:12345")]
    Resolve {
        /// As it was given.
        spec: String,
        /// What the system says.
        source: io::Error,
    },
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}{}", advice(source))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The system does not give what every event loop needs.
    #[error("cannot set up the event loop: {0}")]
    EventLoop(io::Error),
    /// The system has no randomness to give.
    #[error("cannot get a random seed from the system: {0}")]
    Seed(getrandom::Error),
}

/// What would be right.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "; another program listens there: choose another port, or 0 for any free one",
        io::ErrorKind::PermissionDenied => "; ports below 1024 often need a privilege: choose a higher one",
        io::ErrorKind::AddrNotAvailable => "; this machine does not have that address",
        _ => "",
    }
}
