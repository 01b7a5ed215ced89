//! The event loop.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use chatcore::{Hub, Instant, Reconnect};
use mio::event::Event;
use mio::{Interest, Poll, Registry, Token};
use tracing::{debug, error, info};

use crate::accept::{Accept, Acceptor, Way};
use crate::clock::Clock;
use crate::config::{Config, DriverLimits};
use crate::connections::Connections;
use crate::counts;
use crate::descriptors;
use crate::handle::Handle;
use crate::listen::{self, BindError, Endpoint};
use crate::log_in::Pool;
use crate::memory::Bytes;
use crate::time_slice::TimeSlice;
use crate::turned_away::TurnedAway;
use crate::turns::{self, Turns};
use crate::wall_clock::WallClock;

/// Tokens from here on are listeners; those below are connections.
const LISTENER: usize = usize::MAX / 2;

/// The token of the waker, which is no listener's.
const WAKER: Token = Token(usize::MAX);

/// A chat server that listens on its addresses, and serves clients while [`run`](Server::run) runs. All its work is on
/// the thread that calls [`run`](Server::run).
#[derive(Debug)]
pub struct Server {
    poll: Poll,
    clock: Clock,
    endpoints: Vec<Endpoint>,
    #[cfg(feature = "websocket")]
    page_addresses: Vec<String>,
    acceptor: Acceptor,
    connections: Connections,
    turned_away: TurnedAway,
    turn_time: Duration,
    turn_accepts_max: usize,
    connections_max: usize,
    reconnect: Option<Reconnect>,
    handle: Handle,
    stopping: bool,
}

