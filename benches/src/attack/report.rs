//! What came out of an attack, as a row of a table, and whether the goals are reached.

use std::fmt;

use crate::failure::{Failure, Result};
use crate::latencies::Latencies;
use crate::machine::field_kib;
use crate::process::Process;

/// Each fair message takes less, during an attack and after it.
const MAX_MS: f64 = 100.0;

/// The 99th percentile during an attack may be this many times the one before it, or so much above that.
const P99_FACTOR: f64 = 2.0;
const P99_ABOVE_MS: f64 = 5.0;

/// What one attack did.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) attack: &'static str,
    pub(crate) connections: usize,
    pub(crate) before: Spread,
    pub(crate) during: Spread,
    pub(crate) after: Spread,
    /// How late the fair users themselves sent, in milliseconds: the 99th percentile of the attack or of the time after
    /// it, whichever is worse.
    pub(crate) late_p99: f64,
    /// Messages of fair users that never arrived.
    pub(crate) lost: u64,
    /// And those that came twice or out of order.
    pub(crate) doubled: u64,
    /// Fair users and bystanders whose sessions ended, and why.
    pub(crate) ended: Vec<String>,
    /// Of the server: at the end of each phase.
    pub(crate) memory: [Memory; 3],
    /// What it may be.
    pub(crate) memory_max_mib: u64,
    /// What the attackers wrote.
    pub(crate) written_bytes: u64,
    /// Connections that they made during the attack.
    pub(crate) made: u64,
    /// Why the server did not see the end of it.
    pub(crate) server_ended: Option<&'static str>,
}

/// Latencies of fair messages, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Spread {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

/// Memory of the server.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) resident_kib: f64,
    pub(crate) peak_kib: f64,
}

/// A goal that was missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Miss {
    P99,
    Max,
    Ended,
    Lost,
    Memory,
    Server,
}

impl Spread {
    pub(crate) fn of(latencies: &Latencies) -> Self {
        let ms = |share| latencies.quantile_us(share) / 1e3;
        Self { p50: ms(0.5), p99: ms(0.99), max: ms(1.0) }
    }
}

impl Memory {
    /// What a process uses now, and has used at the most.
    pub(crate) fn of(process: &Process) -> Result<Self> {
        let status = format!("/proc/{}/status", process.pid());
        Ok(Self { resident_kib: process.resident_kib()?, peak_kib: field_kib(&status, "VmHWM:")? })
    }
}

impl Outcome {
    /// Which goals it missed.
    pub(crate) fn misses(&self) -> Vec<Miss> {
        let p99_max = (P99_FACTOR * self.before.p99).max(self.before.p99 + P99_ABOVE_MS);
        let goals = [
            (Miss::P99, self.during.p99 > p99_max),
            (Miss::Max, self.during.max.max(self.after.max) >= MAX_MS),
            (Miss::Ended, !self.ended.is_empty()),
            (Miss::Lost, self.lost + self.doubled > 0),
            (Miss::Memory, self.memory.iter().any(|memory| memory.peak_kib > (self.memory_max_mib << 10) as f64)),
            (Miss::Server, self.server_ended.is_some()),
        ];
        goals.into_iter().filter_map(|(miss, is_missed)| is_missed.then_some(miss)).collect()
    }

    /// Its row, with what it is judged as.
    pub(crate) fn row(&self) -> String {
        let [before, during, after] = self.memory;
        let misses: Vec<String> = self.misses().iter().map(ToString::to_string).collect();
        let verdict = if misses.is_empty() { "PASS".to_owned() } else { format!("MISS: {}", misses.join(", ")) };
        format!(
            "| {:<17} | {:>4} | {} | {} | {} | {:>5} | {:>6} | {:>5.0} / {:>5.0} / {:>5.0} | {:>7} | {:>6} | {:>6} | {verdict} |",
            self.attack,
            self.connections,
            self.before,
            self.during,
            self.after,
            self.ended.len(),
            self.lost + self.doubled,
            mib(before.resident_kib),
            mib(during.peak_kib.max(after.peak_kib)),
            mib(after.resident_kib),
            self.written_bytes / 1_000_000,
            self.made,
            ms(self.late_p99),
        )
    }
}

/// The row of an attack that could not be done.
pub(crate) fn failed_row(attack: &str, connections: usize, failure: &Failure) -> String {
    format!("| {attack:<17} | {connections:>4} |{} FAILED: {failure} |", " |".repeat(9))
}

/// The head of the table, for Markdown and for people. Times are in milliseconds.
pub(crate) const HEAD: &str = "\
| attack            | from | before: p50 / p99 / max  | during: p50 / p99 / max  | after: p50 / p99 / max   \
| ended |   lost | MiB: before / peak / after | sent MB |  conns |   late | |
|---|---|---|---|---|---|---|---|---|---|---|---|";

fn mib(kib: f64) -> f64 {
    kib / 1024.0
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>6} / {:>6} / {:>6}", ms(self.p50), ms(self.p99), ms(self.max))
    }
}

fn ms(value: f64) -> String {
    if value < 10.0 { format!("{value:.2}") } else { format!("{value:.0}") }
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P99 => "p99",
            Self::Max => "max",
            Self::Ended => "ended",
            Self::Lost => "lost",
            Self::Memory => "memory",
            Self::Server => "server",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet() -> Outcome {
        let spread = Spread { p50: 0.1, p99: 0.5, max: 1.0 };
        Outcome {
            attack: "none",
            connections: 1,
            before: spread,
            during: spread,
            after: spread,
            late_p99: 1.0,
            lost: 0,
            doubled: 0,
            ended: Vec::new(),
            memory: [Memory { resident_kib: 4096.0, peak_kib: 8192.0 }; 3],
            memory_max_mib: 8,
            written_bytes: 0,
            made: 0,
            server_ended: None,
        }
    }

    #[test]
    fn each_goal_is_missed_by_what_it_forbids() {
        type Change = fn(&mut Outcome);
        let changes: [(Change, &[Miss]); 8] = [
            (|_| {}, &[]),
            (|outcome| outcome.during.p99 = 5.4, &[]),
            (|outcome| outcome.during.p99 = 5.6, &[Miss::P99]),
            (|outcome| outcome.after.max = 100.0, &[Miss::Max]),
            (|outcome| outcome.ended.push("fair1".to_owned()), &[Miss::Ended]),
            (|outcome| outcome.doubled = 1, &[Miss::Lost]),
            (|outcome| outcome.memory[1].peak_kib = 8193.0, &[Miss::Memory]),
            (|outcome| outcome.server_ended = Some("it ended"), &[Miss::Server]),
        ];
        for (change, misses) in changes {
            let mut outcome = quiet();
            change(&mut outcome);
            assert_eq!(outcome.misses(), misses, "{outcome:?}");
        }
    }

    #[test]
    fn twice_a_slow_quiet_time_is_fair() {
        let mut outcome = quiet();
        (outcome.before.p99, outcome.during.p99) = (8.0, 15.9);
        assert_eq!(outcome.misses(), []);
    }

    #[test]
    fn a_row_has_as_many_cells_as_the_head() {
        let cells = |line: &str| line.matches('|').count();
        let mut heads = HEAD.lines();
        assert_eq!(heads.next().map(cells), heads.next().map(cells));
        assert_eq!(HEAD.lines().next().map(cells), Some(cells(&quiet().row())));
        assert_eq!(cells(HEAD.lines().next().unwrap()), cells(&failed_row("none", 1, &Failure::new("why"))));
    }
}
