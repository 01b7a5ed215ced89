//! The server's end once there are names: sessions, routing, and what the driver must do about them.

mod action;
mod admission;
mod ahead;
mod circles;
mod conn_id;
mod deadlines;
mod directory;
mod ending;
mod event;
mod link;
mod parked;
mod presence;
mod rooms;
mod routing;
mod secrets;
mod session;
mod speaker;

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use slab::Slab;

pub use self::action::Action;
use self::ahead::Ahead;
use self::circles::Circles;
pub use self::conn_id::{ConnId, UnknownConn};
use self::deadlines::{Deadlines, Whose};
use self::directory::Directory;
pub use self::event::{CloseReason, HubEvent};
use self::link::{Link, Role};
use self::parked::Parked;
use self::rooms::Said;
use self::secrets::Secrets;
use self::session::{Due, Session};
use self::speaker::Speaker;
use crate::handshake::{Refusal, Registration};
use crate::limits::Limits;
use crate::name::UserName;
use crate::outbox::{Chunks, Pool};
use crate::received::Received;
use crate::time::Instant;
use crate::wire::{self, Ack, Head, HubMessage, MessageId, Ping, ReconnectHint};

/// The server's end of every connection that has a name: sessions and the routing between them.
///
/// The methods come in families, and **whatever goes in, the actions are drained before the driver waits
/// again**:
///
/// 1. *What happened*: [`admit`](Self::admit), [`receive`](Self::receive),
///    [`transmitted`](Self::transmitted), [`disconnect`](Self::disconnect),
///    [`handle_timeout`](Self::handle_timeout). Any number of them may come before the actions are drained:
///    batches are how it gets fast.
/// 2. *What the operator wants*: [`kick`](Self::kick), [`shut_down`](Self::shut_down).
/// 3. *What is to be done*: [`poll_action`](Self::poll_action) until it is empty, with
///    [`transmit`](Self::transmit) for the bytes of a connection; then wait until
///    [`poll_timeout`](Self::poll_timeout) at the latest. A driver that has more to take in already may drain
///    [`poll_urgent_action`](Self::poll_urgent_action) in between.
///
/// A peer's faults never come back as an error: its connection is told and closed, and the driver hears of
/// it as [`HubEvent::SessionEnded`] and [`Action::Close`]. The only error is the driver's own: a connection that is
/// not there ([`UnknownConn`]). A broken invariant panics with its reason.
///
/// The same inputs with the same seed give the same outputs, byte for byte.
#[derive(Debug)]
pub struct Hub {
    limits: Limits,
    now: Instant,
    /// What the clock of the world says at the driver's epoch, in milliseconds since 1970.
    unix_epoch_ms: u64,
    /// The lowest id of a message that is accepted now.
    lowest_id: MessageId,
    secrets: Secrets,
    links: Slab<Link>,
    sessions: Slab<Session>,
    directory: Directory,
    rooms: Circles,
    /// Those who watch a name, by that name.
    watches: Circles,
    parked: Parked,
    /// Buffers for all outboxes.
    pool: Pool,
    deadlines: Deadlines,
    /// Connections that the driver is to close.
    closes: VecDeque<(ConnId, CloseReason)>,
    events: VecDeque<HubEvent>,
    /// Connections of which the driver is to be told that there is something to write, after the other actions.
    writes: VecDeque<ConnId>,
    /// What was said in a room, and is not with its members yet.
    said: Said,
    ahead: Ahead,
    speaker: Speaker,
    /// Sessions that are owed an acknowledgement when the batch ends.
    owed: Vec<usize>,
    /// Sessions that end when the present input is done.
    doomed: Vec<usize>,
    conns_ever: u32,
    message_id: MessageId,
    shutting_down: bool,
}

