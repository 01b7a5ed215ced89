//! What a server does in a step: it has the hub take what has come, and does what the hub wants.

use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;

use super::around::Around;
use super::connection::Member;
use super::parts::Server;
use super::work::of_slice_max;
use crate::sim::network::End;
use crate::sim::random::CERTAIN;
use crate::sim::violation::{Property, Violation};
use crate::{Action, CloseReason, Hub, HubEvent, Instant};

/// Actions that one input may lead to, at the most: more is a hub that talks to itself.
const ACTIONS_MAX: u32 = 100_000;

/// Slices of work that the hub may have left at one time, at the most: more is a hub that never ends.
const SLICES_MAX: u32 = 10_000;

/// Slices of the hub's work in one step, at the most. Then it is the others' turn.
const SLICES_OF_STEP_MAX: u64 = 4;

/// The chance that what a connection has led to is done before the next one is read.
const DRAIN_CHANCE: u32 = CERTAIN / 8;

/// The chance that senders are told later what became of their messages, and how much later at the most.
const DRAIN_LATER_CHANCE: u32 = CERTAIN / 4;
const DRAIN_TIME_MAX: Duration = Duration::from_millis(5);

impl Server {
    /// Does it in no time.
    pub(super) fn work_at_once(&mut self, around: &mut Around<'_>) -> Result<(), Violation> {
        for wire in self.pending_conns.keys().copied().collect::<Vec<_>>() {
            self.read_pending_conn(around, wire)?;
        }
        for wire in self.members.keys().copied().collect::<Vec<_>>() {
            self.read_member(around, wire)?;
            if self.random.chance(DRAIN_CHANCE) {
                self.drain_somehow(around)?;
            }
        }
        self.look_at_the_time(around)?;
        self.decide_requests(around)?;
        self.do_slices(around)?;
        if self.drains_later(around) { self.drain_with(around, Hub::poll_urgent_action) } else { self.drain(around) }
    }

    /// At times, what senders are told waits, as if there was much else to do.
    pub(super) fn drains_later(&mut self, around: &Around<'_>) -> bool {
        if self.drain_by.is_none() && self.random.chance(DRAIN_LATER_CHANCE) {
            self.drain_by = Some(around.now + self.random.time_upto(DRAIN_TIME_MAX));
        }
        self.drain_by.is_some_and(|by| by > around.now)
    }

    pub(super) fn look_at_the_time(&mut self, around: &mut Around<'_>) -> Result<(), Violation> {
        for wire in self.pending_conns.keys().copied().collect::<Vec<_>>() {
            let Some(pending) = self.pending_conns.get_mut(&wire) else { continue };
            if pending.undecided.as_ref().is_some_and(|(decide_at, _)| *decide_at <= around.now) {
                self.decide(around, wire)?;
                self.advance_pending_conn(around, wire)?;
            } else if let Err(error) = pending.handshake.handle_timeout(around.now) {
                self.drop_pending_conn(around, wire, error)?;
            }
        }
        Ok(())
    }

    /// Has the hub do what it has to do now, or some of it. What is left comes in the next steps, and has an end.
    pub(super) fn do_slices(&mut self, around: &mut Around<'_>) -> Result<(), Violation> {
        if self.slices.0 < around.now {
            self.slices = (around.now, 0);
        }
        for _ in 0..self.random.within(1..=SLICES_OF_STEP_MAX) {
            let Some(hub) = &mut self.hub else { return Ok(()) };
            if hub.poll_timeout().is_none_or(|due| due > around.now) {
                return Ok(());
            }
            hub.handle_timeout(around.now);
            self.count_work(around, of_slice_max(&self.limits))?;
            self.slices.1 += 1;
            if self.slices.1 > SLICES_MAX {
                let detail = format!("the hub is not done after {SLICES_MAX} slices of its work");
                return Err(Violation { property: Property::Progress, detail, at: around.now });
            }
            self.drain_somehow(around)?;
        }
        Ok(())
    }

    /// Does all that the hub wants, or only what is urgent: whoever goes on with something else may do either.
    pub(super) fn drain_somehow(&mut self, around: &mut Around<'_>) -> Result<(), Violation> {
        if self.random.chance(CERTAIN / 2) {
            self.drain(around)
        } else {
            self.drain_with(around, Hub::poll_urgent_action)
        }
    }

    /// Does what the hub wants, until it wants nothing more.
    pub(super) fn drain(&mut self, around: &mut Around<'_>) -> Result<(), Violation> {
        self.drain_by = None;
        self.drain_with(around, Hub::poll_action)
    }

    pub(super) fn drain_with(
        &mut self,
        around: &mut Around<'_>,
        poll_action: impl Fn(&mut Hub) -> Option<Action>,
    ) -> Result<(), Violation> {
        for _ in 0..ACTIONS_MAX {
            self.note_events(around)?;
            if self.hub.is_none() {
                return Ok(());
            }
            let Some(action) = self.poll(around, &poll_action)? else {
                self.note_events(around)?;
                if !self.write(around)? {
                    self.all_told(around);
                    return Ok(());
                }
                continue;
            };
            self.apply(around, action);
        }
        Err(Violation {
            property: Property::Progress,
            detail: format!("{ACTIONS_MAX} actions at once"),
            at: around.now,
        })
    }

