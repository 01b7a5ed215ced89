//! All sessions and their connections: the one place that puts bytes into an outbox, and that attaches, detaches and
//! ends a session. What an end means for others is told by whoever called, from the value that it returns.

use alloc::collections::VecDeque;
use core::mem;
use core::ops::{Index, IndexMut};

use slab::Slab;

use super::conn::{Closing, Conn, ConnState};
use super::conn_id::{ConnId, UnknownConn};
use super::event::{CloseReason, HubEvent};
use super::memory::{Buffers, Memory};
use super::name_table::NameTable;
use super::origins::{Origins, Share};
use super::rate::Pace;
use super::session::{Attachment, Session, TimerAction};
use super::timers::{TimerKey, Timers};
use crate::limits::Limits;
use crate::outbox::{Outbox, Pool};
use crate::time::Instant;
use crate::wire::{Head, HubMessage, Kind, OVERHEAD_BYTES_MAX};

pub(super) struct Sessions {
    pub(super) limits: Limits,
    pub(super) session_pace: Pace,
    pub(super) origin_pace: Pace,
    /// Some rate is bounded.
    is_any_rate_limited: bool,
    pub(super) now: Instant,
    /// Nobody is admitted any more, and nobody is told who goes.
    pub(super) is_shutting_down: bool,
    conns: Slab<Conn>,
    all: Slab<Session>,
    /// Slots of `all` that were ever used.
    slots_used: usize,
    names: NameTable,
    pub(super) timers: Timers,
    pub(super) origins: Origins,
    pub(super) buffers: Buffers,
    /// Buffers for all outboxes.
    pub(super) pool: Pool,
    /// Connections of which the driver is to be told that there is something to write.
    writes: VecDeque<ConnId>,
    /// The same, of members that a fan-out to many has reached: they let others go first.
    fanout_writes: VecDeque<ConnId>,
    /// Writes that went before those since the last of them.
    writes_before: u32,
    /// The fan-out in progress goes to many.
    is_fanning_out: bool,
    /// Connections that the driver is to close.
    closes: VecDeque<(ConnId, CloseReason)>,
    pub(super) events: VecDeque<HubEvent>,
    /// Sessions that are marked to be ended.
    marked: VecDeque<usize>,
    conns_ever: u32,
}

/// Writes that go before one to a member of a large room, at the most.
const WRITES_BEFORE_MAX: u32 = 8;

impl Index<usize> for Sessions {
    type Output = Session;

    #[inline]
    fn index(&self, index: usize) -> &Session {
        &self.all[index]
    }
}

impl IndexMut<usize> for Sessions {
    #[inline]
    fn index_mut(&mut self, index: usize) -> &mut Session {
        &mut self.all[index]
    }
}

impl Sessions {
    pub(super) fn new(limits: Limits, key: [u8; 16]) -> Self {
        let mut pool = Pool::default();
        pool.set_limit(limits.buffer_bytes_max);
        Self {
            session_pace: Pace::new(limits.session_rate),
            origin_pace: Pace::new(limits.origin_rate),
            is_any_rate_limited: limits.session_rate.per_s > 0 || limits.origin_rate.per_s > 0,
            limits,
            now: Instant::ZERO,
            is_shutting_down: false,
            conns: Slab::new(),
            all: Slab::new(),
            slots_used: 0,
            names: NameTable::new(key),
            timers: Timers::default(),
            origins: Origins::default(),
            buffers: Buffers::default(),
            pool,
            writes: VecDeque::new(),
            fanout_writes: VecDeque::new(),
            writes_before: 0,
            is_fanning_out: false,
            closes: VecDeque::new(),
            events: VecDeque::new(),
            marked: VecDeque::new(),
            conns_ever: 0,
        }
    }

    // ---- what there is ----

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Sessions are in slots with numbers below this.
    pub(super) const fn slots(&self) -> usize {
        self.slots_used
    }

    pub(super) fn contains(&self, index: usize) -> bool {
        self.all.contains(index)
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> Option<&Session> {
        self.all.get(index)
    }

    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut Session> {
        self.all.get_mut(index)
    }

    #[cfg(feature = "sim")]
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Session)> {
        self.all.iter()
    }

    /// The session of this name, which is mapped.
    #[inline]
    pub(super) fn find(&self, name: &[u8]) -> Option<usize> {
        self.names.find(name, |index| self.all[index].name.as_bytes())
    }

