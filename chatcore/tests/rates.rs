//! Rates: who asks for more than its share waits, and its origin, and nobody else.

mod world;

use std::time::Duration;

use chatcore::wire::{Ack, ClientMessage, HubMessage, Join, Message, Ping, Watch};
use chatcore::{Asking, CloseReason, ConnId, HubEvent, Instant, Limits, QuotaKey, Rate, Received};
use world::{World, decode_all, encode_all, goodbye, registration, send};

const PING: ClientMessage<'_> = ClientMessage::Ping(Ping { nonce: 1 });

fn paced(session_rate: Rate, origin_rate: Rate) -> World {
    World::new(Limits::default().with_session_rate(session_rate).with_origin_rate(origin_rate))
}

/// Gives the hub input until it has taken what it may.
fn receive(world: &mut World, conn: ConnId, input: &mut &[u8]) -> Received {
    for _ in 0..10_000 {
        match world.hub.receive(world.now, conn, input).unwrap() {
            Received::More => {}
            other => return other,
        }
    }
    panic!("the hub neither takes it nor says until when it waits");
}

#[test]
fn what_a_program_decides_later_waits_for_the_rate_as_input_does() {
    const MEMBERS: usize = 50;
    let mut world = paced(Rate { per_s: 100, burst: 200 }, Rate::UNLIMITED);
    world.hub = world.hub.with_asking(Asking::new().sends());
    let members: Vec<ConnId> = (0..MEMBERS).map(|n| world.join(&format!("user{n}"))).collect();
    for conn in &members {
        assert_eq!(world.join_room(*conn, "#lobby"), Ok(()));
    }
    let (alice, bob) = (members[0], members[1]);
    let _ = world.put(alice, &encode_all(&[send("#lobby", b"hello")]).repeat(10));
    // What this has cost is paid off when the answers come, all at once.
    world.pass(Duration::from_secs(10));
    while let Some(question) = world.hub.poll_question() {
        world.hub.answer(world.now, question.id, Ok(())).unwrap();
    }
    let heard_of_bob = |world: &mut World| {
        let written = world.written(bob);
        decode_all(&written).iter().filter(|message| matches!(message, HubMessage::RoomDeliver(_))).count()
    };
    let mut heard = heard_of_bob(&mut world);
    assert!((1..=5).contains(&heard), "200 units are {heard} times {MEMBERS}");
    for second in 1..=3 {
        world.pass(Duration::from_secs(1));
        let more = heard_of_bob(&mut world);
        assert!((1..=4).contains(&more) || heard == 10, "{more} in second {second}");
        heard += more;
    }
    world.pass(Duration::from_secs(3));
    assert_eq!(heard + heard_of_bob(&mut world), 10);
}

#[test]
fn who_is_over_its_rate_waits_and_loses_nothing() {
    let mut world = paced(Rate { per_s: 100, burst: 50 }, Rate::UNLIMITED);
    let [alice, bob] = ["alice", "bob"].map(|name| world.join(name));
    let bodies: Vec<_> = (0..500_u32).map(|n| n.to_string()).collect();
    let messages: Vec<_> = bodies.iter().map(|body| send("bob", body.as_bytes())).collect();
    let bytes = encode_all(&messages);
    let (mut input, mut pauses, begun) = (&bytes[..], 0, world.now);
    loop {
        match receive(&mut world, alice, &mut input) {
            Received::NeedInput => break,
            Received::Paused { until } => {
                assert!(until > world.now);
                // Nothing is taken meanwhile, however often it is tried.
                let left = input.len();
                assert_eq!(world.hub.receive(world.now, alice, &mut input), Ok(Received::Paused { until }));
                assert_eq!(input.len(), left);
                world.now = until;
                pauses += 1;
            }
            other => panic!("nobody ends because it waits: {other:?}"),
        }
        assert!(pauses < 1_000);
    }
    assert_eq!(input, b"");
    let took = world.now - begun;
    assert!(
        (Duration::from_secs(4)..Duration::from_secs(6)).contains(&took),
        "450 beyond the burst at 100 a second: {took:?}"
    );
    let written = world.written(bob);
    let got: Vec<_> = decode_all(&written)
        .into_iter()
        .filter_map(|message| match message {
            HubMessage::Deliver(deliver) => Some(deliver.body.to_vec()),
            _ => None,
        })
        .collect();
    assert_eq!(got, bodies.iter().map(|body| body.as_bytes().to_vec()).collect::<Vec<_>>(), "in order, each once");
}

