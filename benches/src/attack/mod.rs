//! Attacks on a server, beside users that do nothing wrong, and what those notice.
//!
//! Each attack has a server process of its own, and three threads: the fair users, whose messages are timed; the
//! bystanders; and the attackers. The main thread leads them through the phases, and watches the server's memory.

mod attackers;
mod attacks;
mod bystanders;
mod fair;
mod link;
mod options;
mod phase;
mod registrations;
mod report;
mod scenario;
mod server;
mod sockets;

use std::path::Path;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use self::fair::Fairness;
pub(crate) use self::options::Options;
use self::phase::{CurrentPhase, Phase};
use self::report::{HEAD, Memory, Outcome, Spread};
use self::scenario::{Attack, Scenario};
use self::server::Server;
use crate::failure::{Failure, Result};
use crate::machine::{Cpus, cpus, field_kib, raise_file_limit};
use crate::process::Process;
use crate::program;

/// From one look at the server's memory to the next.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// Does the attacks that the options ask for, and prints a row for each.
pub(crate) fn run(options: &Options) -> Result<()> {
    let options = options.clone().complete()?;
    if options.list {
        attacks::all().for_each(|attack| println!("{:<18} {}", attack.name, attack.about));
        return Ok(());
    }
    raise_file_limit()?;
    let cpus = cpus()?;
    let (first, last) = (*cpus.first().unwrap_or(&0), *cpus.last().unwrap_or(&0));
    if first == last {
        eprintln!("the attackers and the server share a processor: fair users wait for both");
    }
    let cpus = Cpus { server: first, load: last };
    let program = options.server.clone().map_or_else(program::build_server, Ok)?;
    let start = Instant::now();
    let (mut rows, mut missed) = (0, 0);
    println!("{HEAD}");
    for attack in options.attacks() {
        for connections in &options.connections {
            rows += 1;
            match measure(&attack, *connections, &program, cpus, &options) {
                Ok(outcome) => {
                    println!("{}", outcome.row());
                    explain(&outcome);
                    missed += usize::from(!outcome.misses().is_empty());
                }
                // The other attacks may still tell something.
                Err(failure) => {
                    println!("{}", report::failed_row(attack.name, *connections, &failure));
                    missed += 1;
                }
            }
        }
    }
    println!(
        "\n{rows} attacks over {} in {:.0} s, {missed} of them missed a goal",
        options.over,
        start.elapsed().as_secs_f64()
    );
    if missed > 0 {
        return Err(Failure::new(format_args!("{missed} of {rows} attacks missed a goal")));
    }
    Ok(())
}

/// One attack on a server of its own.
fn measure(attack: &Attack, connections: usize, program: &Path, cpus: Cpus, options: &Options) -> Result<Outcome> {
    let scenario: Scenario = (attack.scenario)(connections);
    let Server { process, dialer, surroundings: _kept } = Server::start(program, &scenario, cpus, options)?;
    let mut server = Some(process);
    let current = CurrentPhase::new();
    thread::scope(|scope| {
        let (current, scenario, dialer) = (&current, &scenario, &dialer);
        let threads = Threads {
            fair: start(scope, current, |ready| fair::run(options.pairs, dialer.clone(), current, &ready))?,
            bystanders: start(scope, current, |ready| bystanders::run(scenario, dialer.clone(), current, &ready))?,
            attackers: start(scope, current, |ready| {
                attackers::run(scenario, options.same_origin, dialer.clone(), current, &ready)
            })?,
        };
        let observed = run_phases(&mut server, current, options);
        // The fair users end when all has arrived, and the others after them.
        let fairness = join(threads.fair);
        current.enter(Phase::Done);
        let (ended, effort) = (join(threads.bystanders)?, join(threads.attackers)?);
        let memory_max_mib = scenario.memory_max_mib.unwrap_or(u64::MAX).min(options.memory_max);
        Ok(outcome(attack, connections, fairness?, ended, effort, &observed?, memory_max_mib))
    })
}

