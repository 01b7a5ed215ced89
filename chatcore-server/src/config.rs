//! The configuration of a server.

use std::net::IpAddr;
use std::time::Duration;

use chatcore::{Limits, Reconnect, UserName};
#[cfg(feature = "websocket")]
use chatcore_transport::Files;

use crate::counts::Bounds;
use crate::log_in::LogIn;
use crate::network::Network;
use crate::origin::Prefixes;
use crate::peer::Peer;
use crate::setters::setters;
#[cfg(feature = "tls")]
use crate::tls::Tls;

/// Where a server listens, and its limits. A configuration is made from the default one, with a method for each field.
///
/// ```
/// use chatcore_server::{Config, DriverLimits, Server};
///
/// let config = Config::default()
///     .with_listen(["127.0.0.1:0", "127.0.0.1:0"])
///     .with_driver(DriverLimits::default().with_connections_max(500));
/// let server = Server::bind(config)?;
/// assert_eq!(server.local_addrs().len(), 2);
/// # Ok::<(), chatcore_server::BindError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The addresses at which the server listens, all at the same time. Default [`Config::LISTEN_DEFAULT`] alone. Each
    /// is one of these:
    ///
    /// - `host:port` or `tcp://host:port`: TCP at an IPv4 address, an IPv6 address in brackets, or a name. The server
    ///   listens on every address that a name resolves to. With port 0, the system chooses a port.
    /// - `tls://host:port`: TLS over TCP, with the certificate in `tls` (feature `tls`).
    /// - `ws://host:port/path`: a WebSocket over TCP, at this path or at `/`; and `wss://`, over TLS (feature
    ///   `websocket`).
    /// - `unix:///path`: a Unix socket, on systems that have them. Only the user who runs the server can connect. A
    ///   mode after the path lets others connect, too: `unix:///run/chat.sock?mode=660` lets the group of the file. The
    ///   server removes the file when it stops. When it starts, it removes the file of a server that has not.
    ///
    /// Options stand at the end of an address, after a `?`, and with `&` between them. With `proxy=yes`, it is for
    /// proxies (`proxy_from`). With `resume=10m`, sessions of those who connect there wait for that time when their
    /// connections break, in place of [`Limits::resume_time_max`]: `wss://host:port/?resume=10m` is for browsers, whose
    /// pages sleep. The unit is `s`, `m`, `h` or `d`.
    pub listen: Vec<String>,
    /// The certificate and the key for `tls://`. A server that gets others ([`Handle::reload`](crate::Handle::reload))
    /// shows them to clients that connect from then on. Default none.
    #[cfg(feature = "tls")]
    pub tls: Option<Tls>,
    /// Names of this server that a WebSocket may be asked for, beside addresses and `localhost`: what a browser sends
    /// as `Host` ([`UpgradeRules::with_host`](chatcore::websocket::UpgradeRules::with_host)). Default none.
    #[cfg(feature = "websocket")]
    pub websocket_hosts: Vec<String>,
    /// Origins whose pages may connect over a WebSocket, beside those of the host that they ask for, such as
    /// `https://chat.example`. Default none.
    #[cfg(feature = "websocket")]
    pub websocket_origins: Vec<String>,
    /// Files that browsers get at the address of a WebSocket when they ask for none: a page, and what belongs to it.
    /// Default none: a request that opens no WebSocket is refused.
    #[cfg(feature = "websocket")]
    pub files: Option<Files>,
    /// Where the proxies are that connect to the addresses with `?proxy=yes` in `listen`. They send a header of the
    /// PROXY protocol, version 1 or 2, before all else, and the server takes the client's address from it. Who comes to
    /// such an address from elsewhere is turned away; over a Unix socket all who may connect are proxies. Default none.
    pub proxy_from: Vec<Network>,
    /// Who decides which clients get the names that they ask for. Default none: whoever comes first gets a name.
    pub log_in: Option<LogIn>,
    /// The limits of the hub: lengths, numbers of users and rooms, times.
    pub limits: Limits,
    /// Names that nobody gets. Nobody gets a name that looks like one of them, either
    /// ([`Hub::with_reserved`](chatcore::Hub::with_reserved)). Default none.
    pub reserved_names: Vec<UserName>,
    /// The number of the hub among hubs that work together; the ids of its messages hold this number. At most
    /// [`HUB_NUMBER_MAX`](chatcore::HUB_NUMBER_MAX). Default 0.
    pub hub_number: u16,
    /// The limits of the sockets and of the event loop.
    pub driver: DriverLimits,
    /// When, and perhaps where, the clients should connect again after the server has stopped. Default none.
    pub reconnect: Option<Reconnect>,
    /// Bytes of memory that the server may need ([`Config::memory_bytes`]). A server whose limits allow more does not
    /// start. Default none: no bound.
    pub memory_bytes_max: Option<u64>,
}

