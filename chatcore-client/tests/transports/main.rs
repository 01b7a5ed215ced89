//! The client over other transports than TCP: real programs over real sockets, and servers that do what a test wants.
#![cfg(unix)]

mod advice;
#[path = "../announced/mod.rs"]
mod announced;
mod faults;
mod identity;
#[path = "../programs/mod.rs"]
mod programs;
mod scripted;
mod tls;
mod unix;
mod websocket;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

use chatcore_client::chatcore::wire::{HubMessage, Message, PREFACE_BYTES, Preface, Token, Welcome};

use self::announced::LIMITS;

const LEFT: &str = r#"{"event":"closed","reason":"left"}"#;

fn registered(name: &str) -> String {
    format!(r#"{{"event":"registered","name":"{name}"}}"#)
}

/// A listener on a free port of this machine, and the port.
fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let port = listener.local_addr().expect("it is bound").port();
    (listener, port)
}

/// Ends our side of a connection, and waits until the other end has ended its own: what was said arrives.
fn hang_up(mut stream: &TcpStream) {
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.read_to_end(&mut Vec::new());
}

/// Waits until a client has asked for a name: its preface is here, and the first byte of what follows.
fn asked(from: &mut impl Read) {
    from.read_exact(&mut [0; PREFACE_BYTES + 1]).expect("the client asks");
}

/// What a server says to a client that gets the name, beside its preface.
fn welcome(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let token = Token::from_bytes([7; 16]);
    HubMessage::Welcome(Welcome { name, display_name: None, token, limits: LIMITS }).encode(&mut bytes);
    bytes
}

/// Lets a client have the name that it asks for.
fn admit(peer: &mut (impl Read + Write), name: &str) {
    asked(peer);
    say(peer, &[&Preface::OURS.encode()[..], &welcome(name)].concat());
}

/// Writes all, and says so if nobody takes it.
fn say(to: &mut impl Write, bytes: &[u8]) {
    to.write_all(bytes).and_then(|()| to.flush()).expect("the client reads");
}
