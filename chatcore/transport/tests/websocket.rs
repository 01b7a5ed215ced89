//! Both ends of a WebSocket, above a pair of sockets.
#![cfg(all(unix, feature = "websocket"))]

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream as StdStream;
use std::sync::Arc;

use chatcore::websocket::{CloseCode, Content, End, SUBPROTOCOL, UpgradeRequest, UpgradeRules, WebSocket};
use chatcore::wire::{ClientMessage, Message, Preface, Register, Send};
use chatcore::{Client, ClientConfig, ConnId, Handshake, Hub, Instant, Limits, Received};
use chatcore_transport::{Base, Flushed, Input, Socket, Transport, WebSocketStream, Written};
use mio::net::UnixStream;
use socket2::SockRef;

const NOW: Instant = Instant::from_millis(1);

fn request() -> UpgradeRequest {
    UpgradeRequest::new("localhost", "/", &[SUBPROTOCOL], [7; 16]).expect("it is a request")
}

fn base(stream: StdStream) -> Base {
    stream.set_nonblocking(true).expect("a socket may be told not to block");
    Base::Plain(Socket::Unix(UnixStream::from_std(stream)))
}

fn server_over(stream: StdStream) -> Transport {
    Transport::WebSocket(Box::new(WebSocketStream::server(base(stream), Arc::new(UpgradeRules::default()))))
}

fn client_over(stream: StdStream) -> Transport {
    Transport::WebSocket(Box::new(WebSocketStream::client(base(stream), request(), [7; 32])))
}

/// A server's end and the socket of a client that has opened the WebSocket, and waits when it reads.
fn opened() -> (Transport, StdStream) {
    let (ours, mut theirs) = StdStream::pair().expect("the system has sockets");
    // It takes a part of a frame.
    SockRef::from(&ours).set_send_buffer_size(4 << 10).expect("it may be small");
    let mut server = server_over(ours);
    let mut request = request();
    theirs.write_all(request.bytes()).expect("there is room");
    assert!(matches!(server.read(&mut [0; 4096]), Input::Overhead(_)));
    let mut head = [0; 4096];
    let count = theirs.read(&mut head).expect("the server answers");
    assert!(request.receive(&head[..count]).expect("it opens a WebSocket").is_some());
    (server, theirs)
}

/// A hub with so many long messages for its user, and the user's connection.
fn hub_with(bodies: usize) -> (Hub, ConnId) {
    let mut hub = Hub::new(Limits::default(), [7; 32]);
    let mut opening = Preface::OURS.encode().to_vec();
    ClientMessage::Register(Register { name: "alice", credential: b"", frame_bytes_max: u32::MAX })
        .encode(&mut opening);
    let registration = Handshake::new(NOW, hub.limits()).receive(NOW, &mut &opening[..]);
    let conn = hub.admit(NOW, registration.expect("it is right").expect("it is whole")).expect("the name is free");
    let mut said = Vec::new();
    for body in 0..bodies {
        ClientMessage::Send(Send { to: "alice", body: &[body.to_le_bytes()[0]; 16 << 10] }).encode(&mut said);
    }
    let mut input = &said[..];
    while hub.receive(NOW, conn, &mut input) == Ok(Received::More) {}
    (hub, conn)
}

/// All that a client's end makes of bytes: the payload, and the code of the close frame.
fn unframe(mut arrived: Vec<u8>) -> (Vec<u8>, Option<CloseCode>) {
    let unframed = WebSocket::client(Content::Stream, [7; 32]).unframe(&mut arrived);
    arrived.truncate(unframed.payload_bytes);
    match unframed.end {
        Some(End::Close(close)) => (arrived, close.code),
        None => (arrived, None),
        Some(End::Error(error)) => panic!("the server breaks the framing: {error}"),
    }
}

#[test]
fn a_frame_that_was_begun_is_sent_to_its_end_whatever_becomes_of_the_stream() {
    for goes_away in [false, true] {
        let (mut server, mut theirs) = opened();
        let (hub, conn) = hub_with(60);
        let all = hub.transmit(conn).concat();
        let mut taken = 0;
        let mut hub = hub;
        loop {
            match server.write(hub.transmit(conn), usize::MAX) {
                Written::Bytes(count) => {
                    hub.transmitted(NOW, conn, count).expect("there is so much");
                    taken += count;
                }
                Written::Blocked => break,
                Written::Broken(error) => panic!("{error}"),
            }
        }
        assert!(server.is_blocked() && taken < all.len(), "a socket holds less");
        // The stream ends here: what the hub still has is dropped.
        drop(hub);
        let (ended, code) = if goes_away {
            (server.go_away(), CloseCode::GOING_AWAY)
        } else {
            (server.end_writing(), CloseCode::NORMAL)
        };
        ended.expect("the transport is there");
        theirs.set_nonblocking(true).expect("a socket may be told not to block");
        let mut arrived = Vec::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            match theirs.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => arrived.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    assert!(!matches!(server.flush(), Flushed::Broken(_)));
                }
                Err(error) => panic!("{error}"),
            }
        }
        let (payload, close) = unframe(arrived);
        assert_eq!((payload.len(), close), (taken, Some(code)));
        assert!(payload == all[..taken], "it is what the hub has said");
        assert!(!server.is_blocked());
    }
}

