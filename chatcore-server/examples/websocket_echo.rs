//! Both ends of a WebSocket that send back what they get: what conformance suites such as Autobahn's talk to.
//!
//! A suite that is a client talks to the server:
//!
//! ```sh
//! cargo run -p chatcore-server --example websocket_echo -- listen 127.0.0.1:9001
//! ```
//!
//! And with one that is a server, the client goes through all cases:
//!
//! ```sh
//! cargo run -p chatcore-server --example websocket_echo -- connect 127.0.0.1:9001
//! ```

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use chatcore::websocket::{
    BYTES_MAX, Content, HEAD_BYTES_MAX, Incoming, MessageKind, Upgrade, UpgradeRequest, UpgradeRules, WebSocket,
};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    match &args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["listen", address] => {
            let listener = TcpListener::bind(address)?;
            println!("listening on ws {}", listener.local_addr()?);
            for peer in listener.incoming() {
                let peer = peer?;
                thread::spawn(move || serve(peer).unwrap_or_else(|error| eprintln!("{error}")));
            }
            Ok(())
        }
        ["connect", address] => {
            let count: u32 = ask(address, "/getCaseCount")?.parse()?;
            let cases = (1..=count).map(|case| format!("/runCase?case={case}&agent=chatcore"));
            for target in cases.chain(["/updateReports?agent=chatcore".into()]) {
                // A case may break the connection in any way, and a suite that is done may leave.
                if let Err(error) = run(address, &target) {
                    eprintln!("{target}: {error}");
                }
            }
            Ok(())
        }
        _ => Err("say listen or connect, and an address".into()),
    }
}

/// The server's end of one connection.
pub(crate) fn serve(mut peer: TcpStream) -> Result<(), Box<dyn Error>> {
    peer.set_nodelay(true)?;
    let rules = UpgradeRules::default().with_subprotocols(&[])?;
    let mut upgrade = Upgrade::new();
    let mut arrived = Vec::new();
    let accepted = loop {
        read_more(&mut peer, &mut arrived)?;
        match upgrade.receive(&rules, &arrived) {
            Ok(None) => {}
            Ok(Some(accepted)) => break accepted,
            Err(refused) => {
                peer.write_all(refused.response().as_bytes())?;
                return Err(refused.into());
            }
        }
    };
    peer.write_all(accepted.response().as_bytes())?;
    arrived.drain(..accepted.head_bytes());
    echo(peer, WebSocket::server(Content::Messages), arrived, |_| true)
}

/// The client's end of one connection.
pub(crate) fn run(address: &str, target: &str) -> Result<(), Box<dyn Error>> {
    let (peer, socket, arrived) = connect(address, target)?;
    echo(peer, socket, arrived, |_| true)
}

/// What a server says by itself.
fn ask(address: &str, target: &str) -> Result<String, Box<dyn Error>> {
    let (peer, socket, arrived) = connect(address, target)?;
    let mut said = Vec::new();
    echo(peer, socket, arrived, |message| {
        said = message.to_vec();
        false
    })?;
    Ok(String::from_utf8(said)?)
}

fn connect(address: &str, target: &str) -> Result<(TcpStream, WebSocket, Vec<u8>), Box<dyn Error>> {
    let (mut nonce, mut seed) = ([0; 16], [0; 32]);
    getrandom::fill(&mut nonce)?;
    getrandom::fill(&mut seed)?;
    let mut peer = TcpStream::connect(address)?;
    peer.set_nodelay(true)?;
    let mut request = UpgradeRequest::new(address, target, &[], nonce)?;
    peer.write_all(request.bytes())?;
    let mut arrived = Vec::new();
    let answer = loop {
        read_more(&mut peer, &mut arrived)?;
        if let Some(answer) = request.receive(&arrived)? {
            break answer;
        }
    };
    arrived.drain(..answer.head_bytes());
    Ok((peer, WebSocket::client(Content::Messages, seed), arrived))
}

/// Sends each message back for which `answers` says so, until the peer closes.
fn echo(
    mut peer: TcpStream,
    mut socket: WebSocket,
    mut arrived: Vec<u8>,
    mut answers: impl FnMut(&[u8]) -> bool,
) -> Result<(), Box<dyn Error>> {
    // A message is kept until it is whole. The socket takes none that is longer.
    let mut message = Vec::new();
    let mut fault = None;
    while !socket.is_closed() {
        let mut input = &mut arrived[..];
        loop {
            let mut answer = None;
            match socket.receive(&mut input) {
                Ok(Some(Incoming::Data(data))) => {
                    message.extend_from_slice(data.bytes);
                    answer = data.ends_message.then_some(data.kind).filter(|_| answers(&message));
                    if data.ends_message && answer.is_none() {
                        message.clear();
                    }
                }
                Ok(Some(Incoming::Ping | Incoming::Close(_))) => {}
                Ok(None) => break,
                Err(error) => fault = Some(error),
            }
            if answer.is_some() || socket.owes_control() {
                write(&mut peer, &mut socket, answer, &message)?;
            }
            if answer.is_some() {
                message.clear();
            }
        }
        if !socket.is_closed() {
            arrived.clear();
            read_more(&mut peer, &mut arrived)?;
        }
    }
    fault.map_or(Ok(()), |fault| Err(fault.into()))
}

/// Writes a message if there is one, and what the socket owes.
fn write(peer: &mut TcpStream, socket: &mut WebSocket, kind: Option<MessageKind>, message: &[u8]) -> io::Result<()> {
    const { assert!(BYTES_MAX < u32::MAX, "the longest message can be sent back") };
    if let Some(kind) = kind {
        socket.begin_message(kind, u32::try_from(message.len()).expect("it is below the limit"));
    }
    let mut rest = message;
    loop {
        let outgoing = socket.transmit(rest.len());
        let count = outgoing.bytes();
        if count == 0 {
            return Ok(());
        }
        let mut bytes = Vec::with_capacity(count);
        outgoing.append([rest].into_iter(), &mut bytes);
        peer.write_all(&bytes)?;
        rest = &rest[socket.transmitted(count)..];
    }
}

fn read_more(peer: &mut TcpStream, arrived: &mut Vec<u8>) -> io::Result<()> {
    let mut buffer = [0; HEAD_BYTES_MAX];
    let count = peer.read(&mut buffer)?;
    if count == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the peer left without closing the WebSocket"));
    }
    arrived.extend_from_slice(&buffer[..count]);
    Ok(())
}
