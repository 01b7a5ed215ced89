//! A server process: how it starts and ends, and what the system tells of it (proc(5)).

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::{Failure, Result};
use crate::machine::{Cpus, field_kib, pin};

/// How long a server may take until it listens.
const START_TIME_MAX: Duration = Duration::from_secs(10);

/// A server that runs. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts a server on the processor that is meant for it, and waits until it listens on `address`, as the command
    /// tells it to. `name` is what a failure calls it.
    pub(crate) fn start(command: Command, name: &str, address: SocketAddr, cpus: Cpus) -> Result<Self> {
        Self::start_logging(command, Stdio::null(), name, address, cpus)
    }

    /// The same, with a place for what the server logs.
    #[expect(clippy::disallowed_methods, reason = "that another program listens is no event that one can wait for")]
    pub(crate) fn start_logging(
        mut command: Command,
        log: Stdio,
        name: &str,
        address: SocketAddr,
        cpus: Cpus,
    ) -> Result<Self> {
        // A process inherits where it may run.
        pin(cpus.server)?;
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        pin(cpus.load)?;
        let child = child.map_err(|error| {
            Failure::new(format_args!("{} does not start: {error}", command.get_program().display()))
        })?;
        let mut process = Self { child };
        let deadline = Instant::now() + START_TIME_MAX;
        while TcpStream::connect(address).is_err() {
            if let Some(status) = process.child.try_wait()? {
                return Err(Failure::new(format_args!("{name} has ended at its start: {status}")));
            }
            if Instant::now() > deadline {
                return Err(Failure::new(format_args!("{name} does not listen on {address}")));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(process)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Processor time that all its threads have used, in microseconds.
    pub(crate) fn cpu_us(&self) -> Result<f64> {
        let mut nanoseconds = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.pid()))? {
            // A thread may end between the two reads.
            let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
            let first = text.split_whitespace().next().and_then(|word| word.parse::<u64>().ok());
            nanoseconds += first.ok_or_else(|| Failure::new("schedstat has changed its form"))?;
        }
        Ok(nanoseconds as f64 / 1e3)
    }

    /// Its resident memory, in KiB.
    pub(crate) fn resident_kib(&self) -> Result<f64> {
        field_kib(&format!("/proc/{}/status", self.pid()), "VmRSS:")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It fails if the process has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A loopback address on which nobody listens. Another program may take it before it is used; then the start fails.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
