//! A load generator that drives servers over TCP, each in turn, and tells what they cost.

mod client_pool;
mod figures;
mod measure;
mod message;
mod options;
mod plot;
mod protocol;
mod report;
mod scenario;
mod target;
mod tracker;

use std::fmt;
use std::io::{self, IsTerminal, Write};

use self::measure::measure;
pub(crate) use self::options::Options;
use self::report::{Entry, Report};
use self::scenario::Scenario;
use self::target::Target;
use crate::failure::Result;
use crate::machine;

/// Measures what the options ask for, and prints it.
pub(crate) fn run(options: &Options) -> Result<()> {
    let options = options.clone().complete()?;
    machine::raise_file_limit()?;
    if options.cpus().server == options.cpus().load {
        eprintln!("the load and the servers share a processor: each takes from the other what is measured");
    }
    let targets = targets(&options)?;
    let mut report = Report::new(machine::description()?, options.rounds);
    for (scenario, body_bytes) in plan(&options) {
        let able = |target: &&Target| body_bytes <= target.server.body_bytes_max;
        let mut entries: Vec<Entry<'_>> = targets.iter().filter(able).map(Entry::new).collect();
        for round in 1..=options.rounds {
            for entry in &mut entries {
                let target = entry.target;
                progress(format_args!(
                    "{}, {body_bytes} B, round {round} of {}: {}",
                    scenario.name(),
                    options.rounds,
                    target.name
                ));
                entry.rounds.push(measure(target, scenario, body_bytes, &options)?);
            }
        }
        report.add(scenario, body_bytes, options.describe(scenario, body_bytes), &entries);
    }
    progress(format_args!(""));
    if report.lacks_calls() {
        eprintln!(
            "calls to read and to write were not counted: that needs perf(1), and the right to use its tracepoints"
        );
    }
    if options.json {
        println!("{:#}", report.json());
    } else {
        print!("{report}");
    }
    if let Some(directory) = &options.plot {
        plot::draw(&report, directory)?;
    }
    Ok(())
}

/// The scenarios, each with the sizes of messages that it is measured with.
fn plan(options: &Options) -> Vec<(Scenario, usize)> {
    let sizes = |scenario: Scenario| if scenario.has_sizes() { &options.sizes[..] } else { &options.sizes[..1] };
    options.scenarios.iter().flat_map(|scenario| sizes(*scenario).iter().map(|size| (*scenario, *size))).collect()
}

fn targets(options: &Options) -> Result<Vec<Target>> {
    let mut targets = Vec::new();
    for server in &options.servers {
        match Target::find(server, &options.server_args)? {
            Some(target) => targets.push(target),
            None => eprintln!("{}", server.absence()),
        }
    }
    targets.extend(options.beside.iter().map(|program| Target::build(program, &options.server_args)));
    Ok(targets)
}

/// A line that shows what is going on, in place of the last one; only for people who look.
fn progress(line: fmt::Arguments<'_>) {
    let mut stderr = io::stderr().lock();
    if stderr.is_terminal() {
        // If nobody can be told, nothing is lost.
        let _ = write!(stderr, "\r\x1b[K{line}");
        let _ = stderr.flush();
    }
}
