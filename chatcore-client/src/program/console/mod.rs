//! Where the program is told what to do, and shows what happens: to a script (`filter`), or to a person line by line
//! (`plain`). The whole screen of a terminal is a console, too, and has a folder of its own (`full`).

pub(crate) mod filter;
mod layout;
mod lines;
mod objects;
pub(crate) mod plain;

use std::time::Duration;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use self::layout::check_rows;
use crate::program::command::Command;
use crate::program::failure::Failure;
use crate::program::input::{Ask, Input};
use crate::program::report::Report;
use crate::program::signals::{Signals, stop_here};
use crate::program::state::Kept;
use crate::program::stop::{REMARKS_TIME_MAX, Stop};
use crate::program::terminal::is_in_background;
use crate::program::writer::Writer;

/// Both ends of a conversation with whoever commands us. What a method does here is for a console that has nothing of
/// its own to do there.
pub(crate) trait Console {
    /// Whether a person is there.
    fn is_interactive(&self) -> bool {
        true
    }

    /// The next input; none if there is none now.
    fn poll(&mut self) -> Option<Input>;

    /// The number of the line that the last input was, from 1; none where a person types.
    fn line(&self) -> Option<u64> {
        None
    }

    /// Whether somebody is in the midst of an answer, as far as that can be seen: a terminal tells of a line when it is
    /// complete.
    fn is_answering(&self) -> bool {
        false
    }

    /// Whether a line that comes now is a command. Where a name or a password was asked for, it may be one.
    fn awaits_command(&self) -> bool {
        false
    }

    /// Another user begins, who is to see nothing of the one before.
    fn forget(&mut self) {}

    /// Asks for a name before anything else: what was typed before that may be one.
    fn ask_first(&mut self) {
        self.ask(Ask::Name);
    }

    /// Asks for something. A script is asked for nothing: it says what it wants when it wants it.
    fn ask(&mut self, _ask: Ask) {}

    /// The next command that is not to wait for others, or for a session; none if there is none now. Only a person has
    /// such commands: to connect at once, and to leave.
    fn poll_urgent(&mut self) -> Option<Command> {
        None
    }

    /// Whether somebody wants to leave while nothing is asked for. Others say it when they are asked.
    fn has_ended(&mut self) -> bool {
        false
    }

    /// Nothing more is asked for, and no line is taken: the program is about to end.
    fn leave(&mut self) {}

    /// Whether somebody wants the program to end whatever it waits for. Line by line, the terminal makes a signal of
    /// the key.
    fn leaves_at_once(&self) -> bool {
        false
    }

    /// How long lines are waited for that were written before the end.
    fn rest_time_max(&self) -> Duration {
        REMARKS_TIME_MAX
    }

    /// Tells how long a message can be, in bytes.
    fn set_body_bytes_max(&mut self, _bytes_max: usize) {}

    /// Shows a report, soon.
    fn show(&mut self, report: &Report);

    /// Does what signals have asked for, but for the end of the program, before which nothing else is done.
    fn handle_signals(&mut self, signals: &Signals) -> Result<(), Failure> {
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
        if Signals::take(&signals.resized) {
            self.resize();
        }
        Ok(())
    }

    /// Leaves the terminal to others until [`Console::resume`].
    fn suspend(&mut self, _stop: &Stop) {}

    /// Takes it again.
    fn resume(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    /// The terminal has another size, or has had one.
    fn resize(&mut self) {}

    /// Tells why the program ends, if the output is the place for it.
    fn show_failure(&mut self, _failure: &Failure) {}

    /// Fails if not all that a script asked for came to something.
    fn verdict(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// Shows what a person left here the last time. Only the whole screen keeps something.
    fn restore(&mut self, _kept: Kept) {}

    /// Our messages from this number on have not gone out, and never will.
    fn take_back(&mut self, _unsent_from: u64) {}

    /// What a person leaves here for the next time; none where nothing is kept.
    fn kept(&self) -> Option<Kept> {
        None
    }

    /// The part of it that is kept also if the program is killed.
    fn kept_drafts(&self) -> Option<Kept> {
        None
    }

    /// How often any of it may have changed.
    fn changes(&self) -> u64 {
        0
    }

    /// How often what was said may have changed, as far as it is kept.
    fn said(&self) -> u64 {
        0
    }

    /// Does what is due, before the program waits.
    fn refresh(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    /// After how long something is due.
    fn timeout(&self) -> Option<Duration> {
        None
    }

    /// What writes all that is shown.
    fn writer(&self) -> &Writer;

    /// Whether what is shown keeps up with what arrives.
    fn has_room(&self) -> bool {
        self.writer().has_room()
    }

    /// How much was to be shown so far, for [`Console::has_shown`].
    fn position(&self) -> u64 {
        self.writer().handed()
    }

    /// So much is where it is found again if the program is killed.
    fn has_shown(&self, position: u64) -> bool {
        self.writer().written() >= position
    }

    /// Fails if nothing can be shown any more.
    fn check(&self) -> Result<(), Failure> {
        self.writer().check().map_err(Failure::Output)
    }

    /// Shows what is still to be shown. Nothing follows.
    fn finish(&mut self, stop: &Stop) -> Result<(), Failure>;
}
