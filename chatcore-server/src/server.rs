//! The event loop.

use std::collections::BTreeSet;
use std::io;
use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chatcore::wire::ReconnectHint;
use chatcore::{ConnId, Handshake, HandshakeError, Hub, Instant, Output};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;
use tracing::{debug, info};

use crate::clock::Clock;
use crate::config::{BindError, Config};
use crate::connection::{Arrival, Connection, Stage};
use crate::listener::{self, Accepted, Gate};

/// Events taken from the system in one go.
const EVENTS_MAX: usize = 1024;

/// Connections accepted from one listener before the others have their turn.
const ACCEPT_BUDGET: usize = 256;

/// Tokens below are keys of connections; the waker's is above all listeners'.
const FIRST_LISTENER: usize = usize::MAX / 2;
const WAKER: Token = Token(usize::MAX);

const KNOWN: &str = "a connection is told to the hub until the hub or the socket ends it";

/// A chat server: one thread that drives a [`Hub`] over TCP.
#[derive(Debug)]
pub struct Server {
    config: Config,
    clock: Clock,
    poll: Poll,
    stop: Arc<Stop>,
    listeners: Vec<Listener>,
    gate: Gate,
    hub: Hub,
    connections: Slab<Connection>,
    /// The connection of each that the hub knows, by [`ConnId::index`].
    by_conn: Vec<usize>,
    /// Connections that may have more to read than their budget allowed.
    unfinished: Vec<usize>,
    /// When connections that the hub does not know are to be looked at.
    deadlines: BTreeSet<(Instant, usize)>,
    buffer: Vec<u8>,
    stopping: bool,
}

#[derive(Debug)]
struct Listener {
    socket: TcpListener,
    /// Somebody may be waiting.
    ready: bool,
}

#[derive(Debug)]
struct Stop {
    asked: AtomicBool,
    waker: Waker,
}

/// Stops a running server from any thread.
#[derive(Clone, Debug)]
pub struct Handle(Arc<Stop>);

impl Handle {
    /// Asks the server to say goodbye to everybody and to return from [`Server::run`].
    ///
    /// Fails only if the system cannot wake the server's thread.
    pub fn shut_down(&self) -> io::Result<()> {
        self.0.asked.store(true, Ordering::Release);
        self.0.waker.wake()
    }
}

impl Server {
    /// Opens all addresses of the configuration. Clients that connect from now on wait until [`run`](Self::run).
    pub fn bind(config: Config) -> Result<Self, BindError> {
        config.limits.check()?;
        for (name, limit) in
            [("connections_max", config.connections_max), ("read_budget_bytes", config.read_budget_bytes)]
        {
            if limit == 0 {
                return Err(BindError::Zero { name });
            }
        }
        if config.listen.is_empty() {
            return Err(BindError::NoAddress);
        }
        let poll = Poll::new().map_err(BindError::EventLoop)?;
        let waker = Waker::new(poll.registry(), WAKER).map_err(BindError::EventLoop)?;
        let mut listeners = Vec::new();
        for spec in &config.listen {
            for mut socket in listener::listen(spec)? {
                let token = Token(FIRST_LISTENER + listeners.len());
                poll.registry().register(&mut socket, token, Interest::READABLE).map_err(BindError::EventLoop)?;
                listeners.push(Listener { socket, ready: true });
            }
        }
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(BindError::Seed)?;
        Ok(Self {
            clock: Clock::start(),
            poll,
            stop: Arc::new(Stop { asked: AtomicBool::new(false), waker }),
            listeners,
            gate: Gate::default(),
            hub: Hub::new(config.limits.clone(), seed),
            connections: Slab::new(),
            by_conn: Vec::new(),
            unfinished: Vec::new(),
            deadlines: BTreeSet::new(),
            buffer: vec![0; config.read_budget_bytes],
            stopping: false,
            config,
        })
    }

    /// The addresses it listens on, with the ports that the system chose.
    pub fn local_addrs(&self) -> io::Result<Vec<SocketAddr>> {
        self.listeners.iter().map(|listener| listener.socket.local_addr()).collect()
    }

