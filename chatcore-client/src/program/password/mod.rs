//! The password to log in with, and where it comes from: a person at a terminal, a file, a command, or the system's
//! keyring. Never from an argument or a variable, which others can see.

mod keyring;
mod secret;
mod sources;

use std::io::{IsTerminal, stdin};
use std::path::PathBuf;
use std::time::Duration;

use self::keyring::Account;
pub(crate) use self::secret::Password;
use crate::program::terminal::ask_secret;

/// How long a command may take. It may ask a person.
const COMMAND_TIME_MAX: Duration = Duration::from_secs(60);

/// Where the password comes from.
#[derive(Debug, Default, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[group(multiple = false)]
pub(crate) struct PasswordArgs {
    /// Ask on the terminal for the password with which to log in. Without this, a terminal asks when the server wants
    /// one.
    #[arg(long)]
    password: bool,

    /// Log in with the password in the first line of a file, which nobody else can read (mode 0600).
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,

    /// Log in with the password in the first line that a command of the shell writes, within a minute.
    #[arg(long, value_name = "COMMAND")]
    password_command: Option<String>,

    /// Log in with the password that the system's keyring keeps for the name at the server.
    #[arg(long)]
    keyring: bool,

    /// Ask for the password of the name at the server, put it into the system's keyring, and end. Without a terminal it
    /// is the first line of the input.
    #[arg(long)]
    set_password: bool,

    /// Remove the password of the name at the server from the system's keyring, and end.
    #[arg(long)]
    forget_password: bool,
}

impl PasswordArgs {
    pub(crate) fn file(path: PathBuf) -> Self {
        Self { password_file: Some(path), ..Self::default() }
    }

    pub(crate) fn command(command: String) -> Self {
        Self { password_command: Some(command), ..Self::default() }
    }

    pub(crate) fn keyring() -> Self {
        Self { keyring: true, ..Self::default() }
    }

    /// Whether they say where a password is to come from.
    pub(crate) const fn is_given(&self) -> bool {
        self.password || self.password_file.is_some() || self.password_command.is_some() || self.keyring
    }

    /// Whether a keyring is to be changed, and nothing else is to be done.
    pub(crate) const fn is_about_keyring(&self) -> bool {
        self.set_password || self.forget_password
    }

    /// Whether there is no password without a name.
    pub(crate) const fn needs_name(&self) -> bool {
        self.password || self.keyring || self.is_about_keyring()
    }

    /// Changes the keyring, and says what was done.
    ///
    /// # Errors
    ///
    /// Why it cannot be done.
    pub(crate) fn change_keyring(&self, server: &str, name: &str) -> Result<String, String> {
        let account = Account { server: server.into(), name: name.into() };
        if self.forget_password {
            account.forget()?;
            return Ok(format!("the keyring has the password of {name} at {server} no more"));
        }
        let password = if stdin().is_terminal() {
            ask(name)?
        } else {
            Password::first_line(&mut stdin().lock()).map_err(|error| format!("cannot read the password: {error}"))?
        };
        account.set(&password.checked()?)?;
        Ok(format!("the keyring keeps the password of {name} at {server}: --keyring logs in with it"))
    }
}

impl Password {
    /// What the arguments say for a name at a server; none if they say nothing.
    ///
    /// # Errors
    ///
    /// Why it cannot be had, and what would be right.
    pub(crate) fn of(args: &PasswordArgs, server: &str, name: Option<&str>) -> Result<Option<Self>, String> {
        let name = name.unwrap_or_default();
        let password = if let Some(path) = &args.password_file {
            sources::of_file(path)?
        } else if let Some(command) = &args.password_command {
            sources::of_command(command, COMMAND_TIME_MAX)?
        } else if args.keyring {
            Account { server: server.into(), name: name.into() }.password()?
        } else if args.password {
            ask(name)?
        } else {
            return Ok(None);
        };
        password.checked().map(Some)
    }
}

/// Asks on the terminal.
fn ask(name: &str) -> Result<Password, String> {
    let password = ask_secret(&format!("password for {name}: ")).map_err(|error| {
        format!(
            "cannot ask for the password: {error}; without a terminal, --password-file FILE or --password-command COMMAND \
             give one"
        )
    })?;
    Ok(Password::typed(&password))
}
