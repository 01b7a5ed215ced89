//! The server's end of a connection before it has a name: one small state machine for each new connection.

mod quota_source;
mod refusal;
mod registration;

use alloc::string::ToString;
use core::mem;
use core::time::Duration;

pub(crate) use self::quota_source::Site;
pub use self::quota_source::{QuotaKey, QuotaSource};
pub use self::refusal::{Denial, Refusal};
pub use self::registration::Registration;
pub(crate) use self::registration::{OwnResumeTime, Request};
use crate::limits::Limits;
use crate::name::{NameError, UserName, cost_of_mapping};
use crate::outbox::{Chunks, Outbox, Pool};
use crate::reconnect::Reconnect;
use crate::redacted::Credential;
use crate::time::Instant;
use crate::transition::{self, State};
use crate::wire::{
    self, ClientMessage, ErrorMessage, Goodbye, GoodbyeCode, HANDSHAKE_FRAME_BYTES_MAX, HubMessage, Message,
    OtherProtocol, PrefaceError, ProtocolError, ReconnectHint, Refused, Register, Resume, cut_detail,
};

/// The server's end of a connection until it has a name (protocol.md, *Life of a connection*).
///
/// 1. Give what arrives to [`receive`](Self::receive). Keep the bytes that it does not use.
/// 2. When it returns a [`Registration`], decide, now or later, on this thread or another. Either give it to
///    [`Hub::admit`](crate::Hub::admit), and drop the handshake. Or [`refuse`](Self::refuse) it: then the client may
///    ask again. What may be refused without the hub, charge before
///    ([`Hub::charge_registration`](crate::Hub::charge_registration)): asking is not to be free. Before a late
///    decision, check whether the handshake [is over](Self::is_over). If it is, the connection is gone: drop the
///    registration.
/// 3. After each call, write what [`transmit`](Self::transmit) gives, and report it to
///    [`transmitted`](Self::transmitted).
/// 4. When a call returns an error, write what `transmit` still gives, as far as the transport takes it at once, and
///    close the transport. When [`poll_timeout`](Self::poll_timeout) has come, call
///    [`handle_timeout`](Self::handle_timeout).
///
/// A handshake allocates nothing until it has something to write. A caller buffers at most
/// [`HANDSHAKE_FRAME_BYTES_MAX`](crate::HANDSHAKE_FRAME_BYTES_MAX) + 4 bytes of a message that is not whole.
///
/// A caller that decides later bounds the number of its undecided registrations. It drops those whose connection breaks
/// or whose handshake is over. Each holds a name and a credential, and anybody can send one on each connection.
///
/// ```
/// use chatcore::{Handshake, Instant, Limits, Refusal};
/// # use chatcore::{Client, ClientConfig};
///
/// let now = Instant::ZERO;
/// let mut handshake = Handshake::new(now, &Limits::default());
/// # let mut client = Client::new(now, ClientConfig::default(), 7);
/// # client.register(now, "Bob", b"wrong")?;
/// # let arrived = client.transmit().concat();
/// let mut input = &arrived[..]; // from the transport: the client's preface, and a registration as Bob
/// let registration = handshake.receive(now, &mut input)?.expect("it is whole");
/// assert_eq!((registration.name().as_str(), registration.display_name()), ("bob", "Bob"));
///
/// if registration.credential() != b"secret" {
///     handshake.refuse(now, &Refusal::Denied)?;
///     let bytes = handshake.transmit().concat(); // for the transport
///     handshake.transmitted(bytes.len());
///     assert!(!handshake.is_over(), "the client may ask again");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Handshake {
    /// None until the preface has come.
    state: Option<State>,
    outbox: Outbox,
    /// The answer to a peer that speaks another protocol.
    other_protocol_answer: &'static [u8],
    /// When the next registration must have come, or the decision about the last must have been made.
    deadline: Instant,
    time_max: Duration,
    decision_time_max: Duration,
    attempts: u32,
    attempts_max: u32,
    /// What mapping the names that were asked for, and skipping frames, has cost, and no registration has told the hub
    /// yet.
    cost: u32,
    /// It has asked for a session. A connection does that once, so that guessing a token costs a connection each time.
    has_resumed: bool,
}

