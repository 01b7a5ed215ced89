//! What the program says to all: to each session that is there, once, in slices, and in the order of all that it says.

mod any_order;
#[path = "../world/mod.rs"]
mod world;

use std::time::Duration;

use chatcore::wire::{ClientMessage, HubMessage, Join};
use chatcore::{
    ANNOUNCEMENTS_MAX, Admission, Audience, ClientConfig, CloseReason, ConnId, Hub, HubEvent, Limits, MessageId,
    RejectCode, RoomName, UserName,
};
use world::{World, bodies, decode_all, send};

/// More sessions than one slice goes over.
const MANY: usize = 1_500;

fn name(name: &str) -> UserName {
    name.parse().expect("it can be a name")
}

fn world_with(limits: Limits) -> World {
    let mut world = World::new(limits.clone());
    world.hub = Hub::new(limits, [7; 32]).with_reserved([name("server")]);
    world
}

fn world() -> World {
    world_with(Limits::default())
}

fn say(world: &mut World, to: Audience<'_>, body: &str) -> Result<MessageId, RejectCode> {
    world.hub.say(world.now, &name("server"), to, body.as_bytes())
}

fn say_to_all(world: &mut World, body: &str) {
    say(world, Audience::All, body).expect("there is room for it");
}

/// Many others, who are only there.
fn crowd(world: &mut World, count: usize) -> Vec<ConnId> {
    let first = world.hub.sessions();
    let crowd = (first..first + count).map(|n| world.try_join(&format!("guest{n}")).expect("the name is free"));
    let crowd = crowd.collect();
    world.drain();
    crowd
}

/// What the hub has to write to a connection of what the program says.
fn said_to(world: &mut World, conn: ConnId) -> Vec<String> {
    let bytes = world.hub.transmit(conn).concat();
    world.writable.remove(&conn);
    world.hub.transmitted(world.now, conn, bytes.len()).expect("the connection is known");
    let frames = if bytes.starts_with(b"\xC4chat") { &bytes[chatcore::wire::PREFACE_BYTES..] } else { &bytes };
    let said = decode_all(frames).into_iter().filter_map(|message| match message {
        HubMessage::Deliver(deliver) => Some((deliver.from.to_owned(), deliver.body.to_vec())),
        HubMessage::RoomDeliver(deliver) => Some((deliver.from.to_owned(), deliver.body.to_vec())),
        _ => None,
    });
    let said = said.filter(|(from, _)| from == "server");
    said.map(|(_, body)| String::from_utf8(body).expect("it is text")).collect()
}

#[test]
fn all_sessions_that_are_there_get_it_once_and_later_ones_do_not() {
    let mut world = world();
    let (mut phone, mut bob) = (world.connect("alice"), world.connect("bob"));
    let mut laptop = world.connect_as("alice", ClientConfig::default(), Admission::AnotherSession);
    world.cut(&mut bob);
    say_to_all(&mut world, "one");
    // These come while it is on its way.
    let mut tablet = world.connect_as("alice", ClientConfig::default(), Admission::AnotherSession);
    let mut carol = world.connect("carol");
    say_to_all(&mut world, "two");
    for user in [&mut phone, &mut laptop] {
        world.carry(user);
        assert_eq!(bodies(user), ["one", "two"]);
    }
    for user in [&mut tablet, &mut carol] {
        world.carry(user);
        assert_eq!(bodies(user), ["two"]);
    }
    // Who is detached gets it when it comes back.
    world.reconnect(&mut bob).expect("the session is there");
    world.carry(&mut bob);
    assert_eq!(bodies(&mut bob), ["one", "two"]);
    assert_eq!(world.hub.counters().missed_announcements, 0);
}

#[test]
fn a_session_that_takes_the_place_of_another_gets_nothing_that_was_said_before() {
    let mut world = world();
    crowd(&mut world, MANY);
    let bob = world.try_join("bob").expect("the name is free");
    say_to_all(&mut world, "one");
    world.hub.disconnect(world.now, bob).expect("it is there");
    let carol = world.try_join("carol").expect("the name is free");
    world.pass(Duration::ZERO);
    assert!(!world.hub.is_behind());
    assert_eq!(said_to(&mut world, carol), [""; 0]);
}

