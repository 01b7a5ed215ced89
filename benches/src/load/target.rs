//! The servers that are measured: one description each, which is all that the load generator knows of a server.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use tempfile::TempDir;

use super::protocol::ProtocolName;
use crate::failure::Result;
use crate::machine::Cpus;
use crate::process::{Process, free_address};
use crate::program;

/// A kind of server.
#[derive(Debug)]
pub(crate) struct Server {
    /// Its name on the command line.
    name: &'static str,
    /// What `--help` says of it.
    help: &'static str,
    /// Its program, and the name of the package that has it.
    program: &'static str,
    pub(crate) role: Role,
    pub(crate) protocol: ProtocolName,
    /// Clients that may be connecting at a time.
    pub(crate) connecting_max: usize,
    /// Longest body of a message in bytes, if that is less than the load generator can send.
    pub(crate) body_bytes_max: usize,
    /// Tells it where to listen, and takes off what would hold it back: throttles, logs, limits on connections.
    configure: fn(&mut Command, &Settings<'_>) -> Result<()>,
}

/// Why a server is measured, which is also where its program comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The others are compared with it. It is part of this program.
    Floor,
    /// It is chatcore's. It is built first.
    Ours,
    /// It is another's. It is measured where it is installed.
    Other,
}

/// What a server is to be configured for.
struct Settings<'a> {
    address: SocketAddr,
    /// Connections at a time at the most, with room to spare.
    connections_max: usize,
    /// A directory of the server's own.
    directory: &'a Path,
}

/// A server at hand.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) server: &'static Server,
    /// Its name in tables.
    pub(crate) name: String,
    program: PathBuf,
    /// Arguments that follow those of its configuration.
    args: Vec<OsString>,
}

/// A target that runs. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) process: Process,
    /// The server's configuration, and what it writes. The process ends first.
    _directory: TempDir,
}

/// Clients that may be connecting at a time, unless a server needs another number.
const CONNECTING_MAX: usize = 64;

/// Longest body that an IRC server carries: a line has 512 bytes with everything (RFC 2812, section 2.3).
const IRC_BODY_BYTES_MAX: usize = 400;

static FLOOR: Server = Server {
    name: "floor",
    help: "The bare forwarder of this program",
    program: "floor",
    role: Role::Floor,
    protocol: ProtocolName::Floor,
    connecting_max: CONNECTING_MAX,
    body_bytes_max: usize::MAX,
    configure: |command, settings| {
        command.args(["floor", "--listen", &settings.address.to_string()]);
        Ok(())
    },
};

static CHATCORE: Server = Server {
    name: "chatcore",
    help: "chatcore-server",
    program: "chatcore-server",
    role: Role::Ours,
    protocol: ProtocolName::Chatcore,
    connecting_max: CONNECTING_MAX,
    body_bytes_max: usize::MAX,
    configure: |command, settings| {
        let most = settings.connections_max.to_string();
        command.args(["--listen", &settings.address.to_string(), "--log", "warn"]);
        // All users come from one address, and no other server here bounds what they may say.
        command.args(["--detached-of-origin-max", &most, "--session-cost-per-s", "0", "--origin-cost-per-s", "0"]);
        Ok(())
    },
};

static NATS: Server = Server {
    name: "nats",
    help: "nats-server",
    program: "nats-server",
    role: Role::Other,
    protocol: ProtocolName::Nats,
    connecting_max: CONNECTING_MAX,
    body_bytes_max: usize::MAX,
    configure: |command, settings| {
        let port = settings.address.port().to_string();
        command.args(["--addr", "127.0.0.1", "--port", &port, "--log"]).arg(settings.directory.join("log"));
        Ok(())
    },
};

static REDIS: Server = Server {
    name: "redis",
    help: "redis-server, its publish and subscribe",
    program: "redis-server",
    role: Role::Other,
    protocol: ProtocolName::Redis,
    connecting_max: CONNECTING_MAX,
    body_bytes_max: usize::MAX,
    configure: |command, settings| {
        let (port, most) = (settings.address.port().to_string(), settings.connections_max.to_string());
        command
            .args(["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"])
            .args(["--maxclients", &most, "--client-output-buffer-limit", "pubsub 0 0 0", "--logfile", ""])
            .arg("--dir")
            .arg(settings.directory);
        Ok(())
    },
};

