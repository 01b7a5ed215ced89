//! The node that has the hub: what a driver does, over a network that is not there.

mod checks;
mod members;
mod outgoing;
mod pending_conns;
mod rates;
mod turns;
mod work;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use self::members::Member;
use self::pending_conns::{PendingConn, flush};
use self::rates::Debts;
use self::turns::Pace;
pub(super) use self::turns::turn_units_max;
use self::work::{new_hub, of_slice_max};
use super::network::{End, Network, WireId};
use super::oracle::Oracle;
use super::random::{CERTAIN, Random};
use super::trace::Trace;
use super::violation::{Property, Violation};
use crate::wire::ReconnectHint;
use crate::{Action, Chunks, CloseReason, ConnId, Handshake, Hub, HubEvent, Instant, Limits, QuotaKey, UserName};

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

/// What goes over the connections of a hub, and who is told.
pub(super) struct Server {
    limits: Limits,
    /// None while it is down.
    hub: Option<Hub>,
    /// When it is started again.
    up_at: Instant,
    /// It is stopping: when its connections are written out, it is down.
    is_stopping: bool,
    pending_conns: BTreeMap<WireId, PendingConn>,
    members: BTreeMap<WireId, Member>,
    wires: BTreeMap<ConnId, WireId>,
    /// Connections that have something to be written.
    writing: BTreeSet<WireId>,
    /// The chance that a decision about a registration takes its time.
    auth_delay_chance: u32,
    /// When senders are told what became of their messages at the latest, if that waits.
    drain_by: Option<Instant>,
    /// Slices of work that the hub has done at this time.
    slices: (Instant, u32),
    pace: Pace,
    /// Sessions of those who are no users.
    strangers: usize,
    /// Units of work that the hub has done, ever.
    units: u64,
    counts: Counts,
    /// What each origin owes of what it has cost.
    debts: Debts,
    random: Random,
}

/// How often the hub did what it does to those who say or leave too much.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// It left the rest of an input for the next call.
    pub(super) more: u64,
    /// It wanted nothing more to be read for a while.
    pub(super) pauses: u64,
    /// It ended a session because memory was short.
    pub(super) evictions: u64,
    /// It ended a session that left too much unread, or that for too long.
    pub(super) stalls: u64,
}

/// What a step of the server needs of the rest of the world.
pub(super) struct Around<'a> {
    pub(super) now: Instant,
    pub(super) network: &'a mut Network,
    pub(super) oracle: &'a mut Oracle,
    pub(super) trace: &'a mut Trace,
}

impl Around<'_> {
    /// Writes as much as the network takes: how many bytes those are, and whether they are all. Somebody reads along.
    pub(super) fn write(
        &mut self,
        wire: WireId,
        end: End,
        chunks: Chunks<'_>,
        mut read_along: impl FnMut(&[u8]),
    ) -> (usize, bool) {
        let mut taken = 0;
        for chunk in chunks {
            let of_chunk = self.network.write(self.now, wire, end, chunk);
            self.trace.bytes(self.now, wire, &chunk[..of_chunk]);
            read_along(&chunk[..of_chunk]);
            taken += of_chunk;
            if of_chunk < chunk.len() {
                return (taken, false);
            }
        }
        (taken, true)
    }
}

impl Server {
    pub(super) fn new(limits: Limits, auth_delay_chance: u32, unit: Duration, mut random: Random) -> Self {
        let hub = Some(new_hub(&limits, &mut random));
        Self {
            limits,
            hub,
            up_at: Instant::ZERO,
            is_stopping: false,
            pending_conns: BTreeMap::new(),
            members: BTreeMap::new(),
            wires: BTreeMap::new(),
            writing: BTreeSet::new(),
            auth_delay_chance,
            drain_by: None,
            slices: (Instant::ZERO, 0),
            pace: Pace::new(unit),
            strangers: 0,
            units: 0,
            counts: Counts::default(),
            debts: Debts::new(),
            random,
        }
    }

