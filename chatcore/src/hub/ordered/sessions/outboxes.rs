//! Outboxes: what is put into them, whether it may be, and how much memory they hold.

use core::mem;

use super::memory::Memory;
use super::session::{Attachment, Details, Session};
use super::store::Sessions;
use crate::hub::event::CloseReason;
use crate::hub::work::PASSED;
use crate::outbox::{Copied, Outbox, Pool};
use crate::time::Instant;
use crate::wire::{Head, HubMessage, Kind, OVERHEAD_BYTES_MAX, Presence, ProtocolError, Welcome};

impl Sessions {
    /// Frames of this many bytes fit what may be kept for a session.
    #[inline]
    pub(in crate::hub) fn fits(&self, index: usize, bytes: usize) -> bool {
        let session = &self.all[index];
        session.outbox.fits(bytes, self.limits.outbox_bytes_max) && (!self.is_short() || self.has_share(session))
    }

    /// Buffers are short for somebody.
    #[inline]
    fn is_short(&self) -> bool {
        self.origins.is_any_over_share() || self.is_exhausted()
    }

    /// More is kept than may be kept for all.
    #[inline]
    pub(in crate::hub) fn is_exhausted(&self) -> bool {
        self.pool.is_over_limit()
    }

    #[cold]
    fn has_share(&self, session: &Session) -> bool {
        let account = session.share.account();
        // While too much is kept for all, the party that holds most is ended session by session. If none holds much,
        // there is no room for anybody.
        let is_refused =
            self.is_exhausted() && self.origins.largest().is_none_or(|largest| self.origins.is_of(account, largest));
        !is_refused && !self.origins.is_over_share(account)
    }

    /// A session may say something that others have to keep.
    #[inline]
    pub(in crate::hub) fn may_say(&self, index: usize) -> bool {
        !self.is_short() || self.has_share(&self.all[index])
    }

    /// A page of a list, or a message of any length, fits what may be kept for a session.
    pub(in crate::hub) fn fits_frame(&self, index: usize) -> bool {
        self.fits(index, self.limits.frame_bytes_max() as usize + OVERHEAD_BYTES_MAX as usize)
    }

    /// Tells a session who it is.
    pub(in crate::hub) fn push_welcome(&mut self, index: usize, welcome: Welcome<'_>) {
        self.push(index, &HubMessage::Welcome(welcome));
    }

    /// Tells a session of somebody whom it watches. That has no order with what is said.
    pub(in crate::hub) fn push_presence(&mut self, index: usize, presence: Presence<'_>) {
        self.push(index, &HubMessage::Presence(presence));
    }

    pub(in crate::hub::ordered) fn push(&mut self, index: usize, message: &HubMessage<'_>) {
        self.put(index, |outbox, pool| {
            outbox.push(message, pool);
        });
    }

    /// Tells a session something of which it has asked to hear, or that answers it. Outboxes have a reserve for that. A
    /// session that leaves even the reserve unread is ended, because no request may go without its answer.
    pub(super) fn push_reserved(&mut self, index: usize, message: &HubMessage<'_>) {
        if !self.all[index].is_closing {
            self.push(index, message);
            self.close_if_overfull(index);
        }
    }

    /// As [`Sessions::push_reserved`], for frames that every batch leads to.
    #[inline]
    pub(super) fn put_header(&mut self, index: usize, head: &Head) {
        if !self.all[index].is_closing {
            self.put(index, |outbox, pool| outbox.push_frame(head, &[], pool));
            self.close_if_overfull(index);
        }
    }

    fn close_if_overfull(&mut self, index: usize) {
        if self.all[index].outbox.kept_bytes() > self.limits.outbox_bytes_hard_max() {
            self.mark_closing(index, CloseReason::SlowConsumer);
        }
    }

    /// Puts something into a session's outbox. Only what holds the order puts in what others say.
    #[inline]
    pub(in crate::hub::ordered) fn put(&mut self, index: usize, put: impl FnOnce(&mut Outbox, &mut Pool)) {
        let session = &mut self.all[index];
        let (was_written, held_before) = (session.outbox.is_written(), session.outbox.held_bytes());
        put(&mut session.outbox, &mut self.pool);
        if session.unacked_since == Instant::MAX && session.outbox.awaits_ack() {
            session.unacked_since = self.now;
        }
        if session.outbox.held_bytes() != held_before {
            if session.is_detached() {
                self.buffers.detached += session.outbox.held_bytes() as u64;
                self.buffers.detached -= held_before as u64;
            }
            self.count_buffers(index);
        }
        if was_written {
            self.queue_write(index);
        }
    }

    #[inline]
    pub(in crate::hub) fn queue_write(&mut self, index: usize) {
        let session = &mut self.all[index];
        if let Attachment::Attached(conn) = session.attachment
            && !mem::replace(&mut session.write_queued, true)
        {
            if self.is_fanning_out {
                self.bulk_writes.push_back(conn);
            } else {
                self.writes.push_back(conn);
            }
        }
    }

    /// Says whether what is put into outboxes from now on goes to many.
    pub(in crate::hub) const fn set_fanning_out(&mut self, to_many: bool) {
        self.is_fanning_out = to_many;
    }

    /// A client acknowledges numbered frames. Returns the work of letting go of them; none if it had
    /// acknowledged them before.
    #[inline]
    pub(in crate::hub) fn acknowledge(&mut self, index: usize, count: u64) -> Result<Option<u32>, ProtocolError> {
        let session = &mut self.all[index];
        session.is_confirmed = true;
        let passed = session.outbox.acknowledge(count, &mut self.pool)?;
        if passed.is_some() {
            session.unacked_since = if session.outbox.awaits_ack() { self.now } else { Instant::MAX };
            self.count_buffers(index);
        }
        Ok(passed.map(|passed| passed / PASSED))
    }

