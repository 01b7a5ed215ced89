//! What a site may use of what there is for all: a larger network of many origins that may belong to one person.

mod world;

use std::time::Duration;

use chatcore::wire::{Ack, ClientMessage, HubMessage, Leave, Message, Ping, Watch};
use chatcore::{CloseReason, ConnId, HubEvent, Limits, QuotaKey, QuotaSource, Rate, Received, Refusal, RejectCode};
use world::{World, decode_all, encode_all, goodbye, registration, send};

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
fn an_origin_keeps_its_site_while_it_has_something() {
    let mut world = World::new(Limits::default().with_sessions_of_origin_max(2).with_members_of_origin_max(1));
    let outside = world.join_from("outside", 1);
    assert_eq!(world.join_room(outside, "#one"), Ok(()));
    let [b, c] = [("b", 2), ("c", 3)].map(|(name, origin)| admit(&mut world, name, origin).unwrap());
    assert_eq!([world.join_room(b, "#one"), world.join_room(c, "#one")], [Ok(()); 2], "the site has two members");
    for (name, origin) in [("d", 2), ("e", 3)] {
        admit(&mut world, name, origin).unwrap();
    }
    assert_eq!(admit(&mut world, "f", 4), Err(Refusal::OriginFull { sessions_of_origin_max: 4 }), "of its site");
    // Its origin belonged to no site when it came, and still does not: there it has room.
    let later = admit(&mut world, "later", 1).unwrap();
    let _ = world.say(outside, &[goodbye()]);
    assert_eq!(admit(&mut world, "f", 4), Err(Refusal::OriginFull { sessions_of_origin_max: 4 }));
    // When it has nothing any more, it comes anew.
    for conn in [outside, later, b, c] {
        if conn != outside {
            let _ = world.say(conn, &[goodbye()]);
        }
        world.written(conn);
    }
    let again = admit(&mut world, "again", 1).unwrap();
    assert_eq!(world.join_room(again, "#one"), Ok(()));
    admit(&mut world, "g", 1).unwrap();
    assert_eq!(admit(&mut world, "h", 4), Err(Refusal::OriginFull { sessions_of_origin_max: 4 }));
}

#[test]
fn an_origin_that_comes_to_be_shared_leaves_room_in_its_site() {
    let mut world = World::new(Limits::default().with_sessions_of_origin_max(1));
    let a = admit(&mut world, "a", 1).unwrap();
    admit(&mut world, "b", 2).unwrap();
    assert_eq!(admit(&mut world, "c", 3), Err(Refusal::OriginFull { sessions_of_origin_max: 2 }));
    let shared = registration(world.now, world.hub.limits(), "shared").with_origin(QuotaKey(1)).with_shared_origin();
    let shared = world.let_in(shared.with_site(SITE, 2)).unwrap();
    admit(&mut world, "c", 3).unwrap();
    assert_eq!(admit(&mut world, "d", 4), Err(Refusal::OriginFull { sessions_of_origin_max: 2 }), "of its site");
    // Whoever comes next from there says that it is shared no more.
    let _ = world.say(a, &[goodbye()]);
    assert_eq!(admit(&mut world, "e", 1), Err(Refusal::OriginFull { sessions_of_origin_max: 1 }), "of its origin");
    let _ = world.say(shared, &[goodbye()]);
    world.drain();
    assert_eq!(admit(&mut world, "e", 1), Err(Refusal::OriginFull { sessions_of_origin_max: 2 }), "of its site");
}

#[test]
fn a_factor_holds_for_those_who_are_there() {
    let mut world = World::new(Limits::default().with_rooms_of_origin_max(1));
    let [a, b, c] = [("a", 1), ("b", 2), ("c", 3)].map(|(name, origin)| admit(&mut world, name, origin).unwrap());
    assert_eq!([world.join_room(a, "#one"), world.join_room(b, "#two")], [Ok(()); 2]);
    assert_eq!(world.join_room(c, "#three"), Err(RejectCode::HubRoomsFull));
    world.hub.set_site_factor(world.now, 3);
    assert_eq!(world.join_room(c, "#three"), Ok(()));
}

#[test]
fn the_origins_of_a_site_share_a_rate_that_is_as_large_as_its_factor_says() {
    let rate = Rate { per_s: 100, burst: 1_000 };
    let mut world = World::new(Limits::default().with_session_rate(Rate::UNLIMITED).with_origin_rate(rate));
    let source = |origin| QuotaSource::from(QuotaKey(origin)).with_site(SITE, 2);
    let conn = admit(&mut world, "a", 1).unwrap();
    let late = admit(&mut world, "late", 2).unwrap();
    // What has no session counts, too: 2 000 at once for the whole site, of which two have spent a little more than
    // 200.
    let charged = (3..100).take_while(|origin| world.hub.charge_origin(world.now, source(*origin), 100).is_none());
    assert_eq!(charged.count(), 17);
    assert_eq!(world.hub.charge_origin(world.now, QuotaKey(1_000), 700), None, "it is no part of the site");
    assert!(matches!(admit(&mut world, "c", 101), Err(Refusal::RateLimited { .. })));
    // Nor is anything taken of a session, whose origin has hardly caused anything.
    let ping = encode_all(&[ClientMessage::Ping(Ping { nonce: 1 })]);
    for conn in [conn, late] {
        let mut input = &ping[..];
        let received = world.hub.receive(world.now, conn, &mut input).unwrap();
        let Received::Paused { until } = received else { panic!("{received:?}") };
        assert_eq!(input.len(), ping.len());
        assert!(until > world.now && until < world.now + Duration::from_secs(1), "200 are paid off in a second");
    }
    world.now = world.now + Duration::from_secs(1);
    assert_eq!(world.hub.receive(world.now, late, &mut &ping[..]), Ok(Received::NeedInput));
}

