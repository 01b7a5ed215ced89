//! The server's end once there are names: sessions, routing, and what the driver must do about them.

mod deadlines;
mod directory;
mod session;

use alloc::collections::VecDeque;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;

use slab::Slab;

use self::deadlines::Deadlines;
use self::directory::Directory;
use self::session::{Due, Phase, Session, Silenced};
use crate::handshake::{Refusal, Registration};
use crate::limits::{Limits, cut_detail};
use crate::name::{self, UserName};
use crate::outbox::Outbox;
use crate::time::Instant;
use crate::transition::{self, State};
use crate::wire::{
    self, Accepted, Ack, ClientMessage, Content, Deliver, ErrorCode, ErrorMessage, Fault, Goodbye, GoodbyeCode,
    HubMessage, Message, Online, Ping, Pong, ReconnectHint, RejectCode, Rejected, Send, Welcome, Who,
};

/// Slots that one page of who is online looks at, at the most, so that a hub that was once full does
/// not work long for a page.
const ONLINE_SLOTS_MAX: usize = 4096;

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

/// A connection that a hub has admitted. Never used twice by one hub (up to 2³² connections).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId {
    index: u32,
    serial: u32,
}

impl ConnId {
    /// A small number, unlike that of any other connection which is there at the same time: an index for
    /// the driver's own table. It is used again once the connection is gone.
    pub const fn index(self) -> usize {
        self.index as usize
    }
}

impl fmt::Display for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.serial)
    }
}

impl fmt::Debug for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}@{}", self.index)
    }
}

/// What the driver must do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// There is something to write: [`Hub::transmit`] has it. This comes once, when there was nothing
    /// before; go on until there is nothing again, waiting for the transport as often as it takes.
    Write {
        /// The connection.
        conn: ConnId,
    },
    /// Drop the connection: what had to be written is, or its time is over. The id is unknown from now on.
    Close {
        /// The connection.
        conn: ConnId,
        /// Why.
        reason: CloseReason,
    },
    /// A name is held here from now on.
    Joined {
        /// Whose connection.
        conn: ConnId,
        /// The name.
        name: UserName,
    },
    /// A name is free again. A [`Close`](Self::Close) follows when its connection is written out, unless the
    /// driver itself said that the connection is gone.
    Left {
        /// Whose connection.
        conn: ConnId,
        /// The name.
        name: UserName,
        /// Why.
        reason: CloseReason,
    },
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// The client said goodbye.
    #[error("goodbye")]
    Left,
    /// The transport broke.
    #[error("the connection broke")]
    Disconnected,
    /// The client was silent for longer than the idle time.
    #[error("nothing was heard from the client for the idle time")]
    TimedOut,
    /// The client left too much unread.
    #[error("the client did not keep up with what it was sent")]
    SlowConsumer,
    /// The hub is stopping.
    #[error("the server is shutting down")]
    ShuttingDown,
    /// An operator ended it.
    #[error("an operator ended the session")]
    Kicked,
    /// The client broke the protocol.
    #[error("protocol error: {0}")]
    Fault(Fault),
    /// The client says that this hub broke the protocol.
    #[error("the client reports a protocol error: {0}")]
    Accused(ErrorCode),
}

/// Whether a hub wants more input from a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Received {
    /// All whole frames are used; the rest of the input is the start of one, and stays with the caller.
    NeedInput,
    /// The connection is closing: nothing more is read from it, and the input is used up.
    Closed,
}

