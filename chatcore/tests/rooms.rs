//! Rooms: who is in them, what they are told, and what that costs.

mod world;

use std::time::Duration;

use chatcore::wire::{ClientMessage, HubMessage, Join, Kind, Message, Roster, take};
use chatcore::{
    Client, ClientError, ConnId, Event, HubEvent, Instant, LeaveCode, Limits, MessageId, Rate, Received, RejectCode,
    RoomName,
};
use world::{User, World, decode_all, encode_all, goodbye, registration, send};

fn join(room: &str) -> ClientMessage<'_> {
    ClientMessage::Join(Join { room })
}

/// Users that are in a room together, and have been told so.
fn in_room<const N: usize>(world: &mut World, names: [&str; N]) -> [User; N] {
    let mut users = names.map(|name| {
        let mut user = world.connect(name);
        user.client.join(world.now, "#lobby").unwrap();
        world.carry(&mut user);
        user
    });
    for user in &mut users {
        world.carry(user);
        user.events.clear();
    }
    users
}

fn lobby() -> RoomName {
    "#lobby".parse().unwrap()
}

fn said(user: &mut User) -> Vec<(String, String)> {
    let events = std::mem::take(&mut user.events);
    let said = events.into_iter().filter_map(|event| match event {
        Event::Message { from, room: Some(room), body, .. } if room == lobby() => {
            Some((from.to_string(), String::from_utf8(body).unwrap()))
        }
        _ => None,
    });
    said.collect()
}

fn news(world: &mut World, conn: ConnId) -> Vec<Kind> {
    decode_all(&world.written(conn)).iter().map(Message::kind).filter(|kind| kind.is_numbered()).collect()
}

#[test]
fn every_member_but_the_sender_gets_the_same_bytes_in_the_same_order() {
    let mut world = World::new(Limits::default());
    let conns = ["alice", "bob", "carol", "dave"].map(|name| world.join(name));
    for conn in conns {
        let _ = world.say(conn, &[join("#Lobby")]);
    }
    for conn in conns {
        world.written(conn);
    }
    for round in 0..10 {
        for conn in &conns[..2] {
            let _ = world.say(*conn, &[send("#lobby", format!("{round}").as_bytes())]);
        }
    }
    let [alice, bob, carol, dave] = conns.map(|conn| world.written(conn));
    let deliveries = |bytes: &[u8]| -> Vec<Vec<u8>> {
        let (mut rest, mut frames) = (bytes, Vec::new());
        while let Some(content) = take(&mut rest, u32::MAX).unwrap() {
            if content.kind == Kind::ROOM_DELIVER {
                frames.push(content.fields.to_vec());
            }
        }
        frames
    };
    assert_eq!(deliveries(&carol).len(), 20);
    assert_eq!(carol, dave, "not a byte names the recipient");
    // With the ids of its accepted messages, a sender knows the order of all.
    for (bytes, own) in [(alice, 0), (bob, 1)] {
        let mut ids: Vec<_> = decode_all(&bytes)
            .iter()
            .flat_map(|message| match message {
                HubMessage::RoomDeliver(deliver) => deliver.id.0..=deliver.id.0,
                HubMessage::Accepted(accepted) => {
                    accepted.runs[0].id.0..=accepted.runs[0].id.0 + u64::from(accepted.runs[0].more)
                }
                _ => std::ops::RangeInclusive::new(1, 0),
            })
            .collect();
        ids.sort_unstable();
        let first = ids[0];
        assert_eq!(ids, (first..first + 20).collect::<Vec<_>>());
        assert_eq!(deliveries(&bytes), deliveries(&carol).into_iter().skip(1 - own).step_by(2).collect::<Vec<_>>());
    }
}

