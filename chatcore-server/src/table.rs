//! The table of connections, and what the driver knows of each: where it is, when it is due, what it waits for.

use std::collections::VecDeque;

use chatcore::{ConnId, Instant, QuotaKey};
use slab::Slab;

use crate::buffers::{Buffers, capacity_max};
use crate::census::Census;
use crate::config::DriverLimits;
use crate::connection::{Connection, Flow, Kept, Stage};
use crate::counts::Place;
use crate::deadlines::Deadlines;
use crate::load::Load;
use crate::peer::Peer;
use crate::read_queue::ReadQueue;
use crate::rests::{self, Rests};

/// Connections that linger although there was no room for them, at the most. They came through proxies, so nothing else
/// bounds them.
const TURNED_AWAY_MAX: usize = 64;

/// Sites that are looked at for a connection that makes room, at the most.
const SITES_TO_MAKE_ROOM_MAX: usize = 64;

/// All connections, by key. The key of a connection is used again when the connection has ended.
#[derive(Debug, Default)]
pub(crate) struct Table {
    all: Slab<Connection>,
    /// Where the hub's connections are, by [`ConnId::index`].
    keys: Vec<usize>,
    /// How many connections each origin has.
    pub(crate) census: Census,
    /// From so many connections on, the others are for clients that resume a session.
    reserved_from: Option<usize>,
    deadlines: Deadlines,
    /// Connections of which more may be read, or of which the hub has not taken all that was.
    pub(crate) read_queue: ReadQueue,
    /// Connections whose transport takes more. A key may be out of date here, too.
    write_queue: VecDeque<usize>,
    /// Connections whose peers have ended their sides and to which all may be said. A key may be out of date here, too.
    all_said: Vec<usize>,
    /// Connections that broke, of which the hub does not know yet.
    broken: Vec<(usize, ConnId)>,
    /// Connections that linger although there was no room for them.
    turned_away: usize,
    buffers: Buffers,
    /// Input that the hub has not taken.
    pub(crate) rests: Rests,
    /// What a handshake of TLS costs its origin.
    pub(crate) tls_handshake_cost: u32,
    /// A connection has ended since [`Table::has_ended`] was last asked.
    ended: bool,
}

impl Table {
    /// A table with a census of these origins.
    pub(crate) fn new(limits: &DriverLimits) -> Self {
        Self { census: Census::new(limits.prefixes()), ..Self::default() }
    }

    /// From so many connections on, the others are for clients that resume a session.
    pub(crate) const fn reserve_from(&mut self, connections: usize) {
        self.reserved_from = Some(connections);
    }

    /// Whether there are so many connections that the last ones are of those for clients that resume a session.
    pub(crate) fn is_in_reserve(&self) -> bool {
        self.reserved_from.is_some_and(|connections| self.all.len() > connections)
    }

