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
        let session = &mut sessions[index];
        session.received += 1;
        session.ack_due = true;
        let number = session.received;
        if !mem::replace(&mut session.replies_queued, true) {
            self.due.push(index);
        }
        number
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
