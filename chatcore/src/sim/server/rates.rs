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

/// How many times a bound for one origin holds for a site.
pub(super) const SITE_FACTOR: u32 = 2;

/// Marks the keys of sites, which no origin has.
const SITE_MARK: u128 = 1 << 96;

/// The site of an origin, if so many belong to one. The hub does not count who comes from nowhere.
pub(super) fn site_of(origin: QuotaKey, origins_of_site: usize) -> Option<QuotaKey> {
    let site = origin.0.checked_div(origins_of_site as u128)?;
    (origin != QuotaKey::default()).then_some(QuotaKey(SITE_MARK | site))
}

/// The rate of a site.
pub(super) fn of_site(Rate { per_s, burst }: Rate) -> Rate {
    Rate { per_s: per_s.saturating_mul(SITE_FACTOR), burst: burst.saturating_mul(SITE_FACTOR) }
}

/// What each origin owes, and each site.
pub(super) type Debts = BTreeMap<QuotaKey, Debt>;
