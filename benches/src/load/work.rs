//! The work that servers are measured at.

mod closed;
mod idle;
mod latency;
mod storm;

use std::time::Duration;

use super::contestant::{Contestant, Kind, Running};
use super::crowd::Crowd;
use super::dialect::{Chatcore, Dialect, Floor, Irc, Nats, Redis};
use super::figures::Figures;
use super::options::Options;
use super::{Failure, Result};

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Work {
    /// Users in pairs, each with messages under way to the other.
    Direct,
    /// A room in which some speak.
    Room,
    /// Messages at a fixed rate, and how long each takes.
    Latency,
    /// Users who are there and say nothing.
    Idle,
    /// As direct, with many users.
    Many,
    /// All connections break, and come back.
    Storm,
}

impl Work {
    pub(crate) const ALL: [Self; 6] = [Self::Direct, Self::Room, Self::Latency, Self::Idle, Self::Many, Self::Storm];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Room => "room",
            Self::Latency => "latency",
            Self::Idle => "idle",
            Self::Many => "many",
            Self::Storm => "storm",
        }
    }

    /// Whether the size of messages matters to it.
    pub(crate) const fn has_sizes(self) -> bool {
        matches!(self, Self::Direct)
    }

    pub(crate) const fn users(self, options: &Options) -> usize {
        match self {
            Self::Direct | Self::Latency => options.users,
            Self::Room => options.members,
            Self::Idle | Self::Storm | Self::Many => options.crowd,
        }
    }

    /// What exactly is done, for people.
    pub(crate) fn description(self, options: &Options, body_bytes: usize) -> String {
        let users = self.users(options);
        let window = options.seconds;
        match self {
            Self::Direct | Self::Many => format!(
                "{users} users in pairs, {} messages of {body_bytes} B outstanding each, {window} s",
                self.outstanding(options)
            ),
            Self::Room => format!(
                "{users} members, {} of them sending, {} messages of {body_bytes} B outstanding each, {window} s",
                options.senders,
                self.outstanding(options)
            ),
            Self::Latency => {
                format!("{} messages of {body_bytes} B a second among {users} users, {window} s", options.rate)
            }
            Self::Idle => format!("{users} users register and are silent"),
            Self::Storm => format!("{users} connections break and come back, with a message unseen on each"),
        }
    }

    const fn outstanding(self, options: &Options) -> usize {
        match self {
            Self::Room => options.room_outstanding,
            Self::Many => options.crowd_outstanding,
            _ => options.outstanding,
        }
    }
}

/// Starts a server, lets it work once, and stops it.
pub(crate) fn measure(contestant: &Contestant, work: Work, body_bytes: usize, options: &Options) -> Result<Figures> {
    let running = contestant.start(work.users(options), options.cpus())?;
    let has_room = work == Work::Room;
    match contestant.kind {
        Kind::Floor => measure_in(Floor, &running, work, body_bytes, options),
        Kind::Chatcore => measure_in(Chatcore::new(has_room, body_bytes), &running, work, body_bytes, options),
        Kind::Nats => measure_in(Nats { has_room }, &running, work, body_bytes, options),
        Kind::Redis => measure_in(Redis { has_room }, &running, work, body_bytes, options),
        Kind::Ngircd | Kind::Inspircd => measure_in(Irc { has_room }, &running, work, body_bytes, options),
    }
    .map_err(|failure| Failure::new(format_args!("{} at {}: {failure}", contestant.name, work.name())))
}

fn measure_in<D: Dialect>(
    dialect: D,
    running: &Running,
    work: Work,
    body_bytes: usize,
    options: &Options,
) -> Result<Figures> {
    let crowd = Crowd::new(dialect, running, body_bytes)?;
    match work {
        Work::Direct | Work::Many => {
            closed::pairs(crowd, running, work.users(options), work.outstanding(options), options)
        }
        Work::Room => closed::room(crowd, running, options),
        Work::Latency => latency::measure(crowd, running, options),
        Work::Idle => idle::measure(crowd, running, options),
        Work::Storm => storm::measure(crowd, running, options),
    }
}

/// How long is waited for messages that must come.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(10);