    pub(super) fn is_up(&self) -> bool {
        self.hub.is_some() && !self.is_stopping
    }

    pub(super) fn hub(&self) -> Option<&Hub> {
        self.hub.as_ref()
    }

    /// What the hub did, counted.
    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// Decisions take no time from now on.
    pub(super) fn hurry(&mut self) {
        self.auth_delay_chance = 0;
    }

    /// Every connection has its name, and nothing is left to be written.
    pub(super) fn is_at_rest(&self) -> bool {
        let has_served = self.pending_conns.is_empty() && self.members.values().all(Member::is_at_rest);
        self.is_up() && has_served && self.pace.is_at_rest() && self.writing.is_empty() && self.drain_by.is_none()
    }

    /// A connection was made to it, from this place.
    pub(super) fn accept(&mut self, around: &mut Around<'_>, wire: WireId, origin: QuotaKey) {
        if self.is_up() {
            self.pending_conns.insert(wire, PendingConn::new(Handshake::new(around.now, &self.limits), origin));
        } else {
            around.network.close(around.now, wire, End::Server);
        }
    }

    /// It dies. After some time there is another one, which knows nothing of this.
    pub(super) fn crash(&mut self, around: &mut Around<'_>, up_at: Instant) {
        around.trace.note(around.now, format_args!("the hub is gone until {up_at}"));
        self.hub = None;
        self.strangers = 0;
        self.debts.clear();
        self.is_stopping = false;
        self.drain_by = None;
        // Ids of messages hold the time, and rise from one hub to the next.
        self.up_at = up_at.max(around.now + Duration::from_millis(2));
        for wire in mem::take(&mut self.pending_conns).into_keys().chain(mem::take(&mut self.members).into_keys()) {
            around.network.close(around.now, wire, End::Server);
        }
        self.wires.clear();
        self.writing.clear();
        around.oracle.hub_is_gone();
    }

    /// It stops as a server does that is told to, and is started again later.
    pub(super) fn stop(&mut self, around: &mut Around<'_>, back_after: Duration) -> Result<(), Violation> {
        let Some(hub) = self.hub.as_mut().filter(|_| !self.is_stopping) else { return Ok(()) };
        let after_ms = u32::try_from(back_after.as_millis()).unwrap_or(u32::MAX);
        let hint = ReconnectHint { after_ms, address: None };
        self.is_stopping = true;
        self.up_at = around.now + back_after;
        hub.shut_down(around.now, Some(hint));
        for (wire, mut pending) in mem::take(&mut self.pending_conns) {
            pending.handshake.shut_down(Some(hint));
            flush(&mut pending, around, wire);
            around.network.close(around.now, wire, End::Server);
        }
        self.drain(around)
    }

    /// An operator ends a session.
    pub(super) fn kick(&mut self, around: &mut Around<'_>, name: &UserName) -> Result<(), Violation> {
        if let Some(hub) = &mut self.hub {
            hub.kick(around.now, name);
        }
        self.drain(around)
    }

    /// When there is something for it to do.
    pub(super) fn due(&self, network: &Network) -> Option<Instant> {
        let Some(hub) = &self.hub else { return Some(self.up_at) };
        let members = self.members.iter().filter_map(|(wire, member)| member.due(network, *wire));
        let heard = self.pending_conns.keys().filter_map(|wire| network.readable_at(*wire, End::Server));
        let pending = self.pending_conns.values().map(|pending| match &pending.undecided {
            Some((decide_at, _)) => *decide_at,
            None => pending.handshake.deadline(),
        });
        let pending = pending.chain(heard);
        let writable = self.writing.iter().any(|wire| network.is_writable(*wire, End::Server)).then_some(Instant::ZERO);
        let due = members.chain(pending).chain(hub.poll_timeout()).chain(writable).chain(self.drain_by).min();
        self.pace.due(due)
    }

