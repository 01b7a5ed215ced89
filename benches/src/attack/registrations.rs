//! Registers many users, few at a time.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use super::link::{LinkEvent, Opening};
use super::phase::{CurrentPhase, Phase};
use super::scenario::Greeting;
use super::sockets::{ReadPolicy, Sockets};
use crate::failure::{Failure, Result};

/// How long all of them may take.
const TIME_MAX: Duration = Duration::from_mins(1);

/// From a refusal to the next attempt: a server may bound the rate of registrations.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// Registrations that are under way at a time, at the most.
const UNDER_WAY_MAX: usize = 64;

/// Users that are to be registered.
pub(crate) struct Registrations {
    /// What they are called in an error.
    who: &'static str,
    policy: ReadPolicy,
    waiting: VecDeque<Registration>,
    under_way: Vec<Registration>,
}

struct Registration {
    key: usize,
    source: Ipv4Addr,
    name: String,
    greeting: Greeting,
    not_before: Instant,
}

impl Registrations {
    pub(crate) const fn new(who: &'static str, policy: ReadPolicy) -> Self {
        Self { who, policy, waiting: VecDeque::new(), under_way: Vec::new() }
    }

    /// Adds the user of a slot.
    pub(crate) fn add(&mut self, key: usize, source: Ipv4Addr, name: String, greeting: Greeting) {
        self.waiting.push_back(Registration { key, source, name, greeting, not_before: Instant::now() });
    }

    /// Waits until all are registered, and what they sent first is answered.
    pub(crate) fn complete(&mut self, sockets: &mut Sockets, current: &CurrentPhase) -> Result<()> {
        let deadline = Instant::now() + TIME_MAX;
        while !(self.waiting.is_empty() && self.under_way.is_empty()) {
            self.connect_some(sockets)?;
            sockets.flush();
            sockets.turn(Duration::from_millis(20), |_, _| {})?;
            for (key, event) in sockets.take_events() {
                self.on_event(key, event, sockets)?;
            }
            self.under_way.retain(|registration| {
                let link = sockets.link(registration.key);
                !(link.is_ready && link.received >= registration.greeting.answers)
            });
            if Instant::now() > deadline || current.phase() == Phase::Done {
                return Err(self.failure("the time is over"));
            }
        }
        Ok(())
    }

    fn connect_some(&mut self, sockets: &mut Sockets) -> Result<()> {
        let now = Instant::now();
        while self.under_way.len() < UNDER_WAY_MAX
            && let Some(registration) = self.waiting.pop_front_if(|registration| registration.not_before <= now)
        {
            let opening = Opening::Register(registration.name.clone());
            sockets.connect(registration.key, registration.source, &opening, self.policy)?;
            self.under_way.push(registration);
        }
        Ok(())
    }

    fn on_event(&mut self, key: usize, event: LinkEvent, sockets: &mut Sockets) -> Result<()> {
        let Some(place) = self.under_way.iter().position(|registration| registration.key == key) else {
            return Ok(());
        };
        match event {
            LinkEvent::Ready => sockets.send(key, &self.under_way[place].greeting.frames),
            LinkEvent::Refused => {
                sockets.reset(key);
                let registration = self.under_way.swap_remove(place);
                self.waiting.push_back(Registration { not_before: Instant::now() + RETRY_AFTER, ..registration });
            }
            LinkEvent::Answered => {}
            LinkEvent::Ended(reason) => return Err(self.failure(&reason)),
        }
        Ok(())
    }

    fn failure(&self, reason: &str) -> Failure {
        let missing = self.waiting.len() + self.under_way.len();
        Failure::new(format_args!("{missing} {} are not registered: {reason}", self.who))
    }
}
