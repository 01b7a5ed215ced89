//! Pings, and the end.

use chatcore::websocket::{Close, CloseCode, Content, End, Incoming, MessageKind, WebSocket};

use super::peer::*;

#[test]
fn a_ping_is_answered_with_what_it_holds() {
    for length in [0, 1, 125] {
        let outcome = stream(&masked(PING, &vec![b'p'; length]));
        assert_eq!(outcome.written, plain(PONG, &vec![b'p'; length]), "{length} bytes");
    }
    assert_eq!(stream(&masked(PONG, b"nobody asked")).written, b"");
}

#[test]
fn who_writes_at_each_ping_answers_each() {
    let mut socket = WebSocket::server(Content::Messages);
    let mut pings: Vec<u8> = (0..10_u8).flat_map(|number| masked(PING, &[number])).collect();
    let mut input = &mut pings[..];
    let mut answers = Vec::new();
    while let Some(arrived) = socket.receive(&mut input).unwrap() {
        assert_eq!(arrived, Incoming::Ping);
        answers.extend(written(&mut socket));
    }
    assert_eq!(answers, (0..10_u8).flat_map(|number| plain(PONG, &[number])).collect::<Vec<_>>());
}

#[test]
fn a_flood_of_pings_is_answered_once() {
    let flood: Vec<u8> = (0..1000_u16).flat_map(|number| masked(PING, &number.to_be_bytes())).collect();
    assert_eq!(stream(&flood).written, plain(PONG, &999_u16.to_be_bytes()));
}

#[test]
fn a_pong_that_is_written_in_part_is_written_to_its_end_and_the_newest_follows() {
    let mut socket = WebSocket::server(Content::Stream);
    let mut bytes = Vec::new();
    let _ = socket.unframe(&mut masked(PING, b"first"));
    bytes.extend_from_slice(&socket.transmit(0).control[..3]);
    assert_eq!(socket.transmitted(3), 0);
    let _ = socket.unframe(&mut masked(PING, b"second"));
    let _ = socket.unframe(&mut masked(PING, b"third"));
    bytes.extend(written(&mut socket));
    assert_eq!(bytes, [plain(PONG, b"first"), plain(PONG, b"third")].concat());
}

#[test]
fn control_frames_go_between_frames_and_not_into_one() {
    let mut socket = WebSocket::server(Content::Stream);
    assert_eq!(socket.transmit(10).header, b"\x82\x0A");
    // Its header is known, and nothing of it is written: the pong goes first.
    let _ = socket.unframe(&mut masked(PING, b"p"));
    let outgoing = socket.transmit(10);
    assert_eq!((outgoing.control, outgoing.header, outgoing.payload_bytes), (&b"\x8A\x01p"[..], &b"\x82\x0A"[..], 10));
    assert_eq!(socket.transmitted(4), 0, "the pong, and half of the header");
    let _ = socket.unframe(&mut masked(PING, b"q"));
    let outgoing = socket.transmit(10);
    assert_eq!((outgoing.control, outgoing.header), (&b""[..], &b"\x0A"[..]));
    assert_eq!(socket.transmitted(1 + 9), 9);
    assert_eq!(socket.transmit(1).control, b"");
    assert_eq!(socket.transmitted(1), 1);
    assert_eq!(socket.transmit(0).control, b"\x8A\x01q");
}

#[test]
fn who_closes_is_answered_with_its_code_and_nothing_more_is_read() {
    let input = [masked(BINARY | FIN, b"x"), masked_close(4321, b"good night"), masked(BINARY | FIN, b"y")].concat();
    let outcome = stream(&input);
    assert_eq!(outcome.messages, [binary(b"x")]);
    assert_eq!(outcome.end, Some(End::Close(Close { code: CloseCode::new(4321), reason: "good night".into() })));
    assert_eq!(outcome.written, plain(CLOSE, &4321_u16.to_be_bytes()));
    let outcome = stream(&masked(CLOSE, b""));
    assert_eq!(outcome.end, Some(End::Close(Close { code: None, reason: String::new() })));
    assert_eq!(outcome.written, plain(CLOSE, b""));
}

#[test]
fn only_codes_that_may_be_sent_are_taken() {
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999] {
        assert!(stream(&masked_close(code, b"")).error().is_none(), "{code}");
    }
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
        assert_eq!(stream(&masked_close(code, b"")).error().unwrap().close_code(), CloseCode::PROTOCOL_ERROR, "{code}");
    }
}

#[test]
fn the_closing_handshake_ends_when_both_have_closed_and_all_is_written() {
    let mut socket = WebSocket::server(Content::Stream);
    socket.close(CloseCode::GOING_AWAY, "the server stops");
    assert!(socket.is_closing() && !socket.is_closed());
    let outgoing = socket.transmit(100);
    assert_eq!(outgoing.payload_bytes, 0, "nothing follows a close");
    assert_eq!(outgoing.control, plain(CLOSE, b"\x03\xE9the server stops"));
    let bytes = outgoing.bytes();
    assert_eq!(socket.transmitted(bytes), 0);
    assert!(!socket.is_closed(), "the peer has not closed");
    // What it sends until then still arrives, and its pings are not answered.
    let mut outcome = Outcome::default();
    outcome.receive(&mut socket, &[masked(BINARY | FIN, b"late"), masked(PING, b"")].concat());
    assert_eq!(outcome.messages, [binary(b"late")]);
    outcome.receive(&mut socket, &masked_close(1001, b""));
    assert!(matches!(outcome.end, Some(End::Close(_))));
    assert!(socket.is_closed());
    assert!(socket.transmit(100).is_empty(), "one close is enough");
}

#[test]
fn an_answer_to_a_close_must_be_written_before_it_is_closed() {
    let mut socket = WebSocket::server(Content::Stream);
    let _ = socket.unframe(&mut masked_close(1000, b""));
    assert!(!socket.is_closed());
    assert!(socket.owes_control());
    let _ = written(&mut socket);
    assert!(socket.is_closed());
}

#[test]
fn a_close_takes_the_place_of_a_pong_and_waits_for_a_frame_that_has_started() {
    let mut socket = WebSocket::server(Content::Stream);
    socket.transmit(5);
    assert_eq!(socket.transmitted(3), 1, "the header and one byte");
    let _ = socket.unframe(&mut [masked(PING, b"p"), masked_close(1000, b"")].concat());
    let outgoing = socket.transmit(9);
    assert_eq!((outgoing.control, outgoing.payload_bytes), (&b""[..], 4), "the rest of the frame, and no more");
    assert_eq!(socket.transmitted(4), 4);
    assert_eq!(written(&mut socket), plain(CLOSE, &1000_u16.to_be_bytes()));
}

#[test]
fn what_closes_begins_no_message() {
    let mut socket = WebSocket::server(Content::Messages);
    socket.begin_message(MessageKind::Text, 5);
    socket.close(CloseCode::NORMAL, "");
    assert_eq!(socket.transmit(5).header, b"", "nothing of it was written");
    socket.begin_message(MessageKind::Text, 5);
    assert!(!socket.is_writing());
    assert_eq!(written(&mut socket), plain(CLOSE, &1000_u16.to_be_bytes()));
}

#[test]
fn a_long_reason_is_cut() {
    let mut socket = WebSocket::server(Content::Stream);
    socket.close(CloseCode::POLICY, &"ü".repeat(100));
    assert_eq!(written(&mut socket), plain(CLOSE, &[b"\x03\xF0", "ü".repeat(61).as_bytes()].concat()));
}
