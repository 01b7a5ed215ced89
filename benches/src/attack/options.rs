//! Which attacks, how large, and what they may do to others.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;

use super::attacks;
use super::scenario::{Attack, Needs};
use crate::failure::{Failure, Result};
use crate::over::Over;

/// Attacks chatcore-server on loopback, and tells what its other users notice.
///
/// Each attack meets a server of its own, on one processor; attackers and users are on another. Before, during and
/// after it, pairs of fair users send messages at fixed times. Fails if a goal is missed: a 99th percentile of twice
/// the quiet one, or 5 ms above it; 100 ms for each message; nobody else's session ends, nothing is lost, and the
/// server stays within its memory.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Which attacks; see --list [default: all]
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    pub(crate) only: Vec<String>,

    /// What carries the bytes of all connections
    #[arg(long, value_enum, default_value_t, value_name = "TRANSPORT")]
    pub(crate) over: Over,

    /// From how many connections; of attacks with many, from how many addresses
    #[arg(long, value_delimiter = ',', value_name = "COUNT", default_value = "1,10,100", value_parser = count(1, 200))]
    pub(crate) connections: Vec<usize>,

    /// Seconds of each attack [default: 3]
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<f64>,

    /// Seconds before each attack, and after it
    #[arg(long, value_name = "SECONDS", default_value = "1")]
    quiet_seconds: f64,

    /// Pairs of fair users
    #[arg(long, value_name = "COUNT", default_value = "50", value_parser = count(1, 1000))]
    pub(crate) pairs: usize,

    /// Lets the attackers have the address of the fair users, instead of one each
    #[arg(long)]
    pub(crate) same_origin: bool,

    /// MiB that the server may use, at its peak
    #[arg(long, value_name = "MIB", default_value = "1280")]
    pub(crate) memory_max: u64,

    /// The server [default: the one that was built beside this program]
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) server: Option<PathBuf>,

    /// One more argument for the server; may be given several times
    #[arg(long, value_name = "ARGUMENT", allow_hyphen_values = true)]
    pub(crate) server_arg: Vec<String>,

    /// A few attacks from 10 connections, a second each, to see that everything works
    #[arg(long, conflicts_with_all = ["only", "connections"])]
    quick: bool,

    /// Only tells which attacks there are
    #[arg(long)]
    pub(crate) list: bool,
}

/// What is done when there is little time: one of each kind of script.
const QUICK: [&str; 5] = ["send-room", "ping", "names-send", "resume-full", "register-vanish"];

impl Options {
    /// Fills in what depends on other options, and refuses what cannot be.
    pub(crate) fn complete(mut self) -> Result<Self> {
        if self.quick {
            self.only = QUICK.map(str::to_owned).to_vec();
            self.connections = vec![10];
            self.seconds.get_or_insert(1.0);
        }
        for name in &self.only {
            if !attacks::all().any(|attack| attack.name == *name) {
                return Err(Failure::new(format_args!("there is no attack {name:?}: --list tells which there are")));
            }
            if !self.attacks().any(|attack| attack.name == *name) {
                let (over, what) = (self.over, Self::needs_of(name));
                return Err(Failure::new(format_args!(
                    "the attack {name:?} needs {what}, and {over} has none: --over"
                )));
            }
        }
        for (name, seconds) in [("--seconds", self.seconds()), ("--quiet-seconds", self.quiet_seconds)] {
            if !(0.1..=60.0).contains(&seconds) {
                return Err(Failure::new(format_args!("{name} must be 0.1 to 60")));
            }
        }
        Ok(self)
    }

    /// Those that are asked for and can be done over this transport.
    pub(crate) fn attacks(&self) -> impl Iterator<Item = Attack> {
        let is_asked_for = |attack: &Attack| self.only.is_empty() || self.only.iter().any(|name| name == attack.name);
        let is_possible = |attack: &Attack| match (attack.scenario)(1).needs {
            Needs::Nothing => true,
            Needs::Handshake => self.over != Over::Tcp,
            Needs::Tls => self.over.has_tls(),
            Needs::WebSocket => self.over.has_websocket(),
        };
        attacks::all().filter(is_asked_for).filter(is_possible)
    }

    /// What an attack cannot do without, in words.
    fn needs_of(name: &str) -> &'static str {
        let attack = attacks::all().find(|attack| attack.name == name);
        match attack.map(|attack| (attack.scenario)(1).needs) {
            Some(Needs::WebSocket) => "a WebSocket",
            Some(Needs::Tls) => "TLS",
            _ => "a handshake",
        }
    }

    fn seconds(&self) -> f64 {
        self.seconds.unwrap_or(3.0)
    }

    pub(crate) fn time(&self) -> Duration {
        Duration::from_secs_f64(self.seconds())
    }

    pub(crate) fn quiet_time(&self) -> Duration {
        Duration::from_secs_f64(self.quiet_seconds)
    }
}

fn count(min: u64, max: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(min..=max)
}
