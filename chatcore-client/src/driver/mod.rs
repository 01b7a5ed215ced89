//! The client of the core over a transport that never blocks, for an event loop of one's own.

mod link;

use std::fmt;
use std::io;
use std::time::Duration;

use chatcore::{
    Client, ClientConfig, ClientError, Event, Inbox, Instant, Position, Received, SessionTicket, Transport,
};
use chatcore_transport::{Flushed, Input, Written};
use mio::event::Source;
use mio::{Interest, Registry, Token};

use self::link::{Link, Progress};
use crate::clock::Clock;
use crate::commands::{commands, next_event};
use crate::endpoint::{Endpoint, Target};

/// Bytes that go out with one write, at the most.
const WRITE_BYTES_MAX: usize = 256 << 10;

/// Bytes of one read.
const BUFFER_BYTES: usize = 64 << 10;

/// Reads in one [`Driver::drive`], at the most, so that a busy server does not hold up the caller's loop.
const READS_MAX: usize = 16;

/// A [`Client`] on a connection that never blocks, for an event loop on mio: over TCP, TLS, a WebSocket or a Unix
/// socket. Register it with a [`Registry`] like any source, for reading and writing. After that:
///
/// 1. Call [`drive`](Self::drive) after each readiness event of mio for it, after each command, and when
///    [`timeout`](Self::timeout) is over.
/// 2. Take events with [`poll_event`](Self::poll_event), as many as the program is ready for. The client acknowledges
///    what is taken, and keeps the rest. If `drive` returned true, a command that did not fit before may fit now: try
///    it again. If a command or an event was taken, go back to 1.
/// 3. Wait, for [`timeout`](Self::timeout) at the most.
///
/// The driver drops a connection that is lost, and makes a new one when it is time, whether the program takes events or
/// not, to the same [`Target`]. If a hub advises another place, the driver goes there once, unless that would be less private
/// (protocol.md, *Advice*), or its host is a name that must be looked up. It checks certificates in each connection.
///
/// `Debug` does not show bytes that were read: a welcome holds the session's token.
///
/// ```
/// use std::io::Read;
/// use std::net::TcpListener;
///
/// use chatcore_client::{ClientConfig, Driver};
/// use mio::{Events, Interest, Poll, Token};
///
/// let server = TcpListener::bind("127.0.0.1:0")?; // in the place of a server
/// let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(8));
/// let mut driver = Driver::connect(server.local_addr()?, ClientConfig::default())?;
/// poll.registry().register(&mut driver, Token(0), Interest::READABLE | Interest::WRITABLE)?;
/// driver.register("alice", b"")?;
/// while !driver.connected() {
///     poll.poll(&mut events, driver.timeout())?;
///     driver.drive()?;
/// }
/// let mut magic = [0; 5];
/// server.accept()?.0.read_exact(&mut magic)?;
/// assert_eq!(&magic, b"\xC4chat");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Driver {
    /// Where it connects, if nobody advises another place.
    home: Target,
    /// None while there is no connection.
    link: Option<Link>,
    /// Where new connections are to be registered.
    registration: Option<PollRegistration>,
    client: Client,
    clock: Clock,
    buffer: Vec<u8>,
    inbox: Inbox,
    connected: bool,
    /// A connection stood once: from then on what breaks is an event, and never an error.
    was_connected: bool,
    /// Why the last connection broke.
    broke_by: Option<io::Error>,
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("home", &self.home)
            .field("link", &self.link)
            .field("client", &self.client)
            .field("inbox_bytes", &self.inbox.len())
            .field("connected", &self.connected)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct PollRegistration {
    registry: Registry,
    token: Token,
    interests: Interest,
}

impl Driver {
    /// Begins to connect: to a [`Target`], or to a `SocketAddr` over TCP. [`connect_any`](crate::connect_any) begins with an
    /// [`Endpoint`](crate::Endpoint), and tries all of its targets.
    ///
    /// [`drive`](Self::drive) fails if the connection cannot be made, with [`ClientConfig::keeps_trying`], too: then the
    /// program may look the endpoint up anew before it tries again.
    ///
    /// # Errors
    ///
    /// The system's error if it gives no socket or no randomness, or nobody listens at the path of a Unix socket.
    ///
    /// # Panics
    ///
    /// If no client can work with the configuration: [`ClientConfig::check`] tells beforehand.
    pub fn connect(target: impl Into<Target>, config: ClientConfig) -> io::Result<Self> {
        Self::start(target.into(), |clock, seed| Client::new(clock.now(), config, seed))
    }

