//! How a run is to be: drawn anew for each.

mod draw;
mod fault_event;
mod mixed;

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

pub use self::fault_event::FaultEvent;
use super::conditions::NetworkConditions;
use super::deciding::Deciding;
use super::flood::Flood;
use crate::setters::setters;
use crate::{ClientConfig, Limits};

/// What a [`World`](super::World) consists of, and what goes wrong in it.
///
/// ```
/// use chatcore::sim::{Plan, World};
///
/// let plan = Plan::calm(3).with_rooms(2);
/// let summary = World::new(7, plan).run()?;
/// assert_eq!(summary.lives, 3, "no program died");
/// # Ok::<(), chatcore::sim::Violation>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Plan {
    /// How many users there are, each with its own name.
    pub users: usize,
    /// How many devices each user has. Each device has a session of its own. At least 1. If there are several, the
    /// server admits whoever asks for a name that is in use as another session of the user.
    pub devices: usize,
    /// How many rooms they use.
    pub rooms: usize,
    /// The hub's limits. They must leave room for all devices: in the end everybody must be online.
    pub limits: Limits,
    /// How clients behave.
    pub config: ClientConfig,
    /// The network during the fault phase.
    pub conditions: NetworkConditions,
    /// How long users make requests and things go wrong. Then the network heals.
    pub fault_phase: Duration,
    /// The average time between two requests, of all devices together.
    pub pace: Duration,
    /// The most bytes of a body.
    pub body_bytes_max: u64,
    /// The average time between two fault events; none for no fault events.
    pub fault_event_pace: Option<Duration>,
    /// The weight of each fault event: how likely it is compared with the others.
    pub fault_events: [(FaultEvent, u32); FaultEvent::ALL.len()],
    /// The average time after which an operator renames some user; none for never. Then the server admits a user that
    /// is there only under the name that it has.
    pub rename_pace: Option<Duration>,
    /// The chance that the server takes time to decide about a registration, in millionths.
    pub auth_delay_chance: u32,
    /// The chance that an attempt to connect fails, in millionths.
    pub dial_fails: u32,
    /// How many origins the users' connections come from: devices share them in turn. At least 1.
    pub origins: usize,
    /// How many origins belong to each site, in turn; 0 if they belong to none.
    pub origins_of_site: usize,
    /// How long a session waits for its client, by the listener that its connection has come to; none for as long as
    /// the hub's limits say. Devices share the listeners in turn, and come to another one at times. At least 1, and
    /// none longer than 49 days.
    pub resume_times: Vec<Option<Duration>>,
    /// The most requests that a device makes at once.
    pub burst_max: u64,
    /// The steps in which time goes on: what is due in between waits for the next step. With zero, nothing waits.
    pub tick: Duration,
    /// The chance that a program takes its client's events only some time later, in millionths.
    pub takes_late: u32,
    /// The chance that a program has what it has just taken acknowledged at once, in millionths.
    pub acknowledges_at_once: u32,
    /// The chance that a program asks what its session is subscribed to when that goes on, in millionths.
    pub asks_when_resumed: u32,
    /// How long after it has taken bytes the server's transport reports that, at the most. With zero, it reports at
    /// once.
    pub report_delay_max: Duration,
    /// The attackers, by what each of them does. They flood the hub until the fault phase is over.
    pub attackers: Vec<Flood>,
    /// How many origins the attackers' connections come from. At least 1.
    pub attack_origins: usize,
    /// The time that a unit of the hub's work takes. With zero, the server does everything at once.
    pub unit: Duration,
    /// Whether users form pairs, and each sends only to its partner. Then each has one device.
    pub is_paired: bool,
    /// The time in which a user's message must reach its recipient; none for no bound.
    pub delay_max: Option<Duration>,
    /// What the server's program decides itself; none if the hub asks about nothing.
    pub deciding: Option<Deciding>,
}

