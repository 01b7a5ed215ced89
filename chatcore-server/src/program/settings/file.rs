//! The configuration file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::files;
use super::lines::Lines;
use super::setting::Setting;
use super::source::{Fault, Faults};
use super::suggest;
use super::syntax::Syntax;
use super::table::TABLE;
use super::value::Given;

/// Bytes of a file, at the most.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The setting that names the file of passwords.
const PASSWORD_FILE: &str = "password_file";

/// What a file says of a setting.
pub(super) struct Entry {
    pub(super) setting: &'static Setting,
    pub(super) line: usize,
    pub(super) given: Given,
}

/// Reads a file.
///
/// # Errors
///
/// If there is no text in it.
pub(super) fn read(path: &Path) -> Result<String, Fault> {
    let bytes = files::read(path, FILE_BYTES_MAX)
        .map_err(|why| Fault::new(format_args!("{}: the configuration {why}", path.display())))?;
    self::text(path, bytes)
}

/// The text that a file has.
///
/// # Errors
///
/// If it has other bytes.
pub(super) fn text(path: &Path, bytes: Vec<u8>) -> Result<String, Fault> {
    String::from_utf8(bytes).map_err(|error| {
        let place = Lines::new(error.as_bytes()).place(error.utf8_error().valid_up_to());
        Fault::at(path, place, "this is not UTF-8: write the file in UTF-8")
    })
}

/// The file of passwords that a configuration names, if it names one. What else is wrong with the configuration is not
/// told.
///
/// # Errors
///
/// If there is no text in it.
pub(crate) fn password_file_in(path: &Path) -> Result<Option<PathBuf>, Fault> {
    let entries = parse(path, &read(path)?, &mut Faults::default());
    let named = entries.into_iter().find(|entry| entry.setting.name == PASSWORD_FILE);
    Ok(named.and_then(|entry| match entry.given {
        Given::Text(path) => Some(path.into()),
        _ => None,
    }))
}

/// What a file has at a line.
enum Item<'a> {
    Key(&'a Spanned<DeString<'a>>, &'a Spanned<DeValue<'a>>),
    Error(&'a toml::de::Error),
}

/// Takes what a file says of settings, and finds all that is wrong with its form.
pub(super) fn parse(path: &Path, text: &str, faults: &mut Faults) -> Vec<Entry> {
    let lines = Lines::new(text.as_bytes());
    let (table, errors) = DeTable::parse_recoverable(text);
    let syntax = Syntax::new(text, &lines, table.get_ref());
    // One error of a line is enough: the others follow from it.
    let mut broken = BTreeMap::new();
    for error in &errors {
        broken.entry(syntax.line(error)).or_insert(error);
    }
    let mut items: Vec<_> = broken.iter().map(|(line, error)| (*line, Item::Error(error))).collect();
    for (key, value) in table.get_ref() {
        let line = lines.line(key.span().start);
        // What is left of what is no TOML says nothing.
        if broken.range(line..=lines.line(value.span().end).max(line)).next().is_none() {
            items.push((line, Item::Key(key, value)));
        }
    }
    // A table gives them by their names.
    items.sort_by_key(|(line, _)| *line);
    let mut entries = Vec::new();
    for (line, item) in items {
        match item {
            Item::Error(error) => faults.add(|| Fault::at(path, syntax.place(error), syntax.explain(error))),
            Item::Key(key, value) => match TABLE.iter().find(|setting| setting.name == key.get_ref().as_ref()) {
                Some(setting) => entries.push(Entry { setting, line, given: given(value) }),
                None => faults.add(|| Fault::at(path, line, unknown(key.get_ref(), value.get_ref()))),
            },
        }
    }
    entries
}

fn given(value: &Spanned<DeValue<'_>>) -> Given {
    match value.get_ref() {
        DeValue::String(text) => Given::Text(text.to_string()),
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            .map_or(Given::Other("a number that is far too large"), Given::Number),
        DeValue::Float(_) => Given::Other("a fraction"),
        DeValue::Boolean(_) => Given::Other("true or false"),
        DeValue::Datetime(_) => Given::Other("a date"),
        DeValue::Array(values) => Given::List(values.iter().map(given).collect()),
        DeValue::Table(_) => Given::Other("a table"),
    }
}

/// Whether it is `[section]` or `[[section]]`.
fn is_section(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::Table(_) => true,
        DeValue::Array(parts) => parts.iter().any(|part| matches!(part.get_ref(), DeValue::Table(_))),
        _ => false,
    }
}

fn unknown(key: &str, value: &DeValue<'_>) -> String {
    let like = key.replace('-', "_").to_lowercase();
    match suggest::nearest(&like, TABLE.iter().map(|setting| setting.name)) {
        Some(name) => format!("there is no setting {key:?}; {name} is the nearest"),
        None if is_section(value) => {
            format!("there is no section [{key}]: all settings stand at the top, like sessions_max = 500")
        }
        None => format!("there is no setting {key:?}: --print-config shows all"),
    }
}
