//! What carries the bytes of a connection: a socket, or TLS above one.

mod socket;
#[cfg(feature = "tls")]
mod tls_stream;

use std::io;

use chatcore::Chunks;
use mio::event::Source;
use mio::{Interest, Registry, Token};

pub(crate) use self::socket::Socket;
#[cfg(feature = "tls")]
pub(crate) use self::tls_stream::TlsStream;
#[cfg(all(test, unix, feature = "tls"))]
pub(crate) use self::tls_stream::tests::pair as tls_pair;

/// A transport. The event loop waits for its socket; what is above it is driven by the reads and writes of the loop.
#[derive(Debug)]
pub(crate) enum Transport {
    Plain(Socket),
    /// Boxed, so that a connection without TLS takes no memory for it.
    #[cfg(feature = "tls")]
    Tls(Box<TlsStream>),
}

/// What one attempt to read gave.
#[derive(Debug)]
pub(crate) enum Input {
    /// Bytes for the hub.
    Bytes {
        /// How many.
        count: usize,
        /// There is nothing more at present; the system will tell when there is.
        is_all: bool,
    },
    /// Bytes that carry nothing for the hub, such as a handshake of TLS. There may be more.
    #[cfg(feature = "tls")]
    Overhead(usize),
    /// Nothing at present; the system will tell when there is more.
    None,
    /// Nothing ever again: the peer has ended its side, or the transport broke.
    End(io::Result<()>),
}

/// What became of bytes that were to be written.
#[derive(Debug)]
pub(crate) enum Written {
    /// The transport took this many, perhaps not all.
    Bytes(usize),
    /// It takes nothing at present; the system will tell when it does.
    Blocked,
    /// It never will again.
    Broken(io::Error),
}

/// What became of bytes that the transport itself has kept.
#[derive(Debug)]
#[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "a socket alone keeps nothing"))]
pub(crate) enum Flushed {
    /// It keeps none.
    All,
    /// The socket takes no more at present; the system will tell when it does.
    Blocked,
    /// It never will again.
    Broken(io::Error),
}

/// The cost of a handshake of TLS for its origin, in the units of protocol.md, *Cost*: some 300 µs of the processor.
#[cfg(feature = "tls")]
const TLS_HANDSHAKE_COST: u32 = 500;

impl Transport {
    /// What it costs to begin, beside the connection.
    pub(crate) const fn handshake_cost(&self) -> u32 {
        match self {
            Self::Plain(_) => 0,
            #[cfg(feature = "tls")]
            Self::Tls(_) => TLS_HANDSHAKE_COST,
        }
    }

    /// Nobody between the two ends can read along.
    pub(crate) const fn is_encrypted(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            #[cfg(feature = "tls")]
            Self::Tls(_) => true,
        }
    }

    /// Reads once.
    #[inline]
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Input {
        match self {
            Self::Plain(socket) => socket.read_input(buffer),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.read(buffer),
        }
    }

    /// Writes what the transport takes now of what is to be written, in one piece of up to so many bytes.
    #[inline]
    pub(crate) fn write(&mut self, chunks: Chunks<'_>, bytes_max: usize) -> Written {
        match self {
            Self::Plain(socket) => socket.write_chunks(chunks, bytes_max),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.write(chunks, bytes_max),
        }
    }

    /// Writes what the transport itself has kept of what it took.
    #[inline]
    pub(crate) fn flush(&mut self) -> Flushed {
        match self {
            Self::Plain(_) => Flushed::All,
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.flush(),
        }
    }

    /// The transport keeps something that the socket did not take.
    #[cfg(feature = "tls")]
    pub(crate) fn is_blocked(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(stream) => stream.is_blocked(),
        }
    }

    /// Ends our side of it, after all that was written.
    pub(crate) fn end_writing(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.end_writing(),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.end_writing(),
        }
    }

    fn socket_mut(&mut self) -> &mut Socket {
        match self {
            Self::Plain(socket) => socket,
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.socket_mut(),
        }
    }
}

impl Source for Transport {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.socket_mut().register(registry, token, interests)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.socket_mut().reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.socket_mut().deregister(registry)
    }
}
