//! The server's end of a connection before it has a name: one small state machine for each new connection.

use alloc::boxed::Box;
use alloc::string::ToString;
use core::fmt;
use core::mem;
use core::time::Duration;

use crate::limits::{Limits, LimitsError};
use crate::name::{NameError, RoomName, UserName, cost_of_mapping};
use crate::outbox::{Chunks, Outbox, Pool};
use crate::reconnect::Reconnect;
use crate::redacted::Credential;
use crate::time::Instant;
use crate::transition::{self, State};
use crate::user_limits::UserLimits;
use crate::wire::{
    self, ClientMessage, ErrorMessage, Goodbye, GoodbyeCode, HANDSHAKE_FRAME_BYTES_MAX, HubMessage, Message,
    OtherProtocol, PrefaceError, ProtocolError, ReconnectHint, RefusalCode, Refused, Register, Resume, Token,
    cut_detail,
};

/// The server's end of a connection until it has a name (protocol.md, *Life of a connection*).
///
/// 1. Give what arrives to [`receive`](Self::receive). Keep the bytes that it does not use.
/// 2. When it returns a [`Registration`], decide, now or later, on this thread or another. Either give it to
///    [`Hub::admit`](crate::Hub::admit), and drop the handshake. Or [`refuse`](Self::refuse) it: then the client may
///    ask again. Before a late decision, check whether the handshake [is over](Self::is_over). If it is, the connection
///    is gone: drop the registration.
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
    /// What mapping the names that were asked for has cost, and no registration has told the hub yet.
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
        self.cost += cost_of_mapping(spelling);
        let name = UserName::new(spelling)?;
        let display_name = (spelling != name.as_str()).then(|| spelling.into());
        let cost = mem::take(&mut self.cost);
        let origin = QuotaKey::default();
        let outbox = self.outbox.clone();
        Ok(Registration { name, display_name, request, frame_bytes_max, origin, cost, limits: None, outbox })
    }

    /// The cost of the names that the handshake itself has refused since the last call, in the units of protocol.md,
    /// *Cost*, for [`Hub::charge_origin`](crate::Hub::charge_origin). The next registration brings the cost that nobody
    /// has asked for, and [`Hub::admit`](crate::Hub::admit) charges it.
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
        if refusal.is_final() {
            self.goodbye(GoodbyeCode::Kicked, cut_detail(&detail), None);
            return Err(HandshakeError::Denied);
        }
        if self.attempts < self.attempts_max {
            return Ok(());
        }
        Err(self.fail(ProtocolError::TooManyAttempts { registration_attempts_max: self.attempts_max }))
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

/// A client's request for a name, or for the session that it had (protocol.md, *register* and *resume*). Give it to
/// [`Hub::admit`](crate::Hub::admit), or refuse it with [`Handshake::refuse`].
///
/// A registration is owned and `Send`, so that the decision can come much later or from elsewhere: a program may check
/// a password, ask other hubs whether the name is free, or move the connection to another thread. A registration does
/// not know its connection. So keep the two together, bound the number of undecided registrations, and admit none whose
/// connection is gone or whose [`Handshake::is_over`] is true.
///
/// ```
/// use chatcore::{Handshake, Hub, Instant, Limits, QuotaKey};
/// # use chatcore::{Client, ClientConfig};
///
/// # let now = Instant::ZERO;
/// # let mut client = Client::new(now, ClientConfig::default(), 7);
/// # client.register(now, "Bob", b"secret")?;
/// # let arrived = client.transmit().concat();
/// # let mut hub = Hub::new(Limits::default(), [7; 32]);
/// # let mut handshake = Handshake::new(now, hub.limits());
/// let registration = handshake.receive(now, &mut &arrived[..])?.expect("it is whole");
/// assert!(!registration.is_resumption(), "it asks for a new session");
/// assert_eq!(registration.credential(), b"secret");
/// let conn = hub.admit(now, registration.with_origin(QuotaKey(0x7f00_0001)))?; // 127.0.0.1
/// assert_eq!(hub.name(conn).map(|name| name.as_str()), Some("bob"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
    /// What its user may, in place of what all may.
    pub(crate) limits: Option<UserLimits>,
    /// What the handshake still has to say, which goes before the welcome: our preface, and refusals of names
    /// that were asked for in the same breath.
    pub(crate) outbox: Outbox,
}

#[derive(Debug)]
pub(crate) enum Request {
    Name { credential: Credential },
    Resume { token: Token, received: Option<u64>, attempt: u64 },
}

