//! What is due when. One entry each, moved only when it comes due: what a peer says costs no work here, the entry is
//! simply found to be early when its time comes.

use alloc::collections::BTreeSet;

use super::groups::GroupId;
use super::question_id::QuestionId;
use super::session_id::SessionId;
use crate::time::Instant;

#[derive(Debug, Default)]
pub(super) struct Timers(BTreeSet<(Instant, TimerKey)>);

/// What an entry is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TimerKey {
    Session(usize),
    Conn(usize),
    /// The watchers of a name may be told of it again.
    Presence(GroupId),
    /// A question must be answered by then.
    Question(QuestionId),
    /// What the program has decided for a session may be done then.
    Answered(SessionId),
}

impl Timers {
    /// When the first entry is due.
    pub(super) fn first(&self) -> Option<Instant> {
        self.0.first().map(|(due, _)| *due)
    }

    /// Makes an entry, in place of the one that there was.
    pub(super) fn arm(&mut self, key: TimerKey, armed: &mut Option<Instant>, due: Instant) {
        if *armed != Some(due) {
            self.disarm(key, armed);
            self.0.insert((due, key));
            *armed = Some(due);
        }
    }

    /// Takes an entry out.
    pub(super) fn disarm(&mut self, key: TimerKey, armed: &mut Option<Instant>) {
        if let Some(due) = armed.take() {
            let was_there = self.0.remove(&(due, key));
            debug_assert!(was_there, "who is armed knows its own entry");
        }
    }

    /// Makes an entry that is taken out by [`Timers::pop`] alone.
    pub(super) fn push(&mut self, key: TimerKey, due: Instant) {
        self.0.insert((due, key));
    }

    /// Whether there is an entry.
    #[cfg(feature = "sim")]
    pub(super) fn has(&self, key: TimerKey) -> bool {
        self.0.iter().any(|(_, entry)| *entry == key)
    }

    /// Takes out an entry that is due.
    pub(super) fn pop(&mut self, now: Instant) -> Option<(Instant, TimerKey)> {
        self.0.first().filter(|(due, _)| *due <= now)?;
        self.0.pop_first()
    }
}
