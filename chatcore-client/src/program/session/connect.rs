//! Where to connect to, and as whom.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::{ClientConfig, ConnectError, Driver, Endpoint, FollowedHost, connect_any};
use chatcore::{Backoff, SessionTicket};
use mio::{Events, Poll, Token};

use super::address;
use crate::program::args::Args;
use crate::program::failure::Failure;
use crate::program::password::Password;
use crate::program::state::default_dir;

pub(super) const SOCKET: Token = Token(0);
pub(super) const WAKER: Token = Token(1);

/// Attempts to connect do not follow each other without a pause, whatever the arguments say.
const RECONNECT_WAIT_MAX_MIN: Duration = Duration::from_millis(1);

/// The server has some time to answer, whatever the arguments say.
const CONNECT_TIME_MAX_MIN: Duration = Duration::from_millis(1);

/// How long the server may take until it has answered for the first time, if nobody says.
const ANSWER_TIME: Duration = Duration::from_secs(10);

/// The same for the answer where the server checks a password. Unless it is told otherwise, it takes up to 30 s for
/// that (`decision_time_max`): after a restart many wait to be checked.
const CHECKED_ANSWER_TIME: Duration = Duration::from_secs(35);

/// How long the library waits for the answer to a goodbye: longer than the program does. So what the library calls
/// left, with a connection that stands, the server has confirmed.
const FLUSH_TIME_MAX: Duration = Duration::from_secs(10);

/// Where to, and how long that may take.
#[derive(Clone, Debug)]
pub(super) struct Connect {
    endpoint: Endpoint,
    /// How long the server may take until it has answered for the first time; none if nobody says.
    timeout: Option<Duration>,
    /// How long to wait before a lost connection is made anew.
    backoff: Backoff,
    /// Where else the server may send us.
    follow: Vec<FollowedHost>,
    /// Where sessions are saved. None if they are not.
    state_dir: Option<PathBuf>,
    /// Whether what was said is kept there, too.
    pub(super) keeps_history: bool,
}

impl Connect {
    pub(super) fn new(args: &Args) -> Result<Self, Failure> {
        let state_dir = args.state_dir.clone().or_else(default_dir).filter(|_| !args.no_state);
        let (endpoint, follow) = (address::endpoint(args)?, args.follow.clone());
        let timeout = args.connect_timeout.map(|timeout| timeout.max(CONNECT_TIME_MAX_MIN));
        let wait_max = args.reconnect_wait_max.max(RECONNECT_WAIT_MAX_MIN);
        let backoff = Backoff::default().with_max(wait_max).with_first(Backoff::default().first.min(wait_max));
        Ok(Self { endpoint, timeout, backoff, follow, state_dir, keeps_history: args.history })
    }

    /// Where sessions are saved; none if they are not.
    pub(super) const fn state_dir(&self) -> Option<&PathBuf> {
        self.state_dir.as_ref()
    }

    /// Where to, for a person.
    pub(super) fn address(&self) -> String {
        self.endpoint.to_string()
    }

