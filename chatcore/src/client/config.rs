//! How a client behaves.

use core::time::Duration;

use super::backoff::Backoff;
use crate::setters::setters;
use crate::wire::{HANDSHAKE_FRAME_BYTES_MAX, OVERHEAD_BYTES_MAX};

/// How a client behaves: its limits and times. A configuration is made from the default one, with a method for each
/// field.
///
/// With the feature `serde`, a value that is missing is the default one, times are text with a unit (`"30s"`,
/// `"250ms"`), and values with which no client can work are an error.
///
/// ```
/// use chatcore::{ClientConfig, ClientConfigError};
///
/// let config = ClientConfig::default().with_ack_frames(16).with_reconnect(None);
/// assert_eq!(config.check(), Ok(()));
///
/// let small = ClientConfig::default().with_outbox_bytes_max(100);
/// assert_eq!(small.check(), Err(ClientConfigError::Outbox { given: 100, bytes_min: 512 }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientConfig {
    /// The most bytes of a frame's content, in both directions, whatever the hub announces. The driver buffers no
    /// longer frame. Default 16 MiB + 256; at least [`HANDSHAKE_FRAME_BYTES_MAX`].
    pub frame_bytes_max: u32,
    /// Bytes that the client keeps until the hub acknowledges them. Beyond it, requests fail with
    /// [`ClientError::OutboxFull`](super::ClientError::OutboxFull), which passes. An empty outbox takes a body of any
    /// size. Default 1 MiB; 512 to 2³¹ - 1.
    pub outbox_bytes_max: u32,
    /// How long a connection may take to be made, and an answer to a registration or a resume to come. After that, the
    /// client takes the connection for lost. Default 30 s; at least 1 ns.
    pub answer_time_max: Duration,
    /// How long the hub may take to give a sign of life when [`Client::hurry`](super::Client::hurry) or
    /// [`Client::probe`](super::Client::probe) asks for one. After that, the client takes the connection for lost.
    /// Default 5 s; at least 1 ns.
    pub probe_time_max: Duration,
    /// How long the hub may take to answer a goodbye, the time to write it included. After that, the client ends
    /// without the answer. Default 5 s.
    pub flush_time_max: Duration,
    /// How long an acknowledgement waits for something to travel with, after the program has taken an event. It never
    /// waits for more than half of the hub's stall time ([`stall_ms_max`](crate::wire::Announced::stall_ms_max)).
    /// Default 50 ms; with 0 none waits.
    pub ack_delay: Duration,
    /// How many frames the program takes before an acknowledgement waits no longer. Default 256.
    pub ack_frames: u32,
    /// When the program takes an event: with false when [`Client::poll_event`](super::Client::poll_event) returns it,
    /// with true when the program says so with [`Client::take_events`](super::Client::take_events). Default false.
    pub takes_later: bool,
    /// How long to wait before the client connects again when a connection is lost; none to end the client instead.
    /// Default [`Backoff::default`].
    pub reconnect: Option<Backoff>,
    /// Whether the client also tries again while it has no session: for programs that are to stay whatever happens,
    /// such as bots. It needs [`reconnect`](Self::reconnect). Default false: then the client tries again only for a
    /// session that it has had. With true, an [`Event::Reconnecting`](super::Event::Reconnecting) comes in these cases,
    /// and after its time the client connects and asks for its name again:
    ///
    /// - the first connection cannot be made, or is lost before there is a session;
    /// - the hub stops;
    /// - the hub refuses the name, and that passes ([`RefusalCode::passes`](crate::RefusalCode::passes)), or the hub
    ///   says how long to wait: for example, the session of a process before this one has the name;
    /// - the hub ends the session with the goodbye [`SlowConsumer`](crate::GoodbyeCode::SlowConsumer).
    ///
    /// Everything else is as with false. Another refusal is an [`Event::Refused`](super::Event::Refused): then the
    /// program asks for another name, or closes the client. A client that is kicked or taken over, or that breaks the
    /// protocol, ends.
    pub keeps_trying: bool,
}

setters! {
    form ClientConfig {
        with_frame_bytes_max(frame_bytes_max: u32),
        with_outbox_bytes_max(outbox_bytes_max: u32),
        with_answer_time_max(answer_time_max: Duration as "duration"),
        with_probe_time_max(probe_time_max: Duration as "duration"),
        with_flush_time_max(flush_time_max: Duration as "duration"),
        with_ack_delay(ack_delay: Duration as "duration"),
        with_ack_frames(ack_frames: u32),
        with_takes_later(takes_later: bool),
        with_reconnect(reconnect: Option<Backoff>),
        with_keeps_trying(keeps_trying: bool),
    }
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            frame_bytes_max: (16 << 20) + 256,
            outbox_bytes_max: 1 << 20,
            answer_time_max: Duration::from_secs(30),
            probe_time_max: Duration::from_secs(5),
            flush_time_max: Duration::from_secs(5),
            ack_delay: Duration::from_millis(50),
            ack_frames: 256,
            takes_later: false,
            reconnect: Some(Backoff::default()),
            keeps_trying: false,
        }
    }
}

impl ClientConfig {
    /// Checks whether a client can work with these values. [`Client::new`](super::Client::new) panics if not.
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
        if self.probe_time_max.is_zero() {
            return Err(ClientConfigError::Zero { name: "probe_time_max" });
        }
        let Some(Backoff { first, max, .. }) = self.reconnect else {
            return if self.keeps_trying { Err(ClientConfigError::KeepsTrying) } else { Ok(()) };
        };
        if first.is_zero() {
            return Err(ClientConfigError::Zero { name: "reconnect.first" });
        }
        if max.as_nanos() < first.as_nanos() {
            return Err(ClientConfigError::Backoff { first, max });
        }
        Ok(())
    }
}

/// Why no client can work with a configuration. `Display` says what would be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientConfigError {
    /// `frame_bytes_max` is too small for a hub's answer to a registration.
    #[error("frame_bytes_max is {given}: it must be at least {bytes_min}")]
    Frame {
        /// The limit given.
        given: u32,
        /// The smallest possible.
        bytes_min: u32,
    },
    /// `outbox_bytes_max` is out of its range.
    #[error("outbox_bytes_max is {given}: it must be {bytes_min} to 2147483647")]
    Outbox {
        /// The limit given.
        given: u32,
        /// The smallest possible.
        bytes_min: u32,
    },
    /// A time is zero. Then no answer would come in time, or attempts to connect would follow each other without a
    /// pause.
    #[error("{name} is 0: it must be more")]
    Zero {
        /// The field's name.
        name: &'static str,
    },
    /// `keeps_trying` is true, and there is no `reconnect`.
    #[error("keeps_trying needs reconnect, the times between attempts: give them, or leave it false")]
    KeepsTrying,
    /// The longest wait between attempts to connect is shorter than the first.
    #[error("reconnect.max is {max:?}: it must be at least reconnect.first, which is {first:?}")]
    Backoff {
        /// The first wait.
        first: Duration,
        /// The longest.
        max: Duration,
    },
}