impl Config {
    /// Where a server listens by default: on this machine alone.
    pub const LISTEN_DEFAULT: &str = "127.0.0.1:12345";
}

impl Config {
    /// The same with these addresses to [`listen`](Self::listen) on, and no others.
    #[must_use]
    pub fn with_listen(mut self, listen: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.listen = listen.into_iter().map(Into::into).collect();
        self
    }

    /// The same with these [`reserved_names`](Self::reserved_names), and no others.
    #[must_use]
    pub fn with_reserved_names(mut self, reserved_names: impl IntoIterator<Item = UserName>) -> Self {
        self.reserved_names = reserved_names.into_iter().collect();
        self
    }
}

impl Config {
    /// The same with proxies in these networks ([`proxy_from`](Self::proxy_from)), and no others.
    #[must_use]
    pub fn with_proxy_from(mut self, proxy_from: impl IntoIterator<Item = Network>) -> Self {
        self.proxy_from = proxy_from.into_iter().collect();
        self
    }
}

setters! {
    Config {
        with_log_in(log_in: Option<LogIn>),
        with_limits(limits: Limits),
        with_hub_number(hub_number: u16),
        with_driver(driver: DriverLimits),
        with_reconnect(reconnect: Option<Reconnect>),
        with_memory_bytes_max(memory_bytes_max: Option<u64>),
    }
}

#[cfg(feature = "websocket")]
impl Config {
    /// The same with these [`websocket_hosts`](Self::websocket_hosts), and no others.
    #[must_use]
    pub fn with_websocket_hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.websocket_hosts = hosts.into_iter().map(Into::into).collect();
        self
    }

    /// The same with these [`websocket_origins`](Self::websocket_origins), and no others.
    #[must_use]
    pub fn with_websocket_origins(mut self, origins: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.websocket_origins = origins.into_iter().map(Into::into).collect();
        self
    }
}

#[cfg(feature = "websocket")]
setters! {
    Config {
        with_files(files: Option<Files>),
    }
}

#[cfg(feature = "tls")]
setters! {
    Config {
        with_tls(tls: Option<Tls>),
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: vec![Self::LISTEN_DEFAULT.into()],
            #[cfg(feature = "tls")]
            tls: None,
            #[cfg(feature = "websocket")]
            websocket_hosts: Vec::new(),
            #[cfg(feature = "websocket")]
            websocket_origins: Vec::new(),
            #[cfg(feature = "websocket")]
            files: None,
            proxy_from: Vec::new(),
            log_in: None,
            limits: Limits::default(),
            reserved_names: Vec::new(),
            hub_number: 0,
            driver: DriverLimits::default(),
            reconnect: None,
            memory_bytes_max: None,
        }
    }
}

