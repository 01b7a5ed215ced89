//! The client at a terminal, as a person sees it: a pseudo-terminal, and the screen that its output makes.

#![cfg(target_os = "linux")]

#[path = "transports/identity.rs"]
mod identity;
mod programs;

use std::io::{Read, Write};
use std::num::NonZero;
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use identity::Authority;
use nix::sys::termios::{LocalFlags, tcgetattr};
use programs::proxy::Proxy;
use programs::{PATIENCE, Server};
use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};

const ROWS: u16 = 24;
const COLUMNS: u16 = 100;

/// A terminal with the client in it.
struct Terminal {
    pty: Arc<Pty>,
    child: Child,
    shared: Arc<Shared>,
}

struct Shared {
    screen: Mutex<Screen>,
    changed: Condvar,
}

struct Screen {
    parser: vt100::Parser,
    /// Everything that was written, as it came.
    raw: Vec<u8>,
    ended: bool,
}

impl Screen {
    /// All that was ever written, without line ends: between two lines, the terminal's echo of one can fall anywhere.
    fn said(&self) -> String {
        String::from_utf8_lossy(&self.raw).replace(['\r', '\n'], "")
    }
}

impl Terminal {
    fn start(server: &Server, args: &[&str]) -> Self {
        Self::start_as("xterm", server, &server.address, args)
    }

