//! The client's end of the protocol.

mod acks;
mod backoff;
mod commands;
mod config;
mod event;
mod incoming;
mod pending;
mod queue;
mod transport;

use alloc::string::{String, ToString};
use core::mem;
use core::time::Duration;

pub use self::acks::Position;
use self::acks::{ACK_RETRY_MIN, Acks};
pub use self::backoff::Backoff;
use self::backoff::Jitter;
pub use self::config::{ClientConfig, ClientConfigError};
pub use self::event::{ClientError, Closed, Event, Reconnect, SessionTicket, User};
use self::pending::Pending;
use self::queue::{Next, Queue};
pub use self::transport::Transport;
use self::transport::TransportState;
use crate::limits::cut_detail;
use crate::liveness::{Liveness, Silence};
use crate::outbox::{Chunks, Outbox, Pool};
use crate::redacted::Credential;
use crate::time::Instant;
use crate::transition::State;
use crate::wire::{Ack, Announced, ClientMessage, ErrorMessage, Goodbye, GoodbyeCode, Ping, Register};

/// The client's end of a session, for one user. A session outlives its connections.
///
/// 1. *Commands*: [`register`](Self::register), [`send`](Self::send), [`join`](Self::join), [`leave`](Self::leave),
///    [`roster`](Self::roster), [`who`](Self::who), [`watch`](Self::watch), [`unwatch`](Self::unwatch) and
///    [`close`](Self::close). They put frames into the outbox.
/// 2. *Inputs*: [`receive`](Self::receive), [`transmitted`](Self::transmitted), [`disconnect`](Self::disconnect),
///    [`connected`](Self::connected), [`handle_timeout`](Self::handle_timeout).
/// 3. *Outputs*: write what [`poll_transmit`](Self::poll_transmit) gives, call [`poll_event`](Self::poll_event) until
///    it returns none, and wait until [`poll_timeout`](Self::poll_timeout) at the latest.
///
/// *Acknowledgements.* The program *takes* an event when `poll_event` returns it. The client acknowledges a frame only
/// after the program has taken its events (protocol.md, *Acknowledgements*). So a program that is killed, and started
/// again with [`resume`](Self::resume), gets all events that it had not taken. A program that is busy takes no events:
/// the client goes on meanwhile, and answers pings. The hub bounds what waits with the client, because it keeps the
/// same frames in its outbox. But a hub ends a session that acknowledges nothing for too long. With
/// [`ClientConfig::takes_later`] the program says itself what it has taken, with [`take_events`](Self::take_events).
///
/// *Once.* Each event comes once, even if the connection breaks before the program takes it. If a session is lost, the
/// program gets all events of it before [`Event::SessionLost`]. There is one exception: a program that was started
/// again gets events again if the older process took them and the hub did not get the acknowledgement.
///
/// *Reconnecting.* When a session loses its connection, the client gives [`Event::Reconnecting`]. When it is time for
/// the next attempt, it gives [`Event::Connect`]. What the program sends in between waits in the outbox.
///
/// After [`Event::Closed`] nothing more happens. Write what `poll_transmit` still gives, as far as the transport takes
/// it at once, and drop the transport.
///
/// ```
/// use chatcore::{Client, ClientConfig, ClientError, Instant};
///
/// let now = Instant::ZERO;
/// let mut client = Client::new(now, ClientConfig::default(), 7);
/// client.register(now, "Bob", b"")?;
/// assert_eq!(client.send(now, "alice", b"hi"), Err(ClientError::NotRegistered), "the hub has not answered yet");
///
/// let bytes = client.poll_transmit().concat(); // for the transport
/// client.transmitted(now, bytes.len());
/// assert!(client.poll_transmit().is_empty());
/// assert!(client.poll_timeout() > Some(now), "when to give up, if no answer comes");
/// # Ok::<(), ClientError>(())
/// ```
#[derive(Debug)]
pub struct Client {
    config: ClientConfig,
    jitter: Jitter,
    now: Instant,
    transport: TransportState,
    /// Of the present connection.
    state: State,
    /// The preface and the resume, on a connection that asks for the session. The outbox waits until the hub answers.
    resume_outbox: Option<Outbox>,
    outbox: Outbox,
    pool: Pool,
    events: Queue,
    liveness: Liveness,
    /// The session, if there is one.
    ticket: Option<SessionTicket>,
    /// The name that was asked for, with its credential; none if the answer was no.
    asked: Option<(String, Credential)>,
    /// There was a session: when it is lost, another one is to be had.
    persistent: bool,
    limits: Option<Announced>,
    /// Until when the answer to a registration, or to a goodbye, must have come.
    answer_by: Option<Instant>,
    closing: bool,
    closed: Option<Closed>,
    acks: Acks,
    /// Numbers of requests in sessions before this one: so that no number comes twice.
    numbers_before: u64,
    pending: Pending,
}

