//! What the tested end is configured with, for dialogues about limits that its defaults leave far away.

use std::collections::BTreeMap;
use std::fmt;

use super::value::Expr;

/// Everything that a dialogue may want another value of, as `benches/dialogues/README.md` lists it: its name, and the
/// flag of chatcore-server, if there is one. A flag of a time takes seconds.
pub const SETTINGS: [(&str, Option<&str>); 32] = [
    ("announced_members_max", Some("--announced-members-max")),
    ("body_bytes_max", Some("--body-bytes-max")),
    ("buffer_bytes_max", Some("--buffer-bytes-max")),
    ("cost_burst", Some("--session-cost-burst")),
    ("cost_per_s", Some("--session-cost-per-s")),
    ("credential", None),
    ("denied_room", None),
    ("detached_max", Some("--detached-max")),
    ("detached_of_origin_max", Some("--detached-of-origin-max")),
    ("frame_bytes_max", None),
    ("handshake_ms_max", Some("--handshake-time-max")),
    ("hub_rooms_max", Some("--rooms-max")),
    ("hub_watches_max", Some("--hub-watches-max")),
    ("idle_ms_max", Some("--idle-time-max")),
    ("members_max", Some("--members-max")),
    ("memberships_max", Some("--memberships-max")),
    ("origin_buffer_bytes_max", Some("--origin-buffer-bytes-max")),
    ("origin_cost_burst", Some("--origin-cost-burst")),
    ("origin_cost_per_s", Some("--origin-cost-per-s")),
    ("outbox_bytes_max", Some("--outbox-bytes-max")),
    ("refusals_max", Some("--registration-attempts-max")),
    ("probes_burst", Some("--probes-burst")),
    ("reserved_name", Some("--reserve-name")),
    ("resume_ms_max", Some("--resume-time-max")),
    ("rooms_max", Some("--rooms-of-user-max")),
    ("rooms_of_origin_max", Some("--rooms-of-origin-max")),
    ("sessions_of_origin_max", Some("--sessions-of-origin-max")),
    ("sessions_of_user_max", None),
    ("stall_ms_max", Some("--stall-time-max")),
    ("undecided_room", None),
    ("sessions_max", Some("--sessions-max")),
    ("watches_max", Some("--watches-max")),
];

/// The settings whose values are not the defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    settings: BTreeMap<&'static str, Setting>,
}

/// The value of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// A limit, in the unit that its name ends with.
    Number(u64),
    /// A name, or a credential.
    Text(String),
}

impl Config {
    /// Of what a dialogue writes after `config`.
    pub(super) fn new(written: Vec<(String, Expr)>) -> Result<Self, String> {
        let setting = |(name, expr): (String, Expr)| {
            let known = SETTINGS.iter().find(|(known, _)| *known == name);
            let (known, _) = known.ok_or_else(|| format!("there is no setting {name:?}"))?;
            match expr {
                Expr::Uint(number) => Ok((*known, Setting::Number(number))),
                Expr::Bytes(text, None) => {
                    let text = String::from_utf8(text).map_err(|error| format!("{name}: {error}"))?;
                    Ok((*known, Setting::Text(text)))
                }
                _ => Err(format!("{name} needs a number or a text")),
            }
        };
        let settings = written.into_iter().map(setting).collect::<Result<_, String>>()?;
        Ok(Self { settings })
    }

    /// Everything is at its default.
    pub fn is_default(&self) -> bool {
        self.settings.is_empty()
    }

    /// The settings that are not, by name.
    pub fn settings(&self) -> impl Iterator<Item = (&'static str, &Setting)> {
        self.settings.iter().map(|(name, setting)| (*name, setting))
    }

    /// The arguments with which chatcore-server has this configuration; none if there are no flags for it.
    pub fn server_args(&self) -> Option<Vec<String>> {
        let args = self.settings().map(|(name, setting)| {
            let (_, flag) = SETTINGS.iter().find(|(known, _)| *known == name)?;
            let value = match setting {
                Setting::Number(milliseconds) if name.ends_with("_ms_max") => {
                    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
                }
                Setting::Number(number) => number.to_string(),
                Setting::Text(text) => text.clone(),
            };
            Some([(*flag)?.to_owned(), value])
        });
        let mut args = args.collect::<Option<Vec<_>>>()?;
        if self.settings().any(|(name, _)| name.contains("_of_origin_") || name.starts_with("probes_")) {
            // The tester's address is one of this machine, where numbers are not bounded otherwise.
            args.push(["--uncounted-origin".into(), "none".into()]);
        }
        Some(args.into_iter().flatten().collect())
    }
}

/// As a dialogue writes it.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, setting)) in self.settings().enumerate() {
            let space = if index == 0 { "" } else { " " };
            match setting {
                Setting::Number(number) => write!(f, "{space}{name}={number}")?,
                Setting::Text(text) => write!(f, "{space}{name}={text:?}")?,
            }
        }
        Ok(())
    }
}
