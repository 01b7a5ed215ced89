//! What connections and origins have cost, and whether they were paused for it.

use alloc::collections::BTreeMap;
use alloc::format;

use super::work::of_call_max;
use super::{Around, Server};
use crate::sim::network::WireId;
use crate::sim::violation::{Property, Violation};
use crate::{Instant, QuotaKey, Rate};

const NANOS: u128 = 1_000_000_000;

/// Cost that is not paid off, in billionths of a unit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Debt {
    owed: u128,
    at: Instant,
}

impl Debt {
    /// Pays off what the rate pays until now, and adds a cost. Returns the units that are owed.
    pub(super) fn add(&mut self, now: Instant, cost: u64, rate: Rate) -> u64 {
        let paid = (now - self.at).as_nanos() * u128::from(rate.per_s);
        self.owed = self.owed.saturating_sub(paid) + u128::from(cost) * NANOS;
        self.at = now;
        u64::try_from(self.owed / NANOS).unwrap_or(u64::MAX)
    }
}

/// What each origin owes.
pub(super) type Debts = BTreeMap<QuotaKey, Debt>;

impl Server {
    /// Charges a connection and its origin for what it has just said. Nobody may owe more than a burst, and what the last
    /// step has cost.
    pub(super) fn charge(&mut self, around: &Around<'_>, wire: WireId, cost: u64) -> Result<(), Violation> {
        let Some(member) = self.members.get_mut(&wire) else { return Ok(()) };
        let users = self.hub.as_ref().map_or(0, |hub| hub.users() as u64);
        let limits = &self.limits;
        // A message to a room costs as much as all its members.
        let step_max = of_call_max(limits) + users * u64::from(1 + limits.body_bytes_max / 1024);
        let (session, origin) = (limits.session_rate, limits.origin_rate);
        let debts = [
            ("a session", session, member.debt.add(around.now, cost, session)),
            ("an origin", origin, self.debts.entry(member.origin).or_default().add(around.now, cost, origin)),
        ];
        for (who, rate, owed) in debts {
            let owed_max = u64::from(rate.burst) + step_max;
            if rate.per_s > 0 && owed > owed_max {
                let detail = format!("{who} of {wire} owes {owed} units of cost, more than {owed_max}");
                return Err(Violation { property: Property::Fairness, detail, at: around.now });
            }
        }
        Ok(())
    }
}
