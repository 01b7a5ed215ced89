//! Where values come from, and what is wrong there.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where the value of a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Default,
    File { path: PathBuf, line: usize },
    Variable(String),
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(flag) => write!(f, "--{flag}"),
        }
    }
}

/// What is wrong, and what would be right: one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault(String);

impl Fault {
    pub(super) fn new(what: impl fmt::Display) -> Self {
        let (what, mut line) = (what.to_string(), String::new());
        // A key or a path may hold what ends a line, or does something to a terminal.
        for c in what.chars() {
            if c.is_control() { line.extend(c.escape_debug()) } else { line.push(c) }
        }
        Self(line)
    }

    pub(super) fn at(path: &Path, line: usize, what: impl fmt::Display) -> Self {
        Self::new(format_args!("{}:{line}: {what}", path.display()))
    }
}

/// All that is wrong, a line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Faults(pub(super) Vec<Fault>);

impl Faults {
    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|Fault(line)| line.as_str())
    }
}
