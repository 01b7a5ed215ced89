//! The variables of the environment.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use super::setting::Setting;
use super::source::{Fault, Faults, Source};
use super::suggest;
use super::table::TABLE;
use super::value::{Given, Unit};

/// What the names of our variables begin with.
const PREFIX: &str = "CHATCORE_";

/// Names the file.
pub(super) const CONFIG: &str = "CHATCORE_CONFIG";

/// Those of the client, which may be there too.
const OF_CLIENT: [&str; 6] =
    ["CHATCORE_CA", "CHATCORE_CERT", "CHATCORE_CONNECT", "CHATCORE_KEY", "CHATCORE_NAME", "CHATCORE_STATE_DIR"];

/// The variables that may be about the server, but for those that are empty: they are as good as none.
#[derive(Clone, Debug, Default)]
pub(super) struct Environment(BTreeMap<String, OsString>);

impl Environment {
    pub(super) fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let is_ours = |name: &String| {
            let mut older = TABLE.iter().filter_map(|setting| setting.older);
            name.starts_with(PREFIX) || older.any(|(_, variable)| variable == name)
        };
        let variables = variables.into_iter().filter(|(_, value)| !value.is_empty());
        let named = variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Self(named.filter(|(name, _)| is_ours(name)).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(name).map(OsString::as_os_str)
    }

    /// What its variable gives for a setting, or else the older one.
    pub(super) fn given(&self, setting: &Setting) -> Option<(Source, Given)> {
        let names = [Some(setting.variable()), setting.older.map(|(_, variable)| variable.into())];
        names.into_iter().flatten().find_map(|name| {
            let given = self.get(&name)?.to_str().map_or(Given::NotText, |text| words(setting, text));
            Some((Source::Variable(name), given))
        })
    }

    /// Those that are named like ours and are none: somebody may believe that they do something.
    pub(super) fn unknown(&self) -> Faults {
        let known: Vec<String> = TABLE.iter().map(|setting| setting.variable()).chain([CONFIG.into()]).collect();
        let ours = self.0.keys().filter(|name| name.starts_with(PREFIX) && !OF_CLIENT.contains(&name.as_str()));
        let mut unknown = Faults::default();
        for name in ours.filter(|name| !known.contains(*name)) {
            unknown.add(|| match suggest::nearest(name, &known) {
                Some(nearest) => {
                    Fault::new(format_args!("the server knows no variable {name}; {nearest} is the nearest"))
                }
                None => {
                    Fault::new(format_args!("the server knows no variable {name}: --print-config shows all settings"))
                }
            });
        }
        unknown
    }
}

/// A variable for a list has its texts with commas between them.
fn words(setting: &Setting, text: &str) -> Given {
    Given::Words(match setting.unit {
        Unit::List(_) => text.split(',').map(|word| word.trim().into()).collect(),
        _ => vec![text.into()],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::new(variables.iter().map(|(name, value)| (name.into(), value.into())))
    }

    #[test]
    fn a_variable_for_a_list_has_commas_and_an_empty_one_is_none() {
        let setting = |name: &str| *TABLE.iter().find(|setting| setting.name == name).unwrap();
        let environment =
            environment(&[("CHATCORE_LISTEN", "a:1, b:2"), ("CHATCORE_ROOMS_MAX", ""), ("RUST_LOG", "a=info,b=debug")]);
        let given = |name| environment.given(setting(name)).map(|(_, given)| given);
        assert_eq!(given("listen"), Some(Given::Words(vec!["a:1".into(), "b:2".into()])));
        assert_eq!(given("log_level"), Some(Given::Words(vec!["a=info,b=debug".into()])));
        assert_eq!(given("rooms_max"), None);
    }

    #[test]
    fn variables_that_nobody_knows_are_told_with_what_was_meant() {
        let environment = environment(&[
            ("CHATCORE_SESSION_MAX", "5"),
            ("CHATCORE_SESSIONS_MAX", "5"),
            ("CHATCORE_CONFIG", "x"),
            ("CHATCORE_NAME", "alice"),
            ("CHATCORE_PORT_12345_TCP", "tcp://192.0.2.1:12345"),
            ("CHATCORE_NOTHING", ""),
            ("SESSIONS_MAX", "5"),
        ]);
        let unknown: Vec<_> = environment.unknown().lines().collect();
        assert_eq!(
            unknown,
            [
                "the server knows no variable CHATCORE_PORT_12345_TCP: --print-config shows all settings",
                "the server knows no variable CHATCORE_SESSION_MAX; CHATCORE_SESSIONS_MAX is the nearest",
            ]
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_no_text_is_a_fault_of_its_setting() {
        use std::os::unix::ffi::OsStringExt;
        let value = OsString::from_vec(vec![0xff]);
        let environment = Environment::new([("CHATCORE_LOG_LEVEL".into(), value)]);
        let setting = TABLE.iter().find(|setting| setting.name == "log_level").unwrap();
        let (source, given) = environment.given(setting).unwrap();
        assert_eq!((source.to_string().as_str(), &given), ("CHATCORE_LOG_LEVEL", &Given::NotText));
        assert_eq!(setting.unit.read(&given), Err("it must be text in UTF-8".into()));
    }
}
