//! What each call of a hub begins with, and what is noted of its work.

use super::parts::Hub;
#[cfg(any(test, feature = "sim"))]
use super::work;
#[cfg(any(test, feature = "sim"))]
use crate::limits::Limits;
use crate::time::Instant;
use crate::wire::MessageId;

impl Hub {
    /// Begins a call. Time that goes backwards stands still, and it stops just before its end, so that every deadline
    /// can be later than now.
    #[inline]
    pub(super) fn clock(&mut self, now: Instant) {
        self.forget_work();
        let (sessions, _) = self.ordered.unordered();
        let now = sessions.now.max(now).min(Instant::from_nanos(u64::MAX - 1));
        if now != sessions.now {
            sessions.now = now;
            self.delivery.lowest_id = self.lowest_id();
        }
    }

    /// The lowest id of a message that is accepted now.
    #[inline]
    pub(super) const fn lowest_id(&self) -> MessageId {
        let now_ms = self.ordered.sessions().now.as_nanos() / 1_000_000;
        MessageId::first_of(self.unix_epoch_ms.saturating_add(now_ms), self.number)
    }

    /// What is noted from now on is of the next call.
    #[cfg(any(test, feature = "sim"))]
    pub(super) const fn forget_work(&mut self) {
        self.work_of_call = 0;
    }

    #[cfg(not(any(test, feature = "sim")))]
    #[expect(clippy::unused_self, reason = "only tests look at it")]
    pub(super) const fn forget_work(&self) {}

    #[cfg(any(test, feature = "sim"))]
    pub(super) const fn note_work(&mut self, units: u32) {
        self.work_of_call += units;
    }

    #[cfg(not(any(test, feature = "sim")))]
    #[expect(clippy::unused_self, reason = "only tests look at it")]
    pub(super) const fn note_work(&self, _: u32) {}

    /// Units of work that the last call did.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) const fn work_of_last_call(&self) -> u32 {
        self.work_of_call
    }

    /// More than this is never done in one call, with these limits: what a call begins with, and the longest step
    /// beyond that.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn work_of_call_max(limits: &Limits) -> u32 {
        work::of_call_max(limits)
    }
}
