//! What a session keeps when its user is renamed: its client comes back to it, and is told what became of its messages.

use std::time::Duration;

use chatcore::{Admission, Client, ClientConfig, DeliveryStatus, Event, Limits, MessageId, Refusal, UserName};

use super::world::{User, World, join_with_token, nth, send, try_resume, try_resume_again};
use super::{join_lobby, joined, lobby, name, rename, renamed, say, told};

/// What a user has taken is acknowledged.
fn acknowledge(world: &mut World, user: &mut User) {
    world.pass(Duration::from_secs(1));
    user.client.handle_timeout(world.now);
    world.carry(user);
}

/// The time goes by after which a session ends that has no connection, and others are heard meanwhile.
fn outlast(world: &mut World, others: &mut [&mut User]) {
    let half = Limits::default().resume_time_max / 2 + Duration::from_secs(1);
    for _ in 0..2 {
        world.pass(half);
        for user in &mut *others {
            user.client.handle_timeout(world.now);
            world.carry(user);
        }
    }
}

/// A client with a session of which it has acknowledged everything, and then no connection.
fn cut_off(world: &mut World, name: &str) -> User {
    let mut user = world.connect(name);
    world.carry(&mut user);
    world.cut(&mut user);
    user
}

#[test]
fn a_client_without_a_connection_learns_its_name_when_it_comes_back() {
    let mut world = World::new(Limits::default());
    let mut user = cut_off(&mut world, "alice");
    rename(&mut world, "alice", "Guest-17");
    let mut owner = world.connect("alice");
    world.reconnect(&mut user).unwrap();
    assert_eq!(told(&mut world, &mut user), [Event::Resumed, renamed()], "once");
    // It knows by now.
    world.cut(&mut user);
    assert_eq!(user.client.ticket().unwrap().name, name("guest-17"));
    world.reconnect(&mut user).unwrap();
    assert_eq!(told(&mut world, &mut user), [Event::Resumed]);
    world.cut(&mut user);
    rename(&mut world, "guest-17", "b");
    rename(&mut world, "b", "guest-17");
    world.reconnect(&mut user).unwrap();
    let heard = told(&mut world, &mut user);
    let names = heard.iter().filter_map(|event| match event {
        Event::Renamed { from, name, .. } => Some((from.as_str(), name.as_str())),
        _ => None,
    });
    assert_eq!(names.collect::<Vec<_>>(), [("guest-17", "b"), ("b", "guest-17")]);
    assert_eq!(told(&mut world, &mut owner), []);
    // Its session is over: so it asks for the name that it had, and not for that of the owner.
    world.cut(&mut user);
    outlast(&mut world, &mut [&mut owner]);
    assert!(matches!(world.reconnect(&mut user), Err(Refusal::SessionOver)));
    user.conn = world.admit_again(&mut user.client);
    let heard = told(&mut world, &mut user);
    let [Event::SessionLost { .. }, Event::Registered { name, .. }] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!(name.as_str(), "guest-17");
}

#[test]
fn a_process_with_an_old_ticket_learns_its_name() {
    let mut world = World::new(Limits::default());
    let mut user = world.connect("alice");
    let ticket = user.client.ticket().unwrap().clone();
    rename(&mut world, "alice", "Guest-17");
    assert_eq!(told(&mut world, &mut user), [renamed()]);
    acknowledge(&mut world, &mut user);
    world.join("alice");
    // It had not stored that when it was killed.
    user.client = Client::resume(world.now, ClientConfig::default(), 8, ticket.clone(), b"");
    user.conn = world.admit(&mut user.client).unwrap();
    assert_eq!(told(&mut world, &mut user), [Event::Resumed, renamed()]);
    acknowledge(&mut world, &mut user);
    // It had stored that.
    let ticket = user.client.ticket().unwrap().clone().with_attempt(10);
    assert_eq!(ticket.name, name("guest-17"));
    user.client = Client::resume(world.now, ClientConfig::default(), 9, ticket, b"");
    user.conn = world.admit(&mut user.client).unwrap();
    assert_eq!(told(&mut world, &mut user), [Event::Resumed]);
    // The session is over: so it asks for the name that it had.
    world.cut(&mut user);
    world.pass(Limits::default().resume_time_max);
    assert!(matches!(world.reconnect(&mut user), Err(Refusal::SessionOver)));
    user.conn = world.admit_again(&mut user.client);
    let heard = told(&mut world, &mut user);
    let [Event::SessionLost { .. }, Event::Registered { name, display_name, .. }] = &heard[..] else {
        panic!("{heard:?}")
    };
    assert_eq!((name.as_str(), display_name.as_deref()), ("guest-17", Some("Guest-17")));
}

