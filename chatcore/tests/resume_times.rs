//! Sessions that wait longer than others, or less, when their connections break.

mod world;

use std::time::Duration;

use chatcore::wire::{ClientMessage, HubMessage, PREFACE_BYTES, Preface, Resume, Token};
use chatcore::{Admission, CloseReason, ConnId, Handshake, HubEvent, Limits, LimitsError, Refusal, Registration};
use world::{World, decode_all, registration, try_resume};

/// What the hub gives those who have no time of their own.
const HUB: Duration = Duration::from_secs(60);

const LONG: Duration = Duration::from_secs(600);

const MOMENT: Duration = Duration::from_millis(1);

fn world() -> World {
    World::new(Limits::default().with_resume_time_max(HUB))
}

fn with_time(registration: Registration, time: Option<Duration>) -> Registration {
    match time {
        Some(time) => registration.with_resume_time_max(time).expect("it is not too long"),
        None => registration,
    }
}

/// What a welcome or a resumed says of the time, and the token of a welcome.
fn told(world: &mut World, conn: ConnId) -> (Duration, Option<Token>) {
    let bytes = world.written(conn);
    let (limits, token) = match &decode_all(&bytes[PREFACE_BYTES..])[0] {
        HubMessage::Welcome(welcome) => (welcome.limits, Some(welcome.token)),
        HubMessage::Resumed(resumed) => (resumed.limits, None),
        other => panic!("{other:?}"),
    };
    (Duration::from_millis(limits.resume_ms_max.into()), token)
}

/// A session with a time of its own, and its token.
fn join(world: &mut World, name: &str, time: Option<Duration>) -> (ConnId, Token) {
    let registration = with_time(registration(world.now, world.hub.limits(), name), time);
    let conn = world.hub.admit(world.now, registration).expect("the name is free");
    let (told, token) = told(world, conn);
    assert_eq!(told, time.unwrap_or(HUB));
    world.confirm(conn);
    (conn, token.expect("it is welcome"))
}

/// Goes on with a session over a connection that gives it this time.
fn resume(world: &mut World, name: &str, token: Token, attempt: u64, time: Option<Duration>) -> ConnId {
    let mut opening = Preface::OURS.encode().to_vec();
    let resume = Resume { name, token, received: Some(0), attempt, frame_bytes_max: u32::MAX };
    chatcore::wire::Message::encode(&ClientMessage::Resume(resume), &mut opening);
    let mut handshake = Handshake::new(world.now, world.hub.limits());
    let registration = handshake.receive(world.now, &mut &opening[..]).unwrap().unwrap();
    let conn = world.hub.admit(world.now, with_time(registration, time)).expect("the session is there");
    assert_eq!(told(world, conn).0, time.unwrap_or(HUB));
    conn
}

fn break_off(world: &mut World, conn: ConnId) {
    world.hub.disconnect(world.now, conn).expect("it is there");
    world.drain();
}

/// The name is held until so much time has passed, and not longer.
fn assert_held_for(world: &mut World, name: &str, time: Duration) {
    let Err(Refusal::NameInUse { wait }) = world.try_join(name) else { panic!("the name is held") };
    assert_eq!(wait, time);
    world.pass(time.saturating_sub(MOMENT));
    assert!(matches!(world.try_join(name), Err(Refusal::NameInUse { .. })));
    world.pass(MOMENT);
    let is_over = |event: &HubEvent| matches!(event, HubEvent::SessionEnded { name: over, reason: CloseReason::Expired, .. } if over.as_str() == name);
    assert!(world.hub_events.iter().any(is_over), "{:?}", world.hub_events);
    world.try_join(name).expect("the name is free");
}

#[test]
fn each_session_waits_as_long_as_its_registration_said() {
    for (time, expected) in [(None, HUB), (Some(LONG), LONG), (Some(MOMENT * 5), MOMENT * 5)] {
        let mut world = world();
        let (conn, _) = join(&mut world, "alice", time);
        break_off(&mut world, conn);
        assert_held_for(&mut world, "alice", expected);
    }
}

