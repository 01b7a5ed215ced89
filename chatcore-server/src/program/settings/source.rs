//! Where values come from, and what is wrong there.

use std::fmt::{self, Write};
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

/// Faults that are told; more are counted.
const FAULTS_MAX: usize = 50;

/// Letters of a line that is told. In the middle of a longer one some are left out.
const LINE_LETTERS_MAX: usize = 1000;

/// What is wrong, and what would be right: one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault(String);

impl Fault {
    pub(super) fn new(what: impl fmt::Display) -> Self {
        let (what, letters) = (what.to_string(), LINE_LETTERS_MAX / 2);
        match (what.char_indices().nth(letters), what.char_indices().nth_back(letters)) {
            (Some((end, _)), Some((begin, _))) if end < begin => {
                Self(format!("{} … {}", OneLine(&what[..end]), OneLine(&what[begin..])))
            }
            _ => Self(OneLine(&what).to_string()),
        }
    }

    pub(super) fn at(path: &Path, place: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self::new(format_args!("{}:{place}: {what}", path.display()))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Text in which nothing ends a line, or does something to a terminal.
pub(super) struct OneLine<'a>(pub(super) &'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            if c.is_control() { write!(f, "{}", c.escape_debug())? } else { f.write_char(c)? }
        }
        Ok(())
    }
}

/// All that is wrong, a line each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    told: Vec<Fault>,
    /// Those that are counted alone.
    more: usize,
}

impl Faults {
    pub(super) fn add(&mut self, fault: impl FnOnce() -> Fault) {
        if self.told.len() < FAULTS_MAX {
            self.told.push(fault());
        } else {
            self.more += 1;
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        let more = (self.more > 0).then(|| format!("and {} more", self.more));
        self.told.iter().map(Fault::to_string).chain(more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_one_line_that_is_not_too_long_and_ends_with_what_is_right() {
        assert_eq!(Fault::new("two\nlines\u{1b}").to_string(), "two\\nlines\\u{1b}");
        let fault = Fault::new(format_args!("FILE:1: it is {}: it must be 5", "ä".repeat(2000))).to_string();
        assert!(fault.starts_with("FILE:1: it is ä") && fault.ends_with("ä: it must be 5"), "{fault}");
        assert!(fault.chars().count() <= LINE_LETTERS_MAX + 5, "{}", fault.chars().count());
        let all = "ä".repeat(LINE_LETTERS_MAX);
        assert_eq!(Fault::new(&all).to_string(), all);
    }

    #[test]
    fn faults_beyond_the_bound_are_counted() {
        let mut faults = Faults::default();
        for count in 0..FAULTS_MAX + 3 {
            faults.add(|| Fault::new(count));
        }
        let lines: Vec<_> = faults.lines().collect();
        assert_eq!((lines.len(), lines[0].as_str(), lines[FAULTS_MAX].as_str()), (FAULTS_MAX + 1, "0", "and 3 more"));
    }
}
