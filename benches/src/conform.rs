//! The command `conformance`: plays the dialogues with a server or a client of anybody's.

use std::fmt::{self, Write as _};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chatcore_bench::conformance::{Config, DIALOGUES, Dialogue, Role, SocketPeer, parse, parse_config, play, waits_ms};
use clap::Args;

use crate::failure::{Failure, Result};
use crate::program;

/// Plays the dialogues of the protocol with a server or a client, and tells which of them fail: without options with
/// chatcore-server and chatcore-client.
///
/// A server must have the limits that chatcore-server has without a configuration, and no credentials. Some dialogues
/// need others: `--list` shows them, and `--config` says that the server has them. A client is started once for each
/// dialogue; it must connect and register by itself, and do what the lines on its standard input say: `@bob:hello`,
/// `#room:hello`, `/join #room`, `/leave #room`, `/roster #room`, `/watch bob`, `/unwatch bob`, `/who` and `/quit`.
/// Exits with 1 if a dialogue fails. What a dialogue says stands in benches/dialogues.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Where the server listens that is to be tested
    #[arg(long, value_name = "ADDRESS:PORT")]
    server: Option<SocketAddr>,

    /// A command of the shell that makes a connection to that server, of its standard input and output; {address} in it
    /// is where to connect. It is started for each connection
    #[arg(long, value_name = "COMMAND", requires = "server")]
    through: Option<String>,

    /// A command of the shell that starts the client to be tested; {address} in it is where to connect
    #[arg(long, value_name = "COMMAND", conflicts_with = "server")]
    client: Option<String>,

    /// How the server or the client is configured, as --list shows it: plays the dialogues that need just that
    #[arg(long, value_parser = parse_config, value_name = "SETTINGS")]
    config: Option<Config>,

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
    /// Somebody's server, and how it is configured.
    Server(SocketAddr, Config),
    /// A command of the shell that connects to a server, and how that is configured.
    Through(String, Config),
    /// A command of the shell, and how the client that it starts is configured.
    Client(String, Config),
    /// chatcore-server without a configuration; for a dialogue that needs one, its program is started once more.
    Own { program: PathBuf, server: OwnServer },
}

/// The other end of one dialogue.
struct Opponent {
    peer: SocketPeer,
    /// It was started for this dialogue alone.
    _server: Option<OwnServer>,
}

impl Target {
    const fn role(&self) -> Role {
        match self {
            Self::Server(..) | Self::Through(..) | Self::Own { .. } => Role::Hub,
            Self::Client(..) => Role::Client,
        }
    }

    /// The other end with this configuration; none if it cannot be had.
    fn opponent(&self, needed: &Config, patience: Duration) -> Result<Option<Opponent>> {
        let (peer, server) = match self {
            Self::Server(_, config) | Self::Through(_, config) | Self::Client(_, config) if config != needed => {
                return Ok(None);
            }
            Self::Server(address, _) => (SocketPeer::server(*address, patience), None),
            Self::Through(command, _) => (SocketPeer::server_through(command, patience), None),
            Self::Client(command, _) => (SocketPeer::start_client(command, patience).map_err(Failure::new)?, None),
            Self::Own { server, .. } if needed.is_default() => (SocketPeer::server(server.address, patience), None),
            Self::Own { program, .. } => {
                let Some(args) = needed.server_args() else { return Ok(None) };
                let server = OwnServer::start(program, &args)?;
                (SocketPeer::server(server.address, patience), Some(server))
            }
        };
        Ok(Some(Opponent { peer, _server: server }))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(address, _) => write!(f, "{address}"),
            Self::Through(command, _) | Self::Client(command, _) => f.write_str(command),
            Self::Own { .. } => f.write_str("chatcore-server"),
        }
    }
}

/// Plays what the options say.
pub(crate) fn run(options: &Options) -> Result<()> {
    let chosen = chosen(&options.only)?;
    if options.list {
        for (_, file, dialogue) in &chosen {
            let config =
                if dialogue.config.is_default() { String::new() } else { format!(" (config {})", dialogue.config) };
            println!("{file}: {}: {}{config}", dialogue.rules.join(" "), dialogue.title);
        }
        return Ok(());
    }
    let config = options.config.clone().unwrap_or_default();
    let targets = match (options.server, &options.client) {
        (Some(address), _) => vec![match &options.through {
            Some(command) => Target::Through(command.replace("{address}", &address.to_string()), config),
            None => Target::Server(address, config),
        }],
        (None, Some(command)) => vec![Target::Client(command.clone(), config)],
        (None, None) if options.config.is_some() => {
            return Err(Failure::new(
                "--config is for --server or --client: our own programs are configured as it takes",
            ));
        }
        (None, None) => {
            let (program, client) = (program::build_server()?, program::build("chatcore-client")?);
            let options = "--connect {address} --name alice --no-state --json";
            let client = format!("'{}' {options}", client.display());
            let server = OwnServer::start(&program, &[])?;
            vec![Target::Own { program, server }, Target::Client(client, Config::default())]
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
    let (mut passed, mut failed, mut too_long, mut not_configured) = (0, 0, 0, 0);
    let chosen: Vec<&Chosen> = chosen.iter().filter(|(role, ..)| *role == target.role()).collect();
    if chosen.is_empty() {
        return Ok(0);
    }
    for (index, (role, file, dialogue)) in chosen.into_iter().enumerate() {
        if Duration::from_millis(waits_ms(dialogue)) > wait_max {
            too_long += 1;
            continue;
        }
        let Some(mut opponent) = target.opponent(&dialogue.config, patience)? else {
            not_configured += 1;
            continue;
        };
        let unique = format!("-{}-{run}-{index}", process::id() % 1_000);
        match play(dialogue, *role, &mut opponent.peer, &unique) {
            Ok(_) => passed += 1,
            Err(failure) => {
                failed += 1;
                println!("FAIL {file}, {failure} ({})", dialogue.title);
            }
        }
    }
    let mut line = format!("{target}: {passed} of {} dialogues passed", passed + failed);
    if too_long > 0 {
        let _ = write!(line, ", {too_long} left out that take longer than {} s (--wait-max)", options.wait_max);
    }
    if not_configured > 0 {
        let _ = write!(line, ", {not_configured} left out that need another configuration (--list, --config)");
    }
    println!("{line}");
    Ok(failed)
}

/// chatcore-server. It is stopped when this is dropped.
struct OwnServer {
    child: Child,
    address: SocketAddr,
}

impl OwnServer {
    fn start(program: &Path, args: &[String]) -> Result<Self> {
        let mut command = Command::new(program);
        command
            .args(["--listen", "127.0.0.1:0"])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
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
