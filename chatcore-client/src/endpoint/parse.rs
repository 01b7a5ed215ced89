//! From text to an endpoint.

use std::str::FromStr;

use super::{Endpoint, EndpointError, Layers, Place, bare};

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(given: &str) -> Result<Self, EndpointError> {
        let (scheme, rest) = given.split_once("://").unwrap_or(("tcp", given));
        let (is_encrypted, is_web) = match &*scheme.to_ascii_lowercase() {
            "tcp" => (false, false),
            "tls" if cfg!(feature = "tls") => (true, false),
            "ws" if cfg!(feature = "websocket") => (false, true),
            "wss" if cfg!(all(feature = "tls", feature = "websocket")) => (true, true),
            "tls" => return Err(EndpointError::Feature { scheme: "tls", feature: "tls" }),
            "ws" => return Err(EndpointError::Feature { scheme: "ws", feature: "websocket" }),
            "wss" => return Err(EndpointError::Feature { scheme: "wss", feature: "tls, websocket" }),
            "unix" => return unix(rest).map(Self::new),
            _ => return Err(EndpointError::Scheme { scheme: scheme.into() }),
        };
        let (authority, web_path) = if is_web { with_path(given, rest)? } else { (rest, None) };
        network(given, authority, Layers { is_encrypted, web_path }).map(Self::new)
    }
}

/// The host and the port of a WebSocket, and its path.
fn with_path<'a>(given: &str, rest: &'a str) -> Result<(&'a str, Option<String>), EndpointError> {
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    // Without a path, the query follows the path of one slash.
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    if path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        Ok((authority, Some(path)))
    } else {
        Err(EndpointError::Syntax { given: given.into() })
    }
}

/// A port of a host.
pub(super) fn network(given: &str, authority: &str, layers: Layers) -> Result<Place, EndpointError> {
    let syntax = || EndpointError::Syntax { given: given.into() };
    if authority.contains('@') {
        return Err(EndpointError::User);
    }
    // A colon within brackets is part of an address of IPv6.
    let host_end = if authority.starts_with('[') {
        authority.find(']').map(|at| at + 1).ok_or_else(syntax)?
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (host, port) = authority.split_at(host_end);
    let is_of_host = |c: char| !c.is_whitespace() && !c.is_control() && !"/?#\\[]".contains(c);
    if bare(host).is_empty() || !bare(host).chars().all(is_of_host) {
        return Err(syntax());
    }
    let Some(digits) = port.strip_prefix(':').or_else(|| port.is_empty().then_some("")) else { return Err(syntax()) };
    if digits.contains(':') {
        // It may be an address of IPv6 without its brackets.
        return Err(syntax());
    }
    // A number of std's may have a sign.
    let port = digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok()).flatten();
    let port = if authority == host { layers.default_port() } else { port.filter(|port| *port != 0) };
    let Some(port) = port else {
        let example = match layers.scheme() {
            "tls" => "tls://chat.example:12346",
            "ws" => "ws://chat.example:8080/",
            "wss" => "wss://chat.example:8443/",
            _ => "chat.example:12345",
        };
        return Err(EndpointError::Port { given: given.into(), example });
    };
    // The names of interfaces have cases.
    let host = if host.contains('%') { host.to_owned() } else { host.to_ascii_lowercase() };
    #[cfg(feature = "tls")]
    if layers.is_encrypted && crate::tls::server_name(&host).is_none() {
        return Err(EndpointError::Host { host });
    }
    Ok(Place::Network { host, port, layers })
}

#[cfg(unix)]
fn unix(path: &str) -> Result<Place, EndpointError> {
    // Systems end a path at a zero.
    if !path.starts_with('/') || path.contains('\0') {
        return Err(EndpointError::Path { path: path.into() });
    }
    Ok(Place::Unix(path.into()))
}

