//! What each origin may use of what there is for all: detached sessions, buffers, registrations.

mod world;

use std::time::Duration;

use chatcore::wire::{Ack, ClientMessage, Goodbye, HubMessage, Leave, Message, Preface, Register, Resume};
use chatcore::{
    CONNECTION_COST, CloseReason, Event, GoodbyeCode, Handshake, HubEvent, Limits, QuotaKey, Rate, Refusal,
    RefusalCode, RejectCode,
};
use world::{User, World, bodies, decode_all, goodbye, join_with_token, registration, send};

#[test]
fn detached_sessions_are_bounded_in_number_and_for_each_origin() {
    let detach = |limits: &Limits, origins: [u128; 3]| -> Vec<bool> {
        let mut world = World::new(limits.clone());
        let users = ["a", "b", "c"].map(str::to_owned);
        for (name, origin) in users.iter().zip(origins) {
            let conn = world.hub.admit(world.now, registration(world.now, limits, name).with_origin(QuotaKey(origin)));
            let conn = conn.unwrap();
            world.written(conn);
            world.confirm(conn);
            let _ = world.say(conn, &[send(name, &[0; 1000])]);
            world.hub.disconnect(world.now, conn).unwrap();
        }
        world.drain();
        users.iter().map(|name| world.try_join(name).is_err()).collect()
    };
    let limits = Limits::default();
    assert_eq!(detach(&limits, [1, 1, 1]), [true, true, true]);
    assert_eq!(detach(&limits.clone().with_detached_max(2), [1, 2, 3]), [true, true, false]);
    assert_eq!(detach(&limits.clone().with_detached_of_origin_max(1), [1, 2, 2]), [true, false, true]);
    assert_eq!(detach(&limits.with_resume_time_max(Duration::ZERO), [1, 2, 3]), [false, false, false]);
}

#[test]
fn a_session_that_is_over_or_back_makes_room_for_others_to_wait() {
    let mut world = World::new(Limits::default().with_detached_max(1).with_detached_of_origin_max(1));
    for name in ["a", "b", "c"] {
        let mut user = world.connect(name);
        world.cut(&mut user);
        world.reconnect(&mut user).unwrap();
        world.carry(&mut user);
        world.cut(&mut user);
        assert!(world.try_join(name).is_err(), "{name} waits");
        world.pass(Limits::default().resume_time_max);
    }
}

#[test]
fn what_waits_for_the_sessions_of_an_origin_is_bounded_together() {
    let limits =
        Limits::default().with_body_bytes_max(1_000).with_outbox_bytes_max(10_000).with_origin_buffer_bytes_max(16_000);
    let mut world = World::new(limits);
    let mut alice = world.connect("alice");
    let mut others = ["bob", "carol"].map(|name| world.connect(name));
    for other in &mut others {
        world.cut(other);
    }
    let accepted = |world: &mut World, alice: &mut User| {
        for to in ["bob", "carol"].repeat(10) {
            alice.client.send(world.now, to, &[0; 1000]).unwrap();
            world.carry(alice);
        }
        let accepted = alice.events.iter().filter(|event| matches!(event, Event::Accepted { .. })).count();
        alice.events.clear();
        accepted
    };
    let first = accepted(&mut world, &mut alice);
    // Each has room for nine; together they have not, give or take what is lost in buffers.
    assert!((8..18).contains(&first), "{first}");
    assert!(world.hub.memory().detached > 8_000, "{:?}", world.hub.memory());
    let mut delivered = 0;
    for other in &mut others {
        world.reconnect(other).unwrap();
        world.carry(other);
        other.client.handle_timeout(world.now + Duration::from_millis(50));
        world.carry(other);
        delivered += bodies(other).len();
    }
    assert_eq!(delivered, first);
    assert!(accepted(&mut world, &mut alice) >= 7, "there is room again");
}

