//! A peer that says what bytes it likes, and looks at each frame that comes back.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use chatcore::wire::{
    self, Ack, ClientMessage, ErrorMessage, HEADER_BYTES, HubMessage, Message, PREFACE_BYTES, Pong, Preface, Register,
};
use chatcore::{ErrorCode, GoodbyeCode};

use super::PATIENCE;

pub(crate) struct Peer<S = TcpStream> {
    pub(crate) stream: S,
    /// The last frame that was read.
    frame: Vec<u8>,
}

impl Peer {
    pub(crate) fn connect(server: SocketAddr) -> Self {
        Self::over(connect(server))
    }

    /// A peer that has this name.
    pub(crate) fn registered(server: SocketAddr, name: &str) -> Self {
        Self::registered_over(connect(server), name)
    }
}

/// A socket that waits, but not for ever.
pub(crate) fn connect(server: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(server).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out can be set");
    stream.set_write_timeout(Some(PATIENCE)).expect("a time-out can be set");
    stream.set_nodelay(true).expect("the socket is good");
    stream
}

impl<S: Read + Write> Peer<S> {
    pub(crate) fn over(stream: S) -> Self {
        Self { stream, frame: Vec::new() }
    }

    /// A peer over this transport that has this name.
    pub(crate) fn registered_over(stream: S, name: &str) -> Self {
        let mut peer = Self::over(stream);
        peer.put(&opening(name));
        peer.take_preface();
        let welcome = peer.take();
        assert!(matches!(welcome, HubMessage::Welcome(_)), "{welcome:?}");
        peer.say(&ClientMessage::Ack(Ack { count: 0 }));
        peer
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server takes it");
    }

    pub(crate) fn say(&mut self, message: &ClientMessage<'_>) {
        self.put(&encode(message));
    }

    pub(crate) fn take_preface(&mut self) {
        let mut preface = [0; PREFACE_BYTES];
        self.stream.read_exact(&mut preface).expect("the server sends its preface");
        assert_eq!(preface, Preface::OURS.encode());
    }

    /// The next message from the server.
    pub(crate) fn take(&mut self) -> HubMessage<'_> {
        self.try_take().expect("a frame comes")
    }

    /// The same, but acknowledgements are passed over.
    pub(crate) fn take_beside_acks(&mut self) -> HubMessage<'_> {
        while matches!(self.take(), HubMessage::Ack(_)) {}
        self.message()
    }

    /// Waits until this many messages are accepted, and nothing else is said beside acknowledgements.
    pub(crate) fn take_accepted(&mut self, messages: u64) {
        let mut accepted = 0;
        while accepted < messages {
            match self.take_beside_acks() {
                HubMessage::Accepted(told) => accepted += told.count(),
                other => panic!("{accepted} messages are accepted, and then comes {other:?}"),
            }
        }
        assert_eq!(accepted, messages);
    }

    pub(crate) fn try_take(&mut self) -> io::Result<HubMessage<'_>> {
        let mut header = [0; HEADER_BYTES];
        self.stream.read_exact(&mut header)?;
        self.frame.clear();
        self.frame.extend_from_slice(&header);
        self.frame.resize(HEADER_BYTES + u32::from_le_bytes(header) as usize, 0);
        self.stream.read_exact(&mut self.frame[HEADER_BYTES..])?;
        Ok(self.message())
    }

    /// Answers the server's pings, and so lets its clock tell the time: the first comes half an idle time after
    /// the last that it heard, each other half an idle time after the answer to the one before.
    #[track_caller]
    pub(crate) fn pass_pings(&mut self, count: usize) {
        for _ in 0..count {
            match self.take() {
                HubMessage::Ping(ping) => {
                    let nonce = ping.nonce;
                    self.say(&ClientMessage::Pong(Pong { nonce }));
                }
                other => panic!("{other:?} in place of a ping"),
            }
        }
    }

    fn message(&self) -> HubMessage<'_> {
        let content = wire::take(&mut &self.frame[..], u32::MAX).expect("well-formed").expect("whole");
        HubMessage::decode(content).expect("well-formed").expect("known")
    }

    /// The server closes, and there is nothing before that. A reset is not an end.
    #[track_caller]
    pub(crate) fn assert_end(&mut self) {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).expect("the server closes in an orderly way");
        assert_eq!(rest, b"", "nothing comes before the end");
    }

    /// The server names this error, and closes.
    #[track_caller]
    pub(crate) fn assert_fault(&mut self, expected: ErrorCode, words: &str) {
        match self.take_beside_acks() {
            HubMessage::Error(ErrorMessage { code, detail }) => {
                assert_eq!(code, expected, "{detail}");
                assert!(detail.contains(words), "{detail}");
            }
            other => panic!("{other:?} in place of {expected:?}"),
        }
        self.assert_end();
    }

    /// The server says goodbye, and closes.
    #[track_caller]
    pub(crate) fn assert_goodbye(&mut self, expected: GoodbyeCode) {
        match self.take_beside_acks() {
            HubMessage::Goodbye(goodbye) => assert_eq!(goodbye.code, expected),
            other => panic!("{other:?} in place of a goodbye"),
        }
        self.assert_end();
    }
}

/// The first bytes of a client that asks for a name.
pub(crate) fn opening(name: &str) -> Vec<u8> {
    let mut bytes = Preface::OURS.encode().to_vec();
    ClientMessage::Register(Register { name, credential: b"", frame_bytes_max: u32::MAX }).encode(&mut bytes);
    bytes
}

pub(crate) fn encode(message: &ClientMessage<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    bytes
}

/// A frame of any content, right or wrong.
pub(crate) fn frame(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).expect("it is short");
    [&length.to_le_bytes(), content].concat()
}
