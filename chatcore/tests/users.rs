//! Users with several sessions: what all of them get, what each has of its own, and what is left when one ends.

mod world;

use std::time::Duration;

use chatcore::wire::{ClientMessage, HubMessage, Join, Message};
use chatcore::{
    Admission, ClientConfig, CloseReason, DeliveryStatus, Denial, Event, GoodbyeCode, Handshake, HandshakeError,
    HubEvent, LeaveCode, Limits, MessageId, Refusal, RefusalCode, RejectCode, UserName,
};
use proptest::prelude::*;
use serde_json::json;
use world::{User, World, bodies, carry_all, decode_all, events, nth, registration, send};

/// Another session of a user who has one.
fn another(world: &mut World, name: &str) -> User {
    world.connect_as(name, ClientConfig::default(), Admission::AnotherSession)
}

/// An event as a client tells it: nobody else makes one.
fn event(text: serde_json::Value) -> Event {
    serde_json::from_value(text).expect("there is such an event")
}

fn name(name: &str) -> UserName {
    name.parse().expect("it can be a name")
}

#[test]
fn a_message_comes_to_all_sessions_of_its_recipient_and_the_sender_s_other_ones() {
    let mut world = World::new(Limits::default());
    let (mut phone, mut bob) = (world.connect("alice"), world.connect("bob"));
    let (mut laptop, mut tablet) = (another(&mut world, "alice"), another(&mut world, "Alice"));
    assert_eq!((world.hub.users(), world.hub.sessions()), (2, 4));
    bob.client.send(world.now, "alice", b"one").unwrap();
    carry_all(&mut world, [&mut bob, &mut phone, &mut laptop, &mut tablet]);
    for session in [&mut phone, &mut laptop, &mut tablet] {
        assert_eq!(bodies(session), ["one"]);
    }
    assert_eq!(events(&mut bob), [Event::Accepted { number: 1, id: nth(1) }]);
    laptop.client.send(world.now, "bob", b"two").unwrap();
    carry_all(&mut world, [&mut laptop, &mut bob, &mut phone, &mut tablet]);
    assert_eq!(bodies(&mut bob), ["two"]);
    assert_eq!(events(&mut laptop), [Event::Accepted { number: 1, id: nth(2) }]);
    for session in [&mut phone, &mut tablet] {
        let sent = event(json!({"sent": {"id": nth(2), "to": "bob", "body": b"two"}}));
        assert_eq!(events(session), [sent]);
    }
    // To itself: all sessions get it once, the one that sent it, too.
    phone.client.send(world.now, "ALICE", b"note").unwrap();
    carry_all(&mut world, [&mut phone, &mut laptop, &mut tablet]);
    for session in [&mut phone, &mut laptop, &mut tablet] {
        assert!(!session.events.iter().any(|event| matches!(event, Event::Sent { .. })));
        assert_eq!(bodies(session), ["note"]);
    }
}

#[test]
fn all_sessions_of_a_user_are_in_the_same_rooms_and_others_are_told_once() {
    let mut world = World::new(Limits::default());
    let (mut phone, mut bob) = (world.connect("alice"), world.connect("bob"));
    let mut laptop = another(&mut world, "alice");
    bob.client.join(world.now, "#lobby").unwrap();
    world.carry(&mut bob);
    phone.client.join(world.now, "#lobby").unwrap();
    carry_all(&mut world, [&mut phone, &mut laptop, &mut bob]);
    assert_eq!(events(&mut phone), [Event::Done { number: 1 }]);
    let joined = event(json!({"joined": {"room": "#lobby", "name": "alice", "display_name": null}}));
    assert_eq!(events(&mut laptop), std::slice::from_ref(&joined));
    assert_eq!(events(&mut bob), [Event::Done { number: 1 }, joined.clone()]);
    // Who comes later is told where it is.
    let mut tablet = another(&mut world, "alice");
    assert_eq!(events(&mut tablet), [joined]);
    tablet.client.send(world.now, "#lobby", b"hello").unwrap();
    carry_all(&mut world, [&mut tablet, &mut phone, &mut laptop, &mut bob]);
    for session in [&mut phone, &mut laptop, &mut bob] {
        let [Event::Message { from, body, .. }] = &events(session)[..] else { panic!("there is one message") };
        assert_eq!((from.as_str(), &body[..]), ("alice", &b"hello"[..]));
    }
    assert!(matches!(events(&mut tablet)[..], [Event::Accepted { .. }]));
    // The roster has each user once.
    bob.client.roster(world.now, "#lobby", 0).unwrap();
    bob.client.who(world.now, 0).unwrap();
    world.carry(&mut bob);
    let names = |event: &Event| match event {
        Event::Members { users, .. } | Event::Online { users, .. } => {
            let mut names: Vec<String> = users.iter().map(|user| user.name.to_string()).collect();
            names.sort();
            names
        }
        other => panic!("{other:?}"),
    };
    for event in events(&mut bob) {
        assert_eq!(names(&event), ["alice", "bob"]);
    }
    laptop.client.leave(world.now, "#lobby").unwrap();
    carry_all(&mut world, [&mut laptop, &mut phone, &mut tablet, &mut bob]);
    let left = event(json!({"left": {"room": "#lobby", "name": "alice", "code": LeaveCode::Left}}));
    for session in [&mut phone, &mut tablet, &mut bob] {
        assert_eq!(events(session), std::slice::from_ref(&left));
    }
    assert_eq!(events(&mut laptop), [Event::Done { number: 1 }]);
    assert_eq!(world.hub.rooms(), 1);
}

