//! The server's end of the opening (RFC 6455, 4.2).

use alloc::format;
use alloc::string::{String, ToString};

use httparse::{EMPTY_HEADER, Header, Request, Status};

use super::file_request::FileRequest;
use super::head::{HEADERS_MAX, HeadEnd, Headers, answer_to_key, is_key};
use super::upgrade_error::UpgradeError;
use super::upgrade_rules::UpgradeRules;

/// The server's end of the opening of a WebSocket: a request comes, and a response goes.
///
/// 1. Give [`receive`](Self::receive) all that has arrived, until it returns something. Keep the bytes: it uses none
///    before. A buffer of [`HEAD_BYTES_MAX`](super::HEAD_BYTES_MAX) bytes is enough.
/// 2. Write the response of what it returns. After [`Accepted`], go on with a [`WebSocket`](super::WebSocket). After an
///    error, close the transport.
///
/// How long a request may take is the caller's to decide.
#[derive(Debug, Default)]
pub struct Upgrade {
    end: HeadEnd,
}

/// A request that opens a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    head_bytes: usize,
    subprotocol: Option<String>,
    response: String,
}

/// What a request asks for at a server that has files besides its WebSocket ([`Upgrade::receive_http`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpRequest {
    /// A WebSocket, which is open with the response.
    WebSocket(Accepted),
    /// A file.
    File(FileRequest),
}

impl Accepted {
    /// How many bytes of the input the request has used. The others belong to the first frames.
    pub const fn head_bytes(&self) -> usize {
        self.head_bytes
    }

    /// The subprotocol that both ends speak from now on; none if the rules name none.
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// What to write.
    pub fn response(&self) -> &str {
        &self.response
    }
}

impl Upgrade {
    /// The opening of a connection from which nothing has come.
    pub const fn new() -> Self {
        Self { end: HeadEnd::START }
    }

    /// Looks at all that has arrived. None until the request is whole, but what is no request of HTTP is refused at
    /// once. The bytes that were looked at before are not looked at again, until all are there.
    ///
    /// # Errors
    ///
    /// Why this request opens no WebSocket. Write the [response](UpgradeError::response), and close the transport.
    pub fn receive(&mut self, rules: &UpgradeRules, input: &[u8]) -> Result<Option<Accepted>, UpgradeError> {
        let Some(head_bytes) = self.find_head(input)? else { return Ok(None) };
        let mut headers = [EMPTY_HEADER; HEADERS_MAX];
        accept(rules, &parse(&input[..head_bytes], &mut headers)?, head_bytes).map(Some)
    }

    /// The same for a server that has files, too: a request that does not ask for a WebSocket asks for one of them. It
    /// may be `GET` or `HEAD`, and the rules on versions, bodies, `Host` and `Origin` hold for it as well.
    ///
    /// ```
    /// use chatcore::websocket::{HttpRequest, Upgrade, UpgradeRules};
    ///
    /// let request = b"GET /style.css?v=2 HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: \"a\"\r\n\r\n";
    /// let requested = Upgrade::new().receive_http(&UpgradeRules::default(), request)?;
    /// let Some(HttpRequest::File(request)) = requested else { panic!("it asks for a file") };
    /// assert_eq!(request.path(), "/style.css");
    /// assert!(request.knows("\"a\""));
    /// # Ok::<(), chatcore::websocket::UpgradeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Why this request gets neither. Write the [response](UpgradeError::response_to), and close the transport.
    pub fn receive_http(&mut self, rules: &UpgradeRules, input: &[u8]) -> Result<Option<HttpRequest>, UpgradeError> {
        let Some(head_bytes) = self.find_head(input)? else { return Ok(None) };
        let mut headers = [EMPTY_HEADER; HEADERS_MAX];
        let request = parse(&input[..head_bytes], &mut headers)?;
        if asks_for_websocket(&request) {
            return accept(rules, &request, head_bytes).map(|accepted| Some(HttpRequest::WebSocket(accepted)));
        }
        let is_head = request.method == Some("HEAD");
        if !is_head && request.method != Some("GET") {
            return Err(UpgradeError::FileMethod);
        }
        check_sender(rules, &request)?;
        Ok(Some(HttpRequest::File(FileRequest::of(&request, head_bytes, is_head))))
    }

    fn find_head(&mut self, input: &[u8]) -> Result<Option<usize>, UpgradeError> {
        // A method begins with a letter. A preface of chatcore and a record of TLS do not.
        if input.first().is_some_and(|first| !first.is_ascii_alphabetic()) {
            return Err(UpgradeError::NotHttp);
        }
        Ok(self.end.find(input)?)
    }
}

fn parse<'h, 'b>(head: &'b [u8], headers: &'h mut [Header<'b>]) -> Result<Request<'h, 'b>, UpgradeError> {
    let mut request = Request::new(headers);
    if request.parse(head)? == Status::Complete(head.len()) { Ok(request) } else { Err(UpgradeError::Malformed) }
}

/// Whether a request is meant to open a WebSocket. A proxy may have taken `Upgrade` out of it: its sender is to learn
/// that, and gets no file.
fn asks_for_websocket(request: &Request<'_, '_>) -> bool {
    let headers = Headers(request.headers);
    headers.lists("Upgrade", "websocket") || headers.lists_any("Sec-WebSocket-Key")
}

fn accept(rules: &UpgradeRules, request: &Request<'_, '_>, head_bytes: usize) -> Result<Accepted, UpgradeError> {
    let (subprotocol, key) = check(rules, request)?;
    let mut response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n",
        answer_to_key(key)
    );
    if let Some(subprotocol) = subprotocol {
        response.push_str("Sec-WebSocket-Protocol: ");
        response.push_str(subprotocol);
        response.push_str("\r\n");
    }
    response.push_str("\r\n");
    Ok(Accepted { head_bytes, subprotocol: subprotocol.map(str::to_string), response })
}

/// The subprotocol to speak and the key of the request, if it keeps all rules. What a stranger may not know comes last:
/// which subprotocols are spoken is told only to who may connect.
fn check<'r, 'h>(
    rules: &'r UpgradeRules,
    request: &'h Request<'_, '_>,
) -> Result<(Option<&'r str>, &'h [u8]), UpgradeError> {
    let headers = Headers(request.headers);
    if request.method != Some("GET") {
        return Err(UpgradeError::Method);
    }
    check_sender(rules, request)?;
    rules.check_target(request.path.unwrap_or_default())?;
    if !headers.lists("Connection", "upgrade") || !headers.lists("Upgrade", "websocket") {
        return Err(UpgradeError::NoUpgrade);
    }
    if headers.once("Sec-WebSocket-Version")? != Some(b"13") {
        return Err(UpgradeError::WebSocketVersion);
    }
    let key = headers.once("Sec-WebSocket-Key")?.filter(|key| is_key(key)).ok_or(UpgradeError::Key)?;
    Ok((rules.choose(&headers.list("Sec-WebSocket-Protocol"))?, key))
}

/// What holds for each request: its version, that no body comes after it, whom it asks, and where its page is from.
fn check_sender(rules: &UpgradeRules, request: &Request<'_, '_>) -> Result<(), UpgradeError> {
    let headers = Headers(request.headers);
    if request.version != Some(1) {
        return Err(UpgradeError::HttpVersion);
    }
    let has_body = headers.once("Content-Length")?.is_some_and(|length| length != b"0");
    if has_body || headers.lists_any("Transfer-Encoding") {
        return Err(UpgradeError::Body);
    }
    let host = headers.once("Host")?.ok_or(UpgradeError::InvalidHost)?;
    rules.check_host_and_origin(host, headers.once("Origin")?)
}