#[test]
fn who_is_paused_is_neither_silent_nor_stalled() {
    let mut world = paced(Rate { per_s: 6, burst: 1 }, Rate::UNLIMITED);
    let alice = world.join("alice");
    // One message whose cost takes longer to pay off than anybody may be silent, or leave its answer unacknowledged. A
    // pause excuses that for as long again, and no longer.
    let costly = "\u{660}".repeat(64);
    let bytes = encode_all(&[send(&costly, b""), PING]);
    let mut input = &bytes[..];
    let received = receive(&mut world, alice, &mut input);
    let Received::Paused { until } = received else { panic!("{received:?}") };
    let (pause, limits) = (until - world.now, world.hub.limits());
    assert!(pause > limits.idle_time_max.max(limits.stall_time_max) && pause < limits.stall_time_max * 2, "{pause:?}");
    while let Some(due) = world.hub.poll_timeout().filter(|due| *due < until) {
        world.now = world.now.max(due);
        world.hub.handle_timeout(world.now);
        world.drain();
    }
    world.now = until;
    assert_eq!(world.closed(alice), None);
    assert!(matches!(
        world.hub.receive(world.now, alice, &mut input),
        Ok(Received::NeedInput | Received::Paused { .. })
    ));
    assert_eq!(input, b"", "it goes on");
}

#[test]
fn sessions_of_one_origin_share_its_rate_and_others_do_not() {
    let mut world = paced(Rate::UNLIMITED, Rate { per_s: 100, burst: 1_000 });
    let admit = |world: &mut World, name, origin| {
        let registration = registration(world.now, world.hub.limits(), name).with_origin(QuotaKey(origin));
        world.hub.admit(world.now, registration).unwrap()
    };
    let [alice, bob] = ["alice", "bob"].map(|name| admit(&mut world, name, 1));
    let carol = admit(&mut world, "carol", 2);
    let pings = encode_all(&[PING]).repeat(2_000);
    let mut input = &pings[..];
    let outcome = receive(&mut world, alice, &mut input);
    assert!(matches!(outcome, Received::Paused { .. }), "{outcome:?}");
    let ping = encode_all(&[PING]);
    let mut of = |conn| receive(&mut world, conn, &mut &ping[..]);
    assert!(matches!(of(bob), Received::Paused { .. }), "it has the same origin");
    assert_eq!(of(carol), Received::NeedInput, "it has another");
}

#[test]
fn a_rate_of_zero_pauses_nobody() {
    let mut world = World::new(
        Limits::default()
            .with_outbox_bytes_max(64 << 20)
            .with_session_rate(Rate::UNLIMITED)
            .with_origin_rate(Rate::UNLIMITED),
    );
    let alice = world.join("alice");
    let pings = encode_all(&[PING]).repeat(300_000);
    assert_eq!(receive(&mut world, alice, &mut &pings[..]), Received::NeedInput);
    assert_eq!(world.now, Instant::from_millis(1_000));
    assert!(
        !world
            .hub_events
            .iter()
            .any(|event| matches!(event, HubEvent::SessionEnded { reason: CloseReason::SlowConsumer, .. }))
    );
}

