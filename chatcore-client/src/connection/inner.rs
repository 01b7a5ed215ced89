//! What the calls of a connection do without waiting, whoever waits for it.

use std::collections::VecDeque;
use std::thread;

use chatcore::{ClientError, Closed, Event};

use super::error::{Error, RegisterError, Registered};
use crate::driver::Driver;

/// A driver, and what came of it that nobody has received yet. When it is dropped, but for a panic, the client says
/// goodbye.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) driver: Driver,
    /// Events that came before a name was ours: they are of no session, or of one that is lost.
    arrived: VecDeque<Event>,
    /// Why it is over, once the caller knows that it is.
    closed: Option<Closed>,
    receiver: Receiver,
    says_goodbye: bool,
    /// Since somebody last asked, something has happened that another one may wait for.
    has_news: bool,
}

/// Who receives events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Receiver {
    /// The program.
    Program,
    /// The program, and another thread of it waits for that.
    Awaited,
    /// Nobody any more.
    Nobody,
}

impl Inner {
    pub(super) const fn new(driver: Driver) -> Self {
        let arrived = VecDeque::new();
        let receiver = Receiver::Program;
        Self { driver, arrived, closed: None, receiver, says_goodbye: true, has_news: false }
    }

    /// Reads and writes as far as that goes without waiting. True if something was read.
    pub(super) fn pump(&mut self) -> Result<bool, Error> {
        let has_read = self.driver.drive().map_err(|error| Error::Poll(error.kind()))?;
        self.has_news |= has_read;
        if self.receiver == Receiver::Nobody {
            self.discard();
        }
        Ok(has_read)
    }

    /// Whether the client has to do something that waits for nothing.
    pub(super) fn is_due(&self) -> bool {
        self.driver.timeout().is_some_and(|timeout| timeout.is_zero())
    }

    /// Whether something has happened since the last time that another thread may wait for.
    pub(super) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.has_news)
    }

    /// Somebody waits until events are received: the next one is news.
    pub(super) fn wait_for_receiver(&mut self) {
        if self.receiver == Receiver::Program {
            self.receiver = Receiver::Awaited;
        }
    }

    /// Nobody wants events from now on: the client takes them as if somebody had.
    pub(super) fn discard(&mut self) {
        self.has_news |= self.receiver == Receiver::Awaited;
        self.receiver = Receiver::Nobody;
        self.arrived.clear();
        while self.driver.poll_event().is_some() {}
        let position = self.driver.client().position();
        self.driver.take_events(position);
    }

    /// The session is to wait for another connection.
    pub(super) const fn says_nothing(&mut self) {
        self.says_goodbye = false;
    }

    /// Asks for a name. [`registered`](Self::registered) has the answer.
    pub(super) fn register(&mut self, name: &str, credential: &[u8]) -> Result<(), RegisterError> {
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
        self.driver.register(name, credential).map_err(|error| self.why_not(error).into())
    }

    /// The answer to the registration, if it is there.
    pub(super) fn registered(&mut self) -> Result<Option<Registered>, RegisterError> {
        while let Some(event) = self.driver.poll_event() {
            match event {
                // What follows is of the session, and waits to be received.
                Event::Registered { name, display_name, limits, .. } => {
                    return Ok(Some(Registered { name, display_name, limits }));
                }
                Event::Refused { code, detail, wait, .. } => return Err(RegisterError::Refused { code, detail, wait }),
                other => self.arrived.push_back(other),
            }
        }
        self.why_closed().map_or(Ok(None), |closed| Err(Error::Closed(closed).into()))
    }

    /// Gives the driver a command, if there is room for it.
    pub(super) fn ask(
        &mut self,
        command: impl Fn(&mut Driver) -> Result<u64, ClientError>,
    ) -> Result<Option<u64>, Error> {
        let client = self.driver.client();
        let bytes_max = client.limits().map_or(usize::MAX, |limits| limits.outbox_bytes_max as usize / 2);
        if client.waiting_bytes() > bytes_max {
            return Err(Error::Unreceived { events: self.arrived.len() + client.waiting_events() });
        }
        match command(&mut self.driver) {
            Err(error) if error.passes() => Ok(None),
            Err(error) => Err(self.why_not(error)),
            Ok(number) => {
                self.pump()?;
                Ok(Some(number))
            }
        }
    }

    /// The next event, if it is there. An error after the last one.
    pub(super) fn receive(&mut self) -> Result<Option<Event>, Error> {
        match (self.next_event(), &self.closed) {
            (None, Some(closed)) => Err(Error::Closed(closed.clone())),
            (event, _) => Ok(event),
        }
    }

    pub(super) fn next_event(&mut self) -> Option<Event> {
        let event = self.arrived.pop_front().or_else(|| self.driver.poll_event())?;
        if self.receiver == Receiver::Awaited {
            (self.receiver, self.has_news) = (Receiver::Program, true);
        }
        if let Event::Closed(closed) = &event {
            self.closed = Some(closed.clone());
        }
        Some(event)
    }

    /// Whether the goodbye is answered.
    pub(super) fn has_left(&self) -> Result<Option<()>, Error> {
        match self.why_closed() {
            Some(Closed::Left) => Ok(Some(())),
            Some(other) => Err(Error::Closed(other)),
            None => Ok(None),
        }
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
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Whoever panics did not mean to leave.
        if self.says_goodbye && !self.driver.client().is_closed() && !thread::panicking() {
            self.driver.close();
            // As far as the system takes it at once: nobody waits for a value that is dropped.
            let _ = self.driver.drive();
        }
    }
}
