//! A connection before it has a name.

mod world;

use std::time::Duration;

use chatcore::wire::{
    ClientMessage, ErrorMessage, Goodbye, HubMessage, Message, PREFACE_BYTES, Ping, Preface, Refused, Register, Send,
};
use chatcore::{
    ErrorCode, GoodbyeCode, Handshake, HandshakeError, Instant, Limits, NameError, OtherProtocol, ProtocolError,
    Refusal, RefusalCode,
};
use world::{World, decode_all, encode_all, handshake_error, opening};

/// What a handshake has to say, after the preface that opens it.
fn said(handshake: &Handshake) -> Vec<u8> {
    let bytes = handshake.transmit().concat();
    assert_eq!(bytes[..PREFACE_BYTES], Preface::OURS.encode());
    bytes[PREFACE_BYTES..].to_vec()
}

fn register(name: &str) -> Vec<u8> {
    encode_all(&[ClientMessage::Register(Register { name, credential: b"", frame_bytes_max: u32::MAX })])
}

#[test]
fn one_byte_at_a_time_is_as_good_as_all_at_once() {
    let bytes = opening("Alice");
    let mut handshake = Handshake::new(Instant::ZERO, &Limits::default());
    let mut arrived = Vec::new();
    for (i, byte) in bytes.iter().enumerate() {
        arrived.push(*byte);
        let mut input = &arrived[..];
        let registration = handshake.receive(Instant::ZERO, &mut input).unwrap();
        let used = arrived.len() - input.len();
        arrived.drain(..used);
        assert_eq!(registration.map(|registration| registration.name().to_string()).is_some(), i + 1 == bytes.len());
    }
}

#[test]
fn the_registration_carries_name_and_credential_and_what_follows_it_stays() {
    let mut bytes = Preface::OURS.encode().to_vec();
    ClientMessage::Register(Register { name: "Alice", credential: b"secret", frame_bytes_max: u32::MAX })
        .encode(&mut bytes);
    bytes.extend(b"rest");
    let mut input = &bytes[..];
    let mut handshake = Handshake::new(Instant::ZERO, &Limits::default());
    let registration = handshake.receive(Instant::ZERO, &mut input).unwrap().unwrap();
    assert_eq!((registration.name().as_str(), registration.credential()), ("alice", &b"secret"[..]));
    assert_eq!(input, b"rest");
    assert!(handshake.receive(Instant::ZERO, &mut input).unwrap().is_none(), "the decision is awaited");
    assert_eq!(input, b"rest");
    assert!(handshake.transmit().is_empty(), "the preface goes with the answer");
}

#[test]
fn frames_behind_a_registration_are_taken_once_it_is_admitted() {
    let mut world = World::new(Limits::default());
    let mut bytes = opening("alice");
    ClientMessage::Send(Send { to: "alice", body: b"at once" }).encode(&mut bytes);
    let mut input = &bytes[..];
    let mut handshake = Handshake::new(world.now, world.hub.limits());
    let registration = handshake.receive(world.now, &mut input).unwrap().unwrap();
    let conn = world.hub.admit(world.now, registration).unwrap();
    let _ = world.put(conn, input);
    let written = world.written(conn);
    let messages = decode_all(&written[PREFACE_BYTES..]);
    assert!(matches!(messages[..], [HubMessage::Welcome(_), HubMessage::Deliver(_), HubMessage::Accepted(_), _]));
}

