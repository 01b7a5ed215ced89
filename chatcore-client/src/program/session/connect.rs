//! Where to connect to, and as whom.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::{ClientConfig, Driver, Endpoint, connect_any};
use chatcore::SessionTicket;
use mio::{Events, Poll, Token};

use super::address;
use crate::program::args::Args;
use crate::program::failure::Failure;
use crate::program::password::Password;
use crate::program::state::{SavedState, Slot, default_dir};

const SOCKET: Token = Token(0);
pub(super) const WAKER: Token = Token(1);

/// Where to, and how long that may take.
#[derive(Clone, Debug)]
pub(super) struct Connect {
    endpoint: Endpoint,
    timeout: Duration,
    /// Where sessions are saved. None if they are not.
    state_dir: Option<PathBuf>,
}

/// What an older run under the same name has saved.
#[derive(Debug, Default)]
pub(super) struct Restored {
    pub(super) slot: Option<Slot>,
    pub(super) ticket: Option<SessionTicket>,
    pub(super) saved: SavedState,
    /// Why nothing can be saved.
    pub(super) error: Option<io::Error>,
}

impl Connect {
    pub(super) fn new(args: &Args) -> Result<Self, Failure> {
        let state_dir = args.state_dir.clone().or_else(default_dir).filter(|_| !args.no_state);
        Ok(Self { endpoint: address::endpoint(args)?, timeout: args.connect_timeout, state_dir })
    }

    pub(super) fn restore(&self, name: &str) -> Restored {
        let Some(dir) = &self.state_dir else { return Restored::default() };
        let slot = match Slot::open(dir, &self.endpoint.to_string(), name) {
            Ok(slot) => slot,
            Err(error) => return Restored { error: Some(error), ..Restored::default() },
        };
        let (ticket, saved) = slot.as_ref().and_then(Slot::load).unzip();
        Restored { slot, ticket, saved: saved.unwrap_or_default(), error: None }
    }

    /// With a ticket, the session is asked for at once.
    pub(super) fn connect(
        &self,
        poll: &mut Poll,
        events: &mut Events,
        ticket: Option<&SessionTicket>,
        password: Option<&Password>,
    ) -> Result<Driver, Failure> {
        // What is acknowledged is to be in the output.
        let config = ClientConfig::default().with_takes_later(true);
        let credential = password.map(Password::as_bytes).unwrap_or_default();
        let driver = connect_any(&self.endpoint, self.timeout, poll, events, SOCKET, |target| match ticket {
            Some(ticket) => Driver::resume(target, config.clone(), ticket.clone(), credential),
            None => Driver::connect(target, config.clone()),
        })?;
        if password.is_some() && !driver.is_private() {
            return Err(self.not_private());
        }
        Ok(driver)
    }

    /// That a password is not sent.
    pub(super) fn not_private(&self) -> Failure {
        Failure::NotPrivate { address: self.endpoint.to_string() }
    }

    pub(super) fn why_unkept(&self, error: &io::Error) -> String {
        let dir = self.state_dir.as_ref().map(|dir| dir.display().to_string()).unwrap_or_default();
        format!(
            "cannot keep the session in {dir}: {error}. If this client is killed, its session is lost; --state-dir DIR \
             chooses another folder, and --no-state goes without"
        )
    }
}
