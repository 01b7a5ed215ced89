//! Bounds: no call does more than so much, whoever asks for it, and who asks for more than its share waits.

mod world;

use std::time::Duration;

use chatcore::wire::{
    ClientMessage, HubMessage, Join, Kind, Members, Message, Online, Ping, Roster, Unwatch, Watch, Who,
};
use chatcore::{Action, ConnId, Hub, Limits, Rate, Received, RejectCode};
use world::{World, decode_all, encode_all, goodbye, send};

/// Units that one call begins with, and a generous bound for the longest step beyond that.
const CALL_COST_MAX: u32 = 4_096 + 4_096;

/// Sessions that one slice ends, at the most.
const ENDED_IN_SLICE_MAX: usize = 1_100;

const PING: ClientMessage<'_> = ClientMessage::Ping(Ping { nonce: 1 });

/// Limits without rates, so that only the bounds of each call act.
fn unpaced() -> Limits {
    Limits::default().with_session_rate(Rate::UNLIMITED).with_origin_rate(Rate::UNLIMITED)
}

/// Gives the hub all of an input, and looks at the hub after each call. Returns how many calls that took.
fn put_all(world: &mut World, conn: ConnId, mut input: &[u8], mut check: impl FnMut(&Hub)) -> usize {
    for calls in 1.. {
        let received = world.hub.receive(world.now, conn, &mut input).unwrap();
        assert!(world.hub.last_cost() <= CALL_COST_MAX || world.hub.is_behind(), "{}", world.hub.last_cost());
        check(&world.hub);
        match received {
            Received::More => {}
            Received::NeedInput => {
                assert_eq!(input, b"", "whole frames are used up");
                return calls;
            }
            other => panic!("{other:?}"),
        }
        assert!(calls < 100_000, "the hub comes to an end");
    }
    unreachable!("the loop returns")
}

/// Lets the hub do what it does by itself, slice by slice. Returns how many slices that took.
fn finish(world: &mut World) -> usize {
    for slices in 0..100_000 {
        world.drain();
        if world.hub.poll_timeout().is_none_or(|due| due > world.now) {
            return slices;
        }
        world.hub.handle_timeout(world.now);
    }
    panic!("the hub is never done");
}

fn kept(hub: &Hub, conns: &[ConnId]) -> usize {
    conns.iter().map(|conn| hub.transmit(*conn).bytes()).sum()
}

/// Two who have nothing to do with anything: what one says reaches the other at once.
fn assert_served(world: &mut World, [alice, bob]: [ConnId; 2]) {
    let before = kept(&world.hub, &[bob]);
    assert_eq!(world.say(alice, &[send("bob", b"hello")]), Received::NeedInput);
    assert!(kept(&world.hub, &[bob]) > before, "it is in the outbox");
}

#[test]
fn a_room_flood_between_pings_takes_many_bounded_calls_and_little_memory() {
    const MEMBERS: usize = 2_000;
    let mut world = World::new(unpaced());
    let members: Vec<_> = (0..MEMBERS).map(|n| world.join(&format!("u{n}"))).collect();
    for conn in &members {
        put_all(&mut world, *conn, &encode_all(&[ClientMessage::Join(Join { room: "#r" })]), |_| {});
        finish(&mut world);
    }
    let pair = encode_all(&[send("#r", b"x"), PING]);
    let pairs = (512 << 10) / pair.len();
    let before = world.hub.memory().total();
    let mut most = before;
    let calls = put_all(&mut world, members[0], &pair.repeat(pairs), |hub| {
        let now = hub.memory().total();
        assert!(now.saturating_sub(most) <= 8 << 20, "one call takes {} bytes more", now - most);
        most = most.max(now);
    });
    finish(&mut world);
    most = most.max(world.hub.memory().total());
    assert!(calls > 2, "more than one call does");
    assert!(most - before <= 64 << 20, "{} bytes are kept for 512 KiB", most - before);
    assert_eq!(world.hub.users(), MEMBERS, "nobody's session ends");
}

