//! What the program does by itself: it speaks, puts users into rooms and takes them out, and keeps users away.

mod world;

use chatcore::{
    Admission, Audience, ClientConfig, Closed, Denial, Event, GoodbyeCode, Hub, LeaveCode, Limits, Refusal, RejectCode,
    RoomName, UserName,
};
use serde_json::json;
use world::{User, World, bodies, events, nth};

fn name(name: &str) -> UserName {
    name.parse().expect("it can be a name")
}

fn lobby() -> RoomName {
    "#lobby".parse().unwrap()
}

fn world() -> World {
    let mut world = World::new(Limits::default());
    world.hub = Hub::new(Limits::default(), [7; 32]).with_reserved([name("server")]);
    world
}

fn another(world: &mut World, name: &str) -> User {
    world.connect_as(name, ClientConfig::default(), Admission::AnotherSession)
}

fn event(text: serde_json::Value) -> Event {
    serde_json::from_value(text).expect("there is such an event")
}

#[test]
fn the_program_speaks_to_a_user_and_to_a_room() {
    let mut world = world();
    let (mut phone, mut bob) = (world.connect("alice"), world.connect("bob"));
    let mut laptop = another(&mut world, "alice");
    bob.client.join(world.now, "#lobby").unwrap();
    world.carry(&mut bob);
    events(&mut bob);
    let server = name("server");
    let said = |world: &mut World, to, body: &[u8]| world.hub.say(world.now, &server, to, body);
    let alice = name("alice");
    assert_eq!(said(&mut world, Audience::User(&alice), b"welcome"), Ok(nth(1)));
    let room = lobby();
    assert_eq!(said(&mut world, Audience::Room(&room), b"closing at nine"), Ok(nth(2)));
    for user in [&mut phone, &mut laptop] {
        world.carry(user);
        assert_eq!(bodies(user), ["welcome"]);
    }
    world.carry(&mut bob);
    let [Event::Message { id, from, room: Some(room), body, .. }] = &events(&mut bob)[..] else {
        panic!("one message")
    };
    assert_eq!((*id, from.as_str(), room.as_str(), &body[..]), (nth(2), "server", "#lobby", &b"closing at nine"[..]));
    // What cannot be said is an error, and nobody hears of it.
    let (nobody, nowhere) = (name("carol"), "#nowhere".parse().unwrap());
    assert_eq!(said(&mut world, Audience::User(&nobody), b""), Err(RejectCode::NoSuchUser));
    assert_eq!(said(&mut world, Audience::Room(&nowhere), b""), Err(RejectCode::NotAMember));
    assert_eq!(said(&mut world, Audience::User(&alice), &vec![b'.'; 65_537]), Err(RejectCode::BodyTooLong));
    assert_eq!(world.hub.say(world.now, &name("bob"), Audience::User(&alice), b""), Err(RejectCode::InvalidName));
    world.carry(&mut phone);
    assert_eq!(events(&mut phone), []);
}

#[test]
fn the_program_puts_a_user_into_a_room_and_takes_it_out() {
    let mut world = world();
    let (mut phone, mut bob) = (world.connect("alice"), world.connect("bob"));
    let mut laptop = another(&mut world, "alice");
    bob.client.join(world.now, "#lobby").unwrap();
    world.carry(&mut bob);
    events(&mut bob);
    let alice = name("alice");
    for _ in 0..2 {
        assert_eq!(world.hub.put_into_room(world.now, &alice, &lobby()), Ok(()));
    }
    let joined = [event(json!({"joined": {"room": "#lobby", "name": "alice", "display_name": null}}))];
    for user in [&mut phone, &mut laptop, &mut bob] {
        world.carry(user);
        assert_eq!(events(user), joined, "once");
    }
    assert_eq!(world.hub.rooms_of(&alice).collect::<Vec<_>>(), ["#lobby"]);
    let mut members: Vec<_> = world.hub.members_of(&lobby()).map(UserName::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["alice", "bob"]);
    assert_eq!(world.hub.room_names().collect::<Vec<_>>(), ["#lobby"]);
    assert_eq!(world.hub.take_out_of_room(world.now, &alice, &lobby()), Ok(()));
    let left = [event(json!({"left": {"room": "#lobby", "name": "alice", "code": u16::from(LeaveCode::Left)}}))];
    for user in [&mut phone, &mut laptop, &mut bob] {
        world.carry(user);
        assert_eq!(events(user), left);
    }
    assert_eq!(world.hub.take_out_of_room(world.now, &alice, &lobby()), Err(RejectCode::NotAMember));
    assert_eq!(world.hub.put_into_room(world.now, &name("carol"), &lobby()), Err(RejectCode::NoSuchUser));
}

