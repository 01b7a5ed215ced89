//! Any bytes, as a client gets them from what may be no server.

use std::time::Duration;

use chatcore::wire::{ClientMessage, PREFACE_BYTES};
use chatcore::{Client, ClientConfig, Event, Instant, Received, SessionTicket, Token};

use crate::written::check_written;

/// The first byte says what the client has done before, the second in which pieces the others arrive. However they
/// are cut, the client learns the same, and what it answers is well-formed.
pub fn client_input(data: &[u8]) {
    let [before, piece, stream @ ..] = data else { return };
    let whole = outcome(*before, stream, stream.len().max(1));
    let pieces = outcome(*before, stream, usize::from(*piece) + 1);
    assert_eq!(whole, pieces, "the same bytes, cut otherwise");
    let (events, written) = whole;
    check_written::<ClientMessage<'_>>(written.get(PREFACE_BYTES..).unwrap_or_default());
    let closed = events.iter().position(|event| matches!(event, Event::Closed(_)));
    assert!(closed.is_none_or(|at| at + 1 == events.len()), "nothing follows the end");
}

fn outcome(before: u8, stream: &[u8], piece: usize) -> (Vec<Event>, Vec<u8>) {
    let mut now = Instant::ZERO;
    let mut client = if before & 8 != 0 {
        let ticket = SessionTicket::new("alice".parse().expect("it is a name"), Token::from_bytes([7; 16]));
        Client::resume(now, ClientConfig::default(), 7, ticket, b"")
    } else {
        Client::new(now, ClientConfig::default(), 7)
    };
    if before & 9 == 1 {
        client.register(now, "alice", b"").expect("a fresh client may register");
    }
    if before & 2 != 0 {
        client.close(now);
    }
    let (mut arrived, mut lost) = (Vec::new(), false);
    for piece in stream.chunks(piece) {
        arrived.extend_from_slice(piece);
        let mut input = &arrived[..];
        if client.receive(now, &mut input) == Received::Closed {
            lost = true;
            break;
        }
        let used = arrived.len() - input.len();
        arrived.drain(..used);
    }
    // What a registered client may do now, and what time brings, works or is refused, but never panics.
    let _ = client.send(now, "bob", b"hello");
    let _ = client.who(now, 0);
    let _ = client.join(now, "#lobby");
    let _ = client.watch(now, &["bob"]);
    let written = client.transmit().concat();
    assert!(!lost || client.is_closed() || written.is_empty(), "nothing is said on a line that is given up");
    client.transmitted(now, written.len());
    for _ in 0..4 {
        let Some(due) = client.poll_timeout() else { break };
        now = now.max(due) + Duration::from_nanos(1);
        client.handle_timeout(now);
        let unwritten = client.transmit().concat().len();
        assert!(unwritten > 0 || client.poll_timeout().is_none_or(|due| due > now), "what was due is done");
        client.transmitted(now, unwritten);
        client.connected(now);
    }
    if before & 4 != 0 {
        client.disconnect(now);
    }
    (std::iter::from_fn(|| client.poll_event()).collect(), written)
}
