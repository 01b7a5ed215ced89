//! What a hub does by itself, in slices, and what is noted of the work of a call.

use super::Hub;
#[cfg(any(test, feature = "sim"))]
use super::work;
use super::work::Work;
#[cfg(any(test, feature = "sim"))]
use crate::limits::Limits;
use crate::time::Instant;
use crate::wire::MessageId;

impl Hub {
    /// Begins a call. Time that goes backwards stands still, and it stops just before its end, so that every deadline can
    /// be later than now.
    #[inline]
    pub(super) fn clock(&mut self, now: Instant) {
        self.forget_work();
        let (sessions, _) = self.ordered.unordered();
        let now = sessions.now.max(now).min(Instant::from_nanos(u64::MAX - 1));
        if now != sessions.now {
            sessions.now = now;
            self.lowest_id =
                MessageId::first_of(self.unix_epoch_ms.saturating_add(now.as_nanos() / 1_000_000), self.number);
        }
    }

    /// There is something that the hub does by itself.
    #[inline]
    pub(super) fn has_pending(&self) -> bool {
        self.ordered.rooms().has_pending()
            || self.ordered.sessions().has_marked()
            || self.presence.has_pending()
            || self.reports.has_pending()
            || self.shutting_down.is_some()
    }

    /// Does a slice of what is pending. Fan-out goes first; the rest has a slice of its own, so that neither waits for
    /// the end of the other.
    #[inline]
    pub(super) fn advance(&mut self, units: u32) {
        if self.has_pending() {
            self.advance_slowly(units);
        }
        let is_giving_back = self.reports.has_pending();
        self.ordered.unordered().0.relieve_if_short(is_giving_back);
    }

    #[cold]
    #[inline(never)]
    fn advance_slowly(&mut self, units: u32) {
        let (mut fanout, mut rest) = (Work::new(units), Work::new(units));
        while self.has_pending() {
            let is_flushed = self.ordered.flushed(&mut fanout).is_some();
            if !self.advance_rest(&mut rest) && !is_flushed {
                break;
            }
            if fanout.is_spent() || rest.is_spent() {
                break;
            }
        }
        self.note_work(fanout.spent() + rest.spent());
    }

    /// Does some of everything but fan-out. False if there was nothing to do.
    fn advance_rest(&mut self, work: &mut Work) -> bool {
        let before = work.spent();
        if self.shutting_down.is_some() {
            self.end_all(work);
        }
        self.end_marked(work);
        let (sessions, _) = self.ordered.unordered();
        self.presence.advance(sessions, work);
        self.reports.advance(sessions, work);
        work.spent() > before
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

    /// More than this is never done in one call, with these limits: what a call begins with, and the longest step beyond
    /// that.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn work_of_call_max(limits: &Limits) -> u32 {
        work::of_call_max(limits)
    }
}
