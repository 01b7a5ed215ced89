//! An event as a line.

use std::fmt::Write;

use tracing::Level;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

use super::choice::Format;
use super::event::{Content, Value};

/// Letters of most messages: the fields after them begin in one column.
const MESSAGE_LETTERS: usize = 27;

const RESET: &str = "\x1b[0m";
const DIM: &str = "\x1b[2m";

/// How lines look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub(super) format: Format,
    pub(super) is_coloured: bool,
}

impl Style {
    /// The line for what happens now, with its end.
    pub(super) fn line(self, level: Level, target: &str, content: &Content) -> String {
        let mut line = String::with_capacity(160);
        match self.format {
            Format::Text => self.text(&mut line, level, content),
            Format::Json => json(&mut line, level, target, content),
        }
        line.push('\n');
        line
    }

    fn text(self, line: &mut String, level: Level, content: &Content) {
        let (colour, dim, reset) = if self.is_coloured { (colour(level), DIM, RESET) } else { Default::default() };
        line.push_str(dim);
        write_time(line);
        // Memory takes everything.
        let _ = write!(line, "{reset} {colour}{level:>5}{reset} ");
        let begin = line.len();
        push_escaped(line, &content.message, false);
        if !content.fields.is_empty() {
            let letters = line[begin..].chars().count();
            line.extend(std::iter::repeat_n(' ', MESSAGE_LETTERS.saturating_sub(letters)));
        }
        for (name, value) in &content.fields {
            let _ = write!(line, " {dim}{name}={reset}");
            match value {
                Value::Text(text) if must_be_quoted(text) => {
                    line.push('"');
                    push_escaped(line, text, true);
                    line.push('"');
                }
                Value::Text(text) => line.push_str(text),
                Value::Integer(number) => {
                    let _ = write!(line, "{number}");
                }
                Value::Bool(is_so) => {
                    let _ = write!(line, "{is_so}");
                }
            }
        }
    }
}

const fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\x1b[31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        Level::DEBUG => "\x1b[34m",
        Level::TRACE => "\x1b[35m",
    }
}

fn json(line: &mut String, level: Level, target: &str, content: &Content) {
    line.push_str("{\"time\":\"");
    write_time(line);
    let level = level.as_str().to_lowercase();
    let _ =
        write!(line, "\",\"level\":\"{level}\",\"target\":{},\"message\":{}", quoted(target), quoted(&content.message));
    line.push_str(",\"fields\":{");
    for (index, (name, value)) in content.fields.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(line, "{comma}{}:", quoted(name));
        let _ = match value {
            Value::Text(text) => line.write_str(&quoted(text)),
            Value::Integer(number) => write!(line, "{number}"),
            Value::Bool(is_so) => write!(line, "{is_so}"),
        };
    }
    line.push_str("}}");
}

/// A string of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn write_time(line: &mut String) {
    let begin = line.len();
    if SystemTime.format_time(&mut Writer::new(line)).is_err() {
        line.truncate(begin);
    }
}

/// Whether a value would be read as something else without quotes.
fn must_be_quoted(text: &str) -> bool {
    text.is_empty() || text.chars().any(|c| c.is_whitespace() || matches!(c, '=' | '"' | '\\') || is_unseen(c))
}

/// Text in which nothing is unseen, or does something to a terminal.
fn push_escaped(line: &mut String, text: &str, in_quotes: bool) {
    for c in text.chars() {
        if is_unseen(c) || (in_quotes && matches!(c, '"' | '\\')) {
            line.extend(c.escape_debug());
        } else {
            line.push(c);
        }
    }
}

/// What a terminal does not show as a letter: controls, ends of lines, and what changes the direction of others.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(message: &str, fields: &[(&'static str, &str)]) -> Content {
        let fields = fields.iter().map(|(name, text)| (*name, Value::Text((*text).into()))).collect();
        Content { message: message.into(), fields }
    }

    /// Without the time, which is no test's.
    fn text(is_coloured: bool, content: &Content) -> String {
        let line = Style { format: Format::Text, is_coloured }.line(Level::INFO, "target", content);
        line.split_once('Z').expect("a time ends with a Z").1.to_string()
    }

    #[test]
    fn fields_stand_in_one_column_and_are_quoted_where_they_would_be_read_as_something_else() {
        assert_eq!(text(false, &content("listening", &[])), "  INFO listening\n");
        let values = ["alice", "a b", "a=b", "", "a\"b", "a\\b", "a\nb", "\u{1b}[2J", "a\u{202e}b", "Ünï"];
        for (value, shown) in values.into_iter().zip([
            "alice",
            "\"a b\"",
            "\"a=b\"",
            "\"\"",
            r#""a\"b""#,
            r#""a\\b""#,
            r#""a\nb""#,
            "\"\\u{1b}[2J\"",
            "\"a\\u{202e}b\"",
            "Ünï",
        ]) {
            let line = text(false, &content("joined", &[("name", value)]));
            assert_eq!(line, format!("  INFO joined                      name={shown}\n"));
        }
        let long = "a message that is longer than most of them are";
        assert_eq!(text(false, &content(long, &[("a", "b"), ("c", "d")])), format!("  INFO {long} a=b c=d\n"));
        assert_eq!(text(false, &content("two\nlines\u{1b}", &[])), "  INFO two\\nlines\\u{1b}\n");
    }

    #[test]
    fn colours_are_in_no_value() {
        let line = text(true, &content("joined", &[("name", "alice")]));
        assert!(line.contains("\x1b[32m INFO\x1b[0m joined"), "{line:?}");
        assert!(line.ends_with("name=\x1b[0malice\n"), "{line:?}");
    }

    #[test]
    fn a_line_of_json_is_one_object_whatever_is_in_it() {
        let mut content = content("two\nlines", &[("name", "a\"b\u{1b}"), ("message", "x")]);
        content.fields.push(("count", Value::Integer(5)));
        content.fields.push(("is_so", Value::Bool(true)));
        let line = Style { format: Format::Json, is_coloured: true }.line(Level::WARN, "here", &content);
        assert_eq!(line.matches('\n').count(), 1);
        let value: serde_json::Value = serde_json::from_str(&line).expect("it is JSON");
        assert_eq!(value["level"], "warn");
        assert_eq!(value["target"], "here");
        assert_eq!(value["message"], "two\nlines");
        assert_eq!(value["fields"]["name"], "a\"b\u{1b}");
        assert_eq!(value["fields"]["count"], 5);
        assert_eq!(value["fields"]["is_so"], true);
        assert!(value["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{line}");
    }
}
