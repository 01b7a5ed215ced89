//! All connections, the hub behind them, and the bytes between the two.
//!
//! Reading and the consequences of reading are kept apart: first whatever has arrived goes into the hub, then
//! [`Connections::settle`] does all that the hub wants done. So one write carries all that a batch of input
//! has to say to a connection. The numbers that the hub gives to its connections are used again only when it
//! admits somebody, and that happens only while reading; so while settling each still means what it meant.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};

use chatcore::wire::ReconnectHint;
use chatcore::{Action, ConnId, Handshake, HandshakeError, Hub, HubEvent, Instant, Origin, Received};
use mio::net::TcpStream;
use slab::Slab;
use tracing::{debug, info};

use crate::config::{DriverLimits, ReconnectAdvice};
use crate::connection::{Connection, Input, Stage, Written};
use crate::deadlines::Deadlines;

/// Bytes of the buffer that all connections are read into: what was left over of one, and what comes.
pub(crate) const BUFFER_BYTES: usize = 384 << 10;

/// How much of the buffer is always there for what comes.
const BUFFER_BYTES_FREE: usize = 256 << 10;

/// Buffers for what is left over that are kept while nobody needs them, the smallest that there are, and the largest
/// that are kept.
const SPARE_MAX: usize = 64;
const SPARE_BYTES_MIN: usize = 512;
const SPARE_BYTES_MAX: usize = 128 << 10;

/// How many times larger than what it is for a spare buffer may be.
const SPARE_TIMES_MAX: usize = 4;

/// Who gets less than it asked for has got all there is, and will be told of more: epoll(7) promises that. Others may
/// wait for us to try again.
const SHORT_READ_IS_ALL: bool = cfg!(target_os = "linux");

#[derive(Debug)]
pub(crate) struct Connections {
    hub: Hub,
    limits: DriverLimits,
    all: Slab<Connection>,
    /// Where the hub's connections are, by [`ConnId::index`].
    keys: Vec<usize>,
    deadlines: Deadlines,
    /// Connections of which more may be read. A key here may be out of date: reading is then in vain, no more.
    to_be_read: VecDeque<usize>,
    /// Connections that broke, of which the hub does not know yet.
    broken: Vec<(usize, ConnId)>,
    /// Buffers for the starts of frames.
    spare: Vec<Vec<u8>>,
    /// A connection has ended since [`Connections::has_ended`] was last asked.
    ended: bool,
}

