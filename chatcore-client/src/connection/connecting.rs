//! The first connection, to any address of a host.

use std::io;
use std::time::Duration;

use mio::{Events, Interest, Poll, Token};

use super::error::ConnectError;
use crate::clock::Deadline;
use crate::driver::Driver;
use crate::endpoint::{Endpoint, Target};

/// Connects a [`Driver`], registers it with `poll` under `token`, and waits until the connection stands, TLS included, for at
/// most `timeout`. It tries all [targets](Endpoint::targets) of the endpoint, one 250 ms after the other or when that has
/// failed, and takes the first connection that stands (RFC 8305). `begin` makes the driver for the first target for which
/// there is a way, with [`Driver::connect`] or [`Driver::resume`].
///
/// A connection that stands is no answer: the server may have said nothing yet. If `begin` asks for a name, or for a
/// session, [`ClientConfig::answer_time_max`](chatcore::ClientConfig::answer_time_max) bounds the time from there to
/// the answer, and what the connection takes is a part of it. If the driver asks later, that time begins then.
///
/// Events of other sources of `poll` are lost meanwhile: check these sources after the call.
///
/// # Errors
///
/// Those of [`Endpoint::targets`]; [`ConnectError::Connect`], with the last error, if no target works; with the features
/// `tls` and `websocket` `ConnectError::Tls` and `ConnectError::WebSocket`, if a server is there with which the client cannot
/// speak so, and no other target works.
pub fn connect_any(
    endpoint: &Endpoint,
    timeout: Duration,
    poll: &mut Poll,
    events: &mut Events,
    token: Token,
    begin: impl Fn(Target) -> io::Result<Driver>,
) -> Result<Driver, ConnectError> {
    let mut failed = None;
    let mut targets = endpoint.targets()?.into_iter();
    while let Some(target) = targets.next() {
        let outcome = begin(target).map(|driver| driver.with_alternatives(targets.by_ref())).and_then(|mut driver| {
            poll.registry().register(&mut driver, token, Interest::READABLE | Interest::WRITABLE)?;
            await_connection(&mut driver, timeout, poll, events)?;
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

fn await_connection(driver: &mut Driver, timeout: Duration, poll: &mut Poll, events: &mut Events) -> io::Result<()> {
    let deadline = Deadline::after(timeout);
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
