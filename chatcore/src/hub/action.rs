//! What the driver must do, and in which order: who takes turns with whom.

use core::mem;

use super::Hub;
use super::conn::ConnState;
use super::conn_id::{ConnId, UnknownConn};
use super::event::CloseReason;
use super::replies;
use super::work::{SLICE_WORK_MAX, Work};

/// Actions that go between two slices of what a hub does by itself, at the most.
const BEFORE_SLICE_MAX: u32 = 8;

/// What the driver must do for the hub: [`Hub::poll_action`] returns it.
///
/// A driver carries out every action. If it skips one, the connection that the action names hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Write what [`Hub::transmit`] gives. This action comes once, when there was nothing to write before. The driver
    /// writes until [`Hub::transmit`] is empty again. If the transport takes no more bytes, the driver goes on later.
    Write {
        /// The connection.
        conn: ConnId,
    },
    /// Close the transport and drop the connection: everything is written, or the time for that
    /// ([`Limits::flush_time_max`](crate::Limits::flush_time_max)) is over. The hub does not know the id from now on.
    Close {
        /// The connection.
        conn: ConnId,
        /// Why the connection ends.
        reason: CloseReason,
    },
}

/// Decides whose turn it is.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Actions that may go before the next slice of what is pending.
    before_slice: u32,
    /// The last action was to close a connection.
    has_closed: bool,
}

impl Hub {
    /// The next action; none if there is nothing to do at present. If slices of the hub's own work are left and no
    /// action goes before them, the call does one slice.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.forget_work();
        if let Some(ready) = self.ready_action() {
            return Some(ready);
        }
        self.advance(SLICE_WORK_MAX);
        loop {
            if !self.replies.is_empty() {
                let mut work = Work::new(SLICE_WORK_MAX);
                self.replies.flush(self.ordered.unordered().0, &mut work);
                self.note_work(work.spent());
            }
            let action = self.next_action();
            if action.is_some() || self.replies.is_empty() {
                return action;
            }
        }
    }

    /// As [`poll_action`](Self::poll_action), but without the writes that only tell senders that the hub accepted their
    /// messages. The hub keeps these answers back, and adds them to the next write to the sender. A driver that already
    /// has more input drains this, and needs fewer writes. It drains [`poll_action`](Self::poll_action) before it
    /// waits.
    pub fn poll_urgent_action(&mut self) -> Option<Action> {
        self.forget_work();
        if let Some(ready) = self.ready_action() {
            return Some(ready);
        }
        self.advance(SLICE_WORK_MAX);
        self.next_action()
    }

    /// Whether the hub keeps back no answers to senders. If false, [`poll_urgent_action`](Self::poll_urgent_action)
    /// left some out, and [`poll_action`](Self::poll_action) gives the writes for them.
    pub fn has_flushed_answers(&self) -> bool {
        self.replies.is_empty()
    }

    /// What is ready to be done while something is pending: a little goes between two slices of that, so that few wait for
    /// what goes to many.
    #[inline]
    fn ready_action(&mut self) -> Option<Action> {
        if !self.has_pending() {
            // What comes next is gathered before it is written, as far as one slice goes.
            self.turns.before_slice = 0;
            return None;
        }
        // Memory that is needed does not wait.
        let waits = self.ordered.sessions().has_marked() || !self.ordered.sessions().has_writes();
        if self.turns.before_slice == 0 || waits {
            self.turns.before_slice = BEFORE_SLICE_MAX;
            return None;
        }
        self.turns.before_slice -= 1;
        self.next_action()
    }

    /// Many may be closed at once while others have something to be written: they take turns.
    #[inline]
    fn next_action(&mut self) -> Option<Action> {
        let has_closed = mem::take(&mut self.turns.has_closed);
        if has_closed && let Some(write) = self.next_write() {
            return Some(write);
        }
        let (sessions, _) = self.ordered.unordered();
        let Some((conn, reason)) = sessions.next_close() else { return self.next_write() };
        self.turns.has_closed = true;
        self.remove_closing(conn.index());
        Some(Action::Close { conn, reason })
    }

    #[inline]
    fn next_write(&mut self) -> Option<Action> {
        let (sessions, _) = self.ordered.unordered();
        while let Some((conn, lets_others)) = sessions.next_write() {
            self.prefetch.writes(sessions);
            let is_due = match sessions.conn_state(conn) {
                Ok(ConnState::Open(index)) => {
                    let index = *index;
                    replies::flush_acks(sessions, index);
                    sessions.take_write(conn, index, lets_others)
                }
                Ok(ConnState::Closing(_)) => sessions.take_closing_write(conn),
                // It has been disconnected since.
                Err(UnknownConn(_)) => false,
            };
            if is_due {
                return Some(Action::Write { conn });
            }
        }
        None
    }
}
