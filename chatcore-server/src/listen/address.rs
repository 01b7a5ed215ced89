//! From what an operator writes to what is listened on.

use std::fmt;
use std::net::{Ipv6Addr, SocketAddr};
use std::path::PathBuf;

#[cfg(feature = "websocket")]
use chatcore::websocket::UpgradeRules;

use super::BindError;
use super::options::Options;
use crate::config::Config;

/// What is spoken to those who connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    Plain,
    #[cfg(feature = "tls")]
    Tls,
}

/// Where to listen, not resolved yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Given<'a> {
    Ip {
        host_port: &'a str,
        security: Security,
        /// Where the WebSocket is, if one is spoken.
        path: Option<&'a str>,
        options: Options,
    },
    #[cfg(unix)]
    Unix { path: PathBuf, mode: u32, options: Options },
}

/// Who may connect to a Unix socket by default: its owner.
#[cfg(unix)]
const MODE_DEFAULT: u32 = 0o600;

/// What can stand before `://`.
const SCHEMES: &[&str] = &[
    "tcp",
    #[cfg(feature = "tls")]
    "tls",
    #[cfg(unix)]
    "unix",
    #[cfg(feature = "websocket")]
    "ws",
    #[cfg(all(feature = "tls", feature = "websocket"))]
    "wss",
];

impl<'a> Given<'a> {
    pub(super) fn parse(given: &'a str) -> Result<Self, BindError> {
        Self::read(given).map_err(|right| BindError::Syntax { given: given.into(), right })
    }

    /// # Errors
    ///
    /// What would be right, to be said after the address.
    fn read(given: &'a str) -> Result<Self, String> {
        let Some((scheme, rest)) = given.split_once("://") else {
            check_scheme_is_whole(given)?;
            return Self::ip(given, Security::Plain);
        };
        match scheme {
            "tcp" => Self::ip(rest, Security::Plain),
            #[cfg(feature = "tls")]
            "tls" => Self::ip(rest, Security::Tls),
            #[cfg(feature = "websocket")]
            "ws" => Self::websocket(rest, Security::Plain),
            #[cfg(all(feature = "tls", feature = "websocket"))]
            "wss" => Self::websocket(rest, Security::Tls),
            #[cfg(unix)]
            "unix" => Self::unix(rest),
            _ => Err(format!("there is no scheme {scheme:?}, only {}", SCHEMES.join(", "))),
        }
    }

    fn ip(rest: &'a str, security: Security) -> Result<Self, String> {
        let (host_port, options) = Options::split(rest)?;
        check_host_port(host_port)?;
        Ok(Self::Ip { host_port, security, path: None, options })
    }

    #[cfg(feature = "websocket")]
    fn websocket(rest: &'a str, security: Security) -> Result<Self, String> {
        let (rest, options) = Options::split(rest)?;
        let (host_port, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        check_host_port(host_port)?;
        let path = if path.is_empty() { "/" } else { path };
        UpgradeRules::default().with_path(path).map_err(|error| error.to_string())?;
        Ok(Self::Ip { host_port, security, path: Some(path), options })
    }

    #[cfg(unix)]
    fn unix(rest: &str) -> Result<Self, String> {
        let (path, options) = Options::split_from_path(rest)?;
        if !path.starts_with('/') {
            return Err("the path must begin with /, so that there are three of them: unix:///run/chat.sock".into());
        }
        let mode = options.mode.unwrap_or(MODE_DEFAULT);
        Ok(Self::Unix { path: path.into(), mode, options })
    }
}

/// A path without a scheme, or a scheme without its slashes, would be taken for a host.
fn check_scheme_is_whole(given: &str) -> Result<(), String> {
    if given.starts_with('/') && SCHEMES.contains(&"unix") {
        return Err(format!("before a path comes its scheme: unix://{given}"));
    }
    match given.split_once(":/") {
        Some((scheme, _)) if SCHEMES.contains(&scheme) => Err(format!("after {scheme} comes ://")),
        _ => Ok(()),
    }
}

fn check_host_port(given: &str) -> Result<(), String> {
    let is_port = |port: &str| port.parse::<u16>().is_ok();
    if given.parse::<Ipv6Addr>().is_ok() {
        return Err(format!("around an address of IPv6 come brackets, and after it a port: [{given}]:12345"));
    }
    let (host, port) = match given.rsplit_once(':') {
        Some(parts) if !given.ends_with(']') => parts,
        None if given.is_empty() => return Err(format!("host:port is one, like {}", Config::LISTEN_DEFAULT)),
        None if is_port(given) => ("", given),
        _ => return Err(format!("after the host comes a port: {given}:12345")),
    };
    if host.is_empty() {
        let port = if is_port(port) { port } else { "12345" };
        return Err(format!(
            "before the port comes a host: 127.0.0.1:{port} is this machine alone, 0.0.0.0:{port} is all of IPv4, and \
             [::]:{port} all of IPv6"
        ));
    }
    if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) {
        return Err("around an address of IPv6 come brackets: [::1]:12345".into());
    }
    if is_port(port) { Ok(()) } else { Err(format!("{port:?} is no port: a number is one, 0 to 65535")) }
}