#[test]
fn a_room_is_there_from_the_first_join_to_the_last_leave() {
    let mut world = World::new(Limits::default());
    let (mut alice, mut bob) = (world.connect("alice"), world.connect("bob"));
    for user in [&mut alice, &mut bob] {
        user.client.join(world.now, "#Lobby").unwrap();
        user.client.join(world.now, "#lobby").unwrap();
        world.carry(user);
        assert!(matches!(user.events[..], [Event::Done { number: 1 }, Event::Done { number: 2 }]), "twice is no error");
    }
    assert_eq!(world.hub.rooms(), 1);
    alice.client.leave(world.now, "#LOBBY").unwrap();
    world.carry(&mut alice);
    world.cut(&mut bob);
    assert_eq!(world.hub.rooms(), 1, "who waits to be resumed is a member");
    world.pass(Duration::from_secs(60));
    assert_eq!(world.hub.rooms(), 0);
    let rooms: Vec<_> = world
        .hub_events
        .iter()
        .filter_map(|event| match event {
            HubEvent::RoomOpened { room, .. } => Some((room, true)),
            HubEvent::RoomClosed { room, .. } => Some((room, false)),
            _ => None,
        })
        .collect();
    assert_eq!(rooms, [(&lobby(), true), (&lobby(), false)]);
}

#[test]
fn members_see_who_comes_and_goes_and_why() {
    let limits = Limits::default().with_resume_time_max(Duration::from_secs(20));
    let mut world = World::new(limits);
    let [mut watcher, mut leaves, mut quits, mut fades] = in_room(&mut world, ["w", "leaves", "quits", "fades"]);
    let mut late = world.connect("late");
    late.client.join(world.now, "#lobby").unwrap();
    world.carry(&mut late);
    leaves.client.leave(world.now, "#lobby").unwrap();
    world.carry(&mut leaves);
    quits.client.close(world.now);
    world.carry(&mut quits);
    world.cut(&mut fades);
    world.pass(Duration::from_secs(20));
    world.carry(&mut watcher);
    let lobby = lobby();
    let news: Vec<_> = watcher
        .events
        .iter()
        .map(|event| match event {
            Event::Joined { room, name, display_name: None, .. } if *room == lobby => (name.as_str(), None),
            Event::Left { room, name, code, .. } if *room == lobby => (name.as_str(), Some(*code)),
            other => panic!("{other:?}"),
        })
        .collect();
    let left = |name, reason| (name, Some(reason));
    let gone = [left("leaves", LeaveCode::Left), left("quits", LeaveCode::Quit), left("fades", LeaveCode::TimedOut)];
    assert_eq!((news[0], &news[1..]), (("late", None), &gone[..]));
    assert_eq!(leaves.events.len(), 2, "joined and done: who is out hears no more: {:?}", leaves.events);
}

#[test]
fn a_flapping_link_is_not_seen_in_the_room() {
    let mut world = World::new(Limits::default());
    let [mut alice, mut bob] = in_room(&mut world, ["alice", "bob"]);
    for round in 0..5 {
        world.cut(&mut bob);
        alice.client.send(world.now, "#lobby", format!("{round}").as_bytes()).unwrap();
        world.carry(&mut alice);
        world.reconnect(&mut bob).unwrap();
        world.carry(&mut bob);
    }
    assert!(!alice.events.iter().any(|event| matches!(event, Event::Left { .. } | Event::Joined { .. })));
    assert_eq!(said(&mut bob).len(), 5, "and nothing said meanwhile is lost");
}

#[test]
fn a_large_room_does_not_announce() {
    let mut world = World::new(Limits::default().with_announced_members_max(3));
    let conns: Vec<_> = (0..5).map(|i| world.join(&format!("u{i}"))).collect();
    let mut told = Vec::new();
    for conn in &conns {
        let _ = world.say(*conn, &[join("#lobby")]);
        told.push(news(&mut world, conns[0]));
    }
    let joined = Kind::JOINED;
    assert_eq!(told, [vec![Kind::DONE], vec![joined], vec![joined], vec![], vec![]]);
    for conn in conns[1..].iter().rev() {
        let _ = world.say(*conn, &[ClientMessage::Leave(chatcore::wire::Leave { room: "#lobby" })]);
    }
    assert_eq!(news(&mut world, conns[0]), [Kind::LEFT, Kind::LEFT]);
}

