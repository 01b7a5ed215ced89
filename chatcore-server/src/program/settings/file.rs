//! The configuration file.

use std::fs::{self, File};
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::setting::Setting;
use super::source::Fault;
use super::table::TABLE;
use super::value::Given;

/// Bytes of a file, at the most.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// How many letters may be different in a key that is suggested.
const TYPOS_MAX: usize = 3;

/// What a file says of a setting.
pub(super) struct Entry {
    pub(super) setting: &'static Setting,
    pub(super) line: usize,
    pub(super) given: Given,
}

/// Reads a file, and finds all that is wrong with its form.
pub(super) fn read(path: &Path) -> Result<(Vec<Entry>, Vec<Fault>), Vec<Fault>> {
    let cannot = |why: &dyn std::fmt::Display| vec![Fault::new(format_args!("{}: {why}", path.display()))];
    // A pipe would keep the reader waiting for as long as its writer likes.
    match fs::metadata(path) {
        Err(error) => return Err(cannot(&format_args!("the configuration cannot be read: {error}"))),
        Ok(metadata) if !metadata.is_file() => return Err(cannot(&"the configuration must be a regular file")),
        Ok(_) => {}
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(|error| cannot(&format_args!("the configuration cannot be read: {error}")))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(cannot(&format_args!("the configuration must have at most {FILE_BYTES_MAX} bytes")));
    }
    let text = str::from_utf8(&bytes).map_err(|error| {
        let line = line_of(&bytes, error.valid_up_to());
        vec![Fault::at(path, line, "this is not UTF-8, in which a configuration is written")]
    })?;
    parse(path, text)
}

fn parse(path: &Path, text: &str) -> Result<(Vec<Entry>, Vec<Fault>), Vec<Fault>> {
    let line = |span: Range<usize>| line_of(text.as_bytes(), span.start);
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, line);
        let what = error.message().replace('\n', ", ");
        vec![Fault::at(path, line, format_args!("this is not TOML: {what}"))]
    })?;
    let (mut entries, mut faults) = (Vec::new(), Vec::new());
    for (key, value) in table.into_inner() {
        let line = line(key.span());
        match TABLE.iter().find(|setting| setting.name == key.get_ref().as_ref()) {
            Some(setting) => entries.push(Entry { setting, line, given: given(&value) }),
            None => faults.push(Fault::at(path, line, unknown(key.get_ref(), value.get_ref()))),
        }
    }
    // A table gives them by their names.
    entries.sort_by_key(|entry| entry.line);
    Ok((entries, faults))
}

fn line_of(text: &[u8], offset: usize) -> usize {
    text[..offset.min(text.len())].split(|byte| *byte == b'\n').count()
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

fn unknown(key: &str, value: &DeValue<'_>) -> String {
    let like = key.replace('-', "_").to_lowercase();
    let distance = |setting: &&&Setting| strsim::damerau_levenshtein(&like, setting.name);
    let nearest = TABLE.iter().min_by_key(distance).filter(|setting| {
        let distance = distance(setting);
        distance <= TYPOS_MAX && distance < like.chars().count()
    });
    match nearest {
        Some(setting) => format!("there is no setting {key:?}; {} is the nearest", setting.name),
        None if matches!(value, DeValue::Table(_)) => {
            format!("there is no section [{key}]: all settings stand at the top, like sessions_max = 500")
        }
        None => format!("there is no setting {key:?}: --print-config shows all"),
    }
}