    /// As [`connect`](Self::connect), for a program that was started again and has the ticket of its session: see
    /// [`Client::resume`].
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    ///
    /// # Panics
    ///
    /// As [`connect`](Self::connect).
    pub fn resume(
        target: impl Into<Target>,
        config: ClientConfig,
        ticket: SessionTicket,
        credential: &[u8],
    ) -> io::Result<Self> {
        Self::start(target.into(), |clock, seed| Client::resume(clock.now(), config, seed, ticket, credential))
    }

    fn start(home: Target, client: impl FnOnce(&Clock, u64) -> Client) -> io::Result<Self> {
        let clock = Clock::start();
        let seed = getrandom::u64().map_err(io::Error::other)?;
        Ok(Self {
            link: Some(Link::begin(home.clone())?),
            home,
            registration: None,
            client: client(&clock, seed),
            clock,
            buffer: vec![0; BUFFER_BYTES],
            inbox: Inbox::default(),
            connected: false,
            was_connected: false,
            broke_by: None,
        })
    }

    /// Reads, writes and does what is due, without waiting. Returns true if it read something: then there may be
    /// events, room for a command that did not fit, and more to read.
    ///
    /// # Errors
    ///
    /// Only if the first connection cannot be made; `TlsFault::of` finds in it what was wrong with TLS. A connection that
    /// breaks later is no error, but an [`Event::Reconnecting`] or [`Event::Closed`].
    pub fn drive(&mut self) -> io::Result<bool> {
        self.follow();
        if !self.connected && !self.goes_on_connecting()? {
            self.follow();
            self.handle_timeout();
            self.follow();
            return Ok(false);
        }
        // Reading comes before writing: two ends that only want to write would wait for each other for ever. It comes
        // before the time-outs, too: a caller that was away for long finds the signs of life that came meanwhile.
        let has_read = self.read();
        self.follow();
        self.handle_timeout();
        self.follow();
        self.write();
        // If writing has just failed, what can still be read is to be read, and then it is over.
        Ok(has_read || self.has_failed_to_write() && self.connected && !self.client.is_closed())
    }

    /// Whether a connection stands now.
    pub const fn connected(&self) -> bool {
        self.connected
    }

    /// Whether a connection stands, or stood once.
    pub(crate) const fn has_connected(&self) -> bool {
        self.was_connected
    }

    /// Whether nobody else can read what the client sends: the connection is encrypted, or does not leave this machine. It
    /// stays so: a driver whose connection is private makes no other that is not. Send a password only if this is true.
    pub fn is_private(&self) -> bool {
        self.home.is_private()
    }

    /// The endpoint to which the driver is connected, or connects: its own, or the one that a hub advised.
    pub fn endpoint(&self) -> &Endpoint {
        self.link.as_ref().map_or(&self.home, |link| &link.target).endpoint()
    }

    /// What the system, or TLS, said when the last connection broke or could not be made; none if it said nothing, or a
    /// connection stands.
    pub const fn last_error(&self) -> Option<&io::Error> {
        self.broke_by.as_ref()
    }

    /// How long the event loop may wait before it calls [`drive`](Self::drive) again; none for any time. Zero if
    /// something is due. It is a time to wait, as mio's `poll` takes it, and not a point in time: the clock is the driver's.
    pub fn timeout(&self) -> Option<Duration> {
        self.client.poll_timeout().map(|due| due - self.now())
    }

    /// The next event; none if there is no further one. See [`Client::poll_event`]. [`Event::Connect`] does not come:
    /// the driver itself makes the connection.
    pub fn poll_event(&mut self) -> Option<Event> {
        next_event(&mut self.client)
    }

    commands!("[`drive`](Self::drive)");

