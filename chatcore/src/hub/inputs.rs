//! What a driver tells a hub: what came over a connection, what its transport did, the time, and what the operator
//! wants.

use super::conn::ConnState;
use super::conn_id::{ConnId, UnknownConn};
use super::event::CloseReason;
use super::ordered::{Answer, TimerAction};
use super::parts::Hub;
use super::requests::Handled;
use super::shutdown::ShuttingDown;
use super::timers::TimerKey;
use super::work::{self, Budget, SLICE_WORK_MAX, Work};
use crate::received::Received;
use crate::reconnect::Reconnect;
use crate::time::Instant;
use crate::wire::{self, Ping};

/// Events that may wait for the driver before the hub takes no more from sessions.
const UNDRAINED_MAX: usize = 65_536;

/// Bytes of a read that ends no frame and is paid for with its frame: that one costs a unit for each whole KiB of its
/// body.
const PAID_READ_BYTES: usize = 1 << 10;

/// What a read of this many bytes costs if no frame ends with them, for [`Hub::charge`], in the units of protocol.md,
/// *Cost*: a unit. What is longer than 1 KiB costs nothing by itself, because its frame does when it ends.
///
/// ```
/// assert_eq!([0, 1, 1_023, 1_024].map(chatcore::cost_of_read), [0, 1, 1, 0]);
/// ```
pub const fn cost_of_read(bytes: usize) -> u32 {
    if 0 < bytes && bytes < PAID_READ_BYTES { 1 } else { 0 }
}

impl Hub {
    /// Takes bytes that have arrived on a connection. The call advances `input` past the bytes that it used. The caller
    /// keeps the rest, and gives it again in front of the bytes that arrive next. The rest is
    ///
    /// - with [`Received::NeedInput`] the start of a frame that is not whole: at most
    ///   [`Limits::frame_bytes_max`](crate::Limits::frame_bytes_max) + 4 bytes;
    /// - with [`Received::More`] and [`Received::Paused`] everything beyond the work of one call or the cost that the
    ///   session's rate allows.
    ///
    /// A connection counts as silent while only bytes come in that it left before. While more than 65 536 events wait
    /// for [`poll_event`](Self::poll_event), the call uses nothing and returns [`Received::More`].
    ///
    /// # Errors
    ///
    /// [`UnknownConn`] if the hub does not know the connection, or knows it no more.
    pub fn receive(&mut self, now: Instant, conn: ConnId, input: &mut &[u8]) -> Result<Received, UnknownConn> {
        self.clock(now);
        let ConnState::Open(index) = *self.ordered.sessions().conn_state(conn)? else {
            (*input, self.last_cost) = (&[], 0);
            return Ok(Received::Closed);
        };
        let sessions = self.ordered.sessions();
        let is_undrained = sessions.events.len() > UNDRAINED_MAX;
        let frame_bytes_max = sessions.limits.frame_bytes_max();
        let (work_max, cost_max) = sessions.work_and_cost_max(index);
        let mut budget = Budget::new(work_max, cost_max);
        self.prefetch.forget_frames();
        let before = input.len();
        let outcome = loop {
            if budget.is_spent() || is_undrained {
                break Received::More;
            }
            self.prefetch.recipients(self.ordered.sessions(), input);
            let mut rest = *input;
            match wire::take(&mut rest, frame_bytes_max).and_then(|content| match content {
                Some(content) => self.handle(index, content, &mut budget).map(Some),
                None => Ok(None),
            }) {
                Ok(Some(Handled::Done)) => *input = rest,
                Ok(Some(Handled::Later)) => break Received::More,
                Ok(Some(Handled::Ended)) => break Received::Closed,
                Ok(None) => break Received::NeedInput,
                Err(_) if !self.ordered.has_room(&mut budget) => break Received::More,
                Err(error) => {
                    self.end(index, CloseReason::ProtocolError(error));
                    break Received::Closed;
                }
            }
            if self.ordered.sessions().has_marked() {
                budget.work_for_others(|work| self.end_marked(work));
                if !matches!(self.ordered.sessions().conn_state(conn), Ok(ConnState::Open(_))) {
                    break Received::Closed;
                }
            }
        };
        self.note_work(budget.work());
        self.last_cost = budget.cost();
        let (sessions, _) = self.ordered.unordered();
        if outcome == Received::Closed {
            *input = &[];
            // The session is no more, and its origin pays for what it has left behind.
            if let Ok(ConnState::Closing(closing)) = sessions.conn_state(conn) {
                let account = closing.share.account();
                sessions.origins.charge(sessions.now, account, budget.cost(), &sessions.origin_pace);
            }
            return Ok(outcome);
        }
        sessions.received(index, before, input.len());
        let mut until = sessions.charge(index, budget.cost());
        if self.questions.is_on() {
            until = self.pause_for_answers(index, until);
        }
        Ok(until.map_or(outcome, |until| Received::Paused { until }))
    }