#[test]
fn a_user_is_there_until_its_last_session_ends() {
    let mut world = World::new(Limits::default());
    let (mut phone, mut bob) = (world.connect("alice"), world.connect("bob"));
    let mut laptop = another(&mut world, "alice");
    bob.client.watch(world.now, &["alice"]).unwrap();
    for user in [&mut phone, &mut bob] {
        user.client.join(world.now, "#lobby").unwrap();
    }
    carry_all(&mut world, [&mut phone, &mut bob, &mut laptop]);
    events(&mut bob);
    phone.client.close(world.now);
    world.carry_closed(&mut phone);
    world.pass(Duration::from_secs(5));
    world.carry(&mut bob);
    assert_eq!(events(&mut bob), [], "she is still there");
    assert_eq!((world.hub.users(), world.hub.sessions()), (2, 2));
    bob.client.send(world.now, "alice", b"still there?").unwrap();
    carry_all(&mut world, [&mut bob, &mut laptop]);
    assert!(bodies(&mut laptop).contains(&"still there?".into()));
    events(&mut bob);
    laptop.client.close(world.now);
    world.carry_closed(&mut laptop);
    world.pass(Duration::from_secs(5));
    world.carry(&mut bob);
    let left = event(json!({"left": {"room": "#lobby", "name": "alice", "code": LeaveCode::Quit}}));
    let gone = event(json!({"presence": {"name": "alice", "online": false, "display_name": null}}));
    assert_eq!(events(&mut bob), [left, gone]);
    assert_eq!(world.hub.users(), 1);
}

#[test]
fn a_message_is_for_all_sessions_or_for_none() {
    let mut world = World::new(Limits::default().with_outbox_bytes_max(300_000));
    let (mut phone, mut bob, mut carol) = (world.connect("alice"), world.connect("bob"), world.connect("carol"));
    let mut laptop = another(&mut world, "alice");
    // The laptop reads nothing.
    let body = vec![b'.'; 60_000];
    for _ in 0..6 {
        bob.client.send(world.now, "alice", &body).unwrap();
        world.carry(&mut bob);
        world.carry(&mut phone);
    }
    let codes: Vec<_> = events(&mut bob).into_iter().filter(|event| matches!(event, Event::Rejected { .. })).collect();
    let rejected = |number: u64| event(json!({"rejected": {"number": number, "code": RejectCode::RecipientFull}}));
    assert_eq!(codes, [rejected(5), rejected(6)]);
    assert_eq!(bodies(&mut phone).len(), 4, "what is rejected comes to nobody");
    // Nor does the user's own other session miss what she writes herself.
    phone.client.send(world.now, "carol", &body).unwrap();
    carry_all(&mut world, [&mut phone, &mut carol]);
    assert_eq!(events(&mut phone), [rejected(1)]);
    assert_eq!(events(&mut carol), []);
    world.carry(&mut laptop);
    assert_eq!(bodies(&mut laptop).len(), 4);
    phone.client.send(world.now, "carol", &body).unwrap();
    carry_all(&mut world, [&mut phone, &mut carol, &mut laptop]);
    assert_eq!((bodies(&mut carol).len(), events(&mut laptop).len()), (1, 1));
}

#[test]
fn what_was_said_in_a_room_comes_before_what_another_session_writes_later() {
    let mut world = World::new(Limits::default());
    let (phone, bob) = (world.join("alice"), world.join("bob"));
    let mut laptop = another(&mut world, "alice");
    let _ = world.say(phone, &[ClientMessage::Join(Join { room: "#lobby" })]);
    world.carry(&mut laptop);
    events(&mut laptop);
    let _ = world.say(phone, &[send("#lobby", b"first"), send("bob", b"second"), send("#lobby", b"third")]);
    world.written(bob);
    world.carry(&mut laptop);
    let bodies = events(&mut laptop).into_iter().filter_map(|event| match event {
        Event::Message { body, .. } | Event::Sent { body, .. } => Some(String::from_utf8(body).unwrap()),
        _ => None,
    });
    assert_eq!(bodies.collect::<Vec<_>>(), ["first", "second", "third"]);
}

