//! From addresses to listening sockets, and what can be wrong on the way.

mod address;
mod options;
#[cfg(unix)]
mod unix;

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
#[cfg(unix)]
use std::path::PathBuf;

use chatcore::LimitsError;
#[cfg(feature = "websocket")]
use chatcore::websocket::RuleError;
use mio::event::Source;
use mio::net::TcpListener;
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, Type};
use tracing::warn;

pub use self::address::Endpoint;
use self::address::Given;
pub(crate) use self::address::Security;
pub(crate) use self::options::Options;
#[cfg(unix)]
use self::unix::UnixSocket;
use crate::config::{Config, DriverLimitsError};
use crate::memory::Bytes;

/// Connections that the system may complete before the server has accepted them. Systems cut it to what
/// they allow (`net.core.somaxconn` on Linux, 4096 by default).
const BACKLOG: i32 = 4096;

/// Why a server cannot start, or cannot go on with another configuration. `Display` says what would be right.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The limits of the hub do not fit together.
    #[error(transparent)]
    Limits(#[from] LimitsError),
    /// A limit of the driver is zero.
    #[error(transparent)]
    Driver(#[from] DriverLimitsError),
    /// By its limits the server needs more memory than [`Config::memory_bytes_max`].
    #[error(
        "by its limits this server needs at most {} ({needed} bytes) of memory, which is more than memory_bytes_max, {} \
         ({bytes_max} bytes): lower sessions_max, connections_max, buffer_bytes_max, memberships_max, hub_watches_max or \
         rooms_max",
        Bytes(*needed),
        Bytes(*bytes_max)
    )]
    Memory {
        /// Bytes by the limits: [`Config::memory_bytes`].
        needed: u64,
        /// The bound: [`Config::memory_bytes_max`].
        bytes_max: u64,
    },
    /// [`Config::hub_number`], which is given, is above [`HUB_NUMBER_MAX`](chatcore::HUB_NUMBER_MAX).
    #[error("the number of the hub is {0}: it must be 0 to {max}", max = chatcore::HUB_NUMBER_MAX)]
    HubNumber(u16),
    /// [`Config::listen`] is empty.
    #[error("no address to listen on: give at least one, like {}", Config::LISTEN_DEFAULT)]
    NoAddress,
    /// An address is none of those that [`Config::listen`] names.
    #[error("{given:?} is no address to listen on: {right}")]
    Syntax {
        /// The address given.
        given: String,
        /// What would be right, as a sentence.
        right: String,
    },
    /// The system knows no address for a name.
    #[error(
        "cannot listen on {given}: no address is known for this name ({source}); check its spelling, or give a number"
    )]
    Resolve {
        /// The address given.
        given: String,
        /// What the system says.
        source: io::Error,
    },
    /// The system does not let the server listen there.
    #[error("cannot listen on {address}: {}", advise(source))]
    Listen {
        /// The address, resolved.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The system does not let the server listen at a path.
    #[cfg(unix)]
    #[error("cannot listen on {}: {}", path.display(), advise_on_path(source))]
    ListenUnix {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// At a path is something else than a socket.
    #[cfg(unix)]
    #[error("cannot listen on {}: what is there is no socket; remove it, or choose another path", path.display())]
    NoSocket {
        /// The path.
        path: PathBuf,
    },
    /// [`Config::listen`] has an address for TLS, and [`Config::tls`] nothing to show there.
    #[cfg(feature = "tls")]
    #[error("cannot listen on {given}: TLS needs a certificate and its key")]
    NoCertificate {
        /// The address given.
        given: String,
    },
    /// [`Config::listen`] has an address for proxies, and [`Config::proxy_from`] no proxy.
    #[error("cannot listen on {given}: proxy_from must say where the proxies are, like 127.0.0.1 or 10.0.0.0/8")]
    NoProxies {
        /// The address given.
        given: String,
    },
    /// A host or an origin that may open a WebSocket is none.
    #[cfg(feature = "websocket")]
    #[error("{name}: {source}")]
    WebSocketRule {
        /// The field of [`Config`].
        name: &'static str,
        /// What is wrong.
        source: RuleError,
    },
    /// What differs cannot change while the server runs ([`Config::check_change`]).
    #[error("{name} cannot change while the server runs: it changes with a restart")]
    Fixed {
        /// The field of [`Config`].
        name: &'static str,
    },
    /// The system lacks what an event loop needs.
    #[error("cannot start: {0}")]
    System(#[source] io::Error),
}

fn advise(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "the address is in use; stop the program that has it, or choose another port".into()
        }
        io::ErrorKind::PermissionDenied => {
            "permission denied; choose a port of 1024 or above, or give the program the right to lower ones".into()
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine does not have the address; choose one of its own, or 0.0.0.0 for all of IPv4 and [::] for all of \
             IPv6"
                .into()
        }
        _ if is_unsupported(error) => {
            "this system does not have that family of addresses; choose an address of the other one".into()
        }
        _ => error.to_string(),
    }
}

