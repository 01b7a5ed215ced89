//! A filter for scripts: a command a line in, an event a line out.

use std::io::{self, stdout};
use std::sync::Arc;

use mio::Waker;

use super::lines::{Lines, Source};
use super::{Console, layout, objects};
use crate::program::failure::Failure;
use crate::program::input::Input;
use crate::program::report::{Report, Verdict};
use crate::program::stop::Stop;
use crate::program::writer::Writer;

/// Bytes of output that wait to be read when no further line is taken: what a line leads to may be told at once, and a
/// script that reads nothing must not fill the memory with it.
const UNREAD_BYTES_MAX: u64 = 1 << 20;

/// Standard input and output.
pub(crate) struct Filter {
    lines: Lines,
    writer: Writer,
    json: bool,
    /// Lines of input that were taken.
    taken: u64,
    /// Reports that said that something came to nothing.
    rejected: usize,
    /// Reports that said that messages may not have arrived.
    unconfirmed: usize,
}

impl Filter {
    /// For a script. The waker is woken whenever there is input, and whenever something is shown.
    pub(crate) fn start(json: bool, waker: &Arc<Waker>) -> io::Result<Self> {
        let writer = Writer::start(stdout(), Arc::clone(waker))?;
        let lines = Lines::from_stdin(Source::Script, Arc::clone(waker))?;
        Ok(Self { lines, writer, json, taken: 0, rejected: 0, unconfirmed: 0 })
    }
}

impl Console for Filter {
    fn is_interactive(&self) -> bool {
        false
    }

    fn poll(&mut self) -> Option<Input> {
        if self.writer.waiting_bytes() > UNREAD_BYTES_MAX {
            return None;
        }
        let input = self.lines.poll()?;
        self.taken += u64::from(matches!(input, Input::Line(_) | Input::Unusable { .. }));
        match input {
            Input::Line(line) if self.json && objects::is_object(&line) => Some(match objects::parse(&line) {
                Ok(command) => Input::Command(command),
                Err(detail) => Input::Unusable { reason: "wrong_object", detail },
            }),
            input => Some(input),
        }
    }

    fn awaits_command(&self) -> bool {
        true
    }

    fn line(&self) -> Option<u64> {
        Some(self.taken)
    }

    fn show(&mut self, report: &Report) {
        if report.is_internal() {
            return;
        }
        match report.verdict() {
            Some(Verdict::Rejected) => self.rejected += 1,
            Some(Verdict::Unconfirmed) => self.unconfirmed += 1,
            None => {}
        }
        if self.json {
            self.writer.write_line(&report.json());
        } else {
            self.writer.write(&layout::lines(report));
        }
    }

    /// Tells a program why we end; a person reads it on standard error.
    fn show_failure(&mut self, failure: &Failure) {
        if self.json {
            self.show(&Report::Closed { reason: failure.reason().to_owned() });
        }
    }

    fn verdict(&self) -> Result<(), Failure> {
        match (self.rejected, self.unconfirmed) {
            (0, 0) => Ok(()),
            (0, count) => Err(Failure::Unconfirmed(count)),
            (count, _) => Err(Failure::Rejected(count)),
        }
    }

    fn writer(&self) -> &Writer {
        &self.writer
    }

    fn finish(&mut self, stop: &Stop) -> Result<(), Failure> {
        self.writer.finish(stop).map_err(Failure::Output)
    }
}
