//! The identity of a message, which is also its time.

use core::fmt;
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// Bits of an id that tell messages of one hub in one millisecond apart.
const COUNTER_BITS: u32 = 13;

/// Bits of an id that tell hubs apart.
const HUB_BITS: u32 = 10;

/// Bits of an id for the time.
const TIME_BITS: u32 = u64::BITS - HUB_BITS - COUNTER_BITS;

const COUNTER_MASK: u64 = (1 << COUNTER_BITS) - 1;

/// 2025-01-01 00:00 UTC, in milliseconds since 1970: ids count from there.
pub(crate) const EPOCH_UNIX_MS: u64 = 1_735_689_600_000;

/// The highest number of a hub ([`Hub::with_number`](crate::Hub::with_number)): 1023.
pub const HUB_NUMBER_MAX: u16 = (1 << HUB_BITS) - 1;

/// The id of an accepted message: unique among all hubs with different numbers, and higher than that of every message
/// that the same hub accepted before (protocol.md, *deliver*).
///
/// It holds the hub's time, so that messages need no field for that, and ids go on rising when a server is started
/// again. From the highest bit on: 41 bits of milliseconds since 2025-01-01 UTC, 10 bits of the hub's number, 13 bits
/// of a counter.
///
/// ```
/// use std::time::Duration;
///
/// use chatcore::MessageId;
///
/// let id = MessageId(1_000 << 23 | 3 << 13); // a second after the beginning of 2025, from hub 3
/// assert_eq!(id.unix_time(), Duration::from_secs(1_735_689_601));
/// assert_eq!(id.hub_number(), 3);
/// assert!(id < MessageId(1_001 << 23));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(pub u64);

impl MessageId {
    /// The lowest id of a millisecond in a hub. A time before 2025 counts as 2025, one after 2094 as 2094.
    pub(crate) const fn first_of(unix_ms: u64, hub: u16) -> Self {
        const LAST: u64 = (1 << TIME_BITS) - 1;
        let ms = unix_ms.saturating_sub(EPOCH_UNIX_MS);
        let ms = if ms < LAST { ms } else { LAST };
        Self(((ms << HUB_BITS) | hub as u64) << COUNTER_BITS)
    }

    /// The id of a message that is accepted after this one, in the millisecond of the same hub that begins with
    /// `lowest`.
    #[inline]
    pub(crate) fn next(self, lowest: Self) -> Self {
        const MILLISECOND: u64 = 1 << (HUB_BITS + COUNTER_BITS);
        // With more messages in a millisecond than the counter counts, time runs ahead a little.
        let step = if self.0 & COUNTER_MASK == COUNTER_MASK { MILLISECOND - COUNTER_MASK } else { 1 };
        Self(self.0.saturating_add(step)).max(lowest)
    }

    /// When the hub accepted the message, by the hub's clock: the time since 1970-01-01 00:00 UTC, to the millisecond.
    /// After a burst, or if the clock went backwards, it is ahead of the clock for a while.
    pub const fn unix_time(self) -> Duration {
        Duration::from_millis((self.0 >> (HUB_BITS + COUNTER_BITS)) + EPOCH_UNIX_MS)
    }

    /// The number of the hub that accepted the message ([`Hub::with_number`](crate::Hub::with_number)).
    #[expect(clippy::cast_possible_truncation, reason = "the mask leaves ten bits")]
    pub const fn hub_number(self) -> u16 {
        (self.0 >> COUNTER_BITS) as u16 & HUB_NUMBER_MAX
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
        let at = |ms| EPOCH_UNIX_MS + ms;
        let next = |id: MessageId, ms| id.next(MessageId::first_of(at(ms), 3));
        let first = next(MessageId(0), 5);
        assert_eq!(first.unix_time(), Duration::from_millis(at(5)));
        let same_time = next(first, 5);
        let earlier = next(same_time, 3);
        let later = next(earlier, 6);
        assert!(first < same_time && same_time < earlier && earlier < later);
        assert_eq!(later.unix_time(), Duration::from_millis(at(6)));
    }

    #[test]
    fn an_id_is_41_bits_of_time_10_of_the_hub_and_13_of_a_counter() {
        let id = MessageId::first_of(EPOCH_UNIX_MS + 5, HUB_NUMBER_MAX);
        assert_eq!(id.0, 5 << 23 | 1023 << 13);
        assert_eq!((id.unix_time(), id.hub_number()), (Duration::from_millis(EPOCH_UNIX_MS + 5), 1023));
        assert_eq!(MessageId::first_of(0, 0), MessageId(0), "before 2025");
        assert_eq!(MessageId::first_of(u64::MAX, 0).0, u64::MAX >> 23 << 23, "after 2094");
    }

    #[test]
    fn a_full_counter_goes_on_in_the_next_millisecond_of_the_same_hub() {
        let lowest = MessageId::first_of(EPOCH_UNIX_MS + 5, 3);
        let full = MessageId(lowest.0 + COUNTER_MASK);
        assert_eq!(full.next(lowest), MessageId::first_of(EPOCH_UNIX_MS + 6, 3));
    }
}
