//! Why the program ends with an error.

use std::io;

use chatcore_client::chatcore::GoodbyeCode;
use chatcore_client::{Closed, ConnectError};

/// One line each, which tells a person what was wrong. What others said is in it: escape it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("{0}")]
    Password(String),
    #[error(
        "the password is not sent to {address}, because others could read it on its way: connect over TLS, or to a server \
         on this machine"
    )]
    NotPrivate { address: String },
    #[error("{name}: {detail}")]
    Refused { name: String, reason: String, detail: String },
    #[error("{0}")]
    Closed(Closed),
    #[error("{0} of the requests were not answered in time: --linger SECONDS gives them more")]
    Unanswered(usize),
    #[error("cannot write the output: {0}")]
    Output(io::Error),
    #[error("the system does not let it work: {0}")]
    System(io::Error),
}

impl Failure {
    /// For programs.
    pub(crate) fn reason(&self) -> &str {
        match self {
            Self::Connect(_) => "cannot_connect",
            Self::Password(_) => "no_password",
            Self::NotPrivate { .. } => "not_private",
            Self::Refused { reason, .. } => reason,
            Self::Closed(closed) => reason(closed),
            Self::Unanswered(_) => "unanswered",
            Self::Output(_) | Self::System(_) => "system_error",
        }
    }
}

/// Why a connection ended, for programs.
pub(crate) fn reason(closed: &Closed) -> &'static str {
    match closed {
        Closed::Left => GoodbyeCode::Left.name(),
        Closed::Goodbye { code, .. } => code.name(),
        Closed::Error { .. } | Closed::ProtocolError(_) => "protocol_error",
        Closed::OtherProtocol(_) => "not_chatcore",
        Closed::TimedOut => GoodbyeCode::TimedOut.name(),
        Closed::Refused { code, .. } => code.name(),
        _ => "disconnected",
    }
}
