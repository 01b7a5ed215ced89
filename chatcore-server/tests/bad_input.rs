//! Peers that break the protocol, or speak another: each ends alone, and is told why.

mod support;

use std::io::Read;
use std::net::Shutdown;
use std::time::Duration;

use chatcore::wire::{ClientMessage, HubMessage, PREFACE_BYTES, Ping, Preface, Register, Send};
use chatcore::{ErrorCode, GoodbyeCode};
use socket2::SockRef;

use support::{Peer, Server, User, encode, frame, opening};

/// A peer that speaks another protocol gets a plain answer and is closed; one line of the log tells of it; two users
/// talk on.
#[track_caller]
fn assert_recognised(opening: &[u8], answer: &[u8], name: &str) {
    let mut server = Server::start(&[]);
    let mut alice = User::registered(server.address(), "alice");
    let mut bob = User::registered(server.address(), "bob");

    let mut peer = Peer::connect(server.address());
    let address = peer.stream.local_addr().unwrap().to_string();
    peer.put(opening);
    let mut answered = Vec::new();
    peer.stream.read_to_end(&mut answered).expect("an orderly end");
    assert!(answered.starts_with(answer), "{}", String::from_utf8_lossy(&answered));

    server.logged(&["INFO", &address, &format!("the peer speaks {name}, not chatcore")]);
    alice.tell("bob", b"did you notice?");
    assert_eq!(bob.message().1, b"did you notice?");
    assert_eq!(server.count_logged(&[&address]), 1, "it is logged once");
}

#[test]
fn an_http_request_is_answered_in_http() {
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: test\r\n\r\n";
    assert_recognised(request, b"HTTP/1.1 400 Bad Request\r\n", "HTTP");
}

#[test]
fn a_tls_hello_is_answered_with_an_alert() {
    let hello = [&[0x16, 0x03, 0x01, 0x01, 0x00, 0x01, 0x00, 0x00, 0xfc, 0x03, 0x03][..], &[7; 245]].concat();
    assert_recognised(&hello, &[0x15, 0x03], "TLS");
}

#[test]
fn noise_is_answered_in_plain_words() {
    let noise: Vec<u8> = (1..100_000_u32).map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    assert_recognised(&noise, b"This port speaks chatcore", "an unknown protocol");
}

/// A registered peer that sends this is told of its error and closed; nobody else notices.
#[track_caller]
fn assert_faulty(said: &[u8], code: ErrorCode, words: &str) {
    let mut server = Server::start(&[]);
    let mut alice = User::registered(server.address(), "alice");
    let mut peer = Peer::registered(server.address(), "mallory");
    peer.put(said);
    peer.assert_fault(code, words);
    server.logged(&["INFO", "left", "name=mallory", "protocol error"]);
    alice.tell_oneself("alice");
    server.assert_running();
}

#[test]
fn a_frame_over_the_limit_is_a_fault_as_soon_as_its_length_is_there() {
    assert_faulty(&u32::MAX.to_le_bytes(), ErrorCode::FrameTooLong, "4294967295");
    assert_faulty(&65_793_u32.to_le_bytes(), ErrorCode::FrameTooLong, "65792");
}

#[test]
fn a_frame_whose_inside_lies_about_its_length_is_a_fault() {
    // send, then a name that claims 250 bytes, and 4 that are there.
    assert_faulty(&frame(b"\x40\xfabob!"), ErrorCode::Truncated, "send");
    // ping without its nonce.
    assert_faulty(&frame(b"\x05"), ErrorCode::Truncated, "ping");
}

#[test]
fn trailing_bytes_are_a_fault() {
    assert_faulty(&frame(b"\x05\x07\x00\x00"), ErrorCode::TrailingBytes, "2 bytes");
}

#[test]
fn an_empty_frame_is_a_fault() {
    assert_faulty(&frame(b""), ErrorCode::FrameEmpty, "empty");
}

#[test]
fn a_number_in_a_longer_form_than_needed_is_a_fault() {
    assert_faulty(&frame(b"\x05\xfb\x05\x00"), ErrorCode::NotCanonical, "ping");
}

#[test]
fn an_unknown_critical_kind_is_a_fault() {
    assert_faulty(&frame(b"\x3fwhatever"), ErrorCode::UnknownKind, "0x3f");
}

#[test]
fn registering_twice_is_a_fault() {
    let again =
        encode(&ClientMessage::Register(Register { name: "mallory2", credential: b"", frame_bytes_max: u32::MAX }));
    assert_faulty(&again, ErrorCode::Unexpected, "register");
}

