//! What goes wrong.

use core::time::Duration;

use super::World;
use crate::UserName;
use crate::sim::broken::Broken;
use crate::sim::plan::Mishap;
use crate::sim::random::Random;

impl World {
    pub(super) fn mishap(&mut self) -> Result<(), Broken> {
        let all = self.plan.mishaps.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut drawn = self.random.below(all);
        let chosen = self.plan.mishaps.iter().find(|(_, weight)| match drawn.checked_sub(u64::from(*weight)) {
            Some(rest) => {
                drawn = rest;
                false
            }
            None => true,
        });
        let Some((mishap, _)) = chosen else { return Ok(()) };
        let mishap = *mishap;
        let user = self.random.index(self.users.len());
        let later = |random: &mut Random| random.time_upto(Duration::from_secs(120));
        let until = self.now + later(&mut self.random);
        self.trace.note(self.now, format_args!("mishap: {mishap:?}, user {user}, {until}"));
        match mishap {
            Mishap::Cut => {
                if let Some(wire) = self.users[user].wire() {
                    self.network.tear_somehow(self.now, wire);
                }
            }
            Mishap::CutAll => {
                for wire in self.network.wires() {
                    self.network.tear_somehow(self.now, wire);
                }
            }
            Mishap::Death | Mishap::Amnesia => {
                let (mut around, _, users) = self.around();
                users[user].die(&mut around, until, mishap == Mishap::Death);
            }
            Mishap::Goodbye => {
                if let Some(client) = &mut self.users[user].client {
                    client.close(self.now);
                }
            }
            Mishap::Freeze => self.users[user].freeze(until),
            Mishap::SlowReader => self.users[user].read_later(until),
            Mishap::Leap => {
                self.now = until;
                self.ledger.leaps(until);
            }
            Mishap::Crash => {
                let (mut around, server, _) = self.around();
                server.crash(&mut around, until);
            }
            Mishap::Restart => {
                let after = self.random.time_upto(Duration::from_secs(20)) + Duration::from_secs(1);
                let (mut around, server, _) = self.around();
                server.stop(&mut around, after)?;
            }
            Mishap::Kick => {
                let name = UserName::new(self.users[user].name()).expect("users have names that can be names");
                let (mut around, server, _) = self.around();
                server.kick(&mut around, &name)?;
            }
        }
        self.ledger.clock(self.now);
        Ok(())
    }
}
