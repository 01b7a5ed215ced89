//! A run from its beginning to its end: the faults, the healing, and what must have come by then.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use super::parts::World;
use super::summary::Summary;
use crate::Client;
use crate::sim::conditions::NetworkConditions;
use crate::sim::plan::Plan;
use crate::sim::random::{CERTAIN, Random};
use crate::sim::trace::Listener;
use crate::sim::violation::{Property, Violation};

/// One run in this many is a crowd: that takes as long as hundreds of the others.
const CROWD_CHANCE: u32 = CERTAIN / 500;

/// One run in this many is an attack.
const ATTACK_CHANCE: u32 = CERTAIN / 100;

impl World {
    /// Makes a run at its beginning, with a [`Plan`] drawn from the seed: what [`run`] runs.
    pub fn draw(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let (is_crowd, is_attack) = (random.chance(CROWD_CHANCE), random.chance(ATTACK_CHANCE));
        let plan = match (is_crowd, is_attack) {
            (true, _) => Plan::draw_crowd(&mut random),
            (false, true) => Plan::draw_attack(&mut random),
            (false, false) => Plan::draw(&mut random),
        };
        Self::new(random.draw(), plan)
    }

    /// Runs the fault phase, heals the network, and waits until everything that is due has come. Then it compares what
    /// each user was told with what is true.
    ///
    /// # Errors
    ///
    /// A [`Violation`] if a property does not hold.
    pub fn run(mut self) -> Result<Summary, Violation> {
        let fault_phase_ends = self.now + self.plan.fault_phase;
        (self.next_request, self.next_fault_event) =
            (Some(self.now), self.plan.fault_event_pace.map(|pace| self.now + pace));
        self.next_rename = self.plan.rename_pace.map(|pace| self.now + pace);
        while self.now < fault_phase_ends {
            self.step(fault_phase_ends)?;
        }
        (self.next_request, self.next_fault_event, self.next_rename) = (None, None, None);
        self.heal();
        self.end_attack()?;
        self.rest()?;
        self.await_news()?;
        if self.plan.attackers.is_empty() {
            self.compare_lists()?;
        }
        self.close()?;
        Ok(self.summary())
    }

    /// The counts of the run so far.
    pub fn summary(&self) -> Summary {
        let (sent, seen) = self.oracle.traffic();
        let (missed, stale) = self.oracle.omissions();
        let (resumed_late, expired_early) = self.oracle.own_times();
        let (counts, decisions) = (self.server.counts(), self.oracle.decisions());
        Summary {
            trace: self.trace.hash(),
            steps: self.steps,
            sent,
            seen,
            copies: self.oracle.copies(),
            lives: self.users.iter().map(|user| user.lives).sum(),
            resumptions: self.users.iter().map(|user| user.resumptions).sum(),
            resumed_late,
            expired_early,
            missed,
            stale,
            more: counts.more,
            pauses: counts.pauses,
            evictions: counts.evictions,
            stalls: counts.stalls,
            sessions_refused: counts.sessions_refused,
            renames: counts.renames,
            takeovers: self.oracle.takeovers(),
            subscriptions: self.users.iter().map(|user| user.subscriptions).sum(),
            acknowledgements: self.users.iter().map(|user| user.acknowledgements).sum(),
            questions: decisions.questions,
            denials: decisions.denials,
            undecided: decisions.late,
            operations: self.oracle.operations(),
            attackers: self.attackers.len() as u64,
            delay: if self.attackers.is_empty() { Duration::ZERO } else { self.oracle.delay() },
        }
    }

    /// Heals the network: from now on nothing goes wrong, and all users connect.
    pub fn heal(&mut self) {
        self.trace.note(self.now, format_args!("all is well from now on"));
        self.network.set_conditions(self.now, NetworkConditions::calm());
        self.server.hurry(self.now);
        for user in &mut self.users {
            user.heal(self.now);
        }
    }

    /// Attackers give up.
    fn end_attack(&mut self) -> Result<(), Violation> {
        let mut attackers = mem::take(&mut self.attackers);
        let (mut around, server, _) = self.around();
        let given_up = attackers.iter_mut().try_for_each(|attacker| attacker.give_up(&mut around, server));
        self.attackers = attackers;
        given_up
    }

