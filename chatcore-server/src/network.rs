//! Networks as people write them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A network of addresses, or one address: `10.0.0.0/8`, `2001:db8::/32`, `192.0.2.7`. Bits after the prefix are taken
/// as zeros, and an IPv4 address that is written as IPv6 is that address.
///
/// ```
/// use chatcore_server::Network;
///
/// let network: Network = "192.0.2.7/24".parse()?;
/// assert_eq!(network.to_string(), "192.0.2.0/24");
/// assert!(network.contains("192.0.2.200".parse()?) && network.contains("::ffff:192.0.2.200".parse()?));
/// assert!(!network.contains("192.0.3.1".parse()?));
/// assert_eq!("::1".parse::<Network>()?.to_string(), "::1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    first: IpAddr,
    bits: u8,
}

impl Network {
    /// The loopback of IPv4: programs on this machine.
    pub(crate) const LOOPBACK_V4: Self = Self { first: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), bits: 8 };
    /// The same of IPv6.
    pub(crate) const LOOPBACK_V6: Self = Self { first: IpAddr::V6(Ipv6Addr::LOCALHOST), bits: 128 };

    /// Whether an address belongs to it.
    pub fn contains(&self, address: IpAddr) -> bool {
        first_of(address.to_canonical(), self.bits) == Some(self.first)
    }

    /// Whether it is of IPv6, and has more than these bits. Loopback is a network of its own.
    pub(crate) fn is_smaller_than(&self, bits: u8) -> bool {
        self.first.is_ipv6() && self.bits > bits && *self != Self::LOOPBACK_V6
    }

    /// The network of so many bits, or fewer, that it belongs to.
    pub(crate) fn widened(self, bits: u8) -> Self {
        let bits = bits.min(self.bits);
        Self { first: first_of(self.first, bits).unwrap_or(self.first), bits }
    }
}

/// Bits of an address of this family.
const fn bits_of(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The first address of the network that an address belongs to; none if an address of its family has fewer bits.
fn first_of(address: IpAddr, bits: u8) -> Option<IpAddr> {
    let others = u32::from(bits_of(address).checked_sub(bits)?);
    Some(match address {
        // A shift by all bits leaves none.
        IpAddr::V4(address) => {
            let bits = u32::from(address).checked_shr(others).and_then(|bits| bits.checked_shl(others));
            Ipv4Addr::from(bits.unwrap_or(0)).into()
        }
        IpAddr::V6(address) => {
            let bits = u128::from(address).checked_shr(others).and_then(|bits| bits.checked_shl(others));
            Ipv6Addr::from(bits.unwrap_or(0)).into()
        }
    })
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let error = || NetworkError { given: text.into() };
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| error())?;
        let is_number = |bits: &&str| !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
        let bits = match bits {
            Some(bits) => Some(bits).filter(is_number).and_then(|bits| bits.parse().ok()).ok_or_else(error)?,
            None => bits_of(address),
        };
        // A whole network of addresses of IPv4 that are written as IPv6 is one of IPv4.
        let (address, bits) = match (address, address.to_canonical()) {
            (IpAddr::V6(_), canonical @ IpAddr::V4(_)) if bits >= 96 => (canonical, bits - 96),
            _ => (address, bits),
        };
        let first = first_of(address, bits).ok_or_else(error)?;
        Ok(Self { first, bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bits == bits_of(self.first) { self.first.fmt(f) } else { write!(f, "{}/{}", self.first, self.bits) }
    }
}

/// A text that is no [`Network`]. `Display` says what would be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is no network: it must be an address, or a network like 10.0.0.0/8 or 2001:db8::/32")]
pub struct NetworkError {
    given: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_the_addresses_that_begin_as_it_does() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", &["10.255.0.1", "::ffff:10.1.2.3"][..], &["11.0.0.1", "::a00:1", "2001:db8::"][..]),
            ("0.0.0.0/0", &["1.2.3.4"], &["::1"]),
            ("::/0", &["::1", "2001:db8::1"], &["1.2.3.4"]),
            ("192.0.2.7", &["192.0.2.7"], &["192.0.2.6"]),
            ("2001:db8::/33", &["2001:db8:7fff::1"], &["2001:db8:8000::1"]),
            ("::ffff:10.0.0.0/104", &["10.9.9.9"], &["11.0.0.0"]),
        ] {
            let network: Network = network.parse().unwrap();
            for (addresses, is_inside) in [(inside, true), (outside, false)] {
                for address in addresses {
                    assert_eq!(network.contains(address.parse().unwrap()), is_inside, "{network} {address}");
                }
            }
            assert_eq!(network.to_string().parse(), Ok(network));
        }
    }

    #[test]
    fn what_is_no_network_is_told_what_is() {
        for wrong in ["", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/+8", "10.0.0/8", "localhost", "::1/8/9"]
        {
            let error = wrong.parse::<Network>().unwrap_err().to_string();
            assert!(error.contains("10.0.0.0/8") && error.contains(&format!("{wrong:?}")), "{error}");
        }
    }
}
