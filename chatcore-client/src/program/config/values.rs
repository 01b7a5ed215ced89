//! Values of the file as what they stand for. Each function fails with what is there and what would be right, to be
//! said after the name of the key.

use std::str::FromStr;
use std::time::Duration;

use toml::de::DeValue;

use crate::program::args::seconds;

/// What a value is, for people.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn must_be(value: &DeValue<'_>, right: &str) -> String {
    format!("is {}, and must be {right}", kind(value))
}

pub(super) fn text(value: &DeValue<'_>) -> Result<String, String> {
    match value.as_str() {
        Some("") => Err("is empty, and must be text".into()),
        Some(text) => Ok(text.to_owned()),
        None => Err(must_be(value, "text in quotes")),
    }
}

pub(super) fn texts(value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let Some(values) = value.as_array() else { return Err(must_be(value, "a list of texts in quotes")) };
    values.iter().map(|value| text(value.get_ref()).map_err(|why| format!("has a part that {why}"))).collect()
}

pub(super) fn truth(value: &DeValue<'_>) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| must_be(value, "true or false, without quotes"))
}

/// As a flag takes them.
pub(super) fn time(value: &DeValue<'_>) -> Result<Duration, String> {
    let number = match value {
        DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
        DeValue::Float(number) => number.as_str(),
        _ => return Err(must_be(value, "a number of seconds, without quotes")),
    };
    seconds(number).map_err(|why| format!("is {number}: {why}"))
}

/// Text that has a form.
pub(super) fn formed<T: FromStr<Err: ToString>>(value: &DeValue<'_>) -> Result<String, String> {
    let text = text(value)?;
    match text.parse::<T>() {
        Ok(_) => Ok(text),
        Err(error) => Err(format!("is {text:?}: {}", error.to_string())),
    }
}

pub(super) fn all_formed<T: FromStr<Err: ToString>>(value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let texts = texts(value)?;
    for text in &texts {
        text.parse::<T>().map_err(|error| format!("has {text:?}: {}", error.to_string()))?;
    }
    Ok(texts)
}
