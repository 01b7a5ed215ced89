//! The server's end once there are names: sessions, routing, and what the driver must do about them.

mod deadlines;
mod directory;
mod output;
mod routing;
mod session;

use alloc::collections::VecDeque;
use alloc::string::ToString;
use alloc::vec::Vec;

use slab::Slab;

use self::deadlines::Deadlines;
use self::directory::Directory;
pub use self::output::{CloseReason, ConnId, Output, UnknownConn};
use self::session::{Due, Phase, Session, Silenced};
use crate::handshake::{Refusal, Registration};
use crate::limits::{Limits, cut_detail};
use crate::name::UserName;
use crate::received::Received;
use crate::time::Instant;
use crate::transition::State;
use crate::wire::{self, Ack, ErrorMessage, Goodbye, GoodbyeCode, HubMessage, Ping, ReconnectHint, Welcome};

/// The server's end of every connection that has a name: sessions and the routing between them.
///
/// The methods come in families, and **whatever goes in, the outputs are drained before the driver waits
/// again**:
///
/// 1. *What happened*: [`admit`](Self::admit), [`receive`](Self::receive),
///    [`transmitted`](Self::transmitted), [`disconnect`](Self::disconnect),
///    [`handle_timeout`](Self::handle_timeout). Any number of them may come before the outputs are drained:
///    batches are how it gets fast.
/// 2. *What the operator wants*: [`kick`](Self::kick), [`shut_down`](Self::shut_down).
/// 3. *What is to be done*: [`poll_output`](Self::poll_output) until it is empty, with
///    [`transmit`](Self::transmit) for the bytes of a connection; then wait until
///    [`poll_timeout`](Self::poll_timeout) at the latest.
///
/// A peer's faults never come back as an error: its connection is told and closed, and the driver hears of
/// it as [`Output::Left`] and [`Output::Close`]. The only error is the driver's own: a connection that is
/// not there ([`UnknownConn`]). A broken invariant panics with its reason.
///
/// The same inputs with the same seed give the same outputs, byte for byte.
#[derive(Debug)]
pub struct Hub {
    limits: Limits,
    now: Instant,
    sessions: Slab<Session>,
    directory: Directory,
    deadlines: Deadlines,
    outputs: VecDeque<Output>,
    /// Sessions that are owed an acknowledgement when the batch ends.
    acks_due: Vec<usize>,
    conns_ever: u32,
    message_id: u64,
    shutting_down: bool,
}

impl Hub {
    /// An empty hub. The seed keys its hashes; take it from the system's source of randomness, and in a
    /// test from wherever the test can repeat it.
    ///
    /// Panics if the limits do not fit together: [`Limits::check`] tells beforehand.
    pub fn new(limits: Limits, seed: [u8; 32]) -> Self {
        if let Err(error) = limits.check() {
            panic!("{error}");
        }
        let key = *seed.first_chunk().expect("32 bytes hold 16");
        Self {
            limits,
            now: Instant::ZERO,
            sessions: Slab::new(),
            directory: Directory::new(key),
            deadlines: Deadlines::default(),
            outputs: VecDeque::new(),
            acks_due: Vec::new(),
            conns_ever: 0,
            message_id: 0,
            shutting_down: false,
        }
    }

    /// The limits it was made with.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Names that are held.
    pub fn users(&self) -> usize {
        self.directory.len()
    }

    /// Connections that the driver has not been told to close yet, those included that are written out.
    pub fn connections(&self) -> usize {
        self.sessions.len()
    }

    /// The name of a connection; none once it is closing.
    pub fn name(&self, conn: ConnId) -> Option<&UserName> {
        let session = self.sessions.get(conn.index())?;
        (session.conn == conn && session.state() == State::Registered).then_some(&session.name)
    }

    // ---- what happened ----

    /// Lets a client in under the name it asked for; the welcome is the first thing to write. The refusal is
    /// for [`Handshake::refuse`](crate::Handshake::refuse), and the client may then try again.
    pub fn admit(&mut self, now: Instant, registration: Registration) -> Result<ConnId, Refusal> {
        self.clock(now);
        if self.shutting_down {
            return Err(Refusal::ShuttingDown);
        }
        if self.directory.find(registration.name.as_str(), &self.sessions).is_some() {
            return Err(Refusal::NameInUse);
        }
        let users_max = self.limits.users_max;
        if self.sessions.len() >= users_max as usize {
            return Err(Refusal::HubFull { users_max });
        }

        let index = self.sessions.vacant_key();
        self.conns_ever = self.conns_ever.wrapping_add(1);
        let conn = ConnId { index: u32::try_from(index).expect("users_max is a u32"), serial: self.conns_ever };
        let Registration { name, outbox, .. } = registration;
        self.sessions.insert(Session::new(self.now, conn, name.clone(), outbox));
        self.directory.insert(index, &self.sessions);
        self.outputs.push_back(Output::Joined { conn, name: name.clone() });
        // The outbox may come with a preface, and then is not empty before the welcome.
        self.queue_write(index);
        let limits = self.limits.announced();
        self.push(index, &HubMessage::Welcome(Welcome { name: name.as_str(), limits }));
        self.arm(index);
        Ok(conn)
    }

