//! The whole screen of a terminal, for a person.
//!
//! `keys` reads what is typed, `keyboard` hands it on in turns, `app` is the state and what keys do to it, and `view`
//! draws it. `conversation` is what was said, `layout` makes rows of it, and `text` makes glyphs of what others say,
//! which `placed` keeps in their cells. Only this file and `typed` touch the terminal, and no call of them waits for
//! it: keys come from a thread, and what is drawn goes to another. A picture is drawn when the one before is written,
//! so a slow terminal sees fewer pictures and holds up nothing.
//!
//! `composer` is what is being typed, with `history` and `completion`; `field` is a name or a password. `keymap`,
//! `theme` and `help` are what a user can set and see of it, and `settings` reads that from a file. `background` is
//! what the terminal draws on, which `theme` and `colours` heed.

mod app;
mod background;
mod clock;
mod colours;
mod completion;
mod composer;
mod conversation;
mod drawing;
mod field;
mod help;
mod history;
mod keyboard;
mod keymap;
mod keys;
mod layout;
mod mention;
mod notice;
#[cfg(test)]
mod pages;
mod placed;
mod question;
mod settings;
mod text;
mod theme;
mod typed;
mod view;

use std::cell::RefCell;
use std::io::{self, Write, stdout};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::Waker;
use nix::sys::signal::{Signal, kill};
use nix::unistd::getpid;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::style::force_color_output;
use ratatui::crossterm::terminal::window_size;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};

#[cfg(any(test, feature = "fuzzing"))]
pub use self::app::Trial;
use self::app::{App, Wish};
use self::background::Background;
use self::clock::Clock;
use self::colours::Colours;
use self::keyboard::{Keyboard, Stroke};
use self::keys::{Key, Keys};
use self::notice::Notices;
use self::placed::Placed;
use self::question::Question;
pub(crate) use self::settings::Screen;
use self::typed::Typed;
use crate::program::command::Command;
use crate::program::console::Console;
use crate::program::failure::Failure;
use crate::program::input::{Ask, Input};
use crate::program::report::Report;
use crate::program::state::Kept;
use crate::program::stop::Stop;
use crate::program::terminal::{LEAVE_FULL_SCREEN, Settings};
use crate::program::time::unix_ms;
use crate::program::writer::Writer;

/// The other screen, bracketed paste, the focus.
///
/// `8l` is the explicit mode of ECMA-48 and TR/53: the terminal leaves cells where they are put. A terminal that
/// ordered text by itself would take a whole row of the screen for one line of text, and mix a message with what stands
/// beside it. `?7l` keeps a glyph that is wider than it should be from going on in the next row.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?2004h\x1b[?1004h\x1b[8l\x1b[?7l\x1b[2J";

/// The mouse's buttons are ours, and they are the terminal's.
const MOUSE: &[u8] = b"\x1b[?1002h\x1b[?1006h";
const NO_MOUSE: &[u8] = b"\x1b[?1006l\x1b[?1002l";

/// Around a picture: a terminal that knows this shows no half of one.
const PICTURE: &[u8] = b"\x1b[?2026h";
const PICTURE_END: &[u8] = b"\x1b[?2026l";

/// Pictures in a second, at the most.
const PICTURES_PER_SECOND: u32 = 50;

/// Columns and rows that are used, at the most: whoever runs a terminal may tell any size, and each cell takes some 50
/// bytes.
const COLUMNS_MAX: u16 = 1_000;
const ROWS_MAX: u16 = 500;

/// The terminal and what is on it.
pub(crate) struct FullScreen {
    app: App,
    keyboard: Keyboard,
    writer: Writer,
    terminal: Terminal<Placed<CrosstermBackend<OutputBuffer>>>,
    output: OutputBuffer,
    /// Something changed since it was drawn.
    is_stale: bool,
    drawn_at: Option<Instant>,
    /// How often something was typed or told.
    changes: u64,
    notices: Notices,
    settings: Settings,
    /// Others have the terminal.
    is_suspended: bool,
    /// What the terminal draws on.
    question: Question,
}

/// What was drawn, and is not written yet.
#[derive(Clone, Default)]
struct OutputBuffer(Rc<RefCell<Vec<u8>>>);

