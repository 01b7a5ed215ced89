//! Connections that never become sessions, and too many of them.

use std::time::Duration;

use crate::attack::scenario::{Attack, Behaviour, Break, Group, Held, Needs, Scenario, Surroundings};

pub(super) const ALL: &[Attack] = &[
    Attack { name: "silent", about: "10 000 connections say nothing", scenario: silent },
    Attack { name: "silent-inside", about: "2 000 connections open the transport, and say no more", scenario: inside },
    Attack { name: "trickle", about: "2 000 connections say a byte a second", scenario: trickle },
    Attack {
        name: "trickle-inside",
        about: "2 000 connections open the transport, and say a byte a second in it",
        scenario: trickle_inside,
    },
    Attack { name: "handshakes", about: "begins a handshake, resets the connection, begins another", scenario: begin },
    Attack {
        name: "descriptors",
        about: "3 000 connections at a server with 1 000 files; bystanders break and resume",
        scenario: descriptors,
    },
];

const SILENT: usize = 10_000;

const SLOW: usize = 2_000;

const PACE: Duration = Duration::from_secs(1);

/// They are closed while the attack lasts, all within a second.
const HANDSHAKE_TIME: &[&str] = &["--handshake-time-max", "2"];

/// Files that the server may have open, and connections that want one.
const FILES: u32 = 1_000;
const TOO_MANY: usize = 3_000;

/// `count` connections that begin no session. The server closes them after its handshake time.
pub(super) fn hold(count: usize, addresses: usize, held: Held, pace: Option<Duration>) -> Scenario {
    Scenario {
        attackers: vec![Behaviour::Hold { held, pace }; count],
        addresses: Some(addresses),
        server_args: HANDSHAKE_TIME,
        ..Scenario::default()
    }
}

fn silent(addresses: usize) -> Scenario {
    hold(SILENT, addresses, Held::Bare, None)
}

fn inside(addresses: usize) -> Scenario {
    hold(SLOW, addresses, Held::Inside, None)
}

fn trickle(addresses: usize) -> Scenario {
    hold(SLOW, addresses, Held::Bare, Some(PACE))
}

fn trickle_inside(addresses: usize) -> Scenario {
    // Without a handshake of its own the transport has no inside.
    Scenario { needs: Needs::Handshake, ..hold(SLOW, addresses, Held::Inside, Some(PACE)) }
}

fn begin(attackers: usize) -> Scenario {
    Scenario { needs: Needs::Handshake, attackers: vec![Behaviour::BeginHandshake; attackers], ..Scenario::default() }
}

fn descriptors(addresses: usize) -> Scenario {
    Scenario {
        bystanders: Group::new("breaking", 20),
        bystanders_break: Break::Shortly,
        attackers: vec![Behaviour::Hold { held: Held::Bare, pace: None }; TOO_MANY],
        addresses: Some(addresses),
        surroundings: Surroundings::Files(FILES),
        ..Scenario::default()
    }
}
