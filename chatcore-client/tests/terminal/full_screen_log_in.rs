//! A person logs in at the full screen, at a server that does what the test wants.

use std::net::TcpStream;
use std::thread;

use chatcore_client::RefusalCode;
use chatcore_client::chatcore::wire::{ClientMessage, HubMessage, Refused};

use super::programs::Server;
use super::pty::{COLUMNS, ROWS, Terminal};
use super::scripted::{accept, hear, listen, say, welcome};

/// Waits until somebody asks for a name with this credential.
fn is_asked_with(server: &mut TcpStream, credential: &[u8]) {
    hear(server, |message| matches!(message, ClientMessage::Register(register) if register.credential == credential));
}

fn deny(server: &mut TcpStream, detail: &str) {
    say(server, &HubMessage::Refused(Refused { code: RefusalCode::Denied, detail, wait_ms: None }));
}

/// Who waits for a password to be checked waits for longer than for a name. How long, is said when a connection is
/// made.
#[test]
fn the_first_password_that_is_typed_is_asked_about_on_a_connection_of_its_own() {
    let (listener, address) = listen();
    let serving = thread::spawn(move || {
        let mut first = accept(&listener);
        is_asked_with(&mut first, b"");
        deny(&mut first, "a password is needed");
        let mut second = accept(&listener);
        is_asked_with(&mut second, b"mistake");
        deny(&mut second, "that one is wrong");
        is_asked_with(&mut second, b"secret");
        welcome(&mut second);
        second
    });
    let keeping = Server::start();
    let terminal = Terminal::full_screen_at(&keeping, &address.to_string(), (ROWS, COLUMNS), &["--name", "alice"]);
    terminal.has("a password is needed");
    terminal.types("mistake\r");
    terminal.has("that one is wrong");
    terminal.types("secret\r");
    terminal.has("you are alice");
    drop(serving.join().unwrap());
}