#[test]
fn it_goes_out_in_slices_and_others_do_not_wait_for_it() {
    let mut world = world();
    let early = crowd(&mut world, MANY);
    let [alice, bob] = ["alice", "bob"].map(|name| world.join(name));
    for conn in [alice, bob] {
        let _ = world.say(conn, &[ClientMessage::Join(Join { room: "#lobby" })]);
    }
    world.drain();
    say_to_all(&mut world, "to all");
    let has_it = |world: &World, conn: &&ConnId| !world.hub.transmit(**conn).is_empty();
    assert_eq!(world.hub.poll_timeout(), Some(world.now), "the driver is to come again");
    assert!(world.hub.is_behind());
    let before = early.iter().filter(|conn| has_it(&world, conn)).count();
    // What users say meanwhile is there long before it has come to everybody.
    let _ = world.say(alice, &[send("bob", b"direct"), send("#lobby", b"in the room")]);
    let mut slices = 0;
    while world.hub.is_behind() {
        let had = early.iter().filter(|conn| has_it(&world, conn)).count();
        world.hub.handle_timeout(world.now);
        let has = early.iter().filter(|conn| has_it(&world, conn)).count();
        assert!(has - had <= 600, "{} in one slice", has - had);
        slices += 1;
        if slices == 1 {
            let bytes = world.hub.transmit(bob).concat();
            let is_from_alice = |message: &HubMessage<'_>| match message {
                HubMessage::Deliver(deliver) => deliver.from == "alice",
                HubMessage::RoomDeliver(deliver) => deliver.from == "alice",
                _ => false,
            };
            assert_eq!(decode_all(&bytes).iter().filter(|message| is_from_alice(message)).count(), 2);
            assert!(has < MANY + before, "it is still on its way");
        }
        assert!(slices < 100, "it comes to its end");
    }
    assert!(slices > 2, "{slices} slices");
    world.drain();
    for conn in early.into_iter().chain([alice, bob]) {
        assert_eq!(said_to(&mut world, conn), ["to all"]);
    }
    assert_eq!(world.hub.poll_timeout().filter(|due| *due <= world.now), None);
}

