//! All connections and the hub, and what happens between the two in a turn of the event loop.
//!
//! Reading and the consequences of reading are kept apart: first whatever has arrived goes into the hub, then
//! [`Connections::drain`] does all that the hub wants done. So one write carries all that a batch of input
//! has to say to a connection. The numbers that the hub gives to its connections are used again only when it
//! admits somebody, and that happens only while reading; so while draining each still means what it meant.

use std::net::SocketAddr;

use chatcore::wire::ReconnectHint;
use chatcore::{Action, Handshake, Hub, HubEvent, Instant};
use mio::net::TcpStream;
use tracing::{debug, info};

use crate::config::{DriverLimits, ReconnectAdvice};
use crate::connection::{Connection, Stage};
use crate::table::Table;
use crate::{closing, handshakes, reading, writing};

#[derive(Debug)]
pub(crate) struct Connections {
    hub: Hub,
    limits: DriverLimits,
    table: Table,
}

impl Connections {
    pub(crate) fn new(hub: Hub, limits: DriverLimits) -> Self {
        Self { hub, limits, table: Table::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// Names that are held.
    pub(crate) fn users(&self) -> usize {
        self.hub.users()
    }

    /// Whether a connection has ended since this was last asked.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.table.has_ended()
    }

    /// Whether there is something to read that the system will not tell of again.
    pub(crate) fn is_behind(&self) -> bool {
        self.table.to_be_read() > 0
    }

    /// When [`Connections::handle_timeout`] is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        [self.hub.poll_timeout(), self.table.deadline()].into_iter().flatten().min()
    }

    // ---- what happened ----

    /// The key under which the next connection will be known.
    pub(crate) fn vacant_key(&self) -> usize {
        self.table.vacant_key()
    }

    /// Takes in a new connection. It is known to the poll already, which will tell when there is something to read.
    pub(crate) fn open(&mut self, now: Instant, stream: TcpStream, peer: SocketAddr) {
        debug!(%peer, "connected");
        self.table.insert(Connection::new(stream, peer, Handshake::new(now, self.hub.limits())));
    }

    /// The transport has come to its end: whatever is read, there is more to be found, if only that.
    pub(crate) fn ending(&mut self, key: usize) {
        if let Some(connection) = self.table.get_mut(key) {
            connection.ending = true;
        }
    }

    /// Something may have arrived.
    pub(crate) fn readable(&mut self, key: usize) {
        self.table.readable(key);
    }

    /// The transport may take more.
    pub(crate) fn writable(&mut self, now: Instant, key: usize) {
        if let Some(connection) = self.table.get_mut(key)
            && std::mem::take(&mut connection.blocked)
        {
            writing::write(&mut self.hub, &mut self.table, now, key);
        }
    }

    /// Gives every connection that has something to read one turn.
    pub(crate) fn read(&mut self, now: Instant, buffer: &mut [u8]) {
        // Whoever is not done comes after these, and has its next turn when the others have had theirs.
        for _ in 0..self.table.to_be_read() {
            if let Some(key) = self.table.next_to_be_read() {
                reading::read(&mut self.hub, &mut self.table, &self.limits, now, key, buffer);
            }
        }
    }

    /// Does what has come due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.hub.poll_timeout().is_some_and(|due| due <= now) {
            self.hub.handle_timeout(now);
        }
        while let Some(key) = self.table.due(now) {
            match self.table.at(key).stage {
                Stage::Handshaking(_) => {
                    handshakes::handle_timeout(&mut self.hub, &mut self.table, &self.limits, now, key);
                }
                Stage::Open(_) | Stage::Broken | Stage::Lingering { .. } => self.table.remove(key),
            }
        }
    }

    /// Says goodbye to everybody. All is over when there is no connection left.
    pub(crate) fn shut_down(&mut self, now: Instant, advice: Option<&ReconnectAdvice>) {
        let hint = advice.map(|advice| ReconnectHint {
            after_ms: u32::try_from(advice.after.as_millis()).unwrap_or(u32::MAX),
            address: advice.address.as_deref(),
        });
        self.hub.shut_down(now, hint);
        handshakes::shut_down(&mut self.hub, &mut self.table, &self.limits, now, hint);
    }

    // ---- what is to be done ----

    /// Senders have been told all that there is to tell of their messages.
    pub(crate) fn is_settled(&self) -> bool {
        self.hub.is_settled()
    }

    /// Does what the hub wants done at once.
    pub(crate) fn drain_urgent(&mut self, now: Instant) {
        self.drain_with(now, Hub::poll_urgent_action);
    }

    /// Does all that the hub wants done.
    pub(crate) fn drain(&mut self, now: Instant) {
        self.drain_with(now, Hub::poll_action);
    }

    fn drain_with(&mut self, now: Instant, poll_action: impl Fn(&mut Hub) -> Option<Action>) {
        loop {
            let broken = self.table.take_broken();
            for (_, conn) in &broken {
                // It may be unknown: what broke may have been closed by the hub in the same turn.
                let _ = self.hub.disconnect(now, *conn);
            }
            self.log_events();
            while let Some(action) = poll_action(&mut self.hub) {
                // They name connections that an action may drop.
                self.log_events();
                self.apply(now, action);
            }
            self.log_events();
            for (key, _) in broken {
                self.table.remove(key);
            }
            // Writing may have found more that broke.
            if !self.table.has_broken() {
                return;
            }
        }
    }

    fn apply(&mut self, now: Instant, action: Action) {
        match action {
            Action::Write { conn } => {
                let key = self.table.key(conn);
                writing::write(&mut self.hub, &mut self.table, now, key);
            }
            Action::Close { conn, .. } => {
                let key = self.table.key(conn);
                closing::linger(&mut self.table, &self.limits, now, key);
            }
        }
    }

    fn log_events(&mut self) {
        while let Some(event) = self.hub.poll_event() {
            self.log(event);
        }
    }

    fn log(&self, event: HubEvent) {
        let peer = |conn| self.table.peer(conn);
        match event {
            HubEvent::SessionStarted { conn, name } => info!(%conn, peer = %peer(conn), %name, "joined"),
            HubEvent::Detached { conn, name, reason } => info!(%conn, %name, %reason, "lost its connection"),
            HubEvent::Resumed { conn, name } => info!(%conn, peer = %peer(conn), %name, "resumed"),
            HubEvent::SessionEnded { name, reason } => info!(%name, %reason, "left"),
            HubEvent::RoomOpened { room } => debug!(%room, "opened"),
            HubEvent::RoomClosed { room } => debug!(%room, "closed"),
        }
    }
}
