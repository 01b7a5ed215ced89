//! What is known of a run: who asked for what, and who was told what.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::facts::{Decisions, Life, Named, Sent, Session, Stay, TakenRequest, WireFacts};
use crate::sim::network::WireId;
use crate::sim::violation::{Property, Violation};
use crate::{Asking, DeliveryStatus, Instant, Limits, MessageId, QuestionId, SessionId};

/// Everything that is known of a run. Users are those who have names. Each has several devices, with numbers that
/// follow each other, and each device has a session of its own.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Oracle {
    /// How many devices a user has.
    pub(super) devices: usize,
    pub(super) now: Instant,
    pub(super) leapt_to: Instant,
    /// How many requests the hub has taken: the order of all of them.
    pub(super) order: u64,
    /// The same, when the hub last had nothing more to tell: it is known who was there then.
    pub(super) told: u64,
    /// The same, when the hub last had no more to do: what members had to get they had.
    pub(super) spread: u64,
    pub(super) messages: Vec<Sent>,
    pub(super) by_id: BTreeMap<MessageId, usize>,
    /// The messages that the hub took for a room, in that order.
    pub(super) said_in: BTreeMap<usize, Vec<usize>>,
    pub(super) sessions: Vec<Session>,
    /// The sessions of each user.
    pub(super) of_user: Vec<Vec<usize>>,
    pub(super) stays: Vec<Stay>,
    /// The stays of each user.
    pub(super) stays_of: Vec<Vec<usize>>,
    /// The stays in which somebody has asked to be let into a room.
    pub(super) asked_into: BTreeMap<usize, BTreeSet<usize>>,
    /// How often a user has asked to be let into a room, and out of it, by room and user.
    pub(super) joins: BTreeMap<(usize, usize), usize>,
    pub(super) leaves: BTreeMap<(usize, usize), usize>,
    /// Users are renamed.
    pub(super) has_renames: bool,
    /// The names that each user has had, if users are renamed.
    pub(super) names: Vec<Vec<Named>>,
    /// How often a user was renamed.
    pub(super) renamed: BTreeMap<usize, usize>,
    /// The sessions that live.
    pub(super) current: BTreeMap<SessionId, usize>,
    /// Sessions that have ended.
    pub(super) over: usize,
    /// The session that a device's ticket is for.
    pub(super) tickets: BTreeMap<usize, usize>,
    /// What runs on each device.
    pub(super) lives: Vec<Life>,
    pub(super) wires: BTreeMap<WireId, WireFacts>,
    /// Rooms announce everybody who comes and goes.
    pub(super) announces_all: bool,
    pub(super) detached: usize,
    /// Connections come from so many origins: devices share them in turn.
    pub(super) origins: usize,
    /// So many of these belong to each site; 0 if they belong to none.
    pub(super) origins_of_site: usize,
    /// The hub is being shut down: nobody waits for a client any more.
    pub(super) is_stopping: bool,
    /// How often a session went on after the hub's resume time, and ended before that, because it had its own.
    pub(super) resumed_late: u64,
    pub(super) expired_early: u64,
    pub(super) limits: Limits,
    /// Bytes that can have been put into one outbox since the beginning, at the most.
    pub(super) volume: u64,
    /// How often somebody was told that it missed messages, and that a room is stale.
    pub(super) missed: u64,
    pub(super) stale: u64,
    /// How long a message may take.
    pub(super) delay_max: Option<Duration>,
    /// How long the slowest took.
    pub(super) delay: Duration,
    /// About what the hub asks the program, which questions there were, and what became of them.
    pub(super) asking: Asking,
    pub(super) question_ids: BTreeSet<QuestionId>,
    pub(super) decisions: Decisions,
    /// How often another client took a session over.
    pub(super) takeovers: u64,
    /// Joins and leaves for which nobody has asked: the program has moved users.
    pub(super) own_moves: Vec<TakenRequest>,
    /// How often the program did something by itself.
    pub(super) operations: u64,
    /// The numbers of names that the program gives to nobody.
    pub(super) banned: BTreeSet<usize>,
    /// Reports of messages of which nobody was told the id yet: to which session, and about whom.
    pub(super) unknown_reports: BTreeMap<MessageId, Vec<UnknownReport>>,
}

/// A report of a message of which nobody was told the id yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnknownReport {
    pub(super) session: usize,
    pub(super) place: u64,
    pub(super) status: DeliveryStatus,
    pub(super) to: usize,
}

