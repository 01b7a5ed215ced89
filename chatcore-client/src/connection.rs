//! A client that blocks, with a time-out on everything.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use chatcore::wire::Announced;
use chatcore::{ClientConfig, ClientError, Closed, Event, RefusalCode, SessionTicket, UserName};
use mio::{Events, Interest, Poll, Token};

use crate::clock::Deadline;
use crate::driver::Driver;

/// A connection to a chat server, for programs that may wait: its calls block, each for at most the time that the
/// caller gives. One value is one user's session, over one TCP connection after another.
///
/// While a call waits, the client goes on: it keeps what arrives for [`receive`](Self::receive), answers pings and
/// sends acknowledgements. Between calls it does nothing. So call [`receive`](Self::receive) well within the idle time
/// that the server announced ([`Announced::idle_ms_max`]), or use a [`Driver`] in an event loop.
///
/// When [`receive`](Self::receive) has returned an event, a later call acknowledges it. So a program that is killed,
/// and started again with [`resume`](Self::resume), gets all events that it had not received. The server keeps for a
/// client what its outbox holds. It ends the session of a client that receives nothing for too long.
///
/// ```
/// use std::net::TcpListener;
/// use std::time::Duration;
///
/// use chatcore_client::{ConnectError, Connection, Error, RegisterError};
///
/// let soon = Duration::from_millis(50);
/// assert!(matches!(Connection::connect("nonsense", soon), Err(ConnectError::Resolve { .. })));
///
/// let silent = TcpListener::bind("127.0.0.1:0")?; // no server answers here
/// let mut chat = Connection::connect(&silent.local_addr()?.to_string(), Duration::from_secs(5))?;
/// let error = chat.register("alice", soon).unwrap_err();
/// assert_eq!(error, RegisterError::Other(Error::TimedOut));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Connection {
    driver: Driver,
    poll: Poll,
    events: Events,
    /// Events that came before a name was ours: they are of no session, or of one that is lost.
    arrived: VecDeque<Event>,
    /// Why it is over, once the caller knows that it is.
    closed: Option<Closed>,
}

/// The result of a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Registered {
    /// The name as the server mapped it.
    pub name: UserName,
    /// The spelling that other users see in place of the name; none if that is the name.
    pub display_name: Option<String>,
    /// What the server allows.
    pub limits: Announced,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address is not `host:port`, or the system does not find the host.
    #[error("cannot find {address}: {source}; an address is HOST:PORT, such as 127.0.0.1:12345")]
    Resolve {
        /// As it was given.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// No server answers at the address.
    #[error("cannot connect to {address}: {source}; is a server running there?")]
    Connect {
        /// As it was given.
        address: String,
        /// What the system says of the last address that was tried.
        source: io::Error,
    },
}

