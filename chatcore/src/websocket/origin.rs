//! Who a request comes from, and whom it asks: `Origin` (RFC 6454) and `Host` (RFC 9110, 7.2).

use core::net::{Ipv4Addr, Ipv6Addr};

/// A host, and a port if one is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Authority<'a> {
    pub(super) host: Host<'a>,
    pub(super) port: Option<u16>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Host<'a> {
    /// In whatever case.
    Name(&'a str),
    V4(Ipv4Addr),
    V6(Ipv6Addr),
}

impl PartialEq for Host<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(name), Self::Name(other)) => name.eq_ignore_ascii_case(other),
            (Self::V4(address), Self::V4(other)) => address == other,
            (Self::V6(address), Self::V6(other)) => address == other,
            _ => false,
        }
    }
}

impl Eq for Host<'_> {}

impl<'a> Host<'a> {
    /// A name as DNS has it, or an address as RFC 3986 writes it.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        if let Some(address) = text.strip_prefix('[') {
            return address.strip_suffix(']')?.parse().ok().map(Self::V6);
        }
        if let Ok(address) = text.parse() {
            return Some(Self::V4(address));
        }
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        (!text.is_empty() && text.bytes().all(is_name)).then_some(Self::Name(text))
    }
}

impl<'a> Authority<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let host_end = match text.find(']') {
            Some(end) => end + 1,
            None => text.find(':').unwrap_or(text.len()),
        };
        let (host, port) = text.split_at(host_end);
        let port = match port.strip_prefix(':') {
            // A colon without a port names none.
            Some("") => None,
            Some(port) if port.bytes().all(|digit| digit.is_ascii_digit()) => Some(port.parse().ok()?),
            None if port.is_empty() => None,
            _ => return None,
        };
        Some(Self { host: Host::parse(host)?, port })
    }
}

/// What a browser says where a page is from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin<'a> {
    scheme: &'a str,
    authority: Authority<'a>,
}

impl<'a> Origin<'a> {
    /// None for `null`, which many pages have at once, and for what is no origin.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let begins_with_letter = scheme.bytes().next()?.is_ascii_alphabetic();
        (begins_with_letter && scheme.bytes().all(is_scheme)).then_some(())?;
        Some(Self { scheme, authority: Authority::parse(authority)? })
    }

    /// The origin of the pages of the host that a request asks.
    pub(super) const fn of_host(is_secure: bool, authority: Authority<'a>) -> Self {
        Self { scheme: if is_secure { "https" } else { "http" }, authority }
    }

    fn port(&self) -> Option<u16> {
        self.authority.port.or_else(|| match () {
            () if self.scheme.eq_ignore_ascii_case("http") => Some(80),
            () if self.scheme.eq_ignore_ascii_case("https") => Some(443),
            () => None,
        })
    }
}

/// Equal in scheme, host and port.
impl PartialEq for Origin<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.scheme.eq_ignore_ascii_case(other.scheme)
            && self.authority.host == other.authority.host
            && self.port() == other.port()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
        let name = |name| Host::Name(name);
        for (text, host, port) in [
            ("chat.example", name("chat.example"), None),
            ("chat.example:", name("chat.example"), None),
            ("CHAT.example:8080", name("chat.EXAMPLE"), Some(8080)),
            ("127.0.0.1:80", Host::V4(Ipv4Addr::LOCALHOST), Some(80)),
            ("[::1]:443", Host::V6(Ipv6Addr::LOCALHOST), Some(443)),
            ("[::1]", Host::V6(Ipv6Addr::LOCALHOST), None),
        ] {
            assert_eq!(Authority::parse(text), Some(Authority { host, port }), "{text}");
        }
        for text in [
            "", ":80", "a b", "a:b", "a:65536", "a:+1", "a:1:2", "::1", "[::1", "[::1]x", "[a]", "u@h", "a/b", "ä",
            "[]", "]",
        ] {
            assert_eq!(Authority::parse(text), None, "{text}");
        }
    }

    #[test]
    fn origins_are_the_same_by_scheme_host_and_port() {
        let same = |a, b| Origin::parse(a).unwrap() == Origin::parse(b).unwrap();
        assert!(same("https://chat.example", "HTTPS://Chat.Example:443"));
        assert!(same("http://127.0.0.1", "http://127.0.0.1:80"));
        assert!(same("extension://abcdef", "extension://abcdef"));
        assert!(!same("https://chat.example", "http://chat.example"));
        assert!(!same("https://chat.example", "https://chat.example:8443"));
        assert!(!same("https://chat.example", "https://chat.example.evil.example"));
        assert!(!same("http://127.0.0.1", "http://[::1]"));
        for text in ["", "null", "chat.example", "://a", "1a://b", "http://", "http://a/", "http://a?b", "http://a:b"] {
            assert!(Origin::parse(text).is_none(), "{text}");
        }
    }
}
