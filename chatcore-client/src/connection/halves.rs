//! A connection in two halves: one thread sends while another receives.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as SystemInstant};
use std::{fmt, mem};

use chatcore::{Event, Position, SessionTicket};
use mio::Waker;

use super::Connection;
use super::error::Error;
use super::inner::Inner;
use super::requests::requests;
use super::waiter::Waiter;
use crate::clock::Deadline;
use crate::driver::Driver;

/// A wait ends by itself so much earlier or later: for less, nobody is woken. The system counts whole milliseconds
/// anyway.
const WAKE_TIME_MIN: Duration = Duration::from_millis(1);

/// The half of a [`Connection`] that makes requests: see [`Connection::split`]. Several threads may share it by
/// reference.
#[derive(Debug)]
pub struct SendHalf {
    shared: Arc<Shared>,
}

/// The half of a [`Connection`] that receives events: see [`Connection::split`].
#[derive(Debug)]
pub struct ReceiveHalf {
    shared: Arc<Shared>,
}

/// Why two halves are not put together: they are of different connections. Both are given back.
#[derive(Debug, thiserror::Error)]
#[error("these halves are of different connections: put each together with its own")]
pub struct ReuniteError(
    /// The half that sends.
    pub SendHalf,
    /// The half that receives.
    pub ReceiveHalf,
);

/// What the halves share.
struct Shared {
    state: Mutex<State>,
    /// Somebody has used the driver.
    changed: Condvar,
    /// Ends the wait for the network.
    waker: Arc<Waker>,
}

struct State {
    inner: Inner,
    /// None while a thread waits for the network. The others wait for that thread.
    waiter: Option<Waiter>,
    /// Until when it waits; none for ever.
    waits_until: Option<SystemInstant>,
    /// The halves become a whole: nothing is lost with them.
    is_reunited: bool,
}

impl Connection {
    /// Splits the connection, so that one thread makes requests while another waits for events. The client has its name
    /// already ([`register`](Self::register)).
    ///
    /// - A call of either half does the client's work while it waits: it reads, writes, answers pings and acknowledges,
    ///   for both. If both wait, one of them waits for the network, and the other one for that. Nobody polls.
    /// - Between calls of both halves nothing is done, as with a whole connection.
    /// - While too many events wait to be received, a request waits until the other half has received some, and fails
    ///   with [`Error::Unreceived`] only when its time is over.
    /// - If the [`ReceiveHalf`] is dropped, the session goes on. The calls of the other half take the events that still
    ///   come, and forget them.
    /// - If the [`SendHalf`] is dropped, the session goes on, and events come.
    /// - When both are dropped, the client says goodbye, as when a [`Connection`] is dropped; not if a panic drops the
    ///   last.
    /// - When the client ends, each half learns why: the one that receives with [`Event::Closed`] and then
    ///   [`Error::Closed`], the one that sends with [`Error::Closed`].
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use chatcore_client::{Connection, Event};
    /// # let soon = Duration::from_secs(5);
    /// let mut chat = Connection::connect("127.0.0.1:12345", soon)?;
    /// chat.register("alice", soon)?;
    /// let (sender, mut receiver) = chat.split();
    /// let listening = std::thread::spawn(move || {
    ///     while let Ok(event) = receiver.receive(Duration::MAX) {
    ///         println!("{event:?}");
    ///     }
    /// });
    /// for line in std::io::stdin().lines() {
    ///     sender.send("#lobby", line?.as_bytes(), soon)?;
    /// }
    /// sender.close(soon)?; // the other half receives `Event::Closed`
    /// listening.join().expect("it does not panic");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn split(self) -> (SendHalf, ReceiveHalf) {
        let Self { inner, waiter } = self;
        let waker = waiter.waker();
        let state = Mutex::new(State { inner, waiter: Some(waiter), waits_until: None, is_reunited: false });
        let shared = Arc::new(Shared { state, changed: Condvar::new(), waker });
        (SendHalf { shared: shared.clone() }, ReceiveHalf { shared })
    }
}

impl SendHalf {
    requests!(&self);

    /// As [`Connection::hurry`]. If the other half waits, it does the rest.
    pub fn hurry(&self) {
        let mut state = self.shared.lock();
        state.inner.driver.hurry();
        self.shared.tell(&mut state);
    }

    /// As [`Connection::take_events`]. If the other half waits, it does the rest.
    pub fn take_events(&self, position: Position) {
        let mut state = self.shared.lock();
        state.inner.driver.take_events(position);
        self.shared.tell(&mut state);
    }

    /// Looks at the driver: see [`Connection::driver`]. All other calls of both halves wait meanwhile, so `look` must
    /// make none: it would wait for itself for ever.
    pub fn inspect<T>(&self, look: impl FnOnce(&Driver) -> T) -> T {
        look(&self.shared.lock().inner.driver)
    }

    /// As [`Connection::ticket`].
    pub fn ticket(&self) -> Option<SessionTicket> {
        self.shared.lock().inner.driver.client().ticket().cloned()
    }

    /// As [`Connection::close`]. The other half receives what still comes, and [`Event::Closed`] at last.
    ///
    /// # Errors
    ///
    /// As [`Connection::close`].
    pub fn close(self, timeout: Duration) -> Result<(), Error> {
        self.shared.lock().inner.driver.close();
        self.shared.until(Deadline::after(timeout), |inner| inner.has_left())
    }

