//! The scenarios that servers are measured in.

/// What the clients of a server do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Scenario {
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

impl Scenario {
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

    /// Whether it is measured with each size of messages, and not with the first only.
    pub(crate) const fn has_sizes(self) -> bool {
        matches!(self, Self::Direct)
    }

    /// Whether all users are members of one room.
    pub(crate) const fn has_room(self) -> bool {
        matches!(self, Self::Room)
    }
}
