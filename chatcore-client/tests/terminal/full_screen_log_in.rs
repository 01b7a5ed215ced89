//! A person logs in at the full screen, at a server that does what the test wants.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use chatcore_client::RefusalCode;
use chatcore_client::chatcore::wire::{
    ClientMessage, HubMessage, Message, PREFACE_BYTES, Preface, Refused, Token, Welcome, take,
};

use super::announced::LIMITS;
use super::programs::Server;
use super::pty::{COLUMNS, ROWS, Terminal};

/// The server's end of the next connection, and the credential with which somebody asks for a name on it.
fn asked(listener: &TcpListener) -> (TcpStream, Vec<u8>) {
    let mut server = listener.accept().unwrap().0;
    server.read_exact(&mut [0; PREFACE_BYTES]).unwrap();
    server.write_all(&Preface::OURS.encode()).unwrap();
    let (mut heard, mut buffer) = (Vec::new(), [0; 1_000]);
    loop {
        let count = server.read(&mut buffer).unwrap();
        assert!(count > 0, "it asks");
        heard.extend_from_slice(&buffer[..count]);
        let mut rest = &heard[..];
        if let Some(content) = take(&mut rest, LIMITS.frame_bytes_max).unwrap() {
            let Ok(Some(ClientMessage::Register(register))) = ClientMessage::decode(content) else { panic!() };
            return (server, register.credential.to_vec());
        }
    }
}

fn say(server: &mut TcpStream, message: &HubMessage<'_>) {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    server.write_all(&bytes).unwrap();
}

/// Who waits for a password to be checked waits for longer than for a name. How long, is said when a connection is made.
#[test]
fn a_password_that_is_typed_is_asked_about_on_a_connection_of_its_own() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serving = thread::spawn(move || {
        let (mut first, credential) = asked(&listener);
        assert_eq!(credential, b"");
        let detail = "the name needs a password";
        say(&mut first, &HubMessage::Refused(Refused { code: RefusalCode::Denied, detail, wait_ms: None }));
        let (mut second, credential) = asked(&listener);
        assert_eq!(credential, b"secret");
        let token = Token::from_bytes([7; 16]);
        let welcome = Welcome { name: "alice", display_name: None, token, limits: LIMITS };
        say(&mut second, &HubMessage::Welcome(welcome));
        second
    });
    let keeping = Server::start();
    let terminal = Terminal::full_screen_at(&keeping, &address, (ROWS, COLUMNS), &["--name", "alice"]);
    terminal.has("password for alice");
    terminal.types("secret\r");
    terminal.has("you are alice");
    drop(serving.join().unwrap());
}