impl Connections {
    pub(crate) fn new(hub: Hub, limits: DriverLimits) -> Self {
        Self {
            hub,
            limits,
            all: Slab::new(),
            keys: Vec::new(),
            deadlines: Deadlines::default(),
            to_be_read: VecDeque::new(),
            broken: Vec::new(),
            spare: Vec::new(),
            ended: false,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Names that are held.
    pub(crate) fn users(&self) -> usize {
        self.hub.users()
    }

    /// Whether a connection has ended since this was last asked.
    pub(crate) fn has_ended(&mut self) -> bool {
        std::mem::take(&mut self.ended)
    }

    /// Whether there is something to read that the system will not tell of again.
    pub(crate) fn is_behind(&self) -> bool {
        !self.to_be_read.is_empty()
    }

    /// When [`Connections::handle_timeout`] is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        [self.hub.poll_timeout(), self.deadlines.first()].into_iter().flatten().min()
    }

    // ---- what happened ----

    /// The key under which the next connection will be known.
    pub(crate) fn vacant_key(&self) -> usize {
        self.all.vacant_key()
    }

    /// Takes in a new connection. It is known to the poll already, which will tell when there is something to read.
    pub(crate) fn open(&mut self, now: Instant, stream: TcpStream, peer: SocketAddr) {
        debug!(%peer, "connected");
        let connection = Connection::new(stream, peer, Handshake::new(now, self.hub.limits()));
        let armed = connection.armed().expect("a handshake has a deadline");
        let key = self.all.insert(connection);
        self.deadlines.arm(armed, key);
    }

    /// The transport has come to its end: whatever is read, there is more to be found, if only that.
    pub(crate) fn ending(&mut self, key: usize) {
        if let Some(connection) = self.all.get_mut(key) {
            connection.ending = true;
        }
    }

    /// Something may have arrived.
    pub(crate) fn readable(&mut self, key: usize) {
        if let Some(connection) = self.all.get_mut(key)
            && !connection.to_be_read
        {
            connection.to_be_read = true;
            self.to_be_read.push_back(key);
        }
    }

    /// The transport may take more.
    pub(crate) fn writable(&mut self, now: Instant, key: usize) {
        if let Some(connection) = self.all.get_mut(key)
            && std::mem::take(&mut connection.blocked)
        {
            self.write(now, key);
        }
    }

    /// Gives every connection that has something to read one turn.
    pub(crate) fn read(&mut self, now: Instant, buffer: &mut [u8]) {
        // Whoever is not done is behind these, and has its next turn when the others have had theirs.
        for _ in 0..self.to_be_read.len() {
            if let Some(key) = self.to_be_read.pop_front()
                && let Some(connection) = self.all.get_mut(key)
            {
                connection.to_be_read = false;
                self.read_one(now, key, buffer);
            }
        }
    }

    /// Does what has come due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.hub.poll_timeout().is_some_and(|due| due <= now) {
            self.hub.handle_timeout(now);
        }
        while let Some(key) = self.deadlines.due(now) {
            let Stage::Nameless(nameless) = &mut self.all[key].stage else {
                self.forget(key);
                continue;
            };
            match nameless.handshake.handle_timeout(now) {
                // A refusal has moved the deadline since it was entered.
                Ok(()) => {
                    self.deadlines.disarm(nameless.armed, key);
                    nameless.armed = nameless.handshake.deadline();
                    self.deadlines.arm(nameless.armed, key);
                }
                Err(error) => self.end_handshake(now, key, &error),
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
        let keys: Vec<usize> = self.all.iter().map(|(key, _)| key).collect();
        for key in keys {
            if let Stage::Nameless(nameless) = &mut self.all[key].stage {
                nameless.handshake.shut_down(hint);
                self.write(now, key);
                self.linger(now, key);
            }
        }
    }

    // ---- what is to be done ----

    /// Senders have been told all that there is to tell of their messages.
    pub(crate) fn is_settled(&self) -> bool {
        self.hub.is_settled()
    }

    /// Does what the hub wants done at once.
    pub(crate) fn settle_urgent(&mut self, now: Instant) {
        self.drain(now, Hub::poll_urgent_action);
    }

    /// Does all that the hub wants done.
    pub(crate) fn settle(&mut self, now: Instant) {
        self.drain(now, Hub::poll_action);
    }

    fn drain(&mut self, now: Instant, poll_action: impl Fn(&mut Hub) -> Option<Action>) {
        loop {
            let broken = std::mem::take(&mut self.broken);
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
                self.forget(key);
            }
            // Writing may have found more that broke.
            if self.broken.is_empty() {
                return;
            }
        }
    }

    fn apply(&mut self, now: Instant, action: Action) {
        match action {
            Action::Write { conn } => self.write(now, self.keys[conn.index()]),
            Action::Close { conn, .. } => self.linger(now, self.keys[conn.index()]),
        }
    }

    fn log_events(&mut self) {
        while let Some(event) = self.hub.poll_event() {
            self.log(event);
        }
    }

    fn log(&self, event: HubEvent) {
        match event {
            HubEvent::SessionStarted { conn, name } => info!(%conn, peer = %self.peer(conn), %name, "joined"),
            HubEvent::Detached { conn, name, reason } => info!(%conn, %name, %reason, "lost its connection"),
            HubEvent::Resumed { conn, name } => info!(%conn, peer = %self.peer(conn), %name, "resumed"),
            HubEvent::SessionEnded { name, reason } => info!(%name, %reason, "left"),
            HubEvent::RoomOpened { room } => debug!(%room, "opened"),
            HubEvent::RoomClosed { room } => debug!(%room, "closed"),
        }
    }

    fn peer(&self, conn: ConnId) -> SocketAddr {
        self.all[self.keys[conn.index()]].peer
    }

