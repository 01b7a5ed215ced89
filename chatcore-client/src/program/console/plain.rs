//! Lines for a person: where the terminal can do nothing but write, or where a program reads the screen out.

use std::io::{self, stdout};
use std::sync::Arc;

use mio::Waker;
use zeroize::Zeroizing;

use super::lines::Lines;
use super::writer::Writer;
use super::{Ask, Input};
use crate::program::escape::escape;
use crate::program::failure::Failure;
use crate::program::report::Report;
use crate::program::terminal::{Hidden, Settings};

/// A terminal, line by line. The terminal itself lets a person edit a line.
pub(crate) struct Plain {
    lines: Lines,
    writer: Writer,
    /// While a line is typed that is not shown.
    hidden: Option<Hidden>,
    _settings: Settings,
}

impl Plain {
    pub(super) fn start(settings: Settings, waker: &Arc<Waker>) -> io::Result<Self> {
        let writer = Writer::start(stdout(), Arc::clone(waker))?;
        let lines = Lines::from_stdin(Arc::clone(waker))?;
        Ok(Self { lines, writer, hidden: None, _settings: settings })
    }

    pub(super) fn ask(&mut self, ask: Ask) {
        match ask {
            Ask::Name => self.writer.write("your name: "),
            Ask::Password { name } => {
                // What was typed before it was asked for is no password.
                self.hidden = Hidden::start();
                while self.lines.poll().is_some() {}
                self.writer.write(&format!("password for {}, or nothing for another name: ", escape(name.as_bytes())));
            }
            Ask::Command { .. } => {}
        }
    }

    pub(super) fn poll(&mut self) -> Option<Input> {
        let input = self.lines.poll()?;
        if self.hidden.take().is_none() {
            return Some(input);
        }
        self.writer.write("\n");
        Some(match input {
            Input::Line(line) => Input::Secret(Zeroizing::new(line)),
            other => other,
        })
    }

    pub(super) fn show(&mut self, report: &Report) {
        // Accepted is what a person expects, and who leaves knows it.
        if !report.is_internal() && !matches!(report, Report::Accepted { .. } | Report::Closed { .. }) {
            self.writer.write_line(&report.text());
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.writer.has_room()
    }

    pub(super) const fn position(&self) -> u64 {
        self.writer.handed()
    }

    pub(super) fn has_shown(&self, position: u64) -> bool {
        self.writer.written() >= position
    }

    pub(super) fn check(&self) -> Result<(), Failure> {
        self.writer.check().map_err(Failure::Output)
    }

    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        self.hidden = None;
        self.writer.finish_soon().map_err(Failure::Output)
    }
}
