//! Costs: what the specification's table under *Cost* says is what the hub charges, row by row.

#[path = "../page/mod.rs"]
mod page;
mod strangers;
#[path = "../world/mod.rs"]
mod world;

use chatcore::wire::{
    Ack, ClientMessage, Join, Leave, Message, Ping, Pong, Roster, Subscriptions, Unwatch, Watch, Who,
};
use chatcore::{CONNECTION_COST, ConnId, HubConnection, Limits, Next, QuotaKey, Rate, Received};
use page::rows;
use strangers::{
    BURST, a_connection_costs_its_origin, a_frame_before_the_session_costs_its_origin,
    a_register_or_resume_costs_its_origin, spend_rest, who_comes_and_goes_costs_its_origin,
};
use world::{World, decode_all, encode_all, opening, send};

const PING: ClientMessage<'_> = ClientMessage::Ping(Ping { nonce: 1 });

/// Two bytes that stand for themselves, and two that are mapped to them.
const NAME: &str = "\u{436}";
const CAPITAL: &str = "\u{416}";

fn unpaced() -> Limits {
    Limits::default().with_session_rate(Rate::UNLIMITED).with_origin_rate(Rate::UNLIMITED)
}

fn world() -> World {
    World::new(unpaced())
}

/// What bytes cost the session that says them, in all calls that it takes.
fn cost_of_bytes(world: &mut World, conn: ConnId, mut input: &[u8]) -> u32 {
    let mut cost = 0;
    for _ in 0..1_000 {
        let received = world.hub.receive(world.now, conn, &mut input).unwrap();
        cost += world.hub.last_cost();
        match received {
            Received::More => {}
            Received::NeedInput => {
                assert_eq!(input, b"", "whole frames are used up");
                world.drain();
                return cost;
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("the hub never takes it");
}

fn cost(world: &mut World, conn: ConnId, message: &ClientMessage<'_>) -> u32 {
    cost_of_bytes(world, conn, &encode_all(std::slice::from_ref(message)))
}

fn join(room: &str) -> ClientMessage<'_> {
    ClientMessage::Join(Join { room })
}

fn leave(room: &str) -> ClientMessage<'_> {
    ClientMessage::Leave(Leave { room })
}

fn watch<'a>(names: &[&'a str]) -> ClientMessage<'a> {
    ClientMessage::Watch(Watch { names: names.to_vec() })
}

fn unwatch<'a>(names: &[&'a str]) -> ClientMessage<'a> {
    ClientMessage::Unwatch(Unwatch { names: names.to_vec() })
}

/// This many users, all in `#hall`.
fn hall(world: &mut World, members: usize) -> Vec<ConnId> {
    let enter = |n| {
        let conn = world.join(&format!("user{n}"));
        cost(world, conn, &join("#hall"));
        conn
    };
    (0..members).map(enter).collect()
}

/// A row of the table: what costs, how much, and what shows that it does.
type Row = (&'static str, &'static str, fn());

const TABLE: [Row; 15] = [
    (
        "a frame that the hub takes",
        "1, and 1 for each whole KiB of its fields, or of its body if it is a send",
        a_frame_costs_its_length,
    ),
    (
        "a send to a room, if it is accepted",
        "as much as that for each member of the room, in addition",
        a_send_to_a_room_costs_its_length_for_each_member,
    ),
    (
        "a recipient or a room in a request, if the hub has to map it",
        "1; if it is not ASCII, 4 for each of its bytes",
        a_name_that_is_mapped_costs_1_or_4_for_each_byte,
    ),
    (
        "a join that the room is told of",
        "its members, with the one who joins; 1 if the room is not told",
        a_join_costs_those_who_are_told,
    ),
    (
        "a leave that the room is told of",
        "its members, with the one who leaves; 1 if the room is not told",
        a_leave_costs_those_who_are_told,
    ),
    (
        "a page of who, roster or subscriptions",
        "1 for each name on it, and 1 for each 16 places that the hub looks at",
        a_page_costs_its_names_and_its_places,
    ),
    (
        "a name in the list of a watch or unwatch",
        "1, and what it costs to map it",
        a_name_in_a_list_costs_1_and_mapping,
    ),
    ("each different name of a watch that is accepted, in addition", "3", each_different_name_watched_costs_3),
    (
        "each name of an unwatch, and each different name of a watch that is accepted, in addition",
        "2, and 2 for each whole 64 names that the client watches then",
        each_name_costs_the_search_among_those_that_are_watched,
    ),
    (
        "an ack that is news, if the hub still has to tell what was missed, stale or changed",
        "1 for each room that the client is in and for each name that it watches",
        an_ack_costs_what_is_told_after_it,
    ),
    (
        "bytes that come at once, fewer than 1 024, if no frame ends with them",
        "1; before the session begins, for the origin alone",
        bytes_that_end_no_frame_cost_1,
    ),
    (
        "a frame that the hub skips before the session begins",
        "1, and 1 for each whole KiB of its fields, for the origin alone",
        a_frame_before_the_session_costs_its_origin,
    ),
    ("a connection", "50, for the origin alone", a_connection_costs_its_origin),
    (
        "a user that comes or goes",
        "1 for each session that watches its name and is still to be told of that, and no more than 1 000, for the \
         origin alone",
        who_comes_and_goes_costs_its_origin,
    ),
    (
        "a register or resume",
        "what it costs to map its name, and 100 if that is a possible one, for the origin alone; a register of a name \
         that is not ASCII 4 for each byte of the mapped name, in addition",
        a_register_or_resume_costs_its_origin,
    ),
];

