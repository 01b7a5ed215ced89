//! Presence: users come and go, and many others watch them.

use std::time::Duration;

use chatcore::wire::{ClientMessage, Watch};

use crate::attack::scenario::{Attack, Behaviour, Greeting, Group, PassiveMode, Scenario, attacker, frame};

pub(super) const ALL: &[Attack] = &[
    Attack {
        name: "presence-flapping",
        about: "each comes and goes 13 times a second, watched by 5 000 users",
        scenario: flapping,
    },
    Attack {
        name: "detached-watchers",
        about: "the same, watched by 5 000 sessions without a connection",
        scenario: detached,
    },
];

const WATCHERS: usize = 5_000;

/// 13 times a second.
const PERIOD: Duration = Duration::from_millis(77);

/// Users that watch all attackers.
fn watchers(attackers: usize) -> Group {
    let names: Vec<String> = (0..attackers).map(|number| attacker(number, 0)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    // A presence for each name, and a done.
    let answers = names.len() as u64 + 1;
    Group::new("watcher", WATCHERS).greeting(Greeting::new(frame(&ClientMessage::Watch(Watch { names })), answers))
}

fn flapping(attackers: usize) -> Scenario {
    Scenario {
        bystanders: watchers(attackers),
        attackers: vec![Behaviour::Flap { period: PERIOD }; attackers],
        ..Scenario::default()
    }
}

fn detached(attackers: usize) -> Scenario {
    Scenario {
        passive: watchers(attackers),
        passive_mode: PassiveMode::Disconnect,
        attackers: vec![Behaviour::Flap { period: PERIOD }; attackers],
        ..Scenario::default()
    }
}
