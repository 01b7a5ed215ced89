//! What clients are told when a server stops.

use std::time::Duration;

use chatcore::wire::ReconnectHint;

/// When, and perhaps where, clients should connect again after the server has stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconnectAdvice {
    /// How long a client should wait before it connects; 49 days at the most.
    pub after: Duration,
    /// Another server's address in the transport's notation, over TCP `host:port`; none for this one.
    pub address: Option<String>,
}

impl ReconnectAdvice {
    /// The same as the hub takes it.
    pub(crate) fn hint(&self) -> ReconnectHint<'_> {
        ReconnectHint {
            after_ms: u32::try_from(self.after.as_millis()).unwrap_or(u32::MAX),
            address: self.address.as_deref(),
        }
    }
}
