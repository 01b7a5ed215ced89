//! What is no TOML, in words for people who do not know TOML.

use toml::de::{DeTable, Error};

use super::lines::{Lines, Place};

/// What the parser says, as far as it matters, and the same in other words.
const WORDS: &[(&str, &str)] = &[
    ("key with no value", NO_EQUALS),
    ("missing assignment", NO_EQUALS),
    ("missing value", NO_VALUE),
    ("extra `=`", NO_SECOND),
    ("extra assignment", NO_SECOND),
    ("unexpected `=`", NO_SECOND),
    ("string values must be quoted", QUOTES),
    ("missing opening quote", "a text has quotes on both sides, like \"30s\""),
    ("invalid basic string", NO_END),
    ("invalid literal string", NO_END),
    ("invalid multi-line", NO_END),
    ("missing escaped value", ESCAPE),
    ("too few unicode value digits", ESCAPE),
    ("invalid value, expected unicode", ESCAPE),
    ("unclosed array table", AT_TOP),
    ("unclosed table", AT_TOP),
    ("missing table open", AT_TOP),
    ("unclosed inline table", AT_TOP),
    ("invalid inline table", AT_TOP),
    ("extra comma in inline table", AT_TOP),
    ("missing key for inline table", AT_TOP),
    ("missing inline table opening", AT_TOP),
    ("missing comma between key-value pairs", AT_TOP),
    ("cannot recurse", AT_TOP),
    ("recursion limit", AT_TOP),
    ("missing array opening", "a list begins with [, like [\"one\", \"two\"]"),
    ("unclosed array", "a list ends with ], like [\"one\", \"two\"]"),
    ("missing comma between array", "between two parts of a list comes a comma, like [\"one\", \"two\"]"),
    ("extra comma in array", "one comma is too many"),
    ("unexpected key or value", ONE_LINE),
    ("unexpected content", ONE_LINE),
    ("invalid unquoted key", "the name of a setting has letters and _ alone; a comment begins with #"),
    ("unquoted keys cannot be empty", "before the = comes the name of a setting, like sessions_max = 500"),
    ("invalid key-value pair", NO_EQUALS),
    ("missing comment start", NO_EQUALS),
    ("unexpected leading zero", DIGITS),
    ("unexpected sign", DIGITS),
    ("redundant", DIGITS),
    ("`_` may only go between digits", DIGITS),
    ("radix", DIGITS),
    ("integers with a radix", DIGITS),
    ("invalid integer number", QUOTES),
    ("invalid float", QUOTES),
    ("invalid boolean", QUOTES),
    ("invalid date", QUOTES),
    ("invalid time", QUOTES),
    ("invalid exponent", QUOTES),
    ("invalid mantissa", QUOTES),
    ("invalid fraction", QUOTES),
    ("invalid binary number", DIGITS),
    ("invalid hexadecimal number", DIGITS),
    ("invalid octal number", DIGITS),
    ("invalid comment character", "a comment has no control characters: write them without"),
    ("carriage return", "a line ends with a line feed, and a carriage return comes before one alone"),
];

const NO_EQUALS: &str =
    "after the name of a setting come = and a value, like sessions_max = 500; a comment begins with #";
const NO_VALUE: &str = "after the = comes a value, like sessions_max = 500";
const NO_SECOND: &str = "one = is too many";
const AT_TOP: &str = "all settings stand at the top, without [ ] or { } around their names, like sessions_max = 500";
const DIGITS: &str = "a number has digits alone, the first of them not 0, like 1000 or 1_000";
const QUOTES: &str = "what is no number has quotes, like \"30s\"";
const NO_END: &str = "a text ends with the quote that it began with, on the same line, and has no control characters";
const ESCAPE: &str = "in \"…\" a \\ has a meaning of its own: write \\\\, or '…' around the text";
const ONE_LINE: &str = "after the value comes the end of the line: a line holds one setting";

/// A text that is no TOML in some places.
pub(super) struct Syntax<'a> {
    text: &'a str,
    lines: &'a Lines<'a>,
    /// What could be read of it.
    table: &'a DeTable<'a>,
}

impl<'a> Syntax<'a> {
    pub(super) const fn new(text: &'a str, lines: &'a Lines<'a>, table: &'a DeTable<'a>) -> Self {
        Self { text, lines, table }
    }

    pub(super) fn line(&self, error: &Error) -> usize {
        self.lines.line(offset(error))
    }

    pub(super) fn place(&self, error: &Error) -> Place {
        self.lines.place(offset(error))
    }

    /// What would be right.
    pub(super) fn explain(&self, error: &Error) -> String {
        let message = error.message();
        if message == "duplicate key" {
            return self.explain_duplicate(error);
        }
        match WORDS.iter().find(|(words, _)| message.starts_with(words)) {
            // The parser takes what is not there for a text without quotes.
            Some((_, QUOTES)) if self.excerpt(error).trim().is_empty() => format!("this is not TOML: {NO_VALUE}"),
            Some((_, words)) => format!("this is not TOML: {words}"),
            None => {
                let message = message.replace('\n', ", ");
                format!("this is not TOML: {message}; a line looks like sessions_max = 500, or idle_time_max = \"30s\"")
            }
        }
    }

    /// What the error is about.
    fn excerpt(&self, error: &Error) -> &'a str {
        error.span().and_then(|span| self.text.get(span)).unwrap_or_default()
    }

    fn explain_duplicate(&self, error: &Error) -> String {
        let key = self.excerpt(error);
        // Of a section that is there twice the table keeps the last.
        let first = self.table.get_key_value(key).map(|(first, _)| first.span().start);
        match first.filter(|first| *first < offset(error)) {
            Some(first) => {
                let line = self.lines.line(first);
                format!("{key} is there twice, for the first time in line {line}: remove one of the two")
            }
            None => format!("{key} is there twice: remove one of the two"),
        }
    }
}

fn offset(error: &Error) -> usize {
    error.span().map_or(0, |span| span.start)
}