#[cfg(feature = "unicode")]
#[test]
fn what_is_forgiven_to_an_origin_its_site_does_not_pay() {
    let rate = Rate { per_s: 100, burst: 1_000 };
    let mut world = World::new(Limits::default().with_origin_rate(rate));
    let source = |origin| QuotaSource::from(QuotaKey(origin)).with_site(SITE, 4);
    // To find out what such a name is costs much, and an origin that has used up its rate may still ask.
    let name = "ａ".repeat(30);
    let ask = |world: &mut World, origin| {
        let asking = registration(world.now, world.hub.limits(), &name);
        world.hub.charge_registration(world.now, &mut asking.with_source(source(origin)))
    };
    let refused = (0..100).filter(|_| ask(&mut world, 1).is_err()).count();
    assert!(refused > 80, "it has used up its rate: {refused}");
    assert_eq!(ask(&mut world, 2), Ok(()), "its neighbours have not");
}

#[test]
fn a_call_causes_no_more_than_the_rate_of_a_site_has_left() {
    let rate = Rate { per_s: 100, burst: 1_000 };
    let mut world = World::new(Limits::default().with_session_rate(Rate::UNLIMITED).with_origin_rate(rate));
    let source = |origin| QuotaSource::from(QuotaKey(origin)).with_site(SITE, 2);
    let conn = admit(&mut world, "a", 1).unwrap();
    for (origin, cost) in [(2, 900), (3, 850)] {
        assert_eq!(world.hub.charge_origin(world.now, source(origin), cost), None);
    }
    let said = encode_all(&[ClientMessage::Ping(Ping { nonce: 1 })]).repeat(500);
    let mut input = &said[..];
    assert_ne!(world.hub.receive(world.now, conn, &mut input), Ok(Received::NeedInput));
    let taken = 500 - 500 * input.len() / said.len();
    assert!((1..=250).contains(&taken), "its origin has more, and its site has not: {taken}");
}

#[test]
fn an_origin_that_is_found_to_be_shared_pays_for_no_site() {
    let mut world = World::new(Limits::default().with_origin_rate(Rate { per_s: 100, burst: 1_000 }));
    let source = |origin| QuotaSource::from(QuotaKey(origin)).with_site(SITE, 2);
    assert_eq!(world.hub.charge_origin(world.now, source(1), 10), None, "it still counts there");
    while world.hub.charge_origin(world.now, source(2), 900).is_none()
        && world.hub.charge_origin(world.now, source(3), 900).is_none()
    {}
    assert!(world.hub.charge_origin(world.now, source(1), 10).is_some());
    assert_eq!(world.hub.charge_origin(world.now, source(1).shared(), 10), None);
    assert!(world.hub.charge_origin(world.now, source(1), 10).is_some(), "and counts again");
    // The same of those who ask for names.
    let asking = |source| registration(world.now, world.hub.limits(), "a").with_source(source);
    let (mut counted, mut shared) = (asking(source(1)), asking(source(1).shared()));
    assert!(world.hub.charge_registration(world.now, &mut counted).is_err());
    assert_eq!(world.hub.charge_registration(world.now, &mut shared), Ok(()));
}

#[test]
fn members_of_an_origin_that_comes_to_be_shared_count_in_its_site_until_it_has_nothing_any_more() {
    let mut world = World::new(Limits::default().with_members_of_origin_max(1));
    let [a, b, c] = [("a", 1), ("b", 2), ("c", 3)].map(|(name, origin)| admit(&mut world, name, origin).unwrap());
    assert_eq!([world.join_room(a, "#one"), world.join_room(b, "#one")], [Ok(()); 2], "the site has two members");
    let shared = registration(world.now, world.hub.limits(), "shared").with_origin(QuotaKey(1)).with_shared_origin();
    let shared = world.let_in(shared).unwrap();
    assert_eq!(world.join_room(c, "#one"), Err(RejectCode::RoomFull));
    assert_eq!(world.join_room(shared, "#one"), Ok(()), "for itself there is no bound");
    for conn in [a, shared] {
        let _ = world.say(conn, &[goodbye()]);
        world.written(conn);
    }
    world.drain();
    assert_eq!(world.join_room(c, "#one"), Ok(()));
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
