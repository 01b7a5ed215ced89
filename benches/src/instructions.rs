//! How many instructions the core needs for each message, as valgrind counts them: a figure that is the same in every
//! run, whatever else the machine does, and so can be held against one that was written down.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use chatcore_bench::{BATCH_MESSAGES, Coding, Routing};

use crate::load::Failure;

/// Where the figures are written down.
const WRITTEN_DOWN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.txt");

/// Per cent that a figure may be above the one that is written down.
const ROOM_PERCENT: f64 = 3.0;

/// A case is done so many times, and then twice as many: the difference is free of what it takes to begin.
const TIMES: u32 = 100;

const BODY_BYTES: usize = 64;

/// Counts instructions.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Writes the figures down, instead of comparing them
    #[arg(long)]
    write: bool,
}

/// One that is counted.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    name: &'static str,
    /// Messages of each time.
    messages: usize,
    run: fn(u32),
}

fn cases() -> Vec<Case> {
    fn coding<const NUMBER: usize, const WRITE: bool>(times: u32) {
        let body = [b'x'; BODY_BYTES];
        let (_, mut coding) = Coding::all(&body).into_iter().nth(NUMBER).expect("there are so many");
        for _ in 0..times {
            if WRITE { coding.encode() } else { coding.decode() }
        }
    }
    fn routing(times: u32, mut routing: Routing) {
        for _ in 0..times {
            routing.route_batch();
        }
    }
    let rooms = |name, members, run| Case { name, messages: Routing::batch_messages_in_rooms(members), run };
    let direct = |name, run| Case { name, messages: BATCH_MESSAGES, run };
    let coded = |name, run| Case { name, messages: 1, run };
    vec![
        coded("codec/encode/send", coding::<0, true>),
        coded("codec/decode/send", coding::<0, false>),
        coded("codec/encode/deliver", coding::<1, true>),
        coded("codec/decode/deliver", coding::<1, false>),
        coded("codec/encode/accepted", coding::<2, true>),
        coded("codec/decode/accepted", coding::<2, false>),
        coded("codec/encode/ack", coding::<3, true>),
        coded("codec/decode/ack", coding::<3, false>),
        direct("routing/10_users", |times| routing(times, Routing::direct(10, BODY_BYTES))),
        direct("routing/1_000_users", |times| routing(times, Routing::direct(1_000, BODY_BYTES))),
        direct("routing/10_000_users", |times| routing(times, Routing::direct(10_000, BODY_BYTES))),
        rooms("rooms/1_of_200", 200, |times| routing(times, Routing::in_rooms(1, 200, BODY_BYTES))),
        rooms("rooms/100_of_10", 10, |times| routing(times, Routing::in_rooms(100, 10, BODY_BYTES))),
        rooms("rooms/1_000_of_10", 10, |times| routing(times, Routing::in_rooms(1_000, 10, BODY_BYTES))),
    ]
}

/// Does a case so many times: what is counted.
pub(crate) fn repeat(name: &str, times: u32) -> Result<(), Failure> {
    let case = cases().into_iter().find(|case| case.name == name);
    let case = case.ok_or_else(|| Failure::new(format_args!("there is no case {name}")))?;
    (case.run)(times);
    Ok(())
}

/// Counts every case, and compares it with what is written down.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    if cfg!(debug_assertions) {
        return Err(Failure::new("an unoptimized build is not what is to be counted: use --release"));
    }
    let before = if options.write { BTreeMap::new() } else { written_down(Path::new(WRITTEN_DOWN))? };
    let (mut lines, mut worse) = (Vec::new(), Vec::new());
    println!("instructions for each message, beside what is written down");
    for case in cases() {
        let figure = count(&case)?;
        let was = before.get(case.name);
        let change = was.map_or(0.0, |was| (figure / was - 1.0) * 100.0);
        println!("  {:24} {figure:9.1} {}", case.name, was.map_or("  (new)".into(), |was| format!("{was:9.1} {change:+6.1} %")));
        if change > ROOM_PERCENT || (was.is_none() && !options.write) {
            worse.push(case.name);
        }
        lines.push(format!("{} {figure:.1}\n", case.name));
    }
    if options.write {
        return fs::write(WRITTEN_DOWN, lines.concat()).map_err(Failure::from);
    }
    if worse.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format_args!(
        "more than {ROOM_PERCENT} % above what benches/instructions.txt says, or not in it: {}; if that is worth it, write it \
         down with --write, and say why in the commit",
        worse.join(", ")
    )))
}

/// Lines of a name and a figure.
fn written_down(path: &Path) -> Result<BTreeMap<String, f64>, Failure> {
    let text = fs::read_to_string(path)?;
    let figures = text.lines().map(|line| {
        let (name, figure) = line.split_once(' ')?;
        Some((name.to_owned(), figure.parse().ok()?))
    });
    let wrong = || Failure::new(format_args!("{}: each line is a name and a figure", path.display()));
    figures.collect::<Option<_>>().ok_or_else(wrong)
}

fn count(case: &Case) -> Result<f64, Failure> {
    let (once, twice) = (collected(case, TIMES)?, collected(case, 2 * TIMES)?);
    Ok((twice - once) as f64 / f64::from(TIMES) / case.messages as f64)
}

/// The instructions of a process that does a case so many times.
fn collected(case: &Case, times: u32) -> Result<u64, Failure> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args(["repeat", case.name, &times.to_string()])
        .output()
        .map_err(|error| Failure::new(format_args!("valgrind does not start ({error}): install it")))?;
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    collected.ok_or_else(|| Failure::new(format_args!("valgrind counted nothing for {}:\n{text}", case.name)))
}
