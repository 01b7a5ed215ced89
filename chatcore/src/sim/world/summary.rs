//! What a run comes to, in numbers.

use core::ops::AddAssign;
use core::time::Duration;

/// The counts of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// A hash of every byte that was written, with its time and its connection: the same for the same seed.
    pub trace: u64,
    /// How many steps the run took.
    pub steps: u64,
    /// How many messages users sent.
    pub sent: u64,
    /// How many messages users saw.
    pub seen: u64,
    /// How often a session was told that another session of its user has sent a message to a user.
    pub copies: u64,
    /// How many client processes were started.
    pub lives: u64,
    /// How often a session went on with a new connection.
    pub resumptions: u64,
    /// How often a session went on of which the hub's resume time was over, because it had a longer one of its own.
    pub resumed_late: u64,
    /// How often a session ended because it had a shorter resume time of its own than the hub's.
    pub expired_early: u64,
    /// How often a user was told of messages that it missed.
    pub missed: u64,
    /// How often a user was told that its list of a room's members is stale.
    pub stale: u64,
    /// How often the hub left the rest of an input for its next call ([`Received::More`](crate::Received::More)).
    pub more: u64,
    /// How often the hub paused a connection ([`Received::Paused`](crate::Received::Paused)).
    pub pauses: u64,
    /// How many sessions ended because the hub needed their memory.
    pub evictions: u64,
    /// How many sessions ended because they left too much unacknowledged, or acknowledged nothing for too long.
    pub stalls: u64,
    /// How often a user had as many sessions as it may have, and was refused another one.
    pub sessions_refused: u64,
    /// How often a user was renamed.
    pub renames: u64,
    /// How often a client went on with a session of which it had no ticket.
    pub takeovers: u64,
    /// How often a program that has gone on with its session learned what that is subscribed to.
    pub subscriptions: u64,
    /// How often a program had what it has taken acknowledged at once.
    pub acknowledgements: u64,
    /// How often the server's program was asked about a request.
    pub questions: u64,
    /// How often it denied a request.
    pub denials: u64,
    /// How often it did not decide in time.
    pub undecided: u64,
    /// How often the server's program moved a user, said something or banned somebody.
    pub operations: u64,
    /// How many attackers there were.
    pub attackers: u64,
    /// How long the slowest message took; zero without attackers.
    pub delay: Duration,
}

impl Summary {
    /// Each counter, with what it counts: all but the trace and the delay.
    pub fn counters(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        [
            ("steps", self.steps),
            ("messages sent", self.sent),
            ("messages seen", self.seen),
            ("copies for other devices", self.copies),
            ("processes", self.lives),
            ("resumptions", self.resumptions),
            ("resumptions after the hub's resume time", self.resumed_late),
            ("sessions that were over before the hub's resume time", self.expired_early),
            ("times missed", self.missed),
            ("times stale", self.stale),
            ("times more", self.more),
            ("pauses", self.pauses),
            ("evictions", self.evictions),
            ("stalls", self.stalls),
            ("sessions too many", self.sessions_refused),
            ("renames", self.renames),
            ("sessions taken over", self.takeovers),
            ("sessions that told what they are subscribed to", self.subscriptions),
            ("acknowledgements at once", self.acknowledgements),
            ("questions", self.questions),
            ("denials", self.denials),
            ("questions without a decision", self.undecided),
            ("commands of the program", self.operations),
            ("attackers", self.attackers),
        ]
        .into_iter()
    }
}

/// Adds up two runs; the delay is the longer one.
impl AddAssign for Summary {
    fn add_assign(&mut self, run: Self) {
        self.trace ^= run.trace;
        self.steps += run.steps;
        self.sent += run.sent;
        self.seen += run.seen;
        self.copies += run.copies;
        self.lives += run.lives;
        self.resumptions += run.resumptions;
        self.resumed_late += run.resumed_late;
        self.expired_early += run.expired_early;
        self.missed += run.missed;
        self.stale += run.stale;
        self.more += run.more;
        self.pauses += run.pauses;
        self.evictions += run.evictions;
        self.stalls += run.stalls;
        self.sessions_refused += run.sessions_refused;
        self.renames += run.renames;
        self.takeovers += run.takeovers;
        self.subscriptions += run.subscriptions;
        self.acknowledgements += run.acknowledgements;
        self.questions += run.questions;
        self.denials += run.denials;
        self.undecided += run.undecided;
        self.operations += run.operations;
        self.attackers += run.attackers;
        self.delay = self.delay.max(run.delay);
    }
}
