//! Messages from a user to a user: routed, answered and acknowledged.

mod world;

use chatcore::wire::{AcceptedRun, Ack, Deliver, HubMessage, Rejected};
use chatcore::{ClientConfig, Event, Limits, RejectCode};
use world::{World, decode_all, nth, send};

#[test]
fn a_message_reaches_its_recipient_and_its_sender_learns_it() {
    let mut world = World::new(Limits::default());
    let (alice, bob) = (world.join("Alice"), world.join("bob"));
    let _ = world.say(alice, &[send("bob", b"hello")]);
    let to_bob = world.written(bob);
    assert_eq!(decode_all(&to_bob), [HubMessage::Deliver(Deliver { id: nth(1), from: "alice", body: b"hello" })]);
    let to_alice = world.written(alice);
    let accepted = HubMessage::Accepted(AcceptedRun { number: 1, id: nth(1), more: 0 }.into());
    assert_eq!(decode_all(&to_alice), [accepted, HubMessage::Ack(Ack { count: 1 })]);
}

#[test]
fn a_batch_is_acknowledged_once() {
    let mut world = World::new(Limits::default());
    let (alice, bob) = (world.join("alice"), world.join("bob"));
    for _ in 0..10 {
        let _ = world.say(alice, &[send("bob", b"x"), send("bob", b"y")]);
    }
    let to_alice = world.written(alice);
    let acks: Vec<_> =
        decode_all(&to_alice).into_iter().filter(|message| matches!(message, HubMessage::Ack(_))).collect();
    assert_eq!(acks, [HubMessage::Ack(Ack { count: 20 })]);
    assert_eq!(decode_all(&world.written(bob)).len(), 20);
}

#[test]
fn a_message_to_oneself_is_delivered_like_any_other_in_any_case_of_the_name() {
    let mut world = World::new(Limits::default());
    let alice = world.join("alice");
    let _ = world.say(alice, &[send("alice", b"1"), send("ALICE", b"2")]);
    let to_alice = world.written(alice);
    assert_eq!(
        decode_all(&to_alice),
        [
            HubMessage::Deliver(Deliver { id: nth(1), from: "alice", body: b"1" }),
            HubMessage::Deliver(Deliver { id: nth(2), from: "alice", body: b"2" }),
            HubMessage::Accepted(AcceptedRun { number: 1, id: nth(1), more: 1 }.into()),
            HubMessage::Ack(Ack { count: 2 }),
        ]
    );
}

#[test]
fn a_message_to_nobody_is_rejected_and_the_connection_goes_on() {
    let mut world = World::new(Limits::default());
    let alice = world.join("alice");
    let long = "x".repeat(5_000);
    for (number, nobody) in (1..).zip(["carol", "", "a b", "\u{202e}", &long]) {
        let _ = world.say(alice, &[send(nobody, b"hello")]);
        let to_alice = world.written(alice);
        let rejected = HubMessage::Rejected(Rejected { number, code: RejectCode::NoSuchUser });
        assert_eq!(decode_all(&to_alice), [rejected, HubMessage::Ack(Ack { count: number })]);
    }
    assert_eq!(world.hub.users(), 1);
}

#[test]
fn a_body_over_the_limit_is_rejected() {
    let mut world = World::new(Limits::default().with_body_bytes_max(4));
    let alice = world.join("alice");
    let _ = world.say(alice, &[send("alice", b"12345")]);
    let to_alice = world.written(alice);
    let rejected = HubMessage::Rejected(Rejected { number: 1, code: RejectCode::BodyTooLong });
    assert_eq!(decode_all(&to_alice)[0], rejected);
    let _ = world.say(alice, &[send("alice", b"1234")]);
    assert!(matches!(decode_all(&world.written(alice))[0], HubMessage::Deliver(_)));
}

#[test]
fn real_clients_chat_and_settle() {
    let mut world = World::new(Limits::default());
    let (mut alice, mut bob) = (world.connect("alice"), world.connect("bob"));
    let numbers: Vec<u64> =
        (0..100).map(|i: u32| alice.client.send(world.now, "bob", &i.to_le_bytes()).unwrap()).collect();
    world.carry(&mut alice);
    world.carry(&mut bob);
    let bodies: Vec<u32> = bob
        .events
        .iter()
        .map(|event| match event {
            Event::Message { from, body, .. } => {
                assert_eq!(from.as_str(), "alice");
                u32::from_le_bytes(body[..].try_into().unwrap())
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(bodies, (0..100).collect::<Vec<_>>());
    let accepted: Vec<u64> = alice
        .events
        .iter()
        .map(|event| match event {
            Event::Accepted { number, .. } => *number,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(accepted, numbers);
    // What is received is acknowledged within the delay, and then nobody keeps anything.
    world.now = world.now + ClientConfig::default().ack_delay;
    for user in [&mut alice, &mut bob] {
        user.client.handle_timeout(world.now);
        world.carry(user);
        assert!(user.client.is_drained());
        assert!(user.client.poll_timeout() > Some(world.now), "nothing is due");
    }
}
