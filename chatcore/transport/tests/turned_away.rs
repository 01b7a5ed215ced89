//! What a peer is told for whom there is no room.
#![cfg(all(unix, feature = "tls", feature = "websocket"))]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use chatcore::websocket::UpgradeRules;
use chatcore::{Handshake, Instant, Limits, Refusal};
use chatcore_transport::rustls::{self, ClientConfig, ClientConnection, RootCertStore};
use chatcore_transport::{Base, Input, Socket, TlsStream, Transport, WebSocketStream};

fn pair() -> (Socket, UnixStream) {
    let (ours, theirs) = UnixStream::pair().expect("the system has sockets");
    ours.set_nonblocking(true).expect("a socket may be told not to block");
    (Socket::Unix(mio::net::UnixStream::from_std(ours)), theirs)
}

/// The end of TLS of a client that trusts nobody.
fn tls_config() -> Arc<ClientConfig> {
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().expect("the provider speaks them");
    Arc::new(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

/// All that a peer is told until the end.
fn told(mut transport: Transport, mut peer: UnixStream) -> Vec<u8> {
    let mut handshake = Handshake::new(Instant::ZERO, &Limits::default());
    handshake.turn_away(&Refusal::ConnectionsReserved);
    transport.turn_away(handshake.transmit());
    let mut told = Vec::new();
    peer.read_to_end(&mut told).expect("it ends in an orderly way");
    told
}

#[test]
fn over_a_socket_it_is_what_there_is_to_be_said() {
    let (socket, peer) = pair();
    let told = told(Transport::Plain(socket), peer);
    assert!(String::from_utf8_lossy(&told).contains("the server is nearly full"), "{told:?}");
}

#[test]
fn over_tls_it_is_an_alert() {
    let name = || "localhost".try_into().expect("it is a name");
    let tls = |socket| Box::new(TlsStream::client(socket, tls_config(), name()).expect("there is randomness"));
    let (socket, peer) = pair();
    let above_tls = {
        let (socket, peer) = pair();
        let stream = WebSocketStream::server(Base::Tls(tls(socket)), Arc::new(UpgradeRules::default()));
        (Transport::WebSocket(Box::new(stream)), peer)
    };
    for (transport, peer) in [(Transport::Tls(tls(socket)), peer), above_tls] {
        let mut client = ClientConnection::new(tls_config(), name()).expect("the configuration is right");
        client.read_tls(&mut &told(transport, peer)[..]).expect("a slice does not fail");
        let alert = client.process_new_packets().expect_err("it is an alert");
        assert_eq!(alert, rustls::Error::AlertReceived(rustls::AlertDescription::InternalError));
    }
}

#[test]
fn what_it_still_sends_is_read_and_not_looked_at() {
    let websocket =
        |base| Transport::WebSocket(Box::new(WebSocketStream::server(base, Arc::new(UpgradeRules::default()))));
    let tls = |socket| {
        let name = "localhost".try_into().expect("it is a name");
        Box::new(TlsStream::client(socket, tls_config(), name).expect("there is randomness"))
    };
    let above: [&dyn Fn(Socket) -> Transport; 3] =
        [&|socket| Transport::Tls(tls(socket)), &|socket| websocket(Base::Plain(socket)), &|socket| {
            websocket(Base::Tls(tls(socket)))
        }];
    let turn_away = |transport: &mut Transport| {
        let mut handshake = Handshake::new(Instant::ZERO, &Limits::default());
        handshake.turn_away(&Refusal::ConnectionsReserved);
        transport.turn_away(handshake.transmit());
    };
    let say_below = |transport: &mut Transport| transport.say_below(b"no").expect("there is room");
    let ways: [&dyn Fn(&mut Transport); 2] = [&turn_away, &say_below];
    for (transport, turn_away) in above.iter().flat_map(|transport| ways.map(|way| (transport, way))) {
        let (socket, mut peer) = pair();
        let mut transport = transport(socket);
        turn_away(&mut transport);
        // Neither a record nor a request, and the start of one of each.
        for said in [&b"\0\0\0\0\0\0"[..], b"\x16\x03\x01\0\x05", b"GET / HTTP/1.1\r\n"] {
            peer.write_all(said).expect("there is room");
            let input = transport.read(&mut [0; 64]);
            assert!(matches!(input, Input::Bytes { count, .. } if count == said.len()), "{input:?}");
        }
    }
}

#[test]
fn over_a_websocket_it_is_an_answer_of_http() {
    let (socket, peer) = pair();
    let stream = WebSocketStream::server(Base::Plain(socket), Arc::new(UpgradeRules::default()));
    let told = told(Transport::WebSocket(Box::new(stream)), peer);
    let told = String::from_utf8(told).expect("it is text");
    assert!(told.starts_with("HTTP/1.1 503 ") && told.contains("\r\nRetry-After: 10\r\n"), "{told}");
    assert!(told.ends_with("\r\n\r\n"), "{told}");
}

#[test]
fn whoever_makes_room_at_the_opening_of_its_websocket_gets_the_same_answer_to_its_request() {
    for (said, expected) in [(&b"GET / HTTP/1.1\r\n"[..], "HTTP/1.1 503 "), (b"", "")] {
        let (socket, mut peer) = pair();
        let stream = WebSocketStream::server(Base::Plain(socket), Arc::new(UpgradeRules::default()));
        let mut transport = Transport::WebSocket(Box::new(stream));
        peer.write_all(said).expect("there is room");
        let input = transport.read(&mut [0; 64]);
        assert!(matches!(input, Input::Overhead(_) | Input::None), "{input:?}");
        transport.make_room().expect("the peer is there");
        let mut told = String::new();
        peer.read_to_string(&mut told).expect("it is text, and ends in an orderly way");
        assert!(told.starts_with(expected), "{told}");
        assert_eq!(told.contains("\r\nRetry-After: 10\r\n"), !said.is_empty(), "{told}");
    }
}
