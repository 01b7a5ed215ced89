//! `chatcore-server password`: sets, removes and lists the passwords of users.

use std::fs::{self, File};
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use argon2::{Argon2, PasswordHasher as _};
use chatcore::{CREDENTIAL_BYTES_MAX, UserName};
use clap::{Arg, ArgMatches, Command, value_parser};
#[cfg(unix)]
use nix::sys::signal::{SigSet, Signal};
#[cfg(unix)]
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use super::passwords::{Passwords, name_in, read_text, users};
use crate::program::settings::password_file_in;

const PASSWORD: &str = "password";
const NAME: &str = "name";
const FILE: &str = "file";
const CONFIG: &str = "config";

/// What is to be done with the file of passwords.
#[derive(Debug)]
pub(crate) struct PasswordCommand {
    change: Change,
    file: Option<PathBuf>,
    /// A configuration that names the file.
    config: Option<PathBuf>,
}

#[derive(Debug)]
enum Change {
    Add(String),
    Remove(String),
    /// Nothing: it only tells.
    List,
}

impl PasswordCommand {
    /// The command line.
    pub(crate) fn clap() -> Command {
        let file = Arg::new(FILE)
            .long("password-file")
            .value_name("FILE")
            .env("CHATCORE_PASSWORD_FILE")
            .hide_env_values(true)
            .value_parser(value_parser!(PathBuf))
            .help("The file of passwords; without it, the one that the configuration names");
        let config = Arg::new(CONFIG)
            .long("config")
            .value_name("PATH")
            .env("CHATCORE_CONFIG")
            .hide_env_values(true)
            .value_parser(value_parser!(PathBuf))
            .help("A file with settings, in TOML");
        let name = Arg::new(NAME).value_name("NAME").required(true).help("The name of the user");
        let files = [file, config];
        Command::new(PASSWORD)
            .about("Sets, removes and lists the passwords of users")
            .subcommand_required(true)
            .arg_required_else_help(true)
            .disable_help_subcommand(true)
            .subcommand(
                Command::new("add")
                    .about("Asks for a password twice, and sets it for a user, who may have had another one")
                    .long_about(
                        "Asks for a password twice, and sets it for a user, who may have had another one. Without a \
                         terminal, the password is the first line of standard input. The file gets a new line, or has \
                         that of the user replaced, and keeps the others. It is there whole, or as it was. A server \
                         reads it with SIGHUP.",
                    )
                    .arg(name.clone())
                    .args(&files),
            )
            .subcommand(Command::new("remove").about("Removes the password of a user").arg(name).args(&files))
            .subcommand(Command::new("list").about("Lists the users who have a password").args(&files))
    }

    /// None if it is not asked for.
    pub(crate) fn of(matches: &ArgMatches) -> Option<Self> {
        let (command, matches) = matches.subcommand_matches(PASSWORD)?.subcommand()?;
        let name = || matches.get_one::<String>(NAME).cloned().unwrap_or_default();
        let path = |id| matches.get_one::<PathBuf>(id).filter(|path| !path.as_os_str().is_empty()).cloned();
        let change = match command {
            "add" => Change::Add(name()),
            "remove" => Change::Remove(name()),
            _ => Change::List,
        };
        Some(Self { change, file: path(FILE), config: path(CONFIG) })
    }

    /// Does it, and returns what is to be said of it.
    ///
    /// # Errors
    ///
    /// What is wrong, and what would be right. Then the file is as it was.
    pub(crate) fn run(&self) -> Result<String, String> {
        let path = self.path()?;
        match &self.change {
            Change::Add(name) => {
                let name = parse_name(name)?;
                // What is wrong with the file is told before somebody thinks of a password.
                let _ = Contents::read(&path)?;
                let password = read_password(&name)?;
                let hash = Argon2::default().hash_password(&password).map_err(|error| format!("no hash: {error}"))?;
                let is_new = Contents::change(&path, |contents| contents.set(&name, &format!("{name}:{hash}")))?;
                let what = if is_new { "has a password now" } else { "has another password now" };
                Ok(format!("{name} {what}: a server that runs reads it with SIGHUP\n"))
            }
            Change::Remove(name) => {
                let name = parse_name(name)?;
                Contents::change(&path, |contents| contents.remove(&name, &path))?;
                Ok(format!(
                    "{name} has no password any more: a server that runs reads it with SIGHUP, and ends no sessions for it\n"
                ))
            }
            Change::List => {
                let (passwords, _) = Passwords::read(&path).map_err(|faults| faults.join("\nchatcore-server: "))?;
                let mut names: Vec<_> = passwords.names().map(ToString::to_string).collect();
                names.sort_unstable();
                Ok(names.into_iter().map(|name| name + "\n").collect())
            }
        }
    }

