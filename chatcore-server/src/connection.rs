//! One socket and what it is used for at present. As small as it can be: most connections are silent.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr};

use chatcore::{Chunks, ConnId, Handshake, Instant};
use mio::net::TcpStream;

/// Pieces that go out with one write, at the most.
const WRITE_CHUNKS_MAX: usize = 64;

#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    pub(crate) peer: SocketAddr,
    pub(crate) stage: Stage,
    /// The start of a frame that is not whole yet. Empty most of the time, and then without memory.
    pub(crate) partial: Vec<u8>,
    /// It is among those that are to be read.
    pub(crate) to_be_read: bool,
    /// The transport took less than there was, and will tell when it takes more.
    pub(crate) blocked: bool,
    /// The transport has told of its end, and will tell nothing more.
    pub(crate) ending: bool,
}

/// What a connection is used for.
#[derive(Debug)]
pub(crate) enum Stage {
    /// It has no name yet. Boxed, because most connections have left this stage behind.
    Handshaking(Box<Handshaking>),
    /// The hub has it.
    Open(ConnId),
    /// The hub had it, and is to be told that it broke.
    Broken,
    /// It is closed, but what the peer sends is still taken and thrown away: were it left lying, the system
    /// would reset the connection, and a reset destroys what the peer has not read yet (RFC 1122, 4.2.2.13).
    Lingering { until: Instant, bytes_left: usize },
}

/// A connection without a name.
#[derive(Debug)]
pub(crate) struct Handshaking {
    pub(crate) handshake: Handshake,
    /// Its entry among the deadlines, which may be earlier than the handshake's deadline, never later.
    pub(crate) armed: Instant,
}

/// What one attempt to read gave.
#[derive(Debug)]
pub(crate) enum Input {
    /// This many bytes.
    Bytes(usize),
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

impl Connection {
    pub(crate) fn new(stream: TcpStream, peer: SocketAddr, handshake: Handshake) -> Self {
        let armed = handshake.deadline();
        Self {
            stream,
            peer,
            stage: Stage::Handshaking(Box::new(Handshaking { handshake, armed })),
            partial: Vec::new(),
            to_be_read: false,
            blocked: false,
            ending: false,
        }
    }

    /// The connection's entry among the driver's deadlines.
    pub(crate) fn armed(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Handshaking(handshaking) => Some(handshaking.armed),
            Stage::Lingering { until, .. } => Some(*until),
            Stage::Open(_) | Stage::Broken => None,
        }
    }

    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Input {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Input::End(Ok(())),
                Ok(count) => return Input::Bytes(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Input::None,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Input::End(Err(error)),
            }
        }
    }

    /// Writes as much as the transport takes now of what is to be written, in one piece.
    pub(crate) fn write(&self, chunks: Chunks<'_>) -> Written {
        let mut slices = [IoSlice::new(&[]); WRITE_CHUNKS_MAX];
        let filled = slices.iter_mut().zip(chunks).map(|(slice, chunk)| *slice = IoSlice::new(chunk)).count();
        loop {
            let written = match &slices[..filled] {
                // The system has less to look at.
                [slice] => (&self.stream).write(slice),
                slices => (&self.stream).write_vectored(slices),
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

    /// Ends our side of it, after all that was written.
    pub(crate) fn end_writing(&self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }
}
