//! What the program says to all users, on its way to their sessions in slices.
//!
//! One announcement goes after another, and each to the sessions in the order of their slots. Rooms and users do not
//! wait for that. What the program says later to a user or to a room must not overtake it, and is not held up either:
//! whoever gets that gets first what it still lacks of the announcements ([`Announcements::give_early`]).

use alloc::collections::{BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::sessions::Sessions;
use crate::hub::work::{SLOTS, Work, of_bytes};
use crate::name::UserName;
use crate::wire::{Deliver, HubMessage, Message, MessageId, OVERHEAD_BYTES_MAX};

/// Messages to all users ([`Audience::All`](crate::Audience::All)) that are on their way at a time, at the most.
pub const ANNOUNCEMENTS_MAX: usize = 16;

/// What was said to all and has not come to everybody yet, in the order in which it was said.
#[derive(Debug, Default)]
pub(in crate::hub) struct Announcements {
    pending: VecDeque<Announcement>,
}

#[derive(Debug)]
struct Announcement {
    /// It is for the sessions that had begun before it.
    id: MessageId,
    /// Long ones are shared by outboxes. The pool counts it, as it does what is in those.
    frame: Arc<[u8]>,
    body_bytes: usize,
    /// Batches of rooms that go first: how many will have been flushed then, of all that ever were.
    after_batches: u64,
    /// Those who get it are in slots with numbers below this.
    slots: usize,
    /// Slots that were looked at.
    cursor: usize,
    /// Of the slots beyond: those whose sessions got it before their turn.
    early: BTreeSet<usize>,
}

impl Announcements {
    #[inline]
    pub(in crate::hub) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.pending.len() >= ANNOUNCEMENTS_MAX
    }

    /// The id of the newest; none if none is on its way.
    pub(super) fn newest(&self) -> Option<MessageId> {
        self.pending.back().map(|announcement| announcement.id)
    }

    /// Takes what is said to all who are there, once so many batches of rooms have been flushed.
    pub(super) fn add(
        &mut self,
        sessions: &mut Sessions,
        after_batches: u64,
        id: MessageId,
        from: &UserName,
        body: &[u8],
    ) {
        let mut frame = Vec::new();
        HubMessage::Deliver(Deliver { id, from: from.as_str(), body }).encode(&mut frame);
        self.pending.push_back(Announcement {
            id,
            frame: sessions.pool.share(&frame),
            body_bytes: body.len(),
            after_batches,
            slots: sessions.slots(),
            cursor: 0,
            early: BTreeSet::new(),
        });
    }

    /// Goes on, as far as the work goes, when so many batches of rooms have been flushed.
    pub(super) fn advance(&mut self, sessions: &mut Sessions, flushed_batches: u64, work: &mut Work) {
        while let Some(mut announcement) = self.pending.pop_front() {
            let may_go = announcement.after_batches <= flushed_batches;
            if !may_go || !announcement.run(sessions, work) {
                return self.pending.push_front(announcement);
            }
            sessions.pool.release(announcement.frame);
        }
    }

    /// Gives a session at once what it lacks of what is on its way, up to an announcement.
    pub(super) fn give_early(&mut self, sessions: &mut Sessions, session: usize, last: MessageId, work: &mut Work) {
        for announcement in self.pending.iter_mut().take_while(|announcement| announcement.id <= last) {
            let is_ahead = (announcement.cursor..announcement.slots).contains(&session);
            if is_ahead && announcement.early.insert(session) {
                announcement.give(sessions, session, work);
            }
        }
    }

    /// The frames of what is on its way.
    #[cfg(feature = "sim")]
    pub(in crate::hub) fn shared_frames(&self, mut tell: impl FnMut(*const u8, usize)) {
        for Announcement { frame, .. } in &self.pending {
            tell(frame.as_ptr(), frame.len());
        }
    }
}

impl Announcement {
    /// True if everybody has it.
    fn run(&mut self, sessions: &mut Sessions, work: &mut Work) -> bool {
        sessions.set_fanning_out(sessions.len() >= sessions.thresholds.many_members);
        let is_done = self.give_all(sessions, work);
        sessions.set_fanning_out(false);
        is_done
    }

    fn give_all(&mut self, sessions: &mut Sessions, work: &mut Work) -> bool {
        while self.cursor < self.slots {
            if work.is_spent() {
                return false;
            }
            if !sessions.contains(self.cursor) {
                work.spend(u32::from(self.cursor.is_multiple_of(SLOTS)));
            } else if self.early.remove(&self.cursor) {
                work.spend(1);
            } else {
                self.give(sessions, self.cursor, work);
            }
            self.cursor += 1;
        }
        true
    }

    /// Gives it to a session, if that was there when it was said and has room for it.
    fn give(&mut self, sessions: &mut Sessions, index: usize, work: &mut Work) {
        let session = &sessions[index];
        if session.is_closing || session.details.created_at_id >= self.id {
            return work.spend(1);
        }
        let is_too_long = self.body_bytes > session.body_bytes_max as usize;
        if is_too_long || !sessions.fits(index, self.body_bytes + OVERHEAD_BYTES_MAX as usize) {
            sessions.counters.missed_announcements += 1;
            return work.spend(1);
        }
        let backlog = session.outbox().kept_bytes();
        if sessions.thresholds.is_worth_sharing(self.frame.len(), backlog) {
            let mut copied = 0;
            sessions.put(index, |outbox, pool| copied = outbox.push_shared(&self.frame, 1, pool));
            work.spend(of_bytes(copied));
        } else {
            work.spend(of_bytes(self.frame.len()));
            sessions.put(index, |outbox, pool| outbox.push_frames(&self.frame, 1, pool));
        }
    }
}
