//! When the driver's own connections are to be looked at: those without a name yet, and those that linger.
//! The hub keeps the deadlines of all others.

use std::collections::BTreeSet;

use chatcore::Instant;

#[derive(Debug, Default)]
pub(crate) struct Deadlines(BTreeSet<(Instant, usize)>);

impl Deadlines {
    /// The first deadline of all.
    pub(crate) fn first(&self) -> Option<Instant> {
        self.0.first().map(|(due, _)| *due)
    }

    pub(crate) fn arm(&mut self, due: Instant, key: usize) {
        self.0.insert((due, key));
    }

    pub(crate) fn disarm(&mut self, due: Instant, key: usize) {
        let was_there = self.0.remove(&(due, key));
        debug_assert!(was_there, "a connection knows its own deadline");
    }

    /// A connection whose time has come; it must be taken out, or entered anew later than `now`.
    pub(crate) fn due(&self, now: Instant) -> Option<usize> {
        self.0.first().filter(|(due, _)| *due <= now).map(|(_, key)| *key)
    }
}
