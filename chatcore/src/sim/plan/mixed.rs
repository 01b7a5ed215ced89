//! What is mixed into some plans, so that the others stay as they are.

use core::time::Duration;

use super::{FaultEvent, Plan};
use crate::Limits;
use crate::sim::deciding::Deciding;
use crate::sim::flood::Flood;
use crate::sim::random::{CERTAIN, Random};

/// The chance of each thing that is mixed in.
const MIXED_CHANCE: u32 = CERTAIN / 4;

/// What these draws begin with, beside what the plan's own do. Any number is right. With this one nothing is mixed into
/// the plans of the seeds that `tests/sim.rs` pins for other mechanisms.
const SALT: u64 = 3_914;

/// The same for what an operator does, and for all pinned seeds.
const OPERATOR_SALT: u64 = 212;

/// The same for what programs do beyond their users' requests, and for all pinned seeds.
const PROGRAM_SALT: u64 = 2_298;

/// The same for how long sessions wait, and for all pinned seeds.
const RESUME_SALT: u64 = 4_507;

/// The same for floods that were not drawn from the beginning, and for all pinned seeds.
const FLOOD_SALT: u64 = 1;

/// The same for sites, and for all pinned seeds. They are mixed into fewer plans.
const SITE_SALT: u64 = 67;
const SITES_CHANCE: u32 = CERTAIN / 8;

/// Origins of a site, at the most.
const ORIGINS_OF_SITE_MAX: u64 = 4;

/// Floods that are drawn from the beginning. The others are mixed in.
pub(super) const FLOODS_DRAWN_FIRST: usize = 14;

/// How many listeners there are at the most, if some have a resume time of their own.
const LISTENERS_MAX: u64 = 3;

/// A resume time far beyond those that hubs have.
const FAR_RESUME_TIME: Duration = Duration::from_secs(20 * 60);

/// What an operator does, and how likely that is at the most, beside other fault events.
const OPERATOR_WEIGHTS_MAX: [(FaultEvent, u64); 4] =
    [(FaultEvent::PutIn, 20), (FaultEvent::TakeOut, 20), (FaultEvent::Say, 20), (FaultEvent::Ban, 5)];

/// How likely it is at the most that a client's process is vouched for, beside other fault events.
const TAKE_OVER_WEIGHT_MAX: u64 = 30;

/// Replaces some of the floods of an attack by others. It draws of its own, as what is mixed into plans does.
pub(super) fn mix_floods(floods: &mut [Flood], random: &Random) {
    let mut random = Random::new(random.clone().draw() ^ FLOOD_SALT);
    for flood in floods {
        if random.chance(MIXED_CHANCE) {
            *flood = random.pick(&Flood::ALL[FLOODS_DRAWN_FIRST..]);
        }
    }
}

impl Plan {
    /// Mixes more into some plans. It draws of its own: what is drawn for other parts of a run does not change.
    pub(super) fn mix(self, random: &Random) -> Self {
        let drawn = random.clone().draw();
        let mut random = Random::new(drawn ^ SALT);
        let (takes_over, decides) = (random.chance(MIXED_CHANCE), random.chance(MIXED_CHANCE));
        let plan = if takes_over { self.mix_take_over(&mut random) } else { self };
        let plan = if decides { plan.mix_deciding(&mut random) } else { plan };
        plan.mix_operator(&mut Random::new(drawn ^ OPERATOR_SALT))
            .mix_program(&mut Random::new(drawn ^ PROGRAM_SALT))
            .mix_resume_times(&mut Random::new(drawn ^ RESUME_SALT))
            .mix_sites(&mut Random::new(drawn ^ SITE_SALT))
    }

    /// Some processes that come back without a ticket are vouched for.
    fn mix_take_over(mut self, random: &mut Random) -> Self {
        self.mix_event(FaultEvent::TakeOver, random.within(1..=TAKE_OVER_WEIGHT_MAX));
        let pace = Duration::from_millis(random.within(100..=5_000));
        Self { fault_event_pace: self.fault_event_pace.or(Some(pace)), ..self }
    }

    /// In some plans, an operator moves users, says something, and keeps users away.
    fn mix_operator(mut self, random: &mut Random) -> Self {
        if !random.chance(MIXED_CHANCE) {
            return self;
        }
        for (fault_event, weight_max) in OPERATOR_WEIGHTS_MAX {
            self.mix_event(fault_event, random.within(0..=weight_max));
        }
        let pace = Duration::from_millis(random.within(100..=2_000));
        Self { fault_event_pace: Some(self.fault_event_pace.map_or(pace, |drawn| drawn.min(pace))), ..self }
    }

    /// Some programs do not wait until an acknowledgement is due, and some have forgotten what they are subscribed to.
    fn mix_program(self, random: &mut Random) -> Self {
        if !random.chance(MIXED_CHANCE) {
            return self;
        }
        let acknowledges_at_once = random.pick(&[0, CERTAIN / 10, CERTAIN]);
        let asks_when_resumed = random.pick(&[0, CERTAIN / 2, CERTAIN]);
        Self { acknowledges_at_once, asks_when_resumed, ..self }
    }

    /// In some plans, sessions wait for none of the time, or for a shorter, a longer or a far longer one than the
    /// hub's, depending on where their clients come in.
    fn mix_resume_times(self, random: &mut Random) -> Self {
        if !random.chance(MIXED_CHANCE) {
            return self;
        }
        let of_hub = self.limits.resume_time_max;
        let (shorter, longer) = (of_hub / 4, of_hub * 2 + Duration::from_secs(1));
        let choices = [None, Some(Duration::ZERO), Some(shorter), Some(longer), Some(FAR_RESUME_TIME)];
        let resume_times = (0..random.within(1..=LISTENERS_MAX)).map(|_| random.pick(&choices)).collect();
        Self { resume_times, ..self }
    }

    /// In some plans, some origins belong to one site.
    fn mix_sites(self, random: &mut Random) -> Self {
        if !random.chance(SITES_CHANCE) {
            return self;
        }
        let origins_of_site = usize::try_from(random.within(1..=ORIGINS_OF_SITE_MAX)).unwrap_or_default();
        Self { origins_of_site, ..self }
    }

    fn mix_event(&mut self, mixed: FaultEvent, drawn: u64) {
        for (fault_event, weight) in &mut self.fault_events {
            if *fault_event == mixed {
                *weight = u32::try_from(drawn).unwrap_or_default();
            }
        }
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
