//! The command line and the environment.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::StyledStr;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::environment::{self, Environment};
use super::setting::{Setting, Settings};
use super::source::{Faults, Source};
use super::table::{GROUPS, TABLE};
use super::value::{Given, Unit};
use crate::program::log_in::PasswordCommand;

const CONFIG: &str = "config";
const PRINT_CONFIG: &str = "print_config";
const CHECK_CONFIG: &str = "check_config";

/// What each signal does, for the help and the manual page.
pub(super) const SIGNALS: [(&str, &str); 4] = [
    (
        "SIGINT, SIGTERM, SIGQUIT",
        "The server listens no more, says goodbye to every client, writes what is still to be written for a bounded time, and \
         exits with 0. A second one ends it at once.",
    ),
    (
        "SIGHUP",
        "The server reads its configuration again, takes over what can change, and logs what has changed and what needs a \
         restart. If anything is wrong, all settings stay as they are. A server without a file whose input is a terminal \
         stops instead, because the terminal is gone.",
    ),
    ("SIGUSR1", "The server logs a line about its users, rooms, connections, memory and counters."),
    ("SIGUSR2", "The server logs with the level debug, and after the next one as before."),
];

/// What the program exits with, likewise.
pub(super) const EXIT_CODES: [(&str, &str); 3] = [
    ("0", "The server has stopped after a signal; or the configuration is right."),
    ("1", "The server cannot listen, or the system fails."),
    ("2", "The command line or the configuration is wrong. A line for each fault says what would be right."),
];

/// What the program is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Serve,
    PrintConfig,
    CheckConfig,
}

/// What the program was called for.
#[derive(Debug)]
pub(crate) enum Called {
    /// To serve, or to say something of the settings.
    Serve(Invocation),
    /// To change or list the passwords.
    Password(PasswordCommand),
}

/// What the program was started with.
#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    pub(crate) action: Action,
    config: Option<PathBuf>,
    given: Vec<(usize, Source, Given)>,
    unknown_variables: Faults,
}

impl Invocation {
    /// Of the process; exits if the flags are wrong.
    pub(crate) fn of_process() -> Called {
        let matches = command().get_matches();
        match PasswordCommand::of(&matches) {
            Some(command) => Called::Password(command),
            None => Called::Serve(Self::of_matches(&matches, env::vars_os())),
        }
    }

    /// With these arguments, whose first is the program, and variables.
    ///
    /// # Errors
    ///
    /// If the flags are wrong, or ask for the help.
    pub(crate) fn new(
        args: impl IntoIterator<Item = OsString>,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, clap::Error> {
        Ok(Self::of_matches(&command().try_get_matches_from(args)?, variables))
    }

    fn of_matches(matches: &ArgMatches, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let environment = Environment::new(variables);
        let action = match (matches.get_flag(PRINT_CONFIG), matches.get_flag(CHECK_CONFIG)) {
            (true, _) => Action::PrintConfig,
            (_, true) => Action::CheckConfig,
            _ => Action::Serve,
        };
        let config = matches.get_one::<PathBuf>(CONFIG).cloned();
        let config = config.or_else(|| environment.get(environment::CONFIG).map(PathBuf::from));
        let given = TABLE.iter().enumerate().filter_map(|(index, setting)| {
            let (source, given) = flag(matches, setting).or_else(|| environment.given(setting))?;
            Some((index, source, given))
        });
        Self { action, config, given: given.collect(), unknown_variables: environment.unknown() }
    }

    pub(crate) fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// A line for each variable that is named like one of the server's and is none.
    pub(crate) fn unknown_variables(&self) -> impl Iterator<Item = String> {
        self.unknown_variables.lines()
    }

    pub(super) fn given(&self) -> impl Iterator<Item = (&'static Setting, &Source, &Given)> {
        self.given.iter().map(|(index, source, given)| (TABLE[*index], source, given))
    }

    /// With these flags, and no variables.
    #[cfg(test)]
    pub(super) fn of(args: &[&str]) -> Self {
        Self::new(["chatcore-server"].iter().chain(args).map(OsString::from), []).expect("the flags are right")
    }
}

/// What a flag gives for a setting.
fn flag(matches: &ArgMatches, setting: &Setting) -> Option<(Source, Given)> {
    let words = matches.get_many(setting.name)?.cloned().collect();
    Some((Source::Flag(setting.flag()), Given::Words(words)))
}

/// The command line.
pub(crate) fn command() -> Command {
    let defaults = Settings::default();
    let command = Command::new("chatcore-server")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A chat server.")
        .long_about(
            "A chat server.\n\nPrints one line for each address that it listens on, and serves until it gets SIGINT, \
             SIGTERM or SIGQUIT.\n\nEach setting is a flag, such as --sessions-max 500, a variable, \
             CHATCORE_SESSIONS_MAX=500, or a line of a file, sessions_max = 500. A flag comes before a variable, and \
             that before the file. A time is a number with a unit, like 30s or 250ms; without a unit, a flag means \
             seconds. Bytes are a number, or one with a unit, like 64KiB.",
        )
        .after_long_help(format!("{}\n{}", listed("Signals", &SIGNALS), listed("Exit codes", &EXIT_CODES)))
        .args_override_self(true)
        .args_conflicts_with_subcommands(true)
        .disable_help_subcommand(true)
        .subcommand(PasswordCommand::clap())
        .arg(
            Arg::new(CONFIG)
                .long("config")
                .value_name("PATH")
                .value_parser(value_parser!(PathBuf))
                .help(format!("A file with settings, in TOML [variable: {}]", environment::CONFIG)),
        )
        .arg(
            Arg::new(PRINT_CONFIG)
                .long("print-config")
                .action(ArgAction::SetTrue)
                .help("Prints the settings as such a file, and where each comes from, and exits"),
        )
        .arg(
            Arg::new(CHECK_CONFIG)
                .long("check-config")
                .action(ArgAction::SetTrue)
                .help("Says whether the settings are right, or what is wrong, and exits with 0 or 2"),
        );
    GROUPS.iter().fold(command, |command, group| {
        let args = group.settings.iter().map(|setting| argument(setting, &defaults).help_heading(group.title));
        command.args(args)
    })
}

fn listed(title: &str, rows: &[(&str, &str)]) -> String {
    let rows = rows.iter().map(|(name, text)| format!("  {name}\n          {text}\n"));
    format!("{title}:\n{}", rows.collect::<String>())
}

fn argument(setting: &Setting, defaults: &Settings) -> Arg {
    let default = setting.show(defaults);
    let (first, _) = setting.doc.split_once(". ").unwrap_or((setting.doc, ""));
    let several = if matches!(setting.unit, Unit::List(_)) { "May be given several times. " } else { "" };
    let variable = setting.variable();
    let short = format!("{} [default: {default}] [variable: {variable}]", first.trim_end_matches('.'));
    let long = format!("{}\n\n{several}Default: {default}. Variable: {variable}.", setting.doc);
    let action = if matches!(setting.unit, Unit::List(_)) { ArgAction::Append } else { ArgAction::Set };
    let arg = Arg::new(setting.name)
        .long(setting.flag())
        .value_name(setting.unit.placeholder())
        .action(action)
        .help(StyledStr::from(short))
        .long_help(StyledStr::from(long));
    match setting.older {
        Some((flag, _)) => arg.visible_alias(flag),
        None => arg,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_are_well_formed() {
        command().debug_assert();
    }
}
