//! The answers that are due to sessions for what they said: acceptances in runs, acknowledgements in batches, and the answers
//! to requests in order.

use alloc::vec::Vec;
use core::mem;

use super::session::Run;
use super::sessions::Sessions;
use super::work::Work;
use crate::wire::{Ack, Head, HubMessage, MessageId, RejectCode, Rejected};

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
                flush_acks(sessions, index);
            }
        }
    }
}

/// A message is accepted. Its sender is told when the batch ends, together with the next ones if they follow.
#[inline]
pub(super) fn accepted(sessions: &mut Sessions, sender: usize, number: u64, id: MessageId) {
    if !sessions[sender].accepted.extend(number, id) {
        tell_accepted(sessions, sender);
        sessions[sender].accepted = Run::of(number, id);
    }
}

#[cold]
pub(super) fn rejected(sessions: &mut Sessions, sender: usize, number: u64, code: RejectCode) {
    answer(sessions, sender, &HubMessage::Rejected(Rejected { number, code }));
}

pub(super) fn tell_accepted(sessions: &mut Sessions, index: usize) {
    let session = &mut sessions[index];
    if let Some(run) = session.accepted.take(session.received) {
        sessions.put_header(index, &Head::of_accepted(run));
    }
}

/// Answers a request, or tells what a session wants to know, after what it is to be told of its messages before.
pub(super) fn answer(sessions: &mut Sessions, index: usize, message: &HubMessage<'_>) {
    tell_accepted(sessions, index);
    sessions.push_reserved(index, message);
}

/// One acceptance and one acknowledgement for all that came since the last batch, after what the batch has to say
/// anyway.
#[inline]
pub(super) fn flush_acks(sessions: &mut Sessions, index: usize) {
    let session = &mut sessions[index];
    // A client that comes back is told the count anyway.
    if mem::take(&mut session.ack_due) && !session.is_detached() {
        let count = session.received;
        tell_accepted(sessions, index);
        sessions.put_header(index, &Head::of_ack(Ack { count }));
    }
}
