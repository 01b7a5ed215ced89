//! Limits of one user's own: what is announced is what holds, and for that user alone.

mod world;

use std::time::Duration;

use chatcore::wire::{ClientMessage, HubMessage, Join, PREFACE_BYTES, Ping, Rejected, Watch};
use chatcore::{
    Admission, Client, ClientConfig, ConnId, Event, Handshake, HubConnection, Limits, LimitsError, Next, QuotaKey,
    Rate, Received, Refusal, RejectCode, UserLimits, UserLimitsError, UserName,
};
use proptest::prelude::*;
use world::{User, World, decode_all, encode_all, registration, send};

const PING: ClientMessage<'_> = ClientMessage::Ping(Ping { nonce: 1 });

fn name(name: &str) -> UserName {
    name.parse().expect("it can be a name")
}

fn small() -> Limits {
    Limits::default().with_rooms_of_user_max(2).with_watches_max(3).with_sessions_of_user_max(2)
}

fn own() -> UserLimits {
    UserLimits::default()
}

/// Lets somebody in with limits of its own.
fn admit(world: &mut World, name: &str, admission: Admission, limits: UserLimits) -> Result<ConnId, Refusal> {
    let registration = registration(world.now, world.hub.limits(), name).with_limits(limits).expect("they can be");
    let admitted = world.hub.admit_as(world.now, registration, admission);
    let conn = admitted.map_err(|not_admitted| not_admitted.refusal)?;
    world.confirm(conn);
    Ok(conn)
}

/// What a welcome says: rooms, watches, and the rate.
fn welcomed(world: &mut World, conn: ConnId) -> [u32; 4] {
    let bytes = world.written(conn);
    match &decode_all(&bytes[PREFACE_BYTES..])[0] {
        HubMessage::Welcome(welcome) => {
            let limits = welcome.limits;
            [limits.rooms_max, limits.watches_max, limits.cost_per_s, limits.cost_burst]
        }
        other => panic!("{other:?}"),
    }
}

/// The codes of rejections in what the hub has to write.
fn rejections(world: &mut World, conn: ConnId) -> Vec<RejectCode> {
    let bytes = world.written(conn);
    let rejected = decode_all(&bytes).into_iter().filter_map(|message| match message {
        HubMessage::Rejected(Rejected { code, .. }) => Some(code),
        _ => None,
    });
    rejected.collect()
}

fn join_all(world: &mut World, conn: ConnId, rooms: usize) -> Vec<RejectCode> {
    for n in 0..rooms {
        let _ = world.say(conn, &[ClientMessage::Join(Join { room: &format!("#{n}") })]);
    }
    rejections(world, conn)
}

fn watch_all(world: &mut World, conn: ConnId, names: usize) -> Vec<RejectCode> {
    let names: Vec<_> = (0..names).map(|n| format!("user{n}")).collect();
    let _ = world.say(conn, &[ClientMessage::Watch(Watch { names: names.iter().map(String::as_str).collect() })]);
    rejections(world, conn)
}

#[test]
fn a_user_gets_its_own_limits_and_is_told_them_in_its_welcome() {
    let mut world = World::new(small());
    let rate = Rate { per_s: 7, burst: 70 };
    let more = own().with_rooms_of_user_max(5).with_watches_max(300).with_session_rate(rate);
    let bot = admit(&mut world, "bot", Admission::NewUser, more).unwrap();
    let alice = world.try_join("alice").unwrap();
    assert_eq!(welcomed(&mut world, bot), [5, 300, 7, 70]);
    assert_eq!(welcomed(&mut world, alice), [2, 3, 50_000, 100_000]);
    let free = own().with_rooms_of_user_max(5).with_watches_max(300);
    world.hub.set_user_limits(world.now, &name("bot"), free).unwrap();
    assert_eq!(join_all(&mut world, bot, 6), [RejectCode::TooManyRooms]);
    assert_eq!(join_all(&mut world, alice, 3), [RejectCode::TooManyRooms]);
    for (conn, names) in [(bot, 300), (alice, 3)] {
        assert_eq!(watch_all(&mut world, conn, names + 1), [RejectCode::TooManyWatches], "more than it may ever watch");
        assert_eq!(watch_all(&mut world, conn, names), []);
        let one_more = ClientMessage::Watch(Watch { names: vec!["carol"] });
        let _ = world.say(conn, &[one_more]);
        assert_eq!(rejections(&mut world, conn), [RejectCode::TooManyWatches]);
    }
}

