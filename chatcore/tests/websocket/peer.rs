//! A peer's bytes, and what an end makes of them.

use chatcore::websocket::{Content, End, FrameError, Incoming, MessageKind, WebSocket};

pub(crate) const FIN: u8 = 0x80;
pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = FIN | 8;
pub(crate) const PING: u8 = FIN | 9;
pub(crate) const PONG: u8 = FIN | 0xA;

const KEY: [u8; 4] = [0xA7, 0x01, 0xFF, 0x32];

/// A frame of a client: its first byte, and its payload, which is masked.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = header(first, 0x80, payload.len());
    frame.extend(KEY);
    frame.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// A frame of a server.
pub(crate) fn plain(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = header(first, 0, payload.len());
    frame.extend(payload);
    frame
}

fn header(first: u8, masked: u8, length: usize) -> Vec<u8> {
    match length {
        0..126 => vec![first, masked | length.to_le_bytes()[0]],
        126..0x1_0000 => [&[first, masked | 0x7E][..], &u16::try_from(length).unwrap().to_be_bytes()].concat(),
        _ => [&[first, masked | 0x7F][..], &(length as u64).to_be_bytes()].concat(),
    }
}

/// A close frame of a client.
pub(crate) fn masked_close(code: u16, reason: &[u8]) -> Vec<u8> {
    masked(CLOSE, &[&code.to_be_bytes(), reason].concat())
}

/// A message, or as much of it as has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) kind: MessageKind,
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_whole: bool,
}

pub(crate) fn text(bytes: &str) -> Message {
    Message { kind: MessageKind::Text, bytes: bytes.into(), is_whole: true }
}

pub(crate) fn binary(bytes: &[u8]) -> Message {
    Message { kind: MessageKind::Binary, bytes: bytes.into(), is_whole: true }
}

/// What an end makes of some input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) messages: Vec<Message>,
    pub(crate) end: Option<End>,
    /// What it writes in answer, when all has come.
    pub(crate) written: Vec<u8>,
}

impl Outcome {
    pub(crate) fn of(mut socket: WebSocket, pieces: &[&[u8]]) -> Self {
        let mut outcome = Self::default();
        for piece in pieces {
            outcome.receive(&mut socket, piece);
        }
        outcome.written = written(&mut socket);
        outcome
    }

    pub(crate) fn receive(&mut self, socket: &mut WebSocket, piece: &[u8]) {
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        loop {
            match socket.receive(&mut input) {
                Ok(None) => break,
                Ok(Some(Incoming::Ping)) => assert!(socket.owes_control()),
                Ok(Some(Incoming::Data(data))) => {
                    assert!(!data.bytes.is_empty() || data.ends_message, "it tells something");
                    match self.messages.last_mut().filter(|message| !message.is_whole) {
                        Some(message) => {
                            assert_eq!(message.kind, data.kind);
                            message.bytes.extend_from_slice(data.bytes);
                            message.is_whole = data.ends_message;
                        }
                        None => self.messages.push(Message {
                            kind: data.kind,
                            bytes: data.bytes.to_vec(),
                            is_whole: data.ends_message,
                        }),
                    }
                }
                Ok(Some(Incoming::Close(close))) => self.ends(End::Close(close)),
                Err(error) => self.ends(End::Error(error)),
            }
        }
        assert!(input.is_empty(), "all is used");
    }

    fn ends(&mut self, end: End) {
        assert_eq!(self.end, None, "it ends once");
        self.end = Some(end);
    }

    pub(crate) fn error(&self) -> Option<FrameError> {
        match self.end {
            Some(End::Error(error)) => Some(error),
            _ => None,
        }
    }
}

/// What an end writes by itself.
pub(crate) fn written(socket: &mut WebSocket) -> Vec<u8> {
    let mut written = Vec::new();
    loop {
        let outgoing = socket.transmit(0);
        if outgoing.is_empty() {
            return written;
        }
        let bytes = outgoing.bytes();
        outgoing.append([].into_iter(), &mut written);
        assert_eq!(socket.transmitted(bytes), 0);
    }
}

/// What a server makes of messages.
pub(crate) fn messages(input: &[u8]) -> Outcome {
    Outcome::of(WebSocket::server(Content::Messages), &[input])
}

/// What a server makes of a stream.
pub(crate) fn stream(input: &[u8]) -> Outcome {
    Outcome::of(WebSocket::server(Content::Stream), &[input])
}
