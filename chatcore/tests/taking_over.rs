//! A session that the program gives to another client of its user: what the new client gets, what the old one is told,
//! and what is left of it.

mod world;

use std::time::Duration;

use chatcore::wire::{Ack, ClientMessage, HubMessage, Join, Leave, Message};
use chatcore::{Admission, ClientConfig, CloseReason, Closed, Event, GoodbyeCode, Limits, Received, Refusal};
use serde_json::json;
use world::{User, World, bodies, carry_all, decode_all, encode_all, events, registration, send};

/// A client that takes over a session of a user.
fn take_over(world: &mut World, name: &str) -> User {
    world.connect_as(name, ClientConfig::default(), Admission::TakeOver)
}

fn joined(room: &str, name: &str) -> Event {
    let event = json!({"joined": {"room": room, "name": name, "display_name": null}});
    serde_json::from_value(event).expect("there is such an event")
}

#[test]
fn a_session_that_is_taken_over_keeps_its_rooms_and_its_queue() {
    let mut world = World::new(Limits::default());
    let (mut old, mut bob) = (world.connect("alice"), world.connect("bob"));
    for user in [&mut old, &mut bob] {
        user.client.join(world.now, "#lobby").unwrap();
        world.carry(user);
    }
    old.client.watch(world.now, &["bob"]).unwrap();
    carry_all(&mut world, [&mut old, &mut bob]);
    // What comes now, the old client does not take.
    old.client.who(world.now, 0).unwrap();
    let asked = old.client.transmit().concat();
    old.client.transmitted(world.now, asked.len());
    let _ = world.put(old.conn, &asked);
    for body in [&b"one"[..], b"two"] {
        bob.client.send(world.now, "alice", body).unwrap();
    }
    bob.client.send(world.now, "#lobby", b"three").unwrap();
    world.carry(&mut bob);
    events(&mut bob);
    let mut new = take_over(&mut world, "alice");
    let told = events(&mut new);
    assert_eq!(told[0], joined("#lobby", "alice"), "{told:?}");
    assert!(told[1..].iter().all(|event| matches!(event, Event::Message { .. })), "no answer: {told:?}");
    new.events = told;
    assert_eq!(bodies(&mut new), ["one", "two", "three"]);
    world.carry_closed(&mut old);
    let closed = events(&mut old).pop();
    let is_taken_over =
        |event: &Event| matches!(event, Event::Closed(Closed::Goodbye { code: GoodbyeCode::TakenOver, .. }));
    assert!(closed.is_some_and(|event| is_taken_over(&event)));
    assert_eq!(world.closed(old.conn), Some(CloseReason::TakenOver));
    assert_eq!((world.hub.users(), world.hub.sessions()), (2, 2));
    // It goes on: requests are counted anew, and bob was told nothing.
    new.client.send(world.now, "#lobby", b"four").unwrap();
    carry_all(&mut world, [&mut new, &mut bob]);
    assert!(matches!(events(&mut new)[..], [Event::Accepted { number: 1, .. }]));
    let told = events(&mut bob);
    assert!(matches!(&told[..], [Event::Message { .. }]), "{told:?}");
    // It watches nobody.
    bob.client.close(world.now);
    world.carry_closed(&mut bob);
    world.pass(Duration::from_secs(5));
    world.carry(&mut new);
    assert!(!events(&mut new).iter().any(|event| matches!(event, Event::Presence { .. })));
}

#[test]
fn the_session_that_was_left_for_the_longest_time_is_taken_over() {
    let mut world = World::new(Limits::default());
    let (mut phone, mut bob) = (world.connect("alice"), world.connect("bob"));
    let mut laptop = world.connect_as("alice", ClientConfig::default(), Admission::AnotherSession);
    world.cut(&mut laptop);
    bob.client.send(world.now, "alice", b"hello").unwrap();
    carry_all(&mut world, [&mut bob, &mut phone]);
    let mut new = take_over(&mut world, "alice");
    assert_eq!(bodies(&mut new), ["hello"]);
    assert_eq!(bodies(&mut phone), ["hello"]);
    assert!(world.hub.name(phone.conn).is_some(), "it stays where it is");
    // The old token is nobody's.
    assert!(matches!(world.reconnect(&mut laptop), Err(Refusal::SessionOver)));
    assert_eq!(world.hub.sessions(), 3);
}

