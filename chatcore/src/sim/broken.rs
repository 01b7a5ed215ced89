//! What a run has found.

use alloc::string::String;
use core::fmt;

use crate::Instant;

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which one.
    pub promise: Promise,
    /// How, with names and numbers.
    pub detail: String,
    /// When, on the run's own clock.
    pub at: Instant,
}

impl core::error::Error for Broken {}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}, the promise of {} is broken: {}", self.at, self.promise, self.detail)
    }
}

/// What is promised to those who use the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Promise {
    /// Messages come in the order in which they were sent, and to all members of a room in one order.
    Order,
    /// While a session lives, each message comes exactly once.
    Once,
    /// Every send has an end that its sender learns, and what it learns is true.
    Fate,
    /// Nothing grows beyond its limit.
    Bounds,
    /// Nobody delays others, however much it has to say.
    Fairness,
    /// Nobody is accused of a fault that it has not.
    Isolation,
    /// A room is those who are in it.
    Rooms,
    /// Who watches somebody knows how it stands.
    Presence,
    /// When the network is well again, everything that is owed comes soon.
    Progress,
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Order => "order",
            Self::Once => "once",
            Self::Fate => "fate",
            Self::Bounds => "bounds",
            Self::Fairness => "fairness",
            Self::Isolation => "isolation",
            Self::Rooms => "rooms",
            Self::Presence => "presence",
            Self::Progress => "progress",
        })
    }
}
