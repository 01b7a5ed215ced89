//! A client that goes on without a session until it gets one.

mod world;

use std::time::Duration;

use chatcore::wire::{
    ClientMessage, ErrorMessage, Goodbye, HubMessage, Message, PREFACE_BYTES, Preface, Refused, Register, take,
};
use chatcore::{
    Backoff, Client, ClientConfig, ClientConfigError, Closed, ErrorCode, Event, GoodbyeCode, Hub, Instant, Limits,
    Refusal, RefusalCode, SessionTicket, Token, Transport,
};
use world::{World, encode_all};

fn config() -> ClientConfig {
    ClientConfig::default().with_keeps_trying(true)
}

/// A client that has asked for its name over its first transport, and knows that a hub is there.
fn asking(config: ClientConfig) -> Client {
    let mut client = Client::new(Instant::ZERO, config, 7);
    client.register(Instant::ZERO, "alice", b"secret").unwrap();
    written(Instant::ZERO, &mut client);
    hear(&mut client, &Preface::OURS.encode());
    client
}

fn hear(client: &mut Client, bytes: &[u8]) {
    let _ = client.receive(Instant::ZERO, &mut &bytes[..]);
}

fn hear_of(client: &mut Client, message: HubMessage<'_>) {
    hear(client, &encode_all(&[message]));
}

fn goodbye(code: GoodbyeCode) -> HubMessage<'static> {
    HubMessage::Goodbye(Goodbye { code, detail: "", reconnect: None })
}

fn written(now: Instant, client: &mut Client) -> Vec<u8> {
    let bytes = client.transmit().concat();
    client.transmitted(now, bytes.len());
    bytes
}

fn events(client: &mut Client) -> Vec<Event> {
    std::iter::from_fn(|| client.poll_event()).collect()
}

/// Why the client looks for another connection, and after which time.
#[track_caller]
fn reconnecting(client: &mut Client) -> (Closed, Duration) {
    match &events(client)[..] {
        [Event::Reconnecting { why, after, .. }] => (why.clone(), *after),
        other => panic!("{other:?}"),
    }
}

/// Lets the client connect when it is time, and checks that it asks for its name as it did at first.
fn asks_again(client: &mut Client) {
    let now = client.poll_timeout().expect("it tries again");
    client.handle_timeout(now);
    assert!(matches!(events(client)[..], [Event::Connect { address: None, .. }]));
    client.connected(now);
    let asked = written(now, client);
    let content = take(&mut &asked[PREFACE_BYTES..], 1_000).unwrap().expect("it asks");
    let Ok(Some(ClientMessage::Register(register))) = ClientMessage::decode(content) else { panic!("{asked:?}") };
    assert!(matches!(register, Register { name: "alice", credential: b"secret", .. }), "{register:?}");
}

#[test]
fn a_hub_that_is_not_there_yet_is_looked_for_until_it_is() {
    let mut world = World::new(Limits::default());
    let mut client = Client::new(world.now, config(), 7).without_transport();
    assert_eq!(client.poll_timeout(), None, "there is nothing to ask for");
    client.register(world.now, "alice", b"").unwrap();
    assert!(client.transmit().is_empty());
    let mut waits = Vec::new();
    for expected in 1..=12 {
        world.now = client.poll_timeout().expect("it tries again");
        client.handle_timeout(world.now);
        assert!(matches!(events(&mut client)[..], [Event::Connect { address: None, .. }]));
        client.disconnect(world.now);
        match events(&mut client)[..] {
            [Event::Reconnecting { why: Closed::Disconnected, attempt, after, .. }] if attempt == expected => {
                waits.push(after);
            }
            ref other => panic!("{other:?}"),
        }
    }
    assert!(waits[0] <= Backoff::default().first && waits[11] >= Backoff::default().max / 2, "{waits:?}");
    world.now = client.poll_timeout().expect("it tries again");
    client.handle_timeout(world.now);
    client.connected(world.now);
    let conn = world.admit(&mut client).expect("the name is free");
    let welcome = world.written(conn);
    let _ = client.receive(world.now, &mut &welcome[..]);
    assert!(matches!(events(&mut client)[..], [Event::Connect { .. }, Event::Registered { .. }]));
}

