//! The command line.

use std::env;
use std::ffi::OsStr;
use std::io::{IsTerminal, stdin, stdout};
use std::path::PathBuf;
use std::time::Duration;

use clap::{CommandFactory, FromArgMatches, Parser};

use crate::FollowedHost;
use crate::program::full::Screen;
use crate::program::password::PasswordArgs;

/// What [`Args::connect`] takes.
const CONNECT_HELP: &str = "The server: HOST:PORT over TCP, tls://HOST:PORT, ws://HOST/PATH, wss://HOST/PATH, or \
                            unix:///PATH [default: 127.0.0.1:12345]";

/// Where a server of this machine listens if nobody tells it otherwise.
const CONNECT_DEFAULT: &str = "127.0.0.1:12345";

/// Seconds that a flag takes, at the most: 31 years. Clocks do not reach much further.
const SECONDS_MAX: f64 = 1e9;

/// A chat client.
///
/// At a terminal it is for people. Otherwise it is a filter for scripts: one command a line on standard input,
/// one event a line on standard output.
#[derive(Debug, Parser)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[command(version, about, max_term_width = 100, after_help = crate::program::command::help::all())]
pub(crate) struct Args {
    /// A server of the configuration file, by its name there; without it and without --connect, the one that is
    /// `default` there.
    #[arg(value_name = "SERVER")]
    pub(crate) server: Option<String>,

    /// The configuration file, in TOML: by default chatcore/client.toml in the platform's folder for configurations.
    #[arg(long, value_name = "FILE", env = "CHATCORE_CLIENT_CONFIG")]
    pub(crate) config: Option<PathBuf>,

    /// The address.
    #[arg(long, help = CONNECT_HELP, value_name = "ADDRESS", env = "CHATCORE_CONNECT")]
    pub(crate) connect: Option<String>,

    /// Trust the authorities whose certificates the file holds, in PEM, in place of those of the system. A server's own
    /// certificate will do if it vouches for itself.
    #[arg(long, value_name = "FILE", env = "CHATCORE_CA")]
    pub(crate) ca: Option<PathBuf>,

    /// The certificate to show to a server that asks for one, in PEM; with --key.
    #[arg(long, value_name = "FILE", env = "CHATCORE_CERT", requires = "key")]
    pub(crate) cert: Option<PathBuf>,

    /// The key of --cert, in PEM.
    #[arg(long, value_name = "FILE", env = "CHATCORE_KEY", requires = "cert")]
    pub(crate) key: Option<PathBuf>,

    /// The name to register; a terminal asks for a missing one.
    #[arg(long, value_name = "NAME", env = "CHATCORE_NAME")]
    pub(crate) name: Option<String>,

    #[command(flatten)]
    pub(crate) password: PasswordArgs,

    /// At a terminal, write line by line, and leave the screen as it is: for a screen reader, and for a terminal that
    /// can do nothing else, where it is the default.
    #[arg(long)]
    pub(crate) plain: bool,

    /// Write each event as a JSON object, and never prompt.
    #[arg(long)]
    pub(crate) json: bool,

    /// Seconds to wait at the end of the input until all that was sent is accepted or rejected.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) linger: Duration,

    /// Exit with 3 if a command came to nothing, such as a message that was rejected, and with 4 if a message is not
    /// known to have arrived.
    #[arg(long)]
    pub(crate) exit_status: bool,

    /// Go on receiving at the end of the input, until SIGTERM or SIGINT comes; and with --reconnect-for until the
    /// server has stopped for that long. A terminal does without.
    #[arg(long)]
    pub(crate) stay: bool,

    /// Seconds to try to get a lost connection back; 0 gives up at once. Without it there is no end to trying.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) reconnect_for: Option<Duration>,

    /// Seconds between two attempts to get a lost connection back, at the most.
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) reconnect_wait_max: Duration,

    /// The folder that keeps the session, so that a client that was killed is its old self when it is started again:
    /// by default in the platform's state directory. What lies there is a secret, so the folder becomes yours alone
    /// (mode 0700).
    #[arg(long, value_name = "DIR", env = "CHATCORE_STATE_DIR")]
    pub(crate) state_dir: Option<PathBuf>,

    /// A host that the server may send this client to, as if it were the server itself; may be given several times.
    /// Without it, the server's advice leads to the same server alone.
    #[arg(long, value_name = "HOST[:PORT]", env = "CHATCORE_FOLLOW", value_delimiter = ',')]
    pub(crate) follow: Vec<FollowedHost>,

    /// Neither keep the session nor look for an older one, whatever the folder.
    #[arg(long)]
    pub(crate) no_state: bool,

    /// Seconds to wait until the server has answered for the first time: for the connection, the look-up of its address
    /// and TLS included, and for the answer to the name. Without it, 10; or 35 for the answer where there is a
    /// password, which the server checks when it has time, and then for each attempt to connect again, too.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) connect_timeout: Option<Duration>,

    /// The rooms to join at the start. This and what follows comes from the configuration alone.
    #[arg(skip)]
    pub(crate) rooms: Vec<String>,

    /// Whether what was said is kept.
    #[arg(skip)]
    pub(crate) history: bool,

    /// How the full screen looks, and its keys: the table `[screen]` of a file.
    #[arg(skip)]
    pub(crate) screen: Screen,
}

impl Args {
    /// What the program was started with. A variable that is empty counts as none.
    pub(crate) fn of_process() -> Self {
        let is_empty = |name: &OsStr| env::var_os(name).is_some_and(|value| value.is_empty());
        let command = Self::command()
            .mut_args(|arg| if arg.get_env().is_some_and(is_empty) { arg.env(None::<&'static str>) } else { arg });
        Self::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
    }

    /// The address of the server.
    pub(crate) fn address(&self) -> &str {
        self.connect.as_deref().unwrap_or(CONNECT_DEFAULT)
    }

    /// Somebody sits there.
    pub(crate) fn is_interactive(&self) -> bool {
        !self.json && stdin().is_terminal() && stdout().is_terminal()
    }

    /// Whether the terminal is for lines alone.
    pub(crate) fn is_plain(&self) -> bool {
        self.plain || env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb")
    }
}

/// Seconds, also parts of one.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.0..=SECONDS_MAX).contains(seconds));
    let seconds = seconds.ok_or_else(|| format!("give a number of seconds up to {SECONDS_MAX}, such as 10 or 0.5"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