/// The limits of the sockets, and of the turns of the event loop that serves them. They are made from the default ones,
/// with a method for each field.
///
/// Each must be at least 1, or 1 ns, except `linger_time_max` and `linger_bytes_max`: see [`DriverLimits::check`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DriverLimits {
    /// Connections, those included that have no name yet or are closing. When there are this many, the server stops
    /// accepting until one ends. New connections wait in the system's queue meanwhile. Default 1 000 000. If the system
    /// allows fewer open files, there are fewer connections: see [`raise_open_files`](crate::raise_open_files).
    pub connections_max: usize,
    /// The last of these connections, which are for clients that resume a session. The server refuses registrations on
    /// them with `hub_full`. With each that comes, it closes a connection that has no name: the oldest one of the
    /// origin that has most of them, if that has several. Connections that came less than 200 ms ago, or have said
    /// something that is not read yet, are spared while there are others. Default 1 000, and at most an eighth of
    /// [`connections_max`](Self::connections_max).
    pub connections_for_resumes: usize,
    /// Connections of one origin, which is an IPv4 address, or an IPv6 network of
    /// [`ipv6_origin_bits`](Self::ipv6_origin_bits). The server refuses more with `hub_full`, and closes them. Default
    /// 10 000, and at most half of [`connections_max`](Self::connections_max).
    pub connections_of_origin_max: usize,
    /// Connections of one origin that have no name yet. The server refuses more likewise. Default 1 000.
    pub handshakes_of_origin_max: usize,
    /// How many times these two bounds of one origin hold for a site, which is an IPv6 network of
    /// [`ipv6_site_bits`](Self::ipv6_site_bits) and has many origins, and so do those of the hub on numbers, its rate
    /// and its share of the memory ([`Registration::with_site`](chatcore::Registration::with_site)). Default 4.
    pub site_factor: u32,
    /// Bits of an IPv6 address that make an origin, for the limits of the hub, too: what a provider gives to one
    /// customer. Default 64; 1 to 64.
    pub ipv6_origin_bits: u8,
    /// Bits of an IPv6 address that make a site. Default 48; 1 to [`ipv6_origin_bits`](Self::ipv6_origin_bits).
    pub ipv6_site_bits: u8,
    /// Networks whose addresses are not bounded in number: the limits above that are for one origin do not hold for
    /// them, nor do [`Limits::sessions_of_origin_max`], [`Limits::rooms_of_origin_max`],
    /// [`Limits::detached_of_origin_max`] and [`Limits::probe_rate`]. They are for proxies, and for gateways that many
    /// users share, and use up nothing of their sites. One of IPv6 has at most
    /// [`ipv6_origin_bits`](Self::ipv6_origin_bits), but for `::1`. The limits on cost and memory hold for them all the same. Unix
    /// sockets are always among them. Default `127.0.0.0/8` and `::1`.
    pub uncounted_origins: Vec<Network>,
    /// Bytes that the server reads from one connection before it serves others. It reads less while a connection that
    /// sends little waits. Default 512 KiB.
    pub turn_bytes_max: usize,
    /// How long the server works before it looks for new input again, roughly. Such a turn has three parts: the server
    /// reads for at most three quarters of this time, then writes for at most two fifths of it, and then accepts
    /// connections for at most a quarter. So a turn takes at most 1.4 times this, and one step of the hub more. What a
    /// part leaves over waits for the next turn. There, connections that send little come first. A shorter time lets
    /// others wait less, and a longer one makes larger batches. Default 2 ms; at most 50 ms, because all wait for the
    /// turn.
    pub turn_time: Duration,
    /// Connections that the server accepts in one turn. Default 64.
    pub turn_accepts_max: usize,
    /// How long the server still reads from a connection that it has closed, and throws the bytes away. Without this, a
    /// reset of the connection might destroy the last message to the client. Then the server drops the connection.
    /// Default 1 s; 0 drops it at once.
    pub linger_time_max: Duration,
    /// Bytes that the server throws away in that time. If the client sends more, the server drops the connection.
    /// Default 1 MiB.
    pub linger_bytes_max: u32,
}

setters! {
    const DriverLimits {
        with_connections_max(connections_max: usize),
        with_connections_for_resumes(connections_for_resumes: usize),
        with_connections_of_origin_max(connections_of_origin_max: usize),
        with_handshakes_of_origin_max(handshakes_of_origin_max: usize),
        with_site_factor(site_factor: u32),
        with_ipv6_origin_bits(ipv6_origin_bits: u8),
        with_ipv6_site_bits(ipv6_site_bits: u8),
        with_turn_bytes_max(turn_bytes_max: usize),
        with_turn_time(turn_time: Duration),
        with_turn_accepts_max(turn_accepts_max: usize),
        with_linger_time_max(linger_time_max: Duration),
        with_linger_bytes_max(linger_bytes_max: u32),
    }
}

