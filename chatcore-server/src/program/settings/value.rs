//! Values of settings: how they are read, and how they are written.

use std::fmt;
use std::time::Duration;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A whole number of something.
    Count,
    /// A whole number of the units in which the protocol counts what requests cost.
    Cost,
    /// A whole number of bytes, or text with a unit.
    Bytes,
    /// Text: a number with a unit.
    Time,
    /// Text, and the word for it in the help.
    Text(&'static str),
    /// Any number of texts, and the word for one in the help.
    List(&'static str),
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// What somebody has written for a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// Arguments, or the text of a variable: they have no types, and a time without a unit is in seconds.
    Words(Vec<String>),
    /// A whole number in a file.
    Number(i128),
    /// Text in a file.
    Text(String),
    /// An array in a file.
    List(Vec<Given>),
    /// Something else in a file: what it is.
    Other(&'static str),
    /// Bytes of a variable that are no text.
    NotText,
}

/// A value that has the form of its unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Number(u64),
    Time(Duration),
    Text(String),
    List(Vec<String>),
}

const BYTES_UNITS: [(&str, u64); 5] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

const TIME_UNITS: [(&str, u128); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", NANOS_OF_SECOND),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

const NANOS_OF_SECOND: u128 = 1_000_000_000;

impl Unit {
    /// The word for a value in the help.
    pub(crate) fn placeholder(self) -> String {
        match self {
            Self::Count => "COUNT".into(),
            Self::Cost => "COST".into(),
            Self::Bytes => "BYTES".into(),
            Self::Time => "TIME".into(),
            Self::Text(word) | Self::List(word) => word.into(),
            Self::Choice(words) => words.join("|"),
        }
    }

    /// How a value is written in a file, for the comment above it.
    pub(crate) fn form(self) -> String {
        match self {
            Self::Count => "a number".into(),
            Self::Cost => "a number, in the units of the protocol".into(),
            Self::Bytes => "bytes, as a number or with a unit: \"64KiB\"".into(),
            Self::Time => "a time with a unit: \"30s\", \"250ms\"".into(),
            Self::Text(word) => format!("text: {word}"),
            Self::List(word) => format!("a list of texts: {}", example(word)),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
        }
    }

    /// Reads a value.
    ///
    /// # Errors
    ///
    /// What would be right, to be said after the value: `it must be …`.
    pub(crate) fn read(self, given: &Given) -> Result<Value, String> {
        if *given == Given::NotText {
            return Err("it must be text in UTF-8".into());
        }
        match self {
            Self::Count | Self::Cost => number(given).map(Value::Number),
            Self::Bytes => bytes(given).map(Value::Number),
            Self::Time => time(given).map(Value::Time),
            Self::Text(_) => text(given).map(Value::Text),
            Self::List(word) => list(given, word).map(Value::List),
            Self::Choice(words) => match text(given) {
                Ok(text) if words.contains(&text.as_str()) => Ok(Value::Text(text)),
                _ => Err(format!("it must be one of {}", words.join(", "))),
            },
        }
    }

    /// A value as it stands in a file.
    pub(crate) fn write(self, value: &Value) -> String {
        let quoted = |text: &str| toml::Value::String(text.into()).to_string();
        match value {
            Value::Number(_) | Value::Time(_) => match self {
                Self::Count | Self::Cost => self.show(value),
                _ => quoted(&self.show(value)),
            },
            Value::Text(text) => quoted(text),
            Value::List(texts) => format!("[{}]", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", ")),
        }
    }

    /// A value for people, which a flag takes as well.
    pub(crate) fn show(self, value: &Value) -> String {
        match value {
            Value::Number(bytes) if self == Self::Bytes => {
                let (unit, size) = *BYTES_UNITS
                    .iter()
                    .find(|(_, size)| *bytes >= *size && bytes.is_multiple_of(*size))
                    .unwrap_or(&("B", 1));
                format!("{}{unit}", bytes / size)
            }
            Value::Number(number) => number.to_string(),
            Value::Time(time) => {
                let nanos = time.as_nanos();
                let seconds_and_below = TIME_UNITS.iter().skip_while(|(_, size)| *size > NANOS_OF_SECOND);
                let (unit, size) =
                    *seconds_and_below.clone().find(|(_, size)| nanos.is_multiple_of(*size)).unwrap_or(&("ns", 1));
                format!("{}{unit}", nanos / size)
            }
            Value::Text(text) => text.clone(),
            Value::List(texts) => texts.join(", "),
        }
    }
}

/// As it was written, for an error.
impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words(words) => match &words[..] {
                [word] => write!(f, "{word:?}"),
                words => write!(f, "{words:?}"),
            },
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::List(given) => {
                f.write_str("[")?;
                for (index, given) in given.iter().enumerate() {
                    write!(f, "{}{given}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Self::Other(what) => f.write_str(what),
            Self::NotText => f.write_str("no text"),
        }
    }
}

/// The one word that there is.
fn word(given: &Given) -> Option<&str> {
    match given {
        Given::Words(words) => words.last().map(String::as_str),
        Given::Text(text) => Some(text),
        _ => None,
    }
}

fn number(given: &Given) -> Result<u64, String> {
    let read = match given {
        Given::Number(number) => u64::try_from(*number).ok(),
        Given::Words(_) => word(given).and_then(digits),
        Given::Text(text) if digits(text).is_some() => return Err("it must be a number without quotes".into()),
        _ => None,
    };
    read.ok_or_else(|| "it must be a whole number, like 1000".into())
}

/// A number of decimal digits, which underscores may part.
fn digits(text: &str) -> Option<u64> {
    let is_parted = text.starts_with(|c: char| c.is_ascii_digit()) && !text.ends_with('_');
    if !is_parted || !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_') {
        return None;
    }
    text.replace('_', "").parse().ok()
}

