//! The full screen in a pseudo-terminal, as a person sees it.

#![cfg(target_os = "linux")]

mod programs;

use std::io::{Read, Write};
use std::num::NonZero;
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use chatcore_client::{Connection, Event};
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
    fn contents(&self) -> String {
        self.parser.screen().contents()
    }
}

impl Terminal {
    fn start(server: &Server, args: &[&str]) -> Self {
        Self::start_at(server, &server.address, args)
    }

    fn start_at(server: &Server, address: &str, args: &[&str]) -> Self {
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(ROWS, COLUMNS)).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_chatcore-client"))
            .args(["--connect", address])
            .arg("--state-dir")
            .arg(server.state.path())
            .args(args)
            .env("TERM", "xterm-256color")
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

    fn types(&self, keys: impl AsRef<[u8]>) {
        (&*self.pty).write_all(keys.as_ref()).unwrap();
    }

    /// Waits until the screen is so.
    #[track_caller]
    fn until(&self, what: &str, holds: impl Fn(&Screen) -> bool) {
        let screen = self.shared.screen.lock().unwrap();
        let (screen, timeout) =
            self.shared.changed.wait_timeout_while(screen, PATIENCE, |screen| !holds(screen)).unwrap();
        assert!(!timeout.timed_out(), "still not: {what}; the screen is\n{}", screen.contents());
    }

    #[track_caller]
    fn shows(&self, text: &str) {
        self.until(text, |screen| screen.contents().contains(text));
    }

    /// Waits until the row of the prompt is this.
    #[track_caller]
    fn prompts(&self, line: &str) {
        self.until(&format!("the prompt {line:?}"), |screen| {
            screen.contents().trim_end().lines().last().is_some_and(|last| last.trim_end() == line)
        });
    }

