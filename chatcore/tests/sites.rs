//! What a site may use of what there is for all: a larger network of many origins that may belong to one person.

mod world;

use chatcore::wire::{ClientMessage, Leave};
use chatcore::{ConnId, Limits, QuotaKey, Refusal, RejectCode};
use world::{World, goodbye, registration};

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
    let mut world = World::new(Limits::default().with_sessions_of_origin_max(2));
    for name in ["a", "b", "c"] {
        let shared = registration(world.now, world.hub.limits(), name).with_origin(QuotaKey(1)).with_shared_origin();
        world.hub.admit(world.now, shared).unwrap();
    }
    admit(&mut world, "d", 2).unwrap();
    let joins = registration(world.now, world.hub.limits(), "e").with_origin(QuotaKey(1)).with_shared_origin();
    world.hub.admit(world.now, joins.with_site(SITE, 2)).unwrap();
    assert_eq!(admit(&mut world, "f", 3), Err(Refusal::OriginFull { sessions_of_origin_max: 4 }), "five are there");
    let leaves = registration(world.now, world.hub.limits(), "g").with_origin(QuotaKey(1)).with_shared_origin();
    world.hub.admit(world.now, leaves).unwrap();
    admit(&mut world, "f", 3).unwrap();
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
