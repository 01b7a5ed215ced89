//! What a client does without a session or a connection, and how it takes a driver's mistakes.

mod world;

use std::time::Duration;

use chatcore::wire::{ClientMessage, Message, PREFACE_BYTES, Register, take};
use chatcore::{
    Backoff, Client, ClientConfig, ClientConfigError, ClientError, Event, Handshake, Instant, Limits, RefusalCode,
};
use world::{User, World, opening};

/// A user that was refused its name after its session was lost: somebody else has it.
fn refused() -> (World, User) {
    let mut world = World::new(Limits::default());
    let mut alice = world.connect("alice");
    world.cut(&mut alice);
    world.pass(Limits::default().resume_time_max);
    world.join("alice");
    assert!(world.reconnect(&mut alice).is_err());
    let asked = alice.client.transmit().concat();
    alice.client.transmitted(world.now, asked.len());
    let mut handshake = Handshake::new(world.now, world.hub.limits());
    let registration = handshake.receive(world.now, &mut &opening("alice")[..]).unwrap().unwrap();
    let refusal = world.hub.admit(world.now, registration).unwrap_err().refusal;
    handshake.refuse(world.now, &refusal).unwrap();
    let answer = handshake.transmit().concat();
    let _ = alice.client.receive(world.now, &mut &answer[PREFACE_BYTES..]);
    let told: Vec<Event> = std::iter::from_fn(|| alice.client.poll_event()).collect();
    let [Event::SessionLost { .. }, Event::Refused { code: RefusalCode::NameInUse, .. }] = told[..] else {
        panic!("{told:?}")
    };
    (world, alice)
}

#[test]
fn a_session_that_is_lost_is_followed_by_one_with_the_same_spelling_of_its_name() {
    for (spelling, asked_for) in [("Alice", "Alice"), ("Bob", "alice")] {
        let mut world = World::new(Limits::default());
        let mut alice = world.connect("Alice");
        let ticket = alice.client.ticket().unwrap().clone();
        assert_eq!(ticket.display_name.as_deref(), Some("Alice"));
        let ticket = ticket.with_display_name(Some(spelling.into()));
        world.cut(&mut alice);
        world.pass(Limits::default().resume_time_max);
        alice.client = Client::resume(world.now, ClientConfig::default(), 7, ticket, b"");
        assert!(world.admit(&mut alice.client).is_err(), "it is too late");
        assert_eq!(registers_as(&alice.client.transmit().concat()).as_deref(), Some(asked_for));
    }
}

/// The name that a client asks for on a new connection.
fn asks_for(client: &mut Client, now: Instant) -> Option<String> {
    let bytes = client.transmit().concat();
    client.transmitted(now, bytes.len());
    registers_as(&bytes[PREFACE_BYTES..])
}

