//! Numbers that look random, and are the same for the same seed.

use core::ops::RangeInclusive;
use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// One in a million: the unit of chances.
pub const CERTAIN: u32 = 1_000_000;

/// What a run draws all its decisions from.
#[derive(Clone, Debug)]
pub struct Random(ChaCha8Rng);

impl Random {
    /// The numbers that belong to this seed.
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Numbers of its own, so that what one part of a run draws does not move what another part gets.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self::new(self.draw())
    }

    /// Any number.
    pub fn draw(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// 32 bytes: a hub's seed.
    pub fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.0.fill_bytes(&mut seed);
        seed
    }

    /// Below `bound`; zero if that is zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.draw().checked_rem(bound).unwrap_or_default()
    }

    /// An index into something of this length, which is not empty.
    pub fn index(&mut self, len: usize) -> usize {
        debug_assert!(len > 0, "there is something to choose from");
        usize::try_from(self.below(len as u64)).unwrap_or_default()
    }

    /// One of the numbers.
    pub fn within(&mut self, range: RangeInclusive<u64>) -> u64 {
        range.start() + self.below((range.end() - range.start()).saturating_add(1))
    }

    /// Up to `max`, where every order of magnitude is as likely as any other: most are small, and some are not.
    pub fn upto(&mut self, max: u64) -> u64 {
        let bits = self.below(u64::from(64 - max.leading_zeros()) + 1);
        self.below(1 << bits.min(63)).min(max)
    }

    /// As [`upto`](Self::upto), in time, to the microsecond.
    pub fn time_upto(&mut self, max: Duration) -> Duration {
        Duration::from_micros(self.upto(u64::try_from(max.as_micros()).unwrap_or(u64::MAX)))
    }

    /// True so many times in a million.
    pub fn chance(&mut self, millionths: u32) -> bool {
        self.below(u64::from(CERTAIN)) < u64::from(millionths)
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.index(of.len())]
    }
}