#[test]
fn a_user_may_have_less_than_others() {
    let mut world = World::new(small());
    let least = own().with_rooms_of_user_max(0).with_watches_max(0).with_sessions_of_user_max(1);
    let guest = admit(&mut world, "guest", Admission::NewUser, least).unwrap();
    assert_eq!(welcomed(&mut world, guest)[..2], [0, 0]);
    assert_eq!(join_all(&mut world, guest, 1), [RejectCode::TooManyRooms]);
    assert_eq!(watch_all(&mut world, guest, 1), [RejectCode::TooManyWatches]);
    let another = registration(world.now, world.hub.limits(), "guest");
    let refusal = world.hub.admit_as(world.now, another, Admission::AnotherSession).unwrap_err().refusal;
    assert_eq!(refusal, Refusal::TooManySessions { sessions_of_user_max: 1 });
}

#[test]
fn all_sessions_of_a_user_have_its_limits_until_the_last_one_ends() {
    let mut world = World::new(small());
    let rate = Rate { per_s: 9, burst: 90 };
    let phone = admit(&mut world, "alice", Admission::NewUser, own().with_session_rate(rate)).unwrap();
    let laptop = world.hub.admit_as(world.now, registration(world.now, &small(), "alice"), Admission::AnotherSession);
    let laptop = laptop.unwrap();
    assert_eq!(welcomed(&mut world, laptop), [2, 3, 9, 90], "those that the user has");
    // The next one brings others, for all.
    let more = own().with_sessions_of_user_max(3).with_rooms_of_user_max(4);
    let tablet = admit(&mut world, "alice", Admission::AnotherSession, more).unwrap();
    assert_eq!(welcomed(&mut world, tablet), [4, 3, 50_000, 100_000]);
    assert_eq!(world.hub.user_limits(&name("alice")), Some(more));
    world.written(phone);
    assert_eq!(join_all(&mut world, phone, 5), [RejectCode::TooManyRooms]);
    assert_eq!(world.hub.rooms_of(&name("alice")).count(), 4);
    // Who is refused changes nothing.
    let fewer = own().with_sessions_of_user_max(2);
    let refused = admit(&mut world, "alice", Admission::AnotherSession, fewer);
    assert_eq!(refused, Err(Refusal::TooManySessions { sessions_of_user_max: 2 }));
    assert_eq!(world.hub.user_limits(&name("alice")), Some(more));
    assert!(world.hub.kick(world.now, &name("alice")));
    let again = world.try_join("alice").unwrap();
    assert_eq!(welcomed(&mut world, again), [2, 3, 50_000, 100_000], "whoever comes next has none");
    assert_eq!(world.hub.user_limits(&name("alice")), None);
}

#[test]
fn limits_that_are_set_later_hold_at_once_and_are_told_with_the_next_resume() {
    let mut world = World::new(small());
    let mut alice = world.connect("alice");
    let rooms_max = |user: &User| user.client.limits().expect("it has a session").rooms_max;
    world.hub.set_user_limits(world.now, &name("alice"), own().with_rooms_of_user_max(3)).unwrap();
    for n in 0..4 {
        alice.client.join(world.now, &format!("#{n}")).unwrap();
    }
    world.carry(&mut alice);
    let is_rejected = |event: &Event| matches!(event, Event::Rejected { code: RejectCode::TooManyRooms, .. });
    let answers: Vec<_> = std::mem::take(&mut alice.events).iter().map(is_rejected).collect();
    assert_eq!(answers, [false, false, false, true]);
    assert_eq!(rooms_max(&alice), 2, "it does not know yet");
    world.cut(&mut alice);
    world.reconnect(&mut alice).unwrap();
    world.carry(&mut alice);
    assert_eq!(rooms_max(&alice), 3);
    // The limits of all hold again. What it has it keeps.
    world.hub.set_user_limits(world.now, &name("alice"), UserLimits::default()).unwrap();
    assert_eq!(world.hub.user_limits(&name("alice")), None);
    assert_eq!(world.hub.rooms_of(&name("alice")).count(), 3);
    assert_eq!(join_all(&mut world, alice.conn, 5), [RejectCode::TooManyRooms; 2], "it is in three of them");
}

