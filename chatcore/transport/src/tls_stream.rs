//! A connection of TLS above a socket, driven by reads and writes that do not wait.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::sync::Arc;

use chatcore::Chunks;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection, ProtocolVersion, ServerConfig, ServerConnection};

use crate::records::{Ended, Records};
use crate::socket::{SHORT_READ_IS_ALL, with_slices};
use crate::{Flushed, Framing, Input, Socket, Written};

/// Bytes that one connection keeps because its socket does not take them: one write's worth.
const UNSENT_BYTES_MAX: usize = 64 << 10;

/// Bytes that are taken at once, so that there is room for them encrypted.
pub(crate) const WRITE_BYTES_MAX: usize = UNSENT_BYTES_MAX / 2;

/// Bytes that a client may send while nothing of the stream comes of them: its handshake with its certificates, one
/// long record, or records that carry nothing. `rustls` keeps an unfinished handshake message of 64 KiB, before the
/// handshake and after it.
const SILENT_BYTES_MAX: usize = 20 << 10;

/// Bytes in a record that asks for other keys (RFC 8446, section 4.6.3). There is nothing else in it.
const KEY_UPDATE_BYTES: u32 = 5;

/// One end of TLS above a socket.
#[derive(Debug)]
pub struct TlsStream {
    socket: Socket,
    session: Connection,
    /// Bytes that came since the last that were of the stream.
    silent_bytes: usize,
    /// What they may come to.
    silent_bytes_max: usize,
    records: Records,
    /// What came around the bytes of the stream, and nobody has asked for yet.
    framing: Framing,
    /// The socket did not take all that there is for it.
    is_blocked: bool,
    /// Our side ends when the socket has taken all.
    is_ending: bool,
    /// The peer broke the rules, and has been told so; or there is no room for it. What it still sends is not looked
    /// at.
    is_failed: bool,
}

impl TlsStream {
    /// Bytes of memory that a server's end keeps at the most, beside what is written: the keys, what has come of a
    /// record or of a handshake, and a record that is decrypted.
    pub const SERVER_BYTES_MAX: usize = 56 << 10;

    /// What it keeps beside that if it asks for certificates of clients.
    pub const CLIENT_CERTIFICATES_BYTES_MAX: usize = SILENT_BYTES_MAX;

    /// The server's end, which waits for the client to begin. A client that sends more than 20 KiB without anything of
    /// the stream in it breaks the rules: so long is no handshake with a few certificates, and no record.
    ///
    /// # Errors
    ///
    /// If the system has no random numbers.
    pub fn server(socket: Socket, config: Arc<ServerConfig>) -> Result<Self, rustls::Error> {
        Ok(Self::new(socket, ServerConnection::new(config)?.into(), SILENT_BYTES_MAX))
    }

    /// The client's end: the server must show a certificate for this name.
    ///
    /// # Errors
    ///
    /// If the system has no random numbers.
    pub fn client(socket: Socket, config: Arc<ClientConfig>, name: ServerName<'static>) -> Result<Self, rustls::Error> {
        // It has chosen its server, and has one.
        Ok(Self::new(socket, ClientConnection::new(config, name)?.into(), usize::MAX))
    }

    fn new(socket: Socket, mut session: Connection, silent_bytes_max: usize) -> Self {
        session.set_buffer_limit(Some(UNSENT_BYTES_MAX));
        Self {
            socket,
            session,
            silent_bytes: 0,
            silent_bytes_max,
            records: Records::default(),
            framing: Framing::default(),
            is_blocked: false,
            is_ending: false,
            is_failed: false,
        }
    }

    pub(crate) const fn session(&self) -> &Connection {
        &self.session
    }

    pub(crate) const fn socket(&self) -> &Socket {
        &self.socket
    }

    pub(crate) fn socket_mut(&mut self) -> &mut Socket {
        &mut self.socket
    }

    /// What comes from now on is not decrypted.
    pub(crate) const fn read_socket_alone(&mut self) {
        self.is_failed = true;
    }

