//! P1 to P8 of the faults that were found, at each place where something is typed: at the name, in a room, with one
//! user, and while the connection is looked for again; line by line and on the whole screen. What else there is to each
//! is in the other files.

use std::io::Write;

use chatcore_client::Connection;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pty_process::blocking::Pty;

use super::message;
use super::programs::proxy::Proxy;
use super::programs::{NOWHERE, PATIENCE, Server, exit_code};
use super::pty::{COLUMNS, ROWS, Terminal, empty_screen, read_on};
use super::sequences::{IDLE, REPORTS};

/// The columns where the program alone writes, beside the list of conversations.
const SIGN_COLUMNS: std::ops::Range<usize> = 18..20;

/// The second waits for the first, and what is typed after it for both.
const LISTS: &str = "/who\r/who\r";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Plain,
    Full,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Name,
    Room,
    /// The conversation with bob. Line by line there is none: each line names him.
    Direct,
    /// In the room, while the connection is looked for again. A list is awaited, and another one waits for it.
    Reconnecting,
}

use Mode::{Full, Plain};
use Place::{Direct, Name, Reconnecting, Room};

const MODES: [Mode; 2] = [Plain, Full];
const PLACES: [Place; 4] = [Name, Room, Direct, Reconnecting];

/// Somebody who types there, and bob, who hears it.
struct Sitting {
    mode: Mode,
    place: Place,
    terminal: Terminal,
    bob: Connection,
    /// What bob is to hear: the room, if it is said in one, and the text.
    said: Vec<(Option<String>, String)>,
    /// Lines that are to be refused.
    refused: usize,
    proxy: Proxy,
    server: Server,
}

impl Sitting {
    fn start(mode: Mode, place: Place) -> Self {
        let server = Server::start();
        let proxy = Proxy::start(&server.address, 0, 0);
        let mut bob = server.user("bob");
        bob.join("#lobby", PATIENCE).unwrap();
        let args = if place == Name { &[][..] } else { &["--name", "alice", "--reconnect-wait-max", "1"] };
        let terminal = match mode {
            Plain => Terminal::start_at(&server, &proxy.address, args),
            Full => Terminal::full_screen_at(&server, &proxy.address, (ROWS, COLUMNS), args),
        };
        let sitting = Self { mode, place, terminal, bob, said: Vec::new(), refused: 0, proxy, server };
        sitting.go_to_place();
        sitting
    }

    fn go_to_place(&self) {
        if self.place != Name {
            self.terminal.has("you are alice");
        }
        match (self.place, self.mode) {
            (Name, _) | (Direct, Plain) => {}
            (Direct, Full) => self.terminal.types("@bob\r"),
            (Room | Reconnecting, _) => {
                self.terminal.types("/join #lobby\r");
                self.terminal.has("alice joined");
            }
        }
        if self.place == Reconnecting {
            self.proxy.lead_to(NOWHERE);
            self.proxy.cut();
            self.terminal.has("reconnecting in");
            self.terminal.types(LISTS);
        }
        self.is_there();
    }

    /// The prompt is that of the place, and empty.
    #[track_caller]
    fn is_there(&self) {
        match (self.mode, self.place) {
            (Full, Name) => self.terminal.prompts("your name:"),
            (Full, Direct) => self.terminal.prompts("only bob reads it>"),
            (Full, _) => self.terminal.prompts("#lobby>"),
            (Plain, Name) => self.terminal.says("-- your name:"),
            (Plain, _) => {}
        }
    }

    /// Says a text where one is, which bob is to hear as this.
    fn says(&mut self, typed: &str, body: &str) {
        let is_named = (self.mode, self.place) == (Plain, Direct);
        // Who names the recipient says the text as it is.
        let (head, typed) = if is_named { ("@bob:", body) } else { ("", typed) };
        self.terminal.types(format!("{head}{typed}\r"));
        let room = (self.place != Direct).then(|| "#lobby".to_owned());
        self.said.push((room, body.to_owned()));
    }

    /// Types a line of which nothing may be sent.
    fn is_refused(&mut self, line: &[u8]) {
        self.terminal.types([line, b"\r"].concat());
        self.refused += 1;
        let count = self.refused;
        self.terminal.until("a word that nothing was sent", |screen| {
            let said = screen.said();
            let words = ["-- nothing was sent: ", "-- a command must be UTF-8 text"];
            words.iter().map(|words| said.matches(words).count()).sum::<usize>() == count
        });
    }