impl Default for DriverLimits {
    fn default() -> Self {
        Self {
            connections_max: 1_000_000,
            connections_for_resumes: 1_000,
            connections_of_origin_max: 10_000,
            handshakes_of_origin_max: 1_000,
            site_factor: 4,
            ipv6_origin_bits: 64,
            ipv6_site_bits: 48,
            uncounted_origins: vec![Network::LOOPBACK_V4, Network::LOOPBACK_V6],
            turn_bytes_max: 512 << 10,
            turn_time: Duration::from_millis(2),
            turn_accepts_max: 64,
            linger_time_max: Duration::from_secs(1),
            linger_bytes_max: 1 << 20,
        }
    }
}

/// The longest [`DriverLimits::turn_time`]. All parts of the longest turn are less than what timers wait for them, and
/// nobody notices a delay of that.
const TURN_TIME_MAX: Duration = Duration::from_millis(50);

/// The longest [`DriverLimits::linger_time_max`]: a connection takes a place for so long.
const LINGER_TIME_MAX: Duration = Duration::from_secs(3600);

impl DriverLimits {
    /// The same with these [`uncounted_origins`](Self::uncounted_origins), and no others.
    #[must_use]
    pub fn with_uncounted_origins(mut self, uncounted_origins: impl IntoIterator<Item = Network>) -> Self {
        self.uncounted_origins = uncounted_origins.into_iter().collect();
        self
    }

    /// Whether the limits on numbers hold for the origin of a peer.
    pub(crate) fn is_counted(&self, peer: &Peer) -> bool {
        let contains = |address: IpAddr| {
            // What a proxy of another machine calls loopback is not ours.
            let is_named_well = peer.is_here() || !address.to_canonical().is_loopback();
            is_named_well && self.uncounted_origins.iter().any(|network| network.contains(address))
        };
        peer.address().is_some_and(|address| !contains(address))
    }

    /// How many connections an origin may have.
    pub(crate) const fn bounds(&self) -> Bounds {
        Bounds {
            connections_of_origin_max: self.connections_of_origin_max,
            handshakes_of_origin_max: self.handshakes_of_origin_max,
            site_factor: self.site_factor,
        }
    }

    pub(crate) const fn prefixes(&self) -> Prefixes {
        Prefixes { origin_bits: self.ipv6_origin_bits, site_bits: self.ipv6_site_bits }
    }

    /// Checks that no limit is zero that must not be, and that the numbers of bits fit together.
    ///
    /// # Errors
    ///
    /// The first limit that is out of its range.
    ///
    /// ```
    /// use chatcore_server::DriverLimits;
    ///
    /// let limits = DriverLimits::default().with_connections_max(0);
    /// assert_eq!(limits.check().unwrap_err().to_string(), "connections_max is 0: it must be at least 1");
    /// ```
    pub fn check(&self) -> Result<(), DriverLimitsError> {
        self.faults().next().map_or(Ok(()), Err)
    }

    /// All limits that are out of their range.
    pub(crate) fn faults(&self) -> impl Iterator<Item = DriverLimitsError> + use<> {
        let zeros = [
            ("connections_max", self.connections_max == 0, "1"),
            ("connections_of_origin_max", self.connections_of_origin_max == 0, "1"),
            ("handshakes_of_origin_max", self.handshakes_of_origin_max == 0, "1"),
            ("site_factor", self.site_factor == 0, "1"),
            ("turn_bytes_max", self.turn_bytes_max == 0, "1"),
            ("turn_time", self.turn_time.is_zero(), "1 ns"),
            ("turn_accepts_max", self.turn_accepts_max == 0, "1"),
        ];
        let zeros = zeros.into_iter().filter(|(_, is_zero, _)| *is_zero);
        let zeros = zeros.map(|(name, _, least)| DriverLimitsError(Wrong::Zero { name, least }));
        let (given, most) = (self.ipv6_origin_bits, self.ipv6_origin_bits.clamp(1, 64));
        let of_origin = (given != most).then_some(Wrong::OriginBits { given });
        let given = self.ipv6_site_bits;
        let of_site = (!(1..=most).contains(&given)).then_some(Wrong::SiteBits { given, most });
        let smaller = self.uncounted_origins.iter().filter(move |network| network.is_smaller_than(most));
        let smaller: Vec<_> = smaller.map(|network| Wrong::PartOfOrigin { network: *network, bits: most }).collect();
        let times =
            [("turn_time", self.turn_time, TURN_TIME_MAX), ("linger_time_max", self.linger_time_max, LINGER_TIME_MAX)];
        let times = times.into_iter().filter(|(_, given, most)| given > most);
        let times = times.map(|(name, given, most)| DriverLimitsError(Wrong::Long { name, given, most }));
        zeros.chain(times).chain(of_origin.into_iter().chain(of_site).chain(smaller).map(DriverLimitsError))
    }
}

