//! What must hold of the hub: after every step, after every call, and of what each input has cost.

use alloc::format;

use super::around::Around;
use super::parts::Server;
use super::rates::{of_site, site_of};
use super::work::{of_call_max, of_last_call, of_slice_max};
use crate::sim::network::WireId;
use crate::sim::violation::{Property, Violation};
use crate::{Action, Hub};

/// What a session holds below this is not counted for its origin, and does not end it.
const GRANULE_BYTES: u64 = 4_096;

impl Server {
    pub(super) fn check_bounds(&self, around: &Around<'_>) -> Result<(), Violation> {
        let Some(hub) = &self.hub else { return Ok(()) };
        let limits = &self.limits;
        let violation = |detail| Err(Violation { property: Property::Bounds, detail, at: around.now });
        // Also what is still to be written to a connection that is closing: the reserve of a quarter, and the one frame
        // that shows that it is used up.
        let outbox_max = limits.outbox_bytes_max as usize / 4 * 5 + limits.frame_bytes_max() as usize * 2;
        for (conn, wire) in &self.wires {
            let bytes: usize = hub.transmit(*conn).bytes();
            if bytes > outbox_max {
                return violation(format!("{bytes} bytes wait for {wire}"));
            }
        }
        if let Err(detail) = hub.audit() {
            return violation(detail);
        }
        if hub.sessions() > limits.sessions_max as usize || hub.rooms() > limits.rooms_max as usize {
            return violation(format!("{} sessions, {} rooms", hub.sessions(), hub.rooms()));
        }
        let (detached, living) = (around.oracle.detached(), around.oracle.living() + self.strangers);
        // Who has lost its place may still have to end.
        if detached > limits.detached_max as usize && !hub.is_behind() {
            return violation(format!("{detached} sessions are detached"));
        }
        self.check_memory(around, hub)?;
        if self.strangers == 0 {
            around.oracle.check_waiting(hub.waiting())?;
        }
        if hub.poll_timeout().is_none_or(|due| due > around.now) {
            around.oracle.check_stalls()?;
            around.oracle.check_undecided(|session| hub.is_paused(session))?;
            around.oracle.check_expired()?;
        }
        if living != hub.sessions() {
            return violation(format!("{} sessions live, {living} by what was told", hub.sessions()));
        }
        Ok(())
    }

    /// When the hub has nothing to do at once, its peers make it keep no more than they may, and each origin no more
    /// than its share and an eighth. What is only looked at in whole granules comes on top.
    fn check_memory(&self, around: &Around<'_>, hub: &Hub) -> Result<(), Violation> {
        if hub.is_behind() {
            return Ok(());
        }
        let limits = &self.limits;
        let violation = |detail| Err(Violation { property: Property::Bounds, detail, at: around.now });
        let outbox_max = limits.outbox_bytes_hard_max() as u64 + 2 * u64::from(limits.frame_bytes_max());
        let slack = |sessions: usize| outbox_max + GRANULE_BYTES * sessions as u64;
        // What closing connections share is counted for each of them, so that nothing may seem to be left for others.
        let memory = hub.memory();
        let is_counted_once = memory.outboxes + memory.detached > 0;
        let (total_max, total_slack) = (limits.buffer_bytes_max, slack(hub.sessions() + hub.connections()));
        if is_counted_once && memory.total() > total_max + total_slack {
            return violation(format!("{memory:?} is kept, more than {total_max} and {total_slack}"));
        }
        for (bytes, sessions, filling) in hub.bytes_of_origins() {
            // For what a session is answered when the hub has looked at its memory, it may begin another buffer.
            let share_max = limits.origin_buffer_bytes_max / 8 * 9 + GRANULE_BYTES * (1 + sessions) + filling;
            if bytes > share_max {
                return violation(format!("{bytes} bytes count for one origin, more than {share_max}"));
            }
        }
        Ok(())
    }

    /// The hub has done no more in its last call than a call of this kind may do. Adds it to all that it has done.
    pub(super) fn count_work(&mut self, around: &Around<'_>, units_max: u64) -> Result<(), Violation> {
        let units = self.hub.as_ref().map_or(0, of_last_call);
        self.units += units;
        if units > units_max {
            let detail = format!("one call of the hub did {units} units of work, more than {units_max}");
            return Err(Violation { property: Property::Bounds, detail, at: around.now });
        }
        Ok(())
    }

    /// The next action. A hub that has nothing to do by itself does not, and says nothing of its work.
    pub(super) fn poll(
        &mut self,
        around: &Around<'_>,
        poll_action: impl Fn(&mut Hub) -> Option<Action>,
    ) -> Result<Option<Action>, Violation> {
        let Some(hub) = &mut self.hub else { return Ok(None) };
        let is_behind = hub.is_behind();
        let action = poll_action(hub);
        if is_behind {
            self.count_work(around, of_slice_max(&self.limits))?;
        }
        Ok(action)
    }

    /// Charges a connection and its origin for what it has just said. Nobody may owe more than a burst, and what the
    /// last step has cost.
    pub(super) fn charge(&mut self, around: &Around<'_>, wire: WireId, cost: u64) -> Result<(), Violation> {
        let Some(member) = self.members.get_mut(&wire) else { return Ok(()) };
        let sessions = self.hub.as_ref().map_or(0, |hub| hub.sessions() as u64);
        let limits = &self.limits;
        // A message to a room costs as much as all its members.
        let step_max = of_call_max(limits) + sessions * u64::from(1 + limits.body_bytes_max / 1024);
        let (session, origin) = (limits.session_rate, limits.origin_rate);
        let of_site = site_of(member.origin, self.origins_of_site).map(|site| {
            let rate = of_site(origin);
            ("a site", rate, self.debts.entry(site).or_default().add(around.now, cost, rate))
        });
        let debts = [
            ("a session", session, member.debt.add(around.now, cost, session)),
            ("an origin", origin, self.debts.entry(member.origin).or_default().add(around.now, cost, origin)),
        ];
        for (who, rate, owed) in debts.into_iter().chain(of_site) {
            let owed_max = u64::from(rate.burst) + step_max;
            if rate.per_s > 0 && owed > owed_max {
                let detail = format!("{who} of {wire} owes {owed} units of cost, more than {owed_max}");
                return Err(Violation { property: Property::Fairness, detail, at: around.now });
            }
        }
        Ok(())
    }
}
