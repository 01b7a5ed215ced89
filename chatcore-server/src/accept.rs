//! The listeners: who comes in, and when nobody can.

use std::fmt;
use std::io;
#[cfg(feature = "websocket")]
use std::sync::Arc;
use std::time::Duration;

use chatcore::Instant;
use tracing::{debug, info, warn};

use crate::accept_error::{RETRY_AFTER, is_peers};
use crate::config::Config;
use crate::listen::{BindError, ListenKind, ListenSocket, Options, Security};
use crate::network::Network;
use crate::peer::Peer;
#[cfg(unix)]
use crate::peer::uid_of;
#[cfg(feature = "tls")]
use crate::tls::Tls;
#[cfg(feature = "websocket")]
use chatcore::websocket::UpgradeRules;
#[cfg(feature = "tls")]
use chatcore_transport::TlsStream;
#[cfg(feature = "websocket")]
use chatcore_transport::{Base, Files, WebSocketStream};
use chatcore_transport::{Socket, Transport};

/// The listeners and their readiness, which is edge-triggered: it is told once and must be remembered
/// until the system says that nobody is waiting any more.
#[derive(Debug)]
pub(crate) struct Acceptor {
    listeners: Vec<Listener>,
    /// Which of them has its turn next: they take turns, so that a crowd at one holds up nobody at another.
    next: usize,
    /// What those who listen for TLS show. There is one if there is such a listener.
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
    /// Where proxies are.
    proxy_from: Vec<Network>,
    /// Nobody is accepted until [`Acceptor::resume`].
    paused: bool,
    /// When a pause ends by itself.
    retry_at: Option<Instant>,
    /// A pause has been logged, and since then there has always been somebody waiting.
    short: bool,
}

#[derive(Debug)]
struct Listener {
    socket: ListenSocket,
    ready: bool,
    /// Who may open a WebSocket, if one is spoken.
    #[cfg(feature = "websocket")]
    rules: Option<Arc<UpgradeRules>>,
    /// What those get there who ask for none.
    #[cfg(feature = "websocket")]
    files: Option<Arc<Files>>,
}

impl Listener {
    fn accept(&self, #[cfg(feature = "tls")] tls: Option<&Tls>) -> io::Result<(Transport, Peer)> {
        let (socket, peer) = match &self.socket.kind {
            ListenKind::Tcp(listener) => {
                let (stream, peer) = listener.accept()?;
                // Messages are short and somebody waits for them. It fails only if the peer is gone.
                let _ = stream.set_nodelay(true);
                (Socket::Tcp(stream), peer.into())
            }
            #[cfg(unix)]
            ListenKind::Unix(socket) => {
                let (stream, _) = socket.listener.accept()?;
                let uid = uid_of(&stream);
                (Socket::Unix(stream), Peer::Local { uid })
            }
        };
        let transport = match self.socket.security {
            #[cfg(feature = "websocket")]
            Security::Plain if self.rules.is_some() => self.websocket(Base::Plain(socket)),
            Security::Plain => Transport::Plain(socket),
            #[cfg(feature = "tls")]
            Security::Tls => {
                let config = tls.expect("a server listens for TLS with a certificate alone").config();
                let stream = Box::new(TlsStream::server(socket, config).map_err(io::Error::other)?);
                #[cfg(feature = "websocket")]
                if self.rules.is_some() {
                    return Ok((self.websocket(Base::Tls(stream)), peer));
                }
                Transport::Tls(stream)
            }
        };
        Ok((transport, peer))
    }

    #[cfg(feature = "websocket")]
    fn websocket(&self, base: Base) -> Transport {
        let rules = Arc::clone(self.rules.as_ref().expect("this listener has rules"));
        Transport::WebSocket(Box::new(match &self.files {
            Some(files) => WebSocketStream::server_with_files(base, rules, Arc::clone(files)),
            None => WebSocketStream::server(base, rules),
        }))
    }
}

/// How somebody comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// As the client itself.
    Direct,
    /// As a proxy, which says first whose connection it carries.
    Proxy,
    /// To an address for proxies, and is none.
    Stranger,
}

/// Through what somebody comes, and what holds there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entrance {
    pub(crate) way: Way,
    /// How long sessions wait whose connections break, in place of the hub's time.
    pub(crate) resume_time_max: Option<Duration>,
}

