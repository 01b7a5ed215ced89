//! Where connections come from.

use std::io;

use chatcore::QuotaKey;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};

use super::origin::Origin;

/// Accepts connections for [`serve`](super::AsyncServer::serve), over whatever carries bytes reliably and in order.
///
/// An opening that takes time, such as that of TLS or a WebSocket, must not happen in here, because others wait
/// meanwhile: a program makes it in a task of its own, and then calls
/// [`serve_connection`](super::AsyncServer::serve_connection).
pub trait Listener: Send {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Waits for the next connection, and says where it comes from. The server may drop the future and call again: no
    /// connection must be lost with it.
    ///
    /// # Errors
    ///
    /// What the system says. If the error concerns one connection alone, the server tries again at once; after any
    /// other, a second later. It does not give up.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Stream, Origin)>> + Send;
}

/// The origin of a connection is its address. Messages do not wait for company
/// ([`set_nodelay`](TcpStream::set_nodelay)).
impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, Origin)> {
        let (stream, peer) = Self::accept(self).await?;
        // It fails only if the connection broke at once, which the first read shows.
        let _ = stream.set_nodelay(true);
        Ok((stream, peer.ip().into()))
    }
}

/// All connections have the same origin, [`QuotaKey`]`(0)`, and share its quota of cost and memory.
#[cfg(unix)]
impl Listener for UnixListener {
    type Stream = UnixStream;

    async fn accept(&mut self) -> io::Result<(UnixStream, Origin)> {
        Ok((Self::accept(self).await?.0, QuotaKey::default().into()))
    }
}
