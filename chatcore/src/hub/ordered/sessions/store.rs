//! Sessions by index: how they begin, are attached, detached and end, and when they are due.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use core::mem;
use core::ops::{Index, IndexMut};

use slab::Slab;

use super::former_names::FormerNames;
use super::memory::Buffers;
use super::own::Own;
use super::session::{Attachment, BegunList, Run, Session, TimerAction};
use crate::hub::conn::{Closing, Conn, ConnState};
use crate::hub::conn_id::ConnId;
use crate::hub::counters::Counters;
use crate::hub::event::{CloseReason, HubEvent};
use crate::hub::name_table::NameTable;
use crate::hub::origins::{Origins, Place, Share};
use crate::hub::rate::Pace;
use crate::hub::secret_rng::Marks;
use crate::hub::thresholds::Thresholds;
use crate::hub::timers::{TimerKey, Timers};
use crate::hub::work::{FIRST_WORK_MAX, MORE_WORK_MAX};
use crate::limits::Limits;
use crate::liveness::Liveness;
use crate::outbox::{Outbox, Pool};
use crate::time::Instant;

#[expect(clippy::struct_excessive_bools, reason = "they say one thing each, and none follows from another")]
pub(in crate::hub) struct Sessions {
    pub(in crate::hub) limits: Limits,
    pub(in crate::hub) thresholds: Thresholds,
    pub(in crate::hub) session_pace: Pace,
    pub(in crate::hub) origin_pace: Pace,
    /// Some rate is bounded.
    pub(super) is_any_rate_limited: bool,
    pub(in crate::hub) now: Instant,
    /// Nobody is admitted any more, and nobody is told who goes.
    pub(in crate::hub) is_shutting_down: bool,
    /// Lists that are begun, and one more if requests may wait for answers of the program: while there is none, all
    /// that is kept of a session's input is with the driver.
    pub(super) kept_beside: u32,
    pub(super) conns: Slab<Conn>,
    /// Slots of `conns` that were ever used.
    pub(super) conn_slots_used: usize,
    pub(super) all: Slab<Session>,
    /// Slots of `all` that were ever used.
    pub(super) slots_used: usize,
    /// The oldest session of each user, by name.
    pub(super) names: NameTable,
    /// Those of which the names look like something else, by that.
    pub(super) lookalikes: NameTable,
    pub(super) former_names: FormerNames,
    pub(in crate::hub) timers: Timers,
    pub(in crate::hub) origins: Origins,
    pub(in crate::hub) buffers: Buffers,
    /// Buffers for all outboxes.
    pub(in crate::hub) pool: Pool,
    /// Connections of which the driver is to be told that there is something to write.
    pub(super) writes: VecDeque<ConnId>,
    /// The same, of members that a fan-out to many has reached, and of those that are to be written much: they let
    /// others go first.
    pub(super) bulk_writes: VecDeque<ConnId>,
    /// Writes that went before those since the last of them.
    pub(super) writes_before: u32,
    /// The fan-out in progress goes to many.
    pub(super) is_fanning_out: bool,
    /// Connections that the driver is to close.
    pub(super) closes: VecDeque<(ConnId, CloseReason)>,
    pub(in crate::hub) events: VecDeque<HubEvent>,
    /// Sessions that are marked to be ended.
    pub(super) marked: VecDeque<usize>,
    /// The serial number of the newest connection: the hub's mark before the first.
    pub(super) last_conn: u32,
    /// The same of the newest session.
    pub(super) last_session: u32,
    /// What those sessions have whose users have limits of their own.
    pub(super) own: BTreeMap<usize, Own>,
    /// The program wants to know who joins and leaves which room.
    pub(in crate::hub) has_room_events: bool,
    pub(in crate::hub) counters: Counters,
}

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
    /// Other limits, which `Limits::check_change` allows.
    pub(in crate::hub) fn set_limits(&mut self, limits: Limits) {
        if limits.origin_rate != self.limits.origin_rate {
            self.origin_pace = Pace::new(limits.origin_rate);
            // Users may have rates of their own.
            self.is_any_rate_limited |= limits.session_rate.per_s > 0 || limits.origin_rate.per_s > 0;
            self.origins.change_pace(self.now, &self.origin_pace);
        }
        self.limits = limits;
    }

    pub(in crate::hub) fn new(limits: Limits, thresholds: Thresholds, key: [u8; 16], marks: &Marks) -> Self {
        let mut pool = Pool::default();
        pool.set_limit(limits.buffer_bytes_max);
        Self {
            session_pace: Pace::new(limits.session_rate),
            origin_pace: Pace::new(limits.origin_rate),
            is_any_rate_limited: limits.session_rate.per_s > 0 || limits.origin_rate.per_s > 0,
            origins: Origins::new(&limits),
            limits,
            thresholds,
            now: Instant::ZERO,
            is_shutting_down: false,
            kept_beside: 0,
            conns: Slab::new(),
            conn_slots_used: 0,
            all: Slab::new(),
            slots_used: 0,
            names: NameTable::new(key),
            lookalikes: NameTable::new(key),
            former_names: FormerNames::new(key),
            timers: Timers::default(),
            buffers: Buffers::default(),
            pool,
            writes: VecDeque::new(),
            bulk_writes: VecDeque::new(),
            writes_before: 0,
            is_fanning_out: false,
            closes: VecDeque::new(),
            events: VecDeque::new(),
            marked: VecDeque::new(),
            last_conn: marks.conns,
            last_session: marks.sessions,
            own: BTreeMap::new(),
            has_room_events: false,
            counters: Counters::default(),
        }
    }

    // ---- what there is ----

    pub(in crate::hub) fn len(&self) -> usize {
        self.all.len()
    }

    /// Sessions are in slots with numbers below this.
    pub(in crate::hub) const fn slots(&self) -> usize {
        self.slots_used
    }

    pub(in crate::hub) fn contains(&self, index: usize) -> bool {
        self.all.contains(index)
    }

    #[inline]
    pub(in crate::hub) fn get(&self, index: usize) -> Option<&Session> {
        self.all.get(index)
    }

    pub(in crate::hub) fn get_mut(&mut self, index: usize) -> Option<&mut Session> {
        self.all.get_mut(index)
    }

    pub(in crate::hub) fn iter(&self) -> impl Iterator<Item = (usize, &Session)> {
        self.all.iter()
    }

    pub(in crate::hub) const fn names(&self) -> &NameTable {
        &self.names
    }

    // ---- sessions come and go ----

    pub(in crate::hub) fn vacant_key(&self) -> usize {
        self.all.vacant_key()
    }

    pub(in crate::hub) fn insert(&mut self, session: Session) -> usize {
        self.pool.adopt(session.outbox.held_bytes());
        self.origins.enter(&session.share);
        let index = self.all.insert(session);
        self.slots_used = self.slots_used.max(index + 1);
        self.counters.sessions_begun += 1;
        self.enter_user(index);
        index
    }

    /// Takes a session out, and its outbox. Its name is free if its user has no other. Its share and its buffers are to
    /// be released.
    pub(in crate::hub) fn remove(&mut self, index: usize) -> (Session, Outbox) {
        self.take_begun_list(index);
        self.buffers.unlist(index, &mut self.all[index]);
        self.forget_names(index);
        self.leave_user(index);
        self.forget_own(index);
        self.counters.sessions_ended += 1;
        let mut session = self.all.remove(index);
        self.origins.leave(&session.share, session.numbers());
        if let Some(home) = session.details.home.take() {
            self.origins.forget_held(&home, session.held(), session.rooms());
            self.origins.close(home);
        }
        if let Attachment::Detached { until } = session.attachment {
            if session.closing() != Some(CloseReason::Displaced) {
                self.origins.reattach(&session.share, until, index);
            }
            self.buffers.detached -= session.outbox.held_bytes() as u64;
        }
        self.buffers.partial -= u64::from(session.leftover);
        self.pool.set_limit(self.limits.buffer_bytes_max.saturating_sub(self.buffers.partial));
        self.timers.disarm(TimerKey::Session(index), &mut session.details.armed);
        let outbox = mem::take(&mut session.outbox);
        (session, outbox)
    }

    /// Where a session could wait if it were without its connection.
    pub(in crate::hub) fn place(&self, index: usize) -> Place {
        let session = &self.all[index];
        // Its owner could not come back, and would find the name taken, if the welcome was lost.
        if !session.is_confirmed || session.is_closing || self.resume_time_max(index).is_zero() {
            return Place::Nowhere;
        }
        self.origins.place(&session.share, &self.limits)
    }

    /// Marks a detached session to be ended because another one gets its place, which is free from now on.
    pub(in crate::hub) fn displace(&mut self, index: usize) {
        let session = &self.all[index];
        if let Attachment::Detached { until } = session.attachment {
            self.origins.reattach(&session.share, until, index);
            self.mark_closing(index, CloseReason::Displaced);
        }
    }

    /// Keeps a session without its connection, which is gone or is told why, and closed.
    pub(in crate::hub) fn detach(&mut self, index: usize, conn: ConnId, reason: CloseReason) {
        let (session, name) = (self.id_of(index), self.all[index].name.clone());
        self.events.push_back(HubEvent::Detached { session, conn, name, reason });
        self.drop_conn(index, conn, reason);
        // What was begun of a list comes again.
        self.take_begun_list(index);
        let until = self.now + self.resume_time_max(index);
        let session = &mut self.all[index];
        self.origins.detach(&session.share, until, index);
        session.attachment = Attachment::Detached { until };
        session.write_queued = false;
        session.outbox.compact(&mut self.pool);
        self.buffers.detached += session.outbox.held_bytes() as u64;
        self.set_leftover(index, 0);
        self.count_buffers(index);
        self.arm(index);
    }

    /// Tells a connection why its session does without it from now on, if it is still there.
    pub(in crate::hub) fn drop_conn(&mut self, index: usize, conn: ConnId, reason: CloseReason) {
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
            ended: None,
            armed: None,
        };
        let detail = reason.detail();
        self.close_conn(conn, closing, reason.final_message(&detail, None).as_ref());
    }

    /// Attaches a session to a new connection, on which the opening comes first.
    pub(in crate::hub) fn attach(&mut self, index: usize, opening: Outbox, share: Share) -> ConnId {
        self.take_begun_list(index);
        let conn = self.open_conn(index);
        self.counters.resumed += 1;
        let session = &mut self.all[index];
        if let Attachment::Detached { until } = session.attachment {
            self.origins.reattach(&session.share, until, index);
            self.buffers.detached -= session.outbox.held_bytes() as u64;
        }
        self.buffers.unlist(index, session);
        session.outbox.restart(opening, &mut self.pool);
        session.attachment = Attachment::Attached(conn);
        (session.write_queued, session.ack_due, session.is_paused) = (false, false, false);
        session.unacked_since = if session.outbox.awaits_ack() { self.now } else { Instant::MAX };
        let old = mem::replace(&mut session.share, share);
        if old.account() != session.share.account() {
            self.origins.leave(&old, session.numbers());
            self.origins.take_over(&session.share, session.numbers());
        }
        self.origins.close(old);
        self.count_buffers(index);
        self.queue_write(index);
        conn
    }

    /// Attaches a session to a connection of a client that knows nothing of it, on which the opening comes first.
    pub(in crate::hub) fn begin_anew(&mut self, index: usize, opening: Outbox, share: Share) -> ConnId {
        let session = &mut self.all[index];
        let old = mem::take(&mut session.outbox);
        if session.is_detached() {
            self.buffers.detached -= old.held_bytes() as u64;
        }
        old.give_all(&mut self.pool);
        (session.received, session.accepted, session.is_confirmed) = (0, Run::default(), false);
        session.liveness = Liveness::new(self.now);
        self.attach(index, opening, share)
    }

    // ---- timers ----

    /// Moves a session's timer to where it belongs.
    pub(in crate::hub) fn arm(&mut self, index: usize) {
        const AGAIN_MIN: core::time::Duration = core::time::Duration::from_millis(1);
        let session = &mut self.all[index];
        let due = session.due_at(self.now, &self.limits);
        let due = if due <= self.now { self.now + AGAIN_MIN } else { due };
        self.timers.arm(TimerKey::Session(index), &mut session.details.armed, due);
    }

    /// A session's timer has run off.
    pub(in crate::hub) fn check_timers(&mut self, index: usize) -> TimerAction {
        let session = &mut self.all[index];
        session.details.armed = None;
        session.check_timers(self.now, &self.limits)
    }

    /// A closing connection's timer has run off.
    pub(in crate::hub) fn conn_timer(&mut self, index: usize) {
        if let ConnState::Closing(closing) = &mut self.conns[index].state {
            closing.armed = None;
        }
    }

    /// Units of work that a call may do for a session, and the cost that the session may cause now. The units are few
    /// at first, and the more the more it has caused of late. This many who begin at once hold up nobody. All of them
    /// if the session's rate is not bounded.
    #[inline]
    pub(in crate::hub) fn work_and_cost_max(&self, index: usize) -> (u32, u32) {
        let session = &self.all[index];
        let debt = session.bucket.debt(self.now, &self.session_pace, MORE_WORK_MAX);
        if debt == MORE_WORK_MAX && session.bucket.is_elsewhere() {
            return self.own_work_and_cost_max(index);
        }
        let cost_max = if self.is_any_rate_limited {
            let of_origin = self.origins.allowance(&session.share, self.now, &self.origin_pace);
            session.bucket.allowance(self.now, &self.session_pace).min(of_origin)
        } else {
            u32::MAX
        };
        (FIRST_WORK_MAX + debt, cost_max)
    }

    /// Charges a session and its origin for what it has caused with an earlier input.
    #[inline(never)]
    pub(in crate::hub) fn charge_later(&mut self, index: usize, cost: u32) {
        self.charge(index, cost);
    }

    /// Charges a session and its origin. If it may cause no more for now, until when.
    #[expect(clippy::inline_always, reason = "each input comes by here")]
    #[inline(always)]
    pub(in crate::hub) fn charge(&mut self, index: usize, cost: u32) -> Option<Instant> {
        if !self.is_any_rate_limited {
            return None;
        }
        let session = &mut self.all[index];
        session.bucket.charge(self.now, cost, &self.session_pace);
        let (bucket, account) = (session.bucket, session.share.account());
        let of_origin = self.origins.charge(self.now, account, cost, &self.origin_pace);
        let mut until = bucket.paused_until(self.now, &self.session_pace);
        if until.is_some() && bucket.is_elsewhere() {
            until = self.charge_own(index, cost);
        }
        until = until.max(of_origin);
        self.all[index].pause(until?);
        until
    }

    /// Until when a session may cause nothing more, by its own rate, that of its origin or that of its site.
    pub(in crate::hub) fn paused_until(&self, index: usize) -> Option<Instant> {
        let session = &self.all[index];
        let of_session = if session.bucket.is_elsewhere() {
            self.own_paused_until(index)
        } else {
            session.bucket.paused_until(self.now, &self.session_pace)
        };
        of_session.max(self.origins.paused_until(session.share.account(), self.now, &self.origin_pace))
    }

    /// A session was given this many bytes, and has left this many of them. Bytes that it was given before, and has
    /// left again, are no sign of life.
    #[inline]
    pub(in crate::hub) fn received(&mut self, index: usize, given: usize, left: usize) {
        if left < given || given > self.input_left(index) {
            self.all[index].hear(self.now);
        }
        self.counters.bytes_in += (given - left) as u64;
        self.set_leftover(index, left);
    }

    /// Bytes of input that the last call left.
    fn input_left(&self, index: usize) -> usize {
        let beside = if self.kept_beside > 0 { self.bytes_beside(index) } else { 0 };
        (self.all[index].leftover as usize).saturating_sub(beside)
    }

    /// Requests may wait for answers of the program, or not.
    pub(in crate::hub) const fn set_asking(&mut self, was_asking: bool, is_asking: bool) {
        self.kept_beside = self.kept_beside + is_asking as u32 - was_asking as u32;
    }

    pub(in crate::hub) fn has_begun_list(&self, index: usize) -> bool {
        self.all[index].details.begun_list.is_some()
    }

    /// The list that a session has begun, which it has no more.
    pub(in crate::hub) fn take_begun_list(&mut self, index: usize) -> Option<Box<BegunList>> {
        let list = self.all[index].details.begun_list.take()?;
        self.kept_beside -= 1;
        let left = (self.all[index].leftover as usize).saturating_sub(list.bytes());
        self.set_leftover_and_beside(index, left);
        Some(list)
    }

    /// A session has begun a list, and no other.
    pub(in crate::hub) fn begin_list(&mut self, index: usize, list: Box<BegunList>) {
        self.kept_beside += 1;
        let left = self.all[index].leftover as usize + list.bytes();
        self.all[index].details.begun_list = Some(list);
        self.set_leftover_and_beside(index, left);
    }

    /// A session's input is paused: it is not judged silent for what is not read.
    pub(in crate::hub) fn pause_until(&mut self, index: usize, until: Instant) -> Instant {
        self.all[index].pause(until);
        until
    }

    // ---- what is to be ended ----

    /// Marks a session to be ended when the present input is done. Until then it stays in its groups, so that a fan-out
    /// in progress sees a stable member list.
    pub(in crate::hub) fn mark_closing(&mut self, index: usize, reason: CloseReason) {
        let session = &mut self.all[index];
        if !mem::replace(&mut session.is_closing, true) {
            session.rare().closing = Some(reason);
            self.marked.push_back(index);
        }
    }

    #[inline]
    pub(in crate::hub) fn has_marked(&self) -> bool {
        !self.marked.is_empty()
    }

    /// The next session that is marked, and why.
    pub(in crate::hub) fn next_marked(&mut self) -> Option<(usize, CloseReason)> {
        while let Some(index) = self.marked.pop_front() {
            // It may have ended in another way, and its slot may be another's.
            if let Some(reason) = self.all.get(index).and_then(Session::closing) {
                return Some((index, reason));
            }
        }
        None
    }
}
