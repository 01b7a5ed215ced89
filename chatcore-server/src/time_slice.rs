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

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks at a slice until it is over.
    fn looks(slice: &TimeSlice) -> usize {
        (1..100).find(|_| slice.is_over()).expect("it ends")
    }

    #[test]
    fn a_slice_is_over_after_its_length_and_its_first_part_before() {
        let slice = |millis| TimeSlice::start(Clock::ticking(), Duration::from_millis(millis));
        assert_eq!(looks(&slice(8)), 8, "each look takes a millisecond");
        assert_eq!(looks(&slice(8).without_last_quarter()), 6);
        assert_eq!(looks(&slice(0)), 1);
    }
}
