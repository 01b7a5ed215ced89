//! Fault events: what goes wrong, and when.

use core::time::Duration;

use super::parts::World;
use crate::sim::names::{name_of, nth_name};
use crate::sim::oracle::To;
use crate::sim::plan::FaultEvent;
use crate::sim::random::{CERTAIN, Random};
use crate::sim::violation::Violation;
use crate::{Instant, UserName};

impl World {
    pub(super) fn fault_event(&mut self) -> Result<(), Violation> {
        let all = self.plan.fault_events.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut drawn = self.random.below(all);
        let chosen = self.plan.fault_events.iter().find(|(_, weight)| match drawn.checked_sub(u64::from(*weight)) {
            Some(rest) => {
                drawn = rest;
                false
            }
            None => true,
        });
        let Some((fault_event, _)) = chosen else { return Ok(()) };
        let fault_event = *fault_event;
        let user = self.random.index(self.users.len());
        let later = |random: &mut Random| random.time_upto(Duration::from_secs(120));
        let until = self.now + later(&mut self.random);
        self.trace.note(self.now, format_args!("fault: {fault_event:?}, user {user}, {until}"));
        match fault_event {
            FaultEvent::Cut => {
                if let Some(wire) = self.users[user].wire() {
                    self.network.tear_somehow(self.now, wire);
                }
            }
            FaultEvent::CutAll => {
                for wire in self.network.wires() {
                    self.network.tear_somehow(self.now, wire);
                }
            }
            FaultEvent::Death | FaultEvent::Amnesia => {
                let (mut around, _, users) = self.around();
                users[user].die(&mut around, until, fault_event == FaultEvent::Death);
            }
            FaultEvent::TakeOver => {
                let (mut around, _, users) = self.around();
                users[user].die_vouched(&mut around, until);
            }
            FaultEvent::Goodbye => {
                if let Some(client) = &mut self.users[user].client {
                    client.close(self.now);
                }
            }
            FaultEvent::Freeze => self.users[user].freeze(until),
            FaultEvent::SlowReader => self.users[user].read_later(until),
            FaultEvent::Leap => {
                self.now = until;
                self.oracle.leaps(until);
            }
            FaultEvent::Crash => {
                let (mut around, server, _) = self.around();
                server.crash(&mut around, until);
            }
            FaultEvent::Restart => {
                let after = self.random.time_upto(Duration::from_secs(20)) + Duration::from_secs(1);
                let (mut around, server, _) = self.around();
                server.stop(&mut around, after)?;
            }
            FaultEvent::Kick | FaultEvent::PutIn | FaultEvent::TakeOut | FaultEvent::Say | FaultEvent::Ban => {
                self.operate(fault_event, user, until)?;
            }
        }
        self.oracle.clock(self.now);
        Ok(())
    }

    /// An operator gives some user another name: one that nobody has had, or its own again.
    pub(super) fn rename(&mut self) -> Result<(), Violation> {
        let user = self.random.index(self.plan.users);
        let current = self.oracle.current_name(user);
        let is_own = current != user && self.random.chance(CERTAIN / 4);
        let number = if is_own { user } else { nth_name(user, self.oracle.names_of(user) + 1) };
        let name = UserName::new(&name_of(current)).expect("users have names that can be names");
        let (mut around, server, _) = self.around();
        server.rename(&mut around, &name, number)
    }

    /// An operator does something that concerns the user of a device.
    fn operate(&mut self, fault_event: FaultEvent, device: usize, until: Instant) -> Result<(), Violation> {
        let user = self.users[device].number;
        let name = UserName::new(&self.oracle.name_of(user)).expect("users have names that can be names");
        if fault_event == FaultEvent::Kick {
            let (mut around, server, _) = self.around();
            return server.kick(&mut around, &name);
        }
        let (room, is_to_room) = (self.random.index(self.plan.rooms), self.random.chance(CERTAIN / 2));
        let bytes = usize::try_from(self.random.upto(self.plan.body_bytes_max)).unwrap_or_default();
        let (mut around, server, _) = self.around();
        match fault_event {
            FaultEvent::PutIn => server.move_user(&mut around, &name, room, true),
            FaultEvent::TakeOut => server.move_user(&mut around, &name, room, false),
            FaultEvent::Ban => server.ban(&mut around, &name, until),
            _ => {
                let to = if is_to_room { To::Room(room) } else { To::User(user) };
                server.say(&mut around, to, (&name, bytes))
            }
        }
    }
}
