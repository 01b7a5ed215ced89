//! A user gets another name: who is told, what goes on, and what bears which name.

mod sessions;
#[path = "../world/mod.rs"]
mod world;

use std::time::Duration;

use chatcore::wire::ClientMessage;
use chatcore::{
    Admission, Asking, Audience, ClientConfig, ConnId, Event, Hub, HubEvent, Limits, Received, Refusal, RenameError,
    Requested, RoomName, UserName,
};
use serde_json::json;
use world::{User, World, bodies, send};

const WHY: &str = "the name is somebody's";

fn name(name: &str) -> UserName {
    name.parse().expect("it can be a name")
}

fn lobby() -> RoomName {
    "#lobby".parse().unwrap()
}

fn event(text: serde_json::Value) -> Event {
    serde_json::from_value(text).expect("there is such an event")
}

/// What a client is told that was alice, and is this guest now.
fn renamed() -> Event {
    event(json!({"renamed": {"from": "alice", "name": "guest-17", "display_name": "Guest-17", "detail": WHY}}))
}

fn left(name: &str) -> Event {
    event(json!({"left": {"room": "#lobby", "name": name, "code": 4}}))
}

fn joined(name: &str, display_name: Option<&str>) -> Event {
    event(json!({"joined": {"room": "#lobby", "name": name, "display_name": display_name}}))
}

fn presence(name: &str, online: bool, display_name: Option<&str>) -> Event {
    event(json!({"presence": {"name": name, "online": online, "display_name": display_name}}))
}

/// What a user has been told since the last time.
fn told(world: &mut World, user: &mut User) -> Vec<Event> {
    world.carry(user);
    std::mem::take(&mut user.events)
}

/// From whom messages have come, and what they say.
fn messages(told: &[Event]) -> Vec<(&str, &[u8])> {
    let messages = told.iter().filter_map(|event| match event {
        Event::Message { from, body, .. } => Some((from.as_str(), &body[..])),
        _ => None,
    });
    messages.collect()
}