#[test]
fn reports_tell_what_no_session_of_the_recipient_has() {
    let mut world = World::new(Limits::default().with_resume_time_max(Duration::ZERO));
    let (mut bob, mut phone) = (world.connect("bob"), world.connect("alice"));
    let mut others = another(&mut world, "bob");
    bob.client.send(world.now, "alice", b"for one").unwrap();
    carry_all(&mut world, [&mut bob, &mut others]);
    let laptop = another(&mut world, "alice");
    bob.client.send(world.now, "alice", b"for two").unwrap();
    carry_all(&mut world, [&mut bob, &mut others]);
    events(&mut bob);
    events(&mut others);
    // The laptop has only the second.
    world.hub.disconnect(world.now, phone.conn).unwrap();
    carry_all(&mut world, [&mut bob, &mut others]);
    let report = |status: DeliveryStatus, id: MessageId| {
        event(json!({"report": {"status": status, "to": "alice", "ids": [id]}}))
    };
    for session in [&mut bob, &mut others] {
        assert_eq!(events(session), [report(DeliveryStatus::Undelivered, nth(1))]);
    }
    // The telephone may have had it.
    world.hub.disconnect(world.now, laptop.conn).unwrap();
    carry_all(&mut world, [&mut bob, &mut others]);
    for session in [&mut bob, &mut others] {
        assert_eq!(events(session), [report(DeliveryStatus::Unconfirmed, nth(2))]);
    }
    let _ = phone.client.poll_event();
}

#[test]
fn what_came_before_a_session_cannot_have_reached_it() {
    let mut world = World::new(Limits::default().with_resume_time_max(Duration::ZERO));
    let (mut bob, phone) = (world.connect("bob"), world.connect("alice"));
    for body in [&b"one"[..], b"two"] {
        bob.client.send(world.now, "alice", body).unwrap();
        world.carry(&mut bob);
        if body == b"one" {
            // Another session comes and goes.
            let mut laptop = another(&mut world, "alice");
            bob.client.send(world.now, "alice", b"for both").unwrap();
            world.carry(&mut bob);
            laptop.client.close(world.now);
            world.carry_closed(&mut laptop);
        }
    }
    events(&mut bob);
    world.hub.disconnect(world.now, phone.conn).unwrap();
    world.carry(&mut bob);
    let mut reports = Vec::new();
    for event in events(&mut bob) {
        if let Event::Report { status, ids, .. } = event {
            reports.push((status, ids));
        }
    }
    let expected = [(DeliveryStatus::Undelivered, vec![nth(1), nth(3)]), (DeliveryStatus::Unconfirmed, vec![nth(2)])];
    assert_eq!(reports, expected);
}

#[test]
fn each_session_is_resumed_by_its_own_token() {
    let mut world = World::new(Limits::default());
    let (mut phone, mut bob) = (world.connect("alice"), world.connect("bob"));
    let mut laptop = another(&mut world, "alice");
    world.cut(&mut laptop);
    bob.client.send(world.now, "alice", b"hello").unwrap();
    carry_all(&mut world, [&mut bob, &mut phone]);
    world.reconnect(&mut laptop).unwrap();
    world.carry(&mut laptop);
    assert_eq!(bodies(&mut laptop), ["hello"]);
    assert_eq!(bodies(&mut phone), ["hello"]);
    assert_eq!(world.hub.sessions(), 3);
    let resumed: Vec<_> = world
        .hub_events
        .iter()
        .filter_map(|event| match event {
            HubEvent::SessionStarted { session, name, .. } if name.as_str() == "alice" => Some((*session, false)),
            HubEvent::Resumed { session, .. } => Some((*session, true)),
            _ => None,
        })
        .collect();
    assert!(
        matches!(resumed[..], [(phone, false), (laptop, false), (again, true)] if laptop == again && phone != again)
    );
}

#[test]
fn a_name_is_another_s_only_if_the_program_says_so() {
    let limits = Limits::default().with_sessions_of_user_max(2);
    let mut world = World::new(limits.clone());
    world.join("alice");
    let not_admitted = world.hub.admit(world.now, registration(world.now, &limits, "Alice")).unwrap_err();
    assert!(matches!(not_admitted.refusal, Refusal::NameInUse { .. }));
    let back = not_admitted.registration;
    assert_eq!((back.name().as_str(), back.display_name()), ("alice", "Alice"));
    let second = world.hub.admit_as(world.now, back, Admission::AnotherSession).unwrap();
    assert_eq!(world.hub.name(second), Some(&name("alice")));
    let third = registration(world.now, &limits, "alice");
    let refusal = world.hub.admit_as(world.now, third, Admission::AnotherSession).unwrap_err().refusal;
    assert_eq!(refusal, Refusal::TooManySessions { sessions_of_user_max: 2 });
    assert_eq!(refusal.code(), RefusalCode::TooManySessions);
    // A name that nobody has begins a user, whatever the program would allow.
    for (free, admission) in [("bob", Admission::AnotherSession), ("carol", Admission::TakeOver)] {
        world.hub.admit_as(world.now, registration(world.now, &limits, free), admission).unwrap();
    }
    assert_eq!((world.hub.users(), world.hub.sessions()), (3, 4));
    // Under the name of an account.
    let account = registration(world.now, &limits, "guest").with_name(name("dave"));
    let conn = world.hub.admit(world.now, account).unwrap();
    assert_eq!(world.hub.name(conn), Some(&name("dave")));
}

