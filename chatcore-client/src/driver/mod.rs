//! The client of the core over a transport that never blocks, for an event loop of one's own.

mod attempts;
mod dialing;
mod link;
pub(crate) mod look_up;
mod source;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use chatcore::{Client, ClientConfig, ClientError, Event, Inbox, Instant, Position, Received, SessionTicket};
use chatcore_transport::{Flushed, Input, Written};

use self::attempts::Attempts;
use self::dialing::Dialing;
use self::link::{Link, Registration};
use self::look_up::LookUps;
use crate::clock::{Clock, JUMP_MIN, SleepWatch};
use crate::commands::{commands, next_event, not_private};
use crate::endpoint::{Endpoint, FollowedHost, Resolve, SystemResolver, Target};
use crate::waiting::has_room;

/// Bytes that go out with one write, at the most.
const WRITE_BYTES_MAX: usize = 256 << 10;

/// Bytes of one read.
const BUFFER_BYTES: usize = 64 << 10;

/// Reads in one [`Driver::drive`], at the most, so that a busy server does not hold up the caller's loop.
const READS_MAX: usize = 16;

/// A [`Client`] on a connection that never blocks, for an event loop on mio: over TCP, TLS, a WebSocket or a Unix
/// socket. Register it with a [`Registry`](mio::Registry) like any source, for reading and writing. After that:
///
/// 1. Call [`drive`](Self::drive) after each readiness event of mio for it, after each command, and when
///    [`timeout`](Self::timeout) is over.
/// 2. Take events with [`poll_event`](Self::poll_event), as many as the program is ready for. The client acknowledges
///    what is taken, and keeps the rest. If `drive` returned true, a command that did not fit before may fit now: try
///    it again. If a command or an event was taken, go back to 1.
/// 3. Wait, for [`timeout`](Self::timeout) at the most.
///
/// While events wait with more bytes than the hub's outbox holds
/// ([`outbox_bytes_max`](chatcore::wire::Announced::outbox_bytes_max) and a quarter), or with more than 16 MiB, the
/// driver reads nothing but the answer to a resume. While they take more than 256 MiB of memory, it reads nothing at
/// all, and no session is resumed. It reads again when the program has taken some. So a hub that heeds no
/// acknowledgements, or ends sessions again and again, fills no more memory than that.
///
/// The driver drops a connection that is lost, and makes a new one when it is time, whether the program takes events or
/// not, to the same [`Endpoint`]: each time it looks the host up anew, on a thread of its own, and tries all addresses,
/// one 250 ms after the other or as soon as one has failed, until one connection stands (RFC 8305). If a hub advises
/// another place, the driver goes there once, if that is the same server at another address or port, or a host that the
/// program has named ([`with_followed`](Self::with_followed)), and never where it would be less private (protocol.md,
/// *Advice*). It checks certificates in each connection. When it notices that the machine has slept, it finds out at
/// once whether the hub is still there ([`Client::probe`]).
///
/// A driver that is dropped says nothing, and the hub keeps the session for its resume time. To leave, call
/// [`close`](Self::close), and [`drive`](Self::drive) once at the least: until [`Event::Closed`], if the answer
/// matters.
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
    /// Where it connects, if nobody advises another place; with the address at which it was connected last.
    home: Target,
    /// The addresses at which home was found last.
    known: Vec<Target>,
    /// Where else a hub may send it.
    followed: Vec<FollowedHost>,
    look_ups: LookUps,
    /// None while no connection is being made.
    dialing: Option<Dialing>,
    /// None while there is no connection.
    link: Option<Link>,
    /// Where new connections are to be registered.
    registration: Option<Registration>,
    client: Client,
    clock: Clock,
    sleep_watch: SleepWatch,
    buffer: Vec<u8>,
    inbox: Inbox,
    connected: bool,
    /// A connection stood once: from then on what breaks is an event, and never an error.
    was_connected: bool,
    /// Why the last connection broke.
    broke_by: Option<io::Error>,
    /// Where it could not be made, if it never stood.
    broke_at: Option<String>,
    /// There is a credential: no connection is made that is not private.
    keeps_private: bool,
    /// Why the first connection could not be made, once that was told.
    gave_up: Option<(io::ErrorKind, String)>,
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("home", &self.home)
            .field("dialing", &self.dialing)
            .field("link", &self.link)
            .field("client", &self.client)
            .field("inbox_bytes", &self.inbox.len())
            .field("connected", &self.connected)
            .finish_non_exhaustive()
    }
}