#[test]
fn every_row_of_the_table_of_costs_is_what_a_hub_charges() {
    let expected = TABLE.map(|(what, units, _)| [what, units].map(str::to_owned).to_vec());
    let listed = rows("Cost");
    assert_eq!(listed[0], ["what", "units"]);
    assert_eq!(listed[1..], expected, "the page has a row that is not tested, or other words");
    for (what, _, holds) in TABLE {
        println!("{what}");
        holds();
    }
}

fn a_frame_costs_its_length() {
    let mut world = world();
    let [alice, _] = ["alice", "bob"].map(|name| world.join(name));
    for short in [PING, ClientMessage::Pong(Pong { nonce: 1 }), ClientMessage::Ack(Ack { count: 0 })] {
        assert_eq!(cost(&mut world, alice, &short), 1);
    }
    for (bytes, units) in [(0, 1), (1_023, 1), (1_024, 2), (2_047, 2), (10 << 10, 11)] {
        assert_eq!(cost(&mut world, alice, &send("bob", &vec![b'x'; bytes])), units, "a body of {bytes}");
        // Frames that are skipped, because they are unknown and optional.
        for kind in [0xbf, 0xff] {
            let mut frame = u32::try_from(bytes + 1).unwrap().to_le_bytes().to_vec();
            frame.push(kind);
            frame.resize(frame.len() + bytes, 0);
            assert_eq!(cost_of_bytes(&mut world, alice, &frame), units, "fields of {bytes}");
        }
    }
}

fn a_send_to_a_room_costs_its_length_for_each_member() {
    for members in [1, 5, 40] {
        let mut world = World::new(unpaced().with_body_bytes_max(4_000).with_announced_members_max(0));
        let users = hall(&mut world, members);
        let members = u32::try_from(members).unwrap();
        for (bytes, units) in [(0, 1), (1_023, 1), (1_024, 2), (3_072, 4)] {
            let said = send("#hall", &[b'x'; 3_072][..bytes]);
            assert_eq!(cost(&mut world, users[0], &said), units * (1 + members), "{bytes} bytes to {members}");
        }
        assert_eq!(cost(&mut world, users[0], &send("#hall", &[b'x'; 4_050])), 4, "it is rejected");
        let stranger = world.join("stranger");
        assert_eq!(cost(&mut world, stranger, &send("#hall", &[b'x'; 1_024])), 2, "it is no member");
    }
}