impl Server {
    /// Listens on every address of the configuration. From now on clients can connect, and wait until
    /// [`run`](Self::run) serves them.
    ///
    /// # Errors
    ///
    /// If the limits do not fit together or need more than [`Config::memory_bytes_max`], if the hub's number is too
    /// high, or if the server cannot listen on one of the addresses: it listens on all of them, or on none.
    ///
    /// ```
    /// use chatcore_server::{BindError, Config, Server};
    ///
    /// let config = Config::default().with_memory_bytes_max(Some(1 << 20));
    /// assert!(matches!(Server::bind(config), Err(BindError::Memory { .. })), "the limits allow more than 1 MiB");
    /// ```
    pub fn bind(config: Config) -> Result<Self, BindError> {
        config.check()?;
        let needed = config.memory_bytes();
        let mut acceptor = Acceptor::new(listen::listen(&config.listen)?);
        acceptor.configure(&config)?;
        let poll = Poll::new().map_err(BindError::System)?;
        let endpoints = register(poll.registry(), &mut acceptor).map_err(BindError::System)?;
        #[cfg(feature = "websocket")]
        let page_addresses = acceptor.page_addresses().map_err(BindError::System)?;
        let handle = Handle::new(poll.registry(), WAKER, config.clone()).map_err(BindError::System)?;
        let wake = {
            let handle = handle.clone();
            move || handle.wake()
        };
        let deciding = config.log_in.as_ref().map(|log_in| Pool::start(log_in, wake)).transpose();
        let deciding = deciding.map_err(BindError::System)?;
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| BindError::System(io::Error::other(error)))?;
        info!("by its limits this server needs at most {} of memory", Bytes(needed));
        let (wall_clock, clock) = (WallClock::start(), Clock::start());
        let hub = Hub::new(counts::in_halves(config.limits), seed).with_unix_epoch(wall_clock.unix_epoch());
        let hub = hub.with_number(config.hub_number);
        let hub = hub.with_reserved(config.reserved_names.iter().cloned());
        let mut server = Self {
            poll,
            clock,
            endpoints,
            #[cfg(feature = "websocket")]
            page_addresses,
            acceptor,
            turn_time: config.driver.turn_time,
            turn_accepts_max: config.driver.turn_accepts_max,
            connections_max: 0,
            connections: Connections::new(hub, wall_clock, config.driver.clone(), deciding),
            turned_away: TurnedAway::default(),
            reconnect: config.reconnect,
            handle,
            stopping: false,
        };
        #[cfg(feature = "tls")]
        if let Some(tls) = &config.tls {
            server.connections.set_tls(tls);
        }
        server.set_capacity(&config.driver);
        Ok(server)
    }

    /// Where the server listens, in the order of [`Config::listen`]. In the place of port 0 is the port that the system
    /// chose. A name with several addresses has all of them here.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// The addresses of those [`endpoints`](Self::endpoints) that have one.
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        self.endpoints.iter().filter_map(Endpoint::socket_addr).collect()
    }

    /// Where browsers of this machine find the page of [`Config::files`], if there is one: an address for each
    /// WebSocket, such as `http://127.0.0.1:12380/`.
    #[cfg(feature = "websocket")]
    pub fn page_addresses(&self) -> &[String] {
        &self.page_addresses
    }

    /// A handle that stops the server from another thread.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Serves clients. Returns when a [`Handle`] has asked the server to stop and all connections are gone.
    ///
    /// # Errors
    ///
    /// Only if the system cannot wait for the network any more. Nothing that a client does makes this fail.
    pub fn run(mut self) -> io::Result<()> {
        let mut turns = Turns::new(turns::EVENTS_MAX, self.clock.now());
        while !(self.stopping && self.connections.len() == 0) {
            self.turn(&mut turns)?;
        }
        info!("stopped");
        Ok(())
    }

    /// Waits for something to do, and does it.
    fn turn(&mut self, turns: &mut Turns) -> io::Result<()> {
        let Turns { events, buffer, timers, ack_delay } = turns;
        match self.poll.poll(events, self.timeout()) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        let now = self.clock.now();
        let mut count = 0;
        for event in &*events {
            count += 1;
            self.dispatch(now, event);
        }
        let is_busy = count > 0 || self.connections.is_behind();
        timers.note(now, count, self.connections.len(), self.connections.mark());
        self.connections.read(now, self.time_for_reading(), buffer);

        let time = self.time_for_writing();
        if timers.may_run(now, |mark| self.connections.has_passed(mark)) {
            self.handle_timeout(&time);
        }
        if ack_delay.may_wait(now, is_busy) {
            self.connections.drain_urgent(now, &time);
        } else {
            self.connections.drain(now, &time);
        }
        if self.connections.is_settled() {
            ack_delay.reset(now);
        }

        self.do_what_is_asked();
        if self.handle.is_asked_to_stop() && !self.stopping {
            self.stop();
        }
        self.accept();
        Ok(())
    }

    /// How long the poll may sleep.
    fn timeout(&self) -> Option<Duration> {
        if self.connections.has_work_left() || self.acceptor.is_ready() {
            return Some(Duration::ZERO);
        }
        let dues = [self.connections.deadline(), self.acceptor.deadline(), self.turned_away.deadline()];
        let due = dues.into_iter().flatten().min()?;
        // The poll rounds up to its own resolution, so that a deadline is over when it returns.
        Some(due.saturating_since(self.clock.now()))
    }

    fn dispatch(&mut self, now: Instant, event: &Event) {
        match event.token() {
            WAKER => self.connections.handle_decisions(now),
            Token(token) if token >= LISTENER => self.acceptor.ready(token - LISTENER),
            Token(key) => {
                // An event may be meant for a connection that had the same key before. It is only a hint:
                // there will be nothing to read or write.
                if event.is_writable() {
                    self.connections.writable(key);
                }
                let is_broken = event.is_error() || event.is_write_closed();
                if event.is_read_closed() || is_broken {
                    self.connections.ending(key, is_broken);
                }
                if event.is_readable() || event.is_read_closed() || is_broken {
                    self.connections.readable(now, key);
                }
            }
        }
    }

    /// What reading may take of a turn, from now on. It has most of it: nobody is served whose request is not read, and
    /// what may be written late is known only then.
    fn time_for_reading(&self) -> TimeSlice {
        TimeSlice::start(self.clock, self.turn_time * 3 / 4)
    }

    /// The same for writing, and for the timers before it.
    fn time_for_writing(&self) -> TimeSlice {
        TimeSlice::start(self.clock, self.turn_time * 2 / 5)
    }

    fn handle_timeout(&mut self, time: &TimeSlice) {
        let now = self.clock.now();
        self.connections.handle_timeout(now, time);
        self.acceptor.handle_timeout(now);
        self.turned_away.handle_timeout(now);
    }

    /// Sets how many connections there may be by the limits and the system, and tells how many these are.
    fn set_capacity(&mut self, limits: &DriverLimits) {
        let connections_max = descriptors::connections_max(limits.connections_max, self.endpoints.len());
        let reserved = counts::reserve(limits.connections_for_resumes, connections_max);
        if connections_max != self.connections_max {
            info!(
                "there is room for {connections_max} connections, the last {reserved} of them for those who come back"
            );
        }
        #[cfg(unix)]
        descriptors::prepare(connections_max);
        self.connections_max = connections_max;
        self.connections.set_room(connections_max, reserved);
    }

    /// Lets people in, some at a time. After the draining, so that a name that was given up in this turn is
    /// free for those who come now.
    fn accept(&mut self) {
        if self.connections.has_ended() {
            self.acceptor.resume();
        }
        let time = TimeSlice::start(self.clock, self.turn_time / 4);
        for count in 0..self.turn_accepts_max {
            if count > 0 && time.is_over() {
                return;
            }
            if !self.acceptor.is_ready() {
                return;
            }
            while self.connections.len() + self.turned_away.len() >= self.connections_max {
                if !self.turned_away.close_first() {
                    return self.acceptor.pause_when_full(self.connections_max);
                }
            }
            let now = self.clock.now();
            match self.acceptor.accept(now) {
                Accept::Came(mut transport, peer, entrance) => {
                    // Whose connection a proxy brings, is not known yet.
                    let room = if entrance.way == Way::Proxy { Ok(()) } else { self.connections.check_room(&peer) };
                    if let Err(refusal) = room {
                        self.connections.charge_turned_away(now, &peer);
                        let limits = self.connections.limits();
                        self.turned_away.turn_away(now, transport, peer, &refusal, limits);
                        continue;
                    }
                    let token = Token(self.connections.vacant_key());
                    let interest = Interest::READABLE | Interest::WRITABLE;
                    match self.poll.registry().register(&mut transport, token, interest) {
                        Ok(()) => self.connections.open(now, transport, peer, entrance),
                        Err(error) => self.acceptor.pause_for_want(now, &error),
                    }
                }
                Accept::Went => {}
                Accept::Nobody => return,
            }
        }
    }

    /// What other threads want, except to stop.
    fn do_what_is_asked(&mut self) {
        if let Some(config) = self.handle.new_config() {
            self.reconfigure(config);
        }
        if self.handle.is_asked_for_status() {
            self.connections.log_status();
        }
    }

    /// Takes over what can change, which is checked already.
    fn reconfigure(&mut self, config: Config) {
        self.turn_time = config.driver.turn_time;
        self.turn_accepts_max = config.driver.turn_accepts_max;
        if let Err(error) = self.acceptor.configure(&config) {
            // They were checked when the configuration came.
            error!(%error, "the rules for WebSockets stay as they were");
        }
        #[cfg(feature = "tls")]
        if let Some(tls) = &config.tls {
            self.connections.set_tls(tls);
        }
        self.set_capacity(&config.driver);
        self.reconnect = config.reconnect;
        self.connections.reconfigure(self.clock.now(), config.limits, config.driver, &config.reserved_names);
        // There may be room for more now.
        self.acceptor.resume();
    }

    fn stop(&mut self) {
        info!(users = self.connections.users(), "stopping");
        self.stopping = true;
        self.acceptor.close();
        self.turned_away.close_all();
        let now = self.clock.now();
        self.connections.shut_down(now, self.reconnect.as_ref());
        self.connections.drain(now, &self.time_for_writing());
    }
}

