//! Before there is a name: one small state machine for each fresh connection.

use alloc::boxed::Box;
use alloc::string::ToString;
use core::mem;
use core::time::Duration;

use crate::limits::{HANDSHAKE_FRAME_BYTES_MAX, Limits, cut_detail};
use crate::name::{NameError, UserName, cost_of_mapping};
use crate::outbox::{Chunks, Outbox, Pool};
use crate::redacted::Credential;
use crate::time::Instant;
use crate::transition::{self, State};
use crate::wire::{
    self, ClientMessage, ErrorMessage, Goodbye, GoodbyeCode, HubMessage, Message, OtherProtocol, PrefaceError,
    ProtocolError, ReconnectHint, RefusalCode, Refused, Register, Resume, Token,
};

/// The server's end of a connection until it has a name.
///
/// 1. Give it what arrives with [`receive`](Self::receive). What it does not use stays with you.
/// 2. When it returns a [`Registration`], decide, now or later, on this thread or another:
///    [`Hub::admit`](crate::Hub::admit) it, and drop the handshake; or [`refuse`](Self::refuse) it, and the
///    client may ask again. A decision has its own deadline. Before a late one, look whether the handshake
///    [is over](Self::is_over): then the connection is gone, and the registration is to be dropped.
/// 3. Write what [`transmit`](Self::transmit) holds after each call, and report it to
///    [`transmitted`](Self::transmitted).
/// 4. When a call returns an error, write what `transmit` still holds, as far as the transport takes it at
///    once, and close. Past [`deadline`](Self::deadline), call [`handle_timeout`](Self::handle_timeout).
///
/// Memory: nothing beyond this value until there is something to say. A caller buffers at most
/// [`HANDSHAKE_FRAME_BYTES_MAX`](crate::HANDSHAKE_FRAME_BYTES_MAX) + 4 bytes of a message that is not whole.
///
/// A caller that decides later bounds how many registrations it has undecided, and drops those whose connection breaks
/// or whose handshake is over: each holds a name and a credential, and strangers can send as many as they open
/// connections.
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
    /// What mapping the names that were asked for has cost, and no registration has told the hub yet.
    cost: u32,
    /// It has asked for a session. A connection does that once, so that guessing a token costs a connection each time.
    has_resumed: bool,
}

impl Handshake {
    /// A fresh connection. Of the limits, `handshake_time_max`, `decision_time_max` and `registration_attempts_max` count
    /// here.
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

