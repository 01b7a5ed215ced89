//! A rate, as a limit.

/// The rate of a token bucket, in the units of protocol.md, *Cost*, if its limit names no others. The bucket is full at
/// first.
///
/// ```
/// use chatcore::{Limits, Rate};
///
/// let trusting = Limits::default().with_session_rate(Rate::UNLIMITED);
/// assert_eq!(trusting.check(), Ok(()));
/// let stuck = Limits::default().with_session_rate(Rate { per_s: 10, burst: 0 });
/// assert!(stuck.check().is_err(), "nothing fits such a bucket");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Rate {
    /// Units that come into the bucket in a second; 0 bounds nothing.
    pub per_s: u32,
    /// Units that the bucket holds at the most; at least 1 if the rate is not 0.
    pub burst: u32,
}

impl Rate {
    /// No bound.
    pub const UNLIMITED: Self = Self { per_s: 0, burst: 0 };
}
