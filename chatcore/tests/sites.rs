//! What a site may use of what there is for all: a larger network of many origins that may belong to one person.

mod world;

use chatcore::wire::{Ack, ClientMessage, HubMessage, Leave, Message, Watch};
use chatcore::{CloseReason, ConnId, HubEvent, Limits, QuotaKey, Rate, Refusal, RejectCode};
use world::{World, decode_all, goodbye, registration, send};

const SITE: QuotaKey = QuotaKey(1 << 100);

/// A user from an origin of the site.
fn admit(world: &mut World, name: &str, origin: u128) -> Result<ConnId, Refusal> {
    let registration = registration(world.now, world.hub.limits(), name).with_origin(QuotaKey(origin));
    world.let_in(registration.with_site(SITE, 2))
}

#[test]
fn the_origins_of_a_site_have_so_many_sessions_together() {
    let mut world = World::new(Limits::default().with_sessions_of_origin_max(1));
    let first = admit(&mut world, "a", 1).unwrap();
    assert_eq!(admit(&mut world, "b", 1), Err(Refusal::OriginFull { sessions_of_origin_max: 1 }), "of its origin");
    let second = admit(&mut world, "b", 2).unwrap();
    assert_eq!(admit(&mut world, "c", 3), Err(Refusal::OriginFull { sessions_of_origin_max: 2 }), "of its site");
    world.join_from("d", 4);
    let _ = world.say(first, &[goodbye()]);
    let third = admit(&mut world, "c", 3).unwrap();
    for conn in [second, third] {
        let _ = world.say(conn, &[goodbye()]);
    }
    for (name, origin) in [("e", 5), ("f", 6)] {
        admit(&mut world, name, origin).unwrap();
    }
}

#[test]
fn an_origin_brings_what_it_has_into_a_site_and_takes_it_out_again() {
    let mut world = World::new(Limits::default().with_sessions_of_origin_max(3).with_members_of_origin_max(1));
    let [a, ..] = ["a", "b"].map(|name| world.join_from(name, 1));
    assert_eq!(world.join_room(a, "#one"), Ok(()));
    let d = admit(&mut world, "d", 2).unwrap();
    let f = admit(&mut world, "f", 3).unwrap();
    let room_of = [world.join_room(d, "#one"), world.join_room(f, "#one")];
    assert_eq!(room_of, [Ok(()), Ok(())], "the site has two members");
    admit(&mut world, "c", 1).unwrap();
    admit(&mut world, "g", 3).unwrap();
    assert_eq!(admit(&mut world, "h", 3), Err(Refusal::OriginFull { sessions_of_origin_max: 6 }), "six are there");
    let h = world.join_from("h", 4);
    let _ = world.say(d, &[ClientMessage::Leave(Leave { room: "#one" })]);
    assert_eq!(world.join_room(d, "#one"), Err(RejectCode::RoomFull), "one came with its origin");
    let _ = world.say(a, &[goodbye()]);
    // Who is not counted belongs to no site, and so do the other sessions of its origin.
    let leaves = registration(world.now, world.hub.limits(), "i").with_origin(QuotaKey(1)).with_shared_origin();
    world.hub.admit(world.now, leaves.with_site(SITE, 2)).unwrap();
    assert_eq!([world.join_room(d, "#one"), world.join_room(h, "#one")], [Ok(()), Ok(())]);
    admit(&mut world, "j", 3).unwrap();
}

#[test]
fn the_origins_of_a_site_open_so_many_rooms_together() {
    let mut world = World::new(Limits::default().with_rooms_of_origin_max(1));
    let [a, b, c] = [("a", 1), ("b", 2), ("c", 3)].map(|(name, origin)| admit(&mut world, name, origin).unwrap());
    let other = world.join_from("other", 4);
    assert_eq!([world.join_room(a, "#one"), world.join_room(b, "#two")], [Ok(()); 2]);
    assert_eq!(world.join_room(c, "#three"), Err(RejectCode::HubRoomsFull));
    assert_eq!(world.join_room(c, "#two"), Ok(()), "it is open");
    assert_eq!(world.join_room(other, "#three"), Ok(()));
    let _ = world.say(a, &[ClientMessage::Leave(Leave { room: "#one" })]);
    assert_eq!(world.join_room(c, "#four"), Ok(()));
}

