//! Endings: what is still said when a session or a hub ends, and to whom.

mod world;

use std::time::Duration;

use chatcore::wire::{Ack, ClientMessage, Deliver, Goodbye, HubMessage, Join, Ping, ReconnectHint, Register};
use chatcore::{
    Backoff, CloseReason, Closed, ErrorCode, Event, GoodbyeCode, Hub, Limits, Received, Reconnect, Refusal,
};
use world::{World, decode_all, goodbye, send};

#[test]
fn leaving_is_answered_and_flushes_what_is_owed_first() {
    let mut world = World::new(Limits::default());
    let alice = world.join("alice");
    assert_eq!(world.say(alice, &[send("alice", b"last"), goodbye(), send("alice", b"ignored")]), Received::Closed);
    let bytes = world.written(alice);
    let messages = decode_all(&bytes);
    assert!(matches!(messages[0], HubMessage::Deliver(Deliver { body: b"last", .. })), "{messages:?}");
    assert!(matches!(messages.last(), Some(HubMessage::Goodbye(Goodbye { code: GoodbyeCode::Left, .. }))));
    assert!(!messages.iter().any(|message| matches!(message, HubMessage::Deliver(Deliver { body: b"ignored", .. }))));
    assert_eq!(world.closed(alice), Some(CloseReason::Left));
    assert!(world.hub.receive(world.now, alice, &mut &b"x"[..]).is_err(), "the id is unknown after the close");
    assert_eq!(world.hub.connections(), 0);
}

#[test]
fn a_closing_connection_that_is_not_written_out_is_dropped_in_time() {
    let limits = Limits::default().with_flush_time_max(Duration::from_secs(5));
    let mut world = World::new(limits);
    let alice = world.join("alice");
    let _ = world.say(alice, &[goodbye()]);
    world.pass(Duration::from_millis(4_999));
    assert_eq!(world.closed(alice), None);
    world.pass(Duration::from_millis(1));
    assert_eq!(world.closed(alice), Some(CloseReason::Left));
}

#[test]
fn what_came_with_a_goodbye_is_acknowledged() {
    let mut world = World::new(Limits::default());
    let alice = world.join("alice");
    let _ = world.say(alice, &[send("nobody", b""), goodbye()]);
    let bytes = world.written(alice);
    assert!(matches!(
        decode_all(&bytes)[..],
        [HubMessage::Rejected(_), HubMessage::Ack(Ack { count: 1 }), HubMessage::Goodbye(_)]
    ));
}

#[test]
fn what_was_said_in_the_turn_in_which_a_session_ends_is_answered_and_acknowledged() {
    let limits = Limits::default().with_body_bytes_max(1024).with_outbox_bytes_max(4 * 1408);
    let mut world = World::new(limits);
    let (slow, fast) = (world.join("slow"), world.join("fast"));
    for conn in [slow, fast] {
        let _ = world.say(conn, &[ClientMessage::Join(Join { room: "#room" })]);
    }
    // What is not acknowledged fills an outbox, until the answers to its own requests are too much.
    for _ in 0..4 {
        let _ = world.say(fast, &[send("slow", &[0; 1000])]);
        world.written(slow);
    }
    let _ = world.say(slow, &[send("fast", b"1"), send("fast", b"2"), send("fast", b"3")]);
    while world.say(slow, &[ClientMessage::Ping(Ping { nonce: u64::MAX })]) != Received::Closed {}
    let to_slow = world.written(slow);
    assert_eq!(world.closed(slow), Some(CloseReason::SlowConsumer));
    let last: Vec<_> = decode_all(&to_slow).into_iter().rev().take(3).collect();
    let [HubMessage::Goodbye(_), HubMessage::Ack(Ack { count: 4 }), HubMessage::Pong(_)] = last[..] else {
        panic!("{last:?}")
    };
    let accepted = decode_all(&to_slow).into_iter().find_map(|message| match message {
        HubMessage::Accepted(accepted) => Some((accepted.runs[0].number, accepted.runs[0].more)),
        _ => None,
    });
    assert_eq!(accepted, Some((2, 2)));
}

