//! What is due when, and what is done then.

use core::time::Duration;

use super::event::Closed;
use super::parts::{Client, NOW_MAX};
use super::transport::Stage;
use crate::liveness::Silence;
use crate::time::Instant;
use crate::transition::State;

/// A window for resuming that is shorter than this is not worth to listen more closely for.
const LISTEN_WINDOW_MIN: Duration = Duration::from_secs(15);

impl Client {
    /// Does what is due. Call it when the time of [`poll_timeout`](Self::poll_timeout) has come. After that,
    /// [`poll_timeout`](Self::poll_timeout) gives a later time, or there is something to write.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.clock(now);
        if self.state == State::Closed {
            return;
        }
        if self.answer_by.is_some_and(|by| by <= self.now) {
            return self.lose(Closed::TimedOut);
        }
        self.connect_if_due();
        if self.ack_due().is_some_and(|due| due <= self.now) {
            self.push_ack();
        }
        if let Some((probe_after, dead_after)) = self.silence_limits() {
            match self.liveness.check(self.now, probe_after, dead_after) {
                Silence::Short => {}
                Silence::Probe => {
                    self.ping();
                }
                Silence::Dead | Silence::Unanswered => self.lose(Closed::TimedOut),
            }
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); none if nothing will be due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.state == State::Closed {
            return None;
        }
        let silence = self.silence_limits().map(|(probe_after, dead_after)| self.liveness.due(probe_after, dead_after));
        [self.answer_by, self.connect_at(), self.ack_due(), silence]
            .into_iter()
            .flatten()
            .filter(|due| *due <= NOW_MAX)
            .min()
    }

    /// Since when nothing has been heard though something of the hub is awaited: a connection, the answer to a request,
    /// or any sign of life after a long silence. None if nothing is awaited. It is for a program that tells a person
    /// how long it has been; when the client gives up, [`ClientConfig`](super::ClientConfig) and the hub's limits say.
    ///
    /// ```
    /// use chatcore::{Client, ClientConfig, ClientError, Instant};
    ///
    /// let mut client = Client::new(Instant::ZERO, ClientConfig::default(), 7);
    /// assert_eq!(client.silent_since(), None);
    /// let now = Instant::from_millis(500);
    /// client.register(now, "bob", b"")?;
    /// assert_eq!(client.silent_since(), Some(now));
    /// # Ok::<(), ClientError>(())
    /// ```
    pub fn silent_since(&self) -> Option<Instant> {
        let is_awaited = match (self.transport.stage, self.state) {
            (_, State::Closed) => false,
            (Stage::Connecting, _) | (Stage::Online { .. }, State::Registering | State::Resuming) => true,
            (Stage::Online { .. }, State::Registered) => !self.pending.is_empty() || self.liveness.is_probed(),
            _ => false,
        };
        is_awaited.then(|| self.asked_at.max(self.liveness.heard_at()))
    }

    /// After which silence to ask, and after which to give up: later than the hub, whose own ping is sign of life
    /// enough. But if only the hub has noticed that the connection is gone, the session waits no longer than its
    /// window.
    fn silence_limits(&self) -> Option<(Duration, Duration)> {
        let limits = self.limits.filter(|_| self.state == State::Registered)?;
        let idle = Duration::from_millis(u64::from(limits.idle_ms_max));
        let window = match limits.resume_ms_max {
            0 => Duration::MAX,
            millis => Duration::from_millis(u64::from(millis)).max(LISTEN_WINDOW_MIN),
        };
        Some(((idle * 3 / 4).min(window / 3 * 2), (idle * 3 / 2).min(window / 6 * 5)))
    }
}
