//! A client that blocks, with a time-out on everything.

use std::collections::VecDeque;
use std::io;
use std::net::ToSocketAddrs;
use std::time::{Duration, Instant as Monotonic};

use chatcore::wire::Announced;
use chatcore::{ClientConfig, ClientError, Closed, Event, RefusalCode, UserName};
use mio::{Events, Interest, Poll, Token};

use crate::driver::Driver;

/// A connection to a chat server, for programs that may wait.
///
/// While a call waits, everything else goes on: what arrives is kept for [`receive`](Self::receive), pings are
/// answered and acknowledgements sent. Between calls nothing goes on, so call [`receive`](Self::receive) well within
/// the idle time that the server announced, or use a [`Driver`] in an event loop.
#[derive(Debug)]
pub struct Connection {
    driver: Driver,
    poll: Poll,
    events: Events,
    arrived: VecDeque<Event>,
}

/// What a registration brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The name as the server mapped it.
    pub name: UserName,
    /// What the server allows.
    pub limits: Announced,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address cannot be understood or found.
    #[error("cannot find {address}: {source}; an address is HOST:PORT, such as 127.0.0.1:12345")]
    Resolve {
        /// As it was given.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// Nobody answers there.
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
    /// The server says no; another name can be tried on the same connection.
    #[error("{detail}")]
    Refused {
        /// Why, for programs.
        code: RefusalCode,
        /// Why, for people. The server's words: escape them before a terminal shows them.
        detail: String,
    },
    /// It cannot be asked, or the connection is over.
    #[error(transparent)]
    Other(#[from] Error),
}

/// Why something cannot be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The time is over. What was begun may still happen.
    #[error("the server did not answer in time")]
    TimedOut,
    /// The connection is over.
    #[error("{0}")]
    Closed(Closed),
    /// The command is not possible; nothing was sent.
    #[error(transparent)]
    Command(#[from] ClientError),
    /// The event loop failed.
    #[error("cannot wait for the network: {0}")]
    Poll(io::ErrorKind),
}

const SOCKET: Token = Token(0);

impl Connection {
    /// Connects to `host:port`, trying all addresses of the host in turn, each for at most `timeout`.
    pub fn connect(address: &str, timeout: Duration) -> Result<Self, ConnectError> {
        let mut poll = Poll::new().map_err(|source| ConnectError::Connect { address: address.to_owned(), source })?;
        let mut events = Events::with_capacity(8);
        let driver = connect_any(address, timeout, &mut poll, &mut events, SOCKET)?;
        Ok(Self { driver, poll, events, arrived: VecDeque::new() })
    }

    /// Asks for a name, without a credential.
    pub fn register(&mut self, name: &str, timeout: Duration) -> Result<Registered, RegisterError> {
        self.register_with(name, b"", timeout)
    }

    /// Asks for a name, with the credential that the server wants.
    pub fn register_with(
        &mut self,
        name: &str,
        credential: &[u8],
        timeout: Duration,
    ) -> Result<Registered, RegisterError> {
        self.driver.register(name, credential).map_err(Error::from)?;
        let deadline = Monotonic::now() + timeout;
        loop {
            match self.next_event(deadline)? {
                Event::Registered { name, limits } => return Ok(Registered { name, limits }),
                Event::Refused { code, detail } => return Err(RegisterError::Refused { code, detail }),
                other => self.arrived.push_back(other),
            }
        }
    }

    /// Sends a message; returns its number, which comes back with [`Event::Accepted`] or [`Event::Rejected`].
    /// Waits only while too much is unacknowledged, and goes on receiving meanwhile.
    pub fn send(&mut self, to: &str, body: &[u8], timeout: Duration) -> Result<u64, Error> {
        let deadline = Monotonic::now() + timeout;
        loop {
            match self.driver.send(to, body) {
                Err(ClientError::OutboxFull { .. }) => {
                    if !self.turn(Some(deadline))? {
                        return Err(Error::TimedOut);
                    }
                }
                Err(ClientError::Closed) => return Err(self.why_closed()),
                Err(error) => return Err(error.into()),
                Ok(number) => {
                    self.work()?;
                    return Ok(number);
                }
            }
        }
    }

    /// Asks for a page of who is online: zero for the first. [`Event::Online`] answers.
    pub fn who(&mut self, cursor: u64) -> Result<u64, Error> {
        let number = self.driver.who(cursor)?;
        self.work()?;
        Ok(number)
    }

    /// The next event; none if the time is over. Time zero only looks. After [`Event::Closed`] every call fails.
    pub fn receive(&mut self, timeout: Duration) -> Result<Option<Event>, Error> {
        let deadline = Monotonic::now() + timeout;
        loop {
            if let Some(event) = self.arrived.pop_front() {
                return Ok(Some(event));
            }
            if self.driver.client().is_closed() {
                return Err(Error::Command(ClientError::Closed));
            }
            if !self.turn(Some(deadline))? && self.arrived.is_empty() {
                return Ok(None);
            }
        }
    }

    /// Says goodbye behind everything sent before, and waits for the server's. What still arrives is lost.
    pub fn close(mut self, timeout: Duration) -> Result<(), Error> {
        let deadline = Monotonic::now() + timeout;
        self.driver.leave();
        loop {
            while let Some(event) = self.arrived.pop_front() {
                match event {
                    Event::Closed(Closed::Left) => return Ok(()),
                    Event::Closed(other) => return Err(Error::Closed(other)),
                    _ => {}
                }
            }
            if !self.turn(Some(deadline))? && self.arrived.is_empty() {
                return Err(Error::TimedOut);
            }
        }
    }

    fn next_event(&mut self, deadline: Monotonic) -> Result<Event, Error> {
        loop {
            match self.arrived.pop_front() {
                Some(Event::Closed(closed)) => return Err(Error::Closed(closed)),
                Some(event) => return Ok(event),
                None if !self.turn(Some(deadline))? && self.arrived.is_empty() => return Err(Error::TimedOut),
                None => {}
            }
        }
    }

    fn why_closed(&self) -> Error {
        let closed = self.arrived.iter().find_map(|event| match event {
            Event::Closed(closed) => Some(closed.clone()),
            _ => None,
        });
        closed.map_or(Error::Command(ClientError::Closed), Error::Closed)
    }

    /// Does what can be done, then waits for more. False if the deadline has come.
    fn turn(&mut self, deadline: Option<Monotonic>) -> Result<bool, Error> {
        self.work()?;
        if !self.arrived.is_empty() {
            return Ok(true);
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Monotonic::now()));
        if left == Some(Duration::ZERO) {
            return Ok(false);
        }
        let timeout = [left, self.driver.timeout()].into_iter().flatten().min();
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(Error::Poll(error.kind())),
            _ => {
                self.work()?;
                Ok(true)
            }
        }
    }

    /// Reads and writes as far as that goes without waiting.
    fn work(&mut self) -> Result<(), Error> {
        while self.driver.drive().map_err(|error| Error::Poll(error.kind()))? {}
        self.arrived.extend(std::iter::from_fn(|| self.driver.poll_event()));
        Ok(())
    }
}

/// Connects a [`Driver`] and registers it with `poll`: tries all addresses that `host:port` stands for in turn,
/// each for at most `timeout`. Events of other sources of `poll` are lost meanwhile: look at those afterwards.
pub fn connect_any(
    address: &str,
    timeout: Duration,
    poll: &mut Poll,
    events: &mut Events,
    token: Token,
) -> Result<Driver, ConnectError> {
    let resolved =
        address.to_socket_addrs().map_err(|source| ConnectError::Resolve { address: address.to_owned(), source })?;
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for candidate in resolved {
        match Driver::connect(candidate, ClientConfig::default()).and_then(|mut driver| {
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
    let deadline = Monotonic::now() + timeout;
    loop {
        driver.drive()?;
        if driver.connected() {
            return Ok(());
        }
        let left = deadline.saturating_duration_since(Monotonic::now());
        if left.is_zero() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {timeout:?}")));
        }
        match poll.poll(events, Some(left)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
    }
}
