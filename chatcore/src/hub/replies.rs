//! Which sessions get an acceptance or an acknowledgement of what they said, and when.

use alloc::vec::Vec;
use core::mem;

use super::ordered::Sessions;
use super::work::Work;

/// Sessions that get an acknowledgement when the batch ends.
#[derive(Debug, Default)]
pub(super) struct Replies {
    due: Vec<usize>,
}

impl Replies {
    /// A numbered frame has come. Its number is returned.
    #[inline]
    pub(super) fn count(&mut self, sessions: &mut Sessions, index: usize) -> u64 {
        self.number(sessions, index, None).0
    }

    /// The number of a frame, which comes now if it has none yet; and whether the session's user has no other session.
    #[inline]
    pub(super) fn number(&mut self, sessions: &mut Sessions, index: usize, counted: Option<u64>) -> (u64, bool) {
        let session = &mut sessions[index];
        session.received += u64::from(counted.is_none());
        session.ack_due = true;
        let number = counted.unwrap_or(session.received);
        let is_alone = session.is_alone();
        if !mem::replace(&mut session.replies_queued, true) {
            self.due.push(index);
        }
        (number, is_alone)
    }

    /// Nothing is due to anybody.
    pub(super) fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    /// Tells sessions what became of what came from them since the last batch, as many as the work goes for.
    #[inline]
    pub(super) fn flush(&mut self, sessions: &mut Sessions, work: &mut Work) {
        while !work.is_spent()
            && let Some(index) = self.due.pop()
        {
            work.spend(1);
            if let Some(session) = sessions.get_mut(index) {
                session.replies_queued = false;
                sessions.flush_acks(index);
            }
        }
    }
}