    fn path(&self) -> Result<PathBuf, String> {
        let none = "no password file is given: --password-file FILE names it, or password_file in the file that --config names";
        match (&self.file, &self.config) {
            (Some(path), _) => Ok(path.clone()),
            (None, Some(config)) => {
                password_file_in(config).map_err(|fault| fault.to_string())?.ok_or_else(|| none.into())
            }
            (None, None) => Err(none.into()),
        }
    }
}

fn parse_name(name: &str) -> Result<UserName, String> {
    UserName::new(name).map_err(|error| format!("{name:?} cannot be a name: {error}"))
}

/// Asks a person, or reads a line.
fn read_password(name: &UserName) -> Result<Zeroizing<Vec<u8>>, String> {
    let cannot = |error: io::Error| format!("cannot read the password: {error}");
    let password = if io::stdin().is_terminal() {
        let _quiet = Quiet::start().map_err(cannot)?;
        let ask = |prompt: String| rpassword::prompt_password(prompt).map(Zeroizing::new).map_err(cannot);
        let (password, again) = (ask(format!("password for {name}: "))?, ask("once more: ".into())?);
        if password != again {
            return Err("the two differ: nothing is changed".into());
        }
        Zeroizing::new(password.as_bytes().to_vec())
    } else {
        first_line(&mut io::stdin().lock()).map_err(cannot)?
    };
    match password.len() {
        0 => Err("the password is empty: it must have at least one byte".into()),
        bytes if bytes > CREDENTIAL_BYTES_MAX => {
            Err(format!("the password is too long: it must have at most {CREDENTIAL_BYTES_MAX} bytes"))
        }
        _ => Ok(password),
    }
}

/// The terminal shows nothing of what is typed, from before the first prompt on: somebody may be quick. Ctrl-C is read
/// like any key, and ends the program after the terminal is as it was.
#[cfg(unix)]
struct Quiet(Option<Termios>);

#[cfg(unix)]
impl Quiet {
    fn start() -> io::Result<Self> {
        // What reads the password raises the signal of a Ctrl-C itself.
        SigSet::from(Signal::SIGINT).thread_block()?;
        let before = tcgetattr(io::stdin()).ok();
        if let Some(before) = &before {
            let mut quiet = before.clone();
            quiet.local_flags -= LocalFlags::ECHO | LocalFlags::ISIG;
            // What reads the password does the same, a little later.
            let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &quiet);
        }
        Ok(Self(before))
    }
}

#[cfg(unix)]
impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, before);
        }
        // If it was raised, this is the end.
        let _ = SigSet::from(Signal::SIGINT).thread_unblock();
    }
}

#[cfg(not(unix))]
struct Quiet;

#[cfg(not(unix))]
impl Quiet {
    #[expect(clippy::unnecessary_wraps, reason = "other systems can fail")]
    fn start() -> io::Result<Self> {
        Ok(Self)
    }
}

/// Without its end; and not much more of it than a password may have.
fn first_line(input: &mut impl BufRead) -> io::Result<Zeroizing<Vec<u8>>> {
    let bytes_max = CREDENTIAL_BYTES_MAX + 2;
    // It never grows, which would leave what it held behind.
    let mut line = Zeroizing::new(Vec::with_capacity(bytes_max + 1));
    input.take(bytes_max as u64).read_until(b'\n', &mut line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    }
    Ok(line)
}

