//! The connection of a driver: first it is made, then it is used.

use std::io;

#[cfg(feature = "websocket")]
use chatcore::websocket::{SUBPROTOCOL, UpgradeRequest};
#[cfg(feature = "tls")]
use chatcore_transport::TlsStream;
#[cfg(feature = "websocket")]
use chatcore_transport::{Base, WebSocketStream};
use chatcore_transport::{Flushed, Input, Socket, Transport};
use mio::event::Source;
use mio::{Interest, Registry, Token};

#[cfg(feature = "websocket")]
use crate::endpoint::host::without_scope;
use crate::endpoint::{Address, Target};
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

/// Where connections are registered.
#[derive(Debug)]
pub(super) struct Registration {
    pub(super) registry: Registry,
    pub(super) token: Token,
    pub(super) interests: Interest,
}

impl Registration {
    pub(super) fn new(registry: &Registry, token: Token, interests: Interest) -> io::Result<Self> {
        Ok(Self { registry: registry.try_clone()?, token, interests })
    }
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
    /// Begins to connect, and registers the connection if there is where.
    pub(super) fn begin(target: Target, registration: Option<&Registration>) -> io::Result<Self> {
        let socket = match &target.address {
            Address::Ip(address) => Socket::tcp(*address)?,
            #[cfg(unix)]
            Address::Unix(path) => Socket::unix(path)?,
        };
        let transport = above(socket, &target)?;
        let mut link = Self { transport, target, stage: Stage::Connecting, has_failed_to_write: false };
        if let Some(Registration { registry, token, interests }) = registration {
            link.register(registry, *token, *interests)?;
        }
        Ok(link)
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
        while self.transport.is_opening() {
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
        if self.transport.is_opening() {
            return Ok(Progress::Waits);
        }
        self.stage = Stage::Open;
        Ok(Progress::Stands(0))
    }

    /// The error that says what a transport was lacking while it was made.
    fn explained(&self, error: io::Error) -> io::Error {
        debug_assert_eq!(self.stage, Stage::Opening, "a connection that stands just breaks");
        #[cfg(feature = "tls")]
        if self.transport.is_encrypted() {
            let kind = error.kind();
            let is_handshaking = self.transport.tls_session().is_some_and(|session| session.is_handshaking());
            match TlsFault::of(&error) {
                Some(fault) => return io::Error::new(kind, fault),
                None if is_handshaking && kind == io::ErrorKind::UnexpectedEof => {
                    return io::Error::new(kind, TlsFault::Ended);
                }
                None => {}
            }
        }
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return io::Error::new(error.kind(), "the server ended the connection before it could be used");
        }
        error
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // The other end of TLS or a WebSocket is to know that nobody has cut off what we say. If it cannot be told, it
        // has gone.
        if !matches!(self.transport, Transport::Plain(_)) && self.is_open() && !self.has_failed_to_write {
            let _ = self.transport.end_writing();
        }
    }
}

/// What is to be spoken above a socket.
fn above(socket: Socket, target: &Target) -> io::Result<Transport> {
    let transport = secured(socket, target)?;
    #[cfg(feature = "websocket")]
    if let Some(request) = upgrade_request(target)? {
        let base = match transport {
            Transport::Plain(socket) => Base::Plain(socket),
            #[cfg(feature = "tls")]
            Transport::Tls(stream) => Base::Tls(stream),
            Transport::WebSocket(_) => unreachable!("no WebSocket is below another one"),
        };
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(io::Error::other)?;
        return Ok(Transport::WebSocket(Box::new(WebSocketStream::client(base, request, seed))));
    }
    Ok(transport)
}

/// TLS above a socket, if the target is to be reached over it.
#[cfg(feature = "tls")]
fn secured(socket: Socket, target: &Target) -> io::Result<Transport> {
    let Some((host, _, layers)) = target.endpoint.network().filter(|(_, _, layers)| layers.is_encrypted) else {
        return Ok(Transport::Plain(socket));
    };
    let name = tls::server_name(host).expect("an endpoint with TLS has a host that a certificate can be for");
    let tls = match &target.endpoint.tls {
        Some(tls) => tls.clone(),
        // A server without TLS has advised to go where there is some.
        None => Tls::of_system().map_err(io::Error::other)?,
    };
    let stream = TlsStream::client(socket, tls.config(layers), name).map_err(io::Error::other)?;
    Ok(Transport::Tls(Box::new(stream)))
}

#[cfg(not(feature = "tls"))]
#[expect(clippy::unnecessary_wraps, reason = "with the feature `tls` it can fail")]
fn secured(socket: Socket, _target: &Target) -> io::Result<Transport> {
    Ok(Transport::Plain(socket))
}

/// What asks for a WebSocket, if the target is to be reached over one.
#[cfg(feature = "websocket")]
fn upgrade_request(target: &Target) -> io::Result<Option<UpgradeRequest>> {
    let Some((host, port, layers)) = target.endpoint.network() else { return Ok(None) };
    let Some(path) = &layers.web_path else { return Ok(None) };
    let authority = layers.authority(without_scope(host).as_ref(), port);
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(io::Error::other)?;
    UpgradeRequest::new(&authority, path, &[SUBPROTOCOL], nonce).map(Some).map_err(io::Error::other)
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
