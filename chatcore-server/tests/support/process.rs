//! A server as a process of its own.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Instant;

use super::PATIENCE;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_chatcore-server");

pub(crate) struct Server {
    child: Child,
    pub(crate) addresses: Vec<SocketAddr>,
    /// What it says on its standard output after that.
    said: Option<Receiver<String>>,
    lines: Receiver<String>,
    /// The log so far.
    log: Vec<String>,
}

impl Server {
    /// A server on a free port of this machine.
    pub(crate) fn start(flags: &[&str]) -> Self {
        Self::listening(1, Command::new(PROGRAM).args(["--listen", "127.0.0.1:0"]).args(flags))
    }

    /// The same, with an input.
    pub(crate) fn start_with_input(stdin: impl Into<Stdio>) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut server = Self::spawn_with_input(stdin, &mut command);
        server.take_addresses(1);
        server
    }

    /// The same, after a command of the shell that changes the limits of the process.
    pub(crate) fn start_under(limits: &str, flags: &[&str]) -> Self {
        let script = format!(r#"{limits}; exec "$0" "$@""#);
        let mut command = Command::new("sh");
        command.args(["-c", &script, PROGRAM, "--listen", "127.0.0.1:0"]).args(flags);
        Self::listening(1, &mut command)
    }

    /// Starts a server and waits until it has said where it listens.
    pub(crate) fn listening(count: usize, command: &mut Command) -> Self {
        let mut server = Self::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
        server.take_addresses(count);
        server
    }

    /// Starts a server whose outputs go where the command says.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        Self::spawn_with_input(Stdio::null(), command)
    }

    fn spawn_with_input(stdin: impl Into<Stdio>, command: &mut Command) -> Self {
        let mut child = command.env_remove("RUST_LOG").stdin(stdin).spawn().expect("the server starts");
        let lines = child.stderr.take().map_or_else(|| mpsc::channel().1, lines);
        Self { child, addresses: Vec::new(), said: None, lines, log: Vec::new() }
    }

    /// Waits until the server has said where it listens.
    pub(crate) fn take_addresses(&mut self, count: usize) {
        let stdout = lines(self.child.stdout.take().expect("stdout is piped"));
        self.addresses.extend((0..count).map(|_| {
            let line = stdout.recv_timeout(PATIENCE).expect("the server says where it listens");
            let (_, address) = line.strip_prefix("listening on ").and_then(|rest| rest.split_once(' ')).expect(&line);
            address.parse::<SocketAddr>().expect(address)
        }));
        self.said = Some(stdout);
    }

    /// The next line on its standard output after the addresses that were taken.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        let said = self.said.as_ref().expect("its addresses are taken");
        said.recv_timeout(PATIENCE).expect("the server says more")
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// Waits for a line of the log that holds all of these words, and returns the first. What was logged
    /// before counts as well.
    #[track_caller]
    pub(crate) fn logged(&mut self, words: &[&str]) -> String {
        let by = Instant::now() + PATIENCE;
        let holds_all = |line: &&String| words.iter().all(|word| line.contains(word));
        loop {
            if let Some(line) = self.log.iter().find(holds_all) {
                return line.clone();
            }
            match self.lines.recv_timeout(by.saturating_duration_since(Instant::now())) {
                Ok(line) => self.log.push(line),
                Err(error) => panic!("nothing with {words:?} in the log ({error}):\n{}", self.log.join("\n")),
            }
        }
    }

    /// Lines of the log until now that hold all of these words.
    pub(crate) fn count_logged(&mut self, words: &[&str]) -> usize {
        self.log.extend(self.lines.try_iter());
        self.log.iter().filter(|line| words.iter().all(|word| line.contains(word))).count()
    }

    /// Lines of the log until now that hold all of these words.
    pub(crate) fn lines_logged(&mut self, words: &[&str]) -> impl Iterator<Item = String> {
        self.log.extend(self.lines.try_iter());
        self.log.iter().filter(|line| words.iter().all(|word| line.contains(word))).cloned()
    }

    /// Sends a signal, as `kill` names it.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(status.expect("kill runs").success(), "the server is there to get a signal");
    }

    /// Waits for the end of the process.
    #[track_caller]
    pub(crate) fn exit_status(&mut self) -> ExitStatus {
        // The log ends when the process does.
        let by = Instant::now() + PATIENCE;
        while let Ok(line) = self.lines.recv_timeout(by.saturating_duration_since(Instant::now())) {
            self.log.push(line);
        }
        assert!(Instant::now() < by, "the server does not end:\n{}", self.log.join("\n"));
        self.child.wait().expect("it is our child")
    }

    #[track_caller]
    pub(crate) fn assert_running(&mut self) {
        assert_eq!(self.child.try_wait().expect("it is our child"), None, "the server has ended");
    }

    /// Processor time used until now, in ticks of a hundredth of a second.
    pub(crate) fn cpu_ticks(&self) -> u64 {
        let stat = self.proc("stat");
        // proc(5): fields 14 and 15, counted from the program's name, which is the second and in parentheses.
        let (_, fields) = stat.rsplit_once(") ").expect("the name ends");
        let ticks = |field: usize| fields.split(' ').nth(field - 3).and_then(|n| n.parse::<u64>().ok());
        ticks(14).expect("user time") + ticks(15).expect("system time")
    }

    /// Memory in use, in bytes.
    pub(crate) fn resident_bytes(&self) -> u64 {
        self.status("VmRSS") << 10
    }

    /// Descriptors that it may have: the soft limit, and the hard one.
    pub(crate) fn descriptors_max(&self) -> [u64; 2] {
        let limits = self.proc("limits");
        let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).expect("it is limited");
        let mut numbers = line.split_whitespace().map(|number| number.parse().expect(line));
        [(); 2].map(|()| numbers.next().expect(line))
    }

    /// How often the event loop has gone to sleep until now.
    pub(crate) fn sleeps(&self) -> u64 {
        self.status("voluntary_ctxt_switches")
    }

    fn status(&self, name: &str) -> u64 {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).expect(name);
        line.split_whitespace().next().and_then(|number| number.parse().ok()).expect(name)
    }

    fn proc(&self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).expect("the server runs, on Linux")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Either may fail if it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a stream as they come, read by a thread so that the writer never waits.
fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || BufReader::new(stream).lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    receiver
}
