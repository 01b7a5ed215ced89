//! The connections of a world: those of the network, with a transport of the embedder's at both ends if there is one.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use super::conditions::NetworkConditions;
use super::link::{Broken, Link, LinkEnd};
use super::network::{Cut, End, Network, WireId};
use super::transport_end::{TransportEnd, TransportError};
use crate::Instant;

/// Both ends, in any order.
const ENDS: [End; 2] = [End::Client, End::Server];

/// Makes an end of a new connection.
type MakeEnd = Box<dyn FnMut(End) -> Box<dyn TransportEnd>>;

/// What the nodes of a world connect over.
pub(super) struct Links {
    network: Network,
    make: Option<MakeEnd>,
    /// Those over a transport of the embedder's.
    wrapped: BTreeMap<WireId, Link>,
    failures: Vec<(WireId, End, TransportError)>,
    /// The first thing that the transport has done and must not do.
    fault: Option<String>,
}

impl Links {
    /// The network alone.
    pub(super) const fn new(network: Network) -> Self {
        Self { network, make: None, wrapped: BTreeMap::new(), failures: Vec::new(), fault: None }
    }

    /// From now on, connections are made over this transport.
    pub(super) fn wrap(&mut self, make: MakeEnd) {
        self.make = Some(make);
    }

    // ---- what the network does, for all connections ----

    pub(super) fn set_conditions(&mut self, now: Instant, conditions: NetworkConditions) {
        self.network.set_conditions(now, conditions);
    }

    pub(super) fn plan(&mut self, wire: WireId, cut: Cut) {
        self.network.plan(wire, cut);
    }

    pub(super) fn tear_somehow(&mut self, now: Instant, wire: WireId) {
        self.network.tear_somehow(now, wire);
    }

    pub(super) const fn torn_ever(&self) -> u64 {
        self.network.torn_ever()
    }

    pub(super) fn wires(&self) -> Vec<WireId> {
        self.network.wires()
    }

    // ---- connections, as the nodes see them ----

    pub(super) fn connect(&mut self) -> WireId {
        let wire = self.network.connect();
        if let Some(make) = &mut self.make {
            let ends = ENDS.map(|end| LinkEnd::new(make(end)));
            self.wrapped.insert(wire, Link { ends });
        }
        wire
    }

    /// Writes what the core has to write. Returns how many bytes were taken: those that the transport has made into
    /// something which the network takes, but for a little.
    pub(super) fn write(&mut self, now: Instant, wire: WireId, end: End, bytes: &[u8]) -> usize {
        let Some(link) = self.wrapped.get_mut(&wire) else { return self.network.write(now, wire, end, bytes) };
        let here = &mut link.ends[end as usize];
        here.flush(&mut self.network, now, wire, end);
        if !here.takes_more(self.network.unread(wire, end)) {
            return 0;
        }
        let taken = self.network.room(wire, end).min(bytes.len());
        if taken == 0 {
            return 0;
        }
        if let Err(error) = here.send(&bytes[..taken]) {
            self.failures.push((wire, end, error));
            return 0;
        }
        here.flush(&mut self.network, now, wire, end);
        taken
    }

    /// As [`read_upto`](Self::read_upto), without a bound.
    pub(super) fn read(&mut self, now: Instant, wire: WireId, end: End, heard: &mut Vec<u8>) -> bool {
        self.read_upto(now, wire, end, usize::MAX, heard)
    }

    /// Reads what has come out for the core, at most so many bytes. True if the connection is over for this end.
    pub(super) fn read_upto(
        &mut self,
        now: Instant,
        wire: WireId,
        end: End,
        bytes_max: usize,
        heard: &mut Vec<u8>,
    ) -> bool {
        let Some(link) = self.wrapped.get_mut(&wire) else {
            return self.network.read_upto(now, wire, end, bytes_max, heard);
        };
        let wanted = link.wanted(end, bytes_max);
        let mut is_over = false;
        if wanted > 0 {
            let mut arrived = Vec::new();
            is_over = self.network.read_upto(now, wire, end, wanted, &mut arrived);
            let received = if arrived.is_empty() { Ok(()) } else { link.receive(end, &arrived) };
            match received {
                Ok(()) => link.ends[end as usize].flush(&mut self.network, now, wire, end),
                Err(Broken::Failure(error)) => self.failures.push((wire, end, error)),
                Err(Broken::Fault(fault)) => note(&mut self.fault, wire, &fault),
            }
            if is_over && let Some(fault) = link.missing_at_end(end) {
                note(&mut self.fault, wire, &fault);
            }
        }
        let is_empty = link.read(end, bytes_max, heard);
        is_empty && (is_over || link.ends[end as usize].has_failed)
    }

