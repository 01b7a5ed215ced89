//! What senders are told of messages whose recipient's session ended.

mod world;

use std::time::Duration;

use chatcore::wire::{Ack, ClientMessage};
use chatcore::{DeliveryStatus, Event, Limits};
use world::{World, join_with_token, try_resume};

/// How long a session waits for another connection.
const WINDOW: Duration = Duration::from_secs(15);

#[test]
fn what_went_out_once_is_never_said_to_be_undelivered() {
    let limits = Limits::default().with_resume_time_max(WINDOW);
    let mut world = World::new(limits);
    let mut alice = world.connect("alice");
    let (bob, token) = join_with_token(&mut world, "bob");
    alice.client.send(world.now, "bob", b"whole").unwrap();
    alice.client.send(world.now, "bob", b"half, and its rest goes out with the farewell").unwrap();
    alice.client.send(world.now, "bob", b"never").unwrap();
    world.carry(&mut alice);
    alice.events.clear();
    world.drain();
    let bytes = world.hub.transmit(bob).concat().len();
    world.hub.transmitted(world.now, bob, bytes * 3 / 4).unwrap();
    // The session moves to another connection, to which nothing is written before it ends.
    let second = try_resume(&mut world, "bob", token, Some(0)).unwrap();
    world.written(bob);
    world.hub.disconnect(world.now, second).unwrap();
    world.pass(WINDOW);
    world.carry(&mut alice);
    let statuses: Vec<_> = alice
        .events
        .iter()
        .map(|event| match event {
            Event::Report { status, ids, .. } => (*status, ids.len()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(statuses, [(DeliveryStatus::Undelivered, 1), (DeliveryStatus::Unconfirmed, 2)]);
}

#[test]
fn the_senders_are_told_what_became_of_what_was_not_acknowledged() {
    let mut world = World::new(Limits::default().with_resume_time_max(WINDOW));
    let (mut alice, bob) = (world.connect("alice"), world.join("bob"));
    for body in [b"1", b"2", b"3"] {
        alice.client.send(world.now, "bob", body).unwrap();
        world.carry(&mut alice);
        if body == b"2" {
            // The first two go out: the first is acknowledged, the second may have been read.
            world.written(bob);
            let _ = world.say(bob, &[ClientMessage::Ack(Ack { count: 1 })]);
        }
    }
    let ids: Vec<_> = alice
        .events
        .drain(..)
        .map(|event| match event {
            Event::Accepted { id, .. } => id,
            other => panic!("{other:?}"),
        })
        .collect();
    world.hub.disconnect(world.now, bob).unwrap();
    world.pass(WINDOW);
    world.carry(&mut alice);
    let reports: Vec<_> = alice
        .events
        .iter()
        .map(|event| match event {
            Event::Report { status, to, ids, .. } if to.as_str() == "bob" => (*status, &ids[..]),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(reports, [(DeliveryStatus::Undelivered, &ids[2..3]), (DeliveryStatus::Unconfirmed, &ids[1..2])]);
}

#[test]
fn a_report_goes_to_the_session_that_sent_and_not_to_a_later_session_of_its_name() {
    let mut world = World::new(Limits::default().with_resume_time_max(WINDOW));
    let (mut alice, mut bob) = (world.connect("alice"), world.connect("bob"));
    alice.client.send(world.now, "bob", b"1").unwrap();
    world.carry(&mut alice);
    alice.client.close(world.now);
    world.carry_closed(&mut alice);
    let mut later = world.connect("alice");
    world.cut(&mut bob);
    world.pass(WINDOW);
    world.carry(&mut later);
    assert_eq!(later.events, []);
}

#[test]
fn a_session_that_waits_when_the_hub_stops_has_its_senders_told() {
    let mut world = World::new(Limits::default());
    let (mut alice, mut bob) = (world.connect("alice"), world.connect("bob"));
    world.cut(&mut bob);
    alice.client.send(world.now, "bob", b"1").unwrap();
    world.carry(&mut alice);
    world.hub.shut_down(world.now, None);
    world.carry_closed(&mut alice);
    assert!(matches!(
        &alice.events[..],
        [Event::Accepted { .. }, Event::Report { status: DeliveryStatus::Undelivered, .. }, Event::Reconnecting { .. }]
    ));
    assert_eq!(world.hub.users(), 0);
}
