//! Who is at the other end of a connection, as the system tells it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
#[cfg(unix)]
use std::os::fd::AsFd;

use chatcore::QuotaKey;
#[cfg(any(target_os = "linux", target_os = "android"))]
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};

use crate::origin::Prefixes;
#[cfg(unix)]
use crate::origin::local;

/// The other end of a connection. Smaller than a `SocketAddr`, because each connection has one: it lacks the scope of
/// an address of IPv6, which is only shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// An address of the network. If a proxy of another machine names it, it is not of this machine, whatever it says.
    Ip { address: IpAddr, port: u16, is_elsewhere: bool },
    /// A program on this machine, and the number of the user whose it is, if the system tells it.
    #[cfg(unix)]
    Local { uid: Option<u32> },
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        Self::Ip { address: address.ip(), port: address.port(), is_elsewhere: false }
    }
}

impl Peer {
    /// Its address, without the port.
    pub(crate) const fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Ip { address, .. } => Some(*address),
            #[cfg(unix)]
            Self::Local { .. } => None,
        }
    }

    /// The same, as this proxy names it.
    pub(crate) fn named_by(self, proxy: &Self) -> Self {
        match self {
            Self::Ip { address, port, .. } => Self::Ip { address, port, is_elsewhere: !proxy.is_here() },
            #[cfg(unix)]
            Self::Local { .. } => self,
        }
    }

    /// A program of this machine.
    pub(crate) fn is_here(&self) -> bool {
        match self {
            Self::Ip { address, is_elsewhere, .. } => !is_elsewhere && address.to_canonical().is_loopback(),
            #[cfg(unix)]
            Self::Local { .. } => true,
        }
    }

    /// The same without whose program it is.
    pub(crate) const fn without_user(self) -> Self {
        match self {
            Self::Ip { .. } => self,
            #[cfg(unix)]
            Self::Local { .. } => Self::Local { uid: None },
        }
    }

    /// Whose program it is.
    pub(crate) const fn uid(&self) -> Option<u32> {
        match self {
            Self::Ip { .. } => None,
            #[cfg(unix)]
            Self::Local { uid } => *uid,
        }
    }

    /// Where it comes from, as the hub takes it. Over Unix sockets, each user of this machine is one.
    pub(crate) fn origin(&self, prefixes: Prefixes) -> QuotaKey {
        match self {
            Self::Ip { address, .. } => prefixes.origin(*address),
            #[cfg(unix)]
            Self::Local { uid } => local(*uid),
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
            Self::Ip { address, port, .. } => SocketAddr::new(*address, *port).fmt(f),
            #[cfg(unix)]
            Self::Local { .. } => f.write_str("unix"),
        }
    }
}

/// The user whose program is at the other end of a Unix socket, as the system knows from when it was connected. None if
/// the system does not tell.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn uid_of(socket: &impl AsFd) -> Option<u32> {
    getsockopt(socket, PeerCredentials).ok().map(|peer| peer.uid())
}

/// Likewise.
#[cfg(any(target_vendor = "apple", target_os = "freebsd", target_os = "openbsd", target_os = "netbsd"))]
pub(crate) fn uid_of(socket: &impl AsFd) -> Option<u32> {
    nix::unistd::getpeereid(socket).ok().map(|(uid, _)| uid.as_raw())
}

/// Such a system.
#[cfg(all(
    unix,
    not(any(
        target_os = "linux",
        target_os = "android",
        target_vendor = "apple",
        target_os = "freebsd",
        target_os = "openbsd",
        target_os = "netbsd"
    ))
))]
pub(crate) fn uid_of(_: &impl AsFd) -> Option<u32> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn users_of_this_machine_are_origins_apart() {
        let origin = |uid| Peer::Local { uid }.origin(Prefixes::default());
        assert_ne!(origin(Some(1)), origin(Some(2)));
        assert_ne!(origin(Some(1)), origin(None));
        assert_eq!(origin(Some(1)), origin(Some(1)));
    }
}