impl Handshake {
    /// Begins the handshake of a new connection. It uses [`Limits::handshake_time_max`], [`Limits::decision_time_max`]
    /// and [`Limits::registration_attempts_max`].
    pub fn new(now: Instant, limits: &Limits) -> Self {
        Self {
            state: None,
            outbox: Outbox::with_preface(),
            other_protocol_answer: &[],
            deadline: now + limits.handshake_time_max,
            time_max: limits.handshake_time_max,
            decision_time_max: limits.decision_time_max,
            attempts: 0,
            attempts_max: limits.registration_attempts_max,
            cost: 0,
            has_resumed: false,
        }
    }

    /// Takes bytes that have arrived, up to the end of a registration. The call advances `input` past the bytes that it
    /// used. While a registration is undecided, it uses none.
    ///
    /// The handshake itself refuses a spelling that can be no name, and the client may try another.
    ///
    /// # Errors
    ///
    /// Why the handshake is over: the peer broke the protocol, speaks another one, or left. Write what
    /// [`transmit`](Self::transmit) gives, and close the transport.
    pub fn receive(&mut self, now: Instant, input: &mut &[u8]) -> Result<Option<Registration>, HandshakeError> {
        if self.state.is_none() {
            match wire::take_preface(input) {
                Ok(Some(_)) => self.state = Some(State::Unregistered),
                Ok(None) => return Ok(None),
                Err(PrefaceError::ProtocolError(error)) => return Err(self.fail(error)),
                Err(PrefaceError::OtherProtocol(other)) => {
                    self.state = Some(State::Closed);
                    self.other_protocol_answer = other.answer();
                    return Err(HandshakeError::OtherProtocol(other));
                }
            }
        }
        while self.state == Some(State::Unregistered) {
            let registration = match self.next(input) {
                Ok(Some(registration)) => registration,
                Ok(None) => return Ok(None),
                Err(Failure::Peer(error)) => return Err(self.fail(error)),
                Err(Failure::Left) => {
                    self.state = Some(State::Closed);
                    return Err(HandshakeError::Left);
                }
            };
            match registration {
                Ok(registration) => {
                    self.deadline = now + self.decision_time_max;
                    return Ok(Some(registration));
                }
                Err(error) => self.refuse(now, &Refusal::Name(error))?,
            }
        }
        Ok(None)
    }

    /// The next registration in the input, its name checked. Frames that may be skipped are.
    fn next(&mut self, input: &mut &[u8]) -> Result<Option<Result<Registration, NameError>>, Failure> {
        while let Some(content) = wire::take(input, HANDSHAKE_FRAME_BYTES_MAX)? {
            let Some(message) = ClientMessage::decode(content)? else {
                transition::may_skip(State::Unregistered, content.kind)?;
                self.cost = self.cost.saturating_add(cost_of_skipping(content.fields.len()));
                continue;
            };
            let state = transition::at_hub(State::Unregistered, message.kind())?;
            self.state = Some(state);
            return match message {
                ClientMessage::Register(Register { name, credential, frame_bytes_max }) => {
                    Ok(Some(self.ask(name, Request::Name { credential: Credential::new(credential) }, frame_bytes_max)))
                }
                ClientMessage::Resume(_) if mem::replace(&mut self.has_resumed, true) => {
                    Err(Failure::Peer(ProtocolError::TooManyAttempts { registration_attempts_max: self.attempts_max }))
                }
                ClientMessage::Resume(Resume { name, token, received, attempt, frame_bytes_max }) => {
                    Ok(Some(self.ask(name, Request::Resume { token, received, attempt }, frame_bytes_max)))
                }
                _ => Err(Failure::Left),
            };
        }
        Ok(None)
    }

    fn ask(&mut self, spelling: &str, request: Request, frame_bytes_max: u32) -> Result<Registration, NameError> {
        self.cost = self.cost.saturating_add(cost_of_mapping(spelling));
        let name = UserName::new(spelling)?;
        let display_name = (spelling != name.as_str()).then(|| spelling.into());
        let cost = mem::take(&mut self.cost);
        let outbox = self.outbox.clone();
        Ok(Registration {
            name,
            display_name,
            request,
            frame_bytes_max,
            cost,
            is_charged: false,
            source: QuotaSource::default(),
            limits: None,
            resume_time: OwnResumeTime::HUB,
            outbox,
        })
    }

    /// The cost of the names that the handshake itself has refused since the last call, and of the frames that it has
    /// skipped, in the units of protocol.md, *Cost*, for [`Hub::charge_origin`](crate::Hub::charge_origin). The next
    /// registration brings the cost that nobody has asked for, and the hub charges it with that one.
    #[must_use]
    pub const fn take_cost(&mut self) -> u32 {
        mem::replace(&mut self.cost, 0)
    }