/// A number for the origin of a connection, as the driver sees it: an address, or the network that it belongs to. The
/// hub gives each origin a quota of cost ([`Limits::origin_rate`]), of memory ([`Limits::origin_buffer_bytes_max`]),
/// and of detached sessions ([`Limits::detached_of_origin_max`]). The hub only compares keys; the number itself means
/// nothing to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct QuotaKey(pub u128);

impl Registration {
    /// The name that the client asks for, or the name of the session that it asks for.
    pub const fn name(&self) -> &UserName {
        &self.name
    }

    /// The name as the client spells it. It maps to the name, and other clients may show it in place of the name. A
    /// session that is resumed keeps the display name that it began with.
    pub fn display_name(&self) -> &str {
        self.display_name.as_deref().unwrap_or(self.name.as_str())
    }

    /// The credential that the client sent, such as a password; empty if it sent none, and for a resume. The core does
    /// not read it: checking it is the caller's part. It has at most
    /// [`CREDENTIAL_BYTES_MAX`](crate::CREDENTIAL_BYTES_MAX) bytes.
    pub fn credential(&self) -> &[u8] {
        match &self.request {
            Request::Name { credential } => credential.as_bytes(),
            Request::Resume { .. } => &[],
        }
    }

    /// Whether the client asks for the session that it had. It proves its right with the session's token, which
    /// [`Hub::admit`](crate::Hub::admit) checks, and sends no credential.
    pub const fn is_resumption(&self) -> bool {
        matches!(self.request, Request::Resume { .. })
    }

    /// Gives the client another name than it asks for: that of its account, for example. It has no other spelling then. For
    /// a resume this does nothing: a session has its name.
    pub fn with_name(self, name: UserName) -> Self {
        if self.is_resumption() {
            return self;
        }
        Self { display_name: self.display_name.filter(|_| name == self.name), name, ..self }
    }

    /// Sets the origin of the connection. Without this call, it is [`QuotaKey`]`(0)`: all such connections share the
    /// quota of one origin.
    pub fn with_origin(self, origin: QuotaKey) -> Self {
        Self { origin, ..self }
    }

    /// Gives the user limits of its own, in place of those of the hub: for an administrator or a bot, for example. They hold
    /// for all its sessions once this one is admitted, resumed or taken over, and the client is told them in its welcome or
    /// with its resume. Without this call, the user keeps the limits that it has
    /// ([`Hub::set_user_limits`](crate::Hub::set_user_limits)); a new user has none of its own.
    ///
    /// # Errors
    ///
    /// The limits cannot be, as [`UserLimits::check`] tells. The registration is dropped: the client may still be refused.
    pub fn with_limits(self, limits: UserLimits) -> Result<Self, LimitsError> {
        limits.check()?;
        Ok(Self { limits: Some(limits), ..self })
    }
}

/// Why a registration is refused (protocol.md, *refused*). [`Hub::admit`](crate::Hub::admit) returns it, and
/// [`Handshake::refuse`] sends it to the client, which may try again. `Display` gives the sentence that the client is
/// sent.
///
/// ```
/// use std::time::Duration;
///
/// use chatcore::{Refusal, RefusalCode};
///
/// let refusal = Refusal::RateLimited { wait: Duration::from_secs(2) };
/// assert_eq!(refusal.code(), RefusalCode::RateLimited);
/// assert_eq!(refusal.wait(), Some(Duration::from_secs(2)));
/// assert_eq!(Refusal::Denied.wait(), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The spelling can be no name.
    #[error("{0}")]
    Name(#[from] NameError),
    /// Somebody has the name, or one that maps to the same.
    #[error("the name is in use: choose another, or try again when its user has left")]
    NameInUse {
        /// After which time the name will be free if nothing comes from its user any more.
        wait: Duration,
    },
    /// The name is free, but looks like one that somebody has. The refusal does not tell which.
    #[error("the name is easily taken for one that is in use: choose another")]
    Confusable,
    /// The name is reserved, or looks like a reserved one: [`Hub::with_reserved`](crate::Hub::with_reserved).
    #[error("the name is reserved: choose another")]
    Reserved,
    /// The hub has as many sessions as it allows.
    #[error("the hub is full: it takes {sessions_max} sessions at the most; try again later")]
    HubFull {
        /// The limit, [`Limits::sessions_max`].
        sessions_max: u32,
    },
    /// The origin has used up [`Limits::origin_rate`].
    #[error("too many registrations come from this address: try again in {} s", .wait.as_secs() + 1)]
    RateLimited {
        /// After which time the client may ask again.
        wait: Duration,
    },
    /// The user has as many sessions as it may have.
    #[error("the user has {sessions_of_user_max} sessions, and may have no more: end another one first")]
    TooManySessions {
        /// The limit, [`Limits::sessions_of_user_max`].
        sessions_of_user_max: u32,
    },
    /// The session would be in the rooms of its user, and the hub has as many memberships as it allows.
    #[error("the hub is full: its rooms take {memberships_max} members together at the most; try again later")]
    MembershipsFull {
        /// The limit, [`Limits::memberships_max`].
        memberships_max: u32,
    },
    /// The session would be in a room of its user that has as many members as it may have.
    #[error(
        "the user is in {room}, which is full: it takes {members_max} members at the most; leave it, or try again later"
    )]
    RoomFull {
        /// The room.
        room: RoomName,
        /// The limit, [`Limits::members_max`].
        members_max: u32,
    },
    /// The session of the user has messages that may be longer than what the client takes.
    #[error("the session may hold longer messages than this client takes: allow frames as long as before")]
    ShorterFrames,
    /// The embedding program denies the name. Only the program makes this refusal, never the hub.
    #[error("the registration is denied: the credential does not give the right to this name")]
    Denied,
    /// The embedding program refuses, for a reason of its own. Only the program makes this refusal, never the hub.
    #[error("{0}")]
    Custom(Denial),
    /// The hub is stopping.
    #[error("the hub is shutting down: try again later")]
    ShuttingDown,
    /// No session has that name and token.
    #[error("the session cannot be resumed: it has ended, or the token is not its own; register anew")]
    SessionOver,
    /// The session lives, but cannot go on with this resume: its attempt is not newer than the last one, its count is
    /// impossible, or the client takes shorter frames than before.
    #[error("the session lives, but not from there: resume with a higher attempt, and a count that it can go on from")]
    StaleResume,
}