#[test]
fn a_session_is_resumed_over_a_first_transport_that_is_made_like_all_others() {
    let mut world = World::new(Limits::default());
    let mut alice = world.connect("alice");
    let ticket = alice.client.ticket().expect("there is a session").clone().with_attempt(1_000);
    world.cut(&mut alice);
    // Whether or not it keeps trying: there may be a session.
    alice.client = Client::resume(world.now, ClientConfig::default(), 7, ticket, b"").without_transport();
    assert_eq!(alice.client.poll_timeout(), Some(world.now), "at once");
    alice.client.handle_timeout(world.now);
    assert!(matches!(events(&mut alice.client)[..], [Event::Connect { .. }]));
    alice.client.disconnect(world.now);
    assert!(matches!(events(&mut alice.client)[..], [Event::Reconnecting { attempt: 1, .. }]));
    world.reconnect(&mut alice).expect("the session is there");
    world.carry(&mut alice);
    assert!(matches!(alice.events[..], [Event::Resumed]), "{:?}", alice.events);
}

#[test]
fn a_refusal_that_passes_is_followed_by_the_same_request_on_another_connection() {
    let longest_first = Backoff::default().first;
    for code in RefusalCode::ALL {
        for wait_ms in [None, Some(70_000)] {
            let mut client = asking(config());
            hear_of(&mut client, HubMessage::Refused(Refused { code: *code, detail: "no", wait_ms }));
            if !code.passes() && wait_ms.is_none() {
                let told = events(&mut client);
                assert!(matches!(&told[..], [Event::Refused { code: told, .. }] if told == code), "{code}: {told:?}");
                continue;
            }
            let (why, after) = reconnecting(&mut client);
            let Closed::Refused { code: refused, detail, wait, .. } = why else { panic!("{why:?}") };
            let told = wait_ms.map(|ms| Duration::from_millis(ms.into()));
            assert_eq!((refused, &*detail, wait), (*code, "no", told));
            let told = told.unwrap_or_default();
            assert!(told + longest_first / 2 <= after && after <= told + longest_first, "{code}: {after:?}");
            asks_again(&mut client);
        }
    }
}

#[test]
fn a_program_that_is_started_again_without_its_ticket_gets_its_name_when_the_old_session_is_over() {
    let mut world = World::new(Limits::default());
    let mut old = world.connect("alice");
    world.cut(&mut old);
    let mut client = Client::new(world.now, config(), 7);
    client.register(world.now, "alice", b"").unwrap();
    assert!(matches!(world.admit(&mut client), Err(Refusal::NameInUse { .. })));
    let (why, after) = reconnecting(&mut client);
    assert!(matches!(why, Closed::Refused { code: RefusalCode::NameInUse, .. }), "{why:?}");
    assert!(after <= Limits::default().resume_time_max + Duration::from_secs(1), "{after:?}");
    let mut alice = world::User::new(client, old.conn);
    world.reconnect(&mut alice).expect("the name is free");
    world.carry(&mut alice);
    assert!(matches!(alice.events[..], [Event::Registered { .. }]), "{:?}", alice.events);
}

#[test]
fn a_connection_that_ends_before_there_is_a_session_is_followed_by_another() {
    for code in [GoodbyeCode::ShuttingDown, GoodbyeCode::TimedOut, GoodbyeCode::SlowConsumer] {
        let mut client = asking(config());
        hear_of(&mut client, goodbye(code));
        let (why, _) = reconnecting(&mut client);
        assert!(matches!(why, Closed::Goodbye { code: told, .. } if told == code), "{why:?}");
        asks_again(&mut client);
    }
    let mut client = asking(config());
    client.disconnect(Instant::ZERO);
    assert_eq!(reconnecting(&mut client).0, Closed::Disconnected);
    asks_again(&mut client);
    // And no answer at all.
    let now = client.poll_timeout().expect("an answer has its time");
    client.handle_timeout(now);
    assert_eq!(reconnecting(&mut client).0, Closed::TimedOut);
    asks_again(&mut client);
}

#[test]
fn whom_the_hub_does_not_want_stays_away() {
    for code in [GoodbyeCode::Kicked, GoodbyeCode::TakenOver, GoodbyeCode::Left] {
        let mut client = asking(config());
        hear_of(&mut client, goodbye(code));
        assert!(matches!(events(&mut client)[..], [Event::Closed(Closed::Goodbye { .. })]), "{code}");
        assert_eq!(client.poll_timeout(), None);
    }
    let mut client = asking(config());
    hear_of(&mut client, HubMessage::Error(ErrorMessage { code: ErrorCode::InvalidValue, detail: "" }));
    assert!(matches!(events(&mut client)[..], [Event::Closed(Closed::Error { .. })]));
    let mut client = asking(config());
    hear(&mut client, &[0; 5]);
    assert!(matches!(events(&mut client)[..], [Event::Closed(Closed::ProtocolError(_))]));
}