#[test]
fn the_origin_that_holds_most_pays_when_buffers_are_short_and_others_notice_nothing() {
    let limits = Limits::default()
        .with_body_bytes_max(60_000)
        .with_outbox_bytes_max(300_000)
        .with_origin_buffer_bytes_max(1_000_000)
        .with_buffer_bytes_max(1_200_000);
    let mut world = World::new(limits.clone());
    let from = |world: &mut World, name: &str, origin| {
        let registration = registration(world.now, &limits, name).with_origin(QuotaKey(origin));
        let conn = world.hub.admit(world.now, registration).unwrap();
        world.written(conn);
        conn
    };
    // Four that never read come from one place, one that is slow from another.
    let greedy = ["a", "b", "c", "d"].map(|name| from(&mut world, name, 1));
    let (slow, sender) = (from(&mut world, "slow", 2), from(&mut world, "sender", 3));
    let mut refused = 0;
    for round in 1..=8 {
        for to in ["slow", "a", "b", "c", "d"] {
            let _ = world.say(sender, &[send(to, &vec![0; 30_000])]);
            let answers = world.written(sender);
            refused += decode_all(&answers).iter().filter(|said| matches!(said, HubMessage::Rejected(_))).count();
            let count = 5 * (round - 1) + 1;
            let _ = world.say(sender, &[ClientMessage::Ack(Ack { count })]);
        }
        assert!(world.hub.memory().total() <= limits.buffer_bytes_max + 200_000, "{:?}", world.hub.memory());
    }
    assert!(world.hub.name(slow).is_some() && world.hub.name(sender).is_some(), "{:?}", world.hub_events);
    assert_eq!(decode_all(&world.written(slow)).len(), 8, "nothing is refused to the others");
    let gone = greedy.iter().filter(|conn| world.hub.name(**conn).is_none()).count();
    assert!(gone > 0 || refused > 0, "{refused}");
    let evicted = |event: &&HubEvent| matches!(event, HubEvent::SessionEnded { reason: CloseReason::Evicted, .. });
    assert_eq!(world.hub_events.iter().filter(evicted).count(), gone);
}

#[test]
fn an_origin_that_registers_too_often_is_told_when_to_come_again() {
    let limits = Limits::default().with_origin_rate(Rate { per_s: 100, burst: 300 });
    let mut world = World::new(limits.clone());
    let register = |world: &mut World, name: &str, origin| {
        let registration = registration(world.now, &limits, name).with_origin(QuotaKey(origin));
        world.hub.admit(world.now, registration).map(drop).map_err(|not_admitted| not_admitted.refusal)
    };
    let outcomes: Vec<_> = (0..6).map(|i| register(&mut world, &format!("user{i}"), 1)).collect();
    let Some(Err(Refusal::RateLimited { wait })) = outcomes.iter().find(|outcome| outcome.is_err()) else {
        panic!("{outcomes:?}")
    };
    assert_eq!(register(&mut world, "elsewhere", 2), Ok(()), "others notice nothing");
    world.now = world.now + *wait;
    assert_eq!(register(&mut world, "again", 1), Ok(()));
}

#[test]
fn connections_and_impossible_names_are_paid_by_their_origin_before_anybody_has_a_session() {
    let limits = Limits::default().with_origin_rate(Rate { per_s: 100, burst: 10 * CONNECTION_COST });
    let mut world = World::new(limits.clone());
    let connect = |world: &mut World, origin| world.hub.charge_origin(world.now, QuotaKey(origin), CONNECTION_COST);
    for _ in 0..10 {
        assert_eq!(connect(&mut world, 1), None);
    }
    assert_eq!(
        connect(&mut world, 1),
        Some(world.now + Duration::from_millis(500)),
        "fifty units at a hundred a second"
    );
    assert_eq!(connect(&mut world, 2), None, "others notice nothing");
    let asked = registration(world.now, &limits, "alice").with_origin(QuotaKey(1));
    assert!(matches!(world.hub.admit(world.now, asked).unwrap_err().refusal, Refusal::RateLimited { .. }));
    // A name that cannot be one costs what it takes to find that out.
    let mut handshake = Handshake::new(world.now, &limits);
    let mut bytes = Preface::OURS.encode().to_vec();
    ClientMessage::Register(Register { name: &"\u{660}".repeat(64), credential: b"", frame_bytes_max: u32::MAX })
        .encode(&mut bytes);
    assert!(matches!(handshake.receive(world.now, &mut &bytes[..]), Ok(None)));
    let cost = handshake.take_cost();
    assert!(cost >= 4 * 128, "{cost}");
    assert_eq!(handshake.take_cost(), 0, "it is told once");
    assert!(world.hub.charge_origin(world.now, QuotaKey(2), cost).is_some());
    world.now = world.now + Duration::from_secs(10);
    assert_eq!((connect(&mut world, 1), connect(&mut world, 2)), (None, None));
}

