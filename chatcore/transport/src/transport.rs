//! All transports as one type, so that an event loop calls nothing by a pointer.

use std::io;

use chatcore::Chunks;
use mio::event::Source;
use mio::{Interest, Registry, Token};

#[cfg(feature = "websocket")]
use crate::FileResponse;
#[cfg(feature = "tls")]
use crate::TlsStream;
#[cfg(any(feature = "tls", feature = "websocket"))]
use crate::no_room::{NO_ROOM_IN_HTTP, NO_ROOM_IN_TLS};
#[cfg(feature = "websocket")]
use crate::websocket_stream::{Ending, WebSocketStream};
use crate::{Flushed, Framing, Input, Socket, Written};
#[cfg(feature = "proxy")]
use crate::{Proxied, ProxyError, ProxyReader};

/// A transport. The event loop waits for its socket; what is above it is driven by the reads and writes of the loop.
#[derive(Debug)]
pub enum Transport {
    /// A socket, with nothing above it.
    Plain(Socket),
    /// TLS above a socket. Boxed, so that a connection without TLS takes no memory for it.
    #[cfg(feature = "tls")]
    Tls(Box<TlsStream>),
    /// A WebSocket, above a socket or above TLS.
    #[cfg(feature = "websocket")]
    WebSocket(Box<WebSocketStream>),
}

