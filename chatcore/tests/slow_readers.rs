//! Slow readers: what is kept for who does not acknowledge is bounded, and so is the time.

mod world;

use std::time::Duration;

use chatcore::wire::{Ack, ClientMessage, HubMessage, Message, Pong, Rejected};
use chatcore::{CloseReason, HubEvent, Limits, ProtocolError, Rate, Received, RejectCode};
use world::{World, decode_all, encode_all, send};

#[test]
fn a_peer_that_never_reads_is_bounded_and_alone_closed() {
    let limits = Limits::default().with_body_bytes_max(1000).with_outbox_bytes_max(10_000);
    let mut world = World::new(limits.clone());
    let (alice, bob, deaf) = (world.join("alice"), world.join("bob"), world.join("deaf"));
    let body = [b'x'; 1000];
    let (mut rejected, mut answered) = (0, 0);
    for round in 0..50 {
        let _ = world.say(alice, &[send("deaf", &body), send("bob", b"hi")]);
        let answers = world.written(alice);
        for message in decode_all(&answers) {
            answered += u64::from(message.kind().is_numbered());
            if let HubMessage::Rejected(Rejected { code, .. }) = message {
                assert_eq!(code, RejectCode::RecipientFull);
                rejected += 1;
            }
        }
        let count = 2 * decode_all(&world.written(bob)).len() as u64;
        assert_eq!(count, 2, "bob gets his own at once");
        assert!(world.hub.transmit(deaf).concat().len() <= limits.outbox_bytes_max as usize);
        // Alice and bob acknowledge like any client, and deaf says that it is there, but not that it has anything.
        let _ = world.say(alice, &[ClientMessage::Ack(Ack { count: answered })]);
        let _ = world.say(bob, &[ClientMessage::Ack(Ack { count: round + 1 })]);
        let _ = world.say(deaf, &[ClientMessage::Pong(Pong { nonce: 0 })]);
    }
    assert!(rejected > 30, "{rejected}");
    world.pass(limits.stall_time_max / 2);
    for conn in [alice, bob, deaf] {
        let _ = world.say(conn, &[ClientMessage::Pong(Pong { nonce: 0 })]);
    }
    world.pass(limits.stall_time_max / 2);
    assert!(world.hub.name(deaf).is_none(), "the name is free");
    assert_eq!(world.hub.users(), 2, "nobody else is touched");
    world.pass(limits.flush_time_max);
    assert_eq!(world.closed(deaf), Some(CloseReason::SlowConsumer));
    assert!(world.hub.name(alice).is_some() && world.hub.name(bob).is_some());
    assert!(world.hub.memory().total() < 4096, "what was kept is given back: {:?}", world.hub.memory());
}

/// Who is silent besides has lost its connection, most likely, and may come back for what it has not got.
#[test]
fn a_peer_that_acknowledges_nothing_and_says_nothing_is_detached() {
    let limits = Limits::default().with_stall_time_max(Duration::from_secs(10));
    let mut world = World::new(limits.clone());
    let (alice, gone) = (world.join("alice"), world.join("gone"));
    let _ = world.say(alice, &[send("gone", b"hi")]);
    world.written(gone);
    world.pass(Duration::from_millis(9_999));
    assert!(world.hub.name(gone).is_some());
    world.pass(Duration::from_millis(1));
    assert!(world.hub.name(gone).is_none());
    let detached = |event: &HubEvent| matches!(event, HubEvent::Detached { reason: CloseReason::TimedOut, .. });
    assert!(world.hub_events.iter().any(detached));
    assert_eq!(world.hub.users(), 2, "its session waits");
}

/// What comes while the frame is on its way, or soon after, tells nothing of a connection that is lost then.
#[test]
fn a_peer_that_was_heard_once_and_then_lost_is_detached() {
    for (stall, idle) in [(60, 60), (10, 60), (60, 10)] {
        let [stall_time_max, idle_time_max] = [stall, idle].map(Duration::from_secs);
        let limits = Limits::default().with_stall_time_max(stall_time_max).with_idle_time_max(idle_time_max);
        let mut world = World::new(limits);
        let (alice, gone) = (world.join("alice"), world.join("gone"));
        let _ = world.say(alice, &[send("gone", b"hi")]);
        world.written(gone);
        world.pass(Duration::from_millis(300));
        let _ = world.say(gone, &[ClientMessage::Pong(Pong { nonce: 0 })]);
        world.pass(stall_time_max);
        let told = |event: &&HubEvent| matches!(event, HubEvent::Detached { conn, .. } if *conn == gone);
        let detached = world.hub_events.iter().find(told);
        assert!(matches!(detached, Some(HubEvent::Detached { reason: CloseReason::TimedOut, .. })), "{detached:?}");
    }
}

