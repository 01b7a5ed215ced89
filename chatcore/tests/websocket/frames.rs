//! Each rule of the framing, and what breaks it.

use chatcore::websocket::{CloseCode, Content, End, FrameError, IDLE_FRAMES_MAX, WebSocket};

use super::peer::*;

#[test]
fn a_connection_has_at_most_88_bytes() {
    assert!(size_of::<WebSocket>() <= 88, "{} bytes", size_of::<WebSocket>());
}

#[test]
fn a_fault_ends_the_stream_with_its_code_and_what_came_before_it_is_there() {
    let long = |bytes: u64| [&[BINARY | FIN, 0xFF][..], &bytes.to_be_bytes()].concat();
    let too_long = 16 * 1024 * 1024 + 1;
    let masked_empty = [long(too_long), vec![0; 4]].concat();
    let cases: Vec<(Vec<u8>, u16, FrameError)> = vec![
        (masked(0x40 | BINARY | FIN, b"x"), 1002, FrameError::ReservedBit),
        (masked(0x20 | PING, b"x"), 1002, FrameError::ReservedBit),
        (masked(0x10 | CLOSE, b""), 1002, FrameError::ReservedBit),
        (masked(FIN | 3, b"x"), 1002, FrameError::UnknownOpcode { opcode: 3 }),
        (masked(FIN | 15, b"x"), 1002, FrameError::UnknownOpcode { opcode: 15 }),
        (plain(BINARY | FIN, b"x"), 1002, FrameError::NotMasked),
        (plain(PING, b""), 1002, FrameError::NotMasked),
        (masked(TEXT | FIN, b"x"), 1003, FrameError::Text),
        (masked(TEXT, b""), 1003, FrameError::Text),
        (masked(PING & !FIN, b"x"), 1002, FrameError::ControlInFragments),
        (masked(PING, &[0; 126]), 1002, FrameError::ControlTooLong),
        (masked(CLOSE, &[0; 0x1_0000]), 1002, FrameError::ControlTooLong),
        (vec![BINARY | FIN, 0xFE, 0, 125], 1002, FrameError::LengthNotMinimal { bytes: 125 }),
        (long(0xFFFF), 1002, FrameError::LengthNotMinimal { bytes: 0xFFFF }),
        (long(1 << 63), 1002, FrameError::LengthTooLarge),
        (long(u64::MAX), 1002, FrameError::LengthTooLarge),
        (masked_empty, 1009, FrameError::TooLong { bytes: too_long, bytes_max: 16 << 20 }),
        (
            [long((1 << 63) - 1), vec![0; 4]].concat(),
            1009,
            FrameError::TooLong { bytes: (1 << 63) - 1, bytes_max: 16 << 20 },
        ),
        (masked(CONTINUATION | FIN, b"x"), 1002, FrameError::NothingToContinue),
        ([masked(BINARY, b""), masked(BINARY | FIN, b"x")].concat(), 1002, FrameError::MessageNotEnded),
        (masked(CLOSE, b"x"), 1002, FrameError::CloseOfOneByte),
        (masked_close(1005, b""), 1002, FrameError::InvalidCloseCode { code: 1005 }),
        (masked_close(1000, b"\xFF"), 1007, FrameError::ReasonNotUtf8),
    ];
    for (fault, code, error) in cases {
        let input = [masked(BINARY | FIN, b"before"), fault, masked(BINARY | FIN, b"after")].concat();
        let outcome = stream(&input);
        assert_eq!(outcome.messages, [binary(b"before")], "{error}");
        assert_eq!(outcome.end, Some(End::Error(error)));
        assert_eq!(error.close_code().get(), code, "{error}");
        let reason = error.to_string();
        assert_eq!(outcome.written, plain(CLOSE, &[&code.to_be_bytes(), reason.as_bytes()].concat()));
        // The peer learns the whole sentence.
        assert!(reason.len() <= 123, "{reason}");
    }
}

#[test]
fn a_server_masks_nothing() {
    let client = || WebSocket::client(Content::Stream, [7; 32]);
    assert_eq!(Outcome::of(client(), &[&plain(BINARY | FIN, b"hello")]).messages, [binary(b"hello")]);
    let outcome = Outcome::of(client(), &[&masked(BINARY | FIN, b"hello")]);
    assert_eq!(outcome.error(), Some(FrameError::Masked));
}

#[test]
fn lengths_in_their_shortest_form_are_taken_up_to_the_limit() {
    for length in [0, 1, 125, 126, 127, 0xFFFF, 0x1_0000, 0x1_0001] {
        let payload: Vec<u8> = (0..length).map(|byte: usize| byte.to_le_bytes()[0]).collect();
        assert_eq!(stream(&masked(BINARY | FIN, &payload)).messages, [binary(&payload)], "{length} bytes");
    }
    let limited = |content| WebSocket::server(content).with_bytes_max(10);
    let outcome = Outcome::of(limited(Content::Stream), &[&masked(BINARY | FIN, &[1; 10])]);
    assert_eq!(outcome.messages, [binary(&[1; 10])]);
    let outcome = Outcome::of(limited(Content::Stream), &[&masked(BINARY | FIN, &[1; 11])]);
    assert_eq!(outcome.error(), Some(FrameError::TooLong { bytes: 11, bytes_max: 10 }));
}

