//! What a program has not taken is not acknowledged, and comes once all the same.

mod any_steps;
mod bytes;
#[path = "../world/mod.rs"]
mod world;

use std::time::Duration;

use chatcore::wire::{Ack, ClientMessage};
use chatcore::{Client, ClientConfig, Event, Limits};
use world::{World, encode_all, send};

#[test]
fn a_program_that_is_killed_gets_again_all_that_it_had_not_taken() {
    let mut world = World::new(Limits::default());
    let mut alice = world.connect("alice");
    let bob = world.join("bob");
    let _ = world.say(bob, &[send("alice", b"1"), send("alice", b"2"), send("alice", b"3")]);
    let bytes = world.written(alice.conn);
    let _ = alice.client.receive(world.now, &mut &bytes[..]);
    assert!(matches!(alice.client.poll_event(), Some(Event::Message { body, .. }) if body == b"1"));
    alice.client.handle_timeout(alice.client.poll_timeout().unwrap());
    let acks = alice.client.transmit().concat();
    let _ = world.put(alice.conn, &acks);
    let ticket = alice.client.ticket().unwrap().clone();
    world.hub.disconnect(world.now, alice.conn).unwrap();
    alice.client = Client::resume(world.now, ClientConfig::default(), 8, ticket, b"");
    alice.conn = world.admit(&mut alice.client).unwrap();
    world.carry(&mut alice);
    let bodies: Vec<_> = alice
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Message { body, .. } => Some(&body[..]),
            _ => None,
        })
        .collect();
    assert_eq!(bodies, [b"2", b"3"]);
}

#[test]
fn what_is_taken_is_acknowledged_at_once_if_the_program_wants_that() {
    let mut world = World::new(Limits::default());
    let alice = world.join("alice");
    let hour = Duration::from_secs(3_600);
    let mut bob = world.connect_with("bob", ClientConfig::default().with_ack_delay(hour).with_takes_later(true));
    world.carry(&mut bob);
    bob.client.acknowledge(world.now);
    assert!(bob.client.transmit().is_empty(), "there is nothing to acknowledge");
    let _ = world.say(alice, &[send("bob", b"1"), send("bob", b"2")]);
    world.carry(&mut bob);
    assert_eq!(world::bodies(&mut bob), ["1", "2"]);
    bob.client.acknowledge(world.now);
    assert!(bob.client.transmit().is_empty(), "nothing is taken");
    bob.client.take_events(world.now, bob.client.position());
    assert!(bob.client.transmit().is_empty(), "it waits for company");
    bob.client.acknowledge(world.now);
    bob.client.acknowledge(world.now);
    let frames = bob.client.transmit().concat();
    let ack = encode_all(&[ClientMessage::Ack(Ack { count: 2 })]);
    assert_eq!(frames, ack, "once");
    world.carry(&mut bob);
    assert!(bob.client.poll_timeout().is_none_or(|due| due < world.now + hour), "no acknowledgement waits any more");
}

#[test]
fn who_has_no_connection_or_has_ended_acknowledges_nothing() {
    let mut world = World::new(Limits::default());
    let alice = world.join("alice");
    let mut bob = world.connect("bob");
    let _ = world.say(alice, &[send("bob", b"1")]);
    world.carry(&mut bob);
    assert_eq!(world::bodies(&mut bob), ["1"]);
    world.cut(&mut bob);
    bob.client.acknowledge(world.now);
    assert!(bob.client.transmit().is_empty());
    bob.client.close(world.now);
    bob.client.acknowledge(world.now);
    assert!(bob.client.transmit().is_empty());
    let mut fresh = Client::new(world.now, ClientConfig::default(), 7);
    let before = fresh.transmit().concat();
    fresh.acknowledge(world.now);
    assert_eq!(fresh.transmit().concat(), before);
}

#[test]
fn an_acknowledgement_never_waits_until_the_hub_takes_the_session_for_stalled() {
    const SECOND: Duration = Duration::from_secs(1);
    let mut world = World::new(Limits::default().with_stall_time_max(10 * SECOND));
    let alice = world.join("alice");
    let mut bob = world.connect_with("bob", ClientConfig::default().with_ack_delay(3_600 * SECOND));
    let _ = world.say(alice, &[send("bob", b"hello")]);
    world.carry(&mut bob);
    assert!(matches!(bob.events[..], [Event::Message { .. }]), "{:?}", bob.events);
    for passed in 1..=10 {
        world.pass(SECOND);
        bob.client.handle_timeout(world.now);
        let says = !bob.client.transmit().is_empty();
        assert_eq!(says, passed == 5, "once, after half of that time, and not earlier: {passed} s");
        world.carry(&mut bob);
    }
    assert!(world.hub.name(bob.conn).is_some(), "its session goes on");
}