    /// Takes what has arrived from a connection. `input` is advanced by what was used; the start of a frame
    /// that is not whole stays with the caller, at most [`Limits::frame_bytes_max`] + 4 bytes.
    pub fn receive(&mut self, now: Instant, conn: ConnId, input: &mut &[u8]) -> Result<Received, UnknownConn> {
        self.clock(now);
        let index = self.index(conn)?;
        if !input.is_empty() {
            self.sessions[index].liveness.hear(self.now);
        }
        let frame_bytes_max = self.limits.frame_bytes_max();
        while self.sessions[index].state() != State::Closed {
            let handled = match wire::take(input, frame_bytes_max) {
                Ok(Some(content)) => self.handle(index, content),
                Ok(None) => return Ok(Received::NeedInput),
                Err(fault) => Err(fault),
            };
            if let Err(fault) = handled {
                self.close(index, CloseReason::Fault(fault));
            }
        }
        *input = &[];
        Ok(Received::Closed)
    }

    /// The transport has taken this many bytes of [`transmit`](Self::transmit). Panics if it was given fewer.
    pub fn transmitted(&mut self, now: Instant, conn: ConnId, count: usize) -> Result<(), UnknownConn> {
        self.clock(now);
        let index = self.index(conn)?;
        self.sessions[index].outbox.transmitted(count);
        self.finish_if_written(index);
        Ok(())
    }

    /// The transport is gone: closed by the peer, or broken. The id is unknown from now on.
    pub fn disconnect(&mut self, now: Instant, conn: ConnId) -> Result<(), UnknownConn> {
        self.clock(now);
        let index = self.index(conn)?;
        if self.sessions[index].state() == State::Registered {
            self.free_name(index, CloseReason::Disconnected);
        }
        self.remove(index);
        Ok(())
    }

