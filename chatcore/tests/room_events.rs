//! Who comes into rooms and goes out of them, for a program that keeps a picture of its own; and how many may.

mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chatcore::wire::{ClientMessage, HubMessage, Join, Leave};
use chatcore::{
    Admission, ClientConfig, Hub, HubEvent, LeaveCode, Limits, Refusal, RefusalCode, RejectCode, RoomName, UserName,
};
use proptest::prelude::*;
use world::{User, World, decode_all, goodbye, registration, send};

fn name(name: &str) -> UserName {
    name.parse().expect("it can be a name")
}

fn room(name: &str) -> RoomName {
    name.parse().expect("it can be a room's name")
}

fn world_with(limits: Limits) -> World {
    let mut world = World::new(limits.clone());
    world.hub = Hub::new(limits, [7; 32]).with_room_events(true);
    world
}

fn another(world: &mut World, name: &str) -> User {
    world.connect_as(name, ClientConfig::default(), Admission::AnotherSession)
}

/// What the hub has told of rooms since the last time, in short.
fn told(world: &mut World) -> Vec<String> {
    world.drain();
    let events = std::mem::take(&mut world.hub_events).into_iter();
    let told = events.filter_map(|event| match event {
        HubEvent::RoomOpened { room, .. } => Some(format!("{room} opened")),
        HubEvent::RoomClosed { room, .. } => Some(format!("{room} closed")),
        HubEvent::RoomJoined { room, name, .. } => Some(format!("{name} in {room}")),
        HubEvent::RoomLeft { room, name, code, .. } => Some(format!("{name} out of {room}: {code}")),
        HubEvent::SessionEnded { name, .. } => Some(format!("{name} ended")),
        _ => None,
    });
    told.collect()
}

#[test]
fn the_program_is_told_of_each_user_that_comes_and_goes_and_why() {
    let mut world = world_with(Limits::default().with_resume_time_max(Duration::from_secs(5)));
    let (alice, mut bob) = (world.join("alice"), world.connect("bob"));
    let laptop = another(&mut world, "alice");
    let join = |room| ClientMessage::Join(Join { room });
    let _ = world.say(alice, &[join("#lobby"), join("#lobby"), join("lobby")]);
    assert_eq!(told(&mut world), ["#lobby opened", "alice in #lobby"], "once, and no session of hers alone");
    another(&mut world, "alice");
    assert_eq!(told(&mut world), [""; 0], "she is there already");
    world.hub.put_into_room(world.now, &name("bob"), &room("#lobby")).unwrap();
    world.hub.put_into_room(world.now, &name("bob"), &room("#lobby")).unwrap();
    assert_eq!(told(&mut world), ["bob in #lobby"]);
    let left = LeaveCode::Left;
    let _ = world.say(laptop.conn, &[ClientMessage::Leave(Leave { room: "#lobby" })]);
    assert_eq!(told(&mut world), [format!("alice out of #lobby: {left}")]);
    world.hub.take_out_of_room(world.now, &name("bob"), &room("#lobby")).unwrap();
    assert_eq!(told(&mut world), [format!("bob out of #lobby: {left}"), "#lobby closed".into()]);
    // The last session ends for another reason than the one before.
    let _ = world.say(alice, &[join("#lobby")]);
    let _ = world.say(alice, &[goodbye()]);
    world.hub.kick(world.now, &name("alice"));
    let quit = LeaveCode::Quit;
    assert_eq!(
        told(&mut world),
        [
            "#lobby opened".into(),
            "alice in #lobby".into(),
            "alice ended".into(),
            "alice ended".into(),
            "alice ended".into(),
            format!("alice out of #lobby: {quit}"),
            "#lobby closed".into(),
        ]
    );
    bob.client.join(world.now, "#kitchen").unwrap();
    world.carry(&mut bob);
    world.cut(&mut bob);
    assert_eq!(told(&mut world), ["#kitchen opened", "bob in #kitchen"], "who is detached is still there");
    world.pass(Duration::from_secs(5));
    let gone = LeaveCode::TimedOut;
    assert_eq!(
        told(&mut world),
        ["bob ended".into(), format!("bob out of #kitchen: {gone}"), "#kitchen closed".into()]
    );
}