    /// For stopping it from elsewhere.
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.stop))
    }

    /// Serves until [`Handle::shut_down`], and then until everybody has been told, which takes
    /// [`flush_time_max`](chatcore::Limits::flush_time_max) and [`Config::linger_time_max`] at the most.
    ///
    /// Fails only if the event loop itself does.
    pub fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        while !(self.stopping && self.connections.is_empty()) {
            match self.poll.poll(&mut events, self.timeout()) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                Err(_) => events.clear(),
                Ok(()) => {}
            }
            let now = self.clock.now();
            if self.stop.asked.load(Ordering::Acquire) && !self.stopping {
                self.shut_down(now);
            }
            // Everything is read before anything is written, so that each connection is written to once.
            let unfinished = mem::take(&mut self.unfinished);
            for event in &events {
                self.handle_event(now, event);
            }
            for key in unfinished {
                self.read(now, key);
            }
            self.accept(now);
            self.handle_timeouts(now);
            self.drain(now);
        }
        Ok(())
    }

    /// How long there is nothing to do unless something happens; none for ever.
    fn timeout(&self) -> Option<Duration> {
        let somebody_waits = self.gate.is_open() && self.listeners.iter().any(|listener| listener.ready);
        if somebody_waits || !self.unfinished.is_empty() {
            return Some(Duration::ZERO);
        }
        let own = self.deadlines.first().map(|(due, _)| *due);
        let due = [self.hub.poll_timeout(), own, self.gate.deadline()].into_iter().flatten().min()?;
        Some(due - self.clock.now())
    }

    fn handle_event(&mut self, now: Instant, event: &mio::event::Event) {
        let Token(key) = event.token();
        if key >= FIRST_LISTENER {
            if let Some(listener) = self.listeners.get_mut(key - FIRST_LISTENER) {
                listener.ready = true;
            }
            return;
        }
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.read_closed |= event.is_read_closed() || event.is_error();
        if event.is_writable() && mem::take(&mut connection.write_blocked) {
            self.write(now, key);
        }
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            self.read(now, key);
        }
    }

    /// Lets in who waits, up to the budget.
    fn accept(&mut self, now: Instant) {
        for index in 0..self.listeners.len() {
            for _ in 0..ACCEPT_BUDGET {
                if !self.listeners[index].ready || !self.gate.is_open() {
                    break;
                }
                if self.connections.len() >= self.config.connections_max {
                    let limit = self.config.connections_max;
                    self.gate.close(now, &format_args!("there are as many as allowed ({limit})"));
                    break;
                }
                match listener::accept(&self.listeners[index].socket) {
                    Accepted::Connection(stream, peer) => self.add(now, stream, peer),
                    Accepted::Nobody => self.listeners[index].ready = false,
                    Accepted::Again => {}
                    Accepted::Shortage(error) => self.gate.close(now, &error),
                }
            }
        }
        if self.gate.is_open() && self.listeners.iter().all(|listener| !listener.ready) {
            self.gate.recovered();
        }
    }

    fn add(&mut self, now: Instant, stream: TcpStream, peer: SocketAddr) {
        // Without it the system would hold small messages back; an error only means that the peer is gone.
        let _ = stream.set_nodelay(true);
        let handshake = Handshake::new(now, &self.config.limits);
        let deadline = handshake.deadline();
        let key = self.connections.insert(Connection::new(stream, peer, handshake));
        let stream = &mut self.connections[key].stream;
        let interest = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = self.poll.registry().register(stream, Token(key), interest) {
            debug!(%peer, "cannot be watched: {error}");
            self.remove(key);
            return;
        }
        debug!(%peer, "connected");
        self.arm(key, Some(deadline));
    }

    /// Reads a connection once, up to the budget, and hands on what came.
    fn read(&mut self, now: Instant, key: usize) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let mut buffer = mem::take(&mut self.buffer);
        match connection.read(&mut buffer) {
            Arrival::Bytes { bytes, may_be_more } => {
                if may_be_more {
                    self.unfinished.push(key);
                }
                self.arrived(now, key, &buffer[..bytes]);
            }
            Arrival::Nothing => {}
            Arrival::End(error) => self.ended(now, key, error.as_ref()),
        }
        self.buffer = buffer;
    }

    fn arrived(&mut self, now: Instant, key: usize, bytes: &[u8]) {
        let connection = &mut self.connections[key];
        if let Stage::Lingering { bytes_left } = &mut connection.stage {
            match bytes_left.checked_sub(bytes.len()) {
                Some(left) => *bytes_left = left,
                None => self.remove(key),
            }
            return;
        }
        // What lay there goes first. Without it the bytes are used where they are.
        let mut partial = mem::take(&mut connection.partial);
        let mut input = bytes;
        if !partial.is_empty() {
            partial.extend_from_slice(bytes);
            input = &partial;
        }
        self.input(now, key, &mut input);
        if input.is_empty() {
            return;
        }
        let rest = if partial.is_empty() {
            input.to_vec()
        } else {
            let used = partial.len() - input.len();
            partial.drain(..used);
            partial
        };
        if let Some(connection) = self.connections.get_mut(key) {
            connection.partial = rest;
        }
    }

    fn input(&mut self, now: Instant, key: usize, input: &mut &[u8]) {
        loop {
            let connection = &mut self.connections[key];
            let handshake = match &mut connection.stage {
                Stage::Fresh(handshake) => handshake,
                Stage::Chatting(conn) => {
                    let conn = *conn;
                    // Whether it closes is an output, like everything else that is to be done.
                    let _ = self.hub.receive(now, conn, input).expect(KNOWN);
                    return;
                }
                Stage::Lingering { .. } => {
                    *input = &[];
                    return;
                }
            };
            let outcome = match handshake.receive(now, input) {
                Ok(None) => return self.answer_handshake(now, key),
                Ok(Some(registration)) => match self.hub.admit(now, registration) {
                    Ok(conn) => {
                        self.admitted(key, conn);
                        continue;
                    }
                    Err(refusal) => {
                        debug!(peer = %connection.peer, "refused: {refusal}");
                        handshake.refuse(now, &refusal)
                    }
                },
                Err(error) => Err(error),
            };
            if let Err(error) = outcome {
                *input = &[];
                return self.fail_handshake(now, key, &error);
            }
        }
    }

    fn admitted(&mut self, key: usize, conn: ConnId) {
        self.connections[key].stage = Stage::Chatting(conn);
        self.arm(key, None);
        if self.by_conn.len() <= conn.index() {
            self.by_conn.resize(conn.index() + 1, usize::MAX);
        }
        self.by_conn[conn.index()] = key;
    }

    /// Writes the refusals there may be, and moves the deadline with them.
    fn answer_handshake(&mut self, now: Instant, key: usize) {
        let connection = &mut self.connections[key];
        if let Err(error) = connection.write_handshake() {
            return self.ended(now, key, Some(&error));
        }
        if let Stage::Fresh(handshake) = &connection.stage {
            let deadline = handshake.deadline();
            self.arm(key, Some(deadline));
        }
    }

    fn fail_handshake(&mut self, now: Instant, key: usize, error: &HandshakeError) {
        let connection = &mut self.connections[key];
        info!(peer = %connection.peer, "closed before registration: {error}");
        // Best effort: what the system does not take at once is not waited for.
        let _ = connection.write_handshake();
        self.linger(now, key);
    }

    /// The peer closed, or the connection broke.
    fn ended(&mut self, now: Instant, key: usize, error: Option<&io::Error>) {
        let connection = &self.connections[key];
        let how = error.map_or("closed by the peer".into(), ToString::to_string);
        debug!(peer = %connection.peer, "ended: {how}");
        if let Stage::Chatting(conn) = connection.stage {
            self.hub.disconnect(now, conn).expect(KNOWN);
        }
        self.remove(key);
    }

    fn handle_timeouts(&mut self, now: Instant) {
        self.gate.handle_timeout(now);
        if self.hub.poll_timeout().is_some_and(|due| due <= now) {
            self.hub.handle_timeout(now);
        }
        while let Some((_, key)) = self.deadlines.first().copied().filter(|(due, _)| *due <= now) {
            match &mut self.connections[key].stage {
                Stage::Fresh(handshake) => match handshake.handle_timeout(now) {
                    Ok(()) => {
                        let deadline = handshake.deadline();
                        self.arm(key, Some(deadline));
                    }
                    Err(error) => self.fail_handshake(now, key, &error),
                },
                Stage::Lingering { .. } => self.remove(key),
                Stage::Chatting(_) => unreachable!("the hub looks after its own deadlines"),
            }
        }
    }

    /// Does what the hub asks for.
    fn drain(&mut self, now: Instant) {
        while let Some(output) = self.hub.poll_output() {
            match output {
                Output::Write { conn } => self.write(now, self.by_conn[conn.index()]),
                Output::Close { conn, .. } => self.linger(now, self.by_conn[conn.index()]),
                Output::Joined { conn, name } => {
                    let key = self.by_conn[conn.index()];
                    if let Some(connection) = self.connections.get(key) {
                        info!(%name, peer = %connection.peer, "joined");
                    }
                }
                Output::Left { name, reason, .. } => info!(%name, "left: {reason}"),
                _ => {}
            }
        }
    }

    /// Writes what there is until there is nothing, or the system takes no more for now.
    fn write(&mut self, now: Instant, key: usize) {
        let connection = &mut self.connections[key];
        let Stage::Chatting(conn) = connection.stage else {
            if let Err(error) = connection.write_handshake() {
                self.ended(now, key, Some(&error));
            }
            return;
        };
        while !connection.write_blocked {
            let chunks = self.hub.transmit(conn);
            if chunks.iter().all(|chunk| chunk.is_empty()) {
                return;
            }
            match connection.write(chunks) {
                Ok(Some(count)) => self.hub.transmitted(now, conn, count).expect(KNOWN),
                Ok(None) => return,
                Err(error) => return self.ended(now, key, Some(&error)),
            }
        }
    }

    /// Ends a connection that the hub does not know any more.
    fn linger(&mut self, now: Instant, key: usize) {
        self.connections[key].linger(self.config.linger_bytes_max);
        self.arm(key, Some(now + self.config.linger_time_max));
        // It may have been read to its end before.
        self.unfinished.push(key);
    }

    fn shut_down(&mut self, now: Instant) {
        info!("shutting down");
        self.stopping = true;
        self.listeners.clear();
        let advice = self.config.reconnect.as_ref().map(|advice| ReconnectHint {
            after_ms: u32::try_from(advice.after.as_millis()).unwrap_or(u32::MAX),
            address: advice.address.as_deref(),
        });
        self.hub.shut_down(now, advice);
        let fresh: Vec<usize> = self
            .connections
            .iter()
            .filter_map(|(key, connection)| matches!(connection.stage, Stage::Fresh(_)).then_some(key))
            .collect();
        for key in fresh {
            let connection = &mut self.connections[key];
            if let Stage::Fresh(handshake) = &mut connection.stage {
                handshake.shut_down();
            }
            let _ = connection.write_handshake();
            self.linger(now, key);
        }
    }

    fn arm(&mut self, key: usize, deadline: Option<Instant>) {
        let armed = &mut self.connections[key].armed;
        if *armed == deadline {
            return;
        }
        if let Some(due) = armed.take() {
            self.deadlines.remove(&(due, key));
        }
        if let Some(due) = deadline {
            self.deadlines.insert((due, key));
        }
        *armed = deadline;
    }

    fn remove(&mut self, key: usize) {
        self.arm(key, None);
        // Dropping the socket takes it out of the event loop too.
        self.connections.remove(key);
        self.gate.reopen();
    }
}
