//! What came of an attempt to read or to write, without waiting.

use std::io;

/// What one attempt to read gave.
#[derive(Debug)]
pub enum Input {
    /// Bytes of the stream.
    Bytes {
        /// How many.
        count: usize,
        /// There is nothing more at present; the system will tell when there is.
        is_all: bool,
    },
    /// Bytes that carry nothing of the stream, such as a handshake of TLS. There may be more.
    Overhead(usize),
    /// Nothing at present; the system will tell when there is more.
    None,
    /// Nothing ever again: the peer has ended its side, or the transport broke.
    ///
    /// An error of the kind [`InvalidData`](io::ErrorKind::InvalidData) says that the peer broke the rules of what is
    /// above the socket. The peer is told why, in their terms. So that it gets to read that, end our side, and go on
    /// reading for a while: what comes then is of no use.
    End(io::Result<()>),
}

/// What became of bytes that were to be written.
#[derive(Debug)]
pub enum Written {
    /// The transport took this many, perhaps not all.
    Bytes(usize),
    /// It takes nothing at present; the system will tell when it does.
    Blocked,
    /// It never will again.
    Broken(io::Error),
}

/// What became of bytes that the transport itself has kept.
#[derive(Debug)]
pub enum Flushed {
    /// It keeps none.
    All,
    /// The socket takes no more at present; the system will tell when it does.
    Blocked,
    /// It never will again.
    Broken(io::Error),
}

/// What came around the bytes of the stream, and made work: see
/// [`Transport::take_framing`](crate::Transport::take_framing).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Framing {
    /// Bytes that are not of the stream: of whole records of TLS, of frames of a WebSocket, and of handshakes.
    pub bytes: u32,
    /// Records of TLS.
    pub records: u32,
    /// Of these, those that gave TLS other keys, at the most. Records of TLS 1.3 with padding count here, too: from
    /// outside they look the same.
    pub key_updates: u32,
}