#[test]
fn nobody_is_told_who_has_not_asked() {
    let mut world = World::new(Limits::default());
    let alice = world.join("alice");
    let _ = world.say(alice, &[ClientMessage::Join(Join { room: "#lobby" })]);
    let _ = world.say(alice, &[ClientMessage::Leave(Leave { room: "#lobby" })]);
    assert_eq!(told(&mut world), ["#lobby opened", "#lobby closed"]);
}

#[test]
fn a_hub_that_stops_tells_who_goes_out_of_its_rooms() {
    let mut world = world_with(Limits::default());
    for user in ["alice", "bob"] {
        let conn = world.join(user);
        let _ = world.say(conn, &[ClientMessage::Join(Join { room: "#lobby" })]);
    }
    told(&mut world);
    world.hub.shut_down(world.now, None);
    let mut told = told(&mut world);
    told.retain(|told| told.contains("#lobby"));
    assert_eq!(told.len(), 3, "{told:?}");
}

#[test]
fn a_user_brings_its_further_sessions_into_a_room_that_is_full() {
    let limits = Limits::default().with_members_max(2).with_memberships_max(4);
    let mut world = world_with(limits.clone());
    let (alice, bob) = (world.join("alice"), world.join("bob"));
    for conn in [alice, bob] {
        let _ = world.say(conn, &[ClientMessage::Join(Join { room: "#lobby" })]);
    }
    let admit = |world: &mut World, name: &str| {
        let registration = registration(world.now, &limits, name);
        world.hub.admit_as(world.now, registration, Admission::AnotherSession)
    };
    let laptop = admit(&mut world, "alice").expect("she is a member, and wants to log in");
    assert_eq!(world.hub.rooms_of(&name("alice")).collect::<Vec<_>>(), ["#lobby"]);
    let _ = world.say(laptop, &[send("#lobby", b"hello")]);
    assert!(decode_all(&world.written(bob)).iter().any(|message| matches!(message, HubMessage::RoomDeliver(_))));
    let _ = world.say(bob, &[ClientMessage::Leave(Leave { room: "#lobby" })]);
    let full = world.hub.put_into_room(world.now, &name("bob"), &room("#lobby"));
    assert_eq!(full, Err(RejectCode::RoomFull), "each session counts for whoever joins");
    let _ = world.say(laptop, &[ClientMessage::Join(Join { room: "#kitchen" })]);
    let not_admitted = admit(&mut world, "alice").unwrap_err();
    let refusal = &not_admitted.refusal;
    assert_eq!(*refusal, Refusal::MembershipsFull { memberships_max: 4 });
    assert_eq!(refusal.code(), RefusalCode::HubFull);
    // It may take over what there is.
    world.hub.admit_as(world.now, not_admitted.registration, Admission::TakeOver).unwrap();
}

// ---- any order of things ----

const USERS: usize = 4;
const ROOMS: [&str; 3] = ["#lobby", "#kitchen", "#attic"];

