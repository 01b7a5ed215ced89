//! The command `conformance`: plays the dialogues with a server or a client of anybody's.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{self, Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chatcore_bench::conformance::{DIALOGUES, Dialogue, Role, SocketPeer, parse, play, waits_ms};
use clap::Args;

use crate::failure::{Failure, Result};
use crate::program;

/// Plays the dialogues of the protocol with a server or a client, and tells which of them fail: without options with
/// chatcore-server and chatcore-client.
///
/// A server must have the limits that chatcore-server has without a configuration, and no credentials. A client is started
/// once for each dialogue; it must connect and register by itself, and do what the lines on its standard input say:
/// `@bob:hello`, `#room:hello`, `/join #room`, `/leave #room`, `/roster #room`, `/watch bob`, `/unwatch bob`, `/who` and
/// `/quit`. Exits with 1 if a dialogue fails. What a dialogue says stands in benches/dialogues.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Where the server listens that is to be tested
    #[arg(long, value_name = "ADDRESS:PORT")]
    server: Option<SocketAddr>,

    /// A command of the shell that starts the client to be tested; {address} in it is where to connect
    #[arg(long, value_name = "COMMAND", conflicts_with = "server")]
    client: Option<String>,

    /// Only the dialogues that are about these rules of protocol.md
    #[arg(long, value_delimiter = ',', value_name = "RULE")]
    only: Vec<String>,

    /// Leaves out dialogues in which more time passes than this
    #[arg(long, value_name = "SECONDS", default_value = "10")]
    wait_max: f64,

    /// How long an answer may take
    #[arg(long, value_name = "SECONDS", default_value = "5")]
    patience: f64,

    /// Lists the dialogues, and plays none
    #[arg(long)]
    list: bool,
}

/// What is tested.
enum Target {
    Server(SocketAddr),
    /// A command of the shell.
    Client(String),
}

impl Target {
    const fn role(&self) -> Role {
        match self {
            Self::Server(_) => Role::Hub,
            Self::Client(_) => Role::Client,
        }
    }

    fn peer(&self, patience: Duration) -> Result<SocketPeer> {
        match self {
            Self::Server(address) => Ok(SocketPeer::server(*address, patience)),
            Self::Client(command) => SocketPeer::start_client(command, patience).map_err(Failure::new),
        }
    }
}

/// Plays what the options say.
pub(crate) fn run(options: &Options) -> Result<()> {
    let chosen = chosen(&options.only)?;
    if options.list {
        for (_, file, dialogue) in &chosen {
            println!("{file}: {}: {}", dialogue.rules.join(" "), dialogue.title);
        }
        return Ok(());
    }
    let own;
    let targets = match (options.server, &options.client) {
        (Some(address), _) => vec![Target::Server(address)],
        (None, Some(command)) => vec![Target::Client(command.clone())],
        (None, None) => {
            own = OwnServer::start()?;
            let client = program::build("chatcore-client")?;
            let options = "--connect {address} --name alice --no-state --json";
            vec![Target::Server(own.address), Target::Client(format!("'{}' {options}", client.display()))]
        }
    };
    let failed = targets.iter().map(|target| play_all(target, &chosen, options)).sum::<Result<usize>>()?;
    if failed > 0 { Err(Failure::new(format_args!("{failed} dialogues failed"))) } else { Ok(()) }
}

type Chosen = (Role, &'static str, Dialogue);

/// The dialogues that are about these rules; all, if there are none.
fn chosen(rules: &[String]) -> Result<Vec<Chosen>> {
    let mut chosen = Vec::new();
    for (role, file, text) in DIALOGUES {
        let dialogues = parse(text).map_err(|error| Failure::new(format_args!("{file}: {error}")))?;
        chosen.extend(dialogues.into_iter().map(|dialogue| (*role, *file, dialogue)));
    }
    let is_about = |dialogue: &Dialogue, rule: &String| dialogue.rules.contains(rule);
    if let Some(rule) = rules.iter().find(|rule| !chosen.iter().any(|(.., dialogue)| is_about(dialogue, rule))) {
        return Err(Failure::new(format_args!("no dialogue is about {rule:?}: --list names the rules")));
    }
    chosen.retain(|(.., dialogue)| rules.is_empty() || rules.iter().any(|rule| is_about(dialogue, rule)));
    Ok(chosen)
}

/// Plays those that are for this target, and returns how many failed.
fn play_all(target: &Target, chosen: &[Chosen], options: &Options) -> Result<usize> {
    let seconds = |seconds| Duration::try_from_secs_f64(seconds).map_err(Failure::new);
    let (patience, wait_max) = (seconds(options.patience)?, seconds(options.wait_max)?);
    if patience.is_zero() {
        return Err(Failure::new("--patience is 0: every answer takes some time"));
    }
    let run = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() % 100_000;
    let (mut passed, mut failed, mut left_out) = (0, 0, 0);
    let chosen: Vec<&Chosen> = chosen.iter().filter(|(role, ..)| *role == target.role()).collect();
    if chosen.is_empty() {
        return Ok(0);
    }
    for (index, (role, file, dialogue)) in chosen.into_iter().enumerate() {
        if Duration::from_millis(waits_ms(dialogue)) > wait_max {
            left_out += 1;
            continue;
        }
        let unique = format!("-{}-{run}-{index}", process::id() % 1_000);
        match play(dialogue, *role, &mut target.peer(patience)?, &unique) {
            Ok(_) => passed += 1,
            Err(failure) => {
                failed += 1;
                println!("FAIL {file}, {failure} ({})", dialogue.title);
            }
        }
    }
    let of = match target {
        Target::Server(address) => address.to_string(),
        Target::Client(command) => command.clone(),
    };
    let left_out = match left_out {
        0 => String::new(),
        some => format!(", {some} left out that take longer than {} s (--wait-max)", options.wait_max),
    };
    println!("{of}: {passed} of {} dialogues passed{left_out}", passed + failed);
    Ok(failed)
}

/// chatcore-server, without a configuration. It is stopped when this is dropped.
struct OwnServer {
    child: Child,
    address: SocketAddr,
}

impl OwnServer {
    fn start() -> Result<Self> {
        let mut command = Command::new(program::build_server()?);
        command.args(["--listen", "127.0.0.1:0"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut line)?;
        let address = line.split_whitespace().last().and_then(|word| word.parse().ok());
        let address = address.ok_or_else(|| Failure::new(format_args!("chatcore-server says {line:?}")))?;
        Ok(Self { child, address })
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