/// Something that a client asks for.
type Ask<'a> = dyn Fn(&mut Client, Instant) -> Result<u64, ClientError> + 'a;

#[test]
fn what_is_not_allowed_is_rejected_by_name() {
    let limits = Limits::default().with_rooms_of_user_max(2).with_rooms_max(3).with_members_max(2);
    let mut world = World::new(limits);
    let (mut alice, mut bob, mut carol) = (world.connect("alice"), world.connect("bob"), world.connect("carol"));
    let code = |world: &mut World, user: &mut User, ask: &Ask<'_>| {
        ask(&mut user.client, world.now).unwrap();
        world.carry(user);
        match user.events.pop() {
            Some(Event::Rejected { code, .. }) => Some(code),
            Some(Event::Done { .. } | Event::Accepted { .. }) => None,
            other => panic!("{other:?}"),
        }
    };
    let join = |room: &'static str| move |client: &mut Client, now| client.join(now, room);
    let say = |room: &'static str| move |client: &mut Client, now| client.send(now, room, b"x");
    let roster = |client: &mut Client, now| client.roster(now, "#one", 0);
    let leave = |client: &mut Client, now| client.leave(now, "#one");

    for wrong in ["lobby", "#", "#a b", "##x", ""] {
        assert_eq!(code(&mut world, &mut alice, &join(wrong)), Some(RejectCode::InvalidName), "{wrong}");
    }
    assert_eq!(code(&mut world, &mut alice, &join("#one")), None);
    assert_eq!(code(&mut world, &mut alice, &join("#two")), None);
    assert_eq!(code(&mut world, &mut alice, &join("#three")), Some(RejectCode::TooManyRooms));
    assert_eq!(code(&mut world, &mut alice, &join("#one")), None, "it is in there");
    assert_eq!(code(&mut world, &mut bob, &join("#three")), None);
    assert_eq!(code(&mut world, &mut bob, &join("#four")), Some(RejectCode::HubRoomsFull));
    assert_eq!(code(&mut world, &mut bob, &join("#two")), None);
    assert_eq!(code(&mut world, &mut carol, &join("#two")), Some(RejectCode::RoomFull));
    for room in ["#one", "#nowhere", "#no name", "#"] {
        assert_eq!(code(&mut world, &mut carol, &say(room)), Some(RejectCode::NotAMember), "{room}");
    }
    assert_eq!(code(&mut world, &mut carol, &roster), Some(RejectCode::NotAMember));
    assert_eq!(code(&mut world, &mut carol, &leave), Some(RejectCode::NotAMember));
    world.carry(&mut alice);
    assert!(said(&mut alice).is_empty(), "nobody has noticed");
}

#[test]
fn a_roster_comes_in_pages_without_gap_or_repetition_whoever_leaves_meanwhile() {
    let mut world = World::new(Limits::default().with_body_bytes_max(16).with_announced_members_max(0));
    let conns: Vec<_> = (0..300).map(|i| world.join(&format!("user{i:03}"))).collect();
    for conn in &conns {
        let _ = world.say(*conn, &[join("#lobby")]);
    }
    world.written(conns[0]);
    let (mut listed, mut cursor, mut pages) = (Vec::new(), Some(0), 0);
    while let Some(at) = cursor {
        let _ = world.say(conns[0], &[ClientMessage::Roster(Roster { room: "#lobby", cursor: at })]);
        let bytes = world.written(conns[0]);
        let messages = decode_all(&bytes);
        let HubMessage::Members(page) = &messages[0] else { panic!("{messages:?}") };
        listed.extend(page.users.iter().map(|user| user.name.to_owned()));
        cursor = page.next;
        pages += 1;
        // Somebody on a page that is done makes place, and somebody else takes it.
        let _ = world.say(conns[pages], &[ClientMessage::Leave(chatcore::wire::Leave { room: "#lobby" })]);
    }
    assert!(pages > 2, "{pages}");
    let stayed = |name: &&String| name[4..].parse::<usize>().unwrap() > pages;
    assert_eq!(listed.iter().filter(stayed).count(), 299 - pages);
    listed.sort();
    assert!(listed.is_sorted_by(|a, b| a < b));
}