    /// Does all that there is to do now: takes in what has come, then looks at the time.
    pub(super) fn work(&mut self, around: &mut Around<'_>) -> Result<(), Violation> {
        if self.hub.is_none() {
            if self.up_at > around.now {
                return Ok(());
            }
            self.hub = Some(new_hub(&self.limits, &mut self.random));
        }
        if self.pace.takes_time() {
            self.turn(around)?;
        } else {
            self.work_at_once(around)?;
        }
        let is_empty = self.hub.as_ref().is_some_and(|hub| hub.users() == 0 && hub.connections() == 0);
        let is_over = self.is_stopping && is_empty;
        if is_over {
            let up_at = self.up_at;
            self.crash(around, up_at);
        }
        self.check_bounds(around)
    }

    /// Does it in no time.
    fn work_at_once(&mut self, around: &mut Around<'_>) -> Result<(), Violation> {
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
        self.do_slices(around)?;
        if self.drains_later(around) { self.drain_with(around, Hub::poll_urgent_action) } else { self.drain(around) }
    }

    /// At times, what senders are told waits, as if there was much else to do.
    fn drains_later(&mut self, around: &Around<'_>) -> bool {
        if self.drain_by.is_none() && self.random.chance(DRAIN_LATER_CHANCE) {
            self.drain_by = Some(around.now + self.random.time_upto(DRAIN_TIME_MAX));
        }
        self.drain_by.is_some_and(|by| by > around.now)
    }

    fn look_at_the_time(&mut self, around: &mut Around<'_>) -> Result<(), Violation> {
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
    fn do_slices(&mut self, around: &mut Around<'_>) -> Result<(), Violation> {
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
    fn drain_somehow(&mut self, around: &mut Around<'_>) -> Result<(), Violation> {
        if self.random.chance(CERTAIN / 2) {
            self.drain(around)
        } else {
            self.drain_with(around, Hub::poll_urgent_action)
        }
    }

    /// Does what the hub wants, until it wants nothing more.
    fn drain(&mut self, around: &mut Around<'_>) -> Result<(), Violation> {
        self.drain_by = None;
        self.drain_with(around, Hub::poll_action)
    }

    fn drain_with(
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
                if !self.write(around) {
                    around.oracle.all_told();
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

    fn apply(&mut self, around: &mut Around<'_>, action: Action) {
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

    fn note_events(&mut self, around: &mut Around<'_>) -> Result<(), Violation> {
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
                HubEvent::SessionStarted { conn, name } => around.oracle.joined(self.wires[conn], name)?,
                HubEvent::Resumed { conn, name } => around.oracle.resumed(self.wires[conn], name)?,
                HubEvent::Detached { name, .. } => around.oracle.detaches(name),
                HubEvent::SessionEnded { name, reason } => around.oracle.left(name, *reason)?,
                HubEvent::RoomOpened { .. } | HubEvent::RoomClosed { .. } => {}
            }
        }
        Ok(())
    }

    /// It concerns somebody who is no user, and of whom there is no account.
    fn is_of_stranger(&mut self, around: &Around<'_>, event: &HubEvent) -> bool {
        let (HubEvent::SessionStarted { name, .. }
        | HubEvent::Resumed { name, .. }
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
    fn write(&mut self, around: &mut Around<'_>) -> bool {
        let Some(hub) = &mut self.hub else { return false };
        let mut has_written = false;
        for wire in self.writing.clone() {
            let Some(Member { conn, outgoing, .. }) = self.members.get_mut(&wire) else { continue };
            let conn = *conn;
            let (taken, is_all) = around.write(wire, End::Server, hub.transmit(conn), |bytes| outgoing.push(bytes));
            for body in outgoing.take_bodies() {
                around.oracle.wrote(wire, &body);
            }
            around.oracle.written(wire, outgoing.numbered());
            if is_all {
                around.oracle.written_out(wire, outgoing.numbered());
                self.writing.remove(&wire);
            }
            if taken > 0 {
                has_written = true;
                let known = hub.transmitted(around.now, conn, taken);
                assert!(known.is_ok(), "members are connections that the hub has not closed");
            }
        }
        has_written
    }
}
