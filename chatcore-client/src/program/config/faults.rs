//! What is wrong with a configuration.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;

use crate::program::escape::escape;

/// Faults that are told; more are counted.
const FAULTS_MAX: usize = 20;

/// What is wrong, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault(String);

impl Fault {
    pub(super) fn new(what: impl Display) -> Self {
        Self(escape(what.to_string().as_bytes()))
    }

    pub(super) fn at(path: &Path, line: usize, what: impl Display) -> Self {
        Self::new(format_args!("{}:{line}: {what}", path.display()))
    }
}

/// All that is wrong, in the order of the lines of the file.
#[derive(Debug, Default)]
pub(super) struct Faults(BTreeMap<usize, Vec<Fault>>);

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self([(0, vec![fault])].into())
    }
}

impl Faults {
    pub(super) fn add(&mut self, path: &Path, line: usize, what: impl Display) {
        self.0.entry(line).or_default().push(Fault::at(path, line, what));
    }

    /// Whether something is wrong in one of these lines.
    pub(super) fn are_in(&self, first: usize, last: usize) -> bool {
        self.0.range(first..=last.max(first)).next().is_some()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A line for each that is told.
    pub(super) fn lines(self) -> Vec<String> {
        let mut lines: Vec<_> = self.0.into_values().flatten().map(|fault| fault.0).collect();
        let more = lines.len().saturating_sub(FAULTS_MAX);
        lines.truncate(FAULTS_MAX);
        lines.extend((more > 0).then(|| format!("and {more} more")));
        lines
    }
}