#[test]
fn registering_twice_is_a_protocol_error() {
    let mut world = World::new(Limits::default());
    let alice = world.join("alice");
    let again = ClientMessage::Register(Register { name: "bob", credential: b"", frame_bytes_max: u32::MAX });
    assert_eq!(world.say(alice, &[again]), Received::Closed);
    let farewell = world.written(alice);
    let messages = decode_all(&farewell);
    let HubMessage::Error(error) = &messages[0] else { panic!("{messages:?}") };
    assert_eq!((error.code, error.detail), (ErrorCode::Unexpected, "a register frame may not come once registered"));
}

#[test]
fn a_kicked_user_is_told_and_its_name_is_free() {
    let mut world = World::new(Limits::default());
    let alice = world.join("alice");
    assert!(world.hub.kick(world.now, &"Alice".parse().unwrap()));
    assert!(!world.hub.kick(world.now, &"alice".parse().unwrap()));
    let farewell = world.written(alice);
    assert!(matches!(decode_all(&farewell)[..], [HubMessage::Goodbye(Goodbye { code: GoodbyeCode::Kicked, .. })]));
}

#[test]
fn shutting_down_says_goodbye_to_all_with_the_hint_and_admits_nobody() {
    let mut world = World::new(Limits::default());
    let conns = [world.join("alice"), world.join("bob")];
    let hint = ReconnectHint { after_ms: 1500, address: Some("192.0.2.1:12345") };
    world.hub.shut_down(world.now, Some(&Reconnect::from(hint)));
    assert_eq!(world.try_join("carol"), Err(Refusal::ShuttingDown));
    for conn in conns {
        let farewell = world.written(conn);
        let messages = decode_all(&farewell);
        let [HubMessage::Goodbye(goodbye)] = &messages[..] else { panic!("{messages:?}") };
        assert_eq!((goodbye.code, goodbye.reconnect), (GoodbyeCode::ShuttingDown, Some(hint)));
    }
    assert_eq!(world.hub.connections(), 0);
}

#[test]
fn a_hint_reaches_the_client_as_an_event() {
    let mut world = World::new(Limits::default());
    let mut alice = world.connect("alice");
    world.hub.shut_down(world.now, Some(&Reconnect::new(Duration::from_millis(1500))));
    world.carry(&mut alice);
    let [Event::Reconnecting { why: Closed::Goodbye { code: GoodbyeCode::ShuttingDown, .. }, attempt: 1, after, .. }] =
        &alice.events[..]
    else {
        panic!("{:?}", alice.events)
    };
    let (told, first) = (Duration::from_millis(1500), Backoff::default().first);
    assert!((told + first / 2..=told + first).contains(after), "its time, and then a time of one's own: {after:?}");
}

#[test]
fn a_hub_that_stops_without_a_hint_is_looked_for_as_after_a_break() {
    let mut world = World::new(Limits::default());
    let mut alice = world.connect("alice");
    world.hub.shut_down(world.now, None);
    world.carry(&mut alice);
    let [Event::Reconnecting { why: Closed::Goodbye { code: GoodbyeCode::ShuttingDown, .. }, after, .. }] =
        &alice.events[..]
    else {
        panic!("{:?}", alice.events)
    };
    let first = Backoff::default().first;
    assert!((first / 2..=first).contains(after), "not when everybody else does: {after:?}");
    // The hub is started again, and knows nobody.
    world.hub = Hub::new(Limits::default(), [8; 32]);
    assert_eq!(world.reconnect(&mut alice), Err(Refusal::SessionOver));
    alice.conn = world.admit_again(&mut alice.client);
    world.carry(&mut alice);
    assert!(matches!(alice.events[..], [_, Event::SessionLost { .. }, Event::Registered { .. }]), "{:?}", alice.events);
}