fn bytes(given: &Given) -> Result<u64, String> {
    let read = match given {
        Given::Number(number) => u64::try_from(*number).ok(),
        given => word(given).and_then(|text| {
            let (number, unit) = split_unit(text);
            let known = BYTES_UNITS.iter().find(|(known, _)| *known == unit);
            let size = if unit.is_empty() { 1 } else { known?.1 };
            digits(number)?.checked_mul(size)
        }),
    };
    read.ok_or_else(|| "it must be a number of bytes, like 65536 or \"64KiB\" (units: KiB, MiB, GiB, TiB)".into())
}

fn time(given: &Given) -> Result<Duration, String> {
    let without_unit = |number: &str| format!("it needs a unit: \"{number}s\" for {number} seconds, \"{number}ms\" …");
    let read = match given {
        Given::Number(number) => return Err(without_unit(&number.to_string())),
        given => word(given).and_then(|text| {
            let (number, unit) = split_unit(text);
            let unit = if unit.is_empty() && matches!(given, Given::Words(_)) { "s" } else { unit };
            let (_, size) = TIME_UNITS.iter().find(|(known, _)| *known == unit)?;
            decimal(number, *size)
        }),
    };
    read.ok_or_else(|| match given {
        Given::Text(text) if decimal(text, 1).is_some() => without_unit(text),
        _ => "it must be a time with a unit, like 30s, 0.5s or 250ms (units: d, h, m, s, ms, us, ns)".into(),
    })
}

/// A number and what comes after it, which a blank may part.
fn split_unit(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.strip_prefix(' ').unwrap_or(unit))
}

/// So many times as many nanoseconds; what is less than one of them is left out.
fn decimal(number: &str, nanos: u128) -> Option<Duration> {
    const FRACTION_DIGITS_MAX: usize = 9;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) || fraction.len() > FRACTION_DIGITS_MAX {
        return None;
    }
    let scale = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let part = fraction.parse::<u128>().ok()? * nanos / scale;
    let nanos = whole.parse::<u128>().ok()?.checked_mul(nanos)?.checked_add(part)?;
    let seconds = u64::try_from(nanos / NANOS_OF_SECOND).ok()?;
    Some(Duration::new(seconds, u32::try_from(nanos % NANOS_OF_SECOND).ok()?))
}

fn text(given: &Given) -> Result<String, String> {
    word(given).map(Into::into).ok_or_else(|| "it must be text, in quotes".into())
}

fn list(given: &Given, of: &str) -> Result<Vec<String>, String> {
    let texts = match given {
        Given::Words(words) => Some(words.clone()),
        Given::List(given) => given.iter().map(|given| word(given).map(String::from)).collect(),
        _ => None,
    };
    texts.ok_or_else(|| match given {
        Given::Text(text) => format!("it must be a list, in brackets: [{text:?}]"),
        _ => format!("it must be a list of texts, like {}", example(of)),
    })
}

