//! The client's end of the protocol.

mod event;

use alloc::collections::VecDeque;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

pub use self::event::{ClientError, Closed, Event, Reconnect};
use crate::limits::{CREDENTIAL_BYTES_MAX, HANDSHAKE_FRAME_BYTES_MAX, cut_detail};
use crate::liveness::{Liveness, Silence};
use crate::name::{SPELLING_BYTES_MAX, UserName};
use crate::outbox::Outbox;
use crate::received::Received;
use crate::time::Instant;
use crate::transition::{self, State};
use crate::wire::{
    self, Ack, Announced, ClientMessage, Content, ErrorMessage, Fault, Goodbye, GoodbyeCode, HubMessage, Message,
    OVERHEAD_BYTES_MAX, Ping, Pong, PrefaceError, Register, Send, Who,
};

/// How a client behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    /// Bytes of a frame's content, at the most, whatever the hub announces: a client buffers no more.
    /// Default 16 MiB + 256.
    pub frame_bytes_max: u32,
    /// Bytes that are kept until the hub acknowledges them. Sending more is an error that passes.
    /// Default 1 MiB; a body of the largest size always fits an empty outbox.
    pub outbox_bytes_max: u32,
    /// How long an answer to a registration may take before the connection counts as dead. Default 30 s.
    pub answer_time_max: Duration,
    /// How long a goodbye may take to be written out and answered. Default 5 s.
    pub flush_time_max: Duration,
    /// How long an acknowledgement waits for something to travel with. Default 50 ms.
    pub ack_delay: Duration,
    /// Received frames after which an acknowledgement waits no longer. Default 64.
    pub ack_frames: u32,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            frame_bytes_max: (16 << 20) + 256,
            outbox_bytes_max: 1 << 20,
            answer_time_max: Duration::from_secs(30),
            flush_time_max: Duration::from_secs(5),
            ack_delay: Duration::from_millis(50),
            ack_frames: 64,
        }
    }
}

/// The client's end of a connection: the same protocol as [`Hub`](crate::Hub), seen from the other side.
///
/// 1. *Commands* put something to write into the outbox: [`register`](Self::register), [`send`](Self::send),
///    [`who`](Self::who), [`leave`](Self::leave).
/// 2. *What happened*: [`receive`](Self::receive), [`transmitted`](Self::transmitted),
///    [`disconnect`](Self::disconnect), [`handle_timeout`](Self::handle_timeout).
/// 3. *What is to be done*: write [`poll_transmit`](Self::poll_transmit), take
///    [`poll_event`](Self::poll_event) until it is empty, and wait until
///    [`poll_timeout`](Self::poll_timeout) at the latest.
///
/// After [`Event::Closed`] nothing more happens: write what `poll_transmit` still holds, as far as the
/// transport takes it at once, and drop the connection.
#[derive(Debug)]
pub struct Client {
    config: ClientConfig,
    now: Instant,
    state: State,
    preface_seen: bool,
    outbox: Outbox,
    events: VecDeque<Event>,
    liveness: Liveness,
    limits: Option<Announced>,
    /// Until when the answer to a registration, or to a goodbye, must have come.
    answer_by: Option<Instant>,
    leaving: bool,
    acks: Acks,
}

/// Which numbered frames have come, and which of those are still to be acknowledged.
#[derive(Debug, Default)]
struct Acks {
    received: u64,
    pending_frames: u32,
    pending_bytes: usize,
    due: Option<Instant>,
}

impl Client {
    /// A fresh connection.
    pub fn new(now: Instant, config: ClientConfig) -> Self {
        Self {
            config,
            now,
            state: State::Unregistered,
            preface_seen: false,
            outbox: Outbox::with_preface(),
            events: VecDeque::new(),
            liveness: Liveness::new(now),
            limits: None,
            answer_by: None,
            leaving: false,
            acks: Acks::default(),
        }
    }

    /// What the hub allows; none before [`Event::Registered`].
    pub const fn limits(&self) -> Option<&Announced> {
        self.limits.as_ref()
    }

    /// [`Event::Closed`] has come or is in the queue.
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    // ---- commands ----