    /// Gives what is decrypted already; else reads the socket once.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Input {
        if self.is_failed {
            return self.socket.read_input(buffer);
        }
        if let Some(input) = self.read_decrypted(buffer, false) {
            return input;
        }
        let Some(bytes_max) = self.silent_bytes_max.checked_sub(self.silent_bytes).filter(|bytes| *bytes > 0) else {
            self.is_failed = true;
            return Input::End(Err(io::Error::new(io::ErrorKind::InvalidData, TooSilent)));
        };
        let may_update_keys =
            !self.session.is_handshaking() && self.session.protocol_version() == Some(ProtocolVersion::TLSv1_3);
        let Self { socket, records, .. } = self;
        let mut source = Source { socket, records, bytes_max, is_drained: false };
        let count = match self.session.read_tls(&mut source) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Input::None,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Input::Overhead(0),
            Err(error) => return Input::End(Err(error)),
        };
        let is_drained = source.is_drained;
        let processed = self.session.process_new_packets();
        // Answers to the handshake; or the alert that says what was wrong.
        let flushed = self.flush();
        match processed {
            Ok(state) => {
                // Nothing was decrypted before.
                let stream_bytes = u32::try_from(state.plaintext_bytes_to_read()).unwrap_or(u32::MAX);
                self.note_framing(stream_bytes, may_update_keys);
            }
            Err(error) => {
                self.is_failed = true;
                return Input::End(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
            }
        }
        if let Flushed::Broken(error) = flushed {
            return Input::End(Err(error));
        }
        if let Some(input) = self.read_decrypted(buffer, is_drained) {
            self.silent_bytes = 0;
            return input;
        }
        self.silent_bytes = self.silent_bytes.saturating_add(count);
        Input::Overhead(count)
    }

    /// Notes what has come around so many bytes of the stream.
    fn note_framing(&mut self, stream_bytes: u32, may_update_keys: bool) {
        let Ended { records, bytes, content_bytes } = self.records.take_ended();
        let other_bytes = if may_update_keys { content_bytes.saturating_sub(stream_bytes) } else { 0 };
        let framing = &mut self.framing;
        framing.bytes = framing.bytes.saturating_add(bytes.saturating_sub(stream_bytes));
        framing.records = framing.records.saturating_add(records);
        framing.key_updates = framing.key_updates.saturating_add(records.min(other_bytes / KEY_UPDATE_BYTES));
    }

    pub(crate) const fn take_framing(&mut self) -> Framing {
        std::mem::replace(&mut self.framing, Framing { bytes: 0, records: 0, key_updates: 0 })
    }

    /// Gives what is decrypted. None if nothing is at present.
    fn read_decrypted(&mut self, buffer: &mut [u8], is_drained: bool) -> Option<Input> {
        match self.session.reader().read(buffer) {
            Ok(0) => Some(Input::End(Ok(()))),
            Ok(count) => Some(Input::Bytes { count, is_all: is_drained && count < buffer.len() }),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(error) => Some(Input::End(Err(error))),
        }
    }

    /// Encrypts as much as one write may carry, and writes it.
    pub(crate) fn write(&mut self, chunks: Chunks<'_>, bytes_max: usize) -> Written {
        with_slices(chunks, bytes_max.min(WRITE_BYTES_MAX), |slices| self.write_slices(slices))
    }

    /// The same with slices. If they are blocked, nothing of them is encrypted. If not, up to [`WRITE_BYTES_MAX`] are
    /// taken as a whole.
    pub(crate) fn write_slices(&mut self, slices: &[IoSlice<'_>]) -> Written {
        match self.flush() {
            Flushed::All => {}
            Flushed::Blocked => return Written::Blocked,
            Flushed::Broken(error) => return Written::Broken(error),
        }
        let encrypted = self.session.writer().write_vectored(slices);
        match (encrypted, self.flush()) {
            (Err(error), _) | (_, Flushed::Broken(error)) => Written::Broken(error),
            (Ok(0), _) => Written::Blocked,
            (Ok(count), _) => Written::Bytes(count),
        }
    }

    /// Writes what is encrypted.
    pub(crate) fn flush(&mut self) -> Flushed {
        self.is_blocked = false;
        while self.session.wants_write() {
            match self.session.write_tls(&mut self.socket) {
                Ok(0) => return Flushed::Broken(io::ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.is_blocked = true;
                    return Flushed::Blocked;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Flushed::Broken(error),
            }
        }
        if self.is_ending {
            self.is_ending = false;
            if let Err(error) = self.socket.end_writing() {
                return Flushed::Broken(error);
            }
        }
        Flushed::All
    }

    pub(crate) const fn is_blocked(&self) -> bool {
        self.is_blocked
    }

    /// Says that nothing more comes, and ends our side of the socket when it has taken that.
    pub(crate) fn end_writing(&mut self) -> io::Result<()> {
        self.session.send_close_notify();
        self.is_ending = true;
        match self.flush() {
            Flushed::All | Flushed::Blocked => Ok(()),
            Flushed::Broken(error) => Err(error),
        }
    }
}

/// Why a client is not read any more.
#[derive(Debug)]
struct TooSilent;

impl std::error::Error for TooSilent {}

impl fmt::Display for TooSilent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{SILENT_BYTES_MAX} bytes of TLS came with nothing in them for the server: a handshake with the certificates \
             of the client must be shorter"
        )
    }
}

/// The socket, and whether it gave all that it had.
struct Source<'a> {
    socket: &'a mut Socket,
    records: &'a mut Records,
    bytes_max: usize,
    is_drained: bool,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(self.bytes_max);
        let count = self.socket.read(&mut buffer[..room])?;
        self.is_drained = SHORT_READ_IS_ALL && count < room;
        self.records.pass(&buffer[..count]);
        Ok(count)
    }
}
