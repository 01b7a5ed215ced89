//! The opening of a WebSocket, at either end.

use std::io;
use std::sync::Arc;

use chatcore::websocket::{AnswerError, HEAD_BYTES_MAX, SUBPROTOCOL, Upgrade, UpgradeRequest, UpgradeRules};

/// An opening that is not done.
pub(crate) struct Opening {
    role: Role,
    /// The start of a head that is not whole.
    head: Vec<u8>,
    /// Frames of a client that go when the WebSocket is open.
    pub(crate) early: Vec<u8>,
}

enum Role {
    Server { upgrade: Upgrade, rules: Arc<UpgradeRules> },
    Client { request: UpgradeRequest },
}

/// What came of bytes of an opening.
pub(crate) enum Step {
    /// The head is not whole.
    NeedInput,
    /// The WebSocket is open.
    Open {
        /// How many of the bytes belong to the head.
        head_bytes: usize,
        /// What goes to the peer.
        response: String,
    },
    /// It will never be.
    Refused {
        error: io::Error,
        /// What goes to the peer.
        response: String,
    },
}

impl Opening {
    pub(crate) fn server(rules: Arc<UpgradeRules>) -> Self {
        Self::new(Role::Server { upgrade: Upgrade::new(), rules })
    }

    pub(crate) fn client(request: UpgradeRequest) -> Self {
        Self::new(Role::Client { request })
    }

    fn new(role: Role) -> Self {
        Self { role, head: Vec::new(), early: Vec::new() }
    }

    pub(crate) const fn is_client(&self) -> bool {
        matches!(self.role, Role::Client { .. })
    }

    /// Takes bytes that have arrived.
    pub(crate) fn receive(&mut self, arrived: &[u8]) -> Step {
        let before = self.head.len();
        if before > 0 {
            let room = HEAD_BYTES_MAX - before;
            self.head.extend_from_slice(&arrived[..arrived.len().min(room)]);
        }
        // Most heads come in one piece, and are not copied.
        let input = if before > 0 { &self.head[..] } else { arrived };
        let received = match &mut self.role {
            Role::Server { upgrade, rules } => match upgrade.receive(rules, input) {
                Ok(accepted) => Ok(accepted.map(|accepted| (accepted.head_bytes(), accepted.response().into()))),
                Err(error) => Err((invalid(error.clone()), error.response())),
            },
            Role::Client { request } => match request.receive(input) {
                Ok(Some(answer)) if answer.subprotocol() != Some(SUBPROTOCOL) => {
                    Err((invalid(AnswerError::Subprotocol), String::new()))
                }
                Ok(answer) => Ok(answer.map(|answer| (answer.head_bytes(), String::new()))),
                Err(error) => Err((invalid(error), String::new())),
            },
        };
        match received {
            Ok(Some((head_bytes, response))) => Step::Open { head_bytes: head_bytes - before, response },
            Ok(None) => {
                if before == 0 {
                    self.head = arrived.into();
                }
                Step::NeedInput
            }
            Err((error, response)) => Step::Refused { error, response },
        }
    }

    /// The peer has begun its request: it is told if our side ends.
    pub(crate) const fn owes_response(&self) -> bool {
        !self.is_client() && !self.head.is_empty()
    }
}

fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