impl Refusal {
    /// The code that stands for the refusal on the wire.
    pub const fn code(&self) -> RefusalCode {
        match self {
            Self::Name(_) => RefusalCode::InvalidName,
            Self::NameInUse { .. } => RefusalCode::NameInUse,
            Self::HubFull { .. } | Self::MembershipsFull { .. } | Self::RoomFull { .. } => RefusalCode::HubFull,
            Self::TooManySessions { .. } => RefusalCode::TooManySessions,
            Self::RateLimited { .. } => RefusalCode::RateLimited,
            Self::Confusable => RefusalCode::Confusable,
            Self::Denied | Self::Custom(_) | Self::Reserved => RefusalCode::Denied,
            Self::ShuttingDown => RefusalCode::ShuttingDown,
            Self::SessionOver => RefusalCode::SessionOver,
            Self::StaleResume | Self::ShorterFrames => RefusalCode::StaleResume,
        }
    }

    /// The time after which it may be worth trying again; none if that is not known.
    pub const fn wait(&self) -> Option<Duration> {
        match self {
            Self::NameInUse { wait } | Self::RateLimited { wait } => Some(*wait),
            Self::Custom(denial) => denial.wait,
            _ => None,
        }
    }

    /// Whether the connection ends with this refusal.
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Custom(Denial { is_final: true, .. }))
    }
}

/// Why the embedding program refuses a registration, in its own words ([`Refusal::Custom`]). `Display` gives the reason.
///
/// ```
/// use std::time::Duration;
///
/// use chatcore::{Denial, Refusal, RefusalCode};
///
/// let closed = Refusal::Custom(Denial::new("this account is closed").for_good());
/// assert_eq!((closed.code(), closed.is_final()), (RefusalCode::Denied, true));
/// let busy = Refusal::Custom(Denial::new("the game is full").with_wait(Duration::from_secs(60)));
/// assert_eq!(busy.wait(), Some(Duration::from_secs(60)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    reason: Box<str>,
    wait: Option<Duration>,
    is_final: bool,
}

impl Denial {
    /// With a reason for people. The client is sent at most [`DETAIL_BYTES_MAX`](crate::DETAIL_BYTES_MAX) bytes of it.
    pub fn new(reason: impl Into<Box<str>>) -> Self {
        Self { reason: reason.into(), wait: None, is_final: false }
    }

    /// The reason.
    pub const fn reason(&self) -> &str {
        &self.reason
    }

    /// Tells the client after which time it may be worth trying again. Without this call, it is not told.
    #[must_use]
    pub fn with_wait(self, wait: Duration) -> Self {
        Self { wait: Some(wait), ..self }
    }

    /// Ends the connection, with the goodbye [`GoodbyeCode::Kicked`]. Without this call, the client may ask for another
    /// name on the same connection.
    #[must_use]
    pub fn for_good(self) -> Self {
        Self { is_final: true, ..self }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
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