fn a_name_that_is_mapped_costs_1_or_4_for_each_byte() {
    let mut world = world();
    let [alice, _] = ["alice", "bob"].map(|name| world.join(name));
    let room = |name: &str| format!("#{name}");
    let long = "\u{660}".repeat(100);
    for (name, units) in [("nobody", 1), ("NOBODY", 1), ("no name", 1), (NAME, 8), (CAPITAL, 8), (&long, 4 * 128)] {
        assert_eq!(cost(&mut world, alice, &send(name, b"x")), 1 + units, "{name}");
    }
    for (name, units) in [("nowhere", 1), ("NOWHERE", 1), ("no name", 1), (NAME, 12), (CAPITAL, 12), (&long, 4 * 128)] {
        let name = room(name);
        let roster = ClientMessage::Roster(Roster { room: &name, cursor: 0 });
        for request in [send(&name, b"x"), leave(&name), roster] {
            assert_eq!(cost(&mut world, alice, &request), 1 + units, "{request:?}");
        }
    }
    // What is there is found as the hub writes it, and mapped otherwise.
    assert_eq!(cost(&mut world, alice, &send("bob", b"x")), 1);
    assert_eq!(cost(&mut world, alice, &send("Bob", b"x")), 2);
    assert_eq!(cost(&mut world, alice, &join("#hall")), 1 + 1 + 1, "it is not there yet");
    let carol = world.join("carol");
    assert_eq!(cost(&mut world, carol, &join("#Hall")), 1 + 1 + 2);
    for (name, units) in [("#hall", 0), ("#HALL", 1)] {
        let roster = ClientMessage::Roster(Roster { room: name, cursor: 0 });
        assert_eq!(cost(&mut world, alice, &send(name, b"x")), 1 + units + 2);
        assert_eq!(cost(&mut world, alice, &roster), 1 + units + 2);
        assert_eq!(cost(&mut world, alice, &leave(name)), 1 + units + 2);
        assert_eq!(cost(&mut world, alice, &join(name)), 1 + units + 2);
    }
    if cfg!(feature = "unicode") {
        world.join(NAME);
        assert_eq!(cost(&mut world, alice, &send(NAME, b"x")), 1);
        assert_eq!(cost(&mut world, alice, &send(CAPITAL, b"x")), 1 + 8);
        let [name, capital] = [NAME, CAPITAL].map(room);
        assert_eq!(cost(&mut world, alice, &join(&name)), 1 + 12 + 1, "it is not there yet");
        assert_eq!(cost(&mut world, alice, &send(&name, b"x")), 1 + 1);
        assert_eq!(cost(&mut world, alice, &send(&capital, b"x")), 1 + 12 + 1);
    }
}

fn a_join_costs_those_who_are_told() {
    let mut world = World::new(unpaced().with_announced_members_max(3).with_rooms_of_user_max(2));
    let users = [0, 1, 2, 3, 4].map(|n| world.join(&format!("user{n}")));
    // The first has the room mapped. From the fourth on nobody is told.
    for (user, units) in users.into_iter().zip([1 + 1, 2, 3, 1, 1]) {
        assert_eq!(cost(&mut world, user, &join("#hall")), 1 + units);
        assert_eq!(cost(&mut world, user, &join("#hall")), 1, "it is in the room already");
    }
    cost(&mut world, users[0], &join("#other"));
    cost(&mut world, users[1], &join("#third"));
    assert_eq!(cost(&mut world, users[0], &join("#third")), 1, "it is rejected");
}

fn a_leave_costs_those_who_are_told() {
    let mut world = World::new(unpaced().with_announced_members_max(3));
    let users = hall(&mut world, 5);
    for (user, units) in users.iter().zip([1, 1, 3, 2, 1]) {
        assert_eq!(cost(&mut world, *user, &leave("#hall")), 1 + units);
    }
    // Who comes and goes before anybody is told is told of to nobody.
    let mut world = World::new(unpaced());
    hall(&mut world, 3);
    let guest = world.join("guest");
    let both = encode_all(&[join("#hall"), leave("#hall")]);
    assert_eq!(cost_of_bytes(&mut world, guest, &both), (1 + 4) + (1 + 1));
}

fn a_page_costs_its_names_and_its_places() {
    let mut world = World::new(unpaced().with_announced_members_max(0));
    let users = hall(&mut world, 40);
    let lists = |cursor| [ClientMessage::Who(Who { cursor }), ClientMessage::Roster(Roster { room: "#hall", cursor })];
    for (cursor, units) in [(0, 40 + 2), (8, 32 + 2), (9, 31 + 1), (24, 16 + 1), (25, 15), (40, 0), (1_000, 0)] {
        for list in lists(cursor) {
            assert_eq!(cost(&mut world, users[0], &list), 1 + units, "{list:?}");
        }
    }
    // All places of these are taken.
    for number in 0..30 {
        let _ = world.say(users[0], &[join(&format!("#room{number}"))]);
    }
    let names: Vec<_> = (0..20).map(|number| format!("name{number}")).collect();
    let _ = world.say(users[0], &[watch(&names.iter().map(String::as_str).collect::<Vec<_>>())]);
    for (cursor, units) in [(0, 51 + 3), (10, 30 + 1), (1 << 32, 0), ((1 << 32) + 17, 17 + 1), (u64::MAX, 20 + 1)] {
        let list = ClientMessage::Subscriptions(Subscriptions { cursor });
        assert_eq!(cost(&mut world, users[0], &list), 1 + units, "{list:?}");
    }
    // Nobody is in these places any more, and they are looked at.
    for user in &users[1..21] {
        let _ = world.say(*user, &[world::goodbye()]);
    }
    world.drain();
    for list in lists(0) {
        assert_eq!(cost(&mut world, users[0], &list), 1 + 20 + 2, "{list:?}");
    }
}