#[test]
fn a_list_that_was_once_long_is_paged_and_paid_for() {
    let mut world = World::new(unpaced().with_resume_time_max(Duration::ZERO));
    let alice = world.join("alice");
    let others: Vec<_> = (0..5_000).map(|n| world.join(&format!("u{n}"))).collect();
    world.join("zoe");
    for conn in others {
        world.hub.disconnect(world.now, conn).unwrap();
        world.drain();
    }
    let (mut cursor, mut names, mut pages) = (Some(0), Vec::new(), 0);
    while let Some(next) = cursor {
        let _ = world.say(alice, &[ClientMessage::Who(Who { cursor: next })]);
        assert!(world.hub.last_cost() <= 1 + 500 + 64 + 2, "{}", world.hub.last_cost());
        let written = world.written(alice);
        let online = decode_all(&written).into_iter().find_map(|message| match message {
            HubMessage::Online(Online { users, next, .. }) => {
                Some((users.iter().map(|user| user.name.to_string()).collect::<Vec<_>>(), next))
            }
            _ => None,
        });
        let (more, next) = online.expect("a listing is answered");
        names.extend(more);
        (cursor, pages) = (next, pages + 1);
        assert!(pages < 50);
    }
    names.sort_unstable();
    assert_eq!(names, ["alice", "zoe"]);
    assert!(pages > 1, "no page looks at everything");
    // Each page that looks at 1 024 slots costs 64 units, and so no call answers many.
    let who = encode_all(&[ClientMessage::Who(Who { cursor: 0 })]);
    let input = who.repeat(1_000);
    let mut rest = &input[..];
    assert_eq!(world.hub.receive(world.now, alice, &mut rest), Ok(Received::More));
    assert!((input.len() - rest.len()) / who.len() <= 4_096 / 64 + 1);
}

/// What a list, a presence or a message of a room costs follows from what was put in, and not from how much memory a
/// standard library takes for that.
#[test]
fn a_list_ends_with_its_last_name() {
    let mut world = World::new(unpaced().with_body_bytes_max(16).with_announced_members_max(0));
    let enter = |world: &mut World, name: &str| {
        let conn = world.join(name);
        let _ = world.say(conn, &[ClientMessage::Join(Join { room: "#lobby" })]);
        world.written(conn);
        conn
    };
    let alice = enter(&mut world, "alice");
    let lists = [ClientMessage::Who(Who { cursor: 0 }), ClientMessage::Roster(Roster { room: "#lobby", cursor: 0 })];
    // Every number of names that fits one page, and one more.
    for names in 1.. {
        let pages = lists.each_ref().map(|list| {
            let _ = world.say(alice, std::slice::from_ref(list));
            let cost = world.hub.last_cost() as usize;
            match decode_all(&world.written(alice))[..] {
                [
                    HubMessage::Online(Online { ref users, next, .. })
                    | HubMessage::Members(Members { ref users, next, .. }),
                    ..,
                ] => (users.len(), next, cost),
                ref other => panic!("{other:?}"),
            }
        });
        if pages[0].0 < names {
            assert!(names > 10);
            let last = names as u64 - 1;
            assert!(pages.iter().all(|(listed, next, _)| (*listed, *next) == (names - 1, Some(last))), "{pages:?}");
            break;
        }
        let cost = 1 + names + names / 16;
        // The name of the room is found as it is written.
        assert_eq!(pages, [(names, None, cost), (names, None, cost)]);
        enter(&mut world, &format!("user{names}"));
    }
}

#[test]
fn a_fan_out_ends_with_its_last_member() {
    // Eleven slices and most of a twelfth. A table that doubles has room for 2 106 more.
    const MEMBERS: usize = 6_086;
    const SLICE_WORK_MAX: usize = 512;
    let mut world = World::new(unpaced().with_announced_members_max(0).with_presence_time_min(Duration::ZERO));
    let (alice, bob) = (world.join("alice"), world.join("bob"));
    for number in 0..MEMBERS {
        let conn = world.join(&format!("user{number}"));
        let enter = [ClientMessage::Join(Join { room: "#lobby" }), ClientMessage::Watch(Watch { names: vec!["bob"] })];
        let _ = world.say(conn, &enter);
        world.written(conn);
    }
    let slices = |world: &mut World| {
        let mut slices = 0;
        while world.hub.is_behind() {
            world.hub.handle_timeout(world.now);
            slices += 1;
        }
        world.drain();
        slices
    };
    assert_eq!(slices(&mut world), 0);
    let _ = world.say(bob, &[goodbye()]);
    assert_eq!(slices(&mut world), MEMBERS.div_ceil(SLICE_WORK_MAX), "watchers");
    let _ = world.say(alice, &[ClientMessage::Join(Join { room: "#lobby" }), send("#lobby", b"hello")]);
    assert_eq!(slices(&mut world), (MEMBERS + 1).div_ceil(SLICE_WORK_MAX), "members");
}

