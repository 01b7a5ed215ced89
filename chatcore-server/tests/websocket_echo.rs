//! The example `websocket_echo`: its server and its client, over TCP.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

#[path = "../examples/websocket_echo.rs"]
#[expect(dead_code, reason = "its main is not for here")]
mod websocket_echo;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A client's frame whose mask is zero.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[first, 0x80 | length, 0, 0, 0, 0], payload].concat()
}

/// What the server answers until it closes, and what it says of it.
fn served(input: &[u8]) -> (Vec<u8>, Result<(), String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (accepted, _) = listener.accept().unwrap();
    let server = thread::spawn(move || websocket_echo::serve(accepted).map_err(|error| error.to_string()));
    peer.write_all(input).unwrap();
    let mut answer = Vec::new();
    peer.read_to_end(&mut answer).unwrap();
    (answer, server.join().unwrap())
}

#[test]
fn messages_come_back_and_each_ping_is_answered() {
    let input = [
        REQUEST.to_vec(),
        frame(0x81, b"hello"),
        frame(0x89, b"one"),
        frame(0x89, b"two"),
        frame(0x02, b"a"),
        frame(0x80, b"b"),
        frame(0x88, &1000_u16.to_be_bytes()),
    ];
    let (answer, result) = served(&input.concat());
    assert_eq!(result, Ok(()));
    let head = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
    assert!(answer.starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"));
    assert_eq!(&answer[head..], b"\x81\x05hello\x8A\x03one\x8A\x03two\x82\x02ab\x88\x02\x03\xE8");
}

#[test]
fn who_opens_no_websocket_and_who_breaks_the_framing_is_told_why() {
    let (answer, result) = served(b"POST / HTTP/1.1\r\n\r\n");
    assert!(answer.starts_with(b"HTTP/1.1 405 Method Not Allowed\r\n"));
    assert_eq!(result.unwrap_err(), "a WebSocket is opened with GET, and with no other method");
    let (answer, result) = served(&[REQUEST.to_vec(), frame(0x83, b"")].concat());
    let reason = "a frame has the opcode 0x3, which is not defined";
    assert!(answer.ends_with(&[b"\x03\xEA", reason.as_bytes()].concat()));
    assert_eq!(result.unwrap_err(), reason);
}

#[test]
fn the_client_sends_back_what_a_server_sends() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = thread::spawn(move || {
        let (peer, _) = listener.accept().unwrap();
        let mut theirs = tokio_tungstenite::tungstenite::accept(peer).unwrap();
        theirs.send("hello".into()).unwrap();
        let message = theirs.read().unwrap();
        theirs.close(None).unwrap();
        while theirs.read().is_ok() {}
        message.into_text().unwrap().to_string()
    });
    websocket_echo::run(&address, "/any?case=1").unwrap();
    assert_eq!(server.join().unwrap(), "hello");
}