    pub(super) const fn names(&self) -> &NameTable {
        &self.names
    }

    // ---- connections ----

    pub(super) fn conns(&self) -> &Slab<Conn> {
        &self.conns
    }

    /// The index of a connection that is there.
    #[inline]
    pub(super) fn conn_index(&self, id: ConnId) -> Result<usize, UnknownConn> {
        match self.conns.get(id.index()) {
            Some(conn) if conn.id == id => Ok(id.index()),
            _ => Err(UnknownConn(id)),
        }
    }

    #[inline]
    pub(super) fn conn_state(&self, id: ConnId) -> Result<&ConnState, UnknownConn> {
        self.conn_index(id).map(|index| &self.conns[index].state)
    }

    /// A new connection for a session.
    pub(super) fn open_conn(&mut self, session: usize) -> ConnId {
        let index = u32::try_from(self.conns.vacant_key()).expect("a driver has fewer connections than that");
        self.conns_ever = self.conns_ever.wrapping_add(1);
        let id = ConnId { index, serial: self.conns_ever };
        self.conns.insert(Conn { id, state: ConnState::Open(session) });
        id
    }

    /// The driver knows a connection no more.
    pub(super) fn remove_conn(&mut self, index: usize) -> ConnState {
        let mut state = self.conns.remove(index).state;
        if let ConnState::Closing(closing) = &mut state {
            self.timers.disarm(TimerKey::Conn(index), &mut closing.armed);
            self.buffers.closing -= closing.outbox.held_bytes() as u64;
        }
        state
    }

    /// Gives back what a closing connection used.
    pub(super) fn release(&mut self, outbox: Outbox, share: Share) {
        outbox.give_all(&mut self.pool);
        self.origins.close(share, &self.limits);
    }

    /// Lets a connection be written out, last words included, and then be closed.
    pub(super) fn close_conn(&mut self, id: ConnId, mut closing: Closing, last_words: Option<&HubMessage<'_>>) {
        if let Some(last_words) = last_words {
            closing.outbox.push(last_words, &mut self.pool);
        }
        let is_written = closing.outbox.is_written();
        if !is_written && !closing.is_announced {
            closing.write_queued = true;
            self.writes.push_back(id);
        }
        let held = closing.outbox.held_bytes();
        self.buffers.closing += held as u64;
        self.origins.set(&mut closing.share, held, &self.limits);
        let until = self.now + self.limits.flush_time_max;
        self.timers.arm(TimerKey::Conn(id.index()), &mut closing.armed, until);
        self.conns[id.index()].state = ConnState::Closing(closing.into());
        if is_written {
            self.finish_conn(id.index());
        }
    }

    /// Nothing more can or need be written: the driver is to close.
    pub(super) fn finish_conn(&mut self, index: usize) {
        let Conn { id, state: ConnState::Closing(closing) } = &mut self.conns[index] else {
            unreachable!("only a closing connection comes to its end");
        };
        closing.is_over = true;
        self.timers.disarm(TimerKey::Conn(index), &mut closing.armed);
        self.closes.push_back((*id, closing.reason));
    }

    /// The transport has taken so many bytes of a connection's outbox. True if it is closing and has just been written
    /// out.
    #[inline]
    pub(super) fn transmitted(&mut self, conn: usize, count: usize) -> bool {
        match &mut self.conns[conn].state {
            ConnState::Open(index) => {
                let index = *index;
                self.all[index].outbox.transmitted(count, &mut self.pool);
                self.count_buffers(index);
                false
            }
            ConnState::Closing(closing) => {
                let before = closing.outbox.held_bytes();
                closing.outbox.transmitted(count, &mut self.pool);
                let after = closing.outbox.held_bytes();
                self.buffers.closing -= (before - after) as u64;
                if !closing.share.is_right_for(after) {
                    self.origins.set(&mut closing.share, after, &self.limits);
                }
                closing.outbox.is_written() && !closing.is_over
            }
        }
    }

    // ---- sessions come and go ----

    pub(super) fn vacant_key(&self) -> usize {
        self.all.vacant_key()
    }

    pub(super) fn insert(&mut self, session: Session) -> usize {
        self.pool.adopt(&session.outbox);
        let index = self.all.insert(session);
        self.slots_used = self.slots_used.max(index + 1);
        self.names.insert(index, |index| self.all[index].name.as_bytes());
        index
    }