#[test]
fn a_list_over_its_limit_is_rejected_before_it_is_decoded() {
    let mut world = World::new(unpaced().with_watches_max(200));
    let alice = world.join("alice");
    let names: Vec<_> = (0..201).map(|n| format!("name{n}")).collect();
    let mut bytes =
        encode_all(&[ClientMessage::Unwatch(Unwatch { names: names.iter().map(String::as_str).collect() })]);
    // No text: to decode it is a protocol error.
    *bytes.last_mut().unwrap() = 0xff;
    assert_eq!(world.put(alice, &bytes), Received::NeedInput);
    let written = world.written(alice);
    let rejected = decode_all(&written).into_iter().any(
        |message| matches!(message, HubMessage::Rejected(rejected) if rejected.code == RejectCode::TooManyWatches),
    );
    assert!(rejected);
}

#[test]
fn a_list_of_costly_names_takes_several_calls_and_gets_the_right_answer() {
    let mut world = World::new(unpaced());
    let alice = world.join("alice");
    let _ = world.say(alice, &[ClientMessage::Watch(Watch { names: vec!["bob"] })]);
    world.written(alice);
    let costly = "\u{660}".repeat(64);
    let mut names = vec![costly.as_str(); 200];
    names.push("bob");
    let calls = put_all(&mut world, alice, &encode_all(&[ClientMessage::Unwatch(Unwatch { names })]), |_| {});
    assert!(calls >= 200 * 128 * 4 / CALL_COST_MAX as usize, "{calls} calls");
    assert!(matches!(decode_all(&world.written(alice))[..], [HubMessage::Done(_), ..]));
    world.join("bob");
    assert_eq!(world.written(alice), b"", "the last name of the list is watched no more");
}

#[test]
fn thousands_that_stall_at_once_end_in_slices_and_others_are_served_between() {
    const STALLED: usize = 3_000;
    let mut world =
        World::new(unpaced().with_idle_time_max(Duration::from_secs(600)).with_resume_time_max(Duration::ZERO));
    let pair = [world.join("alice"), world.join("bob")];
    let sender = world.join("sender");
    for n in 0..STALLED {
        let conn = world.join(&format!("u{n}"));
        let _ = world.say(sender, &[send(&format!("u{n}"), b"unread")]);
        world.written(conn);
    }
    world.written(sender);
    world.now = world.now + world.hub.limits().stall_time_max + Duration::from_millis(1);
    let (mut before, mut slices) = (world.hub.users(), 0);
    while world.hub.users() > 3 {
        world.hub.handle_timeout(world.now);
        let after = world.hub.users();
        assert!(before - after <= 2 * ENDED_IN_SLICE_MAX, "{} end in one slice", before - after);
        (before, slices) = (after, slices + 1);
        assert!(slices < 1_000, "{after} are left");
        assert_served(&mut world, pair);
    }
    assert!(slices > 1, "not all in one");
}

#[test]
fn thousands_of_detached_sessions_expire_in_slices() {
    const DETACHED: usize = 5_000;
    let limits = unpaced().with_detached_of_origin_max(10_000).with_idle_time_max(Duration::from_secs(600));
    let mut world = World::new(limits);
    let pair = [world.join("alice"), world.join("bob")];
    for n in 0..DETACHED {
        let conn = world.join(&format!("u{n}"));
        world.hub.disconnect(world.now, conn).unwrap();
        world.drain();
    }
    assert_eq!(world.hub.users(), DETACHED + 2);
    world.now = world.now + world.hub.limits().resume_time_max + Duration::from_millis(1);
    let (mut before, mut slices) = (world.hub.users(), 0);
    while world.hub.users() > 2 {
        world.hub.handle_timeout(world.now);
        let after = world.hub.users();
        assert!(before - after <= ENDED_IN_SLICE_MAX, "{} end in one slice", before - after);
        (before, slices) = (after, slices + 1);
        assert!(slices < 1_000, "{after} are left");
        assert_served(&mut world, pair);
    }
    assert!(slices >= DETACHED / ENDED_IN_SLICE_MAX);
}

#[test]
fn a_hub_with_thousands_shuts_down_in_slices() {
    let mut world = World::new(unpaced());
    for n in 0..5_000 {
        world.join(&format!("u{n}"));
    }
    let mut before = world.hub.users();
    world.hub.shut_down(world.now, None);
    let mut slices = 0;
    while world.hub.users() > 0 {
        let after = world.hub.users();
        assert!(before - after <= ENDED_IN_SLICE_MAX, "{} end in one slice", before - after);
        assert!(world.hub.poll_timeout().is_some_and(|due| due <= world.now), "there is more to do");
        before = after;
        world.hub.handle_timeout(world.now);
        slices += 1;
        assert!(slices < 1_000);
    }
    assert!(slices > 1);
}

