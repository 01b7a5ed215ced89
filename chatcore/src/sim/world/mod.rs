//! A server, its users and the network between them.

mod fault_events;
mod lists;
mod requests;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;
use core::ops::AddAssign;
use core::time::Duration;

use super::attacker::Attacker;
use super::conditions::NetworkConditions;
use super::network::{Cut, Network, WireId};
use super::oracle::Oracle;
use super::plan::Plan;
use super::random::{CERTAIN, Random};
use super::server::{Around, Server};
use super::trace::{Listener, Trace};
use super::user::User;
use super::violation::{Property, Violation};
use crate::{Client, Instant, QuotaKey};

/// Steps without any time going by, at the most: more is a busy loop.
const STEPS_AT_A_TIME_MAX: u32 = 10_000;

/// The counts of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// A hash of every byte that was written, with its time and its connection: the same for the same seed.
    pub trace: u64,
    /// How many steps the run took.
    pub steps: u64,
    /// How many messages users sent.
    pub sent: u64,
    /// How many messages users saw.
    pub seen: u64,
    /// How many client processes were started.
    pub lives: u64,
    /// How often a session went on with a new connection.
    pub resumptions: u64,
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
    /// How many attackers there were.
    pub attackers: u64,
    /// How long the slowest message took; zero without attackers.
    pub delay: Duration,
}

/// Adds up two runs; the delay is the longer one.
impl AddAssign for Summary {
    fn add_assign(&mut self, run: Self) {
        self.trace ^= run.trace;
        self.steps += run.steps;
        self.sent += run.sent;
        self.seen += run.seen;
        self.lives += run.lives;
        self.resumptions += run.resumptions;
        self.missed += run.missed;
        self.stale += run.stale;
        self.more += run.more;
        self.pauses += run.pauses;
        self.evictions += run.evictions;
        self.stalls += run.stalls;
        self.attackers += run.attackers;
        self.delay = self.delay.max(run.delay);
    }
}

/// One run of a server, its users and a network, on one virtual clock. The clock stands still while they work, and then
/// goes on to the time at which there is work again.
pub struct World {
    now: Instant,
    plan: Plan,
    random: Random,
    network: Network,
    server: Server,
    users: Vec<User>,
    attackers: Vec<Attacker>,
    oracle: Oracle,
    trace: Trace,
    next_request: Option<Instant>,
    next_fault_event: Option<Instant>,
    steps: u64,
    steps_at_a_time: u32,
}

impl World {
    /// Makes a run at its beginning. All its random decisions come from the seed.
    pub fn new(seed: u64, plan: Plan) -> Self {
        let mut random = Random::new(seed);
        let network = Network::new(random.draw(), plan.conditions.clone());
        let server = Server::new(plan.limits.clone(), plan.auth_delay_chance, plan.unit, random.fork());
        let mut users: Vec<User> = (0..plan.users)
            .map(|index| {
                let origin = QuotaKey((index % plan.origins) as u128);
                User::new(index, origin, plan.config.clone(), random.fork())
            })
            .collect();
        let attackers = plan.attackers.iter().enumerate();
        let attackers = attackers.map(|(index, flood)| Attacker::new(index, *flood, plan.attack_origins)).collect();
        for user in &mut users {
            user.dial_fails = plan.dial_fails;
            user.takes_late = plan.takes_late;
        }
        Self {
            // A clock that is at zero says nothing about times before now.
            now: Instant::from_millis(1_000),
            random,
            network,
            server,
            users,
            attackers,
            oracle: Oracle::new(plan.users, &plan.limits).with_delay_max(plan.delay_max),
            trace: Trace::default(),
            next_request: None,
            next_fault_event: None,
            steps: 0,
            steps_at_a_time: 0,
            plan,
        }
    }

    /// Tells a listener what happens from now on.
    #[must_use]
    pub fn with_listener(mut self, listener: Listener) -> Self {
        self.trace.listen(listener);
        self
    }

    /// Plans the break of a connection that is not made yet: [`Network::plan`].
    pub fn plan_cut(&mut self, wire: WireId, cut: Cut) {
        self.network.plan(wire, cut);
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
        while self.now < fault_phase_ends {
            self.step(fault_phase_ends)?;
        }
        (self.next_request, self.next_fault_event) = (None, None);
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
        let counts = self.server.counts();
        Summary {
            trace: self.trace.hash(),
            steps: self.steps,
            sent,
            seen,
            lives: self.users.iter().map(|user| user.lives).sum(),
            resumptions: self.users.iter().map(|user| user.resumptions).sum(),
            missed,
            stale,
            more: counts.more,
            pauses: counts.pauses,
            evictions: counts.evictions,
            stalls: counts.stalls,
            attackers: self.attackers.len() as u64,
            delay: if self.attackers.is_empty() { Duration::ZERO } else { self.oracle.delay() },
        }
    }

