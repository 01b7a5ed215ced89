//! The opening of a WebSocket, at either end.

use std::io;
use std::sync::Arc;

use chatcore::websocket::{
    Accepted, AnswerError, HEAD_BYTES_MAX, HttpRequest, SUBPROTOCOL, Upgrade, UpgradeError, UpgradeRequest,
    UpgradeRules,
};

use crate::files::{FileResponse, Files};

/// An opening that is not done, or that has become a response with a file.
pub(crate) struct Opening {
    role: Role,
    /// The start of a head that is not whole.
    head: Vec<u8>,
    /// Frames of a client that go when the WebSocket is open.
    pub(crate) early: Vec<u8>,
}

enum Role {
    Server {
        upgrade: Upgrade,
        rules: Arc<UpgradeRules>,
        files: Option<Arc<Files>>,
    },
    Client {
        request: UpgradeRequest,
    },
    /// No WebSocket was asked for.
    Responding(FileResponse),
}

/// What came of bytes of an opening.
pub(crate) enum Step {
    /// The head is not whole; or a response with a file goes, and nothing more is looked at.
    NeedInput,
    /// A file is asked for: the response with it begins.
    FileResponse,
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
    pub(crate) fn server(rules: Arc<UpgradeRules>, files: Option<Arc<Files>>) -> Self {
        Self::new(Role::Server { upgrade: Upgrade::new(), rules, files })
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
            Role::Server { upgrade, rules, files } => match take_request(upgrade, rules, files.as_deref(), input) {
                Ok(Some(Taken::WebSocket { head_bytes, response })) => Ok(Some((head_bytes, response))),
                Ok(Some(Taken::File(response))) => {
                    *self = Self::new(Role::Responding(response));
                    return Step::FileResponse;
                }
                Ok(None) => Ok(None),
                Err(error) => Err((error.response_to(input), invalid(error))),
            },
            Role::Client { request } => match request.receive(input) {
                Ok(Some(answer)) if answer.subprotocol() != Some(SUBPROTOCOL) => {
                    Err((String::new(), invalid(AnswerError::Subprotocol)))
                }
                Ok(answer) => Ok(answer.map(|answer| (answer.head_bytes(), String::new()))),
                Err(error) => Err((String::new(), invalid(error))),
            },
            Role::Responding(_) => return Step::NeedInput,
        };
        match received {
            Ok(Some((head_bytes, response))) => Step::Open { head_bytes: head_bytes - before, response },
            Ok(None) => {
                if before == 0 {
                    self.head = arrived.into();
                }
                Step::NeedInput
            }
            Err((response, error)) => Step::Refused { error, response },
        }
    }

    /// What the peer is told if our side ends for this reason before it has all of the response to its request:
    /// nothing, if it has not begun a request.
    pub(crate) fn last_response(&self, error: &UpgradeError) -> Option<Vec<u8>> {
        self.owes_response().then(|| error.response_to(&self.head).into_bytes())
    }

    /// The peer has begun its request: it is told if our side ends.
    pub(crate) const fn owes_response(&self) -> bool {
        matches!(self.role, Role::Server { .. }) && !self.head.is_empty()
    }

    /// The response with a file that goes in place of a WebSocket.
    pub(crate) const fn file_response(&self) -> Option<&FileResponse> {
        if let Role::Responding(response) = &self.role { Some(response) } else { None }
    }

    pub(crate) const fn file_response_mut(&mut self) -> Option<&mut FileResponse> {
        if let Role::Responding(response) = &mut self.role { Some(response) } else { None }
    }
}

/// What a whole request gets.
enum Taken {
    WebSocket { head_bytes: usize, response: String },
    File(FileResponse),
}

fn take_request(
    upgrade: &mut Upgrade,
    rules: &UpgradeRules,
    files: Option<&Files>,
    input: &[u8],
) -> Result<Option<Taken>, UpgradeError> {
    let websocket = |accepted: Accepted| Taken::WebSocket {
        head_bytes: accepted.head_bytes(),
        response: accepted.response().into(),
    };
    let Some(files) = files else { return Ok(upgrade.receive(rules, input)?.map(websocket)) };
    Ok(match upgrade.receive_http(rules, input)? {
        Some(HttpRequest::WebSocket(accepted)) => Some(websocket(accepted)),
        Some(HttpRequest::File(request)) => Some(Taken::File(files.respond(rules.path(), &request)?)),
        None => None,
    })
}

fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
