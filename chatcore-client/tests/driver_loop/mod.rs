//! The loop of a program around a driver, as the documentation of the driver says.

#![allow(dead_code, reason = "each test file uses another part of it")]

use std::time::{Duration, Instant};

use chatcore_client::Driver;
use mio::{Events, Interest, Poll, Token};

/// After which a test fails that waits for something.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A driver, and what waits for it.
pub(crate) struct DriverLoop {
    pub(crate) driver: Driver,
    poll: Poll,
    events: Events,
}

impl DriverLoop {
    pub(crate) fn of(mut driver: Driver) -> Self {
        let poll = Poll::new().unwrap();
        poll.registry().register(&mut driver, Token(0), Interest::READABLE | Interest::WRITABLE).unwrap();
        Self { driver, poll, events: Events::with_capacity(8) }
    }

    /// Drives until something is read.
    #[track_caller]
    pub(crate) fn reads(&mut self) {
        while !self.driver.drive().unwrap() {
            self.poll.poll(&mut self.events, Some(PATIENCE)).unwrap();
            assert!(!self.events.is_empty(), "it comes in time");
        }
    }

    /// Drives until there is what is looked for.
    #[track_caller]
    pub(crate) fn until<T>(&mut self, mut found: impl FnMut(&mut Driver) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let has_read = self.driver.drive().unwrap();
            if let Some(found) = found(&mut self.driver) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "it does not come");
            if !has_read {
                let timeout = self.driver.timeout().map_or(left, |timeout| timeout.min(left));
                self.poll.poll(&mut self.events, Some(timeout)).unwrap();
            }
        }
    }
}
