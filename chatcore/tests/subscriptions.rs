//! What a session is subscribed to, for a program that has forgotten it.

mod world;

use std::collections::BTreeSet;
use std::time::Duration;

use chatcore::wire::{
    ClientMessage, HubMessage, Join, Leave, Message, Preface, Subscribed, Subscriptions, Unwatch, Watch, Welcome,
};
use chatcore::{
    Admission, Client, ClientConfig, Closed, ConnId, Event, Limits, PAGE_NAMES_MAX, ProtocolError, Rate, Token,
};
use proptest::prelude::*;
use world::{ANNOUNCED, User, World, decode_all, encode_all};

/// Hubs whose sessions may have many rooms and watches.
fn roomy() -> Limits {
    Limits::default().with_rooms_of_user_max(2_000).with_watches_max(2_000).with_session_rate(Rate::UNLIMITED)
}

fn join(room: &str) -> ClientMessage<'_> {
    ClientMessage::Join(Join { room })
}

fn leave(room: &str) -> ClientMessage<'_> {
    ClientMessage::Leave(Leave { room })
}

fn watch(name: &str) -> ClientMessage<'_> {
    ClientMessage::Watch(Watch { names: vec![name] })
}

fn unwatch(name: &str) -> ClientMessage<'_> {
    ClientMessage::Unwatch(Unwatch { names: vec![name] })
}

/// One page: its names, and where the next one starts.
fn page(world: &mut World, conn: ConnId, cursor: u64) -> (Vec<String>, Option<u64>) {
    let _ = world.say(conn, &[ClientMessage::Subscriptions(Subscriptions { cursor })]);
    let bytes = world.written(conn);
    let messages = decode_all(&bytes);
    let mut pages = messages.iter().filter_map(|message| match message {
        HubMessage::Subscribed(Subscribed { names, next, .. }) => {
            Some((names.iter().map(|name| (*name).to_owned()).collect(), *next))
        }
        _ => None,
    });
    pages.next_back().unwrap_or_else(|| panic!("{messages:?}"))
}

/// All pages, with what happens after each.
fn listing(world: &mut World, conn: ConnId, mut between: impl FnMut(&mut World)) -> Vec<Vec<String>> {
    let (mut pages, mut cursor) = (Vec::new(), Some(0));
    while let Some(at) = cursor {
        let (names, next) = page(world, conn, at);
        pages.push(names);
        cursor = next;
        between(world);
        assert!(pages.len() < 1_000, "a listing has an end");
    }
    pages
}

/// What the last events of this user tell of its subscriptions.
fn subscribed(user: &mut User) -> (Vec<String>, Vec<String>) {
    let events = std::mem::take(&mut user.events);
    let told = events.into_iter().find_map(|event| match event {
        Event::Subscribed { rooms, users, next: None, .. } => {
            Some((rooms.iter().map(ToString::to_string).collect(), users.iter().map(ToString::to_string).collect()))
        }
        _ => None,
    });
    told.expect("the request is answered")
}

/// The program is killed, and started again with nothing but its ticket.
fn start_again(world: &mut World, user: &mut User) {
    let ticket = user.client.ticket().unwrap().clone();
    world.hub.disconnect(world.now, user.conn).unwrap();
    user.client = Client::resume(world.now, ClientConfig::default(), 8, ticket, b"");
    user.events.clear();
    user.conn = world.admit(&mut user.client).unwrap();
    world.carry(user);
    assert!(user.events.contains(&Event::Resumed), "{:?}", user.events);
    user.events.clear();
}

