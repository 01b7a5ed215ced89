//! Waiting for the network.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use mio::{Events, Poll, Token, Waker};

use super::error::Error;

/// The socket of the driver.
pub(super) const SOCKET: Token = Token(0);

/// Another thread has something for the one that waits.
const WAKE: Token = Token(1);

/// What waits for a driver's socket. One thread can wait at a time.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) poll: Poll,
    pub(super) events: Events,
    waker: Arc<Waker>,
}

impl Waiter {
    pub(super) fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        Ok(Self { poll, events: Events::with_capacity(8), waker })
    }

    /// Ends the wait of another thread, or else the next one.
    pub(super) fn waker(&self) -> Arc<Waker> {
        self.waker.clone()
    }

    /// Waits until something happens, at most so long.
    pub(super) fn wait(&mut self, timeout: Option<Duration>) -> Result<(), Error> {
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(Error::Poll(error.kind())),
            _ => Ok(()),
        }
    }
}
