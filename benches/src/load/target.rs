//! The servers that are measured: one description each, which is all that the load generator knows of a server.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use nix::unistd::{Uid, User};
use tempfile::TempDir;

use super::protocol::ProtocolName;
use crate::failure::Result;
use crate::machine::Cpus;
use crate::over::{Dialer, Over};
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
    /// What carries its bytes.
    pub(crate) over: Over,
    /// The oldest version that does this; zeros for any.
    version_min: [u32; 3],
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
    dialer: &'a Dialer,
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
    pub(crate) dialer: Dialer,
    /// The server's configuration, and what it writes. The process ends first.
    _directory: TempDir,
}

/// Stands in names of tables before what carries the bytes, if that is not TCP.
const OVER: &str = " over ";

/// Clients that may be connecting at a time, unless a server needs another number.
const CONNECTING_MAX: usize = 64;

/// Longest body that an IRC server carries: a line has 512 bytes with everything (RFC 2812, section 2.3).
const IRC_BODY_BYTES_MAX: usize = 400;

static FLOOR: Server = Server {
    name: "floor",
    help: "The bare forwarder of this program",
    program: "floor",
    role: Role::Floor,
    over: Over::Tcp,
    version_min: [0; 3],
    protocol: ProtocolName::Floor,
    connecting_max: CONNECTING_MAX,
    body_bytes_max: usize::MAX,
    configure: |command, settings| {
        command.args(["floor", "--listen", &settings.dialer.address.to_string()]);
        Ok(())
    },
};

static CHATCORE: Server = Server {
    name: "chatcore",
    help: "chatcore-server",
    program: "chatcore-server",
    role: Role::Ours,
    over: Over::Tcp,
    version_min: [0; 3],
    protocol: ProtocolName::Chatcore,
    connecting_max: CONNECTING_MAX,
    body_bytes_max: usize::MAX,
    configure: configure_chatcore,
};

static CHATCORE_TLS: Server = Server { name: "chatcore-tls", help: "The same over TLS", over: Over::Tls, ..CHATCORE };

static CHATCORE_WS: Server =
    Server { name: "chatcore-ws", help: "The same over WebSocket", over: Over::Ws, ..CHATCORE };

static CHATCORE_WSS: Server =
    Server { name: "chatcore-wss", help: "The same over WebSocket above TLS", over: Over::Wss, ..CHATCORE };

fn configure_chatcore(command: &mut Command, settings: &Settings<'_>) -> Result<()> {
    let most = settings.connections_max.to_string();
    command.args(settings.dialer.server_args(settings.directory)?).args(["--log", "warn"]);
    // All users come from one address, and no other server here bounds what they may say.
    command.args(["--detached-of-origin-max", &most, "--session-cost-per-s", "0", "--origin-cost-per-s", "0"]);
    Ok(())
}

static NATS: Server = Server {
    name: "nats",
    help: "nats-server",
    program: "nats-server",
    role: Role::Other,
    over: Over::Tcp,
    version_min: [0; 3],
    protocol: ProtocolName::Nats,
    connecting_max: CONNECTING_MAX,
    body_bytes_max: usize::MAX,
    configure: |command, settings| {
        let port = settings.dialer.address.port().to_string();
        command.args(["--addr", "127.0.0.1", "--port", &port, "--log"]).arg(settings.directory.join("log"));
        Ok(())
    },
};

static NATS_TLS: Server = Server {
    name: "nats-tls",
    help: "The same over TLS, from version 2.10.4 on",
    over: Over::Tls,
    // Earlier ones begin without TLS.
    version_min: [2, 10, 4],
    configure: |command, settings| {
        let [certificate, key] = settings.dialer.write_identity(settings.directory)?.unwrap_or_default();
        let config = format!("tls {{ cert_file: {certificate:?}, key_file: {key:?}, handshake_first: true }}\n");
        let file = settings.directory.join("nats.conf");
        fs::write(&file, config)?;
        command.arg("--config").arg(file);
        (NATS.configure)(command, settings)
    },
    ..NATS
};

static MOSQUITTO: Server = Server {
    name: "mosquitto",
    help: "mosquitto, with MQTT 5 and no acknowledgements",
    program: "mosquitto",
    role: Role::Other,
    over: Over::Tcp,
    version_min: [2, 0, 0],
    protocol: ProtocolName::Mqtt,
    connecting_max: CONNECTING_MAX,
    body_bytes_max: usize::MAX,
    configure: |command, settings| configure_mosquitto(command, settings, ""),
};

static MOSQUITTO_TLS: Server = Server {
    name: "mosquitto-tls",
    help: "The same over TLS",
    over: Over::Tls,
    configure: |command, settings| {
        let [certificate, key] = settings.dialer.write_identity(settings.directory)?.unwrap_or_default();
        let identity = format!("certfile {certificate}\nkeyfile {key}\n");
        configure_mosquitto(command, settings, &identity)
    },
    ..MOSQUITTO
};

