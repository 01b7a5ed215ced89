//! What a driver asks a hub for: events, actions, bytes, and the next deadline.

use core::mem;

use super::action::Action;
use super::conn::ConnState;
use super::conn_id::{ConnId, UnknownConn};
use super::event::HubEvent;
use super::parts::Hub;
use super::work::{SLICE_WORK_MAX, Work};
use crate::outbox::Chunks;
use crate::time::Instant;

/// Actions that go between two slices of what a hub does by itself, at the most.
const BEFORE_SLICE_MAX: u32 = 8;

impl Hub {
    /// The next event; none if there is no further one. A driver that uses the events drains them before it carries out
    /// an action, because the action may drop a connection that an event names. A driver that does not use them drains
    /// and drops them: while more than 65 536 wait, [`receive`](Self::receive) takes nothing. Calls of the program
    /// itself, such as [`admit`](Self::admit) and [`rename`](Self::rename), are not refused then, and their events come
    /// on top.
    pub fn poll_event(&mut self) -> Option<HubEvent> {
        self.ordered.unordered().0.events.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); none if nothing will be due. While the hub has slices of
    /// work left, this is now: see [`poll_action`](Self::poll_action). The call is cheap.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let sessions = self.ordered.sessions();
        if self.has_pending() { Some(sessions.now) } else { sessions.timers.first() }
    }

    /// The bytes to write to a connection, borrowed from the hub. Report to [`transmitted`](Self::transmitted) how many
    /// of them the transport took, or to [`transmitting`](Self::transmitting) that it will. Empty for a connection that
    /// the hub does not know.
    pub fn transmit(&self, conn: ConnId) -> Chunks<'_> {
        let sessions = self.ordered.sessions();
        match sessions.conn_state(conn) {
            Ok(ConnState::Open(index)) => sessions[*index].outbox().transmit(),
            Ok(ConnState::Closing(closing)) => closing.outbox.transmit(),
            Err(_) => Chunks::of(&[]),
        }
    }

    /// Whether the hub has slices of its own work left, such as the rest of a fan-out. While it has, a fair driver
    /// takes no input from connections that cost much.
    pub fn is_behind(&self) -> bool {
        self.has_pending()
    }

    /// Whether connections wait for an [`Action::Write`] that most likely have little to be written. While some do, a
    /// fair driver writes long outboxes in pieces, and goes on with the rest later.
    pub fn has_short_writes(&self) -> bool {
        self.ordered.sessions().has_writes()
    }

    // ---- what the driver must do, and in which order ----

    /// The next action; none if there is nothing for the driver to do at present. If slices of the hub's own work are
    /// left and no action goes before them, the call does one slice.
    ///
    /// None does not mean that the hub has done everything: a slice may bring forth no action, and others may be left.
    /// The hub does them only when it is called. So a driver asks [`poll_timeout`](Self::poll_timeout) before it waits:
    ///
    /// ```
    /// use chatcore::{Action, Hub, Instant, Limits, UnknownConn};
    /// # use chatcore::{Client, ClientConfig, Handshake, QuotaKey};
    ///
    /// /// Returns until when to wait for the transports: none for any time.
    /// fn turn(now: Instant, hub: &mut Hub) -> Result<Option<Instant>, UnknownConn> {
    ///     // First the hub gets what the transports have, and then its actions are carried out.
    ///     loop {
    ///         let action = hub.poll_action();
    ///         // Events are handled before the action, or dropped as here: they do not wait without bound.
    ///         while hub.poll_event().is_some() {}
    ///         match action {
    ///             Some(Action::Write { conn }) => hub.transmitted(now, conn, hub.transmit(conn).bytes())?,
    ///             Some(Action::Close { .. }) => {} // of the transport
    ///             None => break,
    ///         }
    ///     }
    ///     match hub.poll_timeout() {
    ///         Some(due) if due <= now => {
    ///             hub.handle_timeout(now);
    ///             Ok(Some(now)) // do not wait: there may be more to do
    ///         }
    ///         later => Ok(later),
    ///     }
    /// }
    ///
    /// # let now = Instant::ZERO;
    /// # let mut hub = Hub::new(Limits::default(), [7; 32]);
    /// # for number in 0..3_000 {
    /// #     let mut client = Client::new(now, ClientConfig::default(), 7);
    /// #     client.register(now, &format!("user{number}"), b"")?;
    /// #     let arrived = client.transmit().concat();
    /// #     client.transmitted(now, arrived.len());
    /// #     let registration = Handshake::new(now, hub.limits()).receive(now, &mut &arrived[..])?.expect("it is whole");
    /// #     let conn = hub.admit(now, registration.with_origin(QuotaKey(number)))?;
    /// #     let welcome = hub.transmit(conn).concat();
    /// #     hub.transmitted(now, conn, welcome.len())?;
    /// #     let _ = client.receive(now, &mut &welcome[..]);
    /// #     let _ = hub.receive(now, conn, &mut &client.transmit().concat()[..])?;
    /// #     hub.disconnect(now, conn)?;
    /// # }
    /// // The connections of 3 000 users are gone, and the hub stops: so nothing is to be written, and much is to be done.
    /// hub.shut_down(now, None);
    /// assert_eq!((hub.poll_action(), hub.is_behind()), (None, true));
    /// while turn(now, &mut hub)? == Some(now) {}
    /// assert_eq!((hub.users(), hub.is_behind(), hub.poll_event()), (0, false, None));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn poll_action(&mut self) -> Option<Action> {
        self.forget_work();
        if let Some(ready) = self.ready_action() {
            return Some(ready);
        }
        self.advance(SLICE_WORK_MAX);
        loop {
            if !self.delivery.replies.is_empty() {
                let mut work = Work::new(SLICE_WORK_MAX);
                self.delivery.replies.flush(self.ordered.unordered().0, &mut work);
                self.note_work(work.spent());
            }
            let action = self.next_action();
            if action.is_some() || self.delivery.replies.is_empty() {
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
        self.delivery.replies.is_empty()
    }

    /// What is ready to be done while something is pending: a little goes between two slices of that, so that few wait
    /// for what goes to many.
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
                    sessions.flush_acks(index);
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
