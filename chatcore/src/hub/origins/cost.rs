//! What each origin has caused, and each site: cost, and signs of life that it has demanded of others.

use super::accounts::{Origins, Share};
use crate::handshake::{QuotaSource, Registration};
use crate::hub::rate::Pace;
use crate::limits::Limits;
use crate::time::Instant;

/// How many bursts an origin may come to be behind for what is not asked before it is charged.
const DEBT_BURSTS_MAX: u64 = 2;

/// What an origin is charged at the most for the watchers of one name: strangers choose how many they are, and are not
/// to use up the rate of all who share the origin.
const NEWS_COST_MAX: u32 = 1_000;

impl Origins {
    /// Cost that an origin may cause now: no more than what its site has left.
    #[inline]
    pub(in crate::hub) fn allowance(&self, share: &Share, now: Instant, pace: &Pace) -> u32 {
        let account = &self.accounts[share.account as usize];
        let of_origin = account.bucket.allowance(now, pace);
        let Some(site) = account.site else { return of_origin };
        let site = self.sites.get(site);
        of_origin.min(site.bucket.allowance(now, &site.pace))
    }

    /// Charges an origin, and its site. If one of them has used up its rate, until when it waits.
    #[inline]
    pub(in crate::hub) fn charge(&mut self, now: Instant, account: u32, cost: u32, pace: &Pace) -> Option<Instant> {
        let account = &mut self.accounts[account as usize];
        account.bucket.charge(now, cost, pace);
        let until = account.bucket.paused_until(now, pace);
        let Some(site) = account.site else { return until };
        let site = self.sites.get_mut(site);
        site.bucket.charge(now, cost, &site.pace);
        until.max(site.bucket.paused_until(now, &site.pace))
    }

    /// Until when an origin waits that has used up its rate, or whose site has.
    pub(in crate::hub) fn paused_until(&self, account: u32, now: Instant, pace: &Pace) -> Option<Instant> {
        let account = &self.accounts[account as usize];
        let of_site = account.site.map(|site| self.sites.get(site));
        let of_site = of_site.and_then(|site| site.bucket.paused_until(now, &site.pace));
        account.bucket.paused_until(now, pace).max(of_site)
    }

    /// Charges an origin, and its site, as far as that leaves them no more than so many bursts behind. What is forgiven
    /// to an origin, its site does not pay: others are in it, too.
    fn charge_up_to(&mut self, now: Instant, account: u32, cost: u32, pace: &Pace) {
        let account = &mut self.accounts[account as usize];
        let charged = account.bucket.charge_up_to(now, cost, pace, DEBT_BURSTS_MAX);
        if let Some(site) = account.site {
            let site = self.sites.get_mut(site);
            let _ = site.bucket.charge_up_to(now, charged, &site.pace, DEBT_BURSTS_MAX);
        }
    }

    /// Lets no bucket be further behind than a burst of its new pace.
    pub(in crate::hub) fn change_pace(&mut self, now: Instant, pace: &Pace) {
        for (_, account) in &mut self.accounts {
            account.bucket.forgive(now, pace, 1);
        }
        for site in self.sites.iter_mut() {
            site.pace = pace.times(site.factor);
            site.bucket.forgive(now, &site.pace, 1);
        }
    }

    /// Charges an origin for what others are told of one of its sessions that comes or goes. Nobody is asked before,
    /// and others decide how many they are: so it costs no more than some of them, and leaves no debt beyond another
    /// burst.
    pub(in crate::hub) fn charge_news(&mut self, now: Instant, account: u32, cost: u32, pace: &Pace) {
        if cost > 0 {
            self.charge_up_to(now, account, cost.min(NEWS_COST_MAX), pace);
        }
    }

    /// Charges an origin for asking to be let in, and for what that has cost already. If it has asked too often, or its
    /// site has, when it may ask again. Its sessions wait for that, too, and so this leaves no debt beyond another
    /// burst.
    pub(in crate::hub) fn charge_admission(
        &mut self,
        now: Instant,
        registration: &Registration,
        (cost, cost_before): (u32, u32),
        pace: &Pace,
    ) -> Result<(), Instant> {
        self.with_account(now, registration.source, pace, |origins, account| {
            let paused = origins.paused_until(account, now, pace);
            let cost = if paused.is_none() { cost + cost_before } else { cost_before };
            origins.charge_up_to(now, account, cost, pace);
            paused.map_or(Ok(()), Err)
        })
    }

    /// Charges an origin for what has no session. If it has used up its rate, or its site has, until when it waits.
    pub(in crate::hub) fn charge_stranger(
        &mut self,
        now: Instant,
        source: QuotaSource,
        cost: u32,
        pace: &Pace,
    ) -> Option<Instant> {
        if pace.is_unlimited() {
            return None;
        }
        self.with_account(now, source, pace, |origins, account| {
            // Strangers cannot use up more: the sessions of the origin have to wait for it, too.
            let paused = origins.paused_until(account, now, pace);
            if paused.is_some() { paused } else { origins.charge(now, account, cost, pace) }
        })
    }

    /// Does something with the account of an origin that may have no session.
    fn with_account<T>(
        &mut self,
        now: Instant,
        source: QuotaSource,
        pace: &Pace,
        change: impl FnOnce(&mut Self, u32) -> T,
    ) -> T {
        let index = self.account(now, source.origin);
        // A driver may know the site of a registration alone.
        let site = source.counted_site();
        if site.is_some() {
            self.set_site(index, site, pace);
        }
        if self.accounts[index as usize].users == 0 && (site.is_some() || !source.is_counted()) {
            self.set_counted(index, source.is_counted());
        }
        let outcome = change(self, index);
        self.queue_if_idle(index);
        outcome
    }

    /// Whether a registration may demand a sign of life of somebody now. If so, it has.
    pub(in crate::hub) fn demand(&mut self, now: Instant, registration: &Registration, limits: &Limits) -> bool {
        if !registration.source.is_counted() {
            return true;
        }
        let pace = Pace::new(limits.probe_rate);
        let index = self.account(now, registration.source.origin);
        let demands = &mut self.accounts[index as usize].demands;
        let mut charged = *demands;
        charged.charge(now, 1, &pace);
        let may_demand = charged.paused_until(now, &pace).is_none();
        if may_demand {
            *demands = charged;
        }
        self.queue_if_idle(index);
        may_demand
    }
}
