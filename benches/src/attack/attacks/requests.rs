//! Floods of each other request, of pings and of acknowledgements.

use chatcore::wire::{Ack, ClientMessage, Join, Ping, Roster, Send, Subscriptions, Unwatch, Watch, Who};

use crate::attack::scenario::{Attack, Behaviour, Greeting, Group, Scenario, frame, repeat_to};

pub(super) const ALL: &[Attack] = &[
    Attack { name: "send-user", about: "small sends to users who read", scenario: send_user },
    Attack { name: "send-nobody", about: "small sends to a name that nobody has", scenario: send_nobody },
    Attack { name: "who", about: "who, at a server that once had 5 000 users", scenario: who },
    Attack { name: "roster", about: "roster of a room that once had 5 000 members", scenario: roster },
    Attack { name: "subscriptions", about: "asks for its 64 rooms and 100 watches", scenario: subscriptions },
    Attack { name: "watch", about: "watches of 100 names", scenario: watch },
    Attack { name: "unwatch", about: "unwatches of 100 names", scenario: unwatch },
    Attack { name: "ping", about: "pings", scenario: ping },
    Attack { name: "ack", about: "acknowledgements of nothing", scenario: ack },
];

/// Users that were there once.
const DEPARTED: usize = 5000;

const ROOM: &str = "#hall";

/// As many as a user may be in.
const ROOMS: usize = 64;

const BLOCK_BYTES: usize = 64 << 10;

/// Requests with long answers: the acknowledgements between two blocks must not come late.
const SMALL_BLOCK_BYTES: usize = 2 << 10;

fn flood(attackers: usize, frames: &[u8]) -> Scenario {
    let behaviour = Behaviour::flood(repeat_to(BLOCK_BYTES, frames));
    Scenario { attackers: vec![behaviour; attackers], ..Scenario::default() }
}

fn send_user(attackers: usize) -> Scenario {
    let bystanders = Group::new("reader", 10);
    let behaviour = |number: usize| {
        let to = bystanders.name(number % bystanders.count);
        let send = frame(&ClientMessage::Send(Send { to: &to, body: &[b'x'; 64] }));
        Behaviour::flood(repeat_to(BLOCK_BYTES, &send))
    };
    Scenario { attackers: (0..attackers).map(behaviour).collect(), bystanders, ..Scenario::default() }
}

fn send_nobody(attackers: usize) -> Scenario {
    flood(attackers, &frame(&ClientMessage::Send(Send { to: "nobody", body: b"x" })))
}

fn who(attackers: usize) -> Scenario {
    let who = frame(&ClientMessage::Who(Who { cursor: 0 }));
    let behaviour = Behaviour::flood(repeat_to(SMALL_BLOCK_BYTES, &who));
    Scenario {
        departed: Group::new("departed", DEPARTED),
        attackers: vec![behaviour; attackers],
        ..Scenario::default()
    }
}

fn roster(attackers: usize) -> Scenario {
    let join = Greeting::new(frame(&ClientMessage::Join(Join { room: ROOM })), 1);
    let roster = frame(&ClientMessage::Roster(Roster { room: ROOM, cursor: 0 }));
    let behaviour = Behaviour::flood_after(join.clone(), repeat_to(SMALL_BLOCK_BYTES, &roster));
    Scenario {
        departed: Group::new("departed", DEPARTED).greeting(join.clone()),
        // One who stays: a room is gone with its last member.
        bystanders: Group::new("member", 1).greeting(join),
        attackers: vec![behaviour; attackers],
        ..Scenario::default()
    }
}

fn subscriptions(attackers: usize) -> Scenario {
    let behaviour = |number: usize| {
        let joins = (0..ROOMS).map(|room| frame(&ClientMessage::Join(Join { room: &format!("#room{number}-{room}") })));
        let subscribe: Vec<u8> = joins.chain([watch_names()]).flatten().collect();
        let ask = frame(&ClientMessage::Subscriptions(Subscriptions { cursor: 0 }));
        let greeting = Greeting::new(subscribe, ROOMS as u64 + 1);
        Behaviour::flood_after(greeting, repeat_to(SMALL_BLOCK_BYTES, &ask))
    };
    Scenario { attackers: (0..attackers).map(behaviour).collect(), ..Scenario::default() }
}

fn watch(attackers: usize) -> Scenario {
    flood(attackers, &watch_names())
}

fn watch_names() -> Vec<u8> {
    let names = names();
    let names = names.iter().map(String::as_str).collect();
    frame(&ClientMessage::Watch(Watch { names }))
}

fn unwatch(attackers: usize) -> Scenario {
    let names = names();
    let names = names.iter().map(String::as_str).collect();
    flood(attackers, &frame(&ClientMessage::Unwatch(Unwatch { names })))
}

fn names() -> Vec<String> {
    (0..100).map(|number| format!("watched{number}")).collect()
}

fn ping(attackers: usize) -> Scenario {
    flood(attackers, &frame(&ClientMessage::Ping(Ping { nonce: 7 })))
}

fn ack(attackers: usize) -> Scenario {
    flood(attackers, &frame(&ClientMessage::Ack(Ack { count: 0 })))
}