#[cfg(unix)]
fn advise_on_path(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "the path is in use; stop the program that serves there, or choose another".into(),
        io::ErrorKind::NotFound => "its folder is not there; make it, or choose another".into(),
        io::ErrorKind::PermissionDenied => {
            "permission denied; give the program the right to write to the folder, or choose another".into()
        }
        io::ErrorKind::InvalidInput => "the path is too long for a socket; choose a shorter one".into(),
        _ => error.to_string(),
    }
}

/// A socket that listens, and what is spoken to those who connect to it.
#[derive(Debug)]
pub(crate) struct ListenSocket {
    pub(crate) kind: ListenKind,
    pub(crate) security: Security,
    /// The path of the WebSocket, if one is spoken.
    pub(crate) path: Option<String>,
    pub(crate) options: Options,
}

/// Which family it is of.
#[derive(Debug)]
pub(crate) enum ListenKind {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixSocket),
}

impl ListenSocket {
    pub(crate) fn endpoint(&self) -> io::Result<Endpoint> {
        Ok(match (&self.kind, self.security, &self.path) {
            #[cfg(feature = "websocket")]
            (ListenKind::Tcp(listener), Security::Plain, Some(_)) => Endpoint::Ws(listener.local_addr()?),
            (ListenKind::Tcp(listener), Security::Plain, _) => Endpoint::Tcp(listener.local_addr()?),
            #[cfg(all(feature = "tls", feature = "websocket"))]
            (ListenKind::Tcp(listener), Security::Tls, Some(_)) => Endpoint::Wss(listener.local_addr()?),
            #[cfg(feature = "tls")]
            (ListenKind::Tcp(listener), Security::Tls, _) => Endpoint::Tls(listener.local_addr()?),
            #[cfg(unix)]
            (ListenKind::Unix(socket), ..) => Endpoint::Unix(socket.path.clone()),
        })
    }

    /// Where a browser on this machine finds a page, if a WebSocket is spoken here.
    #[cfg(feature = "websocket")]
    pub(crate) fn page_address(&self) -> io::Result<Option<String>> {
        let (Some(path), Some(address)) = (&self.path, self.endpoint()?.socket_addr()) else { return Ok(None) };
        let scheme = if self.security == Security::Plain { "http" } else { "https" };
        // All addresses of the machine are none that a browser could open.
        Ok(Some(if address.ip().is_unspecified() {
            format!("{scheme}://localhost:{}{path}", address.port())
        } else {
            format!("{scheme}://{address}{path}")
        }))
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match &mut self.kind {
            ListenKind::Tcp(listener) => listener.register(registry, token, Interest::READABLE),
            #[cfg(unix)]
            ListenKind::Unix(socket) => socket.listener.register(registry, token, Interest::READABLE),
        }
    }
}

/// What is wrong with how the addresses are written, and what they lack, without a look at what there is.
pub(crate) fn faults(config: &Config) -> Vec<BindError> {
    let none = config.listen.is_empty().then_some(BindError::NoAddress);
    let fault = |given: &String| match Given::parse(given) {
        #[cfg(feature = "tls")]
        Ok(Given::Ip { security: Security::Tls, .. }) if config.tls.is_none() => {
            Some(BindError::NoCertificate { given: given.clone() })
        }
        Ok(Given::Ip { options: Options { is_proxied: true, .. }, .. }) if config.proxy_from.is_empty() => {
            Some(BindError::NoProxies { given: given.clone() })
        }
        parsed => parsed.err(),
    };
    none.into_iter().chain(config.listen.iter().filter_map(fault)).collect()
}

/// Whether any address is one where a WebSocket is spoken.
#[cfg(feature = "websocket")]
pub(crate) fn has_websocket(given: &[String]) -> bool {
    given.iter().any(|given| matches!(Given::parse(given), Ok(Given::Ip { path: Some(_), .. })))
}

/// Checks that an address is one where a WebSocket is spoken.
///
/// # Errors
///
/// What would be right.
#[cfg(feature = "cli")]
pub(crate) fn check_websocket(given: &str) -> Result<(), String> {
    match Given::parse(given) {
        Ok(Given::Ip { path: Some(_), .. }) => Ok(()),
        Ok(Given::Ip { host_port, .. }) => Err(format!("it must be for a WebSocket: ws://{host_port} is one")),
        #[cfg(unix)]
        Ok(Given::Unix { .. }) => Err("a browser needs host:port: ws://127.0.0.1:12380 is one".into()),
        Err(BindError::Syntax { right, .. }) => Err(right),
        Err(error) => Err(error.to_string()),
    }
}

