//! What the text of a host says.

use std::net::IpAddr;

/// A host without what says which of our own interfaces leads there.
#[cfg(feature = "websocket")]
pub(crate) fn without_scope(host: &str) -> std::borrow::Cow<'_, str> {
    match host.split_once('%') {
        Some((host, _)) => format!("{host}]").into(),
        None => host.into(),
    }
}

/// A host without the brackets of IPv6.
pub(crate) fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

pub(super) fn is_localhost(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host == "localhost" || host.ends_with(".localhost")
}

pub(super) fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}
