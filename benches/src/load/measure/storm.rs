//! All connections break at once, and come back. Clients of chatcore resume their sessions, and get again what they had
//! not acknowledged. Clients of the other servers register anew, and what they had not seen is lost.

use std::time::{Duration, Instant};

use crate::failure::{Failure, Result};
use crate::load::client_pool::{ClientPool, DRAIN_TIME_MAX};
use crate::load::figures::{Figure, Figures};
use crate::load::message;
use crate::load::options::Options;
use crate::load::protocol::{Protocol, Recipient};
use crate::load::tracker::peer;
use crate::process::Process;

pub(super) fn measure<P: Protocol>(mut pool: ClientPool<P>, process: &Process, options: &Options) -> Result<Figures> {
    let users = options.crowd;
    pool.connect(users)?;
    pool.set_recipients((0..users).map(Recipient::User));
    for user in 0..users {
        pool.send(user, peer(user), 0);
    }
    pool.flush()?;
    // Nothing is flushed from here on, so nothing is acknowledged.
    let mut received = vec![0_u32; users];
    receive_all(&mut pool, &mut received)?;

    let (cpu, since) = (process.cpu_us()?, Instant::now());
    let disconnected = pool.disconnect();
    let mut again = vec![0; users];
    pool.reconnect(disconnected, |user, body| record(user, body, &mut again))?;
    if P::HAS_REDELIVERY {
        receive_all(&mut pool, &mut again)?;
    }
    let mut figures = Figures::default();
    figures.set(Figure::Return, (process.cpu_us()? - cpu) / users as f64);
    figures.set(Figure::Seconds, since.elapsed().as_secs_f64());
    if again.iter().chain(&received).any(|count| *count > 1) {
        return Err(Failure::new("a message has come twice on one connection"));
    }
    Ok(figures)
}

/// Each user receives the first message of the other user of its pair, and nothing else.
fn record(user: usize, body: &[u8], received: &mut [u32]) -> Result<()> {
    if message::read(body) != (peer(user), 0) {
        return Err(Failure::new(format_args!("user {user} has heard what was not for it")));
    }
    received[user] += 1;
    Ok(())
}

/// Waits until each user has received something.
fn receive_all<P: Protocol>(pool: &mut ClientPool<P>, received: &mut [u32]) -> Result<()> {
    let deadline = Instant::now() + DRAIN_TIME_MAX;
    while received.contains(&0) {
        pool.poll(Some(Duration::from_millis(100)), |user, body| record(user, body, received))?;
        if Instant::now() > deadline {
            let lost = received.iter().filter(|count| **count == 0).count();
            return Err(Failure::new(format_args!("{lost} messages are lost")));
        }
    }
    Ok(())
}
