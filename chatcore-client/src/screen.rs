//! Where events are shown.

use std::io::{BufWriter, Stdout, Write, stdout};

use crate::failure::Failure;
use crate::printer::Printer;
use crate::report::Report;

/// The place that reports go to.
pub(crate) enum Screen {
    /// Lines, to whatever reads them.
    Lines { out: BufWriter<Stdout>, json: bool },
    /// Above the line that somebody is typing.
    Terminal(Printer),
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
            Self::Terminal(printer) => {
                // Accepted is what a person expects, and who leaves knows it.
                if !matches!(report, Report::Accepted { .. } | Report::Closed { .. }) {
                    printer.print(&report.text());
                }
                Ok(())
            }
        }
    }

    /// Whether what is shown keeps up with what arrives. Lines do always: writing them waits.
    pub(crate) fn has_room(&self) -> bool {
        match self {
            Self::Lines { .. } => true,
            Self::Terminal(printer) => printer.has_room(),
        }
    }

    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        match self {
            Self::Lines { out, .. } => out.flush().map_err(Failure::Output),
            Self::Terminal(_) => Ok(()),
        }
    }

    /// Shows what is still to be shown. Nothing follows.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        if let Self::Terminal(printer) = self {
            printer.finish();
        }
        self.flush()
    }
}