impl Hub {
    /// An empty hub. From the seed come the tokens of its sessions and the keys of its hashes: take it from the
    /// system's source of randomness, and in a test from wherever the test can repeat it.
    ///
    /// Panics if the limits do not fit together: [`Limits::check`] tells beforehand.
    pub fn new(limits: Limits, seed: [u8; 32]) -> Self {
        if let Err(error) = limits.check() {
            panic!("{error}");
        }
        let mut secrets = Secrets::new(seed);
        let key = secrets.draw();
        Self {
            limits,
            now: Instant::ZERO,
            unix_epoch_ms: 0,
            lowest_id: MessageId(0),
            secrets,
            links: Slab::new(),
            sessions: Slab::new(),
            directory: Directory::new(key),
            rooms: Circles::new(key),
            watches: Circles::new(key),
            parked: Parked::default(),
            pool: Pool::default(),
            deadlines: Deadlines::default(),
            closes: VecDeque::new(),
            events: VecDeque::new(),
            writes: VecDeque::new(),
            said: Said::default(),
            ahead: Ahead::default(),
            speaker: Speaker::default(),
            owed: Vec::new(),
            doomed: Vec::new(),
            conns_ever: 0,
            message_id: MessageId(0),
            shutting_down: false,
        }
    }

    /// Says what the world's clock showed at [`Instant::ZERO`], counted from 1970-01-01 UTC: the time in the ids of
    /// messages is counted from there. Without this, from the driver's epoch.
    #[must_use]
    pub fn with_unix_epoch(self, unix_epoch: Duration) -> Self {
        let unix_epoch_ms = u64::try_from(unix_epoch.as_millis()).unwrap_or(u64::MAX);
        Self { unix_epoch_ms, lowest_id: MessageId::first_of(unix_epoch_ms), ..self }
    }

    /// The limits it was made with.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Names that are held: sessions, connected or waiting to be resumed.
    pub fn users(&self) -> usize {
        self.sessions.len()
    }

