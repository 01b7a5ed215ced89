//! The drivers' clocks: the core is told the time as a distance from the connection's start.

use std::time::{Duration, Instant as SystemInstant, SystemTime};

#[cfg(feature = "mio")]
use chatcore::Instant;

#[cfg(feature = "mio")]
#[derive(Debug)]
pub(crate) struct Clock {
    epoch: SystemInstant,
}

#[cfg(feature = "mio")]
impl Clock {
    pub(crate) fn start() -> Self {
        Self { epoch: SystemInstant::now() }
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::from_duration(self.epoch.elapsed())
    }
}

/// Until when a caller waits.
#[cfg(feature = "mio")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(
    /// None if that is farther away than the system's clock goes.
    Option<SystemInstant>,
);

#[cfg(feature = "mio")]
impl Deadline {
    pub(crate) fn after(timeout: Duration) -> Self {
        Self(SystemInstant::now().checked_add(timeout))
    }

    /// How long until then; none for ever.
    pub(crate) fn left(self) -> Option<Duration> {
        self.0.map(|deadline| deadline.saturating_duration_since(SystemInstant::now()))
    }

    pub(crate) fn has_come(self) -> bool {
        self.left() == Some(Duration::ZERO)
    }
}

/// Notices that the machine has slept.
#[derive(Debug)]
pub(crate) struct SleepWatch {
    wall: SystemTime,
    monotonic: SystemInstant,
}

/// A clock that is off by this much, or a call that is this late, means that the machine has slept, or the program.
pub(crate) const JUMP_MIN: Duration = Duration::from_secs(5);

impl SleepWatch {
    pub(crate) fn start() -> Self {
        Self { wall: SystemTime::now(), monotonic: SystemInstant::now() }
    }

    /// Whether the machine has slept since this was called last: then on many systems the clock on the wall has gone
    /// on, and the one that waits are measured with has not.
    pub(crate) fn has_slept(&mut self) -> bool {
        let before = std::mem::replace(self, Self::start());
        self.is_jump_since(&before)
    }

    fn is_jump_since(&self, before: &Self) -> bool {
        let wall = self.wall.duration_since(before.wall).unwrap_or_default();
        wall.saturating_sub(self.monotonic - before.monotonic) >= JUMP_MIN
    }

    /// As if the machine had slept for so long.
    #[cfg(test)]
    pub(crate) fn sleep(&mut self, time: Duration) {
        self.wall -= time;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_that_goes_ahead_of_the_other_one_tells_of_sleep() {
        let before = SleepWatch::start();
        let later = |wall: u64, monotonic: u64| SleepWatch {
            wall: before.wall + Duration::from_secs(wall),
            monotonic: before.monotonic + Duration::from_secs(monotonic),
        };
        assert!(later(60, 1).is_jump_since(&before));
        assert!(!later(60, 60).is_jump_since(&before), "that is only a long time");
        assert!(!later(60, 58).is_jump_since(&before), "a clock may be set right");
        assert!(!later(0, 60).is_jump_since(&before), "and backwards");
        let back = SleepWatch { wall: before.wall - Duration::from_secs(60), monotonic: before.monotonic };
        assert!(!back.is_jump_since(&before));
    }
}
