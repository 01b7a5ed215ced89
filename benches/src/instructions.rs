//! How many instructions the core needs for each message, as valgrind counts them: a figure that is the same in every
//! run, whatever else the machine does, and so can be held against one that was written down.

use std::collections::BTreeMap;
use std::process::Command;
use std::str::FromStr;
use std::{env, fmt, fs};

use chatcore_bench::{BATCH_MESSAGES, Coding, Routing};

use crate::failure::Failure;

/// Where the figures are written down.
const WRITTEN_DOWN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.txt");

/// Per cent that a figure may be off the one that is written down: above, it got worse; below, it would have room to
/// get worse unseen.
const ROOM_PERCENT: f64 = 3.0;

/// Which of the ways to copy bytes the C library takes depends on the processor, and this makes it the same for all.
const TUNABLES: &str = "glibc.cpu.hwcaps=-AVX2,-AVX512F,-AVX512VL,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM";

/// A case is done this many times, and then twice as many: the difference is free of what it takes to begin.
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
    fn routing(times: u32, routing: Routing) {
        let mut routing = routing.warmed_up();
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
        direct("routing/1_000_users_in_pairs", |times| routing(times, Routing::in_pairs(1_000, BODY_BYTES))),
        direct("routing/1_000_users_1_KiB", |times| routing(times, Routing::direct(1_000, 1024))),
        rooms("rooms/1_of_200", 200, |times| routing(times, Routing::in_rooms(1, 200, BODY_BYTES))),
        rooms("rooms/100_of_10", 10, |times| routing(times, Routing::in_rooms(100, 10, BODY_BYTES))),
        rooms("rooms/1_000_of_10", 10, |times| routing(times, Routing::in_rooms(1_000, 10, BODY_BYTES))),
    ]
}

/// Does a case this many times: what is counted.
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
    let mut now = Figures { compiler: compiler()?, of: BTreeMap::new() };
    let before = if options.write { Figures::default() } else { fs::read_to_string(WRITTEN_DOWN)?.parse()? };
    let mut off = Vec::new();
    println!("instructions for each message, and how many are written down");
    for case in cases() {
        let was = before.of.get(case.name).copied();
        let change_of = |figure: f64| was.map_or(f64::INFINITY, |was| (figure / was - 1.0) * 100.0);
        let mut figure = count(&case)?;
        if was.is_some() && change_of(figure).abs() > ROOM_PERCENT {
            // How a process starts is not the same each time, and seldom tells in the shortest cases.
            figure = count(&case)?;
        }
        let change = change_of(figure);
        let beside = was.map_or(String::new(), |was| format!("{was:9.1} {change:+6.1} %"));
        println!("  {:28} {figure:9.1} {beside}", case.name);
        if change.abs() > ROOM_PERCENT {
            off.push(case.name);
        }
        now.of.insert(case.name.to_owned(), figure);
    }
    if options.write {
        return Ok(fs::write(WRITTEN_DOWN, now.to_string())?);
    }
    if off.is_empty() {
        return Ok(());
    }
    let off = off.join(", ");
    if before.compiler != now.compiler {
        println!(
            "more than {ROOM_PERCENT} % off, but those are of {}, and these of {}: {off}",
            before.compiler, now.compiler
        );
        return Ok(());
    }
    Err(Failure::new(format_args!(
        "more than {ROOM_PERCENT} % off what benches/instructions.txt says, or not in it: {off}; if that is meant, write \
         it down with --write, and say why in the commit"
    )))
}

/// What is written down: the compiler, and then each line a name and a figure.
#[derive(Debug, Default)]
struct Figures {
    compiler: String,
    of: BTreeMap<String, f64>,
}

impl FromStr for Figures {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let (compiler, lines) = text.split_once('\n').unwrap_or_default();
        let figures = lines.lines().map(|line| {
            let (name, figure) = line.split_once(' ')?;
            Some((name.to_owned(), figure.parse().ok()?))
        });
        let wrong = || Failure::new(format_args!("{WRITTEN_DOWN}: after the first, each line is a name and a figure"));
        Ok(Self { compiler: compiler.to_owned(), of: figures.collect::<Option<_>>().ok_or_else(wrong)? })
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.compiler)?;
        self.of.iter().try_for_each(|(name, figure)| writeln!(f, "{name} {figure:.1}"))
    }
}

/// Which compiler this is: another one makes other instructions.
fn compiler() -> Result<String, Failure> {
    let output = Command::new("rustc").arg("--version").output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn count(case: &Case) -> Result<f64, Failure> {
    let (once, twice) = (collected(case, TIMES)?, collected(case, 2 * TIMES)?);
    Ok((twice - once) as f64 / f64::from(TIMES) / case.messages as f64)
}

/// The instructions of a process that does a case this many times.
fn collected(case: &Case, times: u32) -> Result<u64, Failure> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .env("GLIBC_TUNABLES", TUNABLES)
        .args(["repeat", case.name, &times.to_string()])
        .output()
        .map_err(|error| Failure::new(format_args!("valgrind does not start ({error}): install it")))?;
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    collected.ok_or_else(|| Failure::new(format_args!("valgrind counted nothing for {}:\n{text}", case.name)))
}
