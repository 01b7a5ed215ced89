//! Memory: what peers can make a hub keep is counted, bounded for all and for each origin, and given back.

mod world;

use std::time::Duration;

use chatcore::wire::{Ack, ClientMessage, HubMessage, Join, Message, Pong, RejectCode};
use chatcore::{Audience, CloseReason, ConnId, HubEvent, Limits, Memory, Rate, Received};
use world::{World, decode_all, encode_all, goodbye, join_with_token, send, try_resume_again};

/// Bytes by which counts of buffers may be off: the smallest buffer of each of some sessions.
const NEAR: u64 = 64 << 10;

fn limits() -> Limits {
    Limits::default().with_session_rate(Rate::UNLIMITED).with_origin_rate(Rate::UNLIMITED)
}

/// A hub whose budget some sessions can fill.
fn small() -> World {
    World::new(
        limits()
            .with_body_bytes_max(10_000)
            .with_outbox_bytes_max(400_000)
            .with_origin_buffer_bytes_max(600_000)
            .with_buffer_bytes_max(1_000_000),
    )
}

#[test]
fn what_is_said_to_all_counts_while_it_is_on_its_way() {
    let mut world = World::new(limits());
    let alice = world.join("alice");
    let before = world.hub.memory().total();
    world.hub.say(world.now, &"server".parse().unwrap(), Audience::All, &vec![b'x'; 60_000]).unwrap();
    assert!(world.hub.transmit(alice).is_empty(), "she does not have it yet");
    assert!(world.hub.memory().total() >= before + 60_000, "{:?}", world.hub.memory());
    world.written(alice);
    let _ = world.say(alice, &[ClientMessage::Ack(Ack { count: 1 })]);
    assert!(world.hub.memory().total() <= before + NEAR, "{:?}", world.hub.memory());
}

/// What became of messages: accepted, rejected because there is no room, and reported not to have arrived.
#[derive(Debug, Default, PartialEq, Eq)]
struct Fates {
    accepted: usize,
    full: usize,
    reported: Vec<String>,
}

/// Sends this many messages of 10 kB.
fn fill(world: &mut World, sender: ConnId, to: &str, count: usize) -> Fates {
    let mut fates = Fates::default();
    for _ in 0..count {
        let _ = world.say(sender, &[send(to, &[b'x'; 10_000])]);
        // Twice: what ends because of the message is told after it.
        for _ in 0..2 {
            for message in decode_all(&world.written(sender)) {
                match message {
                    HubMessage::Accepted(more) => fates.accepted += usize::try_from(more.count()).unwrap(),
                    HubMessage::Rejected(rejected) if rejected.code == RejectCode::RecipientFull => fates.full += 1,
                    HubMessage::Report(report) => {
                        fates.reported.extend(report.ids.iter().map(|_| report.to.to_string()));
                    }
                    _ => {}
                }
            }
        }
    }
    fates
}

/// Sends this many messages of this many bytes, and acknowledges what becomes of them.
fn fill_and_read(world: &mut World, sender: ConnId, to: &str, (count, bytes): (usize, usize), read: &mut u64) {
    for _ in 0..count {
        let _ = world.say(sender, &[send(to, &vec![b'x'; bytes])]);
        for message in decode_all(&world.written(sender)) {
            *read += u64::from(message.kind().is_numbered());
        }
        let _ = world.say(sender, &[ClientMessage::Ack(Ack { count: *read })]);
    }
}

fn end(world: &World, name: &str) -> Option<CloseReason> {
    world.hub_events.iter().find_map(|event| match event {
        HubEvent::SessionEnded { name: ended, reason, .. } if ended.as_str() == name => Some(*reason),
        _ => None,
    })
}

