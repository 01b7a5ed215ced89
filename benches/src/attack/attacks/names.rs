//! Names that are costly to map, wherever a client may give a name.

use chatcore::wire::{ClientMessage, Join, Register, Send, Unwatch, Watch};

use crate::attack::scenario::{Attack, Behaviour, Scenario, Surroundings, frame, guarded, repeat_to};

pub(super) const ALL: &[Attack] = &[
    Attack { name: "names-unwatch", about: "unwatches of 509 costly names", scenario: unwatch_longest },
    Attack { name: "names-unwatch-256", about: "unwatches of as many as one may watch", scenario: unwatch },
    Attack { name: "names-watch", about: "watches of 256 names in full-width letters", scenario: watch },
    Attack { name: "names-send", about: "sends to costly names", scenario: send },
    Attack { name: "names-join", about: "joins of rooms with costly names", scenario: join },
    Attack { name: "names-register", about: "registrations with costly names", scenario: register },
    Attack { name: "names-refused", about: "the same with names that need a password", scenario: refused },
];

const BLOCK_BYTES: usize = 64 << 10;

/// Names that just fit a frame of the default length.
const FRAME_NAMES: usize = 509;

/// Names that one may watch by default.
const WATCHES: usize = 256;

/// Names that one connection asks for: after this many refusals the server closes it.
const REGISTRATIONS: usize = 8;

/// Arabic-Indic digits, as many as a spelling may have. They are no name, which takes a mapping to find out.
fn costly(number: usize) -> String {
    binary(number, 64, '\u{660}', '\u{661}')
}

/// Full-width letters, as many as a name may have once they are mapped.
fn full_width(number: usize) -> String {
    binary(number, 32, '\u{ff21}', '\u{ff22}')
}

/// A number in these digits.
fn binary(number: usize, length: usize, zero: char, one: char) -> String {
    (0..length).map(|place| if place < 10 && number >> place & 1 == 1 { one } else { zero }).collect()
}

fn flood(attackers: usize, frames: &[u8]) -> Scenario {
    let behaviour = Behaviour::flood(repeat_to(BLOCK_BYTES, frames));
    Scenario { attackers: vec![behaviour; attackers], ..Scenario::default() }
}

fn unwatch_of(attackers: usize, count: usize) -> Scenario {
    let names: Vec<String> = (0..count).map(costly).collect();
    let names = names.iter().map(String::as_str).collect();
    flood(attackers, &frame(&ClientMessage::Unwatch(Unwatch { names })))
}

fn unwatch_longest(attackers: usize) -> Scenario {
    unwatch_of(attackers, FRAME_NAMES)
}

fn unwatch(attackers: usize) -> Scenario {
    unwatch_of(attackers, WATCHES)
}

fn watch(attackers: usize) -> Scenario {
    let names: Vec<String> = (0..WATCHES).map(full_width).collect();
    let names = names.iter().map(String::as_str).collect();
    flood(attackers, &frame(&ClientMessage::Watch(Watch { names })))
}

fn send(attackers: usize) -> Scenario {
    let send = |number| frame(&ClientMessage::Send(Send { to: &costly(number), body: b"x" }));
    flood(attackers, &(0..400).flat_map(send).collect::<Vec<u8>>())
}

fn join(attackers: usize) -> Scenario {
    let join = |number| frame(&ClientMessage::Join(Join { room: &format!("#{}", costly(number)) }));
    flood(attackers, &(0..400).flat_map(join).collect::<Vec<u8>>())
}

fn register_as(attackers: usize, name: fn(usize) -> String) -> Scenario {
    let register = |number| {
        frame(&ClientMessage::Register(Register { name: &name(number), credential: b"", frame_bytes_max: u32::MAX }))
    };
    let behaviour = Behaviour::RepeatHandshake { bytes: (0..REGISTRATIONS).flat_map(register).collect() };
    Scenario { attackers: vec![behaviour; attackers], ..Scenario::default() }
}

fn register(attackers: usize) -> Scenario {
    register_as(attackers, costly)
}

/// The names are somebody's, so that the program refuses them before the hub is asked.
fn refused(attackers: usize) -> Scenario {
    let name = |number| guarded(number).chars().map(widened).collect();
    Scenario { surroundings: Surroundings::Passwords(REGISTRATIONS), ..register_as(attackers, name) }
}

/// The full-width form of a character of ASCII.
fn widened(narrow: char) -> char {
    char::from_u32(u32::from(narrow) + 0xfee0).expect("each has one")
}