    /// A connection without a name that makes room for others. It is the oldest one of its site, which has several
    /// ([`Census::longest_nameless`]). One that has had its time goes before those that may still be about to say
    /// something: many users behind one address come back at the same instant, and a few silent connections each of
    /// many addresses do not push them out. Among equals, the site with most connections without a name is first.
    pub(crate) fn first_to_make_room(&self, now: Instant) -> Option<usize> {
        let mut keys = self.census.longest_nameless().take(SITES_TO_MAKE_ROOM_MAX).peekable();
        let fullest = keys.peek().copied();
        keys.find(|key| self.all[*key].has_had_its_time(now)).or(fullest)
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// The key under which the next connection will be known.
    pub(crate) fn vacant_key(&self) -> usize {
        self.all.vacant_key()
    }

    /// Whether a connection has ended since this was last asked.
    pub(crate) fn has_ended(&mut self) -> bool {
        std::mem::take(&mut self.ended)
    }

    /// Takes in a connection, and gives its key.
    pub(crate) fn insert(&mut self, connection: Connection) -> usize {
        let armed = connection.armed();
        let key = self.all.insert(connection);
        let place = self.place(key);
        if let Stage::Handshaking(handshaking) = &mut self.all[key].stage {
            handshaking.serial = self.census.enter(place, key);
        }
        if let Some(due) = armed {
            self.deadlines.arm(due, key);
        }
        key
    }

    /// Drops a connection that the hub does not have any more.
    pub(crate) fn remove(&mut self, key: usize) {
        self.drop_kept(key);
        let place = self.place(key);
        let connection = self.all.remove(key);
        self.turned_away -= usize::from(connection.is_turned_away());
        if let Some(due) = connection.armed() {
            self.deadlines.disarm(due, key);
        }
        if let Some(serial) = connection.nameless() {
            self.census.end_handshake(place, serial, key);
        }
        self.census.leave(place);
        self.ended = true;
    }

    pub(crate) fn get_mut(&mut self, key: usize) -> Option<&mut Connection> {
        self.all.get_mut(key)
    }

    /// A connection that is there.
    pub(crate) fn at(&mut self, key: usize) -> &mut Connection {
        &mut self.all[key]
    }

    /// Changes a connection that is there, and its entry among the deadlines with it.
    pub(crate) fn change(&mut self, key: usize, change: impl FnOnce(&mut Connection)) {
        let place = self.place(key);
        let connection = &mut self.all[key];
        let (before, nameless) = (connection.armed(), connection.nameless());
        self.turned_away -= usize::from(connection.is_turned_away());
        change(connection);
        self.turned_away += usize::from(connection.is_turned_away());
        let after = connection.armed();
        if let Some(serial) = nameless.filter(|_| connection.nameless().is_none()) {
            self.census.end_handshake(place, serial, key);
        }
        if before != after {
            if let Some(due) = before {
                self.deadlines.disarm(due, key);
            }
            if let Some(due) = after {
                self.deadlines.arm(due, key);
            }
        }
    }

    /// Whether one more connection may linger for which there was no room.
    pub(crate) const fn has_room_for_turned_away(&self) -> bool {
        self.turned_away < TURNED_AWAY_MAX
    }

    /// A connection without a name is somebody else's, as its proxy says.
    pub(crate) fn set_peer(&mut self, key: usize, peer: Peer, limits: &DriverLimits) {
        let Some(serial) = self.all[key].nameless() else { return };
        let place = self.place(key);
        self.census.end_handshake(place, serial, key);
        self.census.leave(place);
        let connection = &mut self.all[key];
        (connection.peer, connection.is_origin_shared) = (peer, !limits.is_counted(&peer));
        let place = self.place(key);
        if let Stage::Handshaking(handshaking) = &mut self.all[key].stage {
            handshaking.serial = self.census.enter(place, key);
        }
    }

    /// Where a connection is counted.
    fn place(&self, key: usize) -> Place {
        let connection = &self.all[key];
        self.census.place(&connection.peer, connection.is_origin_shared)
    }

    // ---- the hub's connections ----

    /// The hub has admitted the connection.
    pub(crate) fn open(&mut self, key: usize, conn: ConnId) {
        self.change(key, |connection| connection.stage = Stage::Open(conn));
        if self.keys.len() <= conn.index() {
            self.keys.resize(conn.index() + 1, usize::MAX);
        }
        self.keys[conn.index()] = key;
    }

    /// The key of a connection that the hub has.
    pub(crate) fn key(&self, conn: ConnId) -> usize {
        self.keys[conn.index()]
    }

    /// The address of a connection that the hub names.
    pub(crate) fn peer(&self, conn: ConnId) -> Peer {
        self.all[self.key(conn)].peer
    }

    /// The connection broke: the hub is to be told.
    pub(crate) fn push_broken(&mut self, key: usize, conn: ConnId) {
        self.broken.push((key, conn));
    }

    pub(crate) fn has_broken(&self) -> bool {
        !self.broken.is_empty()
    }

    pub(crate) fn take_broken(&mut self) -> Vec<(usize, ConnId)> {
        std::mem::take(&mut self.broken)
    }

    // ---- what they wait for ----

    /// Something may have arrived.
    pub(crate) fn readable(&mut self, now: Instant, key: usize) {
        if let Some(connection) = self.all.get_mut(key) {
            connection.readiness.readable = true;
            let load = connection.load(now);
            self.wait_for_go(load, key);
        }
    }

    /// Enters a connection among those that wait for their go, unless it has to wait for something else.
    pub(crate) fn wait_for_go(&mut self, load: Load, key: usize) {
        let connection = &mut self.all[key];
        if !connection.in_read_queue && !matches!(connection.flow(), Flow::Paused { .. }) {
            connection.in_read_queue = true;
            self.read_queue.push(load, key);
        }
    }

    /// The next connection whose go it is.
    pub(crate) fn next_go(&mut self, load: Load) -> Option<usize> {
        while let Some(key) = self.read_queue.pop(load) {
            if let Some(connection) = self.all.get_mut(key) {
                connection.in_read_queue = false;
                if !matches!(connection.flow(), Flow::Paused { .. }) {
                    return Some(key);
                }
            }
        }
        None
    }

    /// The transport may take more.
    pub(crate) fn writable(&mut self, key: usize) {
        if let Some(connection) = self.all.get_mut(key)
            && std::mem::take(&mut connection.readiness.blocked)
        {
            self.write_later(key);
        }
    }

    /// There is more to write than is written at once.
    pub(crate) fn write_later(&mut self, key: usize) {
        let connection = &mut self.all[key];
        if !std::mem::replace(&mut connection.in_write_queue, true) {
            self.write_queue.push_back(key);
        }
    }

    pub(crate) fn next_to_write(&mut self) -> Option<usize> {
        while let Some(key) = self.write_queue.pop_front() {
            if let Some(connection) = self.all.get_mut(key)
                && std::mem::take(&mut connection.in_write_queue)
            {
                return Some(key);
            }
        }
        None
    }

    // ---- peers that have ended their sides ----

    /// The peer of a connection has ended its side: nothing more is read, and it has this time for the answers to what
    /// it has asked.
    pub(crate) fn end_input(&mut self, key: usize, until: Instant) {
        // Half a frame at the end says nothing.
        self.drop_kept(key);
        self.pause(key, until);
        self.all[key].has_ended = true;
        self.all_said.push(key);
    }

    /// There is nothing more to write to a connection at present.
    pub(crate) fn said_all(&mut self, key: usize) {
        if self.all[key].has_ended {
            self.all_said.push(key);
        }
    }

    pub(crate) fn take_all_said(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.all_said)
    }

