//! The password to log in with, and where it comes from: a person at a terminal, a file, or a command. Never from an
//! argument or a variable, which others can see.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use chatcore::CREDENTIAL_BYTES_MAX;
use zeroize::Zeroizing;

use crate::program::terminal::ask_secret;

/// Where the password comes from.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
pub(crate) struct PasswordArgs {
    /// Ask on the terminal for the password with which to log in. Without this, a terminal asks when the server wants one.
    #[arg(long, requires = "name")]
    password: bool,

    /// Log in with the password in the first line of a file.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,

    /// Log in with the password in the first line that a command of the shell writes.
    #[arg(long, value_name = "COMMAND")]
    password_command: Option<String>,
}

/// A password. It is overwritten when it is dropped, and `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Password(Zeroizing<Vec<u8>>);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl Password {
    /// What the arguments say; none if they say nothing.
    ///
    /// # Errors
    ///
    /// Why it cannot be had, and what would be right.
    pub(crate) fn of(args: &PasswordArgs, name: Option<&str>) -> Result<Option<Self>, String> {
        let password = if let Some(path) = &args.password_file {
            of_file(path)?
        } else if let Some(command) = &args.password_command {
            of_command(command)?
        } else if args.password {
            let prompt = format!("password for {}: ", name.unwrap_or_default());
            let password = ask_secret(&prompt).map_err(|error| {
                format!(
                    "cannot ask for the password: {error}; without a terminal, --password-file FILE or \
                     --password-command COMMAND give one"
                )
            })?;
            Self::typed(&password)
        } else {
            return Ok(None);
        };
        match password.0.len() {
            0 => Err("the password is empty".into()),
            bytes if bytes > CREDENTIAL_BYTES_MAX => {
                Err(format!("the password is too long: it may have at most {CREDENTIAL_BYTES_MAX} bytes"))
            }
            _ => Ok(Some(password)),
        }
    }

    /// What a person has typed.
    pub(crate) fn typed(text: &str) -> Self {
        Self(Zeroizing::new(text.as_bytes().to_vec()))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

fn of_file(path: &Path) -> Result<Password, String> {
    let cannot = |error: io::Error| format!("cannot read the password from {}: {error}", path.display());
    first_line(&mut File::open(path).map_err(cannot)?).map_err(cannot)
}

/// The first line of what a command of the shell writes. It may ask a person, on the terminal itself: our input is ours.
fn of_command(command: &str) -> Result<Password, String> {
    let cannot = |error: io::Error| format!("cannot run the password command: {error}");
    let [shell, flag] = if cfg!(windows) { ["cmd", "/C"] } else { ["sh", "-c"] };
    let mut child = Command::new(shell)
        .args([flag, command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(cannot)?;
    let mut output = child.stdout.take().expect("it is piped");
    let password = first_line(&mut output).map_err(cannot)?;
    // It may have more to say, and must not wait for somebody to read it.
    io::copy(&mut output, &mut io::sink()).map_err(cannot)?;
    let status = child.wait().map_err(cannot)?;
    if status.success() { Ok(password) } else { Err(format!("the password command failed: {status}")) }
}

/// Without its end. Of a longer line than a password may be, one byte more than that.
fn first_line(input: &mut impl Read) -> io::Result<Password> {
    let bytes_max = CREDENTIAL_BYTES_MAX + 2;
    // It never grows, which would leave what it held behind. Nothing in between holds it, either.
    let mut line = Zeroizing::new(vec![0; bytes_max]);
    let mut length = 0;
    while length < bytes_max && !line[..length].contains(&b'\n') {
        match input.read(&mut line[length..]) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let mut line = &line[..length];
    if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
        line = &line[..end];
        line = line.strip_suffix(b"\r").unwrap_or(line);
    }
    Ok(Password(Zeroizing::new(line.to_vec())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &[u8]) -> Vec<u8> {
        first_line(&mut { text }).expect("memory can be read").0.to_vec()
    }

    #[test]
    fn the_first_line_is_the_password_to_the_byte() {
        assert_eq!(line(b"secret\nmore\n"), b"secret");
        assert_eq!(line(b"secret\r\n"), b"secret");
        assert_eq!(line(b" with blanks "), b" with blanks ");
        assert_eq!(line(b"\nsecret\n"), b"");
        assert_eq!(line(b""), b"");
        assert_eq!(line(&[b'x'; CREDENTIAL_BYTES_MAX]).len(), CREDENTIAL_BYTES_MAX);
        assert!(line(&vec![b'x'; 1 << 20]).len() > CREDENTIAL_BYTES_MAX);
    }

    #[test]
    fn nobody_sees_it_in_debug() {
        assert_eq!(format!("{:?}", Password::typed("secret")), "[secret]");
    }
}
