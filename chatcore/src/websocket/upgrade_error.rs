//! Why a request opens no WebSocket, and gets no file.

use alloc::format;
use alloc::string::String;

use super::head::{HEAD_BYTES_MAX, HEADERS_MAX, HeadFault, Repeated};

/// Why a request opens no WebSocket, and gets no file. The peer gets a [response](Self::response_to) with the
/// [status](Self::status) and this sentence, which holds nothing that the peer has sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpgradeError {
    /// It does not begin as a request of HTTP.
    #[error("this is no HTTP request: a WebSocket is opened with one")]
    NotHttp,
    /// It is not well-formed.
    #[error("the HTTP request is malformed")]
    Malformed,
    /// A line ends without a carriage return.
    #[error("a line of the HTTP request ends with a line feed alone: it must end with CR LF")]
    BareLineFeed,
    /// The head has more than [`HEAD_BYTES_MAX`] bytes.
    #[error("the head of the request is too long: it has at most {max} bytes here", max = HEAD_BYTES_MAX)]
    HeadTooLong,
    /// The head has more than [`HEADERS_MAX`] headers.
    #[error("the request has too many headers: at most {max} are allowed here", max = HEADERS_MAX)]
    TooManyHeaders,
    /// The request has another method.
    #[error("a WebSocket is opened with GET, and with no other method")]
    Method,
    /// A request that asks for no WebSocket has another method, where there are files.
    #[error("what is here is fetched with GET or HEAD, and with no other method")]
    FileMethod,
    /// The request is of another version of HTTP.
    #[error("HTTP/1.1 is spoken here, and no other version")]
    HttpVersion,
    /// The request announces a body.
    #[error("a request has no body here: leave out Content-Length and Transfer-Encoding")]
    Body,
    /// A header that decides something came twice.
    #[error("the header {header} came more than once")]
    Repeated {
        /// Its name.
        header: &'static str,
    },
    /// Another path is asked for.
    #[error("there is no WebSocket at this path")]
    Path,
    /// A request that asks for no WebSocket asks for a file that is not there.
    #[error("there is nothing at this path")]
    FileNotFound,
    /// The request does not ask for a WebSocket.
    #[error("a WebSocket is spoken here: send Connection: Upgrade and Upgrade: websocket")]
    NoUpgrade,
    /// The request asks for another version of the WebSocket protocol.
    #[error("version 13 of the WebSocket protocol is spoken here: send Sec-WebSocket-Version: 13")]
    WebSocketVersion,
    /// The key is missing, or no key.
    #[error("Sec-WebSocket-Key must be 16 bytes in base64")]
    Key,
    /// `Host` is missing, or no host.
    #[error("Host must name the host that is asked, as in chat.example or 192.0.2.1:8080")]
    InvalidHost,
    /// `Host` names a host that this server does not have
    /// ([`UpgradeRules::with_host`](super::UpgradeRules::with_host)).
    #[error("this server does not have the name in Host: who runs it can add the name")]
    UnknownHost,
    /// The page that asks is of an origin that may not
    /// ([`UpgradeRules::with_origin`](super::UpgradeRules::with_origin)).
    #[error("pages of this origin may not connect: who runs the server can allow it")]
    Origin,
    /// The request offers no subprotocol that is spoken here.
    #[error("offer a subprotocol that is spoken here in Sec-WebSocket-Protocol: {spoken}")]
    Subprotocol {
        /// Those that are, the best first.
        spoken: String,
    },
    /// The request did not come in the time that the caller gives it.
    #[error("the request took too long to come")]
    TimedOut,
    /// The server stops.
    #[error("the server stops: come back later")]
    GoingAway,
}

impl UpgradeError {
    /// The status of HTTP that says the same.
    pub const fn status(&self) -> u16 {
        self.status_and_phrase().0
    }

    const fn status_and_phrase(&self) -> (u16, &'static str) {
        match self {
            Self::HeadTooLong | Self::TooManyHeaders => (431, "Request Header Fields Too Large"),
            Self::Method | Self::FileMethod => (405, "Method Not Allowed"),
            Self::HttpVersion => (505, "HTTP Version Not Supported"),
            Self::Path | Self::FileNotFound => (404, "Not Found"),
            Self::NoUpgrade | Self::WebSocketVersion => (426, "Upgrade Required"),
            Self::UnknownHost => (421, "Misdirected Request"),
            Self::Origin => (403, "Forbidden"),
            Self::TimedOut => (408, "Request Timeout"),
            Self::GoingAway => (503, "Service Unavailable"),
            Self::NotHttp
            | Self::Malformed
            | Self::BareLineFeed
            | Self::Body
            | Self::Repeated { .. }
            | Self::Key
            | Self::InvalidHost
            | Self::Subprotocol { .. } => (400, "Bad Request"),
        }
    }

    /// The whole response. Write it, and close the transport.
    pub fn response(&self) -> String {
        let (status, phrase) = self.status_and_phrase();
        let demands = match self {
            Self::Method => "Allow: GET\r\nConnection: close\r\n",
            Self::FileMethod => "Allow: GET, HEAD\r\nConnection: close\r\n",
            Self::NoUpgrade | Self::WebSocketVersion => {
                "Upgrade: websocket\r\nConnection: Upgrade, close\r\nSec-WebSocket-Version: 13\r\n"
            }
            _ => "Connection: close\r\n",
        };
        let body = format!("{self}\n");
        format!(
            "HTTP/1.1 {status} {phrase}\r\n{demands}Content-Type: text/plain; charset=utf-8\r\n\
             X-Content-Type-Options: nosniff\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// The same to a request of which these bytes have come: if it is `HEAD`, no body goes with the response.
    pub fn response_to(&self, request: &[u8]) -> String {
        let mut response = self.response();
        if request.starts_with(b"HEAD ") {
            let body_bytes = response.split_once("\r\n\r\n").map_or(0, |(_, body)| body.len());
            response.truncate(response.len() - body_bytes);
        }
        response
    }
}

impl From<HeadFault> for UpgradeError {
    fn from(fault: HeadFault) -> Self {
        match fault {
            HeadFault::TooLong => Self::HeadTooLong,
            HeadFault::BareLineFeed => Self::BareLineFeed,
        }
    }
}

impl From<Repeated> for UpgradeError {
    fn from(Repeated(header): Repeated) -> Self {
        Self::Repeated { header }
    }
}

impl From<httparse::Error> for UpgradeError {
    fn from(error: httparse::Error) -> Self {
        match error {
            httparse::Error::TooManyHeaders => Self::TooManyHeaders,
            httparse::Error::Version => Self::HttpVersion,
            _ => Self::Malformed,
        }
    }
}
