//! What arrives for a client, in whatever pieces.

use chatcore::wire::{Announced, Deliver, HubMessage, Message, Preface, Token, Welcome};
use chatcore::{Client, ClientConfig, Event, Inbox, Instant, MessageId, Received};

const NOW: Instant = Instant::ZERO;

/// All that a hub writes to somebody who gets a name, and a hundred messages, the longest of which is more than an
/// inbox keeps room for.
fn written() -> Vec<u8> {
    let limits = Announced {
        frame_bytes_max: 100_256,
        body_bytes_max: 100_000,
        outbox_bytes_max: 1 << 20,
        stall_ms_max: 10_000,
        idle_ms_max: 60_000,
        resume_ms_max: 60_000,
        rooms_max: 64,
        watches_max: 64,
        cost_per_s: 0,
        cost_burst: 0,
    };
    let token = Token::from_bytes([7; 16]);
    let mut bytes = Preface::OURS.encode().to_vec();
    HubMessage::Welcome(Welcome { name: "alice", display_name: None, token, limits }).encode(&mut bytes);
    for id in 1..=100_u64 {
        let body = vec![b'x'; if id == 50 { 100_000 } else { usize::try_from(id).expect("it is small") }];
        HubMessage::Deliver(Deliver { id: MessageId(id), from: "bob", body: &body }).encode(&mut bytes);
    }
    bytes
}

/// A client that has asked for a name.
fn client() -> Client {
    let mut client = Client::new(NOW, ClientConfig::default(), 7);
    client.register(NOW, "alice", b"").expect("a new client may register");
    client
}

#[test]
fn whatever_the_pieces_a_client_gets_the_same() {
    let bytes = written();
    let mut whole = client();
    assert_eq!(whole.receive(NOW, &mut &bytes[..]), Received::NeedInput);
    let expected: Vec<Event> = std::iter::from_fn(|| whole.poll_event()).collect();
    assert_eq!(expected.len(), 101);
    for piece_bytes in [1, 2, 3, 7, 100, 1_000, 70_000, bytes.len()] {
        let (mut client, mut inbox) = (client(), Inbox::new());
        let mut events = Vec::new();
        for piece in bytes.chunks(piece_bytes) {
            assert_eq!(inbox.receive(NOW, &mut client, piece), Received::NeedInput);
            events.extend(std::iter::from_fn(|| client.poll_event()));
        }
        assert_eq!(events, expected, "in pieces of {piece_bytes} bytes");
        assert!(inbox.is_empty());
    }
}

#[test]
fn what_is_cleared_does_not_come_again() {
    let bytes = written();
    let (mut client, mut inbox) = (client(), Inbox::new());
    // The start of the last frame, and then the transport breaks.
    assert_eq!(inbox.receive(NOW, &mut client, &bytes[..bytes.len() - 1]), Received::NeedInput);
    assert!(!inbox.is_empty());
    assert!(!format!("{inbox:?}").contains("120, 120"), "it shows nothing of what it keeps: {inbox:?}");
    inbox.clear();
    assert_eq!(inbox.len(), 0);
    let before = std::iter::from_fn(|| client.poll_event()).count();
    let mut again = Vec::new();
    HubMessage::Deliver(Deliver { id: MessageId(101), from: "bob", body: b"hello" }).encode(&mut again);
    assert_eq!(inbox.receive(NOW, &mut client, &again), Received::NeedInput);
    let event = client.poll_event();
    assert_eq!(before, 100);
    assert!(matches!(&event, Some(Event::Message { body, .. }) if body == b"hello"), "{event:?}");
}