#[test]
fn a_client_that_comes_back_or_takes_over_may_bring_others() {
    let mut world = World::new(small());
    let mut alice = world.connect("alice");
    let taken = own().with_rooms_of_user_max(7);
    let new = admit(&mut world, "alice", Admission::TakeOver, taken).unwrap();
    assert_eq!(welcomed(&mut world, new)[0], 7);
    world.carry_closed(&mut alice);
    let mut bob = world.connect("bob");
    world.cut(&mut bob);
    world.pass(bob.client.poll_timeout().expect("it wants to come back") - world.now);
    bob.client.handle_timeout(world.now);
    while bob.client.poll_event().is_some() {}
    bob.client.connected(world.now);
    let opening = bob.client.transmit().concat();
    bob.client.transmitted(world.now, opening.len());
    let mut handshake = Handshake::new(world.now, world.hub.limits());
    let resume = handshake.receive(world.now, &mut &opening[..]).unwrap().unwrap();
    let resume = resume.with_limits(own().with_rooms_of_user_max(8)).unwrap();
    bob.conn = world.hub.admit(world.now, resume).unwrap();
    world.carry(&mut bob);
    assert_eq!(bob.client.limits().expect("it has a session").rooms_max, 8);
}

#[test]
fn limits_that_cannot_be_are_an_error_and_change_nothing() {
    let mut world = World::new(small());
    world.join("alice");
    let alice = name("alice");
    let good = own().with_rooms_of_user_max(3);
    world.hub.set_user_limits(world.now, &alice, good).unwrap();
    let stuck = own().with_session_rate(Rate { per_s: 5, burst: 0 });
    let error = world.hub.set_user_limits(world.now, &alice, stuck).unwrap_err();
    assert_eq!(error, UserLimitsError::Limits(LimitsError::NoBurst { name: "session_rate" }));
    assert_eq!(error.to_string(), "the burst of session_rate is 0: it must be at least 1, or the rate 0 for no bound");
    assert_eq!(world.hub.user_limits(&alice), Some(good));
    let nobody = world.hub.set_user_limits(world.now, &name("bob"), good);
    assert_eq!(nobody, Err(UserLimitsError::NoSuchUser));
    let error = registration(world.now, &small(), "bob").with_limits(own().with_watches_max(4_097)).unwrap_err();
    assert_eq!(error, LimitsError::PerUser { name: "watches_max", given: 4_097, max: 4_096 });
}

// ---- the rate ----

fn receive(world: &mut World, conn: ConnId, input: &mut &[u8]) -> Received {
    for _ in 0..10_000 {
        match world.hub.receive(world.now, conn, input).unwrap() {
            Received::More => {}
            other => return other,
        }
    }
    panic!("the hub neither takes it nor says until when it waits");
}

/// How many pings of so many the hub takes before it pauses the session.
fn taken_of(world: &mut World, conn: ConnId, pings: usize) -> usize {
    let bytes = encode_all(&[PING]).repeat(pings);
    let mut input = &bytes[..];
    let _ = receive(world, conn, &mut input);
    world.drain();
    (bytes.len() - input.len()) / (bytes.len() / pings)
}

