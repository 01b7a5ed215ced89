//! The configuration of a server on tokio.

use std::time::Duration;

use chatcore::{Limits, UserName};

use crate::counts::{self, Bounds};
use crate::setters::setters;

/// The limits of an [`AsyncServer`](super::AsyncServer) and its hub.
///
/// ```
/// use chatcore_server::AsyncConfig;
///
/// let config = AsyncConfig::default().with_connections_max(500);
/// assert!(config.check().is_ok());
/// let config = config.with_undecided_max(0);
/// assert_eq!(config.check().unwrap_err().to_string(), "undecided_max is 0: it must be at least 1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AsyncConfig {
    /// The limits of the hub: lengths, numbers of users and rooms, times.
    pub limits: Limits,
    /// Names that nobody gets. Nobody gets a name that looks like one of them, either
    /// ([`Hub::with_reserved`](chatcore::Hub::with_reserved)). Default none.
    pub reserved_names: Vec<UserName>,
    /// The number of the hub among hubs that work together; the ids of its messages hold this number. At most
    /// [`HUB_NUMBER_MAX`](chatcore::HUB_NUMBER_MAX). Default 0.
    pub hub_number: u16,
    /// Connections, those included that have no name yet or are closing. When there are this many,
    /// [`serve`](super::AsyncServer::serve) accepts none until one ends, and
    /// [`serve_connection`](super::AsyncServer::serve_connection) closes its connection at once. Default 1 000 000: the
    /// system's own limit on open files is usually lower.
    pub connections_max: usize,
    /// The last of these connections, which are for clients that resume a session. The server refuses registrations on
    /// them with `hub_full`, and closes them. Connections without a name count until then: those of one origin are
    /// bounded by [`handshakes_of_origin_max`](Self::handshakes_of_origin_max), and each by
    /// [`Limits::handshake_time_max`]. The reserve is one of connections and not of descriptors, which are the
    /// process's: it is of use where the system allows [`connections_max`](Self::connections_max) of them beside those
    /// of the program. Default 1 000, and at most an eighth of all.
    pub connections_for_resumes: usize,
    /// Connections of one [`Origin`](super::Origin). The server tells more of them `hub_full`, without reading, and
    /// closes them. Default 10 000, and at most half of [`connections_max`](Self::connections_max).
    pub connections_of_origin_max: usize,
    /// Connections of one origin that have no name yet. The server refuses more likewise. Default 1 000.
    pub handshakes_of_origin_max: usize,
    /// How many times these two bounds of one origin hold for a [site](super::Origin::with_site), and so do those of
    /// the hub on numbers, its rate and its share of the memory
    /// ([`Registration::with_site`](chatcore::Registration::with_site)). A site has at most three quarters of
    /// [`connections_max`](Self::connections_max). Default 4.
    pub site_factor: u32,
    /// Registrations that the [hooks](super::Hooks) decide about at a time. More wait for
    /// [`Limits::decision_time_max`] at the most: sites take turns, and in a site its origins, so nobody waits behind
    /// all others of somebody else. There may be as many of clients that resume a session, who do not wait behind those
    /// that ask for names. Default 1024.
    pub undecided_max: usize,
    /// Registrations of one origin that are undecided at a time, those included that wait. A site may have
    /// [`site_factor`](Self::site_factor) times as many; for a [shared](super::Origin::shared) origin there is no such
    /// bound. Of clients that resume a session an origin may have half of [`undecided_max`](Self::undecided_max), if
    /// that is more, and a site three quarters. The server refuses others with
    /// [`Refusal::RateLimited`](chatcore::Refusal::RateLimited). Default 64.
    pub undecided_of_origin_max: usize,
    /// How long the server still reads from a connection that it has closed, and throws the bytes away. Without this, a
    /// reset of the connection might destroy the last message to the client. Then the server drops the connection.
    /// Default 1 s; 0 drops it at once.
    pub linger_time_max: Duration,
    /// Bytes that the server throws away in that time. If the client sends more, the server drops the connection.
    /// Default 1 MiB.
    pub linger_bytes_max: u32,
    /// Bytes of memory that the server may need ([`AsyncConfig::memory_bytes`]). A server whose limits allow more does
    /// not start. Default none: no bound.
    pub memory_bytes_max: Option<u64>,
}

impl AsyncConfig {
    /// The same with these [`reserved_names`](Self::reserved_names), and no others.
    #[must_use]
    pub fn with_reserved_names(mut self, reserved_names: impl IntoIterator<Item = UserName>) -> Self {
        self.reserved_names = reserved_names.into_iter().collect();
        self
    }
}

setters! {
    AsyncConfig {
        with_limits(limits: Limits),
        with_hub_number(hub_number: u16),
        with_connections_max(connections_max: usize),
        with_connections_for_resumes(connections_for_resumes: usize),
        with_connections_of_origin_max(connections_of_origin_max: usize),
        with_handshakes_of_origin_max(handshakes_of_origin_max: usize),
        with_site_factor(site_factor: u32),
        with_undecided_max(undecided_max: usize),
        with_undecided_of_origin_max(undecided_of_origin_max: usize),
        with_linger_time_max(linger_time_max: Duration),
        with_linger_bytes_max(linger_bytes_max: u32),
        with_memory_bytes_max(memory_bytes_max: Option<u64>),
    }
}

impl Default for AsyncConfig {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            reserved_names: Vec::new(),
            hub_number: 0,
            connections_max: 1_000_000,
            connections_for_resumes: 1_000,
            connections_of_origin_max: 10_000,
            handshakes_of_origin_max: 1_000,
            site_factor: 4,
            undecided_max: 1024,
            undecided_of_origin_max: 64,
            linger_time_max: Duration::from_secs(1),
            linger_bytes_max: 1 << 20,
            memory_bytes_max: None,
        }
    }
}

impl AsyncConfig {
    /// So many connections there may be before the others are for those who resume a session.
    pub(super) const fn connections_before_reserve(&self) -> usize {
        self.connections_max - counts::reserve(self.connections_for_resumes, self.connections_max)
    }

    /// How many connections an origin may have.
    pub(super) const fn bounds(&self) -> Bounds {
        Bounds {
            connections_of_origin_max: self.connections_of_origin_max,
            handshakes_of_origin_max: self.handshakes_of_origin_max,
            site_factor: self.site_factor,
        }
    }
}
