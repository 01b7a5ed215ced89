//! The specification, against the code: what `protocol.md` lists is what there is.

mod page;
mod world;

use std::collections::BTreeSet;

use chatcore::wire::{
    AcceptedRun, Ack, Announced, ClientMessage, Deliver, DeliveryReport, Done, ErrorMessage, Goodbye, HubMessage, Join,
    Joined, Kind, Leave, Left, Members, Message, Missed, Online, Ping, Pong, Preface, Presence, Refused, Register,
    Rejected, Renamed, Resume, Resumed, RoomDeliver, Roster, Send, Sent, Stale, Subscribed, Subscriptions, Unwatch,
    Watch, Welcome, Who,
};
use chatcore::{
    Client, ClientConfig, Closed, DeliveryStatus, ErrorCode, Event, GoodbyeCode, Handshake, HandshakeError, Instant,
    LeaveCode, Limits, MessageId, ProtocolError, Received, RefusalCode, RejectCode, SessionTicket, Token,
};
use page::rows;
use world::{World, encode_all};

/// The rows of the table of codes under a heading.
fn codes(heading: &str) -> Vec<(u16, String)> {
    rows(heading).into_iter().filter_map(|row| Some((row[0].parse().ok()?, row[1].clone()))).collect()
}

#[test]
fn every_code_is_listed_with_its_number_and_name() {
    macro_rules! check {
        ($heading:literal, $type:ty) => {
            let expected: Vec<_> = <$type>::ALL.iter().map(|code| (u16::from(*code), code.name().to_owned())).collect();
            assert_eq!(codes($heading), expected);
        };
    }
    check!("refused", RefusalCode);
    check!("accepted and rejected", RejectCode);
    check!("goodbye", GoodbyeCode);
    check!("error", ErrorCode);
    check!("joined and left", LeaveCode);
    check!("report", DeliveryStatus);
}

#[test]
fn every_kind_is_listed_with_its_class() {
    let listed: Vec<_> = rows("Messages")
        .into_iter()
        .filter(|row| row[0].starts_with("0x"))
        .map(|row| {
            let name = row[1].trim_start_matches('[').split(']').next().unwrap().to_owned();
            (u8::from_str_radix(&row[0][2..], 16).unwrap(), name, row[3] == "yes")
        })
        .collect();
    let expected: Vec<_> =
        Kind::ALL.iter().map(|kind| (kind.0, kind.name().unwrap().to_owned(), kind.is_numbered())).collect();
    assert_eq!(listed, expected);
}

const GOODBYE: Goodbye<'_> = Goodbye { code: GoodbyeCode::Left, detail: "", reconnect: None };
const ERROR: ErrorMessage<'_> = ErrorMessage { code: ErrorCode::FrameEmpty, detail: "" };

const TOKEN: Token = Token::from_bytes([7; 16]);

const LIMITS: Announced = Announced {
    frame_bytes_max: 1408,
    body_bytes_max: 64,
    outbox_bytes_max: 8000,
    stall_ms_max: 1,
    idle_ms_max: 1,
    resume_ms_max: 1,
    rooms_max: 1,
    watches_max: 1,
    cost_per_s: 1,
    cost_burst: 1,
};

fn client_messages() -> [ClientMessage<'static>; 15] {
    [
        ClientMessage::Register(Register { name: "alice", credential: b"", frame_bytes_max: u32::MAX }),
        ClientMessage::Ack(Ack { count: 0 }),
        ClientMessage::Ping(Ping { nonce: 0 }),
        ClientMessage::Pong(Pong { nonce: 0 }),
        ClientMessage::Goodbye(GOODBYE),
        ClientMessage::Error(ERROR),
        ClientMessage::Send(Send { to: "bob", body: b"" }),
        ClientMessage::Who(Who { cursor: 0 }),
        ClientMessage::Resume(Resume {
            name: "alice",
            token: TOKEN,
            received: None,
            attempt: 1,
            frame_bytes_max: u32::MAX,
        }),
        ClientMessage::Join(Join { room: "#lobby" }),
        ClientMessage::Leave(Leave { room: "#lobby" }),
        ClientMessage::Roster(Roster { room: "#lobby", cursor: 0 }),
        ClientMessage::Watch(Watch { names: vec!["bob"] }),
        ClientMessage::Unwatch(Unwatch { names: vec!["bob"] }),
        ClientMessage::Subscriptions(Subscriptions { cursor: 0 }),
    ]
}

fn hub_messages() -> [HubMessage<'static>; 24] {
    let limits = LIMITS;
    [
        HubMessage::Welcome(Welcome { name: "alice", display_name: None, token: TOKEN, limits }),
        HubMessage::Refused(Refused { code: RefusalCode::Denied, detail: "", wait_ms: None }),
        HubMessage::Ack(Ack { count: 0 }),
        HubMessage::Ping(Ping { nonce: 0 }),
        HubMessage::Pong(Pong { nonce: 0 }),
        HubMessage::Goodbye(GOODBYE),
        HubMessage::Error(ERROR),
        HubMessage::Deliver(Deliver { id: MessageId(1), from: "bob", body: b"" }),
        HubMessage::Accepted(AcceptedRun { number: 1, id: MessageId(1), more: 0 }.into()),
        HubMessage::Rejected(Rejected { number: 1, code: RejectCode::NoSuchUser }),
        HubMessage::Online(Online { number: 1, users: vec![], next: None }),
        HubMessage::Resumed(Resumed { received: 0, sent: 0, limits }),
        HubMessage::RoomDeliver(RoomDeliver { id: MessageId(1), room: "#lobby", from: "bob", body: b"" }),
        HubMessage::Done(Done { number: 1 }),
        HubMessage::Members(Members { number: 1, users: vec![], next: None }),
        HubMessage::Joined(Joined { room: "#lobby", name: "bob", display_name: None }),
        HubMessage::Left(Left { room: "#lobby", name: "bob", code: LeaveCode::Left }),
        HubMessage::Presence(Presence { name: "bob", online: true, display_name: None }),
        HubMessage::Report(DeliveryReport { status: DeliveryStatus::Undelivered, to: "bob", ids: vec![MessageId(1)] }),
        HubMessage::Missed(Missed { room: "#lobby", first_id: MessageId(1), last_id: MessageId(2), count: 2 }),
        HubMessage::Stale(Stale { room: "#lobby" }),
        HubMessage::Sent(Sent { id: MessageId(1), to: "bob", body: b"" }),
        HubMessage::Renamed(Renamed { name: "carol", display_name: None, detail: "" }),
        HubMessage::Subscribed(Subscribed { number: 1, names: vec![], next: None }),
    ]
}

