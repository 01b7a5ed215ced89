//! From what an operator writes to what is listened on.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::BindError;

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
    },
    #[cfg(unix)]
    Unix {
        path: PathBuf,
        mode: u32,
    },
}

/// Who may connect to a Unix socket by default: its owner.
#[cfg(unix)]
const MODE_DEFAULT: u32 = 0o600;

impl<'a> Given<'a> {
    pub(super) fn parse(given: &'a str) -> Result<Self, BindError> {
        let syntax = || BindError::Syntax { given: given.into() };
        let (scheme, rest) = given.split_once("://").unwrap_or(("tcp", given));
        let security = match scheme {
            "tcp" => Security::Plain,
            #[cfg(feature = "tls")]
            "tls" => Security::Tls,
            #[cfg(unix)]
            "unix" => {
                let (path, mode) = rest.split_once("?mode=").map_or((rest, None), |(path, mode)| (path, Some(mode)));
                let mode = mode.map_or(Some(MODE_DEFAULT), octal).ok_or_else(syntax)?;
                return if path.starts_with('/') { Ok(Self::Unix { path: path.into(), mode }) } else { Err(syntax()) };
            }
            _ => return Err(syntax()),
        };
        let is_number = |port: &str| port.parse::<u16>().is_ok();
        match rest.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && is_number(port) => Ok(Self::Ip { host_port: rest, security }),
            _ => Err(syntax()),
        }
    }
}

/// The mode of a file, like 660.
#[cfg(unix)]
fn octal(mode: &str) -> Option<u32> {
    let is_octal = (3..=4).contains(&mode.len()) && mode.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    is_octal.then(|| u32::from_str_radix(mode, 8)).and_then(Result::ok).filter(|mode| *mode <= 0o777)
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
            #[cfg(unix)]
            Self::Unix(path) => write!(f, "unix {}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_address_is_named_with_examples_of_some() {
        let words =
            ["12345", "localhost", ":12345", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536", "", "://", "tcp://"];
        let urls =
            ["tcp://:1", "http://127.0.0.1:1", "unix://", "unix://run/x", "unix:///x?mode=9", "unix:///x?mode=01777"];
        for given in words.into_iter().chain(urls) {
            let error = Given::parse(given).expect_err(given).to_string();
            assert!(error.contains(&format!("{given:?}")) && error.contains("127.0.0.1:12345"), "{error}");
        }
    }

    #[test]
    fn an_address_may_have_a_scheme() {
        let plain = Given::Ip { host_port: "[::1]:1", security: Security::Plain };
        assert_eq!(Given::parse("[::1]:1").unwrap(), plain);
        assert_eq!(Given::parse("tcp://[::1]:1").unwrap(), plain);
    }

    #[cfg(unix)]
    #[test]
    fn a_path_may_have_a_mode() {
        let unix = |mode| Given::Unix { path: "/run/x?y".into(), mode };
        assert_eq!(Given::parse("unix:///run/x?y").unwrap(), unix(0o600));
        assert_eq!(Given::parse("unix:///run/x?y?mode=0660").unwrap(), unix(0o660));
    }
}
