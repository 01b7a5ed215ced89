//! The state of the connection under a session.

use alloc::string::String;
use core::time::Duration;

use crate::time::Instant;

/// What a client wants of its transport now: [`Client::transport`](super::Client::transport) returns it.
///
/// A driver that checks this after each call need not wait for [`Event::Reconnecting`](super::Event::Reconnecting) and
/// [`Event::Connect`](super::Event::Connect), which may stand after many events that the program has not taken yet.
///
/// A driver must do what each says, so the enum is not `#[non_exhaustive]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport<'a> {
    /// Use the transport: read and write.
    Use,
    /// Write what [`Client::transmit`](super::Client::transmit) still gives, as far as the transport takes it
    /// at once. Then drop the transport if there is one.
    Drop,
    /// Make a new transport, as with [`Event::Connect`](super::Event::Connect).
    Connect {
        /// Where to connect to, in the transport's notation; none for the same place. The hub wrote this text.
        address: Option<&'a str>,
    },
}

/// The state of the transport, and how often a new one was tried since one last held the session for long enough.
#[derive(Debug)]
pub(super) struct TransportState {
    pub(super) stage: Stage,
    pub(super) attempt: u32,
    /// When the present connection got its session; none if it has not.
    session_since: Option<Instant>,
    /// Bytes that the driver has taken for the present connection, and has not reported as transmitted.
    pub(super) on_their_way: usize,
    /// Where the hub wants us to connect to.
    pub(super) address: Option<String>,
    /// The hub has asked for the present wait.
    pub(super) is_announced: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Online {
        preface_seen: bool,
    },
    Offline {
        retry_at: Instant,
    },
    /// The driver makes a connection.
    Connecting,
    /// It is over.
    Gone,
}

impl TransportState {
    /// A connection that is there from the beginning.
    pub(super) const fn fresh() -> Self {
        Self {
            stage: Stage::Online { preface_seen: false },
            attempt: 0,
            session_since: None,
            on_their_way: 0,
            address: None,
            is_announced: false,
        }
    }

    pub(super) const fn is_online(&self) -> bool {
        matches!(self.stage, Stage::Online { .. })
    }

    pub(super) const fn preface_seen(&self) -> bool {
        matches!(self.stage, Stage::Online { preface_seen: true })
    }

    pub(super) const fn see_preface(&mut self) {
        self.stage = Stage::Online { preface_seen: true };
    }

    /// The connection has its session.
    pub(super) fn begin_session(&mut self, now: Instant) {
        (self.session_since, self.address) = (Some(now), None);
    }

    /// The connection is lost. Returns the number of the next attempt, which is 1 if the session has held for this
    /// long.
    pub(super) fn next_attempt(&mut self, now: Instant, reset_after: Duration) -> u32 {
        if self.session_since.take().is_some_and(|since| now - since >= reset_after) {
            self.attempt = 0;
        }
        self.attempt = self.attempt.saturating_add(1);
        self.attempt
    }

    /// A wait before an attempt is over at once, and attempts are counted from the beginning.
    pub(super) fn hurry(&mut self, now: Instant) {
        if let Stage::Offline { retry_at } = &mut self.stage {
            *retry_at = now.min(*retry_at);
            self.attempt = 0;
        }
    }

    /// The same, if the hub has not asked for the wait.
    pub(super) fn probe(&mut self, now: Instant) {
        if !self.is_announced {
            self.hurry(now);
        }
    }

    /// When a connection is to be made.
    pub(super) const fn retry_at(&self) -> Option<Instant> {
        match self.stage {
            Stage::Offline { retry_at } => Some(retry_at),
            Stage::Online { .. } | Stage::Connecting | Stage::Gone => None,
        }
    }
}
