//! What a hub and its driver promise each other: actions that are announced, and connections that are known.

mod world;

use chatcore::wire::{ClientMessage, HubMessage, Join, Leave, Ping};
use chatcore::{Action, Hub, HubEvent, Limits, Memory, Rate, Received, UnknownConn};
use world::{World, decode_all, encode_all, send};

#[test]
fn a_write_is_announced_once_even_if_the_driver_wrote_without_being_told() {
    let mut world = World::new(Limits::default());
    let alice = world.join("alice");
    for _ in 0..2 {
        let _ = world.say(alice, &[ClientMessage::Ping(Ping { nonce: 1 })]);
        let count = world.hub.transmit(alice).concat().len();
        world.hub.transmitted(world.now, alice, count).unwrap();
    }
    let _ = world.say(alice, &[ClientMessage::Ping(Ping { nonce: 1 })]);
    assert_eq!(world.hub.poll_action(), Some(Action::Write { conn: alice }));
    assert_eq!(world.hub.poll_action(), None);
}

/// What senders are told of their own messages may wait for the end of a batch of turns; what others said may not.
#[test]
fn what_is_urgent_comes_at_once_and_the_rest_when_it_is_asked_for() {
    let mut world = World::new(Limits::default());
    let (alice, bob) = (world.join("alice"), world.join("bob"));
    for _ in 0..2 {
        let _ = world.say(alice, &[send("bob", b"hello")]);
        assert!(!world.hub.has_flushed_answers());
        let urgent: Vec<_> = std::iter::from_fn(|| world.hub.poll_urgent_action()).collect();
        assert!(matches!(urgent[..], [Action::Write { conn }] if conn == bob), "{urgent:?}");
        let bytes = world.hub.transmit(bob).concat();
        world.hub.transmitted(world.now, bob, bytes.len()).unwrap();
        assert!(world.hub.transmit(alice).is_empty());
    }
    // Whoever is written to anyway is told the rest, too.
    let _ = world.say(bob, &[send("alice", b"hello")]);
    let urgent: Vec<_> = std::iter::from_fn(|| world.hub.poll_urgent_action()).collect();
    assert!(matches!(urgent[..], [Action::Write { conn }] if conn == alice), "{urgent:?}");
    let to_alice = world.hub.transmit(alice).concat();
    let to_alice = decode_all(&to_alice);
    let [HubMessage::Deliver(_), HubMessage::Accepted(accepted), HubMessage::Ack(ack)] = &to_alice[..] else {
        panic!("{to_alice:?}")
    };
    let [run] = accepted.runs[..] else { panic!("{accepted:?}") };
    assert_eq!((run.number, run.more, ack.count), (1, 1, 2));
    assert!(!world.hub.has_flushed_answers(), "bob has not been told");
    world.drain();
    assert!(world.hub.has_flushed_answers());
    assert_eq!(world.hub.transmit(bob).concat().len(), world.written(bob).len());
}

#[test]
fn who_is_to_be_written_little_goes_before_who_is_to_be_written_much_but_not_for_ever() {
    let mut world = World::new(Limits::default());
    let (alice, bulk) = (world.join("alice"), world.join("bulk"));
    let little: Vec<_> = (0..20).map(|i| world.join(&format!("user{i}"))).collect();
    let _ = world.say(alice, &[send("bulk", &vec![b'x'; 20_000])]);
    for i in 0..20 {
        let _ = world.say(alice, &[send(&format!("user{i}"), b"x")]);
    }
    let mut order = Vec::new();
    while let Some(Action::Write { conn }) = world.hub.poll_urgent_action() {
        let bytes = world.hub.transmit(conn).concat();
        world.hub.transmitted(world.now, conn, bytes.len()).unwrap();
        order.push(conn);
    }
    assert_eq!(order.iter().position(|conn| *conn == bulk), Some(8), "{order:?}");
    order.remove(8);
    assert_eq!(order, little);
}

#[test]
fn nothing_is_kept_for_a_silent_user() {
    let mut world = World::new(Limits::default());
    let users: Vec<_> = (0..100).map(|i| world.join(&format!("user{i}"))).collect();
    assert!(users.iter().all(|user| world.hub.transmit(*user).concat().is_empty()), "nothing is left to write");
    assert_eq!(world.hub.memory(), Memory::default(), "and no buffer is kept");
}