#[test]
fn what_is_said_to_one_does_not_overtake_what_was_said_to_all() {
    let mut world = world();
    crowd(&mut world, MANY);
    let mut alice = world.connect("alice");
    let mut laptop = world.connect_as("alice", ClientConfig::default(), Admission::AnotherSession);
    alice.client.join(world.now, "#lobby").unwrap();
    world.carry(&mut alice);
    world.carry(&mut laptop);
    bodies(&mut laptop);
    let (user, room): (UserName, RoomName) = (name("alice"), "#lobby".parse().unwrap());
    let said = [
        (Audience::Room(&room), "1"),
        (Audience::All, "2"),
        (Audience::Room(&room), "3"),
        (Audience::All, "4"),
        (Audience::Room(&room), "5"),
        (Audience::Room(&room), "6"),
        (Audience::All, "7"),
        (Audience::User(&user), "8"),
        (Audience::All, "9"),
    ];
    for (to, body) in said {
        say(&mut world, to, body).expect("there is room for it");
    }
    // It had to go first for her, and the crowd still waits.
    assert!(world.hub.is_behind());
    world.pass(Duration::ZERO);
    for user in [&mut alice, &mut laptop] {
        world.carry(user);
        assert_eq!(bodies(user), ["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    }
}

#[test]
fn so_many_are_on_their_way_and_no_more() {
    let mut world = world();
    let alice = world.join("alice");
    for n in 0..ANNOUNCEMENTS_MAX {
        say_to_all(&mut world, &n.to_string());
    }
    assert_eq!(say(&mut world, Audience::All, "one more"), Err(RejectCode::Unavailable));
    let user = name("alice");
    say(&mut world, Audience::User(&user), "for her alone").expect("that is another matter");
    world.drain();
    let said = said_to(&mut world, alice);
    let expected = (0..ANNOUNCEMENTS_MAX).map(|n| n.to_string()).chain(["for her alone".into()]);
    assert_eq!(said, expected.collect::<Vec<_>>());
    say_to_all(&mut world, "now there is room");
    // What cannot be said to one cannot be said to all.
    let too_long = "x".repeat(world.hub.limits().body_bytes_max as usize + 1);
    assert_eq!(say(&mut world, Audience::All, &too_long), Err(RejectCode::BodyTooLong));
    let as_alice = world.hub.say(world.now, &name("alice"), Audience::All, b"I am not she");
    assert_eq!(as_alice, Err(RejectCode::InvalidName));
}

#[test]
fn who_has_no_room_for_it_is_left_out_and_counted() {
    let limits = Limits::default().with_outbox_bytes_max(300_000);
    let mut world = world_with(limits);
    let (slow, mut bob) = (world.join("slow"), world.connect("bob"));
    let mut short = world.connect_with("short", ClientConfig::default().with_frame_bytes_max(10_000));
    let long = "x".repeat(60_000);
    for _ in 0..6 {
        say_to_all(&mut world, &long);
        // The slow one reads nothing.
        world.carry(&mut bob);
        world.carry(&mut short);
    }
    say_to_all(&mut world, "short");
    world.carry(&mut bob);
    world.carry(&mut short);
    assert_eq!((bodies(&mut bob).len(), bodies(&mut short)), (7, vec!["short".to_owned()]));
    let said = said_to(&mut world, slow);
    assert_eq!((said.len(), said.last().map(String::as_str)), (5, Some("short")));
    assert_eq!(world.hub.counters().missed_announcements, 6 + 2);
    assert!(!world.hub_events.iter().any(|event| matches!(event, HubEvent::SessionEnded { .. })), "nobody ends");
}

#[test]
fn neither_a_kick_nor_a_shutdown_overtakes_what_was_said_to_all() {
    let mut world = world();
    let crowd = crowd(&mut world, MANY);
    let [alice, bob] = ["alice", "bob"].map(|name| world.join(name));
    say_to_all(&mut world, "alice was rude");
    assert!(world.hub.kick(world.now, &name("alice")));
    assert_eq!(said_to(&mut world, alice), ["alice was rude"]);
    say_to_all(&mut world, "closing");
    world.hub.shut_down(world.now, None);
    assert_eq!(say(&mut world, Audience::All, "too late"), Err(RejectCode::Unavailable));
    let mut steps = 0;
    while world.hub.users() > 0 {
        world.drain();
        world.hub.handle_timeout(world.now);
        steps += 1;
        assert!(steps < 100, "it stops in the end");
    }
    world.drain();
    for conn in crowd.into_iter().chain([bob]) {
        let bytes = world.hub.transmit(conn).concat();
        let frames = if bytes.starts_with(b"\xC4chat") { &bytes[chatcore::wire::PREFACE_BYTES..] } else { &bytes };
        let messages = decode_all(frames);
        let [.., HubMessage::Deliver(first), HubMessage::Deliver(second), HubMessage::Goodbye(_)] = &messages[..]
        else {
            panic!("two messages and a goodbye: {messages:?}");
        };
        assert_eq!([first.body, second.body], [&b"alice was rude"[..], b"closing"]);
    }
}

#[test]
fn a_session_that_goes_on_elsewhere_gets_it_once() {
    let mut world = world();
    crowd(&mut world, MANY);
    let (mut alice, mut bob) = (world.connect("alice"), world.connect("bob"));
    say_to_all(&mut world, "1");
    // Alice loses her connection, and Bob his client, while it is on its way.
    world.hub.disconnect(world.now, alice.conn).expect("it is there");
    alice.client.disconnect(world.now);
    say_to_all(&mut world, "2");
    let mut new = world.connect_as("bob", ClientConfig::default(), Admission::TakeOver);
    say_to_all(&mut world, "3");
    world.drain();
    while alice.client.poll_event().is_some() {}
    world.reconnect(&mut alice).expect("the session is there");
    for user in [&mut alice, &mut new] {
        world.carry(user);
        assert_eq!(bodies(user), ["1", "2", "3"]);
    }
    world.carry_closed(&mut bob);
    assert_eq!(world.closed(bob.conn), Some(CloseReason::TakenOver));
}
