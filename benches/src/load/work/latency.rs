//! An open loop: messages are sent when they are due, whatever became of those before, and the time of each is counted
//! from when it was due. So a server that stops for a while is charged with all that had to wait.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::DRAIN_TIME_MAX;
use crate::load::contestant::Running;
use crate::load::crowd::Crowd;
use crate::load::dialect::{Dialect, To};
use crate::load::figures::{Figure, Figures};
use crate::load::options::Options;
use crate::load::{Failure, Result, message, process};

pub(super) fn measure<D: Dialect>(mut crowd: Crowd<D>, running: &Running, options: &Options) -> Result<Figures> {
    let users = options.users;
    crowd.fill(users)?;
    crowd.address((0..users).map(To::User));
    let longest = u64::try_from(DRAIN_TIME_MAX.as_nanos()).expect("it is some seconds");
    let mut histogram = Histogram::<u64>::new_with_max(longest, 3).expect("three digits are possible");
    let between = Duration::from_secs(1) / options.rate;
    let unmeasured = messages_in(options.warm_up(), between);
    let all = unmeasured + messages_in(options.window(), between);
    // Message number n is sent by user n % users, as its message n / users.
    let start = Instant::now();
    let due = |number: u64| start + Duration::from_nanos(between.as_nanos() as u64 * number);
    let (mut sent, mut heard, mut cpu) = (0, 0, 0.0);
    let mut expected = vec![0; users];
    let deadline = due(all) + DRAIN_TIME_MAX;
    while heard < all {
        let now = Instant::now();
        while sent < all && due(sent) <= now {
            if sent == unmeasured {
                cpu = process::cpu_us(running.pid())?;
            }
            let sender = (sent % users as u64) as usize;
            crowd.say(sender, sender ^ 1, (sent / users as u64) as u32);
            sent += 1;
        }
        crowd.flush()?;
        // It does not sleep: the time until it woke would be charged to the server.
        crowd.turn(Some(Duration::ZERO), |user, body| {
            let now = Instant::now();
            let (sender, sequence) = message::read(body);
            if sender ^ 1 != user || sequence != expected[user] {
                return Err(Failure::new(format_args!("user {user} has heard a message that it should not hear now")));
            }
            expected[user] += 1;
            heard += 1;
            let number = u64::from(sequence) * users as u64 + sender as u64;
            if number >= unmeasured {
                histogram.saturating_record(now.duration_since(due(number)).as_nanos() as u64);
            }
            Ok(())
        })?;
        if now > deadline {
            return Err(Failure::new(format_args!("{} messages are lost", all - heard)));
        }
    }
    let cpu = process::cpu_us(running.pid())? - cpu;
    let mut figures = Figures::default();
    for (figure, quantile) in [(Figure::P50, 0.5), (Figure::P99, 0.99), (Figure::P999, 0.999)] {
        figures.set(figure, histogram.value_at_quantile(quantile) as f64 / 1e3);
    }
    figures.set(Figure::Cpu, cpu / (all - unmeasured) as f64);
    Ok(figures)
}

fn messages_in(time: Duration, between: Duration) -> u64 {
    (time.as_nanos() / between.as_nanos()) as u64
}
