//! Runs the simulator as often as wanted, on all processors: `cargo run --release -p chatcore --features sim --example
//! simulate -- --runs 100000 [--seed N] [--attack | --renames]`.
//!
//! The runs have the seeds from N on (1 without one). With `--attack`, each of them is an attack; without, one in a
//! hundred is. With `--renames`, users are renamed in each of them; without, in none. Each with a violation is shown
//! with the command that replays it alone, telling all that happens. The line at the end holds a hash of every byte
//! that was written in all runs: the same on every target.

use std::panic;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use chatcore::sim::{Plan, Random, Summary, World};

const USAGE: &str = "usage: simulate [--runs N] [--seed N] [--attack | --renames] [--verbose]";

/// What runs are drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Any but those with renames.
    Any,
    Attack,
    Renames,
}

fn main() -> ExitCode {
    let Arguments { runs, seed: first, kind, is_verbose } = match arguments(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}\n{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    let (next, failures) = (AtomicU64::new(0), AtomicU64::new(0));
    let total = Mutex::new(Summary::default());
    let work = || {
        loop {
            let run = next.fetch_add(1, Ordering::Relaxed);
            if run >= runs {
                return;
            }
            match simulate(first.wrapping_add(run), kind, is_verbose) {
                Some(summary) => *total.lock().expect("nobody panics with it") += summary,
                None => drop(failures.fetch_add(1, Ordering::Relaxed)),
            }
        }
    };
    // This thread works, too: WebAssembly has no other.
    let helpers = thread::available_parallelism().map_or(0, |processors| processors.get() - 1);
    thread::scope(|scope| {
        for _ in 0..helpers {
            scope.spawn(work);
        }
        work();
    });
    let (total, failures) = (total.into_inner().expect("nobody panics with it"), failures.into_inner());
    let counters: Vec<String> = total.counters().map(|(what, count)| format!("{count} {what}")).collect();
    println!(
        "{runs} runs from seed {first}: {failures} with a violation; {}; beside attackers a message took {:?} at the most; \
         trace {:016x}",
        counters.join(", "),
        total.delay,
        total.trace
    );
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One run. None after a violation, which is then told.
fn simulate(seed: u64, kind: Kind, is_verbose: bool) -> Option<Summary> {
    let outcome = panic::catch_unwind(|| {
        let world = match kind {
            Kind::Any => World::draw(seed),
            Kind::Attack => drawn(seed, Plan::draw_attack),
            Kind::Renames => drawn(seed, Plan::draw_renaming),
        };
        let world =
            if is_verbose { world.with_listener(Box::new(|now, note| println!("{now} {note}"))) } else { world };
        world.run()
    });
    match outcome {
        Ok(Ok(summary)) => return Some(summary),
        Ok(Err(violation)) => eprintln!("seed {seed}: {violation}"),
        Err(_) => eprintln!("seed {seed}: a panic, see above"),
    }
    let kind = match kind {
        Kind::Any => "",
        Kind::Attack => " --attack",
        Kind::Renames => " --renames",
    };
    eprintln!(
        "replay: cargo run -p chatcore --features sim --example simulate -- --runs 1 --seed {seed}{kind} --verbose"
    );
    None
}

/// A run with a plan of one kind.
fn drawn(seed: u64, draw: impl Fn(&mut Random) -> Plan) -> World {
    let mut random = Random::new(seed);
    let plan = draw(&mut random);
    World::new(random.draw(), plan)
}

struct Arguments {
    runs: u64,
    /// The first seed.
    seed: u64,
    kind: Kind,
    is_verbose: bool,
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = Arguments { runs: 1_000, seed: 1, kind: Kind::Any, is_verbose: false };
    while let Some(name) = given.next() {
        let place = match name.as_str() {
            "--runs" => &mut arguments.runs,
            "--seed" => &mut arguments.seed,
            "--attack" => {
                arguments.kind = Kind::Attack;
                continue;
            }
            "--renames" => {
                arguments.kind = Kind::Renames;
                continue;
            }
            "--verbose" => {
                arguments.is_verbose = true;
                continue;
            }
            other => return Err(format!("{other} is no argument")),
        };
        let value = given.next().ok_or_else(|| format!("{name} needs a number"))?;
        *place = value.parse().map_err(|_| format!("{name} needs a number, not {value}"))?;
    }
    Ok(arguments)
}
