//! The servers: what they are called, how they are started, and how they end.

use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::options::Cpus;
use super::{Failure, Result, process};

/// How long a server may take until it listens.
const START_TIME_MAX: Duration = Duration::from_secs(10);

/// Which server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// The bare forwarder of this program.
    Floor,
    /// chatcore-server.
    Chatcore,
    /// nats-server.
    Nats,
    /// redis-server, its publish and subscribe.
    Redis,
    /// ngircd.
    Ngircd,
    /// inspircd.
    Inspircd,
}

/// A server that is installed.
#[derive(Clone, Debug)]
pub(crate) struct Contestant {
    pub(crate) kind: Kind,
    program: PathBuf,
    /// What it is called in tables.
    pub(crate) name: String,
}

/// A server that runs. It is killed when this is dropped.
pub(crate) struct Running {
    pub(crate) kind: Kind,
    child: Child,
    pub(crate) address: SocketAddr,
    /// Its configuration and what else it writes.
    _directory: TempDir,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] =
        [Self::Floor, Self::Chatcore, Self::Nats, Self::Redis, Self::Ngircd, Self::Inspircd];

    const fn program(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Chatcore => "chatcore-server",
            Self::Nats => "nats-server",
            Self::Redis => "redis-server",
            Self::Ngircd => "ngircd",
            Self::Inspircd => "inspircd",
        }
    }

    /// Users that may be on their way in at a time.
    pub(crate) const fn opening_max(self) -> usize {
        match self {
            // It lets ten wait for it; more would have to knock again a second later.
            Self::Ngircd => 8,
            // It completes registrations once a second.
            Self::Inspircd => 2000,
            _ => 64,
        }
    }

    /// Bytes of a message that it carries at the most, if that is fewer than all bodies that can be asked for.
    pub(crate) const fn body_bytes_max(self) -> usize {
        match self {
            // A line has 512 bytes with everything (RFC 2812, section 2.3).
            Self::Ngircd | Self::Inspircd => 400,
            _ => usize::MAX,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.program())
    }
}

impl Contestant {
    /// The server of this kind; none if it is not installed. Ours is built first.
    pub(crate) fn find(kind: Kind) -> Result<Option<Self>> {
        let program = match kind {
            Kind::Floor => Some(env::current_exe()?),
            Kind::Chatcore => Some(build()?),
            _ => search(kind.program()),
        };
        Ok(program.map(|program| Self::at(kind, program)))
    }

    /// A build of our server that somebody names.
    pub(crate) fn other(program: &Path) -> Self {
        let mut other = Self::at(Kind::Chatcore, program.to_path_buf());
        other.name = program.display().to_string();
        other
    }

    fn at(kind: Kind, program: PathBuf) -> Self {
        let name = match kind {
            Kind::Floor => "floor".to_owned(),
            _ => format!("{kind} {}", version(&program)),
        };
        Self { kind, program, name }
    }

