//! Delivery reports: what became of messages whose recipient's session ended before it acknowledged them. The outbox of
//! an ended session is gone through in slices.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use super::ended_session::EndedSession;
use super::ordered::{Answer, Sessions};
use super::origins::Share;
use super::work::{PASSED, Work};
use crate::limits::Limits;
use crate::outbox::{Cursor, Outbox};
use crate::wire::{Deliver, DeliveryReport, DeliveryStatus, HubMessage, Kind, Message, MessageId};

/// Frames that are gone through before the senders of those are told.
const FRAMES_MAX: u32 = 1024;

#[derive(Debug, Default)]
pub(super) struct Reports {
    queue: VecDeque<Undelivered>,
}

/// What an ended session has not acknowledged.
#[derive(Debug)]
struct Undelivered {
    ended: EndedSession,
    outbox: Outbox,
    share: Share,
    cursor: Cursor,
}

/// Ids of messages, by the sender's session and the number of their status.
type IdsByStatus = BTreeMap<(usize, u16), Vec<MessageId>>;

impl Reports {
    /// A session has ended, and nothing more of its outbox will go out.
    pub(super) fn add(&mut self, sessions: &mut Sessions, ended: EndedSession, outbox: Outbox, mut share: Share) {
        let held = outbox.held_bytes();
        sessions.buffers.closing += held as u64;
        sessions.origins.set(&mut share, held);
        self.queue.push_back(Undelivered { ended, outbox, share, cursor: Cursor::default() });
    }

    #[cfg(feature = "sim")]
    pub(super) fn outboxes(&self) -> impl Iterator<Item = (&Outbox, &Share)> {
        self.queue.iter().map(|undelivered| (&undelivered.outbox, &undelivered.share))
    }

    #[inline]
    pub(super) fn has_pending(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Tells senders, as far as the work goes.
    pub(super) fn advance(&mut self, sessions: &mut Sessions, work: &mut Work) {
        while !work.is_spent()
            && let Some(mut undelivered) = self.queue.pop_front()
        {
            let mut by_status = IdsByStatus::new();
            let is_done = undelivered.collect(sessions, &mut by_status, work);
            for ((sender, code), ids) in by_status {
                tell(sessions, sender, DeliveryStatus::from(code), undelivered.ended.name.as_str(), &ids);
            }
            if is_done {
                work.spend(undelivered.outbox.segments() / PASSED);
                sessions.buffers.closing -= undelivered.outbox.held_bytes() as u64;
                sessions.release(undelivered.outbox, undelivered.share);
            } else {
                self.queue.push_front(undelivered);
            }
        }
    }
}

impl Undelivered {
    /// Sorts the next frames by sender and status. True if these are the last.
    fn collect(&mut self, sessions: &Sessions, by_status: &mut IdsByStatus, work: &mut Work) -> bool {
        let mut passed = 0;
        while passed < FRAMES_MAX
            && let Some((content, may_have_arrived)) = self.outbox.next_kept(&mut self.cursor)
        {
            passed += 1;
            if content.kind != Kind::DELIVER {
                continue;
            }
            work.spend(1);
            let Ok(Some(HubMessage::Deliver(Deliver { id, from, .. }))) = HubMessage::decode(content) else { continue };
            if id > self.ended.ids_max {
                continue;
            }
            let may_have_arrived = may_have_arrived || self.ended.shared.is_some_and(|shared| shared.contain(id));
            let status = if may_have_arrived { DeliveryStatus::Unconfirmed } else { DeliveryStatus::Undelivered };
            for sender in sessions.senders(from, id) {
                by_status.entry((sender, status.into())).or_default().push(id);
            }
        }
        work.spend(1 + passed / PASSED);
        passed < FRAMES_MAX
    }
}

fn tell(sessions: &mut Sessions, sender: usize, status: DeliveryStatus, to: &str, ids: &[MessageId]) {
    for ids in ids.chunks(Limits::report_ids_max(sessions[sender].body_bytes_max)) {
        sessions.answer(sender, Answer::Report(DeliveryReport { status, to, ids: ids.to_vec() }));
    }
}
