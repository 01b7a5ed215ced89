//! What a reload changes.

use super::setting::{Reload, Setting, Settings};
use super::table::TABLE;

/// The difference between the settings that hold and those that are wanted.
pub(crate) struct Changes {
    /// What holds from now on.
    pub(crate) settings: Settings,
    pub(crate) live: Vec<Change>,
    /// What stays as it is until the next start.
    pub(crate) restart: Vec<Change>,
}

/// Another value of a setting.
pub(crate) struct Change {
    pub(crate) setting: &'static Setting,
    pub(crate) from: String,
    pub(crate) to: String,
}

impl Changes {
    pub(crate) fn new(holding: &Settings, wanted: &Settings) -> Self {
        let mut changes = Self { settings: holding.clone(), live: Vec::new(), restart: Vec::new() };
        // The files may be others under the same names.
        changes.settings.server.tls.clone_from(&wanted.server.tls);
        changes.settings.log_in.passwords.clone_from(&wanted.log_in.passwords);
        for setting in TABLE.iter().copied().filter(|setting| (setting.get)(holding) != (setting.get)(wanted)) {
            let change = Change { setting, from: setting.show(holding), to: setting.show(wanted) };
            match setting.reload {
                Reload::Live => {
                    (setting.copy)(wanted, &mut changes.settings);
                    changes.live.push(change);
                }
                Reload::Restart => changes.restart.push(change),
            }
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chatcore::UserName;

    use super::super::value::Value;
    use super::*;

    /// Another value than the default one, which fits the other defaults.
    fn another(setting: &Setting, value: Option<Value>) -> Value {
        match (setting.name, value) {
            ("reserved_names", _) => Value::List(vec![UserName::new("admin").unwrap().as_str().into()]),
            ("listen", _) => Value::List(vec!["[::1]:0".into()]),
            ("page_listen", _) => Value::Text("127.0.0.1:0".into()),
            ("websocket_hosts", _) => Value::List(vec!["chat.example".into()]),
            ("websocket_origins", _) => Value::List(vec!["https://chat.example".into()]),
            ("reconnect_to", _) => Value::Text("elsewhere:1".into()),
            ("reconnect_after", _) => Value::Time(Duration::from_secs(1)),
            ("page" | "guests", _) => Value::Text("no".into()),
            ("unix_users" | "certificate_users", _) => Value::Text("yes".into()),
            ("password_file", _) => Value::Text("passwords".into()),
            ("tls_cert" | "tls_key" | "tls_client_ca", _) => Value::Text("file.pem".into()),
            ("tls_client_auth", _) => Value::Text("required".into()),
            ("log_level", _) => Value::Text("debug".into()),
            ("log_format", _) => Value::Text("json".into()),
            ("ipv6_origin_bits", _) => Value::Number(56),
            ("proxy_from" | "uncounted_origins", _) => Value::List(vec!["10.0.0.0/8".into()]),
            ("memory_bytes_max", _) => Value::Number(u64::MAX),
            ("origin_buffer_bytes_max", Some(Value::Number(number))) => Value::Number(number - 1),
            (_, Some(Value::Number(number))) => Value::Number(number + 1),
            (_, Some(Value::Time(time))) => Value::Time(time + Duration::from_millis(1)),
            (name, value) => panic!("{name} is {value:?}: give it another value here"),
        }
    }

    /// Fails for a row that says that its setting changes at once, if the library does not take it over; and for one
    /// that says that it needs a restart, if it does not.
    #[test]
    fn each_setting_changes_at_once_or_with_a_restart_as_the_table_says() {
        for setting in TABLE.iter().copied() {
            let holding = Settings::default();
            let mut wanted = holding.clone();
            (setting.set)(&mut wanted, another(setting, (setting.get)(&holding))).unwrap();
            let changes = Changes::new(&holding, &wanted);
            let names = |changes: &[Change]| changes.iter().map(|change| change.setting.name).collect::<Vec<_>>();
            let is_possible = holding.config().check_change(&wanted.config());
            if setting.reload == Reload::Live {
                assert_eq!((names(&changes.live), names(&changes.restart)), (vec![setting.name], vec![]));
                assert!(is_possible.is_ok(), "{}: {is_possible:?}", setting.name);
                assert_eq!((setting.get)(&changes.settings), (setting.get)(&wanted), "{}", setting.name);
            } else {
                assert_eq!((names(&changes.live), names(&changes.restart)), (vec![], vec![setting.name]));
                assert!(is_possible.is_err() || setting.name == "log_format", "{} could change", setting.name);
                assert_eq!((setting.get)(&changes.settings), (setting.get)(&holding), "{}", setting.name);
            }
        }
    }
}
