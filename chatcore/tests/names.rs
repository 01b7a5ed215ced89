//! Names: who has one, and who is told of it.

mod world;

use std::time::Duration;

use chatcore::wire::{
    ClientMessage, HubMessage, Join, Joined, Members, Online, PREFACE_BYTES, Presence, Roster, Watch, Welcome, Who,
};
use chatcore::{Limits, Refusal};
use world::{World, decode_all, goodbye};

#[test]
fn a_name_has_one_holder_whatever_its_spelling_and_is_free_afterwards() {
    let mut world = World::new(Limits::default());
    let alice = world.join("alice");
    assert!(matches!(world.try_join("ALICE"), Err(Refusal::NameInUse { .. })));
    let _ = world.say(alice, &[goodbye()]);
    assert_eq!(world.hub.name(alice), None);
    let later = world.join("Alice");
    assert_ne!(later, alice, "an id is never used twice");
    let _ = world.say(later, &[goodbye()]);
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
    world.hub = chatcore::Hub::new(Limits::default(), [7; 32]).with_reserved(["ace".parse().unwrap()]);
    assert_eq!(world.try_join("ACE"), Err(Refusal::Reserved));
    #[cfg(feature = "unicode")]
    assert_eq!(world.try_join("\u{430}\u{441}\u{435}"), Err(Refusal::Reserved));
    world.join("face");
}

#[test]
fn a_full_hub_refuses_until_somebody_leaves() {
    let mut world = World::new(Limits::default().with_sessions_max(2));
    let (alice, _bob) = (world.join("alice"), world.join("bob"));
    assert_eq!(world.try_join("carol"), Err(Refusal::HubFull { sessions_max: 2 }));
    let _ = world.say(alice, &[goodbye()]);
    world.join("carol");
}

#[test]
fn who_is_online_comes_in_pages_without_gap_or_repetition() {
    let mut world = World::new(Limits::default().with_body_bytes_max(16).with_outbox_bytes_max(1 << 20));
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
        let HubMessage::Online(Online { users, next, .. }) = &messages[0] else { panic!("{messages:?}") };
        assert!(bytes.len() < world.hub.limits().frame_bytes_max() as usize);
        listed.extend(users.iter().map(|user| user.name.to_owned()));
        cursor = *next;
        pages += 1;
    }
    listed.sort();
    assert_eq!(listed, [&names[..10], &names[20..]].concat());
    assert!(pages > 1, "300 names do not fit one page here");
    let _ = world.say(conns[0], &[ClientMessage::Who(Who { cursor: u64::MAX })]);
    let end = world.written(conns[0]);
    assert!(matches!(&decode_all(&end)[0], HubMessage::Online(Online { users, next: None, .. }) if users.is_empty()));
}

/// What a user typed is what others are shown: in the welcome, in lists, and when somebody comes.
#[test]
fn a_display_name_goes_wherever_the_name_is_listed() {
    let mut world = World::new(Limits::default().with_presence_time_min(Duration::ZERO));
    let bob = world.join("bob");
    let _ = world.say(
        bob,
        &[ClientMessage::Join(Join { room: "#lobby" }), ClientMessage::Watch(Watch { names: vec!["alice", "bob"] })],
    );
    let bytes = world.written(bob);
    let told = |bytes: &[u8]| {
        let shown = |message: &HubMessage<'_>| match message {
            HubMessage::Welcome(Welcome { name, display_name, .. })
            | HubMessage::Joined(Joined { name, display_name, .. })
            | HubMessage::Presence(Presence { name, display_name, .. }) => {
                vec![((*name).to_owned(), display_name.map(ToOwned::to_owned))]
            }
            HubMessage::Online(Online { users, .. }) | HubMessage::Members(Members { users, .. }) => {
                users.iter().map(|user| (user.name.to_owned(), user.display_name.map(ToOwned::to_owned))).collect()
            }
            _ => vec![],
        };
        decode_all(bytes).iter().flat_map(shown).collect::<Vec<_>>()
    };
    let user = |name: &str, shown: Option<&str>| (name.to_owned(), shown.map(ToOwned::to_owned));
    let (plain, typed) = (user("bob", None), user("alice", Some("ALICE")));
    assert_eq!(told(&bytes), [user("alice", None), plain.clone()], "nobody is alice yet");
    let alice = world.try_join("ALICE").expect("the name is free");
    assert_eq!(told(&world.written(alice)[PREFACE_BYTES..]), std::slice::from_ref(&typed), "the welcome");
    world.confirm(alice);
    assert_eq!(told(&world.written(bob)), std::slice::from_ref(&typed), "a presence");
    let _ = world.say(
        alice,
        &[
            ClientMessage::Join(Join { room: "#lobby" }),
            ClientMessage::Who(Who { cursor: 0 }),
            ClientMessage::Roster(Roster { room: "#lobby", cursor: 0 }),
            ClientMessage::Watch(Watch { names: vec!["aLiCe"] }),
        ],
    );
    let all = [plain.clone(), typed.clone(), plain, typed.clone(), typed.clone()];
    assert_eq!(told(&world.written(alice)), all, "two lists, and the answer to the watch");
    assert_eq!(told(&world.written(bob)), [typed], "a joined");
    let _ = world.say(alice, &[goodbye()]);
    world.pass(Duration::from_secs(1));
    assert_eq!(told(&world.written(bob)), [user("alice", None)], "who is gone is shown by no spelling");
}

/// Long display names make pages short, and no frame too long.
#[test]
#[cfg(feature = "unicode")]
fn a_page_holds_as_many_display_names_as_fit() {
    let mut world = World::new(Limits::default().with_body_bytes_max(16));
    let alice = world.join("alice");
    // Full-width letters have three bytes each, and map to one.
    for user in 0..40_u32 {
        let number = format!("{user:02}");
        let wide = |c: char| char::from_u32(u32::from(c) - 0x21 + 0xFF01).unwrap();
        world.join(&format!("{}{}", "\u{FF41}".repeat(30), number.chars().map(wide).collect::<String>()));
    }
    let (mut cursor, mut listed) = (Some(0), 0);
    while let Some(at) = cursor {
        let _ = world.say(alice, &[ClientMessage::Who(Who { cursor: at })]);
        let bytes = world.written(alice);
        let messages = decode_all(&bytes);
        let HubMessage::Online(Online { users, next, .. }) = &messages[0] else { panic!("{messages:?}") };
        assert!(
            users.iter().all(|user| user.name == "alice" || user.display_name.is_some_and(|shown| shown.len() == 96))
        );
        assert!((1..=9).contains(&users.len()), "131 bytes each but for one, in 1152");
        listed += users.len();
        cursor = *next;
    }
    assert_eq!(listed, 41);
}
