//! Token buckets.

use crate::rate::Rate;
use crate::time::Instant;

/// A pause is at least this many nanoseconds long, or half of what fills a bucket.
const PAUSE_NANOS_MIN: u64 = 10_000_000;

/// The burst of a rate that is not bounded: no bucket comes so far, but for one that is elsewhere.
const UNLIMITED_BURST: u64 = u64::MAX / 2;

/// A token bucket as one instant (a *generic cell rate algorithm*): when all cost that was charged will be paid off.
/// Cost may be charged while that is not further ahead of now than a burst.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bucket {
    paid_off_at: Instant,
}

/// A [`Rate`] in the units that a bucket needs: integers of nanoseconds, because every call of a hub asks two buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    /// Nanoseconds that a unit takes; 0 if the rate is not bounded.
    nanos: u64,
    /// How far a bucket may be ahead of its time.
    burst: u64,
    /// The shortest pause. A bucket is not full by then, so that nothing of the rate is lost.
    pause_min: u64,
}

impl Pace {
    pub(super) fn new(rate: Rate) -> Self {
        let nanos = 1_000_000_000_u64.checked_div(u64::from(rate.per_s)).map_or(0, |nanos| nanos.max(1));
        let burst = if nanos == 0 { UNLIMITED_BURST } else { nanos.saturating_mul(u64::from(rate.burst)) };
        Self { nanos, burst, pause_min: PAUSE_NANOS_MIN.min(burst / 2) }
    }

    pub(super) const fn is_unlimited(&self) -> bool {
        self.nanos == 0
    }

    /// The rate so many times. How far a bucket may be ahead stays the same in time, so the burst is as many times as
    /// large, too.
    pub(super) fn times(self, factor: u32) -> Self {
        let nanos = if self.is_unlimited() { 0 } else { (self.nanos / u64::from(factor)).max(1) };
        Self { nanos, ..self }
    }
}

impl Bucket {
    /// Stands for a bucket that is kept elsewhere: it is overdrawn at any rate, whatever is charged.
    pub(super) const ELSEWHERE: Self = Self { paid_off_at: Instant::MAX };

    #[inline]
    pub(super) fn is_elsewhere(self) -> bool {
        self.paid_off_at == Instant::MAX
    }

    /// Cost that may be charged now; none if that has to wait.
    pub(super) fn allowance(self, now: Instant, pace: &Pace) -> u32 {
        let latest = now.as_nanos().saturating_add(pace.burst);
        let paid_off_at = self.paid_off_at.as_nanos();
        let Some(units) = latest.saturating_sub(paid_off_at.max(now.as_nanos())).checked_div(pace.nanos) else {
            return u32::MAX;
        };
        // At the very moment at which it has room again, one step may begin.
        u32::try_from(units).unwrap_or(u32::MAX).max(u32::from(paid_off_at <= latest))
    }

    /// Cost that is not paid off, up to this much; always this much if the rate is not bounded.
    pub(super) fn debt(self, now: Instant, pace: &Pace, max: u32) -> u32 {
        let nanos = self.paid_off_at.as_nanos().saturating_sub(now.as_nanos());
        if nanos >= pace.nanos.saturating_mul(max.into()) {
            return max;
        }
        u32::try_from(nanos / pace.nanos).unwrap_or(max)
    }

    pub(super) fn charge(&mut self, now: Instant, cost: u32, pace: &Pace) {
        if !pace.is_unlimited() {
            let paid_off_at = self.paid_off_at.max(now).as_nanos();
            self.paid_off_at = Instant::from_nanos(paid_off_at.saturating_add(pace.nanos.saturating_mul(cost.into())));
        }
    }

    /// Charges as much as puts the bucket no more than so many bursts ahead. It may be further ahead already, and stays
    /// so. Returns how much it is.
    pub(super) fn charge_up_to(&mut self, now: Instant, cost: u32, pace: &Pace, bursts: u64) -> u32 {
        let before = self.paid_off_at;
        self.charge(now, cost, pace);
        self.forgive(now, pace, bursts);
        self.paid_off_at = self.paid_off_at.max(before);
        let charged = self.paid_off_at.as_nanos() - before.max(now).as_nanos().min(self.paid_off_at.as_nanos());
        let units = if pace.is_unlimited() { cost.into() } else { charged.div_ceil(pace.nanos) };
        u32::try_from(units).unwrap_or(cost)
    }

    /// Forgives what is not paid off beyond so many bursts.
    pub(super) fn forgive(&mut self, now: Instant, pace: &Pace, bursts: u64) {
        let latest = Instant::from_nanos(now.as_nanos().saturating_add(pace.burst.saturating_mul(bursts)));
        self.paid_off_at = self.paid_off_at.min(latest);
    }

    /// When cost may be charged again, if not now. Not too soon: many may share a bucket, and none of them is to be
    /// woken for a single unit.
    pub(super) fn paused_until(self, now: Instant, pace: &Pace) -> Option<Instant> {
        let now = now.as_nanos();
        let wait = self.paid_off_at.as_nanos().saturating_sub(now.saturating_add(pace.burst));
        (wait > 0).then(|| Instant::from_nanos(now.saturating_add(wait.max(pace.pause_min))))
    }

