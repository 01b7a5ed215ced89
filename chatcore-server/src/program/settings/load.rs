//! From what is given to a value for each setting: a flag comes before a variable, that before the file, and that
//! before the default.

use std::path::Path;

use chatcore::HUB_NUMBER_MAX;

use super::file::{self, Entry};
use super::flags::Invocation;
use super::setting::{Setting, Settings};
use super::source::{Fault, Faults, Source};
use super::table::TABLE;
use super::value::Given;
use crate::{BindError, Config};

/// A value for each setting, and where it comes from, in the order of the table.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) settings: Settings,
    pub(super) sources: Vec<Source>,
    /// What is not wrong, but dangerous.
    pub(crate) warnings: Vec<String>,
}

impl Loaded {
    /// Takes what is given now: the files may have changed since the last time.
    ///
    /// # Errors
    ///
    /// All that is wrong.
    pub(crate) fn load(invocation: &Invocation) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let text = invocation.config().and_then(|path| match file::read(path) {
            Ok(text) => Some(text),
            Err(fault) => {
                faults.add(|| fault);
                None
            }
        });
        let mut draft = Draft::new(invocation, invocation.config().zip(text.as_deref()), faults);
        draft.read_files();
        draft.finish()
    }

    /// The same with this text instead of the file, and without a look at the files that settings name.
    ///
    /// # Errors
    ///
    /// All that is wrong.
    pub(super) fn of_text(invocation: &Invocation, path: &Path, text: &str) -> Result<Self, Faults> {
        Draft::new(invocation, Some((path, text)), Faults::default()).finish()
    }

    /// With these flags alone.
    #[cfg(all(test, feature = "page"))]
    pub(crate) fn of_flags(flags: &[&str]) -> Self {
        Self::load(&Invocation::of(flags)).expect("the flags are right")
    }

    /// Where the value of a setting comes from.
    pub(crate) fn source(&self, setting: &Setting) -> &Source {
        let index = TABLE.iter().position(|known| known.name == setting.name);
        index.map_or(&Source::Default, |index| &self.sources[index])
    }

    /// Whether nothing is said about the setting with this name.
    fn is_default(&self, name: &str) -> bool {
        TABLE.iter().zip(&self.sources).any(|(setting, source)| setting.name == name && *source == Source::Default)
    }

    /// Whether the server listens for browsers where nobody has told it to.
    pub(crate) fn has_default_page_listen(&self) -> bool {
        self.is_default("page_listen") && self.settings.page.listen.0.is_some()
    }

    /// Who says where to listen gets these addresses alone, and who wants no page gets none for it.
    fn settle_page_listen(&mut self) {
        if self.has_default_page_listen() && !(self.is_default("listen") && self.settings.page.is_served) {
            self.settings.leave_out_page_listen();
        }
    }

    fn set(&mut self, setting: &Setting, source: &Source, given: &Given) -> Result<(), Fault> {
        let value = setting.unit.read(given);
        match value.and_then(|value| (setting.set)(&mut self.settings, value)) {
            Ok(()) => {
                let index = TABLE.iter().position(|known| known.name == setting.name);
                self.sources[index.expect("it is in the table")] = source.clone();
                Ok(())
            }
            Err(right) => {
                let name = setting.name;
                Err(match source {
                    Source::File { path, line } => Fault::at(path, line, format_args!("{name} is {given}: {right}")),
                    source => Fault::new(format_args!("{source} is {given}: {right}")),
                })
            }
        }
    }

    /// What of the values does not fit together.
    fn misfits(&self) -> Vec<String> {
        let words = |error: BindError| match error {
            BindError::HubNumber(number) => format!("hub_number is {number}: it must be 0 to {HUB_NUMBER_MAX}"),
            BindError::Memory { .. } => format!(
                "{error}; the flags are --sessions-max, --connections-max, --buffer-bytes-max, --memberships-max, \
                 --hub-watches-max, --rooms-max and --memory-bytes-max"
            ),
            BindError::NoAddress => {
                let address = Config::LISTEN_DEFAULT;
                format!("no address to listen on: give at least one, like listen = [{address:?}] or --listen {address}")
            }
            BindError::NoCertificate { .. } => format!("{error}; the flags are --tls-cert and --tls-key"),
            error => error.to_string(),
        };
        let errors = self.settings.config().faults();
        // What is wrong with a certificate is said of its files.
        let is_told =
            |error: &BindError| matches!(error, BindError::NoCertificate { .. }) && self.settings.tls.is_given();
        let page = &self.settings.page;
        let errors = errors.into_iter().filter(|error| !is_told(error) && !page.tells(error)).map(words);
        let has_client_ca = self.settings.tls.client_ca.is_some();
        let log_in = self.settings.log_in.faults(&self.settings.server.listen, has_client_ca);
        let others = self.settings.tls.check().err().into_iter().chain(self.settings.reconnect.check().err());
        errors.chain(others).chain(log_in).chain(page.faults()).collect()
    }

    /// An error, with where the values come from that it is about.
    fn fault(&self, error: &str) -> Fault {
        let concerned =
            TABLE.iter().filter(|setting| *self.source(setting) != Source::Default && setting.is_told_of(error));
        let sources: Vec<_> = concerned.map(|setting| self.source(setting).to_string()).collect();
        let place = if sources.is_empty() { String::new() } else { format!("{}: ", sources.join(", ")) };
        Fault::new(format_args!("{place}{error}"))
    }
}

/// Values that may be wrong.
struct Draft {
    loaded: Loaded,
    faults: Faults,
    /// Those whose values could not be read.
    unread: Vec<&'static Setting>,
}

impl Draft {
    fn new(invocation: &Invocation, file: Option<(&Path, &str)>, faults: Faults) -> Self {
        let (settings, sources) = (Settings::default(), vec![Source::Default; TABLE.len()]);
        let loaded = Loaded { settings, sources, warnings: Vec::new() };
        let mut draft = Self { loaded, faults, unread: Vec::new() };
        if let Some((path, text)) = file {
            for Entry { setting, line, given } in file::parse(path, text, &mut draft.faults) {
                draft.set(setting, &Source::File { path: path.into(), line }, &given);
            }
        }
        for (setting, source, given) in invocation.given() {
            draft.set(setting, source, given);
        }
        draft
    }

    fn set(&mut self, setting: &'static Setting, source: &Source, given: &Given) {
        if let Err(fault) = self.loaded.set(setting, source, given) {
            self.faults.add(|| fault);
            self.unread.push(setting);
        }
    }

    /// Reads the files that settings name.
    fn read_files(&mut self) {
        match self.loaded.settings.tls.load() {
            Ok(tls) => self.loaded.settings.server.tls = tls,
            Err(error) => self.add_misfit(&error),
        }
        match self.loaded.settings.log_in.load() {
            Ok(warnings) => self.loaded.warnings = warnings,
            Err(errors) => errors.iter().for_each(|error| self.add_misfit(error)),
        }
    }

    fn finish(mut self) -> Result<Loaded, Faults> {
        self.loaded.settle_page_listen();
        for error in self.loaded.misfits() {
            self.add_misfit(&error);
        }
        if self.faults.is_empty() { Ok(self.loaded) } else { Err(self.faults) }
    }

    /// Adds what is wrong with values together, unless one of them could not be read: another one counts instead of it.
    fn add_misfit(&mut self, error: &str) {
        if !self.unread.iter().any(|setting| setting.is_told_of(error)) {
            self.faults.add(|| self.loaded.fault(error));
        }
    }
}
