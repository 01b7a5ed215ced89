//! Connection churn.

use crate::attack::scenario::{Attack, Behaviour, Scenario};

pub(super) const ALL: &[Attack] = &[Attack {
    name: "register-vanish",
    about: "registers, resets the connection, registers another name",
    scenario: vanish,
}];

fn vanish(attackers: usize) -> Scenario {
    Scenario { attackers: vec![Behaviour::RegisterAndReset; attackers], ..Scenario::default() }
}