    pub(super) fn apply(&mut self, around: &mut Around<'_>, action: Action) {
        match action {
            Action::Write { conn } => {
                if let Some(wire) = self.wires.get(&conn) {
                    self.writing.insert(*wire);
                }
            }
            Action::Close { conn, .. } => {
                around.trace.note(around.now, format_args!("hub: {action:?}"));
                if let Some(wire) = self.wires.get(&conn).copied() {
                    self.forget(wire, conn);
                    around.network.close(around.now, wire, End::Server);
                }
            }
        }
    }

    /// The hub has no more to tell at present, and perhaps no more to do.
    pub(super) fn all_told(&self, around: &mut Around<'_>) {
        around.oracle.all_told();
        if self.hub.as_ref().is_some_and(|hub| !hub.is_behind()) {
            around.oracle.all_spread();
        }
    }

    /// Tells the oracle what has happened. What the hub does of requests that waited it does before it tells of what
    /// comes of that.
    pub(super) fn note_events(&mut self, around: &mut Around<'_>) -> Result<(), Violation> {
        self.note_done(around)?;
        while let Some(event) = self.hub.as_mut().and_then(Hub::poll_event) {
            around.trace.note(around.now, format_args!("hub: {event:?}"));
            match event {
                HubEvent::SessionEnded { reason: CloseReason::Evicted, .. } => self.counts.evictions += 1,
                HubEvent::SessionEnded { reason: CloseReason::SlowConsumer, .. } => self.counts.stalls += 1,
                _ => {}
            }
            if self.is_of_stranger(around, &event) {
                continue;
            }
            match &event {
                HubEvent::SessionStarted { session, conn, name } => {
                    around.oracle.joined(*session, self.wires[conn], name)?;
                }
                HubEvent::Resumed { session, conn, name } => {
                    around.oracle.resumed(*session, self.wires[conn], name)?;
                }
                HubEvent::Detached { session, reason, .. } => around.oracle.detaches(*session, *reason)?,
                HubEvent::SessionEnded { session, name, reason, .. } => around.oracle.left(*session, name, *reason)?,
                HubEvent::TakenOver { session, conn, name } => {
                    around.oracle.taken_over(*session, self.wires[conn], name)?;
                }
                HubEvent::Renamed { .. }
                | HubEvent::RoomOpened { .. }
                | HubEvent::RoomClosed { .. }
                | HubEvent::RoomJoined { .. }
                | HubEvent::RoomLeft { .. } => {}
            }
        }
        Ok(())
    }

    /// It concerns somebody who is no user, and of whom there is no account.
    pub(super) fn is_of_stranger(&mut self, around: &Around<'_>, event: &HubEvent) -> bool {
        let (HubEvent::SessionStarted { name, .. }
        | HubEvent::Resumed { name, .. }
        | HubEvent::TakenOver { name, .. }
        | HubEvent::Detached { name, .. }
        | HubEvent::SessionEnded { name, .. }) = event
        else {
            return false;
        };
        let is_stranger = !around.oracle.knows_user(name);
        match event {
            HubEvent::SessionStarted { .. } if is_stranger => self.strangers += 1,
            HubEvent::SessionEnded { .. } if is_stranger => self.strangers -= 1,
            _ => {}
        }
        is_stranger
    }

    /// Writes as much as the network takes. True if it took anything.
    pub(super) fn write(&mut self, around: &mut Around<'_>) -> Result<bool, Violation> {
        let Some(hub) = &mut self.hub else { return Ok(false) };
        let mut has_written = false;
        for wire in self.writing.clone() {
            let Some(Member { conn, outgoing, reports, .. }) = self.members.get_mut(&wire) else { continue };
            let conn = *conn;
            let (taken, is_all) = around.write(wire, End::Server, hub.transmit(conn), |bytes| outgoing.push(bytes));
            for body in outgoing.take_bodies() {
                around.oracle.wrote(wire, &body);
            }
            around.oracle.written(wire, outgoing.numbered())?;
            if is_all {
                around.oracle.written_out(wire, outgoing.numbered());
                self.writing.remove(&wire);
            }
            if taken > 0 {
                has_written = true;
                let is_late = !self.report_delay_max.is_zero() || !reports.is_empty();
                let known = if is_late {
                    let after = reports.back().map_or(around.now, |(at, _)| *at).max(around.now);
                    reports.push_back((after.max(around.now + self.random.time_upto(self.report_delay_max)), taken));
                    hub.transmitting(around.now, conn, taken)
                } else {
                    hub.transmitted(around.now, conn, taken)
                };
                assert!(known.is_ok(), "members are connections that the hub has not closed");
            }
        }
        Ok(has_written)
    }

    /// Reports to the hub what the transports have taken before.
    pub(super) fn report(&mut self, now: Instant) {
        let Some(hub) = &mut self.hub else { return };
        for member in self.members.values_mut() {
            while let Some(&(at, taken)) = member.reports.front()
                && at <= now
            {
                member.reports.pop_front();
                let known = hub.transmitted(now, member.conn, taken);
                assert!(known.is_ok(), "members are connections that the hub has not closed");
            }
        }
    }
}
