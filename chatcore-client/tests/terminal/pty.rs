//! A pseudo-terminal with the client in it, and the screen that its output makes.

use std::io::{Read, Write};
use std::num::NonZero;
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

use nix::sys::termios::{LocalFlags, tcgetattr};
use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};

use super::programs::{PATIENCE, Server};

const ROWS: u16 = 24;
pub(crate) const COLUMNS: u16 = 100;

const CLIENT: &str = env!("CARGO_BIN_EXE_chatcore-client");

/// The client, which writes line by line.
fn client(server: &Server, address: &str) -> Command {
    Command::new(CLIENT)
        .args(["--connect", address])
        .arg("--state-dir")
        .arg(server.state.path())
        .env("TERM", "dumb")
        .env_remove("CHATCORE_NAME")
        .env_remove("CHATCORE_STATE_DIR")
        .env_remove("LC_ALL")
        .env_remove("LC_CTYPE")
        .env_remove("LANG")
}

/// A terminal with the client in it.
pub(crate) struct Terminal {
    pub(crate) pty: Arc<Pty>,
    pub(crate) child: Child,
    shared: Arc<Shared>,
}

struct Shared {
    screen: Mutex<Screen>,
    changed: Condvar,
}

pub(crate) struct Screen {
    pub(crate) parser: vt100::Parser,
    /// Everything that was written, as it came.
    pub(crate) raw: Vec<u8>,
    pub(crate) ended: bool,
}

impl Screen {
    /// All that was ever written, without line ends: between two lines, the terminal's echo of one can fall anywhere.
    pub(crate) fn said(&self) -> String {
        String::from_utf8_lossy(&self.raw).replace(['\r', '\n'], "")
    }
}

impl Terminal {
    pub(crate) fn start(server: &Server, args: &[&str]) -> Self {
        Self::start_at(server, &server.address, args)
    }

    /// By way of another address.
    pub(crate) fn start_at(server: &Server, address: &str, args: &[&str]) -> Self {
        Self::run(client(server, address).args(args))
    }

    /// A shell that knows jobs, and the command that starts the client in it.
    pub(crate) fn shell(server: &Server, args: &[&str]) -> (Self, String) {
        let bash = Command::new("bash").args(["--norc", "--noprofile", "-i"]).env("PS1", "$ ").env("TERM", "dumb");
        let state = server.state.path().display().to_string();
        let words = [&[CLIENT, "--connect", &server.address, "--state-dir", &state], args].concat();
        (Self::run(bash), words.join(" "))
    }

    /// A client at a terminal that nobody reads.
    pub(crate) fn unread(server: &Server, args: &[&str]) -> (Pty, Child) {
        let (pty, pts) = open().unwrap();
        let child = client(server, &server.address).args(args).spawn(pts).unwrap();
        (pty, child)
    }

    fn run(command: Command) -> Self {
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(ROWS, COLUMNS)).unwrap();
        let child = command.spawn(pts).unwrap();
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

    pub(crate) fn types(&self, keys: &str) {
        self.types_bytes(keys.as_bytes());
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = std::process::Command::new("kill").args([&format!("-{signal}"), &pid]).status();
        assert!(sent.unwrap().success());
    }

    pub(crate) fn screen(&self) -> MutexGuard<'_, Screen> {
        self.shared.screen.lock().unwrap()
    }

    /// Whether what is typed is shown, and handed over line by line.
    pub(crate) fn is_as_it_was(&self) -> bool {
        let settings = tcgetattr(&*self.pty).unwrap();
        settings.local_flags.contains(LocalFlags::ICANON | LocalFlags::ECHO)
    }

    pub(crate) fn types_bytes(&self, keys: &[u8]) {
        (&*self.pty).write_all(keys).unwrap();
    }

    /// Waits until the screen is so.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, holds: impl Fn(&Screen) -> bool) {
        let screen = self.shared.screen.lock().unwrap();
        let (screen, timeout) =
            self.shared.changed.wait_timeout_while(screen, PATIENCE, |screen| !holds(screen)).unwrap();
        assert!(!timeout.timed_out(), "still not: {what}; the screen is\n{}", screen.parser.screen().contents());
    }

    /// Waits until this was said.
    #[track_caller]
    pub(crate) fn says(&self, words: &str) {
        self.until(words, |screen| screen.said().contains(words));
    }

    /// Waits until the lines of the screen, without those that are empty at the end, end in these.
    #[track_caller]
    pub(crate) fn shows(&self, lines: &[&str]) {
        self.until(&format!("{lines:?}"), |screen| {
            let contents = screen.parser.screen().contents();
            let shown: Vec<&str> = contents.trim_end().lines().map(str::trim_end).collect();
            shown.ends_with(lines)
        });
    }

    /// Waits for the end of the program; returns what it exits with.
    pub(crate) fn end(mut self) -> (Option<i32>, Vec<u8>) {
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
