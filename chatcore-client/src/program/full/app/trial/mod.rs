//! The screen without a terminal, and what it promises at each step: for tests and fuzzing.
//!
//! What a person does and what a server sends goes in. After each step there is a picture, and whatever breaks a
//! promise panics with words. `peer` makes reports of what a server sends, as the program does, and `promises` are what
//! is checked.

mod peer;
mod promises;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::peer::Peer;
use super::App;
use crate::program::command::Command;
use crate::program::full::keys::{Key, Keys};
use crate::program::input::{Ask, Input};
use crate::program::report::{Body, Report};

/// Columns and rows of the window, at the most: a picture is to cost little.
const WINDOW_MAX: (u16, u16) = (130, 40);

/// The time between two pieces that are typed.
const TYPED_TIME: Duration = Duration::from_millis(30);

/// A letter that nobody types, and that no name has: where it stands, a body of others stands.
const OTHERS_LETTER: char = 'ᛟ';

/// Who reads a line, and in which window, from the first key on.
pub struct Trial {
    app: App,
    keys: Keys,
    peer: Peer,
    terminal: Terminal<TestBackend>,
    /// The picture that is written, and where its prompt is.
    seen: (Buffer, Rect),
    /// The terminal takes nothing: the next picture is drawn, and not written, and there is none after it.
    is_stalled: bool,
    is_drawn: bool,
    /// The time of the keyboard.
    now: Instant,
    /// A name or a reason has the letter.
    has_others_letter: bool,
}

impl Default for Trial {
    fn default() -> Self {
        Self::new()
    }
}

impl Trial {
    /// Alice, who has a session and looks at what the program tells.
    pub fn new() -> Self {
        let terminal = Terminal::new(TestBackend::new(80, 16)).expect("memory takes all that is drawn");
        let (app, keys, now) = (App::new(), Keys::default(), Instant::now());
        let mut trial = Self {
            app,
            keys,
            peer: Peer::new(),
            terminal,
            seen: <(Buffer, Rect)>::default(),
            is_stalled: false,
            is_drawn: false,
            now,
            has_others_letter: false,
        };
        trial.report(&peer::registered());
        trial.ask(Ask::Command { room: None });
        trial
    }

    /// These bytes come from the terminal, at once.
    pub fn types(&mut self, bytes: &[u8]) {
        self.now += TYPED_TIME;
        let mut pressed = self.keys.handle_timeout(self.now);
        pressed.extend(self.keys.read(self.now, bytes));
        for key in pressed {
            self.press(&key);
        }
        self.draw();
    }

    /// Nothing comes from the terminal for so long.
    pub fn waits(&mut self, time: Duration) {
        self.now += time;
        let pressed = self.keys.handle_timeout(self.now);
        for key in pressed {
            self.press(&key);
        }
        self.draw();
    }

    /// These bytes come from the server, wherever its frames begin and end.
    pub fn hears(&mut self, bytes: &[u8]) {
        for report in self.peer.receive(bytes) {
            self.report(&report);
        }
        self.draw();
    }

    /// A message comes, from whomever and whatever it is.
    pub fn gets(&mut self, from: &str, to: &str, body: &[u8]) {
        let id = chatcore::MessageId(7).into();
        let body = Body::new(body.to_vec());
        self.report(&Report::Message { id, time: 0, from: from.into(), to: to.into(), body });
        self.draw();
    }

    /// The server wants a name, or with a name its password, before lines are taken again.
    pub fn is_asked(&mut self, name: Option<&str>) {
        self.ask(name.map_or(Ask::Name, |name| Ask::Password { name: name.to_owned() }));
        self.draw();
    }

    /// Lines are taken again, or from now on. What names no recipient goes to the room.
    pub fn takes_lines(&mut self, room: Option<&str>) {
        self.ask(Ask::Command { room: room.map(str::to_owned) });
        self.draw();
    }

    /// The window has so many columns and rows, as far as the trial has them.
    pub fn resizes(&mut self, columns: u16, rows: u16) {
        let (columns, rows) = (columns.min(WINDOW_MAX.0), rows.min(WINDOW_MAX.1));
        self.terminal.backend_mut().resize(columns, rows);
        self.seen = <(Buffer, Rect)>::default();
        self.app.lose_picture();
        self.draw();
    }

    /// The terminal takes no picture from now on, or takes them again.
    pub fn stalls(&mut self, is_stalled: bool) {
        self.is_stalled = is_stalled;
        if !is_stalled && std::mem::take(&mut self.is_drawn) {
            self.write();
        }
        self.draw();
    }

    /// What was drawn is written.
    fn write(&mut self) {
        self.seen = (self.terminal.backend().buffer().clone(), self.app.drawn.prompt.get());
        self.app.see_picture();
    }

    pub(in crate::program::full) fn ask(&mut self, ask: Ask) {
        self.app.ask(ask);
    }

    pub(in crate::program::full) fn report(&mut self, report: &Report) {
        self.has_others_letter |= promises::names_others_letter(report);
        promises::check_lines(report);
        self.app.report(report);
        promises::check_memory(&self.app);
    }

    pub(in crate::program::full) fn press(&mut self, key: &Key) {
        if promises::types_others_letter(key) {
            return;
        }
        let is_enter = *key == Key::Enter;
        let text = if is_enter { self.app.draft().text().to_owned() } else { String::new() };
        self.app.press(key);
        while self.app.poll_wish().is_some() {}
        while let Some(input) = self.app.poll() {
            let Input::Command(command) = input else { continue };
            if let Command::Send { to, body } = &command {
                assert!(is_enter, "{key:?} sends {body:?} to {to}");
                promises::check_sent(to, body, &text, &self.seen);
            }
            if let Some(report) = self.peer.execute(command) {
                self.report(&report);
            }
        }
    }

    pub(in crate::program::full) fn draw(&mut self) {
        if self.is_drawn {
            return;
        }
        // All of it anew: the backend of tests keeps what stood below the second column of a wide glyph, where a
        // terminal leaves a blank. What becomes of a picture after another is tested where cells are put into their
        // places.
        self.terminal.clear().expect("memory takes all that is drawn");
        self.terminal.draw(|frame| self.app.draw(frame)).expect("memory takes all that is drawn");
        promises::check_picture(self.terminal.backend().buffer(), &self.app, self.has_others_letter);
        if self.is_stalled {
            self.is_drawn = true;
        } else {
            self.write();
        }
    }
}