fn a_name_in_a_list_costs_1_and_mapping() {
    let mut world = world();
    let [alice, bob] = ["alice", "bob"].map(|name| world.join(name));
    cost(&mut world, bob, &watch(&["carol"]));
    // Each is searched among those that are watched, which are none.
    for (name, mapping) in [("bob", 0), ("BOB", 1), ("carol", 0), ("Carol", 1), ("nobody", 1), ("no name", 1)] {
        assert_eq!(cost(&mut world, alice, &unwatch(&[name])), 1 + (1 + mapping) + 2, "{name}");
        assert_eq!(cost(&mut world, alice, &unwatch(&[name; 3])), 1 + 3 * (1 + mapping + 2), "three times {name}");
    }
    for (name, mapping) in [(NAME, 8), (&"\u{660}".repeat(100), 4 * 128)] {
        assert_eq!(cost(&mut world, alice, &unwatch(&[name])), 1 + (1 + mapping) + 2, "{name}");
    }
    // The whole list is one frame, and none of a rejected one is watched.
    let names = ["no name"; 200];
    assert_eq!(cost(&mut world, alice, &watch(&names)), (1 + 1) + 200 * (1 + 1));
}

fn each_different_name_watched_costs_3() {
    let mut world = world();
    let [alice, _, _] = ["alice", "bob", "carol"].map(|name| world.join(name));
    let search = 2;
    assert_eq!(cost(&mut world, alice, &watch(&["bob"])), 1 + 1 + 3 + search);
    assert_eq!(cost(&mut world, alice, &watch(&["bob"])), 1 + 1 + 3 + search, "it is told again");
    assert_eq!(cost(&mut world, alice, &watch(&["bob"; 5])), 1 + 5 + 3 + search);
    assert_eq!(cost(&mut world, alice, &watch(&["bob", "BOB"])), 1 + 2 + 1 + 3 + search, "they are one name");
    assert_eq!(cost(&mut world, alice, &watch(&["bob", "carol"])), 1 + 2 * (1 + 3 + search));
    assert_eq!(cost(&mut world, alice, &watch(&["bob", "no name"])), 1 + 2 + 1, "it is rejected");
}