#[test]
fn the_origins_of_a_site_have_so_many_sessions_that_wait_together() {
    let mut world = World::new(Limits::default().with_detached_of_origin_max(1));
    for (name, origin) in [("a", 1), ("b", 2), ("c", 3)] {
        let conn = admit(&mut world, name, origin).unwrap();
        world.hub.disconnect(world.now, conn).unwrap();
        world.drain();
    }
    let elsewhere = world.join_from("d", 4);
    world.hub.disconnect(world.now, elsewhere).unwrap();
    world.drain();
    let waiting: Vec<_> = ["a", "b", "c", "d"].into_iter().filter(|name| world.try_join(name).is_err()).collect();
    assert_eq!(waiting, ["a", "b", "d"], "the last of the site had no place");
}

/// The name of whoever ended for want of memory.
fn evicted(world: &World) -> Vec<&str> {
    let ended = world.hub_events.iter().filter_map(|event| match event {
        HubEvent::SessionEnded { name, reason: CloseReason::Evicted, .. } => Some(name.as_str()),
        _ => None,
    });
    ended.collect()
}

/// Sends this many messages of 10 kB, and acknowledges what becomes of them.
fn fill(world: &mut World, sender: ConnId, read: &mut u64, to: &str, count: usize) {
    for _ in 0..count {
        let _ = world.say(sender, &[send(to, &[b'x'; 10_000])]);
        *read +=
            decode_all(&world.written(sender)).iter().filter(|message| message.kind().is_numbered()).count() as u64;
        let _ = world.say(sender, &[ClientMessage::Ack(Ack { count: *read })]);
    }
}

#[test]
fn many_small_origins_of_a_site_that_hold_much_together_end_nobody_elses_session() {
    let limits = Limits::default()
        .with_session_rate(Rate::UNLIMITED)
        .with_origin_rate(Rate::UNLIMITED)
        .with_body_bytes_max(10_000)
        .with_outbox_bytes_max(400_000)
        .with_origin_buffer_bytes_max(600_000)
        .with_buffer_bytes_max(1_000_000);
    let mut world = World::new(limits);
    let (sender, mut read) = (world.join_from("sender", 1), 0);
    world.join_from("fair", 2);
    fill(&mut world, sender, &mut read, "fair", 12);
    let many: Vec<_> = (0..60).map(|number| format!("m{number}")).collect();
    for (origin, name) in (10..).zip(&many) {
        admit(&mut world, name, origin).unwrap();
    }
    for name in &many {
        fill(&mut world, sender, &mut read, name, 3);
        world.drain();
    }
    let evicted = evicted(&world);
    assert!(!evicted.is_empty(), "more is kept than may be");
    assert!(evicted.iter().all(|name| name.starts_with('m')), "{evicted:?}");
}

#[test]
fn the_origins_of_a_site_have_as_much_memory_together_as_its_factor_says() {
    let limits = Limits::default()
        .with_session_rate(Rate::UNLIMITED)
        .with_origin_rate(Rate::UNLIMITED)
        .with_body_bytes_max(10_000)
        .with_outbox_bytes_max(100_000)
        .with_origin_buffer_bytes_max(150_000);
    let mut world = World::new(limits);
    let (sender, mut read) = (world.join_from("sender", 1), 0);
    let many: Vec<_> = (0..40).map(|number| format!("m{number}")).collect();
    for (origin, name) in (10..).zip(&many) {
        admit(&mut world, name, origin).unwrap();
        fill(&mut world, sender, &mut read, name, 2);
    }
    let total = world.hub.memory().total();
    assert!((200_000..400_000).contains(&total), "{total} bytes are kept for a site that may have 300 000");
}