    /// Takes off what a client that comes back has: its count of numbered frames. An error if the session cannot go on
    /// from there.
    pub(in crate::hub) fn resume_at(&mut self, index: usize, count: u64) -> Result<(), ProtocolError> {
        let session = &mut self.all[index];
        let before = session.outbox.held_bytes();
        let resumed = session.outbox.resume_at(count, &mut self.pool);
        if session.is_detached() {
            self.buffers.detached -= (before - session.outbox.held_bytes()) as u64;
        }
        self.count_buffers(index);
        resumed
    }

    /// What is kept for a session and means something to another client of its user: messages, and what became of them.
    /// Of rooms and of who is online that client is told as it is now. Old news would be wrong, because what its user
    /// did in between is in answers, which are another client's.
    pub(in crate::hub) fn messages_of(&self, index: usize) -> Copied {
        let is_of_messages =
            |kind| matches!(kind, Kind::DELIVER | Kind::ROOM_DELIVER | Kind::SENT | Kind::REPORT | Kind::MISSED);
        self.all[index].outbox.copy_of(is_of_messages)
    }

    /// Puts that into the session's outbox again.
    pub(in crate::hub) fn put_messages(&mut self, index: usize, messages: &Copied) {
        self.put(index, |outbox, pool| {
            outbox.push_frames(&messages.frames, messages.count, pool);
            outbox.put_again(messages);
        });
    }

    // ---- memory ----

    /// The driver holds this many bytes of a session's input.
    #[inline]
    pub(in crate::hub) fn set_leftover(&mut self, index: usize, bytes: usize) {
        let beside = if self.kept_beside > 0 { self.bytes_beside(index) } else { 0 };
        self.set_leftover_and_beside(index, bytes + beside);
    }

    /// Bytes of its list that is begun, and of what waits for answers of the program.
    #[cold]
    pub(super) fn bytes_beside(&self, index: usize) -> usize {
        let Details { rare, begun_list, .. } = &*self.all[index].details;
        rare.as_ref().map_or(0, |rare| rare.waiting_bytes) + begun_list.as_ref().map_or(0, |list| list.bytes())
    }

    #[inline]
    pub(super) fn set_leftover_and_beside(&mut self, index: usize, bytes: usize) {
        let session = &mut self.all[index];
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        if session.leftover != bytes {
            self.buffers.partial = self.buffers.partial - u64::from(session.leftover) + u64::from(bytes);
            self.pool.set_limit(self.limits.buffer_bytes_max.saturating_sub(self.buffers.partial));
            session.leftover = bytes;
            self.count_buffers(index);
        }
    }

    /// A session holds more or less than before.
    #[inline]
    pub(in crate::hub) fn count_buffers(&mut self, index: usize) {
        let session = &self.all[index];
        if !session.share.is_right_for(session.buffer_bytes()) {
            self.recount_buffers(index);
        }
    }

    #[cold]
    #[inline(never)]
    fn recount_buffers(&mut self, index: usize) {
        let session = &mut self.all[index];
        let bytes = session.buffer_bytes();
        self.origins.set(&mut session.share, bytes);
        self.buffers.list(index, session, self.thresholds.listed_bytes);
    }

    /// Marks a session to be ended if more is kept than may be: for all, or for one party by an eighth above its share.
    /// It is the one that holds most, of the origin that holds most, in the site that holds most.
    /// What an ended session held is given back when its senders have been told. While that goes on, another one
    /// is ended only at an eighth more.
    #[inline]
    pub(in crate::hub) fn relieve_if_short(&mut self, is_giving_back: bool) {
        if self.is_short() && self.marked.is_empty() {
            self.relieve(is_giving_back);
        }
    }

    #[cold]
    #[inline(never)]
    fn relieve(&mut self, is_giving_back: bool) {
        let eighths = u64::from(is_giving_back);
        let is_exhausted =
            self.is_exhausted() && self.memory().total() > self.limits.buffer_bytes_max / 8 * (8 + eighths);
        let share_max = self.limits.origin_buffer_bytes_max / 8 * (9 + eighths);
        let Some(largest) = self.origins.largest() else {
            if !is_exhausted {
                return;
            }
            // Very many hold a little each: nobody gets more until they acknowledge, or stall.
            if let Some(conn) = self.buffers.search_closing(|_| true, &self.conns, self.conn_slots_used) {
                self.finish_conn(conn);
            }
            return;
        };
        if !is_exhausted && self.origins.bytes(largest) <= share_max {
            return;
        }
        let Some(account) = self.origins.largest_of(largest) else { return };
        // Of a site whose origins hold a little each, any session of it will do.
        let is_of_largest = |account| self.origins.is_of(account, largest);
        let victim = self.buffers.largest_of(account, &self.all);
        if let Some(victim) = victim.or_else(|| self.buffers.search_of(is_of_largest, &self.all, self.slots_used)) {
            self.buffers.unlist(victim, &mut self.all[victim]);
            self.mark_closing(victim, CloseReason::Evicted);
        } else if let Some(conn) = self.buffers.search_closing(is_of_largest, &self.conns, self.conn_slots_used) {
            // All its sessions have ended: what they had to be written is too much.
            self.finish_conn(conn);
        }
    }

    pub(in crate::hub) fn memory(&self) -> Memory {
        self.buffers.memory(self.pool.handed_out())
    }
}
