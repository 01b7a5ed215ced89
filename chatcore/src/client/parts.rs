//! A client: what it is made of, how it is made, and what it tells about itself.

use alloc::string::{String, ToString};

use super::acks::Acks;
use super::backoff::Jitter;
use super::config::ClientConfig;
use super::event::{Closed, SessionTicket};
use super::pending::Pending;
use super::queue::Queue;
use super::transport::{Stage, TransportState};
use crate::liveness::Liveness;
use crate::outbox::{Outbox, Pool};
use crate::redacted::Credential;
use crate::time::Instant;
use crate::transition::State;
use crate::wire::Announced;

/// The client's end of a session, for one user. A session outlives its connections.
///
/// 1. *Commands*: [`register`](Self::register), [`send`](Self::send), [`join`](Self::join), [`leave`](Self::leave),
///    [`roster`](Self::roster), [`who`](Self::who), [`watch`](Self::watch), [`unwatch`](Self::unwatch),
///    [`subscriptions`](Self::subscriptions) and [`close`](Self::close). They put frames into the outbox.
/// 2. *Inputs*: [`receive`](Self::receive), [`transmitted`](Self::transmitted) (or [`transmitting`](Self::transmitting)
///    first, if the transport tells late), [`disconnect`](Self::disconnect), [`connected`](Self::connected),
///    [`handle_timeout`](Self::handle_timeout), [`hurry`](Self::hurry), [`probe`](Self::probe),
///    [`acknowledge`](Self::acknowledge).
/// 3. *Outputs*: write what [`transmit`](Self::transmit) gives, call [`poll_event`](Self::poll_event) until
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
/// program gets all events of it before [`Event::SessionLost`](crate::Event::SessionLost). There is one exception: a
/// program that was started again gets events again if the older process took them and the hub did not get the
/// acknowledgement.
///
/// *Reconnecting.* When a session loses its connection, the client gives
/// [`Event::Reconnecting`](crate::Event::Reconnecting). When it is time for the next attempt, it gives
/// [`Event::Connect`](crate::Event::Connect). What the program sends in between waits in the outbox.
///
/// *Without a session.* A client that never had a session ends when it loses its connection. After a refusal, the
/// program asks for a name again. With [`ClientConfig::keeps_trying`], the client connects and asks again by itself for
/// as long as that may help. After a refusal that stands it waits for the program: if its connection is lost then, it
/// gives [`Event::Disconnected`](crate::Event::Disconnected).
///
/// After [`Event::Closed`](crate::Event::Closed) nothing more happens. Write what `transmit` still gives, as far
/// as the transport takes it at once, and drop the transport.
///
/// ```
/// use chatcore::{Client, ClientConfig, ClientError, Instant};
///
/// let now = Instant::ZERO;
/// let mut client = Client::new(now, ClientConfig::default(), 7);
/// client.register(now, "Bob", b"")?;
/// assert_eq!(client.send(now, "alice", b"hi"), Err(ClientError::NotRegistered), "the hub has not answered yet");
///
/// let bytes = client.transmit().concat(); // for the transport
/// client.transmitted(now, bytes.len());
/// assert!(client.transmit().is_empty());
/// assert!(client.poll_timeout() > Some(now), "when to give up, if no answer comes");
/// # Ok::<(), ClientError>(())
/// ```
#[derive(Debug)]
pub struct Client {
    pub(super) config: ClientConfig,
    pub(super) jitter: Jitter,
    pub(super) now: Instant,
    pub(super) transport: TransportState,
    /// Of the present connection.
    pub(super) state: State,
    /// The preface and the resume, on a connection that asks for the session. The outbox waits until the hub answers.
    pub(super) resume_outbox: Option<Outbox>,
    pub(super) outbox: Outbox,
    pub(super) pool: Pool,
    pub(super) events: Queue,
    pub(super) liveness: Liveness,
    /// The session, if there is one.
    pub(super) ticket: Option<SessionTicket>,
    /// The name that was asked for, with its credential; none if the answer was no.
    pub(super) asked: Option<(String, Credential)>,
    /// There was a session: when it is lost, another one is to be had.
    pub(super) persistent: bool,
    pub(super) limits: Option<Announced>,
    /// When the hub was asked for what is awaited, or a connection was.
    pub(super) asked_at: Instant,
    /// Until when the answer to a registration, or to a goodbye, must have come.
    pub(super) answer_by: Option<Instant>,
    pub(super) closing: bool,
    pub(super) closed: Option<Closed>,
    pub(super) acks: Acks,
    /// Numbers of requests in sessions before this one: so that no number comes twice.
    pub(super) numbers_before: u64,
    pub(super) pending: Pending,
}