#[test]
fn a_ping_waits_for_the_end_of_a_frame_and_no_longer() {
    let (mut server, mut theirs) = opened();
    let (mut hub, conn) = hub_with(60);
    let mut taken = 0;
    while let Written::Bytes(count) = server.write(hub.transmit(conn), usize::MAX) {
        hub.transmitted(NOW, conn, count).expect("there is so much");
        taken += count;
    }
    theirs.write_all(b"\x89\x83\0\0\0\0one\x89\x83\0\0\0\0two").expect("there is room");
    assert!(matches!(server.read(&mut [0; 4096]), Input::Overhead(18)));
    assert!(server.is_blocked());
    theirs.set_nonblocking(true).expect("a socket may be told not to block");
    let (mut arrived, mut buffer) = (Vec::new(), vec![0; 64 << 10]);
    loop {
        match theirs.read(&mut buffer) {
            Ok(count) => arrived.extend_from_slice(&buffer[..count]),
            Err(_) if server.is_blocked() => assert!(!matches!(server.flush(), Flushed::Broken(_))),
            Err(_) => break,
        }
    }
    // Only the newest waits.
    let frames = arrived.strip_suffix(b"\x8A\x03two").expect("it is answered at last");
    assert_eq!(unframe(frames.to_vec()).0.len(), taken);
}

#[test]
fn what_a_client_writes_before_the_server_has_agreed_comes_after_that() {
    let (ours, theirs) = StdStream::pair().expect("the system has sockets");
    let (mut server, mut client) = (server_over(ours), client_over(theirs));
    let mut core = Client::new(NOW, ClientConfig::default(), 7);
    core.register(NOW, "alice", b"secret").expect("it has no name");
    let said = core.transmit().concat();
    while !core.transmit().is_empty() {
        let Written::Bytes(count) = client.write(core.transmit(), 10) else { panic!("it is kept") };
        core.transmitted(NOW, count);
    }
    let mut buffer = [0; 4096];
    assert!(matches!(server.read(&mut buffer), Input::Overhead(_)), "the request alone has come");
    assert!(matches!(server.read(&mut buffer), Input::None));
    assert!(matches!(client.read(&mut buffer), Input::Overhead(_)));
    let Input::Bytes { count, .. } = server.read(&mut buffer) else { panic!("frames come") };
    assert_eq!(&buffer[..count], said);

    // And a frame that comes with the response.
    assert!(!client.is_blocked() && !server.is_blocked());
    client.end_writing().expect("the transport is there");
    assert!(matches!(server.read(&mut buffer), Input::End(Ok(()))));
    assert!(matches!(client.read(&mut buffer), Input::End(Ok(()))));
}

#[test]
fn payload_comes_before_the_fault_that_comes_with_it_and_what_follows_is_not_looked_at() {
    let (mut server, mut theirs) = opened();
    theirs.write_all(b"\x82\x82\0\0\0\0hi\x81\x80\0\0\0\0rest").expect("there is room");
    let mut buffer = [0; 4096];
    let Input::Bytes { count, is_all } = server.read(&mut buffer) else { panic!("a frame comes") };
    assert_eq!((&buffer[..count], is_all), (&b"hi"[..], false));
    let Input::End(Err(error)) = server.read(&mut buffer) else { panic!("a fault comes") };
    assert_eq!(
        (error.kind(), error.to_string()),
        (ErrorKind::InvalidData, "a message is text: only binary messages are taken here".to_string(),)
    );
    theirs.write_all(b"more").expect("there is room");
    assert!(matches!(server.read(&mut buffer), Input::Bytes { count: 4, .. }), "for who throws it away");
    server.end_writing().expect("the transport is there");
    let mut arrived = Vec::new();
    theirs.read_to_end(&mut arrived).expect("it ends");
    assert_eq!(unframe(arrived), (Vec::new(), Some(CloseCode::UNSUPPORTED)));
}

#[test]
fn a_server_that_refuses_is_an_error_at_the_client() {
    let (mut theirs, ours) = StdStream::pair().expect("the system has sockets");
    let mut client = client_over(ours);
    assert!(matches!(client.flush(), Flushed::All));
    theirs.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").expect("there is room");
    let Input::End(Err(error)) = client.read(&mut [0; 4096]) else { panic!("it is refused") };
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert!(error.to_string().contains("status 403"), "{error}");
    client.end_writing().expect("the transport is there");
    let mut request = String::new();
    theirs.read_to_string(&mut request).expect("it ends");
    assert!(request.starts_with("GET / HTTP/1.1\r\n") && request.ends_with("\r\n\r\n"), "{request}");
}
