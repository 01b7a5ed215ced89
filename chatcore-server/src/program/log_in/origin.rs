//! Where somebody comes from who tries a password.

use std::fmt;

use chatcore::QuotaKey;

use crate::origin_of;

/// Where somebody comes from who tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    /// An address, or a network.
    Network(QuotaKey),
    /// A program of this machine, of this user if the system tells it.
    Local { uid: Option<u32> },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(key) => origin_of(*key).fmt(f),
            Self::Local { .. } => f.write_str("unix"),
        }
    }
}