    /// Refuses the registration that [`receive`](Self::receive) returned (protocol.md, *refused*). The client has
    /// [`Limits::handshake_time_max`] to try again on the same connection. When the handshake [is over](Self::is_over),
    /// this does nothing.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::ProtocolError`] with [`ProtocolError::TooManyAttempts`] if this was the last refusal that
    /// [`Limits::registration_attempts_max`] allows, and [`HandshakeError::Denied`] if it was [for
    /// good](Denial::for_good): the handshake is over.
    ///
    /// # Panics
    ///
    /// If no registration is undecided.
    pub fn refuse(&mut self, now: Instant, refusal: &Refusal) -> Result<(), HandshakeError> {
        if self.state == Some(State::Closed) {
            return Ok(());
        }
        assert!(
            self.is_undecided(),
            "no registration is undecided here: refuse once what receive() returned, or admit it"
        );
        self.state = Some(State::Unregistered);
        self.deadline = now + self.time_max;
        self.attempts += 1;
        let detail = refusal.to_string();
        self.push_refused(refusal, &detail);
        if refusal.is_final() {
            self.goodbye(GoodbyeCode::Kicked, cut_detail(&detail), None);
            return Err(HandshakeError::Denied);
        }
        if self.attempts < self.attempts_max {
            return Ok(());
        }
        Err(self.fail(ProtocolError::TooManyAttempts { registration_attempts_max: self.attempts_max }))
    }

