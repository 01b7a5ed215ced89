//! Users who are there: what they cost to let in, and to keep.

use std::time::{Duration, Instant};

use crate::failure::Result;
use crate::load::client_pool::ClientPool;
use crate::load::figures::{Figure, Figures};
use crate::load::options::Options;
use crate::load::protocol::Protocol;
use crate::machine::kernel_kib;
use crate::process::Process;

/// How long a server may go on with what belongs to letting users in.
const AFTERMATH_TIME: Duration = Duration::from_millis(200);

pub(super) fn measure<P: Protocol>(mut pool: ClientPool<P>, process: &Process, options: &Options) -> Result<Figures> {
    // The first user makes a server set up what it needs only once.
    pool.connect(1)?;
    wait(&mut pool, AFTERMATH_TIME)?;
    let (cpu, resident, kernel) = (process.cpu_us()?, process.resident_kib()?, kernel_kib()?);
    pool.connect(options.crowd)?;
    wait(&mut pool, AFTERMATH_TIME)?;
    let users = (options.crowd - 1) as f64;
    let mut figures = Figures::default();
    figures.set(Figure::SetUp, (process.cpu_us()? - cpu) / users);
    figures.set(Figure::Resident, (process.resident_kib()? - resident) / users);
    figures.set(Figure::Kernel, (kernel_kib()? - kernel) / users);
    let (cpu, since) = (process.cpu_us()?, Instant::now());
    wait(&mut pool, options.window())?;
    figures.set(Figure::IdleCpu, (process.cpu_us()? - cpu) / 1e3 / since.elapsed().as_secs_f64());
    Ok(figures)
}

fn wait<P: Protocol>(pool: &mut ClientPool<P>, time: Duration) -> Result<()> {
    let end = Instant::now() + time;
    while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        pool.poll(Some(left), |_, _| Ok(()))?;
        pool.flush()?;
    }
    Ok(())
}
