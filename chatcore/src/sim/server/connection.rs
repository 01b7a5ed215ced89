//! One connection at a server, before the hub has admitted it and after that.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use super::around::Around;
use super::outgoing::Outgoing;
use super::rates::Debt;
use crate::sim::links::Links;
use crate::sim::network::{End, WireId};
use crate::{Admission, ConnId, Handshake, Instant, Limits, QuotaKey, Registration};

/// Bytes of a connection's input that are held, at the most, unless a frame may be longer. The rest stays in the
/// network.
const INBOX_BYTES_MAX: usize = 128 << 10;

/// How a connection comes in.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct Entrance {
    pub(in crate::sim) origin: QuotaKey,
    /// The program vouches for whoever asks for a name there.
    pub(in crate::sim) is_vouched: bool,
    /// How long its session waits for its client, by the listener; none for as long as the hub's limits say.
    pub(in crate::sim) resume_time: Option<Duration>,
}

/// A connection whose handshake is not over.
pub(super) struct PendingConn {
    pub(super) handshake: Handshake,
    pub(super) inbox: Vec<u8>,
    pub(super) undecided: Option<(Instant, Registration)>,
    pub(super) outgoing: Outgoing,
    pub(super) entrance: Entrance,
    /// What begins if it asks for a name that is in use.
    pub(super) admission: Admission,
}

impl PendingConn {
    pub(super) fn new(handshake: Handshake, entrance: Entrance, admission: Admission) -> Self {
        Self { handshake, inbox: Vec::new(), undecided: None, outgoing: Outgoing::default(), entrance, admission }
    }

    /// Writes out what a handshake has to say, as far as the network takes it.
    pub(super) fn flush(&mut self, around: &mut Around<'_>, wire: WireId) {
        let Self { handshake, outgoing, .. } = self;
        let (taken, _) = around.write(wire, End::Server, handshake.transmit(), |bytes| outgoing.push(bytes));
        handshake.transmitted(taken);
    }
}

/// A connection that the hub has admitted.
pub(super) struct Member {
    pub(super) conn: ConnId,
    pub(super) inbox: Vec<u8>,
    pub(super) inbox_bytes_max: usize,
    /// How many of these bytes the hub has seen already, without using them.
    pub(super) offered: usize,
    /// When the hub is to be given the rest of the inbox, though nothing more has come.
    pub(super) again_at: Option<Instant>,
    /// The hub wants nothing more to be read until then.
    pub(super) is_paused: bool,
    /// The transport is gone, and nothing more will come.
    pub(super) is_over: bool,
    /// Since when it has something for the hub.
    pub(super) waits_since: Option<Instant>,
    pub(super) outgoing: Outgoing,
    /// How many bytes the transport has taken, and when it reports that.
    pub(super) reports: VecDeque<(Instant, usize)>,
    pub(super) origin: QuotaKey,
    /// What it owes of what it has cost.
    pub(super) debt: Debt,
}

impl Member {
    pub(super) fn new(conn: ConnId, inbox: Vec<u8>, outgoing: Outgoing, origin: QuotaKey, limits: &Limits) -> Self {
        // What came together with the registration.
        let again_at = (!inbox.is_empty()).then_some(Instant::ZERO);
        Self {
            conn,
            inbox,
            inbox_bytes_max: INBOX_BYTES_MAX.max(2 * limits.frame_bytes_max() as usize),
            offered: 0,
            again_at,
            is_paused: false,
            is_over: false,
            waits_since: None,
            outgoing,
            reports: VecDeque::new(),
            origin,
            debt: Debt::default(),
        }
    }

    /// When there is something for the hub.
    pub(super) fn due(&self, network: &Links, wire: WireId) -> Option<Instant> {
        let readable_at = network.readable_at(wire, End::Server).filter(|_| self.reads());
        let unread = self.has_unread().then_some(Instant::ZERO);
        let report_at = self.reports.front().map(|(at, _)| *at);
        readable_at.into_iter().chain(self.again_at).chain(unread).chain(report_at).min()
    }

    /// Something was read that the hub has not seen, and it need not wait.
    pub(super) const fn has_unread(&self) -> bool {
        self.inbox.len() > self.offered && self.again_at.is_none()
    }

    /// Nothing of what has come is kept for later.
    pub(super) fn is_at_rest(&self) -> bool {
        self.again_at.is_none() && !self.is_over && !self.has_unread() && self.reports.is_empty()
    }

    /// Reads what has come and can be held, unless nothing is to be read.
    pub(super) fn read(&mut self, around: &mut Around<'_>, wire: WireId) {
        if self.reads() {
            let bytes_max = self.inbox_bytes_max.saturating_sub(self.inbox.len());
            self.is_over = around.network.read_upto(around.now, wire, End::Server, bytes_max, &mut self.inbox);
        }
    }

    /// Bytes that have come, and are not used.
    pub(super) const fn held(&self) -> usize {
        self.inbox.len()
    }

    /// Since when it has something for the hub, now at the latest.
    pub(super) fn waits_since(&mut self, now: Instant) -> Instant {
        *self.waits_since.get_or_insert(now)
    }

    pub(super) const fn reads(&self) -> bool {
        !self.is_paused && !self.is_over && self.inbox.len() < self.inbox_bytes_max
    }
}
