//! Users who are there: what they cost to let in, and to keep.

use std::time::{Duration, Instant};

use crate::load::Result;
use crate::load::contestant::Running;
use crate::load::crowd::Crowd;
use crate::load::dialect::Dialect;
use crate::load::figures::{Figure, Figures};
use crate::load::options::Options;
use crate::load::process;

/// A server may need a moment until it has done all that belongs to letting people in.
const SETTLE_TIME: Duration = Duration::from_millis(200);

pub(super) fn measure<D: Dialect>(mut crowd: Crowd<D>, running: &Running, options: &Options) -> Result<Figures> {
    let pid = running.pid();
    // The first user makes a server set up what it needs but once.
    crowd.fill(1)?;
    wait(&mut crowd, SETTLE_TIME)?;
    let (cpu, resident, kernel) = (process::cpu_us(pid)?, process::resident_kib(pid)?, process::kernel_kib()?);
    crowd.fill(options.crowd)?;
    wait(&mut crowd, SETTLE_TIME)?;
    let users = (options.crowd - 1) as f64;
    let mut figures = Figures::default();
    figures.set(Figure::SetUp, (process::cpu_us(pid)? - cpu) / users);
    figures.set(Figure::Resident, (process::resident_kib(pid)? - resident) / users);
    figures.set(Figure::Kernel, (process::kernel_kib()? - kernel) / users);
    let (cpu, since) = (process::cpu_us(pid)?, Instant::now());
    wait(&mut crowd, options.window())?;
    figures.set(Figure::IdleCpu, (process::cpu_us(pid)? - cpu) / 1e3 / since.elapsed().as_secs_f64());
    Ok(figures)
}

fn wait<D: Dialect>(crowd: &mut Crowd<D>, time: Duration) -> Result<()> {
    let end = Instant::now() + time;
    while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        crowd.turn(Some(left), |_, _| Ok(()))?;
        crowd.flush()?;
    }
    Ok(())
}
