//! TLS.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use chatcore::GoodbyeCode;
use chatcore::wire::{ClientMessage, Goodbye, HubMessage, Send};
use rcgen::{CertificateParams, KeyPair};
use rustls::client::WantsClientCert;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, ConfigBuilder, RootCertStore, StreamOwned, SupportedProtocolVersion};

use tempfile::TempDir;

use crate::support::{PROGRAM, Peer, Server, connect};
use crate::talk::talk;

/// A certificate for `localhost` that vouches for itself.
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Identity {
    pub(crate) fn new() -> Self {
        Self::of(&CertificateParams::new(["localhost".into()]).expect("it is a name"))
    }

    pub(crate) fn of(params: &CertificateParams) -> Self {
        let key = KeyPair::generate().expect("there is randomness");
        let certificate = params.self_signed(&key).expect("it signs for itself");
        Self { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    pub(crate) fn write(&self, folder: &Path) -> [String; 2] {
        let paths = ["cert.pem", "key.pem"].map(|name| folder.join(name));
        fs::write(&paths[0], &self.certificate).expect("the folder is ours");
        fs::write(&paths[1], &self.key).expect("the folder is ours");
        paths.map(|path| path.to_str().expect("it is text").into())
    }

    /// How a client that trusts it alone speaks TLS.
    pub(crate) fn client(&self, version: &'static SupportedProtocolVersion) -> Arc<ClientConfig> {
        Arc::new(self.client_builder(ring::default_provider(), version).with_no_client_auth())
    }

    pub(crate) fn client_builder(
        &self,
        provider: CryptoProvider,
        version: &'static SupportedProtocolVersion,
    ) -> ConfigBuilder<ClientConfig, WantsClientCert> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.certificate.as_bytes()).expect("PEM")).expect("a certificate");
        ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[version])
            .expect("the provider speaks it")
            .with_root_certificates(roots)
    }
}

pub(crate) struct TlsServer {
    pub(crate) server: Server,
    pub(crate) identity: Identity,
    /// Where its files are.
    pub(crate) folder: TempDir,
}

impl TlsServer {
    pub(crate) fn start(flags: &[&str]) -> Self {
        Self::start_with("tls://127.0.0.1:0", flags)
    }

    /// One that listens on TCP, and then here.
    pub(crate) fn start_with(listen: &str, flags: &[&str]) -> Self {
        let identity = Identity::new();
        let folder = tempfile::tempdir().expect("there is a place for temporary files");
        let [certificate, key] = identity.write(folder.path());
        let mut command = Command::new(PROGRAM);
        command.args(["--listen", "127.0.0.1:0", "--listen", listen]);
        command.args(["--tls-cert", &certificate, "--tls-key", &key]).args(flags);
        Self { server: Server::listening(2, &mut command), identity, folder }
    }

    pub(crate) fn tls_address(&self) -> SocketAddr {
        self.server.addresses[1]
    }

    pub(crate) fn connect(&self) -> Stream {
        self.connect_with(&self.identity.client(&TLS13))
    }

    /// Connects with a certificate of the client's own, and its key.
    pub(crate) fn connect_as(
        &self,
        version: &'static SupportedProtocolVersion,
        certificate: CertificateDer<'static>,
        key: PrivateKeyDer<'static>,
    ) -> Stream {
        self.connect_with_chain(version, vec![certificate], key)
    }

    /// The same with certificates after it.
    pub(crate) fn connect_with_chain(
        &self,
        version: &'static SupportedProtocolVersion,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Stream {
        let config = self.identity.client_builder(ring::default_provider(), version).with_client_auth_cert(chain, key);
        self.connect_with(&Arc::new(config.expect("they belong together")))
    }

    pub(crate) fn connect_with(&self, config: &Arc<ClientConfig>) -> Stream {
        let name = ServerName::try_from("localhost").expect("it is a name");
        let session = ClientConnection::new(Arc::clone(config), name).expect("the configuration is right");
        StreamOwned::new(session, connect(self.tls_address()))
    }
}

pub(crate) type Stream = StreamOwned<ClientConnection, TcpStream>;

#[test]
fn users_over_tls_and_over_tcp_talk_to_each_other() {
    for version in [&TLS12, &TLS13] {
        let tls = TlsServer::start(&[]);
        let stream = tls.connect_with(&tls.identity.client(version));
        let mut alice = Peer::registered_over(stream, "alice");
        let mut bob = Peer::registered(tls.server.address(), "bob");
        talk(&mut alice, &mut bob);
    }
}

