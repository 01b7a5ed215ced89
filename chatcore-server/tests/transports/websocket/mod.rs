//! The WebSocket of the server, over real sockets.

mod client;
mod faults;
mod opening;

use std::io::{self, Read};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use chatcore::GoodbyeCode;
use chatcore::websocket::{Close, CloseCode, SUBPROTOCOL};
use chatcore::wire::{self, Ack, ClientMessage, Goodbye, HubMessage, Message, PREFACE_BYTES, Preface, Resume, Send};
use tungstenite::client::ClientRequestBuilder;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::protocol::frame::coding::CloseCode as TheirCloseCode;

pub(crate) use self::client::Stream;
use self::client::ws_server;
use crate::support::{PROGRAM, Peer, Server, connect, encode, opening as opening_of};
use crate::talk::talk;
use crate::tls::TlsServer;

fn goodbye() -> ClientMessage<'static> {
    ClientMessage::Goodbye(Goodbye { code: GoodbyeCode::Left, detail: "", reconnect: None })
}

#[test]
fn users_over_a_websocket_and_over_tcp_talk_to_each_other() {
    let server = ws_server(&[]);
    let mut alice = Peer::registered_over(Stream::open(connect(server.addresses[1])), "alice");
    let mut bob = Peer::registered(server.address(), "bob");
    talk(&mut alice, &mut bob);
}

#[test]
fn users_over_a_websocket_over_tls_and_over_tcp_talk_to_each_other() {
    let tls = TlsServer::start_with("wss://127.0.0.1:0", &[]);
    let mut alice = Peer::registered_over(Stream::open(tls.connect()), "alice");
    let mut bob = Peer::registered(tls.server.address(), "bob");
    talk(&mut alice, &mut bob);
    let mut carol = Peer::registered_over(Stream::open(tls.connect()), "carol");
    carol.say(&goodbye());
    carol.assert_goodbye(GoodbyeCode::Left);
    assert_eq!(carol.stream.close, Some(Close { code: Some(CloseCode::NORMAL), reason: String::new() }));
    carol.stream.assert_end_below();
}

#[test]
fn a_close_frame_comes_after_the_goodbye() {
    let mut server = ws_server(&[]);
    let mut alice = Peer::registered_over(Stream::open(connect(server.addresses[1])), "alice");
    let mut bob = Peer::registered_over(Stream::open(connect(server.addresses[1])), "bob");
    alice.say(&goodbye());
    alice.assert_goodbye(GoodbyeCode::Left);
    assert_eq!(alice.stream.close, Some(Close { code: Some(CloseCode::NORMAL), reason: String::new() }));
    alice.stream.assert_end_below();

    server.signal("TERM");
    bob.assert_goodbye(GoodbyeCode::ShuttingDown);
    assert_eq!(bob.stream.close, Some(Close { code: Some(CloseCode::GOING_AWAY), reason: String::new() }));
    bob.stream.assert_end_below();
    assert!(server.exit_status().success());
}

#[test]
fn a_client_that_closes_gets_a_close_frame_and_its_session_waits() {
    let mut server = ws_server(&[]);
    let mut alice = Peer::registered_over(Stream::open(connect(server.addresses[1])), "alice");
    alice.stream.close(CloseCode::GOING_AWAY);
    alice.assert_end();
    assert_eq!(alice.stream.close, Some(Close { code: Some(CloseCode::GOING_AWAY), reason: String::new() }));
    alice.stream.assert_end_below();
    server.logged(&["lost its connection", "alice"]);
}

#[test]
fn sessions_wait_as_long_as_the_address_says_at_which_they_came() {
    let mut command = Command::new(PROGRAM);
    command.args([
        "--resume-time-max",
        "0",
        "--listen",
        "ws://127.0.0.1:0",
        "--listen",
        "ws://127.0.0.1:0/?resume=10m",
    ]);
    let mut server = Server::listening(2, &mut command);
    let [short, long] = [server.addresses[0], server.addresses[1]];
    let ((no_window, _), (window, token)) = (break_off(short, "alice"), break_off(long, "bob"));
    assert_eq!([no_window, window], [0, 600_000]);
    server.logged(&["left", "name=alice"]);
    server.logged(&["lost its connection", "name=bob"]);
    come_back(long, "bob", token);
    assert_eq!(server.count_logged(&["left", "name=bob"]), 0);
}

/// Registers over a WebSocket at this address, and breaks the connection: returns how long the session waits, in
/// milliseconds, and its token.
pub(crate) fn break_off(address: SocketAddr, name: &str) -> (u32, wire::Token) {
    let mut peer = Peer::over(Stream::open(connect(address)));
    peer.put(&opening_of(name));
    peer.take_preface();
    let HubMessage::Welcome(welcome) = peer.take() else { panic!("the name is free") };
    let told = (welcome.limits.resume_ms_max, welcome.token);
    peer.say(&ClientMessage::Ack(Ack { count: 0 }));
    told
}