/// What became of an attempt to accept.
#[derive(Debug)]
pub(crate) enum Accept {
    /// Somebody came in.
    Came(Transport, Peer, Entrance),
    /// Somebody had gone again before he was let in.
    Went,
    /// Nobody is waiting, or nobody can be let in at present.
    Nobody,
}

impl Acceptor {
    pub(crate) fn new(listeners: Vec<ListenSocket>) -> Self {
        let listener = |socket| Listener {
            socket,
            ready: false,
            #[cfg(feature = "websocket")]
            rules: None,
            #[cfg(feature = "websocket")]
            files: None,
        };
        let listeners = listeners.into_iter().map(listener).collect();
        Self {
            listeners,
            next: 0,
            #[cfg(feature = "tls")]
            tls: None,
            proxy_from: Vec::new(),
            paused: false,
            retry_at: None,
            short: false,
        }
    }

    /// Those who come from now on are shown this configuration's certificate, and its rules hold for them. It was
    /// checked.
    #[cfg_attr(not(feature = "websocket"), expect(clippy::unnecessary_wraps, reason = "there are no rules"))]
    pub(crate) fn configure(&mut self, config: &Config) -> Result<(), BindError> {
        #[cfg(feature = "websocket")]
        {
            let rules = config.upgrade_rules()?;
            let files = config.files.clone().map(Arc::new);
            for listener in &mut self.listeners {
                let ListenSocket { path, security, .. } = &listener.socket;
                let Some(path) = path else { continue };
                let rules = rules.clone().with_tls(*security != Security::Plain).with_path(path);
                let rules = rules.map_err(|source| BindError::WebSocketRule { name: "listen", source })?;
                listener.rules = Some(Arc::new(rules));
                listener.files.clone_from(&files);
            }
        }
        #[cfg(feature = "tls")]
        self.tls.clone_from(&config.tls);
        self.proxy_from.clone_from(&config.proxy_from);
        Ok(())
    }

    /// Where browsers find a page.
    #[cfg(feature = "websocket")]
    pub(crate) fn page_addresses(&self) -> io::Result<Vec<String>> {
        let has_page = |listener: &&Listener| {
            listener.files.as_ref().is_some_and(|files| files.paths().any(|path| path == Files::PAGE))
        };
        let addresses = self.listeners.iter().filter(has_page).map(|listener| listener.socket.page_address());
        addresses.filter_map(io::Result::transpose).collect()
    }

    pub(crate) fn sockets(&mut self) -> impl Iterator<Item = &mut ListenSocket> {
        self.listeners.iter_mut().map(|listener| &mut listener.socket)
    }

    /// Somebody is waiting at a listener.
    pub(crate) fn ready(&mut self, index: usize) {
        if let Some(listener) = self.listeners.get_mut(index) {
            listener.ready = true;
        }
    }

    /// Whether [`Acceptor::accept`] has something to do now.
    pub(crate) fn is_ready(&self) -> bool {
        !self.paused && self.listeners.iter().any(|listener| listener.ready)
    }

    /// When [`Acceptor::handle_timeout`] is due.
    pub(crate) const fn deadline(&self) -> Option<Instant> {
        self.retry_at
    }

    /// A connection has ended, so that there may be room for another.
    pub(crate) const fn resume(&mut self) {
        self.paused = false;
        self.retry_at = None;
    }