#[test]
fn a_call_for_a_session_that_was_quiet_does_little_and_the_next_ones_more() {
    let mut world = paced(Rate { per_s: 1_000, burst: 100_000 }, Rate::UNLIMITED);
    let alice = world.join("alice");
    world.now = world.now + Duration::from_secs(1);
    let pings = encode_all(&vec![PING; 20_000]);
    let mut input = &pings[..];
    let mut costs = Vec::new();
    while world.hub.receive(world.now, alice, &mut input).unwrap() == Received::More {
        costs.push(world.hub.last_cost());
        let _ = world.written(alice);
    }
    assert_eq!(costs[..5], [256, 512, 1_024, 2_048, 4_096]);
    assert!(costs[5..].iter().all(|cost| *cost == 4_096), "{costs:?}");
    // When it has paid that off, it begins anew.
    world.now = world.now + Duration::from_secs(60);
    let mut input = &pings[..];
    assert_eq!(world.hub.receive(world.now, alice, &mut input).unwrap(), Received::More);
    assert_eq!(world.hub.last_cost(), 256);
}

/// A driver keeps what is left of paused input. This one does not.
#[test]
fn a_list_whose_rest_was_dropped_does_not_hold_up_the_next_one() {
    let mut world = paced(Rate { per_s: 100, burst: 50 }, Rate::UNLIMITED);
    let alice = world.join("alice");
    let names: Vec<_> = (0..200).map(|n| format!("user{n}")).collect();
    let list = |count| ClientMessage::Watch(Watch { names: names[..count].iter().map(String::as_str).collect() });
    let long = encode_all(&[list(200)]);
    let mut input = &long[..];
    let Received::Paused { until } = receive(&mut world, alice, &mut input) else { panic!("it costs too much") };
    assert_eq!(input.len(), long.len(), "a list is taken as a whole");
    world.now = until;
    let short = encode_all(&[list(1)]);
    let mut input = &short[..];
    let received = receive(&mut world, alice, &mut input);
    assert!(matches!(received, Received::NeedInput | Received::Paused { .. }), "{received:?}");
    assert_eq!(input, b"");
    let written = world.written(alice);
    let told = decode_all(&written);
    assert!(told.iter().any(|told| matches!(told, HubMessage::Presence(presence) if presence.name == "user0")));
}

/// The driver drops the rest of the list. What comes in its place costs what it always does.
#[test]
fn what_comes_while_a_list_is_begun_is_not_free() {
    let mut world = paced(Rate { per_s: 100, burst: 50 }, Rate::UNLIMITED);
    let alice = world.join("alice");
    let names: Vec<_> = (0..200).map(|n| format!("user{n}")).collect();
    let list = Watch { names: names.iter().map(String::as_str).collect() };
    let long = encode_all(&[ClientMessage::Watch(list)]);
    let Received::Paused { until } = receive(&mut world, alice, &mut &long[..]) else { panic!("it costs too much") };
    world.now = until + Duration::from_secs(60);
    let _ = receive(&mut world, alice, &mut &encode_all(&[PING])[..]);
    assert_eq!(world.hub.last_cost(), 1);
}

#[test]
fn what_is_said_in_a_room_costs_its_members_and_no_more() {
    const MEMBERS: u32 = 100;
    const BURST: u32 = 1_000;
    let mut world = paced(Rate { per_s: 1_000, burst: BURST }, Rate::UNLIMITED);
    let users: Vec<_> = (0..MEMBERS).map(|i| world.join(&format!("user{i}"))).collect();
    for user in &users {
        let _ = world.say(*user, &[ClientMessage::Join(Join { room: "#hall" })]);
        world.drain();
    }
    world.pass(Duration::from_secs(1));
    let said = encode_all(&vec![send("#hall", b"x"); 50]);
    let mut input = &said[..];
    let Received::Paused { until } = receive(&mut world, users[0], &mut input) else {
        panic!("it is more than a burst")
    };
    let frames = 50 - u32::try_from(50 * input.len() / said.len()).unwrap();
    let debt = frames * (1 + MEMBERS) - BURST;
    assert_eq!(frames, BURST.div_ceil(1 + MEMBERS));
    assert_eq!(until, world.now + Duration::from_millis(u64::from(debt).max(10)));
}