fn each_name_costs_the_search_among_those_that_are_watched() {
    let mut world = world();
    let [alice, bob, _] = ["alice", "bob", "carol"].map(|name| world.join(name));
    let names: Vec<_> = (0..200).map(|n| format!("n{n}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    // So that they are found.
    cost(&mut world, bob, &watch(&names));
    assert_eq!(cost(&mut world, alice, &watch(&names[..63])), 1 + 63 * (1 + 3 + 2));
    assert_eq!(cost(&mut world, alice, &watch(&names[63..64])), 1 + (1 + 3 + 4), "it is the 64th");
    assert_eq!(cost(&mut world, alice, &watch(&names[..2])), 1 + 2 * (1 + 3 + 4));
    assert_eq!(cost(&mut world, alice, &watch(&names[64..128])), 1 + 64 * (1 + 3 + 6));
    assert_eq!(cost(&mut world, alice, &unwatch(&["carol"; 3])), 1 + 3 * (1 + 6), "they are searched and not found");
    assert_eq!(cost(&mut world, alice, &unwatch(&names[..1])), 1 + (1 + 6));
    assert_eq!(cost(&mut world, alice, &unwatch(&names[1..64])), 1 + 63 * (1 + 4), "127 are watched then");
    assert_eq!(cost(&mut world, alice, &unwatch(&names[64..65])), 1 + (1 + 4), "64 are watched then");
    assert_eq!(cost(&mut world, alice, &unwatch(&names[65..66])), 1 + (1 + 2));
}

/// What is told by a message of this name, and what makes it so: something that a user does, or others.
type Cause = (&'static str, fn(&mut World, ConnId));

fn an_ack_costs_what_is_told_after_it() {
    let causes: [Cause; 3] = [
        ("missed", |world, bob| {
            cost(world, bob, &send("#a", b"x"));
        }),
        ("stale", |world, _| {
            let carol = world.join("carol");
            cost(world, carol, &join("#a"));
        }),
        ("changed", |world, _| {
            world.join("dave");
        }),
    ];
    for (told, cause) in causes {
        let mut world = World::new(unpaced().with_body_bytes_max(1_000).with_outbox_bytes_max(6_000));
        let [alice, bob] = ["alice", "bob"].map(|name| world.join(name));
        cost(&mut world, bob, &join("#a"));
        for request in [join("#a"), join("#b"), watch(&["dave", "eve", "frank"])] {
            cost(&mut world, alice, &request);
        }
        let mut count = 0;
        let mut read = |world: &mut World| {
            let bytes = world.written(alice);
            let kinds: Vec<_> = decode_all(&bytes).iter().map(Message::kind).collect();
            count += kinds.iter().filter(|kind| kind.is_numbered()).count() as u64;
            (ClientMessage::Ack(Ack { count }), kinds)
        };
        let (ack, _) = read(&mut world);
        assert_eq!(cost(&mut world, alice, &ack), 1, "it is news, and nothing was missed");
        // Its outbox has room for its own answers alone.
        cost(&mut world, bob, &send("alice", b"x"));
        while world.hub.transmit(alice).bytes() < 6_000 {
            cost(&mut world, alice, &PING);
        }
        cause(&mut world, bob);
        assert_eq!(cost(&mut world, alice, &ack), 1, "it is no news");
        let (ack, kinds) = read(&mut world);
        assert!(kinds.iter().all(|kind| kind.name() != Some(told)), "{told} has no room yet");
        assert_eq!(cost(&mut world, alice, &ack), 1 + 2 + 3, "{told}");
        let (ack, kinds) = read(&mut world);
        let told = if told == "changed" { "presence" } else { told };
        assert!(kinds.iter().any(|kind| kind.name() == Some(told)), "{kinds:?}");
        assert_eq!(cost(&mut world, alice, &ack), 1, "all is told");
    }
}

fn bytes_that_end_no_frame_cost_1() {
    let limits = unpaced().with_origin_rate(Rate { per_s: 1, burst: BURST });
    let mut world = World::new(limits);
    let World { hub, now, .. } = &mut world;
    let now = *now;
    let mut connection = HubConnection::new(now, hub, QuotaKey::default());
    let opening = opening("alice");
    let send = encode_all(&[send("alice", &[b'x'; 4_000])]);
    // Its first three bytes, then the rest of the opening.
    for byte in opening.chunks(1).take(3) {
        let _ = connection.receive(now, hub, byte);
    }
    let Next::Decide(registration) = connection.receive(now, hub, &opening[3..]) else { panic!("it asks") };
    let _ = connection.admit(now, hub, *registration);
    for (bytes, units) in [(0..1, 1), (1..1_000, 1), (1_000..2_023, 1), (2_023..3_047, 0), (3_047..send.len(), 4)] {
        let _ = connection.receive(now, hub, &send[bytes.clone()]);
        assert_eq!(hub.last_cost(), units, "bytes {bytes:?}");
    }
    assert_eq!(spend_rest(&mut world), CONNECTION_COST + 3 + (1 + 100) + 3 + 4, "all of it is the origin's, too");
}

#[cfg(feature = "unicode")]
#[test]
fn a_name_that_somebody_has_or_watches_is_found_in_a_list_without_mapping_it() {
    for held in [false, true] {
        let mut world = world();
        let [alice, bob] = ["alice", "bob"].map(|name| world.join(name));
        if held {
            world.join(NAME);
        } else {
            assert_eq!(cost(&mut world, bob, &watch(&[NAME])), 1 + (1 + 8) + 3 + 2, "nobody watches it yet");
        }
        assert_eq!(cost(&mut world, alice, &unwatch(&[NAME])), 1 + 1 + 2);
        assert_eq!(cost(&mut world, alice, &watch(&[NAME])), 1 + 1 + 3 + 2);
        assert_eq!(cost(&mut world, alice, &watch(&[CAPITAL])), 1 + (1 + 8) + 3 + 2, "the hub writes it otherwise");
    }
}
