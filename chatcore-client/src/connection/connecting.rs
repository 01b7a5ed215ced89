//! The first connection, to any address of a host.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use mio::{Events, Interest, Poll, Token};

use super::error::ConnectError;
use crate::clock::Deadline;
use crate::driver::Driver;

/// Connects a [`Driver`], registers it with `poll` under `token`, and waits until the connection stands. It tries all
/// addresses of `host:port` in turn, each for at most `timeout`. `begin` makes the driver for one address, with
/// [`Driver::connect`] or [`Driver::resume`].
///
/// Events of other sources of `poll` are lost meanwhile: check these sources after the call.
///
/// # Errors
///
/// [`ConnectError::Resolve`] if the address is not `host:port` or the system does not find the host;
/// [`ConnectError::Connect`], with the last error, if no address works.
pub fn connect_any(
    address: &str,
    timeout: Duration,
    poll: &mut Poll,
    events: &mut Events,
    token: Token,
    begin: impl Fn(SocketAddr) -> io::Result<Driver>,
) -> Result<Driver, ConnectError> {
    let resolved =
        address.to_socket_addrs().map_err(|source| ConnectError::Resolve { address: address.to_owned(), source })?;
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for candidate in resolved {
        match begin(candidate).and_then(|mut driver| {
            poll.registry().register(&mut driver, token, Interest::READABLE | Interest::WRITABLE)?;
            await_connection(&mut driver, timeout, poll, events)?;
            Ok(driver)
        }) {
            Ok(driver) => return Ok(driver),
            Err(error) => last = error,
        }
    }
    Err(ConnectError::Connect { address: address.to_owned(), source: last })
}

fn await_connection(driver: &mut Driver, timeout: Duration, poll: &mut Poll, events: &mut Events) -> io::Result<()> {
    let deadline = Deadline::after(timeout);
    loop {
        driver.drive()?;
        if driver.connected() {
            return Ok(());
        }
        if deadline.has_come() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {timeout:?}")));
        }
        match poll.poll(events, deadline.left()) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
    }
}