#[test]
fn a_stream_in_fragments_has_a_limit_for_each_and_messages_have_one_for_all() {
    let fragments =
        [masked(BINARY, &[1; 8]), masked(CONTINUATION, &[2; 2]), masked(CONTINUATION | FIN, &[3; 8])].concat();
    let limited = |content| WebSocket::server(content).with_bytes_max(10);
    let outcome = Outcome::of(limited(Content::Stream), &[&fragments]);
    assert_eq!((outcome.end, outcome.messages[0].bytes.len()), (None, 18));
    let outcome = Outcome::of(limited(Content::Messages), &[&fragments]);
    assert_eq!(outcome.error(), Some(FrameError::TooLong { bytes: 18, bytes_max: 10 }));
    // The next message begins from nothing.
    let whole = [masked(BINARY | FIN, &[1; 10]), masked(BINARY | FIN, &[1; 10])].concat();
    assert_eq!(Outcome::of(limited(Content::Messages), &[&whole]).messages.len(), 2);
}

#[test]
fn a_million_fragments_of_nothing_end_the_stream_after_a_thousand() {
    let fragments = [masked(BINARY, b""), masked(CONTINUATION, b"").repeat(1_000_000)].concat();
    for outcome in [stream(&fragments), messages(&fragments)] {
        assert_eq!(outcome.error(), Some(FrameError::IdleFrames { frames_max: IDLE_FRAMES_MAX }));
        assert_eq!(outcome.error().unwrap().close_code(), CloseCode::POLICY);
        assert_eq!(outcome.messages, []);
    }
    let allowed = usize::from(IDLE_FRAMES_MAX);
    let fragments = |count: usize| [masked(BINARY, b""), masked(CONTINUATION, b"").repeat(count - 1)].concat();
    assert_eq!(stream(&fragments(allowed)).end, None);
    assert!(stream(&fragments(allowed + 1)).error().is_some());
}

#[test]
fn in_a_stream_empty_messages_and_pings_are_counted_too_and_payload_makes_up_for_them() {
    let allowed = usize::from(IDLE_FRAMES_MAX);
    for idle in [masked(BINARY | FIN, b""), masked(PING, b"are you there?"), masked(PONG, b"")] {
        assert_eq!(stream(&idle.repeat(allowed)).end, None);
        assert!(stream(&idle.repeat(allowed + 1)).error().is_some());
        let one_each = [masked(BINARY | FIN, b"x"), idle.clone()].concat().repeat(3 * allowed);
        assert_eq!(stream(&one_each).end, None);
        let two_each = [masked(BINARY | FIN, b"x"), idle.repeat(2)].concat().repeat(allowed + 1);
        assert!(stream(&two_each).error().is_some());
        // Much payload does not save up for more.
        let saved = [masked(BINARY | FIN, &vec![0; 100_000]), idle.repeat(allowed + 1)].concat();
        assert!(stream(&saved).error().is_some());
    }
    // Messages may well be empty, and somebody who says nothing for long may ask whether the other end is there.
    for frame in [masked(BINARY | FIN, b""), masked(PING, b""), masked(PONG, b"")] {
        assert_eq!(messages(&frame.repeat(3 * allowed)).end, None);
    }
}

#[test]
fn what_a_stream_carries_is_moved_to_the_front() {
    let frames = [
        masked(BINARY, b"one "),
        masked(PING, b"in between"),
        masked(CONTINUATION | FIN, b"two "),
        masked(BINARY | FIN, b""),
        masked(BINARY | FIN, b"three"),
    ]
    .concat();
    for cut in 0..=frames.len() {
        let mut socket = WebSocket::server(Content::Stream);
        let mut stream = Vec::new();
        for piece in [&frames[..cut], &frames[cut..]] {
            let mut piece = piece.to_vec();
            let unframed = socket.unframe(&mut piece);
            assert_eq!(unframed.end, None);
            stream.extend_from_slice(&piece[..unframed.payload_bytes]);
        }
        assert_eq!(stream, b"one two three", "cut at {cut}");
    }
    let mut input = [masked(BINARY | FIN, b"last"), masked(FIN | 3, b"")].concat();
    let mut socket = WebSocket::server(Content::Stream);
    let unframed = socket.unframe(&mut input);
    assert_eq!(&input[..unframed.payload_bytes], b"last");
    assert_eq!(unframed.end, Some(End::Error(FrameError::UnknownOpcode { opcode: 3 })));
    let unframed = socket.unframe(&mut masked(BINARY | FIN, b"more"));
    assert_eq!((unframed.payload_bytes, unframed.end), (0, None));
}

#[test]
fn debug_shows_nothing_that_was_sent_and_no_key() {
    let mut client = WebSocket::client(Content::Messages, [7; 32]);
    client.begin_message(chatcore::websocket::MessageKind::Binary, 3);
    let mut arrived = plain(BINARY | FIN, &[77; 3]);
    let mut input = &mut arrived[..];
    let shown = format!("{:?} {:?}", client.receive(&mut input), client.transmit(3));
    assert!(!shown.contains("77"), "{shown}");
    assert!(shown.contains("mask: Some(Mask([secret]))"), "{shown}");
    assert!(!format!("{client:?}").contains('['), "{client:?}");
}