#[test]
fn a_session_is_found_by_its_token_alone_only_if_it_was_renamed() {
    let mut world = World::new(Limits::default());
    let (_, token) = join_with_token(&mut world, "alice");
    let (_, other) = join_with_token(&mut world, "bob");
    assert_eq!(try_resume(&mut world, "carol", token, Some(0)), Err(Refusal::SessionOver));
    rename(&mut world, "alice", "guest-17");
    assert_eq!(try_resume(&mut world, "alice", other, Some(0)), Err(Refusal::SessionOver));
    assert_eq!(try_resume(&mut world, "carol", other, Some(0)), Err(Refusal::SessionOver));
    for (attempt, name) in [(1, "alice"), (2, "guest-17"), (3, "carol"), (4, "bob")] {
        let conn = try_resume_again(&mut world, name, token, Some(0), attempt).unwrap();
        assert_eq!(world.hub.name(conn).map(UserName::as_str), Some("guest-17"));
    }
    let late = try_resume_again(&mut world, "alice", token, Some(0), 4);
    assert_eq!(late, Err(Refusal::StaleResume));
    // Its time is over, whether somebody has noticed or not.
    let conn = try_resume_again(&mut world, "alice", token, Some(0), 5).unwrap();
    world.hub.disconnect(world.now, conn).unwrap();
    world.now = world.now + Limits::default().resume_time_max;
    assert_eq!(try_resume_again(&mut world, "alice", token, Some(0), 6), Err(Refusal::SessionOver));
    assert_eq!(world.hub.users(), 1);
    rename(&mut world, "bob", "dave");
    world.hub.kick(world.now, &name("dave"));
    assert_eq!(try_resume(&mut world, "bob", other, Some(0)), Err(Refusal::SessionOver));
}

#[test]
fn reports_come_to_who_had_the_name_when_the_message_was_sent() {
    let mut world = World::new(Limits::default());
    let mut carol = cut_off(&mut world, "carol");
    let (mut alice, mut dave) = (world.connect("alice"), world.connect("dave"));
    let mut laptop = world.connect_as("alice", ClientConfig::default(), Admission::AnotherSession);
    let send = |world: &mut World, user: &mut User| {
        user.client.send(world.now, "carol", b"are you there?").unwrap();
        told(world, user);
    };
    send(&mut world, &mut alice);
    rename(&mut world, "alice", "guest-17");
    send(&mut world, &mut alice);
    // Another one had another name for longer, and has this one now.
    send(&mut world, &mut dave);
    rename(&mut world, "dave", "alice");
    send(&mut world, &mut dave);
    let mut tablet = world.connect_as("guest-17", ClientConfig::default(), Admission::AnotherSession);
    send(&mut world, &mut alice);
    told(&mut world, &mut laptop);
    told(&mut world, &mut tablet);
    rename(&mut world, "carol", "erin");
    outlast(&mut world, &mut [&mut alice, &mut dave, &mut laptop, &mut tablet]);
    let reported = |world: &mut World, user: &mut User| {
        let mut ids = Vec::new();
        for event in told(world, user) {
            if let Event::Report { status: DeliveryStatus::Undelivered, to, ids: of_report, .. } = event {
                assert_eq!(to, name("erin"));
                ids.extend(of_report);
            }
        }
        ids
    };
    let ids = |numbers: &[u64]| numbers.iter().map(|number| nth(*number)).collect::<Vec<MessageId>>();
    assert_eq!(reported(&mut world, &mut alice), ids(&[1, 2, 5]));
    assert_eq!(reported(&mut world, &mut laptop), ids(&[1, 2, 5]));
    assert_eq!(reported(&mut world, &mut tablet), ids(&[5]), "it was not there before");
    assert_eq!(reported(&mut world, &mut dave), ids(&[3, 4]));
    assert!(matches!(world.reconnect(&mut carol), Err(Refusal::SessionOver)));
}

#[test]
fn so_many_names_are_remembered_and_no_more() {
    let mut world = World::new(Limits::default());
    let _carol = cut_off(&mut world, "carol");
    let mut user = world.connect("n0");
    for number in 0..40 {
        user.client.send(world.now, "carol", b"").unwrap();
        world.carry(&mut user);
        // A name under which nothing is sent counts for nothing.
        for name in ["between".to_owned(), format!("n{}", number + 1)] {
            let from = world.hub.name(user.conn).unwrap().to_string();
            rename(&mut world, &from, &name);
        }
    }
    outlast(&mut world, &mut [&mut user]);
    let reported: Vec<MessageId> = told(&mut world, &mut user)
        .into_iter()
        .flat_map(|event| if let Event::Report { ids, .. } = event { ids } else { Vec::new() })
        .collect();
    assert_eq!(reported, (9..=40).map(nth).collect::<Vec<_>>(), "the last 32 names");
}

#[test]
fn who_takes_a_renamed_session_over_knows_only_the_new_name() {
    let mut world = World::new(Limits::default());
    let (mut old, mut bob) = (world.connect("alice"), world.connect("bob"));
    let ticket = old.client.ticket().unwrap().clone();
    join_lobby(&mut world, &mut bob);
    world.cut(&mut old);
    world.hub.put_into_room(world.now, &name("alice"), &lobby()).unwrap();
    world.drain();
    say(&mut world, bob.conn, &[send("alice", b"hello")]);
    rename(&mut world, "alice", "guest-17");
    let mut new = world.connect_as("guest-17", ClientConfig::default(), Admission::TakeOver);
    let heard = told(&mut world, &mut new);
    let [own, Event::Message { body, .. }] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!((own, &body[..]), (&joined("guest-17", None), &b"hello"[..]));
    let refusal = try_resume(&mut world, "alice", ticket.token, Some(0)).unwrap_err();
    assert_eq!(refusal, Refusal::SessionOver, "the old token is nobody's");
    // The new one is found by its token when it is renamed again.
    world.cut(&mut new);
    rename(&mut world, "guest-17", "c");
    world.reconnect(&mut new).unwrap();
    assert!(matches!(&told(&mut world, &mut new)[..], [Event::Resumed, Event::Renamed { .. }]));
}
