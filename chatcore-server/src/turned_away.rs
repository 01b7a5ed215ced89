//! Connections for which there is no room: they are told so without being read, and closed a little later.

use std::collections::VecDeque;

use chatcore::{Handshake, Instant, Limits, Refusal};
use chatcore_transport::Transport;
use tracing::info;

use crate::config::DriverLimits;
use crate::peer::Peer;

/// Connections that wait to be closed, at the most. The oldest one is closed for one more.
const WAITING_MAX: usize = 64;

/// What the peer has sent lies unread. Were its connection closed at once, the system would reset it, and a reset
/// destroys what the peer has not read yet (RFC 1122, 4.2.2.13). So it is closed when the peer has had some time.
/// Nobody waits for what it sends meanwhile: the poll does not know it.
#[derive(Debug, Default)]
pub(crate) struct TurnedAway {
    waiting: VecDeque<(Instant, Transport)>,
}

impl TurnedAway {
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// When [`TurnedAway::handle_timeout`] is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.waiting.front().map(|(until, _)| *until)
    }

    /// Tells a peer why there is no room for it, as far as its transport takes that at once.
    pub(crate) fn turn_away(
        &mut self,
        now: Instant,
        mut transport: Transport,
        peer: Peer,
        refusal: &Refusal,
        (hub, driver): (&Limits, &DriverLimits),
    ) {
        info!(%peer, reason = %refusal, "turned away");
        let mut handshake = Handshake::new(now, hub);
        handshake.turn_away(refusal);
        transport.turn_away(handshake.transmit());
        if driver.linger_time_max.is_zero() {
            return;
        }
        if self.waiting.len() >= WAITING_MAX {
            self.close_first();
        }
        self.waiting.push_back((now + driver.linger_time_max, transport));
    }

    /// Closes the one that has waited for the longest time. False if there is none.
    pub(crate) fn close_first(&mut self) -> bool {
        self.waiting.pop_front().is_some()
    }

    /// Closes those whose time is over.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        while self.deadline().is_some_and(|until| until <= now) {
            self.close_first();
        }
    }

    /// Closes all of them.
    pub(crate) fn close_all(&mut self) {
        self.waiting.clear();
    }
}
