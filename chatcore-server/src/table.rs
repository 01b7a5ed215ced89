//! The table of connections, and what the driver knows of each: where it is, when it is due, what it waits for.

use std::collections::VecDeque;
use std::net::SocketAddr;

use chatcore::{ConnId, Instant};
use slab::Slab;

use crate::buffers::Buffers;
use crate::connection::{Connection, Stage};
use crate::deadlines::Deadlines;

/// All connections, by key. The key of a connection is used again when the connection has ended.
#[derive(Debug, Default)]
pub(crate) struct Table {
    all: Slab<Connection>,
    /// Where the hub's connections are, by [`ConnId::index`].
    keys: Vec<usize>,
    deadlines: Deadlines,
    /// Connections of which more may be read. A key here may be out of date: reading is then in vain, no more.
    to_be_read: VecDeque<usize>,
    /// Connections that broke, of which the hub does not know yet.
    broken: Vec<(usize, ConnId)>,
    pub(crate) buffers: Buffers,
    /// A connection has ended since [`Table::has_ended`] was last asked.
    ended: bool,
}

impl Table {
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

    pub(crate) fn insert(&mut self, connection: Connection) {
        let armed = connection.armed();
        let key = self.all.insert(connection);
        if let Some(due) = armed {
            self.deadlines.arm(due, key);
        }
    }

    /// Drops a connection that the hub does not have any more.
    pub(crate) fn remove(&mut self, key: usize) {
        let connection = self.all.remove(key);
        if let Some(due) = connection.armed() {
            self.deadlines.disarm(due, key);
        }
        self.buffers.give_back(connection.partial);
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
        let connection = &mut self.all[key];
        let before = connection.armed();
        change(connection);
        let after = connection.armed();
        if before != after {
            if let Some(due) = before {
                self.deadlines.disarm(due, key);
            }
            if let Some(due) = after {
                self.deadlines.arm(due, key);
            }
        }
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
    pub(crate) fn peer(&self, conn: ConnId) -> SocketAddr {
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
    pub(crate) fn readable(&mut self, key: usize) {
        if let Some(connection) = self.all.get_mut(key)
            && !connection.to_be_read
        {
            connection.to_be_read = true;
            self.to_be_read.push_back(key);
        }
    }

    /// Connections that are to be read.
    pub(crate) fn to_be_read(&self) -> usize {
        self.to_be_read.len()
    }

    /// The next connection that is to be read.
    pub(crate) fn next_to_be_read(&mut self) -> Option<usize> {
        while let Some(key) = self.to_be_read.pop_front() {
            if let Some(connection) = self.all.get_mut(key) {
                connection.to_be_read = false;
                return Some(key);
            }
        }
        None
    }

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