fn registers_as(mut bytes: &[u8]) -> Option<String> {
    let content = take(&mut bytes, 1_000).unwrap()?;
    match ClientMessage::decode(content).unwrap() {
        Some(ClientMessage::Register(Register { name, .. })) => Some(name.to_owned()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn after_a_refusal_nothing_is_asked_for_that_the_program_does_not_ask_for() {
    let (mut world, mut alice) = refused();
    alice.client.disconnect(world.now);
    assert!(matches!(alice.client.poll_event(), Some(Event::Disconnected { .. })));
    assert_eq!(alice.client.poll_timeout(), None, "there is nothing to connect for, and no attempt was promised");
    world.now = world.now + Duration::from_secs(300);
    alice.client.handle_timeout(world.now);
    assert_eq!(alice.client.poll_event(), None);

    assert_eq!(alice.client.register(world.now, "alicia", b""), Ok(()));
    alice.client.handle_timeout(alice.client.poll_timeout().unwrap());
    assert!(matches!(alice.client.poll_event(), Some(Event::Connect { .. })));
    alice.client.connected(world.now);
    assert_eq!(asks_for(&mut alice.client, world.now).as_deref(), Some("alicia"));
    assert_eq!(alice.client.register(world.now, "alice", b""), Err(ClientError::Registered));
}

#[test]
fn a_name_that_is_asked_for_without_a_connection_replaces_the_one_before() {
    let (world, mut alice) = refused();
    alice.client.register(world.now, "alicia", b"").unwrap();
    alice.client.disconnect(world.now);
    alice.client.handle_timeout(alice.client.poll_timeout().unwrap());
    // Both without a connection and while it is being made.
    alice.client.register(world.now, "al", b"").unwrap();
    alice.client.connected(world.now);
    assert_eq!(asks_for(&mut alice.client, world.now).as_deref(), Some("al"));
}

#[test]
fn a_session_that_waits_for_its_connection_is_no_time_for_another_name() {
    let mut world = World::new(Limits::default());
    let mut alice = world.connect("alice");
    world.cut(&mut alice);
    assert_eq!(alice.client.register(world.now, "alicia", b""), Err(ClientError::Registered));
}

#[test]
fn what_is_said_of_a_connection_that_is_gone_is_ignored() {
    let mut world = World::new(Limits::default());
    let mut alice = world.connect("alice");
    alice.client.send(world.now, "alice", b"hello").unwrap();
    let given = alice.client.transmit().concat().len();
    world.cut(&mut alice);
    alice.client.transmitted(world.now, given + 1);
    alice.client.transmitted(world.now, 10_000);

    let mut client = Client::new(world.now, ClientConfig::default(), 7);
    client.disconnect(world.now);
    assert!(client.is_closed() && client.transmit().is_empty());
    client.transmitted(world.now, 10_000);
}

#[test]
#[should_panic(expected = "the driver reports more bytes as transmitted than it was given")]
fn who_reports_more_than_was_given_is_told() {
    let mut client = Client::new(Instant::ZERO, ClientConfig::default(), 7);
    client.transmitted(Instant::ZERO, PREFACE_BYTES + 1);
}

#[test]
fn time_stops_before_its_end() {
    let mut world = World::new(Limits::default());
    let mut alice = world.connect("alice");
    for _ in 0..4 {
        alice.client.handle_timeout(Instant::MAX);
    }
    assert_eq!(alice.client.poll_timeout(), None);

    let mut client = Client::new(Instant::MAX, ClientConfig::default(), 7);
    client.register(Instant::MAX, "alice", b"").unwrap();
    client.handle_timeout(Instant::MAX);
    assert!(client.poll_timeout().is_none() && client.poll_event().is_none());
}

#[test]
fn a_configuration_that_cannot_work_is_named() {
    let default = ClientConfig::default;
    assert_eq!(default().check(), Ok(()));
    let check = |config: ClientConfig| config.check().unwrap_err();
    let backoff =
        |first, max| Some(Backoff::default().with_first(Duration::from_secs(first)).with_max(Duration::from_secs(max)));
    assert!(matches!(check(default().with_frame_bytes_max(1_000)), ClientConfigError::Frame { given: 1_000, .. }));
    for given in [0, 511, u32::MAX] {
        let error = check(default().with_outbox_bytes_max(given));
        assert_eq!(error, ClientConfigError::Outbox { given, bytes_min: 512 });
    }
    let zero = check(default().with_answer_time_max(Duration::ZERO));
    assert_eq!(zero.to_string(), "answer_time_max is 0: it must be more");
    let zero = check(default().with_reconnect(backoff(0, 1)));
    assert_eq!(zero, ClientConfigError::Zero { name: "reconnect.first" });
    let upside_down = check(default().with_reconnect(backoff(2, 1)));
    assert_eq!(upside_down.to_string(), "reconnect.max is 1s: it must be at least reconnect.first, which is 2s");
    let none = default().with_ack_delay(Duration::ZERO).with_reconnect(None);
    assert_eq!(none.check(), Ok(()));
}

#[test]
#[should_panic(expected = "answer_time_max is 0: it must be more")]
fn a_client_that_cannot_work_is_not_begun() {
    let config = ClientConfig::default().with_answer_time_max(Duration::ZERO);
    let _ = Client::new(Instant::ZERO, config, 7);
}
