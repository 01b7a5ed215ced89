//! One measurement: a server starts, serves the clients of a scenario, and ends.

mod closed;
mod idle;
mod latency;
mod storm;

use super::client_pool::ClientPool;
use super::figures::Figures;
use super::options::Options;
use super::protocol::chatcore::Chatcore;
use super::protocol::floor::Floor;
use super::protocol::irc::Irc;
use super::protocol::mqtt::Mqtt;
use super::protocol::nats::Nats;
use super::protocol::redis::Redis;
use super::protocol::{Protocol, ProtocolName};
use super::scenario::Scenario;
use super::target::{Running, Target};
use crate::failure::{Failure, Result};

/// Measures a target in a scenario once.
pub(crate) fn measure(target: &Target, scenario: Scenario, body_bytes: usize, options: &Options) -> Result<Figures> {
    let running = target.start(options.users_of(scenario), options.cpus())?;
    let measurement = Measurement { running, connecting_max: target.server.connecting_max, scenario, body_bytes };
    let has_room = scenario.has_room();
    match target.server.protocol {
        ProtocolName::Floor => measurement.run(Floor, options),
        ProtocolName::Chatcore => measurement.run(Chatcore::new(has_room, body_bytes), options),
        ProtocolName::Mqtt => measurement.run(Mqtt { has_room }, options),
        ProtocolName::Nats => measurement.run(Nats { has_room }, options),
        ProtocolName::Redis => measurement.run(Redis { has_room }, options),
        ProtocolName::Irc => measurement.run(Irc { has_room }, options),
    }
    .map_err(|failure| Failure::new(format_args!("{} at {}: {failure}", target.name, scenario.name())))
}

struct Measurement {
    running: Running,
    connecting_max: usize,
    scenario: Scenario,
    body_bytes: usize,
}

impl Measurement {
    fn run<P: Protocol>(&self, protocol: P, options: &Options) -> Result<Figures> {
        let process = &self.running.process;
        let pool = ClientPool::new(protocol, self.running.dialer.clone(), self.connecting_max, self.body_bytes)?;
        let (users, outstanding) = (options.users_of(self.scenario), options.outstanding_of(self.scenario));
        match self.scenario {
            Scenario::Direct | Scenario::Many => closed::pairs(pool, process, users, outstanding, options),
            Scenario::Room => closed::room(pool, process, options),
            Scenario::Latency => latency::measure(pool, process, options),
            Scenario::Idle => idle::measure(pool, process, options),
            Scenario::Storm => storm::measure(pool, process, options),
        }
    }
}
