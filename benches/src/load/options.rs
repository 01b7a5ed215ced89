//! What is measured, and how much of it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;

use super::scenario::Scenario;
use super::target::{SERVERS, Server};
use crate::failure::{Failure, Result};
use crate::machine::{Cpus, cpus};
use crate::over::Over;

/// Drives servers with a load, each in turn, and prints what a message costs them.
///
/// Every round starts each server anew, on loopback. The servers run on one processor, the load on another. A server
/// that is not installed is skipped. A message that is lost or out of order ends everything.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// What they are to do [default: all]
    #[arg(long = "work", value_enum, value_delimiter = ',', value_name = "WORK")]
    pub(crate) scenarios: Vec<Scenario>,

    /// Which servers [default: all over TCP]
    #[arg(long, value_parser = Server::parser(), value_delimiter = ',', value_name = "SERVER")]
    pub(crate) servers: Vec<&'static Server>,

    /// Another build of chatcore-server to run beside; may be given several times
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) beside: Vec<PathBuf>,

    /// An argument more for chatcore-server, and for the builds that run beside it; may be given several times
    #[arg(long = "server-arg", value_name = "ARG", allow_hyphen_values = true)]
    pub(crate) server_args: Vec<OsString>,

    /// Bytes of a message; direct is done with each, the other work with the first
    #[arg(long, value_delimiter = ',', value_name = "BYTES", default_value = "64,16,1024,16384", value_parser = count(12, 60_000))]
    pub(crate) sizes: Vec<usize>,

    /// How many times each server is measured; the table shows medians
    #[arg(long, value_name = "COUNT", default_value = "5", value_parser = count(1, 1000))]
    pub(crate) rounds: usize,

    /// Seconds of each measurement; a quarter of that goes before it, unmeasured
    #[arg(long, value_name = "SECONDS", default_value = "2")]
    pub(crate) seconds: f64,

    /// Users of direct and latency
    #[arg(long, value_name = "COUNT", default_value = "64", value_parser = count(2, 20_000))]
    pub(crate) users: usize,

    /// Messages that each user of direct has under way
    #[arg(long, value_name = "COUNT", default_value = "64", value_parser = count(1, 10_000))]
    pub(crate) outstanding: usize,

    /// Members of the room
    #[arg(long, value_name = "COUNT", default_value = "200", value_parser = count(2, 10_000))]
    pub(crate) members: usize,

    /// Members of the room that send
    #[arg(long, value_name = "COUNT", default_value = "4", value_parser = count(1, 10_000))]
    pub(crate) senders: usize,

    /// Messages that each of them has under way
    #[arg(long, value_name = "COUNT", default_value = "16", value_parser = count(1, 10_000))]
    pub(crate) room_outstanding: usize,

    /// Messages a second of latency
    #[arg(long, value_name = "COUNT", default_value = "50000", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) rate: u32,

    /// Users of idle, many and storm
    #[arg(long, value_name = "COUNT", default_value = "10000", value_parser = count(2, 19_000))]
    pub(crate) crowd: usize,

    /// Messages that each user of many has under way
    #[arg(long, value_name = "COUNT", default_value = "4", value_parser = count(1, 10_000))]
    pub(crate) crowd_outstanding: usize,

    /// The processor of the servers [default: the first]
    #[arg(long, value_name = "NUMBER")]
    server_cpu: Option<usize>,

    /// The processor of the load [default: the last]
    #[arg(long, value_name = "NUMBER")]
    load_cpu: Option<usize>,

    /// Print the figures as JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,

    /// Also draw the figures, as SVG files in this directory
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) plot: Option<PathBuf>,
}

impl Options {
    /// Fills in what depends on the machine and on other options, and refuses what does not fit together.
    pub(crate) fn complete(mut self) -> Result<Self> {
        if self.scenarios.is_empty() {
            self.scenarios = Scenario::ALL.to_vec();
        }
        if self.servers.is_empty() {
            self.servers = SERVERS.into_iter().filter(|server| server.over == Over::Tcp).collect();
        }
        if !(0.01..=3600.0).contains(&self.seconds) {
            return Err(Failure::new("--seconds must be 0.01 to 3600"));
        }
        for (name, users) in [("--users", self.users), ("--crowd", self.crowd)] {
            if users % 2 == 1 {
                return Err(Failure::new(format_args!("{name} is {users}: users come in pairs")));
            }
        }
        if self.senders >= self.members {
            return Err(Failure::new(format_args!("--senders is {}: of --members there must be more", self.senders)));
        }
        let cpus = cpus()?;
        let (first, last) = (*cpus.first().unwrap_or(&0), *cpus.last().unwrap_or(&0));
        self.server_cpu.get_or_insert(first);
        self.load_cpu.get_or_insert(last);
        Ok(self)
    }

    pub(crate) fn cpus(&self) -> Cpus {
        Cpus { server: self.server_cpu.unwrap_or_default(), load: self.load_cpu.unwrap_or_default() }
    }

    /// Users of a scenario.
    pub(crate) const fn users_of(&self, scenario: Scenario) -> usize {
        match scenario {
            Scenario::Direct | Scenario::Latency => self.users,
            Scenario::Room => self.members,
            Scenario::Idle | Scenario::Storm | Scenario::Many => self.crowd,
        }
    }

    /// Messages that each sender of a scenario has under way.
    pub(crate) const fn outstanding_of(&self, scenario: Scenario) -> usize {
        match scenario {
            Scenario::Room => self.room_outstanding,
            Scenario::Many => self.crowd_outstanding,
            _ => self.outstanding,
        }
    }

    /// What exactly happens in a scenario, for people.
    pub(crate) fn describe(&self, scenario: Scenario, body_bytes: usize) -> String {
        let (users, outstanding) = (self.users_of(scenario), self.outstanding_of(scenario));
        let Self { seconds: window, senders, rate, .. } = self;
        match scenario {
            Scenario::Direct | Scenario::Many => {
                format!("{users} users in pairs, {outstanding} messages of {body_bytes} B outstanding each, {window} s")
            }
            Scenario::Room => format!(
                "{users} members, {senders} of them sending, {outstanding} messages of {body_bytes} B outstanding \
                 each, {window} s"
            ),
            Scenario::Latency => format!("{rate} messages of {body_bytes} B a second among {users} users, {window} s"),
            Scenario::Idle => format!("{users} users register and are silent"),
            Scenario::Storm => format!("{users} connections break and come back, with a message unseen on each"),
        }
    }

    /// How long is measured.
    pub(crate) fn window(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    /// How long a scenario runs before it is measured.
    pub(crate) fn warm_up(&self) -> Duration {
        self.window() / 4
    }
}

fn count(min: u64, max: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(min..=max)
}