#[test]
fn who_is_banned_is_told_why_and_stays_away_until_it_is_over() {
    let mut world = world();
    let mut bob = world.connect("bob");
    world.hub.ban(world.now, &name("bob"), Denial::new("you were rude").for_good());
    world.carry_closed(&mut bob);
    let closed = events(&mut bob).pop();
    let Some(Event::Closed(Closed::Goodbye { code: GoodbyeCode::Kicked, detail, .. })) = closed else {
        panic!("{closed:?}")
    };
    assert_eq!(detail, "you were rude");
    for spelling in ["bob", "Bob", "bоb"] {
        // The last one has a Cyrillic letter, and can be no name at all, or looks like his.
        let registration = std::panic::catch_unwind(|| world::registration(world.now, &Limits::default(), spelling));
        let Ok(registration) = registration else { continue };
        let refusal = world.hub.admit(world.now, registration).unwrap_err().refusal;
        assert!(matches!(&refusal, Refusal::Custom(denial) if denial.reason() == "you were rude"), "{refusal:?}");
    }
    assert!(world.hub.unban(&name("bob")) && !world.hub.unban(&name("bob")));
    world.join("bob");
}

#[test]
fn the_program_keeps_numbers_with_users_and_sessions() {
    let mut world = world();
    let (phone, bob) = (world.join("alice"), world.join("bob"));
    let alice = name("alice");
    let session = world.hub.session_on(phone).unwrap();
    assert_eq!((world.hub.session_value(session), world.hub.user_value(&alice)), (0, 0));
    assert!(world.hub.set_session_value(session, 7) && world.hub.set_user_value(&alice, 9));
    let laptop = another(&mut world, "alice");
    let other = world.hub.session_on(laptop.conn).unwrap();
    assert_eq!((world.hub.session_value(other), world.hub.session_value(session)), (0, 7));
    assert_eq!(world.hub.sessions_of(&alice).collect::<Vec<_>>(), [session, other]);
    assert_eq!((world.hub.conn_of(session), world.hub.is_detached(session)), (Some(phone), false));
    world.hub.disconnect(world.now, phone).unwrap();
    assert_eq!((world.hub.conn_of(session), world.hub.is_detached(session)), (None, true));
    // The user's number outlives the session that was there first.
    world.pass(Limits::default().resume_time_max);
    assert_eq!(world.hub.user_of(session), None);
    assert!(!world.hub.set_session_value(session, 1) && world.hub.session_value(session) == 0);
    assert_eq!(world.hub.user_value(&alice), 9);
    assert!(!world.hub.set_user_value(&name("carol"), 1));
    let mut names: Vec<_> = world.hub.user_names().map(UserName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["alice", "bob"]);
    let _ = bob;
}

#[test]
fn what_the_hub_has_done_is_counted() {
    let mut world = world();
    let (mut alice, bob) = (world.connect("alice"), world.join("bob"));
    let before = *world.hub.counters();
    assert_eq!((before.sessions_begun, before.sessions_ended, before.accepted), (2, 0, 0));
    for to in ["bob", "bob", "carol", "#lobby"] {
        alice.client.send(world.now, to, b"hello").unwrap();
    }
    world.carry(&mut alice);
    let written = world.written(bob).len() as u64;
    let after = *world.hub.counters();
    assert_eq!(after.accepted, 2);
    let rejected =
        [RejectCode::NoSuchUser, RejectCode::NotAMember, RejectCode::RoomFull].map(|code| after.rejected(code));
    assert_eq!(rejected, [1, 1, 0]);
    assert!(after.bytes_in > before.bytes_in && after.bytes_out >= before.bytes_out + written, "{after:?}");
    world.cut(&mut alice);
    world.reconnect(&mut alice).unwrap();
    world.hub.kick(world.now, &name("bob"));
    let last = *world.hub.counters();
    assert_eq!((last.resumed, last.sessions_begun, last.sessions_ended), (1, 2, 1));
}
