//! From a host to its addresses.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs};

use super::bare;

/// Addresses of a host that are tried, at the most.
const ADDRESSES_MAX: usize = 32;

/// Finds the addresses of a host. [`SystemResolver`] asks the system; a program may have a way of its own.
pub trait Resolve: fmt::Debug + Send + Sync {
    /// The addresses of a host with this port, the best first. A [`Driver`](crate::Driver) calls this on a thread of its own,
    /// so that it may take its time.
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

/// The addresses of a host in the order in which to try them: each once, and the families in turn, beginning with the one that
/// the resolver has put first (RFC 8305, 4).
///
/// # Errors
///
/// The resolver's, and [`io::ErrorKind::NotFound`] if it finds none.
pub(crate) fn addresses(resolver: &dyn Resolve, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let found = resolver.resolve(bare(host), port)?;
    let is_first_v6 = found.first().is_some_and(SocketAddr::is_ipv6);
    let mut families = [Vec::new(), Vec::new()];
    for address in found {
        let family = &mut families[usize::from(address.is_ipv6() != is_first_v6)];
        if !family.contains(&address) {
            family.push(address);
        }
    }
    let [mut first, mut second] = families.map(Vec::into_iter);
    let mut ordered = Vec::new();
    while ordered.len() < ADDRESSES_MAX {
        let before = ordered.len();
        ordered.extend(first.next().into_iter().chain(second.next()));
        if ordered.len() == before {
            break;
        }
    }
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
    struct Fixed(Vec<SocketAddr>);

    impl Resolve for Fixed {
        fn resolve(&self, _host: &str, _port: u16) -> io::Result<Vec<SocketAddr>> {
            Ok(self.0.clone())
        }
    }

    fn ordered(given: &[&str]) -> Vec<String> {
        let fixed = Fixed(given.iter().map(|address| address.parse().unwrap()).collect());
        addresses(&fixed, "chat.example", 1).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn families_take_turns_and_each_address_comes_once() {
        let given = ["[::1]:1", "[::2]:1", "[::1]:1", "[::3]:1", "192.0.2.1:1", "192.0.2.2:1"];
        assert_eq!(ordered(&given), ["[::1]:1", "192.0.2.1:1", "[::2]:1", "192.0.2.2:1", "[::3]:1"]);
        assert_eq!(ordered(&["192.0.2.1:1", "[::1]:1"]), ["192.0.2.1:1", "[::1]:1"], "the first stays the first");
    }

    #[test]
    fn a_name_without_addresses_is_told_and_one_with_many_is_cut() {
        let error = addresses(&Fixed(Vec::new()), "chat.example", 1).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        let many = Fixed((1..=1_000).map(|port| SocketAddr::from(([192, 0, 2, 1], port))).collect());
        assert_eq!(addresses(&many, "chat.example", 1).unwrap().len(), ADDRESSES_MAX);
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