    /// Waits for the end of the program; returns what it exits with.
    fn end(mut self) -> Option<i32> {
        self.until("the end", |screen| screen.ended);
        self.child.wait().unwrap().code()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The next message, with the room or an empty text.
fn heard(user: &mut Connection) -> (String, String) {
    loop {
        if let Some(Event::Message { body, room, .. }) = user.receive(PATIENCE).unwrap() {
            return (room.map(|room| room.to_string()).unwrap_or_default(), String::from_utf8(body).unwrap());
        }
    }
}

/// What a terminal may send beside what is typed: reports of the mouse outside the list of conversations, replies, focus, controls of eight bits,
/// bytes that are no text.
const NOISE: [&[u8]; 13] = [
    b"\x1b[<0;50;10M",
    b"\x1b[<0;50;10m",
    b"\x1b[M !!",
    b"\x1b[32;50;10M",
    b"\x1b[?1;2c",
    b"\x1b[24;80R",
    b"\x1b[?2026;2$y",
    b"\x1b]11;rgb:0000/0000/0000\x07",
    b"\x1b]52;c;QGJvYjpzZWNyZXQ=\x1b\\",
    b"\x1bP>|xterm(390)\x1b\\",
    b"\x1b_Gi=31;OK\x1b\\",
    b"\x9b?1;2c",
    b"\x1b[I",
];

fn noise() -> Vec<u8> {
    NOISE.concat()
}

/// P1, P2 at the name prompt: what is no text is no part of a name.
#[test]
fn a_name_is_what_was_typed_and_nothing_else() {
    let server = Server::start();
    let terminal = Terminal::start(&server, &[]);
    terminal.prompts("your name:");
    terminal.types([b"al".as_slice(), &noise(), b"ice\x1b[200~!\x1b[201~\x7f\r"].concat());
    terminal.shows("you are alice");
    terminal.types("/quit\r");
    assert_eq!(terminal.end(), Some(0));
}

/// P1, P5 in a room and in a conversation with one user: who begins with `@bob:` is read by bob alone, whatever comes between.
#[test]
fn a_private_line_stays_private_in_a_room_and_with_another_user() {
    let server = Server::start();
    let terminal = Terminal::start(&server, &["--name", "alice"]);
    terminal.shows("you are alice");
    let (mut bob, mut carol) = (server.user("bob"), server.user("carol"));
    carol.join("#lobby", PATIENCE).unwrap();
    bob.join("#lobby", PATIENCE).unwrap();
    terminal.types("/join #lobby\r");
    terminal.prompts("#lobby>");
    terminal.types(noise());
    terminal.types("@bob:");
    terminal.prompts("only bob reads it> @bob:");
    terminal.types([noise(), b"secret".to_vec(), noise(), b"\r".to_vec()].concat());
    assert_eq!(heard(&mut bob), (String::new(), "secret".into()));
    terminal.prompts("only bob reads it>");
    terminal.types("@carol:");
    terminal.prompts("only carol reads it> @carol:");
    terminal.types([noise(), b"psst\r".to_vec()].concat());
    assert_eq!(heard(&mut carol), (String::new(), "psst".into()), "nothing came in the room before");
    // A beginning that was damaged by hand is sent to nobody.
    terminal.types("@carol:mine\x01\x1b[3~");
    terminal.prompts("begun for carol alone, not sent> carol:mine");
    terminal.types("\r");
    terminal.shows("not sent");
    terminal.types("\x15#lobby:to all\r");
    assert_eq!(heard(&mut bob), ("#lobby".into(), "to all".into()));
    assert_eq!(heard(&mut carol), ("#lobby".into(), "to all".into()));
}

/// P3: messages are shown while an Esc or a Ctrl-V waits, and the next key is not swallowed.
#[test]
fn messages_are_shown_whatever_is_half_typed() {
    let server = Server::start();
    let terminal = Terminal::start(&server, &["--name", "alice"]);
    terminal.shows("you are alice");
    let mut bob = server.user("bob");
    for (number, held) in ["\x1b", "\x1b[", "\x16", "\x18", "@bob:half a liné"].iter().enumerate() {
        terminal.types(held);
        bob.send("alice", format!("message {number}").as_bytes(), PATIENCE).unwrap();
        // Nobody has opened the conversation: it is counted.
        let count = format!("!{}", number + 1);
        terminal.until("the message", |screen| {
            screen.contents().lines().any(|line| line.starts_with(" bob ") && line.contains(&count))
        });
    }
    terminal.prompts("only bob reads it> @bob:half a liné");
    terminal.types(", whole\r");
    assert_eq!(heard(&mut bob).1, "half a liné, whole");
    terminal.shows("message 4");
}

/// P6: several lines are one message, a megabyte is refused at once and loses nothing, the window may change at any time.
#[test]
fn blocks_and_several_lines_and_windows_of_any_size() {
    let server = Server::start();
    let terminal = Terminal::start(&server, &["--name", "alice"]);
    terminal.shows("you are alice");
    let mut bob = server.user("bob");
    terminal.types("@bob:one\x1b\r\x1b[200~two\rthree\x1b[201~");
    terminal.prompts("                   three");
    terminal.types([b"\x1b[200~".as_slice(), &vec![b'x'; 1 << 20], b"\x1b[201~"].concat());
    terminal.shows("bytes are too long: 65536 at most");
    for (rows, columns) in [(10, 40), (3, 8), (24, 100)] {
        terminal.pty.resize(Size::new(rows, columns)).unwrap();
        let mut screen = terminal.shared.screen.lock().unwrap();
        screen.parser.screen_mut().set_size(NonZero::new(rows).unwrap(), NonZero::new(columns).unwrap());
    }
    terminal.types("\x0c\r");
    assert_eq!(heard(&mut bob).1, "one\ntwo\nthree");
}

/// P1 while the connection is looked for again, and after it.
#[test]
fn a_line_that_is_typed_while_reconnecting_goes_where_the_prompt_says() {
    let server = Server::start();
    let proxy = Proxy::start(&server.address, 0, 0);
    let terminal = Terminal::start_at(&server, &proxy.address, &["--name", "alice"]);
    terminal.shows("you are alice");
    let mut bob = server.user("bob");
    bob.join("#lobby", PATIENCE).unwrap();
    terminal.types("/join #lobby\r");
    terminal.prompts("#lobby>");
    proxy.lead_to("127.0.0.1:1");
    proxy.cut();
    terminal.shows("reconnecting in");
    terminal.types([b"@bob:".to_vec(), noise(), b"secret".to_vec()].concat());
    terminal.prompts("only bob reads it> @bob:secret");
    proxy.lead_to(&server.address);
    terminal.until("the connection", |screen| !screen.contents().contains("reconnecting in"));
    terminal.prompts("only bob reads it> @bob:secret");
    terminal.types([noise(), b"\r".to_vec()].concat());
    assert_eq!(heard(&mut bob), (String::new(), "secret".into()));
}

#[test]
fn whoever_leaves_finds_the_terminal_as_it_was() {
    let server = Server::start();
    let terminal = Terminal::start(&server, &["--name", "alice"]);
    terminal.shows("you are alice");
    let pty = Arc::clone(&terminal.pty);
    terminal.until("the modes", |screen| {
        screen.parser.screen().bracketed_paste() && screen.parser.screen().alternate_screen()
    });
    terminal.types("\x1bOQ");
    terminal.shows("the mouse is the terminal's");
    terminal.until("no mouse", |screen| screen.parser.screen().mouse_protocol_mode() == vt100::MouseProtocolMode::None);
    terminal.types("\x03");
    terminal.until("the end", |screen| screen.ended);
    let screen = terminal.shared.screen.lock().unwrap();
    assert!(!screen.parser.screen().bracketed_paste() && !screen.parser.screen().alternate_screen());
    drop(screen);
    let settings = tcgetattr(&*pty);
    assert!(settings.is_err() || settings.unwrap().local_flags.contains(LocalFlags::ICANON | LocalFlags::ECHO));
    assert_eq!(terminal.end(), Some(0));
}
