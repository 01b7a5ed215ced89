//! Connections: opened, closed, written out, and what the driver is to do about them.

use core::mem;

use slab::Slab;

use super::store::Sessions;
use crate::hub::conn::{Closing, Conn, ConnState};
use crate::hub::conn_id::{ConnId, UnknownConn};
use crate::hub::event::CloseReason;
use crate::hub::origins::Share;
use crate::hub::timers::TimerKey;
use crate::outbox::Outbox;
use crate::wire::HubMessage;

/// Writes that go before a bulk write, at the most.
const WRITES_BEFORE_MAX: u32 = 8;

/// A connection that is to be written more than this lets others go first.
const BULK_BYTES_MIN: usize = 16 << 10;

impl Sessions {
    pub(in crate::hub) fn conns(&self) -> &Slab<Conn> {
        &self.conns
    }

    /// The index of a connection that is there.
    #[inline]
    pub(in crate::hub) fn conn_index(&self, id: ConnId) -> Result<usize, UnknownConn> {
        match self.conns.get(id.index()) {
            Some(conn) if conn.serial == id.serial => Ok(id.index()),
            _ => Err(UnknownConn(id)),
        }
    }

    #[inline]
    pub(in crate::hub) fn conn_state(&self, id: ConnId) -> Result<&ConnState, UnknownConn> {
        self.conn_index(id).map(|index| &self.conns[index].state)
    }

    /// A new connection for a session.
    pub(in crate::hub) fn open_conn(&mut self, session: usize) -> ConnId {
        let index = u32::try_from(self.conns.vacant_key()).expect("a driver has fewer connections than that");
        self.last_conn = self.last_conn.wrapping_add(1);
        let id = ConnId { index, serial: self.last_conn };
        let slot = self.conns.insert(Conn { serial: id.serial, on_their_way: 0, state: ConnState::Open(session) });
        self.conn_slots_used = self.conn_slots_used.max(slot + 1);
        id
    }

    /// The driver knows a connection no more.
    pub(in crate::hub) fn remove_conn(&mut self, index: usize) -> ConnState {
        let mut state = self.conns.remove(index).state;
        if let ConnState::Closing(closing) = &mut state {
            self.timers.disarm(TimerKey::Conn(index), &mut closing.armed);
            self.buffers.closing -= closing.outbox.held_bytes() as u64;
        }
        state
    }

    /// Gives back what a closing connection used.
    pub(in crate::hub) fn release(&mut self, outbox: Outbox, share: Share) {
        outbox.give_all(&mut self.pool);
        self.origins.close(share);
    }

    /// Lets a connection be written out, up to its final message, and then be closed.
    pub(in crate::hub) fn close_conn(
        &mut self,
        id: ConnId,
        mut closing: Closing,
        final_message: Option<&HubMessage<'_>>,
    ) {
        if let Some(final_message) = final_message {
            closing.outbox.push(final_message, &mut self.pool);
        }
        let is_written = closing.outbox.is_written();
        if !is_written && !closing.is_announced {
            closing.write_queued = true;
            self.writes.push_back(id);
        }
        let held = closing.outbox.held_bytes();
        self.buffers.closing += held as u64;
        self.origins.set(&mut closing.share, held);
        let until = self.now + self.limits.flush_time_max;
        self.timers.arm(TimerKey::Conn(id.index()), &mut closing.armed, until);
        let conn = &mut self.conns[id.index()];
        conn.state = ConnState::Closing(closing.into());
        if is_written && conn.on_their_way == 0 {
            self.finish_conn(id.index());
        }
    }

    /// Nothing more can or need be written: the driver is to close.
    pub(in crate::hub) fn finish_conn(&mut self, index: usize) {
        let Conn { serial, state: ConnState::Closing(closing), .. } = &mut self.conns[index] else {
            unreachable!("only a closing connection comes to its end");
        };
        closing.is_over = true;
        self.timers.disarm(TimerKey::Conn(index), &mut closing.armed);
        let index = u32::try_from(index).expect("a driver has fewer connections than that");
        self.closes.push_back((ConnId { index, serial: *serial }, closing.reason));
    }

