//! A client that blocks, with a time-out on everything.

mod connecting;
mod error;
mod halves;
mod inner;
mod requests;
mod waiter;

use std::io;
use std::time::Duration;

use chatcore::{ClientConfig, Event, Position, SessionTicket};

pub use self::connecting::connect_any;
pub use self::error::{ConnectError, Error, RegisterError, Registered};
pub use self::halves::{ReceiveHalf, ReuniteError, SendHalf};
use self::inner::Inner;
use self::requests::requests;
use self::waiter::{SOCKET, Waiter};
use crate::clock::Deadline;
use crate::driver::Driver;
use crate::endpoint::{Endpoint, Target};

/// A connection to a chat server, for programs that may wait: its calls block, each for at most the time that the
/// caller gives. One value is one user's session, over one connection after another: TCP, TLS, a WebSocket or a Unix
/// socket.
///
/// While a call waits, the client goes on: it keeps what arrives for [`receive`](Self::receive), answers pings and
/// sends acknowledgements. Between calls it does nothing. So call [`receive`](Self::receive) well within the idle time
/// that the server announced ([`idle_ms_max`](chatcore::wire::Announced::idle_ms_max)), or use a [`Driver`] in an event
/// loop.
///
/// When [`receive`](Self::receive) has returned an event, a later call acknowledges it; with
/// [`takes_later`](ClientConfig::takes_later), when the program has [said](Self::take_events) that it has taken it. So
/// a program that is killed, and started again with [`resume`](Self::resume), gets all events that it had not received.
/// The server keeps for a client what its outbox holds. It ends the session of a client that receives nothing for too
/// long.
///
/// Dropping a connection says goodbye, without waiting: if the system takes no more at that moment, or there is no
/// connection, the server keeps the session for its resume time. [`close`](Self::close) waits for the answer, and
/// [`detach`](Self::detach) keeps the session. So does a panic: a connection that it drops says nothing, and a program
/// that goes on, or is started again, can [resume](Self::resume) the session if it has stored the ticket. One thread
/// can send while another receives: [`split`](Self::split).
///
/// ```
/// use std::net::TcpListener;
/// use std::time::Duration;
///
/// use chatcore_client::{ConnectError, Connection, Error, RegisterError};
///
/// let soon = Duration::from_millis(50);
/// assert!(matches!(Connection::connect("nonsense", soon), Err(ConnectError::Endpoint(_))));
///
/// let silent = TcpListener::bind("127.0.0.1:0")?; // no server answers here
/// let mut chat = Connection::connect(&silent.local_addr()?.to_string(), Duration::from_secs(5))?;
/// let error = chat.register("alice", soon).unwrap_err();
/// assert_eq!(error, RegisterError::Other(Error::TimedOut));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Connection {
    inner: Inner,
    waiter: Waiter,
}

impl Connection {
    /// Connects to an [`Endpoint`], given as text: `host:port`, `tls://host:port`, `unix:///path` and others. It finds
    /// all addresses of the host, and tries them, one 250 ms after the other or as soon as one has failed (RFC 8305),
    /// for at most `timeout`. A look-up that takes longer ends on a thread of its own, which nobody waits for.
    ///
    /// Once there is a session, the client reconnects when it loses a connection, and tries without end:
    /// [`Event::Reconnecting`] and [`Event::Resumed`] tell this. With [`connect_with`](Self::connect_with) and
    /// [`ClientConfig::reconnect`] it can do otherwise.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Endpoint`] if the text is no address, and what else [`ConnectError`] names.
    pub fn connect(address: &str, timeout: Duration) -> Result<Self, ConnectError> {
        Self::connect_with(&address.parse()?, timeout, &ClientConfig::default())
    }

    /// As [`connect`](Self::connect), to an endpoint that may say how TLS is spoken, and with a configuration.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    ///
    /// # Panics
    ///
    /// If no client can work with the configuration: [`ClientConfig::check`] tells beforehand.
    pub fn connect_with(endpoint: &Endpoint, timeout: Duration, config: &ClientConfig) -> Result<Self, ConnectError> {
        Self::connect_by(endpoint, timeout, |target| Driver::connect(target, config.clone()))
    }

    /// As [`connect_with`](Self::connect_with), for a program that was started again and has the
    /// [`ticket`](Self::ticket) of its session: see [`Client::resume`](chatcore::Client::resume). [`Event::Resumed`]
    /// answers. Or [`Event::SessionLost`] answers: then the client registers anew, under the same name and with the
    /// credential. Call only [`receive`](Self::receive) until an answer comes.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect), and [`ConnectError::NotPrivate`] if there is a credential, and others could read
    /// it on its way.
    ///
    /// # Panics
    ///
    /// As [`connect_with`](Self::connect_with).
    pub fn resume(
        endpoint: &Endpoint,
        timeout: Duration,
        config: &ClientConfig,
        ticket: &SessionTicket,
        credential: &[u8],
    ) -> Result<Self, ConnectError> {
        Self::connect_by(endpoint, timeout, |target| Driver::resume(target, config.clone(), ticket.clone(), credential))
    }