#[test]
fn a_program_that_is_started_again_becomes_whole_by_asking() {
    let mut world = World::new(Limits::default());
    let [mut alice, mut bob] = ["alice", "Bob"].map(|name| world.connect(name));
    for room in ["#Lobby", "#kitchen", "#attic"] {
        alice.client.join(world.now, room).unwrap();
    }
    alice.client.watch(world.now, &["BOB", "carol"]).unwrap();
    alice.client.leave(world.now, "#attic").unwrap();
    world.carry(&mut alice);
    bob.client.join(world.now, "#lobby").unwrap();
    world.carry(&mut bob);
    world.carry(&mut alice);

    start_again(&mut world, &mut alice);
    alice.client.subscriptions(world.now, 0).unwrap();
    world.carry(&mut alice);
    let (mut rooms, mut users) = subscribed(&mut alice);
    rooms.sort();
    users.sort();
    assert_eq!(
        (&rooms[..], &users[..]),
        (&["#kitchen".into(), "#lobby".into()][..], &["bob".into(), "carol".into()][..])
    );

    // The states of those, and who is in the rooms.
    let rosters = rooms.iter().map(|room| alice.client.roster(world.now, room, 0).unwrap()).collect::<Vec<_>>();
    let names: Vec<&str> = users.iter().map(String::as_str).collect();
    alice.client.watch(world.now, &names).unwrap();
    world.carry(&mut alice);
    let mut states = BTreeSet::new();
    let mut members = Vec::new();
    for event in std::mem::take(&mut alice.events) {
        match event {
            Event::Presence { name, online, display_name, .. } => {
                states.insert((name.to_string(), online, display_name));
            }
            Event::Members { number, users, next: None, .. } if rosters.contains(&number) => {
                members.push(users.iter().map(|user| user.shown().to_owned()).collect::<Vec<_>>());
            }
            Event::Done { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(states, [("bob".into(), true, Some("Bob".into())), ("carol".into(), false, None)].into());
    assert_eq!(members, [vec!["alice"], vec!["alice", "Bob"]]);

    // It watches each once.
    bob.client.close(world.now);
    world.carry(&mut bob);
    world.pass(Duration::from_secs(2));
    world.carry(&mut alice);
    let told = alice.events.iter().filter(|event| matches!(event, Event::Presence { online: false, .. })).count();
    assert_eq!(told, 1, "{:?}", alice.events);
}

#[test]
fn a_session_learns_of_the_rooms_of_its_user_and_of_its_own_watches() {
    let mut world = World::new(Limits::default().with_sessions_of_user_max(2));
    let mut phone = world.connect("alice");
    phone.client.join(world.now, "#lobby").unwrap();
    phone.client.watch(world.now, &["bob"]).unwrap();
    world.carry(&mut phone);
    let mut desk = world.connect_as("alice", ClientConfig::default(), Admission::AnotherSession);
    desk.client.join(world.now, "#kitchen").unwrap();
    world.carry(&mut desk);
    for (device, watched) in [(&mut phone, &["bob"][..]), (&mut desk, &[])] {
        device.client.subscriptions(world.now, 0).unwrap();
        world.carry(device);
        let (rooms, users) = subscribed(device);
        assert_eq!(rooms.into_iter().collect::<BTreeSet<_>>(), ["#kitchen".into(), "#lobby".into()].into());
        assert_eq!(users, watched);
    }
}

#[test]
fn a_page_has_as_many_names_as_fit_and_rooms_come_first() {
    let mut world = World::new(roomy());
    let conn = world.join("alice");
    for number in 0..700 {
        let _ = world.say(conn, &[join(&format!("#room{number}")), watch(&format!("user{number}"))]);
        world.written(conn);
    }
    let pages = listing(&mut world, conn, |_| {});
    assert_eq!(
        pages.iter().map(Vec::len).collect::<Vec<_>>(),
        [PAGE_NAMES_MAX, PAGE_NAMES_MAX, 1_400 - 2 * PAGE_NAMES_MAX]
    );
    let names: Vec<_> = pages.into_iter().flatten().collect();
    assert!(
        names[..700].iter().all(|name| name.starts_with('#')) && names[700..].iter().all(|name| !name.starts_with('#'))
    );
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 1_400);
    // A client with short frames gets short pages.
    let mut world = World::new(roomy().with_body_bytes_max(16));
    let conn = world.join("alice");
    for number in 0..200 {
        let _ = world.say(conn, &[join(&format!("#a-room-with-a-long-name-{number:08}"))]);
        world.written(conn);
    }
    let pages = listing(&mut world, conn, |_| {});
    assert!(pages.len() > 3, "{pages:?}");
    assert_eq!(pages.into_iter().flatten().collect::<BTreeSet<_>>().len(), 200);
}

#[test]
fn any_cursor_is_some_page() {
    let mut world = World::new(Limits::default());
    let conn = world.join("alice");
    assert_eq!(page(&mut world, conn, 0), (vec![], None));
    for cursor in [1, 77, u64::from(u32::MAX), 1 << 32, (1 << 32) + 1, 1 << 33, u64::MAX] {
        assert_eq!(page(&mut world, conn, cursor), (vec![], None), "{cursor}");
    }
    let _ = world.say(conn, &[join("#lobby"), watch("bob"), watch("carol")]);
    for (cursor, names) in [
        (0, &["#lobby", "carol", "bob"][..]),
        (u64::from(u32::MAX), &["#lobby", "carol", "bob"]),
        (1 << 32, &[]),
        ((1 << 32) + 1, &["bob"]),
        (u64::MAX, &["carol", "bob"]),
    ] {
        let (listed, next) = page(&mut world, conn, cursor);
        assert_eq!((listed.iter().map(String::as_str).collect::<Vec<_>>(), next), (names.to_vec(), None), "{cursor}");
    }
}

#[test]
fn who_has_much_unacknowledged_gets_an_empty_page_and_asks_again() {
    let limits = Limits::default().with_body_bytes_max(1_000).with_outbox_bytes_max(8_192);
    let mut world = World::new(limits);
    let [conn, bob] = ["alice", "bob"].map(|name| world.join(name));
    let _ = world.say(conn, &[join("#lobby")]);
    assert_eq!(page(&mut world, conn, 0), (vec!["#lobby".into()], None));
    for _ in 0..7 {
        let _ = world.say(bob, &[world::send("alice", &[b'x'; 1_000])]);
    }
    assert_eq!(page(&mut world, conn, 0), (vec![], Some(0)));
    assert_eq!(page(&mut world, conn, 1), (vec![], Some(1)));
    let messages = 1 + 1 + 7;
    let _ = world.say(conn, &[ClientMessage::Ack(chatcore::wire::Ack { count: messages })]);
    assert_eq!(page(&mut world, conn, 0), (vec!["#lobby".into()], None));
}

#[test]
fn a_hub_that_lists_what_cannot_be_a_name_breaks_the_protocol() {
    for (names, is_broken) in [(vec!["#lobby", "bob"], false), (vec!["#"], true), (vec!["bob", ""], true)] {
        let mut client = Client::new(chatcore::Instant::ZERO, ClientConfig::default(), 7);
        let now = chatcore::Instant::ZERO;
        client.register(now, "alice", b"").unwrap();
        let welcome =
            Welcome { name: "alice", display_name: None, token: Token::from_bytes([7; 16]), limits: ANNOUNCED };
        let bytes = [&Preface::OURS.encode()[..], &encode_all(&[HubMessage::Welcome(welcome)])].concat();
        let _ = client.receive(now, &mut &bytes[..]);
        client.subscriptions(now, 0).unwrap();
        let mut bytes = Vec::new();
        HubMessage::Subscribed(Subscribed { number: 1, names, next: None }).encode(&mut bytes);
        let _ = client.receive(now, &mut &bytes[..]);
        let broken = matches!(client.closed(), Some(Closed::ProtocolError(ProtocolError::InvalidValue { .. })));
        assert_eq!(broken, is_broken);
    }
}

/// What a client does between two pages.
#[derive(Clone, Copy, Debug)]
enum Change {
    Join(u16),
    Leave(u16),
    Watch(u16),
    Unwatch(u16),
}

fn change() -> impl Strategy<Value = Change> {
    let number = || 0..200_u16;
    prop_oneof![
        1 => number().prop_map(Change::Join),
        4 => number().prop_map(Change::Leave),
        1 => number().prop_map(Change::Watch),
        4 => number().prop_map(Change::Unwatch),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_listing_misses_nothing_that_stays_and_adds_nothing(
        before in (0..200_u16, 0..200_u16),
        changes in proptest::collection::vec(proptest::collection::vec(change(), 0..40), 0..12),
    ) {
        let room = |number: u16| format!("#a-room-with-a-long-name-{number:08}");
        let user = |number: u16| format!("somebody-with-a-name-{number:08}");
        let mut world = World::new(roomy().with_body_bytes_max(16));
        let conn = world.join("alice");
        // What it is subscribed to now, ever, and all the time.
        let (mut now, mut stays) = (BTreeSet::new(), BTreeSet::new());
        for (name, say) in (0..before.0).map(|number| (room(number), join as fn(&str) -> ClientMessage<'_>))
            .chain((0..before.1).map(|number| (user(number), watch as fn(&str) -> ClientMessage<'_>)))
        {
            let _ = world.say(conn, &[say(&name)]);
            world.written(conn);
            now.insert(name);
        }
        stays.extend(now.iter().cloned());
        let mut ever = now.clone();
        let mut changes = changes.into_iter();
        let pages = listing(&mut world, conn, |world| {
            for change in changes.next().into_iter().flatten() {
                let (name, is_in) = match change {
                    Change::Join(number) => (room(number), true),
                    Change::Leave(number) => (room(number), false),
                    Change::Watch(number) => (user(number), true),
                    Change::Unwatch(number) => (user(number), false),
                };
                let request = match change {
                    Change::Join(_) => join(&name),
                    Change::Leave(_) => leave(&name),
                    Change::Watch(_) => watch(&name),
                    Change::Unwatch(_) => unwatch(&name),
                };
                let _ = world.say(conn, &[request]);
                world.written(conn);
                if is_in {
                    now.insert(name.clone());
                    ever.insert(name);
                } else {
                    now.remove(&name);
                    stays.remove(&name);
                }
            }
        });
        let listed: BTreeSet<_> = pages.iter().flatten().cloned().collect();
        prop_assert!(stays.is_subset(&listed), "missed: {:?}", stays.difference(&listed));
        prop_assert!(listed.is_subset(&ever), "added: {:?}", listed.difference(&ever));
        // Undisturbed, it has each once.
        let pages = listing(&mut world, conn, |_| {});
        prop_assert_eq!(pages.iter().map(Vec::len).sum::<usize>(), now.len());
        prop_assert_eq!(pages.into_iter().flatten().collect::<BTreeSet<_>>(), now);
    }
}