/// Asks for what a message of this kind answers.
fn ask(client: &mut Client, kind: Kind) {
    let _ = match kind {
        Kind::ONLINE => client.who(Instant::ZERO, 0),
        Kind::MEMBERS => client.roster(Instant::ZERO, "#lobby", 0),
        Kind::SUBSCRIBED => client.subscriptions(Instant::ZERO, 0),
        Kind::DONE => client.join(Instant::ZERO, "#lobby"),
        _ => client.send(Instant::ZERO, "bob", b""),
    };
}

/// The table that follows a line of text, as (state, message, next state).
fn transitions(intro: &str) -> BTreeSet<(String, String, String)> {
    let all = rows("Life of a connection");
    // Two tables stand there; each begins with a heading row.
    let tables: Vec<&[Vec<String>]> = all.split(|row| row[0] == "state").skip(1).collect();
    let table = match intro {
        "hub" => tables[0],
        _ => tables[1],
    };
    table
        .iter()
        .flat_map(|row| row[1].split(", ").map(|message| (row[0].clone(), message.to_owned(), row[2].clone())))
        .collect()
}

fn row(state: &str, message: Kind, next: &str) -> (String, String, String) {
    (state.to_owned(), message.to_string(), next.to_owned())
}

#[test]
fn a_hub_accepts_what_the_table_lists_and_nothing_else() {
    let mut seen = BTreeSet::new();
    for message in client_messages() {
        let kind = message.kind();
        let unexpected = |error| matches!(error, ProtocolError::Unexpected { kind: refused, .. } if refused == kind);
        let bytes = [&Preface::OURS.encode()[..], &encode_all(std::slice::from_ref(&message))].concat();
        let mut handshake = Handshake::new(Instant::ZERO, &Limits::default());
        match handshake.receive(Instant::ZERO, &mut &bytes[..]) {
            Ok(registration) => {
                assert!(registration.is_some());
                let next = if kind == Kind::RESUME { "resuming" } else { "registering" };
                seen.insert(row("unregistered", kind, next));
            }
            Err(HandshakeError::Left) => {
                seen.insert(row("unregistered", kind, "closed"));
            }
            Err(HandshakeError::ProtocolError(error)) => assert!(unexpected(error), "{error}"),
            Err(other) => panic!("{other}"),
        }

        let mut world = World::new(Limits::default());
        let alice = world.join("alice");
        let received = world.say(alice, &[message]);
        let farewell = world.written(alice);
        let refused = world::decode_all(&farewell)
            .iter()
            .any(|said| matches!(said, HubMessage::Error(error) if error.code == ErrorCode::Unexpected));
        if !refused {
            seen.insert(row("registered", kind, if received == Received::Closed { "closed" } else { "registered" }));
        }
    }
    assert_eq!(seen, transitions("hub"));
}

#[test]
fn a_client_accepts_what_the_table_lists_and_nothing_else() {
    let [welcome, refused, ..] = hub_messages();
    let states = [
        ("unregistered", vec![refused.clone()]),
        ("registering", vec![]),
        ("resuming", vec![]),
        ("registered", vec![welcome.clone()]),
    ];
    let mut seen = BTreeSet::new();
    for (state, before) in &states {
        for message in hub_messages() {
            let mut client = if *state == "resuming" {
                let ticket = SessionTicket::new("alice".parse().unwrap(), TOKEN);
                Client::resume(Instant::ZERO, ClientConfig::default(), 7, ticket, b"")
            } else {
                let mut client = Client::new(Instant::ZERO, ClientConfig::default(), 7);
                client.register(Instant::ZERO, "alice", b"").unwrap();
                client
            };
            let bytes = [&Preface::OURS.encode()[..], &encode_all(before), &encode_all(std::slice::from_ref(&message))]
                .concat();
            let split = bytes.len() - encode_all(std::slice::from_ref(&message)).len();
            let _ = client.receive(Instant::ZERO, &mut &bytes[..split]);
            if *state == "registered" {
                // What is answered was asked.
                ask(&mut client, message.kind());
            }
            let _ = client.receive(Instant::ZERO, &mut &bytes[split..]);
            let events: Vec<_> = std::iter::from_fn(|| client.poll_event()).skip(before.len()).collect();
            let next = match events.last() {
                Some(Event::Closed(Closed::ProtocolError(ProtocolError::Unexpected { .. }))) => continue,
                Some(Event::Closed(_)) => "closed",
                Some(Event::Registered { .. } | Event::Resumed) => "registered",
                // Who may not resume connects again.
                Some(Event::Refused { .. } | Event::Reconnecting { .. }) => "unregistered",
                _ => state,
            };
            seen.insert(row(state, message.kind(), next));
        }
    }
    assert_eq!(seen, transitions("client"));
}
