//! The real programs, started and watched by a test. Nothing here waits for a time: a deadline only makes a test
//! fail that would hang.

#![allow(dead_code, reason = "each test file uses another part of it")]

pub(crate) mod proxy;

use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use chatcore_client::{Connection, Endpoint};
use tempfile::TempDir;

/// After which a test fails that waits for something.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Where nobody listens, and nobody is going to: no program is given this port unless it asks for it, and is allowed
/// to.
pub(crate) const NOWHERE: &str = "127.0.0.1:1";

const CLIENT: &str = env!("CARGO_BIN_EXE_chatcore-client");

/// The variables that the tests hand on: where other programs are, where files for a moment go, and where a measurement
/// of what the tests reach writes.
const HANDED_ON: [&str; 3] = ["PATH", "TMPDIR", "LLVM_PROFILE_FILE"];

/// What the tests say instead of whoever runs them: nothing is configured, and nobody has a home.
const SAID: [(&str, &str); 3] = [("HOME", "/nonexistent"), ("XDG_CONFIG_HOME", "/nonexistent"), ("TZ", "UTC")];

/// All variables of a program that a test starts, so that what surrounds the tests does not change it.
pub(crate) fn environment() -> impl Iterator<Item = (OsString, OsString)> {
    let handed_on = HANDED_ON.iter().filter_map(|name| Some((name.into(), env::var_os(name)?)));
    handed_on.chain(SAID.map(|(name, value)| (name.into(), value.into())))
}

/// The server program, built if it is not. Cargo builds for a test only the programs of its own package.
fn server_program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let profile_dir = Path::new(CLIENT).parent().expect("a program lies in a folder");
        let profile = match profile_dir.file_name().and_then(|name| name.to_str()) {
            Some("debug") | None => "dev",
            Some(other) => other,
        };
        let target_dir = profile_dir.parent().expect("profiles lie in the target folder");
        let mut cargo = Command::new(env!("CARGO"));
        // Cargo tells the test of its own package. Scripts of dependencies that look at it would run again, and all
        // that stands on them would be built anew.
        for (variable, _) in env::vars_os() {
            if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|of| variable.as_encoded_bytes().starts_with(of.as_bytes()))
            {
                cargo.env_remove(variable);
            }
        }
        let built = cargo
            .args(["build", "--quiet", "--package", "chatcore-server", "--bin", "chatcore-server"])
            .args(["--profile", profile, "--manifest-path"])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml"))
            .env("CARGO_TARGET_DIR", target_dir)
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the server does not build");
        profile_dir.join("chatcore-server")
    })
}

fn spawn(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env_clear().envs(environment()).spawn().expect("the program starts")
}

/// A program whose lines of output are read as they come.
pub(crate) struct Program {
    child: Child,
    pub(crate) stdin: Option<ChildStdin>,
    stdout: Receiver<Vec<u8>>,
    stderr: Receiver<Vec<u8>>,
}

