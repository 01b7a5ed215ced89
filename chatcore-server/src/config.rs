//! What a server is told before it starts.

use std::time::Duration;

use chatcore::{Limits, UserName};

use crate::memory;

/// Where a server listens, and its limits.
///
/// ```
/// use chatcore_server::{Config, DriverLimits};
///
/// let config = Config {
///     listen: vec!["127.0.0.1:0".into(), "[::1]:0".into()],
///     driver: DriverLimits { connections_max: 500, ..DriverLimits::default() },
///     ..Config::default()
/// };
/// # assert_eq!(config.listen.len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Addresses to listen on, each as `host:port`: an IPv4 address, an IPv6 address in brackets, or a name.
    /// A name stands for every address it resolves to. Port 0 lets the system choose a port. Default
    /// [`Config::LISTEN_DEFAULT`] alone.
    pub listen: Vec<String>,
    /// What the chat itself allows: lengths, numbers of users, times.
    pub limits: Limits,
    /// Names that nobody gets, and neither what looks like them. Default none.
    pub reserved_names: Vec<UserName>,
    /// The number of the hub among those that work together, which its ids of messages hold: at most
    /// [`HUB_NUMBER_MAX`](chatcore::HUB_NUMBER_MAX). Default 0.
    pub hub_number: u16,
    /// What the server grants to the connections under it.
    pub driver: DriverLimits,
    /// What the server advises its clients when it stops. Default nothing.
    pub reconnect: Option<ReconnectAdvice>,
    /// Bytes of memory that the server may need. One whose limits allow more does not start. Default none.
    pub memory_bytes_max: Option<u64>,
}

/// When, and perhaps where, the clients of a server that stops are to connect again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconnectAdvice {
    /// How long to wait first; 49 days at the most.
    pub after: Duration,
    /// Another server's `host:port`; none for this one.
    pub address: Option<String>,
}

impl Config {
    /// Where a server listens that is told nothing else: on this machine alone.
    pub const LISTEN_DEFAULT: &str = "127.0.0.1:12345";

    /// Bytes of memory that the server needs at the most, by its limits: what its hub keeps and what its connections
    /// do, but not the program itself, nor what the system keeps for its sockets.
    ///
    /// ```
    /// use chatcore::{Limits, UserName};
    /// use chatcore_server::Config;
    ///
    /// let config = Config::default();
    /// let few = Config { limits: Limits { users_max: 500, ..Limits::default() }, ..Config::default() };
    /// assert!(few.memory_bytes() < config.memory_bytes());
    /// ```
    pub fn memory_bytes(&self) -> u64 {
        memory::bytes_max(&self.limits, self.driver.connections_max)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: vec![Self::LISTEN_DEFAULT.into()],
            limits: Limits::default(),
            reserved_names: Vec::new(),
            hub_number: 0,
            driver: DriverLimits::default(),
            reconnect: None,
            memory_bytes_max: None,
        }
    }
}

/// The limits of what lies below the chat: sockets, and the turns in which one thread serves them.
///
/// None of them may be zero except the lingering ones: see [`DriverLimits::check`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriverLimits {
    /// Connections, those included that have no name yet or are being closed. At this many the server stops
    /// accepting until one ends; whoever connects meanwhile waits in the system's queue. Default 1 000 000,
    /// so that the system's own limit on open files comes first.
    pub connections_max: usize,
    /// Bytes that are read from one connection before the others have their turn; less while one waits that has little to
    /// say. Default 512 KiB.
    pub turn_bytes_max: usize,
    /// How long a turn takes: for three quarters of it the server reads, then it writes for two fifths, and at the end it
    /// accepts connections for a quarter, if there is so much to do. What is left goes on in the next turn; connections
    /// that have little to say come before those that have much. One step of the hub's work may take it a little beyond.
    /// Default 2 ms.
    pub turn_time_max: Duration,
    /// Connections that are accepted before those that are there have their turn. Default 64.
    pub turn_accepts_max: usize,
    /// How long a connection that the server has closed is still read from, its bytes thrown away, so that the
    /// last thing it was told is not destroyed by a reset. Then it is dropped. Default 1 s; 0 drops at once.
    pub linger_time_max: Duration,
    /// Bytes that are thrown away in that time. A peer that sends more is dropped. Default 1 MiB.
    pub linger_bytes_max: usize,
}

impl Default for DriverLimits {
    fn default() -> Self {
        Self {
            connections_max: 1_000_000,
            turn_bytes_max: 512 << 10,
            turn_time_max: Duration::from_millis(2),
            turn_accepts_max: 64,
            linger_time_max: Duration::from_secs(1),
            linger_bytes_max: 1 << 20,
        }
    }
}

impl DriverLimits {
    /// Whether the limits let anything happen at all.
    ///
    /// # Errors
    ///
    /// The first limit that is zero.
    ///
    /// ```
    /// use chatcore_server::DriverLimits;
    ///
    /// let limits = DriverLimits { connections_max: 0, ..DriverLimits::default() };
    /// assert_eq!(limits.check().unwrap_err().to_string(), "connections_max is 0: it must be at least 1");
    /// ```
    pub fn check(&self) -> Result<(), DriverLimitsError> {
        let zeros = [
            ("connections_max", self.connections_max == 0, "1"),
            ("turn_bytes_max", self.turn_bytes_max == 0, "1"),
            ("turn_time_max", self.turn_time_max.is_zero(), "1 ns"),
            ("turn_accepts_max", self.turn_accepts_max == 0, "1"),
        ];
        match zeros.into_iter().find(|(_, is_zero, _)| *is_zero) {
            Some((name, _, least)) => Err(DriverLimitsError { name, least }),
            None => Ok(()),
        }
    }
}

/// A limit of the driver that is zero, where zero would let nothing happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} is 0: it must be at least {least}")]
pub struct DriverLimitsError {
    name: &'static str,
    least: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BindError, Server};

    #[test]
    fn a_hub_has_no_number_that_ids_cannot_hold() {
        let config = Config { hub_number: 1024, ..Config::default() };
        let Err(error @ BindError::HubNumber(1024)) = Server::bind(config) else { panic!("there is no such hub") };
        assert_eq!(error.to_string(), "the number of the hub is 1024: it must be 0 to 1023");
    }
}
