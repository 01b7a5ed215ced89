//! The test vectors, against the code: `vectors.txt` pins the bytes of the protocol for this
//! implementation and every other.

mod world;

use std::collections::BTreeSet;

use chatcore::wire::{
    self, Accepted, AcceptedRun, Ack, Announced, ClientMessage, Content, Deliver, DeliveryReport, Done, ErrorMessage,
    Goodbye, HubMessage, Join, Joined, Kind, Leave, Left, Members, Message, Missed, Online, Ping, Pong, Preface,
    Presence, ReconnectHint, Refused, Register, Rejected, Renamed, Resume, Resumed, RoomDeliver, Roster, Send, Sent,
    Stale, Subscribed, Subscriptions, Unwatch, UserInfo, Watch, Welcome, Who,
};
use chatcore::{
    DeliveryStatus, ErrorCode, GoodbyeCode, LeaveCode, MessageId, ProtocolError, RefusalCode, RejectCode, Token,
};
use chatcore::{Handshake, Instant, Limits};
use world::handshake_error;

const VECTORS: &str = include_str!("vectors.txt");

/// The first of January 2026, from the first of January 2025 on in milliseconds; hub 0, and a counter.
const ID: MessageId = MessageId((31_536_000_000 << 23) + 7);

const TOKEN: Token = Token::from_bytes([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);

struct Vector {
    section: &'static str,
    name: &'static str,
    bytes: Vec<u8>,
}

fn vectors(section: &str) -> Vec<Vector> {
    let mut current = "";
    let mut vectors = Vec::new();
    for line in VECTORS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[') {
            current = name.strip_suffix(']').expect("a section ends with ]");
            continue;
        }
        let [name, hex, _meaning] = line.split('|').collect::<Vec<_>>()[..] else {
            panic!("not three columns: {line}")
        };
        let digits: Vec<u8> = hex.bytes().filter(|byte| *byte != b' ').collect();
        let bytes = digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).expect("two hex digits"))
            .collect();
        vectors.push(Vector { section: current, name: name.trim(), bytes });
    }
    vectors.retain(|vector| vector.section == section);
    assert!(!vectors.is_empty(), "no vectors in [{section}]");
    vectors
}

/// What the client's vectors mean, in this crate's types.
fn client_message(name: &str) -> ClientMessage<'static> {
    match name {
        "register" => ClientMessage::Register(Register { name: "Alice", credential: b"", frame_bytes_max: 65_792 }),
        "register-credential" => {
            ClientMessage::Register(Register { name: "Alice", credential: b"secret", frame_bytes_max: 1_408 })
        }
        "ack" => ClientMessage::Ack(Ack { count: 3 }),
        "ping" => ClientMessage::Ping(Ping { nonce: 250 }),
        "pong" => ClientMessage::Pong(Pong { nonce: 65_536 }),
        "goodbye" => ClientMessage::Goodbye(Goodbye { code: GoodbyeCode::Left, detail: "", reconnect: None }),
        "error" => ClientMessage::Error(ErrorMessage { code: ErrorCode::FrameEmpty, detail: "a frame is empty" }),
        "send" => ClientMessage::Send(Send { to: "bob", body: b"hello" }),
        "send-empty" => ClientMessage::Send(Send { to: "bob", body: b"" }),
        "who" => ClientMessage::Who(Who { cursor: 0 }),
        "who-next" => ClientMessage::Who(Who { cursor: 1 << 32 }),
        "send-room" => ClientMessage::Send(Send { to: "#lobby", body: b"hi" }),
        "resume" => ClientMessage::Resume(Resume {
            name: "alice",
            token: TOKEN,
            received: Some(3),
            attempt: 1,
            frame_bytes_max: 65_792,
        }),
        "resume-forgotten" => ClientMessage::Resume(Resume {
            name: "alice",
            token: TOKEN,
            received: None,
            attempt: 2,
            frame_bytes_max: 65_792,
        }),
        "join" => ClientMessage::Join(Join { room: "#lobby" }),
        "leave" => ClientMessage::Leave(Leave { room: "#lobby" }),
        "roster" => ClientMessage::Roster(Roster { room: "#lobby", cursor: 0 }),
        "watch" => ClientMessage::Watch(Watch { names: vec!["bob", "carol"] }),
        "unwatch" => ClientMessage::Unwatch(Unwatch { names: vec!["bob"] }),
        "subscriptions" => ClientMessage::Subscriptions(Subscriptions { cursor: 0 }),
        "subscriptions-next" => ClientMessage::Subscriptions(Subscriptions { cursor: 251 }),
        other => panic!("vectors.txt has a client message that the test does not know: {other}"),
    }
}

