//! The client of the core over a socket that never blocks, for an event loop of one's own.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use chatcore::{
    Client, ClientConfig, ClientError, Event, Inbox, Instant, Position, Received, SessionTicket, Transport,
};
use mio::event::Source;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::clock::Clock;
use crate::commands::{commands, next_event};

/// Pieces that go out with one write, at the most.
const WRITE_CHUNKS_MAX: usize = 16;

/// Bytes of one read.
const BUFFER_BYTES: usize = 64 << 10;

/// Reads in one [`Driver::drive`], at the most, so that a busy server does not hold up the caller's loop.
const READS_MAX: usize = 16;

/// A [`Client`] on a TCP connection that never blocks, for an event loop on mio. Register it with a [`Registry`] like
/// any source, for reading and writing. After that:
///
/// 1. Call [`drive`](Self::drive) after each readiness event of mio for it, after each command, and when
///    [`timeout`](Self::timeout) is over.
/// 2. Take events with [`poll_event`](Self::poll_event), as many as the program is ready for. The client acknowledges
///    what is taken, and keeps the rest. If `drive` returned true, a command that did not fit before may fit now: try
///    it again. If a command or an event was taken, go back to 1.
/// 3. Wait, for [`timeout`](Self::timeout) at the most.
///
/// The driver drops a connection that is lost, and makes a new one when it is time, whether the program takes events or
/// not. If a hub's hint gives another address, the driver connects to it if it is an IP address with a port.
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
    address: SocketAddr,
    /// None while there is no connection.
    stream: Option<TcpStream>,
    /// Where new streams are to be registered.
    registration: Option<PollRegistration>,
    client: Client,
    clock: Clock,
    buffer: Vec<u8>,
    inbox: Inbox,
    connected: bool,
    /// A connection stood once: from then on what breaks is an event, and never an error.
    was_connected: bool,
    /// Nothing can be written any more.
    write_failed: bool,
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("address", &self.address)
            .field("stream", &self.stream)
            .field("client", &self.client)
            .field("inbox_bytes", &self.inbox.len())
            .field("connected", &self.connected)
            .field("write_failed", &self.write_failed)
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
    /// Begins to connect. [`drive`](Self::drive) fails if the connection cannot be made, with
    /// [`ClientConfig::keeps_trying`], too: then the program may look the address up anew before it tries again.
    ///
    /// # Errors
    ///
    /// The system's error if it gives no socket or no randomness.
    ///
    /// # Panics
    ///
    /// If no client can work with the configuration: [`ClientConfig::check`] tells beforehand.
    pub fn connect(address: SocketAddr, config: ClientConfig) -> io::Result<Self> {
        Self::start(address, |clock, seed| Client::new(clock.now(), config, seed))
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
        address: SocketAddr,
        config: ClientConfig,
        ticket: SessionTicket,
        credential: &[u8],
    ) -> io::Result<Self> {
        Self::start(address, |clock, seed| Client::resume(clock.now(), config, seed, ticket, credential))
    }

    fn start(address: SocketAddr, client: impl FnOnce(&Clock, u64) -> Client) -> io::Result<Self> {
        let clock = Clock::start();
        let seed = getrandom::u64().map_err(io::Error::other)?;
        Ok(Self {
            address,
            stream: Some(TcpStream::connect(address)?),
            registration: None,
            client: client(&clock, seed),
            clock,
            buffer: vec![0; BUFFER_BYTES],
            inbox: Inbox::default(),
            connected: false,
            was_connected: false,
            write_failed: false,
        })
    }

    /// Reads, writes and does what is due, without waiting. Returns true if it read something: then there may be
    /// events, room for a command that did not fit, and more to read.
    ///
    /// # Errors
    ///
    /// Only if the first connection cannot be made. A connection that breaks later is no error, but an
    /// [`Event::Reconnecting`] or [`Event::Closed`].
    pub fn drive(&mut self) -> io::Result<bool> {
        self.follow();
        if !self.connected && !self.is_connected()? {
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
        Ok(has_read || self.write_failed && self.connected && !self.client.is_closed())
    }

    /// Whether a connection stands now.
    pub const fn connected(&self) -> bool {
        self.connected
    }

    /// Whether nobody else can read what is sent: the connection does not leave this machine. So a password may be sent.
    /// It stays so: a private driver follows no hint of a server to where it would not be.
    pub fn is_private(&self) -> bool {
        is_private(self.address)
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

    /// Whether the connection stands by now. That the first one cannot be made is an error, of later ones it is told.
    fn is_connected(&mut self) -> io::Result<bool> {
        let Some(stream) = &self.stream else { return Ok(false) };
        let outcome = match stream.take_error().and_then(|error| error.map_or(Ok(()), Err)) {
            Ok(()) => stream.peer_addr().map(drop),
            failed => failed,
        };
        match outcome {
            Ok(()) => {
                // An error only means that the connection broke at once, which the next read shows.
                let _ = stream.set_nodelay(true);
                (self.connected, self.was_connected) = (true, true);
                self.client.connected(self.now());
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(_) if self.was_connected => {
                self.broke();
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
            Transport::Connect { .. } if self.stream.is_some() => {}
            // A server that is to be found by its name would hold up the caller's loop, so only addresses count.
            Transport::Connect { address } => {
                let hint = address.and_then(|address| address.parse().ok());
                let hint = hint.filter(|hint| is_private(*hint) || !self.is_private());
                self.connect_again(hint.unwrap_or(self.address));
            }
        }
    }

    /// Makes another connection.
    fn connect_again(&mut self, address: SocketAddr) {
        let stream = TcpStream::connect(address).and_then(|mut stream| {
            if let Some(PollRegistration { registry, token, interests }) = &self.registration {
                stream.register(registry, *token, *interests)?;
            }
            Ok(stream)
        });
        match stream {
            Ok(stream) => self.stream = Some(stream),
            Err(_) => self.broke(),
        }
    }

    /// Drops the connection, and what has arrived of a frame.
    fn hang_up(&mut self) {
        self.stream = None;
        self.inbox.clear();
        (self.connected, self.write_failed) = (false, false);
    }

    /// True if something was read, be it the end.
    fn read(&mut self) -> bool {
        for reads in 0..READS_MAX {
            let Some(stream) = self.stream.as_mut().filter(|_| self.connected && !self.client.is_closed()) else {
                return reads > 0;
            };
            match stream.read(&mut self.buffer) {
                Ok(0) => self.broke(),
                Ok(count) => self.arrived(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.write_failed {
                        self.broke();
                    }
                    return reads > 0;
                }
                Err(_) => self.broke(),
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
        let Some(stream) = self.stream.as_mut().filter(|_| self.connected) else { return };
        while !self.write_failed {
            let mut slices = [IoSlice::new(&[]); WRITE_CHUNKS_MAX];
            let chunks = self.client.transmit();
            let filled = slices.iter_mut().zip(chunks).map(|(slice, chunk)| *slice = IoSlice::new(chunk)).count();
            if filled == 0 {
                return;
            }
            match stream.write_vectored(&slices[..filled]) {
                Ok(count) if count > 0 => self.client.transmitted(self.clock.now(), count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // What the server said before it went may still be there to be read.
                _ => {
                    self.write_failed = true;
                    return;
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

    fn broke(&mut self) {
        self.connected = false;
        self.client.disconnect(self.now());
    }
}

fn is_private(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

impl Source for Driver {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.registration = Some(PollRegistration { registry: registry.try_clone()?, token, interests });
        self.stream.as_mut().map_or(Ok(()), |stream| stream.register(registry, token, interests))
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.registration = Some(PollRegistration { registry: registry.try_clone()?, token, interests });
        self.stream.as_mut().map_or(Ok(()), |stream| stream.reregister(registry, token, interests))
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.registration = None;
        self.stream.as_mut().map_or(Ok(()), |stream| stream.deregister(registry))
    }
}