    /// Takes a session out: its name is free. Its share and its buffers are to be released.
    pub(super) fn remove(&mut self, index: usize) -> Session {
        self.buffers.unlist(index, &mut self.all[index]);
        let mut session = self.all.remove(index);
        self.names.remove(index, session.name.as_bytes());
        if session.is_detached() {
            self.origins.reattach(&session.share);
            self.buffers.detached -= session.outbox.held_bytes() as u64;
        }
        self.buffers.partial -= u64::from(session.leftover);
        self.pool.set_limit(self.limits.buffer_bytes_max.saturating_sub(self.buffers.partial));
        self.timers.disarm(TimerKey::Session(index), &mut session.details.armed);
        session
    }

    /// Whether a session could be kept without its connection.
    pub(super) fn may_detach(&self, index: usize) -> bool {
        let session = &self.all[index];
        // Nobody can come back to a session whose token never went out.
        let is_known = !session.outbox.still_opens_with(Kind::WELCOME);
        is_known && !session.is_closing && self.origins.may_detach(&session.share, &self.limits)
    }

    /// Keeps a session without its connection, which is gone or is told why, and closed.
    pub(super) fn detach(&mut self, index: usize, conn: ConnId, reason: CloseReason) {
        self.events.push_back(HubEvent::Detached { conn, name: self.all[index].name.clone(), reason });
        self.drop_conn(index, conn, reason);
        let session = &mut self.all[index];
        self.origins.detach(&session.share);
        session.attachment = Attachment::Detached { until: self.now + self.limits.resume_time_max };
        session.write_queued = false;
        session.unacked_since = Instant::MAX;
        session.outbox.compact(&mut self.pool);
        self.buffers.detached += session.outbox.held_bytes() as u64;
        self.set_leftover(index, 0);
        self.count_buffers(index);
        self.arm(index);
    }

    /// Tells a connection why its session does without it from now on, if it is still there.
    pub(super) fn drop_conn(&mut self, index: usize, conn: ConnId, reason: CloseReason) {
        if self.conn_index(conn).is_err() {
            return;
        }
        let session = &mut self.all[index];
        let before = session.outbox.held_bytes();
        let outbox = session.outbox.take_broken_frame(&mut self.pool);
        debug_assert_eq!(before, session.outbox.held_bytes(), "the session keeps its own copy");
        let share = self.origins.split(&session.share);
        let closing = Closing {
            outbox,
            share,
            is_announced: !session.outbox.is_written(),
            write_queued: session.write_queued,
            reason,
            is_over: false,
            report_to: None,
            armed: None,
        };
        let detail = reason.detail();
        self.close_conn(conn, closing, reason.last_words(&detail, None).as_ref());
    }

    /// Attaches a session to a new connection, on which the opening comes first.
    pub(super) fn attach(&mut self, index: usize, opening: Outbox, share: Share) -> ConnId {
        let conn = self.open_conn(index);
        let session = &mut self.all[index];
        if session.is_detached() {
            self.origins.reattach(&session.share);
            self.buffers.detached -= session.outbox.held_bytes() as u64;
        }
        self.buffers.unlist(index, session);
        session.outbox.restart(opening, &mut self.pool);
        session.attachment = Attachment::Attached(conn);
        (session.write_queued, session.ack_due) = (false, false);
        // What was begun of a list comes again.
        session.details.resolved.clear();
        session.unacked_since = if session.outbox.awaits_ack() { self.now } else { Instant::MAX };
        let old = mem::replace(&mut session.share, share);
        self.origins.close(old, &self.limits);
        self.count_buffers(index);
        self.queue_write(index);
        conn
    }

    // ---- timers ----

    /// Moves a session's timer to where it belongs.
    pub(super) fn arm(&mut self, index: usize) {
        const AGAIN_MIN: core::time::Duration = core::time::Duration::from_millis(1);
        let session = &mut self.all[index];
        let due = session.due_at(self.now, &self.limits);
        let due = if due <= self.now { self.now + AGAIN_MIN } else { due };
        self.timers.arm(TimerKey::Session(index), &mut session.details.armed, due);
    }

    /// A session's timer has run off.
    pub(super) fn check_timers(&mut self, index: usize) -> TimerAction {
        let paused_until = self.paused_until(index);
        let session = &mut self.all[index];
        session.details.armed = None;
        session.check_timers(self.now, paused_until, &self.limits)
    }

