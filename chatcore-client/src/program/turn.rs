//! Work in turns: however much there is of one kind, the program does everything else between two of them.

use std::time::{Duration, Instant};

/// How long one turn takes, at the most, but for the last piece of it.
pub(crate) const TURN_TIME_MAX: Duration = Duration::from_millis(10);

/// A turn of one kind of work.
#[derive(Debug)]
pub(crate) struct Turn {
    time_max: Duration,
    /// None before its first piece.
    ends: Option<Instant>,
}

impl Turn {
    pub(crate) const fn new(time_max: Duration) -> Self {
        Self { time_max, ends: None }
    }

    /// Begins another one.
    pub(crate) const fn begin(&mut self) {
        self.ends = None;
    }

    /// Whether the next piece of the work has its place in this turn. The first one always has.
    pub(crate) fn goes_on(&mut self) -> bool {
        let now = Instant::now();
        let is_first = self.ends.is_none();
        let end = *self.ends.get_or_insert_with(|| now + self.time_max);
        is_first || now < end
    }
}

impl Default for Turn {
    fn default() -> Self {
        Self::new(TURN_TIME_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_has_one_piece_at_least_and_ends_when_its_time_is_over() {
        let mut turn = Turn::new(Duration::ZERO);
        for _ in 0..3 {
            turn.begin();
            assert_eq!([turn.goes_on(), turn.goes_on(), turn.goes_on()], [true, false, false]);
        }
        let mut long = Turn::new(Duration::MAX / 4);
        assert!((0..1_000).all(|_| long.goes_on()));
    }
}
