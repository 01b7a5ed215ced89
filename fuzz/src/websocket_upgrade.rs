//! Any bytes, as either end gets them at the opening of a WebSocket.

use chatcore::websocket::{
    Accepted, Answer, AnswerError, HEAD_BYTES_MAX, Upgrade, UpgradeError, UpgradeRequest, UpgradeRules,
};

/// The first byte says which end it is, the second in which pieces the others arrive. However they are cut, the same comes of
/// them. A response to a request that is accepted opens a WebSocket at a client with the same key, and one to a request that
/// is refused has a whole body.
pub fn websocket_upgrade(data: &[u8]) {
    let [end, piece, input @ ..] = data else { return };
    let piece = usize::from(*piece) + 1;
    if end & 1 == 0 {
        let whole = server(input, input.len().max(1));
        assert_eq!(server(input, piece), whole, "the same bytes, cut otherwise");
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
            Err(refused) => {
                let response = refused.response();
                let (head, body) = response.split_once("\r\n\r\n").expect("a response has a head");
                assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
                assert!((400..=505).contains(&refused.status()));
            }
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

fn server(input: &[u8], piece: usize) -> Result<Option<Accepted>, UpgradeError> {
    let rules = UpgradeRules::default().with_host("chat.example").expect("it is a name");
    let mut upgrade = Upgrade::new();
    for length in (piece..input.len()).step_by(piece).chain([input.len()]) {
        let accepted = upgrade.receive(&rules, &input[..length])?;
        if accepted.is_some() {
            return Ok(accepted);
        }
    }
    Ok(None)
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