    /// A closing connection's timer has run off.
    pub(super) fn conn_timer(&mut self, index: usize) {
        if let ConnState::Closing(closing) = &mut self.conns[index].state {
            closing.armed = None;
        }
    }

    /// Until when a session may cause no more work; none if it may.
    #[inline]
    pub(super) fn paused_until(&self, index: usize) -> Option<Instant> {
        let session = &self.all[index];
        let own = session.bucket.paused_until(self.now, &self.session_pace);
        own.max(self.origins.bucket(&session.share).paused_until(self.now, &self.origin_pace))
    }

    /// Cost that a session may cause now.
    #[inline]
    pub(super) fn cost_max(&self, index: usize) -> u32 {
        if !self.is_any_rate_limited {
            return u32::MAX;
        }
        let session = &self.all[index];
        let of_origin = self.origins.bucket(&session.share).allowance(self.now, &self.origin_pace);
        session.bucket.allowance(self.now, &self.session_pace).min(of_origin)
    }

    /// Charges a session and its origin. If it may cause no more for now, until when.
    #[inline]
    pub(super) fn charge(&mut self, index: usize, cost: u32) -> Option<Instant> {
        if !self.is_any_rate_limited {
            return None;
        }
        let session = &mut self.all[index];
        session.bucket.charge(self.now, cost, &self.session_pace);
        self.origins.charge(self.now, &session.share, cost, &self.origin_pace);
        let until = self.paused_until(index)?;
        // It is not judged silent for what is not read.
        self.all[index].liveness.touch(until);
        Some(until)
    }

    /// A session was given so many bytes, and has left so many of them. Bytes that it was given before, and has left
    /// again, are no sign of life.
    #[inline]
    pub(super) fn received(&mut self, index: usize, given: usize, left: usize) {
        let session = &mut self.all[index];
        if left < given || given > session.leftover as usize {
            session.liveness.touch(self.now);
        }
        self.set_leftover(index, left);
    }

    // ---- outboxes ----

