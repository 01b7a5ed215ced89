//! One step of a run: time goes on to when there is something to do, and it is done.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use super::parts::World;
use crate::Instant;
use crate::sim::violation::{Property, Violation};

/// Steps without any time going by, at the most: more is a busy loop.
const STEPS_AT_A_TIME_MAX: u32 = 10_000;

impl World {
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
        if self.next_rename.take_if(|at| *at <= self.now).is_some() {
            let pace = self.plan.rename_pace.unwrap_or(Duration::MAX);
            self.next_rename = Some(self.now + self.random.time_upto(pace * 2) + Duration::from_micros(1));
            self.rename()?;
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
        self.network.work(self.now);
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
        self.check_transport()
    }

    /// What the transport of the caller has done.
    fn check_transport(&mut self) -> Result<(), Violation> {
        for (wire, end, error) in self.network.take_failures() {
            self.trace.note(self.now, format_args!("the transport of the {end:?} on {wire} fails: {error}"));
        }
        match self.network.take_fault() {
            Some(fault) => Err(self.violation(Property::Transport, fault)),
            None => Ok(()),
        }
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
        [self.next_request, self.next_fault_event, self.next_rename, self.network.due()]
            .into_iter()
            .flatten()
            .fold(server.min(users).min(attack), Instant::min)
    }
}
