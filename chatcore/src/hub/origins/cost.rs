//! What each origin has caused: cost, and signs of life that it has demanded of others.

use super::accounts::{Origins, Share};
use crate::handshake::{QuotaKey, Registration};
use crate::hub::rate::{Bucket, Pace};
use crate::limits::Limits;
use crate::time::Instant;

impl Origins {
    pub(in crate::hub) fn bucket(&self, share: &Share) -> Bucket {
        self.accounts[share.account as usize].bucket
    }

    pub(in crate::hub) fn charge(&mut self, now: Instant, account: u32, cost: u32, pace: &Pace) {
        self.accounts[account as usize].bucket.charge(now, cost, pace);
    }

    /// Charges an origin for a connection that carries no session any more. If it has used up its rate, until when it
    /// waits.
    pub(in crate::hub) fn charge_closing(
        &mut self,
        now: Instant,
        account: u32,
        cost: u32,
        pace: &Pace,
    ) -> Option<Instant> {
        self.charge(now, account, cost, pace);
        self.accounts[account as usize].bucket.paused_until(now, pace)
    }

    /// Lets no bucket be further behind than a burst of its new pace.
    pub(in crate::hub) fn change_pace(&mut self, now: Instant, pace: &Pace) {
        for (_, account) in &mut self.accounts {
            account.bucket.forgive(now, pace, 1);
        }
    }

    /// Charges an origin for asking to be let in, and for what that has cost already. If it has asked too often, when it
    /// may ask again. Its sessions wait for that, too, and so it is never behind by more than another burst.
    pub(in crate::hub) fn charge_admission(
        &mut self,
        now: Instant,
        origin: QuotaKey,
        (cost, cost_before): (u32, u32),
        pace: &Pace,
    ) -> Result<(), Instant> {
        self.with_bucket(now, origin, |bucket| {
            let paused = bucket.paused_until(now, pace);
            bucket.charge(now, if paused.is_none() { cost + cost_before } else { cost_before }, pace);
            bucket.forgive(now, pace, 2);
            paused.map_or(Ok(()), Err)
        })
    }

    /// Charges an origin for what has no session. If it has used up its rate, until when it waits.
    pub(in crate::hub) fn charge_stranger(
        &mut self,
        now: Instant,
        origin: QuotaKey,
        cost: u32,
        pace: &Pace,
    ) -> Option<Instant> {
        if pace.is_unlimited() {
            return None;
        }
        self.with_bucket(now, origin, |bucket| {
            // Strangers cannot use up more: the sessions of the origin have to wait for it, too.
            if bucket.paused_until(now, pace).is_none() {
                bucket.charge(now, cost, pace);
            }
            bucket.paused_until(now, pace)
        })
    }

    /// Does something with the bucket of an origin that may have no session.
    fn with_bucket<T>(&mut self, now: Instant, origin: QuotaKey, change: impl FnOnce(&mut Bucket) -> T) -> T {
        let index = self.account(now, origin);
        let outcome = change(&mut self.accounts[index as usize].bucket);
        self.queue_if_idle(index);
        outcome
    }

    /// Whether a registration may demand a sign of life of somebody now. If so, it has.
    pub(in crate::hub) fn demand(&mut self, now: Instant, registration: &Registration, limits: &Limits) -> bool {
        if !registration.is_counted() {
            return true;
        }
        let pace = Pace::new(limits.probe_rate);
        let index = self.account(now, registration.origin);
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