#[test]
fn what_is_written_to_those_who_ended_counts_too_and_is_given_up_when_buffers_are_short() {
    let limits = Limits::default()
        .with_body_bytes_max(60_000)
        .with_outbox_bytes_max(700_000)
        .with_origin_buffer_bytes_max(1_200_000)
        .with_buffer_bytes_max(1_200_000);
    let mut world = World::new(limits.clone());
    let from = |world: &mut World, name: &str, origin| {
        let registration = registration(world.now, &limits, name).with_origin(QuotaKey(origin));
        let conn = world.hub.admit(world.now, registration).unwrap();
        world.written(conn);
        conn
    };
    let gone = ["a", "b", "c", "d", "e"].map(|name| from(&mut world, name, 1));
    let (slow, sender) = (from(&mut world, "slow", 2), from(&mut world, "sender", 3));
    let mut count = 0;
    let mut send_to = |world: &mut World, to: &str| {
        let _ = world.say(sender, &[send(to, &vec![0; 30_000])]);
        let answers = world.written(sender);
        count += decode_all(&answers).iter().filter(|said| said.kind().is_numbered()).count() as u64;
        let _ = world.say(sender, &[ClientMessage::Ack(Ack { count })]);
        world.drain();
    };
    for to in ["a", "b", "c", "d", "e"].repeat(7) {
        send_to(&mut world, to);
    }
    for conn in gone {
        let _ = world.say(conn, &[goodbye()]);
    }
    world.drain();
    assert!(world.hub.memory().closing > 1_000_000, "they read nothing: {:?}", world.hub.memory());
    for _ in 0..10 {
        send_to(&mut world, "slow");
        assert!(world.hub.memory().total() <= limits.buffer_bytes_max + 50_000, "{:?}", world.hub.memory());
    }
    let told = world.written(slow);
    assert_eq!(decode_all(&told).len(), 10, "nothing is refused to the others");
}

#[test]
fn an_origin_has_so_many_sessions_and_who_is_refused_learns_why_and_when_to_come_again() {
    let limits = Limits::default().with_sessions_of_origin_max(2);
    let mut world = World::new(limits.clone());
    let a = world.join_from("a", 1);
    let b = world.join_from("b", 1);
    let refusal = world.let_in_from("c", 1).expect_err("there are two");
    assert_eq!(refusal, Refusal::OriginFull { sessions_of_origin_max: 2 });
    assert_eq!(refusal.code(), RefusalCode::HubFull);
    assert!(refusal.wait().is_some());
    world.join_from("elsewhere", 2);
    let shared = registration(world.now, &limits, "shared").with_origin(QuotaKey(1)).with_shared_origin();
    assert!(world.hub.admit(world.now, shared).is_ok(), "the driver knows that many share it");
    for name in ["x", "y", "z"] {
        world.join(name);
    }
    // What the last one said holds, until another one says otherwise: there are three now.
    let _ = world.say(a, &[goodbye()]);
    assert!(world.let_in_from("c", 1).is_err(), "two are left");
    world.hub.disconnect(world.now, b).unwrap();
    assert!(world.let_in_from("c", 1).is_err(), "one that waits for its client counts, too");
    world.pass(limits.resume_time_max);
    world.join_from("c", 1);
}

#[test]
fn who_resumes_a_session_is_not_refused_because_its_origin_is_full() {
    let limits = Limits::default().with_sessions_of_origin_max(1);
    let mut world = World::new(limits.clone());
    let (alice, token) = join_with_token(&mut world, "alice");
    world.confirm(alice);
    world.hub.disconnect(world.now, alice).unwrap();
    world.join_from("bob", 1);
    let resume = ClientMessage::Resume(Resume {
        name: "alice",
        token,
        received: Some(0),
        attempt: 1,
        frame_bytes_max: u32::MAX,
    });
    let mut bytes = Preface::OURS.encode().to_vec();
    resume.encode(&mut bytes);
    let registration = Handshake::new(world.now, &limits).receive(world.now, &mut &bytes[..]).unwrap().unwrap();
    assert!(world.hub.admit(world.now, registration.with_origin(QuotaKey(1))).is_ok());
    let _ = world.let_in_from("carol", 1).expect_err("two come from there now");
}

#[test]
fn an_origin_opens_so_many_rooms_and_others_can_open_more() {
    let mut world = World::new(Limits::default().with_rooms_of_origin_max(2));
    let [a, b] = ["a", "b"].map(|name| world.join_from(name, 1));
    let other = world.join_from("other", 2);
    assert_eq!([world.join_room(a, "#one"), world.join_room(b, "#two")], [Ok(()); 2]);
    for conn in [a, b] {
        assert_eq!(world.join_room(conn, "#three"), Err(RejectCode::HubRoomsFull));
    }
    assert_eq!(world.join_room(other, "#three"), Ok(()));
    assert_eq!(world.join_room(a, "#three"), Ok(()), "another origin has opened it");
    // A room counts for who has opened it until its last member leaves.
    assert_eq!(world.join_room(other, "#one"), Ok(()));
    let _ = world.say(a, &[ClientMessage::Leave(Leave { room: "#one" })]);
    assert_eq!(world.join_room(b, "#four"), Err(RejectCode::HubRoomsFull));
    let _ = world.say(other, &[ClientMessage::Leave(Leave { room: "#one" })]);
    assert_eq!(world.join_room(b, "#four"), Ok(()));
    let anybody = world.join("anybody");
    for room in ["#x", "#y", "#z"] {
        assert_eq!(world.join_room(anybody, room), Ok(()), "its origin is not known");
    }
}

