//! A filter for scripts: a command a line in, an event a line out.

use std::io::{self, stdout};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use mio::Waker;

use super::Input;
use super::layout;
use super::lines::{Lines, Source};
use super::objects;
use super::writer::Writer;
use crate::program::failure::Failure;
use crate::program::report::Report;

/// Standard input and output.
pub(crate) struct Filter {
    lines: Lines,
    writer: Writer,
    json: bool,
}

impl Filter {
    pub(super) fn start(json: bool, waker: &Arc<Waker>) -> io::Result<Self> {
        let writer = Writer::start(stdout(), Arc::clone(waker))?;
        let lines = Lines::from_stdin(Source::Script, Arc::clone(waker))?;
        Ok(Self { lines, writer, json })
    }

    pub(super) fn poll(&mut self) -> Option<Input> {
        match self.lines.poll()? {
            Input::Line(line) if self.json && objects::is_object(&line) => Some(match objects::parse(&line) {
                Ok(command) => Input::Command(command),
                Err(detail) => Input::Unusable { reason: "wrong_object", detail },
            }),
            input => Some(input),
        }
    }

    pub(super) fn show(&mut self, report: &Report) {
        if report.is_internal() {
            return;
        }
        if self.json {
            self.writer.write_line(&report.json());
        } else {
            self.writer.write(&layout::lines(report));
        }
    }

    /// Tells a program why we end; a person reads it on standard error.
    pub(super) fn show_failure(&mut self, failure: &Failure) {
        if self.json {
            self.show(&Report::Closed { reason: failure.reason().to_owned() });
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

    pub(super) fn finish(&self, signalled: &AtomicBool) -> Result<(), Failure> {
        self.writer.finish(signalled).map_err(Failure::Output)
    }
}