#[test]
fn an_unknown_optional_kind_is_skipped() {
    let server = Server::start(&[]);
    let mut peer = Peer::registered(server.address(), "alice");
    peer.put(&frame(b"\xbfwhatever"));
    peer.say(&ClientMessage::Ping(Ping { nonce: 9 }));
    assert!(matches!(peer.take(), HubMessage::Pong(pong) if pong.nonce == 9));
    // A numbered one is counted: with the one before, the acknowledgement is for two.
    peer.put(&frame(b"\xffwhatever"));
    peer.say(&ClientMessage::Send(Send { to: "nobody", body: b"" }));
    let mut acknowledged = 0;
    while acknowledged < 2 {
        match peer.take() {
            HubMessage::Ack(ack) => acknowledged = ack.count,
            HubMessage::Rejected(rejected) => assert_eq!(rejected.number, 2),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_message_before_registering_is_a_fault() {
    let mut server = Server::start(&[]);
    let mut peer = Peer::connect(server.address());
    peer.put(&Preface::OURS.encode());
    peer.say(&ClientMessage::Send(Send { to: "alice", body: b"hello" }));
    peer.take_preface();
    peer.assert_fault(ErrorCode::Unexpected, "send");
    server.logged(&["INFO", "closed before it had a name", "protocol error"]);
}

#[test]
fn another_version_is_refused_by_name() {
    let server = Server::start(&[]);
    let mut peer = Peer::connect(server.address());
    peer.put(&Preface { version: 7, ..Preface::OURS }.encode());
    peer.take_preface();
    peer.assert_fault(ErrorCode::UnsupportedVersion, "version 7");
}

#[test]
fn the_reason_survives_what_the_peer_goes_on_to_send() {
    let server = Server::start(&[]);
    let burden = vec![0x55; 700 << 10];

    let mut peer = Peer::registered(server.address(), "alice");
    peer.put(&u32::MAX.to_le_bytes());
    peer.put(&burden);
    peer.assert_fault(ErrorCode::FrameTooLong, "too long");

    let mut stranger = Peer::connect(server.address());
    stranger.put(&Preface::OURS.encode());
    stranger.put(&u32::MAX.to_le_bytes());
    stranger.put(&burden);
    stranger.take_preface();
    stranger.assert_fault(ErrorCode::FrameTooLong, "too long");
}

#[test]
fn the_reason_is_told_even_to_a_peer_that_has_ended_its_side() {
    let server = Server::start(&[]);
    let mut peer = Peer::registered(server.address(), "alice");
    // So that the server finds the error and the end together.
    server.signal("STOP");
    peer.put(&frame(b""));
    peer.stream.shutdown(Shutdown::Write).unwrap();
    server.signal("CONT");
    peer.assert_fault(ErrorCode::FrameEmpty, "empty");
}

#[test]
fn half_a_handshake_then_silence_ends_at_the_deadline() {
    let mut server = Server::start(&["--handshake-time-max", "0.3"]);
    let registration = opening("alice");

    let mut halfway = Peer::connect(server.address());
    halfway.put(&registration[..PREFACE_BYTES + 7]);
    halfway.take_preface();
    halfway.assert_goodbye(GoodbyeCode::TimedOut);

    let mut silent = Peer::connect(server.address());
    silent.assert_end();
    let address = silent.stream.local_addr().unwrap().to_string();
    server.logged(&["INFO", &address, "no registration came in time"]);
}

#[test]
fn a_refusal_gives_the_handshake_its_time_again() {
    let server = Server::start(&["--handshake-time-max", "2", "--idle-time-max", "2"]);
    let mut peer = Peer::connect(server.address());
    let mut first_half = Peer::registered(server.address(), "clock");
    let mut whole = Peer::connect(server.address());

    assert!(matches!(first_half.take(), HubMessage::Ping(_)), "half of the idle time is over");
    peer.put(&opening("#1"));
    peer.take_preface();
    assert!(matches!(peer.take(), HubMessage::Refused(_)));

    // It connected later than the peer, and its time is over.
    whole.assert_end();
    peer.say(&ClientMessage::Register(Register { name: "alice", credential: b"", frame_bytes_max: u32::MAX }));
    assert!(matches!(peer.take(), HubMessage::Welcome(_)));
}

#[test]
fn half_a_frame_then_silence_ends_at_the_idle_time() {
    let server = Server::start(&["--idle-time-max", "0.4"]);
    let mut peer = Peer::registered(server.address(), "alice");
    peer.put(&frame(b"\x05\x07")[..3]);
    assert!(matches!(peer.take(), HubMessage::Ping(_)), "it is asked first");
    peer.assert_goodbye(GoodbyeCode::TimedOut);
}

#[test]
fn resets_at_any_time_harm_nobody_else() {
    let mut server = Server::start(&["--log", "debug"]);
    let mut alice = User::registered(server.address(), "alice");
    let openings: [&[u8]; 4] = [b"", b"GET", &Preface::OURS.encode(), &opening("mallory")];
    for i in 0..200 {
        let mut peer = Peer::connect(server.address());
        peer.put(openings[i % openings.len()]);
        // Without lingering in the kernel, closing is a reset.
        SockRef::from(&peer.stream).set_linger(Some(Duration::ZERO)).unwrap();
        drop(peer);
        alice.tell_oneself("alice");
    }
    server.assert_running();
}