    /// Ends the handshake because there is no room for its connection, whatever the client asks for: it may be called
    /// right after [`new`](Self::new), and before anything is read. The client is told why, and when to come again.
    /// Write what [`transmit`](Self::transmit) gives, and close the transport. A handshake that has ended stays as it
    /// is.
    ///
    /// ```
    /// use chatcore::{Handshake, Instant, Limits, Refusal};
    /// # use chatcore::{Client, ClientConfig, Event, RefusalCode};
    ///
    /// let now = Instant::ZERO;
    /// let mut handshake = Handshake::new(now, &Limits::default());
    /// handshake.turn_away(&Refusal::ConnectionsOfOrigin { connections_of_origin_max: 100 });
    /// let bytes = handshake.transmit().concat(); // for the transport
    /// # let mut client = Client::new(now, ClientConfig::default(), 7);
    /// # client.register(now, "alice", b"")?;
    /// # let _ = client.receive(now, &mut &bytes[..]);
    /// // The client takes it as the answer to what it has asked for.
    /// let Some(Event::Refused { code, wait, .. }) = client.poll_event() else { panic!("it is refused") };
    /// assert_eq!(code, RefusalCode::HubFull);
    /// assert!(wait.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn turn_away(&mut self, refusal: &Refusal) {
        let detail = refusal.to_string();
        match self.state {
            Some(State::Closed) => {}
            // A client that has been answered may not be about to ask again.
            Some(State::Unregistered) => self.goodbye(GoodbyeCode::TimedOut, cut_detail(&detail), None),
            _ => {
                self.push_refused(refusal, &detail);
                self.state = Some(State::Closed);
            }
        }
    }

    fn push_refused(&mut self, refusal: &Refusal, detail: &str) {
        let wait_ms = refusal.wait().map(|wait| u32::try_from(wait.as_millis()).unwrap_or(u32::MAX));
        let refused = Refused { code: refusal.code(), detail: cut_detail(detail), wait_ms };
        self.outbox.push(&HubMessage::Refused(refused), &mut Pool::default());
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); none if the handshake has ended. While a registration is
    /// undecided, the decision must come by this time, whether the caller still has the [`Registration`] or dropped it.
    /// After a refusal, the client has the whole of [`Limits::handshake_time_max`] again.
    pub fn poll_timeout(&self) -> Option<Instant> {
        (!self.is_over()).then_some(self.deadline)
    }

    /// Whether the handshake has ended: a call returned an error, or [`shut_down`](Self::shut_down) was called. Then
    /// the caller closes the transport, and does not admit a registration from it any more.
    pub fn is_over(&self) -> bool {
        self.state == Some(State::Closed)
    }

    pub(crate) fn is_undecided(&self) -> bool {
        matches!(self.state, Some(State::Registering | State::Resuming))
    }

    /// Ends the handshake with a goodbye if [`poll_timeout`](Self::poll_timeout) has come. Otherwise this does nothing.
    ///
    /// # Errors
    ///
    /// When that time has come: [`HandshakeError::Undecided`] if a registration is undecided, and otherwise
    /// [`HandshakeError::TimedOut`].
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), HandshakeError> {
        if self.poll_timeout().is_none_or(|due| now < due) {
            return Ok(());
        }
        let error = if self.is_undecided() { HandshakeError::Undecided } else { HandshakeError::TimedOut };
        self.goodbye(GoodbyeCode::TimedOut, &error.to_string(), None);
        Err(error)
    }

    /// Ends the handshake with a goodbye, because the server stops. Write what [`transmit`](Self::transmit) gives, and
    /// close the transport. The hint is that of [`Hub::shut_down`](crate::Hub::shut_down).
    pub fn shut_down(&mut self, reconnect: Option<&Reconnect>) {
        let detail = "the server is shutting down";
        self.goodbye(GoodbyeCode::ShuttingDown, detail, reconnect.map(Reconnect::hint));
    }

    fn goodbye(&mut self, code: GoodbyeCode, detail: &str, reconnect: Option<ReconnectHint<'_>>) {
        // A peer that has not shown what it speaks is told nothing.
        if self.state.is_some_and(|state| state != State::Closed) {
            self.outbox.push(&HubMessage::Goodbye(Goodbye { code, detail, reconnect }), &mut Pool::default());
        }
        self.state = Some(State::Closed);
    }

    fn fail(&mut self, error: ProtocolError) -> HandshakeError {
        self.state = Some(State::Closed);
        let detail = error.to_string();
        self.outbox.push(
            &HubMessage::Error(ErrorMessage { code: error.code(), detail: cut_detail(&detail) }),
            &mut Pool::default(),
        );
        HandshakeError::ProtocolError(error)
    }

    /// The bytes to write now. While a registration is undecided there are none: they go out together with the
    /// decision.
    pub fn transmit(&self) -> Chunks<'_> {
        if !self.other_protocol_answer.is_empty() {
            return Chunks::of(self.other_protocol_answer);
        }
        // The preface alone waits for the answer to the registration: one write instead of two.
        if self.is_undecided() || self.outbox.has_only_preface() {
            return Chunks::of(&[]);
        }
        self.outbox.transmit()
    }

    /// Reports that the transport, or a buffer in front of it, took this many bytes of [`transmit`](Self::transmit).
    /// Call this before any other input: an input may change what is to be written. A driver whose transport tells late
    /// calls this when it gives the bytes to the transport: nothing here waits for them to be written.
    ///
    /// # Panics
    ///
    /// If `count` is more than [`transmit`](Self::transmit) gave.
    pub fn transmitted(&mut self, count: usize) {
        let given: usize = self.transmit().bytes();
        assert!(
            count <= given,
            "the driver reports more bytes as transmitted than it was given: it reports what was taken of transmit(), once"
        );
        if self.other_protocol_answer.is_empty() {
            self.outbox.transmitted(count, &mut Pool::default());
        } else {
            self.other_protocol_answer = &self.other_protocol_answer[count..];
        }
    }
}

/// Units of a hub's work for a frame that is skipped, with so many bytes of fields: as for one of a session.
fn cost_of_skipping(bytes: usize) -> u32 {
    1 + u32::try_from(bytes >> 10).unwrap_or(u32::MAX - 1)
}

/// Why there is no registration to return.
enum Failure {
    Peer(ProtocolError),
    Left,
}

impl From<ProtocolError> for Failure {
    fn from(error: ProtocolError) -> Self {
        Self::Peer(error)
    }
}

/// Why a connection ended before it had a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The peer speaks another protocol.
    #[error("the peer speaks {0}, not chatcore")]
    OtherProtocol(OtherProtocol),
    /// The peer broke the protocol.
    #[error("protocol error: {0}")]
    ProtocolError(#[from] ProtocolError),
    /// The embedding program refused the client for good ([`Denial::for_good`]).
    #[error("the registration was denied for good")]
    Denied,
    /// The peer said goodbye, or reported that this end broke the protocol.
    #[error("the client left before it had a name")]
    Left,
    /// No registration came within [`Limits::handshake_time_max`].
    #[error("no registration came in time")]
    TimedOut,
    /// Nobody decided about a registration within [`Limits::decision_time_max`].
    #[error("the registration was not decided in time: try again later")]
    Undecided,
}