#[test]
fn a_long_message_is_held_once_however_many_members_wait_for_it() {
    let mut world = World::new(Limits::default());
    let conns: Vec<_> = (0..1_000).map(|i| world.join(&format!("u{i}"))).collect();
    for conn in &conns {
        let _ = world.say(*conn, &[join("#lobby")]);
        world.drain();
    }
    for conn in &conns {
        world.written(*conn);
    }
    let _ = world.say(conns[0], &[send("#lobby", &vec![b'x'; 64 << 10])]);
    world.drain();
    // One place in memory, and no other: the chunks are borrowed from where they are kept.
    let places: std::collections::BTreeSet<_> = conns[1..]
        .iter()
        .map(|conn| world.hub.transmit(*conn).map(|chunk| (chunk.as_ptr(), chunk.len())).collect::<Vec<_>>())
        .collect();
    assert_eq!(places.len(), 1, "one copy for all");
    assert!(places.iter().next().unwrap()[0].1 > 64 << 10);
    for conn in &conns[1..] {
        let bytes = world.written(*conn);
        assert!(matches!(decode_all(&bytes)[..], [HubMessage::RoomDeliver(deliver)] if deliver.body.len() == 64 << 10));
    }
}

/// What a member of a room is told of it, in order.
#[derive(Debug, PartialEq)]
enum Told {
    Message(MessageId),
    Missed { first: MessageId, last: MessageId, count: u64 },
}

fn told(user: &mut User) -> Vec<Told> {
    let events = std::mem::take(&mut user.events);
    let told = events.into_iter().filter_map(|event| match event {
        Event::Message { id, .. } => Some(Told::Message(id)),
        Event::Missed { first_id, last_id, count, .. } => Some(Told::Missed { first: first_id, last: last_id, count }),
        _ => None,
    });
    told.collect()
}

#[test]
fn a_member_that_does_not_keep_up_misses_messages_and_is_told_so_in_their_place() {
    let limits = Limits::default().with_body_bytes_max(1 << 10).with_outbox_bytes_max(16 << 10);
    let mut world = World::new(limits);
    let [mut alice, mut bob, mut slow] = in_room(&mut world, ["alice", "bob", "slow"]);
    let mut accepted = Vec::new();
    let mut say = |world: &mut World, alice: &mut User| {
        alice.client.send(world.now, "#lobby", &[b'x'; 1 << 10]).unwrap();
        world.carry(alice);
        accepted.extend(alice.events.drain(..).filter_map(|event| match event {
            Event::Accepted { id, .. } => Some(id),
            _ => None,
        }));
    };
    for _ in 0..40 {
        say(&mut world, &mut alice);
        world.carry(&mut bob);
        bob.client.handle_timeout(world.now + Duration::from_millis(50));
    }
    // It reads again, acknowledges, and is told what it has missed before anything else is said.
    world.carry(&mut slow);
    slow.client.handle_timeout(world.now + Duration::from_millis(50));
    world.carry(&mut slow);
    let before = told(&mut slow);
    say(&mut world, &mut alice);
    world.carry(&mut slow);
    assert_eq!(told(&mut slow), [Told::Message(accepted[40])], "and then it goes on");

    let heard = before.iter().take_while(|told| matches!(told, Told::Message(_))).count();
    assert!((10..20).contains(&heard), "{heard}");
    let (messages, notice) = before.split_at(heard);
    assert!(messages.iter().zip(&accepted).all(|(told, id)| *told == Told::Message(*id)));
    let count = 40 - heard as u64;
    assert_eq!(notice, [Told::Missed { first: accepted[heard], last: accepted[39], count }]);
    assert!(!world.hub_events.iter().any(|event| matches!(event, HubEvent::SessionEnded { .. })), "nobody ends");
    world.carry(&mut bob);
    assert_eq!(told(&mut bob).len(), 41, "others miss nothing");
    assert!(!alice.events.iter().any(|event| matches!(event, Event::Report { .. })), "there are no reports of rooms");
}

