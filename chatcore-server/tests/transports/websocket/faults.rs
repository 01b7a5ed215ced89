//! Frames that break the rules: each ends its own connection, with a code and a sentence.

use std::io::{ErrorKind, Write};

use chatcore::websocket::{Close, CloseCode};
use chatcore::wire::{ClientMessage, HubMessage, Send};

use super::client::{Stream, ws_server};
use crate::support::{Peer, User, connect, encode};

/// A message that is framed and not masked.
fn unmasked() -> Vec<u8> {
    let message = encode(&ClientMessage::Send(Send { to: "alice", body: b"hello" }));
    [&[0x82, u8::try_from(message.len()).expect("it is short")], &message[..]].concat()
}

#[test]
fn a_frame_that_breaks_a_rule_is_answered_with_a_close_frame_and_nobody_else_notices() {
    let mut server = ws_server(&[]);
    let mut alice = User::registered(server.address(), "alice");
    let mut bob = Peer::registered_over(Stream::open(connect(server.addresses[1])), "bob");
    let length = |length: u64| [&[0x82, 0xFF][..], &length.to_be_bytes(), &[0; 4]].concat();
    let cases: [(&str, Vec<u8>, CloseCode, &str); 8] = [
        ("unmasked", unmasked(), CloseCode::PROTOCOL_ERROR, "a frame of the client is not masked"),
        ("text", b"\x81\x82\0\0\0\0hi".to_vec(), CloseCode::UNSUPPORTED, "only binary messages are taken here"),
        ("reserved", b"\xC2\x80\0\0\0\0".to_vec(), CloseCode::PROTOCOL_ERROR, "a reserved bit set"),
        ("bit64", length(1 << 63), CloseCode::PROTOCOL_ERROR, "the highest bit of its length set"),
        ("bits63", length(i64::MAX as u64), CloseCode::TOO_LONG, "has 9223372036854775807 bytes or more"),
        ("control", b"\x89\xFE\0\x7E\0\0\0\0".to_vec(), CloseCode::PROTOCOL_ERROR, "a control frame is too long"),
        ("cut", b"\x09\x80\0\0\0\0".to_vec(), CloseCode::PROTOCOL_ERROR, "a control frame is in fragments"),
        ("code", b"\x88\x82\0\0\0\0\x03\xED".to_vec(), CloseCode::PROTOCOL_ERROR, "the code 1005"),
    ];
    for (name, frame, code, sentence) in cases {
        let mut peer = Peer::registered_over(Stream::open(connect(server.addresses[1])), name);
        // After it comes what would be thrown away.
        let said = [&frame[..], &vec![0x55; 100_000]].concat();
        peer.stream.below.write_all(&said).expect("the server reads");
        peer.assert_end();
        let Some(Close { code: told, reason }) = peer.stream.close.take() else { panic!("{name}: no close frame") };
        assert_eq!(told, Some(code), "{name}: {reason}");
        assert!(reason.contains(sentence), "{name}: {reason}");
        peer.stream.assert_end_below();
        server.logged(&["INFO", "closed", sentence]);
        server.logged(&["INFO", "lost its connection", name]);
    }
    alice.tell("bob", b"did you notice?");
    let HubMessage::Deliver(deliver) = bob.take_beside_acks() else { panic!("a message comes") };
    assert_eq!(deliver.body, b"did you notice?");
    server.assert_running();
}

#[test]
fn a_million_empty_fragments_end_after_a_thousand() {
    let mut server = ws_server(&[]);
    let mut alice = User::registered(server.address(), "alice");
    let mut peer = Peer::registered_over(Stream::open(connect(server.addresses[1])), "mallory");
    let first = [0x02, 0x80, 0, 0, 0, 0];
    let others = [0x00, 0x80, 0, 0, 0, 0].repeat(1_000);
    peer.stream.below.write_all(&first).expect("the server reads");
    for _ in 0..1_000 {
        match peer.stream.below.write_all(&others) {
            Ok(()) => {}
            // The server has thrown away what it is ready to.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => break,
            Err(error) => panic!("{error}"),
        }
    }
    server.logged(&["INFO", "closed", "more than 1024 frames brought nothing"]);
    server.logged(&["INFO", "lost its connection", "mallory"]);
    alice.tell_oneself("alice");
}

#[test]
fn what_came_before_a_broken_frame_counts() {
    let server = ws_server(&[]);
    let mut alice = User::registered(server.address(), "alice");
    let mut peer = Peer::registered_over(Stream::open(connect(server.addresses[1])), "bob");
    let message = encode(&ClientMessage::Send(Send { to: "alice", body: b"hello" }));
    let length = 0x80 | u8::try_from(message.len()).expect("it is short");
    let said = [&[0x82, length, 0, 0, 0, 0], &message[..], &[0x82, 0]].concat();
    peer.stream.below.write_all(&said).expect("the server reads");
    assert_eq!(alice.message().1, b"hello");
    while !matches!(peer.try_take(), Err(error) if error.kind() == ErrorKind::UnexpectedEof) {}
    assert_eq!(peer.stream.close.and_then(|close| close.code), Some(CloseCode::PROTOCOL_ERROR));
}
