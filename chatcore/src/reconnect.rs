//! When, and where, to connect again.

use alloc::string::String;
use core::time::Duration;

use crate::wire::{DETAIL_BYTES_MAX, ReconnectHint};

/// When, and perhaps where, a client is to connect again: a hub's hint (protocol.md, *goodbye*). A program gives it to
/// its hub or server when that stops, and the program of a client finds it in `Closed::Goodbye`. On the wire it is a
/// [`ReconnectHint`].
///
/// ```
/// use std::time::Duration;
///
/// use chatcore::Reconnect;
///
/// let soon = Reconnect::new(Duration::from_secs(5));
/// assert_eq!(soon.address, None, "at the same place");
/// let elsewhere = soon.with_address(Some("chat.example:12345".into()));
/// assert_eq!(elsewhere.after.as_secs(), 5);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Reconnect {
    /// How long to wait first. A hub tells whole milliseconds, and 49 days at the most.
    #[cfg_attr(feature = "serde", serde(with = "crate::form::duration"))]
    pub after: Duration,
    /// Where to connect to, in the transport's notation (`host:port` for TCP); none for the same place. A hub leaves
    /// out an address of more than [`DETAIL_BYTES_MAX`] bytes. What a client is told is text that the hub wrote.
    pub address: Option<String>,
}

impl Reconnect {
    /// At the same place, after this time.
    pub const fn new(after: Duration) -> Self {
        Self { after, address: None }
    }

    /// The same with this [`address`](Self::address).
    #[must_use]
    pub fn with_address(mut self, address: Option<String>) -> Self {
        self.address = address;
        self
    }

    /// As it goes over the wire.
    pub(crate) fn hint(&self) -> ReconnectHint<'_> {
        ReconnectHint {
            after_ms: u32::try_from(self.after.as_millis()).unwrap_or(u32::MAX),
            address: self.address.as_deref().filter(|address| address.len() <= DETAIL_BYTES_MAX),
        }
    }
}

impl From<ReconnectHint<'_>> for Reconnect {
    fn from(hint: ReconnectHint<'_>) -> Self {
        Self { after: Duration::from_millis(u64::from(hint.after_ms)), address: hint.address.map(Into::into) }
    }
}
