//! The command line.

#[cfg(feature = "tls")]
use std::path::{Path, PathBuf};
use std::time::Duration;

use chatcore::{HUB_NUMBER_MAX, Limits, Rate, UserName};
use chatcore_server::{Config, DriverLimits, Reconnect};
use clap::Parser;

/// A chat server.
///
/// Prints one line for each address it listens on, and serves until it gets SIGINT or SIGTERM: then it says
/// goodbye to everybody and exits with 0. A second signal ends it at once.
#[derive(Debug, Parser)]
#[command(version, args_override_self = true)]
pub(crate) struct Args {
    /// Where to listen: HOST:PORT for TCP, `tls://HOST:PORT`, or `unix:///PATH` with `?mode=660` after it for who may
    /// connect; may be given several times. Port 0 lets the system choose.
    #[arg(long, value_name = "ADDRESS", default_value = Config::LISTEN_DEFAULT)]
    listen: Vec<String>,

    /// A file with the certificate for addresses like `tls://0.0.0.0:12346`, and after it those that vouch for it, in PEM.
    #[cfg(feature = "tls")]
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// A file with the key of the certificate, in PEM.
    #[cfg(feature = "tls")]
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// What to log to stderr: error, warn, info, debug or trace, also for single parts of the program.
    #[arg(long, value_name = "FILTER", env = "RUST_LOG", default_value = "info")]
    pub(crate) log: String,

    /// A name that nobody gets, and neither what looks like it, such as `admin`; may be given several times.
    #[arg(long = "reserve-name", value_name = "NAME")]
    reserved_names: Vec<UserName>,

    /// The number of this server among those that work together, which its ids of messages hold: 0 to 1023.
    #[arg(long, value_name = "NUMBER", default_value_t = 0, value_parser = clap::value_parser!(u16).range(..=i64::from(HUB_NUMBER_MAX)))]
    hub_number: u16,

    /// Bytes of a message, at the most.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().body_bytes_max)]
    body_bytes_max: u32,

    /// Bytes kept for a user until it acknowledges them.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().outbox_bytes_max)]
    outbox_bytes_max: u32,

    /// Users, at the most.
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().users_max)]
    users_max: u32,

    /// Refused names on one connection before it is closed.
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().registration_attempts_max)]
    registration_attempts_max: u32,

    /// Seconds in which a name must be asked for.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "30")]
    handshake_time_max: Duration,

    /// Seconds of silence after which a user is closed as timed out; it is asked after half of them.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "60")]
    idle_time_max: Duration,

    /// Seconds that a user may acknowledge nothing of what waits for it before it is closed or loses its connection.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "60")]
    stall_time_max: Duration,

    /// Seconds that a user whose connection broke keeps its name and what comes for it; 0 to end it at once.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "60")]
    resume_time_max: Duration,

    /// Users without a connection that are kept, at the most.
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().detached_max)]
    detached_max: u32,

    /// Users of one address without a connection that are kept, at the most.
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().detached_of_origin_max)]
    detached_of_origin_max: u32,

    /// Bytes kept for all users together: what they have not acknowledged, and messages that are not whole yet.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().buffer_bytes_max)]
    buffer_bytes_max: u64,

    /// Bytes of that for the users of one address.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().origin_buffer_bytes_max)]
    origin_buffer_bytes_max: u64,

    /// Cost of one user's requests in a second, in the units of the protocol; 0 for no bound. Beyond it the server reads
    /// nothing from the user for a while.
    #[arg(long, value_name = "COST", default_value_t = Limits::default().session_rate.per_s)]
    session_cost_per_s: u32,

    /// Cost of one user's requests at once, after a pause.
    #[arg(long, value_name = "COST", default_value_t = Limits::default().session_rate.burst)]
    session_cost_burst: u32,

    /// Cost of the requests and registrations of all users of one address in a second; 0 for no bound.
    #[arg(long, value_name = "COST", default_value_t = Limits::default().origin_rate.per_s)]
    origin_cost_per_s: u32,

    /// Cost of those at once, after a pause.
    #[arg(long, value_name = "COST", default_value_t = Limits::default().origin_rate.burst)]
    origin_cost_burst: u32,

    /// Seconds in which a user must show that it is there when somebody else asks for its name.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "5")]
    probe_time_max: Duration,

    /// Rooms that a user may be in.
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().rooms_of_user_max)]
    rooms_of_user_max: u32,

    /// Rooms, at the most.
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().rooms_max)]
    rooms_max: u32,

    /// Members of a room, at the most.
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().members_max)]
    members_max: u32,

    /// Memberships in rooms, of all users together.
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().memberships_max)]
    memberships_max: u32,

    /// Names that are watched, of all users together.
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().hub_watches_max)]
    hub_watches_max: u32,

    /// Seconds between two times that the watchers of a user are told whether it is online.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "1")]
    presence_time_min: Duration,

    /// Members up to which a room is told who comes and goes.
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().announced_members_max)]
    announced_members_max: u32,

    /// Names that a user may watch.
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().watches_max)]
    watches_max: u32,

    /// Seconds that a closing connection may take to be written out, also when the server stops.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "5")]
    flush_time_max: Duration,

    /// Seconds that a closed connection may take to be closed by the client too, also when the server stops.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "1")]
    linger_time_max: Duration,

    /// Connections, at the most. More wait until one ends. The system's limit on open files may be lower.
    #[arg(long, value_name = "COUNT", value_parser = count, default_value_t = DriverLimits::default().connections_max)]
    connections_max: usize,

    /// Bytes of memory that the server may need by its limits. If they allow more, it does not start.
    #[arg(long, value_name = "BYTES")]
    memory_bytes_max: Option<u64>,

    /// Seconds by which the parts of a turn are measured, in which the server reads and writes; those who have little to
    /// say come first in each.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "0.002")]
    turn_time: Duration,

    /// Seconds after which clients are advised to connect again when the server stops.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    reconnect_after: Option<Duration>,

    /// Where clients are advised to connect then, if not to this server.
    #[arg(long, value_name = "HOST:PORT", requires = "reconnect_after")]
    reconnect_to: Option<String>,
}