#[derive(Clone, Copy, Debug)]
enum Step {
    Begin(usize),
    Another(usize),
    TakeOver(usize),
    End(usize),
    Kick(usize),
    Join(usize, usize),
    Leave(usize, usize),
    Put(usize, usize),
    TakeOut(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let (user, place) = (|| 0..USERS, || (0..USERS, 0..ROOMS.len()));
    prop_oneof![
        2 => user().prop_map(Step::Begin),
        2 => user().prop_map(Step::Another),
        1 => user().prop_map(Step::TakeOver),
        1 => user().prop_map(Step::End),
        1 => user().prop_map(Step::Kick),
        3 => place().prop_map(|(user, room)| Step::Join(user, room)),
        2 => place().prop_map(|(user, room)| Step::Leave(user, room)),
        1 => place().prop_map(|(user, room)| Step::Put(user, room)),
        1 => place().prop_map(|(user, room)| Step::TakeOut(user, room)),
    ]
}

/// What a program knows from events alone.
#[derive(Default)]
struct Picture {
    rooms: BTreeMap<String, BTreeSet<String>>,
}

impl Picture {
    fn hear(&mut self, event: &HubEvent) {
        let Self { rooms } = self;
        match event {
            HubEvent::RoomOpened { room, .. } => assert!(rooms.insert(room.to_string(), BTreeSet::new()).is_none()),
            HubEvent::RoomClosed { room, .. } => assert_eq!(rooms.remove(room.as_str()), Some(BTreeSet::new())),
            HubEvent::RoomJoined { room, name, .. } => {
                assert!(rooms.get_mut(room.as_str()).expect("it is open").insert(name.to_string()));
            }
            HubEvent::RoomLeft { room, name, .. } => {
                assert!(rooms.get_mut(room.as_str()).expect("it is open").remove(name.as_str()));
            }
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_picture_that_is_made_of_events_is_the_hub_s_own_and_no_limit_is_passed(
        members_max in 1..6_u32, memberships_max in 1..10_u32, sessions_max in 1..10_u32,
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let limits = Limits::default()
            .with_members_max(members_max)
            .with_memberships_max(memberships_max)
            .with_sessions_max(sessions_max)
            .with_resume_time_max(Duration::ZERO);
        let mut world = world_with(limits.clone());
        let (mut picture, mut conns) = (Picture::default(), BTreeMap::new());
        for step in steps {
            let now = world.now;
            let user_name = |user: usize| format!("user{user}");
            let mut admit = |world: &mut World, user: usize, admission| {
                let registration = registration(now, &limits, &user_name(user));
                if let Ok(conn) = world.hub.admit_as(now, registration, admission) {
                    conns.insert(user, conn);
                }
            };
            match step {
                Step::Begin(user) => admit(&mut world, user, Admission::NewUser),
                Step::Another(user) => admit(&mut world, user, Admission::AnotherSession),
                Step::TakeOver(user) => admit(&mut world, user, Admission::TakeOver),
                Step::End(user) => {
                    if let Some(conn) = conns.remove(&user) {
                        let _ = world.hub.disconnect(now, conn);
                    }
                }
                Step::Kick(user) => {
                    world.hub.kick(now, &name(&user_name(user)));
                }
                Step::Join(user, room) | Step::Leave(user, room) => {
                    let room = ROOMS[room];
                    let message = match step {
                        Step::Join(..) => ClientMessage::Join(Join { room }),
                        _ => ClientMessage::Leave(Leave { room }),
                    };
                    if let Some(conn) = conns.get(&user).filter(|conn| world.hub.name(**conn).is_some()) {
                        let _ = world.say(*conn, &[message]);
                    }
                }
                Step::Put(user, place) => {
                    let _ = world.hub.put_into_room(now, &name(&user_name(user)), &room(ROOMS[place]));
                }
                Step::TakeOut(user, place) => {
                    let _ = world.hub.take_out_of_room(now, &name(&user_name(user)), &room(ROOMS[place]));
                }
            }
            world.drain();
            world.hub_events.drain(..).for_each(|event| picture.hear(&event));
            let (mut rooms, mut memberships) = (BTreeMap::new(), 0);
            for place in world.hub.room_names() {
                let members = || world.hub.members_of(&room(place)).map(ToString::to_string).collect::<Vec<_>>();
                let sessions = |member: &String| world.hub.sessions_of(&name(member)).count();
                prop_assert!(members().len() <= members_max as usize, "{:?} are in {}", members(), place);
                memberships += members().iter().map(sessions).sum::<usize>();
                rooms.insert(place.to_owned(), members().into_iter().collect::<BTreeSet<_>>());
            }
            prop_assert_eq!(&picture.rooms, &rooms);
            prop_assert!(memberships <= memberships_max as usize, "{} memberships", memberships);
            prop_assert!(world.hub.sessions() <= sessions_max as usize);
        }
    }
}