    /// Ends the session, and does not wait: see [`Client::close`]. The goodbye goes out with [`drive`](Self::drive), and
    /// [`Event::Closed`] comes when the hub has answered.
    pub fn close(&mut self) {
        self.client.close(self.now());
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Goes on with a connection that is being made. Whether it stands by now. That the first one cannot be made is an error, of
    /// later ones it is told.
    fn goes_on_connecting(&mut self) -> io::Result<bool> {
        let Some(link) = self.link.as_mut().filter(|link| !link.is_open()) else { return Ok(false) };
        match link.advance(&mut self.buffer) {
            Ok(Progress::Waits) => Ok(false),
            Ok(Progress::Stands(count)) => {
                (self.connected, self.was_connected, self.broke_by) = (true, true, None);
                self.client.connected(self.now());
                if count > 0 {
                    self.arrived(count);
                }
                Ok(true)
            }
            Err(error) if self.was_connected => {
                self.broke(Err(error));
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Does with the connection what the client wants.
    fn follow(&mut self) {
        match self.client.transport() {
            Transport::Use => {}
            // Last words are written as long as the connection stands.
            Transport::Drop if self.client.is_closed() => {}
            Transport::Drop => self.hang_up(),
            Transport::Connect { .. } if self.link.is_some() => {}
            Transport::Connect { address } => {
                let advised = address.and_then(|advice| self.home.advised(advice));
                self.connect_again(advised.unwrap_or_else(|| self.home.clone()));
            }
        }
    }

    /// Makes another connection.
    fn connect_again(&mut self, target: Target) {
        let link = Link::begin(target).and_then(|mut link| {
            if let Some(PollRegistration { registry, token, interests }) = &self.registration {
                link.register(registry, *token, *interests)?;
            }
            Ok(link)
        });
        match link {
            Ok(link) => self.link = Some(link),
            Err(error) => self.broke(Err(error)),
        }
    }

    /// The connection takes nothing any more, and may still give something.
    fn has_failed_to_write(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.has_failed_to_write)
    }

    /// Drops the connection, and what has arrived of a frame.
    fn hang_up(&mut self) {
        self.link = None;
        self.inbox.clear();
        self.connected = false;
    }

    /// True if something was read, be it the end.
    fn read(&mut self) -> bool {
        for reads in 0..READS_MAX {
            let Some(link) = self.link.as_mut().filter(|_| self.connected && !self.client.is_closed()) else {
                return reads > 0;
            };
            match link.transport.read(&mut self.buffer) {
                Input::Bytes { count, is_all } => {
                    self.arrived(count);
                    // A connection on which writing failed is read to its end.
                    if is_all && !self.has_failed_to_write() {
                        return true;
                    }
                }
                Input::Overhead(_) => {}
                Input::None => {
                    if self.has_failed_to_write() {
                        self.broke(Ok(()));
                    }
                    return reads > 0;
                }
                Input::End(end) => self.broke(end),
            }
        }
        true
    }

    fn arrived(&mut self, count: usize) {
        let now = self.now();
        let received = self.inbox.receive(now, &mut self.client, &self.buffer[..count]);
        // A client that is to reconnect reads no more from here.
        if received == Received::Closed && !self.client.is_closed() {
            self.connected = false;
        }
    }

    /// Writes what there is, also after the end: a final message tells the server why.
    fn write(&mut self) {
        let Some(link) = self.link.as_mut().filter(|_| self.connected) else { return };
        while !link.has_failed_to_write {
            let chunks = self.client.transmit();
            let written = if chunks.is_empty() {
                // The transport may keep what it took before.
                match link.transport.flush() {
                    Flushed::All | Flushed::Blocked => return,
                    Flushed::Broken(error) => Written::Broken(error),
                }
            } else {
                link.transport.write(chunks, WRITE_BYTES_MAX)
            };
            match written {
                Written::Bytes(count) => self.client.transmitted(self.clock.now(), count),
                Written::Blocked => return,
                // What the server said before it went may still be there to be read.
                Written::Broken(error) => {
                    link.has_failed_to_write = true;
                    self.broke_by = Some(error);
                }
            }
        }
    }

    fn handle_timeout(&mut self) {
        let now = self.now();
        if self.client.poll_timeout().is_some_and(|due| due <= now) {
            self.client.handle_timeout(now);
        }
    }

    /// The connection is gone, for this reason if one is known.
    fn broke(&mut self, why: io::Result<()>) {
        self.broke_by = why.err().or(self.broke_by.take());
        self.connected = false;
        self.client.disconnect(self.now());
    }
}

impl Source for Driver {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.registration = Some(PollRegistration { registry: registry.try_clone()?, token, interests });
        self.link.as_mut().map_or(Ok(()), |link| link.register(registry, token, interests))
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.registration = Some(PollRegistration { registry: registry.try_clone()?, token, interests });
        self.link.as_mut().map_or(Ok(()), |link| link.reregister(registry, token, interests))
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.registration = None;
        self.link.as_mut().map_or(Ok(()), |link| link.deregister(registry))
    }
}