/// Why there is no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The server refuses the name. The program may try another name on the same connection.
    #[error("{detail}")]
    Refused {
        /// Why, for programs.
        code: RefusalCode,
        /// Why, for people. The server wrote this text: escape it before a terminal shows it.
        detail: String,
    },
    /// The client cannot ask, got no answer in time, or has ended.
    #[error(transparent)]
    Other(#[from] Error),
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The time of the call is over. What it began may still happen.
    #[error("the server did not answer in time")]
    TimedOut,
    /// The client has ended.
    #[error("{0}")]
    Closed(Closed),
    /// Too many events wait for [`Connection::receive`], and the answer to this request would be one more. The client
    /// sends nothing. This passes when the program receives events.
    #[error("{events} events wait to be received: receive some before asking for more")]
    Unreceived {
        /// How many events wait. Their frames have more than half of the bytes that the server keeps for this client.
        events: usize,
    },
    /// The client cannot do the command, and sends nothing.
    #[error(transparent)]
    Command(#[from] ClientError),
    /// The system cannot wait for the network any more.
    #[error("cannot wait for the network: {0}")]
    Poll(io::ErrorKind),
}

const SOCKET: Token = Token(0);

impl Connection {
    /// Connects to `host:port`. It tries all addresses of the host in turn, each for at most `timeout`. The system
    /// needs additional time to find the addresses of a name.
    ///
    /// Once there is a session, the client reconnects when it loses a connection, and tries without end:
    /// [`Event::Reconnecting`] and [`Event::Resumed`] tell this. With [`connect_with`](Self::connect_with) and
    /// [`ClientConfig::reconnect`] it can do otherwise.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Resolve`] if the address is not `host:port` or the system does not find the host,
    /// [`ConnectError::Connect`] if no server answers there.
    pub fn connect(address: &str, timeout: Duration) -> Result<Self, ConnectError> {
        Self::connect_with(address, timeout, &ClientConfig::default())
    }

    /// As [`connect`](Self::connect), with another configuration than the default.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    ///
    /// # Panics
    ///
    /// If no client can work with the configuration: [`ClientConfig::check`] tells beforehand.
    pub fn connect_with(address: &str, timeout: Duration, config: &ClientConfig) -> Result<Self, ConnectError> {
        Self::start(address, timeout, |address| Driver::connect(address, config.clone()))
    }

    /// As [`connect_with`](Self::connect_with), for a program that was started again and has the
    /// [`ticket`](Self::ticket) of its session: see [`Client::resume`](chatcore::Client::resume). [`Event::Resumed`]
    /// answers. Or [`Event::SessionLost`] answers: then the client registers anew, under the same name and with the
    /// credential. Call only [`receive`](Self::receive) until an answer comes.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    ///
    /// # Panics
    ///
    /// As [`connect_with`](Self::connect_with).
    pub fn resume(
        address: &str,
        timeout: Duration,
        config: &ClientConfig,
        ticket: &SessionTicket,
        credential: &[u8],
    ) -> Result<Self, ConnectError> {
        Self::start(address, timeout, |address| Driver::resume(address, config.clone(), ticket.clone(), credential))
    }

    fn start(
        address: &str,
        timeout: Duration,
        begin: impl Fn(SocketAddr) -> io::Result<Driver>,
    ) -> Result<Self, ConnectError> {
        let mut poll = Poll::new().map_err(|source| ConnectError::Connect { address: address.to_owned(), source })?;
        let mut events = Events::with_capacity(8);
        let driver = connect_any(address, timeout, &mut poll, &mut events, SOCKET, begin)?;
        Ok(Self { driver, poll, events, arrived: VecDeque::new(), closed: None })
    }

    /// Asks for a name, without a credential, and waits for the answer.
    ///
    /// # Errors
    ///
    /// [`RegisterError::Refused`] if the server refuses the name: the program may try another one.
    /// [`RegisterError::Other`] if the client cannot ask, the server does not answer in time, or the client has ended.
    pub fn register(&mut self, name: &str, timeout: Duration) -> Result<Registered, RegisterError> {
        self.register_with(name, b"", timeout)
    }

    /// As [`register`](Self::register), with the credential that the server wants.
    ///
    /// # Errors
    ///
    /// As [`register`](Self::register).
    pub fn register_with(
        &mut self,
        name: &str,
        credential: &[u8],
        timeout: Duration,
    ) -> Result<Registered, RegisterError> {
        let deadline = Deadline::after(timeout);
        self.pump()?;
        // With a session, this is an error, and what waits is not to be touched.
        if self.driver.client().ticket().is_none() {
            while let Some(event) = self.driver.poll_event() {
                // An answer that nobody waited for any more is not the answer to this.
                if !matches!(event, Event::Refused { .. }) {
                    self.arrived.push_back(event);
                }
            }
        }
        self.driver.register(name, credential).map_err(|error| self.why_not(error))?;
        loop {
            while let Some(event) = self.driver.poll_event() {
                match event {
                    // What follows is of the session, and waits to be received.
                    Event::Registered { name, display_name, limits, .. } => {
                        return Ok(Registered { name, display_name, limits });
                    }
                    Event::Refused { code, detail, .. } => return Err(RegisterError::Refused { code, detail }),
                    other => self.arrived.push_back(other),
                }
            }
            if let Some(closed) = self.why_closed() {
                return Err(Error::Closed(closed).into());
            }
            self.turn(deadline)?;
        }
    }

    /// Sends a message to a user or a room. Returns the number of the request: [`Event::Accepted`] or
    /// [`Event::Rejected`] answers, with this number. The call waits only while the client's outbox is full, and goes
    /// on receiving meanwhile. All requests wait like this.
    ///
    /// # Errors
    ///
    /// [`Error::Command`] if the client cannot send this, [`Error::TimedOut`] if there was no room for it in time,
    /// [`Error::Unreceived`] if too many events wait to be received, [`Error::Closed`] or [`Error::Poll`]. The client
    /// sends nothing then; only after [`Error::Poll`] it may have sent the message.
    pub fn send(&mut self, to: &str, body: &[u8], timeout: Duration) -> Result<u64, Error> {
        self.ask(timeout, |driver| driver.send(to, body))
    }

    /// Asks for a page of the users who are online. The cursor is 0 for the first page, and for each further page the
    /// `next` of the page before. [`Event::Online`] answers, with the number that this returns.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn who(&mut self, cursor: u64, timeout: Duration) -> Result<u64, Error> {
        self.ask(timeout, |driver| driver.who(cursor))
    }

    /// Joins a room; `#` is part of its name. [`Event::Done`] or [`Event::Rejected`] answers, with the number that this
    /// returns.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn join(&mut self, room: &str, timeout: Duration) -> Result<u64, Error> {
        self.ask(timeout, |driver| driver.join(room))
    }

    /// Leaves a room. [`Event::Done`] or [`Event::Rejected`] answers, with the number that this returns.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn leave(&mut self, room: &str, timeout: Duration) -> Result<u64, Error> {
        self.ask(timeout, |driver| driver.leave(room))
    }

    /// Asks for a page of the members of a room that we are in. The cursor is as in [`who`](Self::who).
    /// [`Event::Members`] or [`Event::Rejected`] answers, with the number that this returns.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn roster(&mut self, room: &str, cursor: u64, timeout: Duration) -> Result<u64, Error> {
        self.ask(timeout, |driver| driver.roster(room, cursor))
    }

    /// Watches users. An [`Event::Presence`] for each tells its present state, and then [`Event::Done`] follows. After
    /// that, an [`Event::Presence`] tells each change. Or [`Event::Rejected`] answers, and none of them is watched.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn watch(&mut self, names: &[&str], timeout: Duration) -> Result<u64, Error> {
        self.ask(timeout, |driver| driver.watch(names))
    }

    /// Ends the watching of users. [`Event::Done`] answers, with the number that this returns.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn unwatch(&mut self, names: &[&str], timeout: Duration) -> Result<u64, Error> {
        self.ask(timeout, |driver| driver.unwatch(names))
    }

    /// What a program stores for [`resume`](Self::resume); none without a session. Set
    /// [`attempt`](SessionTicket::attempt) anew before a resume.
    pub const fn ticket(&self) -> Option<&SessionTicket> {
        self.driver.client().ticket()
    }

    /// Waits for the next event and returns it; none if the time is over. With a time of zero the call does not wait.
    /// [`Event::Closed`] is the last event.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] after [`Event::Closed`], and [`Error::Poll`] if the system cannot poll any more.
    pub fn receive(&mut self, timeout: Duration) -> Result<Option<Event>, Error> {
        let deadline = Deadline::after(timeout);
        // A caller that receives one by one what has come at once must not forget the server over it.
        if self.driver.timeout().is_some_and(|timeout| timeout.is_zero()) {
            self.pump()?;
        }
        loop {
            if let Some(event) = self.next_event() {
                return Ok(Some(event));
            }
            if let Some(closed) = &self.closed {
                return Err(Error::Closed(closed.clone()));
            }
            match self.turn(deadline) {
                Err(Error::TimedOut) => return Ok(self.next_event()),
                other => other?,
            }
        }
    }

    /// Ends the session: says goodbye after everything sent before, and waits for the server's goodbye. The program
    /// gets no events that still arrive. If it needs the answers to its requests, it calls [`receive`](Self::receive)
    /// until it has them, and closes after that.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] if the server does not answer in time, [`Error::Closed`] if the client ended in another way,
    /// or [`Error::Poll`].
    pub fn close(mut self, timeout: Duration) -> Result<(), Error> {
        let deadline = Deadline::after(timeout);
        self.driver.close();
        loop {
            match self.why_closed() {
                Some(Closed::Left) => return Ok(()),
                Some(other) => return Err(Error::Closed(other)),
                None => while self.driver.poll_event().is_some() {},
            }
            self.turn(deadline)?;
        }
    }

    // ---- inside ----

    /// Gives the driver a command, waiting until there is room for it.
    fn ask(
        &mut self,
        timeout: Duration,
        command: impl Fn(&mut Driver) -> Result<u64, ClientError>,
    ) -> Result<u64, Error> {
        let deadline = Deadline::after(timeout);
        loop {
            let client = self.driver.client();
            let bytes_max = client.limits().map_or(usize::MAX, |limits| limits.outbox_bytes_max as usize / 2);
            if client.waiting_bytes() > bytes_max {
                return Err(Error::Unreceived { events: self.arrived.len() + client.waiting_events() });
            }
            match command(&mut self.driver) {
                Err(error) if error.passes() => self.turn(deadline)?,
                Err(error) => return Err(self.why_not(error)),
                Ok(number) => {
                    self.pump()?;
                    return Ok(number);
                }
            }
        }
    }

    fn next_event(&mut self) -> Option<Event> {
        let event = self.arrived.pop_front().or_else(|| self.driver.poll_event())?;
        if let Event::Closed(closed) = &event {
            self.closed = Some(closed.clone());
        }
        Some(event)
    }

    /// Why it is over, if it is.
    fn why_closed(&self) -> Option<Closed> {
        self.driver.client().closed().cloned()
    }

    /// A command that came too late fails with the reason for the end.
    fn why_not(&self, error: ClientError) -> Error {
        match (error, self.why_closed()) {
            (ClientError::Closed, Some(closed)) => Error::Closed(closed),
            _ => Error::Command(error),
        }
    }

    /// Does what can be done at once, or else waits until something happens. Fails once the deadline has come, but not
    /// before it has done what could be done.
    fn turn(&mut self, deadline: Deadline) -> Result<(), Error> {
        let has_read = self.pump()?;
        if deadline.has_come() {
            return Err(Error::TimedOut);
        }
        if has_read {
            return Ok(());
        }
        let timeout = [deadline.left(), self.driver.timeout()].into_iter().flatten().min();
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(Error::Poll(error.kind())),
            _ => Ok(()),
        }
    }

    /// Reads and writes as far as that goes without waiting. True if something was read.
    fn pump(&mut self) -> Result<bool, Error> {
        self.driver.drive().map_err(|error| Error::Poll(error.kind()))
    }
}

