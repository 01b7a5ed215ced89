//! Presence: who watches is told, and nobody else.

mod world;

use std::time::Duration;

use chatcore::wire::{Ack, ClientMessage, HubMessage, Kind, Message, Watch};
use chatcore::{ClientError, ConnId, Event, Limits, RejectCode};
use world::{User, World, decode_all, send};

/// What a user is told here.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Presence(String, bool),
    Done(u64),
    Rejected(u64, RejectCode),
    Resumed,
}

fn presence(name: &str, online: bool) -> Told {
    Told::Presence(name.into(), online)
}

fn told(world: &mut World, user: &mut User) -> Vec<Told> {
    world.carry(user);
    let told = |event| match event {
        Event::Presence { name, online, display_name: None, .. } => Told::Presence(name.to_string(), online),
        Event::Done { number } => Told::Done(number),
        Event::Rejected { number, code, .. } => Told::Rejected(number, code),
        Event::Resumed => Told::Resumed,
        other => panic!("{other:?}"),
    };
    user.events.drain(..).map(told).collect()
}

/// Long lists are looked up in another way than short ones.
#[test]
fn long_lists_are_watched_and_unwatched_name_by_name() {
    const NAMES: usize = 100;
    let limits = Limits::default().with_watches_max(NAMES.try_into().unwrap());
    let mut world = World::new(limits.with_presence_time_min(Duration::ZERO));
    let mut alice = world.connect("alice");
    let names: Vec<String> = (0..NAMES).map(|n| format!("n{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    alice.client.watch(world.now, &names).unwrap();
    assert_eq!(told(&mut world, &mut alice).len(), NAMES + 1);
    // None of these is new, so that there is room for them.
    alice.client.watch(world.now, &names[10..]).unwrap();
    assert_eq!(told(&mut world, &mut alice).last(), Some(&Told::Done(2)));
    // Every name but each third, some of them twice, and one that is not watched.
    let is_left = |n: usize| n.is_multiple_of(3);
    let gone = (0..NAMES).filter(|n| !is_left(*n)).chain([1, 2]).map(|n| names[n]).chain(["nobody"]);
    alice.client.unwatch(world.now, &gone.collect::<Vec<_>>()).unwrap();
    assert_eq!(told(&mut world, &mut alice), [Told::Done(3)]);
    for (n, name) in names.iter().enumerate() {
        world.connect(name);
        let expected = is_left(n).then(|| presence(name, true));
        assert_eq!(told(&mut world, &mut alice), expected.into_iter().collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn who_watches_is_told_at_once_how_it_stands_and_then_of_every_change() {
    let mut world = World::new(Limits::default().with_resume_time_max(Duration::from_secs(20)));
    let mut bob = world.connect("bob");
    let mut alice = world.connect("alice");
    alice.client.watch(world.now, &["Bob", "carol", "bob"]).unwrap();
    assert_eq!(told(&mut world, &mut alice), [presence("bob", true), presence("carol", false), Told::Done(1)]);
    let mut carol = world.connect("carol");
    assert_eq!(told(&mut world, &mut alice), [presence("carol", true)]);
    // A link that flaps is no coming and going.
    world.cut(&mut bob);
    world.reconnect(&mut bob).unwrap();
    world.carry(&mut bob);
    assert_eq!(told(&mut world, &mut alice), []);
    carol.client.close(world.now);
    world.carry(&mut carol);
    world.cut(&mut bob);
    world.pass(Duration::from_secs(20));
    assert_eq!(told(&mut world, &mut alice), [presence("carol", false), presence("bob", false)]);
    alice.client.unwatch(world.now, &["BOB", "nobody", "no name"]).unwrap();
    assert_eq!(told(&mut world, &mut alice), [Told::Done(2)]);
    world.connect("bob");
    assert_eq!(told(&mut world, &mut alice), []);
}

#[test]
fn a_list_is_watched_as_a_whole_or_not_at_all() {
    let mut world = World::new(Limits::default().with_watches_max(3));
    let mut alice = world.connect("alice");
    let rejected = |number, code| [Told::Rejected(number, code)];
    alice.client.watch(world.now, &["a", "no name"]).unwrap();
    assert_eq!(told(&mut world, &mut alice), rejected(1, RejectCode::InvalidName));
    alice.client.watch(world.now, &["a", "b"]).unwrap();
    assert_eq!(told(&mut world, &mut alice).len(), 3);
    alice.client.watch(world.now, &["b", "c", "d"]).unwrap();
    assert_eq!(told(&mut world, &mut alice), rejected(3, RejectCode::TooManyWatches));
    world.connect("c");
    assert_eq!(told(&mut world, &mut alice), [], "none of a rejected list is watched");
    alice.client.watch(world.now, &["a", "b", "c"]).unwrap();
    assert_eq!(told(&mut world, &mut alice).len(), 4, "what is watched already does not count again");
    let too_long = alice.client.watch(world.now, &["a", "b", "c", "d"]).unwrap_err();
    assert_eq!(too_long, ClientError::TooManyNames { names: 4, names_max: 3 });
}

#[test]
fn a_watcher_that_is_gone_leaves_nothing_behind() {
    let mut world = World::new(Limits::default().with_watches_max(2));
    for _ in 0..100 {
        let mut alice = world.connect("alice");
        alice.client.watch(world.now, &["bob", "alice"]).unwrap();
        world.carry(&mut alice);
        alice.client.close(world.now);
        world.carry(&mut alice);
    }
    let mut bob = world.connect("bob");
    assert_eq!(told(&mut world, &mut bob), []);
}

#[test]
fn what_happens_while_a_watcher_is_away_waits_for_it() {
    let mut world = World::new(Limits::default());
    let mut alice = world.connect("alice");
    alice.client.watch(world.now, &["bob"]).unwrap();
    told(&mut world, &mut alice);
    world.cut(&mut alice);
    world.connect("bob");
    world.reconnect(&mut alice).unwrap();
    assert_eq!(told(&mut world, &mut alice), [Told::Resumed, presence("bob", true)]);
}

/// A user that comes and goes, and lets nobody wait for it.
fn flap(world: &mut World, name: &str) {
    let mut user = world.connect(name);
    user.client.close(world.now);
    world.carry(&mut user);
}

#[test]
fn changes_within_the_time_between_two_news_are_merged_into_the_newest() {
    let mut world = World::new(Limits::default());
    let mut alice = world.connect("alice");
    alice.client.watch(world.now, &["bob"]).unwrap();
    told(&mut world, &mut alice);
    // Thirteen changes: the last one is that it is there.
    for _ in 0..6 {
        flap(&mut world, "bob");
    }
    let mut bob = world.connect("bob");
    let at_once = told(&mut world, &mut alice);
    assert!(at_once.len() <= 1, "{at_once:?}");
    world.pass(Duration::from_secs(1));
    let later = told(&mut world, &mut alice);
    assert!(later.len() <= 1, "{later:?}");
    assert_eq!(at_once.iter().chain(&later).next_back(), Some(&presence("bob", true)), "the newest state");
    // Gone and back within the time: what was told still holds.
    bob.client.close(world.now);
    world.pass(Duration::from_secs(2));
    world.carry(&mut bob);
    told(&mut world, &mut alice);
    let mut bob = world.connect("bob");
    bob.client.close(world.now);
    world.carry(&mut bob);
    world.pass(Duration::from_secs(5));
    let events = told(&mut world, &mut alice);
    assert!(events.windows(2).all(|two| two[0] != two[1]), "equal states are not told twice: {events:?}");
}

#[test]
fn a_watcher_without_room_gets_the_newest_state_once_it_acknowledges() {
    let limits = Limits::default().with_body_bytes_max(1_000).with_outbox_bytes_max(8_192);
    let mut world = World::new(limits);
    let alice = world.join("alice");
    let sender = world.join("sender");
    let _ = world.say(alice, &[ClientMessage::Watch(Watch { names: vec!["bob"] })]);
    let mut frames = numbered(&mut world, alice).len() as u64;
    // No message fits any more.
    for bytes in [1_000, 100, 1] {
        for _ in 0..200 {
            let _ = world.say(sender, &[send("alice", &vec![b'x'; bytes])]);
        }
    }
    // Answers to its own requests use the reserve.
    for _ in 0..60 {
        let _ = world.say(alice, &[send("nobody", b"")]);
    }
    let bob = world.join("bob");
    let mut got = numbered(&mut world, alice);
    frames += got.len() as u64;
    got.retain(|kind| *kind == Kind::PRESENCE);
    assert_eq!(got, [], "there is no room for it");
    let _ = world.say(alice, &[ClientMessage::Ack(Ack { count: frames })]);
    let written = world.written(alice);
    let told: Vec<_> = decode_all(&written)
        .into_iter()
        .filter_map(|message| match message {
            HubMessage::Presence(presence) => Some((presence.name.to_string(), presence.online)),
            _ => None,
        })
        .collect();
    assert_eq!(told, [("bob".to_string(), true)]);
    assert_eq!(world.closed(bob), None);
}

fn numbered(world: &mut World, conn: ConnId) -> Vec<Kind> {
    decode_all(&world.written(conn)).iter().map(Message::kind).filter(|kind| kind.is_numbered()).collect()
}