    /// What is counted is what there is.
    #[cfg(feature = "sim")]
    pub(crate) fn audit(&self) -> Result<(), &'static str> {
        let parked = || self.sessions.iter().map(|(_, session)| session).filter(|session| session.is_parked());
        let bytes: usize = parked().map(|session| session.outbox.kept_bytes()).sum();
        if (parked().count(), bytes as u64) != self.parked.totals() {
            return Err("the count of what is kept for sessions without a connection is wrong");
        }
        // It was parked with twice what was needed at the most, and what it grows by is twice as large at the most.
        if parked().any(|session| session.outbox.held_bytes() > 4096 + 6 * session.outbox.kept_bytes()) {
            return Err("a session without a connection has more memory than what is kept for it needs");
        }
        Ok(())
    }

    /// Rooms that have members.
    pub fn rooms(&self) -> usize {
        self.rooms.len()
    }

    /// Connections that the driver has not been told to close yet, those included that are written out.
    pub fn connections(&self) -> usize {
        self.links.len()
    }

    /// The name of a connection; none once it is closing.
    pub fn name(&self, conn: ConnId) -> Option<&UserName> {
        match self.index(conn).map(|link| &self.links[link].role) {
            Ok(Role::Session(session)) => Some(&self.sessions[*session].name),
            _ => None,
        }
    }

    // ---- what happened ----

    /// Lets a client in under the name it asked for, or goes on with its session. The refusal is for
    /// [`Handshake::refuse`](crate::Handshake::refuse), and the client may then try again.
    pub fn admit(&mut self, now: Instant, registration: Registration) -> Result<ConnId, Refusal> {
        self.clock(now);
        let decision = self.decide(registration);
        self.end_doomed();
        decision
    }

    /// Takes what has arrived from a connection. `input` is advanced by what was used; the start of a frame
    /// that is not whole stays with the caller, at most [`Limits::frame_bytes_max`] + 4 bytes.
    pub fn receive(&mut self, now: Instant, conn: ConnId, input: &mut &[u8]) -> Result<Received, UnknownConn> {
        self.clock(now);
        let link = self.index(conn)?;
        if let Role::Session(index) = self.links[link].role
            && !input.is_empty()
        {
            self.sessions[index].liveness.hear(self.now);
        }
        let frame_bytes_max = self.limits.frame_bytes_max();
        self.ahead.forget_frames();
        while let Role::Session(index) = self.links[link].role {
            self.look_ahead(input);
            let handled = match wire::take(input, frame_bytes_max) {
                Ok(Some(content)) => self.handle(index, content),
                Ok(None) => return Ok(Received::NeedInput),
                Err(fault) => Err(fault),
            };
            if let Err(fault) = handled {
                self.end(index, CloseReason::Fault(fault));
            }
            if !self.doomed.is_empty() {
                self.end_doomed();
            }
        }
        *input = &[];
        Ok(Received::Closed)
    }

    /// The transport, or a buffer in front of it, has taken this many bytes of [`transmit`](Self::transmit). To be said
    /// before anything else goes into the hub, because that may change what is to be written. Panics if it was given
    /// fewer.
    pub fn transmitted(&mut self, now: Instant, conn: ConnId, count: usize) -> Result<(), UnknownConn> {
        self.clock(now);
        let link = self.index(conn)?;
        match &mut self.links[link].role {
            Role::Session(index) => self.sessions[*index].outbox.transmitted(count, &mut self.pool),
            Role::Farewell(farewell) => {
                farewell.outbox.transmitted(count, &mut self.pool);
                if farewell.outbox.is_written() && !farewell.is_over {
                    self.finish(link);
                    self.end_doomed();
                }
            }
        }
        Ok(())
    }

    /// The transport is gone: closed by the peer, or broken. The id is unknown from now on. The session waits for
    /// another connection.
    pub fn disconnect(&mut self, now: Instant, conn: ConnId) -> Result<(), UnknownConn> {
        self.clock(now);
        let link = self.index(conn)?;
        match self.unlink(link) {
            Role::Session(index) => self.park(index, CloseReason::Disconnected),
            Role::Farewell(farewell) if farewell.is_over => {}
            Role::Farewell(farewell) => self.report(farewell.heir.as_ref(), &farewell.outbox),
        }
        self.end_doomed();
        Ok(())
    }

    /// The time has come that [`poll_timeout`](Self::poll_timeout) gave. Afterwards it gives a later one.
    ///
    /// Take in what the transports have first: a driver that slept long would otherwise time out peers whose
    /// signs of life are waiting.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.clock(now);
        while let Some(whose) = self.deadlines.due(self.now) {
            match whose {
                Whose::Link(link) => self.finish(link),
                Whose::Session(index) => match self.sessions[index].look(self.now, &self.limits) {
                    Due::Nothing => self.arm_session(index),
                    Due::Ping => {
                        let nonce = self.now.as_nanos();
                        self.notify(index, &HubMessage::Ping(Ping { nonce }));
                        self.arm_session(index);
                    }
                    Due::Silent => self.park(index, CloseReason::TimedOut),
                    Due::SlowConsumer => self.end(index, CloseReason::SlowConsumer),
                    Due::Expired => self.end(index, CloseReason::Expired),
                },
            }
            self.end_doomed();
        }
    }

    // ---- what the operator wants ----

    /// Ends a user's session with a goodbye. False if nobody has the name.
    pub fn kick(&mut self, now: Instant, name: &UserName) -> bool {
        self.clock(now);
        let found = self.directory.find(name.as_bytes(), &self.sessions);
        if let Some(index) = found {
            self.end(index, CloseReason::Kicked);
            self.end_doomed();
        }
        found.is_some()
    }

    /// Ends every session with a goodbye, and admits nobody from now on. The hint tells the clients when, and
    /// perhaps where, to connect again; an address of more than
    /// [`DETAIL_BYTES_MAX`](crate::DETAIL_BYTES_MAX) bytes is left out. Everything is over when [`connections`](Self::connections) is zero,
    /// after [`Limits::flush_time_max`] at the latest.
    pub fn shut_down(&mut self, now: Instant, reconnect: Option<ReconnectHint<'_>>) {
        self.clock(now);
        self.shutting_down = true;
        let reconnect = reconnect.map(ReconnectHint::bounded);
        // Sessions without a connection first: their messages are lost, and the senders can still be told.
        let mut order: Vec<(bool, usize)> =
            self.sessions.iter().map(|(index, session)| (!session.is_parked(), index)).collect();
        order.sort_unstable();
        for (_, index) in order {
            if self.sessions.contains(index) {
                self.end_with_hint(index, CloseReason::ShuttingDown, reconnect);
            }
            self.end_doomed();
        }
    }

    // ---- what is to be done ----

    /// The next thing to do; none when all is done.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.spread_said();
        // Who ends is told of its messages then.
        self.end_doomed();
        self.settle_all();
        self.end_doomed();
        self.next_action()
    }

    /// As [`poll_action`](Self::poll_action), but what senders are told of their own messages stays back for the
    /// moment, unless something else is to be written to them anyway. A driver that has more to read can do that
    /// first, and so need fewer writes. Before it waits, it drains [`poll_action`](Self::poll_action).
    pub fn poll_urgent_action(&mut self) -> Option<Action> {
        self.spread_said();
        self.end_doomed();
        self.next_action()
    }

    /// Whether senders have been told all that there is to tell of their messages. If not,
    /// [`poll_action`](Self::poll_action) does that.
    pub fn is_settled(&self) -> bool {
        self.owed.is_empty()
    }

    #[inline]
    fn next_action(&mut self) -> Option<Action> {
        while let Some((conn, reason)) = self.closes.pop_front() {
            if self.index(conn).is_ok() {
                self.unlink(conn.index());
                return Some(Action::Close { conn, reason });
            }
        }
        while let Some(conn) = self.writes.pop_front() {
            self.look_ahead_of_writes();
            if self.take_write(conn) {
                return Some(Action::Write { conn });
            }
        }
        None
    }

    /// The next thing that has happened; none when all is told. To be drained like the actions, and before them.
    pub fn poll_event(&mut self) -> Option<HubEvent> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called; none if never. Costs nothing.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.first()
    }

    /// The bytes to write to a connection. Not copied: report what the transport took to
    /// [`transmitted`](Self::transmitted). Nothing for a connection that is not there.
    pub fn transmit(&self, conn: ConnId) -> Chunks<'_> {
        match self.index(conn).map(|link| &self.links[link].role) {
            Ok(Role::Session(index)) => self.sessions[*index].outbox.transmit(),
            Ok(Role::Farewell(farewell)) => farewell.outbox.transmit(),
            Err(_) => Chunks::of(&[]),
        }
    }

    // ---- inside ----

    /// Time that goes backwards stands still, and it stops just before its end, so that every deadline can be
    /// later than now.
    fn clock(&mut self, now: Instant) {
        let now = self.now.max(now).min(Instant::from_nanos(u64::MAX - 1));
        if now != self.now {
            self.now = now;
            self.lowest_id = MessageId::first_of(self.unix_epoch_ms.saturating_add(now.as_nanos() / 1_000_000));
        }
    }

    /// The index of a connection that is there.
    fn index(&self, conn: ConnId) -> Result<usize, UnknownConn> {
        match self.links.get(conn.index()) {
            Some(link) if link.conn == conn => Ok(conn.index()),
            _ => Err(UnknownConn(conn)),
        }
    }

    /// Whether a queued `Write` still holds: the connection may have been disconnected since, or written to
    /// without being asked.
    #[inline]
    fn take_write(&mut self, conn: ConnId) -> bool {
        match self.links.get_mut(conn.index()) {
            Some(Link { conn: other, role }) if *other == conn => match role {
                Role::Session(index) => {
                    let index = *index;
                    self.settle(index);
                    let session = &mut self.sessions[index];
                    mem::take(&mut session.write_queued) && !session.outbox.is_written()
                }
                Role::Farewell(farewell) => {
                    mem::take(&mut farewell.write_queued) && !farewell.is_over && !farewell.outbox.is_written()
                }
            },
            _ => false,
        }
    }

    /// Tells everybody what became of what came from them since the last batch.
    fn settle_all(&mut self) {
        while let Some(index) = self.owed.pop() {
            if let Some(session) = self.sessions.get_mut(index) {
                session.is_owed = false;
                self.settle(index);
            }
        }
    }

    /// One acceptance and one acknowledgement for all that came since the last batch, behind what the batch has to say
    /// anyway.
    #[inline]
    fn settle(&mut self, index: usize) {
        let session = &mut self.sessions[index];
        // Whoever comes back is told the count anyway.
        if mem::take(&mut session.ack_due) && !session.is_parked() {
            let count = session.received;
            self.tell_accepted(index);
            self.notify_plainly(index, &Head::of_ack(Ack { count }));
        }
    }
}