#[test]
fn a_session_without_a_time_ends_with_its_connection() {
    let mut world = world();
    let (conn, token) = join(&mut world, "alice", Some(Duration::ZERO));
    break_off(&mut world, conn);
    assert_eq!(try_resume(&mut world, "alice", token, Some(0)).unwrap_err(), Refusal::SessionOver);
    world.try_join("alice").expect("the name is free");
}

#[test]
fn what_the_last_connection_said_holds() {
    let mut world = world();
    let (conn, token) = join(&mut world, "alice", Some(LONG));
    break_off(&mut world, conn);
    world.pass(LONG.saturating_sub(MOMENT));
    let conn = resume(&mut world, "alice", token, 1, None);
    break_off(&mut world, conn);
    world.pass(HUB.saturating_sub(MOMENT));
    let conn = resume(&mut world, "alice", token, 2, Some(LONG));
    break_off(&mut world, conn);
    // Another session of the same user has its own.
    let other = registration(world.now, world.hub.limits(), "alice");
    let other = world.hub.admit_as(world.now, other, Admission::AnotherSession).expect("there is room");
    world.written(other);
    world.confirm(other);
    break_off(&mut world, other);
    world.pass(HUB);
    assert_eq!(world.hub.sessions(), 1);
    let takeover = with_time(registration(world.now, world.hub.limits(), "alice"), Some(HUB / 2));
    let conn = world.hub.admit_as(world.now, takeover, Admission::TakeOver).expect("it is there");
    assert_eq!(told(&mut world, conn).0, HUB / 2);
    world.confirm(conn);
    break_off(&mut world, conn);
    assert_held_for(&mut world, "alice", HUB / 2);
}

#[test]
fn who_asks_for_the_name_of_a_connected_session_is_told_its_own_time() {
    let mut world = world();
    for (name, time) in [("alice", Some(LONG)), ("bob", None)] {
        join(&mut world, name, time);
    }
    let waits = ["alice", "bob"].map(|name| match world.try_join(name) {
        Err(Refusal::NameInUse { wait }) => wait,
        other => panic!("{other:?}"),
    });
    assert_eq!(waits[0].saturating_sub(waits[1]), LONG.saturating_sub(HUB));
}

#[test]
fn for_want_of_a_place_the_session_goes_whose_time_is_over_first() {
    let mut world = World::new(Limits::default().with_resume_time_max(HUB).with_detached_max(2));
    let conns = [("alice", Some(LONG)), ("bob", None), ("carol", Some(LONG))].map(|(name, time)| {
        let (conn, token) = join(&mut world, name, time);
        break_off(&mut world, conn);
        world.pass(MOMENT);
        (name, token)
    });
    let mut comes_back = |(name, token)| try_resume(&mut world, name, token, Some(0)).is_ok();
    assert_eq!(conns.map(&mut comes_back), [true, false, true]);
}

#[test]
fn the_session_is_taken_over_whose_time_is_over_first() {
    for times in [[Some(LONG), None], [None, Some(LONG)]] {
        let mut world = world();
        let (first, _) = join(&mut world, "alice", times[0]);
        let second = with_time(registration(world.now, world.hub.limits(), "alice"), times[1]);
        let second = world.hub.admit_as(world.now, second, Admission::AnotherSession).expect("there is room");
        world.written(second);
        world.confirm(second);
        let sessions = [first, second].map(|conn| world.hub.session_on(conn).expect("it is there"));
        for conn in [first, second] {
            break_off(&mut world, conn);
            world.pass(MOMENT);
        }
        let takeover = registration(world.now, world.hub.limits(), "alice");
        let conn = world.hub.admit_as(world.now, takeover, Admission::TakeOver).expect("it is there");
        let of_hub = if times[0].is_none() { sessions[0] } else { sessions[1] };
        assert_eq!(world.hub.session_on(conn), Some(of_hub));
    }
}

#[test]
fn a_time_that_no_welcome_can_tell_is_an_error() {
    let world = world();
    let days = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
    let try_time = |time| registration(world.now, world.hub.limits(), "alice").with_resume_time_max(time);
    assert!(try_time(days(49)).is_ok());
    let error = try_time(days(50)).unwrap_err();
    assert_eq!(error, LimitsError::Resume { given: days(50) });
    assert_eq!(error.to_string(), "resume_time_max is 4320000s: it must be at most 49 days");
}