    // ---- reading ----

    fn read_one(&mut self, now: Instant, key: usize, buffer: &mut [u8]) {
        let mut budget = self.limits.turn_bytes_max.max(1);
        while let Some(connection) = self.all.get_mut(key) {
            if budget == 0 {
                return self.readable(key);
            }
            let kept = connection.partial.len();
            let is_long = kept > buffer.len() - BUFFER_BYTES_FREE;
            // What was left over last time stands before what comes now; but what is long is not moved about.
            let start = if is_long { 0 } else { kept };
            buffer[..start].copy_from_slice(&connection.partial[..start]);
            let room = budget.min(buffer.len() - start);
            let count = match connection.read(&mut buffer[start..start + room]) {
                Input::Bytes(count) => count,
                Input::None => return,
                Input::End(why) => return self.broke(key, why),
            };
            budget -= count;
            let is_all = SHORT_READ_IS_ALL && count < room && !connection.ending;
            let mut partial = std::mem::take(&mut connection.partial);
            let goes_on = if is_long {
                partial.extend_from_slice(&buffer[..count]);
                let (goes_on, left) = self.take_in(now, key, &partial);
                partial.drain(..partial.len() - left);
                goes_on
            } else {
                partial.clear();
                let arrived = &buffer[..start + count];
                let (goes_on, left) = self.take_in(now, key, arrived);
                if left > 0 && partial.capacity() == 0 {
                    partial = self.take_spare(left);
                }
                partial.extend_from_slice(&arrived[arrived.len() - left..]);
                goes_on
            };
            self.keep(key, partial);
            if !goes_on {
                // What has to be said about this input is to go out before more is looked at: behind it there may be
                // the end, which would silence the answer.
                return self.readable(key);
            }
            if is_all {
                return;
            }
        }
    }

    /// Gives what has arrived to whom it is for. False if no more is to be read in this turn; and how many bytes are
    /// left over.
    fn take_in(&mut self, now: Instant, key: usize, mut arrived: &[u8]) -> (bool, usize) {
        let goes_on = self.feed(now, key, &mut arrived);
        (goes_on, arrived.len())
    }

    /// A buffer for the start of a frame. What is small holds no large one: it may never be needed.
    fn take_spare(&mut self, bytes: usize) -> Vec<u8> {
        let bytes = bytes.max(SPARE_BYTES_MIN);
        match self.spare.iter().rposition(|spare| spare.capacity() <= SPARE_TIMES_MAX * bytes) {
            Some(place) => self.spare.swap_remove(place),
            None => Vec::with_capacity(bytes),
        }
    }

    /// Keeps the start of a frame. A buffer that is not needed waits for another connection.
    fn keep(&mut self, key: usize, partial: Vec<u8>) {
        if !partial.is_empty() {
            if let Some(connection) = self.all.get_mut(key) {
                connection.partial = partial;
            }
        } else if (1..=SPARE_BYTES_MAX).contains(&partial.capacity()) && self.spare.len() < SPARE_MAX {
            self.spare.push(partial);
        }
    }

    fn feed(&mut self, now: Instant, key: usize, input: &mut &[u8]) -> bool {
        if let Stage::Nameless(_) = self.all[key].stage
            && let Err(error) = self.shake_hands(now, key, input)
        {
            self.end_handshake(now, key, &error);
        }
        match self.all.get_mut(key).map(|connection| &mut connection.stage) {
            Some(Stage::Nameless(_)) => {
                self.write(now, key);
                true
            }
            Some(Stage::Chatting(conn)) => {
                let received = self.hub.receive(now, *conn, input).expect("the hub has not closed it yet");
                received == Received::NeedInput
            }
            Some(Stage::Lingering { bytes_left, .. }) => {
                let left = bytes_left.checked_sub(input.len());
                *input = &[];
                match left {
                    Some(left) => *bytes_left = left,
                    None => self.forget(key),
                }
                left.is_some()
            }
            Some(Stage::Broken) | None => {
                *input = &[];
                false
            }
        }
    }