/// Comes back to a session that has got nothing.
pub(crate) fn come_back(address: SocketAddr, name: &str, token: wire::Token) {
    let mut peer = Peer::over(Stream::open(connect(address)));
    peer.put(&Preface::OURS.encode());
    let resume = Resume { name, token, received: Some(0), attempt: 1, frame_bytes_max: u32::MAX };
    peer.say(&ClientMessage::Resume(resume));
    peer.take_preface();
    assert!(matches!(peer.take(), HubMessage::Resumed(_)), "the session has waited");
}

#[test]
fn a_ping_is_answered_though_there_is_nothing_else_to_say() {
    let server = ws_server(&[]);
    let mut stream = Stream::open(connect(server.addresses[1]));
    // Neither before it has a name, nor after that.
    stream.put_frame(0x89, b"one");
    stream.assert_frame(0x8A, b"one");
    let mut alice = Peer::registered_over(stream, "alice");
    alice.stream.put_frame(0x89, &[7; 125]);
    alice.stream.assert_frame(0x8A, &[7; 125]);
}

#[test]
fn a_reader_that_stops_gets_all_when_it_reads_again() {
    let server = ws_server(&[]);
    let mut alice = Peer::registered_over(Stream::open(connect(server.addresses[1])), "alice");
    let mut bob = Peer::registered(server.address(), "bob");
    // More than the sockets hold between the two.
    let (body, count) = (vec![7; 60_000], 60);
    for _ in 0..count {
        bob.say(&ClientMessage::Send(Send { to: "alice", body: &body }));
    }
    bob.take_accepted(count);
    // It is answered between two frames.
    alice.stream.put_frame(0x89, b"ping");
    for _ in 0..count {
        let HubMessage::Deliver(deliver) = alice.take_beside_acks() else { panic!("a message comes") };
        assert_eq!(deliver.body, body);
    }
}

/// A client that others wrote: `tungstenite`.
#[test]
fn a_foreign_client_has_a_dialogue() {
    let server = ws_server(&[]);
    let address = server.addresses[1];
    let uri = format!("ws://{address}/").parse().expect("it is a URI");
    let request = ClientRequestBuilder::new(uri).with_sub_protocol(SUBPROTOCOL);
    let config = WebSocketConfig::default().read_buffer_size(4096);
    let opened = tungstenite::client::client_with_config(request, connect(address), Some(config));
    let (mut theirs, response) = opened.expect("the server opens a WebSocket");
    assert_eq!(response.headers()["sec-websocket-protocol"], SUBPROTOCOL);

    let mut arrived = Vec::new();
    // The next frame of the hub that is no acknowledgement.
    let mut take = |theirs: &mut tungstenite::WebSocket<TcpStream>, expected: fn(&HubMessage<'_>) -> bool| loop {
        let mut rest = &arrived[..];
        if let Some(content) = wire::take(&mut rest, u32::MAX).expect("well-formed") {
            let message = HubMessage::decode(content).expect("well-formed").expect("known");
            let (is_expected, is_ack) = (expected(&message), matches!(message, HubMessage::Ack(_)));
            assert!(is_expected || is_ack, "{message:?}");
            arrived.drain(..arrived.len() - rest.len());
            if is_expected {
                return;
            }
            continue;
        }
        match theirs.read().expect("more comes") {
            tungstenite::Message::Binary(bytes) => {
                let preface = if bytes.starts_with(b"\xC4chat") { PREFACE_BYTES } else { 0 };
                arrived.extend_from_slice(&bytes[preface..]);
            }
            other => panic!("{other:?}"),
        }
    };
    // A frame of chatcore in two messages.
    let opening = opening_of("alice");
    for piece in [&opening[..20], &opening[20..]] {
        theirs.send(tungstenite::Message::binary(piece.to_vec())).expect("the server takes it");
    }
    take(&mut theirs, |message| matches!(message, HubMessage::Welcome(_)));
    theirs.send(tungstenite::Message::Ping(b"there?".as_slice().into())).expect("the server takes it");
    assert_eq!(theirs.read().expect("it is answered"), tungstenite::Message::Pong(b"there?".as_slice().into()));
    let said = [encode(&ClientMessage::Send(Send { to: "alice", body: b"hello" })), encode(&goodbye())];
    theirs.send(tungstenite::Message::binary(said.concat())).expect("the server takes it");
    take(&mut theirs, |message| matches!(message, HubMessage::Deliver(deliver) if deliver.body == b"hello"));
    take(&mut theirs, |message| matches!(message, HubMessage::Accepted(_)));
    take(&mut theirs, |message| matches!(message, HubMessage::Goodbye(_)));
    match theirs.read().expect("a close comes") {
        tungstenite::Message::Close(Some(close)) => assert_eq!(close.code, TheirCloseCode::Normal),
        other => panic!("{other:?}"),
    }
    let end = theirs.read().expect_err("nothing more comes");
    assert!(matches!(end, tungstenite::Error::ConnectionClosed), "{end}");
}

/// The end of a transport whose peer may have gone.
fn read_to_end(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut said = Vec::new();
    stream.read_to_end(&mut said)?;
    Ok(said)
}
