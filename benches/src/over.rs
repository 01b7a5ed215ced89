//! What carries the bytes of the connections to a server: TCP, TLS, or WebSocket above either.

use std::fmt;
use std::fs;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use chatcore::Chunks;
use chatcore::websocket::{SUBPROTOCOL, UpgradeRequest};
use chatcore_transport::rustls::client::Resumption;
use chatcore_transport::rustls::crypto::ring;
use chatcore_transport::rustls::pki_types::ServerName;
use chatcore_transport::rustls::{ClientConfig, ClientConnection, RootCertStore};
use chatcore_transport::{Base, Flushed, Input, Socket, TlsStream, Transport, WebSocketStream, Written};
use mio::net::TcpStream;
use rcgen::generate_simple_self_signed;

use crate::failure::{Failure, Result};

/// The name in the certificate.
const HOST: &str = "localhost";

/// Bytes of a record of TLS, at the most, if an end writes small ones: `rustls` makes no smaller ones, and ten of them
/// are of the stream.
const SMALL_RECORD_BYTES: usize = 32;

/// What carries the bytes of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Over {
    #[default]
    Tcp,
    Tls,
    Ws,
    Wss,
}

impl Over {
    pub(crate) const fn has_tls(self) -> bool {
        matches!(self, Self::Tls | Self::Wss)
    }

    pub(crate) const fn has_websocket(self) -> bool {
        matches!(self, Self::Ws | Self::Wss)
    }
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ws => "ws",
            Self::Wss => "wss",
        })
    }
}

/// A server's address, and all that a client needs to connect to it. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Dialer {
    pub(crate) address: SocketAddr,
    over: Over,
    identity: Option<Arc<Identity>>,
}

/// A certificate that vouches for itself, in PEM, and a client's settings that trust it alone.
#[derive(Debug)]
struct Identity {
    certificate: String,
    key: String,
    client: Arc<ClientConfig>,
}

impl Identity {
    fn new() -> Result<Self> {
        let made = generate_simple_self_signed([HOST.to_owned()]).map_err(Failure::new)?;
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).map_err(Failure::new)?;
        let mut client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(Failure::new)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        // Each user is another one, and none was there before.
        client.resumption = Resumption::disabled();
        Ok(Self { certificate: made.cert.pem(), key: made.signing_key.serialize_pem(), client: Arc::new(client) })
    }
}

impl Dialer {
    /// A server that is to listen on this address, with a certificate of its own if it needs one.
    pub(crate) fn new(over: Over, address: SocketAddr) -> Result<Self> {
        let identity = over.has_tls().then(Identity::new).transpose()?.map(Arc::new);
        Ok(Self { address, over, identity })
    }

    /// The same server, for clients whose records of TLS have little in them.
    pub(crate) fn with_small_records(mut self) -> Self {
        self.identity = self.identity.map(|identity| {
            let mut client = ClientConfig::clone(&identity.client);
            client.max_fragment_size = Some(SMALL_RECORD_BYTES);
            let Identity { certificate, key, .. } = &*identity;
            Arc::new(Identity { certificate: certificate.clone(), key: key.clone(), client: Arc::new(client) })
        });
        self
    }

    /// What makes chatcore-server listen. Its certificate is put into the folder.
    pub(crate) fn server_args(&self, folder: &Path) -> Result<Vec<String>> {
        let mut args = vec!["--listen".to_owned(), format!("{}://{}", self.over, self.address)];
        if let Some([certificate, key]) = self.write_identity(folder)? {
            args.extend(["--tls-cert".to_owned(), certificate, "--tls-key".to_owned(), key]);
        }
        Ok(args)
    }

    /// Puts the certificate and its key into a folder, if there are any, and tells where they are.
    pub(crate) fn write_identity(&self, folder: &Path) -> Result<Option<[String; 2]>> {
        let Some(identity) = &self.identity else { return Ok(None) };
        let files = [("cert.pem", &identity.certificate), ("key.pem", &identity.key)];
        let mut paths = [String::new(), String::new()];
        for (path, (name, pem)) in paths.iter_mut().zip(files) {
            let file = folder.join(name);
            fs::write(&file, pem)?;
            *path = file.display().to_string();
        }
        Ok(Some(paths))
    }