/// Time stops just before its end: a deadline there never comes.
const NOW_MAX: Instant = Instant::from_nanos(u64::MAX - 1);

/// A window for resuming that is shorter than this is not worth to listen more closely for.
const LISTEN_WINDOW_MIN: Duration = Duration::from_secs(15);

impl Client {
    /// Makes a client without a session. Its first transport stands already, or the driver is making it. The seed
    /// varies how long the client waits before it connects again. Take it from the system's source of randomness, so
    /// that clients do not all wait equally long. A test takes a constant, so that it can repeat the run.
    ///
    /// # Panics
    ///
    /// If no client can work with the configuration: [`ClientConfig::check`] tells beforehand.
    pub fn new(now: Instant, config: ClientConfig, seed: u64) -> Self {
        if let Err(error) = config.check() {
            panic!("{error}");
        }
        let now = now.min(NOW_MAX);
        Self {
            config,
            jitter: Jitter::new(seed),
            now,
            transport: TransportState::fresh(),
            state: State::Unregistered,
            resume_outbox: None,
            outbox: Outbox::with_preface(),
            pool: Pool::default(),
            events: Queue::default(),
            liveness: Liveness::new(now),
            ticket: None,
            asked: None,
            persistent: false,
            limits: None,
            answer_by: None,
            closing: false,
            closed: None,
            acks: Acks::default(),
            numbers_before: 0,
            pending: Pending::default(),
        }
    }

    /// As [`new`](Self::new), for a program that was started again and has the [`ticket`](Self::ticket) of its session
    /// (protocol.md, *resume*). [`Event::Resumed`] answers. The events that the older process had not taken come again,
    /// and so may those that it took last. If the hub does not have the session any more, [`Event::SessionLost`]
    /// answers: then the client registers anew, under the same name and with the credential.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    ///
    /// ```
    /// use chatcore::{Client, ClientConfig, Instant, SessionTicket, Token};
    ///
    /// // What an older process stored, with an attempt that is higher than any of that process.
    /// let token = Token::from_bytes([7; 16]);
    /// let ticket = SessionTicket { name: "bob".parse()?, display_name: None, token, attempt: 1_767_225_600_000 };
    /// let mut client = Client::resume(Instant::ZERO, ClientConfig::default(), 7, ticket, b"");
    /// assert!(!client.poll_transmit().is_empty(), "it asks for the session");
    /// # Ok::<(), chatcore::NameError>(())
    /// ```
    pub fn resume(now: Instant, config: ClientConfig, seed: u64, ticket: SessionTicket, credential: &[u8]) -> Self {
        let SessionTicket { name, display_name, .. } = &ticket;
        let spelling = display_name.clone().filter(|spelling| incoming::is_spelling_of(spelling, name));
        let asked = (spelling.unwrap_or_else(|| name.to_string()), Credential::new(credential));
        let acks = Acks::unknown();
        let mut client = Self { asked: Some(asked), persistent: true, acks, ..Self::new(now, config, seed) };
        client.ticket = Some(ticket);
        client.start_resume();
        client
    }

    /// What the hub allows; none before [`Event::Registered`] or [`Event::Resumed`].
    pub const fn limits(&self) -> Option<&Announced> {
        self.limits.as_ref()
    }

    /// What a program stores for [`resume`](Self::resume); none without a session. It changes with each registration
    /// and each attempt to resume.
    pub const fn ticket(&self) -> Option<&SessionTicket> {
        self.ticket.as_ref()
    }

    /// Why the client has ended; none if it has not. The program may not have taken its [`Event::Closed`] yet.
    pub const fn closed(&self) -> Option<&Closed> {
        self.closed.as_ref()
    }

    /// Whether the client has ended. The program may not have taken its [`Event::Closed`] yet.
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    // ---- what happened ----

    /// Reports that the transport, or a buffer in front of it, took this many bytes of
    /// [`poll_transmit`](Self::poll_transmit). Call this before any other input or command: they may change what is to
    /// be written. When the connection is gone, this does nothing.
    ///
    /// # Panics
    ///
    /// If `count` is more than [`poll_transmit`](Self::poll_transmit) gave.
    pub fn transmitted(&mut self, now: Instant, count: usize) {
        self.clock(now);
        if self.transport.is_online() {
            let (outbox, pool) = self.speaker();
            outbox.transmitted(count, pool);
        }
    }