#[test]
fn news_that_have_no_room_become_one_stale() {
    let limits = Limits::default().with_body_bytes_max(16).with_outbox_bytes_max(8_000);
    let mut world = World::new(limits);
    let [mut slow] = in_room(&mut world, ["slow"]);
    let mut others: Vec<_> = (0..40).map(|i| world.connect(&format!("a-user-with-a-long-name-{i:03}"))).collect();
    for _ in 0..4 {
        for other in &mut others {
            other.client.join(world.now, "#lobby").unwrap();
            world.carry(other);
        }
        for other in &mut others {
            other.client.leave(world.now, "#lobby").unwrap();
            world.carry(other);
        }
    }
    world.carry(&mut slow);
    slow.client.handle_timeout(world.now + Duration::from_millis(50));
    world.carry(&mut slow);
    let stale = slow.events.iter().filter(|event| matches!(event, Event::Stale { .. })).count();
    assert_eq!((stale, slow.events.len() < 320), (1, true), "{}", slow.events.len());
    assert!(matches!(slow.events.last(), Some(Event::Stale { .. })));
    assert!(world.hub.name(slow.conn).is_some(), "it goes on");
}

/// The place of the one in the hub's tables may become the place of the other.
#[test]
fn the_news_of_one_who_ends_is_not_undone_by_the_next_who_comes() {
    for leaves_first in [false, true] {
        let mut world = World::new(Limits::default());
        let [mut alice, bob] = in_room(&mut world, ["alice", "bob"]);
        alice.events.clear();
        if leaves_first {
            let _ = world.say(bob.conn, &[ClientMessage::Leave(chatcore::wire::Leave { room: "#lobby" })]);
        }
        let _ = world.say(bob.conn, &[goodbye()]);
        let registration = registration(world.now, world.hub.limits(), "carol");
        let carol = world.hub.admit(world.now, registration).unwrap();
        let _ = world.say(carol, &[join("#lobby")]);
        world.carry(&mut alice);
        let [Event::Left { name: left, .. }, Event::Joined { name: joined, .. }] = &alice.events[..] else {
            panic!("{:?}", alice.events)
        };
        assert_eq!((left.as_str(), joined.as_str()), ("bob", "carol"));
    }
}

#[test]
fn who_comes_and_goes_in_one_breath_is_not_announced() {
    let mut world = World::new(Limits::default());
    let [mut alice, bob] = in_room(&mut world, ["alice", "bob"]);
    alice.events.clear();
    let leave = ClientMessage::Leave(chatcore::wire::Leave { room: "#lobby" });
    let _ = world.say(bob.conn, &[leave.clone(), join("#lobby"), leave.clone(), join("#lobby")]);
    world.carry(&mut alice);
    assert!(alice.events.is_empty(), "{:?}", alice.events);
    let _ = world.say(bob.conn, &[leave.clone(), join("#lobby"), leave]);
    world.carry(&mut alice);
    assert!(matches!(alice.events[..], [Event::Left { .. }]), "{:?}", alice.events);
}

