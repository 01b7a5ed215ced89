//! A load generator that drives servers over TCP, each in turn, and tells what they cost.

mod contestant;
mod crowd;
mod dialect;
mod figures;
mod message;
mod options;
mod plot;
mod process;
mod report;
mod work;

use std::fmt;
use std::io::{self, IsTerminal, Write};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use self::contestant::Contestant;
pub(crate) use self::options::Options;
use self::report::{Entry, Report};
use self::work::Work;

/// Why nothing could be measured, for people.
#[derive(Debug)]
pub(crate) struct Failure(String);

pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    pub(crate) fn new(reason: impl fmt::Display) -> Self {
        Self(reason.to_string())
    }

    /// A server said what nobody expected.
    fn said(bytes: &[u8]) -> Self {
        let bytes = &bytes[..bytes.len().min(100)];
        Self(format!("the server said {:?}", String::from_utf8_lossy(bytes)))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(error)
    }
}

/// Measures what the options ask for, and prints it.
pub(crate) fn run(options: &Options) -> Result<()> {
    let options = options.clone().complete()?;
    allow_files()?;
    if options.cpus().server == options.cpus().load {
        eprintln!("the load and the servers share a processor: each takes from the other what is measured");
    }
    let contestants = contestants(&options)?;
    let mut report = Report::new(&options)?;
    for (work, body_bytes) in plan(&options) {
        let able = |contestant: &&Contestant| body_bytes <= contestant.kind.body_bytes_max();
        let mut entries: Vec<Entry<'_>> = contestants.iter().filter(able).map(Entry::new).collect();
        for round in 1..=options.rounds {
            for entry in &mut entries {
                let contestant = entry.contestant;
                progress(format_args!(
                    "{}, {body_bytes} B, round {round} of {}: {}",
                    work.name(),
                    options.rounds,
                    contestant.name
                ));
                entry.rounds.push(work::measure(contestant, work, body_bytes, &options)?);
            }
        }
        report.add(work, body_bytes, work.description(&options, body_bytes), &entries);
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

/// What is done, with messages of which size.
fn plan(options: &Options) -> Vec<(Work, usize)> {
    let sizes = |work: Work| if work.has_sizes() { &options.sizes[..] } else { &options.sizes[..1] };
    options.work.iter().flat_map(|work| sizes(*work).iter().map(|size| (*work, *size))).collect()
}

fn contestants(options: &Options) -> Result<Vec<Contestant>> {
    let mut contestants = Vec::new();
    for kind in &options.servers {
        match Contestant::find(*kind)? {
            Some(contestant) => contestants.push(contestant),
            None => eprintln!("{}", contestant::absence(*kind)),
        }
    }
    contestants.extend(options.beside.iter().map(|program| Contestant::other(program)));
    Ok(contestants)
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

/// Every user is a file here, and another one at the server, which inherits this limit.
fn allow_files() -> Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(io::Error::from)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).map_err(io::Error::from)?;
    Ok(())
}
