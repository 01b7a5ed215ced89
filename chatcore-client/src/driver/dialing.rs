//! From what the client wants to a connection: where to, at which addresses, and what becomes of the attempts.

use std::io;
use std::time::Duration;

use chatcore::{Instant, Transport};

use super::Driver;
use super::attempts::{Attempts, Failed, Outcome};
use super::look_up::too_late;
use crate::endpoint::{Advised, Endpoint, Target};

/// How long a look-up may take, until the addresses are tried that were found before.
const LOOK_UP_TIME_MAX: Duration = Duration::from_secs(5);

/// How often the driver looks whether a name is found. A poll of mio has one waker, which is the program's.
const LOOK_UP_INTERVAL: Duration = Duration::from_millis(20);

/// A connection that is being made.
#[derive(Debug)]
pub(super) enum Dialing {
    /// The host is being looked up, until this time at the latest.
    LookingUp { endpoint: Endpoint, is_advised: bool, until: Instant },
    /// Its addresses are being tried.
    Attempting(Attempts),
}

impl Dialing {
    /// Where it leads.
    pub(super) fn endpoint(&self) -> Option<&Endpoint> {
        match self {
            Self::LookingUp { endpoint, .. } => Some(endpoint),
            Self::Attempting(attempts) => attempts.latest().map(|link| link.target.endpoint()),
        }
    }

    /// The same, as far as it is known.
    fn address(&self) -> Option<String> {
        match self {
            Self::LookingUp { endpoint, .. } => Some(endpoint.to_string()),
            Self::Attempting(attempts) => attempts.latest().map(|link| link.target.address.to_string()),
        }
    }

    /// How long it may wait before somebody looks at it, beside what its sockets tell; none for any time.
    pub(super) fn timeout(&self, now: Instant) -> Option<Duration> {
        match self {
            Self::LookingUp { .. } => Some(LOOK_UP_INTERVAL),
            Self::Attempting(attempts) => attempts.due().map(|due| due - now),
        }
    }
}

impl Driver {
    /// Does with the connection what the client wants.
    pub(super) fn follow(&mut self) {
        match self.client.transport() {
            Transport::Use => {}
            // Last words are written as long as the connection stands.
            Transport::Drop if self.client.is_closed() => {}
            Transport::Drop => self.hang_up(),
            Transport::Connect { .. } if self.link.is_some() || self.dialing.is_some() => {}
            Transport::Connect { address } => {
                let advised = address.and_then(|advice| self.home.advised(advice, &self.followed));
                self.dialing = Some(self.dial(advised));
            }
        }
    }

    /// Begins to make another connection: home, if nobody has advised another place.
    fn dial(&mut self, advised: Option<Advised>) -> Dialing {
        let is_advised = advised.is_some();
        let Advised { endpoint, address } = advised.unwrap_or_else(|| {
            let endpoint = self.home.endpoint.clone();
            let address = endpoint.address().map(|_| self.home.address.clone());
            Advised { endpoint, address }
        });
        if let Some(address) = address {
            return Dialing::Attempting(Attempts::to([Target { endpoint, address }]));
        }
        self.look_ups.forget_answer();
        Dialing::LookingUp { endpoint, is_advised, until: self.now() + LOOK_UP_TIME_MAX }
    }

    /// Goes on with a connection that is being made. Whether it stands by now. That the first one cannot be made is an
    /// error, of later ones it is told.
    pub(super) fn goes_on_connecting(&mut self) -> io::Result<bool> {
        let now = self.now();
        let outcome = match self.look_up(now) {
            Ok(()) => self.attempt(now),
            Err(failed) => Outcome::Failed(failed),
        };
        match outcome {
            Outcome::Waits => Ok(false),
            Outcome::Stands(link, count) => {
                self.dialing = None;
                if link.target.endpoint == self.home.endpoint {
                    self.home.address = link.target.address.clone();
                }
                self.link = Some(*link);
                (self.connected, self.was_connected) = (true, true);
                (self.broke_by, self.broke_at) = (None, None);
                self.client.connected(self.now());
                if count > 0 {
                    self.arrived(count);
                }
                Ok(true)
            }
            Outcome::Failed(Failed { address, error }) if self.was_connected => {
                self.dialing = None;
                self.broke(Err(error));
                self.broke_at = Some(address);
                Ok(false)
            }
            Outcome::Failed(Failed { error, .. }) => {
                self.dialing = None;
                self.gave_up = Some((error.kind(), error.to_string()));
                Err(error)
            }
        }
    }

    fn attempt(&mut self, now: Instant) -> Outcome {
        match &mut self.dialing {
            Some(Dialing::Attempting(attempts)) => attempts.advance(now, self.registration.as_ref(), &mut self.buffer),
            _ => Outcome::Waits,
        }
    }

    /// Goes on with a look-up, if there is one. When the name is found, its addresses are to be tried.
    fn look_up(&mut self, now: Instant) -> Result<(), Failed> {
        let Some(Dialing::LookingUp { endpoint, is_advised, until }) = &self.dialing else { return Ok(()) };
        let (host, port) = endpoint.name().expect("what is looked up has a name");
        let found = match self.look_ups.poll(host, port) {
            None if now < *until => return Ok(()),
            None => Err(too_late(LOOK_UP_TIME_MAX)),
            Some(found) => found,
        };
        let targets = match found {
            Ok(addresses) => self.permitted(endpoint.at(addresses), *is_advised),
            // Who looks names up may be out of order when the server is not.
            Err(_) if !is_advised => self.permitted(self.known.clone(), false),
            Err(error) => Err(error),
        };
        let targets = targets.map_err(|error| Failed { address: endpoint.to_string(), error })?;
        if !is_advised {
            self.known.clone_from(&targets);
        }
        self.dialing = Some(Dialing::Attempting(Attempts::to(targets)));
        Ok(())
    }

    /// Those that are as private as what stood before.
    fn permitted(&self, mut targets: Vec<Target>, is_advised: bool) -> io::Result<Vec<Target>> {
        if is_advised {
            targets.retain(|target| self.home.permits(target));
        } else if self.keeps_private || self.was_connected && self.home.is_private() {
            targets.retain(Target::is_private);
        }
        if targets.is_empty() {
            let why = "it is not where the client may go: others could read what it sends there, or it is this machine";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        Ok(targets)
    }

    /// Drops the connection, and what has arrived of a frame; or the one that is being made.
    pub(super) fn hang_up(&mut self) {
        if let Some(dialing) = self.dialing.take() {
            (self.broke_by, self.broke_at) = (None, dialing.address());
        }
        self.link = None;
        self.inbox.clear();
        self.connected = false;
    }
}
