//! What a WebSocket is above.

use std::io::{self, IoSlice};

#[cfg(feature = "tls")]
use crate::TlsStream;
use crate::{Flushed, Framing, Input, Socket, Written};

/// What is below a WebSocket.
#[derive(Debug)]
pub enum Base {
    /// A socket alone.
    Plain(Socket),
    /// TLS above a socket.
    #[cfg(feature = "tls")]
    Tls(Box<TlsStream>),
}

impl Base {
    pub(crate) const fn is_encrypted(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            #[cfg(feature = "tls")]
            Self::Tls(_) => true,
        }
    }

    #[cfg(feature = "tls")]
    pub(crate) const fn tls_session(&self) -> Option<&rustls::Connection> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(stream) => Some(stream.session()),
        }
    }

    pub(crate) const fn read_socket_alone(&mut self) {
        match self {
            Self::Plain(_) => {}
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.read_socket_alone(),
        }
    }

    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Input {
        match self {
            Self::Plain(socket) => socket.read_input(buffer),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.read(buffer),
        }
    }

    pub(crate) fn take_framing(&mut self) -> Framing {
        match self {
            Self::Plain(_) => Framing::default(),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.take_framing(),
        }
    }

    pub(crate) fn write_slices(&mut self, slices: &[IoSlice<'_>]) -> Written {
        match self {
            Self::Plain(socket) => socket.write_slices(slices),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.write_slices(slices),
        }
    }

    pub(crate) fn flush(&mut self) -> Flushed {
        match self {
            Self::Plain(_) => Flushed::All,
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.flush(),
        }
    }

    pub(crate) fn is_blocked(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.is_blocked(),
        }
    }

    pub(crate) fn end_writing(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.end_writing(),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.end_writing(),
        }
    }

    pub(crate) const fn socket(&self) -> &Socket {
        match self {
            Self::Plain(socket) => socket,
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.socket(),
        }
    }

    pub(crate) fn socket_mut(&mut self) -> &mut Socket {
        match self {
            Self::Plain(socket) => socket,
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.socket_mut(),
        }
    }
}
