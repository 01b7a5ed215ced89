//! The client's end of the opening (RFC 6455, 4.1).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use httparse::{EMPTY_HEADER, Response, Status};

use super::head::{
    HEAD_BYTES_MAX, HEADERS_MAX, HeadEnd, HeadFault, Headers, NONCE_BYTES, Repeated, answer_to_key, key_of,
};
use super::origin::Authority;
use super::upgrade_rules::is_token;

/// The client's end of the opening of a WebSocket: a request goes, and a response comes.
///
/// 1. Write [`bytes`](Self::bytes).
/// 2. Give [`receive`](Self::receive) all that has arrived, until it returns something. Keep the bytes: it uses none
///    before. A buffer of [`HEAD_BYTES_MAX`] bytes is enough.
/// 3. After an [`Answer`], go on with a [`WebSocket`](super::WebSocket). After an error, close the transport.
///
/// ```
/// use chatcore::websocket::{SUBPROTOCOL, Upgrade, UpgradeRequest, UpgradeRules};
///
/// // The nonce is for this connection alone, and nobody can guess it.
/// let mut request = UpgradeRequest::new("localhost:8080", "/", &[SUBPROTOCOL], [7; 16])?;
/// let accepted = Upgrade::new().receive(&UpgradeRules::default(), request.bytes())?.expect("it is whole");
/// let answer = request.receive(accepted.response().as_bytes())?.expect("it is whole");
/// assert_eq!(answer.subprotocol(), Some("chatcore.v1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct UpgradeRequest {
    bytes: Vec<u8>,
    subprotocols: Vec<String>,
    expected: String,
    end: HeadEnd,
}

/// A request that no server could understand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The host is none.
    #[error("{0:?} is no host: it is a name or an address and maybe a port, as in chat.example:8080 or [::1]")]
    Host(String),
    /// The target is none.
    #[error("{0:?} is no path: it begins with a slash, as in /chat, and has visible ASCII but #")]
    Target(String),
    /// A subprotocol is none.
    #[error("{0:?} is no subprotocol: it has letters, digits, dots, dashes and the like, as in chatcore.v1")]
    Subprotocol(String),
    /// It has too many bytes for a server of this crate.
    #[error("the request has {0} bytes: a server may refuse more than {max}", max = HEAD_BYTES_MAX)]
    TooLong(usize),
}

/// The server has opened the WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    head_bytes: usize,
    subprotocol: Option<String>,
}

impl Answer {
    /// How many bytes of the input the response has used. The others belong to the first frames.
    pub const fn head_bytes(&self) -> usize {
        self.head_bytes
    }

    /// The subprotocol that the server has chosen; none if none was offered.
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }
}

/// Why what a server answered opens no WebSocket.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// It does not begin as a response of HTTP.
    #[error("the server did not answer in HTTP: it may speak no WebSocket at this port")]
    NotHttp,
    /// It is not well-formed.
    #[error("the server's HTTP response is malformed")]
    Malformed,
    /// The head has more than [`HEAD_BYTES_MAX`] bytes.
    #[error("the head of the server's response is too long: it has at most {max} bytes", max = HEAD_BYTES_MAX)]
    HeadTooLong,
    /// The head has more than [`HEADERS_MAX`] headers.
    #[error("the server's response has too many headers: at most {max} are taken", max = HEADERS_MAX)]
    TooManyHeaders,
    /// A header that decides something came twice.
    #[error("the header {header} of the server's response came more than once")]
    Repeated {
        /// Its name.
        header: &'static str,
    },
    /// The server answered something else.
    #[error("the server answered with the HTTP status {status}: it opens a WebSocket with 101")]
    Status {
        /// Its status.
        status: u16,
    },
    /// It switched to something else.
    #[error("the server did not switch to a WebSocket: Upgrade: websocket and Connection: Upgrade are missing")]
    NoUpgrade,
    /// It shows that it has read no key, or another.
    #[error(
        "the server's answer to the key is wrong: it may not speak WebSocket, or another server's answer is repeated"
    )]
    Key,
    /// It wants an extension, and none was offered.
    #[error("the server uses an extension that was not offered")]
    Extension,
    /// It speaks none of the subprotocols that were offered.
    #[error("the server chose no subprotocol of those that were offered")]
    Subprotocol,
}