#[test]
fn a_session_that_ends_because_its_client_was_slow_is_followed_by_another_one() {
    for keeps_trying in [false, true] {
        let mut world = World::new(Limits::default());
        let config = ClientConfig::default().with_keeps_trying(keeps_trying);
        let mut alice = world.connect_with("alice", config);
        let _ = alice.client.receive(world.now, &mut &encode_all(&[goodbye(GoodbyeCode::SlowConsumer)])[..]);
        if !keeps_trying {
            assert!(matches!(events(&mut alice.client)[..], [Event::Closed(_)]));
            continue;
        }
        assert!(matches!(events(&mut alice.client)[..], [Event::Reconnecting { .. }]));
        world.hub = Hub::new(Limits::default(), [8; 32]); // which does not have the session
        assert_eq!(world.reconnect(&mut alice), Err(Refusal::SessionOver));
        alice.conn = world.admit_again(&mut alice.client);
        world.carry(&mut alice);
        assert!(
            matches!(alice.events[..], [Event::SessionLost { .. }, Event::Registered { .. }]),
            "{:?}",
            alice.events
        );
    }
}

#[test]
fn a_program_that_leaves_meanwhile_is_not_held_up() {
    let mut client = asking(config());
    client.disconnect(Instant::ZERO);
    reconnecting(&mut client);
    client.close(Instant::ZERO);
    assert_eq!(events(&mut client), [Event::Closed(Closed::Left)]);
    assert_eq!(client.poll_timeout(), None);
}

#[test]
fn a_program_may_ask_for_another_name_meanwhile() {
    let mut world = World::new(Limits::default());
    world.join("alice");
    let mut client = Client::new(world.now, config(), 7);
    client.register(world.now, "alice", b"").unwrap();
    world.admit(&mut client).unwrap_err();
    reconnecting(&mut client);
    client.register(world.now, "alice2", b"").expect("the old name is asked for no more");
    world.pass(client.poll_timeout().expect("it tries again") - world.now);
    client.handle_timeout(world.now);
    client.connected(world.now);
    world.admit(&mut client).expect("the name is free");
}

#[test]
fn who_keeps_trying_has_times_between_the_attempts() {
    let config = config().with_reconnect(None);
    assert_eq!(config.check(), Err(ClientConfigError::KeepsTrying));
}

#[test]
fn after_a_refusal_that_stands_no_attempt_is_promised_before_the_program_asks() {
    let denied = || HubMessage::Refused(Refused { code: RefusalCode::Denied, detail: "no", wait_ms: None });
    let refused = asking(config());
    // The same of a client that had a session, and does not keep trying.
    let ticket = SessionTicket::new("alice".parse().unwrap(), Token::from_bytes([7; 16]));
    let mut lost = Client::resume(Instant::ZERO, ClientConfig::default(), 7, ticket, b"secret");
    written(Instant::ZERO, &mut lost);
    hear(&mut lost, &Preface::OURS.encode());
    hear_of(
        &mut lost,
        HubMessage::Refused(Refused { code: RefusalCode::SessionOver, detail: "too late", wait_ms: None }),
    );
    assert!(matches!(events(&mut lost)[..], [Event::SessionLost { .. }]));
    for mut client in [refused, lost] {
        hear_of(&mut client, denied());
        assert!(matches!(events(&mut client)[..], [Event::Refused { .. }]));
        client.disconnect(Instant::ZERO);
        assert!(matches!(events(&mut client)[..], [Event::Disconnected { why: Closed::Disconnected, .. }]));
        assert_eq!((client.transport(), client.poll_timeout()), (Transport::Drop, None));
        client.register(Instant::ZERO, "alice", b"secret").expect("there is no session");
        asks_again(&mut client);
    }
}

/// The credential would go to whoever is on the way, in the place of the token of a session that the hub still has.
#[test]
fn a_session_that_was_not_asked_for_is_not_over() {
    let ticket = SessionTicket::new("alice".parse().unwrap(), Token::from_bytes([7; 16]));
    let mut client = Client::resume(Instant::ZERO, ClientConfig::default(), 7, ticket, b"secret");
    hear(&mut client, &Preface::OURS.encode());
    let over = Refused { code: RefusalCode::SessionOver, detail: "", wait_ms: None };
    hear_of(&mut client, HubMessage::Refused(over));
    assert!(matches!(events(&mut client)[..], [Event::Closed(Closed::ProtocolError(_))]));
    let said = written(Instant::ZERO, &mut client);
    assert!(!said.windows(6).any(|window| window == b"secret"), "{said:?}");
}
