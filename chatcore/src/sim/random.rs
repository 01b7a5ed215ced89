//! Numbers that look random, and are the same for the same seed.

use core::ops::RangeInclusive;
use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The chance of what always happens: chances are in millionths.
pub const CERTAIN: u32 = 1_000_000;

/// The source of all random decisions of a run. The same seed gives the same numbers. Not fit for secrets.
///
/// ```
/// use chatcore::sim::{CERTAIN, Random};
///
/// let (mut one, mut other) = (Random::new(7), Random::new(7));
/// assert_eq!(one.draw(), other.draw());
/// assert!(one.below(10) < 10);
/// assert!((5..=6).contains(&one.within(5..=6)));
/// assert!(one.chance(CERTAIN) && !one.chance(0));
/// ```
#[derive(Clone, Debug)]
pub struct Random(ChaCha8Rng);

impl Random {
    /// The numbers of this seed.
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A new source, for one part of a run: what that part draws does not change what other parts get.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self::new(self.draw())
    }

    /// Any number of 64 bits.
    pub fn draw(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// 32 bytes, such as a hub's seed.
    pub fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.0.fill_bytes(&mut seed);
        seed
    }

    /// A number below `bound`; 0 if `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.draw().checked_rem(bound).unwrap_or_default()
    }

    /// An index into something of this length. The length must not be 0.
    pub fn index(&mut self, len: usize) -> usize {
        debug_assert!(len > 0, "there is something to choose from");
        usize::try_from(self.below(len as u64)).unwrap_or_default()
    }

    /// A number of the range, which must not be empty.
    pub fn within(&mut self, range: RangeInclusive<u64>) -> u64 {
        range.start() + self.below((range.end() - range.start()).saturating_add(1))
    }

    /// A number up to `max`. Every order of magnitude is as likely as any other: most numbers are small, and some are
    /// large.
    pub fn upto(&mut self, max: u64) -> u64 {
        let bits = self.below(u64::from(64 - max.leading_zeros()) + 1);
        self.below(1 << bits.min(63)).min(max)
    }

    /// As [`upto`](Self::upto), in time, to the microsecond.
    pub fn time_upto(&mut self, max: Duration) -> Duration {
        Duration::from_micros(self.upto(u64::try_from(max.as_micros()).unwrap_or(u64::MAX)))
    }

    /// True with this chance, in millionths.
    pub fn chance(&mut self, millionths: u32) -> bool {
        self.below(u64::from(CERTAIN)) < u64::from(millionths)
    }

    /// One of these values.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.index(of.len())]
    }
}
