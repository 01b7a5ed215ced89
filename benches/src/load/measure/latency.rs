//! An open loop: each message is sent when it is due, whatever became of those before, and its latency counts from
//! then. So a server that stops for a while is charged with all messages that had to wait.

use std::time::{Duration, Instant};

use crate::failure::{Failure, Result};
use crate::latencies::Latencies;
use crate::load::client_pool::{ClientPool, DRAIN_TIME_MAX};
use crate::load::figures::{Figure, Figures};
use crate::load::message;
use crate::load::options::Options;
use crate::load::protocol::{Protocol, Recipient};
use crate::load::tracker::peer;
use crate::process::Process;

pub(super) fn measure<P: Protocol>(mut pool: ClientPool<P>, process: &Process, options: &Options) -> Result<Figures> {
    let users = options.users;
    pool.connect(users)?;
    pool.set_recipients((0..users).map(Recipient::User));
    let mut latencies = Latencies::up_to(DRAIN_TIME_MAX);
    let between = Duration::from_secs(1) / options.rate;
    let unmeasured = messages_in(options.warm_up(), between);
    let all = unmeasured + messages_in(options.window(), between);
    // Message number n is sent by user n % users, as its message n / users.
    let start = Instant::now();
    let due = |number: u64| start + Duration::from_nanos(between.as_nanos() as u64 * number);
    let (mut sent, mut received, mut cpu) = (0, 0, 0.0);
    let mut expected = vec![0; users];
    let deadline = due(all) + DRAIN_TIME_MAX;
    while received < all {
        let now = Instant::now();
        while sent < all && due(sent) <= now {
            if sent == unmeasured {
                cpu = process.cpu_us()?;
            }
            let sender = (sent % users as u64) as usize;
            pool.send(sender, peer(sender), (sent / users as u64) as u32);
            sent += 1;
        }
        pool.flush()?;
        // This does not sleep: the time until it wakes would be charged to the server.
        pool.poll(Some(Duration::ZERO), |user, body| {
            let now = Instant::now();
            let (sender, sequence) = message::read(body);
            if peer(sender) != user || sequence != expected[user] {
                return Err(Failure::new(format_args!("user {user} has heard a message that it should not hear now")));
            }
            expected[user] += 1;
            received += 1;
            let number = u64::from(sequence) * users as u64 + sender as u64;
            if number >= unmeasured {
                latencies.record(now.duration_since(due(number)));
            }
            Ok(())
        })?;
        if now > deadline {
            return Err(Failure::new(format_args!("{} messages are lost", all - received)));
        }
    }
    let cpu = process.cpu_us()? - cpu;
    let mut figures = Figures::default();
    for (figure, share) in [(Figure::P50, 0.5), (Figure::P99, 0.99), (Figure::P999, 0.999)] {
        figures.set(figure, latencies.quantile_us(share));
    }
    figures.set(Figure::Cpu, cpu / (all - unmeasured) as f64);
    Ok(figures)
}

fn messages_in(time: Duration, between: Duration) -> u64 {
    (time.as_nanos() / between.as_nanos()) as u64
}
