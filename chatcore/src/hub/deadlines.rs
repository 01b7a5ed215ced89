//! Who is to be looked at when. One entry each, moved only when it comes due: what a peer says costs no work
//! here, the entry is simply found to be early when its time comes.

use alloc::collections::BTreeSet;

use crate::time::Instant;

#[derive(Debug, Default)]
pub(super) struct Deadlines(BTreeSet<(Instant, Whose)>);

/// Whose deadline it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Whose {
    Session(usize),
    Link(usize),
}

impl Deadlines {
    /// The first deadline of all.
    pub(super) fn first(&self) -> Option<Instant> {
        self.0.first().map(|(due, _)| *due)
    }

    /// Makes an entry, in place of what there was.
    pub(super) fn arm(&mut self, whose: Whose, armed: &mut Option<Instant>, due: Instant) {
        if *armed != Some(due) {
            self.disarm(whose, armed);
            self.0.insert((due, whose));
            *armed = Some(due);
        }
    }

    /// Takes an entry out.
    pub(super) fn disarm(&mut self, whose: Whose, armed: &mut Option<Instant>) {
        if let Some(due) = armed.take() {
            let was_there = self.0.remove(&(due, whose));
            debug_assert!(was_there, "who is armed knows its own entry");
        }
    }

    /// Somebody whose time has come; it must be taken out or entered anew later than `now`.
    pub(super) fn due(&self, now: Instant) -> Option<Whose> {
        self.0.first().filter(|(due, _)| *due <= now).map(|(_, whose)| *whose)
    }
}
