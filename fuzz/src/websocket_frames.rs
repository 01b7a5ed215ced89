//! Any bytes, as an end of a WebSocket gets them after the opening.

use std::io::{self, Read, Write};

use chatcore::websocket::{Content, End, FrameError, Incoming, MessageKind, WebSocket};
use tungstenite::error::{Error, ProtocolError};
use tungstenite::protocol::Role;

/// The first byte says which end it is and what is carried, the second in which pieces the others arrive. However they
/// are cut, the same comes of them, and what is answered is well-formed; and `tungstenite` gets the same messages.
pub fn websocket_frames(data: &[u8]) {
    let [end, piece, input @ ..] = data else { return };
    let role = if end & 1 == 0 { Role::Server } else { Role::Client };
    let content = if end & 2 == 0 { Content::Messages } else { Content::Stream };
    let whole = Outcome::of(role, content, input, input.len().max(1));
    assert_eq!(Outcome::of(role, content, input, usize::from(*piece) + 1), whole, "the same bytes, cut otherwise");
    assert_eq!(whole.payload_bytes_of_unframe(role, content, input), whole.payload_bytes());
    if content == Content::Messages {
        whole.compare(role, input);
    }
}

type Message = (MessageKind, Vec<u8>);

#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    messages: Vec<Message>,
    /// The message that has not ended.
    rest: Vec<u8>,
    end: Option<End>,
    written: Vec<u8>,
}

fn end_of(role: Role, content: Content) -> WebSocket {
    match role {
        Role::Server => WebSocket::server(content),
        Role::Client => WebSocket::client(content, [7; 32]),
    }
}

impl Outcome {
    fn of(role: Role, content: Content, input: &[u8], piece: usize) -> Self {
        let mut socket = end_of(role, content);
        let mut outcome = Self::default();
        for piece in input.chunks(piece) {
            let mut piece = piece.to_vec();
            let mut input = &mut piece[..];
            loop {
                match socket.receive(&mut input) {
                    Ok(None) => break,
                    Ok(Some(Incoming::Ping)) => {}
                    Ok(Some(Incoming::Data(data))) => {
                        outcome.rest.extend_from_slice(data.bytes);
                        if data.ends_message {
                            outcome.messages.push((data.kind, std::mem::take(&mut outcome.rest)));
                        }
                    }
                    Ok(Some(Incoming::Close(close))) => outcome.end = Some(End::Close(close)),
                    Err(error) => outcome.end = Some(End::Error(error)),
                }
            }
            assert!(input.is_empty(), "all is used");
        }
        // How much of it comes before the byte that makes it invalid depends on the cut.
        if outcome.end == Some(End::Error(FrameError::TextNotUtf8)) {
            outcome.rest.clear();
        }
        loop {
            let outgoing = socket.transmit(0);
            let bytes = outgoing.bytes();
            if bytes == 0 {
                break;
            }
            outgoing.append([].into_iter(), &mut outcome.written);
            socket.transmitted(bytes);
        }
        assert_eq!(socket.is_closed(), outcome.end.is_some(), "it ends when its close is written");
        outcome.check_written(role);
        outcome
    }

    /// A pong or a close, or nothing.
    fn check_written(&self, role: Role) {
        let mut peer = end_of(if role == Role::Server { Role::Client } else { Role::Server }, Content::Messages);
        let mut written = self.written.clone();
        let mut input = &mut written[..];
        match peer.receive(&mut input) {
            Ok(None) => assert!(self.end.is_none()),
            Ok(Some(Incoming::Close(_))) => assert!(self.end.is_some()),
            other => panic!("it writes something else: {other:?}"),
        }
    }

    fn payload_bytes(&self) -> usize {
        self.messages.iter().map(|(_, message)| message.len()).sum::<usize>() + self.rest.len()
    }

    fn payload_bytes_of_unframe(&self, role: Role, content: Content, input: &[u8]) -> usize {
        let mut input = input.to_vec();
        let unframed = end_of(role, content).unframe(&mut input);
        assert_eq!(unframed.end, self.end);
        let whole: Vec<u8> = self.messages.iter().flat_map(|(_, message)| message.clone()).collect();
        assert!(input[..unframed.payload_bytes].starts_with(&whole));
        if self.end == Some(End::Error(FrameError::TextNotUtf8)) { whole.len() } else { unframed.payload_bytes }
    }

    fn compare(&self, role: Role, input: &[u8]) {
        let pipe = Pipe { arrived: io::Cursor::new(input) };
        let mut theirs = tungstenite::WebSocket::from_raw_socket(pipe, role, None);
        let (mut messages, mut closes) = (Vec::new(), false);
        let error = loop {
            match theirs.read() {
                Ok(tungstenite::Message::Text(text)) => messages.push((MessageKind::Text, text.as_bytes().to_vec())),
                Ok(tungstenite::Message::Binary(bytes)) => messages.push((MessageKind::Binary, bytes.to_vec())),
                Ok(tungstenite::Message::Close(_)) => closes = true,
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        // They wait for a whole frame before they look at it.
        let waits = matches!(error, Error::Protocol(ProtocolError::ResetWithoutClosingHandshake));
        match &self.end {
            // They take a length in whatever form, and do not count.
            Some(End::Error(
                FrameError::LengthNotMinimal { .. } | FrameError::ControlTooLong | FrameError::IdleFrames { .. },
            )) => {
                assert!(messages.starts_with(&self.messages));
                return;
            }
            None => assert!(waits && !closes, "{error:?}"),
            Some(End::Close(_)) => assert!(closes),
            // They call this a close.
            Some(End::Error(FrameError::InvalidCloseCode { .. })) => {
                assert!(closes || waits || matches!(error, Error::Utf8(_)), "{error:?}");
            }
            Some(End::Error(ours)) => {
                let is_same = match (ours.close_code().get(), &error) {
                    (1002, Error::Protocol(_) | Error::Capacity(_))
                    | (1007, Error::Utf8(_))
                    | (1009, Error::Capacity(_)) => true,
                    _ => waits,
                };
                assert!(is_same && !closes, "{ours}, and theirs: {error:?}");
            }
        }
        assert_eq!(self.messages, messages);
    }
}

/// Takes all that is written.
struct Pipe<'a> {
    arrived: io::Cursor<&'a [u8]>,
}

impl Read for Pipe<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.arrived.read(buffer)
    }
}

impl Write for Pipe<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