#[test]
fn places_to_wait_are_taken_from_the_site_that_has_most() {
    let mut world = World::new(Limits::default().with_detached_max(8));
    let detach = |world: &mut World, conn| {
        world.hub.disconnect(world.now, conn).unwrap();
        world.drain();
    };
    let waiting =
        |world: &mut World, names: &[String]| names.iter().filter(|name| world.try_join(name).is_err()).count();
    let named = |kind: &str, count: u128| (0..count).map(|number| format!("{kind}{number}")).collect::<Vec<_>>();
    let (fair, many, alone) = (named("fair", 3), named("many", 6), named("alone", 2));
    let fair_conns: Vec<_> = fair.iter().map(|name| world.join_from(name, 1)).collect();
    let many_conns: Vec<_> = (10..).zip(&many).map(|(origin, name)| admit(&mut world, name, origin).unwrap()).collect();
    let alone_conns: Vec<_> = alone.iter().map(|name| world.join_from(name, 2)).collect();
    for conn in fair_conns.into_iter().chain(many_conns) {
        detach(&mut world, conn);
    }
    // Five of the site, which count as two, fill the last place. The sixth gets none from the other, which has three.
    assert_eq!((waiting(&mut world, &fair), waiting(&mut world, &many[..5])), (3, 5));
    assert!(world.try_join(&many[5]).is_ok(), "it has ended with its connection");
    // An origin that has less than both gets one.
    detach(&mut world, alone_conns[0]);
    assert_eq!(waiting(&mut world, &alone[..1]), 1);
    assert_eq!(waiting(&mut world, &fair) + waiting(&mut world, &many[..5]), 7);
}

#[test]
fn of_a_site_that_has_most_places_to_wait_one_gives_way() {
    let mut world = World::new(Limits::default().with_detached_max(8));
    let names: Vec<_> = (0..6).map(|number| format!("many{number}")).collect();
    let many: Vec<_> = (10..).zip(&names).map(|(origin, name)| admit(&mut world, name, origin).unwrap()).collect();
    let fair: Vec<_> = (0..3).map(|number| world.join_from(&format!("fair{number}"), number % 2 + 1)).collect();
    for conn in many.into_iter().chain(fair) {
        world.hub.disconnect(world.now, conn).unwrap();
        world.drain();
    }
    let waits = |world: &mut World, name: &str| world.try_join(name).is_err();
    assert!((0..3).all(|number| waits(&mut world, &format!("fair{number}"))), "all of the others wait");
    assert_eq!(names.iter().filter(|name| waits(&mut world, name)).count(), 5, "one of the site has given way");
}

#[test]
fn the_origins_of_a_site_have_so_many_memberships_members_and_watches_together() {
    let one_each =
        Limits::default().with_memberships_of_origin_max(2).with_members_of_origin_max(1).with_watches_of_origin_max(1);
    let mut world = World::new(one_each);
    let [a, b, c] = [("a", 1), ("b", 2), ("c", 3)].map(|(name, origin)| admit(&mut world, name, origin).unwrap());
    let same = admit(&mut world, "same", 1).unwrap();
    let elsewhere = world.join_from("elsewhere", 4);
    assert_eq!(world.join_room(a, "#one"), Ok(()));
    assert_eq!(world.join_room(same, "#one"), Err(RejectCode::RoomFull), "its origin is there");
    assert_eq!(world.join_room(b, "#one"), Ok(()));
    assert_eq!(world.join_room(c, "#one"), Err(RejectCode::RoomFull), "its site is there twice");
    assert_eq!(world.join_room(elsewhere, "#one"), Ok(()));
    assert_eq!(world.join_room(a, "#two"), Ok(()));
    assert_eq!(world.join_room(same, "#three"), Err(RejectCode::HubRoomsFull), "its origin is in two");
    let _ = world.say(a, &[ClientMessage::Leave(Leave { room: "#one" })]);
    assert_eq!(world.join_room(same, "#one"), Ok(()));
    let watch = |world: &mut World, conn, names: &[&str]| {
        let _ = world.say(conn, &[ClientMessage::Watch(Watch { names: names.to_vec() })]);
        decode_all(&world.written(conn)).iter().any(
            |message| matches!(message, HubMessage::Rejected(rejected) if rejected.code == RejectCode::HubWatchesFull),
        )
    };
    assert!(!watch(&mut world, a, &["x"]) && watch(&mut world, same, &["x"]), "its origin watches one");
    assert!(!watch(&mut world, b, &["y"]) && watch(&mut world, c, &["z"]), "its site watches two");
    let _ = world.say(a, &[goodbye()]);
    assert!(!watch(&mut world, c, &["z"]), "one is free again");
}
