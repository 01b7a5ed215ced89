//! The oracle knows what must be true, whatever the network does. It is a plain account of who asked for what, in which
//! order the hub took it, and what everybody was told.
//!
//! It knows no timers, no limits in bytes and no outboxes. A session is the list of what its user was told, in order;
//! whoever comes back to it must find the same list again, from where the hub was told that it may forget.

mod closing;
mod events;
mod facts;
mod gaps;
mod hub_side;
mod stalls;
mod user_side;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use self::facts::{Life, Sent, Session, WireFacts};
pub(super) use self::facts::{Request, To};
use super::network::WireId;
use super::violation::{Property, Violation};
use crate::{Instant, Limits, MessageId};

/// Everything that is known of a run.
#[derive(Clone, Debug)]
pub(super) struct Oracle {
    now: Instant,
    leapt_to: Instant,
    /// How many requests the hub has taken: the order of all of them.
    order: u64,
    /// The same, when the hub last had nothing more to tell: it is known who was there then.
    told: u64,
    messages: Vec<Sent>,
    by_id: BTreeMap<MessageId, usize>,
    /// The messages that the hub took for a room, in that order.
    said_in: BTreeMap<usize, Vec<usize>>,
    sessions: Vec<Session>,
    /// The sessions of each user.
    of_user: Vec<Vec<usize>>,
    /// The sessions that have asked to be let into a room.
    asked_into: BTreeMap<usize, BTreeSet<usize>>,
    /// How often a user has asked to be let into a room, and out of it, by room and user.
    joins: BTreeMap<(usize, usize), usize>,
    leaves: BTreeMap<(usize, usize), usize>,
    /// The session that holds a user's name.
    current: BTreeMap<usize, usize>,
    /// The session that a user's ticket is for.
    tickets: BTreeMap<usize, usize>,
    lives: Vec<Life>,
    wires: BTreeMap<WireId, WireFacts>,
    /// Rooms announce everybody who comes and goes.
    announces_all: bool,
    detached: usize,
    limits: Limits,
    /// Bytes that can have been put into one outbox since the beginning, at the most.
    volume: u64,
    /// How often somebody was told that it missed messages, and that a room is stale.
    missed: u64,
    stale: u64,
    /// How long a message may take.
    delay_max: Option<Duration>,
    /// How long the slowest took.
    delay: Duration,
}

impl Oracle {
    pub(super) fn new(users: usize, limits: &Limits) -> Self {
        Self {
            now: Instant::ZERO,
            leapt_to: Instant::ZERO,
            order: 0,
            told: 0,
            messages: Vec::new(),
            by_id: BTreeMap::new(),
            said_in: BTreeMap::new(),
            sessions: Vec::new(),
            of_user: vec![Vec::new(); users],
            asked_into: BTreeMap::new(),
            joins: BTreeMap::new(),
            leaves: BTreeMap::new(),
            current: BTreeMap::new(),
            tickets: BTreeMap::new(),
            lives: vec![Life::default(); users],
            wires: BTreeMap::new(),
            announces_all: limits.announced_members_max as usize >= users,
            detached: 0,
            limits: limits.clone(),
            volume: 0,
            missed: 0,
            stale: 0,
            delay_max: None,
            delay: Duration::ZERO,
        }
    }

    /// Messages must arrive in this time.
    pub(super) fn with_delay_max(self, delay_max: Option<Duration>) -> Self {
        Self { delay_max, ..self }
    }

    /// How often somebody was told that it missed messages, and that a room is stale.
    pub(super) fn omissions(&self) -> (u64, u64) {
        (self.missed, self.stale)
    }

    /// How long the slowest message took.
    pub(super) fn delay(&self) -> Duration {
        self.delay
    }

    pub(super) fn clock(&mut self, now: Instant) {
        self.now = now;
    }

    /// Time jumps forward: what was due meanwhile comes late.
    pub(super) fn leaps(&mut self, to: Instant) {
        self.leapt_to = to;
    }

    /// How many messages were sent, and how many were seen by somebody.
    pub(super) fn traffic(&self) -> (u64, u64) {
        let seen = self.messages.iter().filter(|message| !message.seen.is_empty()).count();
        (self.messages.len() as u64, seen as u64)
    }

    /// How many messages their senders know to be accepted.
    pub(super) fn accepted(&self) -> u64 {
        self.messages.iter().filter(|message| matches!(message.answer, Some(Ok(_)))).count() as u64
    }

    /// Sessions that wait for a connection.
    pub(super) fn detached(&self) -> usize {
        self.detached
    }

    /// Sessions that live.
    pub(super) fn living(&self) -> usize {
        self.current.len()
    }

    /// A user has a session, and no request of it is without its answer.
    pub(super) fn is_answered(&self, user: usize) -> bool {
        let life = &self.lives[user];
        life.session.is_some() && life.pending.is_empty()
    }

    /// The hub has been told of everything that a user was told.
    pub(super) fn is_acknowledged(&self, user: usize) -> bool {
        let session = self.current.get(&user).map(|session| &self.sessions[*session]);
        session.is_some_and(|session| session.acked == session.stream.last().map_or(0, |(frame, _)| *frame))
    }

    /// The sessions that a user has had.
    fn sessions_of(&self, user: usize) -> impl Iterator<Item = (usize, &Session)> {
        self.of_user.get(user).into_iter().flatten().map(|session| (*session, &self.sessions[*session]))
    }

    /// The number that a user's next request gets.
    pub(super) fn next_number(&self, user: usize) -> u64 {
        self.lives[user].last_number + 1
    }

    fn violation(&self, property: Property, detail: String) -> Violation {
        Violation { property, detail, at: self.now }
    }

    /// An error if this does not hold.
    fn hold(&self, holds: bool, property: Property, detail: impl FnOnce() -> String) -> Result<(), Violation> {
        if holds { Ok(()) } else { Err(self.violation(property, detail())) }
    }
}

/// The name of a user.
pub(super) fn user_name(user: usize) -> String {
    format!("user-{user}")
}

/// How a user spells its name when it registers: every second one in another way than its name is mapped to.
pub(super) fn spelling(user: usize) -> String {
    if user.is_multiple_of(2) { user_name(user) } else { format!("User-{user}") }
}

/// The name of a room.
pub(super) fn room_name(room: usize) -> String {
    format!("#room-{room}")
}

/// Which user or room has this name; none that the simulation made if it is out of range.
fn numbered(name: &str, sign: &str) -> usize {
    name.strip_prefix(sign).and_then(|number| number.parse().ok()).unwrap_or(usize::MAX)
}

fn user_of(name: &str) -> usize {
    numbered(name, "user-")
}

fn room_of(name: &str) -> usize {
    numbered(name, "#room-")
}
