//! The driver's clock: the core is told the time as a distance from the server's start.

use std::time::{Duration, Instant as SystemInstant, SystemTime};

use chatcore::Instant;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    epoch: SystemInstant,
}

impl Clock {
    /// A clock that begins now, and what the world's clock shows: the Unix time, zero if that is set before 1970.
    pub(crate) fn start() -> (Self, Duration) {
        let unix_time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        (Self { epoch: SystemInstant::now() }, unix_time)
    }

    pub(crate) fn now(self) -> Instant {
        Instant::ZERO + self.epoch.elapsed()
    }
}
