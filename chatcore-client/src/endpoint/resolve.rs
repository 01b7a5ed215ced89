//! From a host to its addresses.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs};

use super::bare;
use crate::addresses::in_turn;

/// Finds the addresses of a host. [`SystemResolver`] asks the system; a program may have a way of its own.
pub trait Resolve: fmt::Debug + Send + Sync {
    /// The addresses of a host with this port, the best first. A [`Driver`](crate::Driver) calls this on a thread of
    /// its own, so that it may take its time.
    ///
    /// # Errors
    ///
    /// Why there is none.
    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// Asks the system, as all programs do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        (host, port).to_socket_addrs().map(Iterator::collect)
    }
}

/// The addresses of a host in the order in which to try them.
///
/// # Errors
///
/// The resolver's, and [`io::ErrorKind::NotFound`] if it finds none.
pub(crate) fn addresses(resolver: &dyn Resolve, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let ordered = in_turn(resolver.resolve(bare(host), port)?);
    if ordered.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    }
    Ok(ordered)
}

/// The address of a host that is a number; none if it must be looked up. The system knows the names of interfaces.
pub(crate) fn literal(host: &str, port: u16) -> Option<SocketAddr> {
    let host = bare(host);
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Some(SocketAddr::new(ip, port));
    }
    let (ip, scope) = host.split_once('%')?;
    let ip = ip.parse::<Ipv6Addr>().ok()?;
    // Only within a link it says something (RFC 4007, 6).
    let is_of_link = ip.is_unicast_link_local() || ip.is_multicast();
    let scope_id = if is_of_link { scope.parse().ok()? } else { 0 };
    Some(SocketAddrV6::new(ip, port, 0, scope_id).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Nowhere;

    impl Resolve for Nowhere {
        fn resolve(&self, _host: &str, _port: u16) -> io::Result<Vec<SocketAddr>> {
            Ok(Vec::new())
        }
    }

    #[test]
    fn a_name_without_addresses_is_told() {
        let error = addresses(&Nowhere, "chat.example", 1).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_scope_is_part_of_an_address_of_a_link() {
        let address = literal("[fe80::1%7]", 5).unwrap();
        assert_eq!(address, SocketAddrV6::new("fe80::1".parse().unwrap(), 5, 0, 7).into());
        assert_eq!(literal("[::1%lo]", 5), Some("[::1]:5".parse().unwrap()), "elsewhere it says nothing");
        assert_eq!(literal("192.0.2.1", 5), Some("192.0.2.1:5".parse().unwrap()));
        for other in ["[fe80::1%eth0]", "chat.example", "192.0.2.1%eth0", "%", "[%1]"] {
            assert_eq!(literal(other, 5), None, "{other}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_system_knows_the_names_of_interfaces() {
        let address = addresses(&SystemResolver, "[fe80::1%lo]", 5).unwrap()[0];
        let SocketAddr::V6(address) = address else { panic!("{address}") };
        assert!(address.scope_id() > 0 && address.ip().is_unicast_link_local(), "{address}");
    }
}