    /// The time has come that [`poll_timeout`](Self::poll_timeout) gave. Afterwards it gives a later one.
    ///
    /// Take in what the transports have first: a driver that slept long would otherwise time out peers whose
    /// signs of life are waiting.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.clock(now);
        while let Some(index) = self.deadlines.due(self.now) {
            match self.sessions[index].look(self.now, &self.limits) {
                Due::Nothing => self.arm(index),
                Due::Ping => {
                    let nonce = self.now.as_nanos();
                    self.answer(index, &HubMessage::Ping(Ping { nonce }));
                    self.arm(index);
                }
                Due::Close(Silenced::TimedOut) => self.close(index, CloseReason::TimedOut),
                Due::Close(Silenced::SlowConsumer) => self.close(index, CloseReason::SlowConsumer),
                Due::Finish => self.finish(index),
            }
        }
    }

    // ---- what the operator wants ----

    /// Ends a user's session with a goodbye. False if nobody has the name.
    pub fn kick(&mut self, now: Instant, name: &UserName) -> bool {
        self.clock(now);
        let found = self.directory.find(name.as_str(), &self.sessions);
        if let Some(index) = found {
            self.close(index, CloseReason::Kicked);
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
        let indices: Vec<usize> = self.sessions.iter().map(|(index, _)| index).collect();
        for index in indices {
            self.close_with_hint(index, CloseReason::ShuttingDown, reconnect);
        }
    }

    // ---- what is to be done ----

    /// The next thing to do; none when all is done.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.acknowledge_batch();
        while let Some(output) = self.outputs.pop_front() {
            match output {
                Output::Write { conn } if !self.take_write(conn) => {}
                Output::Close { conn, .. } if self.index(conn).is_err() => {}
                Output::Close { conn, .. } => {
                    self.remove(conn.index());
                    return Some(output);
                }
                _ => return Some(output),
            }
        }
        None
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called; none if never. Costs nothing.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.first()
    }

    /// The bytes to write to a connection, in order; either chunk may be empty. Not copied: report what the
    /// transport took to [`transmitted`](Self::transmitted). Empty for a connection that is not there.
    pub fn transmit(&self, conn: ConnId) -> [&[u8]; 2] {
        match self.sessions.get(conn.index()) {
            Some(session) if session.conn == conn => session.outbox.transmit(),
            _ => [&[], &[]],
        }
    }

    // ---- inside ----

    /// Time that goes backwards stands still, and it stops just before its end, so that every deadline can be
    /// later than now.
    fn clock(&mut self, now: Instant) {
        self.now = self.now.max(now).min(Instant::from_nanos(u64::MAX - 1));
    }

    fn index(&self, conn: ConnId) -> Result<usize, UnknownConn> {
        match self.sessions.get(conn.index()) {
            Some(session) if session.conn == conn => Ok(conn.index()),
            _ => Err(UnknownConn(conn)),
        }
    }

    /// Whether a queued `Write` still holds: the connection may have been disconnected since, or written to
    /// without being asked.
    fn take_write(&mut self, conn: ConnId) -> bool {
        let Ok(index) = self.index(conn) else { return false };
        self.sessions[index].write_queued = false;
        !self.sessions[index].outbox.is_written()
    }

    fn push(&mut self, index: usize, message: &HubMessage<'_>) {
        if self.sessions[index].outbox.is_written() {
            self.queue_write(index);
        }
        self.sessions[index].outbox.push(message);
    }

    fn queue_write(&mut self, index: usize) {
        let session = &mut self.sessions[index];
        if !core::mem::replace(&mut session.write_queued, true) {
            self.outputs.push_back(Output::Write { conn: session.conn });
        }
    }

    /// One acknowledgement for all that came since the last batch, behind what the batch has to say anyway.
    fn acknowledge_batch(&mut self) {
        while let Some(index) = self.acks_due.pop() {
            if self.sessions.contains(index) {
                self.acknowledge(index);
                self.close_if_overfull(index);
            }
        }
    }

    /// Acknowledges what has come, if that is due.
    fn acknowledge(&mut self, index: usize) {
        let session = &mut self.sessions[index];
        if core::mem::take(&mut session.ack_due) {
            let count = session.received;
            self.push(index, &HubMessage::Ack(Ack { count }));
        }
    }

    fn close(&mut self, index: usize, reason: CloseReason) {
        self.close_with_hint(index, reason, None);
    }

    /// Frees the name, says why, and lets the outbox be written out.
    fn close_with_hint(&mut self, index: usize, reason: CloseReason, reconnect: Option<ReconnectHint<'_>>) {
        if self.sessions[index].state() == State::Closed {
            return;
        }
        // What came with the last words is acknowledged before ours: nothing follows them.
        self.acknowledge(index);
        self.free_name(index, reason);
        let until = self.now + self.limits.flush_time_max;
        self.sessions[index].phase = Phase::Flushing { reason, until };
        let detail = match reason {
            CloseReason::Fault(fault) => fault.to_string(),
            _ => reason.to_string(),
        };
        let detail = cut_detail(&detail);
        let goodbye = |code| HubMessage::Goodbye(Goodbye { code, detail, reconnect });
        let farewell = match reason {
            CloseReason::Left => Some(goodbye(GoodbyeCode::Left)),
            CloseReason::TimedOut => Some(goodbye(GoodbyeCode::TimedOut)),
            CloseReason::SlowConsumer => Some(goodbye(GoodbyeCode::SlowConsumer)),
            CloseReason::ShuttingDown => Some(goodbye(GoodbyeCode::ShuttingDown)),
            CloseReason::Kicked => Some(goodbye(GoodbyeCode::Kicked)),
            CloseReason::Fault(fault) => Some(HubMessage::Error(ErrorMessage { code: fault.code(), detail })),
            CloseReason::Accused(_) | CloseReason::Disconnected => None,
        };
        if let Some(farewell) = farewell {
            self.push(index, &farewell);
        }
        self.arm(index);
        self.finish_if_written(index);
    }

    fn free_name(&mut self, index: usize, reason: CloseReason) {
        self.directory.remove(index, &self.sessions);
        let session = &self.sessions[index];
        self.outputs.push_back(Output::Left { conn: session.conn, name: session.name.clone(), reason });
    }

    fn finish_if_written(&mut self, index: usize) {
        let session = &self.sessions[index];
        if matches!(session.phase, Phase::Flushing { .. }) && session.outbox.is_written() {
            self.finish(index);
        }
    }

    /// Nothing more can or need be written: the driver is to close.
    fn finish(&mut self, index: usize) {
        let session = &mut self.sessions[index];
        let Phase::Flushing { reason, .. } = core::mem::replace(&mut session.phase, Phase::Finished) else {
            unreachable!("only a flushing session finishes, and once");
        };
        self.outputs.push_back(Output::Close { conn: session.conn, reason });
        self.deadlines.disarm(index, &mut session.armed);
    }

    fn remove(&mut self, index: usize) {
        let mut session = self.sessions.remove(index);
        self.deadlines.disarm(index, &mut session.armed);
    }

    fn arm(&mut self, index: usize) {
        let session = &mut self.sessions[index];
        if let Some(due) = session.due_at(&self.limits) {
            self.deadlines.arm(index, &mut session.armed, due);
        }
    }
}