    /// Lets time go by until nothing is due to any user.
    ///
    /// # Errors
    ///
    /// A [`Violation`] if a property does not hold, or if this takes too long.
    pub fn rest(&mut self) -> Result<(), Violation> {
        let patience_ends = self.now + self.plan.patience();
        while !self.is_at_rest() {
            if self.now >= patience_ends {
                return Err(self.violation(Property::Progress, self.what_is_due()));
            }
            self.step(patience_ends)?;
        }
        Ok(())
    }

    /// News that the hub holds back for a while, so that it can merge it, comes.
    fn await_news(&mut self) -> Result<(), Violation> {
        let comes_by = self.now + self.plan.limits.presence_time_min + Duration::from_millis(1);
        while self.now < comes_by {
            self.step(comes_by)?;
        }
        self.rest()
    }

    /// Whether every device is online and has all answers, and nothing is on its way.
    pub fn is_at_rest(&self) -> bool {
        let hub_is_at_rest = self.server.hub().is_some_and(|hub| {
            let has_all = hub.users() == self.plan.users && hub.sessions() == self.users.len();
            has_all && hub.connections() == self.users.len() && !hub.owes_news()
        });
        hub_is_at_rest
            && self.server.is_at_rest()
            && self.network.is_quiet()
            && self.oracle.detached() == 0
            && self.users.iter().all(|user| {
                user.wire().is_some_and(|wire| self.network.is_whole(wire))
                    && user.has_taken_all()
                    && user.client.as_ref().is_some_and(Client::is_drained)
                    && self.oracle.is_answered(user.index)
                    && self.oracle.is_acknowledged(user.index)
            })
    }

    /// Checks that what each user was told is true. Call it when the run [is at rest](Self::is_at_rest).
    ///
    /// # Errors
    ///
    /// A [`Violation`] if a property does not hold.
    pub fn close(&self) -> Result<(), Violation> {
        self.oracle.close()?;
        self.users.iter().try_for_each(|user| {
            let known = user.client.as_ref().and_then(Client::ticket).map(|ticket| ticket.name.as_str());
            let name = self.oracle.name_of(user.number);
            if !self.oracle.has_renames() || known.is_none_or(|known| known == name) {
                return Ok(());
            }
            let detail = format!("device {} takes its name to be {known:?}, and it is {name}", user.index);
            Err(self.violation(Property::Isolation, detail))
        })
    }

    /// How many messages were accepted, as their senders know.
    pub fn accepted(&self) -> u64 {
        self.oracle.accepted()
    }

    /// Whether a connection has broken.
    pub fn has_torn(&self) -> bool {
        self.network.torn_ever() > 0
    }

    fn what_is_due(&self) -> String {
        let hub = self.server.hub().map(|hub| (hub.users(), hub.sessions(), hub.connections()));
        let users: Vec<String> = self
            .users
            .iter()
            .map(|user| {
                let settled = user.client.as_ref().map(Client::is_drained);
                let answered = self.oracle.is_answered(user.index);
                let acknowledged = self.oracle.is_acknowledged(user.index);
                format!("{}: settled {settled:?}, answered {answered}, acknowledged {acknowledged}", user.index)
            })
            .collect();
        let (quiet, server) = (self.network.is_quiet(), self.server.is_at_rest());
        let owed = self.network.what_is_owed();
        let owed = if owed.is_empty() { String::new() } else { format!(", the transport holds {}", owed.join(", ")) };
        format!("no rest: hub {hub:?}, network quiet {quiet}, server at rest {server}, users {users:?}{owed}")
    }
}

/// Runs one [`World`], with a plan drawn from the seed.
///
/// # Errors
///
/// A [`Violation`] if a property does not hold.
pub fn run(seed: u64) -> Result<Summary, Violation> {
    World::draw(seed).run()
}

/// As [`run`], and tells the listener what happens.
///
/// # Errors
///
/// A [`Violation`] if a property does not hold.
pub fn replay(seed: u64, listener: Listener) -> Result<Summary, Violation> {
    World::draw(seed).with_listener(listener).run()
}
