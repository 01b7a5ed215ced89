//! Any bytes, as either end gets them at the opening of a WebSocket.

use chatcore::websocket::{
    Accepted, Answer, AnswerError, FileRequest, HEAD_BYTES_MAX, HttpRequest, Upgrade, UpgradeError, UpgradeRequest,
    UpgradeRules,
};

/// The first byte says which end it is, the second in which pieces the others arrive. However they are cut, the same
/// comes of them. A response to a request that is accepted opens a WebSocket at a client with the same key, and one to
/// a request that is refused has a whole body. A server that has files opens what one without them opens.
pub fn websocket_upgrade(data: &[u8]) {
    let [end, piece, input @ ..] = data else { return };
    let piece = usize::from(*piece) + 1;
    if end & 1 == 0 {
        let whole = server(input, input.len().max(1), Upgrade::receive);
        assert_eq!(server(input, piece, Upgrade::receive), whole, "the same bytes, cut otherwise");
        let with_files = server(input, input.len().max(1), Upgrade::receive_http);
        assert_eq!(server(input, piece, Upgrade::receive_http), with_files, "the same bytes, cut otherwise");
        check_with_files(&with_files, &whole, input);
        match whole {
            Ok(None) => assert!(input.len() < HEAD_BYTES_MAX, "a head is bounded"),
            Ok(Some(accepted)) => {
                assert!(accepted.head_bytes() <= input.len().min(HEAD_BYTES_MAX));
                // Whoever asked with this key is answered with what belongs to it.
                let head = &input[..accepted.head_bytes()];
                if head.windows(KEY.len()).any(|bytes| bytes == KEY) {
                    let answer = request().receive(accepted.response().as_bytes());
                    assert!(answer.is_ok_and(|answer| answer.is_some()));
                }
            }
            Err(refused) => check_refused(&refused, input),
        }
    } else {
        let whole = client(input, input.len().max(1));
        assert_eq!(client(input, piece), whole, "the same bytes, cut otherwise");
        match whole {
            Ok(None) => assert!(input.len() < HEAD_BYTES_MAX, "a head is bounded"),
            Ok(Some(answer)) => assert_eq!(answer.subprotocol(), Some("chatcore.v1")),
            Err(_) => {}
        }
    }
}

/// The key of the request below, in its line. A request that is accepted has one such line.
const KEY: &[u8] = b"\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

fn request() -> UpgradeRequest {
    UpgradeRequest::new("localhost", "/", &["chatcore.v1"], *b"the sample nonce").expect("it is a valid request")
}

/// Gives what a server takes of a request in pieces, up to what comes of it.
fn server<T>(
    input: &[u8],
    piece: usize,
    receive: impl Fn(&mut Upgrade, &UpgradeRules, &[u8]) -> Result<Option<T>, UpgradeError>,
) -> Result<Option<T>, UpgradeError> {
    let rules = UpgradeRules::default().with_host("chat.example").expect("it is a name");
    let mut upgrade = Upgrade::new();
    for length in (piece..input.len()).step_by(piece).chain([input.len()]) {
        let received = receive(&mut upgrade, &rules, &input[..length])?;
        if received.is_some() {
            return Ok(received);
        }
    }
    Ok(None)
}

/// What comes of a request at a server that has files, beside what does at one that has none.
fn check_with_files(
    with_files: &Result<Option<HttpRequest>, UpgradeError>,
    without: &Result<Option<Accepted>, UpgradeError>,
    input: &[u8],
) {
    match (with_files, without) {
        (Ok(None), Ok(None)) => {}
        (Ok(Some(HttpRequest::WebSocket(accepted))), Ok(Some(same))) => assert_eq!(accepted, same),
        (Ok(Some(HttpRequest::File(request))), Err(_)) => check_file(request, input),
        (Err(refused), Err(_)) => check_refused(refused, input),
        other => panic!("a WebSocket opens at one of the two: {other:?}"),
    }
}

/// A request for a file is in the bytes that it has used, and says what they say.
fn check_file(request: &FileRequest, input: &[u8]) {
    let head = &input[..request.head_bytes()];
    assert!(head.len() <= HEAD_BYTES_MAX && head.ends_with(b"\n"));
    let method = if request.is_head() { "HEAD" } else { "GET" };
    let line = format!("{method} {}", request.path());
    assert!(head.starts_with(line.as_bytes()) && matches!(head[line.len()], b' ' | b'?'), "{line}");
    assert!(!request.path().contains('?'));
    assert!(!request.knows(NO_TAG) || names_tag(head), "what is known was named");
}

/// Whether a request names [`NO_TAG`], or all tags.
fn names_tag(head: &[u8]) -> bool {
    let in_list =
        |list: &[u8]| list.contains(&b'*') || list.windows(NO_TAG.len()).any(|part| part == NO_TAG.as_bytes());
    let mut lines = head.split(|byte| *byte == b'\n').filter_map(|line| line.split_at_checked(KNOWN_TAGS.len()));
    lines.any(|(name, list)| name.eq_ignore_ascii_case(KNOWN_TAGS) && in_list(list))
}

/// The header whose list says what is known.
const KNOWN_TAGS: &[u8] = b"If-None-Match:";

/// A tag that few inputs name.
const NO_TAG: &str = "\"no such tag\"";

/// A response to a request that is refused has a whole body, but for those who want none.
fn check_refused(refused: &UpgradeError, input: &[u8]) {
    assert!((400..=505).contains(&refused.status()));
    let response = refused.response();
    let (head, body) = response.split_once("\r\n\r\n").expect("a response has a head");
    assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
    let to_input = refused.response_to(input);
    let expected = if input.starts_with(b"HEAD ") { format!("{head}\r\n\r\n") } else { response.clone() };
    assert_eq!(to_input, expected);
}

fn client(input: &[u8], piece: usize) -> Result<Option<Answer>, AnswerError> {
    let mut request = request();
    for length in (piece..input.len()).step_by(piece).chain([input.len()]) {
        let answer = request.receive(&input[..length])?;
        if answer.is_some() {
            return Ok(answer);
        }
    }
    Ok(None)
}
