//! What a row of the table is, and where its values are kept.

use std::net::SocketAddr;
use std::time::Duration;

use chatcore::DETAIL_BYTES_MAX;

use super::log_in::LogIn;
use super::page::{Page, PageListen};
use super::tls::TlsFiles;
use super::value::{Unit, Value};
use crate::program::log::{Filter, Format, RateLimits};
use crate::{Config, Reconnect as Advice};

/// Settings that belong together.
pub(crate) struct Group {
    pub(crate) title: &'static str,
    pub(crate) settings: &'static [Setting],
}

/// A row of the table.
pub(crate) struct Setting {
    /// The key in a file. The flag is the same with hyphens and the variable in capitals.
    pub(crate) name: &'static str,
    /// Another flag, because it is given once for each of several values.
    pub(crate) flag: Option<&'static str>,
    /// An older flag, and an older variable.
    pub(crate) older: Option<(&'static str, &'static str)>,
    pub(crate) unit: Unit,
    pub(crate) reload: Reload,
    /// Sentences.
    pub(crate) doc: &'static str,
    /// The field, as errors of the libraries name it.
    pub(super) path: &'static str,
    pub(super) get: fn(&Settings) -> Option<Value>,
    pub(super) set: fn(&mut Settings, Value) -> Result<(), String>,
    pub(super) copy: fn(from: &Settings, to: &mut Settings),
}

/// When a new value holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reload {
    /// From SIGHUP on.
    Live,
    /// From the next start on.
    Restart,
}

/// A value for each setting.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(super) server: Config,
    pub(crate) log: Log,
    pub(super) reconnect: Reconnect,
    pub(super) tls: TlsFiles,
    pub(super) log_in: LogIn,
    pub(super) page: Page,
}

/// Of the log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    pub(crate) level: Filter,
    pub(crate) format: Format,
    pub(crate) rates: RateLimits,
}

/// Of the advice to clients, which is one value in the library.
#[derive(Clone, Debug, Default)]
pub(super) struct Reconnect {
    pub(super) after: Option<Duration>,
    pub(super) to: Option<String>,
}

impl Reconnect {
    /// Milliseconds in 32 bits, as the protocol counts them.
    const AFTER_MAX: Duration = Duration::from_secs(49 * 86_400);

    /// # Errors
    ///
    /// What is wrong, and what would be right.
    pub(super) fn check(&self) -> Result<(), String> {
        match self.after {
            None if self.to.is_some() => Err("reconnect_to needs reconnect_after: 0s is at once".into()),
            Some(after) if after > Self::AFTER_MAX => {
                let after = Unit::Time.show(&Value::Time(after));
                Err(format!("reconnect_after is {after}: it must be at most 49d"))
            }
            _ => self.to.as_deref().map_or(Ok(()), Self::check_address),
        }
    }

    /// A client may be on another system, with other schemes: who it is for knows more.
    fn check_address(to: &str) -> Result<(), String> {
        if to.len() > DETAIL_BYTES_MAX {
            return Err(format!("reconnect_to has {} bytes: it must have at most {DETAIL_BYTES_MAX}", to.len()));
        }
        let is_address = to.contains(':') && !to.contains(|c: char| c.is_whitespace() || c.is_control());
        let right = "it must be an address with a port, like chat.example:12345";
        if is_address { Ok(()) } else { Err(format!("reconnect_to is {to:?}: {right}")) }
    }
}

impl Settings {
    /// There is a certificate for TLS.
    pub(crate) const fn has_certificate(&self) -> bool {
        self.server.tls.is_some()
    }

    /// The library's part.
    pub(crate) fn config(&self) -> Config {
        let advice = |after| Advice::new(after).with_address(self.reconnect.to.clone());
        let server = self.page.add_to(self.server.clone()).with_reconnect(self.reconnect.after.map(advice));
        let reserved = self.log_in.reserved(&self.server.reserved_names);
        server.with_reserved_names(reserved).with_log_in(Some(self.log_in.pool()))
    }

    /// Whether the server listens for browsers alone there, by its number.
    pub(crate) fn is_page_at(&self, address: SocketAddr) -> bool {
        self.page.listen.host_port().is_some_and(|listen| listen.parse() == Ok(address))
    }

    /// Nobody listens for browsers alone.
    pub(crate) fn leave_out_page_listen(&mut self) {
        self.page.listen = PageListen(None);
    }

    /// Moves what is fixed where nothing is given, because a test has no fixed ports.
    #[cfg(all(test, feature = "page"))]
    pub(crate) fn move_default_addresses(&mut self, listen: &str, page_listen: &str) {
        self.server.listen = vec![listen.into()];
        self.page.listen = PageListen::new(page_listen.into());
    }

    /// Lets what these say hold for those who ask for a name from now on.
    pub(crate) fn apply_log_in(&self) {
        self.log_in.apply(&self.server.reserved_names);
    }

    /// How many users have a password; none if there is no file.
    pub(crate) fn passwords(&self) -> Option<usize> {
        self.log_in.passwords.as_ref().map(|passwords| passwords.len())
    }
}

impl Setting {
    /// Without the two hyphens before it.
    pub(crate) fn flag(&self) -> String {
        self.flag.map_or_else(|| self.name.replace('_', "-"), Into::into)
    }

    pub(crate) fn variable(&self) -> String {
        format!("CHATCORE_{}", self.name.to_uppercase())
    }

    /// A value for people; "none" if there is none.
    pub(crate) fn show(&self, settings: &Settings) -> String {
        match (self.get)(settings) {
            Some(Value::List(texts)) if texts.is_empty() => "none".into(),
            Some(value) => self.unit.show(&value),
            None => "none".into(),
        }
    }

    /// Whether an error is about this one: by its own name, or as a library calls it.
    pub(super) fn is_told_of(&self, error: &str) -> bool {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let mut words = error.split(|c| !is_word(c));
        words.any(|word| word.contains('_') && self.path.split('.').any(|segment| segment == word))
            || error.split_whitespace().any(|word| word == self.name)
    }
}

/// A group of rows. A row is a name, the field that it sets, its unit, when a new value holds, and sentences for the
/// help and the documentation.
macro_rules! settings {
    ($(
        $title:literal {
            $($name:ident: $($field:ident).+, $unit:expr, $reload:ident, $doc:expr
                $(, flag = $flag:literal)? $(, older = ($old_flag:literal, $old_variable:literal))?;)+
        }
    )+) => {
        pub(super) const GROUPS: &[Group] = &[$(Group {
            title: $title,
            settings: &[$(Setting {
                name: stringify!($name),
                flag: settings!(@option $($flag)?),
                older: settings!(@option $(($old_flag, $old_variable))?),
                unit: $unit,
                reload: Reload::$reload,
                doc: $doc,
                path: stringify!($($field).+),
                get: |settings| Field::to_value(&settings.$($field).+),
                set: |settings, value| {
                    settings.$($field).+ = Field::from_value(value)?;
                    Ok(())
                },
                copy: |from, to| to.$($field).+ = from.$($field).+.clone(),
            },)+],
        },)+];
    };
    (@option) => { None };
    (@option $value:expr) => { Some($value) };
}

pub(super) use settings;