/// All of them come from one place, too.
#[test]
fn a_busy_bot_in_a_room_of_a_hundred_is_never_paused_at_the_default_rates() {
    const MEMBERS: usize = 100;
    const A_SECOND: u64 = 20;
    let mut world = World::new(Limits::default());
    let users: Vec<_> = (0..MEMBERS).map(|n| world.join(&format!("user{n}"))).collect();
    let mut read = vec![0; MEMBERS];
    for user in &users {
        let _ = world.say(*user, &[ClientMessage::Join(Join { room: "#hall" })]);
        world.drain();
    }
    // What it may cause at once is used up.
    let until = loop {
        if let Received::Paused { until } = world.say(users[0], &[PING]) {
            break until;
        }
        let _ = world.written(users[0]);
    };
    world.pass(until - world.now);
    let body = [b'x'; 1_000];
    for turn in 0..60 * A_SECOND {
        world.pass(Duration::from_secs(1) / u32::try_from(A_SECOND).unwrap());
        let received = world.say(users[0], &[send("#hall", &body)]);
        assert_eq!(received, Received::NeedInput, "message {turn}");
        // The others read, and say so now and then.
        if turn % A_SECOND == A_SECOND - 1 {
            for (user, count) in users.iter().zip(&mut read) {
                let bytes = world.written(*user);
                *count += decode_all(&bytes).iter().filter(|told| told.kind().is_numbered()).count() as u64;
                let received = world.say(*user, &[ClientMessage::Ack(Ack { count: *count })]);
                assert_eq!(received, Received::NeedInput, "message {turn}");
            }
        }
    }
    assert!(read[1..].iter().all(|count| *count >= 60 * A_SECOND), "each has got all: {read:?}");
}

#[test]
fn who_ends_leaves_the_cost_to_its_origin() {
    const MEMBERS: u32 = 50;
    let mut world = paced(Rate::UNLIMITED, Rate { per_s: 1_000, burst: 5_000 });
    for i in 0..MEMBERS {
        let registration =
            registration(world.now, world.hub.limits(), &format!("user{i}")).with_origin(QuotaKey(i.into()));
        let user = world.hub.admit(world.now, registration).unwrap();
        let _ = world.say(user, &[ClientMessage::Join(Join { room: "#hall" })]);
        world.drain();
    }
    let mut sessions = 0;
    let said =
        [&[ClientMessage::Join(Join { room: "#hall" })][..], &vec![send("#hall", b"x"); 10], &[goodbye()]].concat();
    let said = encode_all(&said);
    loop {
        let registration = registration(world.now, world.hub.limits(), "eve").with_origin(QuotaKey(1_000));
        let Ok(eve) = world.hub.admit(world.now, registration) else { break };
        match receive(&mut world, eve, &mut &said[..]) {
            Received::Closed => {}
            Received::Paused { .. } => break,
            other => panic!("{other:?}"),
        }
        world.drain();
        sessions += 1;
        assert!(sessions < 100, "the origin pays");
    }
    // Each says 10 messages to 50 members, and comes and goes.
    assert!((5_000 / 800..=5_000 / 600).contains(&sessions), "{sessions}");
}

#[test]
fn who_comes_and_goes_pays_for_1_000_who_are_told() {
    const BURST: u32 = 10_000;
    let spent = |watchers: u32| {
        let mut world = paced(Rate::UNLIMITED, Rate { per_s: 1, burst: BURST });
        for number in 0..watchers {
            let conn = world.join_from(&format!("watcher{number}"), 100 + u128::from(number));
            let _ = world.say(conn, &[ClientMessage::Watch(Watch { names: vec!["flapper"] })]);
        }
        let conn = world.join_from("flapper", 1);
        let _ = world.say(conn, &[goodbye()]);
        let charge = |_: &u32| world.hub.charge_origin(world.now, QuotaKey(1), 1).is_some();
        BURST - (0..=BURST).find(charge).expect("it is used up some time")
    };
    assert_eq!(spent(1_100), spent(0) + 2 * 1_000, "strangers make nobody pay for more of them");
}