/// Its news may still be on their way when it comes back.
#[test]
fn who_comes_back_is_not_told_that_it_left() {
    let mut world = World::new(Limits::default().with_session_rate(Rate::UNLIMITED).with_origin_rate(Rate::UNLIMITED));
    for member in 0..99 {
        let conn = world.join(&format!("u{member}"));
        let _ = world.say(conn, &[join("#r")]);
        world.drain();
    }
    let (alice, bob) = (world.join("alice"), world.join("bob"));
    let _ = world.say(alice, &[join("#r")]);
    world.written(alice);
    let mut input = &encode_all(&[ClientMessage::Leave(chatcore::wire::Leave { room: "#r" })])[..];
    let _ = world.hub.receive(world.now, alice, &mut input);
    // Somebody else's join lets the news go to some members.
    let _ = world.hub.receive(world.now, bob, &mut &encode_all(&[join("#other")])[..]);
    let _ = world.say(alice, &[join("#r")]);
    let bytes = world.written(alice);
    let told = decode_all(&bytes);
    assert!(!told.iter().any(|message| matches!(message, HubMessage::Left(_))), "{told:?}");
    assert_eq!(told.iter().filter(|message| matches!(message, HubMessage::Done(_))).count(), 2, "{told:?}");
}

#[test]
fn what_was_said_before_a_goodbye_comes_before_its_answer() {
    let mut world = World::new(Limits::default());
    let [alice, bob] = in_room(&mut world, ["alice", "bob"]);
    let _ = world.say(alice.conn, &[send("#lobby", b"wait!")]);
    // Nothing is drained in between.
    let bytes = encode_all(&[goodbye()]);
    let mut input = &bytes[..];
    while world.hub.receive(world.now, bob.conn, &mut input) == Ok(chatcore::Received::More) {}
    let told = world.written(bob.conn);
    let told = decode_all(&told);
    let [HubMessage::RoomDeliver(message), .., HubMessage::Goodbye(_)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(message.body, b"wait!");
}

#[test]
fn who_is_in_more_than_64_rooms_gets_all_in_order_and_waits_for_the_rooms_of_others() {
    let limits = Limits::default().with_rooms_of_user_max(65).with_session_rate(Rate::UNLIMITED);
    let mut world = World::new(limits.with_origin_rate(Rate::UNLIMITED));
    let rooms: Vec<_> = (0..65).map(|n| format!("#r{n}")).collect();
    let joins: Vec<_> = rooms.iter().map(|room| join(room)).collect();
    let crowd: Vec<_> = (0..300).map(|n| world.join(&format!("u{n}"))).collect();
    let [alice, few, many] = ["alice", "few", "many"].map(|name| world.join(name));
    let _ = world.say(alice, &[join("#r0"), join("#crowd")]);
    let _ = world.say(few, &joins[..64]);
    let _ = world.say(many, &joins);
    for conn in &crowd {
        let _ = world.say(*conn, &[join("#crowd")]);
        world.pass(Duration::ZERO);
    }
    for conn in crowd.iter().chain([&alice, &few, &many]) {
        world.written(*conn);
    }
    for (name, conn) in [("few", few), ("many", many)] {
        let said = encode_all(&[send("#r0", b"first"), send(name, b"second"), send("#r0", b"third")]);
        assert_eq!(world.put(alice, &said), Received::NeedInput);
        assert_eq!(news(&mut world, conn), [Kind::ROOM_DELIVER, Kind::DELIVER, Kind::ROOM_DELIVER], "{name}");
        // The other one is in the room, too.
        world.written(if conn == few { many } else { few });
    }
    // Neither is in this room, which takes longer than a call may.
    let _ = world.say(alice, &[send("#crowd", b"first")]);
    assert_eq!(world.say(alice, &[send("few", b"second")]), Received::NeedInput);
    let to_many = encode_all(&[send("many", b"second")]);
    let mut input = &to_many[..];
    assert_eq!(world.hub.receive(world.now, alice, &mut input).unwrap(), Received::More);
    assert_eq!(input, to_many, "it waits");
    world.pass(Duration::ZERO);
    assert_eq!(world.put(alice, input), Received::NeedInput);
    assert_eq!((news(&mut world, few), news(&mut world, many)), (vec![Kind::DELIVER], vec![Kind::DELIVER]));
}
