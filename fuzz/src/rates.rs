//! Rates that a hub of a run has.

use chatcore::Rate;

/// From none at all to such that nearly every frame pauses its session. A registration costs 100 units, and a name with
/// letters that have to be mapped some 500.
const CHOICES: [Rate; 8] = [
    Rate::UNLIMITED,
    Rate { per_s: 100, burst: 1 },
    Rate { per_s: 100, burst: 200 },
    Rate { per_s: 300, burst: 20 },
    Rate { per_s: 1_000, burst: 1 },
    Rate { per_s: 1_000, burst: 2_000 },
    Rate { per_s: 50_000, burst: 5 },
    Rate { per_s: u32::MAX, burst: 1 },
];

/// The rates of one run.
pub(crate) struct Rates {
    pub(crate) session_rate: Rate,
    pub(crate) origin_rate: Rate,
}

impl Rates {
    /// Three bits choose each of them. With zero nothing is bounded.
    pub(crate) fn of(choice: u8) -> Self {
        let rate = |choice| CHOICES[usize::from(choice) % CHOICES.len()];
        Self { session_rate: rate(choice), origin_rate: rate(choice >> 3) }
    }
}