/// Time stops just before its end: a deadline there never comes.
pub(super) const NOW_MAX: Instant = Instant::from_nanos(u64::MAX - 1);

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
            asked_at: now,
            answer_by: None,
            closing: false,
            closed: None,
            acks: Acks::default(),
            numbers_before: 0,
            pending: Pending::default(),
        }
    }

    /// As [`new`](Self::new), for a program that was started again and has the [`ticket`](Self::ticket) of its session
    /// (protocol.md, *resume*). [`Event::Resumed`](crate::Event::Resumed) answers. The events that the older process
    /// had not taken come again, and so may those that it took last. In which rooms the session is and whom it watches,
    /// [`subscriptions`](Self::subscriptions) tells. If the hub does not have the session any more,
    /// [`Event::SessionLost`](crate::Event::SessionLost) answers: then the client registers anew, under the same name
    /// and with the credential.
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
    /// let ticket = SessionTicket::new("bob".parse()?, token).with_attempt(1_767_225_600_000);
    /// let mut client = Client::resume(Instant::ZERO, ClientConfig::default(), 7, ticket, b"");
    /// assert!(!client.transmit().is_empty(), "it asks for the session");
    /// # Ok::<(), chatcore::NameError>(())
    /// ```
    pub fn resume(now: Instant, config: ClientConfig, seed: u64, ticket: SessionTicket, credential: &[u8]) -> Self {
        let SessionTicket { name, display_name, .. } = &ticket;
        let spelling = display_name.clone().filter(|spelling| name.may_have_spelling(spelling));
        let asked = (spelling.unwrap_or_else(|| name.to_string()), Credential::new(credential));
        let acks = Acks::unknown();
        let mut client = Self { asked: Some(asked), persistent: true, acks, ..Self::new(now, config, seed) };
        client.ticket = Some(ticket);
        client.start_resume();
        client
    }

    /// The same before its first transport is made: [`Event::Connect`](crate::Event::Connect) asks for that one as for
    /// all that follow, when there is something to ask the hub for. Call this right after [`new`](Self::new) or
    /// [`resume`](Self::resume), in a driver that need not know at first whether the hub can be reached. If the first
    /// transport cannot be made, the client ends, unless it has a session to resume or
    /// [`keeps_trying`](ClientConfig::keeps_trying).
    ///
    /// ```
    /// use chatcore::{Client, ClientConfig, ClientError, Event, Instant};
    ///
    /// let now = Instant::ZERO;
    /// let config = ClientConfig::default().with_keeps_trying(true);
    /// let mut client = Client::new(now, config, 7).without_transport();
    /// client.register(now, "bob", b"")?;
    /// client.handle_timeout(now); // it is due at once
    /// assert!(matches!(client.poll_event(), Some(Event::Connect { address: None, .. })));
    /// client.disconnect(now); // the hub is not there yet
    /// assert!(matches!(client.poll_event(), Some(Event::Reconnecting { attempt: 1, .. })));
    /// # Ok::<(), ClientError>(())
    /// ```
    #[must_use]
    pub fn without_transport(mut self) -> Self {
        self.transport.stage = Stage::Offline { retry_at: self.now };
        // What it asks for is written when it is connected.
        (self.state, self.resume_outbox, self.answer_by) = (State::Unregistered, None, None);
        self
    }

    /// What the hub allows; none before [`Event::Registered`](crate::Event::Registered) or
    /// [`Event::Resumed`](crate::Event::Resumed).
    pub const fn limits(&self) -> Option<&Announced> {
        self.limits.as_ref()
    }

    /// What a program stores for [`resume`](Self::resume); none without a session. It changes with each registration,
    /// with each attempt to resume, and with each [`Event::Renamed`](crate::Event::Renamed).
    pub const fn ticket(&self) -> Option<&SessionTicket> {
        self.ticket.as_ref()
    }

    /// Why the client has ended; none if it has not. The program may not have taken its
    /// [`Event::Closed`](crate::Event::Closed) yet.
    pub const fn closed(&self) -> Option<&Closed> {
        self.closed.as_ref()
    }

    /// Whether the client has ended. The program may not have taken its [`Event::Closed`](crate::Event::Closed) yet.
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    pub(super) fn clock(&mut self, now: Instant) {
        self.now = self.now.max(now).min(NOW_MAX);
    }
}
