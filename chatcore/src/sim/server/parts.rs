//! A server: what it is made of, and what it tells about itself.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;

use super::connection::{Member, PendingConn};
use super::pace::Pace;
use super::program::Program;
use super::rates::Debts;
use super::work::new_hub;
use crate::sim::deciding::Deciding;
use crate::sim::network::WireId;
use crate::sim::random::Random;
use crate::{Admission, ConnId, Hub, Instant, Limits, UserName};

/// What goes over the connections of a hub, and who is told.
pub(in crate::sim) struct Server {
    pub(super) limits: Limits,
    /// What those begin who ask for a name that is in use.
    pub(super) admission: Admission,
    /// None while it is down.
    pub(super) hub: Option<Hub>,
    /// When it is started again.
    pub(super) up_at: Instant,
    /// It is stopping: when its connections are written out, it is down.
    pub(super) is_stopping: bool,
    pub(super) pending_conns: BTreeMap<WireId, PendingConn>,
    pub(super) members: BTreeMap<WireId, Member>,
    pub(super) wires: BTreeMap<ConnId, WireId>,
    /// Connections that have something to be written.
    pub(super) writing: BTreeSet<WireId>,
    /// The chance that a decision about a registration takes its time.
    pub(super) auth_delay_chance: u32,
    /// How many origins belong to each site; 0 if they belong to none.
    pub(super) origins_of_site: usize,
    /// Its operator renames users.
    pub(super) has_renames: bool,
    /// How long after it has taken bytes the transport reports that, at the most.
    pub(super) report_delay_max: Duration,
    /// When senders are told what became of their messages at the latest, if that waits.
    pub(super) drain_by: Option<Instant>,
    /// Slices of work that the hub has done at this time.
    pub(super) slices: (Instant, u32),
    pub(super) pace: Pace,
    /// Sessions of those who are no users.
    pub(super) strangers: usize,
    /// Units of work that the hub has done, ever.
    pub(super) units: u64,
    pub(super) counts: Counts,
    /// What each origin owes of what it has cost, and each site.
    pub(super) debts: Debts,
    /// Who is banned, and until when.
    pub(super) bans: Vec<(Instant, UserName)>,
    /// What the hub asks; none if it asks about nothing.
    pub(super) program: Option<Program>,
    pub(super) random: Random,
}

/// How often the hub did what it does to those who say or leave too much.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::sim) struct Counts {
    /// It left the rest of an input for the next call.
    pub(in crate::sim) more: u64,
    /// It wanted nothing more to be read for a while.
    pub(in crate::sim) pauses: u64,
    /// It ended a session because memory was short.
    pub(in crate::sim) evictions: u64,
    /// It ended a session that left too much unread, or that for too long.
    pub(in crate::sim) stalls: u64,
    /// It refused a user another session.
    pub(in crate::sim) sessions_refused: u64,
    /// It gave a user another name.
    pub(in crate::sim) renames: u64,
}

impl Server {
    pub(in crate::sim) fn new(
        limits: Limits,
        admission: Admission,
        auth_delay_chance: u32,
        unit: Duration,
        mut random: Random,
    ) -> Self {
        let hub = Some(new_hub(&limits, &mut random));
        Self {
            limits,
            admission,
            hub,
            up_at: Instant::ZERO,
            is_stopping: false,
            pending_conns: BTreeMap::new(),
            members: BTreeMap::new(),
            wires: BTreeMap::new(),
            writing: BTreeSet::new(),
            auth_delay_chance,
            origins_of_site: 0,
            has_renames: false,
            report_delay_max: Duration::ZERO,
            drain_by: None,
            slices: (Instant::ZERO, 0),
            pace: Pace::new(unit),
            strangers: 0,
            units: 0,
            counts: Counts::default(),
            debts: Debts::new(),
            bans: Vec::new(),
            program: None,
            random,
        }
    }

    /// Its transport reports late what it has taken.
    pub(in crate::sim) fn with_report_delay(mut self, delay_max: Duration) -> Self {
        self.report_delay_max = delay_max;
        self
    }

    /// So many origins belong to each site.
    pub(in crate::sim) fn with_origins_of_site(mut self, origins_of_site: usize) -> Self {
        self.origins_of_site = origins_of_site;
        self
    }

    /// Its operator renames users. A user that is there is admitted only under the name that it has.
    pub(in crate::sim) fn with_renames(mut self, has_renames: bool) -> Self {
        self.has_renames = has_renames;
        self
    }

    /// Its program decides about what clients request, with random numbers of its own. To be called before anything
    /// else.
    pub(in crate::sim) fn with_deciding(mut self, deciding: Deciding, random: Random) -> Self {
        let program = Program::new(deciding, random);
        self.hub = self.hub.map(|hub| program.asked_by(hub));
        self.program = Some(program);
        self
    }

    pub(in crate::sim) fn is_up(&self) -> bool {
        self.hub.is_some() && !self.is_stopping
    }

    pub(in crate::sim) fn hub(&self) -> Option<&Hub> {
        self.hub.as_ref()
    }

    /// What the hub did, counted.
    pub(in crate::sim) fn counts(&self) -> Counts {
        self.counts
    }

    /// Decisions and reports take no time from now on.
    pub(in crate::sim) fn hurry(&mut self, now: Instant) {
        (self.auth_delay_chance, self.report_delay_max) = (0, Duration::ZERO);
        self.bans.iter_mut().for_each(|(until, _)| *until = now);
        if let Some(program) = &mut self.program {
            program.hurry(now);
        }
    }

    /// Every connection has its name, and nothing is left to be written.
    pub(in crate::sim) fn is_at_rest(&self) -> bool {
        let has_served = self.pending_conns.is_empty() && self.members.values().all(Member::is_at_rest);
        let has_decided = self.program.as_ref().is_none_or(Program::is_at_rest)
            && self.hub.as_ref().is_none_or(|hub| hub.waiting() == 0);
        self.is_up()
            && has_served
            && has_decided
            && self.pace.is_at_rest()
            && self.writing.is_empty()
            && self.drain_by.is_none()
    }
}