    /// When an end can read, or learns that the connection is over; none if nothing is on its way.
    pub(super) fn readable_at(&self, wire: WireId, end: End) -> Option<Instant> {
        match self.wrapped.get(&wire) {
            Some(link) if link.ends[end as usize].is_readable() => Some(Instant::ZERO),
            _ => self.network.readable_at(wire, end),
        }
    }

    /// Whether an end can write at least one byte.
    pub(super) fn is_writable(&self, wire: WireId, end: End) -> bool {
        let takes_more = |link: &Link| link.ends[end as usize].takes_more(self.network.unread(wire, end));
        self.network.is_writable(wire, end) && self.wrapped.get(&wire).is_none_or(takes_more)
    }

    /// Whether the connection carries bytes both ways.
    pub(super) fn is_whole(&self, wire: WireId) -> bool {
        let link = self.wrapped.get(&wire);
        let is_used = link.is_none_or(|link| link.ends.iter().all(|end| !end.has_failed && !end.is_closed()));
        is_used && self.network.is_whole(wire)
    }

    /// Whether nothing is on its way to an end that has not closed its connection.
    pub(super) fn is_quiet(&self) -> bool {
        self.network.is_quiet() && self.wrapped.values().flat_map(|link| &link.ends).all(LinkEnd::is_quiet)
    }

    /// The process at this end is gone: its transport says nothing more.
    pub(super) fn abandon(&mut self, wire: WireId, end: End) {
        if let Some(link) = self.wrapped.get_mut(&wire) {
            link.ends[end as usize].abandon();
        }
    }

    /// Closes the connection at one end. What its transport has not written by then, the network still takes.
    pub(super) fn close(&mut self, now: Instant, wire: WireId, end: End) {
        let Some(link) = self.wrapped.get_mut(&wire) else { return self.network.close(now, wire, end) };
        let here = &mut link.ends[end as usize];
        if !here.is_closed() {
            here.close();
            self.go_on_with(now, wire);
        }
    }

    // ---- what transports leave over ----

    /// When there is something for transports to write; none if there is not.
    pub(super) fn due(&self) -> Option<Instant> {
        let has_work = self.wrapped.iter().any(|(wire, link)| {
            ENDS.iter().any(|end| {
                let here = &link.ends[*end as usize];
                let can_write = !here.unsent.is_empty() && self.network.is_writable(*wire, *end);
                !here.is_gone() && (can_write || (here.is_closed() && !self.network.is_whole(*wire)))
            })
        });
        has_work.then_some(Instant::ZERO)
    }

    /// Writes what transports have to write.
    pub(super) fn work(&mut self, now: Instant) {
        for wire in self.wrapped.keys().copied().collect::<Vec<_>>() {
            self.go_on_with(now, wire);
        }
    }

    /// Writes what the transports of a connection have to write. An end that the core has closed goes when that is
    /// done, or when there is nobody to read it.
    fn go_on_with(&mut self, now: Instant, wire: WireId) {
        let Some(link) = self.wrapped.get_mut(&wire) else { return };
        for end in ENDS {
            let is_whole = self.network.is_whole(wire) && !link.ends[end.other() as usize].is_closed();
            let here = &mut link.ends[end as usize];
            if here.is_gone() {
                continue;
            }
            here.flush(&mut self.network, now, wire, end);
            if here.is_closed() && (here.unsent.is_empty() || !is_whole) {
                here.leave();
                self.network.close(now, wire, end);
            }
        }
        if link.ends.iter().all(LinkEnd::is_gone) {
            self.wrapped.remove(&wire);
        }
    }

    /// What the transport has done and must not do, if it was anything.
    pub(super) fn take_fault(&mut self) -> Option<String> {
        self.fault.take()
    }

    /// The connections that a transport has given up since the last time, and why.
    pub(super) fn take_failures(&mut self) -> Vec<(WireId, End, TransportError)> {
        mem::take(&mut self.failures)
    }

    /// What transports have not let through, for people.
    pub(super) fn what_is_owed(&self) -> Vec<String> {
        let ends = self.wrapped.iter().flat_map(|(wire, link)| ENDS.map(|end| (*wire, end, link.owed(end))));
        let owed = ends.filter(|(_, _, bytes)| *bytes > 0);
        owed.map(|(wire, end, bytes)| format!("{bytes} bytes of the {end:?} on {wire}")).collect()
    }
}

/// Keeps what a transport has done, if it is the first thing.
fn note(fault: &mut Option<String>, wire: WireId, what: &str) {
    fault.get_or_insert_with(|| format!("{wire}: {what}"));
}
