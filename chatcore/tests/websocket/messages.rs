//! Messages, of text and of bytes.

use chatcore::websocket::{Content, FrameError, MessageKind, WebSocket};

use super::peer::*;

#[test]
fn messages_have_their_kind_and_their_end() {
    let frames = [
        masked(TEXT | FIN, "héllo".as_bytes()),
        masked(BINARY, b"a"),
        masked(CONTINUATION, b""),
        masked(PING, b"p"),
        masked(CONTINUATION | FIN, b"b"),
        masked(TEXT | FIN, b""),
        masked(BINARY, b""),
        masked(CONTINUATION | FIN, b""),
        masked(TEXT, b"not whole"),
    ]
    .concat();
    let outcome = messages(&frames);
    let not_whole = Message { is_whole: false, ..text("not whole") };
    assert_eq!(outcome.messages, [text("héllo"), binary(b"ab"), text(""), binary(b""), not_whole]);
    assert_eq!(outcome.written, plain(PONG, b"p"));
}

#[test]
fn text_is_utf8_over_all_fragments() {
    let crab = "🦀".as_bytes();
    let frames = [
        masked(TEXT, &crab[..1]),
        masked(CONTINUATION, &crab[1..3]),
        masked(PING, b"\xFF"),
        masked(CONTINUATION | FIN, &crab[3..]),
    ];
    assert_eq!(messages(&frames.concat()).messages, [text("🦀")]);
    // A message must not end within a character.
    let cut = [masked(TEXT, &crab[..1]), masked(CONTINUATION | FIN, &crab[1..3])].concat();
    assert_eq!(messages(&cut).error(), Some(FrameError::TextNotUtf8));
    // The first wrong byte is enough: the frame is not whole.
    let wrong = masked(TEXT | FIN, b"aaaa\xED\xA0\x80aaaa");
    assert_eq!(messages(&wrong[..6 + 6]).error(), Some(FrameError::TextNotUtf8));
    assert_eq!(messages(&wrong[..6 + 5]).error(), None);
    // Bytes may be anything.
    assert_eq!(messages(&masked(BINARY | FIN, b"\xFF")).messages, [binary(b"\xFF")]);
}

#[test]
fn a_message_is_written_as_one_frame() {
    let mut server = WebSocket::server(Content::Messages);
    for (kind, first) in [(MessageKind::Text, TEXT | FIN), (MessageKind::Binary, BINARY | FIN)] {
        for length in [0_usize, 1, 126, 0x1_0000, 100_000] {
            let payload = vec![b'x'; length];
            assert!(server.transmit(0).is_empty());
            server.begin_message(kind, u32::try_from(length).unwrap());
            let mut bytes = Vec::new();
            // What waits comes in three pieces.
            let mut rest = &payload[..];
            while server.is_writing() {
                let outgoing = server.transmit(rest.len().min(length / 3 + 1));
                let count = outgoing.bytes();
                outgoing.append([rest].into_iter(), &mut bytes);
                rest = &rest[server.transmitted(count)..];
            }
            assert_eq!(bytes, plain(first, &payload), "{length} bytes");
        }
    }
}

#[test]
#[should_panic(expected = "the last message is not written to its end")]
fn messages_do_not_overlap() {
    let mut server = WebSocket::server(Content::Messages);
    server.begin_message(MessageKind::Text, 3);
    server.begin_message(MessageKind::Text, 3);
}

#[test]
#[should_panic(expected = "a stream has no messages")]
fn a_stream_has_no_messages() {
    WebSocket::server(Content::Stream).begin_message(MessageKind::Binary, 3);
}
