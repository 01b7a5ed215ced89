//! The one place where this driver reads a clock.

use std::time::Instant as Monotonic;

/// Counts from the start of the server, as the core wants its time.
#[derive(Debug)]
pub(crate) struct Clock(Monotonic);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Monotonic::now())
    }

    pub(crate) fn now(&self) -> chatcore::Instant {
        chatcore::Instant::from_nanos(u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}
