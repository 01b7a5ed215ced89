//! The time of the core: an integer that the driver supplies, because a core that reads no clock can
//! be run again, exactly, from the list of its inputs.

use core::fmt;
use core::ops::{Add, Sub};
use core::time::Duration;

/// A point in time: nanoseconds since an epoch of the driver's own choice.
///
/// Only differences matter to the core. A driver over sockets counts from its start; a test counts
/// from zero. If time goes backwards, the core takes it as standing still. The range is 584 years; additions
/// saturate at its end.
///
/// ```
/// use std::time::Duration;
///
/// use chatcore::Instant;
///
/// let start = Instant::from_millis(1_500);
/// let later = start + Duration::from_secs(2);
/// assert_eq!(later - start, Duration::from_secs(2));
/// assert_eq!(start - later, Duration::ZERO);
/// assert_eq!(later.to_string(), "3.500000s");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The driver's epoch.
    pub const ZERO: Self = Self(0);

    /// The end of time: a deadline that never comes.
    pub const MAX: Self = Self(u64::MAX);

    /// The point `nanos` nanoseconds after the epoch.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The point `millis` milliseconds after the epoch; saturates.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// The point this long after the epoch; saturates.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use chatcore::Instant;
    ///
    /// assert_eq!(Instant::from_duration(Duration::from_secs(2)), Instant::from_millis(2_000));
    /// assert_eq!(Instant::from_duration(Duration::MAX), Instant::MAX);
    /// ```
    pub const fn from_duration(since_epoch: Duration) -> Self {
        let nanos = since_epoch.as_nanos();
        if nanos > u64::MAX as u128 {
            return Self::MAX;
        }
        #[expect(clippy::cast_possible_truncation, reason = "it was compared")]
        Self(nanos as u64)
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long this is after the epoch.
    pub const fn as_duration(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    /// How long this is after `earlier`; zero if it is not after it.
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Conversions alone: the core reads no clock.
#[cfg(feature = "std")]
#[expect(clippy::disallowed_types, reason = "it is the caller who has read the clock")]
impl Instant {
    /// The point `at` of a driver's monotonic clock, counted from `epoch`. A point before the epoch is
    /// [`Instant::ZERO`]. With the feature `std`.
    ///
    /// ```
    /// use std::time::{Duration, Instant as SystemInstant};
    ///
    /// use chatcore::Instant;
    ///
    /// let epoch = SystemInstant::now();
    /// let now = Instant::from_std(epoch + Duration::from_secs(2), epoch);
    /// assert_eq!(now, Instant::from_millis(2_000));
    /// assert_eq!(now.to_std(epoch), Some(epoch + Duration::from_secs(2)));
    /// ```
    pub fn from_std(at: std::time::Instant, epoch: std::time::Instant) -> Self {
        Self::from_duration(at.saturating_duration_since(epoch))
    }

    /// What a driver's monotonic clock calls this point, if it called the epoch `epoch`; none if the clock does not go
    /// so far, as for [`Instant::MAX`] on some systems. A deadline that is none never comes. With the feature `std`.
    pub fn to_std(self, epoch: std::time::Instant) -> Option<std::time::Instant> {
        epoch.checked_add(self.as_duration())
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(Self::from_duration(duration).0))
    }
}

impl Sub for Instant {
    type Output = Duration;

    /// The same as [`Instant::saturating_since`].
    fn sub(self, earlier: Self) -> Duration {
        self.saturating_since(earlier)
    }
}

impl fmt::Display for Instant {
    /// Seconds since the epoch, to the microsecond: `12.000345s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0 / 1_000;
        write!(f, "{}.{:06}s", micros / 1_000_000, micros % 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        let last = Instant::from_nanos(u64::MAX);
        assert_eq!(last + Duration::from_secs(1), last);
        assert_eq!(Instant::ZERO + Duration::MAX, last);
        assert_eq!(Instant::ZERO - last, Duration::ZERO);
        assert_eq!(Instant::from_millis(u64::MAX), last);
        assert_eq!(Instant::from_duration(Duration::from_nanos(u64::MAX)), last);
        assert_eq!(Instant::from_duration(last.as_duration() + Duration::from_nanos(1)), last);
    }

    #[cfg(feature = "std")]
    #[expect(
        clippy::disallowed_types,
        clippy::disallowed_methods,
        reason = "some point of the system's clock is needed"
    )]
    #[test]
    fn a_point_that_the_system_s_clock_cannot_name_is_no_panic() {
        let epoch = std::time::Instant::now();
        let past = epoch.checked_sub(Duration::from_secs(1)).unwrap_or(epoch);
        assert_eq!(Instant::from_std(past, epoch), Instant::ZERO, "before the epoch");
        let far = Instant::MAX.to_std(epoch);
        assert!(far.is_none_or(|far| Instant::from_std(far, epoch) == Instant::MAX), "{far:?}");
    }

    #[test]
    fn it_prints_seconds() {
        assert_eq!(Instant::from_millis(12_345).to_string(), "12.345000s");
    }
}
