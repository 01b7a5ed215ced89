//! From text to a configuration.

use std::collections::BTreeMap;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::faults::Faults;
use super::keys::{Draft, KEYS, Server};
use super::values;
use crate::program::full::Screen;
use crate::program::nearest::nearest;

/// The keys that stand at the top.
const TOP: [&str; 3] = ["default", "servers", "screen"];

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct Config {
    /// The server that is meant where none is named.
    pub(super) default: Option<String>,
    pub(super) servers: BTreeMap<String, Server>,
    pub(super) screen: Screen,
}

/// A file that is being read.
struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    faults: Faults,
    config: Config,
}

/// # Errors
///
/// All that is wrong.
pub(super) fn parse(path: &Path, text: &str) -> Result<Config, Faults> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader { path, text, faults: Faults::default(), config: Config::default() };
    for error in &errors {
        let line = reader.line(error.span().map_or(0, |span| span.start));
        // One error of a line is enough: the others follow from it.
        if !reader.faults.are_in(line, line) {
            let message = error.message().replace('\n', ", ");
            let what = format!("this is not TOML: {message}; a line looks like connect = \"tls://chat.example:12346\"");
            reader.faults.add(path, line, what);
        }
    }
    reader.read(table.get_ref(), errors.is_empty());
    if reader.faults.is_empty() { Ok(reader.config) } else { Err(reader.faults) }
}

type Entry<'t> = (&'t Spanned<DeString<'t>>, &'t Spanned<DeValue<'t>>);

impl Reader<'_> {
    /// Of a file that is no TOML in some places, what is missing may stand there.
    fn read(&mut self, table: &DeTable<'_>, is_whole: bool) {
        let (mut default, mut screen) = (None, None);
        for (key, value) in table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("default", name) => match values::text(name) {
                    Ok(name) => default = Some((self.line_of(key), name)),
                    Err(why) => self.wrong(key, format!("default {why}, like default = \"work\"")),
                },
                ("servers", DeValue::Table(servers)) => self.servers(servers, is_whole),
                ("servers", other) => {
                    let kind = values::kind(other);
                    self.wrong(key, format!("servers is {kind}, and must be parts like [servers.work]"));
                }
                ("screen", DeValue::Table(table)) => screen = Some(table),
                ("screen", other) => {
                    let kind = values::kind(other);
                    self.wrong(key, format!("screen is {kind}, and must be a part that begins with [screen]"));
                }
                (other, _) => self.wrong(key, unknown(other, &TOP, "at the top")),
            }
        }
        if let Some((line, name)) = default {
            self.check_default(line, name, is_whole);
        }
        // What is wrong there says nothing about what is missing elsewhere.
        if let Some(table) = screen {
            self.screen(table);
        }
    }

    fn check_default(&mut self, line: usize, name: String, is_whole: bool) {
        if is_whole && self.faults.is_empty() && !self.config.servers.contains_key(&name) {
            self.faults.add(self.path, line, format!("default is {name:?}, and there is no part [servers.{name}]"));
        }
        self.config.default = Some(name);
    }

    fn servers(&mut self, servers: &DeTable<'_>, is_whole: bool) {
        for (name, server) in servers {
            let (shown, DeValue::Table(table)) = (name.get_ref(), server.get_ref()) else {
                let what = format!("{} is {}", name.get_ref(), values::kind(server.get_ref()));
                self.wrong(name, format!("{what}, and must be a part that begins with [servers.{}]", name.get_ref()));
                continue;
            };
            let mut draft = Draft::default();
            for entry in table {
                self.key(&mut draft, shown, entry);
            }
            let is_clean = is_whole && self.faults.is_empty();
            match draft.finish() {
                Ok(server) => drop(self.config.servers.insert(shown.to_string(), server)),
                // What is missing may be what was wrong.
                Err(_) if !is_clean => {}
                Err(why) => self.wrong(name, format!("[servers.{shown}] {why}")),
            }
        }
    }

    fn screen(&mut self, table: &DeTable<'_>) {
        match Screen::from_table(table) {
            Ok(screen) => self.config.screen = screen,
            Err(faults) => {
                for (offset, what) in faults {
                    self.wrong_at(self.line(offset), what);
                }
            }
        }
    }

    fn key(&mut self, draft: &mut Draft, server: &str, (name, value): Entry<'_>) {
        let shown = name.get_ref().as_ref();
        let Some(key) = KEYS.iter().find(|key| key.name == shown) else {
            let names: Vec<_> = KEYS.iter().map(|key| key.name).collect();
            return self.wrong(name, unknown(shown, &names, &format!("in [servers.{server}]")));
        };
        let folder = self.path.parent().unwrap_or(Path::new(""));
        if let Err(why) = (key.take)(draft, value.get_ref(), folder) {
            self.wrong(name, format!("{shown} of [servers.{server}] {why}, like {shown} = {}", key.example));
        }
    }

    fn wrong(&mut self, key: &Spanned<DeString<'_>>, what: String) {
        self.wrong_at(self.line_of(key), what);
    }

    fn wrong_at(&mut self, line: usize, what: String) {
        // What is left of what is no TOML says nothing.
        let is_told = self.faults.are_in(line, line);
        if !is_told {
            self.faults.add(self.path, line, what);
        }
    }

    fn line_of(&self, key: &Spanned<DeString<'_>>) -> usize {
        self.line(key.span().start)
    }

    /// The line of a byte, from 1.
    fn line(&self, offset: usize) -> usize {
        let end = offset.min(self.text.len());
        // What ends in the midst of a letter ends in its line.
        self.text.as_bytes()[..end].split(|byte| *byte == b'\n').count()
    }
}

fn unknown(key: &str, known: &[&str], place: &str) -> String {
    let like = key.replace('-', "_").to_lowercase();
    match nearest(&like, known.iter()) {
        Some(nearest) => format!("there is no key {key:?} {place}; {nearest} is the nearest"),
        None => format!("there is no key {key:?} {place}: there are {}", known.join(", ")),
    }
}