/// The text of the file, and whose it is.
#[derive(Debug, Default)]
struct Contents {
    text: String,
    found: Option<fs::Metadata>,
}

impl Contents {
    /// A file that is not there is empty.
    fn read(path: &Path) -> Result<Self, String> {
        if !path.exists() {
            return Ok(Self::default());
        }
        let (text, found) = read_text(path)?;
        Ok(Self { text, found: Some(found) })
    }

    /// Changes the file, while no other program of this kind does.
    fn change<T>(path: &Path, change: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        let cannot = |error: io::Error| format!("cannot write {}: {error}", path.display());
        // A link is to point at the new file, too.
        let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let _lock = lock(folder).map_err(cannot)?;
        let mut contents = Self::read(path)?;
        let outcome = change(&mut contents)?;
        contents.write(path, folder).map_err(cannot)?;
        Ok(outcome)
    }

    /// Puts a line in the place of the user's, or at the end. True if it is new.
    fn set(&mut self, name: &UserName, line: &str) -> Result<bool, String> {
        let (passwords, _) = Passwords::parse(&self.text);
        if let Some(like) = passwords.like(name).filter(|like| *like != name) {
            return Err(format!("{name} looks like {like}, who has a password: one of the two must have another name"));
        }
        let lines = self.lines_of(name);
        let mut text = String::new();
        for (index, old) in self.text.lines().enumerate() {
            match lines.iter().position(|line| *line == index + 1) {
                None => text.extend([old, "\n"]),
                Some(0) => text.extend([line, "\n"]),
                // One line is enough.
                Some(_) => {}
            }
        }
        if lines.is_empty() {
            text.extend([line, "\n"]);
        }
        self.text = text;
        Ok(lines.is_empty())
    }

    fn remove(&mut self, name: &UserName, path: &Path) -> Result<(), String> {
        let lines = self.lines_of(name);
        if lines.is_empty() {
            return Err(format!("{name} has no password in {}", path.display()));
        }
        let kept = self.text.lines().enumerate().filter(|(index, _)| !lines.contains(&(index + 1)));
        self.text = kept.flat_map(|(_, line)| [line, "\n"]).collect();
        Ok(())
    }

    fn lines_of(&self, name: &UserName) -> Vec<usize> {
        let lines = users(&self.text).filter(|(_, line)| name_in(line).as_ref() == Some(name));
        lines.map(|(line, _)| line).collect()
    }

    /// Writes a file beside the old one, and then puts it in its place: whoever reads finds one or the other.
    fn write(&self, path: &Path, folder: &Path) -> io::Result<()> {
        // It is readable for its owner alone.
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(self.text.as_bytes())?;
        self.take_over_owner(file.as_file())?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        sync(folder)
    }

    /// The file belongs to whom it belonged before: the server may be another user than the operator. Its group may
    /// still read it if it could.
    #[cfg(unix)]
    fn take_over_owner(&self, file: &File) -> io::Result<()> {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
        let Some(found) = &self.found else { return Ok(()) };
        let new = file.metadata()?;
        if (new.uid(), new.gid()) != (found.uid(), found.gid()) {
            fchown(file, Some(found.uid()), Some(found.gid()))?;
        }
        file.set_permissions(fs::Permissions::from_mode(found.mode() & 0o660))
    }

    #[cfg(not(unix))]
    fn take_over_owner(&self, _: &File) -> io::Result<()> {
        Ok(())
    }
}

/// The file itself is replaced, so its folder is what is locked.
#[cfg(unix)]
#[expect(clippy::incompatible_msrv, reason = "the program needs Rust 1.89 for locks; the library does with less")]
fn lock(folder: &Path) -> io::Result<File> {
    let folder = File::open(folder)?;
    folder.lock()?;
    Ok(folder)
}

/// A folder cannot be locked there.
#[cfg(not(unix))]
fn lock(_: &Path) -> io::Result<()> {
    Ok(())
}

/// The new name is on the disk, too.
#[cfg(unix)]
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync(_: &Path) -> io::Result<()> {
    Ok(())
}
