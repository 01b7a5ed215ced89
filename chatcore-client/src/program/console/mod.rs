//! Where the program is told what to do, and shows what happens: to a script, to a person line by line, or on the whole
//! screen of a terminal.

mod filter;
mod layout;
mod lines;
mod objects;
mod plain;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use mio::Waker;

use self::filter::Filter;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use self::layout::check_rows;
use self::plain::Plain;
use crate::program::failure::Failure;
use crate::program::full::{FullScreen, Screen};
use crate::program::input::{Ask, Input};
use crate::program::report::Report;
use crate::program::signals::{Signals, stop_here};
use crate::program::state::Kept;
use crate::program::stop::Stop;
use crate::program::terminal::{Settings, is_in_background};

/// Both ends of a conversation with whoever commands us.
pub(crate) enum Console {
    Filter(Filter),
    Plain(Box<Plain>),
    FullScreen(Box<FullScreen>),
}

impl Console {
    /// For a script. The waker is woken whenever there is input, and whenever something is shown.
    pub(crate) fn filter(json: bool, waker: &Arc<Waker>) -> io::Result<Self> {
        Filter::start(json, waker).map(Self::Filter)
    }

    /// For a person at a terminal that can do nothing but write, or whose screen is read out.
    pub(crate) fn plain(settings: Settings, waker: &Arc<Waker>) -> io::Result<Self> {
        Plain::start(settings, waker).map(Box::new).map(Self::Plain)
    }

    /// For a person at a terminal.
    pub(crate) fn full_screen(settings: Settings, screen: Screen, waker: &Arc<Waker>) -> io::Result<Self> {
        FullScreen::start(settings, screen, waker).map(Box::new).map(Self::FullScreen)
    }

    /// Whether a person is there.
    pub(crate) const fn is_interactive(&self) -> bool {
        !matches!(self, Self::Filter(_))
    }

    /// The next input; none if there is none now.
    pub(crate) fn poll(&mut self) -> Option<Input> {
        match self {
            Self::Filter(filter) => filter.poll(),
            Self::Plain(plain) => plain.poll(),
            Self::FullScreen(full) => full.poll(),
        }
    }

    /// The number of the line that the last input was, from 1; none where a person types.
    pub(crate) const fn line(&self) -> Option<u64> {
        match self {
            Self::Filter(filter) => Some(filter.line()),
            Self::Plain(_) | Self::FullScreen(_) => None,
        }
    }

    /// Whether somebody is in the midst of an answer, as far as that can be seen: a terminal tells of a line when it is complete.
    pub(crate) fn is_answering(&self) -> bool {
        match self {
            Self::Filter(_) | Self::Plain(_) => false,
            Self::FullScreen(full) => full.is_answering(),
        }
    }

    /// Another user begins, who is to see nothing of the one before.
    pub(crate) fn forget(&mut self) {
        match self {
            Self::Filter(_) | Self::Plain(_) => {}
            Self::FullScreen(full) => full.forget(),
        }
    }

    /// Asks for something. A script is asked for nothing: it says what it wants when it wants it.
    pub(crate) fn ask(&mut self, ask: Ask) {
        match self {
            Self::Filter(_) => {}
            Self::Plain(plain) => plain.ask(ask),
            Self::FullScreen(full) => full.ask(ask),
        }
    }

    /// Whether somebody wants to leave while nothing is asked for. The others say it when they are asked.
    pub(crate) fn has_ended(&mut self) -> bool {
        match self {
            Self::Filter(_) | Self::Plain(_) => false,
            Self::FullScreen(full) => full.has_ended(),
        }
    }

    /// Nothing more is asked for, and no line is taken: the program is about to end.
    pub(crate) fn leave(&mut self) {
        match self {
            Self::Filter(_) => {}
            Self::Plain(plain) => plain.leave(),
            Self::FullScreen(full) => full.leave(),
        }
    }

    /// Whether somebody wants the program to end whatever it waits for. Line by line, the terminal makes a signal of the key.
    pub(crate) const fn leaves_at_once(&self) -> bool {
        match self {
            Self::Filter(_) | Self::Plain(_) => false,
            Self::FullScreen(full) => full.leaves_at_once(),
        }
    }

    /// Tells how long a message can be, in bytes.
    pub(crate) fn set_body_bytes_max(&mut self, bytes_max: usize) {
        match self {
            Self::Filter(_) | Self::Plain(_) => {}
            Self::FullScreen(full) => full.set_body_bytes_max(bytes_max),
        }
    }

    /// Shows a report, soon.
    pub(crate) fn show(&mut self, report: &Report) {
        match self {
            Self::Filter(filter) => filter.show(report),
            Self::Plain(plain) => plain.show(report),
            Self::FullScreen(full) => full.show(report),
        }
    }

