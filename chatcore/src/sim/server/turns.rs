//! A server whose work takes time: what a driver does that is fair.
//!
//! Time goes by with each unit of work that the hub does. In a turn everybody who has something to say is heard once,
//! those first who have little to say, until the turn's time is over; the hub does one slice of its own work; and what
//! it wants done is done, as far as time allows. Connections that were not heard are first in the next turn.

use alloc::vec::Vec;

use super::around::Around;
use super::parts::Server;
use super::work::{of_call_max, of_slice_max};
use crate::sim::network::{End, WireId};
use crate::sim::violation::Violation;
use crate::{Hub, Limits};

/// Units of work that a turn begins, at the most: once for what has come, and once for what is to be done.
const TURN_UNITS_MAX: u64 = 8_000;

/// A connection that has no more than this to say goes first.
const LITTLE_BYTES_MAX: usize = 4_096;

/// Units of work in one turn, at the most: what the last steps began with is over before they end. These are a call
/// that takes something in, and two slices of what the hub does by itself, which are shorter.
pub(in crate::sim) fn turn_units_max(limits: &Limits) -> u64 {
    2 * TURN_UNITS_MAX + of_call_max(limits) + 2 * of_slice_max(limits)
}

impl Server {
    /// One turn, if the last one is over.
    pub(super) fn turn(&mut self, around: &mut Around<'_>) -> Result<(), Violation> {
        if self.pace.busy_until > around.now {
            return Ok(());
        }
        self.pace.has_more = false;
        let before = self.units;
        self.read_pending_conns(around)?;
        for wire in self.speakers(around) {
            if self.units - before >= TURN_UNITS_MAX {
                self.pace.has_more = true;
                break;
            }
            // While the hub is behind, whoever has much to say waits for it.
            let is_behind = self.hub.as_ref().is_some_and(Hub::is_behind);
            if is_behind && self.members.get(&wire).is_some_and(|member| member.held() > LITTLE_BYTES_MAX) {
                self.pace.has_more = true;
                continue;
            }
            self.units += 1;
            self.read_member(around, wire)?;
        }
        let heard = self.units - before;
        self.look_at_the_time(around)?;
        self.decide_requests(around)?;
        if let Some(hub) = &mut self.hub
            && hub.poll_timeout().is_some_and(|due| due <= around.now)
        {
            hub.handle_timeout(around.now);
            self.count_work(around, of_slice_max(&self.limits))?;
        }
        let timed = self.units - before - heard;
        self.drain_some(around)?;
        let spent = self.units - before;
        let drained = spent - heard - timed;
        let is_behind = self.hub.as_ref().is_some_and(Hub::is_behind);
        around.trace.note(
            around.now,
            format_args!("turn: {heard} units heard, {timed} timed, {drained} drained, behind: {is_behind}"),
        );
        let time = self.pace.unit.saturating_mul(u32::try_from(spent).unwrap_or(u32::MAX));
        self.pace.busy_until = around.now + time;
        Ok(())
    }

    /// Hears those who have no name yet, the oldest first, for a quarter of what a turn may take.
    fn read_pending_conns(&mut self, around: &mut Around<'_>) -> Result<(), Violation> {
        let before = self.units;
        for wire in self.pending_conns.keys().copied().collect::<Vec<_>>() {
            if around.network.readable_at(wire, End::Server).is_none_or(|at| at > around.now) {
                continue;
            }
            if self.units - before >= TURN_UNITS_MAX / 4 {
                self.pace.has_more = true;
                break;
            }
            self.units += 1;
            self.read_pending_conn(around, wire)?;
        }
        Ok(())
    }

    /// Connections with something for the hub: first those that have little, then those that waited longest.
    fn speakers(&mut self, around: &mut Around<'_>) -> Vec<WireId> {
        let mut speakers: Vec<_> = Vec::new();
        for (wire, member) in &mut self.members {
            if member.due(around.network, *wire).is_some_and(|due| due <= around.now) {
                member.read(around, *wire);
                speakers.push((member.held() > LITTLE_BYTES_MAX, member.waits_since(around.now), *wire));
            }
        }
        speakers.sort_unstable();
        speakers.into_iter().map(|(_, _, wire)| wire).collect()
    }

    /// Does what the hub wants, and writes, as far as the turn's time allows.
    fn drain_some(&mut self, around: &mut Around<'_>) -> Result<(), Violation> {
        let before = self.units;
        loop {
            self.note_events(around)?;
            let Some(action) = self.poll(around, Hub::poll_action)? else { break };
            self.units += 1;
            self.apply(around, action);
            if self.units - before >= TURN_UNITS_MAX {
                self.pace.has_more = true;
                break;
            }
        }
        self.note_events(around)?;
        if self.write(around)? {
            // A connection whose transport has taken all may be closed now.
            self.pace.has_more = true;
        }
        self.all_told(around);
        Ok(())
    }
}