impl UpgradeRequest {
    /// A request for a path of a host, with a query if there is one. The server must choose one of the subprotocols,
    /// unless there are none. The nonce is for this connection alone, and nobody can guess it.
    ///
    /// # Errors
    ///
    /// If one of them cannot be written in a request.
    pub fn new(
        host: &str,
        target: &str,
        subprotocols: &[&str],
        nonce: [u8; NONCE_BYTES],
    ) -> Result<Self, RequestError> {
        if Authority::parse(host).is_none() {
            return Err(RequestError::Host(host.into()));
        }
        if !target.starts_with('/') || !target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
            return Err(RequestError::Target(target.into()));
        }
        if let Some(other) = subprotocols.iter().find(|subprotocol| !is_token(subprotocol)) {
            return Err(RequestError::Subprotocol((*other).into()));
        }
        let key = key_of(nonce);
        let mut head = format!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
        );
        if !subprotocols.is_empty() {
            head.push_str("Sec-WebSocket-Protocol: ");
            head.push_str(&subprotocols.join(", "));
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        if head.len() > HEAD_BYTES_MAX {
            return Err(RequestError::TooLong(head.len()));
        }
        Ok(Self {
            bytes: head.into_bytes(),
            subprotocols: subprotocols.iter().copied().map(String::from).collect(),
            expected: answer_to_key(key.as_bytes()),
            end: HeadEnd::START,
        })
    }

    /// What to write.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Looks at all that has arrived. None until the response is whole, but what is no response of HTTP is noticed at
    /// once.
    ///
    /// # Errors
    ///
    /// Why this response opens no WebSocket. Close the transport.
    pub fn receive(&mut self, input: &[u8]) -> Result<Option<Answer>, AnswerError> {
        const OPENING: &[u8] = b"HTTP/1.";
        let opening = &input[..input.len().min(OPENING.len())];
        if !OPENING.starts_with(opening) {
            return Err(AnswerError::NotHttp);
        }
        let Some(head_bytes) = self.end.find(input)? else { return Ok(None) };
        let mut headers = [EMPTY_HEADER; HEADERS_MAX];
        let mut response = Response::new(&mut headers);
        if response.parse(&input[..head_bytes])? != Status::Complete(head_bytes) {
            return Err(AnswerError::Malformed);
        }
        let headers = Headers(response.headers);
        match response.code {
            Some(101) if response.version == Some(1) => {}
            Some(101) | None => return Err(AnswerError::Malformed),
            Some(status) => return Err(AnswerError::Status { status }),
        }
        if !headers.lists("Connection", "upgrade") || !headers.lists("Upgrade", "websocket") {
            return Err(AnswerError::NoUpgrade);
        }
        if headers.once("Sec-WebSocket-Accept")? != Some(self.expected.as_bytes()) {
            return Err(AnswerError::Key);
        }
        if headers.lists_any("Sec-WebSocket-Extensions") {
            return Err(AnswerError::Extension);
        }
        let chosen = headers.once("Sec-WebSocket-Protocol")?;
        let subprotocol = match chosen {
            None if self.subprotocols.is_empty() => None,
            None => return Err(AnswerError::Subprotocol),
            Some(chosen) => {
                let offered = self.subprotocols.iter().find(|offered| offered.as_bytes() == chosen);
                Some(offered.ok_or(AnswerError::Subprotocol)?.clone())
            }
        };
        Ok(Some(Answer { head_bytes, subprotocol }))
    }
}

impl From<HeadFault> for AnswerError {
    fn from(fault: HeadFault) -> Self {
        match fault {
            HeadFault::TooLong => Self::HeadTooLong,
            HeadFault::BareLineFeed => Self::Malformed,
        }
    }
}

impl From<Repeated> for AnswerError {
    fn from(Repeated(header): Repeated) -> Self {
        Self::Repeated { header }
    }
}

impl From<httparse::Error> for AnswerError {
    fn from(error: httparse::Error) -> Self {
        match error {
            httparse::Error::TooManyHeaders => Self::TooManyHeaders,
            _ => Self::Malformed,
        }
    }
}