    /// All that was charged is paid off by then.
    pub(super) const fn paid_off_at(self) -> Instant {
        self.paid_off_at
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_lets_a_burst_through_and_then_its_rate() {
        let pace = Pace::new(Rate { per_s: 10, burst: 30 });
        let mut bucket = Bucket::default();
        let start = Instant::from_millis(1);
        assert_eq!((bucket.allowance(start, &pace), bucket.debt(start, &pace, 1_000)), (30, 0));
        bucket.charge(start, 30, &pace);
        assert_eq!(bucket.debt(start, &pace, 1_000), 30);
        assert_eq!(bucket.paused_until(start, &pace), None, "just used up");
        bucket.charge(start, 5, &pace);
        let until = start + Duration::from_millis(500);
        assert_eq!((bucket.allowance(start, &pace), bucket.paused_until(start, &pace)), (0, Some(until)));
        assert_eq!((bucket.allowance(until, &pace), bucket.paused_until(until, &pace)), (1, None));
        assert_eq!(bucket.allowance(until + Duration::from_secs(1), &pace), 10);
        assert_eq!(bucket.paid_off_at(), until + Duration::from_secs(3));
        assert_eq!(bucket.allowance(until + Duration::from_secs(60), &pace), 30, "no more than a burst");
    }

    #[test]
    fn what_is_charged_up_to_a_debt_takes_away_none_that_is_larger() {
        let pace = Pace::new(Rate { per_s: 10, burst: 30 });
        let (start, mut bucket) = (Instant::from_millis(1), Bucket::default());
        bucket.charge_up_to(start, 50, &pace, 2);
        assert_eq!(bucket.paid_off_at(), start + Duration::from_secs(5));
        bucket.charge_up_to(start, 50, &pace, 2);
        assert_eq!(bucket.paid_off_at(), start + Duration::from_secs(6));
        bucket.charge(start, 50, &pace);
        bucket.charge_up_to(start, 50, &pace, 2);
        assert_eq!(bucket.paid_off_at(), start + Duration::from_secs(11));
    }

    #[test]
    fn a_pause_is_long_enough_for_more_than_a_unit() {
        let pace = Pace::new(Rate { per_s: 1_000, burst: 100 });
        let mut bucket = Bucket::default();
        let start = Instant::from_millis(1);
        bucket.charge(start, 101, &pace);
        let until = start + Duration::from_nanos(PAUSE_NANOS_MIN);
        assert_eq!(bucket.paused_until(start, &pace), Some(until));
        assert_eq!(bucket.allowance(until, &pace), 9);
    }

    #[test]
    fn pauses_take_nothing_of_a_rate_with_a_small_burst() {
        let pace = Pace::new(Rate { per_s: 10_000, burst: 10 });
        let (mut bucket, mut now, mut units) = (Bucket::default(), Instant::from_millis(1), 0);
        let end = now + Duration::from_secs(1);
        while now < end {
            let cost = bucket.allowance(now, &pace) + 1;
            bucket.charge(now, cost, &pace);
            units += cost;
            now = bucket.paused_until(now, &pace).unwrap_or(now);
        }
        assert!((10_000..=10_020).contains(&units), "{units}");
    }

    #[test]
    fn a_bucket_that_is_elsewhere_is_paused_whatever_the_rate() {
        for rate in [Rate::UNLIMITED, Rate { per_s: 1, burst: u32::MAX }, Rate { per_s: u32::MAX, burst: 1 }] {
            let pace = Pace::new(rate);
            for now in [Instant::ZERO, Instant::from_millis(1 << 40)] {
                let mut bucket = Bucket::ELSEWHERE;
                bucket.charge(now, u32::MAX, &pace);
                assert!(bucket.is_elsewhere() && !Bucket::default().is_elsewhere(), "{rate:?}");
                assert!(bucket.paused_until(now, &pace).is_some(), "{rate:?}");
                assert!([0, u32::MAX].contains(&bucket.allowance(now, &pace)), "{rate:?}");
                assert_eq!(bucket.debt(now, &pace, 7), 7);
                // What is charged beyond any rate is still not elsewhere.
                let mut other = Bucket::default();
                other.charge(now, u32::MAX, &pace);
                assert!(!other.is_elsewhere(), "{rate:?}");
            }
        }
    }

    #[test]
    fn a_rate_of_zero_lets_everything_through() {
        let pace = Pace::new(Rate::UNLIMITED);
        let mut bucket = Bucket::default();
        bucket.charge(Instant::ZERO, u32::MAX, &pace);
        assert_eq!(
            (bucket.allowance(Instant::ZERO, &pace), bucket.paused_until(Instant::ZERO, &pace)),
            (u32::MAX, None)
        );
        assert_eq!(Bucket::default().debt(Instant::ZERO, &pace, 7), 7);
    }
}