impl Write for OutputBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl FullScreen {
    /// For a person at a terminal.
    pub(crate) fn start(settings: Settings, mut screen: Screen, waker: &Arc<Waker>) -> io::Result<Self> {
        settings.make_raw()?;
        let mut writer = Writer::start(stdout(), Arc::clone(waker))?;
        writer.hand_over(&[ENTER, if screen.mouse { MOUSE } else { NO_MOUSE }]);
        let typed = Typed::start(Arc::clone(waker))?;
        let options = TerminalOptions { viewport: Viewport::Fixed(area()) };
        let output = OutputBuffer::default();
        let terminal = Terminal::with_options(Placed::new(CrosstermBackend::new(output.clone())), options)?;
        let notices = Notices::new(Instant::now(), screen.notify, screen.notify_body);
        let colours = screen.theme.colours.unwrap_or_else(Colours::of_environment);
        // The file may want colours though `NO_COLOR` wants none, which `crossterm` would heed by itself.
        force_color_output(true);
        let question = Question::new(screen.theme.background, colours);
        screen.theme.tell(Background::of_environment());
        let app = App::new().with_clock(Clock::of_machine()).with_screen(screen).with_colours(colours);
        let mut full = Self {
            app,
            keyboard: Keyboard::new(typed, Keys::new(settings.backspace_is_ctrl_h())),
            writer,
            terminal,
            output,
            is_stale: true,
            drawn_at: None,
            changes: 0,
            notices,
            settings,
            is_suspended: false,
            question,
        };
        full.ask_background();
        Ok(full)
    }

    fn ask_background(&mut self) {
        self.writer.hand_over(&[self.question.ask()]);
    }

    /// Waits for the answer, but not for long: who gets the terminal next would take it for text. Who wants the program
    /// to end at once does not wait for it.
    fn await_background(&mut self, stop: &Stop) {
        let is_due = |until: &Instant| *until > Instant::now();
        while let Some(until) = self.question.until().filter(is_due)
            && !stop.is_asked()
            && !self.leaves_at_once()
            && self.keyboard.wait(until, stop)
        {
            self.read();
        }
        self.question.close();
    }

    fn read(&mut self) {
        self.look_at_picture();
        self.app.begin_turn(unix_ms());
        self.keyboard.begin_turn();
        while let Some(stroke) = self.keyboard.next(&self.app) {
            self.press(&stroke);
        }
        self.is_stale |= self.app.set_pasted_bytes(self.keyboard.pasted_bytes());
    }

    /// Tells the app which picture whoever types has before them.
    fn look_at_picture(&mut self) {
        if self.terminal.get_frame().area() != area() {
            self.is_stale = true;
            self.app.lose_picture();
        } else if self.writer.is_idle() {
            self.app.see_picture();
        }
    }

    fn press(&mut self, stroke: &Stroke) {
        self.is_stale = true;
        self.changes += 1;
        match stroke {
            Stroke::Key(key) => {
                if matches!(key, Key::Background(_)) {
                    self.question.close();
                }
                self.notices.press(Instant::now(), key);
                self.app.press(key);
            }
            Stroke::Text(text) => {
                self.notices.look_back(Instant::now());
                self.app.type_text(text);
            }
            Stroke::Leave => self.app.want_end(),
            Stroke::ThrownAway => self.app.tell_of_keys_thrown_away(),
        }
        while let Some(wish) = self.app.poll_wish() {
            self.grant(wish);
        }
    }

    fn grant(&mut self, wish: Wish) {
        match wish {
            Wish::Redraw => {
                self.writer.hand_over(&[ENTER]);
                self.forget_picture();
            }
            Wish::Mouse(is_ours) => self.writer.hand_over(&[if is_ours { MOUSE } else { NO_MOUSE }]),
            // As if the terminal itself knew the key.
            Wish::Suspend => drop(kill(getpid(), Signal::SIGTSTP)),
        }
    }

    /// What the terminal shows is not what was drawn.
    fn forget_picture(&mut self) {
        // It goes into memory, which takes it.
        let _ = self.terminal.resize(area());
        self.is_stale = true;
        self.app.lose_picture();
    }

    fn next_picture(&self) -> Option<Instant> {
        self.drawn_at.map(|drawn| drawn + Duration::from_secs(1) / PICTURES_PER_SECOND)
    }

    /// Leaves the terminal as it was.
    fn leave_terminal(&mut self, stop: &Stop) {
        self.await_background(stop);
        self.writer.hand_over(&[LEAVE_FULL_SCREEN]);
        // A terminal that takes nothing, or is gone, must not keep the program from ending.
        let _ = self.writer.finish_soon();
        self.settings.restore();
    }
}

impl Console for FullScreen {
    /// Keys mean nothing at the end.
    fn rest_time_max(&self) -> Duration {
        Duration::ZERO
    }

    fn poll(&mut self) -> Option<Input> {
        // What was typed before goes first, and more is read when it is taken.
        if let Some(input) = self.app.poll() {
            return Some(input);
        }
        self.read();
        self.app.poll().or_else(|| self.keyboard.has_ended().then_some(Input::End))
    }

    fn poll_urgent(&mut self) -> Option<Command> {
        self.read();
        self.app.poll_urgent()
    }

    /// Whether somebody wants to leave, or nothing more comes from the terminal.
    fn has_ended(&mut self) -> bool {
        self.read();
        self.keyboard.has_ended() || self.app.has_ended()
    }

