//! Where a connection comes from, as the program tells it.

use std::net::IpAddr;

use chatcore::{QuotaKey, QuotaSource};

use crate::counts::Place;
use crate::origin::Prefixes;

/// Where a connection comes from. An address is one, and so is a [`QuotaKey`] of the program's own.
///
/// The hub has bounds for each origin ([`QuotaKey`]), and the server two more: on its connections, and on those among
/// them that have no name yet ([`connections_of_origin_max`](super::AsyncConfig::connections_of_origin_max)). Of IPv6,
/// whose addresses come by the billion, they also hold for a site, some times over.
///
/// ```
/// use chatcore_server::chatcore::QuotaKey;
/// use chatcore_server::{Origin, quota_key};
/// use std::net::IpAddr;
///
/// let address: IpAddr = "192.0.2.7".parse()?;
/// assert_eq!(Origin::from(address), Origin::from(quota_key(address)));
/// assert_eq!(Origin::from(QuotaKey(0)), Origin::from(QuotaKey(0)).shared(), "as for the hub, 0 is anybody's");
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    pub(super) place: Place,
}

impl Origin {
    /// The number by which the hub knows it.
    pub const fn key(&self) -> QuotaKey {
        self.place.origin
    }

    /// As the hub charges it.
    pub(super) fn source(&self, site_factor: u32) -> QuotaSource {
        self.place.source(site_factor)
    }

    /// The same as a part of a site, with a number that no origin has: a larger network that may belong to one person.
    /// The site must follow from the origin: the hub keeps an origin's site while the origin has anything
    /// ([`Registration::with_site`](chatcore::Registration::with_site)).
    #[must_use]
    pub const fn with_site(mut self, site: QuotaKey) -> Self {
        self.place.site = Some(site);
        self
    }

    /// The same, shared by many users, as the address of a proxy is: the bounds on numbers do not hold for it, neither
    /// those of the server nor those of the hub
    /// ([`Registration::with_shared_origin`](chatcore::Registration::with_shared_origin)). Those on cost and memory do.
    /// It uses up nothing of its site.
    #[must_use]
    pub const fn shared(mut self) -> Self {
        self.place.is_shared = true;
        self
    }
}

/// An origin of the program's own, which belongs to no site. [`QuotaKey`]`(0)` is [shared](Origin::shared).
impl From<QuotaKey> for Origin {
    fn from(origin: QuotaKey) -> Self {
        Self { place: Place { origin, site: None, is_shared: origin == QuotaKey::default() } }
    }
}

/// An IPv4 address, or of IPv6 the first 64 bits, in a site of the first 48 ([`quota_key`](crate::quota_key)). Loopback
/// is [shared](Origin::shared): who comes from there is on this machine, or comes through a proxy on it.
impl From<IpAddr> for Origin {
    fn from(address: IpAddr) -> Self {
        let prefixes = Prefixes::default();
        let (origin, site) = (prefixes.origin(address), prefixes.site(address));
        Self { place: Place { origin, site, is_shared: address.to_canonical().is_loopback() } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(address: &str) -> Origin {
        Origin::from(address.parse::<IpAddr>().expect("it is an address"))
    }

    #[test]
    fn an_address_of_ipv6_belongs_to_a_site_and_loopback_is_shared() {
        let (one, other) = (origin("2001:db8:0:1::1"), origin("2001:db8:0:2::1"));
        assert_ne!(one.key(), other.key());
        assert_eq!(one.place.site, other.place.site);
        assert!(one.place.site.is_some() && one.place.site != origin("2001:db8:1::1").place.site);
        assert_eq!(origin("192.0.2.1").place.site, None);
        for (address, is_shared) in [("192.0.2.1", false), ("127.9.9.9", true), ("::1", true), ("2001:db8::", false)] {
            assert_eq!(origin(address).place.is_shared, is_shared, "{address}");
        }
    }
}
