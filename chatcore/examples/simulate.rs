//! Runs the simulator as often as wanted, on all processors:
//! `cargo run --release -p chatcore --features sim --example simulate -- --runs 100000 [--seed N]`.
//!
//! The runs have the seeds from N on (1 without one). Each that breaks a promise is shown with the command that replays
//! it alone, telling all that happens.

use std::panic;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use chatcore::sim::{self, Summary};

const USAGE: &str = "usage: simulate [--runs N] [--seed N] [--verbose]";

fn main() -> ExitCode {
    let Arguments { runs, seed: first, is_verbose } = match arguments(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}\n{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    let (next, failures) = (AtomicU64::new(0), AtomicU64::new(0));
    let total = Mutex::new(Summary::default());
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let run = next.fetch_add(1, Ordering::Relaxed);
                    if run >= runs {
                        return;
                    }
                    match simulate(first.wrapping_add(run), is_verbose) {
                        Some(summary) => add(&mut total.lock().expect("nobody panics with it"), summary),
                        None => drop(failures.fetch_add(1, Ordering::Relaxed)),
                    }
                }
            });
        }
    });
    let (Summary { steps, sent, seen, lives, resumptions, omissions, pauses, attackers, delay, .. }, failures) =
        (total.into_inner().expect("nobody panics with it"), failures.into_inner());
    println!(
        "{runs} runs from seed {first}: {failures} broke a promise; {steps} steps, {sent} messages sent, {seen} seen, \
         {lives} processes, {resumptions} resumptions, {omissions} omissions, {pauses} pauses, {attackers} attackers \
         beside whom a message took {delay:?} at the most"
    );
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One run; none if it broke a promise, which is then told.
fn simulate(seed: u64, is_verbose: bool) -> Option<Summary> {
    let outcome = panic::catch_unwind(|| {
        if is_verbose { sim::replay(seed, Box::new(|now, note| println!("{now} {note}"))) } else { sim::run(seed) }
    });
    match outcome {
        Ok(Ok(summary)) => return Some(summary),
        Ok(Err(broken)) => eprintln!("seed {seed}: {broken}"),
        Err(_) => eprintln!("seed {seed}: a panic, see above"),
    }
    eprintln!("replay: cargo run -p chatcore --features sim --example simulate -- --runs 1 --seed {seed} --verbose");
    None
}

fn add(total: &mut Summary, run: Summary) {
    total.steps += run.steps;
    total.sent += run.sent;
    total.seen += run.seen;
    total.lives += run.lives;
    total.resumptions += run.resumptions;
    total.omissions += run.omissions;
    total.pauses += run.pauses;
    total.attackers += run.attackers;
    total.delay = total.delay.max(run.delay);
}

struct Arguments {
    runs: u64,
    /// The first seed.
    seed: u64,
    is_verbose: bool,
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = Arguments { runs: 1_000, seed: 1, is_verbose: false };
    while let Some(name) = given.next() {
        let place = match name.as_str() {
            "--runs" => &mut arguments.runs,
            "--seed" => &mut arguments.seed,
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