/// Listens on everything that is asked for, which was checked.
pub(crate) fn listen(given: &[String]) -> Result<Vec<ListenSocket>, BindError> {
    let mut sockets = Vec::new();
    for given in given {
        match Given::parse(given)? {
            Given::Ip { host_port, security, path, options } => {
                let mut listeners = Vec::new();
                listen_on_each(&resolve(given, host_port)?, listen_on, &mut listeners)?;
                let kinds = listeners.into_iter().map(ListenKind::Tcp);
                let path: Option<String> = path.map(Into::into);
                sockets.extend(kinds.map(|kind| ListenSocket { kind, security, path: path.clone(), options }));
            }
            #[cfg(unix)]
            Given::Unix { path, mode, options } => {
                let kind = ListenKind::Unix(unix::listen(&path, mode)?);
                sockets.push(ListenSocket { kind, security: Security::Plain, path: None, options });
            }
        }
    }
    Ok(sockets)
}

fn resolve(given: &str, host_port: &str) -> Result<Vec<SocketAddr>, BindError> {
    let resolved = host_port.to_socket_addrs().map_err(|source| BindError::Resolve { given: given.into(), source })?;
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in resolved {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(addresses)
}

/// Listens on all addresses of one name. `localhost` often has an IPv6 address on machines without IPv6, so
/// an address that this machine does not have is passed over, as long as it has another.
fn listen_on_each<T>(
    addresses: &[SocketAddr],
    listen_on: impl Fn(SocketAddr) -> io::Result<T>,
    listeners: &mut Vec<T>,
) -> Result<(), BindError> {
    let before = listeners.len();
    let mut absent = None;
    for &address in addresses {
        match listen_on(address) {
            Ok(listener) => listeners.push(listener),
            Err(source) => {
                let error = BindError::Listen { address, source };
                if !is_absent(&error) {
                    return Err(error);
                }
                absent = Some(error);
            }
        }
    }
    match absent {
        Some(error) if listeners.len() == before => Err(error),
        Some(error) => {
            warn!("{error}");
            Ok(())
        }
        None => Ok(()),
    }
}

fn is_absent(error: &BindError) -> bool {
    let BindError::Listen { source, .. } = error else { return false };
    source.kind() == io::ErrorKind::AddrNotAvailable || is_unsupported(source)
}

/// The system has no sockets of that family.
fn is_unsupported(error: &io::Error) -> bool {
    #[cfg(unix)]
    const UNSUPPORTED: i32 = nix::errno::Errno::EAFNOSUPPORT as i32;
    // WSAEAFNOSUPPORT.
    #[cfg(not(unix))]
    const UNSUPPORTED: i32 = 10_047;
    error.raw_os_error() == Some(UNSUPPORTED)
}

fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A server that starts again must not wait for the last one's connections to be forgotten. On Windows
    // the same option would mean something else: to take the address from another program.
    #[cfg(not(windows))]
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // Otherwise [::] would take the IPv4 addresses too, and 0.0.0.0 could not be listened on beside it.
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(given: &str) -> String {
        listen(&[given.to_string()]).expect_err("it is no address").to_string()
    }

    #[test]
    fn no_address_at_all_is_an_error() {
        assert!(matches!(faults(&Config::default().with_listen([""; 0]))[..], [BindError::NoAddress]));
    }

    #[test]
    fn an_address_of_another_machine_is_named() {
        // TEST-NET-1 (RFC 5737) is nobody's.
        let error = error("192.0.2.1:0");
        assert!(error.starts_with("cannot listen on 192.0.2.1:0: this machine does not have the address"), "{error}");
    }

    #[test]
    fn an_address_that_is_not_here_is_passed_over_when_its_name_has_another() {
        let addresses = ["192.0.2.1:0", "127.0.0.1:0"].map(|address| address.parse().unwrap());
        let mut listeners = Vec::new();
        listen_on_each(&addresses, listen_on, &mut listeners).expect("one address is here");
        assert_eq!(listeners.len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_name_of_both_families_is_listened_on_where_the_system_lacks_one() {
        let unsupported = || io::Error::from_raw_os_error(nix::errno::Errno::EAFNOSUPPORT as i32);
        let listen_on = |address: SocketAddr| if address.is_ipv6() { Err(unsupported()) } else { Ok(address) };
        let [v6, v4]: [SocketAddr; 2] = ["[::1]:1", "127.0.0.1:1"].map(|address| address.parse().unwrap());
        let mut listeners = Vec::new();
        listen_on_each(&[v6, v4], listen_on, &mut listeners).expect("one family is here");
        assert_eq!(listeners, [v4]);
        let error = listen_on_each(&[v6], listen_on, &mut listeners).expect_err("nothing is left").to_string();
        assert!(error.contains("[::1]:1") && error.contains("does not have that family of addresses"), "{error}");
    }

    #[test]
    fn both_families_can_listen_on_one_port() {
        let v4 = listen(&["0.0.0.0:0".to_string()]).unwrap();
        let port = v4[0].endpoint().unwrap().socket_addr().unwrap().port();
        match listen(&[format!("[::]:{port}")]) {
            Ok(_) => {}
            // A machine without IPv6: not the IPv4 listener's doing.
            Err(BindError::Listen { source, .. }) => assert_ne!(source.kind(), io::ErrorKind::AddrInUse),
            Err(error) => panic!("{error}"),
        }
    }
}