impl Driver {
    /// Begins to connect: to a [`Target`], or to a `SocketAddr` over TCP.
    /// [`with_alternatives`](Self::with_alternatives) adds the other targets of an [`Endpoint`](crate::Endpoint), and
    /// [`connect_any`](crate::connect_any) does all that.
    ///
    /// [`drive`](Self::drive) fails if the connection cannot be made, with [`ClientConfig::keeps_trying`], too: then
    /// the program may look the endpoint up anew before it tries again.
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
    /// [`Client::resume`]. With a credential, the driver connects where it is [private](Self::is_private) alone.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect), and [`PermissionDenied`](io::ErrorKind::PermissionDenied) with a
    /// [`ClientError::NotPrivate`] in it, if there is a credential and the target is not private.
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
        let target = target.into();
        let keeps_private = !credential.is_empty();
        if keeps_private && !target.is_private() {
            return Err(not_private());
        }
        let driver = Self::start(target, |clock, seed| Client::resume(clock.now(), config, seed, ticket, credential))?;
        Ok(Self { keeps_private, ..driver })
    }

    fn start(home: Target, client: impl FnOnce(&Clock, u64) -> Client) -> io::Result<Self> {
        let clock = Clock::start();
        let seed = getrandom::u64().map_err(io::Error::other)?;
        let first = Link::begin(home.clone(), None)?;
        Ok(Self {
            known: vec![home.clone()],
            home,
            followed: Vec::new(),
            look_ups: LookUps::new(Arc::new(SystemResolver)),
            dialing: Some(Dialing::Attempting(Attempts::begun(first, clock.now()))),
            link: None,
            registration: None,
            client: client(&clock, seed),
            clock,
            sleep_watch: SleepWatch::start(),
            buffer: vec![0; BUFFER_BYTES],
            inbox: Inbox::default(),
            connected: false,
            was_connected: false,
            broke_by: None,
            broke_at: None,
            keeps_private: false,
            gave_up: None,
        })
    }

    /// The same with further targets of the same endpoint for its first connection: 250 ms after one has begun, or as
    /// soon as one has failed, the next begins, and the first connection that stands is used (RFC 8305). A driver that
    /// has a credential leaves out those that are not private.
    #[must_use]
    pub fn with_alternatives(mut self, targets: impl IntoIterator<Item = Target>) -> Self {
        if let Some(Dialing::Attempting(attempts)) = &mut self.dialing {
            let begun = self.known.len();
            let keeps_private = self.keeps_private;
            self.known.extend(targets.into_iter().filter(|target| !keeps_private || target.is_private()));
            attempts.extend(self.known[begun..].iter().cloned());
        }
        self
    }

    /// The same, where a hub may send the client to these hosts, too. Name only those that may know the session's token
    /// and what proves the right to the name. Without this, the client follows advice to the same server alone.
    #[must_use]
    pub fn with_followed(mut self, hosts: impl IntoIterator<Item = FollowedHost>) -> Self {
        self.followed = hosts.into_iter().collect();
        self
    }

    /// The same with a way of one's own to find the addresses of a name, in place of [`SystemResolver`].
    #[must_use]
    pub fn with_resolver(mut self, resolver: impl Resolve + 'static) -> Self {
        self.look_ups = LookUps::new(Arc::new(resolver));
        self
    }

    /// Reads, writes and does what is due, without waiting. Returns true if it read something: then there may be
    /// events, room for a command that did not fit, and more to read.
    ///
    /// # Errors
    ///
    /// Only if the first connection cannot be made; `TlsFault::of` finds in it what was wrong with TLS. A connection
    /// that breaks later is no error, but an [`Event::Reconnecting`] or [`Event::Closed`]. After such an error the
    /// driver makes no other attempt: each further call fails, too, with the same words.
    pub fn drive(&mut self) -> io::Result<bool> {
        if let Some((kind, words)) = &self.gave_up {
            return Err(io::Error::new(*kind, words.clone()));
        }
        self.follow();
        if !self.connected && !self.goes_on_connecting()? {
            self.follow();
            self.probe_if_it_slept();
            self.handle_timeout();
            self.follow();
            return Ok(false);
        }
        // Reading comes before writing: two ends that only want to write would wait for each other for ever. It comes
        // before the time-outs, too: a caller that was away for long finds the signs of life that came meanwhile.
        let has_read = self.read();
        self.follow();
        self.probe_if_it_slept();
        self.handle_timeout();
        self.follow();
        self.write();
        // If writing has just failed, what can still be read is to be read, and then it is over.
        let is_to_be_read = self.has_failed_to_write() && self.connected && !self.client.is_closed();
        Ok(has_read || is_to_be_read && has_room(&self.client))
    }

    /// Whether a connection stands now.
    pub const fn connected(&self) -> bool {
        self.connected
    }

    /// Whether a connection stands, or stood once.
    pub(crate) const fn has_connected(&self) -> bool {
        self.was_connected
    }

    /// Whether nobody else can read what the client sends: the connection is encrypted, or does not leave this machine,
    /// or the program [trusts the network](Endpoint::with_trusted_network). It stays so: a driver whose connection is
    /// private makes no other that is not. A credential goes nowhere else. Before the first connection stands, it must
    /// hold for all of the targets.
    pub fn is_private(&self) -> bool {
        if self.was_connected { self.home.is_private() } else { self.known.iter().all(Target::is_private) }
    }

    /// The endpoint to which the driver is connected, or connects: its own, or the one that a hub advised.
    pub fn endpoint(&self) -> &Endpoint {
        let linked = self.link.as_ref().map(|link| link.target.endpoint());
        linked.or_else(|| self.dialing.as_ref()?.endpoint()).unwrap_or_else(|| self.home.endpoint())
    }

    /// What the system, or TLS, said when the last connection broke or could not be made; none if it said nothing, or a
    /// connection stands.
    pub const fn last_error(&self) -> Option<&io::Error> {
        self.broke_by.as_ref()
    }

    /// The address at which the last connection could not be made; none if it stood once.
    pub fn failed_address(&self) -> Option<&str> {
        self.broke_at.as_deref()
    }

    /// How long the event loop may wait before it calls [`drive`](Self::drive) again; none for any time. Zero if
    /// something is due. It is a time to wait, as mio's `poll` takes it, and not a point in time: the clock is the
    /// driver's.
    pub fn timeout(&self) -> Option<Duration> {
        let now = self.now();
        let client = self.client.poll_timeout().map(|due| due - now);
        let dialing = self.dialing.as_ref().and_then(|dialing| dialing.timeout(now));
        [client, dialing].into_iter().flatten().min()
    }

    /// The next event; none if there is no further one. See [`Client::poll_event`]. [`Event::Connect`] does not come:
    /// the driver itself makes the connection.
    pub fn poll_event(&mut self) -> Option<Event> {
        next_event(&mut self.client)
    }

    commands!("[`drive`](Self::drive)");

    /// Ends the session, and does not wait: see [`Client::close`]. The goodbye goes out with [`drive`](Self::drive),
    /// and [`Event::Closed`] comes when the hub has answered.
    pub fn close(&mut self) {
        self.client.close(self.now());
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Refuses a credential that others could read, and keeps another one from them.
    fn guard(&mut self, credential: &[u8]) -> Result<(), ClientError> {
        if credential.is_empty() {
            return Ok(());
        }
        self.keeps_private |= self.is_private();
        if self.keeps_private { Ok(()) } else { Err(ClientError::NotPrivate) }
    }

    /// The connection takes nothing any more, and may still give something.
    fn has_failed_to_write(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.has_failed_to_write)
    }

    /// True if something was read, be it the end.
    fn read(&mut self) -> bool {
        for reads in 0..READS_MAX {
            let is_read = self.connected && !self.client.is_closed() && has_room(&self.client);
            let Some(link) = self.link.as_mut().filter(|_| is_read) else { return reads > 0 };
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

    /// What has happened meanwhile nobody knows, if the machine has slept or the program has not called for long.
    fn probe_if_it_slept(&mut self) {
        let now = self.now();
        let is_late = self.client.poll_timeout().is_some_and(|due| now - due >= JUMP_MIN);
        if self.sleep_watch.has_slept() || is_late {
            self.client.probe(now);
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
        (self.connected, self.broke_at) = (false, None);
        self.client.disconnect(self.now());
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use chatcore::wire::{
        Announced, ClientMessage, HubMessage, Message, PREFACE_BYTES, Preface, Token as SessionToken, Welcome, take,
    };

    use super::*;

    const LIMITS: Announced = Announced {
        frame_bytes_max: 1_000,
        body_bytes_max: 100,
        outbox_bytes_max: 100_000,
        stall_ms_max: 10_000,
        idle_ms_max: 3_600_000,
        resume_ms_max: 3_600_000,
        rooms_max: 64,
        watches_max: 8,
        cost_per_s: 0,
        cost_burst: 0,
    };

    /// P9: after a jump of the clock.
    #[test]
    fn a_machine_that_has_slept_asks_the_server_whether_it_is_there() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut driver = Driver::connect(listener.local_addr().unwrap(), ClientConfig::default()).unwrap();
        driver.register("alice", b"").unwrap();
        let mut server = listener.accept().unwrap().0;
        server.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut said = Preface::OURS.encode().to_vec();
        let token = SessionToken::from_bytes([7; 16]);
        HubMessage::Welcome(Welcome { name: "alice", display_name: None, token, limits: LIMITS }).encode(&mut said);
        server.write_all(&said).unwrap();
        while driver.client.ticket().is_none() {
            driver.drive().unwrap();
        }
        driver.sleep_watch.sleep(2 * JUMP_MIN);
        driver.drive().unwrap();
        server.read_exact(&mut [0; PREFACE_BYTES]).unwrap();
        let (mut heard, mut buffer) = (Vec::new(), [0; 1_000]);
        loop {
            let count = server.read(&mut buffer).unwrap();
            assert!(count > 0, "it asks");
            heard.extend_from_slice(&buffer[..count]);
            let mut rest = &heard[..];
            while let Some(content) = take(&mut rest, 1_000).unwrap() {
                if matches!(ClientMessage::decode(content), Ok(Some(ClientMessage::Ping(_)))) {
                    return;
                }
            }
        }
    }
}
