//! The driver's clock: the core is told the time as a distance from the connection's start.

use std::time::{Duration, Instant as SystemInstant};

use chatcore::Instant;

#[derive(Debug)]
pub(crate) struct Clock {
    epoch: SystemInstant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { epoch: SystemInstant::now() }
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::from_duration(self.epoch.elapsed())
    }
}

/// Until when a caller waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(
    /// None if that is farther away than the system's clock goes.
    Option<SystemInstant>,
);

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
