//! A server that does what a test wants, byte for byte.

#[path = "../announced/mod.rs"]
mod announced;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use chatcore_client::chatcore::wire::{
    ClientMessage, HubMessage, Message, PREFACE_BYTES, Preface, Token, Welcome, take,
};

pub(crate) use self::announced::LIMITS;

/// Says this.
pub(crate) fn say(server: &mut TcpStream, message: &HubMessage<'_>) {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    server.write_all(&bytes).unwrap();
}

/// Reads until somebody says this.
pub(crate) fn hear(server: &mut TcpStream, is_awaited: impl Fn(&ClientMessage<'_>) -> bool) {
    let (mut heard, mut buffer) = (Vec::new(), [0; 1_000]);
    loop {
        let count = server.read(&mut buffer).unwrap();
        assert!(count > 0, "it says it");
        heard.extend_from_slice(&buffer[..count]);
        let mut rest = &heard[..];
        while let Some(content) = take(&mut rest, LIMITS.frame_bytes_max).unwrap() {
            if ClientMessage::decode(content).unwrap().is_some_and(|message| is_awaited(&message)) {
                return;
            }
        }
    }
}

/// The server's end of the next connection.
pub(crate) fn accept(listener: &TcpListener) -> TcpStream {
    let mut server = listener.accept().unwrap().0;
    server.read_exact(&mut [0; PREFACE_BYTES]).unwrap();
    server.write_all(&Preface::OURS.encode()).unwrap();
    server
}

/// Gives alice her name.
pub(crate) fn welcome(server: &mut TcpStream) {
    let token = Token::from_bytes([7; 16]);
    say(server, &HubMessage::Welcome(Welcome { name: "alice", display_name: None, token, limits: LIMITS }));
}

/// A listener on a free port, and where it is.
pub(crate) fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}
