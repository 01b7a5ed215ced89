//! Where events are shown.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write, stderr, stdout};

use rustyline::ExternalPrinter;

use crate::Failure;
use crate::escape::escape;
use crate::report::Report;

/// The place that reports go to.
pub(crate) enum Screen {
    /// Lines, to whatever reads them.
    Lines { out: BufWriter<Stdout>, json: bool },
    /// Above the line that somebody is typing.
    Terminal(Box<dyn ExternalPrinter>),
}

impl Screen {
    pub(crate) fn lines(json: bool) -> Self {
        Self::Lines { out: BufWriter::new(stdout()), json }
    }

    /// Shows a report. Lines may wait for [`Screen::flush`].
    pub(crate) fn show(&mut self, report: &Report) -> Result<(), Failure> {
        match self {
            Self::Lines { out, json: true } => writeln!(out, "{}", report.json()).map_err(Failure::Output),
            Self::Lines { out, json: false } => writeln!(out, "{}", report.text()).map_err(Failure::Output),
            // Accepted is what a person expects.
            Self::Terminal(_) if matches!(report, Report::Accepted { .. }) => Ok(()),
            Self::Terminal(printer) => {
                printer.print(report.text() + "\n").map_err(|error| Failure::Output(io::Error::other(error)))
            }
        }
    }

    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        match self {
            Self::Lines { out, .. } => out.flush().map_err(Failure::Output),
            Self::Terminal(_) => Ok(()),
        }
    }

    /// Tells a program that it is over; a person knows, who has asked for it.
    pub(crate) fn close(&mut self, reason: &str) -> Result<(), Failure> {
        match self {
            Self::Lines { .. } => self.show(&Report::Closed { reason: reason.to_owned() }),
            Self::Terminal(_) => Ok(()),
        }
    }

    /// Tells a program that it has broken off; a person reads it among the last words.
    pub(crate) fn fail(&mut self, reason: &str) -> Result<(), Failure> {
        if let Self::Lines { json: true, .. } = self {
            self.show(&Report::Closed { reason: reason.to_owned() })?;
        }
        self.flush()
    }

    /// One line on standard error, behind which nothing comes.
    pub(crate) fn last_words(interactive: bool, words: &str) {
        if interactive && stderr().is_terminal() {
            // Over the prompt that nobody answers any more.
            eprint!("\r\x1b[K");
        }
        eprintln!("chatcore-client: {}", escape(words.as_bytes()));
    }
}
