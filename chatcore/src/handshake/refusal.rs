//! Why a client does not get a name.

use alloc::boxed::Box;
use core::fmt;
use core::time::Duration;

use crate::name::NameError;
use crate::wire::RefusalCode;

/// How long who finds no room for its origin should wait: until others may have gone.
const FULL_WAIT: Duration = Duration::from_secs(10);

/// The same if only handshakes have to come to their ends.
const HANDSHAKES_WAIT: Duration = Duration::from_secs(2);

/// Why a registration is refused (protocol.md, *refused*). [`Hub::admit`](crate::Hub::admit) returns it, and
/// [`Handshake::refuse`](crate::Handshake::refuse) sends it to the client, which may try again. `Display` gives the
/// sentence that the client is sent.
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
        /// The limit, [`Limits::sessions_max`](crate::Limits::sessions_max).
        sessions_max: u32,
    },
    /// As many sessions come from the origin, or from its site, as may.
    #[error(
        "this address has {sessions_of_origin_max} sessions, and may have no more: end another one, or try again later"
    )]
    OriginFull {
        /// The limit, [`Limits::sessions_of_origin_max`](crate::Limits::sessions_of_origin_max), or that of the site
        /// ([`Registration::with_site`](crate::Registration::with_site)).
        sessions_of_origin_max: u32,
    },
    /// As many connections come from the origin, or from the network that it belongs to, as may. Only drivers make this
    /// refusal and the two that follow, with [`Handshake::turn_away`](crate::Handshake::turn_away), never the hub.
    #[error(
        "this address has {connections_of_origin_max} connections, and may have no more: close another one, or try again \
         later"
    )]
    ConnectionsOfOrigin {
        /// The limit of the driver.
        connections_of_origin_max: u32,
    },
    /// The same of connections that have no name yet.
    #[error(
        "this address has {handshakes_of_origin_max} connections that have no name yet, and may have no more: try again \
         in a moment"
    )]
    HandshakesOfOrigin {
        /// The limit of the driver.
        handshakes_of_origin_max: u32,
    },
    /// The driver has few connections left, and keeps them for clients that resume a session.
    #[error("the server is nearly full, and keeps what is left for users who come back: try again later")]
    ConnectionsReserved,
    /// The origin has used up [`Limits::origin_rate`](crate::Limits::origin_rate).
    #[error("too many registrations come from this address: try again in {} s", .wait.as_secs() + 1)]
    RateLimited {
        /// After which time the client may ask again.
        wait: Duration,
    },
    /// The user has as many sessions as it may have.
    #[error("the user has {sessions_of_user_max} sessions, and may have no more: end another one first")]
    TooManySessions {
        /// The limit, [`Limits::sessions_of_user_max`](crate::Limits::sessions_of_user_max).
        sessions_of_user_max: u32,
    },
    /// The session would be in the rooms of its user, and the hub has as many memberships as it allows.
    #[error("the hub is full: its rooms take {memberships_max} members together at the most; try again later")]
    MembershipsFull {
        /// The limit, [`Limits::memberships_max`](crate::Limits::memberships_max).
        memberships_max: u32,
    },
    /// The session of the user has messages that may be longer than what the client takes.
    #[error("the session may hold longer messages than this client takes: allow frames as long as before")]
    ShorterFrames,
    /// The embedding program denies the name. Only the program makes this refusal, never the hub.
    #[error("the registration is denied: the credential does not give the right to this name")]
    Denied,
    /// Too many wrong credentials came from the origin, or for the name. Only the program makes this refusal, never the
    /// hub.
    #[error("too many wrong credentials were tried: try again in {} s", .wait.as_secs() + 1)]
    LockedOut {
        /// After which time the client may try again.
        wait: Duration,
    },
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
            Self::HubFull { .. }
            | Self::OriginFull { .. }
            | Self::ConnectionsOfOrigin { .. }
            | Self::HandshakesOfOrigin { .. }
            | Self::ConnectionsReserved
            | Self::MembershipsFull { .. } => RefusalCode::HubFull,
            Self::TooManySessions { .. } => RefusalCode::TooManySessions,
            Self::RateLimited { .. } | Self::LockedOut { .. } => RefusalCode::RateLimited,
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
            Self::NameInUse { wait } | Self::RateLimited { wait } | Self::LockedOut { wait } => Some(*wait),
            Self::OriginFull { .. } | Self::ConnectionsOfOrigin { .. } | Self::ConnectionsReserved => Some(FULL_WAIT),
            Self::HandshakesOfOrigin { .. } => Some(HANDSHAKES_WAIT),
            Self::Custom(denial) => denial.wait,
            _ => None,
        }
    }

    /// Whether the connection ends with this refusal.
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Custom(Denial { is_final: true, .. }))
    }
}

/// Why the embedding program refuses a registration, in its own words ([`Refusal::Custom`]). `Display` gives the
/// reason.
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

    /// Ends the connection, with the goodbye [`GoodbyeCode::Kicked`](crate::GoodbyeCode::Kicked). Without this call,
    /// the client may ask for another name on the same connection.
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