#[test]
fn what_speaks_another_protocol_is_answered_in_its_own_words() {
    let http = handshake_error(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(http.0, HandshakeError::OtherProtocol(OtherProtocol::Http));
    assert!(http.1.starts_with(b"HTTP/1.1 400 "));
    let tls = handshake_error(&[0x16, 0x03, 0x01, 0x02, 0x00]);
    assert_eq!((tls.0, tls.1[0]), (HandshakeError::OtherProtocol(OtherProtocol::Tls), 0x15));
    let noise = handshake_error(b"\0\x01\x02");
    assert_eq!(noise.0, HandshakeError::OtherProtocol(OtherProtocol::Unknown));
    assert_eq!(noise.1, b"This port speaks chatcore: use a chatcore client here\n");
}

#[test]
fn another_version_is_told_which_one_is_spoken() {
    let mut preface = Preface::OURS;
    preface.version = 2;
    let (error, bytes) = handshake_error(&preface.encode());
    assert_eq!(error, HandshakeError::ProtocolError(ProtocolError::UnsupportedVersion { version: 2, spoken: 1 }));
    assert_eq!(bytes[..PREFACE_BYTES], Preface::OURS.encode());
    let detail = "protocol version 2 is not spoken here, version 1 is";
    let expected = HubMessage::Error(ErrorMessage { code: ErrorCode::UnsupportedVersion, detail });
    assert_eq!(decode_all(&bytes[PREFACE_BYTES..]), [expected]);
}

#[test]
fn a_wrong_name_is_refused_with_the_reason_and_another_may_be_tried() {
    let mut handshake = Handshake::new(Instant::ZERO, &Limits::default());
    let mut bytes = opening("#x");
    bytes.extend(register("a\nb"));
    bytes.extend(register("alice"));
    let registration = handshake.receive(Instant::ZERO, &mut &bytes[..]).unwrap().unwrap();
    assert_eq!(registration.name().as_str(), "alice");
    // The last was refused by the embedder.
    handshake.refuse(Instant::ZERO, &Refusal::NameInUse { wait: Duration::from_secs(1) }).unwrap();
    let answers = said(&handshake);
    let details: Vec<String> = decode_all(&answers)
        .into_iter()
        .map(|message| match message {
            HubMessage::Refused(Refused { detail, .. }) => detail.to_owned(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(details[0].starts_with("a name may not hold U+0023 (character 1)"), "{details:?}");
    assert!(details[1].starts_with("a name may not hold U+000A (character 2)"), "{details:?}");
    assert_eq!(details.len(), 3);
}

#[test]
fn a_refusal_and_a_welcome_in_the_same_breath_both_arrive_behind_one_preface() {
    let mut world = World::new(Limits::default());
    let mut bytes = opening("a b");
    bytes.extend(register("alice"));
    let mut handshake = Handshake::new(world.now, world.hub.limits());
    let registration = handshake.receive(world.now, &mut &bytes[..]).unwrap().unwrap();
    assert!(handshake.transmit().is_empty(), "it goes with the decision");
    let conn = world.hub.admit(world.now, registration).unwrap();
    let written = world.written(conn);
    assert_eq!(written[..PREFACE_BYTES], Preface::OURS.encode());
    assert!(matches!(decode_all(&written[PREFACE_BYTES..])[..], [HubMessage::Refused(_), HubMessage::Welcome(_)]));
}

#[test]
fn every_refusal_fits_its_detail() {
    let refusals = [
        Refusal::Name(NameError::Empty),
        Refusal::Name(NameError::TooLong { bytes: usize::MAX, bytes_max: usize::MAX }),
        Refusal::Name(NameError::Forbidden { character: char::MAX, position: 128 }),
        Refusal::Name(NameError::Directions { character: char::MAX, position: 128, rule: 5 }),
        Refusal::Name(NameError::Context { character: '\u{660}', position: 128 }),
        Refusal::Name(NameError::Variant { character: char::MAX, position: 128 }),
        Refusal::Name(NameError::Unassigned { character: char::MAX, position: 128 }),
        Refusal::Name(NameError::LeadingMark { character: char::MAX, position: 128 }),
        Refusal::Name(NameError::Marks { character: char::MAX, position: 128, marks_max: 4 }),
        Refusal::Name(NameError::Scripts {
            character: char::MAX,
            position: 128,
            script: "Pahawh Hmong",
            other: "Inscriptional Parthian",
        }),
        Refusal::Name(NameError::NotAscii),
        Refusal::NameInUse { wait: Duration::from_secs(1) },
        Refusal::SessionOver,
        Refusal::HubFull { sessions_max: u32::MAX },
        Refusal::Denied,
        Refusal::ShuttingDown,
    ];
    for refusal in refusals {
        assert!(refusal.to_string().len() <= chatcore::DETAIL_BYTES_MAX, "{refusal}");
    }
}

#[test]
fn refusals_are_counted_and_end_the_connection() {
    let limits = Limits::default().with_registration_attempts_max(3);
    let mut handshake = Handshake::new(Instant::ZERO, &limits);
    let mut bytes = opening("");
    bytes.extend(register(""));
    assert!(handshake.receive(Instant::ZERO, &mut &bytes[..]).unwrap().is_none());
    let error = handshake.receive(Instant::ZERO, &mut &register("")[..]).unwrap_err();
    assert_eq!(error, HandshakeError::ProtocolError(ProtocolError::TooManyAttempts { registration_attempts_max: 3 }));
    let answers = said(&handshake);
    assert!(matches!(
        decode_all(&answers)[..],
        [
            HubMessage::Refused(_),
            HubMessage::Refused(_),
            HubMessage::Refused(_),
            HubMessage::Error(ErrorMessage { code: ErrorCode::TooManyAttempts, .. })
        ]
    ));
}

#[test]
fn an_embedders_refusal_reaches_the_client_and_the_next_attempt_counts_anew() {
    let mut handshake = Handshake::new(Instant::ZERO, &Limits::default());
    let registration = handshake.receive(Instant::ZERO, &mut &opening("alice")[..]).unwrap().unwrap();
    drop(registration);
    let later = Instant::from_millis(5_000);
    handshake.refuse(later, &Refusal::Denied).unwrap();
    assert_eq!(handshake.poll_timeout(), Some(later + Limits::default().handshake_time_max));
    let answer = said(&handshake);
    assert!(matches!(decode_all(&answer)[..], [HubMessage::Refused(Refused { code: RefusalCode::Denied, .. })]));
    // The preface has gone with the refusal, so the welcome comes without one.
    handshake.transmitted(PREFACE_BYTES + answer.len());
    let registration = handshake.receive(later, &mut &register("alice")[..]).unwrap().unwrap();
    let mut world = World::new(Limits::default());
    let conn = world.hub.admit(world.now, registration).unwrap();
    assert!(matches!(decode_all(&world.written(conn))[..], [HubMessage::Welcome(_)]));
}

#[test]
fn a_message_before_registration_is_a_protocol_error() {
    for message in [ClientMessage::Send(Send { to: "bob", body: b"" }), ClientMessage::Ping(Ping { nonce: 1 })] {
        let mut bytes = Preface::OURS.encode().to_vec();
        message.encode(&mut bytes);
        let (error, answer) = handshake_error(&bytes);
        let unexpected = ProtocolError::Unexpected { kind: message.kind(), state: "before registration" };
        assert_eq!(error, HandshakeError::ProtocolError(unexpected));
        let expected = HubMessage::Error(ErrorMessage { code: ErrorCode::Unexpected, detail: &unexpected.to_string() });
        assert_eq!(decode_all(&answer[PREFACE_BYTES..]), [expected]);
    }
}

#[test]
fn an_unknown_optional_frame_is_skipped_and_a_critical_one_refused() {
    let mut bytes = Preface::OURS.encode().to_vec();
    bytes.extend([3, 0, 0, 0, 0xbf, 1, 2]);
    bytes.extend(register("alice"));
    let mut handshake = Handshake::new(Instant::ZERO, &Limits::default());
    assert!(handshake.receive(Instant::ZERO, &mut &bytes[..]).unwrap().is_some());

    let mut bytes = Preface::OURS.encode().to_vec();
    bytes.extend([3, 0, 0, 0, 0x3f, 1, 2]);
    assert!(matches!(handshake_error(&bytes).0, HandshakeError::ProtocolError(ProtocolError::UnknownKind { .. })));
}

#[test]
fn a_credential_has_a_limit() {
    let register = |bytes| {
        ClientMessage::Register(Register { name: "a", credential: &[0; 2000][..bytes], frame_bytes_max: u32::MAX })
    };
    let opening = |bytes| [&Preface::OURS.encode()[..], &encode_all(&[register(bytes)])].concat();
    let mut handshake = Handshake::new(Instant::ZERO, &Limits::default());
    assert!(handshake.receive(Instant::ZERO, &mut &opening(1024)[..]).unwrap().is_some());
    let invalid = ProtocolError::InvalidValue { kind: register(0).kind() };
    assert_eq!(handshake_error(&opening(1025)).0, HandshakeError::ProtocolError(invalid));
}

#[test]
fn a_decision_has_its_own_time_and_costs_the_client_none() {
    let handshake_time_max = Duration::from_secs(3);
    let limits =
        Limits::default().with_handshake_time_max(handshake_time_max).with_decision_time_max(Duration::from_secs(20));
    let mut handshake = Handshake::new(Instant::ZERO, &limits);
    let asked_at = Instant::from_millis(2_000);
    let registration = handshake.receive(asked_at, &mut &opening("alice")[..]).unwrap().unwrap();
    assert_eq!(handshake.poll_timeout(), Some(asked_at + limits.decision_time_max));
    let late = Instant::from_millis(21_999);
    assert_eq!((handshake.handle_timeout(late), handshake.is_over()), (Ok(()), false));
    drop(registration);
    handshake.refuse(late, &Refusal::Denied).unwrap();
    assert_eq!(handshake.poll_timeout(), Some(late + handshake_time_max));
}

#[test]
fn a_registration_that_nobody_decides_ends_with_its_connection() {
    let limits = Limits::default().with_decision_time_max(Duration::from_secs(3));
    let mut handshake = Handshake::new(Instant::ZERO, &limits);
    // It is dropped: nobody will ever decide.
    drop(handshake.receive(Instant::ZERO, &mut &opening("alice")[..]).unwrap().unwrap());
    let due = handshake.poll_timeout().unwrap();
    assert_eq!(due, Instant::from_millis(3_000));
    assert_eq!(handshake.handle_timeout(due), Err(HandshakeError::Undecided));
    assert!(handshake.is_over());
    let farewell = said(&handshake);
    assert!(matches!(decode_all(&farewell)[..], [HubMessage::Goodbye(Goodbye { code: GoodbyeCode::TimedOut, .. })]));
    // Who decides after all comes too late.
    assert_eq!(handshake.refuse(due, &Refusal::Denied), Ok(()));
    assert_eq!(said(&handshake), farewell);
    let mut input = &register("alice")[..];
    assert!(handshake.receive(due, &mut input).unwrap().is_none(), "nothing more is taken");
}

#[test]
fn whether_a_handshake_is_over_can_be_seen() {
    let handshake = || Handshake::new(Instant::ZERO, &Limits::default());
    let mut stopped = handshake();
    assert!(!stopped.is_over());
    stopped.shut_down(None);
    assert!(stopped.is_over());
    let mut other = handshake();
    other.receive(Instant::ZERO, &mut &b"GET / HTTP/1.1\r\n"[..]).unwrap_err();
    assert!(other.is_over());
}

#[test]
fn who_reports_more_than_was_given_is_told() {
    let undecided = || {
        let mut handshake = Handshake::new(Instant::ZERO, &Limits::default());
        let _registration = handshake.receive(Instant::ZERO, &mut &opening("alice")[..]).unwrap().unwrap();
        handshake
    };
    let mut other = Handshake::new(Instant::ZERO, &Limits::default());
    other.receive(Instant::ZERO, &mut &b"GET / HTTP/1.1\r\n"[..]).unwrap_err();
    for mut handshake in [Handshake::new(Instant::ZERO, &Limits::default()), undecided(), other] {
        let given = handshake.transmit().concat().len();
        handshake.transmitted(0);
        let reported = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| handshake.transmitted(given + 5)));
        let words = reported.unwrap_err();
        let words = words.downcast_ref::<&str>().expect("it is told in words");
        assert!(words.starts_with("the driver reports more bytes as transmitted than it was given"), "{words}");
        assert!(words.contains("what was taken of transmit()"), "it says what is right: {words}");
    }
}

#[test]
#[should_panic(expected = "refuse once what receive() returned")]
fn who_refuses_a_registration_twice_is_told() {
    let now = Instant::ZERO;
    let mut handshake = Handshake::new(now, &Limits::default());
    let _registration = handshake.receive(now, &mut &opening("alice")[..]).unwrap().unwrap();
    handshake.refuse(now, &Refusal::Denied).unwrap();
    let _ = handshake.refuse(now, &Refusal::Denied);
}

#[test]
fn a_server_may_stop_while_a_decision_is_awaited() {
    let mut handshake = Handshake::new(Instant::ZERO, &Limits::default());
    let _registration = handshake.receive(Instant::ZERO, &mut &opening("alice")[..]).unwrap().unwrap();
    handshake.shut_down(None);
    handshake.refuse(Instant::ZERO, &Refusal::ShuttingDown).unwrap();
    let farewell = said(&handshake);
    assert!(matches!(
        decode_all(&farewell)[..],
        [HubMessage::Goodbye(Goodbye { code: GoodbyeCode::ShuttingDown, .. })]
    ));
}

#[test]
fn a_stranger_cannot_announce_a_long_frame() {
    let mut bytes = Preface::OURS.encode().to_vec();
    bytes.extend(60_000_u32.to_le_bytes());
    let bytes_max = chatcore::HANDSHAKE_FRAME_BYTES_MAX;
    assert_eq!(
        handshake_error(&bytes).0,
        HandshakeError::ProtocolError(ProtocolError::FrameTooLong { bytes: 60_000, bytes_max }),
        "the length alone is enough"
    );
}

#[test]
fn half_a_registration_then_silence_ends_at_the_deadline() {
    let limits = Limits::default().with_handshake_time_max(Duration::from_secs(3));
    let mut handshake = Handshake::new(Instant::ZERO, &limits);
    let bytes = opening("alice");
    assert!(handshake.receive(Instant::ZERO, &mut &bytes[..bytes.len() - 1]).unwrap().is_none());
    assert_eq!(handshake.poll_timeout(), Some(Instant::from_millis(3_000)));
    assert_eq!(handshake.handle_timeout(Instant::from_millis(2_999)), Ok(()));
    assert_eq!(handshake.handle_timeout(Instant::from_millis(3_000)), Err(HandshakeError::TimedOut));
    let farewell = said(&handshake);
    assert!(matches!(decode_all(&farewell)[..], [HubMessage::Goodbye(Goodbye { code: GoodbyeCode::TimedOut, .. })]));
}

#[test]
fn who_has_said_nothing_is_told_nothing() {
    let mut handshake = Handshake::new(Instant::ZERO, &Limits::default());
    handshake.handle_timeout(handshake.poll_timeout().unwrap()).unwrap_err();
    assert_eq!(handshake.poll_timeout(), None, "it is over");
    assert!(handshake.transmit().is_empty());
}

#[test]
fn a_goodbye_before_a_name_is_no_fault() {
    let mut bytes = Preface::OURS.encode().to_vec();
    let goodbye = Goodbye { code: GoodbyeCode::Left, detail: "", reconnect: None };
    ClientMessage::Goodbye(goodbye).encode(&mut bytes);
    assert_eq!(handshake_error(&bytes).0, HandshakeError::Left);
}