    /// The cost of the frames that the last [`receive`](Self::receive) took, and of what was
    /// [charged](Self::charge) since, in the units of protocol.md, *Cost*. The
    /// hub counts it whether [`Limits::session_rate`](crate::Limits::session_rate) bounds it or not. A fair driver
    /// serves connections that cost little first.
    pub const fn last_cost(&self) -> u32 {
        self.last_cost
    }

    /// Tells that the driver keeps this many bytes of a connection's input, beyond what it gave to
    /// [`receive`](Self::receive) last. That call counts what it leaves: so this is only for a driver that gives its
    /// input in pieces. The bytes count as [`Memory::partial`](crate::Memory::partial), and in the shares of the
    /// session and its origin, until the next [`receive`](Self::receive).
    ///
    /// # Errors
    ///
    /// [`UnknownConn`] if the hub does not know the connection, or knows it no more.
    pub fn note_kept(&mut self, conn: ConnId, bytes: usize) -> Result<(), UnknownConn> {
        let (sessions, _) = self.ordered.unordered();
        if let ConnState::Open(index) = *sessions.conn_state(conn)? {
            sessions.set_leftover(index, bytes);
        }
        Ok(())
    }

    /// Charges a session, and its origin, for work that no frame pays for: a read that ends no frame
    /// ([`cost_of_read`]), or what carries the stream, such as records of TLS with little in them. A connection that is
    /// closing costs its origin alone. `cost` is in the units of protocol.md, *Cost*, and
    /// [`last_cost`](Self::last_cost) includes it from now on.
    ///
    /// If the session or its origin has used up its rate, the call returns a time. The driver does then as after
    /// [`Received::Paused`]: it reads nothing more from the connection until that time.
    ///
    /// # Errors
    ///
    /// [`UnknownConn`] if the hub does not know the connection, or knows it no more.
    ///
    /// ```
    /// use chatcore::{Client, ClientConfig, Handshake, Hub, Instant, Limits, Rate, cost_of_read};
    ///
    /// let now = Instant::from_millis(1);
    /// let session_rate = Rate { per_s: 1, burst: 2 };
    /// let mut hub = Hub::new(Limits::default().with_session_rate(session_rate), [7; 32]);
    /// let mut client = Client::new(now, ClientConfig::default(), 7);
    /// client.register(now, "alice", b"")?;
    /// let opening = client.transmit().concat();
    /// let registration = Handshake::new(now, hub.limits()).receive(now, &mut &opening[..]).unwrap().unwrap();
    /// let conn = hub.admit(now, registration).unwrap();
    ///
    /// // The first byte of a frame, and then the second and the third.
    /// for (has_arrived, is_paused) in [(&[20][..], false), (&[20, 0], false), (&[20, 0, 0], true)] {
    ///     hub.receive(now, conn, &mut &*has_arrived).unwrap();
    ///     assert_eq!(hub.charge(now, conn, cost_of_read(1)).unwrap().is_some(), is_paused);
    /// }
    /// # Ok::<(), chatcore::ClientError>(())
    /// ```
    pub fn charge(&mut self, now: Instant, conn: ConnId, cost: u32) -> Result<Option<Instant>, UnknownConn> {
        self.clock(now);
        let (sessions, _) = self.ordered.unordered();
        let index = match sessions.conn_state(conn)? {
            ConnState::Open(index) => *index,
            ConnState::Closing(closing) => {
                let account = closing.share.account();
                return Ok(sessions.origins.charge(sessions.now, account, cost, &sessions.origin_pace));
            }
        };
        self.last_cost = self.last_cost.saturating_add(cost);
        let was_paused = sessions[index].is_paused;
        let until = sessions.charge(index, cost);
        // It may wait for something else than its rate.
        sessions[index].is_paused |= was_paused;
        Ok(until)
    }