/// Makes the listeners known to the poll, and tells where they listen.
fn register(registry: &Registry, acceptor: &mut Acceptor) -> io::Result<Vec<Endpoint>> {
    let mut endpoints = Vec::new();
    for (index, socket) in acceptor.sockets().enumerate() {
        socket.register(registry, Token(LISTENER + index))?;
        let endpoint = socket.endpoint()?;
        debug!(%endpoint, "listening");
        endpoints.push(endpoint);
    }
    Ok(endpoints)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use chatcore::wire::{
        self, ClientMessage, HEADER_BYTES, HubMessage, Message, PREFACE_BYTES, Ping, Preface, Register, Resume, Send,
    };
    use chatcore::{CONNECTION_COST, Limits, Rate, Token};

    use mio::Events;

    use super::*;
    use crate::buffers::BUFFER_BYTES;
    use crate::origin::quota_key;

    /// No four characters of them stand in anything else.
    const CREDENTIAL: &[u8; 16] = b"zq7%xv9!kw2^pj4&";
    const TOKEN: &[u8; 16] = b"~wq8;zk3=jx5+vb7";

    /// Lets a server do one thing after the other until something is so.
    fn turn_until(server: &mut Server, is_so: impl Fn(&Server) -> bool) {
        const PATIENCE: Duration = Duration::from_secs(20);
        let (mut events, mut buffer) = (Events::with_capacity(8), vec![0; BUFFER_BYTES]);
        let begun = server.clock.now();
        while !is_so(server) {
            let now = server.clock.now();
            assert!(now.saturating_since(begun) < PATIENCE, "{server:#?}");
            server.poll.poll(&mut events, Some(PATIENCE)).expect("the system can poll");
            for event in &events {
                server.dispatch(now, event);
            }
            let time = TimeSlice::start(server.clock, PATIENCE);
            server.connections.read(now, time, &mut buffer);
            server.connections.drain(now, &time);
            server.accept();
        }
    }

    /// Searches all that is known of a server for a secret, in the forms in which bytes are printed.
    fn assert_hidden(secret: &[u8], server: &Server) {
        let printed = [format!("{server:?}"), format!("{server:#?}"), format!("{server:x?}"), format!("{server:#x?}")];
        for printed in printed.map(|printed| printed.split_whitespace().collect::<String>()) {
            for window in secret.windows(4) {
                let list = |form: fn(&u8) -> String| window.iter().map(form).collect::<Vec<_>>().join(",");
                for trace in [
                    list(u8::to_string),
                    list(|byte| format!("{byte:x}")),
                    list(|byte| format!("{byte:#x}")),
                    window.escape_ascii().to_string(),
                ] {
                    assert!(!printed.contains(&trace), "{trace} is in {printed}");
                }
            }
        }
    }

    /// An hour more than the system's clock shows.
    fn an_hour_later() -> Duration {
        let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
        now.expect("it is later than 1970") + Duration::from_secs(3600)
    }

    #[test]
    fn messages_have_the_time_of_the_wall_clock_when_it_was_set_after_the_start() {
        let mut server = Server::bind(Config::default().with_listen(["127.0.0.1:0"])).expect("it can listen");
        server.connections.wall_clock().set_reading(an_hour_later);
        let register = Register { name: "alice", credential: b"", frame_bytes_max: u32::MAX };
        let mut said = Preface::OURS.encode().to_vec();
        ClientMessage::Register(register).encode(&mut said);
        ClientMessage::Send(Send { to: "alice", body: b"now" }).encode(&mut said);
        let mut client = TcpStream::connect(server.local_addrs()[0]).expect("it listens");
        client.write_all(&said).expect("the server takes it");
        turn_until(&mut server, |server| server.connections.accepted() == 1);
        drop(server);
        let mut told = Vec::new();
        client.read_to_end(&mut told).expect("the server is gone");
        let mut frames = &told[PREFACE_BYTES..];
        let id =
            std::iter::from_fn(|| wire::take(&mut frames, u32::MAX).expect("it is well-formed")).find_map(|content| {
                match HubMessage::decode(content) {
                    Ok(Some(HubMessage::Deliver(deliver))) => Some(deliver.id),
                    _ => None,
                }
            });
        let off = id.expect("it is delivered").unix_time().abs_diff(an_hour_later());
        assert!(off < Duration::from_secs(60), "{off:?}");
    }

    #[test]
    fn a_server_that_slept_reads_the_signs_of_life_of_more_than_a_batch_before_it_times_anybody_out() {
        const CLIENTS: usize = 40;
        const BATCH: usize = 8;
        let config = Config::default().with_listen(["127.0.0.1:0"]);
        let idle_time = config.limits.idle_time_max;
        let mut server = Server::bind(config).expect("it can listen");
        // Each look at the clock is a part of a turn.
        (server.clock, server.turn_time) = (Clock::ticking(), Duration::from_secs(1));
        let mut turns = Turns::new(BATCH, server.clock.now());
        let mut clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let mut client = TcpStream::connect(server.local_addrs()[0]).expect("it listens");
                let register = Register { name: &format!("user{number}"), credential: b"", frame_bytes_max: u32::MAX };
                let mut said = Preface::OURS.encode().to_vec();
                ClientMessage::Register(register).encode(&mut said);
                client.write_all(&said).expect("the server takes it");
                client
            })
            .collect();
        while server.connections.users() < CLIENTS {
            server.turn(&mut turns).expect("the system can poll");
        }
        let mut ping = Vec::new();
        ClientMessage::Ping(Ping { nonce: 7 }).encode(&mut ping);
        let before = server.connections.hub().counters().bytes_in;
        for client in &mut clients {
            client.write_all(&ping).expect("the server takes it");
        }
        server.clock.advance_millis(u64::try_from(idle_time.as_millis()).expect("it is short"));
        let heard = before + (CLIENTS * ping.len()) as u64;
        while server.connections.hub().counters().bytes_in < heard {
            server.turn(&mut turns).expect("the system can poll");
            assert_eq!(server.connections.hub().connections(), CLIENTS, "all have said that they are there");
        }
    }

    #[test]
    fn who_is_turned_away_costs_its_origin_a_connection() {
        // Two that are let in, and half of what three cost that are not.
        let rate = Rate { per_s: 1, burst: CONNECTION_COST * 7 / 2 };
        let limits = DriverLimits::default().with_connections_of_origin_max(2).with_uncounted_origins([]);
        let config = Config::default()
            .with_listen(["127.0.0.1:0"])
            .with_limits(Limits::default().with_origin_rate(rate))
            .with_driver(limits);
        let mut server = Server::bind(config).expect("it can listen");
        let address = server.local_addrs()[0];
        let _clients = [(); 5].map(|()| TcpStream::connect(address).expect("it listens"));
        turn_until(&mut server, |server| server.connections.len() + server.turned_away.len() == 5);
        assert_eq!(server.connections.len(), 2);
        let now = server.clock.now();
        let hub = server.connections.hub();
        assert!(hub.charge_origin(now, quota_key(address.ip()), 1) > Some(now), "it has used up its rate");
    }

    #[test]
    fn a_half_read_registration_or_resume_shows_no_secret() {
        let register = Register { name: "alice", credential: CREDENTIAL, frame_bytes_max: u32::MAX };
        let token = Token::from_bytes(*TOKEN);
        let resume = Resume { name: "alice", token, received: None, attempt: 1, frame_bytes_max: u32::MAX };
        let asks: [(&[u8], _); 2] =
            [(CREDENTIAL, ClientMessage::Register(register)), (TOKEN, ClientMessage::Resume(resume))];
        for (secret, ask) in asks {
            let mut server = Server::bind(Config::default().with_listen(["127.0.0.1:0"])).expect("it can listen");
            let mut opening = Preface::OURS.encode().to_vec();
            ask.encode(&mut opening);
            opening.pop();
            let mut client = TcpStream::connect(server.local_addrs()[0]).expect("it listens");
            client.write_all(&opening).expect("it takes it");
            // The length is shown, so the bytes are there. A slab shows its entries in this form alone.
            let kept = format!("bytes: {}", opening.len() - PREFACE_BYTES);
            assert!(opening.len() > PREFACE_BYTES + HEADER_BYTES + secret.len());
            turn_until(&mut server, |server| format!("{server:#?}").contains(&kept));
            assert_hidden(secret, &server);
            // What it lay in is kept for others.
            drop(client);
            turn_until(&mut server, |server| server.connections.len() == 0);
            assert_hidden(secret, &server);
        }
    }
}