/// What the hub's vectors mean, in this crate's types.
fn hub_message(name: &str) -> HubMessage<'static> {
    let limits = Announced {
        frame_bytes_max: 65_792,
        body_bytes_max: 65_536,
        outbox_bytes_max: 4_194_304,
        stall_ms_max: 10_000,
        idle_ms_max: 60_000,
        resume_ms_max: 60_000,
        rooms_max: 64,
        watches_max: 256,
        cost_per_s: 20_000,
        cost_burst: 40_000,
    };
    let hint = |address| Some(ReconnectHint { after_ms: 1500, address });
    let down = |reconnect| Goodbye { code: GoodbyeCode::ShuttingDown, detail: "back soon", reconnect };
    match name {
        "welcome" => HubMessage::Welcome(Welcome { name: "alice", display_name: Some("Alice"), token: TOKEN, limits }),
        "resumed" => HubMessage::Resumed(Resumed { received: 5, sent: 300, limits }),
        "refused" => {
            HubMessage::Refused(Refused { code: RefusalCode::NameInUse, detail: "in use", wait_ms: Some(65_000) })
        }
        "refused-for-good" => {
            HubMessage::Refused(Refused { code: RefusalCode::SessionOver, detail: "", wait_ms: None })
        }
        "ack" => HubMessage::Ack(Ack { count: 251 }),
        "ping" => HubMessage::Ping(Ping { nonce: 65_535 }),
        "pong" => HubMessage::Pong(Pong { nonce: u64::MAX }),
        "goodbye" => HubMessage::Goodbye(down(None)),
        "goodbye-after" => HubMessage::Goodbye(down(hint(None))),
        "goodbye-elsewhere" => HubMessage::Goodbye(down(hint(Some("[::1]:1")))),
        "error" => HubMessage::Error(ErrorMessage { code: ErrorCode::UnknownKind, detail: "?" }),
        "deliver" => HubMessage::Deliver(Deliver { id: ID, from: "alice", body: &[0xff, 0x00] }),
        "accepted" => HubMessage::Accepted(AcceptedRun { number: 1, id: ID, more: 2 }.into()),
        "accepted-several" => {
            let runs = vec![
                AcceptedRun { number: 9, id: MessageId(ID.0 + 300), more: 0 },
                AcceptedRun { number: 4, id: ID, more: 1 },
            ];
            HubMessage::Accepted(Accepted { runs })
        }
        "subscribed" => {
            HubMessage::Subscribed(Subscribed { number: 6, names: vec!["#lobby", "bob"], next: Some(65_536) })
        }
        "subscribed-nothing" => HubMessage::Subscribed(Subscribed { number: 6, names: vec![], next: None }),
        "rejected" => HubMessage::Rejected(Rejected { number: 2, code: RejectCode::NoSuchUser }),
        "online" => HubMessage::Online(Online {
            number: 3,
            users: vec![info("alice", None), info("bob", Some("Bob"))],
            next: None,
        }),
        "online-more" => HubMessage::Online(Online { number: 3, users: vec![], next: Some(500) }),
        "room_deliver" => HubMessage::RoomDeliver(RoomDeliver { id: ID, room: "#lobby", from: "alice", body: b"hi" }),
        "done" => HubMessage::Done(Done { number: 4 }),
        "members" => HubMessage::Members(Members {
            number: 5,
            users: vec![info("alice", Some("Alice")), info("bob", None)],
            next: None,
        }),
        "joined" => HubMessage::Joined(Joined { room: "#lobby", name: "bob", display_name: Some("Bob") }),
        "left" => HubMessage::Left(Left { room: "#lobby", name: "bob", code: LeaveCode::TimedOut }),
        "presence" => HubMessage::Presence(Presence { name: "bob", online: true, display_name: Some("Bob") }),
        "presence-offline" => HubMessage::Presence(Presence { name: "bob", online: false, display_name: None }),
        "report" => {
            let ids = vec![ID, MessageId(ID.0 + 1)];
            HubMessage::Report(DeliveryReport { status: DeliveryStatus::Unconfirmed, to: "bob", ids })
        }
        "missed" => {
            let (first_id, last_id) = (ID, MessageId(ID.0 + 300));
            HubMessage::Missed(Missed { room: "#lobby", first_id, last_id, count: 251 })
        }
        "stale" => HubMessage::Stale(Stale { room: "#lobby" }),
        "sent" => HubMessage::Sent(Sent { id: ID, to: "bob", body: &[0xff, 0x00] }),
        "renamed" => {
            HubMessage::Renamed(Renamed { name: "guest-7", display_name: Some("Guest-7"), detail: "not yours" })
        }
        "renamed-shown" => HubMessage::Renamed(Renamed { name: "alice", display_name: None, detail: "" }),
        other => panic!("vectors.txt has a hub message that the test does not know: {other}"),
    }
}