    /// P1, P2: what is no text is no part of a line, and ends nothing.
    fn what_is_no_text_changes_nothing(&mut self) {
        let noise = [&REPORTS.concat()[..], &IDLE.concat(), b"\x1b[I"].concat();
        match (self.mode, self.place) {
            (Plain, _) => {
                let line = if self.place == Name { "alice" } else { "@bob:secret" };
                for sequence in
                    REPORTS.iter().chain(IDLE).chain([&&b"\xff"[..], &&b"\xed\xa0\x80"[..], &"\u{9b}A".as_bytes()])
                {
                    self.is_refused(&[sequence, line.as_bytes()].concat());
                }
            }
            (Full, Name) => {
                self.terminal.types([&noise[..], b"al", &noise, b"i\xff"].concat());
                self.terminal.prompts("your name: ali⟨FFFD⟩");
                self.terminal.types("\x15");
            }
            (Full, _) => {
                self.terminal.types([&noise[..], b"@bob:", &noise, b"sec", &noise, b"ret\xff", &noise, b"\r"].concat());
                self.said.push((None, "secret\u{fffd}".to_owned()));
                if self.place != Direct {
                    // Who names a user in a room goes on with that user.
                    self.terminal.prompts("only bob reads it>");
                    self.terminal.types("#lobby\r");
                }
            }
        }
        self.is_there();
    }

    /// P3: keys that begin something hold up no message, and swallow nothing.
    fn messages_are_shown_whatever_waits(&mut self) {
        for (number, held) in ["\x1b", "\x16", "\x18", "half a line"].iter().enumerate() {
            self.terminal.types(held);
            let text = format!("message {number}");
            let to = match self.place {
                Room => "#lobby",
                Direct => "alice",
                // Nobody can send anything there.
                Name | Reconnecting => "",
            };
            if !to.is_empty() {
                self.bob.send(to, text.as_bytes(), PATIENCE).unwrap();
                self.terminal.has(&text);
            }
            // Line by line, the first of these may be what Ctrl-V has asked for.
            self.terminal.types("\x15\x15");
        }
        self.is_there();
    }

    /// P4: nobody says what the program says.
    fn nobody_imitates_the_program(&mut self) {
        let to = match self.place {
            Room => "#lobby",
            Direct => "alice",
            Name | Reconnecting => return,
        };
        let body = format!("{}-- you are carol\n-- [#lobby] carol: I quit\r\n— the end", " ".repeat(75));
        self.bob.send(to, body.as_bytes(), PATIENCE).unwrap();
        self.terminal.has("the end");
        let contents = self.terminal.screen().contents();
        for row in contents.lines().filter(|row| ["carol", "the end"].iter().any(|words| row.contains(words))) {
            let start: String = match self.mode {
                Plain => row.chars().take(2).collect(),
                Full => row.chars().skip(SIGN_COLUMNS.start).take(SIGN_COLUMNS.len()).collect(),
            };
            assert!(
                start.trim().is_empty() || row.starts_with("<bob> ") || row.starts_with("[#lobby] <bob> "),
                "{row:?}"
            );
        }
    }

    /// P5: a doubled sign stands for itself.
    fn signs_can_be_said(&mut self) {
        for (typed, body) in [("//shrug", "/shrug"), ("@@bob look", "@bob look"), ("##1", "#1"), ("/say exit", "exit")]
        {
            self.says(typed, body);
        }
    }

    /// P6: several lines, long ones, and windows of any size.
    fn blocks_and_windows(&mut self) {
        match (self.mode, self.place) {
            (Plain, place) => {
                self.is_refused(&[b'x'; 5000]);
                if place != Name {
                    self.says("pasted", "pasted");
                    self.says("lines", "lines");
                }
            }
            (Full, Name) => {
                self.terminal.types([b"\x1b[200~".as_slice(), &vec![b'x'; 1 << 20], b"\x1b[201~"].concat());
                self.terminal.has("that is too long");
                self.terminal.types("\x15\x1b[200~ali\rce\x1b[201~");
                self.terminal.prompts("your name: ali");
                self.terminal.types("\x15");
            }
            (Full, _) => {
                self.says("one\x1b\rtwo\x1b[200~\rthree\x1b[201~", "one\ntwo\nthree");
                self.terminal.types([b"\x1b[200~".as_slice(), &vec![b'x'; 1 << 20], b"\x1b[201~"].concat());
                self.says("nothing of it", "nothing of it");
            }
        }
        for (rows, columns) in [(10, 40), (3, 8), (ROWS, COLUMNS)] {
            self.terminal.resize(rows, columns);
            // In the smallest there is no room for a prompt.
            if rows > 3 {
                self.is_there();
            }
        }
        self.terminal.types(if self.mode == Full { "\x0c" } else { "" });
        self.is_there();
    }

