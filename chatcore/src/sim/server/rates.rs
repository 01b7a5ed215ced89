//! What connections and origins have cost.

use alloc::collections::BTreeMap;

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
