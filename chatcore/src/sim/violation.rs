//! What a run has found.

use alloc::string::String;
use core::fmt;

use crate::Instant;

/// A property that did not hold in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// Which property.
    pub property: Property,
    /// How, with names and numbers.
    pub detail: String,
    /// When, on the run's own clock.
    pub at: Instant,
}

impl core::error::Error for Violation {}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}, {} is violated: {}", self.at, self.property, self.detail)
    }
}

/// A property that the core promises to those who use it (protocol.md, *What is promised*), or that it needs of a
/// transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Property {
    /// Messages come in the order in which they were sent, and to all members of a room in one order.
    Order,
    /// While a session lives, each message comes exactly once.
    Once,
    /// Each sender learns what becomes of its message, and what it learns is true.
    Fate,
    /// Nothing grows beyond its limit.
    Bounds,
    /// No user delays others, however many requests it sends.
    Fairness,
    /// No peer is blamed for an error that it did not make.
    Isolation,
    /// A room's messages reach its members and nobody else, and its roster lists them.
    Rooms,
    /// A user who watches another knows whether it is online.
    Presence,
    /// After the network has healed, everything that is due comes within a bounded time.
    Progress,
    /// The caller's own transport ([`World::with_transport`](super::World::with_transport)) gives out what was written,
    /// all of it and in order.
    Transport,
}

impl fmt::Display for Property {
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
            Self::Transport => "transport",
        })
    }
}
