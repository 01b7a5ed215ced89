//! Beside `tungstenite`, which others wrote: the same messages come of the same bytes, and the same ends.

use std::io::{self, Read, Write};

use chatcore::websocket::{
    Content, End, FrameError, MessageKind, SUBPROTOCOL, Upgrade, UpgradeRequest, UpgradeRules, WebSocket,
};
use proptest::prelude::*;
use tungstenite::error::{Error, ProtocolError};
use tungstenite::handshake::HandshakeError;
use tungstenite::protocol::Role;

use super::cuts;
use super::peer::*;

/// A transport whose other end is here. When nothing has arrived, it has ended, or it waits.
#[derive(Debug, Default)]
struct Pipe {
    arrived: Vec<u8>,
    written: Vec<u8>,
    waits: bool,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.arrived.is_empty() && self.waits {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = buffer.len().min(self.arrived.len());
        buffer[..count].copy_from_slice(&self.arrived[..count]);
        self.arrived.drain(..count);
        Ok(count)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Their messages, how they end, and what they write.
struct Theirs {
    messages: Vec<Message>,
    closes: bool,
    error: Error,
    written: Vec<u8>,
}

impl Theirs {
    fn of(role: Role, input: &[u8]) -> Self {
        let pipe = Pipe { arrived: input.into(), ..Pipe::default() };
        let mut socket = tungstenite::WebSocket::from_raw_socket(pipe, role, None);
        let (mut messages, mut closes) = (Vec::new(), false);
        let error = loop {
            match socket.read() {
                Ok(tungstenite::Message::Text(message)) => messages.push(text(&message)),
                Ok(tungstenite::Message::Binary(message)) => messages.push(binary(&message)),
                Ok(tungstenite::Message::Close(_)) => closes = true,
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        Self { messages, closes, error, written: std::mem::take(&mut socket.get_mut().written) }
    }
}

/// Both read the same bytes.
fn compare(role: Role, input: &[u8]) {
    let ours = match role {
        Role::Server => WebSocket::server(Content::Messages),
        Role::Client => WebSocket::client(Content::Messages, [7; 32]),
    };
    let mut ours = Outcome::of(ours, &[input]);
    ours.messages.retain(|message| message.is_whole);
    let theirs = Theirs::of(role, input);
    // They wait for a whole frame before they look at it, so they may never see what is wrong.
    let waits = matches!(theirs.error, Error::Protocol(ProtocolError::ResetWithoutClosingHandshake));
    match &ours.end {
        // They take a length in whatever form.
        Some(End::Error(FrameError::LengthNotMinimal { .. } | FrameError::ControlTooLong)) => {
            assert!(theirs.messages.starts_with(&ours.messages));
            return;
        }
        None => {
            assert!(waits && !theirs.closes, "{:?}", theirs.error);
            // They have answered each ping, and we the newest.
            if role == Role::Server {
                assert!(theirs.written.ends_with(&ours.written));
            }
        }
        // They call this a close.
        Some(End::Error(FrameError::InvalidCloseCode { .. })) => {
            assert!(theirs.closes || waits || matches!(theirs.error, Error::Utf8(_)), "{:?}", theirs.error);
        }
        Some(End::Close(_)) => assert!(theirs.closes),
        Some(End::Error(error)) => {
            let is_same = match (error.close_code().get(), &theirs.error) {
                // They look at a length before all else.
                (1002, Error::Protocol(_) | Error::Capacity(_))
                | (1007, Error::Utf8(_))
                | (1009, Error::Capacity(_)) => true,
                _ => waits,
            };
            assert!(is_same && !theirs.closes, "{error}, and theirs: {:?}", theirs.error);
        }
    }
    assert_eq!(ours.messages, theirs.messages);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_server_reads_what_theirs_reads(input in cuts::frames(masked, plain)) {
        compare(Role::Server, &input);
    }

    #[test]
    fn a_client_reads_what_theirs_reads(input in cuts::frames(plain, masked)) {
        compare(Role::Client, &input);
    }

    #[test]
    fn theirs_reads_what_is_written(length in prop_oneof![0_usize..300, 65_000_usize..70_000], first: u8, is_client: bool) {
        let payload: Vec<u8> = (0..length).map(|place| first.wrapping_add(place.to_le_bytes()[0])).collect();
        let (mut ours, role) = if is_client {
            (WebSocket::client(Content::Messages, [7; 32]), Role::Server)
        } else {
            (WebSocket::server(Content::Messages), Role::Client)
        };
        ours.begin_message(MessageKind::Binary, u32::try_from(payload.len()).unwrap());
        let mut written = Vec::new();
        ours.transmit(payload.len()).append([&payload[..]].into_iter(), &mut written);
        prop_assert_eq!(Theirs::of(role, &written).messages, [binary(&payload)]);
    }
}

#[test]
fn their_client_opens_a_websocket_with_our_server() {
    let request = tungstenite::client::ClientRequestBuilder::new("ws://localhost:8080/chat?a=b".parse().unwrap())
        .with_sub_protocol("other")
        .with_sub_protocol(SUBPROTOCOL);
    let pipe = Pipe { waits: true, ..Pipe::default() };
    let Err(HandshakeError::Interrupted(mut theirs)) = tungstenite::client(request, pipe) else { panic!("it waits") };
    let rules = UpgradeRules::default().with_path("/chat").unwrap();
    let pipe = theirs.get_mut().get_mut();
    let accepted = Upgrade::new().receive(&rules, &pipe.written).unwrap().expect("it is whole");
    assert_eq!((accepted.subprotocol(), accepted.head_bytes()), (Some(SUBPROTOCOL), pipe.written.len()));
    pipe.arrived = [accepted.response().as_bytes(), &plain(BINARY | FIN, b"hello")].concat();
    let (mut socket, response) = theirs.handshake().expect("they take our response");
    assert_eq!(response.headers()["sec-websocket-protocol"], SUBPROTOCOL);
    assert_eq!(socket.read().unwrap().into_data(), &b"hello"[..]);
}

#[test]
fn our_client_opens_a_websocket_with_their_server() {
    use tungstenite::handshake::server::{Request, Response};

    let mut request = UpgradeRequest::new("localhost", "/chat", &[SUBPROTOCOL], [9; 16]).unwrap();
    let pipe = Pipe { arrived: request.bytes().into(), ..Pipe::default() };
    // The shape of this closure is theirs.
    #[expect(clippy::result_large_err)]
    let choose = |request: &Request, mut response: Response| {
        assert_eq!(request.uri().path(), "/chat");
        let offered = request.headers()["sec-websocket-protocol"].clone();
        response.headers_mut().insert("sec-websocket-protocol", offered);
        Ok(response)
    };
    let mut theirs = tungstenite::accept_hdr(pipe, choose).expect("they take our request");
    theirs.send(tungstenite::Message::binary(&b"hello"[..])).unwrap();
    let mut written = theirs.get_mut().written.clone();
    let answer = request.receive(&written).unwrap().expect("it is whole");
    assert_eq!(answer.subprotocol(), Some(SUBPROTOCOL));
    let mut socket = WebSocket::client(Content::Stream, [7; 32]);
    let frames = &mut written[answer.head_bytes()..];
    let unframed = socket.unframe(frames);
    assert_eq!(&frames[..unframed.payload_bytes], b"hello");
}