#[test]
fn a_session_over_tls_ends_in_an_orderly_way() {
    let tls = TlsServer::start(&[]);
    let mut alice = Peer::registered_over(tls.connect(), "alice");
    alice.say(&ClientMessage::Goodbye(Goodbye { code: GoodbyeCode::Left, detail: "", reconnect: None }));
    // It reads up to the end that TLS itself tells of; without that, this is an error.
    alice.assert_goodbye(GoodbyeCode::Left);
}

#[test]
fn what_comes_in_records_of_one_byte_counts() {
    let tls = TlsServer::start(&[]);
    let mut alice = Peer::registered_over(tls.connect(), "alice");
    let mut bytes = Vec::new();
    for byte in crate::support::encode(&ClientMessage::Send(Send { to: "alice", body: &[7; 300] })) {
        alice.stream.conn.writer().write_all(&[byte]).expect("there is room");
    }
    while alice.stream.conn.wants_write() {
        alice.stream.conn.write_tls(&mut bytes).expect("memory takes all");
    }
    // Each record comes by itself, and cut in two.
    for piece in bytes.chunks(11) {
        alice.stream.sock.write_all(piece).expect("the server reads");
    }
    let HubMessage::Deliver(deliver) = alice.take_beside_acks() else { panic!("a message comes") };
    assert_eq!(deliver.body, [7; 300]);
}

#[test]
fn a_reader_that_stops_gets_all_when_it_reads_again() {
    let tls = TlsServer::start(&[]);
    let mut alice = Peer::registered_over(tls.connect(), "alice");
    let mut bob = Peer::registered(tls.server.address(), "bob");
    // More than the sockets hold between the two.
    let (body, count) = (vec![7; 60_000], 60);
    for _ in 0..count {
        bob.say(&ClientMessage::Send(Send { to: "alice", body: &body }));
    }
    bob.take_accepted(count);
    for _ in 0..count {
        let HubMessage::Deliver(deliver) = alice.take_beside_acks() else { panic!("a message comes") };
        assert_eq!(deliver.body, body);
    }
}

/// All that a server says on a connection before it ends it.
pub(crate) fn read_to_end(stream: &mut impl Read) -> (Vec<u8>, io::Result<usize>) {
    let mut said = Vec::new();
    let end = stream.read_to_end(&mut said);
    (said, end)
}

#[test]
fn who_speaks_no_tls_gets_an_alert() {
    let mut tls = TlsServer::start(&[]);
    for said in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\xC4chat\r\n\0\x01\0\0\0\0\0\0\0", &[0x16, 3, 1, 0xff, 0xff]] {
        let mut stream = connect(tls.tls_address());
        stream.write_all(said).expect("the server reads");
        let (answer, _) = read_to_end(&mut stream);
        assert_eq!(answer.first(), Some(&0x15), "an alert (RFC 8446, 6): {answer:?}");
    }
    tls.server.logged(&["closed before it had a name"]);
    tls.server.assert_running();
}

#[test]
fn an_end_without_the_word_of_tls_is_a_break() {
    let mut tls = TlsServer::start(&[]);
    let alice = Peer::registered_over(tls.connect(), "alice");
    alice.stream.sock.shutdown(Shutdown::Write).expect("it is open");
    tls.server.logged(&["lost its connection", "alice"]);
}

#[test]
fn another_certificate_is_shown_to_those_who_come_after_it_was_read() {
    let mut tls = TlsServer::start(&[]);
    let mut alice = Peer::registered_over(tls.connect(), "alice");
    let old = tls.identity.client(&TLS13);
    tls.identity = Identity::new();
    tls.identity.write(tls.folder.path());
    tls.server.signal("HUP");
    tls.server.logged(&["the certificate was read again"]);
    Peer::registered_over(tls.connect(), "carol");
    let mut late = tls.connect_with(&old);
    late.write_all(b"x").expect_err("it shows another certificate");
    // Who was there goes on.
    alice.say(&ClientMessage::Send(Send { to: "alice", body: b"hello" }));
    assert!(matches!(alice.take_beside_acks(), HubMessage::Deliver(_)));
}
