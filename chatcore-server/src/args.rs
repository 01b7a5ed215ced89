//! The command line.

use std::time::Duration;

use chatcore::Limits;
use chatcore_server::{Config, ReconnectAdvice};
use clap::Parser;

/// A chat server. Clients connect with chatcore-client.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
pub(crate) struct Args {
    /// Where to listen; may be given more than once. Port 0 is any free port; the real one is printed.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:12345")]
    listen: Vec<String>,

    /// What to log on standard error: error, warn, info, debug, trace, or a filter in the form of tracing.
    #[arg(long, value_name = "FILTER", env = "RUST_LOG", default_value = "info")]
    pub(crate) log: String,

    /// Users at the most; further ones are refused.
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().users_max)]
    users_max: u32,

    /// Connections at the most, with those that have no name yet; further ones wait.
    #[arg(long, value_name = "COUNT", default_value_t = Config::default().connections_max)]
    connections_max: usize,

    /// Bytes of a message's body at the most.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().body_bytes_max)]
    body_bytes_max: u32,

    /// Bytes kept for a user who has not acknowledged them; messages beyond are rejected.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().outbox_bytes_max)]
    outbox_bytes_max: u32,

    /// Seconds of silence after which a user is asked for a sign of life (at half) and closed (at the end).
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    idle_time: Duration,

    /// Seconds a new connection has for its registration.
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    handshake_time: Duration,

    /// Seconds a user with a full outbox may acknowledge nothing before it is closed.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    stall_time: Duration,

    /// Seconds a closing connection has to take its last bytes.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    flush_time: Duration,

    /// Advise clients, when the server stops, to connect again after this many seconds.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    reconnect_after: Option<Duration>,

    /// Advise clients, when the server stops, to connect there instead.
    #[arg(long, value_name = "HOST:PORT", requires = "reconnect_after")]
    reconnect_to: Option<String>,
}

impl Args {
    pub(crate) fn into_config(self) -> Config {
        let limits = Limits {
            users_max: self.users_max,
            body_bytes_max: self.body_bytes_max,
            outbox_bytes_max: self.outbox_bytes_max,
            idle_time_max: self.idle_time,
            handshake_time_max: self.handshake_time,
            stall_time_max: self.stall_time,
            flush_time_max: self.flush_time,
            ..Limits::default()
        };
        Config {
            listen: self.listen,
            limits,
            connections_max: self.connections_max,
            reconnect: self.reconnect_after.map(|after| ReconnectAdvice { after, address: self.reconnect_to }),
            ..Config::default()
        }
    }
}

/// Seconds, also parts of one.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "give a number of seconds, such as 60 or 0.5".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
