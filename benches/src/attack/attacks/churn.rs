//! Connection churn.

use crate::attack::scenario::{Attack, Behaviour, Scenario, Surroundings};

pub(super) const ALL: &[Attack] = &[
    Attack {
        name: "register-vanish",
        about: "registers, resets the connection, registers another name",
        scenario: vanish,
    },
    Attack {
        name: "register-leave",
        about: "registers, leaves the session waiting, registers another name",
        scenario: leave,
    },
    Attack { name: "full-log", about: "registers and vanishes, and nobody reads the server's log", scenario: full_log },
    Attack { name: "log-in", about: "guesses the passwords of 1 000 users, eight on a connection", scenario: log_in },
];

/// Users who have a password.
const USERS: usize = 1_000;

fn log_in(attackers: usize) -> Scenario {
    Scenario {
        attackers: vec![Behaviour::Guess { users: USERS }; attackers],
        surroundings: Surroundings::Passwords(USERS),
        ..Scenario::default()
    }
}

fn vanish(attackers: usize) -> Scenario {
    Scenario { attackers: vec![Behaviour::RegisterAndReset; attackers], ..Scenario::default() }
}

fn leave(attackers: usize) -> Scenario {
    Scenario { attackers: vec![Behaviour::RegisterAndLeave; attackers], ..Scenario::default() }
}

fn full_log(attackers: usize) -> Scenario {
    Scenario { surroundings: Surroundings::FullLog, ..vanish(attackers) }
}