#[test]
fn a_member_that_is_kicked_while_its_room_is_served_takes_nobody_along() {
    let mut world = World::new(unpaced());
    let members: Vec<_> = (0..3_000).map(|n| world.join(&format!("u{n}"))).collect();
    for conn in &members {
        let _ = world.say(*conn, &[ClientMessage::Join(Join { room: "#r" })]);
        finish(&mut world);
    }
    for conn in &members {
        world.written(*conn);
    }
    let _ = world.say(members[0], &[send("#r", b"x")]);
    assert!(world.hub.is_behind());
    // One that has it already, perhaps, and one that has not, and the sender itself.
    for name in ["u1", "u2999", "u0"] {
        assert!(world.hub.kick(world.now, &name.parse().unwrap()));
    }
    finish(&mut world);
    for conn in &members[2..2_999] {
        let written = world.hub.transmit(*conn).concat();
        assert!(matches!(decode_all(&written)[..], [HubMessage::RoomDeliver(_)]), "each gets it once");
    }
}

#[test]
fn a_message_waits_for_the_rooms_of_its_recipient_and_for_no_others() {
    let mut world = World::new(unpaced());
    let members: Vec<_> = (0..5_000).map(|n| world.join(&format!("u{n}"))).collect();
    let [alice, bob] = ["alice", "bob"].map(|name| world.join(name));
    let others = [0, 1, 2, 3, 4, 5, 6].map(|n| world.join(&format!("other{n}")));
    for conn in members.iter().chain([&bob]) {
        let _ = world.say(*conn, &[ClientMessage::Join(Join { room: "#r" })]);
        finish(&mut world);
    }
    for conn in members.iter().chain([&bob]) {
        world.written(*conn);
    }
    let _ = world.say(members[0], &[send("#r", b"first")]);
    // The others are in no room, and get theirs before the members do.
    for n in 0..others.len() {
        assert_eq!(world.say(alice, &[send(&format!("other{n}"), b"hello")]), Received::NeedInput);
    }
    let mut writes: Vec<_> = others.map(|conn| Action::Write { conn }).into();
    while !writes.is_empty() {
        let action = world.hub.poll_action().expect("each is written to");
        writes.retain(|write| *write != action);
    }
    let served = members.iter().filter(|member| kept(&world.hub, &[**member]) > 0).count();
    assert!(served <= 600, "one slice of the fan-out, and not one for each write: {served}");
    // Bob gets his after what was said in the room.
    let bytes = encode_all(&[send("bob", b"second")]);
    let mut input = &bytes[..];
    assert_eq!(world.hub.receive(world.now, alice, &mut input).unwrap(), Received::More);
    assert_eq!((input, kept(&world.hub, &[bob])), (&bytes[..], 0), "it waits");
    finish(&mut world);
    assert_eq!(world.hub.receive(world.now, alice, &mut input).unwrap(), Received::NeedInput);
    let kinds: Vec<_> = decode_all(&world.written(bob)).iter().map(Message::kind).collect();
    assert_eq!(kinds, [Kind::ROOM_DELIVER, Kind::DELIVER]);
}

#[test]
fn many_that_are_closed_at_once_let_others_have_their_turn() {
    let mut world = World::new(unpaced());
    let [alice, bob] = ["alice", "bob"].map(|name| world.join(name));
    for n in 0..100 {
        let name = format!("u{n}");
        world.join(&name);
        assert!(world.hub.kick(world.now, &name.parse().unwrap()));
    }
    world.drain();
    world.now = world.now + world.hub.limits().flush_time_max;
    world.hub.handle_timeout(world.now);
    assert_eq!(world.say(alice, &[send("bob", b"hello")]), Received::NeedInput);
    let actions: Vec<_> = std::iter::from_fn(|| world.hub.poll_action()).collect();
    let place = actions.iter().position(|action| *action == Action::Write { conn: bob });
    assert!(place.is_some_and(|place| place < 4), "{actions:?}");
    assert_eq!(actions.iter().filter(|action| matches!(action, Action::Close { .. })).count(), 100);
}