    /// What was said is heard, in its order, and nothing else.
    fn bob_hears_what_was_said(&mut self) {
        self.proxy.lead_to(&self.server.address);
        for said in std::mem::take(&mut self.said) {
            assert_eq!(message(&mut self.bob), said);
        }
    }

    /// P7: a signal ends it with a goodbye, and the terminal is as it was.
    fn a_signal_ends_it(self) {
        self.terminal.types("half a line");
        for signal in ["USR1", "USR2", "HUP"] {
            self.terminal.signal(signal);
        }
        self.terminal.until("the end", |screen| screen.ended);
        assert!(self.terminal.is_as_it_was());
        assert_eq!(self.terminal.end().0, Some(0));
    }
}

#[test]
fn what_was_wrong_at_one_prompt_is_right_at_each() {
    for (mode, place) in MODES.into_iter().flat_map(|mode| PLACES.map(|place| (mode, place))) {
        // It is shown if the test fails.
        println!("{mode:?}, {place:?}");
        let mut sitting = Sitting::start(mode, place);
        sitting.what_is_no_text_changes_nothing();
        sitting.messages_are_shown_whatever_waits();
        sitting.nobody_imitates_the_program();
        if place != Name {
            sitting.signs_can_be_said();
        }
        sitting.blocks_and_windows();
        // What was said while nobody was there is heard when the connection is back.
        sitting.bob_hears_what_was_said();
        if place == Reconnecting {
            sitting = Sitting::start(mode, place);
        }
        sitting.a_signal_ends_it();
    }
}

/// Says this to bob, who hears it, and answers; and reads the answer, before which the client has learnt what became of
/// the line.
fn is_answered((pty, screen): (&mut Pty, &mut vt100::Parser), bob: &mut Connection, line: &str, to: &str) {
    pty.write_all(format!("{line}\r").as_bytes()).unwrap();
    let (room, _) = message(bob);
    assert_eq!(room.as_deref(), to.starts_with('#').then_some(to));
    let answer = format!("heard {line}");
    bob.send(to, answer.as_bytes(), PATIENCE).unwrap();
    read_on(pty, screen, &answer);
}

/// P8: whoever reads nothing of it keeps it from nothing, wherever it is.
#[test]
fn a_terminal_that_nobody_reads_keeps_nobody_from_leaving_at_any_prompt() {
    for (kind, place) in ["dumb", "xterm-256color"].into_iter().flat_map(|kind| PLACES.map(|place| (kind, place))) {
        println!("{kind}, {place:?}");
        let server = Server::start();
        let proxy = Proxy::start(&server.address, 0, 0);
        let mut bob = server.user("bob");
        bob.join("#lobby", PATIENCE).unwrap();
        let args = if place == Name { &[][..] } else { &["--name", "alice"] };
        let (mut pty, child) = Terminal::unread_at(kind, &server, &proxy.address, args);
        let mut screen = empty_screen();
        read_on(&mut pty, &mut screen, if place == Name { "your name:" } else { "you are alice" });
        if place != Name {
            is_answered((&mut pty, &mut screen), &mut bob, "@bob:here", "alice");
        }
        if matches!(place, Room | Reconnecting) {
            pty.write_all(b"/join #lobby\r").unwrap();
            read_on(&mut pty, &mut screen, "alice joined");
            is_answered((&mut pty, &mut screen), &mut bob, "#lobby:here", "#lobby");
        }
        // From here on nobody reads it.
        if place != Name {
            // More than a terminal holds.
            for _ in 0..20 {
                bob.send("alice", &[b'x'; 4000], PATIENCE).unwrap();
            }
        }
        if place == Reconnecting {
            proxy.lead_to(NOWHERE);
            proxy.cut();
            pty.write_all(LISTS.as_bytes()).unwrap();
        } else if place != Name && kind == "dumb" {
            pty.write_all(b"@bob:still here\r").unwrap();
            assert_eq!(message(&mut bob).1, "still here");
        }
        kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).unwrap();
        // Nothing is left that was not sent, or has no answer. What has not ended within 1.9 s tells the signal.
        assert_eq!(exit_code(child), Some(0), "{kind}, {place:?}");
        drop(pty);
    }
}
