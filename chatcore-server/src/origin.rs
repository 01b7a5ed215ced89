//! Where connections come from, as numbers.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use chatcore::QuotaKey;

/// How many bits of an IPv6 address make an origin, and how many a site: 1 to 64, and no more for a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prefixes {
    pub(crate) origin_bits: u8,
    pub(crate) site_bits: u8,
}

impl Default for Prefixes {
    fn default() -> Self {
        Self { origin_bits: ORIGIN_BITS, site_bits: 48 }
    }
}

impl Prefixes {
    /// The origin of an address.
    pub(crate) fn origin(self, address: IpAddr) -> QuotaKey {
        key(address, self.origin_bits)
    }

    /// The site of an address. An address of IPv4 has none, and so has one whose site is its origin: that counts once.
    pub(crate) fn site(self, address: IpAddr) -> Option<QuotaKey> {
        let has_site = self.site_bits != self.origin_bits && address.to_canonical().is_ipv6();
        has_site.then(|| key(address, self.site_bits))
    }
}

/// Bits of an IPv6 address that a provider gives to one customer.
const ORIGIN_BITS: u8 = 64;

/// Marks the key of a network with another number of bits. They stand below it.
const BITS_MARK: u128 = 1 << 40;

fn key(address: IpAddr, bits: u8) -> QuotaKey {
    QuotaKey(match address.to_canonical() {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => {
            let others = 128 - u32::from(bits);
            let mark = if bits == ORIGIN_BITS { 0 } else { BITS_MARK | u128::from(bits) };
            u128::from(address) >> others << others | mark
        }
    })
}

/// The origin of a connection from an address: the address itself, or of IPv6 the part that a provider gives to one
/// customer, which is the first 64 bits. An IPv4 address that is written as IPv6 is the same origin as that address.
///
/// ```
/// use chatcore_server::quota_key;
///
/// assert_eq!(quota_key("2001:db8::1".parse()?), quota_key("2001:db8::2".parse()?));
/// assert_ne!(quota_key("2001:db8::1".parse()?), quota_key("2001:db8:1::1".parse()?));
/// assert_eq!(quota_key("::ffff:192.0.2.1".parse()?), quota_key("192.0.2.1".parse()?));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
pub fn quota_key(address: IpAddr) -> QuotaKey {
    key(address, ORIGIN_BITS)
}

/// The origin of connections over Unix sockets, where the system does not tell whose they are. No address has this key:
/// that of an IPv6 address ends with 64 zeros, or with 2⁴⁰ and a number of bits, that of an IPv4 address is below 2³².
#[cfg(feature = "mio")]
pub(crate) const LOCAL: QuotaKey = QuotaKey(1 << 32);

/// The same marks the origin of a user of this machine, whose number stands below it.
#[cfg(all(feature = "mio", unix))]
const LOCAL_USER_MARK: u128 = 1 << 33;

/// The origin of connections over Unix sockets of this user of the machine.
#[cfg(all(feature = "mio", unix))]
pub(crate) const fn local(uid: Option<u32>) -> QuotaKey {
    match uid {
        Some(uid) => QuotaKey(LOCAL_USER_MARK | uid as u128),
        None => LOCAL,
    }
}

#[cfg(feature = "mio")]
fn is_local(key: QuotaKey) -> bool {
    #[cfg(unix)]
    let is_user = key.0 >> 32 == LOCAL_USER_MARK >> 32;
    #[cfg(not(unix))]
    let is_user = false;
    key == LOCAL || is_user
}

/// What a [`quota_key`] stands for, for people: an IPv4 address, a network of IPv6, or `unix` for those who come over
/// the Unix sockets of a [`Server`](crate::Server).
///
/// ```
/// use chatcore_server::{origin_of, quota_key};
///
/// assert_eq!(origin_of(quota_key("192.0.2.1".parse()?)).to_string(), "192.0.2.1");
/// assert_eq!(origin_of(quota_key("2001:db8::1".parse()?)).to_string(), "2001:db8::/64");
/// assert_eq!(origin_of(quota_key("::1".parse()?)).to_string(), "::/64");
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
pub fn origin_of(key: QuotaKey) -> impl fmt::Display {
    Origin(key)
}

struct Origin(QuotaKey);

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match u32::try_from(self.0.0) {
            // No peer has the address 0.0.0.0.
            #[cfg(feature = "mio")]
            Err(_) if is_local(self.0) => f.write_str("unix"),
            Ok(address) if address > 0 => write!(f, "{}", Ipv4Addr::from(address)),
            _ => {
                let others = u128::from(u64::MAX);
                let bits = if self.0.0 & BITS_MARK == 0 { ORIGIN_BITS.into() } else { self.0.0 & 0xff };
                write!(f, "{}/{bits}", Ipv6Addr::from(self.0.0 & !others))
            }
        }
    }
}

#[cfg(all(test, feature = "mio", unix))]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_user_of_this_machine_is_an_origin_that_no_address_has() {
        let uids = [None, Some(0), Some(1000), Some(u32::MAX)];
        let addresses = ["0.0.0.1", "255.255.255.255", "::1", "::2:0:0:0:0", "ffff::"];
        let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().expect("an address")).collect();
        let mut keys: HashSet<_> = uids.into_iter().map(local).collect();
        for bits in 1..=64 {
            keys.extend(addresses.iter().map(|address| key(*address, bits)));
        }
        let (are_local, others): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| is_local(*key));
        assert_eq!(are_local.len(), uids.len());
        assert!(are_local.iter().all(|key| origin_of(*key).to_string() == "unix"));
        assert!(others.iter().all(|key| origin_of(*key).to_string() != "unix"));
    }
}
