//! Where values come from, and what is wrong there.

use std::borrow::Cow;
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

/// Letters of a value in it, likewise: it may be there twice, and what is said of it stands in between.
const VALUE_LETTERS_MAX: usize = 300;

/// What is wrong, and what would be right: one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault(String);

impl Fault {
    pub(super) fn new(what: impl fmt::Display) -> Self {
        let what = what.to_string();
        let mut line = String::new();
        let mut rest = &what[..];
        while !rest.is_empty() {
            let (piece, others) = rest.split_at(value_bytes(rest));
            line.push_str(&shortened(piece, VALUE_LETTERS_MAX, "…"));
            rest = others;
        }
        Self(OneLine(&shortened(&line, LINE_LETTERS_MAX, " … ")).to_string())
    }

    pub(super) fn at(path: &Path, place: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self::new(format_args!("{}:{place}: {what}", path.display()))
    }
}

/// Bytes of what a line begins with and what may be a value: a text in quotes, or letters up to the next blank or
/// quote.
fn value_bytes(line: &str) -> usize {
    let mut is_escaped = false;
    let quoted = line.strip_prefix('"').and_then(|text| {
        text.find(|letter| {
            let is_end = letter == '"' && !is_escaped;
            is_escaped = letter == '\\' && !is_escaped;
            is_end
        })
    });
    // Both quotes belong to it.
    quoted.map_or_else(
        || {
            let first = line.chars().next().map_or(0, char::len_utf8);
            line[first..].find([' ', '"']).map_or(line.len(), |bytes| first + bytes)
        },
        |bytes| bytes + 2,
    )
}

/// A text without its middle, if it has more letters than that.
fn shortened<'a>(text: &'a str, letters_max: usize, gap: &str) -> Cow<'a, str> {
    let half = letters_max / 2;
    match (text.char_indices().nth(half), text.char_indices().rev().nth(half - 1)) {
        (Some((end, _)), Some((begin, _))) if text.chars().nth(letters_max).is_some() => {
            format!("{}{gap}{}", &text[..end], &text[begin..]).into()
        }
        _ => text.into(),
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
        let all = "ä ".repeat(LINE_LETTERS_MAX / 2);
        assert_eq!(Fault::new(&all).to_string(), all);
        let more = Fault::new(all.clone() + "ä").to_string();
        assert_eq!(more.chars().count(), LINE_LETTERS_MAX + 3, "{more}");
    }

    #[test]
    fn a_long_value_takes_no_words_from_what_is_said_of_it() {
        for (value, is_quoted) in [
            ("x".repeat(460), false),
            ("x".repeat(5_000), true),
            ("a \\\" b ".repeat(700), true),
            ("ä".repeat(301), true),
        ] {
            let value = if is_quoted { format!("\"{value}\"") } else { value };
            let fault =
                Fault::new(format_args!("FILE:1: {value} is no host: right would be {value}, or none")).to_string();
            for words in ["FILE:1: ", " is no host: right would be ", ", or none", "…"] {
                assert!(fault.contains(words), "{words} in: {fault}");
            }
            assert!(fault.chars().count() < LINE_LETTERS_MAX, "{fault}");
        }
        let whole = "x".repeat(VALUE_LETTERS_MAX);
        assert_eq!(Fault::new(&whole).to_string(), whole);
        // A quote that nobody closes, and a backslash at the end.
        for text in ["a \"b c", "\"", "\"\\\"", ""] {
            assert_eq!(Fault::new(text).to_string(), text);
        }
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
