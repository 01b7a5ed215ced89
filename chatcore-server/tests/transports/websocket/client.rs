//! The client's end of a WebSocket as something that reads and writes.

use std::io::{self, Read, Write};
use std::process::Command;

use chatcore::websocket::{Close, CloseCode, Content, End, SUBPROTOCOL, UpgradeRequest, WebSocket};

use super::read_to_end;
use crate::support::{PROGRAM, Server};

/// A server that listens on TCP, and then for a WebSocket, without a page.
pub(super) fn ws_server(flags: &[&str]) -> Server {
    let mut command = Command::new(PROGRAM);
    command.args(["--listen", "127.0.0.1:0", "--listen", "ws://127.0.0.1:0", "--page", "no"]).args(flags);
    Server::listening(2, &mut command)
}

pub(crate) struct Stream<S> {
    pub(super) below: S,
    socket: WebSocket,
    /// Payload that was not read.
    payload: Vec<u8>,
    /// What the server's close frame said.
    pub(super) close: Option<Close>,
}

impl<S: Read + Write> Stream<S> {
    /// Opens a WebSocket at the path `/`.
    pub(crate) fn open(mut below: S) -> Self {
        let mut request = UpgradeRequest::new("localhost", "/", &[SUBPROTOCOL], [7; 16]).expect("it is a request");
        below.write_all(request.bytes()).expect("the server reads");
        let mut head = Vec::new();
        loop {
            let mut byte = [0];
            below.read_exact(&mut byte).expect("the server answers");
            head.push(byte[0]);
            if request.receive(&head).expect("it opens a WebSocket").is_some() {
                break;
            }
        }
        Self { below, socket: WebSocket::client(Content::Stream, [7; 32]), payload: Vec::new(), close: None }
    }

    /// Writes a frame with this first byte, whose mask is zero.
    pub(super) fn put_frame(&mut self, first: u8, payload: &[u8]) {
        let length = u8::try_from(payload.len()).expect("it is short");
        assert!(length < 126, "it is short");
        let frame = [&[first, 0x80 | length, 0, 0, 0, 0], payload].concat();
        self.below.write_all(&frame).expect("the server reads");
    }

    /// The server's next frame, which is short.
    #[track_caller]
    pub(super) fn assert_frame(&mut self, first: u8, payload: &[u8]) {
        let mut frame = vec![0; 2 + payload.len()];
        self.below.read_exact(&mut frame).expect("a frame comes");
        let length = u8::try_from(payload.len()).expect("it is short");
        assert_eq!(frame, [&[first, length], payload].concat());
    }

    pub(super) fn close(&mut self, code: CloseCode) {
        self.socket.close(code, "");
        self.put(&[]);
    }

    /// The transport below ends in an orderly way, with nothing more before that.
    #[track_caller]
    pub(super) fn assert_end_below(&mut self) {
        assert_eq!(read_to_end(&mut self.below).expect("the server closes in an orderly way"), b"");
    }

    fn put(&mut self, bytes: &[u8]) {
        let mut frames = Vec::new();
        let outgoing = self.socket.transmit(bytes.len());
        let count = outgoing.bytes();
        outgoing.append([bytes].into_iter(), &mut frames);
        self.socket.transmitted(count);
        // A server that closes may not take it any more.
        let _ = self.below.write_all(&frames);
    }
}

impl<S: Read + Write> Read for Stream<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.payload.is_empty() && self.close.is_none() {
            let mut arrived = [0; 4096];
            let count = self.below.read(&mut arrived)?;
            if count == 0 {
                return Ok(0);
            }
            let unframed = self.socket.unframe(&mut arrived[..count]);
            self.payload.extend_from_slice(&arrived[..unframed.payload_bytes]);
            match unframed.end {
                None => {}
                Some(End::Close(close)) => self.close = Some(close),
                Some(End::Error(error)) => panic!("the server breaks the framing: {error}"),
            }
            if self.socket.owes_control() {
                self.put(&[]);
            }
        }
        let count = self.payload.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.payload[..count]);
        self.payload.drain(..count);
        Ok(count)
    }
}

impl<S: Read + Write> Write for Stream<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A frame of a stream has at most so many.
        let bytes = &bytes[..bytes.len().min(60_000)];
        self.put(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