    /// Asks for a name. [`Event::Registered`] or [`Event::Refused`] answers; after the latter this may be
    /// called again. The credential is for hubs that ask for one; empty otherwise.
    pub fn register(&mut self, now: Instant, name: &str, credential: &[u8]) -> Result<(), ClientError> {
        self.clock(now);
        match self.state {
            State::Unregistered if !self.leaving => {}
            State::Registering | State::Registered => return Err(ClientError::Registered),
            State::Unregistered | State::Closed => return Err(ClientError::Closed),
        }
        check_name(name)?;
        let (bytes, bytes_max) = (credential.len(), CREDENTIAL_BYTES_MAX);
        if bytes > bytes_max {
            return Err(ClientError::CredentialTooLong { bytes, bytes_max });
        }
        self.state = State::Registering;
        self.answer_by = Some(self.now + self.config.answer_time_max);
        self.outbox.push(&ClientMessage::Register(Register { name, credential }));
        Ok(())
    }

    /// Sends a message. Returns its number, which comes back with [`Event::Accepted`] or
    /// [`Event::Rejected`]; numbers rise. A body may have as many bytes as the hub announced.
    pub fn send(&mut self, now: Instant, to: &str, body: &[u8]) -> Result<u64, ClientError> {
        self.clock(now);
        let limits = self.registered()?;
        check_name(to)?;
        // Whatever the hub announces, a frame stays within our own limit.
        let own_max = self.config.frame_bytes_max.saturating_sub(OVERHEAD_BYTES_MAX);
        let (bytes, bytes_max) = (body.len(), limits.body_bytes_max.min(own_max) as usize);
        if bytes > bytes_max {
            return Err(ClientError::BodyTooLong { bytes, bytes_max });
        }
        self.request(&ClientMessage::Send(Send { to, body }), bytes)
    }

    /// Asks for a page of who is online: zero for the first, then what [`Event::Online`] gave as next. Returns
    /// the request's number, which comes back with the answer.
    pub fn who(&mut self, now: Instant, cursor: u64) -> Result<u64, ClientError> {
        self.clock(now);
        self.registered()?;
        self.request(&ClientMessage::Who(Who { cursor }), 0)
    }

    /// Says goodbye, behind everything sent before. [`Event::Closed`] follows when the hub has answered,
    /// after the flush time at the latest.
    pub fn leave(&mut self, now: Instant) {
        self.clock(now);
        if self.state == State::Closed || self.leaving {
            return;
        }
        self.last_words();
        self.leaving = true;
        self.answer_by = Some(self.now + self.config.flush_time_max);
        self.outbox.push(&ClientMessage::Goodbye(Goodbye { code: GoodbyeCode::Left, detail: "", reconnect: None }));
        if self.state == State::Unregistered {
            self.close(Closed::Left);
        }
    }

    // ---- what happened ----

    /// Takes what has arrived. `input` is advanced by what was used; the start of a frame that is not whole
    /// stays with the caller.
    pub fn receive(&mut self, now: Instant, input: &mut &[u8]) -> Received {
        self.clock(now);
        if !input.is_empty() {
            self.liveness.hear(self.now);
        }
        while self.state != State::Closed {
            match self.step(input) {
                Ok(true) => {}
                Ok(false) => return Received::NeedInput,
                Err(closed) => self.fail(closed),
            }
        }
        *input = &[];
        Received::Closed
    }

    /// The transport has taken this many bytes of [`poll_transmit`](Self::poll_transmit). Panics if it was
    /// given fewer.
    pub fn transmitted(&mut self, now: Instant, count: usize) {
        self.clock(now);
        self.outbox.transmitted(count);
    }

    /// The transport is gone: closed by the hub, or broken.
    pub fn disconnect(&mut self, now: Instant) {
        self.clock(now);
        self.close(if self.has_left() { Closed::Left } else { Closed::Disconnected });
    }

