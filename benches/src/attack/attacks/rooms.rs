//! Rooms: one member makes work for all others.

use std::time::Duration;

use chatcore::wire::{ClientMessage, Join, Leave, Ping, Send};

use crate::attack::scenario::{Attack, Behaviour, Greeting, Group, Scenario, flood, frame, repeat_to};

pub(super) const ALL: &[Attack] = &[
    Attack { name: "room-burst", about: "6 MB at once into a room of six, each second", scenario: burst },
    Attack { name: "join-leave", about: "join and leave of a room of ten, at line rate", scenario: join_leave },
    Attack { name: "room-mixed", about: "sends to a room of 2 000, a ping after each", scenario: mixed },
    Attack { name: "send-room", about: "small sends to a room of twenty", scenario: send },
];

const ROOM: &str = "#plaza";

const BLOCK_BYTES: usize = 64 << 10;

fn join() -> Greeting {
    Greeting::new(frame(&ClientMessage::Join(Join { room: ROOM })), 1)
}

fn members(count: usize) -> Group {
    Group::new("member", count).greeting(join())
}

fn burst(attackers: usize) -> Scenario {
    let send = frame(&ClientMessage::Send(Send { to: ROOM, body: &vec![b'x'; 60_000] }));
    let behaviour = Behaviour::Flood {
        greeting: join(),
        flood: flood(send.repeat(100), 1),
        again_after: Some(Duration::from_secs(1)),
    };
    Scenario { bystanders: members(5), attackers: vec![behaviour; attackers], ..Scenario::default() }
}

fn join_leave(attackers: usize) -> Scenario {
    let join = frame(&ClientMessage::Join(Join { room: ROOM }));
    let both = [join, frame(&ClientMessage::Leave(Leave { room: ROOM }))].concat();
    let behaviour = Behaviour::flood(repeat_to(BLOCK_BYTES, &both));
    Scenario { bystanders: members(10), attackers: vec![behaviour; attackers], ..Scenario::default() }
}

fn mixed(attackers: usize) -> Scenario {
    let send = frame(&ClientMessage::Send(Send { to: ROOM, body: b"x" }));
    let both = [send, frame(&ClientMessage::Ping(Ping { nonce: 0 }))].concat();
    let behaviour = Behaviour::flood_after(join(), repeat_to(BLOCK_BYTES, &both));
    Scenario { bystanders: members(2000), attackers: vec![behaviour; attackers], ..Scenario::default() }
}

fn send(attackers: usize) -> Scenario {
    let send = frame(&ClientMessage::Send(Send { to: ROOM, body: &[b'x'; 64] }));
    let behaviour = Behaviour::flood_after(join(), repeat_to(BLOCK_BYTES, &send));
    Scenario { bystanders: members(20), attackers: vec![behaviour; attackers], ..Scenario::default() }
}
