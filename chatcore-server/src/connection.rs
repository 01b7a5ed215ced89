//! One socket, and what the server knows about it.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr};

use chatcore::{ConnId, Handshake, Instant};
use mio::net::TcpStream;

/// A socket in one of its stages. Small: a server holds very many of them, most of them silent.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    pub(crate) peer: SocketAddr,
    pub(crate) stage: Stage,
    /// The start of a frame that is not whole. Holds memory only while there is one.
    pub(crate) partial: Vec<u8>,
    /// The entry among the server's own deadlines.
    pub(crate) armed: Option<Instant>,
    /// The system has said that the peer sends no more: the next short read is not the last.
    pub(crate) read_closed: bool,
    /// The system took less than there was to write.
    pub(crate) write_blocked: bool,
}

#[derive(Debug)]
pub(crate) enum Stage {
    /// No name yet.
    Fresh(Box<Handshake>),
    /// Known to the hub.
    Chatting(ConnId),
    /// Over, and read only so that what was written last arrives.
    Lingering { bytes_left: usize },
}

impl Connection {
    pub(crate) fn new(stream: TcpStream, peer: SocketAddr, handshake: Handshake) -> Self {
        Self {
            stream,
            peer,
            stage: Stage::Fresh(Box::new(handshake)),
            partial: Vec::new(),
            armed: None,
            read_closed: false,
            write_blocked: false,
        }
    }

    /// Reads once.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Arrival {
        loop {
            return match self.stream.read(buffer) {
                Ok(0) => Arrival::End(None),
                // A short read has emptied the socket, unless the end waits behind it (epoll(7)).
                Ok(bytes) => Arrival::Bytes { bytes, may_be_more: bytes == buffer.len() || self.read_closed },
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Arrival::Nothing,
                Err(error) => Arrival::End(Some(error)),
            };
        }
    }

    /// Writes once. None if the system takes nothing now.
    pub(crate) fn write(&mut self, chunks: [&[u8]; 2]) -> io::Result<Option<usize>> {
        loop {
            return match self.stream.write_vectored(&chunks.map(IoSlice::new)) {
                Ok(0) => Err(io::ErrorKind::WriteZero.into()),
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.write_blocked = true;
                    Ok(None)
                }
                Err(error) => Err(error),
            };
        }
    }

    /// Writes what a handshake has to say, as far as the system takes it.
    pub(crate) fn write_handshake(&mut self) -> io::Result<()> {
        loop {
            let Stage::Fresh(handshake) = &self.stage else { return Ok(()) };
            let [first, second] = handshake.transmit();
            if first.is_empty() && second.is_empty() {
                return Ok(());
            }
            // At most a few short frames: a copy is cheaper than a second borrow.
            let bytes = [first, second].concat();
            let Some(count) = self.write([&bytes, &[]])? else { return Ok(()) };
            if let Stage::Fresh(handshake) = &mut self.stage {
                handshake.transmitted(count);
            }
        }
    }

    /// Says that nothing more comes, and begins to throw away what does. Dropping a socket that has unread
    /// input would reset it, and a reset may overtake the last words.
    pub(crate) fn linger(&mut self, bytes_max: usize) {
        // An error means that the peer is gone, which the next read shows too.
        let _ = self.stream.shutdown(Shutdown::Write);
        self.partial = Vec::new();
        self.stage = Stage::Lingering { bytes_left: bytes_max };
    }
}

/// What one read brought.
pub(crate) enum Arrival {
    Bytes {
        bytes: usize,
        may_be_more: bool,
    },
    Nothing,
    /// The peer closed, or the connection broke.
    End(Option<io::Error>),
}
