//! Names: who has one, and who is told of it.

mod world;

use chatcore::wire::{ClientMessage, HubMessage, Online, Who};
use chatcore::{Limits, Refusal};
use world::{World, decode_all, goodbye};

#[test]
fn a_name_has_one_holder_whatever_its_spelling_and_is_free_afterwards() {
    let mut world = World::new(Limits::default());
    let alice = world.join("alice");
    assert!(matches!(world.try_join("ALICE"), Err(Refusal::NameInUse { .. })));
    let _ = world.say(alice, &[goodbye()]);
    assert_eq!(world.hub.name(alice), None);
    let heir = world.join("Alice");
    assert_ne!(heir, alice, "an id is never used twice");
    let _ = world.say(heir, &[goodbye()]);
    world.join("alice");
}

/// Cyrillic letters that look like `alice`, as far as there are any; and one that looks like nobody.
#[cfg(feature = "unicode")]
#[test]
fn a_name_that_looks_like_another_in_use_is_refused_until_that_is_free() {
    let (latin, cyrillic) = ("ace", "\u{430}\u{441}\u{435}");
    for [first, second] in [[latin, cyrillic], [cyrillic, latin]] {
        let mut world = World::new(Limits::default());
        let conn = world.join(first);
        assert_eq!(world.try_join(second), Err(Refusal::Confusable));
        assert!(matches!(world.try_join(first), Err(Refusal::NameInUse { .. })), "it is itself");
        let other = world.join("\u{431}\u{43e}\u{431}");
        let _ = world.say(other, &[goodbye()]);
        let _ = world.say(conn, &[goodbye()]);
        let conn = world.join(second);
        assert_eq!(world.try_join(first), Err(Refusal::Confusable));
        let _ = world.say(conn, &[goodbye()]);
        world.join(first);
    }
    let mut world = World::new(Limits::default());
    for name in ["bob1", "bobl"] {
        world.join(name);
    }
}

#[test]
fn a_reserved_name_is_nobodys_and_neither_is_what_looks_like_it() {
    let mut world = World::new(Limits::default());
    world.hub = chatcore::Hub::new(Limits::default(), [7; 32]).with_reserved(&["ace".parse().unwrap()]);
    assert_eq!(world.try_join("ACE"), Err(Refusal::Reserved));
    #[cfg(feature = "unicode")]
    assert_eq!(world.try_join("\u{430}\u{441}\u{435}"), Err(Refusal::Reserved));
    world.join("face");
}

#[test]
fn a_full_hub_refuses_until_somebody_leaves() {
    let mut world = World::new(Limits { users_max: 2, ..Limits::default() });
    let (alice, _bob) = (world.join("alice"), world.join("bob"));
    assert_eq!(world.try_join("carol"), Err(Refusal::HubFull { users_max: 2 }));
    let _ = world.say(alice, &[goodbye()]);
    world.join("carol");
}

#[test]
fn who_is_online_comes_in_pages_without_gap_or_repetition() {
    let mut world = World::new(Limits { body_bytes_max: 16, outbox_bytes_max: 1 << 20, ..Limits::default() });
    let names: Vec<String> = (0..300).map(|i| format!("user{i:03}")).collect();
    let conns: Vec<_> = names.iter().map(|name| world.join(name)).collect();
    for conn in &conns[10..20] {
        let _ = world.say(*conn, &[goodbye()]);
    }
    let mut listed = Vec::new();
    let (mut cursor, mut pages) = (Some(0), 0);
    while let Some(at) = cursor {
        let _ = world.say(conns[0], &[ClientMessage::Who(Who { cursor: at })]);
        let bytes = world.written(conns[0]);
        let messages = decode_all(&bytes);
        let HubMessage::Online(Online { names, next, .. }) = &messages[0] else { panic!("{messages:?}") };
        assert!(bytes.len() < world.hub.limits().frame_bytes_max() as usize);
        listed.extend(names.iter().map(|name| (*name).to_owned()));
        cursor = *next;
        pages += 1;
    }
    listed.sort();
    assert_eq!(listed, [&names[..10], &names[20..]].concat());
    assert!(pages > 1, "300 names do not fit one page here");
    let _ = world.say(conns[0], &[ClientMessage::Who(Who { cursor: u64::MAX })]);
    let end = world.written(conns[0]);
    assert!(matches!(&decode_all(&end)[0], HubMessage::Online(Online { names, next: None, .. }) if names.is_empty()));
}