/// The driver named a connection that the hub does not have: never admitted, or closed or disconnected
/// since. This is the driver's fault, never a peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("connection {0} is not known to the hub: it was closed or disconnected before, or belongs to another hub")]
pub struct UnknownConn(pub ConnId);

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
        let outbox = if registration.preface_due { Outbox::with_preface() } else { Outbox::default() };
        let name = registration.name.clone();
        self.sessions.insert(Session::new(self.now, conn, registration.name, outbox));
        self.directory.insert(index, &self.sessions);
        self.outputs.push_back(Output::Joined { conn, name: name.clone() });
        self.outputs.push_back(Output::Write { conn });
        let limits = self.limits.announced();
        let welcome = HubMessage::Welcome(Welcome { name: name.as_str(), limits });
        self.sessions[index].outbox.push(&welcome);
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
                    self.push(index, &HubMessage::Ping(Ping { nonce }));
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
    /// perhaps where, to connect again. Everything is over when [`connections`](Self::connections) is zero,
    /// after [`Limits::flush_time_max`] at the latest.
    pub fn shut_down(&mut self, now: Instant, reconnect: Option<ReconnectHint<'_>>) {
        self.clock(now);
        self.shutting_down = true;
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
                // It was disconnected since, or written without being asked.
                Output::Write { conn } if self.index(conn).is_err() || self.is_written(conn) => {}
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

    /// Time that goes backwards stands still.
    fn clock(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    fn index(&self, conn: ConnId) -> Result<usize, UnknownConn> {
        match self.sessions.get(conn.index()) {
            Some(session) if session.conn == conn => Ok(conn.index()),
            _ => Err(UnknownConn(conn)),
        }
    }

    fn is_written(&self, conn: ConnId) -> bool {
        self.sessions[conn.index()].outbox.is_written()
    }

    fn handle(&mut self, index: usize, content: Content<'_>) -> Result<(), Fault> {
        let message = ClientMessage::decode(content)?;
        let session = &mut self.sessions[index];
        if let Some(message) = &message {
            transition::at_hub(session.state(), message.kind())?;
        }
        if content.kind.is_numbered() {
            session.received += 1;
            if !session.ack_due {
                session.ack_due = true;
                self.acks_due.push(index);
            }
        }
        match message {
            // Unknown and optional: skipped, but counted above if it is numbered. A pong has done its work
            // by being heard.
            None | Some(ClientMessage::Pong(_)) => {}
            Some(ClientMessage::Send(send)) => self.route(index, send),
            Some(ClientMessage::Who(who)) => self.list(index, who),
            Some(ClientMessage::Ack(ack)) => {
                if session.outbox.acknowledge(ack.count)? {
                    session.full_since = None;
                }
            }
            Some(ClientMessage::Ping(Ping { nonce })) => self.answer(index, &HubMessage::Pong(Pong { nonce })),
            Some(ClientMessage::Goodbye(_)) => self.close(index, CloseReason::Left),
            Some(ClientMessage::Error(error)) => self.close(index, CloseReason::Accused(error.code)),
            Some(ClientMessage::Register(_)) => unreachable!("no row of the transitions lets it come here"),
        }
        Ok(())
    }

    fn route(&mut self, sender: usize, Send { to, body }: Send<'_>) {
        let number = self.sessions[sender].received;
        let answer = match self.accept(sender, to, body) {
            Ok(id) => HubMessage::Accepted(Accepted { number, id }),
            Err(code) => HubMessage::Rejected(Rejected { number, code }),
        };
        self.answer(sender, &answer);
    }

    /// Puts a message into its recipient's outbox.
    fn accept(&mut self, sender: usize, to: &str, body: &[u8]) -> Result<u64, RejectCode> {
        if body.len() > self.limits.body_bytes_max as usize {
            return Err(RejectCode::BodyTooLong);
        }
        // A spelling that cannot be a name is nobody's.
        let name = name::map(to).map_err(|_| RejectCode::NoSuchUser)?;
        let recipient = self.directory.find(&name, &self.sessions).ok_or(RejectCode::NoSuchUser)?;

        let session = &mut self.sessions[recipient];
        if !session.outbox.has_room(body.len(), self.limits.outbox_bytes_max) {
            if session.full_since.is_none() {
                session.full_since = Some(self.now);
                self.arm(recipient);
            }
            return Err(RejectCode::RecipientFull);
        }
        self.message_id += 1;
        let id = self.message_id;
        let from = self.sessions[sender].name.clone();
        self.push(recipient, &HubMessage::Deliver(Deliver { id, from: from.as_str(), body }));
        Ok(id)
    }

    fn list(&mut self, index: usize, Who { cursor }: Who) {
        let start = usize::try_from(cursor).unwrap_or(usize::MAX);
        let names_max = self.limits.online_names_max();
        let mut names = Vec::new();
        let mut next = None;
        for slot in start..self.sessions.capacity() {
            if names.len() == names_max || slot - start == ONLINE_SLOTS_MAX {
                next = Some(slot as u64);
                break;
            }
            if let Some(session) = self.sessions.get(slot).filter(|session| session.state() == State::Registered) {
                names.push(session.name.clone());
            }
        }
        let number = self.sessions[index].received;
        let names = names.iter().map(UserName::as_str).collect();
        self.answer(index, &HubMessage::Online(Online { number, names, next }));
    }

    /// Answers a user's own request. Answers have a reserve in the outbox; who leaves even that unread is
    /// closed, because no request may go without its answer.
    fn answer(&mut self, index: usize, message: &HubMessage<'_>) {
        self.push(index, message);
        if self.sessions[index].outbox.kept_bytes() > self.limits.outbox_bytes_hard_max() {
            self.close(index, CloseReason::SlowConsumer);
        }
    }

    fn push(&mut self, index: usize, message: &HubMessage<'_>) {
        let session = &mut self.sessions[index];
        if session.outbox.is_written() {
            self.outputs.push_back(Output::Write { conn: session.conn });
        }
        session.outbox.push(message);
    }

    /// One acknowledgement for all that came since the last batch, behind what the batch has to say anyway.
    fn acknowledge_batch(&mut self) {
        while let Some(index) = self.acks_due.pop() {
            let Some(session) = self.sessions.get_mut(index) else { continue };
            if core::mem::take(&mut session.ack_due) && session.state() == State::Registered {
                let count = session.received;
                self.push(index, &HubMessage::Ack(Ack { count }));
            }
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
