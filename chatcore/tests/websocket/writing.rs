//! A stream that is written.

use chatcore::websocket::{Content, WebSocket};
use proptest::collection::vec;
use proptest::prelude::*;

use super::peer::*;

/// Writes a stream, of which this much waits and the transport takes this much each time, and pings arrive in between.
fn write(socket: &mut WebSocket, stream: &[u8], turns: &[(usize, usize)]) -> Vec<u8> {
    let mut written = Vec::new();
    let mut rest = stream;
    let mut turns = turns.iter().copied().chain(std::iter::repeat((usize::MAX, usize::MAX)));
    while !rest.is_empty() {
        let (waiting, taken) = turns.next().expect("there is no end of turns");
        let waiting = waiting.min(rest.len());
        let outgoing = socket.transmit(waiting);
        let taken = taken.min(outgoing.bytes());
        let before = written.len();
        outgoing.append(rest[..waiting].chunks(7), &mut written);
        assert_eq!(written.len() - before, outgoing.bytes(), "it is as long as it says");
        written.truncate(before + taken);
        rest = &rest[socket.transmitted(taken)..];
    }
    written
}

fn read(mut socket: WebSocket, bytes: &[u8]) -> Vec<u8> {
    let mut input = bytes.to_vec();
    let unframed = socket.unframe(&mut input);
    assert_eq!(unframed.end, None);
    input.truncate(unframed.payload_bytes);
    input
}

#[test]
fn a_server_writes_a_header_and_what_waits_without_a_copy() {
    let mut server = WebSocket::server(Content::Stream);
    let waiting = [&b"hello, "[..], b"", b"world"];
    let outgoing = server.transmit(12);
    let slices: Vec<&[u8]> = outgoing.slices(waiting.into_iter()).collect();
    assert_eq!(slices, [&b"\x82\x0C"[..], b"hello, ", b"world"]);
    assert_eq!(slices[1].as_ptr(), waiting[0].as_ptr(), "it is borrowed");
    assert_eq!(server.transmitted(14), 12);
    assert!(server.transmit(0).is_empty());
}

#[test]
fn a_frame_is_as_long_as_what_waits_when_it_starts() {
    let mut server = WebSocket::server(Content::Stream);
    assert_eq!(server.transmit(5).header, b"\x82\x05");
    assert_eq!(server.transmit(300).header, b"\x82\x7E\x01\x2C", "more has come");
    assert_eq!(server.transmit(3).header, b"\x82\x03", "some of it is dropped");
    assert!(server.transmit(0).is_empty(), "all of it is");
    assert_eq!(server.transmit(100_000).header, b"\x82\x7E\xFF\xFF");
    assert_eq!(server.transmitted(2), 0);
    let outgoing = server.transmit(200_000);
    assert_eq!((outgoing.header, outgoing.payload_bytes), (&b"\xFF\xFF"[..], 65_535));
    assert_eq!(server.transmitted(2 + 65_535), 65_535);
    assert_eq!(server.transmit(1).header, b"\x82\x01");
}

#[test]
fn a_client_masks_each_frame_with_another_key() {
    let mut client = WebSocket::client(Content::Stream, [7; 32]);
    let mut keys = Vec::new();
    for _ in 0..100 {
        let frame = write(&mut client, b"the same", &[]);
        assert_eq!(frame[..2], [0x82, 0x88]);
        keys.push(frame[2..6].to_vec());
        assert_eq!(read(WebSocket::server(Content::Stream), &frame), b"the same");
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 100);
    let mut other = WebSocket::client(Content::Stream, [8; 32]);
    assert!(!keys.contains(&write(&mut other, b"x", &[])[2..6].to_vec()), "another seed");
}

#[test]
fn a_client_masks_its_pongs_and_its_close() {
    let mut client = WebSocket::client(Content::Stream, [7; 32]);
    let _ = client.unframe(&mut [plain(PING, b"ping"), plain(CLOSE, &1000_u16.to_be_bytes())].concat());
    let outcome = stream(&written(&mut client));
    assert!(matches!(outcome.end, Some(chatcore::websocket::End::Close(_))), "{outcome:?}");
}

#[test]
#[should_panic(expected = "more bytes as transmitted than it was given")]
fn a_driver_must_not_report_more_than_it_was_given() {
    let mut server = WebSocket::server(Content::Stream);
    server.transmit(3);
    server.transmitted(6);
}

proptest! {
    /// However much waits, and however little the transport takes, the other end reads the stream.
    #[test]
    fn what_is_written_is_read(
        stream in vec(any::<u8>(), 1..400),
        turns in vec((0_usize..200, 0_usize..50), 0..40),
        is_client: bool,
    ) {
        let (mut writer, reader) = if is_client {
            (WebSocket::client(Content::Stream, [7; 32]), WebSocket::server(Content::Stream))
        } else {
            (WebSocket::server(Content::Stream), WebSocket::client(Content::Stream, [7; 32]))
        };
        // What waits does not become less within a frame that has started: only more may come.
        let mut turns = turns;
        turns.sort_unstable();
        let written = write(&mut writer, &stream, &turns);
        prop_assert_eq!(read(reader, &written), stream);
    }
}
