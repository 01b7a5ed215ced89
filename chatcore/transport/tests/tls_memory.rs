//! How much memory the server's end of TLS takes, whatever a client sends.
#![cfg(all(unix, feature = "tls"))]

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use allocation_counter::measure;
use chatcore_transport::rustls::client::WantsClientCert;
use chatcore_transport::rustls::crypto::cipher::{OutboundChunks, OutboundPlainMessage};
use chatcore_transport::rustls::crypto::ring::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256;
use chatcore_transport::rustls::crypto::{CryptoProvider, ring};
use chatcore_transport::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use chatcore_transport::rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use chatcore_transport::rustls::version::{TLS12, TLS13};
use chatcore_transport::rustls::{
    ClientConfig, ClientConnection, ConfigBuilder, ConnectionTrafficSecrets, ContentType, ProtocolVersion,
    RootCertStore, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion,
};
use chatcore_transport::{Input, Socket, TlsStream, Transport};
use rcgen::{BasicConstraints, CertificateParams, CustomExtension, IsCa, Issuer, KeyPair};

/// What a server reads at once.
const BUFFER_BYTES: usize = 4 << 10;

/// The server and its clients, who trust it.
struct Ends {
    server: Arc<ServerConfig>,
    certificate: CertificateDer<'static>,
    /// Who issues the certificates of clients.
    authority: Issuer<'static, KeyPair>,
}

impl Ends {
    /// A server that asks for certificates, or does not.
    fn new(asks: bool) -> Self {
        let generate = || KeyPair::generate().expect("there is randomness");
        let (key, authority_key) = (generate(), generate());
        let params = CertificateParams::new(["localhost".into()]).expect("it is a name");
        let certificate = params.self_signed(&key).expect("it signs for itself").der().clone();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&authority_key).expect("it signs for itself").der().clone();
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(roots(authority), Arc::clone(&provider));
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.expect("the provider speaks them");
        let builder = if asks {
            builder.with_client_cert_verifier(verifier.build().expect("there is an authority"))
        } else {
            builder.with_no_client_auth()
        };
        let mut server = builder.with_single_cert(vec![certificate.clone()], der(&key)).expect("they belong together");
        server.ticketer = ring::Ticketer::new().expect("there is randomness");
        server.session_storage = Arc::new(NoServerSessionStorage {});
        Self { server: Arc::new(server), certificate, authority: Issuer::new(params, authority_key) }
    }

    fn client(&self, version: &'static SupportedProtocolVersion) -> ConfigBuilder<ClientConfig, WantsClientCert> {
        self.client_of(ring::default_provider(), version)
    }

    fn client_of(
        &self,
        provider: CryptoProvider,
        version: &'static SupportedProtocolVersion,
    ) -> ConfigBuilder<ClientConfig, WantsClientCert> {
        ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[version])
            .expect("the provider speaks it")
            .with_root_certificates(roots(self.certificate.clone()))
    }

    /// A client's certificate of this many bytes and more, and its key.
    fn certificate(&self, bytes: usize) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let mut params = CertificateParams::default();
        params.custom_extensions.push(CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 1], vec![4; bytes]));
        let key = KeyPair::generate().expect("there is randomness");
        let certificate = params.signed_by(&key, &self.authority).expect("it may sign");
        (certificate.der().clone(), der(&key))
    }

    fn accept(&self) -> Accepted {
        let (ours, theirs) = UnixStream::pair().expect("the system has sockets");
        for socket in [&ours, &theirs] {
            socket.set_nonblocking(true).expect("a socket may be told not to block");
        }
        let mut socket = Some(Socket::Unix(mio::net::UnixStream::from_std(ours)));
        let mut transport = None;
        let used = measure(|| {
            let socket = socket.take().expect("it is the first");
            let stream = TlsStream::server(socket, Arc::clone(&self.server)).expect("there is randomness");
            transport = Some(Transport::Tls(Box::new(stream)));
        });
        let transport = transport.expect("it is made");
        Accepted { transport, peer: theirs, bytes: used.bytes_current, bytes_max: used.bytes_current }
    }
}

fn roots(certificate: CertificateDer<'static>) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("it is a certificate");
    Arc::new(roots)
}

fn der(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivatePkcs8KeyDer::from(key.serialize_der()).into()
}

/// The server's end, and what it keeps from one call to the next: now, and at the most. What a call needs while it
/// lasts is there once for all.
struct Accepted {
    transport: Transport,
    peer: UnixStream,
    bytes: i64,
    bytes_max: i64,
}

impl Accepted {
    /// Reads all that there is, and gives what came of the last.
    fn read(&mut self) -> Input {
        let mut buffer = [0; BUFFER_BYTES];
        loop {
            let mut input = Input::None;
            let used = measure(|| input = self.transport.read(&mut buffer));
            self.bytes += used.bytes_current;
            self.bytes_max = self.bytes_max.max(self.bytes);
            if matches!(input, Input::None | Input::End(_)) {
                return input;
            }
        }
    }

    /// Lets a client go as far as it can.
    fn talk(&mut self, client: &mut ClientConnection) -> Input {
        loop {
            while client.wants_write() {
                client.write_tls(&mut self.peer).expect("there is room");
            }
            let input = self.read();
            match client.read_tls(&mut self.peer) {
                Ok(count) if count > 0 => drop(client.process_new_packets()),
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => panic!("{error}"),
                _ => return input,
            }
        }
    }

