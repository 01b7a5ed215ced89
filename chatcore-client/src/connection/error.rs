//! What a call of a connection returns when it does not return what was asked for, and what a registration brings.

use std::io;
use std::time::Duration;

#[cfg(feature = "websocket")]
use chatcore::websocket::AnswerError;
use chatcore::wire::Announced;
use chatcore::{ClientError, Closed, RefusalCode, UserName};

use crate::endpoint::{Endpoint, EndpointError};
#[cfg(feature = "tls")]
use crate::tls::{TlsError, TlsFault};

/// The result of a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Registered {
    /// The name as the server mapped it.
    pub name: UserName,
    /// The spelling that other users see in place of the name; none if that is the name.
    pub display_name: Option<String>,
    /// What the server allows.
    pub limits: Announced,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The text is no address.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The system does not find the host.
    #[error("cannot find {address}: {source}; check the spelling of the host, or give its number")]
    Resolve {
        /// Where to.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// No server answers at the address.
    #[error("cannot connect to {address}: {source}; is a server running there?")]
    Connect {
        /// Where to.
        address: String,
        /// What the system says of the last target that was tried.
        source: io::Error,
    },
    /// There is a credential, which goes nowhere where others could read it.
    #[error(
        "others could read the credential on its way to {address}: connect over TLS, or to a server on this machine"
    )]
    NotPrivate {
        /// Where to.
        address: String,
    },
    /// The server opens no WebSocket at the address.
    #[cfg(feature = "websocket")]
    #[error("cannot open a WebSocket at {address}: {source}")]
    WebSocket {
        /// Where to.
        address: String,
        /// What it answered.
        source: AnswerError,
    },
    /// TLS cannot be spoken with the server.
    #[cfg(feature = "tls")]
    #[error("cannot speak TLS with {address}: {fault}")]
    Tls {
        /// Where to.
        address: String,
        /// What was wrong.
        fault: TlsFault,
    },
    /// It is not known whom the system trusts.
    #[cfg(feature = "tls")]
    #[error("cannot speak TLS with {address}: {source}")]
    Trust {
        /// Where to.
        address: String,
        /// Why not.
        source: TlsError,
    },
}

impl ConnectError {
    /// Of two failures the one that tells more: one that is not of the system says that somebody is there.
    pub(super) fn more_telling(earlier: Option<Self>, endpoint: &Endpoint, source: io::Error) -> Self {
        let address = endpoint.to_string();
        if source.get_ref().is_some_and(|inner| inner.downcast_ref() == Some(&ClientError::NotPrivate)) {
            return earlier.filter(Self::is_telling).unwrap_or(Self::NotPrivate { address });
        }
        #[cfg(feature = "tls")]
        if let Some(fault) = TlsFault::of(&source) {
            return earlier.filter(Self::is_telling).unwrap_or(Self::Tls { address, fault });
        }
        #[cfg(feature = "websocket")]
        if let Some(answer) = source.get_ref().and_then(|inner| inner.downcast_ref::<AnswerError>()) {
            return earlier.filter(Self::is_telling).unwrap_or(Self::WebSocket { address, source: answer.clone() });
        }
        earlier.filter(Self::is_telling).unwrap_or(Self::Connect { address, source })
    }

    const fn is_telling(&self) -> bool {
        !matches!(self, Self::Connect { .. })
    }
}

/// Why there is no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The server refuses the name. The program may try another name on the same connection, or the same one again:
    /// that may help after `wait` if there is one, or later if the code [passes](RefusalCode::passes).
    #[error("{detail}")]
    Refused {
        /// Why, for programs.
        code: RefusalCode,
        /// Why, for people. The server wrote this text: escape it before a terminal shows it.
        detail: String,
        /// The time after which it may be worth trying again; none if the server does not know.
        wait: Option<Duration>,
    },
    /// The client cannot ask, got no answer in time, or has ended.
    #[error(transparent)]
    Other(#[from] Error),
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The time of the call is over. What it began may still happen.
    #[error("the server did not answer in time")]
    TimedOut,
    /// The client has ended.
    #[error("{0}")]
    Closed(Closed),
    /// Too many events wait for [`receive`](super::Connection::receive), and the answer to this request would be one
    /// more. The client sends nothing. This passes when the program receives events.
    #[error("{events} events wait to be received: receive some before asking for more")]
    Unreceived {
        /// How many events wait. Their frames have more than half of the bytes that the server keeps for this client.
        events: usize,
    },
    /// The client cannot do the command, and sends nothing.
    #[error(transparent)]
    Command(#[from] ClientError),
    /// The system cannot wait for the network any more.
    #[error("cannot wait for the network: {0}")]
    Poll(io::ErrorKind),
}
