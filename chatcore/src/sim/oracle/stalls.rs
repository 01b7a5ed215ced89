//! Which session may be ended for what it leaves unread: only one that does so by itself.

use alloc::format;
use core::time::Duration;

use super::account::Oracle;
use super::facts::{Caught, Request, Session};
use crate::sim::network::WireId;
use crate::sim::violation::{Property, Violation};
use crate::{CloseReason, Instant};

/// Bytes of an answer that is no page, at the most.
const ANSWER_BYTES_MAX: u64 = 40;

/// How much later than it may a stalled session ends at the latest: time goes on in steps.
const STALL_TIME_MORE: Duration = Duration::from_millis(20);

/// The same, for each name of a watch.
const NAME_BYTES_MAX: u64 = 50;

impl Oracle {
    /// Everything that was kept for a session is written to its connection: this many numbered frames.
    pub(in crate::sim) fn written_out(&mut self, wire: WireId, count: u64) {
        let now = self.now;
        let Some(session) = self.wires.get(&wire).and_then(|facts| facts.session) else { return };
        let session = &mut self.sessions[session];
        if session.wire != Some(wire) {
            return;
        }
        let caught = Caught { count, at: now, own_bytes: session.own_bytes };
        session.written.push_back(caught);
        session.forget_acknowledged();
    }

    /// This many numbered frames are written to a connection. If another client has its session, the rest of a frame
    /// that had begun is all that comes.
    pub(in crate::sim) fn written(&mut self, wire: WireId, count: u64) -> Result<(), Violation> {
        let now = self.now;
        let Some(index) = self.wires.get(&wire).and_then(|facts| facts.session) else { return Ok(()) };
        let session = &mut self.sessions[index];
        if session.wire != Some(wire) {
            return Ok(());
        }
        if let Some(handed_on) = session.handed_on {
            return self.hold(count <= handed_on.sent + 1, Property::Isolation, || {
                format!("{wire} gets frame {count} of session {index}, which another client has: {handed_on:?}")
            });
        }
        session.sent = count;
        if session.sent > session.acked {
            session.unacked_since.get_or_insert(now);
        }
        Ok(())
    }

    /// Nobody has left something unacknowledged for longer than it may, when the hub has nothing to do. That is two
    /// stall times, because a session is looked at that often, and one more while it is paused.
    pub(in crate::sim) fn check_stalls(&self) -> Result<(), Violation> {
        for session in self.current.values() {
            let session = &self.sessions[*session];
            let Some(since) = session.unacked_since.filter(|_| !session.is_detached) else { continue };
            let until = (since + self.limits.stall_time_max * 3).max(self.leapt_to) + STALL_TIME_MORE;
            self.hold(self.now <= until, Property::Bounds, || {
                format!("device {} is still there, but has acknowledged nothing since {since}", session.device)
            })?;
        }
        Ok(())
    }

    /// A connection has brought something that the hub was not given before, or has not taken before.
    pub(in crate::sim) fn heard(&mut self, wire: WireId) {
        let Some(session) = self.wires.get(&wire).and_then(|facts| facts.session) else { return };
        let (session, now) = (&mut self.sessions[session], self.now);
        if session.wire == Some(wire) {
            session.heard_at = now;
        }
    }

    /// Its connection has brought something lately: its client is there.
    fn is_heard(&self, session: usize) -> bool {
        let lately = (self.limits.idle_time_max / 2).min(self.limits.stall_time_max / 2);
        self.now - self.sessions[session].heard_at <= lately
    }

    /// A session was detached as one whose client says nothing.
    pub(super) fn check_silent(&self, session: usize, reason: CloseReason) -> Result<(), Violation> {
        self.hold(reason != CloseReason::TimedOut || !self.is_heard(session), Property::Isolation, || {
            format!("session {session} was heard at {}, and its client is not there", self.sessions[session].heard_at)
        })
    }

    /// What the answer to a request takes, at the most, is the doing of whoever asks.
    pub(super) fn owes(&mut self, session: usize, request: &Request) {
        let bytes = match request {
            Request::Who | Request::Roster { .. } | Request::Subscriptions { .. } => {
                self.limits.frame_bytes_max().into()
            }
            Request::Watch { names } => names.len() as u64 * NAME_BYTES_MAX,
            _ => 0,
        };
        self.sessions[session].own_bytes += bytes + ANSWER_BYTES_MAX;
        // What its user moves, and what becomes of its messages, the user's other sessions are told as well.
        if self.devices > 1 && matches!(request, Request::Join { .. } | Request::Leave { .. } | Request::Send { .. }) {
            let siblings = self.stays[self.sessions[session].stay].sessions.clone();
            for sibling in siblings.into_iter().filter(|sibling| *sibling != session) {
                self.sessions[sibling].own_bytes += 2 * ANSWER_BYTES_MAX;
            }
        }
    }

    /// All sessions of a user are told that the program has moved it.
    pub(super) fn owes_move(&mut self, stay: usize) {
        for session in self.stays[stay].sessions.clone() {
            self.sessions[session].own_bytes += 2 * ANSWER_BYTES_MAX;
        }
    }

    /// A session that begins is told in which rooms its user is.
    pub(super) fn owes_rooms(&mut self, session: usize) {
        self.sessions[session].own_bytes += self.rooms_of(session).count() as u64 * ANSWER_BYTES_MAX;
    }

    /// A session was ended as one that leaves too much unread: it has left something unacknowledged for the stall time
    /// while it was connected and heard, or its own answers have used up its reserve. Where a few of them can use up
    /// what there is for all, it may be one that only has something unread.
    pub(super) fn check_slow(&self, session: usize) -> Result<(), Violation> {
        let limits = &self.limits;
        let Session { user, is_detached, caught, heard_at, own_bytes, .. } = &self.sessions[session];
        let has_stalled = !is_detached && caught.at + limits.stall_time_max <= self.now && self.is_heard(session);
        let own = own_bytes - caught.own_bytes;
        let has_asked = own > u64::from(limits.outbox_bytes_max / 4);
        let all = limits.outbox_bytes_hard_max() as u64 * self.sessions_max() as u64;
        let is_short = limits.buffer_bytes_max.min(limits.origin_buffer_bytes_max) < all;
        self.hold(has_stalled || has_asked || (is_short && caught.at < self.now), Property::Isolation, || {
            format!(
                "user {user} is ended as slow, heard at {heard_at}, but owes nothing from before {}, and {own} bytes to \
                 itself",
                caught.at
            )
        })
    }
}

impl Session {
    /// Looks at how far the acknowledgements have come.
    pub(super) fn catch_up(&mut self, now: Instant) {
        self.unacked_since = (self.sent > self.acked).then_some(now);
        self.forget_acknowledged();
    }

    /// The last write that is acknowledged whole is the one it has caught up with.
    fn forget_acknowledged(&mut self) {
        while let Some(caught) = self.written.front().copied().filter(|caught| caught.count <= self.acked) {
            self.caught = caught;
            self.written.pop_front();
        }
    }
}