/// A limit of the driver is out of its range. `Display` says what would be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct DriverLimitsError(Wrong);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Wrong {
    /// With zero, nothing could happen.
    #[error("{name} is 0: it must be at least {least}")]
    Zero { name: &'static str, least: &'static str },
    #[error("{name} is {given:?}: it must be at most {most:?}")]
    Long { name: &'static str, given: Duration, most: Duration },
    #[error("ipv6_origin_bits is {given}: it must be 1 to 64")]
    OriginBits { given: u8 },
    /// Names both, so that the error has the place of the one that was set.
    #[error("ipv6_site_bits is {given}: it must be 1 to {most}, at most as much as ipv6_origin_bits")]
    SiteBits { given: u8, most: u8 },
    #[error(
        "uncounted_origins has {network}, but the first {bits} bits of an IPv6 address count as one (ipv6_origin_bits): \
         name {}", .network.widened(*bits)
    )]
    PartOfOrigin { network: Network, bits: u8 },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BindError, Server};

    #[test]
    fn a_site_is_no_smaller_than_an_origin_and_neither_has_more_bits_than_a_network() {
        let limits = DriverLimits::default;
        for (limits, error) in [
            (limits().with_ipv6_origin_bits(65), "ipv6_origin_bits is 65: it must be 1 to 64"),
            (
                limits().with_ipv6_site_bits(0),
                "ipv6_site_bits is 0: it must be 1 to 64, at most as much as ipv6_origin_bits",
            ),
            (
                limits().with_ipv6_origin_bits(56).with_ipv6_site_bits(57),
                "ipv6_site_bits is 57: it must be 1 to 56, at most as much as ipv6_origin_bits",
            ),
            (limits().with_site_factor(0), "site_factor is 0: it must be at least 1"),
            (
                limits().with_uncounted_origins(["2001:db8:0:1::5".parse().expect("it is an address")]),
                "uncounted_origins has 2001:db8:0:1::5, but the first 64 bits of an IPv6 address count as one \
                 (ipv6_origin_bits): name 2001:db8:0:1::/64",
            ),
        ] {
            assert_eq!(limits.check().expect_err("it is wrong").to_string(), error);
        }
        assert_eq!(limits().with_ipv6_origin_bits(56).with_ipv6_site_bits(56).check(), Ok(()));
    }

    #[test]
    fn a_turn_is_short_and_a_connection_that_is_closed_is_not_read_for_days() {
        let limits = DriverLimits::default;
        for (limits, error) in [
            (limits().with_turn_time(Duration::from_millis(51)), "turn_time is 51ms: it must be at most 50ms"),
            (
                limits().with_linger_time_max(Duration::from_secs(3_601)),
                "linger_time_max is 3601s: it must be at most 3600s",
            ),
        ] {
            assert_eq!(limits.check().expect_err("it is wrong").to_string(), error);
        }
        assert!(limits().with_turn_time(Duration::MAX).check().is_err());
        let most = limits().with_turn_time(TURN_TIME_MAX).with_linger_time_max(LINGER_TIME_MAX);
        assert_eq!(most.check(), Ok(()));
    }

    #[test]
    fn a_hub_has_no_number_that_ids_cannot_hold() {
        let config = Config::default().with_hub_number(1024);
        let Err(error @ BindError::HubNumber(1024)) = Server::bind(config) else { panic!("there is no such hub") };
        assert_eq!(error.to_string(), "the number of the hub is 1024: it must be 0 to 1023");
    }
}
