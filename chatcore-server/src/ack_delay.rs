//! How long the acknowledgements of messages may wait for company while the server is busy.

use std::time::Duration;

use chatcore::Instant;

/// Turns for which acknowledgements to senders may wait, for one in which there is nothing else to do.
const TURNS_MAX: u32 = 16;

/// How long acknowledgements may wait, however few the turns are.
const TIME_MAX: Duration = Duration::from_millis(20);

/// Decides in each turn whether what senders are told of their own messages goes out, or waits: together they need
/// fewer writes.
#[derive(Debug)]
pub(crate) struct AckDelay {
    /// Turns since senders were told all.
    turns: u32,
    /// When senders were told all.
    flushed_at: Instant,
}

impl AckDelay {
    pub(crate) const fn new(now: Instant) -> Self {
        Self { turns: 0, flushed_at: now }
    }

    /// Whether acknowledgements may wait in this turn.
    pub(crate) fn may_wait(&mut self, now: Instant, is_busy: bool) -> bool {
        let may_wait = is_busy && self.turns < TURNS_MAX && now.saturating_since(self.flushed_at) < TIME_MAX;
        self.turns += u32::from(may_wait);
        may_wait
    }

    /// Senders have been told all: the delay begins anew.
    pub(crate) const fn reset(&mut self, now: Instant) {
        (self.turns, self.flushed_at) = (0, now);
    }
}