    /// Frames of so many bytes fit what may be kept for a session.
    #[inline]
    pub(super) fn fits(&self, index: usize, bytes: usize) -> bool {
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
    pub(super) fn is_exhausted(&self) -> bool {
        self.pool.is_over_limit()
    }

    #[cold]
    fn has_share(&self, session: &Session) -> bool {
        let account = session.share.account();
        // While too much is kept for all, the origin that holds most is ended session by session.
        let is_largest = self.is_exhausted() && self.origins.largest() == Some(account);
        self.origins.bytes(account) <= self.limits.origin_buffer_bytes_max && !is_largest
    }

    /// A page of a list, or a message of any length, fits what may be kept for a session.
    pub(super) fn fits_frame(&self, index: usize) -> bool {
        self.fits(index, self.limits.frame_bytes_max() as usize + OVERHEAD_BYTES_MAX as usize)
    }

    pub(super) fn push(&mut self, index: usize, message: &HubMessage<'_>) {
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

    /// Puts something into a session's outbox.
    #[inline]
    pub(super) fn put(&mut self, index: usize, put: impl FnOnce(&mut Outbox, &mut Pool)) {
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
    pub(super) fn queue_write(&mut self, index: usize) {
        let session = &mut self.all[index];
        if let Attachment::Attached(conn) = session.attachment
            && !mem::replace(&mut session.write_queued, true)
        {
            if self.is_fanning_out {
                self.fanout_writes.push_back(conn);
            } else {
                self.writes.push_back(conn);
            }
        }
    }

    /// Says whether what is put into outboxes from now on goes to many.
    pub(super) const fn set_fanning_out(&mut self, to_many: bool) {
        self.is_fanning_out = to_many;
    }

    /// A client says that it has numbered frames. True if that is news.
    #[inline]
    pub(super) fn acknowledge(&mut self, index: usize, count: u64) -> Result<bool, crate::wire::Fault> {
        let session = &mut self.all[index];
        let is_news = session.outbox.acknowledge(count, &mut self.pool)?;
        if is_news {
            session.unacked_since = if session.outbox.awaits_ack() { self.now } else { Instant::MAX };
            self.count_buffers(index);
        }
        Ok(is_news)
    }

    /// A client that comes back says how many numbered frames it has. An error if the session cannot go on from there.
    pub(super) fn settle(&mut self, index: usize, count: u64) -> Result<(), crate::wire::Fault> {
        let session = &mut self.all[index];
        let before = session.outbox.held_bytes();
        let settled = session.outbox.settle(count, &mut self.pool);
        if session.is_detached() {
            self.buffers.detached -= (before - session.outbox.held_bytes()) as u64;
        }
        self.count_buffers(index);
        settled
    }

    // ---- memory ----

    /// The driver holds so many bytes of a session's input.
    #[inline]
    pub(super) fn set_leftover(&mut self, index: usize, bytes: usize) {
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
    fn count_buffers(&mut self, index: usize) {
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
        self.origins.set(&mut session.share, bytes, &self.limits);
        self.buffers.list(index, session);
    }

    /// Marks a session to be ended if more is kept than may be: for all, or for one origin by an eighth above its share.
    /// It is the one that holds most, of the origin that holds most.
    #[inline]
    pub(super) fn relieve_if_short(&mut self) {
        if self.is_short() && self.marked.is_empty() {
            self.relieve();
        }
    }

    #[cold]
    #[inline(never)]
    fn relieve(&mut self) {
        let share_max = self.limits.origin_buffer_bytes_max / 8 * 9;
        let largest = self.origins.largest();
        let Some(account) = largest.filter(|account| self.is_exhausted() || self.origins.bytes(*account) > share_max)
        else {
            return;
        };
        let victim = self.buffers.largest_of(account, &self.all);
        if let Some(victim) = victim.or_else(|| self.buffers.search_of(account, &self.all, self.slots_used)) {
            self.buffers.unlist(victim, &mut self.all[victim]);
            self.mark_closing(victim, CloseReason::Evicted);
        }
    }

    pub(super) fn memory(&self) -> Memory {
        self.buffers.memory(self.pool.handed_out())
    }

    // ---- what is to be ended ----

    /// Marks a session to be ended when the present input is done. Until then it stays in its groups, so that a fan-out
    /// in progress sees a stable member list.
    pub(super) fn mark_closing(&mut self, index: usize, reason: CloseReason) {
        let session = &mut self.all[index];
        if !mem::replace(&mut session.is_closing, true) {
            session.details.closing = Some(reason);
            self.marked.push_back(index);
        }
    }

    #[inline]
    pub(super) fn has_marked(&self) -> bool {
        !self.marked.is_empty()
    }

    /// The next session that is marked, and why.
    pub(super) fn next_marked(&mut self) -> Option<(usize, CloseReason)> {
        while let Some(index) = self.marked.pop_front() {
            // It may have ended in another way, and its slot may be another's.
            if let Some(reason) = self.all.get(index).and_then(|session| session.details.closing) {
                return Some((index, reason));
            }
        }
        None
    }

    // ---- what the driver is to do ----

    pub(super) fn next_close(&mut self) -> Option<(ConnId, CloseReason)> {
        while let Some((conn, reason)) = self.closes.pop_front() {
            if self.conn_index(conn).is_ok() {
                return Some((conn, reason));
            }
        }
        None
    }

    /// Those that are written to next, more or less.
    pub(super) fn writes(&self) -> impl Iterator<Item = &ConnId> + Clone {
        self.writes.iter().chain(&self.fanout_writes)
    }

    /// The next connection to write to: others go before those of a fan-out to many, but not for ever.
    #[inline]
    pub(super) fn next_write(&mut self) -> Option<ConnId> {
        if self.writes_before < WRITES_BEFORE_MAX
            && let Some(conn) = self.writes.pop_front()
        {
            self.writes_before += u32::from(!self.fanout_writes.is_empty());
            return Some(conn);
        }
        self.writes_before = 0;
        self.fanout_writes.pop_front().or_else(|| self.writes.pop_front())
    }

    /// Whether a queued write still holds: the connection may have been disconnected since, or written to without
    /// being asked.
    #[inline]
    pub(super) fn take_write(&mut self, id: ConnId) -> bool {
        match self.conns.get_mut(id.index()) {
            Some(Conn { id: other, state }) if *other == id => match state {
                ConnState::Open(index) => {
                    let session = &mut self.all[*index];
                    mem::take(&mut session.write_queued) && !session.outbox.is_written()
                }
                ConnState::Closing(closing) => {
                    mem::take(&mut closing.write_queued) && !closing.is_over && !closing.outbox.is_written()
                }
            },
            _ => false,
        }
    }
}