    // ---- input that is kept ----

    /// Bytes that may be read of one connection at once.
    #[inline]
    pub(crate) fn read_bytes_max(&self, now: Instant, key: usize) -> usize {
        if self.rests.are_short() {
            return usize::MAX;
        }
        let connection = &self.all[key];
        let are_long = self.rests.are_long_for(self.rests_of(connection));
        if are_long { rests::slow_read_bytes(connection.load(now)) } else { usize::MAX }
    }

    /// The site whose rests those of a connection are among; none if many come from its origin.
    fn rests_of(&self, connection: &Connection) -> Option<QuotaKey> {
        (!connection.is_origin_shared).then(|| self.census.place(&connection.peer, false).widest())
    }

    /// Takes out what a connection keeps, to be put back with [`Table::keep`].
    pub(crate) fn take_kept(&mut self, key: usize) -> Kept {
        let kept = self.all[key].take_kept();
        if self.all[key].flow() != Flow::Read {
            self.rests.remove(self.rests_of(&self.all[key]), kept.bytes.capacity());
        }
        self.change(key, |connection| connection.set_flow(Flow::Read));
        kept
    }

    /// Keeps input, and says how it goes on. If the connection has ended meanwhile, nothing is kept.
    pub(crate) fn keep(&mut self, now: Instant, key: usize, kept: Kept, flow: Flow) {
        let Some(connection) = self.all.get_mut(key) else { return self.buffers.give_back(kept.bytes) };
        if kept.rest().is_empty() {
            self.buffers.give_back(kept.bytes);
        } else if flow == Flow::Read {
            // It may stay for as long as the connection does, and the hub knows its length alone.
            connection.set_kept(kept.fit(&mut self.buffers));
        } else {
            connection.set_kept(kept);
        }
        if flow != Flow::Read {
            let capacity = connection.kept_capacity();
            self.rests.add(self.rests_of(&self.all[key]), capacity);
        }
        self.change(key, |connection| connection.set_flow(flow));
        if flow == Flow::Continue {
            let load = self.all[key].load(now);
            self.wait_for_go(load, key);
        }
    }

    /// A copy of what is left of the shared buffer.
    pub(crate) fn copy_rest(&mut self, mut bytes: Vec<u8>, rest: &[u8]) -> Kept {
        bytes.clear();
        if !rest.is_empty() && !(rest.len()..=capacity_max(rest.len())).contains(&bytes.capacity()) {
            self.buffers.give_back(bytes);
            bytes = self.buffers.take(rest.len());
        }
        bytes.extend_from_slice(rest);
        Kept { bytes, used: 0 }
    }

    /// Nothing that a connection keeps is of use any more.
    pub(crate) fn drop_kept(&mut self, key: usize) {
        let kept = self.take_kept(key);
        self.buffers.give_back(kept.bytes);
    }

    /// Nothing is read from a new connection until then.
    pub(crate) fn pause(&mut self, key: usize, until: Instant) {
        self.change(key, |connection| connection.set_flow(Flow::Paused { until }));
    }

    /// The pause of a connection is over.
    pub(crate) fn end_pause(&mut self, now: Instant, key: usize) {
        self.change(key, |connection| connection.set_flow(Flow::Continue));
        let load = self.all[key].load(now);
        self.wait_for_go(load, key);
    }