    /// Makes a connection again of its two halves.
    ///
    /// # Errors
    ///
    /// [`ReuniteError`], with both halves, if they are of different connections.
    pub fn reunite(self, receiver: ReceiveHalf) -> Result<Connection, ReuniteError> {
        if !Arc::ptr_eq(&self.shared, &receiver.shared) {
            return Err(ReuniteError(self, receiver));
        }
        let Self { shared } = self;
        shared.lock().is_reunited = true;
        drop(receiver);
        let Some(shared) = Arc::into_inner(shared) else { unreachable!("a connection has two halves") };
        let State { inner, waiter, .. } = shared.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let Some(waiter) = waiter else { unreachable!("nobody waits: that would borrow a half") };
        Ok(Connection { inner, waiter })
    }

    /// Here, that too much waits to be received is something that passes while this waits.
    fn until<T>(
        &self,
        deadline: Deadline,
        mut attempt: impl FnMut(&mut Inner) -> Result<Option<T>, Error>,
    ) -> Result<T, Error> {
        let mut unreceived = None;
        let outcome = self.shared.until(deadline, |inner| {
            unreceived = None;
            match attempt(inner) {
                Err(error @ Error::Unreceived { .. }) => {
                    unreceived = Some(error);
                    inner.wait_for_receiver();
                    Ok(None)
                }
                other => other,
            }
        });
        match (outcome, unreceived) {
            (Err(Error::TimedOut), Some(error)) => Err(error),
            (outcome, _) => outcome,
        }
    }
}

impl ReceiveHalf {
    /// As [`Connection::receive`].
    ///
    /// # Errors
    ///
    /// As [`Connection::receive`].
    pub fn receive(&mut self, timeout: Duration) -> Result<Option<Event>, Error> {
        let deadline = Deadline::after(timeout);
        // Whoever receives one by one what has come at once must not forget the server over it.
        let mut is_first = true;
        let received = self.shared.until(deadline, |inner| {
            if mem::take(&mut is_first) && inner.is_due() {
                inner.pump()?;
            }
            inner.receive()
        });
        match received {
            Err(Error::TimedOut) => Ok(self.shared.lock().inner.next_event()),
            other => other.map(Some),
        }
    }

    /// As [`Connection::take_events`]. If the other half waits, it does the rest.
    pub fn take_events(&self, position: Position) {
        let mut state = self.shared.lock();
        state.inner.driver.take_events(position);
        self.shared.tell(&mut state);
    }

    /// Looks at the driver: see [`Connection::driver`]. All other calls of both halves wait meanwhile, so `look` must
    /// make none: it would wait for itself for ever.
    pub fn inspect<T>(&self, look: impl FnOnce(&Driver) -> T) -> T {
        look(&self.shared.lock().inner.driver)
    }

    /// As [`Connection::ticket`].
    pub fn ticket(&self) -> Option<SessionTicket> {
        self.shared.lock().inner.driver.client().ticket().cloned()
    }
}

impl Drop for ReceiveHalf {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if !state.is_reunited {
            state.inner.discard();
            // There may be room now for what somebody wants to send.
            self.shared.tell(&mut state);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tries until there is something, or the deadline has come, and does the client's work meanwhile.
    fn until<T>(
        &self,
        deadline: Deadline,
        mut attempt: impl FnMut(&mut Inner) -> Result<Option<T>, Error>,
    ) -> Result<T, Error> {
        let mut state = self.lock();
        loop {
            let found = attempt(&mut state.inner).transpose();
            let pumped = if found.is_none() { state.inner.pump() } else { Ok(false) };
            self.tell(&mut state);
            if let Some(found) = found {
                return found;
            }
            let has_read = pumped?;
            if deadline.has_come() {
                return Err(Error::TimedOut);
            }
            if !has_read {
                state = self.wait(state, deadline)?;
            }
        }
    }

    /// Waits until something happens: for the network, or for the thread that does so.
    fn wait<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        deadline: Deadline,
    ) -> Result<MutexGuard<'a, State>, Error> {
        let Some(mut waiter) = state.waiter.take() else {
            return Ok(match deadline.left() {
                Some(left) => self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            });
        };
        let timeout = [deadline.left(), state.inner.driver.timeout()].into_iter().flatten().min();
        state.waits_until = timeout.and_then(|timeout| SystemInstant::now().checked_add(timeout));
        drop(state);
        let outcome = waiter.wait(timeout);
        let mut state = self.lock();
        state.waiter = Some(waiter);
        // If this thread has found what it waits for, another one has to wait for the network.
        self.changed.notify_all();
        outcome.map(|()| state)
    }

    /// Tells other threads that the driver was used: something may be there for them, or may be due earlier.
    fn tell(&self, state: &mut State) {
        let has_news = state.inner.take_news() || state.inner.driver.client().is_closed();
        if state.waiter.is_none() {
            let due = state.inner.driver.timeout().and_then(|timeout| SystemInstant::now().checked_add(timeout));
            let is_earlier = due.is_some_and(|due| state.waits_until.is_none_or(|until| due + WAKE_TIME_MIN < until));
            if has_news || is_earlier {
                // If this fails, the other thread wakes when it wanted to anyway.
                let _ = self.waker.wake();
            }
        }
        if has_news {
            self.changed.notify_all();
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("state", &self.lock().inner).finish_non_exhaustive()
    }
}
