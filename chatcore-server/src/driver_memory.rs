//! How much memory the driver over TCP may come to need, by its limits.

use std::mem::size_of;

#[cfg(feature = "websocket")]
use chatcore::websocket::HEAD_BYTES_MAX;
use chatcore::{HANDSHAKE_FRAME_BYTES_MAX, Limits};

#[cfg(feature = "tls")]
use chatcore_transport::TlsStream;
#[cfg(feature = "websocket")]
use chatcore_transport::WebSocketStream;

use crate::buffers::{self, BUFFER_BYTES};
use crate::config::Config;
use crate::connection::{Connection, Handshaking};
#[cfg(feature = "websocket")]
use crate::listen;
use crate::log_in::LogIn;
use crate::memory::{self, HANDSHAKE_OUTPUT_BYTES};
use crate::rests::{READ_BYTES_MIN, RESTS_BYTES_MAX};
#[cfg(feature = "tls")]
use crate::tls::Tls;

/// Places in tables, queues and deadlines that each connection has: its number in a few of them, twice because they
/// grow by doubling; and the counts of its origin and of its site.
const PLACES_BYTES: usize = 512;

/// What a WebSocket adds: its state, and control frames that are not written.
#[cfg(feature = "websocket")]
const WEBSOCKET_BYTES: usize = size_of::<WebSocketStream>() + 1024;

impl Config {
    /// The most bytes of memory that the server needs, by its limits: for its hub, its connections, and the threads
    /// that decide about names. The program itself and the system's memory for its sockets are not in it.
    ///
    /// ```
    /// use chatcore::Limits;
    /// use chatcore_server::Config;
    ///
    /// let config = Config::default();
    /// let few = Config::default().with_limits(Limits::default().with_sessions_max(500));
    /// assert!(few.memory_bytes() < config.memory_bytes());
    /// ```
    pub fn memory_bytes(&self) -> u64 {
        let deciding = self.log_in.as_ref().map_or(0, LogIn::memory_bytes_max);
        let above = Above {
            #[cfg(feature = "tls")]
            tls: self.tls.is_some(),
            #[cfg(feature = "tls")]
            client_certificates: self.tls.as_ref().is_some_and(Tls::asks_clients),
            #[cfg(feature = "websocket")]
            websocket: listen::has_websocket(&self.listen),
        };
        bytes_max(&self.limits, self.driver.connections_max, above).saturating_add(deciding)
    }
}

/// What may be above a socket.
#[derive(Clone, Copy, Debug, Default)]
struct Above {
    #[cfg(feature = "tls")]
    tls: bool,
    /// Clients are asked for certificates.
    #[cfg(feature = "tls")]
    client_certificates: bool,
    #[cfg(feature = "websocket")]
    websocket: bool,
}

/// Bytes that a hub and its driver need at the most.
#[cfg_attr(
    not(any(feature = "tls", feature = "websocket")),
    expect(unused_variables, unused_mut, reason = "nothing is above a socket")
)]
fn bytes_max(limits: &Limits, connections_max: usize, above: Above) -> u64 {
    let kept = buffers::capacity_max(HANDSHAKE_FRAME_BYTES_MAX as usize + READ_BYTES_MIN);
    let handshake = size_of::<Handshaking>() + HANDSHAKE_OUTPUT_BYTES;
    let mut connection = 2 * size_of::<Connection>() + PLACES_BYTES + handshake + kept;
    let shared = BUFFER_BYTES + buffers::SPARES_BYTES_MAX + RESTS_BYTES_MAX + BUFFER_BYTES;
    // What is written to slow readers is there once more, encrypted or as the rest of a frame; and still in their
    // outboxes, because they have not acknowledged it.
    let mut written_bytes_max = 0;
    #[cfg(feature = "tls")]
    if above.tls {
        connection += TlsStream::SERVER_BYTES_MAX;
        if above.client_certificates {
            connection += TlsStream::CLIENT_CERTIFICATES_BYTES_MAX;
        }
        written_bytes_max = limits.buffer_bytes_max;
    }
    #[cfg(feature = "websocket")]
    if above.websocket {
        // Of its opening the start is kept, and after that the start of a frame.
        connection += WEBSOCKET_BYTES + HEAD_BYTES_MAX.saturating_sub(kept);
        written_bytes_max = limits.buffer_bytes_max;
    }
    memory::bytes_max(limits, connections_max, connection, shared).saturating_add(written_bytes_max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_connections_and_users_make_the_sum_smaller() {
        let limits = Limits::default();
        let plain = Above::default();
        let sum = bytes_max(&limits, 1_000, plain);
        assert!(bytes_max(&limits, 1, plain) < sum);
        assert!(bytes_max(&limits.clone().with_sessions_max(1), 1_000, plain) < sum);
        #[cfg(feature = "tls")]
        {
            let tls = Above { tls: true, ..plain };
            assert!(sum < bytes_max(&limits, 1_000, tls));
            assert!(
                bytes_max(&limits, 1_000, tls) < bytes_max(&limits, 1_000, Above { client_certificates: true, ..tls })
            );
        }
        #[cfg(feature = "websocket")]
        assert!(sum < bytes_max(&limits, 1_000, Above { websocket: true, ..plain }));
    }
}