/// A list of what the help calls so.
fn example(word: &str) -> &'static str {
    match word {
        "ADDRESS" => r#"["127.0.0.1:12345", "[::1]:12345"]"#,
        "NAME" => r#"["admin", "root"]"#,
        _ => r#"["one", "two"]"#,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Given {
        Given::Words(vec![text.into()])
    }

    fn text(text: &str) -> Given {
        Given::Text(text.into())
    }

    #[test]
    fn a_time_in_a_file_needs_a_unit_and_a_flag_means_seconds_without_one() {
        for (written, time) in [
            ("30s", Duration::from_secs(30)),
            ("0.5s", Duration::from_millis(500)),
            ("250ms", Duration::from_millis(250)),
            ("250 ms", Duration::from_millis(250)),
            ("1.5h", Duration::from_secs(5400)),
            ("0s", Duration::ZERO),
            ("0.000000001s", Duration::from_nanos(1)),
        ] {
            assert_eq!(Unit::Time.read(&text(written)), Ok(Value::Time(time)));
            assert_eq!(Unit::Time.read(&words(written)), Ok(Value::Time(time)));
        }
        assert_eq!(Unit::Time.read(&words("0.25")), Ok(Value::Time(Duration::from_millis(250))));
        for given in [text("10"), Given::Number(10)] {
            let right = Unit::Time.read(&given).unwrap_err();
            assert!(right.contains("\"10s\" for 10 seconds"), "{right}");
        }
        for wrong in
            ["", "-1", "soon", "nan", "1e300", "5 parsecs", ".5s", "1.s", "1..2s", "99999999999999999999d", "٣s"]
        {
            for given in [text(wrong), words(wrong)] {
                let right = Unit::Time.read(&given).unwrap_err();
                assert!(right.contains("30s, 0.5s or 250ms"), "{given}: {right}");
            }
        }
    }

    #[test]
    fn bytes_are_a_number_or_have_a_unit() {
        for given in
            [Given::Number(65536), text("65536"), text("64KiB"), words("64KiB"), words("64 KiB"), words("65_536")]
        {
            assert_eq!(Unit::Bytes.read(&given), Ok(Value::Number(65536)), "{given}");
        }
        for given in
            [Given::Number(-1), text("much"), words("64kb"), words("1.5MiB"), words("99999999999TiB"), words("_1")]
        {
            assert!(Unit::Bytes.read(&given).unwrap_err().contains("64KiB"), "{given}");
        }
    }

    #[test]
    fn what_is_of_another_type_is_told_what_is_right() {
        let wrong = [
            (Unit::Count, text("5"), "without quotes"),
            (Unit::Count, Given::Other("a fraction"), "whole number"),
            (Unit::Count, words("-5"), "whole number"),
            (Unit::Text("X"), Given::Number(5), "in quotes"),
            (Unit::List("X"), text("a:1"), "in brackets: [\"a:1\"]"),
            (Unit::List("ADDRESS"), Given::Number(1), "like [\"127.0.0.1:12345\", \"[::1]:12345\"]"),
            (Unit::List("X"), Given::List(vec![Given::Number(1)]), "[\"one\", \"two\"]"),
            (Unit::Choice(&["text", "json"]), text("xml"), "one of text, json"),
        ];
        for (unit, given, right) in wrong {
            let said = unit.read(&given).unwrap_err();
            assert!(said.contains(right), "{given}: {said}");
        }
    }

    #[test]
    fn what_is_written_is_read_as_the_same() {
        for (unit, value, written) in [
            (Unit::Count, Value::Number(5), "5"),
            (Unit::Bytes, Value::Number(0), "\"0B\""),
            (Unit::Bytes, Value::Number(1 << 30), "\"1GiB\""),
            (Unit::Bytes, Value::Number(1025), "\"1025B\""),
            (Unit::Time, Value::Time(Duration::from_secs(60)), "\"60s\""),
            (Unit::Time, Value::Time(Duration::from_micros(1500)), "\"1500us\""),
            (Unit::Time, Value::Time(Duration::ZERO), "\"0s\""),
            (Unit::Time, Value::Time(Duration::new(u64::MAX, 1)), "\"18446744073709551615000000001ns\""),
        ] {
            assert_eq!(unit.write(&value), written);
            assert_eq!(unit.read(&words(&unit.show(&value))), Ok(value));
        }
        let list = Value::List(vec!["a \"b\"".into(), "c".into()]);
        assert_eq!(Unit::List("X").write(&list), r#"['a "b"', "c"]"#);
    }
}