    /// The client's end over a socket that connects to the server.
    pub(crate) fn stream(&self, socket: TcpStream) -> Result<Stream> {
        if !self.over.has_websocket() {
            return self.stream_below(socket);
        }
        let base = match &self.identity {
            None => Base::Plain(Socket::Tcp(socket)),
            Some(identity) => Base::Tls(tls(identity, socket)?),
        };
        Stream::websocket(base, self.upgrade_request()?)
    }

    /// The same without a WebSocket: what speaks HTTP to a server that has one.
    pub(crate) fn stream_below(&self, socket: TcpStream) -> Result<Stream> {
        Ok(match &self.identity {
            None => Stream::bare(socket),
            Some(identity) => Stream::Above(Transport::Tls(tls(identity, socket)?)),
        })
    }

    fn upgrade_request(&self) -> Result<UpgradeRequest> {
        UpgradeRequest::new(&self.address.to_string(), "/", &[SUBPROTOCOL], random()?).map_err(Failure::new)
    }

    /// What a client says first to open the transport; nothing over TCP.
    pub(crate) fn opening(&self) -> Result<Vec<u8>> {
        let mut opening = Vec::new();
        if let Some(identity) = &self.identity {
            let mut session = ClientConnection::new(Arc::clone(&identity.client), host()).map_err(Failure::new)?;
            session.write_tls(&mut opening)?;
        } else if self.over.has_websocket() {
            opening.extend_from_slice(self.upgrade_request()?.bytes());
        }
        Ok(opening)
    }
}

fn tls(identity: &Identity, socket: TcpStream) -> Result<Box<TlsStream>> {
    let stream = TlsStream::client(Socket::Tcp(socket), Arc::clone(&identity.client), host());
    Ok(Box::new(stream.map_err(Failure::new)?))
}

fn random<const BYTES: usize>() -> Result<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(Failure::new)?;
    Ok(bytes)
}

fn host() -> ServerName<'static> {
    ServerName::try_from(HOST).expect("it is a name")
}

/// The client's end of a connection, which never waits.
#[derive(Debug)]
pub(crate) enum Stream {
    Bare(TcpStream),
    Above(Transport),
}

impl Stream {
    pub(crate) const fn bare(socket: TcpStream) -> Self {
        Self::Bare(socket)
    }

    fn websocket(base: Base, request: UpgradeRequest) -> Result<Self> {
        Ok(Self::Above(Transport::WebSocket(Box::new(WebSocketStream::client(base, request, random()?)))))
    }

    /// Reads what there is. If that does not fill the buffer, an event tells of more.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let transport = match self {
            Self::Bare(socket) => return socket.read(buffer),
            Self::Above(transport) => transport,
        };
        let mut count = 0;
        while count < buffer.len() {
            match transport.read(&mut buffer[count..]) {
                Input::Bytes { count: more, is_all } => {
                    count += more;
                    if is_all {
                        break;
                    }
                }
                Input::Overhead(_) => {}
                Input::End(end) if count == 0 => return end.map(|()| 0),
                // The end is there for the next call, too.
                Input::None | Input::End(_) => break,
            }
        }
        if count == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(count) }
    }

    /// Takes some of the bytes, and writes what the socket takes of them.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Bare(socket) => socket.write(bytes),
            Self::Above(transport) => match transport.write(Chunks::from(bytes), bytes.len()) {
                Written::Bytes(count) => Ok(count),
                Written::Blocked => Err(io::ErrorKind::WouldBlock.into()),
                Written::Broken(error) => Err(error),
            },
        }
    }

    /// Writes what was taken and the socket did not take.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Bare(_) => Ok(()),
            Self::Above(transport) => match transport.flush() {
                Flushed::All => Ok(()),
                Flushed::Blocked => Err(io::ErrorKind::WouldBlock.into()),
                Flushed::Broken(error) => Err(error),
            },
        }
    }

    /// Something was taken that the socket did not take.
    pub(crate) fn has_unsent(&self) -> bool {
        match self {
            Self::Bare(_) => false,
            Self::Above(transport) => transport.is_blocked(),
        }
    }

    /// Ends our side, after all that was written.
    pub(crate) fn end_writing(&mut self) -> io::Result<()> {
        match self {
            Self::Bare(socket) => socket.shutdown(std::net::Shutdown::Write),
            Self::Above(transport) => transport.end_writing(),
        }
    }
}