fn configure_mosquitto(command: &mut Command, settings: &Settings<'_>, identity: &str) -> Result<()> {
    // What is started by an administrator stays one: the directory is nobody else's.
    let user =
        User::from_uid(Uid::effective()).map_err(io::Error::from)?.map_or_else(|| "root".to_owned(), |user| user.name);
    let config = format!(
        "listener {port} 127.0.0.1\n{identity}allow_anonymous true\nuser {user}\npersistence false\nlog_dest none\n\
         set_tcp_nodelay true\nmax_queued_messages 0\nmax_connections -1\n",
        port = settings.dialer.address.port(),
    );
    let file = settings.directory.join("mosquitto.conf");
    fs::write(&file, config)?;
    command.arg("-c").arg(file);
    Ok(())
}

static REDIS: Server = Server {
    name: "redis",
    help: "redis-server, its publish and subscribe",
    program: "redis-server",
    role: Role::Other,
    over: Over::Tcp,
    version_min: [0; 3],
    protocol: ProtocolName::Redis,
    connecting_max: CONNECTING_MAX,
    body_bytes_max: usize::MAX,
    configure: |command, settings| {
        let (port, most) = (settings.dialer.address.port().to_string(), settings.connections_max.to_string());
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
    over: Over::Tcp,
    version_min: [0; 3],
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
            port = settings.dialer.address.port(),
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
    over: Over::Tcp,
    version_min: [0; 3],
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
            port = settings.dialer.address.port(),
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
pub(crate) static SERVERS: [&Server; 12] = [
    &FLOOR,
    &CHATCORE,
    &CHATCORE_TLS,
    &CHATCORE_WS,
    &CHATCORE_WSS,
    &NATS,
    &NATS_TLS,
    &MOSQUITTO,
    &MOSQUITTO_TLS,
    &REDIS,
    &NGIRCD,
    &INSPIRCD,
];

impl Server {
    /// Reads a name on the command line.
    pub(crate) fn parser() -> impl TypedValueParser<Value = &'static Self> {
        let values = SERVERS.map(|server| PossibleValue::new(server.name).help(server.help));
        PossibleValuesParser::new(values)
            .try_map(|name| SERVERS.into_iter().find(|server| server.name == name).ok_or("no server has this name"))
    }

    /// Its name in tables.
    fn title(&self, program: &Path) -> String {
        let plain = format!("{} {}", self.program, program::version(program));
        if self.over == Over::Tcp { plain } else { format!("{plain}{OVER}{}", self.over) }
    }

    fn is_new_enough(&self, program: &Path) -> bool {
        // Not every program tells its version.
        self.version_min == [0; 3] || is_at_least(&program::version(program), self.version_min)
    }

    /// What to say if it is not installed, or too old.
    pub(crate) fn absence(&self) -> impl fmt::Display {
        let (name, program) = (self.name, self.program);
        fmt::from_fn(move |f| {
            write!(f, "{name} is skipped: {program} is not installed (apt-get install {program})")?;
            match self.version_min {
                [0, 0, 0] => Ok(()),
                [major, minor, patch] => write!(f, ", or older than {major}.{minor}.{patch}"),
            }
        })
    }
}

impl Target {
    /// The server of this kind; none if it is not installed, or too old. chatcore's is built first, and only it gets
    /// `our_args`.
    pub(crate) fn find(server: &'static Server, our_args: &[OsString]) -> Result<Option<Self>> {
        let program = match server.role {
            Role::Floor => Some(env::current_exe()?),
            Role::Ours => Some(program::build_server()?),
            Role::Other => program::find(server.program).filter(|program| server.is_new_enough(program)),
        };
        Ok(program.map(|program| {
            let name = match server.role {
                Role::Floor => server.name.to_owned(),
                Role::Ours | Role::Other => server.title(&program),
            };
            let args = if server.role == Role::Ours { our_args.to_vec() } else { Vec::new() };
            Self { server, name, program, args }
        }))
    }

    /// The name of the same server over TCP.
    pub(crate) fn plain_name(&self) -> String {
        self.name.rsplit_once(OVER).map_or_else(|| self.name.clone(), |(plain, _)| plain.to_owned())
    }

    /// Another build of chatcore's server.
    pub(crate) fn build(program: &Path, our_args: &[OsString]) -> Self {
        let (name, args) = (program.display().to_string(), our_args.to_vec());
        Self { server: &CHATCORE, name, program: program.to_path_buf(), args }
    }

    /// Starts it for this many users, and waits until it listens.
    pub(crate) fn start(&self, users: usize, cpus: Cpus) -> Result<Running> {
        let directory = tempfile::tempdir()?;
        let dialer = Dialer::new(self.server.over, free_address()?)?;
        let settings = Settings { dialer: &dialer, connections_max: 2 * users + 1000, directory: directory.path() };
        let mut command = Command::new(&self.program);
        (self.server.configure)(&mut command, &settings)?;
        command.args(&self.args);
        let process = Process::start(command, &self.name, dialer.address, cpus)?;
        Ok(Running { process, dialer, _directory: directory })
    }
}

/// Whether a version like 2.10.4 is this one or a later one.
fn is_at_least(version: &str, version_min: [u32; 3]) -> bool {
    let parts: Vec<u32> = version.split('.').map_while(|part| part.parse().ok()).collect();
    parts[..] >= version_min[..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_their_numbers() {
        for (version, is_new) in
            [("2.9.10", false), ("2.10.3", false), ("2.10.4", true), ("2.15.1", true), ("3.0", true)]
        {
            assert_eq!(is_at_least(version, [2, 10, 4]), is_new, "{version}");
        }
    }
}