impl Transport {
    /// Nobody between the two ends can read along.
    pub const fn is_encrypted(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            #[cfg(feature = "tls")]
            Self::Tls(_) => true,
            #[cfg(feature = "websocket")]
            Self::WebSocket(stream) => stream.base().is_encrypted(),
        }
    }

    /// The stream is in the messages of a WebSocket.
    pub const fn is_websocket(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            #[cfg(feature = "tls")]
            Self::Tls(_) => false,
            #[cfg(feature = "websocket")]
            Self::WebSocket(_) => true,
        }
    }

    /// What the two ends of TLS have agreed on, and what is known of the peer; none without TLS.
    #[cfg(feature = "tls")]
    pub const fn tls_session(&self) -> Option<&rustls::Connection> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(stream) => Some(stream.session()),
            #[cfg(feature = "websocket")]
            Self::WebSocket(stream) => stream.base().tls_session(),
        }
    }

    /// The two ends still agree on what carries the stream: on TLS, or on a WebSocket.
    pub fn is_opening(&self) -> bool {
        #[cfg(feature = "tls")]
        if self.tls_session().is_some_and(|session| session.is_handshaking()) {
            return true;
        }
        match self {
            Self::Plain(_) => false,
            #[cfg(feature = "tls")]
            Self::Tls(_) => false,
            #[cfg(feature = "websocket")]
            Self::WebSocket(stream) => stream.is_opening(),
        }
    }

    /// The response that goes to a request for a file, in place of a WebSocket. When all of it [is
    /// sent](FileResponse::is_sent), [end](Self::end_writing) our side. Until then nothing is taken that may arrive.
    #[cfg(feature = "websocket")]
    pub fn response(&self) -> Option<&FileResponse> {
        match self {
            Self::Plain(_) => None,
            #[cfg(feature = "tls")]
            Self::Tls(_) => None,
            Self::WebSocket(stream) => stream.response(),
        }
    }

    /// The same, once for each: after a read that gave [`Input::Overhead`].
    #[cfg(feature = "websocket")]
    pub fn take_new_response(&mut self) -> Option<&FileResponse> {
        match self {
            Self::Plain(_) => None,
            #[cfg(feature = "tls")]
            Self::Tls(_) => None,
            Self::WebSocket(stream) => stream.take_new_response(),
        }
    }

    /// Takes the header of the PROXY protocol, which comes before all else, from the socket, and nothing of what is
    /// after it. None if it has not come as a whole; the system will tell when there is more.
    ///
    /// # Errors
    ///
    /// There is none.
    #[cfg(feature = "proxy")]
    pub fn read_proxy_header(&mut self, reader: &mut ProxyReader) -> Result<Option<Proxied>, ProxyError> {
        reader.read(self.socket_mut())
    }

    /// Says something to a peer that does not speak what is above the socket: as much as the socket takes at once. From
    /// then on reads take what comes from the socket, and look at none of it.
    ///
    /// # Errors
    ///
    /// The system's, if it takes nothing.
    pub fn say_below(&mut self, words: &[u8]) -> io::Result<()> {
        self.read_socket_alone();
        io::Write::write(self.socket_mut(), words).map(|_| ())
    }

    /// What comes from now on is of no use: it is to cost no handshake.
    fn read_socket_alone(&mut self) {
        match self {
            Self::Plain(_) => {}
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.read_socket_alone(),
            #[cfg(feature = "websocket")]
            Self::WebSocket(stream) => stream.read_socket_alone(),
        }
    }

    /// Reads once.
    #[inline]
    pub fn read(&mut self, buffer: &mut [u8]) -> Input {
        match self {
            Self::Plain(socket) => socket.read_input(buffer),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.read(buffer),
            #[cfg(feature = "websocket")]
            Self::WebSocket(stream) => stream.read(buffer),
        }
    }

    /// What has come around the bytes of the stream since this was asked last: nothing over a socket. It is work for
    /// this end, however little of the stream is in it, so a fair server charges the peer for it.
    #[inline]
    pub fn take_framing(&mut self) -> Framing {
        match self {
            Self::Plain(_) => Framing::default(),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.take_framing(),
            #[cfg(feature = "websocket")]
            Self::WebSocket(stream) => stream.take_framing(),
        }
    }

    /// Writes what the transport takes now of the chunks, up to `bytes_max` bytes, in one piece.
    #[inline]
    pub fn write(&mut self, chunks: Chunks<'_>, bytes_max: usize) -> Written {
        match self {
            Self::Plain(socket) => socket.write_chunks(chunks, bytes_max),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.write(chunks, bytes_max),
            #[cfg(feature = "websocket")]
            Self::WebSocket(stream) => stream.write(chunks, bytes_max),
        }
    }

    /// Writes what the transport itself has kept of what it took.
    #[inline]
    pub fn flush(&mut self) -> Flushed {
        match self {
            Self::Plain(_) => Flushed::All,
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.flush(),
            #[cfg(feature = "websocket")]
            Self::WebSocket(stream) => stream.flush(),
        }
    }

    /// The transport keeps something that the socket did not take.
    pub fn is_blocked(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.is_blocked(),
            #[cfg(feature = "websocket")]
            Self::WebSocket(stream) => stream.is_blocked(),
        }
    }

    /// Ends our side of it, after all that was written.
    ///
    /// # Errors
    ///
    /// The system's, if the transport broke.
    pub fn end_writing(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.end_writing(),
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.end_writing(),
            #[cfg(feature = "websocket")]
            Self::WebSocket(stream) => stream.end_writing(Ending::Done),
        }
    }

    /// The same, because this end stops. Over a WebSocket the peer is told so.
    ///
    /// # Errors
    ///
    /// The system's, if the transport broke.
    pub fn go_away(&mut self) -> io::Result<()> {
        match self {
            #[cfg(feature = "websocket")]
            Self::WebSocket(stream) => stream.end_writing(Ending::GoingAway),
            other => other.end_writing(),
        }
    }

    /// The same, because others need the place of this one. Over a WebSocket the peer is told so: with the status 503,
    /// if the WebSocket is not open.
    ///
    /// # Errors
    ///
    /// The system's, if the transport broke.
    pub fn make_room(&mut self) -> io::Result<()> {
        match self {
            #[cfg(feature = "websocket")]
            Self::WebSocket(stream) => stream.end_writing(Ending::NoRoom),
            other => other.end_writing(),
        }
    }

    /// Tells a peer for whom there is no room so, as far as that is possible without having read anything, and ends our
    /// side: the words over a socket, the alert `internal_error` over TLS, and the status 503 over a WebSocket above a
    /// socket. Nobody waits for a socket that does not take all of it. It is for a transport over which nothing has
    /// gone yet. From then on reads take what comes from the socket, and look at none of it.
    pub fn turn_away(&mut self, words: Chunks<'_>) {
        self.read_socket_alone();
        match &mut *self {
            Self::Plain(socket) => drop(socket.write_chunks(words, usize::MAX)),
            #[cfg(any(feature = "tls", feature = "websocket"))]
            other => {
                let bytes = if other.is_encrypted() { NO_ROOM_IN_TLS } else { NO_ROOM_IN_HTTP };
                drop(other.socket_mut().write_slices(&[io::IoSlice::new(bytes)]));
            }
        }
        // It fails only if the peer is gone.
        let _ = self.socket_mut().end_writing();
    }

    /// The socket below all.
    pub const fn socket(&self) -> &Socket {
        match self {
            Self::Plain(socket) => socket,
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.socket(),
            #[cfg(feature = "websocket")]
            Self::WebSocket(stream) => stream.base().socket(),
        }
    }

    fn socket_mut(&mut self) -> &mut Socket {
        match self {
            Self::Plain(socket) => socket,
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.socket_mut(),
            #[cfg(feature = "websocket")]
            Self::WebSocket(stream) => stream.socket_mut(),
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