/// Who has lost the place that it waited in, in order.
fn displaced(world: &World) -> Vec<String> {
    let displaced = world.hub_events.iter().filter_map(|event| match event {
        HubEvent::SessionEnded { name, reason, .. } => {
            assert_eq!(*reason, CloseReason::Displaced, "{name}");
            Some(name.as_str().to_owned())
        }
        _ => None,
    });
    displaced.collect()
}

#[test]
fn when_all_places_are_taken_the_origin_that_has_most_of_them_gives_one_up() {
    let mut world = World::new(Limits::default().with_detached_max(4));
    let part = |world: &mut World, name: &str, origin| {
        let conn = world.join_from(name, origin);
        world.hub.disconnect(world.now, conn).unwrap();
        world.drain();
        world.pass(Duration::from_millis(1));
    };
    for name in ["a", "b", "c", "d"] {
        part(&mut world, name, 1);
    }
    assert_eq!(displaced(&world), [""; 0]);
    part(&mut world, "e", 2);
    part(&mut world, "f", 2);
    assert_eq!(displaced(&world), ["a", "b"], "those that have waited longest");
    part(&mut world, "g", 2);
    assert_eq!(displaced(&world), ["a", "b", "e"], "both have two now, and it makes room for its own");
    part(&mut world, "h", 3);
    part(&mut world, "i", 4);
    assert_eq!(displaced(&world), ["a", "b", "e", "f", "c"], "one for each of four");
    let conn = world.join_from("j", 5);
    world.hub.disconnect(world.now, conn).unwrap();
    world.join("j");
    assert_eq!(world.hub.sessions(), 5, "nobody has more than one, and so it found no place");
}

#[test]
fn an_origin_that_many_share_gives_up_no_place_for_another() {
    let limits = Limits::default().with_detached_max(3).with_detached_of_origin_max(1);
    let mut world = World::new(limits.clone());
    for name in ["a", "b", "c"] {
        let shared = registration(world.now, &limits, name).with_origin(QuotaKey(1)).with_shared_origin();
        let conn = world.hub.admit(world.now, shared).unwrap();
        world.written(conn);
        world.confirm(conn);
        world.hub.disconnect(world.now, conn).unwrap();
        world.drain();
    }
    let conn = world.join_from("d", 2);
    world.hub.disconnect(world.now, conn).unwrap();
    world.drain();
    let gone: Vec<_> = ["a", "b", "c", "d"].into_iter().filter(|name| world.try_join(name).is_ok()).collect();
    assert_eq!(gone, ["d"]);
}

#[test]
fn an_origin_can_have_so_many_silent_holders_of_names_asked_for_a_sign_of_life() {
    let limits = Limits::default().with_probe_rate(Rate { per_s: 1, burst: 2 });
    let mut world = World::new(limits.clone());
    let holders = ["a", "b", "c", "d"].map(|name| (name, world.join_from(name, 1)));
    let ask = |world: &mut World, name: &str, origin| match world.let_in_from(name, origin) {
        Err(Refusal::NameInUse { wait }) => wait,
        other => panic!("{other:?}"),
    };
    let soon = limits.probe_time_max + limits.resume_time_max;
    let waits = ["a", "a", "b", "c", "d"].map(|name| ask(&mut world, name, 2));
    assert_eq!(waits[..3], [soon; 3], "who asks again waits for the same answer");
    assert!(waits[3..].iter().all(|wait| *wait == limits.idle_time_max + limits.resume_time_max), "{waits:?}");
    assert_eq!(ask(&mut world, "c", 3), soon, "others notice nothing");
    world.pass(limits.probe_time_max);
    let told = holders.map(|(_, conn)| world.written(conn));
    let reasons = holders.map(|(_, conn)| world.closed(conn));
    let unanswered = Some(CloseReason::Unanswered);
    assert_eq!(reasons, [unanswered, unanswered, unanswered, None]);
    let last = decode_all(&told[0]).pop();
    let Some(HubMessage::Goodbye(Goodbye { code: GoodbyeCode::TimedOut, detail, .. })) = last else {
        panic!("{last:?}")
    };
    assert!(detail.contains("somebody asked for the name"), "{detail}");
    assert!(ask(&mut world, "d", 2) < limits.idle_time_max + limits.resume_time_max, "it may ask for one more by now");
}
