//! System calls of a running process, as perf(1) counts them.

use std::io::{self, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running count of a process's calls to read and to write.
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
