//! What the system tells of a running process (proc(5)).

use std::fs;
use std::io::{self, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use super::{Failure, Result};

/// Processor time that all threads of a process have used, in microseconds.
pub(crate) fn cpu_us(pid: u32) -> Result<f64> {
    let mut nanoseconds = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end while we look.
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
        let first = text.split_whitespace().next().and_then(|word| word.parse::<u64>().ok());
        nanoseconds += first.ok_or_else(|| Failure::new("schedstat has changed its form"))?;
    }
    Ok(nanoseconds as f64 / 1e3)
}

/// Resident memory of a process, in KiB.
pub(crate) fn resident_kib(pid: u32) -> Result<f64> {
    kib(&format!("/proc/{pid}/status"), "VmRSS:")
}

/// What the kernel keeps for itself, the memory of sockets included, in KiB: for both ends of all connections.
pub(crate) fn kernel_kib() -> Result<f64> {
    let sockstat = fs::read_to_string("/proc/net/sockstat")?;
    let tcp = sockstat.lines().find(|line| line.starts_with("TCP:")).unwrap_or_default();
    let pages = tcp.split_whitespace().skip_while(|word| *word != "mem").nth(1);
    let pages: f64 = pages.and_then(|word| word.parse().ok()).unwrap_or_default();
    Ok(kib("/proc/meminfo", "Slab:")? + 4.0 * pages)
}

fn kib(file: &str, field: &str) -> Result<f64> {
    let text = fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let word = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    word.ok_or_else(|| Failure::new(format_args!("{file} has no field {field}")))
}

/// Binds this process to a processor; what it starts from now on inherits that.
pub(crate) fn pin(cpu: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu).map_err(std::io::Error::from)?;
    sched_setaffinity(Pid::from_raw(0), &set)
        .map_err(|error| Failure::new(format_args!("cannot bind to processor {cpu}: {error}")))
}

/// The processors that this process may use.
pub(crate) fn cpus() -> Result<Vec<usize>> {
    let set = sched_getaffinity(Pid::from_raw(0)).map_err(std::io::Error::from)?;
    Ok((0..CpuSet::count()).filter(|cpu| set.is_set(*cpu).unwrap_or(false)).collect())
}

/// Counts a process's calls to read and to write, if perf(1) is there and may.
pub(crate) struct CallCount(Child);

/// Calls in some time.
#[derive(Debug, PartialEq)]
pub(crate) struct Calls {
    pub(crate) reads: f64,
    pub(crate) writes: f64,
}

const READS: [&str; 4] = ["read", "readv", "recvfrom", "recvmsg"];
const WRITES: [&str; 4] = ["write", "writev", "sendto", "sendmsg"];

impl CallCount {
    /// Counts from now on, for twice this time at the most; none if that is not possible here.
    pub(crate) fn start(pid: u32, time: Duration) -> Option<Self> {
        let events: Vec<String> =
            READS.iter().chain(&WRITES).map(|call| format!("syscalls:sys_enter_{call}")).collect();
        // It begins and ends counting when its standard input says so, and answers on its standard output.
        let perf = Command::new("perf")
            .args(["stat", "--delay=-1", "--control=fd:0,1", "-x", ",", "-p", &pid.to_string()])
            .args(["-e", &events.join(","), "--", "sleep"])
            .arg((2 * time).as_secs_f64().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut count = Self(perf.ok()?);
        count.tell("enable\n").is_ok().then_some(count)
    }

    /// What was counted.
    pub(crate) fn finish(mut self) -> Option<Calls> {
        self.tell("disable\n").ok()?;
        let output = self.0.wait_with_output().ok()?;
        Calls::read(&String::from_utf8_lossy(&output.stderr))
    }

    /// Gives a command, and waits until it is done.
    fn tell(&mut self, command: &str) -> io::Result<()> {
        let (Some(input), Some(output)) = (&mut self.0.stdin, &mut self.0.stdout) else {
            unreachable!("both are pipes")
        };
        input.write_all(command.as_bytes())?;
        output.read_exact(&mut [0; "ack\n".len()])
    }
}

impl Calls {
    /// Reads what perf says; none if it could not count.
    fn read(text: &str) -> Option<Self> {
        let mut calls = Self { reads: 0.0, writes: 0.0 };
        for line in text.lines() {
            // Count, unit, event, …
            let fields: Vec<&str> = line.split(',').collect();
            let [count, _, event, ..] = fields[..] else { continue };
            let call = event.strip_prefix("syscalls:sys_enter_")?;
            // A call that was never made was not even counted.
            let Ok(count) = count.parse::<f64>() else { continue };
            *(if READS.contains(&call) { &mut calls.reads } else { &mut calls.writes }) += count;
        }
        (calls.reads > 0.0 && calls.writes > 0.0).then_some(calls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_perf_counted_is_read() {
        let said = "10,,syscalls:sys_enter_read,250000000,100.00,,\n\
                    5,,syscalls:sys_enter_recvfrom,250000000,100.00,,\n\
                    <not counted>,,syscalls:sys_enter_readv,0,100.00,,\n\
                    7,,syscalls:sys_enter_sendmsg,249000000,100.00,,\n";
        assert_eq!(Calls::read(said), Some(Calls { reads: 15.0, writes: 7.0 }));
        assert_eq!(Calls::read("perf: permission denied\n"), None);
    }
}