impl Args {
    /// The files of the certificate and of its key.
    #[cfg(feature = "tls")]
    pub(crate) fn tls(&self) -> Option<(&Path, &Path)> {
        Some((self.tls_cert.as_deref()?, self.tls_key.as_deref()?))
    }

    pub(crate) fn config(&self) -> Config {
        let limits = Limits::default()
            .with_body_bytes_max(self.body_bytes_max)
            .with_outbox_bytes_max(self.outbox_bytes_max)
            .with_users_max(self.users_max)
            .with_registration_attempts_max(self.registration_attempts_max)
            .with_handshake_time_max(self.handshake_time_max)
            .with_idle_time_max(self.idle_time_max)
            .with_stall_time_max(self.stall_time_max)
            .with_resume_time_max(self.resume_time_max)
            .with_detached_max(self.detached_max)
            .with_detached_of_origin_max(self.detached_of_origin_max)
            .with_buffer_bytes_max(self.buffer_bytes_max)
            .with_origin_buffer_bytes_max(self.origin_buffer_bytes_max)
            .with_session_rate(Rate { per_s: self.session_cost_per_s, burst: self.session_cost_burst })
            .with_origin_rate(Rate { per_s: self.origin_cost_per_s, burst: self.origin_cost_burst })
            .with_memberships_max(self.memberships_max)
            .with_hub_watches_max(self.hub_watches_max)
            .with_presence_time_min(self.presence_time_min)
            .with_probe_time_max(self.probe_time_max)
            .with_rooms_of_user_max(self.rooms_of_user_max)
            .with_rooms_max(self.rooms_max)
            .with_members_max(self.members_max)
            .with_announced_members_max(self.announced_members_max)
            .with_watches_max(self.watches_max)
            .with_flush_time_max(self.flush_time_max);
        let driver = DriverLimits::default()
            .with_connections_max(self.connections_max)
            .with_turn_time(self.turn_time)
            .with_linger_time_max(self.linger_time_max);
        let advice = |after| Reconnect::new(after).with_address(self.reconnect_to.clone());
        Config::default()
            .with_listen(self.listen.iter().cloned())
            .with_reserved_names(self.reserved_names.iter().cloned())
            .with_hub_number(self.hub_number)
            .with_limits(limits)
            .with_driver(driver)
            .with_memory_bytes_max(self.memory_bytes_max)
            .with_reconnect(self.reconnect_after.map(advice))
    }
}

fn seconds(given: &str) -> Result<Duration, String> {
    given
        .parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "a number of seconds is needed, like 30 or 0.5".into())
}

fn count(given: &str) -> Result<usize, &'static str> {
    given.parse().ok().filter(|count| *count > 0).ok_or("a number from 1 is needed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_flags_are_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn without_flags_the_configuration_is_the_librarys_default() {
        assert_eq!(Args::parse_from(["chatcore-server"]).config(), Config::default());
    }

    #[test]
    fn of_a_flag_that_is_given_twice_the_last_counts_and_all_addresses_do() {
        let given = ["chatcore-server", "--listen", "a:1", "--session-cost-per-s", "0", "--listen", "b:2"];
        let config = Args::parse_from(given.iter().chain(&["--session-cost-per-s", "7"])).config();
        assert_eq!(config.limits.session_rate.per_s, 7);
        assert_eq!(config.listen, ["a:1", "b:2"]);
    }

    #[test]
    fn seconds_may_have_a_fraction_but_no_sign() {
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        for wrong in ["", "-1", "soon", "nan", "inf", "1e300"] {
            assert!(seconds(wrong).is_err(), "{wrong:?}");
        }
    }
}
