//! How long one part of a turn may take.

use std::time::Duration;

use chatcore::Instant;

use crate::clock::Clock;

/// A time after which the server leaves the rest of its work for the next turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeSlice {
    clock: Clock,
    start: Instant,
    length: Duration,
}

impl TimeSlice {
    /// A slice that begins now.
    pub(crate) fn start(clock: Clock, length: Duration) -> Self {
        Self { clock, start: clock.now(), length }
    }

    /// The first part of it, without the last quarter.
    pub(crate) fn without_last_quarter(self) -> Self {
        Self { length: self.length / 4 * 3, ..self }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.clock.now().saturating_since(self.start) >= self.length
    }
}
