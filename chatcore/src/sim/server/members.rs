//! Connections that the hub has admitted: what comes from them goes to the hub in batches.

use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;

use super::around::Around;
use super::parts::Server;
use super::work::of_call_max;
use crate::sim::network::{End, WireId};
use crate::sim::random::CERTAIN;
use crate::sim::violation::{Property, Violation};
use crate::wire::{self, ClientMessage, Message};
use crate::{ConnId, Received};

/// The chance that the hub is given only a part of what has come, and how much later the rest at the most.
const PART_CHANCE: u32 = CERTAIN / 4;
const PART_TIME_MAX: Duration = Duration::from_millis(1);

impl Server {
    /// Takes in what has come from a connection.
    pub(super) fn read_member(&mut self, around: &mut Around<'_>, wire: WireId) -> Result<(), Violation> {
        let Some(member) = self.members.get_mut(&wire) else { return Ok(()) };
        member.read(around, wire);
        let is_due = member.again_at.take_if(|at| *at <= around.now).is_some();
        // What is given to the hub counts as a sign of life: nothing is, unless something has come, or the hub has
        // asked for it.
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
        if left < given || given > member.offered {
            around.oracle.heard(wire);
        }
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

/// Tells the oracle which frames the hub has used. Nothing after a goodbye or an error is taken. If the session has
/// ended, it is not known yet in which of the frames it did.
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
