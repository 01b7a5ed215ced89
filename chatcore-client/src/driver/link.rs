//! The connection of a driver: first it is made, then it is used.

use std::io;

#[cfg(feature = "tls")]
use chatcore_transport::TlsStream;
use chatcore_transport::{Flushed, Input, Socket, Transport};
use mio::event::Source;
use mio::{Interest, Registry, Token};

use crate::endpoint::{Address, Target};
#[cfg(feature = "tls")]
use crate::endpoint::{Layers, Place};
#[cfg(feature = "tls")]
use crate::tls::{self, Tls, TlsFault};

/// A transport, and where it leads.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) transport: Transport,
    pub(super) target: Target,
    stage: Stage,
    /// Nothing can be written any more.
    pub(super) has_failed_to_write: bool,
}

/// What was reached on the way to a connection that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The system makes the connection.
    Connecting,
    /// The two ends agree on what is above it.
    Opening,
    /// Bytes of the protocol go to and fro.
    Open,
}

/// How far a connection is that is being made.
#[derive(Debug)]
pub(super) enum Progress {
    /// It needs something that has not come yet.
    Waits,
    /// It stands. This many bytes of the protocol came with the last of what it needed, and are in the buffer.
    Stands(usize),
}

impl Link {
    /// Begins to connect.
    pub(super) fn begin(target: Target) -> io::Result<Self> {
        let socket = match &target.address {
            Address::Ip(address) => Socket::tcp(*address)?,
            #[cfg(unix)]
            Address::Unix(path) => Socket::unix(path)?,
        };
        let transport = above(socket, &target)?;
        Ok(Self { transport, target, stage: Stage::Connecting, has_failed_to_write: false })
    }

    pub(super) const fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open)
    }

    /// Goes on with making the connection, as far as that goes without waiting.
    ///
    /// # Errors
    ///
    /// Why it cannot be made.
    pub(super) fn advance(&mut self, buffer: &mut [u8]) -> io::Result<Progress> {
        if self.stage == Stage::Connecting {
            if !self.transport.socket().stands()? {
                return Ok(Progress::Waits);
            }
            self.stage = Stage::Opening;
        }
        // What we have to say first goes before we read.
        while self.is_opening() {
            if let Flushed::Broken(error) = self.transport.flush() {
                return Err(self.explained(error));
            }
            match self.transport.read(buffer) {
                Input::Overhead(_) => {}
                Input::None => break,
                Input::Bytes { count, .. } => {
                    self.stage = Stage::Open;
                    return Ok(Progress::Stands(count));
                }
                Input::End(end) => {
                    let error = end.err().unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into());
                    return Err(self.explained(error));
                }
            }
        }
        if self.is_opening() {
            return Ok(Progress::Waits);
        }
        self.stage = Stage::Open;
        Ok(Progress::Stands(0))
    }

    /// The two ends have to agree on something before the protocol begins.
    fn is_opening(&self) -> bool {
        #[cfg(feature = "tls")]
        if let Some(session) = self.transport.tls_session() {
            return session.is_handshaking();
        }
        false
    }

    /// The error that says what a transport was lacking while it was made.
    fn explained(&self, error: io::Error) -> io::Error {
        #[cfg(feature = "tls")]
        if self.transport.is_encrypted() {
            let kind = error.kind();
            return match TlsFault::of(&error) {
                Some(fault) => io::Error::new(kind, fault),
                None if kind == io::ErrorKind::UnexpectedEof => io::Error::new(kind, TlsFault::Ended),
                None => error,
            };
        }
        error
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // The other end of TLS is to know that nobody has cut off what we say. If it cannot be told, it has gone.
        if self.transport.is_encrypted() && self.is_open() && !self.has_failed_to_write {
            let _ = self.transport.end_writing();
        }
    }
}

/// What is to be spoken above a socket.
#[cfg(feature = "tls")]
fn above(socket: Socket, target: &Target) -> io::Result<Transport> {
    let Place::Network { host, layers: Layers { is_encrypted: true }, .. } = &target.endpoint.place else {
        return Ok(Transport::Plain(socket));
    };
    let name = tls::server_name(host).expect("an endpoint with TLS has a host that a certificate can be for");
    let tls = match &target.endpoint.tls {
        Some(tls) => tls.clone(),
        // A server without TLS has advised to go where there is some.
        None => Tls::of_system().map_err(io::Error::other)?,
    };
    let stream = TlsStream::client(socket, tls.config(), name).map_err(io::Error::other)?;
    Ok(Transport::Tls(Box::new(stream)))
}

#[cfg(not(feature = "tls"))]
#[expect(clippy::unnecessary_wraps, reason = "with the feature `tls` it can fail")]
fn above(socket: Socket, _target: &Target) -> io::Result<Transport> {
    Ok(Transport::Plain(socket))
}

impl Source for Link {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.transport.register(registry, token, interests)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.transport.reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.transport.deregister(registry)
    }
}
