//! The time that a server's work takes.

use core::time::Duration;

use crate::Instant;

/// The time that a server's work takes.
pub(super) struct Pace {
    /// A unit of the hub's work; zero if work takes no time.
    pub(super) unit: Duration,
    /// The server works until then.
    pub(super) busy_until: Instant,
    /// Something was left for the next turn.
    pub(super) has_more: bool,
}

impl Pace {
    pub(super) const fn new(unit: Duration) -> Self {
        Self { unit, busy_until: Instant::ZERO, has_more: false }
    }

    pub(super) const fn takes_time(&self) -> bool {
        !self.unit.is_zero()
    }

    /// When there is something to do, if that is when there otherwise would be.
    pub(super) fn due(&self, due: Option<Instant>) -> Option<Instant> {
        let more = self.has_more.then_some(Instant::ZERO);
        due.into_iter().chain(more).min().map(|due| due.max(self.busy_until))
    }

    pub(super) const fn is_at_rest(&self) -> bool {
        !self.has_more
    }
}