    /// Does what signals have asked for, but for the end of the program, before which nothing else is done.
    pub(crate) fn handle_signals(&mut self, signals: &Signals) -> Result<(), Failure> {
        if signals.stop.is_asked() {
            return Ok(());
        }
        if Signals::take(&signals.suspend) {
            self.suspend(&signals.stop);
            if !stop_here() {
                self.resume()?;
                let detail = "nothing could let the program go on here: it does not stop".to_owned();
                self.show(&Report::Error { reason: "cannot_stop".to_owned(), detail });
            }
        }
        // In the background the terminal is not ours. Who brings us to the foreground says so by the same signal.
        if Signals::take(&signals.resumed) && !is_in_background() {
            self.resume()?;
        }
        if Signals::take(&signals.resized)
            && let Self::Plain(plain) = self
        {
            // The full screen looks by itself, whenever it draws.
            plain.resize();
        }
        Ok(())
    }

    /// Leaves the terminal to others.
    fn suspend(&mut self, stop: &Stop) {
        match self {
            Self::Filter(_) => {}
            Self::Plain(plain) => plain.suspend(),
            Self::FullScreen(full) => full.suspend(stop),
        }
    }

    /// Takes it again.
    fn resume(&mut self) -> Result<(), Failure> {
        match self {
            Self::Filter(_) => Ok(()),
            Self::Plain(plain) => {
                plain.resume();
                Ok(())
            }
            Self::FullScreen(full) => full.resume().map_err(Failure::Output),
        }
    }

    /// Tells why the program ends, if the output is the place for it.
    pub(crate) fn show_failure(&mut self, failure: &Failure) {
        if let Self::Filter(filter) = self {
            filter.show_failure(failure);
        }
    }

    /// Fails if not all that a script asked for came to something.
    pub(crate) const fn verdict(&self) -> Result<(), Failure> {
        match self {
            Self::Filter(filter) => filter.verdict(),
            Self::Plain(_) | Self::FullScreen(_) => Ok(()),
        }
    }

    /// Shows what a person left here the last time. Only the whole screen keeps something.
    pub(crate) fn restore(&mut self, kept: Kept) {
        match self {
            Self::Filter(_) | Self::Plain(_) => {}
            Self::FullScreen(full) => full.restore(kept),
        }
    }

    /// What a person leaves here for the next time; none where nothing is kept.
    pub(crate) fn kept(&self) -> Option<Kept> {
        match self {
            Self::Filter(_) | Self::Plain(_) => None,
            Self::FullScreen(full) => Some(full.kept()),
        }
    }

    /// The part of it that is kept also if the program is killed.
    pub(crate) fn kept_drafts(&self) -> Option<Kept> {
        match self {
            Self::Filter(_) | Self::Plain(_) => None,
            Self::FullScreen(full) => Some(full.kept_drafts()),
        }
    }

    /// How often any of it may have changed.
    pub(crate) const fn changes(&self) -> u64 {
        match self {
            Self::Filter(_) | Self::Plain(_) => 0,
            Self::FullScreen(full) => full.changes(),
        }
    }

    /// How often something was told that may belong to what is kept.
    pub(crate) const fn told(&self) -> u64 {
        match self {
            Self::Filter(_) | Self::Plain(_) => 0,
            Self::FullScreen(full) => full.told(),
        }
    }

    /// Does what is due, before the program waits.
    pub(crate) fn refresh(&mut self) -> Result<(), Failure> {
        match self {
            Self::Filter(_) | Self::Plain(_) => Ok(()),
            Self::FullScreen(full) => full.refresh(),
        }
    }

    /// After how long something is due.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        match self {
            Self::Filter(_) | Self::Plain(_) => None,
            Self::FullScreen(full) => full.timeout(),
        }
    }

    /// Whether what is shown keeps up with what arrives.
    pub(crate) fn has_room(&self) -> bool {
        match self {
            Self::Filter(filter) => filter.has_room(),
            Self::Plain(plain) => plain.has_room(),
            Self::FullScreen(_) => true,
        }
    }

    /// How much was to be shown so far, for [`Console::has_shown`].
    pub(crate) const fn position(&self) -> u64 {
        match self {
            Self::Filter(filter) => filter.position(),
            Self::Plain(plain) => plain.position(),
            Self::FullScreen(_) => 0,
        }
    }

    /// So much is where it is found again if the program is killed. What the whole screen is to show counts at once: nobody
    /// finds it again there.
    pub(crate) fn has_shown(&self, position: u64) -> bool {
        match self {
            Self::Filter(filter) => filter.has_shown(position),
            Self::Plain(plain) => plain.has_shown(position),
            Self::FullScreen(_) => true,
        }
    }

    /// Fails if nothing can be shown any more.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match self {
            Self::Filter(filter) => filter.check(),
            Self::Plain(plain) => plain.check(),
            Self::FullScreen(full) => full.check(),
        }
    }

    /// Shows what is still to be shown. Nothing follows.
    pub(crate) fn finish(&mut self, stop: &Stop) -> Result<(), Failure> {
        match self {
            Self::Filter(filter) => filter.finish(stop),
            Self::Plain(plain) => plain.finish(stop),
            Self::FullScreen(full) => {
                full.finish(stop);
                Ok(())
            }
        }
    }
}
