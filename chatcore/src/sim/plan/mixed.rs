//! What is mixed into some plans, so that the others stay as they are.

use core::time::Duration;

use super::{FaultEvent, Plan};
use crate::Limits;
use crate::sim::deciding::Deciding;
use crate::sim::random::{CERTAIN, Random};

/// The chance of each thing that is mixed in.
const MIXED_CHANCE: u32 = CERTAIN / 4;

/// What these draws begin with, beside what the plan's own do. Any number is right. With this one nothing is mixed into the
/// plans of the seeds that `tests/sim.rs` pins for other mechanisms.
const SALT: u64 = 3_914;

/// How likely it is at the most that a client's process is vouched for, beside other fault events.
const TAKE_OVER_WEIGHT_MAX: u64 = 30;

impl Plan {
    /// Mixes more into some plans. It draws of its own: what is drawn for other parts of a run does not change.
    pub(super) fn mix(self, random: &Random) -> Self {
        let mut random = Random::new(random.clone().draw() ^ SALT);
        let (takes_over, decides) = (random.chance(MIXED_CHANCE), random.chance(MIXED_CHANCE));
        let plan = if takes_over { self.mix_take_over(&mut random) } else { self };
        if decides { plan.mix_deciding(&mut random) } else { plan }
    }

    /// Some processes that come back without a ticket are vouched for.
    fn mix_take_over(mut self, random: &mut Random) -> Self {
        for (fault_event, weight) in &mut self.fault_events {
            if *fault_event == FaultEvent::TakeOver {
                *weight = u32::try_from(random.within(1..=TAKE_OVER_WEIGHT_MAX)).unwrap_or_default();
            }
        }
        let pace = Duration::from_millis(random.within(100..=5_000));
        Self { fault_event_pace: self.fault_event_pace.or(Some(pace)), ..self }
    }

    /// The server's program decides about some requests.
    fn mix_deciding(self, random: &mut Random) -> Self {
        let limits = Limits {
            decision_time_max: Duration::from_millis(random.pick(&[200, 1_000, 3_000])),
            waiting_of_session_max: random.pick(&[1, 3, 64]),
            waiting_max: random.pick(&[3, 16_384]),
            ..self.limits
        };
        Self { deciding: Some(Deciding::draw(random)), limits, ..self }
    }
}
