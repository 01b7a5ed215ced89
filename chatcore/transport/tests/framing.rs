//! What comes around the bytes of a stream.
#![cfg(all(unix, feature = "tls", feature = "websocket"))]

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use chatcore::websocket::{SUBPROTOCOL, UpgradeRequest, UpgradeRules};
use chatcore_transport::rustls::crypto::ring;
use chatcore_transport::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use chatcore_transport::rustls::version::{TLS12, TLS13};
use chatcore_transport::rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, SupportedProtocolVersion,
};
use chatcore_transport::{Base, Framing, Input, Socket, TlsStream, Transport, WebSocketStream};

fn socket(stream: UnixStream) -> Socket {
    stream.set_nonblocking(true).expect("a socket may be told not to block");
    Socket::Unix(mio::net::UnixStream::from_std(stream))
}

/// Reads until nothing more comes, and returns how many bytes of the stream that were.
fn read_all(server: &mut Transport) -> usize {
    let (mut buffer, mut bytes) = (vec![0; 64 << 10], 0);
    loop {
        match server.read(&mut buffer) {
            Input::Bytes { count, .. } => bytes += count,
            Input::Overhead(_) => {}
            Input::None => return bytes,
            Input::End(why) => panic!("{why:?}"),
        }
    }
}

/// A client's end of TLS that makes a record of each piece.
struct Client {
    session: ClientConnection,
    socket: UnixStream,
}

impl Client {
    /// The two ends, which have agreed on TLS.
    fn connect(version: &'static SupportedProtocolVersion) -> (Transport, Self) {
        let signed = rcgen::generate_simple_self_signed(["localhost".into()]).expect("it is a name");
        let certificate = CertificateDer::from(signed.cert.der().to_vec());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signed.signing_key.serialize_der()));
        let provider = Arc::new(ring::default_provider());
        let server = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let server = server.expect("the provider speaks them").with_no_client_auth();
        let server = server.with_single_cert(vec![certificate.clone()], key).expect("they belong together");
        let mut roots = RootCertStore::empty();
        roots.add(certificate).expect("it is a certificate");
        let client = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]);
        let client = client.expect("the provider speaks it").with_root_certificates(roots).with_no_client_auth();
        let name = "localhost".try_into().expect("it is a name");
        let session = ClientConnection::new(Arc::new(client), name).expect("the configuration is right");
        let (ours, theirs) = UnixStream::pair().expect("the system has sockets");
        let stream = TlsStream::server(socket(ours), Arc::new(server)).expect("there is randomness");
        let (mut server, mut client) = (Transport::Tls(Box::new(stream)), Self { session, socket: theirs });
        loop {
            client.flush();
            read_all(&mut server);
            if !server.is_opening() && !client.session.is_handshaking() {
                break;
            }
            client.session.read_tls(&mut client.socket).expect("it is open");
            client.session.process_new_packets().expect("the two speak TLS");
        }
        (server, client)
    }

    fn flush(&mut self) {
        while self.session.wants_write() {
            self.session.write_tls(&mut self.socket).expect("there is room");
        }
    }

    fn say(&mut self, pieces: usize, piece: &[u8]) {
        for _ in 0..pieces {
            self.session.writer().write_all(piece).expect("there is room");
        }
        self.flush();
    }

    /// What the server finds around pieces of this length, and of how many bytes they are.
    fn framing(&mut self, server: &mut Transport, pieces: usize, piece_bytes: usize) -> Framing {
        let before = server.take_framing();
        assert!(before.records > 0, "the handshake, or what was said before");
        self.say(pieces, &vec![b'x'; piece_bytes]);
        assert_eq!(read_all(server), pieces * piece_bytes);
        let framing = server.take_framing();
        assert_eq!(server.take_framing(), Framing::default(), "it is told once");
        self.say(1, b"x");
        assert_eq!(read_all(server), 1);
        framing
    }
}

fn numbers(framing: Framing) -> (u32, u32, u32) {
    (framing.bytes, framing.records, framing.key_updates)
}

#[test]
fn records_of_tls_are_counted_with_their_bytes() {
    for (version, around) in [(&TLS13, 22), (&TLS12, 29)] {
        let (mut server, mut client) = Client::connect(version);
        for (pieces, piece_bytes) in [(1, 1), (600, 1), (10, 64), (3, 16_384)] {
            let framing = client.framing(&mut server, pieces, piece_bytes);
            let pieces = u32::try_from(pieces).unwrap();
            assert_eq!(numbers(framing), (around * pieces, pieces, 0), "{pieces} records with {piece_bytes} bytes");
        }
    }
}

#[test]
fn records_that_change_the_keys_are_counted() {
    let (mut server, mut client) = Client::connect(&TLS13);
    server.take_framing();
    for round in 0..3 {
        for _ in 0..32 {
            client.session.refresh_traffic_keys().expect("TLS 1.3 has that");
        }
        client.say(1, b"x");
        assert_eq!(read_all(&mut server), 1, "round {round}");
        assert_eq!(numbers(server.take_framing()), (32 * 27 + 22, 33, 32), "round {round}");
    }
}

#[test]
fn what_a_websocket_adds_is_counted() {
    let (ours, mut client) = UnixStream::pair().expect("the system has sockets");
    let base = Base::Plain(socket(ours));
    let stream = WebSocketStream::server(base, Arc::new(UpgradeRules::default()));
    let mut server = Transport::WebSocket(Box::new(stream));
    let request = UpgradeRequest::new("localhost", "/", &[SUBPROTOCOL], [7; 16]).expect("it is a request");
    client.write_all(request.bytes()).expect("there is room");
    assert_eq!(read_all(&mut server), 0);
    assert_eq!(server.take_framing().bytes as usize, request.bytes().len());
    client.write_all(&b"\x82\x81\0\0\0\0x".repeat(100)).expect("there is room");
    assert_eq!(read_all(&mut server), 100);
    assert_eq!(numbers(server.take_framing()), (600, 0, 0));
    client.write_all(b"\x89\x83\0\0\0\0one").expect("there is room");
    assert_eq!(read_all(&mut server), 0);
    assert_eq!(numbers(server.take_framing()), (9, 0, 0));
}