/// Frames that a peer need not acknowledge lie between those that it must: they cost whoever goes through them.
#[test]
fn pongs_that_pile_up_are_let_go_of_in_slices() {
    const PONG_BYTES: u64 = 6;
    let with_pongs = || {
        let mut world = World::new(unpaced());
        let (alice, bob) = (world.join("alice"), world.join("bob"));
        let _ = world.say(alice, &[send("bob", b"x")]);
        world.written(bob);
        let pings = encode_all(&[PING]).repeat(4_000);
        for _ in 0..50 {
            put_all(&mut world, bob, &pings, |_| {});
            world.written(bob);
        }
        (world, bob)
    };
    let (mut world, bob) = with_pongs();
    let before = world.hub.memory().outboxes;
    let ack = encode_all(&[ClientMessage::Ack(chatcore::wire::Ack { count: 1 })]);
    assert_eq!(put_all(&mut world, bob, &ack, |_| {}), 1);
    let after = world.hub.memory().outboxes;
    assert!(after + 2_000 * PONG_BYTES > before, "one call lets go of few: {before} and {after} bytes");
    for _ in 0..1_000 {
        put_all(&mut world, bob, &encode_all(&[PING]), |_| {});
        world.written(bob);
    }
    assert!(world.hub.memory().outboxes < 10_000, "all go in time: {:?}", world.hub.memory());

    let (mut world, bob) = with_pongs();
    let _ = world.hub.receive(world.now, bob, &mut &encode_all(&[goodbye()])[..]);
    world.hub.disconnect(world.now, bob).unwrap();
    let mut calls = 0;
    while world.hub.memory().closing > 0 {
        world.hub.poll_action();
        calls += 1;
    }
    assert!(calls > 10, "the reports of 200 000 frames are one call's work: {calls}");
}

#[test]
fn the_end_of_sessions_is_as_much_work_as_what_they_have_not_read() {
    const FRAMES: usize = 500;
    let mut world = World::new(unpaced().with_detached_of_origin_max(10_000).with_announced_members_max(0));
    let sender = world.join("sender");
    let join = ClientMessage::Join(Join { room: "#r" });
    let _ = world.say(sender, std::slice::from_ref(&join));
    for member in 0..300 {
        let conn = world.join(&format!("u{member}"));
        let _ = world.say(conn, std::slice::from_ref(&join));
        world.written(conn);
        let _ = world.say(conn, &[ClientMessage::Ack(chatcore::wire::Ack { count: 1 })]);
        world.hub.disconnect(world.now, conn).unwrap();
        world.drain();
    }
    put_all(&mut world, sender, &encode_all(&[send("#r", b"hello")]).repeat(FRAMES), |_| {});
    world.drain();
    world.written(sender);
    world.now = world.now + world.hub.limits().resume_time_max;
    let mut slices = 0;
    while world.hub.is_behind() || world.hub.users() > 1 {
        world.hub.handle_timeout(world.now);
        slices += 1;
    }
    assert!(slices >= 300 * FRAMES / 16 / 512, "300 times {FRAMES} frames are gone through in {slices} slices");
}

#[test]
fn a_long_message_that_outboxes_copy_is_charged_as_copied() {
    const BODY_BYTES: usize = 60_000;
    let mut world = World::new(unpaced().with_announced_members_max(0));
    let sender = world.join("sender");
    let join = ClientMessage::Join(Join { room: "#r" });
    let _ = world.say(sender, std::slice::from_ref(&join));
    for member in 0..256 {
        let name = format!("u{member}");
        let conn = world.join(&name);
        let _ = world.say(conn, std::slice::from_ref(&join));
        let (mut count, long) = (0, [send(&name, &[b'x'; 1_000])]);
        // Its buffer grows, is read, and then has little in it.
        for messages in [270, 1] {
            put_all(&mut world, sender, &encode_all(&long).repeat(messages), |_| {});
            let bytes = world.written(conn);
            let numbered = |message: &&HubMessage<'_>| message.kind().is_numbered();
            count += decode_all(&bytes).iter().filter(numbered).count() as u64;
            if messages > 1 {
                let _ = world.say(conn, &[ClientMessage::Ack(chatcore::wire::Ack { count })]);
            }
        }
        let bytes = world.written(sender);
        assert!(!bytes.is_empty());
    }
    world.drain();
    let kept = |world: &World| world.hub.is_behind();
    let mut input = &encode_all(&[send("#r", &vec![b'y'; BODY_BYTES])])[..];
    let _ = world.hub.receive(world.now, sender, &mut input);
    let mut slices = 0;
    while kept(&world) {
        world.hub.handle_timeout(world.now);
        slices += 1;
    }
    assert!(slices >= 256 * BODY_BYTES / 1024 / (2 * 512), "15 MB are copied in {slices} slices");
}
