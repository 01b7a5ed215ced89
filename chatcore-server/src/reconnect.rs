//! What clients are told when a server stops.

use std::time::Duration;

use chatcore::wire::ReconnectHint;

/// When, and perhaps where, clients should connect again after the server has stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReconnectAdvice {
    /// How long a client should wait before it connects; 49 days at the most.
    pub after: Duration,
    /// Another server's address in the transport's notation, over TCP `host:port`; none for this one.
    pub address: Option<String>,
}

impl ReconnectAdvice {
    /// To come back to this server after this time.
    pub const fn new(after: Duration) -> Self {
        Self { after, address: None }
    }

    /// The same with this [`address`](Self::address).
    #[must_use]
    pub fn with_address(mut self, address: Option<String>) -> Self {
        self.address = address;
        self
    }

    /// The same as the hub takes it.
    pub(crate) fn hint(&self) -> ReconnectHint<'_> {
        ReconnectHint {
            after_ms: u32::try_from(self.after.as_millis()).unwrap_or(u32::MAX),
            address: self.address.as_deref(),
        }
    }
}
