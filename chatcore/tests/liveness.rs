//! Liveness and time: what a silence calls for, and what counts as a sign of life.

mod world;

use std::time::Duration;

use chatcore::wire::{ClientMessage, Goodbye, HubMessage, Ping, Pong};
use chatcore::{CloseReason, GoodbyeCode, Limits, Rate, Received, Refusal};
use world::{World, decode_all, encode_all, send};

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_ping_is_answered_with_its_nonce() {
    let mut world = World::new(Limits::default());
    let alice = world.join("alice");
    let _ = world.say(alice, &[ClientMessage::Ping(Ping { nonce: 1 << 60 })]);
    assert_eq!(decode_all(&world.written(alice)), [HubMessage::Pong(Pong { nonce: 1 << 60 })]);
}

#[test]
fn silence_is_asked_about_and_then_ended() {
    let mut world = World::new(Limits::default().with_idle_time_max(MINUTE));
    let alice = world.join("alice");
    world.pass(MINUTE / 2);
    assert!(matches!(decode_all(&world.written(alice))[..], [HubMessage::Ping(_)]));
    world.pass(MINUTE * 49 / 100);
    assert_eq!(world.hub.users(), 1, "the time is not over");
    world.pass(MINUTE / 100);
    assert_eq!(world.hub.users(), 1, "the session waits for another connection");
    assert_eq!(world.hub.name(alice), None);
    let farewell = world.written(alice);
    assert!(matches!(decode_all(&farewell)[..], [HubMessage::Goodbye(Goodbye { code: GoodbyeCode::TimedOut, .. })]));
    assert_eq!(world.closed(alice), Some(CloseReason::TimedOut));
    world.pass(world.hub.limits().resume_time_max);
    assert_eq!(world.hub.users(), 0);
    assert_eq!(world.hub.poll_timeout(), None, "nobody is left to wait for");
}

#[test]
fn any_sign_of_life_keeps_a_user() {
    let mut world = World::new(Limits::default().with_idle_time_max(MINUTE));
    let alice = world.join("alice");
    for _ in 0..10 {
        world.pass(MINUTE * 3 / 4);
        let _ = world.say(alice, &[ClientMessage::Pong(Pong { nonce: 0 })]);
        let _ = world.written(alice);
    }
    assert_eq!(world.hub.users(), 1);
}

#[test]
fn the_same_leftover_again_is_no_sign_of_life() {
    let mut world = World::new(Limits::default().with_resume_time_max(Duration::ZERO));
    let alice = world.join("alice");
    let begun = &encode_all(&[send("alice", b"hello")])[..3];
    let end = world.now + world.hub.limits().idle_time_max + Duration::from_secs(2);
    while world.now < end && world.closed(alice).is_none() {
        if world.hub.name(alice).is_some() {
            let mut input = begun;
            assert_eq!(world.hub.receive(world.now, alice, &mut input), Ok(Received::NeedInput));
            assert_eq!(input, begun);
        }
        world.pass(Duration::from_secs(1));
        world.written(alice);
    }
    assert!(world.hub.name(alice).is_none(), "three bytes keep nobody alive for ever");
}

#[test]
fn each_new_byte_is_a_sign_of_life() {
    let mut world = World::new(Limits::default().with_resume_time_max(Duration::ZERO));
    let alice = world.join("alice");
    let frame = encode_all(&[send("alice", &[b'x'; 100])]);
    for bytes in 1..frame.len() {
        let mut input = &frame[..bytes];
        assert_eq!(world.hub.receive(world.now, alice, &mut input), Ok(Received::NeedInput));
        world.pass(Duration::from_secs(1));
        world.written(alice);
    }
    assert!(world.hub.name(alice).is_some());
}

#[test]
fn time_that_goes_backwards_stands_still() {
    let mut world = World::new(Limits::default().with_idle_time_max(MINUTE));
    let alice = world.join("alice");
    world.pass(MINUTE * 9 / 10);
    world.hub.handle_timeout(world.now);
    let now = std::mem::replace(&mut world.now, chatcore::Instant::ZERO);
    let _ = world.say(alice, &[ClientMessage::Pong(Pong { nonce: 0 })]);
    world.now = now;
    world.pass(MINUTE * 9 / 10);
    assert_eq!(world.hub.users(), 1, "she was heard when it was latest");
}

#[test]
fn the_end_of_time_is_no_endless_loop() {
    let mut world = World::new(Limits::default());
    world.join("alice");
    world.hub.handle_timeout(chatcore::Instant::MAX);
    assert_eq!(world.hub.users(), 1, "her session would end later still");
    world.now = chatcore::Instant::MAX;
    world.join("bob");
    world.hub.handle_timeout(chatcore::Instant::MAX);
    assert_eq!(world.hub.poll_timeout(), Some(chatcore::Instant::MAX));
}

/// The driver does not read from it, so it cannot answer.
#[test]
fn who_is_paused_is_not_lost_because_somebody_asks_for_its_name() {
    let session_rate = Rate { per_s: 50, burst: 1 };
    let mut world = World::new(Limits::default().with_session_rate(session_rate).with_origin_rate(Rate::UNLIMITED));
    let alice = world.join("alice");
    let costly = encode_all(&[world::send(&"\u{660}".repeat(64), b""), ClientMessage::Pong(Pong { nonce: 0 })]);
    let mut input = &costly[..];
    let until = loop {
        match world.hub.receive(world.now, alice, &mut input).unwrap() {
            Received::More => {}
            Received::Paused { until } => break until,
            other => panic!("{other:?}"),
        }
    };
    let probe_time = world.hub.limits().probe_time_max;
    assert!(until - world.now > probe_time, "it is paused for longer than a probe waits");
    assert!(matches!(world.try_join("alice"), Err(Refusal::NameInUse { .. })));
    world.pass((until - world.now + probe_time).saturating_sub(Duration::from_millis(1)));
    assert!(world.hub.name(alice).is_some(), "it has the time of a probe from the end of its pause");
    world.pass(Duration::from_millis(1));
    assert!(world.hub.name(alice).is_none(), "it has said nothing since");
}
