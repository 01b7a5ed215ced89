//! Where events are shown.

use std::io::{self, stdout};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use mio::Waker;

use crate::failure::Failure;
use crate::printer::Printer;
use crate::report::Report;
use crate::writer::Writer;

/// The place that reports go to.
pub(crate) enum Screen {
    /// Lines, to whatever reads them.
    Lines { writer: Writer, json: bool },
    /// Above the line that somebody is typing.
    Terminal(Printer),
}

impl Screen {
    pub(crate) fn lines(json: bool, waker: Arc<Waker>) -> io::Result<Self> {
        Ok(Self::Lines { writer: Writer::start(stdout(), waker)?, json })
    }

    /// Shows a report, soon.
    pub(crate) fn show(&mut self, report: &Report) {
        match self {
            Self::Lines { writer, json: true } => writer.write(&report.json()),
            Self::Lines { writer, json: false } => writer.write(&report.text()),
            Self::Terminal(printer) => {
                // Accepted is what a person expects, and who leaves knows it.
                if !matches!(report, Report::Accepted { .. } | Report::Closed { .. }) {
                    printer.print(&report.text());
                }
            }
        }
    }

    /// Whether what is shown keeps up with what arrives.
    pub(crate) fn has_room(&self) -> bool {
        match self {
            Self::Lines { writer, .. } => writer.has_room(),
            Self::Terminal(printer) => printer.has_room(),
        }
    }

    /// How much was to be shown so far, for [`Screen::has_shown`].
    pub(crate) const fn position(&self) -> u64 {
        match self {
            Self::Lines { writer, .. } => writer.handed(),
            Self::Terminal(_) => 0,
        }
    }

    /// So much is where it is found again if the program is killed. What a terminal is to show counts at once: nobody
    /// finds it again there.
    pub(crate) fn has_shown(&self, position: u64) -> bool {
        match self {
            Self::Lines { writer, .. } => writer.written() >= position,
            Self::Terminal(_) => true,
        }
    }

    /// Fails if nothing can be shown any more.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match self {
            Self::Lines { writer, .. } => writer.check().map_err(Failure::Output),
            Self::Terminal(_) => Ok(()),
        }
    }

    /// Shows what is still to be shown. Nothing follows.
    pub(crate) fn finish(&self, signalled: &AtomicBool) -> Result<(), Failure> {
        match self {
            Self::Lines { writer, .. } => writer.finish(signalled).map_err(Failure::Output),
            Self::Terminal(printer) => {
                printer.finish();
                Ok(())
            }
        }
    }
}
