//! A pseudo-terminal with the client in it, and the screen that its output makes.

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::termios::{LocalFlags, tcgetattr};
use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};

use super::programs::{PATIENCE, Server, environment};

pub(crate) const ROWS: u16 = 24;
pub(crate) const COLUMNS: u16 = 100;

const CLIENT: &str = env!("CARGO_BIN_EXE_chatcore-client");

/// A program at a terminal of this kind, which knows nothing of what surrounds the tests.
fn isolated(program: &str, kind: &str) -> Command {
    Command::new(program).env_clear().envs(environment()).env("TERM", kind)
}

/// The client, at a terminal of this kind.
fn client_at(kind: &str, server: &Server, address: &str) -> Command {
    isolated(CLIENT, kind).args(["--connect", address]).arg("--state-dir").arg(server.state.path())
}

/// The client, which writes line by line.
fn client(server: &Server, address: &str) -> Command {
    client_at("dumb", server, address)
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
    pub(crate) fn contents(&self) -> String {
        self.parser.screen().contents()
    }

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

    /// The client, which begins when a line is typed, and reads those after it.
    pub(crate) fn start_after_a_line(server: &Server, args: &[&str]) -> Self {
        let bash = isolated("bash", "dumb").args(["-c", "read -r; exec \"$@\"", "bash", CLIENT]);
        Self::run(bash.args(["--connect", &server.address]).arg("--state-dir").arg(server.state.path()).args(args))
    }

    /// The client by way of another address, for which this file says where names lead. Nobody else sees that.
    pub(crate) fn with_hosts(hosts: &Path, server: &Server, address: &str, args: &[&str]) -> Self {
        let shell = "mount --bind \"$0\" /etc/hosts && exec \"$@\"";
        let unshare = isolated("unshare", "dumb").args(["-rm", "sh", "-c", shell]).arg(hosts);
        let client = unshare.args([CLIENT, "--connect", address]).arg("--state-dir").arg(server.state.path());
        Self::run(client.args(args))
    }

    /// The client in a network of its own, where its connections have this port. It is to connect there.
    pub(crate) fn with_port(port: u16, server: &Server, args: &[&str]) -> Self {
        let shell = "ip link set lo up && echo \"$0 $0\" > /proc/sys/net/ipv4/ip_local_port_range && exec \"$@\"";
        let unshare = isolated("unshare", "dumb").args(["-rn", "sh", "-c", shell]).arg(port.to_string());
        let client = unshare.args([CLIENT, "--connect", &format!("127.0.0.1:{port}")]);
        Self::run(client.arg("--state-dir").arg(server.state.path()).args(args))
    }

    /// The client on the whole screen.
    pub(crate) fn full_screen(server: &Server, args: &[&str]) -> Self {
        Self::full_screen_at(server, &server.address, (ROWS, COLUMNS), args)
    }

    /// The same by way of another address, on a screen of so many rows and columns.
    pub(crate) fn full_screen_at(server: &Server, address: &str, size: (u16, u16), args: &[&str]) -> Self {
        Self::run_at(size, client_at("xterm-256color", server, address).args(args))
    }

    /// On the whole screen, or line by line.
    pub(crate) fn start_either(is_full: bool, server: &Server, address: &str, args: &[&str]) -> Self {
        if is_full {
            Self::full_screen_at(server, address, (ROWS, COLUMNS), args)
        } else {
            Self::start_at(server, address, args)
        }
    }

    /// On the whole screen, with these variables.
    pub(crate) fn full_screen_with(server: &Server, variables: &[(&str, &str)], args: &[&str]) -> Self {
        let client = client_at("xterm-256color", server, &server.address);
        Self::run(client.envs(variables.iter().copied()).args(args))
    }

    /// The same where no file can be longer than 1 KiB.
    pub(crate) fn full_screen_on_full_disk(server: &Server, args: &[&str]) -> Self {
        let bash = isolated("bash", "xterm-256color").args(["-c", "ulimit -f 1; exec \"$@\"", "bash", CLIENT]);
        Self::run(bash.arg("--state-dir").arg(server.state.path()).args(args))
    }

    /// The same in tmux, which is started with these options.
    pub(crate) fn in_tmux(server: &Server, options: &[&str], args: &[&str]) -> Self {
        let tmux = isolated("tmux", "xterm-256color").env("LC_ALL", "C.UTF-8").args(options).arg("new-session");
        let client = tmux.args([CLIENT, "--connect", &server.address]).arg("--state-dir").arg(server.state.path());
        Self::run(client.args(args))
    }

    /// A shell that knows jobs, and the command that starts the client in it.
    pub(crate) fn shell(server: &Server, args: &[&str]) -> (Self, String) {
        let bash = isolated("bash", "dumb").args(["--norc", "--noprofile", "-i"]).env("PS1", "$ ");
        // The machine may have settings for whoever types.
        let bash = bash.env("INPUTRC", "/dev/null");
        let state = server.state.path().display().to_string();
        let words = [&[CLIENT, "--connect", &server.address, "--state-dir", &state], args].concat();
        (Self::run(bash), words.join(" "))
    }

    /// A client at a terminal that nobody reads.
    pub(crate) fn unread(server: &Server, args: &[&str]) -> (Pty, Child) {
        Self::unread_at("dumb", server, &server.address, args)
    }

    /// A client at a terminal of this kind that nobody reads.
    pub(crate) fn unread_at(kind: &str, server: &Server, address: &str, args: &[&str]) -> (Pty, Child) {
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(ROWS, COLUMNS)).unwrap();
        let child = client_at(kind, server, address).args(args).spawn(pts).unwrap();
        (pty, child)
    }

    fn run(command: Command) -> Self {
        Self::run_at((ROWS, COLUMNS), command)
    }

    fn run_at((rows, columns): (u16, u16), command: Command) -> Self {
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(rows, columns)).unwrap();
        let child = command.spawn(pts).unwrap();
        let (rows, columns) = (NonZero::new(rows).unwrap(), NonZero::new(columns).unwrap());
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

    pub(crate) fn types(&self, keys: impl AsRef<[u8]>) {
        (&*self.pty).write_all(keys.as_ref()).unwrap();
    }

    /// Gives the screen so many rows and columns.
    pub(crate) fn resize(&self, rows: u16, columns: u16) {
        // Nothing that is drawn for the new size meets the old one.
        let size = (NonZero::new(rows).unwrap(), NonZero::new(columns).unwrap());
        self.screen().parser.screen_mut().set_size(size.0, size.1);
        self.pty.resize(Size::new(rows, columns)).unwrap();
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

    /// Waits until the screen is so.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, holds: impl Fn(&Screen) -> bool) {
        let screen = self.shared.screen.lock().unwrap();
        let (screen, timeout) =
            self.shared.changed.wait_timeout_while(screen, PATIENCE, |screen| !holds(screen)).unwrap();
        assert!(!timeout.timed_out(), "still not: {what}; the screen is\n{}", screen.parser.screen().contents());
    }

    /// Types this until something is said, and again if that takes a second: what is typed may come too early.
    #[track_caller]
    pub(crate) fn types_until(&self, keys: &str, words: &str) {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            self.types(keys);
            let screen = self.shared.screen.lock().unwrap();
            let again_after = Duration::from_secs(1);
            let is_said = |screen: &Screen| screen.said().contains(words);
            let (_screen, timeout) =
                self.shared.changed.wait_timeout_while(screen, again_after, |screen| !is_said(screen)).unwrap();
            if !timeout.timed_out() {
                return;
            }
        }
        panic!("still not: {words}");
    }

    /// Waits until this was said.
    #[track_caller]
    pub(crate) fn says(&self, words: &str) {
        self.until(words, |screen| screen.said().contains(words));
    }

    /// Waits until this is on the screen.
    #[track_caller]
    pub(crate) fn has(&self, text: &str) {
        self.until(text, |screen| screen.contents().contains(text));
    }

    /// Waits until the last row, which is that of the prompt, is this.
    #[track_caller]
    pub(crate) fn prompts(&self, line: &str) {
        self.until(&format!("the prompt {line:?}"), |screen| {
            screen.contents().trim_end().lines().last().is_some_and(|last| last.trim_end() == line)
        });
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

/// A screen on which nothing stands.
pub(crate) fn empty_screen() -> vt100::Parser {
    vt100::Parser::new(NonZero::new(ROWS).unwrap(), NonZero::new(COLUMNS).unwrap(), 0)
}

/// Reads a terminal that nobody else reads until the screen has this, and no further.
pub(crate) fn read_until(pty: &mut Pty, text: &str) {
    read_on(pty, &mut empty_screen(), text);
}

/// The same, where this stands on the screen already.
pub(crate) fn read_on(pty: &mut Pty, screen: &mut vt100::Parser, text: &str) {
    let mut buffer = [0; 4096];
    while !screen.screen().contents().contains(text) {
        let count = pty.read(&mut buffer).expect("the client runs");
        screen.process(&buffer[..count]);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
