//! How a server's program decides about what clients request.

use core::time::Duration;

use super::random::{CERTAIN, Random};
use crate::Asking;
use crate::setters::setters;

/// About what a server's program decides, and how long it takes. Chances are in millionths ([`CERTAIN`]).
///
/// ```
/// use chatcore::Asking;
/// use chatcore::sim::{CERTAIN, Deciding, Plan, World};
///
/// let moderated = Deciding::new(Asking::new().sends()).with_denial_chance(CERTAIN);
/// let mut world = World::new(7, Plan::calm(2).with_deciding(Some(moderated)));
/// world.rest()?;
/// world.send(0, 1, 10)?;
/// world.rest()?;
/// assert_eq!(world.summary().seen, 0, "the program has denied it");
/// # Ok::<(), chatcore::sim::Violation>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deciding {
    /// About which requests the hub asks.
    pub asking: Asking,
    /// The chance that a decision takes time.
    pub delay_chance: u32,
    /// How long such a decision takes, at the most. If that is longer than
    /// [`Limits::decision_time_max`](crate::Limits::decision_time_max), some come too late.
    pub delay_max: Duration,
    /// The chance that nothing is ever decided.
    pub never_chance: u32,
    /// The chance that a request is denied.
    pub denial_chance: u32,
}

setters! {
    Deciding {
        with_delay_chance(delay_chance: u32),
        with_delay_max(delay_max: Duration),
        with_never_chance(never_chance: u32),
        with_denial_chance(denial_chance: u32),
    }
}

impl Deciding {
    /// A program that allows all that it is asked about, at once.
    pub const fn new(asking: Asking) -> Self {
        Self { asking, delay_chance: 0, delay_max: Duration::ZERO, never_chance: 0, denial_chance: 0 }
    }

    /// Draws one that is asked about something.
    pub(super) fn draw(random: &mut Random) -> Self {
        let mut asking = Asking::new();
        let drawn = random.within(1..=7);
        for (bit, more) in [(1, Asking::joins as fn(Asking) -> Asking), (2, Asking::sends), (4, Asking::watches)] {
            asking = if drawn & bit == 0 { asking } else { more(asking) };
        }
        Self {
            asking,
            delay_chance: random.pick(&[0, CERTAIN / 10, CERTAIN / 2, CERTAIN]),
            delay_max: Duration::from_millis(random.pick(&[20, 500, 5_000])),
            never_chance: random.pick(&[0, 0, CERTAIN / 100]),
            denial_chance: random.pick(&[0, CERTAIN / 10, CERTAIN / 2]),
        }
    }
}