/// Gives the hub what a connection says.
#[track_caller]
fn say(world: &mut World, conn: ConnId, messages: &[ClientMessage<'_>]) {
    assert_eq!(world.say(conn, messages), Received::NeedInput);
}

/// A client sends messages, and the hub takes them.
fn speak(world: &mut World, user: &mut User, messages: &[(&str, &[u8])]) {
    for (to, body) in messages {
        user.client.send(world.now, to, body).unwrap();
    }
    let bytes = user.client.transmit().concat();
    user.client.transmitted(world.now, bytes.len());
    assert_eq!(world.put(user.conn, &bytes), Received::NeedInput);
}

#[track_caller]
fn rename(world: &mut World, from: &str, to: &str) {
    assert_eq!(world.hub.rename(world.now, &name(from), to, WHY), Ok(()));
}

fn join_lobby(world: &mut World, user: &mut User) {
    user.client.join(world.now, "#lobby").unwrap();
    told(world, user);
}

#[test]
fn a_user_is_renamed_between_what_it_said_before_and_what_it_says_later() {
    let mut world = World::new(Limits::default());
    let (mut phone, mut bob) = (world.connect("alice"), world.connect("bob"));
    let mut laptop = world.connect_as("alice", ClientConfig::default(), Admission::AnotherSession);
    for user in [&mut phone, &mut bob] {
        join_lobby(&mut world, user);
    }
    told(&mut world, &mut phone);
    told(&mut world, &mut laptop);
    // The hub has it all, and has given nobody anything of it.
    speak(&mut world, &mut phone, &[("bob", b"1"), ("#lobby", b"2"), ("bob", b"3"), ("#lobby", b"4")]);
    rename(&mut world, "alice", "Guest-17");
    world.drain();
    speak(&mut world, &mut laptop, &[("bob", b"5"), ("#lobby", b"6")]);

    let heard = told(&mut world, &mut bob);
    let said: &[(&str, &[u8])] = &[("alice", b"1"), ("alice", b"2"), ("alice", b"3"), ("alice", b"4")];
    assert_eq!(messages(&heard[..4]), said);
    assert_eq!(heard[4..6], [left("alice"), joined("guest-17", Some("Guest-17"))]);
    let said: &[(&str, &[u8])] = &[("guest-17", b"5"), ("guest-17", b"6")];
    assert_eq!((messages(&heard[6..]), heard.len()), (said.to_vec(), 8));

    // Its own sessions are told once each, in the same place.
    let heard = told(&mut world, &mut laptop);
    let place = heard.iter().position(|event| *event == renamed()).expect("it is told");
    assert_eq!(messages(&heard[..place]), [("alice", &b"2"[..]), ("alice", b"4")]);
    let others = heard.iter().filter(|event| matches!(event, Event::Joined { .. } | Event::Left { .. }));
    assert_eq!(others.count(), 0, "{heard:?}");
    let heard = told(&mut world, &mut phone);
    assert_eq!(heard.iter().filter(|event| **event == renamed()).count(), 1);
    assert_eq!(messages(&heard), [("guest-17", &b"6"[..])]);
    assert_eq!(phone.client.ticket().unwrap().name, name("guest-17"));
    assert_eq!(phone.client.ticket().unwrap().display_name.as_deref(), Some("Guest-17"));

    // The hub knows it by the new name alone.
    let guest = name("guest-17");
    assert_eq!(world.hub.sessions_of(&guest).count(), 2);
    assert_eq!(world.hub.sessions_of(&name("alice")).count(), 0);
    assert_eq!(world.hub.rooms_of(&guest).collect::<Vec<_>>(), ["#lobby"]);
    assert_eq!(world.hub.name(phone.conn), Some(&guest));
    assert_eq!((world.hub.users(), world.hub.sessions()), (2, 3));
    let events = world.hub_events.iter().filter_map(|event| match event {
        HubEvent::Renamed { from, name, .. } => Some((from.as_str(), name.as_str())),
        _ => None,
    });
    assert_eq!(events.collect::<Vec<_>>(), [("alice", "guest-17")]);
    bob.client.who(world.now, 0).unwrap();
    bob.client.send(world.now, "guest-17", b"hello").unwrap();
    bob.client.send(world.now, "alice", b"hello").unwrap();
    let heard = told(&mut world, &mut bob);
    let Some(Event::Online { users, .. }) = heard.iter().find(|event| matches!(event, Event::Online { .. })) else {
        panic!("{heard:?}")
    };
    let mut shown: Vec<_> = users.iter().map(chatcore::User::shown).collect();
    shown.sort_unstable();
    assert_eq!(shown, ["Guest-17", "bob"]);
    assert!(matches!(heard[..], [.., Event::Accepted { .. }, Event::Rejected { .. }]), "{heard:?}");
    for user in [&mut phone, &mut laptop] {
        world.carry(user);
        assert_eq!(bodies(user), ["hello"]);
    }
}

#[test]
fn a_message_bears_the_name_that_its_sender_has() {
    let mut world = World::new(Limits::default());
    let (alice, mut bob) = (world.join("alice"), world.connect("bob"));
    for (number, to) in [(1, "guest-17"), (2, "alice"), (3, "alice2")] {
        say(&mut world, alice, &[send("bob", b"")]);
        rename(
            &mut world,
            if number == 1 {
                "alice"
            } else if number == 2 {
                "guest-17"
            } else {
                "alice"
            },
            to,
        );
    }
    say(&mut world, alice, &[send("bob", b"")]);
    let heard = told(&mut world, &mut bob);
    let from: Vec<&str> = messages(&heard).into_iter().map(|(from, _)| from).collect();
    assert_eq!(from, ["alice", "guest-17", "alice", "alice2"]);
}

#[test]
fn a_name_that_cannot_be_given_is_an_error_and_changes_nothing() {
    let mut world = World::new(Limits::default());
    world.hub = Hub::new(Limits::default(), [7; 32]).with_reserved([name("server")]);
    let (mut alice, mut bob) = (world.connect("alice"), world.connect("cop"));
    let try_rename = |world: &mut World, from: &str, to: &str| world.hub.rename(world.now, &name(from), to, WHY);
    assert_eq!(try_rename(&mut world, "carol", "dave"), Err(RenameError::NoSuchUser));
    assert_eq!(try_rename(&mut world, "alice", "Cop"), Err(RenameError::NameInUse));
    // "cop" in Cyrillic letters.
    let lookalike = "\u{441}\u{43e}\u{440}";
    if cfg!(feature = "unicode") {
        assert_eq!(try_rename(&mut world, "alice", lookalike), Err(RenameError::Confusable));
    }
    let invalid = try_rename(&mut world, "alice", "no name").unwrap_err();
    assert_eq!(invalid, RenameError::InvalidName(UserName::new("no name").unwrap_err()));
    for error in [RenameError::NoSuchUser, RenameError::NameInUse, RenameError::Confusable, invalid] {
        assert!(error.to_string().len() > 30, "a sentence: {error}");
    }
    assert_eq!((told(&mut world, &mut alice), told(&mut world, &mut bob)), (vec![], vec![]));
    assert!(world.hub_events.iter().all(|event| !matches!(event, HubEvent::Renamed { .. })));
    if cfg!(feature = "unicode") {
        // Who has a name may get one that looks like it, and nobody else gets the old one then.
        rename(&mut world, "cop", lookalike);
        assert!(matches!(world.try_join("cop"), Err(Refusal::Confusable)));
        assert_eq!(try_rename(&mut world, "alice", "cop"), Err(RenameError::Confusable));
        rename(&mut world, lookalike, "dave");
    } else {
        rename(&mut world, "cop", "dave");
    }
    rename(&mut world, "alice", "cop");
    // The hub reserves names against others, not against its own program.
    rename(&mut world, "cop", "server");
    let said = world.hub.say(world.now, &name("server"), Audience::User(&name("dave")), b"");
    assert!(said.is_err(), "a user has the name");
}

#[test]
fn who_gets_its_own_name_in_another_spelling_is_shown_otherwise() {
    let mut world = World::new(Limits::default());
    let (mut alice, mut bob) = (world.connect("alice"), world.connect("bob"));
    for user in [&mut alice, &mut bob] {
        join_lobby(&mut world, user);
    }
    bob.client.watch(world.now, &["alice"]).unwrap();
    told(&mut world, &mut bob);
    told(&mut world, &mut alice);
    for _ in 0..2 {
        rename(&mut world, "alice", "ALICE");
    }
    world.pass(Duration::from_secs(2));
    let shown = json!({"from": "alice", "name": "alice", "display_name": "ALICE", "detail": WHY});
    assert_eq!(told(&mut world, &mut alice), [event(json!({"renamed": shown}))], "once");
    assert_eq!(told(&mut world, &mut bob), [left("alice"), joined("alice", Some("ALICE"))], "no presence");
    // Who knows its name is told no more, and no other session is found by another name.
    world.cut(&mut alice);
    world.reconnect(&mut alice).unwrap();
    assert_eq!(told(&mut world, &mut alice), [Event::Resumed]);
    rename(&mut world, "alice", "alice");
    let shown = json!({"from": "alice", "name": "alice", "display_name": null, "detail": WHY});
    assert_eq!(told(&mut world, &mut alice), [event(json!({"renamed": shown}))]);
    assert_eq!(told(&mut world, &mut bob), [left("alice"), joined("alice", None)]);
}

#[test]
fn who_watches_a_name_is_told_who_has_it() {
    let mut world = World::new(Limits::default());
    let (_alice, mut bob) = (world.connect("alice"), world.connect("bob"));
    bob.client.watch(world.now, &["alice", "guest-17"]).unwrap();
    let asked =
        [presence("alice", true, None), presence("guest-17", false, None), event(json!({"done": {"number": 1}}))];
    assert_eq!(told(&mut world, &mut bob), asked);
    rename(&mut world, "alice", "Guest-17");
    let changes = [presence("alice", false, None), presence("guest-17", true, Some("Guest-17"))];
    assert_eq!(told(&mut world, &mut bob), changes);
    world.pass(Duration::from_secs(2));
    world.join("alice");
    assert_eq!(told(&mut world, &mut bob), [presence("alice", true, None)]);
}

#[test]
fn the_old_name_is_free_at_once_for_somebody_else() {
    let mut world = World::new(Limits::default());
    let (mut guest, mut bob) = (world.connect("alice"), world.connect("bob"));
    assert!(matches!(world.try_join("alice"), Err(Refusal::NameInUse { .. })));
    rename(&mut world, "alice", "Guest-17");
    let mut alice = world.connect("alice");
    for (to, body) in [("alice", b"for alice"), ("guest-17", b"for guest")] {
        bob.client.send(world.now, to, body).unwrap();
    }
    world.carry(&mut bob);
    for (user, body) in [(&mut guest, "for guest"), (&mut alice, "for alice")] {
        world.carry(user);
        assert_eq!(bodies(user), [body]);
    }
    // It ends under its new name, and the other one stays.
    world.hub.kick(world.now, &name("guest-17"));
    assert_eq!(world.hub.user_names().filter(|other| **other == name("alice")).count(), 1);
    world.join("guest-17");
}

#[test]
fn what_a_room_has_not_heard_yet_comes_before_the_new_name() {
    let mut world = World::new(Limits::default());
    let (_alice, mut bob) = (world.connect("alice"), world.connect("bob"));
    join_lobby(&mut world, &mut bob);
    // Nobody lets the hub do anything in between.
    world.hub.put_into_room(world.now, &name("alice"), &lobby()).unwrap();
    rename(&mut world, "alice", "b");
    rename(&mut world, "b", "c");
    let names = [joined("alice", None), left("alice"), joined("b", None), left("b"), joined("c", None)];
    assert_eq!(told(&mut world, &mut bob), names);
    // Nobody has heard of the next name when it goes.
    rename(&mut world, "c", "d");
    world.hub.kick(world.now, &name("d"));
    let mut e = world.connect("e");
    e.client.join(world.now, "#lobby").unwrap();
    world.carry(&mut e);
    assert_eq!(told(&mut world, &mut bob), [left("c"), joined("e", None)]);
}

#[test]
fn a_large_room_is_told_nothing_and_much_on_its_way_comes_first() {
    let mut world = World::new(Limits::default());
    let (mut alice, mut bob) = (world.connect("alice"), world.connect("bob"));
    for user in [&mut alice, &mut bob] {
        join_lobby(&mut world, user);
    }
    for number in 0..700 {
        let name = name(&format!("m{number}"));
        world.join(name.as_str());
        world.hub.put_into_room(world.now, &name, &lobby()).unwrap();
        world.drain();
    }
    told(&mut world, &mut bob);
    say(&mut world, alice.conn, &[send("#lobby", b"hello")]);
    // One call does not bring that to everybody.
    assert_eq!(world.hub.rename(world.now, &name("alice"), "Guest-17", WHY), Err(RenameError::Unavailable));
    assert_eq!(world.hub.name(alice.conn), Some(&name("alice")));
    world.drain();
    rename(&mut world, "alice", "Guest-17");
    let heard = told(&mut world, &mut bob);
    assert_eq!((messages(&heard), heard.len()), (vec![("alice", &b"hello"[..])], 1), "{heard:?}");
}

#[test]
fn a_question_has_the_name_that_its_user_has_when_it_is_taken() {
    let mut world = World::new(Limits::default());
    world.hub = Hub::new(Limits::default(), [7; 32]).with_asking(Asking::new().sends());
    let (alice, mut bob) = (world.join("alice"), world.connect("bob"));
    say(&mut world, alice, &[send("bob", b"1"), send("bob", b"2")]);
    let first = world.hub.poll_question().unwrap();
    rename(&mut world, "alice", "guest-17");
    let second = world.hub.poll_question().unwrap();
    assert_eq!((first.user.as_str(), second.user.as_str()), ("alice", "guest-17"));
    assert!(matches!(&second.request, Requested::SendToUser { body, .. } if body == b"2"));
    for question in [first, second] {
        assert_eq!(world.hub.user_of(question.session), Some(&name("guest-17")));
        world.hub.answer(world.now, question.id, Ok(())).unwrap();
    }
    // What the hub takes now bears the name of now.
    let heard = told(&mut world, &mut bob);
    assert_eq!(messages(&heard), [("guest-17", &b"1"[..]), ("guest-17", b"2")]);
}

#[test]
fn a_long_reason_is_cut_between_characters() {
    let mut world = World::new(Limits::default());
    let mut alice = world.connect("alice");
    world.hub.rename(world.now, &name("alice"), "bob", &format!("x{}", "é".repeat(200))).unwrap();
    let heard = told(&mut world, &mut alice);
    let [Event::Renamed { detail, .. }] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!(*detail, format!("x{}", "é".repeat(99)));
}
