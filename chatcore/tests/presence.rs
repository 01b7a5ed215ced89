//! Presence: who watches is told, and nobody else.

mod world;

use std::time::Duration;

use chatcore::{ClientError, Event, Limits, RejectCode};
use world::{User, World};

fn presence(name: &str, online: bool) -> Event {
    Event::Presence { name: name.parse().unwrap(), online }
}

fn told(world: &mut World, user: &mut User) -> Vec<Event> {
    world.carry(user);
    std::mem::take(&mut user.events)
}

#[test]
fn who_watches_is_told_at_once_how_it_stands_and_then_of_every_change() {
    let mut world = World::new(Limits { resume_time_max: Duration::from_secs(20), ..Limits::default() });
    let mut bob = world.connect("bob");
    let mut alice = world.connect("alice");
    alice.client.watch(world.now, &["Bob", "carol", "bob"]).unwrap();
    assert_eq!(
        told(&mut world, &mut alice),
        [presence("bob", true), presence("carol", false), Event::Done { number: 1 }]
    );
    let mut carol = world.connect("carol");
    assert_eq!(told(&mut world, &mut alice), [presence("carol", true)]);
    // A link that flaps is no coming and going.
    world.cut(&mut bob);
    world.reconnect(&mut bob).unwrap();
    world.carry(&mut bob);
    assert_eq!(told(&mut world, &mut alice), []);
    carol.client.leave(world.now);
    world.carry(&mut carol);
    world.cut(&mut bob);
    world.pass(Duration::from_secs(20));
    assert_eq!(told(&mut world, &mut alice), [presence("carol", false), presence("bob", false)]);
    alice.client.unwatch(world.now, &["BOB", "nobody", "no name"]).unwrap();
    assert_eq!(told(&mut world, &mut alice), [Event::Done { number: 2 }]);
    world.connect("bob");
    assert_eq!(told(&mut world, &mut alice), []);
}

#[test]
fn a_list_is_watched_as_a_whole_or_not_at_all() {
    let mut world = World::new(Limits { watches_max: 3, ..Limits::default() });
    let mut alice = world.connect("alice");
    let rejected = |number, code| vec![Event::Rejected { number, code }];
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
    let mut world = World::new(Limits { watches_max: 2, ..Limits::default() });
    for _ in 0..100 {
        let mut alice = world.connect("alice");
        alice.client.watch(world.now, &["bob", "alice"]).unwrap();
        world.carry(&mut alice);
        alice.client.leave(world.now);
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
    assert_eq!(told(&mut world, &mut alice), [Event::Resumed, presence("bob", true)]);
}