#[test]
fn memory_is_counted_by_kind_and_given_back() {
    let mut world = World::new(limits());
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| world.join(name));
    let before = world.hub.memory();
    fill(&mut world, alice, "bob", 10);
    let attached = world.hub.memory();
    assert!(attached.outboxes >= before.outboxes + 100_000, "{attached:?}");
    assert_eq!((attached.detached, attached.closing, attached.partial), (0, 0, 0));

    world.hub.disconnect(world.now, bob).unwrap();
    world.drain();
    let detached = world.hub.memory();
    assert!(detached.detached >= 100_000 && detached.outboxes <= before.outboxes + NEAR, "{detached:?}");

    // The start of a frame stays with the driver, and counts.
    let frame = encode_all(&[send("alice", &[b'x'; 5_000])]);
    let mut input = &frame[..4_000];
    assert_eq!(world.hub.receive(world.now, carol, &mut input), Ok(Received::NeedInput));
    assert_eq!((input.len(), world.hub.memory().partial), (4_000, 4_000));
    let Memory { outboxes, detached, closing, partial, .. } = world.hub.memory();
    assert_eq!(world.hub.memory().total(), outboxes + detached + closing + partial);
    let mut input = &frame[..];
    assert_eq!(world.hub.receive(world.now, carol, &mut input), Ok(Received::NeedInput));
    assert_eq!(world.hub.memory().partial, 0, "the frame is whole");

    // The window runs out, and the others leave.
    world.hub.disconnect(world.now, carol).unwrap();
    world.hub.disconnect(world.now, alice).unwrap();
    for _ in 0..100 {
        world.now = world.now + Duration::from_secs(10);
        world.hub.handle_timeout(world.now);
        world.drain();
    }
    assert_eq!(world.hub.users(), 0);
    assert_eq!(world.hub.memory(), Memory::default());
}

