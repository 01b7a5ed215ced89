//! The identity of a message, which is also its time.

use core::fmt;
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// Bits of an id that tell messages of one millisecond apart.
const COUNTER_BITS: u32 = 20;

/// The id of an accepted message: unique in its hub, and higher than that of every message accepted before.
///
/// It holds the hub's time, so that neither costs bytes of its own, and ids go on rising when a server is started
/// again: milliseconds of Unix time in the upper 44 bits, a counter in the lower 20.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(pub u64);

impl MessageId {
    /// The lowest id of a millisecond; the highest millisecond is in the year 2527.
    pub(crate) const fn first_of(unix_ms: u64) -> Self {
        let last = u64::MAX >> COUNTER_BITS;
        Self((if unix_ms < last { unix_ms } else { last }) << COUNTER_BITS)
    }

    /// The id of a message that is accepted after this one, in the millisecond that begins with `lowest`.
    pub(crate) fn next(self, lowest: Self) -> Self {
        // With more messages in a millisecond than the counter counts, time runs ahead a little.
        Self(self.0.saturating_add(1)).max(lowest)
    }

    /// When the hub accepted the message, by the hub's clock: since 1970-01-01 UTC, to the millisecond.
    pub const fn unix_time(self) -> Duration {
        Duration::from_millis(self.0 >> COUNTER_BITS)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_whatever_the_clock_does() {
        let next = |id: MessageId, unix_ms| id.next(MessageId::first_of(unix_ms));
        let first = next(MessageId(0), 5);
        assert_eq!(first.unix_time(), Duration::from_millis(5));
        let same_time = next(first, 5);
        let earlier = next(same_time, 3);
        let later = next(earlier, 6);
        assert!(first < same_time && same_time < earlier && earlier < later);
        assert_eq!(later.unix_time(), Duration::from_millis(6));
        assert_eq!(next(MessageId(u64::MAX - 1), u64::MAX).0, u64::MAX);
    }
}
