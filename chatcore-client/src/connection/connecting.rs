//! The first connection, to any address of a host.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use mio::{Events, Interest, Poll, Token};

use super::error::ConnectError;
use crate::clock::Deadline;
use crate::driver::Driver;
use crate::driver::look_up::Within;
use crate::endpoint::{Endpoint, Resolve, SystemResolver, Target};

/// Connects a [`Driver`], registers it with `poll` under `token`, and waits until the connection stands, the look-up
/// and TLS included, for at most `timeout`. It tries all [targets](Endpoint::targets) of the endpoint, one 250 ms after
/// the other or as soon as one has failed, and takes the first connection that stands (RFC 8305). `begin` makes the
/// driver for the first target for which there is a way, with [`Driver::connect`] or [`Driver::resume`]. Each call
/// looks the host up on a thread of its own. Nothing can stop a look-up that takes longer, and its thread ends with it,
/// which nobody waits for: a program that calls this again and again has as many such threads as look-ups that hang.
///
/// A connection that stands is no answer: the server may have said nothing yet. If `begin` asks for a name, or for a
/// session, [`ClientConfig::answer_time_max`](chatcore::ClientConfig::answer_time_max) bounds the time from there to
/// the answer, and what the connection takes is a part of it. If the driver asks later, that time begins then.
///
/// Events of other sources of `poll` are lost meanwhile: check these sources after the call.
///
/// # Errors
///
/// Those of [`Endpoint::targets`], also for a host that is not found in time; [`ConnectError::Connect`], with the last
/// error, if no target works; with the features `tls` and `websocket` `ConnectError::Tls` and
/// `ConnectError::WebSocket`, if a server is there with which the client cannot speak so, and no other target works.
pub fn connect_any(
    endpoint: &Endpoint,
    timeout: Duration,
    poll: &mut Poll,
    events: &mut Events,
    token: Token,
    begin: impl Fn(Target) -> io::Result<Driver>,
) -> Result<Driver, ConnectError> {
    connect_found(endpoint, Arc::new(SystemResolver), timeout, poll, events, token, begin)
}

/// The same with another way to find the addresses.
fn connect_found(
    endpoint: &Endpoint,
    resolver: Arc<dyn Resolve>,
    timeout: Duration,
    poll: &mut Poll,
    events: &mut Events,
    token: Token,
    begin: impl Fn(Target) -> io::Result<Driver>,
) -> Result<Driver, ConnectError> {
    let deadline = Deadline::after(timeout);
    let mut failed = None;
    let mut targets = endpoint.targets_by(&Within::new(resolver, timeout))?.into_iter();
    while let Some(target) = targets.next() {
        let outcome = begin(target).map(|driver| driver.with_alternatives(targets.by_ref())).and_then(|mut driver| {
            poll.registry().register(&mut driver, token, Interest::READABLE | Interest::WRITABLE)?;
            await_connection(&mut driver, (timeout, deadline), poll, events)?;
            Ok(driver)
        });
        match outcome {
            Ok(driver) => return Ok(driver),
            Err(error) => failed = Some(ConnectError::more_telling(failed, endpoint, error)),
        }
    }
    let Some(failed) = failed else { unreachable!("an endpoint has a target, or an error says that it has none") };
    Err(failed)
}

fn await_connection(
    driver: &mut Driver,
    (timeout, deadline): (Duration, Deadline),
    poll: &mut Poll,
    events: &mut Events,
) -> io::Result<()> {
    loop {
        driver.drive()?;
        // It may have broken again by now, which the driver's events tell.
        if driver.has_connected() {
            return Ok(());
        }
        if deadline.has_come() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {timeout:?}")));
        }
        let wait = [deadline.left(), driver.timeout()].into_iter().flatten().min();
        match poll.poll(events, wait) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, sync_channel};
    use std::time::Instant;

    use super::*;
    use crate::ClientConfig;

    /// After which a test fails that waits for something.
    const PATIENCE: Duration = Duration::from_secs(60);

    /// Finds something when it is told to, or nothing after a while.
    #[derive(Debug)]
    struct Slow(Mutex<Receiver<SocketAddr>>);

    impl Resolve for Slow {
        fn resolve(&self, _host: &str, _port: u16) -> io::Result<Vec<SocketAddr>> {
            let found = self.0.lock().unwrap().recv_timeout(PATIENCE);
            found.map(|address| vec![address]).map_err(|_| io::ErrorKind::NotFound.into())
        }
    }

    #[test]
    fn a_look_up_takes_no_longer_than_all_of_it_may() {
        let (finds, found) = sync_channel(1);
        let timeout = Duration::from_millis(50);
        let (mut poll, mut events) = (Poll::new().unwrap(), Events::with_capacity(8));
        let endpoint: Endpoint = "chat.example:1".parse().unwrap();
        let begun = Instant::now();
        let resolver = Arc::new(Slow(Mutex::new(found)));
        let outcome = connect_found(&endpoint, resolver, timeout, &mut poll, &mut events, Token(0), |target| {
            Driver::connect(target, ClientConfig::default())
        });
        let error = outcome.unwrap_err();
        assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
        let words = "cannot find chat.example:1: the system has not found it within 50ms; check the spelling of the host, or \
                     give its number";
        assert_eq!(error.to_string(), words);
        drop(finds);
    }

    #[test]
    fn an_address_that_is_found_in_time_is_connected_to() {
        let (finds, found) = sync_channel(1);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        finds.send(listener.local_addr().unwrap()).unwrap();
        let (mut poll, mut events) = (Poll::new().unwrap(), Events::with_capacity(8));
        let endpoint: Endpoint = "chat.example:1".parse().unwrap();
        let resolver = Arc::new(Slow(Mutex::new(found)));
        let driver = connect_found(&endpoint, resolver, PATIENCE, &mut poll, &mut events, Token(0), |target| {
            Driver::connect(target, ClientConfig::default())
        });
        assert!(driver.unwrap().connected());
    }
}
