//! When to try again: later each time, and not when everybody else does.

use core::fmt;
use core::hash::Hasher;
use core::time::Duration;

use siphasher::sip::SipHasher13;

use crate::redacted::Secret;
use crate::setters::setters;

/// How long a client waits before an attempt to connect (protocol.md, *Sessions*, *How often*). The time doubles with
/// each attempt since a connection last held a session for [`reset_after`](Self::reset_after). The client waits for a
/// random time between half of it and the whole, so that not all clients of a hub connect at the same moment.
///
/// ```
/// use std::time::Duration;
///
/// use chatcore::Backoff;
///
/// let patient = Backoff::default().with_max(Duration::from_secs(300));
/// assert_eq!(patient.first, Duration::from_millis(200));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct Backoff {
    /// The time before the first attempt. Default 200 ms; at least 1 ns.
    #[cfg_attr(feature = "serde", serde(with = "crate::form::duration"))]
    pub first: Duration,
    /// The longest time. Default 30 s; at least `first`.
    #[cfg_attr(feature = "serde", serde(with = "crate::form::duration"))]
    pub max: Duration,
    /// How long a connection must have had a session before attempts are counted from 1 again. A hub that loses each
    /// connection soon after its welcome is asked less and less often. Default 10 s; with 0 each welcome is enough.
    #[cfg_attr(feature = "serde", serde(with = "crate::form::duration"))]
    pub reset_after: Duration,
    /// The longest wait that a hub can ask for, with a hint or a refusal; the client's own wait follows it. Default 10
    /// minutes.
    #[cfg_attr(feature = "serde", serde(with = "crate::form::duration"))]
    pub announced_max: Duration,
}

setters! {
    Backoff {
        with_first(first: Duration),
        with_max(max: Duration),
        with_reset_after(reset_after: Duration),
        with_announced_max(announced_max: Duration),
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(200),
            max: Duration::from_secs(30),
            reset_after: Duration::from_secs(10),
            announced_max: Duration::from_secs(600),
        }
    }
}

impl Backoff {
    /// How long to wait before an attempt, the first of which is 1. Between a half and the whole of what the doubling
    /// gives: a hub that comes back is not met by all its clients at once.
    pub(super) fn wait(&self, attempt: u32, jitter: &mut Jitter) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        let whole = self.first.saturating_mul(1 << doublings).min(self.max);
        let half = whole / 2;
        half + half.mul_f64(jitter.next())
    }
}

/// Fractions that look random, and are the same for the same seed.
#[derive(Clone)]
pub(super) struct Jitter {
    seed: u64,
    drawn: u64,
}

impl Jitter {
    pub(super) const fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    /// At least 0, and below 1.
    #[expect(clippy::cast_precision_loss, reason = "a number of 32 bits fits exactly")]
    fn next(&mut self) -> f64 {
        self.drawn += 1;
        let mut hasher = SipHasher13::new_with_keys(self.seed, self.drawn);
        hasher.write_u64(self.drawn);
        (hasher.finish() >> 32) as f64 / (1_u64 << 32) as f64
    }
}

/// Anybody that knows the seed knows when the client comes back.
impl fmt::Debug for Jitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jitter").field("seed", &Secret).field("drawn", &self.drawn).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_waits_double_up_to_the_longest_and_differ_from_client_to_client() {
        let backoff = Backoff::default().with_first(Duration::from_millis(100)).with_max(Duration::from_secs(1));
        let waits = |seed| -> Vec<Duration> {
            let mut jitter = Jitter::new(seed);
            [1, 2, 3, 4, 5, 100].into_iter().map(|attempt| backoff.wait(attempt, &mut jitter)).collect()
        };
        for (wait, whole) in waits(1).into_iter().zip([100, 200, 400, 800, 1000, 1000]) {
            let whole = Duration::from_millis(whole);
            assert!(whole / 2 <= wait && wait <= whole, "{wait:?} of {whole:?}");
        }
        assert_eq!(waits(1), waits(1));
        assert_ne!(waits(1), waits(2));
    }

    use std::vec::Vec;
}
