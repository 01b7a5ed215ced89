//! Connections that the hub has admitted: what comes from them goes to the hub in batches.

use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;

use super::outgoing::Outgoing;
use super::rates::Debt;
use super::work::of_call_max;
use super::{Around, Server};
use crate::sim::network::{End, Network, WireId};
use crate::sim::random::CERTAIN;
use crate::sim::violation::{Property, Violation};
use crate::wire::{self, ClientMessage, Message};
use crate::{ConnId, Instant, Limits, QuotaKey, Received};

/// The chance that the hub is given only a part of what has come, and how much later the rest at the most.
const PART_CHANCE: u32 = CERTAIN / 4;
const PART_TIME_MAX: Duration = Duration::from_millis(1);

/// Bytes of a connection's input that are held, at the most, unless a frame may be longer. The rest stays in the network.
const INBOX_BYTES_MAX: usize = 128 << 10;

/// A connection that the hub has admitted.
pub(super) struct Member {
    pub(super) conn: ConnId,
    inbox: Vec<u8>,
    inbox_bytes_max: usize,
    /// How many of these bytes the hub has seen already, without using them.
    offered: usize,
    /// When the hub is to be given the rest of the inbox, though nothing more has come.
    again_at: Option<Instant>,
    /// The hub wants nothing more to be read until then.
    is_paused: bool,
    /// The transport is gone, and nothing more will come.
    is_over: bool,
    /// Since when it has something for the hub.
    waits_since: Option<Instant>,
    pub(super) outgoing: Outgoing,
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
            origin,
            debt: Debt::default(),
        }
    }

    /// When there is something for the hub.
    pub(super) fn due(&self, network: &Network, wire: WireId) -> Option<Instant> {
        let readable_at = network.readable_at(wire, End::Server).filter(|_| self.reads());
        let unread = self.has_unread().then_some(Instant::ZERO);
        readable_at.into_iter().chain(self.again_at).chain(unread).min()
    }

    /// Something was read that the hub has not seen, and it need not wait.
    const fn has_unread(&self) -> bool {
        self.inbox.len() > self.offered && self.again_at.is_none()
    }

    /// Nothing of what has come is kept for later.
    pub(super) const fn is_at_rest(&self) -> bool {
        self.again_at.is_none() && !self.is_over && !self.has_unread()
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

    const fn reads(&self) -> bool {
        !self.is_paused && !self.is_over && self.inbox.len() < self.inbox_bytes_max
    }
}

impl Server {
    /// Takes in what has come from a connection.
    pub(super) fn read_member(&mut self, around: &mut Around<'_>, wire: WireId) -> Result<(), Violation> {
        let Some(member) = self.members.get_mut(&wire) else { return Ok(()) };
        member.read(around, wire);
        let is_due = member.again_at.take_if(|at| *at <= around.now).is_some();
        // What is given to the hub counts as a sign of life: nothing is, unless something has come, or the hub has asked
        // for it.
        if is_due || member.has_unread() {
            self.feed(around, wire, is_due)?;
        }
        match self.members.get(&wire) {
            Some(member) if member.is_over && member.again_at.is_none() => {
                let conn = member.conn;
                self.lose(around, wire, conn)
            }
            _ => Ok(()),
        }
    }

    /// Gives the inbox of a connection to the hub, or a part of it that ends anywhere.
    fn feed(&mut self, around: &mut Around<'_>, wire: WireId, is_due: bool) -> Result<(), Violation> {
        let (Some(member), Some(hub)) = (self.members.get_mut(&wire), &mut self.hub) else { return Ok(()) };
        let (conn, now) = (member.conn, around.now);
        member.waits_since = None;
        let fresh = member.inbox.len() - member.offered;
        let later = if !is_due && fresh > 1 && self.random.chance(PART_CHANCE) { self.random.index(fresh) } else { 0 };
        let given = member.inbox.len() - later;
        let has_session = hub.name(conn).is_some();
        let mut input = &member.inbox[..given];
        let Ok(received) = hub.receive(now, conn, &mut input) else {
            unreachable!("members are connections that the hub has not closed");
        };
        let (left, cost) = (input.len(), hub.last_cost());
        let used: Vec<u8> = member.inbox.drain(..given - left).collect();
        member.offered = left;
        member.is_paused = false;
        if later > 0 {
            member.again_at = Some(now + self.random.time_upto(PART_TIME_MAX));
        }
        match received {
            Received::NeedInput => {}
            Received::More => {
                member.again_at = Some(now);
                self.counts.more += 1;
            }
            Received::Paused { until } => {
                if until <= now {
                    let detail = format!("{wire} is paused until {until}, which is over");
                    return Err(Violation { property: Property::Progress, detail, at: now });
                }
                member.again_at = Some(until);
                member.is_paused = true;
                self.counts.pauses += 1;
            }
            Received::Closed => {
                member.inbox.clear();
                (member.offered, member.again_at) = (0, None);
            }
        }
        self.count_work(around, of_call_max(&self.limits))?;
        self.charge(around, wire, cost.into())?;
        if has_session { take_down(around, wire, conn, &used, received == Received::Closed) } else { Ok(()) }
    }

    /// The transport of a connection is gone.
    pub(super) fn lose(&mut self, around: &mut Around<'_>, wire: WireId, conn: ConnId) -> Result<(), Violation> {
        self.forget(wire, conn);
        around.network.close(around.now, wire, End::Server);
        if let Some(hub) = &mut self.hub {
            let known = hub.disconnect(around.now, conn);
            assert!(known.is_ok(), "members are connections that the hub has not closed");
        }
        if self.pace.takes_time() { self.note_events(around) } else { self.drain(around) }
    }

    pub(super) fn forget(&mut self, wire: WireId, conn: ConnId) {
        self.members.remove(&wire);
        self.wires.remove(&conn);
        self.writing.remove(&wire);
    }
}

/// Tells the oracle which frames the hub has used. Nothing after a goodbye or an error is taken. If the session has ended,
/// it is not known yet in which of the frames it did.
fn take_down(
    around: &mut Around<'_>,
    wire: WireId,
    conn: ConnId,
    mut used: &[u8],
    is_closed: bool,
) -> Result<(), Violation> {
    if !around.oracle.knows_wire(wire) {
        return Ok(());
    }
    while let Ok(Some(content)) = wire::take(&mut used, u32::MAX) {
        let Ok(Some(message)) = ClientMessage::decode(content) else { continue };
        around.trace.note(around.now, format_args!("hub: {conn} says {message:?}"));
        around.oracle.took(wire, &message, !is_closed)?;
        if matches!(message, ClientMessage::Goodbye(_) | ClientMessage::Error(_)) {
            break;
        }
    }
    Ok(())
}