    /// Connects with a poll of its own, at which the driver is not registered any more. With a name or a ticket the
    /// server is asked for it at once, and the time that the connection takes is a part of what the answer may take. A
    /// driver that is given a password then goes nowhere where others could read it.
    pub(super) fn connect(
        &self,
        name: Option<&str>,
        ticket: Option<&SessionTicket>,
        password: Option<&Password>,
    ) -> Result<Driver, Failure> {
        let mut poll = Poll::new().map_err(Failure::System)?;
        // What is acknowledged is to be in the output.
        let config = ClientConfig::default()
            .with_takes_later(true)
            .with_reconnect(Some(self.backoff))
            .with_answer_time_max(self.answer_time_max(password.is_some()))
            .with_flush_time_max(FLUSH_TIME_MAX);
        let credential = password.map(Password::as_bytes).unwrap_or_default();
        let name = name.filter(|_| ticket.is_none());
        let events = &mut Events::with_capacity(8);
        let timeout = self.timeout.unwrap_or(ANSWER_TIME);
        let driver = connect_any(&self.endpoint, timeout, &mut poll, events, SOCKET, |target| {
            let mut driver = match ticket {
                Some(ticket) => Driver::resume(target, config.clone(), ticket.clone(), credential)?,
                None => Driver::connect(target, config.clone())?,
            };
            if let Some(name) = name {
                // Why nobody can have it is told when the connection stands, and the name is asked for again. So it is
                // if the first address is not private: another one may be.
                let _ = driver.register(name, credential);
            }
            Ok(driver.with_followed(self.follow.iter().cloned()))
        });
        let mut driver = driver.map_err(|error| match error {
            ConnectError::NotPrivate { .. } => self.not_private(),
            other => other.into(),
        })?;
        if password.is_some() && !driver.is_private() {
            return Err(self.not_private());
        }
        poll.registry().deregister(&mut driver).map_err(Failure::System)?;
        Ok(driver)
    }

    /// How long the server may take for its answer to a name, or to a session that is asked for.
    fn answer_time_max(&self, has_password: bool) -> Duration {
        self.timeout.unwrap_or(if has_password { CHECKED_ANSWER_TIME } else { ANSWER_TIME })
    }

    /// That a password is not sent.
    pub(super) fn not_private(&self) -> Failure {
        Failure::NotPrivate { address: self.endpoint.to_string() }
    }

    /// Where something cannot be kept, and why not.
    pub(super) fn place_of(&self, error: &io::Error) -> String {
        let dir = self.state_dir.as_ref().map(|dir| dir.display().to_string()).unwrap_or_default();
        format!("{dir}: {error}")
    }

    pub(super) fn why_unkept(&self, error: &io::Error) -> String {
        let place = self.place_of(error);
        format!(
            "cannot keep the session in {place}. If this client is killed, its session is lost; --state-dir DIR \
             chooses another folder, and --no-state goes without"
        )
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// To this listener.
    fn connect_to(listener: &TcpListener, timeout: Option<Duration>) -> Connect {
        Connect {
            endpoint: listener.local_addr().unwrap().into(),
            timeout,
            backoff: Backoff::default(),
            follow: Vec::new(),
            state_dir: None,
            keeps_history: false,
        }
    }

    #[test]
    fn a_password_has_as_long_to_be_checked_as_a_server_takes() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let second = Duration::from_secs(1);
        for (timeout, password, least, most) in [
            (None, None, 5 * second, 10 * second),
            (None, Some("secret"), 30 * second, 35 * second),
            (Some(60 * second), None, 40 * second, 60 * second),
            (Some(60 * second), Some("secret"), 40 * second, 60 * second),
        ] {
            let password = password.map(Password::typed);
            let connect = connect_to(&listener, timeout);
            let mut driver = connect.connect(None, None, password.as_ref()).unwrap();
            driver.register("alice", b"").unwrap();
            let waits = driver.timeout().unwrap();
            assert!(waits > least && waits <= most, "{timeout:?} {}: {waits:?}", password.is_some());
        }
    }

    /// So what the connection takes is a part of the time that the answer may take.
    #[test]
    fn a_name_is_asked_for_while_the_connection_is_made_with_a_password_too() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let connect = connect_to(&listener, Some(Duration::from_secs(60)));
        let is_asked = |name, password: Option<&Password>| {
            let driver = connect.connect(name, None, password).unwrap();
            driver.client().silent_since().is_some()
        };
        assert!(is_asked(Some("alice"), None));
        assert!(is_asked(Some("alice"), Some(&Password::typed("secret"))), "nobody else can read what goes there");
        assert!(!is_asked(None, None));
        assert!(!is_asked(Some(&"x".repeat(10_000)), None), "nobody can have that");
    }
}