    /// Ends a pause whose time is over.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.retry_at.is_some_and(|at| at <= now) {
            self.resume();
        }
    }

    /// Lets one in who is waiting.
    pub(crate) fn accept(&mut self, now: Instant) -> Accept {
        if self.paused {
            return Accept::Nobody;
        }
        while let Some(index) = self.next_ready() {
            self.next = index + 1;
            let listener = &mut self.listeners[index];
            let accepted = listener.accept(
                #[cfg(feature = "tls")]
                self.tls.as_ref(),
            );
            match accepted {
                Ok((transport, peer)) => {
                    let Options { is_proxied, resume_time_max, .. } = listener.socket.options;
                    let is_proxy =
                        || peer.address().is_none_or(|from| self.proxy_from.iter().any(|proxy| proxy.contains(from)));
                    let way = match () {
                        () if !is_proxied => Way::Direct,
                        () if is_proxy() => Way::Proxy,
                        () => Way::Stranger,
                    };
                    return Accept::Came(transport, peer, Entrance { way, resume_time_max });
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    listener.ready = false;
                    self.relieve();
                }
                Err(error) if is_peers(&error) => {
                    debug!(%error, "a connection was gone before it was accepted");
                    return Accept::Went;
                }
                Err(error) => {
                    self.pause_for_want(now, &error);
                    return Accept::Nobody;
                }
            }
        }
        Accept::Nobody
    }

    /// The listener whose turn it is, of those at which somebody waits.
    fn next_ready(&self) -> Option<usize> {
        let (before, from) = self.listeners.split_at_checked(self.next).unwrap_or((&self.listeners, &[]));
        let ready = |listeners: &[Listener]| listeners.iter().position(|listener| listener.ready);
        ready(from).map(|place| before.len() + place).or_else(|| ready(before))
    }

    /// Stops accepting because the server has as many connections as it may, until one ends.
    pub(crate) fn pause_when_full(&mut self, connections_max: usize) {
        self.pause(None, &format_args!("there are {connections_max}, as many as the server may have"));
    }

    /// Stops accepting because the system lacks something, until a connection ends or some time has passed.
    pub(crate) fn pause_for_want(&mut self, now: Instant, error: &io::Error) {
        self.pause(Some(now + RETRY_AFTER), error);
    }

    /// A shortage is logged once, however often it interrupts the accepting while people wait.
    fn pause(&mut self, retry_at: Option<Instant>, reason: &dyn fmt::Display) {
        self.paused = true;
        self.retry_at = retry_at;
        if !self.short {
            self.short = true;
            warn!("no more connections are accepted for now: {reason}; whoever comes waits until one ends");
        }
    }

    /// Nobody is waiting at a listener: if there was a shortage, it is over.
    fn relieve(&mut self) {
        if self.short && self.listeners.iter().all(|listener| !listener.ready) {
            self.short = false;
            info!("all who were waiting are accepted");
        }
    }

    /// Stops listening: whoever connects from now on is refused by the system.
    pub(crate) fn close(&mut self) {
        self.listeners.clear();
        self.resume();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::{SocketAddr, TcpStream};

    use super::*;
    use crate::listen;

    const NOW: Instant = Instant::from_millis(1);

    /// How long something may take that must come.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// Where the one listens to whom somebody came who is let in now.
    fn accept(acceptor: &mut Acceptor) -> Option<SocketAddr> {
        let Accept::Came(Transport::Plain(Socket::Tcp(stream)), ..) = acceptor.accept(NOW) else { return None };
        Some(stream.local_addr().expect("it is connected"))
    }

    #[test]
    fn a_crowd_at_one_listener_does_not_hold_up_who_comes_to_another() {
        let addresses = ["127.0.0.1:0"; 3].map(str::to_owned);
        let mut acceptor = Acceptor::new(listen::listen(&addresses).expect("it can listen"));
        let mut poll = mio::Poll::new().expect("the system can poll");
        let mut addresses = Vec::new();
        for (index, socket) in acceptor.sockets().enumerate() {
            socket.register(poll.registry(), mio::Token(index)).expect("the system can poll");
            addresses.push(socket.endpoint().expect("it listens").socket_addr().expect("it is of TCP"));
        }
        // Many at the first one, and one at each other.
        let connect = |(address, count): (&SocketAddr, usize)| {
            (0..count).map(|_| TcpStream::connect(address).expect("it listens")).collect::<Vec<_>>()
        };
        let clients: Vec<_> = addresses.iter().zip([20, 1, 1]).flat_map(connect).collect();
        let (mut events, mut ready) = (mio::Events::with_capacity(8), BTreeSet::new());
        while ready.len() < addresses.len() {
            poll.poll(&mut events, Some(PATIENCE)).expect("the system can poll");
            assert!(!events.is_empty(), "somebody waits at each");
            ready.extend(events.iter().map(|event| event.token().0));
        }
        for index in ready {
            acceptor.ready(index);
        }
        let first = [(); 3].map(|()| accept(&mut acceptor).expect("somebody waits"));
        assert_eq!(first[..], addresses, "each has its turn");
        // And then those who are left.
        for _ in first.len()..clients.len() {
            assert_eq!(accept(&mut acceptor), Some(addresses[0]));
        }
        assert_eq!(accept(&mut acceptor), None);
        assert!(!acceptor.is_ready());
        acceptor.close();
        assert_eq!(accept(&mut acceptor), None);
    }
}
