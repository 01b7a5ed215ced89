//! A file, or a command, that gives a password.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, SigmaskHow, Signal, killpg};
use nix::unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp};

use super::secret::Password;
use crate::program::files::{self, Links, is_ours};

/// What everybody but the owner may do.
const OTHERS: u32 = 0o077;

/// The time between two looks at a command that writes no more.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(10);

/// The first line of a file that nobody else can read.
pub(super) fn of_file(path: &Path) -> Result<Password, String> {
    let cannot = |why: String| format!("cannot read the password from {}: {why}", path.display());
    let opened = files::open(path, OpenOptions::new().read(true), Links::Followed);
    let (mut file, metadata) = opened.map_err(|error| cannot(error.to_string()))?;
    if !is_ours(&metadata) {
        return Err(cannot(format!("it belongs to the user {}, not to you", metadata.uid())));
    }
    if metadata.mode() & OTHERS != 0 {
        return Err(cannot(format!("others can use the file, too: chmod 600 {} makes it yours alone", path.display())));
    }
    Password::first_line(&mut file).map_err(|error| cannot(error.to_string()))
}

/// The first line of what a command of the shell writes. It may ask a person, on the terminal itself: our input is
/// ours.
///
/// It is a job of its own, as a shell makes one: what it has started is ended with it, and the terminal is its own
/// meanwhile.
pub(super) fn of_command(command: &str, time_max: Duration) -> Result<Password, String> {
    let cannot = |error: io::Error| format!("cannot run the password command: {error}");
    let mut sh = Command::new("sh");
    let child = sh.args(["-c", command]).stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0).spawn();
    let mut child = child.map_err(cannot)?;
    let group = Pid::from_raw(child.id().cast_signed());
    let foreground = Foreground::give(group);
    let until = Instant::now() + time_max;
    let outcome = first_line_of(&mut child, until);
    if !matches!(outcome, Ok(Some(_))) {
        // Nothing of it may be left.
        let _ = killpg(group, Signal::SIGKILL);
        let _ = child.wait();
    }
    drop(foreground);
    match outcome.map_err(cannot)? {
        Some((password, status)) if status.success() => Ok(password),
        Some((_, status)) => Err(format!("the password command failed: {status}")),
        None => Err(format!("the password command was not done after {} s", time_max.as_secs_f64())),
    }
}

/// The terminal, while others have it.
struct Foreground {
    terminal: File,
    ours: Pid,
}

impl Foreground {
    /// Gives the terminal to a group of processes, if there is one and it is ours.
    fn give(group: Pid) -> Option<Self> {
        let terminal = File::open("/dev/tty").ok()?;
        let ours = getpgrp();
        tcgetpgrp(&terminal).ok().filter(|has_it| *has_it == ours)?;
        tcsetpgrp(&terminal, group).ok()?;
        // It may have read too early, and been stopped for that.
        let _ = killpg(group, Signal::SIGCONT);
        Some(Self { terminal, ours })
    }
}

impl Drop for Foreground {
    fn drop(&mut self) {
        // Whoever takes the terminal from the background is stopped, unless this signal waits.
        let mut signals = SigSet::empty();
        signals.add(Signal::SIGTTOU);
        let Ok(before) = signals.thread_swap_mask(SigmaskHow::SIG_BLOCK) else { return };
        let _ = tcsetpgrp(&self.terminal, self.ours);
        let _ = before.thread_set_mask();
    }
}

/// What it has written, and how it ended. None if it takes too long.
fn first_line_of(child: &mut Child, until: Instant) -> io::Result<Option<(Password, ExitStatus)>> {
    let mut output = child.stdout.take().expect("it is piped");
    let (sender, read) = sync_channel(1);
    // Nothing else ends a read that waits for what the command has started.
    thread::Builder::new().name("password".into()).spawn(move || {
        let password = Password::first_line(&mut output);
        // It may have more to say, and must not wait for somebody to read it.
        let password = password.and_then(|password| io::copy(&mut output, &mut io::sink()).map(|_| password));
        // Nobody may wait for it any more.
        let _ = sender.send(password);
    })?;
    let password = match read.recv_timeout(until.saturating_duration_since(Instant::now())) {
        Ok(password) => password?,
        Err(RecvTimeoutError::Timeout) => return Ok(None),
        Err(RecvTimeoutError::Disconnected) => return Err(io::Error::other("its output cannot be read")),
    };
    Ok(end_of(child, until)?.map(|status| (password, status)))
}

/// How it ended; none if it does not.
#[expect(clippy::disallowed_methods, reason = "the system tells of the end of a program, but not within a time")]
fn end_of(child: &mut Child, until: Instant) -> io::Result<Option<ExitStatus>> {
    loop {
        let status = child.try_wait()?;
        if status.is_some() || Instant::now() >= until {
            return Ok(status);
        }
        thread::sleep(LOOK_AGAIN_AFTER);
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use nix::sys::stat::Mode;
    use nix::unistd::{geteuid, mkfifo};

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_password_file_is_a_file_of_ours_that_nobody_else_can_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, "opensesame\n").unwrap();
        let mode = |mode| fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        for (bits, is_right) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o602, false)] {
            mode(bits);
            let read = of_file(&path);
            assert_eq!(read.is_ok(), is_right, "{bits:o}");
            if let Err(told) = read {
                assert!(told.contains(": chmod 600 ") && !told.contains("opensesame"), "{told}");
            }
        }
        mode(0o600);
        let link = folder.path().join("link");
        symlink(&path, &link).unwrap();
        assert_eq!(
            of_file(&link),
            Ok(Password::typed("opensesame")),
            "where secrets are put by a machine, links are usual"
        );
        if geteuid().is_root() {
            chown(&path, Some(12_345), None).unwrap();
            assert!(of_file(&path).unwrap_err().ends_with("it belongs to the user 12345, not to you"));
        }
        let pipe = folder.path().join("pipe");
        mkfifo(&pipe, Mode::from_bits_truncate(0o600)).unwrap();
        assert!(of_file(&pipe).unwrap_err().ends_with("is no regular file"));
    }

    #[test]
    fn a_command_that_takes_too_long_is_ended() {
        let short = Duration::from_millis(50);
        // The second closes its output, and the third leaves it to somebody else.
        for command in
            ["echo opensesame; exec sleep 60", "echo opensesame; exec >&-; exec sleep 60", "sleep 5 & exit 0"]
        {
            let begun = Instant::now();
            let told = of_command(command, short).unwrap_err();
            assert_eq!(told, "the password command was not done after 0.05 s");
            assert!(begun.elapsed() < LONG / 2, "{command}");
        }
        assert_eq!(of_command("echo opensesame", LONG), Ok(Password::typed("opensesame")));
    }

    #[test]
    fn what_a_command_has_started_is_ended_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        mkfifo(&pipe, Mode::from_bits_truncate(0o600)).unwrap();
        // It has the pipe for as long as it lives.
        let command = format!("sleep 60 > '{}' & wait", pipe.display());
        let (sender, ended) = sync_channel(1);
        thread::spawn(move || {
            let mut opened = File::open(&pipe).unwrap();
            sender.send(io::copy(&mut opened, &mut io::sink())).unwrap();
        });
        of_command(&command, Duration::from_secs(1)).unwrap_err();
        assert_eq!(ended.recv_timeout(LONG / 2).expect("it is ended").unwrap(), 0);
    }
}
