//! From what is given to a value for each setting: a flag comes before a variable, that before the file, and that before
//! the default.

use chatcore::HUB_NUMBER_MAX;

use super::file;
use super::flags::Invocation;
use super::setting::{Setting, Settings};
use super::source::{Fault, Faults, Source};
use super::table::TABLE;
use super::value::Given;
use crate::BindError;

/// A value for each setting, and where it comes from, in the order of the table.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) settings: Settings,
    pub(super) sources: Vec<Source>,
}

impl Loaded {
    /// Takes what is given now: the file may have changed since the last time.
    pub(crate) fn load(invocation: &Invocation) -> Result<Self, Faults> {
        let mut loaded = Self { settings: Settings::default(), sources: vec![Source::Default; TABLE.len()] };
        let mut faults = Vec::new();
        if let Some(path) = invocation.config() {
            let (entries, wrong) = file::read(path).map_err(Faults)?;
            faults.extend(wrong);
            for entry in entries {
                let source = Source::File { path: path.into(), line: entry.line };
                faults.extend(loaded.set(entry.setting, source, &entry.given));
            }
        }
        for (setting, source, given) in invocation.given() {
            faults.extend(loaded.set(setting, source.clone(), given));
        }
        if faults.is_empty() {
            match loaded.settings.tls.load() {
                Ok(tls) => loaded.settings.server.tls = tls,
                Err(error) => faults.push(loaded.fault(&error)),
            }
        }
        if faults.is_empty() {
            faults.extend(loaded.check());
        }
        if faults.is_empty() { Ok(loaded) } else { Err(Faults(faults)) }
    }

    /// Where the value of a setting comes from.
    pub(crate) fn source(&self, setting: &Setting) -> &Source {
        let index = TABLE.iter().position(|known| known.name == setting.name);
        index.map_or(&Source::Default, |index| &self.sources[index])
    }

    fn set(&mut self, setting: &Setting, source: Source, given: &Given) -> Option<Fault> {
        let value = setting.unit.read(given);
        match value.and_then(|value| (setting.set)(&mut self.settings, value)) {
            Ok(()) => {
                let index = TABLE.iter().position(|known| known.name == setting.name);
                self.sources[index.expect("it is in the table")] = source;
                None
            }
            Err(right) => {
                let name = setting.name;
                Some(match source {
                    Source::File { path, line } => Fault::at(&path, line, format_args!("{name} is {given}: {right}")),
                    source => Fault::new(format_args!("{source} is {given}: {right}")),
                })
            }
        }
    }

    /// What of the values does not fit together.
    fn check(&self) -> Option<Fault> {
        let error = match self.settings.config().check() {
            Ok(()) => self.settings.reconnect.check().err()?,
            Err(BindError::HubNumber(number)) => format!("hub_number is {number}: it must be 0 to {HUB_NUMBER_MAX}"),
            Err(error @ BindError::Memory { .. }) => format!(
                "{error}; the flags are --sessions-max, --connections-max, --buffer-bytes-max, --memberships-max, \
                 --hub-watches-max, --rooms-max and --memory-bytes-max"
            ),
            Err(error @ BindError::NoCertificate { .. }) => format!("{error}; the flags are --tls-cert and --tls-key"),
            Err(error) => error.to_string(),
        };
        Some(self.fault(&error))
    }

    /// An error, with where the values come from that it is about.
    fn fault(&self, error: &str) -> Fault {
        let concerned = TABLE.iter().filter(|setting| {
            *self.source(setting) != Source::Default
                && (setting.is_named_in(error) || error.split_whitespace().any(|word| word == setting.name))
        });
        let sources: Vec<_> = concerned.map(|setting| self.source(setting).to_string()).collect();
        let place = if sources.is_empty() { String::new() } else { format!("{}: ", sources.join(", ")) };
        Fault::new(format_args!("{place}{error}"))
    }
}
