//! The whole screen of a terminal, for a person.
//!
//! `keys` reads what is typed, `app` is the state and what keys do to it, and `view` draws it. `conversation` is what was
//! said, `layout` makes rows of it, and `text` makes glyphs of what others say, which `placed` keeps in their cells. Only this file touches the terminal, and no call of it waits for one: keys come from a thread, and what is drawn goes to
//! another. A picture is drawn when the one before is written, so a slow terminal sees fewer pictures and holds up nothing.

mod app;
mod clock;
mod colours;
mod conversation;
mod keys;
mod layout;
mod mention;
mod placed;
mod text;
mod view;

use std::cell::RefCell;
use std::io::{self, Read, Write, stdin, stdout};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mio::Waker;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::terminal::size;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};

use self::app::App;
use self::clock::Clock;
use self::colours::Colours;
use self::keys::Keys;
use self::placed::Placed;
use crate::program::console::{Ask, Input, Writer};
use crate::program::failure::Failure;
use crate::program::report::Report;
use crate::program::terminal::{LEAVE_FULL_SCREEN, Settings};

/// The other screen, bracketed paste, the mouse's buttons, the focus.
///
/// `8l` is the explicit mode of ECMA-48 and TR/53: the terminal leaves cells where they are put. A terminal that ordered
/// text by itself would take a whole row of the screen for one line of text, and mix a message with what stands beside it.
/// `?7l` keeps a glyph that is wider than it should be from going on in the next row.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?2004h\x1b[?1002h\x1b[?1006h\x1b[?1004h\x1b[8l\x1b[?7l\x1b[2J";

/// Bytes of one read.
const READ_BYTES: usize = 64 << 10;

/// Reads that wait until they are used.
const READS_AHEAD: usize = 4;

/// Pictures in a second, at the most.
const PICTURES_PER_SECOND: u32 = 50;

/// The terminal and what is on it.
pub(crate) struct FullScreen {
    app: App,
    keys: Keys,
    typed: Receiver<Vec<u8>>,
    writer: Writer,
    terminal: Terminal<Placed<CrosstermBackend<Drawn>>>,
    drawn: Drawn,
    /// Something changed since it was drawn.
    is_stale: bool,
    drawn_at: Option<Instant>,
    /// Nothing more comes from the terminal.
    ended: bool,
    settings: Settings,
    /// Others have the terminal.
    is_suspended: bool,
}

/// What was drawn, and is not written yet.
#[derive(Clone, Default)]
struct Drawn(Rc<RefCell<Vec<u8>>>);

impl Write for Drawn {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl FullScreen {
    pub(crate) fn start(settings: Settings, waker: &Arc<Waker>) -> io::Result<Self> {
        settings.make_raw()?;
        let mut writer = Writer::start(stdout(), Arc::clone(waker))?;
        writer.hand_over(&[ENTER]);
        let (sender, typed) = sync_channel(READS_AHEAD);
        let reading = Arc::clone(waker);
        thread::Builder::new().name("input".into()).spawn(move || {
            let mut buffer = vec![0; READ_BYTES];
            while let Ok(count @ 1..) = stdin().lock().read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() || reading.wake().is_err() {
                    return;
                }
            }
            drop(sender);
            let _ = reading.wake();
        })?;
        let area = area();
        let options = TerminalOptions { viewport: Viewport::Fixed(area) };
        let drawn = Drawn::default();
        let terminal = Terminal::with_options(Placed::new(CrosstermBackend::new(drawn.clone())), options)?;
        let app = App::new().with_clock(Clock::of_machine()).with_colours(Colours::of_environment());
        let keys = Keys::default();
        let (is_stale, drawn_at, ended) = (true, None, false);
        let is_suspended = false;
        Ok(Self { app, keys, typed, writer, terminal, drawn, is_stale, drawn_at, ended, settings, is_suspended })
    }

    pub(crate) fn poll(&mut self) -> Option<Input> {
        self.read();
        self.app.poll().or_else(|| std::mem::take(&mut self.ended).then_some(Input::End))
    }

    fn read(&mut self) {
        self.app.set_time(unix_ms());
        let now = Instant::now();
        let mut pressed = self.keys.handle_timeout(now);
        loop {
            match self.typed.try_recv() {
                Ok(bytes) => pressed.extend(self.keys.read(now, &bytes)),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    self.ended = true;
                    break;
                }
            }
        }
        self.is_stale |= !pressed.is_empty();
        for key in pressed {
            self.app.press(key);
        }
    }

    pub(crate) fn ask(&mut self, ask: Ask) {
        self.is_stale = true;
        self.app.ask(ask);
    }

    pub(crate) fn show(&mut self, report: &Report) {
        self.is_stale = true;
        self.app.report(report);
    }

    /// Draws, if something changed, and the terminal has what was drawn before.
    pub(crate) fn refresh(&mut self) -> Result<(), Failure> {
        let area = area();
        if self.terminal.get_frame().area() != area {
            self.terminal.resize(area).map_err(Failure::Output)?;
            self.is_stale = true;
        }
        let is_early = self.next_picture().is_some_and(|next| next > Instant::now());
        if !self.is_stale || is_early || self.is_suspended || !self.writer.is_idle() {
            return Ok(());
        }
        self.terminal.draw(|frame| self.app.draw(frame)).map_err(Failure::Output)?;
        self.writer.hand_over(&[&self.drawn.0.take()]);
        (self.is_stale, self.drawn_at) = (false, Some(Instant::now()));
        Ok(())
    }

    fn next_picture(&self) -> Option<Instant> {
        self.drawn_at.map(|drawn| drawn + Duration::from_secs(1) / PICTURES_PER_SECOND)
    }

    pub(crate) fn timeout(&self) -> Option<Duration> {
        let is_wanted = self.is_stale && !self.is_suspended;
        let picture = self.next_picture().filter(|_| is_wanted && self.writer.is_idle());
        let due = [picture, self.keys.timeout()].into_iter().flatten().min()?;
        Some(due.saturating_duration_since(Instant::now()))
    }

    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.writer.check().map_err(Failure::Output)
    }

    /// Leaves the terminal to others until [`FullScreen::resume`].
    pub(crate) fn suspend(&mut self) {
        self.is_suspended = true;
        self.finish();
    }

    /// Takes the terminal again, whatever others have left on it.
    pub(crate) fn resume(&mut self) -> io::Result<()> {
        self.settings.make_raw()?;
        self.writer.hand_over(&[ENTER]);
        self.terminal.clear()?;
        (self.is_suspended, self.is_stale) = (false, true);
        Ok(())
    }

    /// Leaves the terminal as it was.
    pub(crate) fn finish(&mut self) {
        self.writer.hand_over(&[LEAVE_FULL_SCREEN]);
        // A terminal that takes nothing, or is gone, must not keep the program from ending.
        let _ = self.writer.finish_soon();
        self.settings.restore();
    }
}

/// The cells of the terminal.
fn area() -> Rect {
    let (width, height) = size().unwrap_or((80, 24));
    Rect::new(0, 0, width.max(1), height.max(1))
}

fn unix_ms() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