fn check<'a, M: Message<'a> + PartialEq + std::fmt::Debug>(vector: &'a Vector, message: &M) -> Kind {
    let name = vector.name;
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    assert_eq!(hex(&bytes), hex(&vector.bytes), "{name} is encoded otherwise");
    let content = take(&vector.bytes).unwrap();
    assert_eq!(M::decode(content).unwrap().as_ref(), Some(message), "{name} is decoded otherwise");
    message.kind()
}

fn take(mut bytes: &[u8]) -> Result<Content<'_>, ProtocolError> {
    let content = wire::take(&mut bytes, 65_792)?.expect("the vector holds a whole frame");
    assert_eq!(bytes, b"", "the vector holds one frame");
    Ok(content)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

#[test]
fn the_preface_is_as_written_down() {
    for vector in vectors("preface") {
        if vector.name == "preface" {
            assert_eq!(hex(&vector.bytes), hex(&Preface::OURS.encode()));
        } else {
            let (error, _) = handshake_error(&vector.bytes);
            let chatcore::HandshakeError::ProtocolError(error) = error else { panic!("{error:?}") };
            assert_eq!(error.code().name(), vector.name);
        }
    }
}

#[test]
fn every_message_is_as_written_down() {
    let mut kinds = BTreeSet::new();
    for vector in &vectors("client") {
        kinds.insert(check(vector, &client_message(vector.name)));
    }
    for vector in &vectors("hub") {
        kinds.insert(check(vector, &hub_message(vector.name)));
    }
    assert_eq!(kinds, Kind::ALL.iter().copied().collect(), "every kind has a vector");
}

#[test]
fn what_is_no_message_is_refused_as_written_down() {
    for vector in vectors("invalid") {
        let error = take(&vector.bytes).and_then(|content| ClientMessage::decode(content).map(drop)).unwrap_err();
        assert_eq!(error.code().name(), vector.name, "{error}");
    }
    for vector in vectors("invalid-from-hub") {
        let error = take(&vector.bytes).and_then(|content| HubMessage::decode(content).map(drop)).unwrap_err();
        assert_eq!(error.code().name(), vector.name, "{error}");
    }
}

#[test]
fn strangers_are_answered_as_written_down() {
    for pair in vectors("strangers").chunks(2) {
        let [opening, answer] = pair else { panic!("an opening stands without its answer") };
        let mut handshake = Handshake::new(Instant::ZERO, &Limits::default());
        let received = handshake.receive(Instant::ZERO, &mut &opening.bytes[..]);
        assert_eq!(received.is_err(), opening.name != "unclear", "{}", opening.name);
        assert_eq!(hex(&handshake.transmit().concat()), hex(&answer.bytes), "{}", opening.name);
    }
}

#[test]
fn what_may_be_skipped_is_skipped_as_written_down() {
    for vector in vectors("skipped") {
        let content = take(&vector.bytes).unwrap();
        assert_eq!(ClientMessage::decode(content), Ok(None));
        assert_eq!(content.kind.is_numbered(), vector.name == "numbered");
    }
}

fn info<'a>(name: &'a str, display_name: Option<&'a str>) -> UserInfo<'a> {
    UserInfo { name, display_name }
}
