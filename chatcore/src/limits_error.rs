//! Why limits do not fit together.

use core::time::Duration;

/// Why limits do not fit together. `Display` says what would be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitsError {
    /// `body_bytes_max` is out of its range.
    #[error("body_bytes_max is {given}: it must be 1 to {bytes_max}")]
    Body {
        /// The limit given.
        given: u32,
        /// The largest possible.
        bytes_max: u32,
    },
    /// `outbox_bytes_max` is out of its range: an outbox must hold four of the longest frames.
    #[error("outbox_bytes_max is {given}: with this body_bytes_max it must be {bytes_min} to 2147483647")]
    Outbox {
        /// The limit given.
        given: u32,
        /// The smallest possible.
        bytes_min: u32,
    },
    /// A limit for all is below one of its parts.
    #[error("{name} is {given}: it must be at least {part}, which is {bytes_min}")]
    Share {
        /// The limit's name.
        name: &'static str,
        /// The limit given.
        given: u64,
        /// The part.
        part: &'static str,
        /// How large the part is.
        bytes_min: u64,
    },
    /// A rate is not 0, but its burst is: it would let nothing through.
    #[error("the burst of {name} is 0: it must be at least 1, or the rate 0 for no bound")]
    NoBurst {
        /// The limit's name.
        name: &'static str,
    },
    /// A limit of zero would let nothing happen at all.
    #[error("{name} is 0: it must be at least 1")]
    Zero {
        /// The limit's name.
        name: &'static str,
    },
    /// `resume_time_max` is out of its range.
    #[error("resume_time_max is {given:?}: it must be at most 49 days")]
    Resume {
        /// The limit given.
        given: Duration,
    },
    /// A time is longer than the protocol can tell, in 32 bits of milliseconds.
    #[error("{name} is {given:?}: it must be at most 49 days")]
    Long {
        /// The limit's name.
        name: &'static str,
        /// The limit given.
        given: Duration,
    },
    /// A limit lets a user be in too many rooms, watch too many names, or have too many sessions.
    #[error("{name} is {given}: it must be at most {max}")]
    PerUser {
        /// The limit's name.
        name: &'static str,
        /// The limit given.
        given: u32,
        /// The largest possible.
        max: u32,
    },
    /// A limit that cannot change while the hub runs ([`Limits::check_change`](crate::Limits::check_change)).
    #[error("{name} cannot change while the hub runs: it changes with a new hub")]
    Fixed {
        /// The limit's name.
        name: &'static str,
    },
    /// `idle_time_max` is out of its range.
    #[error("idle_time_max is {given:?}: it must be 1 ms to 49 days")]
    Idle {
        /// The limit given.
        given: Duration,
    },
}
