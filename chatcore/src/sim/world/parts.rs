//! A run: what it is made of, and how it begins.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::sim::attacker::Attacker;
use crate::sim::links::Links;
use crate::sim::network::{Cut, End, Network, WireId};
use crate::sim::oracle::Oracle;
use crate::sim::plan::Plan;
use crate::sim::random::Random;
use crate::sim::server::{Around, Server};
use crate::sim::trace::{Listener, Trace};
use crate::sim::transport_end::TransportEnd;
use crate::sim::user::User;
use crate::sim::violation::{Property, Violation};
use crate::{Admission, Instant, QuotaKey};

/// One run of a server, its users and a network, on one virtual clock. The clock stands still while they work, and then
/// goes on to the time at which there is work again.
pub struct World {
    pub(super) now: Instant,
    pub(super) plan: Plan,
    pub(super) random: Random,
    pub(super) network: Links,
    pub(super) server: Server,
    /// The devices of all users.
    pub(super) users: Vec<User>,
    pub(super) attackers: Vec<Attacker>,
    pub(super) oracle: Oracle,
    pub(super) trace: Trace,
    pub(super) next_request: Option<Instant>,
    pub(super) next_fault_event: Option<Instant>,
    pub(super) next_rename: Option<Instant>,
    pub(super) steps: u64,
    pub(super) steps_at_a_time: u32,
}

impl World {
    /// Makes a run at its beginning. All its random decisions come from the seed.
    pub fn new(seed: u64, plan: Plan) -> Self {
        let mut random = Random::new(seed);
        let network = Links::new(Network::new(random.draw(), plan.conditions.clone()));
        let admission = if plan.devices == 1 { Admission::NewUser } else { Admission::AnotherSession };
        let server = Server::new(plan.limits.clone(), admission, plan.auth_delay_chance, plan.unit, random.fork())
            .with_report_delay(plan.report_delay_max)
            .with_origins_of_site(plan.origins_of_site)
            .with_renames(plan.rename_pace.is_some());
        let mut users: Vec<User> = (0..plan.all_devices())
            .map(|index| {
                let origin = QuotaKey(1 + (index % plan.origins) as u128);
                User::new(index, index / plan.devices, origin, plan.config.clone(), random.fork())
            })
            .collect();
        let server = match plan.deciding {
            Some(deciding) => server.with_deciding(deciding, random.fork()),
            None => server,
        };
        let attackers = plan.attackers.iter().enumerate();
        let attackers = attackers.map(|(index, flood)| Attacker::new(index, *flood, plan.attack_origins)).collect();
        for user in &mut users {
            user.dial_fails = plan.dial_fails;
            user.takes_late = plan.takes_late;
            user.resume_times.clone_from(&plan.resume_times);
            (user.acknowledges_at_once, user.asks_when_resumed) = (plan.acknowledges_at_once, plan.asks_when_resumed);
        }
        Self {
            // A clock that is at zero says nothing about times before now.
            now: Instant::from_millis(1_000),
            random,
            network,
            server,
            users,
            attackers,
            oracle: Oracle::new(plan.users, plan.devices, &plan.limits)
                .with_delay_max(plan.delay_max)
                .with_origins(plan.origins, plan.origins_of_site)
                .with_renames(plan.rename_pace.is_some())
                .with_asking(plan.deciding.map(|deciding| deciding.asking)),
            trace: Trace::default(),
            next_request: None,
            next_fault_event: None,
            next_rename: None,
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

    /// Runs over a transport of the caller's: `make` makes each end of a new connection, the client's first. The world
    /// checks all that it checks without one, and that the transport gives out what was written
    /// ([`Property::Transport`]). An end that fails breaks its connection, and the run goes on. The bytes of a
    /// [`Cut`] are those on the wire. Call it before the first step.
    #[must_use]
    pub fn with_transport<T: TransportEnd + 'static>(mut self, mut make: impl FnMut(End) -> T + 'static) -> Self {
        self.network.wrap(Box::new(move |end| Box::new(make(end))));
        self
    }

    /// Plans the break of a connection that is not made yet: [`Network::plan`].
    pub fn plan_cut(&mut self, wire: WireId, cut: Cut) {
        self.network.plan(wire, cut);
    }

    pub(super) fn around(&mut self) -> (Around<'_>, &mut Server, &mut Vec<User>) {
        let Self { now, network, server, users, oracle, trace, .. } = self;
        (Around { now: *now, network, oracle, trace }, server, users)
    }

    pub(super) fn violation(&self, property: Property, detail: String) -> Violation {
        Violation { property, detail, at: self.now }
    }

    /// An error if this does not hold.
    pub(in crate::sim) fn hold(&self, holds: bool, property: Property, what: &str) -> Result<(), Violation> {
        if holds { Ok(()) } else { Err(self.violation(property, format!("it does not hold that {what}"))) }
    }
}