setters! {
    Plan {
        with_users(users: usize),
        with_devices(devices: usize),
        with_rooms(rooms: usize),
        with_limits(limits: Limits),
        with_config(config: ClientConfig),
        with_conditions(conditions: NetworkConditions),
        with_fault_phase(fault_phase: Duration),
        with_pace(pace: Duration),
        with_body_bytes_max(body_bytes_max: u64),
        with_fault_event_pace(fault_event_pace: Option<Duration>),
        with_fault_events(fault_events: [(FaultEvent, u32); FaultEvent::ALL.len()]),
        with_rename_pace(rename_pace: Option<Duration>),
        with_auth_delay_chance(auth_delay_chance: u32),
        with_dial_fails(dial_fails: u32),
        with_origins(origins: usize),
        with_origins_of_site(origins_of_site: usize),
        with_burst_max(burst_max: u64),
        with_tick(tick: Duration),
        with_takes_late(takes_late: u32),
        with_acknowledges_at_once(acknowledges_at_once: u32),
        with_asks_when_resumed(asks_when_resumed: u32),
        with_report_delay_max(report_delay_max: Duration),
        with_attack_origins(attack_origins: usize),
        with_unit(unit: Duration),
        with_is_paired(is_paired: bool),
        with_delay_max(delay_max: Option<Duration>),
        with_deciding(deciding: Option<Deciding>),
    }
}

/// What a request may cost at the most, but for the members of its room.
const COST_MAX: u64 = 50;

impl Plan {
    /// The same with these [`resume_times`](Self::resume_times).
    #[must_use]
    pub fn with_resume_times(mut self, resume_times: Vec<Option<Duration>>) -> Self {
        self.resume_times = resume_times;
        self
    }

    /// The same with these [`attackers`](Self::attackers).
    #[must_use]
    pub fn with_attackers(mut self, attackers: Vec<Flood>) -> Self {
        self.attackers = attackers;
        self
    }

    /// A plan in which nothing goes wrong, and the users make no requests by themselves.
    pub fn calm(users: usize) -> Self {
        Self {
            users,
            devices: 1,
            rooms: 1,
            limits: Limits::default(),
            config: ClientConfig::default(),
            conditions: NetworkConditions::calm(),
            fault_phase: Duration::ZERO,
            pace: Duration::from_secs(1),
            body_bytes_max: 10,
            fault_event_pace: None,
            fault_events: FaultEvent::ALL.map(|fault_event| (fault_event, 0)),
            rename_pace: None,
            auth_delay_chance: 0,
            dial_fails: 0,
            origins: 1,
            origins_of_site: 0,
            resume_times: vec![None],
            burst_max: 1,
            tick: Duration::ZERO,
            takes_late: 0,
            acknowledges_at_once: 0,
            asks_when_resumed: 0,
            report_delay_max: Duration::ZERO,
            attackers: Vec::new(),
            attack_origins: 1,
            unit: Duration::ZERO,
            is_paired: false,
            delay_max: None,
            deciding: None,
        }
    }

    /// How many devices all users have together.
    pub(super) const fn all_devices(&self) -> usize {
        self.users * self.devices
    }

    /// How long after the network has healed everything that is due has come: all deadlines one after another, and
    /// again for whoever is unlucky.
    pub(super) fn patience(&self) -> Duration {
        let limits = &self.limits;
        let own_resume_time = self.resume_times.iter().flatten().max().copied().unwrap_or_default();
        let backoff = self.config.reconnect.map_or(Duration::ZERO, |backoff| backoff.max);
        let deadlines = limits.handshake_time_max
            + limits.idle_time_max * 2
            + limits.stall_time_max
            + limits.resume_time_max.max(own_resume_time)
            + limits.flush_time_max
            + self.deciding.map_or(Duration::ZERO, |_| limits.decision_time_max)
            + self.config.answer_time_max
            + self.config.flush_time_max
            + backoff;
        deadlines * 3 + Duration::from_secs(60) + self.pauses()
    }

    /// How long it takes at the most until all that was ever asked for has passed the rates.
    fn pauses(&self) -> Duration {
        let limits = &self.limits;
        let bursts = self.fault_phase.as_nanos() / self.pace.as_nanos().max(1) * 2 + 100;
        let requests = u64::try_from(bursts).unwrap_or(u64::MAX).saturating_mul(self.burst_max);
        let cost = requests.saturating_mul(COST_MAX + self.all_devices() as u64);
        let rates = [limits.session_rate, limits.origin_rate].map(|rate| u64::from(rate.per_s));
        let slowest = rates.into_iter().filter(|per_s| *per_s > 0).min();
        slowest.map_or(Duration::ZERO, |per_s| Duration::from_secs(cost / per_s))
    }
}