#[test]
fn an_unknown_connection_is_the_drivers_fault_and_said_so() {
    let mut world = World::new(Limits::default());
    let alice = world.join("alice");
    world.hub.disconnect(world.now, alice).unwrap();
    let error = world.hub.disconnect(world.now, alice).unwrap_err();
    assert_eq!(error.0, alice);
    assert!(error.to_string().starts_with("connection #0 is not known to the hub"));
    assert!(world.hub.transmitted(world.now, alice, 0).is_err());
    assert!(world.hub.transmit(alice).is_empty());
}

#[test]
fn ids_of_the_hub_before_a_restart_name_nobody() {
    let started = |seed| {
        let mut world = World::new(Limits::default());
        world.hub = Hub::new(Limits::default(), seed);
        let conn = world.join("alice");
        let session = world.hub.sessions_of(&"alice".parse().unwrap()).next().expect("she is there");
        (world, conn, session)
    };
    let (before, old_conn, old_session) = started([1; 32]);
    let (World { mut hub, now, .. }, conn, session) = started([2; 32]);
    drop(before);
    assert_eq!((old_conn.index(), old_session.index()), (conn.index(), session.index()), "they are in the same place");
    let unknown = UnknownConn(old_conn);
    let ping = encode_all(&[ClientMessage::Ping(Ping { nonce: 7 })]);
    let mut input = &ping[..];
    assert_eq!(hub.receive(now, old_conn, &mut input), Err(unknown));
    assert_eq!(input, ping, "nothing is taken");
    assert_eq!(hub.transmitted(now, old_conn, 0), Err(unknown));
    assert_eq!(hub.disconnect(now, old_conn), Err(unknown));
    assert!(!hub.set_session_value(old_session, 7));
    assert_eq!((hub.user_of(old_session), hub.conn_of(old_session)), (None, None));
    assert_eq!((hub.session_value(session), hub.conn_of(session)), (0, Some(conn)), "alice has lost nothing");
    let (_, again_conn, again_session) = started([1; 32]);
    assert_eq!((again_conn, again_session), (old_conn, old_session), "the same seed, the same ids");
}

#[test]
fn who_disconnects_gets_no_further_output() {
    let mut world = World::new(Limits::default());
    let (alice, bob) = (world.join("alice"), world.join("bob"));
    let _ = world.say(alice, &[send("bob", b"x")]);
    world.hub.disconnect(world.now, bob).unwrap();
    world.hub.disconnect(world.now, alice).unwrap();
    world.hub_events.clear();
    world.drain();
    assert!(world.writable.is_empty());
    let detached: Vec<_> = world.hub_events.iter().map(|output| matches!(output, HubEvent::Detached { .. })).collect();
    assert_eq!(detached, [true, true]);
}

#[test]
fn a_driver_that_drains_no_events_is_given_no_more_of_them_than_so_many() {
    /// As [`Hub::receive`](chatcore::Hub::receive) says.
    const UNDRAINED_MAX: usize = 65_536;
    /// Events of one call, at the most: each is more than a unit of the work that a call may do.
    const OF_CALL_MAX: usize = 4_096;
    const ROOMS: usize = 40_000;
    let mut world = World::new(Limits::default().with_session_rate(Rate::UNLIMITED).with_origin_rate(Rate::UNLIMITED));
    let alice = world.join("alice");
    // Each opens a room, and closes it.
    let pair = [ClientMessage::Join(Join { room: "#r" }), ClientMessage::Leave(Leave { room: "#r" })];
    let bytes = encode_all(&pair).repeat(ROOMS);
    let mut input = &bytes[..];
    // It drains the actions, as it must.
    let mut give = |world: &mut World| {
        let before = input.len();
        let received = world.hub.receive(world.now, alice, &mut input).unwrap();
        while world.hub.poll_action().is_some() {}
        (received, before - input.len())
    };
    let mut idle = 0;
    for calls in 0.. {
        match give(&mut world) {
            (Received::More, 0) => idle += 1,
            (Received::More, _) => assert_eq!(idle, 0, "it does not go on by itself"),
            other => panic!("{other:?} after {calls} calls"),
        }
        if idle == 100 {
            break;
        }
    }
    let drain = |world: &mut World| std::iter::from_fn(|| world.hub.poll_event()).count();
    let waited = drain(&mut world);
    assert!((UNDRAINED_MAX + 1..=UNDRAINED_MAX + OF_CALL_MAX).contains(&waited), "{waited} events");
    let mut told = waited;
    while give(&mut world).0 == Received::More {
        told += drain(&mut world);
    }
    assert_eq!(told + drain(&mut world), 2 * ROOMS, "nothing is lost");
}