#[test]
fn a_rate_of_one_s_own_holds_for_that_user_alone() {
    let (slow, fast) = (Rate { per_s: 10, burst: 20 }, Rate { per_s: 1_000, burst: 2_000 });
    for (general, of_admin) in [(slow, fast), (fast, slow), (Rate::UNLIMITED, slow), (slow, Rate::UNLIMITED)] {
        let limits = Limits::default().with_session_rate(general).with_origin_rate(Rate::UNLIMITED);
        let mut world = World::new(limits.with_outbox_bytes_max(64 << 20));
        let admin = admit(&mut world, "admin", Admission::NewUser, own().with_session_rate(of_admin)).unwrap();
        let alice = world.join("alice");
        for (conn, rate) in [(admin, of_admin), (alice, general)] {
            let expected = if rate.per_s == 0 { 5_000 } else { rate.burst as usize };
            let taken = taken_of(&mut world, conn, 5_000);
            assert!((expected - 1..=expected + 1).contains(&taken), "{taken} of {rate:?}");
        }
    }
}

#[test]
fn a_rate_of_one_s_own_holds_when_the_hub_comes_to_bound_nothing() {
    let limits = Limits::default().with_session_rate(Rate::UNLIMITED).with_outbox_bytes_max(64 << 20);
    let mut world = World::new(limits.clone());
    let slow = own().with_session_rate(Rate { per_s: 10, burst: 20 });
    let admin = admit(&mut world, "admin", Admission::NewUser, slow).unwrap();
    world.hub.set_limits(world.now, limits.with_origin_rate(Rate::UNLIMITED)).unwrap();
    assert!((19..=21).contains(&taken_of(&mut world, admin, 1_000)));
}

#[test]
fn what_was_caused_before_stays_charged() {
    let rate = Rate { per_s: 10, burst: 100 };
    let limits = Limits::default().with_session_rate(rate).with_origin_rate(Rate::UNLIMITED);
    let mut world = World::new(limits);
    let (alice, alice_name) = (world.join("alice"), name("alice"));
    assert!(taken_of(&mut world, alice, 1_000) <= 101);
    // Neither to be given limits nor to lose them fills a bucket.
    for limits in [own().with_rooms_of_user_max(9), own().with_session_rate(rate), UserLimits::default()] {
        world.hub.set_user_limits(world.now, &alice_name, limits).unwrap();
        assert_eq!(taken_of(&mut world, alice, 10), 0, "{limits:?}");
    }
    // More of it does.
    let more = own().with_session_rate(Rate { per_s: 10, burst: 200 });
    world.hub.set_user_limits(world.now, &alice_name, more).unwrap();
    let taken = taken_of(&mut world, alice, 1_000);
    assert!((95..=105).contains(&taken), "{taken}");
}

#[test]
fn who_may_cause_more_again_does_not_wait_for_what_a_slow_rate_would_take() {
    let mut world = World::new(Limits::default().with_origin_rate(Rate::UNLIMITED));
    let (alice, alice_name) = (world.join("alice"), name("alice"));
    let slow = own().with_session_rate(Rate { per_s: 1, burst: 1_000 });
    world.hub.set_user_limits(world.now, &alice_name, slow).unwrap();
    assert!(taken_of(&mut world, alice, 5_000) <= 1_001);
    let fast = own().with_session_rate(Rate { per_s: 1_000, burst: 2_000 });
    for limits in [fast, UserLimits::default()] {
        world.hub.set_user_limits(world.now, &alice_name, slow).unwrap();
        world.hub.set_user_limits(world.now, &alice_name, limits).unwrap();
        world.pass(Duration::from_secs(1));
        assert_eq!(taken_of(&mut world, alice, 10), 10, "{limits:?}");
    }
}