    /// The time has come that [`poll_timeout`](Self::poll_timeout) gave. Afterwards it gives a later one, or
    /// there is something to write.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.clock(now);
        if self.state == State::Closed {
            return;
        }
        if self.answer_by.is_some_and(|by| by <= self.now) {
            return self.close(if self.has_left() { Closed::Left } else { Closed::TimedOut });
        }
        if self.ack_due().is_some_and(|due| due <= self.now) {
            self.acknowledge();
        }
        if let Some((probe_after, dead_after)) = self.silence_limits() {
            match self.liveness.check(self.now, probe_after, dead_after) {
                Silence::Short => {}
                Silence::Probe => {
                    let nonce = self.now.as_nanos();
                    self.remark(&ClientMessage::Ping(Ping { nonce }));
                }
                Silence::Dead => self.close(Closed::TimedOut),
            }
        }
    }

    // ---- what is to be done ----

    /// The bytes to write, in order; either chunk may be empty. Report what the transport took to
    /// [`transmitted`](Self::transmitted). An acknowledgement that waits for company joins here.
    pub fn poll_transmit(&mut self) -> [&[u8]; 2] {
        let batch_is_large = self.acks.pending_frames >= self.config.ack_frames
            || self.limits.is_some_and(|limits| self.acks.pending_bytes >= limits.outbox_bytes_max as usize / 16);
        if self.ack_due().is_some() && (batch_is_large || !self.outbox.is_written()) {
            self.acknowledge();
        }
        self.outbox.transmit()
    }

    /// The next thing to know; none when all is known.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called; none if never.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.state == State::Closed {
            return None;
        }
        let silence = self.silence_limits().map(|(probe_after, dead_after)| self.liveness.due(probe_after, dead_after));
        [self.answer_by, self.ack_due(), silence].into_iter().flatten().min()
    }

    /// Everything is written and acknowledged.
    pub fn is_settled(&self) -> bool {
        self.outbox.is_written() && !self.outbox.awaits_ack()
    }

    // ---- inside ----

    fn clock(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    fn registered(&self) -> Result<Announced, ClientError> {
        match (self.state, self.limits) {
            (State::Registered, Some(limits)) if !self.leaving => Ok(limits),
            (State::Unregistered | State::Registering, _) if !self.leaving => Err(ClientError::NotRegistered),
            _ => Err(ClientError::Closed),
        }
    }

    fn request(&mut self, message: &ClientMessage<'_>, body_bytes: usize) -> Result<u64, ClientError> {
        let bytes_max = self.config.outbox_bytes_max;
        if self.outbox.kept_bytes() > 0 && !self.outbox.has_room(body_bytes, bytes_max) {
            return Err(ClientError::OutboxFull { bytes_max });
        }
        Ok(self.outbox.push(message))
    }

    /// After which silence to ask, and after which to give up: later than the hub, whose own ping is
    /// sign of life enough.
    fn silence_limits(&self) -> Option<(Duration, Duration)> {
        let idle = Duration::from_millis(u64::from(self.limits?.idle_ms_max));
        Some((idle * 3 / 4, idle * 3 / 2))
    }

    /// Takes one thing off the input. False if it is not whole yet.
    fn step(&mut self, input: &mut &[u8]) -> Result<bool, Closed> {
        if !self.preface_seen {
            self.preface_seen = match wire::take_preface(input) {
                Ok(preface) => preface.is_some(),
                Err(PrefaceError::Foreign(foreign)) => return Err(Closed::Foreign(foreign)),
                Err(PrefaceError::Fault(fault)) => return Err(Closed::Fault(fault)),
            };
            return Ok(self.preface_seen);
        }
        let frame_bytes_max = match self.limits {
            Some(limits) => limits.frame_bytes_max.min(self.config.frame_bytes_max),
            None => HANDSHAKE_FRAME_BYTES_MAX,
        };
        match wire::take(input, frame_bytes_max).map_err(Closed::Fault)? {
            Some(content) => self.handle(content).map_err(Closed::Fault).map(|()| true),
            None => Ok(false),
        }
    }

    fn handle(&mut self, content: Content<'_>) -> Result<(), Fault> {
        let message = HubMessage::decode(content)?;
        let state = match &message {
            Some(message) => transition::at_client(self.state, message.kind())?,
            None => self.state,
        };
        if content.kind.is_numbered() {
            self.acks.received += 1;
            self.acks.pending_frames += 1;
            self.acks.pending_bytes += content.fields.len();
            self.acks.due.get_or_insert(self.now + self.config.ack_delay);
        }
        if state != State::Closed {
            self.state = state;
        }
        match message {
            // Unknown and optional: skipped, but counted above if it is numbered. A pong has done its work
            // by being heard.
            None | Some(HubMessage::Pong(_)) => {}
            Some(HubMessage::Welcome(welcome)) => {
                let name = UserName::from_hub(welcome.name).ok_or(Fault::InvalidValue { kind: content.kind })?;
                self.limits = Some(welcome.limits);
                self.answer_by = self.answer_by.filter(|_| self.leaving);
                self.events.push_back(Event::Registered { name, limits: welcome.limits });
            }
            Some(HubMessage::Refused(refused)) => {
                self.answer_by = self.answer_by.filter(|_| self.leaving);
                self.events.push_back(Event::Refused { code: refused.code, detail: refused.detail.into() });
            }
            Some(HubMessage::Deliver(message)) => {
                let from = UserName::from_hub(message.from).ok_or(Fault::InvalidValue { kind: content.kind })?;
                self.events.push_back(Event::Message { id: message.id, from, body: message.body.to_vec() });
            }
            Some(HubMessage::Accepted(accepted)) => {
                self.events.push_back(Event::Accepted { number: accepted.number, id: accepted.id });
            }
            Some(HubMessage::Rejected(rejected)) => {
                self.events.push_back(Event::Rejected { number: rejected.number, code: rejected.code });
            }
            Some(HubMessage::Online(page)) => {
                let names = page.names.iter().map(|name| UserName::from_hub(name)).collect::<Option<Vec<_>>>();
                let names = names.ok_or(Fault::InvalidValue { kind: content.kind })?;
                self.events.push_back(Event::Online { number: page.number, names, next: page.next });
            }
            Some(HubMessage::Ack(ack)) => self.outbox.acknowledge(ack.count).map(drop)?,
            Some(HubMessage::Ping(Ping { nonce })) => {
                self.remark(&ClientMessage::Pong(Pong { nonce }));
            }
            Some(HubMessage::Goodbye(goodbye)) => self.close(match goodbye.code {
                GoodbyeCode::Left if self.leaving => Closed::Left,
                code => Closed::Goodbye {
                    code,
                    detail: goodbye.detail.into(),
                    reconnect: goodbye.reconnect.map(|hint| Reconnect {
                        after: Duration::from_millis(u64::from(hint.after_ms)),
                        address: hint.address.map(Into::into),
                    }),
                },
            }),
            Some(HubMessage::Error(error)) => {
                self.close(Closed::Error { code: error.code, detail: error.detail.into() });
            }
        }
        Ok(())
    }

    /// When what has come is to be acknowledged; none if nothing is, or if we have said our last words.
    fn ack_due(&self) -> Option<Instant> {
        self.acks.due.filter(|_| self.may_speak())
    }

    fn acknowledge(&mut self) {
        let count = self.acks.received;
        if self.remark(&ClientMessage::Ack(Ack { count })) {
            self.acks = Acks { received: count, ..Acks::default() };
        } else {
            self.acks.due = Some(self.now + self.config.ack_delay);
        }
    }

    /// Says something that nobody has asked of us, if there is room: a quarter beyond that for requests. A hub that
    /// asks without end and never reads gets no answers.
    fn remark(&mut self, message: &ClientMessage<'_>) -> bool {
        let bytes_max = self.config.outbox_bytes_max;
        let possible = self.may_speak() && self.outbox.has_room(0, bytes_max.saturating_add(bytes_max / 4));
        if possible {
            self.outbox.push(message);
        }
        possible
    }

    /// Nothing follows a goodbye or an error.
    fn may_speak(&self) -> bool {
        !self.leaving && self.state != State::Closed
    }

    /// Our goodbye is with the transport, and so is everything before it.
    fn has_left(&self) -> bool {
        self.leaving && self.outbox.is_written()
    }

    /// What must be said before a goodbye or an error.
    fn last_words(&mut self) {
        if self.ack_due().is_some() {
            self.acknowledge();
        }
    }

    /// Ends it because of what came, and says so where the peer will understand.
    fn fail(&mut self, closed: Closed) {
        if let Closed::Fault(fault) = &closed
            && self.may_speak()
        {
            self.last_words();
            let detail = fault.to_string();
            let error = ErrorMessage { code: fault.code(), detail: cut_detail(&detail) };
            self.outbox.push(&ClientMessage::Error(error));
        }
        self.close(closed);
    }

    fn close(&mut self, closed: Closed) {
        if mem::replace(&mut self.state, State::Closed) != State::Closed {
            self.events.push_back(Event::Closed(closed));
        }
    }
}

fn check_name(name: &str) -> Result<(), ClientError> {
    let (bytes, bytes_max) = (name.len(), SPELLING_BYTES_MAX);
    if bytes > bytes_max { Err(ClientError::NameTooLong { bytes, bytes_max }) } else { Ok(()) }
}
