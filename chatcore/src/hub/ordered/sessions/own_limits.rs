//! What limits of a user's own change: how much its sessions may do, and what they are told.

use core::time::Duration;

use super::own::Own;
use super::store::Sessions;
use crate::hub::rate::{Bucket, Pace};
use crate::hub::work::{FIRST_WORK_MAX, MORE_WORK_MAX};
use crate::time::Instant;
use crate::user_limits::UserLimits;
use crate::wire::Announced;

impl Sessions {
    /// The limits of a session's user's own, if it has any.
    pub(in crate::hub) fn user_limits(&self, index: usize) -> Option<UserLimits> {
        if self.all[index].bucket.is_elsewhere() { self.own.get(&index).map(|own| own.limits) } else { None }
    }

    /// Sets them for all sessions of the user.
    pub(in crate::hub) fn set_user_limits(&mut self, index: usize, limits: UserLimits) {
        let mut next = Some(index);
        while let Some(session) = next {
            self.set_own(session, limits);
            next = self.next_in_ring(session, index);
        }
    }

    fn set_own(&mut self, index: usize, limits: UserLimits) {
        let session = &mut self.all[index];
        let own = self.own.remove(&index);
        let (mut bucket, before) = own.map_or((session.bucket, self.session_pace), |own| (own.bucket, own.pace));
        let pace = limits.session_rate.map_or(self.session_pace, Pace::new);
        // What the session has caused stays charged; but a time in which a slow rate pays it off is not that of a fast
        // one.
        if pace != before {
            bucket.forgive(self.now, &pace, 1);
        }
        if limits == UserLimits::default() {
            session.bucket = bucket;
            return;
        }
        session.bucket = Bucket::ELSEWHERE;
        self.is_any_rate_limited |= !pace.is_unlimited();
        self.own.insert(index, Own { limits, pace, bucket });
    }

    /// A session ends.
    pub(super) fn forget_own(&mut self, index: usize) {
        if self.all[index].bucket.is_elsewhere() {
            self.own.remove(&index);
        }
    }

    /// Rooms that a session's user may be in.
    pub(in crate::hub) fn rooms_of_user_max(&self, index: usize) -> u32 {
        let own = self.user_limits(index).and_then(|limits| limits.rooms_of_user_max);
        own.unwrap_or(self.limits.rooms_of_user_max)
    }

    /// Names that a session's user may watch.
    pub(in crate::hub) fn watches_max(&self, index: usize) -> u32 {
        self.user_limits(index).and_then(|limits| limits.watches_max).unwrap_or(self.limits.watches_max)
    }

    /// The limits that a session is told.
    pub(in crate::hub) fn announced(&self, index: usize) -> Announced {
        let mut announced = self.limits.announced();
        if let Some(limits) = self.user_limits(index) {
            limits.announce_in(&mut announced);
        }
        if let Some(time) = self.all[index].details.resume_time.get() {
            announced.resume_ms_max = u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        }
        announced
    }

    /// How long a session waits when its connection breaks.
    pub(in crate::hub) fn resume_time_max(&self, index: usize) -> Duration {
        self.all[index].details.resume_time.get().unwrap_or(self.limits.resume_time_max)
    }

    // ---- the rate ----

    /// As [`Sessions::work_and_cost_max`], for a session whose bucket is elsewhere.
    #[cold]
    #[inline(never)]
    pub(super) fn own_work_and_cost_max(&self, index: usize) -> (u32, u32) {
        let of_origin = self.origins.allowance(&self.all[index].share, self.now, &self.origin_pace);
        let Some(Own { pace, bucket, .. }) = self.own.get(&index) else { return (FIRST_WORK_MAX, of_origin) };
        let debt = bucket.debt(self.now, pace, MORE_WORK_MAX);
        (FIRST_WORK_MAX + debt, bucket.allowance(self.now, pace).min(of_origin))
    }

    /// As [`Sessions::charge`] likewise.
    #[cold]
    #[inline(never)]
    pub(super) fn charge_own(&mut self, index: usize, cost: u32) -> Option<Instant> {
        let Own { pace, bucket, .. } = self.own.get_mut(&index)?;
        bucket.charge(self.now, cost, pace);
        bucket.paused_until(self.now, pace)
    }

    /// As [`Sessions::paused_until`] likewise.
    pub(super) fn own_paused_until(&self, index: usize) -> Option<Instant> {
        let Own { pace, bucket, .. } = self.own.get(&index)?;
        bucket.paused_until(self.now, pace)
    }

    /// Who has a bucket elsewhere has it here, and nobody else; and all sessions of a user have the same limits.
    #[cfg(feature = "sim")]
    pub(in crate::hub) fn audit_user_limits(&self) -> Result<(), usize> {
        let is_right = |index: usize| {
            let limits = self.user_limits(index);
            limits.is_some() == self.all[index].bucket.is_elsewhere()
                && limits.is_some() == self.own.contains_key(&index)
                && self.siblings(index).all(|sibling| self.user_limits(sibling) == limits)
        };
        let sessions = self.all.iter().map(|(index, _)| index);
        match sessions.chain(self.own.keys().copied()).find(|index| !self.contains(*index) || !is_right(*index)) {
            Some(index) => Err(index),
            None => Ok(()),
        }
    }
}
