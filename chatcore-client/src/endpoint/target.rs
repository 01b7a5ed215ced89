//! Where to connect to at last.

use std::fmt;
use std::net::SocketAddr;
#[cfg(unix)]
use std::path::PathBuf;

use super::resolve::{Resolve, SystemResolver, addresses, literal};
use super::{Endpoint, Place, is_loopback};
use crate::connection::ConnectError;
#[cfg(feature = "tls")]
use crate::tls::Tls;

/// An [`Endpoint`], and an address at which it was found: where a [`Driver`](crate::Driver) connects.
/// [`Endpoint::targets`] makes them. A [`SocketAddr`] is one, for TCP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub(crate) endpoint: Endpoint,
    pub(crate) address: Address,
}

/// As the system takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Ip(SocketAddr),
    #[cfg(unix)]
    Unix(PathBuf),
}

impl Address {
    /// What goes there does not leave this machine.
    pub(crate) fn is_local(&self) -> bool {
        match self {
            // Systems take the address that is none for one of their own.
            Self::Ip(address) => is_loopback(address.ip()) || address.ip().to_canonical().is_unspecified(),
            #[cfg(unix)]
            Self::Unix(_) => true,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => write!(f, "{address}"),
            #[cfg(unix)]
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

impl Target {
    /// The endpoint of which this is an address.
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(crate) const fn is_encrypted(&self) -> bool {
        self.endpoint.is_encrypted()
    }

    /// Nobody else can read what the client sends there.
    pub(crate) fn is_private(&self) -> bool {
        self.is_encrypted() || self.endpoint.is_trusted() || self.address.is_local()
    }
}

impl From<SocketAddr> for Target {
    fn from(address: SocketAddr) -> Self {
        Self { endpoint: address.into(), address: Address::Ip(address) }
    }
}

impl Endpoint {
    /// Where to connect to, in the order in which to try it (RFC 8305, 4). The system looks the name up, which can take
    /// seconds. If TLS is to be spoken as the system does, it also looks for whom that trusts.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Resolve`] if the system does not find the host, and with the feature `tls` `ConnectError::Trust`
    /// if it trusts nobody.
    pub fn targets(&self) -> Result<Vec<Target>, ConnectError> {
        self.targets_by(&SystemResolver)
    }

    /// As [`targets`](Self::targets), with a way of one's own to find the addresses of a name.
    ///
    /// # Errors
    ///
    /// As [`targets`](Self::targets).
    pub fn targets_by(&self, resolver: &dyn Resolve) -> Result<Vec<Target>, ConnectError> {
        let endpoint = self.prepared()?;
        if let Some(address) = self.address() {
            return Ok(vec![Target { endpoint, address }]);
        }
        let Some((host, port)) = self.name() else { unreachable!("what has no name has its address") };
        let failed = |source| ConnectError::Resolve { address: self.to_string(), source };
        addresses(resolver, host, port).map_err(failed).map(|found| endpoint.at(found))
    }

    /// The address, if nothing must be looked up for it.
    pub(crate) fn address(&self) -> Option<Address> {
        match &self.place {
            Place::Network { host, port, .. } => literal(host, *port).map(Address::Ip),
            #[cfg(unix)]
            Place::Unix(path) => Some(Address::Unix(path.clone())),
        }
    }

    /// The host and the port to be looked up.
    pub(crate) fn name(&self) -> Option<(&str, u16)> {
        match &self.place {
            Place::Network { host, port, .. } => Some((host, *port)),
            #[cfg(unix)]
            Place::Unix(_) => None,
        }
    }

    /// This endpoint at these addresses.
    pub(crate) fn at(&self, addresses: Vec<SocketAddr>) -> Vec<Target> {
        let target = |address| Target { endpoint: self.clone(), address: Address::Ip(address) };
        addresses.into_iter().map(target).collect()
    }

    /// The same, with whom the system trusts, if that is needed and not known yet.
    #[cfg(feature = "tls")]
    fn prepared(&self) -> Result<Self, ConnectError> {
        if !self.is_encrypted() || self.tls.is_some() {
            return Ok(self.clone());
        }
        let failed = |source| ConnectError::Trust { address: self.to_string(), source };
        Ok(self.clone().with_tls(Tls::of_system().map_err(failed)?))
    }

    #[cfg(not(feature = "tls"))]
    #[expect(clippy::unnecessary_wraps, reason = "with the feature `tls` it can fail")]
    fn prepared(&self) -> Result<Self, ConnectError> {
        Ok(self.clone())
    }
}