#[test]
fn the_program_refuses_in_its_own_words() {
    let world = World::new(Limits::default());
    let mut handshake = Handshake::new(world.now, world.hub.limits());
    let _ = handshake.receive(world.now, &mut &world::opening("alice")[..]).unwrap().unwrap();
    let wait = Duration::from_secs(60);
    let refusal = Refusal::Custom(Denial::new("the game is full").with_wait(wait));
    handshake.refuse(world.now, &refusal).expect("the client may ask again");
    let mut asked = Vec::new();
    let register = chatcore::wire::Register { name: "bob", credential: b"", frame_bytes_max: u32::MAX };
    ClientMessage::Register(register).encode(&mut asked);
    let _ = handshake.receive(world.now, &mut &asked[..]).unwrap().unwrap();
    let refusal = Refusal::Custom(Denial::new("your account is closed").for_good());
    assert_eq!(handshake.refuse(world.now, &refusal), Err(HandshakeError::Denied));
    assert!(handshake.is_over());
    let bytes = handshake.transmit().concat();
    let [HubMessage::Refused(first), HubMessage::Refused(second), HubMessage::Goodbye(goodbye)] =
        &decode_all(&bytes[chatcore::wire::PREFACE_BYTES..])[..]
    else {
        panic!("two refusals, and a goodbye");
    };
    assert_eq!((first.code, first.detail, first.wait_ms), (RefusalCode::Denied, "the game is full", Some(60_000)));
    assert_eq!((second.code, second.detail, second.wait_ms), (RefusalCode::Denied, "your account is closed", None));
    assert_eq!((goodbye.code, goodbye.detail), (GoodbyeCode::Kicked, "your account is closed"));
}

#[test]
fn a_kick_ends_all_sessions_of_a_user() {
    let mut world = World::new(Limits::default());
    let (phone, bob) = (world.join("alice"), world.join("bob"));
    let laptop = another(&mut world, "alice");
    assert!(world.hub.kick(world.now, &name("alice")));
    for conn in [phone, laptop.conn] {
        world.written(conn);
        assert_eq!(world.closed(conn), Some(CloseReason::Kicked));
    }
    assert_eq!((world.hub.users(), world.hub.name(bob).is_some()), (1, true));
}

/// Looks like coco, if there is more than ASCII.
const NAME: &str = if cfg!(feature = "unicode") { "сосо" } else { "cocoa" };

proptest! {
    /// Whatever sessions begin and end, a name leads to a living one, and what looks like it is refused.
    #[test]
    fn a_name_leads_to_a_living_session(steps in proptest::collection::vec((any::<bool>(), 0..8_usize), 1..40)) {
        let mut world = World::new(Limits::default());
        let bob = world.join("bob");
        let mut sessions: Vec<chatcore::ConnId> = Vec::new();
        for (begins, which) in steps {
            if begins || sessions.is_empty() {
                let registration = registration(world.now, &Limits::default(), NAME);
                if let Ok(conn) = world.hub.admit_as(world.now, registration, Admission::AnotherSession) {
                    world.written(conn);
                    sessions.push(conn);
                }
            } else {
                let conn = sessions.swap_remove(which % sessions.len());
                // Without an acknowledged welcome, a session ends with its connection.
                world.hub.disconnect(world.now, conn).unwrap();
                world.drain();
            }
            prop_assert_eq!(world.hub.sessions(), 1 + sessions.len());
            prop_assert_eq!(world.hub.users(), 1 + usize::from(!sessions.is_empty()));
            let looks_like = world.try_join("coco");
            prop_assert_eq!(looks_like == Err(Refusal::Confusable), cfg!(feature = "unicode") && !sessions.is_empty());
            if let Ok(conn) = looks_like {
                world.hub.disconnect(world.now, conn).unwrap();
                world.drain();
            }
            let _ = world.say(bob, &[send(NAME, b"hello")]);
            for conn in &sessions {
                let bytes = world.written(*conn);
                let messages = decode_all(&bytes);
                let told = messages.iter().filter(|message| matches!(message, HubMessage::Deliver(_))).count();
                prop_assert_eq!(told, 1);
            }
            world.written(bob);
        }
    }
}
