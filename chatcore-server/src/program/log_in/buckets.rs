//! Buckets that tries fill and that drain with time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// How many wrong passwords there may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// At once.
    pub(super) burst: u32,
    /// The time in which room for one more comes free.
    pub(super) every: Duration,
}

/// A bucket for each key: it holds the time at which it is empty. One that is not there is empty.
///
/// The number of buckets is bounded. When there are too many, the one goes that would be empty first. So whoever fills
/// very many buckets a little takes the place of no bucket that is full.
#[derive(Debug)]
pub(super) struct Buckets<K> {
    empty_at: BTreeMap<K, Instant>,
    by_time: BTreeSet<(Instant, K)>,
    pub(super) len_max: usize,
}

impl<K: Clone + Ord> Buckets<K> {
    pub(super) const fn new(len_max: usize) -> Self {
        Self { empty_at: BTreeMap::new(), by_time: BTreeSet::new(), len_max }
    }

    /// How long it takes until there is room for one more; zero if there is.
    pub(super) fn wait(&self, now: Instant, key: &K, pace: Pace) -> Duration {
        let filled = self.empty_at.get(key).map_or(Duration::ZERO, |empty_at| empty_at.saturating_duration_since(now));
        (filled + pace.every).saturating_sub(pace.every * pace.burst)
    }

    pub(super) fn fill(&mut self, now: Instant, key: K, time: Duration) {
        let empty_at = self.remove(&key).map_or(now, |empty_at| empty_at.max(now));
        self.insert(key, empty_at + time);
        // Each that comes lets up to two go that are empty.
        for _ in 0..2 {
            if self.empty_at.len() > self.len_max || self.by_time.first().is_some_and(|(empty_at, _)| *empty_at <= now)
            {
                self.forget_first();
            }
        }
    }

    /// Takes back what a try has filled.
    pub(super) fn drain(&mut self, key: &K, time: Duration) {
        let Some(empty_at) = self.remove(key) else { return };
        if let Some(empty_at) = empty_at.checked_sub(time) {
            self.insert(key.clone(), empty_at);
        }
    }

    /// Empties a bucket. Returns when it would have been empty.
    pub(super) fn remove(&mut self, key: &K) -> Option<Instant> {
        let (key, empty_at) = self.empty_at.remove_entry(key)?;
        self.by_time.remove(&(empty_at, key));
        Some(empty_at)
    }

    fn insert(&mut self, key: K, empty_at: Instant) {
        self.by_time.insert((empty_at, key.clone()));
        self.empty_at.insert(key, empty_at);
    }

    fn forget_first(&mut self) {
        if let Some((_, key)) = self.by_time.pop_first() {
            self.empty_at.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { burst: 2, every: Duration::from_secs(60) };

    #[test]
    fn those_that_are_empty_first_go_first_and_there_are_never_too_many() {
        let (mut buckets, now) = (Buckets::new(4), Instant::now());
        for _ in 0..PACE.burst {
            buckets.fill(now, 0, PACE.every);
        }
        for key in 1..100 {
            buckets.fill(now, key, PACE.every);
            assert!(buckets.empty_at.len() <= 4 && buckets.by_time.len() == buckets.empty_at.len(), "{buckets:?}");
        }
        assert_eq!(buckets.wait(now, &0, PACE), PACE.every);
        let later = now + PACE.every * PACE.burst;
        buckets.fill(later, 100, PACE.every);
        buckets.fill(later, 101, PACE.every);
        assert!(buckets.empty_at.keys().all(|key| *key >= 100), "the empty ones are gone: {buckets:?}");
        for key in [100, 101] {
            buckets.drain(&key, PACE.every);
            buckets.remove(&key);
        }
        assert!(buckets.empty_at.is_empty() && buckets.by_time.is_empty());
    }
}