    /// Takes what has arrived, up to and with a whole registration; the rest of `input` stays. While a
    /// registration is undecided nothing is taken.
    ///
    /// A name that cannot be one is refused here, and the client may try another.
    ///
    /// # Errors
    ///
    /// Why the handshake is over: the peer broke the protocol, speaks another one, or left. Write what
    /// [`transmit`](Self::transmit) holds, and close the connection.
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
                continue;
            };
            let state = transition::at_hub(State::Unregistered, message.kind())?;
            self.state = Some(state);
            return match message {
                ClientMessage::Register(Register { name, credential, frame_bytes_max }) => {
                    Ok(Some(self.ask(name, Request::Name { credential: Credential::new(credential) }, frame_bytes_max)))
                }
                ClientMessage::Resume(_) if mem::replace(&mut self.has_resumed, true) => {
                    Err(Failure::Peer(ProtocolError::TooManyAttempts { attempts_max: self.attempts_max }))
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
        self.cost += cost_of_mapping(spelling);
        let name = UserName::new(spelling)?;
        let display_name = (spelling != name.as_str()).then(|| spelling.into());
        let cost = mem::take(&mut self.cost);
        let origin = QuotaKey::default();
        Ok(Registration { name, display_name, request, frame_bytes_max, origin, cost, outbox: self.outbox.clone() })
    }

    /// What names that were refused here have cost, for [`Hub::charge_origin`](crate::Hub::charge_origin): each is told
    /// once. What is not asked for is told by the next registration.
    #[must_use]
    pub const fn take_cost(&mut self) -> u32 {
        mem::replace(&mut self.cost, 0)
    }

    /// Answers the registration with no. The client may try again on the same connection, and has the handshake time for
    /// it, until it has been refused too often. When the handshake [is over](Self::is_over), this does nothing.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::ProtocolError`] if it was refused too often: the handshake is over.
    ///
    /// # Panics
    ///
    /// If there is no registration to be answered.
    pub fn refuse(&mut self, now: Instant, refusal: &Refusal) -> Result<(), HandshakeError> {
        if self.state == Some(State::Closed) {
            return Ok(());
        }
        assert!(self.is_undecided(), "a refusal answers a registration");
        self.state = Some(State::Unregistered);
        self.deadline = now + self.time_max;
        self.attempts += 1;
        let detail = refusal.to_string();
        let wait_ms = refusal.wait().map(|wait| u32::try_from(wait.as_millis()).unwrap_or(u32::MAX));
        self.outbox.push(
            &HubMessage::Refused(Refused { code: refusal.code(), detail: cut_detail(&detail), wait_ms }),
            &mut Pool::default(),
        );
        if self.attempts < self.attempts_max {
            return Ok(());
        }
        Err(self.fail(ProtocolError::TooManyAttempts { attempts_max: self.attempts_max }))
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due. While a registration is undecided, this is when the
    /// decision must have been made, whether the [`Registration`] is still there or was dropped. A client does not lose
    /// time over a decision: after a refusal it has the handshake time anew.
    pub const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The connection is to be closed: because of an error that a call has returned, or because of
    /// [`shut_down`](Self::shut_down). A registration from it is not to be admitted any more.
    pub fn is_over(&self) -> bool {
        self.state == Some(State::Closed)
    }

    pub(crate) fn is_undecided(&self) -> bool {
        matches!(self.state, Some(State::Registering | State::Resuming))
    }

    /// Past the deadline, ends the handshake.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::TimedOut`] or [`HandshakeError::Undecided`] once the time has come.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), HandshakeError> {
        if now < self.deadline() {
            return Ok(());
        }
        let error = if self.is_undecided() { HandshakeError::Undecided } else { HandshakeError::TimedOut };
        self.goodbye(GoodbyeCode::TimedOut, &error.to_string(), None);
        Err(error)
    }

    /// Ends the handshake because the server stops: a goodbye, to be written before the connection is closed. The
    /// hint is that of [`Hub::shut_down`](crate::Hub::shut_down).
    pub fn shut_down(&mut self, reconnect: Option<ReconnectHint<'_>>) {
        let detail = "the server is shutting down";
        self.goodbye(GoodbyeCode::ShuttingDown, detail, reconnect.map(ReconnectHint::bounded));
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

    /// What is to be written now. While a registration is undecided there is nothing: what is left to say goes with
    /// the decision.
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

    /// The transport has taken this many bytes of [`transmit`](Self::transmit). To be said before anything else goes into
    /// the handshake, because that may change what is to be written.
    ///
    /// # Panics
    ///
    /// If fewer bytes were there to be written.
    pub fn transmitted(&mut self, count: usize) {
        let given: usize = self.transmit().map(<[u8]>::len).sum();
        assert!(count <= given, "the driver reports more bytes as transmitted than it was given");
        if self.other_protocol_answer.is_empty() {
            self.outbox.transmitted(count, &mut Pool::default());
        } else {
            self.other_protocol_answer = &self.other_protocol_answer[count..];
        }
    }
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

/// A client asks for a name, or for the session that it had: to be given to [`Hub::admit`](crate::Hub::admit) or
/// refused.
///
/// Owned and `Send`, so that the decision can be made much later or elsewhere: a password checked, the name
/// claimed among several hubs, the connection moved to the thread that owns the name. It knows nothing of its connection:
/// keep the two together, bound how many wait, and admit none whose connection broke or whose [`Handshake::is_over`].
#[derive(Debug)]
#[must_use = "a registration is to be admitted or refused"]
pub struct Registration {
    pub(crate) name: UserName,
    /// The name as it was typed, if that is something else.
    pub(crate) display_name: Option<Box<str>>,
    pub(crate) request: Request,
    /// Bytes of a frame that the client takes.
    pub(crate) frame_bytes_max: u32,
    /// What its name has cost to map, and those that were refused on its connection before.
    pub(crate) cost: u32,
    pub(crate) origin: QuotaKey,
    /// What the handshake still has to say, which goes before the welcome: our preface, and refusals of names
    /// that were asked for in the same breath.
    pub(crate) outbox: Outbox,
}

#[derive(Debug)]
pub(crate) enum Request {
    Name { credential: Credential },
    Resume { token: Token, received: Option<u64>, attempt: u64 },
}

/// Names the origin of a connection, as the driver sees it: an address, or the network that it belongs to. The hub gives
/// each origin a quota of work ([`Limits::origin_rate`]), of buffers ([`Limits::origin_buffer_bytes_max`]), and of detached
/// sessions ([`Limits::detached_of_origin_max`]). It compares keys, and reads nothing else into them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuotaKey(pub u128);

impl Registration {
    /// The name that is asked for.
    pub const fn name(&self) -> &UserName {
        &self.name
    }

    /// The name as the client spells it: what others may be shown in place of the name, to which it maps. A session that is
    /// resumed keeps the one that it began with.
    pub fn display_name(&self) -> &str {
        self.display_name.as_deref().unwrap_or(self.name.as_str())
    }

    /// What the client gives as proof; empty if nothing. The core does not look at it.
    pub fn credential(&self) -> &[u8] {
        match &self.request {
            Request::Name { credential } => credential.as_bytes(),
            Request::Resume { .. } => &[],
        }
    }

    /// The client asks for the session that it had. Its token, which the hub checks, is all the proof it gives.
    pub const fn is_resumption(&self) -> bool {
        matches!(self.request, Request::Resume { .. })
    }

    /// Says where it comes from. Without this, all come from one place.
    pub fn with_origin(self, origin: QuotaKey) -> Self {
        Self { origin, ..self }
    }
}

/// Why a registration is refused. The client may try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The spelling is no name.
    #[error("{0}")]
    Name(#[from] NameError),
    /// Somebody has the name, or one that maps to the same.
    #[error("the name is in use: choose another, or try again when its user has left")]
    NameInUse {
        /// When the name will be free at the earliest, if its user is not heard of any more.
        wait: Duration,
    },
    /// The name looks like one that somebody has. It does not tell which, or whose.
    #[error("the name is easily taken for one that is in use: choose another")]
    Confusable,
    /// The embedder keeps the name for itself, or it looks like one that it keeps.
    #[error("the name is reserved: choose another")]
    Reserved,
    /// The hub is full.
    #[error("the hub is full: it takes {users_max} users at the most; try again later")]
    HubFull {
        /// The limit.
        users_max: u32,
    },
    /// Its origin asks more often than the hub allows.
    #[error("too many registrations come from this address: try again in {} s", .wait.as_secs() + 1)]
    RateLimited {
        /// When it may ask again.
        wait: Duration,
    },
    /// The embedder said no.
    #[error("the registration is denied: the credential does not give the right to this name")]
    Denied,
    /// The hub is stopping.
    #[error("the hub is shutting down: try again later")]
    ShuttingDown,
    /// No session has that name and token.
    #[error("the session cannot be resumed: it has ended, or the token is not its own; register anew")]
    SessionOver,
    /// The session lives, and cannot go on with this resume.
    #[error("the session lives, but not from there: resume with a higher attempt, and a count that it can go on from")]
    StaleResume,
}

impl Refusal {
    /// The number under which the refusal goes over the wire.
    pub const fn code(&self) -> RefusalCode {
        match self {
            Self::Name(_) => RefusalCode::InvalidName,
            Self::NameInUse { .. } => RefusalCode::NameInUse,
            Self::HubFull { .. } => RefusalCode::HubFull,
            Self::RateLimited { .. } => RefusalCode::RateLimited,
            Self::Confusable => RefusalCode::Confusable,
            Self::Denied | Self::Reserved => RefusalCode::Denied,
            Self::ShuttingDown => RefusalCode::ShuttingDown,
            Self::SessionOver => RefusalCode::SessionOver,
            Self::StaleResume => RefusalCode::StaleResume,
        }
    }

    /// After which time it may be worth to try again, if that is known.
    pub const fn wait(&self) -> Option<Duration> {
        match self {
            Self::NameInUse { wait } | Self::RateLimited { wait } => Some(*wait),
            _ => None,
        }
    }
}

/// Why a connection ended before it had a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The peer speaks something else.
    #[error("the peer speaks {0}, not chatcore")]
    OtherProtocol(OtherProtocol),
    /// The peer broke the protocol.
    #[error("protocol error: {0}")]
    ProtocolError(#[from] ProtocolError),
    /// The peer left.
    #[error("the client left before it had a name")]
    Left,
    /// The peer took too long.
    #[error("no registration came in time")]
    TimedOut,
    /// Nobody decided about a registration in time.
    #[error("the registration was not decided in time: try again later")]
    Undecided,
}