    /// Heals the network: from now on nothing goes wrong, and all users connect.
    pub fn heal(&mut self) {
        self.trace.note(self.now, format_args!("all is well from now on"));
        self.network.set_conditions(self.now, NetworkConditions::calm());
        self.server.hurry();
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

    /// Whether every user is online and has all answers, and nothing is on its way.
    pub fn is_at_rest(&self) -> bool {
        let hub_is_at_rest = self.server.hub().is_some_and(|hub| {
            hub.users() == self.users.len() && hub.connections() == self.users.len() && !hub.owes_news()
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
        self.oracle.close()
    }

    /// How many messages were accepted, as their senders know.
    pub fn accepted(&self) -> u64 {
        self.oracle.accepted()
    }

    /// Whether a connection has broken.
    pub fn has_torn(&self) -> bool {
        self.network.torn_ever() > 0
    }

    /// An error if this does not hold.
    pub(super) fn hold(&self, holds: bool, property: Property, what: &str) -> Result<(), Violation> {
        if holds { Ok(()) } else { Err(self.violation(property, format!("it does not hold that {what}"))) }
    }

    fn what_is_due(&self) -> String {
        let hub = self.server.hub().map(|hub| (hub.users(), hub.connections()));
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
        format!("no rest: hub {hub:?}, network quiet {quiet}, server at rest {server}, users {users:?}")
    }

    /// Goes on to the time at which there is something to do, but not beyond `until`, and does it.
    ///
    /// # Errors
    ///
    /// A [`Violation`] if a property does not hold.
    pub fn step(&mut self, until: Instant) -> Result<(), Violation> {
        let due = self.due();
        let due = self.next_tick(due).min(until);
        self.steps += 1;
        self.steps_at_a_time = if due > self.now { 0 } else { self.steps_at_a_time + 1 };
        if self.steps_at_a_time > STEPS_AT_A_TIME_MAX {
            let busy = self.who_is_busy();
            return Err(self.violation(Property::Progress, busy));
        }
        self.now = self.now.max(due);
        self.oracle.clock(self.now);
        if self.next_request.take_if(|at| *at <= self.now).is_some() {
            self.next_request = Some(self.now + self.random.time_upto(self.plan.pace * 2) + Duration::from_micros(1));
            self.request()?;
        }
        if self.next_fault_event.take_if(|at| *at <= self.now).is_some() {
            let pace = self.plan.fault_event_pace.unwrap_or(Duration::MAX);
            self.next_fault_event = Some(self.now + self.random.time_upto(pace * 2) + Duration::from_micros(1));
            self.fault_event()?;
        }
        self.work()
    }

    /// When this comes to pass, if time goes on in steps.
    fn next_tick(&self, due: Instant) -> Instant {
        let tick = u64::try_from(self.plan.tick.as_nanos()).unwrap_or(u64::MAX);
        if tick == 0 || due <= self.now {
            return due;
        }
        let ticks = due.as_nanos().div_ceil(tick);
        Instant::from_nanos(ticks.saturating_mul(tick))
    }

    /// The users and servers whose deadline does not pass.
    fn who_is_busy(&mut self) -> String {
        let server = self.server.due(&self.network);
        let (around, _, users) = self.around();
        let users: Vec<(bool, Instant)> =
            users.iter_mut().map(|user| (user.has_to_write(&around), user.due(&around))).collect();
        format!("a busy loop: the server is due at {server:?}, and users, if not writing, at {users:?}")
    }

    /// All nodes do what there is to do now, in any order.
    fn work(&mut self) -> Result<(), Violation> {
        let nodes = self.users.len() + 1;
        let first = self.random.index(nodes);
        for node in (0..nodes).map(|node| (node + first) % nodes) {
            let (mut around, server, users) = self.around();
            match users.get_mut(node) {
                Some(user) => user.work(&mut around, server)?,
                None => server.work(&mut around)?,
            }
        }
        let mut attackers = mem::take(&mut self.attackers);
        let (mut around, server, _) = self.around();
        for attacker in &mut attackers {
            attacker.work(&mut around, server);
        }
        self.attackers = attackers;
        Ok(())
    }

    fn due(&mut self) -> Instant {
        let server = self.server.due(&self.network).unwrap_or(Instant::MAX);
        let attackers = mem::take(&mut self.attackers);
        let (around, ..) = self.around();
        let attack = attackers.iter().map(|attacker| attacker.due(&around)).min().unwrap_or(Instant::MAX);
        self.attackers = attackers;
        let (around, _, users) = self.around();
        let now = around.now;
        let users = users.iter_mut().map(|user| if user.has_to_write(&around) { now } else { user.due(&around) });
        let users = users.min().unwrap_or(Instant::MAX);
        [self.next_request, self.next_fault_event]
            .into_iter()
            .flatten()
            .fold(server.min(users).min(attack), Instant::min)
    }

    fn around(&mut self) -> (Around<'_>, &mut Server, &mut Vec<User>) {
        let Self { now, network, server, users, oracle, trace, .. } = self;
        (Around { now: *now, network, oracle, trace }, server, users)
    }

    fn violation(&self, property: Property, detail: String) -> Violation {
        Violation { property, detail, at: self.now }
    }
}

/// Runs one [`World`], with a plan drawn from the seed.
///
/// # Errors
///
/// A [`Violation`] if a property does not hold.
pub fn run(seed: u64) -> Result<Summary, Violation> {
    world(seed).run()
}

/// As [`run`], and tells the listener what happens.
///
/// # Errors
///
/// A [`Violation`] if a property does not hold.
pub fn replay(seed: u64, listener: Listener) -> Result<Summary, Violation> {
    world(seed).with_listener(listener).run()
}

/// One run in this many is a crowd: that takes as long as hundreds of the others.
const CROWD_CHANCE: u32 = CERTAIN / 500;

/// One run in this many is an attack.
const ATTACK_CHANCE: u32 = CERTAIN / 100;

fn world(seed: u64) -> World {
    let mut random = Random::new(seed);
    let (is_crowd, is_attack) = (random.chance(CROWD_CHANCE), random.chance(ATTACK_CHANCE));
    let plan = match (is_crowd, is_attack) {
        (true, _) => Plan::draw_crowd(&mut random),
        (false, true) => Plan::draw_attack(&mut random),
        (false, false) => Plan::draw(&mut random),
    };
    World::new(random.draw(), plan)
}