/// The threads of an attack.
struct Threads<'scope> {
    fair: ScopedJoinHandle<'scope, Result<Fairness>>,
    bystanders: ScopedJoinHandle<'scope, Result<Vec<String>>>,
    attackers: ScopedJoinHandle<'scope, Result<attackers::Effort>>,
}

/// What was seen of the server.
struct Observed {
    memory: [Memory; 3],
    server_ended: Option<&'static str>,
}

/// Starts a thread, and waits until it is ready.
fn start<'scope, 'env, T: Send + 'scope>(
    scope: &'scope thread::Scope<'scope, 'env>,
    current: &CurrentPhase,
    work: impl FnOnce(Sender<()>) -> Result<T> + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, Result<T>>> {
    let (ready, is_ready) = mpsc::channel();
    let handle = scope.spawn(move || work(ready));
    if is_ready.recv().is_ok() {
        return Ok(handle);
    }
    // It has failed; so the others end, too.
    current.enter(Phase::Done);
    match join(handle) {
        Ok(_) => Err(Failure::new("a thread ended too early")),
        Err(failure) => Err(failure),
    }
}

fn join<T>(handle: ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Leads all threads through the phases. A server that takes half of the memory that the machine has left is killed.
fn run_phases(server: &mut Option<Process>, current: &CurrentPhase, options: &Options) -> Result<Observed> {
    let memory_max_kib = field_kib("/proc/meminfo", "MemAvailable:")? / 2.0;
    let mut observed = Observed { memory: [Memory::default(); 3], server_ended: None };
    let phases =
        [(Phase::Before, options.quiet_time()), (Phase::During, options.time()), (Phase::After, options.quiet_time())];
    for (number, (phase, time)) in phases.into_iter().enumerate() {
        current.enter(phase);
        let end = Instant::now() + time;
        while let Some(process) = server
            && Instant::now() < end
        {
            phase::pass(LOOK_INTERVAL.min(end - Instant::now()));
            match Memory::of(process) {
                Ok(memory) => observed.memory[number] = memory,
                // A process that has ended, and was not waited for, has no memory.
                Err(_) => observed.server_ended = Some("it ended"),
            }
            if observed.memory[number].resident_kib > memory_max_kib {
                observed.server_ended = Some("it took half of the memory that was left, and was killed");
            }
            if observed.server_ended.is_some() {
                *server = None;
            }
        }
    }
    current.enter(Phase::Drain);
    Ok(observed)
}

fn outcome(
    attack: &Attack,
    connections: usize,
    fairness: Fairness,
    bystanders: Vec<String>,
    effort: attackers::Effort,
    observed: &Observed,
    memory_max_mib: u64,
) -> Outcome {
    let spread = |phase: Phase| Spread::of(&fairness.latencies[phase as usize]);
    let late_p99 = |phase: Phase| Spread::of(&fairness.lateness[phase as usize]).p99;
    Outcome {
        attack: attack.name,
        connections,
        before: spread(Phase::Before),
        during: spread(Phase::During),
        after: spread(Phase::After),
        late_p99: [Phase::During, Phase::After].map(late_p99).into_iter().fold(0.0, f64::max),
        lost: fairness.lost,
        doubled: fairness.doubled,
        ended: fairness.ended.into_iter().chain(bystanders).collect(),
        memory: observed.memory,
        memory_max_mib,
        written_bytes: effort.written_bytes,
        made: effort.connections,
        server_ended: observed.server_ended,
    }
}

/// Prints to stderr what the table has no room for.
fn explain(outcome: &Outcome) {
    let (attack, connections) = (outcome.attack, outcome.connections);
    if let Some(first) = outcome.ended.first() {
        eprintln!("{attack} from {connections}: {first}");
    }
    if let Some(reason) = outcome.server_ended {
        eprintln!("{attack} from {connections}: the server: {reason}");
    }
}
