//! The driver's clock: the core is told the time as a distance from the server's start.

use std::time::Instant as SystemInstant;

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
        Instant::ZERO + self.epoch.elapsed()
    }
}
