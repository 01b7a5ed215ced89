//! What costs the origin of a connection that has no session yet.

use chatcore::wire::PREFACE_BYTES;
use chatcore::{CONNECTION_COST, Handshake, HubConnection, Next, QuotaKey, Rate, Refusal, Registration};

use super::world::{World, decode_all, goodbye, join_with_token, opening, try_resume};
use super::{CAPITAL, NAME, unpaced, watch};

/// What an origin may cause at once, in these tests.
pub(super) const BURST: u32 = 2_000;

/// A hub that bounds only what origins cost.
fn paced() -> World {
    World::new(unpaced().with_session_rate(Rate::UNLIMITED).with_origin_rate(Rate { per_s: 1, burst: BURST }))
}

/// What the only origin has cost so far: uses up what is left.
pub(super) fn spend_rest(world: &mut World) -> u32 {
    let charge = |_: &u32| world.hub.charge_origin(world.now, QuotaKey::default(), 1).is_some();
    BURST - (0..=BURST).find(charge).expect("it is used up some time")
}

/// What something costs the only origin.
fn cost_to_origin(world: &mut World, act: impl FnOnce(&mut World)) -> u32 {
    act(world);
    spend_rest(world)
}

/// What something costs the only origin, whose bucket is below empty: a unit is a second.
fn cost_below_empty(act: impl FnOnce(&mut World)) -> u64 {
    let mut world = paced();
    spend_rest(&mut world);
    let until = |world: &mut World| {
        world.hub.charge_origin(world.now, QuotaKey::default(), 0).expect("it is below empty") - world.now
    };
    let before = until(&mut world);
    act(&mut world);
    let more = until(&mut world).saturating_sub(before);
    assert_eq!(more.subsec_nanos(), 0);
    more.as_secs()
}

pub(super) fn a_connection_costs_its_origin() {
    let connect = |world: &mut World| {
        HubConnection::new(world.now, &mut world.hub, QuotaKey::default());
    };
    assert_eq!(CONNECTION_COST, 50);
    assert_eq!(cost_to_origin(&mut paced(), connect), 50);
    assert_eq!(cost_to_origin(&mut paced(), |world| (0..3).for_each(|_| connect(world))), 3 * 50);
    assert_eq!(cost_below_empty(connect), 0);
}

/// A frame that is unknown, optional and not numbered, with so many bytes of fields.
fn optional(bytes: usize) -> Vec<u8> {
    let mut frame = u32::try_from(bytes + 1).unwrap().to_le_bytes().to_vec();
    frame.push(0xbf);
    frame.resize(frame.len() + bytes, 0);
    frame
}

pub(super) fn a_frame_before_the_session_costs_its_origin() {
    for (bytes, units) in [(0, 1), (1_023, 1), (1_024, 2), (1_400, 2)] {
        let skip = |world: &mut World| {
            let mut connection = HubConnection::new(world.now, &mut world.hub, QuotaKey::default());
            let said = [&opening("alice")[..PREFACE_BYTES], &optional(bytes).repeat(3)].concat();
            let next = connection.receive(world.now, &mut world.hub, &said);
            assert!(matches!(next, Next::Read), "{next:?} after {bytes}");
        };
        assert_eq!(cost_to_origin(&mut paced(), skip), 50 + 3 * units, "{bytes}");
    }
    // The registration brings what nobody has asked for.
    let then_ask = |world: &mut World| {
        let opening = opening("alice");
        let (preface, register) = opening.split_at(PREFACE_BYTES);
        let said = [preface, &optional(0).repeat(20), register].concat();
        let registration = Handshake::new(world.now, world.hub.limits()).receive(world.now, &mut &said[..]);
        world.hub.admit(world.now, registration.unwrap().unwrap()).unwrap();
    };
    assert_eq!(cost_to_origin(&mut paced(), then_ask), 20 + 101);
    // Who has used up the rate of its origin with them is read no more.
    let World { mut hub, now, .. } = paced();
    let mut connection = HubConnection::new(now, &mut hub, QuotaKey::default());
    let said = [&opening("alice")[..PREFACE_BYTES], &optional(0).repeat(BURST as usize)].concat();
    assert!(matches!(connection.receive(now, &mut hub, &said), Next::Paused { .. }));
}