    /// Takes the handshake as far as the input goes.
    fn shake_hands(&mut self, now: Instant, key: usize, input: &mut &[u8]) -> Result<(), HandshakeError> {
        let connection = &mut self.all[key];
        while let Stage::Nameless(nameless) = &mut connection.stage {
            let Some(registration) = nameless.handshake.receive(now, input)? else { break };
            match self.hub.admit(now, registration.with_origin(origin(connection.peer))) {
                Ok(conn) => {
                    self.deadlines.disarm(nameless.armed, key);
                    connection.stage = Stage::Chatting(conn);
                    if self.keys.len() <= conn.index() {
                        self.keys.resize(conn.index() + 1, usize::MAX);
                    }
                    self.keys[conn.index()] = key;
                }
                Err(refusal) => nameless.handshake.refuse(now, &refusal)?,
            }
        }
        Ok(())
    }

    // ---- writing ----

    /// Writes as much as the transport takes now; [`Connections::writable`] goes on from there.
    fn write(&mut self, now: Instant, key: usize) {
        let connection = &mut self.all[key];
        if connection.blocked {
            return;
        }
        loop {
            let chunks = match &connection.stage {
                Stage::Nameless(nameless) => nameless.handshake.transmit(),
                Stage::Chatting(conn) => self.hub.transmit(*conn),
                Stage::Broken | Stage::Lingering { .. } => return,
            };
            if chunks.is_empty() {
                return;
            }
            match connection.write(chunks) {
                Written::Bytes(count) => match &mut connection.stage {
                    Stage::Nameless(nameless) => nameless.handshake.transmitted(count),
                    Stage::Chatting(conn) => {
                        self.hub.transmitted(now, *conn, count).expect("the hub has just given what to write");
                    }
                    Stage::Broken | Stage::Lingering { .. } => return,
                },
                Written::Blocked => {
                    connection.blocked = true;
                    return;
                }
                Written::Broken(error) => return self.broke(key, Err(error)),
            }
        }
    }

    // ---- ends ----

    /// A handshake came to nothing: what it has to say is written as far as that is possible at once.
    fn end_handshake(&mut self, now: Instant, key: usize, error: &HandshakeError) {
        info!(peer = %self.all[key].peer, reason = %error, "closed before it had a name");
        self.write(now, key);
        self.linger(now, key);
    }

    /// Closes a connection to which all is said.
    fn linger(&mut self, now: Instant, key: usize) {
        let Some(connection) = self.all.get_mut(key) else { return };
        if let Stage::Broken = connection.stage {
            return;
        }
        if let Some(armed) = connection.armed() {
            self.deadlines.disarm(armed, key);
        }
        let until = now + self.limits.linger_time_max;
        connection.stage = Stage::Lingering { until, bytes_left: self.limits.linger_bytes_max };
        connection.partial = Vec::new();
        self.deadlines.arm(until, key);
        if connection.end_writing().is_err() {
            return self.forget(key);
        }
        self.readable(key);
    }

    /// The peer has ended its side, or the transport broke.
    fn broke(&mut self, key: usize, why: io::Result<()>) {
        let connection = &mut self.all[key];
        match (&connection.stage, why) {
            (_, Err(error)) => debug!(peer = %connection.peer, %error, "the connection broke"),
            (Stage::Lingering { .. }, Ok(())) => {}
            (_, Ok(())) => debug!(peer = %connection.peer, "the client ended the connection"),
        }
        match connection.stage {
            Stage::Chatting(conn) => {
                connection.stage = Stage::Broken;
                self.broken.push((key, conn));
            }
            Stage::Nameless(_) | Stage::Lingering { .. } => self.forget(key),
            Stage::Broken => {}
        }
    }

    /// Drops a connection that the hub does not have any more.
    fn forget(&mut self, key: usize) {
        let connection = self.all.remove(key);
        if let Some(armed) = connection.armed() {
            self.deadlines.disarm(armed, key);
        }
        self.ended = true;
    }
}

/// Where a client comes from: its address, or of IPv6 the part that a provider gives to one customer.
fn origin(peer: SocketAddr) -> Origin {
    Origin(match peer.ip().to_canonical() {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address) >> 64 << 64,
    })
}