static NGIRCD: Server = Server {
    name: "ngircd",
    help: "ngircd",
    program: "ngircd",
    role: Role::Other,
    protocol: ProtocolName::Irc,
    // It lets ten wait for it. One more has to knock again a second later.
    connecting_max: 8,
    body_bytes_max: IRC_BODY_BYTES_MAX,
    configure: |command, settings| {
        let config = format!(
            "[Global]\nName = irc.bench.test\nInfo = bench\nListen = 127.0.0.1\nPorts = {port}\n\
             MotdPhrase = bench\n\
             [Limits]\nMaxConnections = 0\nMaxConnectionsIP = 0\nMaxJoins = 0\nMaxNickLength = 30\n\
             MaxPenaltyTime = 0\nPingTimeout = 600\n\
             [Options]\nDNS = no\nIdent = no\nPAM = no\nSyslogFacility = local1\n",
            port = settings.address.port(),
        );
        let file = settings.directory.join("ngircd.conf");
        fs::write(&file, config)?;
        command.arg("--nodaemon").arg("--config").arg(file);
        Ok(())
    },
};

static INSPIRCD: Server = Server {
    name: "inspircd",
    help: "inspircd",
    program: "inspircd",
    role: Role::Other,
    protocol: ProtocolName::Irc,
    // It completes registrations once a second.
    connecting_max: 2000,
    body_bytes_max: IRC_BODY_BYTES_MAX,
    configure: |command, settings| {
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
            port = settings.address.port(),
            most = settings.connections_max,
            log = settings.directory.join("log").display(),
            pid = settings.directory.join("pid").display(),
        );
        let file = settings.directory.join("inspircd.conf");
        fs::write(&file, config)?;
        command.arg("--nofork").arg("--runasroot").arg("--config").arg(file);
        Ok(())
    },
};

/// All kinds of servers, in the order of tables.
pub(crate) static SERVERS: [&Server; 6] = [&FLOOR, &CHATCORE, &NATS, &REDIS, &NGIRCD, &INSPIRCD];

impl Server {
    /// Reads a name on the command line.
    pub(crate) fn parser() -> impl TypedValueParser<Value = &'static Self> {
        let values = SERVERS.map(|server| PossibleValue::new(server.name).help(server.help));
        PossibleValuesParser::new(values)
            .try_map(|name| SERVERS.into_iter().find(|server| server.name == name).ok_or("no server has this name"))
    }

    /// What to say if it is not installed.
    pub(crate) fn absence(&self) -> impl fmt::Display {
        let program = self.program;
        fmt::from_fn(move |f| write!(f, "{program} is not installed, so it is skipped (apt-get install {program})"))
    }
}

impl Target {
    /// The server of this kind; none if it is not installed. chatcore's is built first, and only it gets `our_args`.
    pub(crate) fn find(server: &'static Server, our_args: &[OsString]) -> Result<Option<Self>> {
        let program = match server.role {
            Role::Floor => Some(env::current_exe()?),
            Role::Ours => Some(program::build_server()?),
            Role::Other => program::find(server.program),
        };
        Ok(program.map(|program| {
            let name = match server.role {
                Role::Floor => server.name.to_owned(),
                Role::Ours | Role::Other => format!("{} {}", server.program, program::version(&program)),
            };
            let args = if server.role == Role::Ours { our_args.to_vec() } else { Vec::new() };
            Self { server, name, program, args }
        }))
    }

    /// Another build of chatcore's server.
    pub(crate) fn build(program: &Path, our_args: &[OsString]) -> Self {
        let (name, args) = (program.display().to_string(), our_args.to_vec());
        Self { server: &CHATCORE, name, program: program.to_path_buf(), args }
    }

    /// Starts it for this many users, and waits until it listens.
    pub(crate) fn start(&self, users: usize, cpus: Cpus) -> Result<Running> {
        let directory = tempfile::tempdir()?;
        let settings =
            Settings { address: free_address()?, connections_max: 2 * users + 1000, directory: directory.path() };
        let mut command = Command::new(&self.program);
        (self.server.configure)(&mut command, &settings)?;
        command.args(&self.args);
        let process = Process::start(command, &self.name, settings.address, cpus)?;
        Ok(Running { process, _directory: directory })
    }
}