/// What a program refuses costs as much as what the hub refuses, and so does what nobody has decided about.
fn a_registration_that_the_hub_never_sees_costs_its_origin() {
    const COST: u32 = 50 + 101;
    fn asked(world: &mut World) -> (HubConnection, Box<Registration>) {
        let mut connection = HubConnection::new(world.now, &mut world.hub, QuotaKey::default());
        let next = connection.receive(world.now, &mut world.hub, &opening("alice"));
        let Next::Decide(registration) = next else { panic!("{next:?}") };
        (connection, registration)
    }
    let refuse = |world: &mut World| {
        let (mut connection, _) = asked(world);
        let _ = connection.refuse(world.now, &mut world.hub, &Refusal::Denied);
    };
    let vanish = |world: &mut World| asked(world).0.disconnect(world.now, &mut world.hub);
    let admit = |world: &mut World| {
        let (mut connection, registration) = asked(world);
        let _ = connection.admit(world.now, &mut world.hub, *registration);
    };
    let acts: [fn(&mut World); 3] = [refuse, vanish, admit];
    assert_eq!(acts.map(|act| cost_to_origin(&mut paced(), act)), [COST; 3]);
    // A driver without such a connection says it itself, and is charged once.
    let charge = |world: &mut World| {
        let registration = Handshake::new(world.now, world.hub.limits()).receive(world.now, &mut &opening("alice")[..]);
        let mut registration = registration.unwrap().unwrap();
        for _ in 0..2 {
            world.hub.charge_registration(world.now, &mut registration).unwrap();
        }
        world.hub.admit(world.now, registration).unwrap();
    };
    assert_eq!(cost_to_origin(&mut paced(), charge), 101);
    // Who asks too often is refused before anybody decides, and may ask again.
    let mut world = paced();
    let mut connection = HubConnection::new(world.now, &mut world.hub, QuotaKey::default());
    spend_rest(&mut world);
    let World { hub, now, .. } = &mut world;
    assert!(matches!(connection.receive(*now, hub, &opening("alice")), Next::Read));
    let told = decode_all(&connection.transmit(hub).concat()[PREFACE_BYTES..]).len();
    assert_eq!(told, 1, "it is refused");
}

pub(super) fn who_comes_and_goes_costs_its_origin() {
    let spent = |watchers: u32, times: usize| {
        let mut world = paced();
        for number in 0..watchers {
            let conn = world.join_from(&format!("watcher{number}"), 100 + u128::from(number));
            let _ = world.say(conn, &[watch(&["flapper"])]);
        }
        for _ in 0..times {
            let conn = world.join("flapper");
            let _ = world.say(conn, &[goodbye()]);
        }
        spend_rest(&mut world)
    };
    assert_eq!(spent(50, 1), spent(0, 1) + 2 * 50, "they are told that it comes, and that it goes");
    assert_eq!(spent(50, 5), spent(0, 5) + 2 * 50, "what comes within the same second is told at once");
}

pub(super) fn a_register_or_resume_costs_its_origin() {
    a_registration_that_the_hub_never_sees_costs_its_origin();
    let register = |name: &str| cost_to_origin(&mut paced(), |world| assert!(world.try_join(name).is_ok()));
    assert_eq!(["alice", "ALICE"].map(register), [101; 2]);
    // It is refused, and costs the same again.
    let twice = |world: &mut World| {
        world.try_join("alice").unwrap();
        assert!(matches!(world.try_join("Alice"), Err(Refusal::NameInUse { .. })));
    };
    assert_eq!(cost_to_origin(&mut paced(), twice), 2 * 101);
    // The client's ack of its welcome is a frame.
    let resume = |world: &mut World| {
        let (conn, token) = join_with_token(world, "alice");
        world.hub.disconnect(world.now, conn).unwrap();
        try_resume(world, "alice", token, Some(0)).unwrap();
        assert_eq!(try_resume(world, "bob", token, Some(0)), Err(Refusal::SessionOver));
    };
    assert_eq!(cost_to_origin(&mut paced(), resume), 101 + 1 + 101 + 101);
    for (name, units) in [("no name", 1), ("\u{660} \u{660}", 20), (&"\u{660}".repeat(100), 512)] {
        let ask = |world: &mut World| {
            let mut connection = HubConnection::new(world.now, &mut world.hub, QuotaKey::default());
            let _ = connection.receive(world.now, &mut world.hub, &opening(name));
        };
        assert_eq!(cost_to_origin(&mut paced(), ask), 50 + units, "{name} is no name");
    }
    if cfg!(feature = "unicode") {
        // A capital letter that is longer than the small one.
        for (name, spelled, mapped) in [(NAME, 2, 2), (CAPITAL, 2, 2), ("\u{1e9e}u", 4, 3), ("\u{ff41}", 3, 0)] {
            assert_eq!(register(name), 4 * spelled + 100 + 4 * mapped, "{name}");
        }
        let resume = |world: &mut World| {
            let (_, token) = join_with_token(world, NAME);
            try_resume(world, NAME, token, Some(0)).unwrap();
        };
        assert_eq!(cost_to_origin(&mut paced(), resume), (8 + 100 + 8) + 1 + (8 + 100), "it looks as it did");
    }
    let limited = |name: &'static str| {
        cost_below_empty(move |world| {
            assert!(matches!(world.try_join(name), Err(Refusal::RateLimited { .. })));
        })
    };
    assert_eq!(limited("alice"), 1);
    if cfg!(feature = "unicode") {
        assert_eq!(limited(NAME), 8 + 8);
    }
    let when_stopping = |world: &mut World| {
        world.hub.shut_down(world.now, None);
        assert_eq!(world.try_join("alice"), Err(Refusal::ShuttingDown));
    };
    assert_eq!(cost_to_origin(&mut paced(), when_stopping), 0);
}
