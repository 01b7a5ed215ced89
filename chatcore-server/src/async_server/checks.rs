//! What of a configuration is checked before a server on tokio starts.

use chatcore::{HUB_NUMBER_MAX, LimitsError};

use super::config::AsyncConfig;
use super::memory;
use crate::memory::Bytes;

impl AsyncConfig {
    /// The most bytes of memory that the server needs, by its limits: for its hub and its connections. Not in it are
    /// the program itself, the system's memory for its sockets, what the program's transports keep, such as those of
    /// TLS, and what its [hooks](super::Hooks) keep for each of twice [`undecided_max`](Self::undecided_max)
    /// registrations.
    ///
    /// ```
    /// use chatcore_server::AsyncConfig;
    ///
    /// let config = AsyncConfig::default();
    /// let few = AsyncConfig::default().with_connections_max(500);
    /// assert!(few.memory_bytes() < config.memory_bytes());
    /// ```
    pub fn memory_bytes(&self) -> u64 {
        memory::bytes_max(&self.limits, self.connections_max)
    }

    /// Checks that a server can work with this.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it.
    pub fn check(&self) -> Result<(), StartError> {
        self.limits.check()?;
        if self.hub_number > HUB_NUMBER_MAX {
            return Err(StartError::HubNumber(self.hub_number));
        }
        let counts = [
            ("connections_max", self.connections_max),
            ("connections_of_origin_max", self.connections_of_origin_max),
            ("handshakes_of_origin_max", self.handshakes_of_origin_max),
            ("site_factor", self.site_factor as usize),
            ("undecided_max", self.undecided_max),
            ("undecided_of_origin_max", self.undecided_of_origin_max),
        ];
        if let Some((name, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return Err(StartError::Zero { name });
        }
        match (self.memory_bytes(), self.memory_bytes_max) {
            (needed, Some(bytes_max)) if needed > bytes_max => Err(StartError::Memory { needed, bytes_max }),
            _ => Ok(()),
        }
    }
}

/// Why an [`AsyncServer`](super::AsyncServer) could not start. `Display` says what would be right.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The limits of the hub do not fit together.
    #[error(transparent)]
    Limits(#[from] LimitsError),
    /// A limit is zero with which nothing could happen.
    #[error("{name} is 0: it must be at least 1")]
    Zero {
        /// The field of [`AsyncConfig`].
        name: &'static str,
    },
    /// By its limits the server needs more memory than [`AsyncConfig::memory_bytes_max`].
    #[error(
        "by its limits this server needs at most {} ({needed} bytes) of memory, which is more than memory_bytes_max, {} \
         ({bytes_max} bytes): lower connections_max, or of the limits sessions_max, buffer_bytes_max, memberships_max, \
         hub_watches_max or rooms_max",
        Bytes(*needed),
        Bytes(*bytes_max)
    )]
    Memory {
        /// Bytes by the limits: [`AsyncConfig::memory_bytes`].
        needed: u64,
        /// The bound: [`AsyncConfig::memory_bytes_max`].
        bytes_max: u64,
    },
    /// [`AsyncConfig::hub_number`], which is given, is above [`HUB_NUMBER_MAX`].
    #[error("the number of the hub is {0}: it must be 0 to {max}", max = HUB_NUMBER_MAX)]
    HubNumber(u16),
    /// The system gives no randomness, from which the tokens of sessions are drawn.
    #[error("cannot start: {0}")]
    System(#[source] std::io::Error),
}
