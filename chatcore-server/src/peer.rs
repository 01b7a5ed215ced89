//! Who is at the other end of a connection, as the system tells it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use chatcore::QuotaKey;

#[cfg(unix)]
use crate::origin::LOCAL;
use crate::origin::Prefixes;

/// The other end of a connection. Smaller than a `SocketAddr`, because each connection has one: it lacks the scope of an
/// address of IPv6, which is only shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// An address of the network.
    Ip { address: IpAddr, port: u16 },
    /// A program on this machine.
    #[cfg(unix)]
    Local,
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        Self::Ip { address: address.ip(), port: address.port() }
    }
}

impl Peer {
    /// Its address, without the port.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Ip { address, .. } => Some(*address),
            #[cfg(unix)]
            Self::Local => None,
        }
    }

    /// Where it comes from, as the hub takes it. All programs of this machine are one origin.
    pub(crate) fn origin(&self, prefixes: Prefixes) -> QuotaKey {
        match self {
            Self::Ip { address, .. } => prefixes.origin(*address),
            #[cfg(unix)]
            Self::Local => LOCAL,
        }
    }

    /// The site that its address belongs to, if it is one of IPv6.
    pub(crate) fn site(&self, prefixes: Prefixes) -> Option<QuotaKey> {
        prefixes.site(self.address()?)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip { address, port } => SocketAddr::new(*address, *port).fmt(f),
            #[cfg(unix)]
            Self::Local => f.write_str("unix"),
        }
    }
}