    /// Does what is due. Call it when the time of [`poll_timeout`](Self::poll_timeout) has come. After that,
    /// [`poll_timeout`](Self::poll_timeout) gives a later time, or there is something to write.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.clock(now);
        if self.state == State::Closed {
            return;
        }
        if self.answer_by.is_some_and(|by| by <= self.now) {
            return self.lose(Closed::TimedOut);
        }
        self.connect_if_due();
        if self.ack_due().is_some_and(|due| due <= self.now) {
            self.acknowledge();
        }
        if let Some((probe_after, dead_after)) = self.silence_limits() {
            match self.liveness.check(self.now, probe_after, dead_after) {
                Silence::Short => {}
                Silence::Probe => {
                    let nonce = self.now.as_nanos();
                    self.push_control(&ClientMessage::Ping(Ping { nonce }));
                }
                Silence::Dead => self.lose(Closed::TimedOut),
            }
        }
    }

    // ---- what is to be done ----

    /// The bytes to write. Report to [`transmitted`](Self::transmitted) how many of them the transport took. The call
    /// may add an acknowledgement that waited for something to travel with.
    pub fn poll_transmit(&mut self) -> Chunks<'_> {
        let bytes_max = self.limits.map_or(usize::MAX, |limits| limits.outbox_bytes_max as usize / 16);
        let is_large = self.acks.is_large(self.config.ack_frames, bytes_max);
        if self.ack_due().is_some() && (is_large || !self.outbox.is_written()) {
            self.acknowledge();
        }
        if self.transport.is_online() { self.speaker().0.transmit() } else { Chunks::of(&[]) }
    }

    /// The next event; none if there is no further one. With this call the program *takes* the event, and the client
    /// acknowledges it soon; unless [`ClientConfig::takes_later`] is set. A program that is not ready for an event does
    /// not call this.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.next_event().map(|next| next.event)
    }

    /// The same, with whether it is the last of what the hub has told with one frame.
    #[cfg(feature = "sim")]
    pub(crate) fn poll_event_of_frame(&mut self) -> Option<(Event, bool)> {
        let ends_frame = self.events.ends_frame();
        self.next_event().map(|next| (next.event, ends_frame))
    }

    fn next_event(&mut self) -> Option<Next> {
        let next = self.events.pop_front()?;
        if next.frames > 0 {
            self.give(next.frames, next.bytes);
        }
        Some(next)
    }

    /// The place in the stream of events after the last event that [`poll_event`](Self::poll_event) returned, for
    /// [`take_events`](Self::take_events).
    pub const fn position(&self) -> Position {
        Position(self.acks.given_ever())
    }

    /// Takes all events before this place, with [`ClientConfig::takes_later`]. A program calls this, for example, when
    /// it has stored what the events told. The client acknowledges them then. Without [`ClientConfig::takes_later`],
    /// this does nothing.
    pub fn take_events(&mut self, now: Instant, position: Position) {
        self.clock(now);
        let due = self.ack_at();
        self.acks.take(position.0, due);
    }

    /// How many events wait for [`poll_event`](Self::poll_event). The call looks at each of them.
    pub fn waiting_events(&self) -> usize {
        self.events.len()
    }

    /// How many bytes the frames of the waiting events have. The hub keeps the same frames, so this is at most what its
    /// outbox holds ([`Announced::outbox_bytes_max`] and a quarter more). The events take memory in proportion.
    pub const fn waiting_bytes(&self) -> usize {
        self.events.bytes()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); none if nothing will be due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.state == State::Closed {
            return None;
        }
        let silence = self.silence_limits().map(|(probe_after, dead_after)| self.liveness.due(probe_after, dead_after));
        [self.answer_by, self.connect_at(), self.ack_due(), silence]
            .into_iter()
            .flatten()
            .filter(|due| *due <= NOW_MAX)
            .min()
    }

    /// Whether the transport has taken everything and the hub has acknowledged it.
    pub fn is_drained(&self) -> bool {
        self.outbox.is_written() && !self.outbox.awaits_ack()
    }

    // ---- inside ----

    fn clock(&mut self, now: Instant) {
        self.now = self.now.max(now).min(NOW_MAX);
    }

    /// After which silence to ask, and after which to give up: later than the hub, whose own ping is
    /// sign of life enough. But if only the hub has noticed that the connection is gone, the session waits no longer than
    /// its window.
    fn silence_limits(&self) -> Option<(Duration, Duration)> {
        let limits = self.limits.filter(|_| self.state == State::Registered)?;
        let idle = Duration::from_millis(u64::from(limits.idle_ms_max));
        let window = match limits.resume_ms_max {
            0 => Duration::MAX,
            millis => Duration::from_millis(u64::from(millis)).max(LISTEN_WINDOW_MIN),
        };
        Some(((idle * 3 / 4).min(window / 3 * 2), (idle * 3 / 2).min(window / 6 * 5)))
    }

    /// How long an acknowledgement waits: the hub must get it before it takes the session for stalled.
    fn ack_delay(&self) -> Duration {
        let stall = self.limits.map_or(Duration::MAX, |limits| Duration::from_millis(limits.stall_ms_max.into()));
        self.config.ack_delay.min(stall / 2)
    }

    /// When what is taken now is to be acknowledged.
    fn ack_at(&self) -> Instant {
        self.now + self.ack_delay()
    }

    /// The program has got all that this many frames tell.
    fn give(&mut self, frames: u32, bytes: usize) {
        self.acks.give(frames, bytes);
        if !self.config.takes_later {
            let due = self.ack_at();
            self.acks.take(self.acks.given_ever(), due);
        }
    }

    /// When what is taken is to be acknowledged; none if nothing is, or after our goodbye or error.
    fn ack_due(&self) -> Option<Instant> {
        self.acks.due().filter(|_| self.may_speak() && self.state == State::Registered)
    }

    fn acknowledge(&mut self) {
        if self.push_control(&ClientMessage::Ack(Ack { count: self.acks.count() })) {
            self.acks.acknowledge();
        } else {
            // Even without a delay some time has to pass, or this would be due for ever.
            self.acks.wait(self.now + self.ack_delay().max(ACK_RETRY_MIN));
        }
    }

    /// Pushes an ack, a ping or a pong, if there is room. Such messages may use a quarter more than requests. A hub that
    /// asks without end and never reads gets no answers.
    fn push_control(&mut self, message: &ClientMessage<'_>) -> bool {
        let bytes_max = self.config.outbox_bytes_max;
        let possible = self.may_speak() && self.outbox.has_room(0, bytes_max.saturating_add(bytes_max / 4));
        if possible {
            self.outbox.push(message, &mut self.pool);
        }
        possible
    }

    /// Nothing follows a goodbye or an error.
    fn may_speak(&self) -> bool {
        !self.closing && self.state != State::Closed
    }

    /// What is written to the present connection, and the buffers for it.
    fn speaker(&mut self) -> (&mut Outbox, &mut Pool) {
        (self.resume_outbox.as_mut().unwrap_or(&mut self.outbox), &mut self.pool)
    }

    fn say_goodbye(&mut self) {
        let goodbye = Goodbye { code: GoodbyeCode::Left, detail: "", reconnect: None };
        let (outbox, pool) = self.speaker();
        outbox.push(&ClientMessage::Goodbye(goodbye), pool);
    }

    /// Asks for the name that was last asked for.
    fn ask(&mut self) {
        // After a refusal, the program decides what to ask for next.
        let Some((name, credential)) = &self.asked else { return };
        let frame_bytes_max = self.config.frame_bytes_max;
        self.outbox.push(
            &ClientMessage::Register(Register { name, credential: credential.as_bytes(), frame_bytes_max }),
            &mut self.pool,
        );
        self.state = State::Registering;
        self.answer_by = Some(self.now + self.config.answer_time_max);
    }

    /// The transport has taken our goodbye, and everything before it.
    fn is_goodbye_written(&self) -> bool {
        self.closing && self.resume_outbox.is_none() && self.outbox.is_written()
    }

    /// Sends the acknowledgement that is due. A goodbye or an error follows it, and nothing follows those.
    fn flush_ack(&mut self) {
        if self.ack_due().is_some() {
            self.acknowledge();
        }
    }

    /// Ends the client because of what the hub sent, and tells a hub that broke the protocol how.
    fn fail(&mut self, closed: Closed) {
        if let Closed::ProtocolError(error) = &closed
            && self.may_speak()
        {
            self.flush_ack();
            let detail = error.to_string();
            let message = ErrorMessage { code: error.code(), detail: cut_detail(&detail) };
            let (outbox, pool) = self.speaker();
            outbox.push(&ClientMessage::Error(message), pool);
        }
        self.end(closed);
    }

    fn end(&mut self, closed: Closed) {
        if mem::replace(&mut self.state, State::Closed) != State::Closed {
            self.closed = Some(closed.clone());
            self.events.push_back(Event::Closed(closed));
        }
    }
}
