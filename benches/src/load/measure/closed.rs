//! Closed loops: a sender sends its next message when an earlier one has been delivered.

use std::time::{Duration, Instant};

use crate::calls::CallCount;
use crate::failure::{Failure, Result};
use crate::load::client_pool::{ClientPool, DRAIN_TIME_MAX};
use crate::load::figures::{Figure, Figures};
use crate::load::options::Options;
use crate::load::protocol::{Protocol, Recipient};
use crate::load::tracker::Tracker;
use crate::process::Process;

/// Users in pairs, each of whom sends to the other.
pub(super) fn pairs<P: Protocol>(
    mut pool: ClientPool<P>,
    process: &Process,
    users: usize,
    outstanding: usize,
    options: &Options,
) -> Result<Figures> {
    pool.connect(users)?;
    pool.set_recipients((0..users).map(Recipient::User));
    run(pool, process, options, Tracker::of_pairs(users, outstanding))
}

/// A room in which the first few members send.
pub(super) fn room<P: Protocol>(mut pool: ClientPool<P>, process: &Process, options: &Options) -> Result<Figures> {
    pool.connect(options.members)?;
    pool.set_recipients([Recipient::Room]);
    run(pool, process, options, Tracker::of_room(options.members, options.senders, options.room_outstanding))
}

fn run<P: Protocol>(
    mut pool: ClientPool<P>,
    process: &Process,
    options: &Options,
    mut tracker: Tracker,
) -> Result<Figures> {
    exchange(&mut pool, &mut tracker, options.warm_up())?;

    let (delivered, cpu, since) = (tracker.delivered, process.cpu_us()?, Instant::now());
    exchange(&mut pool, &mut tracker, options.window())?;
    let (time, cpu) = (since.elapsed(), process.cpu_us()? - cpu);
    let messages = (tracker.delivered - delivered) as f64;
    let mut figures = Figures::default();
    figures.set(Figure::Cpu, cpu / messages);
    figures.set(Figure::Rate, messages / time.as_secs_f64());
    figures.set(Figure::Load, cpu / time.as_secs_f64() / 1e4);

    if let Some(count) = CallCount::start(process.pid(), options.warm_up()) {
        let delivered = tracker.delivered;
        exchange(&mut pool, &mut tracker, options.warm_up())?;
        let messages = (tracker.delivered - delivered) as f64;
        if let Some(calls) = count.finish() {
            figures.set(Figure::PerRead, messages / calls.reads);
            figures.set(Figure::PerWrite, messages / calls.writes);
        }
    }
    drain(&mut pool, &mut tracker)?;
    Ok(figures)
}

/// Sends and receives messages for some time.
fn exchange<P: Protocol>(pool: &mut ClientPool<P>, tracker: &mut Tracker, time: Duration) -> Result<()> {
    let end = Instant::now() + time;
    while Instant::now() < end {
        tracker.send(pool);
        pool.flush()?;
        pool.poll(Some(Duration::from_millis(100)), |user, body| tracker.record(user, body))?;
    }
    Ok(())
}

/// Receives what is under way. Fails if not all of it arrives and is accepted.
fn drain<P: Protocol>(pool: &mut ClientPool<P>, tracker: &mut Tracker) -> Result<()> {
    let deadline = Instant::now() + DRAIN_TIME_MAX;
    while !tracker.is_drained() || (P::HAS_ACCEPTANCE && pool.accepted < tracker.sent()) {
        pool.poll(Some(Duration::from_millis(100)), |user, body| tracker.record(user, body))?;
        pool.flush()?;
        if Instant::now() > deadline {
            return Err(Failure::new("messages or answers are lost: they have not come in the time left for them"));
        }
    }
    if pool.accepted > tracker.sent() {
        return Err(Failure::new("more messages were accepted than sent"));
    }
    Ok(())
}