/// Where a server listens. `Display` gives the form in which the program prints it: `tcp 127.0.0.1:12345`, or
/// `unix /run/chatcore.sock`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endpoint {
    /// TCP, without anything above it.
    Tcp(SocketAddr),
    /// TLS over TCP.
    #[cfg(feature = "tls")]
    Tls(SocketAddr),
    /// A WebSocket over TCP.
    #[cfg(feature = "websocket")]
    Ws(SocketAddr),
    /// A WebSocket over TLS over TCP.
    #[cfg(all(feature = "tls", feature = "websocket"))]
    Wss(SocketAddr),
    /// A Unix socket, without anything above it.
    #[cfg(unix)]
    Unix(PathBuf),
}

impl Endpoint {
    /// The address and the port, if it has one.
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            #[cfg(feature = "tls")]
            Self::Tls(address) => Some(*address),
            #[cfg(feature = "websocket")]
            Self::Ws(address) => Some(*address),
            #[cfg(all(feature = "tls", feature = "websocket"))]
            Self::Wss(address) => Some(*address),
            #[cfg(unix)]
            Self::Unix(_) => None,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp {address}"),
            #[cfg(feature = "tls")]
            Self::Tls(address) => write!(f, "tls {address}"),
            #[cfg(feature = "websocket")]
            Self::Ws(address) => write!(f, "ws {address}"),
            #[cfg(all(feature = "tls", feature = "websocket"))]
            Self::Wss(address) => write!(f, "wss {address}"),
            #[cfg(unix)]
            Self::Unix(path) => write!(f, "unix {}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said to be right for an address that is none.
    fn right(given: &str) -> String {
        match Given::parse(given).expect_err(given) {
            BindError::Syntax { given: named, right } if named == given => right,
            error => panic!("{error}"),
        }
    }

    #[test]
    fn what_is_wrong_with_an_address_is_told_apart_with_what_would_be_right() {
        for (given, words) in [
            ("", "host:port is one, like 127.0.0.1:12345"),
            ("tcp://", "host:port is one, like 127.0.0.1:12345"),
            ("12345", "before the port comes a host: 127.0.0.1:12345 is this machine alone"),
            (":80", "before the port comes a host: 127.0.0.1:80 is this machine alone"),
            ("tcp://:", "before the port comes a host: 127.0.0.1:12345 is"),
            ("localhost", "after the host comes a port: localhost:12345"),
            ("[::1]", "after the host comes a port: [::1]:12345"),
            ("::1", "around an address of IPv6 come brackets, and after it a port: [::1]:12345"),
            ("fe80::1%eth0:12345", "around an address of IPv6 come brackets: [::1]:12345"),
            ("127.0.0.1:", "\"\" is no port: a number is one, 0 to 65535"),
            ("127.0.0.1:http", "\"http\" is no port"),
            ("tcp://127.0.0.1:65536", "\"65536\" is no port"),
            ("127.0.0.1:80/path", "\"80/path\" is no port"),
            ("http://127.0.0.1:1", "there is no scheme \"http\", only tcp"),
            ("TCP://127.0.0.1:1", "there is no scheme \"TCP\", only tcp"),
            ("://", "there is no scheme \"\", only tcp"),
            ("tcp:/127.0.0.1:1", "after tcp comes ://"),
        ] {
            let right = right(given);
            assert!(right.starts_with(words), "{given:?}: {right}");
        }
        let error = Given::parse("localhost").unwrap_err().to_string();
        assert_eq!(error, "\"localhost\" is no address to listen on: after the host comes a port: localhost:12345");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_wrong_with_a_path_is_told_apart_with_what_would_be_right() {
        for (given, words) in [
            ("unix://", "the path must begin with /"),
            ("unix://run/x", "the path must begin with /, so that there are three of them: unix:///run/chat.sock"),
            ("unix:/run/x", "after unix comes ://"),
            ("/run/x", "before a path comes its scheme: unix:///run/x"),
            ("unix:///x?mode=", "\"\" is no mode: three octal digits are one, like ?mode=660"),
            ("unix:///x?mode=9", "\"9\" is no mode"),
            ("unix:///x?mode=rw-", "\"rw-\" is no mode"),
            ("unix:///x?mode=60", "\"60\" is no mode"),
            ("unix:///x?mode=1777", "\"1777\" is no mode"),
            ("unix:///x?mode=00660", "\"00660\" is no mode"),
        ] {
            let right = right(given);
            assert!(right.starts_with(words), "{given:?}: {right}");
        }
    }

    #[test]
    fn an_address_may_have_a_scheme() {
        let plain =
            Given::Ip { host_port: "[::1]:1", security: Security::Plain, path: None, options: Options::default() };
        assert_eq!(Given::parse("[::1]:1").unwrap(), plain);
        assert_eq!(Given::parse("tcp://[::1]:1").unwrap(), plain);
    }

    #[cfg(all(feature = "tls", feature = "websocket"))]
    #[test]
    fn a_websocket_may_have_a_path() {
        let at = |security, path| Given::Ip {
            host_port: "localhost:1",
            security,
            path: Some(path),
            options: Options::default(),
        };
        assert_eq!(Given::parse("ws://localhost:1").unwrap(), at(Security::Plain, "/"));
        assert_eq!(Given::parse("wss://localhost:1/").unwrap(), at(Security::Tls, "/"));
        assert_eq!(Given::parse("wss://localhost:1/a/b").unwrap(), at(Security::Tls, "/a/b"));
        for (given, words) in [
            ("tls://localhost:1/", "\"1/\" is no port"),
            ("ws://localhost/", "after the host comes a port: localhost:12345"),
            ("ws:///chat", "host:port is one"),
            ("ws://localhost:1/a b", "\"/a b\" is no path: it begins with a slash"),
            ("ws://localhost:1/a?b", "\"b\" is no option: ?proxy=yes is one"),
            ("ws:/localhost:1", "after ws comes ://"),
        ] {
            let right = right(given);
            assert!(right.starts_with(words), "{given:?}: {right}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_path_may_have_a_mode() {
        let unix = |mode| -> (PathBuf, u32) { ("/run/x?y".into(), mode) };
        for (given, expected) in [("unix:///run/x?y", unix(0o600)), ("unix:///run/x?y?mode=0660", unix(0o660))] {
            let Given::Unix { path, mode, .. } = Given::parse(given).unwrap() else { panic!("{given}") };
            assert_eq!((path, mode), expected);
        }
    }

    #[test]
    fn an_address_may_be_for_proxies() {
        for given in [
            "localhost:1?proxy=yes",
            "tcp://localhost:1?proxy=yes",
            #[cfg(feature = "tls")]
            "tls://localhost:1?proxy=yes",
            #[cfg(feature = "websocket")]
            "ws://localhost:1/a?proxy=yes",
        ] {
            let parsed = Given::parse(given).unwrap();
            assert!(
                matches!(parsed, Given::Ip { host_port: "localhost:1", options: Options { is_proxied: true, .. }, .. }),
                "{parsed:?}"
            );
        }
        #[cfg(unix)]
        for (given, mode) in [("unix:///x?proxy=yes", 0o600), ("unix:///x?mode=660&proxy=yes", 0o660)] {
            let Given::Unix { path, mode: found, options } = Given::parse(given).unwrap() else { panic!("{given}") };
            assert_eq!((path, found, options.is_proxied), ("/x".into(), mode, true));
        }
        for given in ["localhost:1?proxy=1", "localhost:1?", "localhost:1?proxy=yes&x"] {
            assert!(right(given).contains("is no option: ?proxy=yes is one"), "{given}");
        }
    }
}
