//! All connections break at once, and come back. Ours go on with their sessions, and get again what they had not
//! acknowledged; with other servers users register anew, and what they had not seen would be lost.

use std::time::{Duration, Instant};

use super::DRAIN_TIME_MAX;
use crate::load::contestant::{Kind, Running};
use crate::load::crowd::Crowd;
use crate::load::dialect::{Dialect, To};
use crate::load::figures::{Figure, Figures};
use crate::load::options::Options;
use crate::load::{Failure, Result, message, process};

pub(super) fn measure<D: Dialect>(mut crowd: Crowd<D>, running: &Running, options: &Options) -> Result<Figures> {
    let users = options.crowd;
    crowd.fill(users)?;
    crowd.address((0..users).map(To::User));
    for user in 0..users {
        crowd.say(user, user ^ 1, 0);
    }
    crowd.flush()?;
    // Nothing is flushed from here on, so nothing is acknowledged.
    let mut heard = vec![0_u32; users];
    hear_all(&mut crowd, &mut heard)?;

    let (cpu, since) = (process::cpu_us(running.pid())?, Instant::now());
    let cut = crowd.cut()?;
    let mut again = vec![0; users];
    crowd.come_again(cut, |user, body| hear(user, body, &mut again))?;
    if running.kind == Kind::Chatcore {
        hear_all(&mut crowd, &mut again)?;
    }
    let mut figures = Figures::default();
    figures.set(Figure::Return, (process::cpu_us(running.pid())? - cpu) / users as f64);
    figures.set(Figure::Seconds, since.elapsed().as_secs_f64());
    if again.iter().chain(&heard).any(|count| *count > 1) {
        return Err(Failure::new("a message has come twice on one connection"));
    }
    Ok(figures)
}

/// Each hears the first message of the other one of its pair, and nothing else.
fn hear(user: usize, body: &[u8], heard: &mut [u32]) -> Result<()> {
    if message::read(body) != (user ^ 1, 0) {
        return Err(Failure::new(format_args!("user {user} has heard what was not for it")));
    }
    heard[user] += 1;
    Ok(())
}

/// Waits until each has heard something.
fn hear_all<D: Dialect>(crowd: &mut Crowd<D>, heard: &mut [u32]) -> Result<()> {
    let deadline = Instant::now() + DRAIN_TIME_MAX;
    while heard.contains(&0) {
        crowd.turn(Some(Duration::from_millis(100)), |user, body| hear(user, body, heard))?;
        if Instant::now() > deadline {
            let lost = heard.iter().filter(|count| **count == 0).count();
            return Err(Failure::new(format_args!("{lost} messages are lost")));
        }
    }
    Ok(())
}