/// A way to end a session, with its name.
type End = (&'static str, fn(&mut World, ConnId));

/// How the session of a user ends that has read only some of what it got.
const ENDS: [End; 5] = [
    ("a goodbye", |world, bob| {
        let _ = world.say(bob, &[goodbye()]);
    }),
    ("a protocol error", |world, bob| {
        let _ = world.say(bob, &[ClientMessage::Ack(Ack { count: 1_000 })]);
    }),
    ("a kick", |world, _| assert!(world.hub.kick(world.now, &"bob".parse().unwrap()))),
    ("a stall", |world, bob| {
        for _ in 0..4 {
            world.pass(world.hub.limits().stall_time_max / 4);
            if world.hub.name(bob).is_some() {
                let _ = world.say(bob, &[ClientMessage::Pong(Pong { nonce: 0 })]);
            }
        }
    }),
    ("a broken connection", |world, bob| {
        world.hub.disconnect(world.now, bob).unwrap();
        world.pass(world.hub.limits().resume_time_max);
    }),
];

#[test]
fn the_buffers_of_a_session_are_given_back_however_it_ends() {
    for (end, finish) in ENDS {
        let mut world = World::new(limits());
        let [alice, bob] = ["alice", "bob"].map(|name| world.join(name));
        for conn in [alice, bob] {
            let _ = world.say(conn, &[ClientMessage::Join(Join { room: "#r" })]);
        }
        for bytes in [10, 600, 5_000, 60_000, 20_000, 10] {
            // What is long is shared in a room, and the rest lies in buffers of several sizes.
            let body = vec![b'x'; bytes];
            let _ = world.say(alice, &[send("bob", &body), send("#r", &body)]);
            world.written(alice);
        }
        world.drain();
        world.hub.transmitted(world.now, bob, 7_000).unwrap();
        assert!(world.hub.memory().outboxes > 150_000, "{:?}", world.hub.memory());
        finish(&mut world, bob);
        assert_eq!(world.hub.users(), 1, "{end}");
        world.pass(world.hub.limits().flush_time_max);
        let _ = world.hub.disconnect(world.now, alice);
        world.pass(world.hub.limits().resume_time_max);
        assert_eq!((world.hub.users(), world.hub.memory()), (0, Memory::default()), "after {end}");
    }
}

#[test]
fn a_session_that_is_resumed_again_and_again_holds_no_more_than_before() {
    const BODIES: [usize; 5] = [100, 3_000, 10, 20_000, 600];
    // After this many rounds all comes again as it was.
    const TURN: usize = 3 * 4 * 7;
    let mut world = World::new(limits());
    let alice = world.join("alice");
    let (mut bob, token) = join_with_token(&mut world, "bob");
    let mut held = Vec::new();
    for round in 0..2 * TURN {
        for bytes in BODIES {
            let _ = world.say(alice, &[send("bob", &vec![b'x'; bytes])]);
            world.written(alice);
        }
        // Every third connection is taken over, the others break, in the middle of what is new.
        let owed = world.hub.transmit(bob).concat().len();
        world.hub.transmitted(world.now, bob, owed * (round % 7) / 7).unwrap();
        if round % 3 > 0 {
            world.hub.disconnect(world.now, bob).unwrap();
        }
        // What was sent one round ago has arrived, in part or whole.
        let received = (round * BODIES.len()).saturating_sub(round % 4) as u64;
        let attempt = round as u64 + 1;
        bob = try_resume_again(&mut world, "bob", token, Some(received), attempt).unwrap();
        world.written(bob);
        let told = (round + 1) * BODIES.len();
        let _ = world.say(alice, &[ClientMessage::Ack(Ack { count: told as u64 })]);
        world.pass(world.hub.limits().flush_time_max);
        held.push(world.hub.memory());
    }
    let most = |held: &[Memory]| held.iter().map(Memory::total).max();
    assert!(most(&held[TURN..]) <= most(&held[..TURN]), "{held:?}");
    let _ = world.say(bob, &[ClientMessage::Ack(Ack { count: (2 * TURN * BODIES.len()) as u64 })]);
    world.drain();
    assert_eq!(world.hub.memory(), Memory::default(), "nothing waits for anybody");
}

#[test]
fn a_partial_frame_of_who_breaks_is_not_counted_any_more() {
    let mut world = World::new(limits());
    let alice = world.join("alice");
    let frame = encode_all(&[send("bob", &[b'x'; 5_000])]);
    let _ = world.hub.receive(world.now, alice, &mut &frame[..4_000]);
    assert_eq!(world.hub.memory().partial, 4_000);
    world.hub.disconnect(world.now, alice).unwrap();
    assert_eq!(world.hub.memory().partial, 0);
}

#[test]
fn an_origin_over_its_share_gets_no_more_messages_and_others_do() {
    let mut world = small();
    let sender = world.join_from("sender", 9);
    for name in ["a1", "a2"] {
        world.join_from(name, 1);
    }
    world.join_from("b1", 2);
    assert_eq!(fill(&mut world, sender, "a1", 30).full, 0);
    let Fates { accepted, full, .. } = fill(&mut world, sender, "a2", 35);
    assert!(accepted > 5 && full > 5, "{accepted} accepted, {full} rejected");
    assert_eq!(fill(&mut world, sender, "b1", 5).accepted, 5, "another origin has a share of its own");
    let ended: Vec<_> =
        world.hub_events.iter().filter(|event| matches!(event, HubEvent::SessionEnded { .. })).collect();
    assert!(ended.is_empty(), "refusing is enough: {ended:?}");
}

/// The codes of what was rejected of a user's requests.
fn rejected(world: &mut World, conn: ConnId) -> Vec<RejectCode> {
    let bytes = world.written(conn);
    let code = |message| if let HubMessage::Rejected(rejected) = message { Some(rejected.code) } else { None };
    decode_all(&bytes).into_iter().filter_map(code).collect()
}

#[test]
fn who_comes_from_an_origin_over_its_share_says_nothing_that_others_have_to_keep() {
    let mut world = small();
    let sender = world.join_from("sender", 9);
    let [a1, a2] = ["a1", "a2"].map(|name| world.join_from(name, 1));
    let b1 = world.join_from("b1", 2);
    for conn in [a2, b1] {
        let _ = world.say(conn, &[ClientMessage::Join(Join { room: "#r" })]);
        world.written(conn);
    }
    let says = [send("b1", b"x"), send("#r", b"x")];
    let said = |world: &mut World, conn| {
        let _ = world.say(conn, &says);
        rejected(world, conn)
    };
    assert_eq!(said(&mut world, a2), [], "there is room");
    assert_eq!(fill(&mut world, sender, "a1", 30).full, 0);
    assert!(fill(&mut world, sender, "a2", 35).full > 0, "their share is used up");
    assert_eq!(said(&mut world, a2), [RejectCode::RecipientFull; 2], "neither a user nor a room gets it");
    assert_eq!(said(&mut world, b1), [], "another origin has a share of its own");
    // What the other session of the origin lets go of is room again.
    world.written(a1);
    let _ = world.say(a1, &[ClientMessage::Ack(Ack { count: 30 })]);
    assert_eq!(said(&mut world, a2), []);
}

#[test]
fn when_all_is_used_up_the_largest_of_the_largest_origin_ends_and_its_senders_are_told() {
    let mut world = small();
    let sender = world.join_from("sender", 9);
    for (name, origin) in [("a1", 1), ("a2", 1), ("b1", 2), ("c1", 3)] {
        world.join_from(name, origin);
    }
    let to_largest = fill(&mut world, sender, "a1", 30).accepted;
    let mut reported = fill(&mut world, sender, "a2", 11).reported;
    reported.extend(fill(&mut world, sender, "b1", 12).reported);
    assert_eq!((end(&world, "a1"), reported.len()), (None, 0), "there is room for so much");
    for _ in 0..30 {
        if end(&world, "a1").is_none() {
            reported.extend(fill(&mut world, sender, "c1", 1).reported);
        }
    }
    assert_eq!(end(&world, "a1"), Some(CloseReason::Evicted), "it holds most, of the origin that holds most");
    for name in ["a2", "b1", "c1", "sender"] {
        assert_eq!(end(&world, name), None, "{name} holds less");
    }
    assert_eq!(reported, vec!["a1"; to_largest], "each message that it has not acknowledged");
    assert!(world.hub.memory().total() <= world.hub.limits().buffer_bytes_max + NEAR, "{:?}", world.hub.memory());
    assert_eq!(fill(&mut world, sender, "b1", 1).accepted, 1, "there is room again");
}

#[test]
fn of_two_that_hold_about_as_much_the_one_ends_that_has_acknowledged_nothing_for_longer() {
    for [reader, other] in [["a1", "a2"], ["a2", "a1"]] {
        let mut world = World::new(
            small().hub.limits().clone().with_origin_buffer_bytes_max(1_000_000).with_buffer_bytes_max(1_200_000),
        );
        let sender = world.join_from("sender", 9);
        let [a1, a2] = ["a1", "a2"].map(|name| world.join_from(name, 1));
        for (name, origin) in [("b1", 2), ("c1", 3)] {
            world.join_from(name, origin);
        }
        for (to, count) in [("a1", 28), ("a2", 28), ("b1", 15)] {
            assert_eq!(fill(&mut world, sender, to, count).accepted, count);
        }
        // One of them acknowledges a little of it.
        world.now = world.now + Duration::from_secs(1);
        let conn = if reader == "a1" { a1 } else { a2 };
        world.written(conn);
        let _ = world.say(conn, &[ClientMessage::Ack(Ack { count: 1 })]);
        for _ in 0..40 {
            if [reader, other].iter().all(|name| end(&world, name).is_none()) {
                fill(&mut world, sender, "c1", 1);
            }
        }
        assert_eq!([reader, other].map(|name| end(&world, name)), [None, Some(CloseReason::Evicted)], "{other} ends");
        assert_eq!(["b1", "c1", "sender"].map(|name| end(&world, name)), [None; 3]);
    }
}

/// What it has not read is lost, and with it the numbers of the answers after that.
#[test]
fn the_final_messages_of_an_evicted_session_answer_no_message() {
    let mut world = small();
    let sender = world.join_from("sender", 9);
    let [victim, ..] = [("a1", 1), ("b1", 2), ("c1", 3), ("d1", 4)].map(|(name, origin)| world.join_from(name, origin));
    for (to, count) in [("a1", 30), ("b1", 12), ("d1", 11)] {
        fill(&mut world, sender, to, count);
    }
    let mut rounds = 0;
    while end(&world, "a1").is_none() {
        // What became of its message is still to be told when it is ended.
        let _ = world.say(victim, &[send("sender", b"hello")]);
        let _ = world.say(sender, &[send("c1", &[b'x'; 10_000])]);
        while world.hub.poll_urgent_action().is_some() || world.hub.is_behind() {}
        world.hub_events.extend(std::iter::from_fn(|| world.hub.poll_event()));
        rounds += 1;
        assert!(rounds < 100, "the memory is used up");
    }
    assert_eq!(end(&world, "a1"), Some(CloseReason::Evicted));
    let final_messages = world.hub.transmit(victim).concat();
    let final_messages = decode_all(&final_messages);
    assert!(matches!(final_messages[..], [HubMessage::Ack(_), HubMessage::Goodbye(_)]), "{final_messages:?}");
}

#[test]
fn a_room_whose_members_never_read_stays_within_the_budget_and_ends_none_that_reads() {
    let mut world = small();
    let sender = world.join_from("sender", 9);
    let reader = world.join_from("reader", 8);
    let join = ClientMessage::Join(Join { room: "#r" });
    let dead: Vec<_> = (0..20).map(|n| world.join_from(&format!("dead{n}"), 1 + n % 4)).collect();
    for conn in dead.iter().chain([&sender, &reader]) {
        let _ = world.say(*conn, std::slice::from_ref(&join));
        world.written(*conn);
    }
    let mut told = 0;
    for _ in 0..400 {
        let _ = world.say(sender, &[send("#r", &[b'x'; 1_000])]);
        world.written(sender);
        told += decode_all(&world.written(reader)).iter().filter(|message| message.kind().is_numbered()).count();
        let _ = world.say(reader, &[ClientMessage::Ack(Ack { count: 1 })]);
        let total = world.hub.memory().total();
        assert!(total <= world.hub.limits().buffer_bytes_max + NEAR, "{total}");
    }
    assert!(told > 0);
    assert_eq!(end(&world, "sender"), None);
}

/// What an ended session held is given back in slices, and counts until then.
#[test]
fn no_more_sessions_are_ended_than_the_memory_needs() {
    let mut world = small();
    let sender = world.join_from("sender", 9);
    for (name, origin) in [("a1", 1), ("a2", 1), ("a3", 1), ("b1", 2), ("c1", 3)] {
        world.join_from(name, origin);
    }
    let mut read = 0;
    let all = [("a1", 2_600, 100), ("a2", 6, 8_000), ("a3", 6, 8_000), ("b1", 35, 8_000), ("c1", 35, 8_000)];
    for (to, count, bytes) in all {
        for _ in 0..count {
            fill_and_read(&mut world, sender, to, (1, bytes), &mut read);
            if end(&world, "a1").is_some() {
                break;
            }
        }
    }
    world.drain();
    let ended = ["a1", "a2", "a3", "b1", "c1"].map(|name| end(&world, name));
    assert_eq!(ended, [Some(CloseReason::Evicted), None, None, None, None]);
}

/// They are too small to count for their origins.
#[test]
fn many_sessions_that_hold_little_are_bounded_too() {
    const BYTES_MAX: u64 = 100_000;
    let mut world = World::new(
        limits()
            .with_body_bytes_max(1)
            .with_outbox_bytes_max(8_000)
            .with_origin_buffer_bytes_max(20_000)
            .with_buffer_bytes_max(BYTES_MAX),
    );
    let sender = world.join_from("sender", 9_999);
    let mut read = 0;
    for user in 0..200 {
        let name = format!("u{user}");
        world.join_from(&name, user);
        fill_and_read(&mut world, sender, &name, (100, 1), &mut read);
        world.now = world.now + Duration::from_millis(1);
        let memory = world.hub.memory();
        assert!(memory.total() <= BYTES_MAX + 16_000, "{memory:?} after {user}");
    }
    assert_eq!(world.hub.users(), 201, "nobody is ended");
    let _ = world.say(sender, &[send("u199", b"x")]);
    let bytes = world.written(sender);
    let told = decode_all(&bytes);
    let is_full =
        |message: &HubMessage<'_>| matches!(message, HubMessage::Rejected(r) if r.code == RejectCode::RecipientFull);
    assert!(told.iter().any(is_full), "{told:?}");
}
