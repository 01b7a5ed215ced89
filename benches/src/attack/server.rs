//! The server that is attacked: how it is started, and what surrounds it.

use std::fs;
use std::io::{self, PipeReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use nix::fcntl::{FcntlArg, fcntl};
use tempfile::TempDir;

use super::options::Options;
use super::scenario::{Scenario, Surroundings, guarded};
use crate::failure::Result;
use crate::machine::Cpus;
use crate::over::Dialer;
use crate::process::{Process, free_address};

/// What stands for a password in the file: nobody's, at the cost that `argon2` 0.6 has by itself.
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$Y2hhdGNvcmUtYmVuY2g$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A server that runs. Its files are there as long as this is.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) process: Process,
    pub(super) dialer: Dialer,
    pub(super) surroundings: Kept,
}

/// What must not be gone before the server is.
#[derive(Debug)]
pub(super) struct Kept {
    _folder: TempDir,
    /// The end of its log from which nobody reads.
    _log: Option<PipeReader>,
}

impl Server {
    pub(super) fn start(program: &Path, scenario: &Scenario, cpus: Cpus, options: &Options) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let dialer = Dialer::new(options.over, free_address()?)?;
        let mut command = match scenario.surroundings {
            Surroundings::Files(most) => limited(program, most),
            _ => Command::new(program),
        };
        // Whoever comes from this machine counts as a stranger does.
        command.args(dialer.server_args(folder.path())?).args(["--uncounted-origin", "none"]);
        let is_logging = scenario.surroundings == Surroundings::FullLog;
        command.args(["--log", if is_logging { "info" } else { "warn" }]);
        let log = is_logging.then(full_pipe).transpose()?;
        let (log, stderr) = log.map_or((None, Stdio::null()), |(reader, stderr)| (Some(reader), stderr));
        if let Surroundings::Passwords(users) = scenario.surroundings {
            let file = folder.path().join("passwords");
            let lines = (0..users).map(|user| format!("{}:{HASH}\n", guarded(user))).collect::<Vec<_>>().concat();
            fs::write(&file, lines)?;
            command.arg("--password-file").arg(file);
        }
        command.args(&options.server_arg);
        // What is asked for on the command line takes precedence.
        let is_asked_for = |limit: &[&str]| options.server_arg.iter().any(|arg| arg.starts_with(limit[0]));
        for limit in scenario.server_args.chunks(2).filter(|limit| !is_asked_for(limit)) {
            command.args(limit);
        }
        let process = Process::start_logging(command, stderr, &program.display().to_string(), dialer.address, cpus)?;
        Ok(Self { process, dialer, surroundings: Kept { _folder: folder, _log: log } })
    }
}

/// Starts a program that may have so many files open, and no more later on.
fn limited(program: &Path, files: u32) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", r#"ulimit -n "$0" && exec "$@""#, &files.to_string()]).arg(program);
    command
}

/// A pipe into which nothing more goes, and its end from which nobody reads.
fn full_pipe() -> io::Result<(PipeReader, Stdio)> {
    let (reader, mut writer) = io::pipe()?;
    let bytes = fcntl(&writer, FcntlArg::F_GETPIPE_SZ)?;
    writer.write_all(&vec![b'\n'; usize::try_from(bytes).unwrap_or_default()])?;
    Ok((reader, writer.into()))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn a_program_gets_no_more_files_than_it_may() {
        let mut command = limited(Path::new("sh"), 123);
        let output = command.args(["-c", "ulimit -Sn; ulimit -Hn"]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "123\n123\n", "{output:?}");
    }

    #[test]
    fn a_full_pipe_holds_all_that_it_can() {
        let (mut reader, stdio) = full_pipe().unwrap();
        let capacity = fcntl(&reader, FcntlArg::F_GETPIPE_SZ).unwrap();
        drop(stdio);
        let mut held = Vec::new();
        reader.read_to_end(&mut held).unwrap();
        assert_eq!(held.len(), usize::try_from(capacity).unwrap());
        assert!(capacity > 0);
    }
}
