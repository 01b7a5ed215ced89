//! Sockets that wait for clients, and what happens when there can be no more of those.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use chatcore::Instant;
use mio::net::{TcpListener, TcpStream};
use socket2::{Domain, Protocol, Socket, Type};
use tracing::{info, warn};

use crate::config::BindError;

/// Connections that the system queues until they are accepted.
const BACKLOG: i32 = 4096;

/// How long to wait before accepting is tried again when the system has run out of something, although no
/// connection of ours was closed: another program may have given it back.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Opens every address that a `host:port` stands for.
pub(crate) fn listen(spec: &str) -> Result<Vec<TcpListener>, BindError> {
    let addresses: Vec<SocketAddr> =
        spec.to_socket_addrs().map_err(|source| BindError::Resolve { spec: spec.to_owned(), source })?.collect();
    if addresses.is_empty() {
        return Err(BindError::NoAddress);
    }
    addresses.into_iter().map(|address| open(address).map_err(|source| BindError::Listen { address, source })).collect()
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // So that [::] and 0.0.0.0 can both be listened on, whatever the system's default is.
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}

/// Whether connections can be accepted at present.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// The shortage has been logged, and has not ended.
    short: bool,
    /// Until when, or until a connection closes, nothing is tried.
    closed_until: Option<Instant>,
}

impl Gate {
    pub(crate) const fn is_open(&self) -> bool {
        self.closed_until.is_none()
    }

    /// When the next try is due, if nothing closes before.
    pub(crate) const fn deadline(&self) -> Option<Instant> {
        self.closed_until
    }

    /// One more may be possible: a connection has closed.
    pub(crate) const fn reopen(&mut self) {
        self.closed_until = None;
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.closed_until.is_some_and(|until| until <= now) {
            self.reopen();
        }
    }

    /// Nothing more can be accepted, for this reason. Said once, until [`Gate::recovered`].
    pub(crate) fn close(&mut self, now: Instant, reason: &dyn std::fmt::Display) {
        self.closed_until = Some(now + RETRY_AFTER);
        if !self.short {
            self.short = true;
            warn!("not accepting connections: {reason}; going on when one closes");
        }
    }

    /// Everybody who waited is in.
    pub(crate) fn recovered(&mut self) {
        if self.short {
            self.short = false;
            info!("accepting connections again");
        }
    }
}

/// What came of one try to accept.
pub(crate) enum Accepted {
    Connection(TcpStream, SocketAddr),
    /// Nobody waits.
    Nobody,
    /// That one went wrong; others may wait.
    Again,
    /// The system has run out of something.
    Shortage(io::Error),
}

pub(crate) fn accept(listener: &TcpListener) -> Accepted {
    match listener.accept() {
        Ok((stream, peer)) => Accepted::Connection(stream, peer),
        Err(error) => match error.kind() {
            io::ErrorKind::WouldBlock => Accepted::Nobody,
            // Of the connection, not of the listener (accept(2), "Error handling").
            io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted => {
                Accepted::Again
            }
            _ => Accepted::Shortage(error),
        },
    }
}
