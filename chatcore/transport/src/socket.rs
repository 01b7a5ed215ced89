//! A socket of the system, whichever family it is of.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr};
#[cfg(unix)]
use std::path::Path;

use chatcore::Chunks;
use mio::event::Source;
use mio::net::TcpStream;
#[cfg(unix)]
use mio::net::UnixStream;
use mio::{Interest, Registry, Token};

use crate::{Input, Written};

/// A read that gives less than it was asked for has given all there is, and epoll(7) promises to tell of more. Others
/// may wait for us to try again.
pub(crate) const SHORT_READ_IS_ALL: bool = cfg!(target_os = "linux");

/// Pieces that go out with one write, at the most.
pub(crate) const WRITE_CHUNKS_MAX: usize = 64;

/// A connected socket.
#[derive(Debug)]
pub enum Socket {
    /// Over TCP.
    Tcp(TcpStream),
    /// On this machine.
    #[cfg(unix)]
    Unix(UnixStream),
}

/// Calls the same method of whichever socket it is.
macro_rules! each {
    ($socket:expr, $name:ident => $call:expr) => {
        match $socket {
            Socket::Tcp($name) => $call,
            #[cfg(unix)]
            Socket::Unix($name) => $call,
        }
    };
}

impl Socket {
    /// Begins to connect over TCP. Messages will not wait for company: `TCP_NODELAY` is set when the connection
    /// [stands](Self::stands).
    ///
    /// # Errors
    ///
    /// The system's, if it gives no socket or has no way there.
    pub fn tcp(address: SocketAddr) -> io::Result<Self> {
        TcpStream::connect(address).map(Self::Tcp)
    }

    /// Connects to the socket at a path.
    ///
    /// # Errors
    ///
    /// The system's, if nobody listens there, or who does takes no more at present.
    #[cfg(unix)]
    pub fn unix(path: &Path) -> io::Result<Self> {
        UnixStream::connect(path).map(Self::Unix)
    }

    /// Whether the connection that was begun stands by now.
    ///
    /// # Errors
    ///
    /// The system's, if it cannot be made; and [`AddrNotAvailable`](io::ErrorKind::AddrNotAvailable) if both of its
    /// ends are this socket: a system that takes the port where nobody listens for our own end connects us to
    /// ourselves.
    pub fn stands(&self) -> io::Result<bool> {
        let error = each!(self, socket => socket.take_error())?;
        let reached = match (error, self) {
            (Some(error), _) => Err(error),
            (None, Self::Tcp(socket)) => socket.peer_addr().and_then(|peer| {
                if socket.local_addr().is_ok_and(|own| own == peer) {
                    let why = "nobody listens there: the connection led to itself";
                    return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, why));
                }
                Ok(())
            }),
            #[cfg(unix)]
            (None, Self::Unix(socket)) => socket.peer_addr().map(drop),
        };
        match (reached, self) {
            (Ok(()), Self::Tcp(socket)) => {
                // An error only means that the connection broke at once, which the next read shows.
                let _ = socket.set_nodelay(true);
                Ok(true)
            }
            #[cfg(unix)]
            (Ok(()), Self::Unix(_)) => Ok(true),
            (Err(error), _) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            (Err(error), _) => Err(error),
        }
    }

    #[inline]
    pub(crate) fn read_input(&mut self, buffer: &mut [u8]) -> Input {
        loop {
            match self.read(buffer) {
                Ok(0) => return Input::End(Ok(())),
                Ok(count) => return Input::Bytes { count, is_all: SHORT_READ_IS_ALL && count < buffer.len() },
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Input::None,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Input::End(Err(error)),
            }
        }
    }

    #[inline]
    pub(crate) fn write_chunks(&mut self, chunks: Chunks<'_>, bytes_max: usize) -> Written {
        with_slices(chunks, bytes_max, |slices| self.write_slices(slices))
    }

    #[inline]
    pub(crate) fn write_slices(&mut self, slices: &[IoSlice<'_>]) -> Written {
        loop {
            let written = match slices {
                // The system has less to look at.
                [slice] => self.write(slice),
                slices => self.write_vectored(slices),
            };
            match written {
                Ok(0) => return Written::Broken(io::ErrorKind::WriteZero.into()),
                Ok(count) => return Written::Bytes(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Written::Blocked,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Written::Broken(error),
            }
        }
    }

    pub(crate) fn end_writing(&self) -> io::Result<()> {
        each!(self, socket => socket.shutdown(Shutdown::Write))
    }
}

/// What of the chunks goes out with one write.
#[inline]
pub(crate) fn with_slices<T>(chunks: Chunks<'_>, bytes_max: usize, write: impl FnOnce(&[IoSlice<'_>]) -> T) -> T {
    let mut slices = [IoSlice::new(&[]); WRITE_CHUNKS_MAX];
    let chunks = slices.iter_mut().zip(chunks.take_bytes(bytes_max));
    let filled = chunks.map(|(slice, chunk)| *slice = IoSlice::new(chunk)).count();
    write(&slices[..filled])
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        each!(self, socket => socket.read(buffer))
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        each!(self, socket => socket.write(bytes))
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        each!(self, socket => socket.write_vectored(slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Source for Socket {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        each!(self, socket => socket.register(registry, token, interests))
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        each!(self, socket => socket.reregister(registry, token, interests))
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        each!(self, socket => socket.deregister(registry))
    }
}