impl Oracle {
    pub(in crate::sim) fn new(users: usize, devices: usize, limits: &Limits) -> Self {
        Self {
            devices,
            now: Instant::ZERO,
            leapt_to: Instant::ZERO,
            order: 0,
            told: 0,
            spread: 0,
            messages: Vec::new(),
            by_id: BTreeMap::new(),
            said_in: BTreeMap::new(),
            sessions: Vec::new(),
            of_user: vec![Vec::new(); users],
            stays: Vec::new(),
            stays_of: vec![Vec::new(); users],
            asked_into: BTreeMap::new(),
            joins: BTreeMap::new(),
            leaves: BTreeMap::new(),
            has_renames: false,
            names: vec![Vec::new(); users],
            renamed: BTreeMap::new(),
            current: BTreeMap::new(),
            over: 0,
            tickets: BTreeMap::new(),
            lives: vec![Life::default(); users * devices],
            wires: BTreeMap::new(),
            announces_all: limits.announced_members_max as usize >= sessions_max(users, devices, limits),
            detached: 0,
            origins: 1,
            origins_of_site: 0,
            is_stopping: false,
            resumed_late: 0,
            expired_early: 0,
            limits: limits.clone(),
            volume: 0,
            missed: 0,
            stale: 0,
            delay_max: None,
            delay: Duration::ZERO,
            asking: Asking::new(),
            question_ids: BTreeSet::new(),
            decisions: Decisions::default(),
            takeovers: 0,
            own_moves: Vec::new(),
            operations: 0,
            banned: BTreeSet::new(),
            unknown_reports: BTreeMap::new(),
        }
    }

    /// Messages must arrive in this time.
    pub(in crate::sim) fn with_delay_max(self, delay_max: Option<Duration>) -> Self {
        Self { delay_max, ..self }
    }

    /// How often somebody was told that it missed messages, and that a room is stale.
    pub(in crate::sim) fn omissions(&self) -> (u64, u64) {
        (self.missed, self.stale)
    }

    /// How long the slowest message took.
    pub(in crate::sim) fn delay(&self) -> Duration {
        self.delay
    }

    pub(in crate::sim) fn clock(&mut self, now: Instant) {
        self.now = now;
    }

    /// Time jumps forward: what was due meanwhile comes late.
    pub(in crate::sim) fn leaps(&mut self, to: Instant) {
        self.leapt_to = to;
    }

    /// How many messages were sent, and how many were seen by somebody.
    pub(in crate::sim) fn traffic(&self) -> (u64, u64) {
        let seen = self.messages.iter().filter(|message| !message.seen.is_empty()).count();
        (self.messages.len() as u64, seen as u64)
    }

    /// How often another session of a message's sender was told of it.
    pub(in crate::sim) fn copies(&self) -> u64 {
        self.messages.iter().map(|message| message.copied.len() as u64).sum()
    }

    /// How many messages their senders know to be accepted.
    pub(in crate::sim) fn accepted(&self) -> u64 {
        self.messages.iter().filter(|message| matches!(message.answer, Some(Ok(_)))).count() as u64
    }

    /// Sessions that live.
    pub(in crate::sim) fn living(&self) -> usize {
        self.current.len()
    }

    /// Sessions that there may be at a time, at the most: a device that has forgotten its ticket begins another one.
    pub(super) fn sessions_max(&self) -> usize {
        sessions_max(self.of_user.len(), self.devices, &self.limits)
    }

    /// A device has a session, and no request of it is without its answer.
    pub(in crate::sim) fn is_answered(&self, device: usize) -> bool {
        let life = &self.lives[device];
        life.session.is_some() && life.pending.is_empty()
    }

    /// The hub has been told of everything that a device was told.
    pub(in crate::sim) fn is_acknowledged(&self, device: usize) -> bool {
        let session = self.lives[device].session.map(|session| &self.sessions[session]);
        session.is_some_and(|session| {
            session.ended.is_none() && session.acked == session.stream.last().map_or(0, |(frame, _)| *frame)
        })
    }

    /// The user that has a device.
    pub(super) fn user_with(&self, device: usize) -> usize {
        device / self.devices
    }

    /// The sessions that a user has had.
    pub(super) fn sessions_of(&self, user: usize) -> impl Iterator<Item = (usize, &Session)> {
        self.of_user.get(user).into_iter().flatten().map(|session| (*session, &self.sessions[*session]))
    }

    /// The sessions of a user that live.
    pub(super) fn living_of(&self, user: usize) -> impl Iterator<Item = (usize, &Session)> {
        let stay = self.stays_of.get(user).and_then(|stays| stays.last());
        let sessions = stay.into_iter().flat_map(|stay| &self.stays[*stay].sessions);
        let sessions = sessions.map(|session| (*session, &self.sessions[*session]));
        sessions.filter(|(_, session)| session.ended.is_none())
    }

    /// The number that a device's next request gets.
    pub(in crate::sim) fn next_number(&self, device: usize) -> u64 {
        self.lives[device].last_number + 1
    }

    pub(super) fn violation(&self, property: Property, detail: String) -> Violation {
        Violation { property, detail, at: self.now }
    }

    /// An error if this does not hold.
    pub(super) fn hold(
        &self,
        holds: bool,
        property: Property,
        detail: impl FnOnce() -> String,
    ) -> Result<(), Violation> {
        if holds { Ok(()) } else { Err(self.violation(property, detail())) }
    }
}

/// Who has one device waits until the name is free.
fn sessions_max(users: usize, devices: usize, limits: &Limits) -> usize {
    if devices == 1 { users } else { limits.sessions_max as usize }
}
