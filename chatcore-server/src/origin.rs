//! Where connections come from, as numbers.

use std::net::IpAddr;

use chatcore::QuotaKey;

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
    QuotaKey(match address.to_canonical() {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address) >> 64 << 64,
    })
}
