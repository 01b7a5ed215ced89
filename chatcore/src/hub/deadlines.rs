//! Who is to be looked at when. One entry a session, moved only when it comes due: what a peer says
//! costs no work here, the entry is simply found to be early when its time comes.

use alloc::collections::BTreeSet;

use crate::time::Instant;

#[derive(Debug, Default)]
pub(super) struct Deadlines(BTreeSet<(Instant, usize)>);

impl Deadlines {
    /// The first deadline of all.
    pub(super) fn first(&self) -> Option<Instant> {
        self.0.first().map(|(due, _)| *due)
    }

    /// Enters a session, in place of what it had.
    pub(super) fn arm(&mut self, index: usize, armed: &mut Option<Instant>, due: Instant) {
        if *armed != Some(due) {
            self.disarm(index, armed);
            self.0.insert((due, index));
            *armed = Some(due);
        }
    }

    /// Takes a session out.
    pub(super) fn disarm(&mut self, index: usize, armed: &mut Option<Instant>) {
        if let Some(due) = armed.take() {
            let was_there = self.0.remove(&(due, index));
            debug_assert!(was_there, "a session knows its own entry");
        }
    }

    /// A session whose time has come; it must be taken out or entered anew later than `now`.
    pub(super) fn due(&self, now: Instant) -> Option<usize> {
        self.0.first().filter(|(due, _)| *due <= now).map(|(_, index)| *index)
    }
}