    #[expect(clippy::disallowed_methods, reason = "that another program listens is no event that one can wait for")]
    /// Starts it on a processor of its own, if there is one, and waits until it listens.
    pub(crate) fn start(&self, users: usize, cpus: Cpus) -> Result<Running> {
        let directory = tempfile::tempdir()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let mut command = Command::new(&self.program);
        configure(&mut command, self.kind, address, users, directory.path())?;
        // A process inherits where it may run.
        process::pin(cpus.server)?;
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        process::pin(cpus.load)?;
        let child =
            child.map_err(|error| Failure::new(format_args!("{} does not start: {error}", self.program.display())))?;
        let mut running = Running { kind: self.kind, child, address, _directory: directory };
        let deadline = Instant::now() + START_TIME_MAX;
        while TcpStream::connect(address).is_err() {
            if let Some(status) = running.child.try_wait()? {
                return Err(Failure::new(format_args!("{} has ended at its start: {status}", self.name)));
            }
            if Instant::now() > deadline {
                return Err(Failure::new(format_args!("{} does not listen on {address}", self.name)));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(running)
    }
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It fails if the process has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tells a server where to listen, and takes off what would hold it back: throttles, logs, limits on connections.
fn configure(command: &mut Command, kind: Kind, address: SocketAddr, users: usize, directory: &Path) -> Result<()> {
    let (listen, port) = (address.to_string(), address.port().to_string());
    let most = (2 * users + 1000).to_string();
    match kind {
        Kind::Floor => {
            command.args(["floor", "--listen", &listen]);
        }
        Kind::Chatcore => {
            // All users come from one address.
            command.args(["--listen", &listen, "--log", "warn", "--parked-of-origin-max", &most]);
        }
        Kind::Nats => {
            command.args(["--addr", "127.0.0.1", "--port", &port, "--log"]).arg(directory.join("log"));
        }
        Kind::Redis => {
            command
                .args(["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"])
                .args(["--maxclients", &most, "--client-output-buffer-limit", "pubsub 0 0 0", "--logfile", ""])
                .arg("--dir")
                .arg(directory);
        }
        Kind::Ngircd => {
            let config = format!(
                "[Global]\nName = irc.bench.test\nInfo = bench\nListen = 127.0.0.1\nPorts = {port}\n\
                 MotdPhrase = bench\n\
                 [Limits]\nMaxConnections = 0\nMaxConnectionsIP = 0\nMaxJoins = 0\nMaxNickLength = 30\n\
                 MaxPenaltyTime = 0\nPingTimeout = 600\n\
                 [Options]\nDNS = no\nIdent = no\nPAM = no\nSyslogFacility = local1\n",
            );
            let file = directory.join("ngircd.conf");
            fs::write(&file, config)?;
            command.arg("--nodaemon").arg("--config").arg(file);
        }
        Kind::Inspircd => {
            let config = format!(
                "<server name=\"irc.bench.test\" description=\"bench\" network=\"bench\">\n\
                 <admin name=\"bench\" nick=\"bench\" email=\"bench@localhost\">\n\
                 <bind address=\"127.0.0.1\" port=\"{port}\" type=\"clients\">\n\
                 <connect allow=\"*\" timeout=\"60\" pingfreq=\"600\" threshold=\"1000000\" \
                 commandrate=\"1000000000\" fakelag=\"no\" hardsendq=\"64M\" softsendq=\"32M\" recvq=\"1M\" \
                 localmax=\"{most}\" globalmax=\"{most}\" limit=\"{most}\" maxconnwarn=\"no\" \
                 resolvehostnames=\"no\" useconnectban=\"no\">\n\
                 <performance softlimit=\"{most}\" somaxconn=\"4096\">\n\
                 <log method=\"file\" type=\"* -USERINPUT -USEROUTPUT\" level=\"sparse\" target=\"{log}\">\n\
                 <pid file=\"{pid}\">\n",
                log = directory.join("log").display(),
                pid = directory.join("pid").display(),
            );
            let file = directory.join("inspircd.conf");
            fs::write(&file, config)?;
            command.arg("--nofork").arg("--runasroot").arg("--config").arg(file);
        }
    }
    Ok(())
}

/// A port that nobody listens on. Another program may take it before it is used; then the start fails.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Builds our server as this program was built, and tells where it is.
fn build() -> Result<PathBuf> {
    let program = env::current_exe()?.with_file_name("chatcore-server");
    // Set by `cargo run`. Without it, what was built before is taken.
    if let Some(cargo) = env::var_os("CARGO") {
        let mut command = Command::new(cargo);
        command.args(["build", "--quiet", "--package", "chatcore-server", "--bin", "chatcore-server"]);
        command.arg("--manifest-path").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml"));
        if !cfg!(debug_assertions) {
            command.arg("--release");
        }
        if !command.status()?.success() {
            return Err(Failure::new("chatcore-server cannot be built"));
        }
    }
    if !program.exists() {
        return Err(Failure::new(format_args!("{} is not there: build it first", program.display())));
    }
    Ok(program)
}

/// Where a program is. Servers are often where only administrators look.
fn search(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let directories = env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    directories.map(|directory| directory.join(program)).find(|file| file.is_file())
}

/// What a program says that its version is: the first number with dots.
fn version(program: &Path) -> String {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let words = text.split(|c: char| !(c.is_ascii_digit() || c == '.'));
    words.map(|word| word.trim_matches('.')).find(|word| word.contains('.')).unwrap_or_default().to_owned()
}

/// What to say of a server that is not there.
pub(crate) fn absence(kind: Kind) -> impl fmt::Display {
    let package = OsStr::new(kind.program()).to_string_lossy().into_owned();
    std::fmt::from_fn(move |f| write!(f, "{package} is not installed, so it is skipped (apt-get install {package})"))
}