impl Program {
    fn start(command: &mut Command) -> Self {
        let mut child = spawn(command);
        let stdout = lines(child.stdout.take().expect("it is piped"));
        let stderr = lines(child.stderr.take().expect("it is piped"));
        Self { stdin: child.stdin.take(), child, stdout, stderr }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line of its output.
    pub(crate) fn line(&self) -> String {
        let line = self.stdout.recv_timeout(PATIENCE).unwrap_or_else(|error| {
            let stderr: Vec<_> =
                self.stderr.try_iter().map(|line| String::from_utf8_lossy(&line).into_owned()).collect();
            panic!("no line came: {error}; on its standard error: {stderr:?}")
        });
        String::from_utf8(line).expect("the output is UTF-8")
    }

    /// The next line, which must be this, whatever the id and the time in it.
    #[track_caller]
    pub(crate) fn expect(&self, line: &str) {
        assert_eq!(timeless(&self.line()), line);
    }

    /// The next line as JSON.
    pub(crate) fn event(&self) -> serde_json::Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    /// All lines that are left, and what it says on standard error, when it has ended.
    pub(crate) fn end(mut self) -> (ExitStatus, Vec<String>, Vec<String>) {
        drop(self.stdin.take());
        let rest = |lines: &Receiver<Vec<u8>>| {
            let mut rest = Vec::new();
            loop {
                match lines.recv_timeout(PATIENCE) {
                    Ok(line) => rest.push(String::from_utf8(line).expect("the output is UTF-8")),
                    Err(RecvTimeoutError::Disconnected) => return rest,
                    Err(RecvTimeoutError::Timeout) => panic!("the program does not end; it said {rest:?}"),
                }
            }
        };
        let (stdout, stderr) = (rest(&self.stdout), rest(&self.stderr));
        let status = self.child.wait().expect("it can be waited for");
        (status, stdout, stderr)
    }

    pub(crate) fn write(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("its input is open");
        stdin.write_all(text.as_bytes()).and_then(|()| stdin.flush()).expect("it reads its input");
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").arg(format!("-{signal}")).arg(self.id().to_string()).status();
        assert!(sent.expect("kill runs").success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a program exits with, when it has ended; none if a signal has killed it.
pub(crate) fn exit_code(mut child: Child) -> Option<i32> {
    let pid = child.id().to_string();
    let (sender, ended) = channel();
    let waiting = thread::spawn(move || sender.send(child.wait()));
    let status = ended.recv_timeout(PATIENCE);
    if status.is_err() {
        let _ = Command::new("kill").args(["-KILL", &pid]).status();
    }
    let _ = waiting.join();
    status.expect("the program ends").expect("it can be waited for").code()
}

fn lines(reader: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut reader = BufReader::new(reader);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            if line.last() == Some(&b'\n') {
                line.pop();
            }
            if sender.send(std::mem::take(&mut line)).is_err() {
                return;
            }
        }
    });
    receiver
}

/// A line of JSON without the ids and times, which differ from run to run.
pub(crate) fn timeless(line: &str) -> String {
    let mut left = line.to_owned();
    for (before, end) in [(r#","id":""#, "\""), (r#","time":"#, "")] {
        while let Some(start) = left.find(before) {
            let rest = &left[start + before.len()..];
            let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            left = format!("{}{}", &left[..start], after.strip_prefix(end).expect("a number"));
        }
    }
    left
}

/// A running server, where it listens, and where its clients keep their sessions.
pub(crate) struct Server {
    pub(crate) program: Program,
    pub(crate) address: String,
    pub(crate) state: TempDir,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(args: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().expect("there is room for a folder"), args)
    }

    /// A server whose users have these passwords.
    pub(crate) fn with_passwords(users: &[(&str, &str)], args: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let file = folder.path().join("passwords");
        for (name, password) in users {
            let mut add = Command::new(server_program());
            let mut add = spawn(add.args(["password", "add", name, "--password-file"]).arg(&file));
            add.stdin.take().expect("it is piped").write_all(password.as_bytes()).expect("it reads its input");
            assert!(add.wait().expect("it can be waited for").success(), "{name} has a password");
        }
        let file = file.to_str().expect("it is text");
        Self::start_in(folder, &[&["--password-file", file], args].concat())
    }

    fn start_in(state: TempDir, args: &[&str]) -> Self {
        let program = Program::start(Command::new(server_program()).args(["--listen", "127.0.0.1:0"]).args(args));
        Self::of(program, state)
    }

    /// A server that listens where these arguments say: the address is the first one.
    pub(crate) fn listening(args: &[&str]) -> Self {
        let state = tempfile::tempdir().expect("there is room for a folder");
        Self::of(Program::start(Command::new(server_program()).args(args)), state)
    }

    fn of(program: Program, state: TempDir) -> Self {
        let line = program.line();
        let listens = line.strip_prefix("listening on ").and_then(|rest| rest.split_once(' '));
        let address = match listens.expect("it says where it listens") {
            ("tcp", address) => address.to_owned(),
            (scheme, address) => format!("{scheme}://{address}"),
        };
        Self { program, address, state }
    }

    /// Where it listens, for the library.
    pub(crate) fn endpoint(&self) -> Endpoint {
        self.address.parse().expect("it is an address")
    }

    /// A client with these arguments, besides where to connect.
    pub(crate) fn client(&self, args: &[&str]) -> Program {
        self.client_at(&self.address, args)
    }

    /// As [`Server::client`], by way of another address.
    pub(crate) fn client_at(&self, address: &str, args: &[&str]) -> Program {
        let mut command = Command::new(CLIENT);
        command.arg("--state-dir").arg(self.state.path());
        Program::start(command.args(["--connect", address]).args(args))
    }

    /// A client that a shell starts after it has done something.
    pub(crate) fn client_after(&self, shell: &str, args: &[&str]) -> Program {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{shell}; exec \"$@\""), "sh", CLIENT, "--connect", &self.address]);
        Program::start(command.arg("--state-dir").arg(self.state.path()).args(args))
    }

    /// A client whose output nobody reads.
    pub(crate) fn unread_client(&self, args: &[&str]) -> Child {
        self.unread_client_at(&self.address, args)
    }

    /// As [`Server::unread_client`], by way of another address.
    pub(crate) fn unread_client_at(&self, address: &str, args: &[&str]) -> Child {
        let mut command = Command::new(CLIENT);
        command.arg("--state-dir").arg(self.state.path());
        spawn(command.args(["--connect", address]).args(args))
    }

    /// A user by way of the library.
    pub(crate) fn user(&self, name: &str) -> Connection {
        let mut connection = Connection::connect(&self.address, PATIENCE).expect("the server listens");
        connection.register(name, PATIENCE).expect("the name is free");
        connection
    }

    /// A client that writes JSON and has its name.
    pub(crate) fn json(&self, name: &str, args: &[&str]) -> Program {
        let client = self.client(&[&["--json", "--name", name], args].concat());
        client.expect(&format!(r#"{{"event":"registered","name":"{name}"}}"#));
        client
    }
}

/// An address of this machine in a network, if it has one. Nothing is sent.
pub(crate) fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    socket.local_addr().ok().map(|address| address.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

/// A client that keeps nothing.
pub(crate) fn client(args: &[&str]) -> Program {
    Program::start(Command::new(CLIENT).arg("--no-state").args(args))
}

/// A client that keeps its session where the arguments say.
pub(crate) fn client_keeping(args: &[&str]) -> Program {
    Program::start(Command::new(CLIENT).args(args))
}

/// Runs a client to its end on a file with this input.
pub(crate) fn run_on_file(args: &[&str], input: &str) -> (i32, Vec<String>, Vec<String>) {
    let mut file = tempfile::NamedTempFile::new().expect("there is room for a file");
    file.write_all(input.as_bytes()).expect("there is room for the input");
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec \"$@\" < \"$0\""]).arg(file.path()).args([CLIENT, "--no-state"]);
    let (status, stdout, stderr) = Program::start(shell.args(args)).end();
    (status.code().expect("it was not killed"), stdout, stderr)
}

/// Runs a client to its end on this input.
pub(crate) fn run(args: &[&str], input: &str) -> (i32, Vec<String>, Vec<String>) {
    let mut program = client(args);
    // It may end without having read everything.
    let _ = program.stdin.as_mut().expect("its input is open").write_all(input.as_bytes());
    let (status, stdout, stderr) = program.end();
    (status.code().expect("it was not killed"), stdout, stderr)
}
