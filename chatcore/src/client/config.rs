//! How a client behaves.

use core::time::Duration;

use super::Backoff;
use crate::limits::HANDSHAKE_FRAME_BYTES_MAX;
use crate::wire::OVERHEAD_BYTES_MAX;

/// How a client behaves.
///
/// ```
/// use chatcore::ClientConfig;
///
/// let config = ClientConfig { ack_frames: 16, ..ClientConfig::default() };
/// assert_eq!(config.check(), Ok(()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    /// Bytes of a frame's content, at the most, whatever the hub announces: a client buffers no more.
    /// Default 16 MiB + 256; at least [`HANDSHAKE_FRAME_BYTES_MAX`].
    pub frame_bytes_max: u32,
    /// Bytes that are kept until the hub acknowledges them. Sending more is an error that passes.
    /// Default 1 MiB; at least 512. A body of the largest size always fits an empty outbox.
    pub outbox_bytes_max: u32,
    /// How long an answer to a registration may take before the connection counts as dead. Default 30 s; not 0.
    pub answer_time_max: Duration,
    /// How long a goodbye may take to be written out and answered. Default 5 s.
    pub flush_time_max: Duration,
    /// How long an acknowledgement waits for something to travel with, once the program has taken an event: at most half
    /// of the time after which the hub ends a session that acknowledges nothing
    /// ([`stall_ms_max`](crate::wire::Announced::stall_ms_max)). Default 50 ms; 0 lets none wait.
    pub ack_delay: Duration,
    /// Taken frames after which an acknowledgement waits no longer. Default 256.
    pub ack_frames: u32,
    /// An event is not taken when [`Client::poll_event`](super::Client::poll_event) returns it, but when the program
    /// says so with [`Client::take_events`](super::Client::take_events). Default false.
    pub takes_later: bool,
    /// How to connect again when the connection is lost; none to give up at once. Default: [`Backoff::default`].
    pub reconnect: Option<Backoff>,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            frame_bytes_max: (16 << 20) + 256,
            outbox_bytes_max: 1 << 20,
            answer_time_max: Duration::from_secs(30),
            flush_time_max: Duration::from_secs(5),
            ack_delay: Duration::from_millis(50),
            ack_frames: 256,
            takes_later: false,
            reconnect: Some(Backoff::default()),
        }
    }
}

impl ClientConfig {
    /// Whether a client can work like that.
    ///
    /// # Errors
    ///
    /// The first value that is out of its range, with the range.
    pub const fn check(&self) -> Result<(), ClientConfigError> {
        /// A request, and the answer to a ping.
        const OUTBOX_BYTES_MIN: u32 = 2 * OVERHEAD_BYTES_MAX;
        if self.frame_bytes_max < HANDSHAKE_FRAME_BYTES_MAX {
            return Err(ClientConfigError::Frame { given: self.frame_bytes_max, bytes_min: HANDSHAKE_FRAME_BYTES_MAX });
        }
        if self.outbox_bytes_max < OUTBOX_BYTES_MIN || self.outbox_bytes_max > u32::MAX / 2 {
            return Err(ClientConfigError::Outbox { given: self.outbox_bytes_max, bytes_min: OUTBOX_BYTES_MIN });
        }
        if self.answer_time_max.is_zero() {
            return Err(ClientConfigError::Zero { name: "answer_time_max" });
        }
        let Some(Backoff { first, max }) = self.reconnect else { return Ok(()) };
        if first.is_zero() {
            return Err(ClientConfigError::Zero { name: "reconnect.first" });
        }
        if max.as_nanos() < first.as_nanos() {
            return Err(ClientConfigError::Backoff { first, max });
        }
        Ok(())
    }
}

/// A configuration that no client can work with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientConfigError {
    /// The hub's answer to a registration might not fit.
    #[error("frame_bytes_max is {given}: it must be at least {bytes_min}")]
    Frame {
        /// The limit given.
        given: u32,
        /// The smallest possible.
        bytes_min: u32,
    },
    /// The outbox limit is out of its range.
    #[error("outbox_bytes_max is {given}: it must be {bytes_min} to 2147483647")]
    Outbox {
        /// The limit given.
        given: u32,
        /// The smallest possible.
        bytes_min: u32,
    },
    /// With zero, no answer would come in time, or attempts to connect would follow each other without a pause.
    #[error("{name} is 0: it must be more")]
    Zero {
        /// The field's name.
        name: &'static str,
    },
    /// The longest wait between attempts to connect is shorter than the first.
    #[error("reconnect.max is {max:?}: it must be at least reconnect.first, which is {first:?}")]
    Backoff {
        /// The first wait.
        first: Duration,
        /// The longest.
        max: Duration,
    },
}