    /// The driver has taken this many bytes of a connection's outbox, and will report them as transmitted.
    pub(in crate::hub) fn transmitting(&mut self, conn: usize, count: usize) {
        self.take_out(conn, count);
        let conn = &mut self.conns[conn];
        let sum = u32::try_from(count).ok().and_then(|count| conn.on_their_way.checked_add(count));
        conn.on_their_way = sum.expect("the driver reports what is transmitted before 4 GiB are on their way");
    }

    /// The transport has taken this many bytes: first of those that are on their way, then of the connection's outbox.
    /// True if the connection is closing and has just been written out.
    #[inline]
    pub(in crate::hub) fn transmitted(&mut self, conn: usize, mut count: usize) -> bool {
        let on_their_way = &mut self.conns[conn].on_their_way;
        // Most drivers report at once.
        if *on_their_way > 0 {
            let late = u32::try_from(count).unwrap_or(u32::MAX).min(*on_their_way);
            *on_their_way -= late;
            count -= late as usize;
            if *on_their_way > 0 {
                return false;
            }
        }
        self.take_out(conn, count)
    }

    /// These bytes of a connection's outbox are no longer to be written. True if the connection is closing, and all of
    /// them is with the transport.
    #[inline]
    fn take_out(&mut self, conn: usize, count: usize) -> bool {
        self.counters.bytes_out += count as u64;
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
                    self.origins.set(&mut closing.share, after);
                }
                closing.outbox.is_written() && !closing.is_over
            }
        }
    }

    // ---- what the driver is to do ----

    /// There is something to write that has not been put off.
    #[inline]
    pub(in crate::hub) fn has_writes(&self) -> bool {
        !self.writes.is_empty()
    }

    pub(in crate::hub) fn next_close(&mut self) -> Option<(ConnId, CloseReason)> {
        while let Some((conn, reason)) = self.closes.pop_front() {
            if self.conn_index(conn).is_ok() {
                return Some((conn, reason));
            }
        }
        None
    }

    /// The first of those that are written to next, as many as there is room for.
    pub(in crate::hub) fn next_writes(&self, conns: &mut [usize]) -> usize {
        let queue = if self.writes.is_empty() { &self.bulk_writes } else { &self.writes };
        let count = conns.len().min(queue.len());
        for (conn, queued) in conns.iter_mut().zip(queue.range(..count)) {
            *conn = queued.index();
        }
        count
    }

    /// The next connection to write to, and whether it lets others go first if it is to be written much. They do not go
    /// first for ever.
    #[inline]
    pub(in crate::hub) fn next_write(&mut self) -> Option<(ConnId, bool)> {
        if self.writes_before < WRITES_BEFORE_MAX
            && let Some(conn) = self.writes.pop_front()
        {
            self.writes_before += u32::from(!self.bulk_writes.is_empty());
            return Some((conn, !self.writes.is_empty()));
        }
        self.writes_before = 0;
        let conn = self.bulk_writes.pop_front().or_else(|| self.writes.pop_front())?;
        Some((conn, false))
    }

    /// Whether a session is to be written to now. It may have been written to without being asked, or let others go
    /// first.
    #[inline]
    pub(in crate::hub) fn take_write(&mut self, conn: ConnId, index: usize, lets_others: bool) -> bool {
        let session = &mut self.all[index];
        if lets_others && session.outbox.unwritten_bytes() > BULK_BYTES_MIN {
            self.bulk_writes.push_back(conn);
            self.writes_before = self.writes_before.saturating_sub(1);
            return false;
        }
        mem::take(&mut session.write_queued) && !session.outbox.is_written()
    }

    /// Whether a closing connection is to be written to.
    #[inline]
    pub(in crate::hub) fn take_closing_write(&mut self, conn: ConnId) -> bool {
        let ConnState::Closing(closing) = &mut self.conns[conn.index()].state else { return false };
        mem::take(&mut closing.write_queued) && !closing.is_over && !closing.outbox.is_written()
    }
}