/// The end of a pause is no sign of life: nobody was heard then.
#[test]
fn a_peer_that_was_paused_and_is_lost_is_detached() {
    let stall_time_max = Duration::from_secs(10);
    let session_rate = Rate { per_s: 25, burst: 100 };
    let limits = Limits::default().with_stall_time_max(stall_time_max).with_session_rate(session_rate);
    let mut world = World::new(limits);
    let gone = world.join("gone");
    // The answer waits for an acknowledgement from now on, and the costly name
    // takes long to pay off.
    let bytes = encode_all(&[send(&"\u{660}".repeat(64), b"")]);
    let received = loop {
        match world.hub.receive(world.now, gone, &mut &bytes[..]).unwrap() {
            Received::More => {}
            received => break received,
        }
    };
    let Received::Paused { until } = received else { panic!("{received:?}") };
    let lately = world.now + stall_time_max / 2 * 3..world.now + 2 * stall_time_max;
    assert!(lately.contains(&until), "the pause ends shortly before the client is judged");
    world.written(gone);
    // The pause excuses it for one more stall time.
    world.pass(2 * stall_time_max);
    let ended = world.hub_events.iter().filter(|event| matches!(event, HubEvent::SessionEnded { .. }));
    assert_eq!(ended.count(), 0, "{:?}", world.hub_events);
    let detached = |event: &HubEvent| matches!(event, HubEvent::Detached { reason: CloseReason::TimedOut, .. });
    assert!(world.hub_events.iter().any(detached), "{:?}", world.hub_events);
}

#[test]
fn a_slow_reader_who_acknowledges_in_time_stays() {
    let stall_time_max = Duration::from_secs(10);
    let limits =
        Limits::default().with_body_bytes_max(1000).with_outbox_bytes_max(10_000).with_stall_time_max(stall_time_max);
    let mut world = World::new(limits.clone());
    let (alice, slow) = (world.join("alice"), world.join("slow"));
    let (mut delivered, mut answers) = (0, 0);
    for _ in 0..20 {
        for _ in 0..20 {
            let _ = world.say(alice, &[send("slow", &[b'x'; 1000])]);
            let to_alice = world.written(alice);
            answers += decode_all(&to_alice).len() as u64 - 1;
            let _ = world.say(alice, &[ClientMessage::Ack(Ack { count: answers })]);
        }
        world.pass(limits.stall_time_max * 9 / 10);
        let to_slow = world.written(slow);
        delivered +=
            decode_all(&to_slow).iter().filter(|message| matches!(message, HubMessage::Deliver(_))).count() as u64;
        let _ = world.say(slow, &[ClientMessage::Ack(Ack { count: delivered })]);
    }
    assert!(world.hub.name(slow).is_some());
    assert!(delivered > 100, "{delivered}");
}

#[test]
fn repeating_an_old_acknowledgement_keeps_nobody() {
    let limits = Limits::default().with_body_bytes_max(1000).with_outbox_bytes_max(10_000);
    let mut world = World::new(limits.clone());
    let (alice, deaf) = (world.join("alice"), world.join("deaf"));
    for _ in 0..20 {
        let _ = world.say(alice, &[send("deaf", &[b'x'; 1000])]);
    }
    let _ = world.written(deaf);
    for _ in 0..4 {
        let _ = world.say(deaf, &[ClientMessage::Ack(Ack { count: 0 })]);
        world.pass(limits.stall_time_max / 4);
    }
    assert_eq!(world.hub.name(deaf), None);
}

#[test]
fn who_asks_and_never_reads_the_answers_is_closed() {
    let limits = Limits::default().with_body_bytes_max(16).with_outbox_bytes_max(8_000);
    let mut world = World::new(limits);
    let alice = world.join("alice");
    let mut asked = 0;
    while world.say(alice, &[send("nobody", b"")]) == Received::NeedInput {
        asked += 1;
        assert!(asked < 2_000, "the outbox grows without bound");
    }
    assert!(asked > 500);
    world.drain();
    let left = |event: &HubEvent| matches!(event, HubEvent::SessionEnded { reason: CloseReason::SlowConsumer, .. });
    assert!(world.hub_events.iter().any(left));
}

#[test]
fn who_sends_what_may_be_skipped_and_never_reads_is_bounded_too() {
    let limits = Limits::default().with_body_bytes_max(16).with_outbox_bytes_max(8_000);
    let mut world = World::new(limits.clone());
    let alice = world.join("alice");
    for _ in 0..10_000 {
        // Numbered, unknown and optional: acknowledged with each batch, and answered by nothing else.
        if world.put(alice, &[1, 0, 0, 0, 0xc0]) == Received::Closed {
            break;
        }
        world.drain();
    }
    assert_eq!(world.hub.users(), 0);
    assert!(world.hub.transmit(alice).concat().len() <= limits.outbox_bytes_max as usize * 5 / 4 + 300);
}

#[test]
fn an_acknowledgement_above_what_was_sent_is_a_protocol_error() {
    let mut world = World::new(Limits::default());
    let (alice, bob) = (world.join("alice"), world.join("bob"));
    let _ = world.say(bob, &[send("alice", b"1"), send("alice", b"2")]);
    // Written only half: even the second message cannot have arrived.
    let half = world.hub.transmit(alice).concat().len() - 1;
    world.drain();
    world.hub.transmitted(world.now, alice, half).unwrap();
    assert_eq!(world.say(alice, &[ClientMessage::Ack(Ack { count: 1 })]), Received::NeedInput);
    assert_eq!(
        world.say(alice, &[ClientMessage::Ack(Ack { count: 0 })]),
        Received::NeedInput,
        "an old one says nothing"
    );
    assert_eq!(world.say(alice, &[ClientMessage::Ack(Ack { count: 2 })]), Received::Closed);
    world.drain();
    let too_many = CloseReason::ProtocolError(ProtocolError::AckBeyondSent { acknowledged: 2, sent: 1 });
    assert!(
        world
            .hub_events
            .iter()
            .any(|output| matches!(output, HubEvent::SessionEnded { reason, .. } if *reason == too_many))
    );
    assert_eq!(world.hub.users(), 1, "bob stays");
}