#[test]
fn the_origin_s_rate_bounds_them_too() {
    let origin = Rate { per_s: 10, burst: 500 };
    let mut world = World::new(Limits::default().with_origin_rate(origin));
    let free = own().with_session_rate(Rate::UNLIMITED);
    let registration = registration(world.now, world.hub.limits(), "bot").with_origin(QuotaKey(7));
    let bot = world.hub.admit(world.now, registration.with_limits(free).unwrap()).unwrap();
    let taken = taken_of(&mut world, bot, 5_000);
    assert!((300..=500).contains(&taken), "{taken}: what it was let in for is charged, too");
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Pings(u16),
    Sends(u8),
    Costly,
    Wait(u32),
}

fn rate() -> impl Strategy<Value = Rate> {
    prop_oneof![
        1 => Just(Rate::UNLIMITED),
        4 => (1..20_000_u32, 1..5_000_u32).prop_map(|(per_s, burst)| Rate { per_s, burst }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..400_u16).prop_map(Step::Pings),
        2 => (1..100_u8).prop_map(Step::Sends),
        1 => Just(Step::Costly),
        3 => (0..2_000_u32).prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the general rate is, a hub does with a user of its own rate what a hub does in which all have that
    /// rate.
    #[test]
    fn an_own_rate_is_as_good_as_a_general_one(
        of_user in rate(), general in rate(), is_late in any::<bool>(),
        steps in proptest::collection::vec(step(), 1..40),
    ) {
        let limits = Limits::default().with_origin_rate(Rate::UNLIMITED).with_outbox_bytes_max(64 << 20);
        let worlds = [limits.clone().with_session_rate(of_user), limits.with_session_rate(general)];
        let mut worlds = worlds.map(World::new);
        let limits = own().with_session_rate(of_user);
        let mut conns = Vec::new();
        for (at, world) in worlds.iter_mut().enumerate() {
            let has_own = at == 1;
            let mut registration = registration(world.now, world.hub.limits(), "alice");
            if has_own && !is_late {
                registration = registration.with_limits(limits).unwrap();
            }
            conns.push(world.hub.admit(world.now, registration).unwrap());
            if has_own && is_late {
                world.hub.set_user_limits(world.now, &name("alice"), limits).unwrap();
            }
            world.drain();
        }
        for step in &steps {
            let costly = "\u{660}".repeat(60);
            let input = match step {
                Step::Pings(count) => encode_all(&[PING]).repeat((*count).into()),
                Step::Sends(count) => encode_all(&[send("nobody", b"hello")]).repeat((*count).into()),
                Step::Costly => encode_all(&[send(&costly, b"")]),
                Step::Wait(millis) => {
                    for world in &mut worlds {
                        world.now = world.now + Duration::from_millis((*millis).into());
                    }
                    continue;
                }
            };
            let mut outcomes = Vec::new();
            for (world, conn) in worlds.iter_mut().zip(&conns) {
                let mut rest = &input[..];
                // Call by call, and so the work of each is the same, too.
                let calls: Vec<_> = (0..4)
                    .map(|_| (world.hub.receive(world.now, *conn, &mut rest).unwrap(), rest.len(), world.hub.last_cost()))
                    .collect();
                outcomes.push(calls);
            }
            prop_assert_eq!(&outcomes[0], &outcomes[1]);
        }
    }
}

#[test]
fn a_client_is_told_with_its_connection_what_it_may() {
    let mut world = World::new(small());
    let mut client = Client::new(world.now, ClientConfig::default(), 7);
    client.register(world.now, "bot", b"").unwrap();
    let opening = client.transmit().concat();
    client.transmitted(world.now, opening.len());
    let mut conn = HubConnection::new(world.now, &mut world.hub, QuotaKey::default());
    let Next::Decide(registration) = conn.receive(world.now, &mut world.hub, &opening) else { panic!("it asks") };
    let registration = registration.with_limits(own().with_rooms_of_user_max(50)).unwrap();
    let _ = conn.admit(world.now, &mut world.hub, registration);
    let bytes = conn.transmit(&world.hub).concat();
    let _ = client.receive(world.now, &mut &bytes[..]);
    let event = client.poll_event();
    let Some(Event::Registered { limits, .. }) = event else { panic!("{event:?}") };
    assert_eq!(limits.rooms_max, 50);
}
