//! A connection of TLS above a socket, driven by reads and writes that do not wait.

use std::io::{self, Read, Write};
use std::sync::Arc;

use chatcore::Chunks;
use rustls::{ServerConfig, ServerConnection};

use super::socket::{SHORT_READ_IS_ALL, with_slices};
use super::{Flushed, Input, Socket, Written};

/// Bytes that one connection keeps because its socket does not take them: one write's worth.
pub(super) const UNSENT_BYTES_MAX: usize = 64 << 10;

#[derive(Debug)]
pub(crate) struct TlsStream {
    socket: Socket,
    session: ServerConnection,
    /// The socket did not take all that there is for it.
    is_blocked: bool,
    /// Our side ends when the socket has taken all.
    is_ending: bool,
}

impl TlsStream {
    /// The server's end of a connection whose client is to begin.
    ///
    /// # Errors
    ///
    /// If the system has no random numbers.
    pub(crate) fn new(socket: Socket, config: Arc<ServerConfig>) -> Result<Self, rustls::Error> {
        let mut session = ServerConnection::new(config)?;
        session.set_buffer_limit(Some(UNSENT_BYTES_MAX));
        Ok(Self { socket, session, is_blocked: false, is_ending: false })
    }

    pub(super) fn socket_mut(&mut self) -> &mut Socket {
        &mut self.socket
    }

    /// Gives what is decrypted already; else reads the socket once.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Input {
        if let Some(input) = self.read_decrypted(buffer, false) {
            return input;
        }
        let mut source = Source { socket: &mut self.socket, is_drained: false };
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
        if let Err(error) = processed {
            return Input::End(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
        }
        if let Flushed::Broken(error) = flushed {
            return Input::End(Err(error));
        }
        self.read_decrypted(buffer, is_drained).unwrap_or(Input::Overhead(count))
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
    pub(super) fn write(&mut self, chunks: Chunks<'_>, bytes_max: usize) -> Written {
        match self.flush() {
            Flushed::All => {}
            Flushed::Blocked => return Written::Blocked,
            Flushed::Broken(error) => return Written::Broken(error),
        }
        let bytes_max = bytes_max.min(UNSENT_BYTES_MAX / 2);
        let encrypted = with_slices(chunks, bytes_max, |slices| self.session.writer().write_vectored(slices));
        match (encrypted, self.flush()) {
            (Err(error), _) | (_, Flushed::Broken(error)) => Written::Broken(error),
            (Ok(0), _) => Written::Blocked,
            (Ok(count), _) => Written::Bytes(count),
        }
    }

    /// Writes what is encrypted.
    pub(super) fn flush(&mut self) -> Flushed {
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

    pub(super) const fn is_blocked(&self) -> bool {
        self.is_blocked
    }

    /// Says that nothing more comes, and ends our side of the socket when it has taken that.
    pub(super) fn end_writing(&mut self) -> io::Result<()> {
        self.session.send_close_notify();
        self.is_ending = true;
        match self.flush() {
            Flushed::All | Flushed::Blocked => Ok(()),
            Flushed::Broken(error) => Err(error),
        }
    }
}

/// The socket, and whether it gave all that it had.
struct Source<'a> {
    socket: &'a mut Socket,
    is_drained: bool,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.socket.read(buffer)?;
        self.is_drained = SHORT_READ_IS_ALL && count < buffer.len();
        Ok(count)
    }
}

#[cfg(all(test, unix))]
pub(crate) mod tests {
    use std::os::unix::net::UnixStream;

    use rustls::crypto::ring;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
    use rustls::{ClientConfig, ClientConnection, RootCertStore};
    use socket2::SockRef;

    use super::*;

    /// A server's end that holds little, and a client's end that waits.
    pub(crate) fn pair() -> (TlsStream, rustls::StreamOwned<ClientConnection, UnixStream>) {
        let signed = rcgen::generate_simple_self_signed(["localhost".into()]).expect("it is a name");
        let certificate = CertificateDer::from(signed.cert.der().to_vec());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signed.signing_key.serialize_der()));
        let provider = Arc::new(ring::default_provider());
        let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("the provider speaks them")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .expect("they belong together");
        let mut roots = RootCertStore::empty();
        roots.add(certificate).expect("it is a certificate");
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider speaks them")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = "localhost".try_into().expect("it is a name");
        let client = ClientConnection::new(Arc::new(client), name).expect("the configuration is right");

        let (ours, theirs) = UnixStream::pair().expect("the system has sockets");
        ours.set_nonblocking(true).expect("a socket may be told not to block");
        SockRef::from(&ours).set_send_buffer_size(4 << 10).expect("it may be small");
        let socket = Socket::Unix(mio::net::UnixStream::from_std(ours));
        let mut server = TlsStream::new(socket, Arc::new(server)).expect("there is randomness");
        let mut client = rustls::StreamOwned::new(client, theirs);
        while client.conn.is_handshaking() || server.session.is_handshaking() {
            while client.conn.wants_write() {
                client.conn.write_tls(&mut client.sock).expect("it is open");
            }
            let input = server.read(&mut [0]);
            assert!(!matches!(input, Input::End(_)), "{input:?}");
            if client.conn.is_handshaking() {
                client.conn.read_tls(&mut client.sock).expect("it is open");
                client.conn.process_new_packets().expect("the two speak TLS");
            }
        }
        (server, client)
    }
}
