//! Memory: what the server keeps for sessions that never read, and for frames that never end.

use std::sync::Arc;
use std::time::Duration;

use chatcore::wire::{ClientMessage, Join, Kind, Send};

use crate::attack::scenario::{
    Attack, Behaviour, Break, Greeting, Group, PassiveMode, Scenario, attacker, frame, repeat_to,
};

pub(super) const ALL: &[Attack] = &[
    Attack { name: "dead-members", about: "a room of 1 000 that never read, until they end", scenario: members },
    Attack { name: "dead-readers", about: "300 that never read are filled to just below full", scenario: readers },
    Attack { name: "room-copies", about: "small sends to a room of 300 that never read", scenario: copies },
    Attack {
        name: "detached-full",
        about: "100 detached sessions are filled; bystanders break and resume",
        scenario: detached,
    },
    Attack { name: "resume-full", about: "a session with a full outbox is resumed over and over", scenario: resume },
    Attack { name: "half-frames", about: "20 connections each hold a frame that never ends", scenario: half_frames },
    Attack {
        name: "frame-starts",
        about: "20 connections each end a long frame with a byte of the next",
        scenario: starts,
    },
];

const ROOM: &str = "#vault";

const BLOCK_BYTES: usize = 64 << 10;

const BODY_BYTES: usize = 60_000;

/// Messages with such a body that an outbox just holds by default.
const OUTBOX_MESSAGES: u64 = 64;

/// From the one part of a frame to the other, so that they are read apart.
const PAUSE: Duration = Duration::from_millis(200);

/// MiB that the server may use while each connection keeps a byte. With what the fair users and the sessions take, it
/// is half of what a buffer of 60 kB for each of 2 000 would be.
const STARTS_MEMORY_MAX_MIB: u64 = 64;

/// Connections of each attacker that sends half a frame.
const HALF_FRAMES: usize = 20;

fn join() -> Greeting {
    Greeting::new(frame(&ClientMessage::Join(Join { room: ROOM })), 1)
}

fn send(to: &str, body_bytes: usize) -> Vec<u8> {
    frame(&ClientMessage::Send(Send { to, body: &vec![b'x'; body_bytes] }))
}

fn members(attackers: usize) -> Scenario {
    let behaviour = Behaviour::flood_after(join(), repeat_to(BLOCK_BYTES, &send(ROOM, 4000)));
    Scenario {
        passive: Group::new("dead", 1000).greeting(join()),
        attackers: vec![behaviour; attackers],
        // A thousand outboxes of the default size are more than most machines have.
        server_args: &["--outbox-bytes-max", "1048576"],
        ..Scenario::default()
    }
}

/// Attackers that fill the outboxes of a group, each its share of them.
fn filling(attackers: usize, group: &Group) -> Vec<Behaviour> {
    let behaviour = |number: usize| {
        let recipients = (number..group.count).step_by(attackers);
        let block: Vec<u8> = recipients.flat_map(|recipient| send(&group.name(recipient), BODY_BYTES)).collect();
        Behaviour::flood_times(block, OUTBOX_MESSAGES)
    };
    // More attackers than recipients have nothing to do.
    (0..attackers.min(group.count)).map(behaviour).collect()
}

fn readers(attackers: usize) -> Scenario {
    let passive = Group::new("dead", 300);
    Scenario { attackers: filling(attackers, &passive), passive, ..Scenario::default() }
}

fn detached(attackers: usize) -> Scenario {
    let passive = Group::new("dead", 100);
    Scenario {
        bystanders: Group::new("breaking", 20),
        bystanders_break: Break::UntilAfter,
        attackers: filling(attackers, &passive),
        passive,
        passive_mode: PassiveMode::Disconnect,
        ..Scenario::default()
    }
}

fn copies(attackers: usize) -> Scenario {
    let behaviour = Behaviour::flood_after(join(), repeat_to(BLOCK_BYTES, &send(ROOM, 16)));
    Scenario {
        passive: Group::new("dead", 300).greeting(join()),
        attackers: vec![behaviour; attackers],
        ..Scenario::default()
    }
}

fn resume(attackers: usize) -> Scenario {
    // It sends to itself.
    let behaviour = |number: usize| {
        let sends = send(&attacker(number, 0), BODY_BYTES).repeat(OUTBOX_MESSAGES as usize);
        Behaviour::Resume { greeting: Greeting::new(sends, OUTBOX_MESSAGES) }
    };
    Scenario { attackers: (0..attackers).map(behaviour).collect(), ..Scenario::default() }
}

fn half_frames(attackers: usize) -> Scenario {
    let mut half = 65_000_u32.to_le_bytes().to_vec();
    half.push(Kind::SEND.0);
    half.resize(64_000, b'x');
    let behaviour = Behaviour::flood_times(half, 1);
    Scenario { attackers: vec![behaviour; HALF_FRAMES * attackers], ..Scenario::default() }
}

fn starts(attackers: usize) -> Scenario {
    let frame = send("nobody", BODY_BYTES);
    let (begun, rest) = frame.split_at(frame.len() * 2 / 3);
    let parts = Arc::new([begun.to_vec(), [rest, &frame[..1]].concat()]);
    Scenario {
        attackers: vec![Behaviour::InTwo { parts, pause: PAUSE }; HALF_FRAMES * attackers],
        memory_max_mib: Some(STARTS_MEMORY_MAX_MIB),
        ..Scenario::default()
    }
}