    fn suspend(&mut self, stop: &Stop) {
        self.is_suspended = true;
        self.leave_terminal(stop);
    }

    /// Takes the terminal again, whatever others have left on it.
    fn resume(&mut self) -> Result<(), Failure> {
        self.settings.make_raw().map_err(Failure::Output)?;
        self.writer.hand_over(&[ENTER, if self.app.has_mouse() { MOUSE } else { NO_MOUSE }]);
        self.is_suspended = false;
        // Others may have changed it.
        self.ask_background();
        self.forget_picture();
        Ok(())
    }

    /// It may be the same size again, and the terminal has lost what stood where there was no room in between.
    fn resize(&mut self) {
        self.forget_picture();
    }

    fn ask(&mut self, ask: Ask) {
        self.is_stale = true;
        self.app.ask(ask);
    }

    fn is_answering(&self) -> bool {
        self.app.is_answering()
    }

    fn leave(&mut self) {
        self.is_stale = true;
        self.app.leave();
    }

    fn leaves_at_once(&self) -> bool {
        self.app.leaves_at_once()
    }

    fn forget(&mut self) {
        self.is_stale = true;
        self.app.forget();
    }

    fn set_body_bytes_max(&mut self, bytes_max: usize) {
        self.app.set_body_bytes_max(bytes_max);
    }

    fn show(&mut self, report: &Report) {
        self.is_stale = true;
        self.changes += 1;
        self.app.report(report);
        if let Some(notice) = self.notices.of(Instant::now(), report, self.app.was_mention()) {
            self.writer.hand_over(&[&notice]);
        }
    }

    fn restore(&mut self, kept: Kept) {
        self.is_stale = true;
        self.app.restore(kept);
    }

    fn take_back(&mut self, unsent_from: u64) {
        self.app.take_back(unsent_from);
    }

    fn kept(&self) -> Option<Kept> {
        Some(self.app.kept())
    }

    fn kept_drafts(&self) -> Option<Kept> {
        Some(self.app.kept_drafts())
    }

    fn changes(&self) -> u64 {
        self.changes
    }

    fn said(&self) -> u64 {
        self.app.said()
    }

    /// Draws, if something changed, and the terminal has what was drawn before.
    fn refresh(&mut self) -> Result<(), Failure> {
        // Keys are shown whatever the program waits for.
        self.read();
        if !self.writer.is_idle() || self.next_picture().is_some_and(|next| next > Instant::now()) {
            return Ok(());
        }
        let area = area();
        if self.terminal.get_frame().area() != area {
            self.terminal.resize(area).map_err(Failure::Output)?;
            self.is_stale = true;
        }
        if self.is_suspended || !std::mem::take(&mut self.is_stale) {
            return Ok(());
        }
        self.terminal.draw(|frame| self.app.draw(frame)).map_err(Failure::Output)?;
        self.writer.hand_over(&[PICTURE, &self.output.0.take(), PICTURE_END]);
        self.drawn_at = Some(Instant::now());
        Ok(())
    }

    fn timeout(&self) -> Option<Duration> {
        if self.keyboard.is_behind() {
            return Some(Duration::ZERO);
        }
        let is_wanted = self.is_stale && !self.is_suspended;
        let picture = self.next_picture().filter(|_| is_wanted && self.writer.is_idle());
        let due = [picture, self.keyboard.timeout()].into_iter().flatten().min()?;
        Some(due.saturating_duration_since(Instant::now()))
    }

    fn writer(&self) -> &Writer {
        &self.writer
    }

    fn has_room(&self) -> bool {
        true
    }

    fn position(&self) -> u64 {
        0
    }

    /// What is to be shown counts at once: nobody finds it again here.
    fn has_shown(&self, _position: u64) -> bool {
        true
    }

    fn finish(&mut self, stop: &Stop) -> Result<(), Failure> {
        self.leave_terminal(stop);
        Ok(())
    }
}

/// The cells of the terminal that are used.
fn area() -> Rect {
    let (width, height) = window_size().map_or((0, 0), |size| (size.columns, size.rows));
    area_of(width, height)
}

/// The cells that are used of so many. A terminal that does not tell is as terminals were.
fn area_of(width: u16, height: u16) -> Rect {
    let or = |count, usual| if count == 0 { usual } else { count };
    Rect::new(0, 0, or(width, 80).min(COLUMNS_MAX), or(height, 24).min(ROWS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_of_any_size_takes_no_more_than_a_bound() {
        assert_eq!(area_of(0, 0), Rect::new(0, 0, 80, 24));
        assert_eq!(area_of(300, 100), Rect::new(0, 0, 300, 100));
        assert_eq!(area_of(u16::MAX, u16::MAX), Rect::new(0, 0, COLUMNS_MAX, ROWS_MAX));
    }
}