/// Connects a [`Driver`], registers it with `poll` under `token`, and waits until the connection stands. It tries all
/// addresses of `host:port` in turn, each for at most `timeout`. `begin` makes the driver for one address, with
/// [`Driver::connect`] or [`Driver::resume`].
///
/// Events of other sources of `poll` are lost meanwhile: check these sources after the call.
///
/// # Errors
///
/// [`ConnectError::Resolve`] if the address is not `host:port` or the system does not find the host;
/// [`ConnectError::Connect`], with the last error, if no address works.
pub fn connect_any(
    address: &str,
    timeout: Duration,
    poll: &mut Poll,
    events: &mut Events,
    token: Token,
    begin: impl Fn(SocketAddr) -> io::Result<Driver>,
) -> Result<Driver, ConnectError> {
    let resolved =
        address.to_socket_addrs().map_err(|source| ConnectError::Resolve { address: address.to_owned(), source })?;
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for candidate in resolved {
        match begin(candidate).and_then(|mut driver| {
            poll.registry().register(&mut driver, token, Interest::READABLE | Interest::WRITABLE)?;
            await_connection(&mut driver, timeout, poll, events)?;
            Ok(driver)
        }) {
            Ok(driver) => return Ok(driver),
            Err(error) => last = error,
        }
    }
    Err(ConnectError::Connect { address: address.to_owned(), source: last })
}

fn await_connection(driver: &mut Driver, timeout: Duration, poll: &mut Poll, events: &mut Events) -> io::Result<()> {
    let deadline = Deadline::after(timeout);
    loop {
        driver.drive()?;
        if driver.connected() {
            return Ok(());
        }
        if deadline.has_come() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {timeout:?}")));
        }
        match poll.poll(events, deadline.left()) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
    }
}