    fn start_as(kind: &str, server: &Server, address: &str, args: &[&str]) -> Self {
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(ROWS, COLUMNS)).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_chatcore-client"))
            .args(["--connect", address])
            .arg("--state-dir")
            .arg(server.state.path())
            .args(args)
            .env("TERM", kind)
            .env_remove("CHATCORE_NAME")
            .env_remove("CHATCORE_STATE_DIR")
            .spawn(pts)
            .unwrap();
        let (rows, columns) = (NonZero::new(ROWS).unwrap(), NonZero::new(COLUMNS).unwrap());
        let screen = Screen { parser: vt100::Parser::new(rows, columns, 0), raw: Vec::new(), ended: false };
        let shared = Arc::new(Shared { screen: Mutex::new(screen), changed: Condvar::new() });
        let pty = Arc::new(pty);
        let (reader, written) = (Arc::clone(&pty), Arc::clone(&shared));
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                // On Linux reading fails when the last program at the other end is gone.
                let count = (&*reader).read(&mut buffer).unwrap_or(0);
                let mut screen = written.screen.lock().unwrap();
                screen.parser.process(&buffer[..count]);
                screen.raw.extend_from_slice(&buffer[..count]);
                screen.ended = count == 0;
                written.changed.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        Self { pty, child, shared }
    }

    fn types(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).unwrap();
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = std::process::Command::new("kill").args([&format!("-{signal}"), &pid]).status();
        assert!(sent.unwrap().success());
    }

    fn screen(&self) -> MutexGuard<'_, Screen> {
        self.shared.screen.lock().unwrap()
    }

    /// Whether nothing is left of the line editor, neither in the settings nor in the screen's modes.
    fn is_as_it_was(&self, screen: &Screen) -> bool {
        let settings = tcgetattr(&*self.pty).unwrap();
        settings.local_flags.contains(LocalFlags::ICANON | LocalFlags::ECHO)
            && !screen.parser.screen().bracketed_paste()
    }

    /// Waits until the screen is so.
    #[track_caller]
    fn until(&self, what: &str, holds: impl Fn(&Screen) -> bool) {
        let screen = self.shared.screen.lock().unwrap();
        let (screen, timeout) =
            self.shared.changed.wait_timeout_while(screen, PATIENCE, |screen| !holds(screen)).unwrap();
        assert!(!timeout.timed_out(), "still not: {what}; the screen is\n{}", screen.parser.screen().contents());
    }

    /// Waits until the lines of the screen, without those that are empty at the end, end in these.
    #[track_caller]
    fn shows(&self, lines: &[&str]) {
        self.until(&format!("{lines:?}"), |screen| {
            let contents = screen.parser.screen().contents();
            let shown: Vec<&str> = contents.trim_end().lines().map(str::trim_end).collect();
            shown.ends_with(lines)
        });
    }

    /// Waits for the end of the program; returns what it exits with.
    fn end(mut self) -> (Option<i32>, Vec<u8>) {
        self.until("the end", |screen| screen.ended);
        let code = self.child.wait().unwrap().code();
        let raw = std::mem::take(&mut self.shared.screen.lock().unwrap().raw);
        (code, raw)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const WELCOME: &str = "you are alice; /help lists the commands";

#[test]
fn a_person_is_asked_for_a_name_until_one_fits() {
    let server = Server::start();
    let terminal = Terminal::start(&server, &[]);
    terminal.shows(&["your name:"]);
    terminal.types("b b\r");
    terminal.until("the reason", |screen| screen.parser.screen().contents().contains("may not hold U+0020"));
    terminal.types("#Alice\r");
    terminal.shows(&["you are Alice; /help lists the commands", ">"]);
    terminal.types("/quit\r");
    assert_eq!(terminal.end().0, Some(0));
}

#[test]
fn a_message_does_not_break_the_line_being_typed() {
    let server = Server::start();
    let terminal = Terminal::start(&server, &["--name", "alice"]);
    terminal.shows(&[WELCOME, ">"]);
    let mut bob = server.user("bob");
    terminal.types("@bob:half a lin\u{e9}");
    terminal.shows(&["> @bob:half a liné"]);
    bob.send("alice", b"\x1b[2Jhello\r\n\x07", PATIENCE).unwrap();
    terminal.shows(&["bob: \\u{1b}[2Jhello\\r\\n\\u{7}", "> @bob:half a liné"]);
    terminal.types(", whole\r");
    loop {
        if let Some(chatcore_client::Event::Message { body, .. }) = bob.receive(PATIENCE).unwrap() {
            assert_eq!(body, "half a liné, whole".as_bytes());
            break;
        }
    }
    terminal.types("/who\r");
    terminal.shows(&["> /who", "online: alice, bob", ">"]);
    terminal.types("\x04");
    let (code, raw) = terminal.end();
    assert_eq!(code, Some(0), "Ctrl-D leaves");
    assert!(!raw.contains(&0x07), "no bell from others");
    bob.close(Duration::from_secs(10)).unwrap();
}

#[test]
fn what_is_typed_ahead_is_not_lost() {
    let server = Server::start();
    let terminal = Terminal::start(&server, &["--name", "alice"]);
    terminal.shows(&[WELCOME, ">"]);
    let lines: String = (0..20).map(|i| format!("@alice:line {i}\r")).fold(String::new(), |all, line| all + &line);
    terminal.types(&lines);
    terminal.until("the last line", |screen| screen.said().contains("alice: line 19"));
    let said = terminal.screen().said();
    assert!((0..20).all(|i| said.contains(&format!("alice: line {i}"))), "{said}");
}

#[test]
fn a_flood_of_messages_and_lines_at_the_same_time_holds_nobody_up() {
    const COUNT: usize = 5_000;
    let server = Server::start();
    let terminal = Terminal::start(&server, &["--name", "alice"]);
    terminal.shows(&[WELCOME, ">"]);
    let mut bob = server.user("bob");
    let flood = thread::spawn(move || {
        for i in 0..COUNT {
            bob.send("alice", format!("<{i:04}>").as_bytes(), PATIENCE).unwrap();
        }
        bob
    });
    // As long as they come, lines are ended, so that a message meets the editor in every state. What a person types goes
    // before what others send, so nothing is typed before the last key had its effect.
    let last = format!("<{:04}>", COUNT - 1);
    let mut written = 0;
    while !terminal.screen().said().contains(&last) {
        terminal.types("\r");
        terminal.until("messages go on", |screen| screen.raw.len() > written);
        written = terminal.screen().raw.len();
    }
    let _bob = flood.join().unwrap();
    let said = terminal.screen().said();
    let numbers = said.split('<').skip(1).map(|rest| rest[..4].parse::<usize>().unwrap());
    assert!(numbers.eq(0..COUNT), "all, and in order");
    terminal.types("/quit\r");
    assert_eq!(terminal.end().0, Some(0));
}

#[test]
fn what_came_before_the_end_is_shown_before_the_end() {
    let server = Server::start();
    let terminal = Terminal::start(&server, &["--name", "alice", "--reconnect-for", "0"]);
    terminal.shows(&[WELCOME, ">"]);
    terminal.types("half a line");
    terminal.shows(&["> half a line"]);
    let mut bob = server.user("bob");
    for i in 0..100 {
        bob.send("alice", format!("message {i}").as_bytes(), PATIENCE).unwrap();
    }
    // The server has them all before it stops.
    for _ in 0..100 {
        assert!(matches!(bob.receive(PATIENCE).unwrap(), Some(chatcore_client::Event::Accepted { .. })));
    }
    server.program.signal("TERM");
    let lines = ["bob: message 98", "bob: message 99", "chatcore-client: "];
    terminal.until("the last message and the last words", |screen| {
        let contents = screen.parser.screen().contents();
        let shown: Vec<&str> = contents.trim_end().lines().collect();
        shown.len() >= 3 && shown[shown.len() - 3..].iter().zip(lines).all(|(shown, line)| shown.starts_with(line))
    });
    assert_eq!(terminal.end().0, Some(1));
}

#[test]
fn a_terminal_that_is_too_simple_for_an_editor_is_talked_to_in_plain_lines() {
    let server = Server::start();
    let terminal = Terminal::start_as("dumb", &server, &server.address, &[]);
    terminal.shows(&["your name:"]);
    terminal.types("alice\r");
    terminal.until("the welcome", |screen| screen.parser.screen().contents().contains(WELCOME));
    terminal.types("@alice:hello\r");
    terminal.until("the message", |screen| screen.parser.screen().contents().contains("alice: hello"));
    terminal.types("/quit\r");
    let (code, raw) = terminal.end();
    assert_eq!(code, Some(0));
    assert!(!raw.contains(&0x1b), "no escape sequences");
}

#[test]
fn a_signal_leaves_the_terminal_as_it_was() {
    let server = Server::start();
    for signal in ["TERM", "INT"] {
        let terminal = Terminal::start(&server, &["--name", "alice"]);
        terminal.shows(&[WELCOME, ">"]);
        terminal.types("half a line");
        terminal.shows(&["> half a line"]);
        assert!(!terminal.is_as_it_was(&terminal.screen()), "the editor is there");
        terminal.signal(signal);
        terminal.until("the settings of before", |screen| terminal.is_as_it_was(screen));
        assert_eq!(terminal.end().0, Some(0));
    }
}

#[test]
fn ctrl_c_leaves_in_good_order() {
    let server = Server::start();
    let terminal = Terminal::start(&server, &["--name", "alice"]);
    terminal.shows(&[WELCOME, ">"]);
    terminal.types("half\x03");
    assert_eq!(terminal.end().0, Some(0));
}

#[test]
fn a_server_that_is_killed_is_told_in_one_line() {
    let server = Server::start();
    let terminal = Terminal::start(&server, &["--name", "alice", "--reconnect-for", "0"]);
    terminal.shows(&[WELCOME, ">"]);
    server.program.signal("KILL");
    terminal.shows(&[WELCOME, "chatcore-client: the connection to the server broke"]);
    // Whoever types next sees it again: the line editor's settings do not outlive it.
    assert!(terminal.is_as_it_was(&terminal.screen()));
    assert_eq!(terminal.end().0, Some(1));
}

#[test]
fn a_person_sees_the_connection_go_and_come_back() {
    let server = Server::start();
    let proxy = Proxy::start(&server.address, 0, 0);
    let terminal = Terminal::start_as("xterm", &server, &proxy.address, &["--name", "alice"]);
    terminal.shows(&[WELCOME, ">"]);
    terminal.types("/join #lobby\r");
    terminal.shows(&["[#lobby] alice joined", "#lobby>"]);
    terminal.types("half a line");
    terminal.shows(&["#lobby> half a line"]);
    proxy.cut();
    let lines =
        ["the connection to the server broke; reconnecting in 0.", "resumed: you are still alice", "#lobby> half"];
    terminal.until("what becomes of it", |screen| {
        let contents = screen.parser.screen().contents();
        let shown: Vec<&str> = contents.trim_end().lines().collect();
        shown.len() >= 3 && shown[shown.len() - 3..].iter().zip(lines).all(|(shown, line)| shown.starts_with(line))
    });
    let mut bob = server.user("bob");
    bob.join("#lobby", PATIENCE).unwrap();
    terminal.shows(&["[#lobby] bob joined", "#lobby> half a line"]);
    terminal.types(" for the room\r");
    loop {
        if let Some(chatcore_client::Event::Message { room: Some(room), body, .. }) = bob.receive(PATIENCE).unwrap() {
            assert_eq!((room.as_str(), body.as_slice()), ("#lobby", b"half a line for the room".as_slice()));
            break;
        }
    }
    terminal.types("/leave\r");
    terminal.shows(&["[#lobby] alice left", ">"]);
    terminal.types("\x04");
    assert_eq!(terminal.end().0, Some(0));
}

const PASSWORD_PROMPT: &str = "password for alice, or nothing for another name:";

/// Nothing of these was ever shown.
fn assert_unseen(raw: &[u8], secrets: &[&str]) {
    let said = String::from_utf8_lossy(raw);
    assert!(secrets.iter().all(|secret| !said.contains(secret)), "{said}");
}

#[test]
fn a_person_is_asked_for_a_password_when_the_server_wants_one() {
    let server = Server::with_passwords(&[("alice", "secret")], &[]);
    let terminal = Terminal::start(&server, &[]);
    terminal.shows(&["your name:"]);
    terminal.types("alice\r");
    terminal.shows(&["the name needs a password", PASSWORD_PROMPT]);
    terminal.types("mistake\r");
    terminal.until("the reason", |screen| screen.said().contains("the credential does not give the right"));
    terminal.until("the second prompt", |screen| screen.said().matches(PASSWORD_PROMPT).count() == 2);
    terminal.types("secret\r");
    terminal.shows(&[WELCOME, ">"]);
    // The line editor works as ever, and its history has no password.
    terminal.types("@alice:hello\r");
    terminal.until("the message", |screen| screen.said().contains("alice: hello"));
    terminal.types("\x1b[A\x1b[A\x1b[A");
    terminal.shows(&["> alice"]);
    terminal.types("\x15/quit\r");
    let (code, raw) = terminal.end();
    assert_eq!(code, Some(0));
    assert_unseen(&raw, &["secret", "mistake"]);
}

#[test]
fn who_has_no_password_takes_another_name() {
    let server = Server::with_passwords(&[("alice", "secret")], &[]);
    let terminal = Terminal::start(&server, &["--name", "alice"]);
    terminal.shows(&["the name needs a password", PASSWORD_PROMPT]);
    terminal.types("\r");
    terminal.shows(&["your name:"]);
    terminal.types("bob\r");
    terminal.shows(&["you are bob; /help lists the commands", ">"]);
}

#[test]
fn a_password_can_be_asked_for_first() {
    let server = Server::with_passwords(&[("alice", "secret")], &[]);
    let terminal = Terminal::start(&server, &["--name", "alice", "--password"]);
    terminal.shows(&["password for alice:"]);
    terminal.types("secret\r");
    terminal.shows(&[WELCOME, ">"]);
    terminal.types("/quit\r");
    let (code, raw) = terminal.end();
    assert_eq!(code, Some(0));
    assert_unseen(&raw, &["secret"]);
}

#[test]
fn who_leaves_at_the_question_for_a_password_finds_the_terminal_as_it_was() {
    let server = Server::with_passwords(&[("alice", "secret")], &[]);
    for (args, prompt, key, code) in [
        (&["--name", "alice"][..], PASSWORD_PROMPT, "\x03", Some(0)),
        (&["--name", "alice"], PASSWORD_PROMPT, "\x04", Some(0)),
        (&["--name", "alice", "--password"], "password for alice:", "\x03", None),
    ] {
        let terminal = Terminal::start(&server, args);
        terminal.until("the question", |screen| screen.said().contains(prompt));
        terminal.types(key);
        terminal.until("the end", |screen| screen.ended);
        assert!(terminal.is_as_it_was(&terminal.screen()), "{key:?}");
        assert_eq!(terminal.end().0, code, "{key:?}");
    }
}

#[test]
fn a_person_chats_over_tls_and_is_told_whom_to_trust() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let [certificate, key] = authority.vouches_for(&["127.0.0.1"]).files(folder.path(), "server");
    let ca = authority.file(folder.path());
    let server = Server::listening(&["--listen", "tls://127.0.0.1:0", "--tls-cert", &certificate, "--tls-key", &key]);
    let alice = Terminal::start(&server, &["--ca", &ca]);
    alice.shows(&["your name:"]);
    alice.types("alice\n");
    alice.until("the name", |screen| screen.said().contains("you are alice; /help lists the commands"));
    alice.types("@alice:hello over TLS\n");
    alice.until("the message", |screen| screen.said().contains("alice: hello over TLS"));
    alice.types("/quit\n");
    assert_eq!(alice.end().0, Some(0));

    let other = Authority::new().file(tempfile::tempdir().unwrap().keep().as_path());
    let stranger = Terminal::start(&server, &["--ca", &other]);
    let (code, raw) = stranger.end();
    let said = String::from_utf8_lossy(&raw).into_owned();
    assert_eq!(code, Some(1));
    assert!(
        said.contains("nobody who is trusted here vouches for its certificate") && said.contains("--ca FILE"),
        "{said}"
    );
}
