//! Where a server is, and what is spoken to it.

mod advice;
mod error;
mod followed;
pub(crate) mod host;
pub(crate) mod layers;
mod parse;
mod resolve;
mod target;

use std::fmt;
use std::net::SocketAddr;
#[cfg(unix)]
use std::path::PathBuf;

pub(crate) use self::advice::Advised;
pub use self::error::EndpointError;
pub use self::followed::FollowedHost;
use self::host::bare;
use self::host::{is_localhost, is_loopback};
use self::layers::Layers;
pub(crate) use self::resolve::addresses;
pub use self::resolve::{Resolve, SystemResolver};
pub(crate) use self::target::Address;
pub use self::target::Target;
#[cfg(feature = "tls")]
use crate::tls::Tls;

/// Where a server is, and what is spoken to it: what a person writes, which is not looked up yet.
///
/// | text | |
/// |---|---|
/// | `host:port`, `tcp://host:port` | TCP, which everybody on the way can read |
/// | `tls://host:port` | TLS over TCP (feature `tls`) |
/// | `ws://host:port/path` | a WebSocket over TCP (feature `websocket`); without a port 80, without a path `/` |
/// | `wss://host:port/path` | a WebSocket over TLS (features `tls` and `websocket`); without a port 443 |
/// | `unix:///path` | a Unix socket, on systems that have them |
///
/// A host is a name or a number; one of IPv6 has brackets, as in `[::1]:12345`. Over TLS, the certificate of the server
/// must be for the host as it is written here: there is no way to leave that out.
///
/// `Display` gives the text in its shortest form, so that two texts for the same give the same: `127.0.0.1:12345` for
/// `tcp://127.0.0.1:12345`.
///
/// ```
/// use chatcore_client::Endpoint;
///
/// let local: Endpoint = "tcp://localhost:12345".parse()?;
/// assert_eq!(local.to_string(), "localhost:12345");
/// assert!(local.is_private());
/// let open: Endpoint = "chat.example:12345".parse()?;
/// assert!(!open.is_private(), "whoever is on the way can read it");
/// assert!("chat.example".parse::<Endpoint>().is_err(), "it has no port");
/// # Ok::<(), chatcore_client::EndpointError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub(crate) place: Place,
    /// How TLS is spoken there; none for the way of the system.
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Tls>,
    /// The program takes the network on the way for private.
    is_trusted: bool,
}

/// Where, and through what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A port of a host.
    Network {
        /// A name, or a number, which has brackets if it is of IPv6.
        host: String,
        port: u16,
        layers: Layers,
    },
    /// A path of the file system.
    #[cfg(unix)]
    Unix(PathBuf),
}

impl Place {
    /// Nobody between the two ends can read along.
    pub(crate) const fn is_encrypted(&self) -> bool {
        match self {
            Self::Network { layers, .. } => layers.is_encrypted,
            #[cfg(unix)]
            Self::Unix(_) => false,
        }
    }

    /// The host; none where there is none.
    fn host(&self) -> Option<&str> {
        match self {
            Self::Network { host, .. } => Some(host),
            #[cfg(unix)]
            Self::Unix(_) => None,
        }
    }

    /// What is said there does not leave this machine, as far as the text tells.
    fn is_local(&self) -> bool {
        match self {
            // RFC 6761, 6.3: these names are of this machine.
            Self::Network { host, port, .. } => {
                resolve::literal(host, *port).map_or_else(|| is_localhost(host), |address| is_loopback(address.ip()))
            }
            #[cfg(unix)]
            Self::Unix(_) => true,
        }
    }
}

impl Endpoint {
    const fn new(place: Place) -> Self {
        Self {
            place,
            #[cfg(feature = "tls")]
            tls: None,
            is_trusted: false,
        }
    }

    /// The host, the port, and what is above TCP there; none if it is no port of a host.
    #[cfg(any(feature = "tls", feature = "websocket"))]
    pub(crate) fn network(&self) -> Option<(&str, u16, &Layers)> {
        match &self.place {
            Place::Network { host, port, layers } => Some((host, *port, layers)),
            #[cfg(unix)]
            Place::Unix(_) => None,
        }
    }

    /// Another place, where TLS is spoken as here. The network to another host may be another one.
    fn with_place(&self, place: Place) -> Self {
        let mut endpoint = self.clone();
        endpoint.is_trusted &= self.place.host() == place.host();
        endpoint.place = place;
        endpoint
    }

    /// The same, where TLS is spoken in this way. It changes nothing where no TLS is spoken.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// The same, where the program takes the network on the way for private, as that of a VPN, or of containers of one
    /// machine: credentials go over it without TLS. Whoever can read what goes over this network can read them.
    ///
    /// ```
    /// use chatcore_client::Endpoint;
    ///
    /// let open: Endpoint = "chat.internal:12345".parse()?;
    /// assert!(!open.is_private() && open.with_trusted_network().is_private());
    /// # Ok::<(), chatcore_client::EndpointError>(())
    /// ```
    #[must_use]
    pub fn with_trusted_network(mut self) -> Self {
        self.is_trusted = true;
        self
    }

    /// Whether the connection is encrypted, and the server shows a certificate.
    pub const fn is_encrypted(&self) -> bool {
        self.place.is_encrypted()
    }

    /// Whether nobody else can read what the client sends: the connection is encrypted, or does not leave this machine,
    /// or the program [trusts the network](Self::with_trusted_network). Credentials go nowhere else. Of names it knows
    /// `localhost` alone: [`Driver::is_private`](crate::Driver::is_private) knows the address, too.
    pub fn is_private(&self) -> bool {
        self.is_encrypted() || self.is_trusted || self.place.is_local()
    }

    /// Whether the network on the way is taken for private.
    pub(crate) const fn is_trusted(&self) -> bool {
        self.is_trusted
    }
}

/// TCP to this address.
impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        let host = match address {
            SocketAddr::V4(address) => address.ip().to_string(),
            // With the scope, if it has one.
            SocketAddr::V6(address) if address.scope_id() != 0 => format!("[{}%{}]", address.ip(), address.scope_id()),
            SocketAddr::V6(address) => format!("[{}]", address.ip()),
        };
        Self::new(Place::Network { host, port: address.port(), layers: Layers::default() })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Network { host, port, layers } => {
                let authority = layers.authority(host, *port);
                match (layers.is_encrypted, &layers.web_path) {
                    (false, None) => f.write_str(&authority),
                    (_, path) => write!(f, "{}://{authority}{}", layers.scheme(), path.as_deref().unwrap_or_default()),
                }
            }
            #[cfg(unix)]
            Place::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}