    // ---- deadlines ----

    /// The first deadline of all.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadlines.first()
    }

    /// A connection whose time has come. Its deadline is to be changed, or the connection removed.
    pub(crate) fn due(&self, now: Instant) -> Option<usize> {
        self.deadlines.due(now)
    }

    /// The keys of all connections.
    pub(crate) fn keys(&self) -> Vec<usize> {
        self.all.iter().map(|(key, _)| key).collect()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::net::{IpAddr, Ipv6Addr, SocketAddr};
    use std::os::unix::net::UnixStream;

    use chatcore::{Handshake, Limits};
    use chatcore_transport::{Socket, Transport};

    use super::*;

    const NOW: Instant = Instant::from_millis(1_000);

    /// Takes in so many connections of an address, which came so many milliseconds ago, and returns the key of the
    /// first.
    fn come(table: &mut Table, address: impl Into<IpAddr>, count: usize, ago_ms: u64) -> usize {
        let peer = Peer::from(SocketAddr::new(address.into(), 1));
        let came = Instant::from_millis(1_000 - ago_ms);
        let keys: Vec<usize> = (0..count)
            .map(|_| {
                let (ours, _theirs) = UnixStream::pair().expect("the system has sockets");
                let transport = Transport::Plain(Socket::Unix(mio::net::UnixStream::from_std(ours)));
                let handshake = Handshake::new(came, &Limits::default());
                table.insert(Connection::new(came, transport, peer, handshake))
            })
            .collect();
        keys[0]
    }

    #[test]
    fn who_has_had_its_time_makes_room_before_those_who_have_just_come() {
        let mut table = Table::default();
        let first = |table: &Table| table.first_to_make_room(NOW);
        let recent = come(&mut table, [192, 0, 2, 1], 20, 199);
        assert_eq!(first(&table), Some(recent), "there are no others");
        let single = come(&mut table, [192, 0, 2, 2], 1, 900);
        assert_eq!(first(&table), Some(recent), "a single one of its origin stays: {single}");
        let silent = come(&mut table, [192, 0, 2, 3], 2, 200);
        assert_eq!(first(&table), Some(silent));
        let fuller = come(&mut table, [192, 0, 2, 4], 3, 200);
        assert_eq!(first(&table), Some(fuller));
        // What these have said may be what gives them names.
        for key in [fuller, silent] {
            table.readable(NOW, key);
        }
        assert_eq!(first(&table), Some(recent));
    }

    #[test]
    fn a_network_whose_connections_have_just_come_does_not_shield_the_others_of_its_site() {
        let mut table = Table::default();
        let network = |number| Ipv6Addr::new(0x2001, 0xdb8, 0, number, 0, 0, 0, 1);
        let [silent, second, _] = [1, 2, 3].map(|number| come(&mut table, network(number), 1, 900));
        // It has most, and goes on coming.
        come(&mut table, network(4), 5, 0);
        let elsewhere = come(&mut table, [192, 0, 2, 1], 2, 900);
        assert_eq!(table.first_to_make_room(NOW), Some(silent), "not {elsewhere}, whose site has fewer");
        table.remove(silent);
        assert_eq!(table.first_to_make_room(NOW), Some(second));
    }

    #[test]
    fn networks_of_a_site_that_keep_much_together_are_read_slowly_and_others_are_not() {
        let mut table = Table::default();
        let mut of_network =
            |site, network| come(&mut table, Ipv6Addr::new(0x2001, 0xdb8, site, network, 0, 0, 0, 1), 1, 0);
        let [first, second, third, shared, elsewhere] =
            [(0, 1), (0, 2), (0, 3), (0, 4), (1, 1)].map(|(a, b)| of_network(a, b));
        table.all[shared].is_origin_shared = true;
        let keep = |table: &mut Table, key| {
            let kept = Kept { bytes: vec![0; 5 << 20], used: 0 };
            table.keep(NOW, key, kept, Flow::Paused { until: NOW });
        };
        let read_bytes_max = |table: &Table, key| table.read_bytes_max(NOW, key);
        keep(&mut table, first);
        keep(&mut table, shared);
        assert_eq!(read_bytes_max(&table, third), usize::MAX, "what many share is not the site's");
        keep(&mut table, second);
        assert_eq!(read_bytes_max(&table, shared), usize::MAX);
        assert_eq!(read_bytes_max(&table, third), 1_024);
        assert_eq!(read_bytes_max(&table, elsewhere), usize::MAX);
        table.remove(first);
        assert_eq!(read_bytes_max(&table, third), usize::MAX);
    }
}