#[test]
fn a_client_that_takes_a_session_over_is_told_the_rooms_as_they_are_and_no_old_news() {
    let mut world = World::new(Limits::default());
    // The telephone reads nothing of all this.
    let phone = world.join("alice");
    let mut laptop = world.connect_as("alice", ClientConfig::default(), Admission::AnotherSession);
    let mut bob = world.connect("bob");
    let join = |room| ClientMessage::Join(Join { room });
    let leave = |room| ClientMessage::Leave(Leave { room });
    laptop.client.join(world.now, "#left").unwrap();
    world.carry(&mut laptop);
    let _ = world.say(phone, &[leave("#left"), join("#again")]);
    bob.client.join(world.now, "#again").unwrap();
    world.carry(&mut bob);
    laptop.client.leave(world.now, "#again").unwrap();
    world.carry(&mut laptop);
    bob.client.leave(world.now, "#again").unwrap();
    world.carry(&mut bob);
    let _ = world.say(phone, &[join("#again")]);
    let mut new = take_over(&mut world, "alice");
    assert_eq!(events(&mut new), [joined("#again", "alice")], "bob is not in it, and she is not in the other one");
}

#[test]
fn what_was_said_in_a_room_that_was_left_since_comes_again() {
    let mut world = World::new(Limits::default());
    let (phone, mut bob) = (world.join("alice"), world.connect("bob"));
    let _ = world.say(phone, &[ClientMessage::Join(Join { room: "#lobby" })]);
    bob.client.join(world.now, "#lobby").unwrap();
    bob.client.send(world.now, "#lobby", b"hello").unwrap();
    world.carry(&mut bob);
    let _ = world.say(phone, &[ClientMessage::Leave(Leave { room: "#lobby" })]);
    let mut new = take_over(&mut world, "alice");
    assert_eq!(bodies(&mut new), ["hello"]);
}

#[test]
fn half_a_frame_of_the_client_before_is_nobody_s() {
    let mut world = World::new(Limits::default());
    let alice = world.join("alice");
    let bytes = encode_all(&[send("bob", &[b'.'; 1_000])]);
    let mut input = &bytes[..500];
    assert_eq!(world.hub.receive(world.now, alice, &mut input), Ok(Received::NeedInput));
    assert_eq!((input.len(), world.hub.memory().partial), (500, 500));
    let asked = registration(world.now, world.hub.limits(), "alice");
    world.hub.admit_as(world.now, asked, Admission::TakeOver).expect("the program vouches for it");
    assert_eq!(world.hub.memory().partial, 0);
}

#[test]
fn what_the_client_before_was_not_told_that_it_missed_the_next_one_is_told() {
    let limits = Limits::default().with_body_bytes_max(1 << 10).with_outbox_bytes_max(16 << 10);
    let mut world = World::new(limits);
    let (slow, mut bob) = (world.join("slow"), world.connect("bob"));
    let _ = world.say(slow, &[ClientMessage::Join(Join { room: "#lobby" })]);
    bob.client.join(world.now, "#lobby").unwrap();
    for _ in 0..20 {
        bob.client.send(world.now, "#lobby", &[b'x'; 1 << 10]).unwrap();
        world.carry(&mut bob);
    }
    // It acknowledges what its outbox had room for, and reads no more.
    let bytes = world.written(slow);
    let messages = decode_all(&bytes);
    let heard = messages.iter().filter(|message| matches!(message, HubMessage::RoomDeliver(_))).count();
    let numbered = messages.iter().filter(|message| message.kind().is_numbered()).count();
    let _ = world.say(slow, &[ClientMessage::Ack(Ack { count: numbered as u64 })]);
    let mut new = take_over(&mut world, "slow");
    let told = events(&mut new);
    let [own, Event::Missed { count, .. }] = &told[..] else { panic!("{told:?}") };
    assert_eq!((own, *count), (&joined("#lobby", "slow"), 20 - heard as u64));
}

#[test]
fn what_a_client_has_acknowledged_by_itself_does_not_come_again() {
    // A client acknowledges at once what would fill a sixteenth of its outbox, and otherwise waits for something to
    // say.
    let limits = Limits::default().with_body_bytes_max(1_000).with_outbox_bytes_max(6_000);
    for (bytes, comes_again) in [(100, true), (400, false)] {
        let mut world = World::new(limits.clone());
        let (mut old, mut bob) = (world.connect("alice"), world.connect("bob"));
        bob.client.send(world.now, "alice", &vec![b'x'; bytes]).unwrap();
        carry_all(&mut world, [&mut bob, &mut old]);
        assert_eq!(bodies(&mut old).len(), 1);
        let mut new = take_over(&mut world, "alice");
        assert_eq!(bodies(&mut new).len(), usize::from(comes_again), "{bytes} bytes");
    }
}