    /// Reports that this many bytes of [`transmit`](Self::transmit) are on their way: the driver has given them to a
    /// transport that tells later what became of them, such as a channel to a writer, or a queue of the system. Call
    /// this before any other input: an input may change what is to be written. From now on [`transmit`](Self::transmit)
    /// gives what follows these bytes, and they count as sent: the peer may acknowledge them, and if the connection
    /// breaks they may have arrived.
    ///
    /// When the transport has taken them, report them to [`transmitted`](Self::transmitted), as late as you like, in
    /// pieces of any size. Until then the hub gives no [`Action::Close`](crate::Action::Close) for the connection,
    /// unless [`Limits::flush_time_max`](crate::Limits::flush_time_max) is over.
    ///
    /// # Errors
    ///
    /// [`UnknownConn`] if the hub does not know the connection, or knows it no more.
    ///
    /// # Panics
    ///
    /// If `count` is more than [`transmit`](Self::transmit) gave, or if 4 GiB are on their way and not reported.
    ///
    /// ```
    /// use chatcore::{Action, Client, ClientConfig, Handshake, Hub, Instant, Limits};
    ///
    /// let now = Instant::ZERO;
    /// let mut hub = Hub::new(Limits::default(), [7; 32]);
    /// let mut client = Client::new(now, ClientConfig::default(), 7);
    /// client.register(now, "alice", b"")?;
    /// let arrived = client.transmit().concat();
    /// # client.transmitted(now, arrived.len());
    /// let registration = Handshake::new(now, hub.limits()).receive(now, &mut &arrived[..])?.expect("it is whole");
    /// let conn = hub.admit(now, registration)?;
    ///
    /// let bytes = hub.transmit(conn).concat();
    /// hub.transmitting(now, conn, bytes.len())?;
    /// assert!(hub.transmit(conn).is_empty(), "what comes next is not there yet");
    /// // The transport works, and the client has answered before it tells that it is done.
    /// let _ = client.receive(now, &mut &bytes[..]);
    /// # while client.poll_event().is_some() {}
    /// client.close(now);
    /// let _ = hub.receive(now, conn, &mut &client.transmit().concat()[..])?;
    /// let rest = hub.transmit(conn).bytes();
    /// hub.transmitting(now, conn, rest)?;
    /// assert!(!std::iter::from_fn(|| hub.poll_action()).any(|action| matches!(action, Action::Close { .. })));
    /// // Now it tells.
    /// hub.transmitted(now, conn, bytes.len() + rest)?;
    /// assert!(matches!(hub.poll_action(), Some(Action::Close { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn transmitting(&mut self, now: Instant, conn: ConnId, count: usize) -> Result<(), UnknownConn> {
        self.clock(now);
        let (sessions, _) = self.ordered.unordered();
        let index = sessions.conn_index(conn)?;
        sessions.transmitting(index, count);
        Ok(())
    }

    /// Reports that the transport, or a buffer in front of it, took this many bytes: first of those that are on their
    /// way ([`transmitting`](Self::transmitting)), if there are any, and then of [`transmit`](Self::transmit). For the
    /// latter call this before any other input: an input may change what is to be written.
    ///
    /// # Errors
    ///
    /// [`UnknownConn`] if the hub does not know the connection, or knows it no more. After a close or a disconnect this
    /// is no bug of a driver that reports late.
    ///
    /// # Panics
    ///
    /// If `count` is more than that.
    pub fn transmitted(&mut self, now: Instant, conn: ConnId, count: usize) -> Result<(), UnknownConn> {
        self.clock(now);
        let (sessions, _) = self.ordered.unordered();
        let index = sessions.conn_index(conn)?;
        if sessions.transmitted(index, count) {
            sessions.finish_conn(index);
        }
        Ok(())
    }

    /// Reports that the transport is gone: the peer closed it, or it broke. The hub does not know the id from now on,
    /// and gives no [`Action::Close`](crate::Action::Close) for it. The session waits for another connection, for
    /// [`Limits::resume_time_max`](crate::Limits::resume_time_max), if there is room for it (protocol.md, *Sessions*).
    ///
    /// # Errors
    ///
    /// [`UnknownConn`] if the hub does not know the connection, or knows it no more.
    pub fn disconnect(&mut self, now: Instant, conn: ConnId) -> Result<(), UnknownConn> {
        self.clock(now);
        let (sessions, _) = self.ordered.unordered();
        let index = sessions.conn_index(conn)?;
        match sessions.conns()[index].state {
            ConnState::Open(session) => {
                sessions.remove_conn(index);
                self.detach(session, CloseReason::Disconnected);
            }
            ConnState::Closing(_) => self.remove_closing(index),
        }
        Ok(())
    }

    /// Does what is due. Call it when the time of [`poll_timeout`](Self::poll_timeout) has come. After that,
    /// [`poll_timeout`](Self::poll_timeout) gives a later time; or the same again, if more is due than one call does.
    ///
    /// Give the hub what the transports have first. Otherwise a driver that slept for long times out peers whose bytes
    /// have arrived and wait to be read.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.clock(now);
        let mut work = Work::new(SLICE_WORK_MAX);
        while !work.is_spent() && !self.ordered.rooms().is_full() {
            let (sessions, _) = self.ordered.unordered();
            let Some((_, key)) = sessions.timers.pop(sessions.now) else { break };
            work.spend(1);
            match key {
                TimerKey::Conn(index) => {
                    sessions.conn_timer(index);
                    sessions.finish_conn(index);
                }
                TimerKey::Session(index) => work.spend(self.handle_session_timer(index)),
                TimerKey::Presence(group) => self.presence.handle_timer(sessions, group),
                TimerKey::Question(id) => self.question_timer(id),
                TimerKey::Answered(session) => self.questions.make_ready(session),
            }
        }
        self.note_work(work.spent());
        self.advance(SLICE_WORK_MAX);
    }

    fn handle_session_timer(&mut self, index: usize) -> u32 {
        let (sessions, _) = self.ordered.unordered();
        match sessions.check_timers(index) {
            TimerAction::Nothing => {
                sessions.arm(index);
                // Others may have made room for it.
                if sessions[index].is_lagging {
                    return self.catch_up(index);
                }
            }
            TimerAction::Ping => {
                let nonce = sessions.now.as_nanos();
                sessions.answer(index, Answer::Ping(Ping { nonce }));
                sessions.arm(index);
            }
            TimerAction::Detach(reason) => {
                // What it holds may be moved, and the frames of one segment are looked at.
                let work = work::of_bytes(4 * sessions[index].outbox().kept_bytes());
                self.detach(index, reason);
                return work;
            }
            TimerAction::End(reason) => return self.end_with_hint(index, reason, None),
        }
        1
    }

    // ---- what the operator wants ----

    /// Stops the hub: it ends every session with a goodbye, and refuses every registration from now on. The hint tells
    /// the clients when, and perhaps where, to connect again; without one, they look for the hub as after a break. The
    /// hub leaves out an address of more than [`DETAIL_BYTES_MAX`](crate::DETAIL_BYTES_MAX) bytes. A second call does
    /// nothing.
    ///
    /// The hub has stopped when [`users`](Self::users) and [`connections`](Self::connections) are zero. Drain the
    /// actions and call [`handle_timeout`](Self::handle_timeout) until then. Once the sessions have ended, this takes
    /// [`Limits::flush_time_max`](crate::Limits::flush_time_max) at the most.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use chatcore::{Hub, Instant, Limits, Reconnect};
    ///
    /// let mut hub = Hub::new(Limits::default(), [7; 32]);
    /// hub.shut_down(Instant::ZERO, Some(&Reconnect::new(Duration::from_secs(5))));
    /// while hub.users() > 0 || hub.connections() > 0 {
    ///     // go on with the driver's loop
    /// }
    /// # assert_eq!(hub.poll_timeout(), None);
    /// ```
    pub fn shut_down(&mut self, now: Instant, reconnect: Option<&Reconnect>) {
        self.clock(now);
        let (sessions, _) = self.ordered.unordered();
        if !core::mem::replace(&mut sessions.is_shutting_down, true) {
            self.shutting_down = Some(ShuttingDown::new(reconnect));
            self.note_seldom_pending();
            self.advance(SLICE_WORK_MAX);
        }
    }
}
