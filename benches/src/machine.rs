//! The machine: its processors, the limits of this process, and the memory of the kernel.

use std::fs;
use std::io;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::Pid;

use crate::failure::{Failure, Result};

/// The processor of the server, and the processor of the load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cpus {
    pub(crate) server: usize,
    pub(crate) load: usize,
}

/// The processors that this process may use.
pub(crate) fn cpus() -> Result<Vec<usize>> {
    let set = sched_getaffinity(Pid::from_raw(0)).map_err(io::Error::from)?;
    Ok((0..CpuSet::count()).filter(|cpu| set.is_set(*cpu).unwrap_or(false)).collect())
}

/// Binds this process to a processor. A process that it starts later inherits that.
pub(crate) fn pin(cpu: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu).map_err(io::Error::from)?;
    sched_setaffinity(Pid::from_raw(0), &set)
        .map_err(|error| Failure::new(format_args!("cannot bind to processor {cpu}: {error}")))
}

/// Raises the limit of open files as far as it goes. Each connection is a file here and one at the server, which
/// inherits this limit.
pub(crate) fn raise_file_limit() -> Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(io::Error::from)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).map_err(io::Error::from)?;
    Ok(())
}

/// Memory that the kernel keeps for itself, in KiB: it includes the sockets at both ends of all connections.
pub(crate) fn kernel_kib() -> Result<f64> {
    let sockstat = fs::read_to_string("/proc/net/sockstat")?;
    let tcp = sockstat.lines().find(|line| line.starts_with("TCP:")).unwrap_or_default();
    let pages = tcp.split_whitespace().skip_while(|word| *word != "mem").nth(1);
    let pages: f64 = pages.and_then(|word| word.parse().ok()).unwrap_or_default();
    Ok(field_kib("/proc/meminfo", "Slab:")? + 4.0 * pages)
}

/// A field of a file that holds lines like `VmRSS:  1234 kB` (proc(5)).
pub(crate) fn field_kib(file: &str, field: &str) -> Result<f64> {
    let text = fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let word = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    word.ok_or_else(|| Failure::new(format_args!("{file} has no field {field}")))
}

/// The processor and the kernel, for people.
pub(crate) fn description() -> Result<String> {
    let text = fs::read_to_string("/proc/cpuinfo")?;
    let field = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    };
    let model = field("model name").unwrap_or_else(|| "unknown processor".to_owned());
    let count = text.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    Ok(format!("{model}, {count} cores, Linux {}", kernel.split('-').next().unwrap_or_default().trim()))
}