    #[track_caller]
    fn assert_at_most(&self, bytes_max: usize) {
        println!("{} of {bytes_max} bytes", self.bytes_max);
        assert!(usize::try_from(self.bytes_max).is_ok_and(|bytes| bytes <= bytes_max), "{} bytes", self.bytes_max);
    }

    /// The client says this, whatever the server makes of it.
    fn say(&mut self, bytes: &[u8]) -> Input {
        let mut last = Input::None;
        for piece in bytes.chunks(8 << 10) {
            let _ = self.peer.write_all(piece);
            last = self.read();
            if let Input::End(_) = last {
                break;
            }
        }
        last
    }
}

fn client(config: ClientConfig) -> ClientConnection {
    ClientConnection::new(Arc::new(config), "localhost".try_into().expect("it is a name")).expect("it is right")
}

/// Records of this type, of at most 16 KiB each.
fn records(content_type: u8, content: &[u8]) -> Vec<u8> {
    let record = |piece: &[u8]| {
        let [high, low] = u16::try_from(piece.len()).expect("it is short").to_be_bytes();
        [&[content_type, 3, 3, high, low], piece].concat()
    };
    content.chunks(16 << 10).flat_map(record).collect()
}

/// A message of the handshake of 65 535 bytes.
fn long_hello() -> Vec<u8> {
    [&[1, 0, 0xff, 0xff][..], &vec![7; 0xffff]].concat()
}

fn assert_too_long(input: &Input) {
    let Input::End(Err(error)) = input else { panic!("{input:?}") };
    assert!(error.kind() == io::ErrorKind::InvalidData && error.to_string().contains("20480 bytes"), "{error}");
}

#[test]
fn a_handshake_that_is_never_finished_takes_no_more_than_is_counted() {
    let ends = Ends::new(false);
    let mut accepted = ends.accept();
    let said = records(22, &long_hello());
    assert!(matches!(accepted.say(&said[..20_000]), Input::None), "so much may come");
    assert_too_long(&accepted.say(&said[20_000..]));
    accepted.assert_at_most(TlsStream::SERVER_BYTES_MAX);
}

#[test]
fn an_open_connection_takes_no_more_than_is_counted() {
    for version in [&TLS12, &TLS13] {
        let ends = Ends::new(false);
        let mut accepted = ends.accept();
        let mut client = client(ends.client(version).with_no_client_auth());
        assert!(matches!(accepted.talk(&mut client), Input::None));
        // All of a record but its end, after one of which the server has not taken all.
        client.set_buffer_limit(None);
        client.writer().write_all(&vec![7; 32 << 10]).expect("memory takes all");
        let mut said = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut said).expect("memory takes all");
        }
        let last = said.pop();
        assert!(matches!(accepted.say(&said), Input::None));
        accepted.assert_at_most(TlsStream::SERVER_BYTES_MAX);
        // A whole record is not too long.
        assert!(matches!(accepted.say(last.as_slice()), Input::None));
    }
}

#[test]
fn a_message_of_the_handshake_that_comes_late_takes_no_more_either() {
    let SupportedCipherSuite::Tls13(suite) = TLS13_CHACHA20_POLY1305_SHA256 else { panic!("it is one of TLS 1.3") };
    let ends = Ends::new(false);
    let mut accepted = ends.accept();
    let mut provider = ring::default_provider();
    provider.cipher_suites.retain(|suite| *suite == TLS13_CHACHA20_POLY1305_SHA256);
    let mut config = ends.client_of(provider, &TLS13).with_no_client_auth();
    config.enable_secret_extraction = true;
    let mut client = client(config);
    assert!(matches!(accepted.talk(&mut client), Input::None));
    let (sequence, keys) = client.dangerous_extract_secrets().expect("the configuration allows it").tx;
    let ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } = keys else { panic!("they are of that suite") };
    let mut encrypter = suite.aead_alg.encrypter(key, iv);
    let said = long_hello();
    let records = said.chunks(16_000).zip(sequence..).flat_map(|(piece, sequence)| {
        let payload = OutboundChunks::Single(piece);
        let message = OutboundPlainMessage { typ: ContentType::Handshake, version: ProtocolVersion::TLSv1_2, payload };
        encrypter.encrypt(message, sequence).expect("it is short").encode()
    });
    assert_too_long(&accepted.say(&records.collect::<Vec<_>>()));
    accepted.assert_at_most(TlsStream::SERVER_BYTES_MAX);
}

#[test]
fn certificates_of_a_client_take_no_more_than_is_counted() {
    const BYTES_MAX: usize = TlsStream::SERVER_BYTES_MAX + TlsStream::CLIENT_CERTIFICATES_BYTES_MAX;
    for version in [&TLS12, &TLS13] {
        let ends = Ends::new(true);
        for (bytes, fits) in [(18_500, true), (21_000, false)] {
            let mut accepted = ends.accept();
            let (certificate, key) = ends.certificate(bytes);
            let config = ends.client(version).with_client_auth_cert(vec![certificate], key);
            let input = accepted.talk(&mut client(config.expect("they belong together")));
            if fits {
                assert!(matches!(input, Input::None), "{input:?}");
                assert!(!accepted.transport.is_opening());
            } else {
                assert_too_long(&input);
            }
            accepted.assert_at_most(BYTES_MAX);
        }
    }
}