#[cfg(not(unix))]
fn unix(_path: &str) -> Result<Place, EndpointError> {
    Err(EndpointError::NoUnix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(given: &str) -> String {
        given.parse::<Endpoint>().unwrap_or_else(|error| panic!("{given}: {error}")).to_string()
    }

    fn error(given: &str) -> EndpointError {
        given.parse::<Endpoint>().expect_err(given)
    }

    #[test]
    fn what_means_the_same_is_shown_the_same() {
        for (given, expected) in [
            ("127.0.0.1:12345", "127.0.0.1:12345"),
            ("tcp://127.0.0.1:12345", "127.0.0.1:12345"),
            ("TCP://Chat.Example:012345", "chat.example:12345"),
            ("[::1]:1", "[::1]:1"),
            ("[fe80::1%Eth0]:1", "[fe80::1%Eth0]:1"),
        ] {
            assert_eq!(shown(given), expected);
            assert_eq!(shown(&shown(given)), expected, "and it is read again");
        }
    }

    #[cfg(feature = "tls")]
    #[test]
    fn tls_has_its_own_scheme_and_a_host_that_a_certificate_can_be_for() {
        assert_eq!(shown("TLS://Chat.Example:1"), "tls://chat.example:1");
        assert_eq!(shown("tls://[::1]:1"), "tls://[::1]:1");
        assert_ne!("tls://a:1".parse::<Endpoint>(), "tcp://a:1".parse());
        assert_eq!(error("tls://-.example:1"), EndpointError::Host { host: "-.example".into() });
    }

    #[cfg(feature = "websocket")]
    #[test]
    fn a_websocket_has_a_path_and_a_port_of_its_own() {
        for (given, expected) in [
            ("ws://chat.example", "ws://chat.example/"),
            ("WS://Chat.Example:80/Chat", "ws://chat.example/Chat"),
            ("ws://[::1]:8080/chat?a=b", "ws://[::1]:8080/chat?a=b"),
            ("ws://chat.example?a", "ws://chat.example/?a"),
            #[cfg(feature = "tls")]
            ("wss://chat.example:443", "wss://chat.example/"),
            #[cfg(feature = "tls")]
            ("wss://chat.example:80/", "wss://chat.example:80/"),
        ] {
            assert_eq!(shown(given), expected);
            assert_eq!(shown(&shown(given)), expected, "and it is read again");
        }
        for given in ["ws://a/ b", "ws://a/#b", "ws://a#b", "ws://a/\u{e9}", "ws:///chat", "ws://"] {
            assert!(matches!(error(given), EndpointError::Syntax { .. }), "{given}: {:?}", error(given));
        }
        assert!(matches!(error("ws://a:/"), EndpointError::Port { .. }));
    }

    #[cfg(unix)]
    #[test]
    fn a_path_is_absolute() {
        assert_eq!(shown("unix:///run/chat.sock"), "unix:///run/chat.sock");
        for given in ["unix://run/chat.sock", "unix://", "unix:///a\0b"] {
            assert!(matches!(error(given), EndpointError::Path { .. }), "{given}");
        }
    }

    #[test]
    fn what_is_no_address_is_told_with_what_would_be_right() {
        for given in ["", "no address:1", ":1", "tcp://:1", "::1:1", "[::1:1", "[]:1", "[::1]1", "a/b:1", "a:1:2"] {
            assert!(matches!(error(given), EndpointError::Syntax { .. }), "{given}: {:?}", error(given));
            assert!(error(given).to_string().contains("127.0.0.1:12345"));
        }
        for given in ["localhost", "a:", "a:x", "a:0", "a:65536", "a:+1", "[::1]", "tcp://a"] {
            assert!(matches!(error(given), EndpointError::Port { .. }), "{given}: {:?}", error(given));
        }
        assert!(error("https://a:1").to_string().contains("tls://"));
        assert_eq!(error("alice:secret@a:1"), EndpointError::User);
        assert!(!error("alice:secret@a:1").to_string().contains("secret"), "what may be a password is not repeated");
    }

    #[cfg(not(feature = "tls"))]
    #[test]
    fn what_is_not_part_of_the_build_is_named() {
        assert_eq!(error("tls://a:1"), EndpointError::Feature { scheme: "tls", feature: "tls" });
    }

    #[test]
    fn what_others_can_read_is_not_private() {
        for (given, expected) in [
            ("127.0.0.1:1", true),
            ("127.3.2.1:1", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("LOCALHOST:1", true),
            ("chat.localhost.:1", true),
            ("192.0.2.1:1", false),
            ("0.0.0.0:1", false),
            ("localhost.example:1", false),
            ("notlocalhost:1", false),
            #[cfg(feature = "tls")]
            ("tls://192.0.2.1:1", true),
            #[cfg(unix)]
            ("unix:///run/chat.sock", true),
        ] {
            assert_eq!(given.parse::<Endpoint>().expect(given).is_private(), expected, "{given}");
        }
    }
}