    /// As [`connect_with`](Self::connect_with) or [`resume`](Self::resume), with a [`Driver`] that the program makes
    /// for the first target for which there is a way: all that can be set of a driver can be set here. See
    /// [`connect_any`].
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// use chatcore_client::{ClientConfig, Connection, Driver, Endpoint, FollowedHost};
    ///
    /// let endpoint: Endpoint = "tls://chat.example:12345".parse()?;
    /// let other: FollowedHost = "other.example".parse()?;
    /// let chat = Connection::connect_by(&endpoint, Duration::from_secs(10), |target| {
    ///     let driver = Driver::connect(target, ClientConfig::default())?;
    ///     Ok(driver.with_followed([other.clone()]))
    /// })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub fn connect_by(
        endpoint: &Endpoint,
        timeout: Duration,
        begin: impl Fn(Target) -> io::Result<Driver>,
    ) -> Result<Self, ConnectError> {
        let mut waiter =
            Waiter::new().map_err(|source| ConnectError::Connect { address: endpoint.to_string(), source })?;
        let driver = connect_any(endpoint, timeout, &mut waiter.poll, &mut waiter.events, SOCKET, begin)?;
        Ok(Self { inner: Inner::new(driver), waiter })
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

    /// As [`register`](Self::register), with the credential that the server wants. It goes over a
    /// [private](Driver::is_private) connection alone.
    ///
    /// # Errors
    ///
    /// As [`register`](Self::register), and [`ClientError::NotPrivate`](chatcore::ClientError::NotPrivate) if there is
    /// a credential, and others could read it on its way.
    pub fn register_with(
        &mut self,
        name: &str,
        credential: &[u8],
        timeout: Duration,
    ) -> Result<Registered, RegisterError> {
        let deadline = Deadline::after(timeout);
        self.inner.register(name, credential)?;
        self.until(deadline, Inner::registered)
    }

    requests!(&mut self);

    /// Ends the wait before an attempt to connect, and finds out whether a server that has been silent is still there:
    /// see [`Client::hurry`](chatcore::Client::hurry). A later call does the rest.
    pub fn hurry(&mut self) {
        self.inner.driver.hurry();
    }

    /// The driver, for its state: [`is_private`](Driver::is_private), [`last_error`](Driver::last_error),
    /// [`failed_address`](Driver::failed_address), [`endpoint`](Driver::endpoint), [`client`](Driver::client) and
    /// others.
    pub const fn driver(&self) -> &Driver {
        &self.inner.driver
    }

    /// Takes all events before this place, with [`ClientConfig::takes_later`]: after an event was received,
    /// `connection.driver().client().position()` is the place after it. A later call acknowledges them. See
    /// [`Client::take_events`](chatcore::Client::take_events).
    pub fn take_events(&mut self, position: Position) {
        self.inner.driver.take_events(position);
    }

    /// What a program stores for [`resume`](Self::resume); none without a session. Set
    /// [`attempt`](SessionTicket::attempt) anew before a resume.
    pub const fn ticket(&self) -> Option<&SessionTicket> {
        self.inner.driver.client().ticket()
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
        if self.inner.is_due() {
            self.inner.pump()?;
        }
        match self.until(deadline, Inner::receive) {
            Err(Error::TimedOut) => Ok(self.inner.next_event()),
            other => other.map(Some),
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
        self.inner.driver.close();
        self.inner.discard();
        self.until(deadline, |inner| inner.has_left())
    }

    /// Drops the connection without a goodbye, and returns what a program stores for [`resume`](Self::resume); none
    /// without a session. The server keeps the session for its resume time
    /// ([`Announced::resume_ms_max`](chatcore::wire::Announced::resume_ms_max)). What the system has not taken yet of
    /// what was sent, is lost.
    pub fn detach(mut self) -> Option<SessionTicket> {
        self.inner.says_nothing();
        self.ticket().cloned()
    }

    // ---- inside ----

    /// Tries until there is something, and goes on with the client's work meanwhile. Fails once the deadline has come,
    /// but not before it has done what could be done.
    fn until<T, E: From<Error>>(
        &mut self,
        deadline: Deadline,
        mut attempt: impl FnMut(&mut Inner) -> Result<Option<T>, E>,
    ) -> Result<T, E> {
        loop {
            if let Some(found) = attempt(&mut self.inner)? {
                return Ok(found);
            }
            let has_read = self.inner.pump()?;
            if deadline.has_come() {
                return Err(Error::TimedOut.into());
            }
            if !has_read {
                self.waiter.wait([deadline.left(), self.inner.driver.timeout()].into_iter().flatten().min())?;
            }
        }
    }
}
