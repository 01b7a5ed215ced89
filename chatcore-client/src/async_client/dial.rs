//! How connections are made.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::attempts::connect;

/// Makes the connections of an [`AsyncClient`](super::AsyncClient), over whatever carries bytes reliably and in order:
/// TLS, a WebSocket, a Unix socket, a pipe in memory. A closure from `Option<String>` to a future of a stream is one,
/// and [`Tcp`] is one.
///
/// ```
/// use std::io;
///
/// use chatcore_client::{AsyncClient, ClientConfig};
/// use tokio::net::UnixStream;
///
/// async fn over_a_unix_socket(path: String) -> io::Result<()> {
///     // Hints of the server where to connect do not fit here: it stays the same path.
///     let dial = move |_address: Option<String>| UnixStream::connect(path.clone());
///     let mut client = AsyncClient::connect(dial, ClientConfig::default()).await?;
///     client.register("alice", b"").map_err(io::Error::other)?;
///     while let Some(event) = client.next().await {
///         println!("{event:?}");
///     }
///     Ok(())
/// }
/// ```
pub trait Dial {
    /// A connection. It may keep back what it was given, as TLS, a WebSocket and a `BufWriter` do: the client
    /// flushes it ([`poll_flush`](AsyncWrite::poll_flush)) whenever it has given it all that there is to say, and
    /// [`close`](super::AsyncClient::close) shuts it down.
    type Stream: AsyncRead + AsyncWrite + Unpin;
    /// A connection that is being made.
    type Dialing: Future<Output = io::Result<Self::Stream>>;

    /// Begins to make a connection. The address is none, except when the hub has said where to connect to: then it is
    /// that text, in the transport's notation. Whether to follow it is up to the dialer.
    ///
    /// The client drops a connection that is not made within
    /// [`answer_time_max`](chatcore::ClientConfig::answer_time_max). How an attempt failed, its program is told only of
    /// the one that [`connect`](super::AsyncClient::connect) waits for; a dialer may log the others.
    fn dial(&mut self, address: Option<String>) -> Self::Dialing;

    /// Whether nobody else can read what goes over any of its connections, wherever a hub sends the client: they are
    /// encrypted, and the hub shows who it is, or they do not leave this machine. Credentials go over such connections
    /// alone. False, if the dialer does not say so; [`Private`] says it of any other.
    fn is_private(&self) -> bool {
        false
    }
}

impl<D, F, S> Dial for D
where
    D: FnMut(Option<String>) -> F,
    F: Future<Output = io::Result<S>>,
    S: AsyncRead + AsyncWrite + Unpin,
{
    type Stream = S;
    type Dialing = F;

    fn dial(&mut self, address: Option<String>) -> F {
        self(address)
    }
}

/// A dialer of which the program says that [nobody else can read](Dial::is_private) what goes over its connections: a
/// closure that makes TLS, a pipe in memory, or [`Tcp`] in a network of one's own.
///
/// ```
/// use chatcore_client::{Dial, Private, Tcp};
///
/// let dial = Tcp::new("chat.internal:12345"); // over a VPN
/// assert!(!dial.is_private());
/// assert!(Private(dial).is_private());
/// assert!(Tcp::new("localhost:12345").is_private());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Private<D>(
    /// What makes the connections.
    pub D,
);

impl<D: Dial> Dial for Private<D> {
    type Stream = D::Stream;
    type Dialing = D::Dialing;

    fn dial(&mut self, address: Option<String>) -> D::Dialing {
        self.0.dial(address)
    }

    fn is_private(&self) -> bool {
        true
    }
}

/// Connects over TCP to `host:port`, or to where the hub says, if that is the same host or one that the program has
/// named. Messages do not wait for company ([`set_nodelay`](TcpStream::set_nodelay)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tcp {
    address: String,
    followed: Vec<String>,
}

impl Tcp {
    /// To this `host:port`. It tries all addresses of the host, one 250 ms after the other or as soon as one has
    /// failed, and takes the first connection that stands (RFC 8305).
    pub fn new(address: impl Into<String>) -> Self {
        Self { address: address.into(), followed: Vec::new() }
    }

    /// The same, where a hub may send the client to these hosts, too: each is `host`, or `host:port` for that port
    /// alone. Name only those that may know the session's token and what proves the right to the name.
    #[must_use]
    pub fn with_followed(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.followed = hosts.into_iter().map(Into::into).collect();
        self
    }

    /// Where advice leads (protocol.md, *Advice*); none if the client does not go there.
    fn advised(&self, advice: &str) -> Option<String> {
        let there = advice.strip_prefix("tcp://").unwrap_or(advice);
        let (host, _) = there.rsplit_once(':')?;
        let is_ours = self.address.rsplit_once(':').is_some_and(|(ours, _)| ours.eq_ignore_ascii_case(host));
        let is_named = |named: &String| named.eq_ignore_ascii_case(host) || named.eq_ignore_ascii_case(there);
        (is_ours || self.followed.iter().any(is_named)).then(|| there.to_owned())
    }
}

impl Dial for Tcp {
    type Stream = TcpStream;
    type Dialing = Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>;

    fn dial(&mut self, address: Option<String>) -> Self::Dialing {
        let advised = address.and_then(|advice| self.advised(&advice));
        let address = advised.unwrap_or_else(|| self.address.clone());
        Box::pin(connect(address))
    }

    /// All of its places are on this machine.
    fn is_private(&self) -> bool {
        is_of_machine(&self.address) && self.followed.iter().all(|place| is_of_machine(place))
    }
}

/// Whether a `host`, or a `host:port`, is of this machine (RFC 6761, 6.3).
fn is_of_machine(place: &str) -> bool {
    let has_port = |host: &str, port: &str| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && (!host.contains(':') || host.ends_with(']'))
    };
    let host = place.rsplit_once(':').filter(|(host, port)| has_port(host, port)).map_or(place, |(host, _)| host);
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let name = bare.strip_suffix('.').unwrap_or(bare).to_ascii_lowercase();
    let is_name = name == "localhost" || name.ends_with(".localhost");
    is_name || bare.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tcp_is_private_on_this_machine_alone() {
        for place in
            ["localhost:1", "LOCALHOST", "chat.localhost.:1", "127.0.0.1:1", "127.9.9.9", "[::1]:7", "[::1]", "::1"]
        {
            assert!(Tcp::new(place).is_private(), "{place}");
            assert!(!Tcp::new("192.0.2.1:1").with_followed([place]).is_private(), "{place}");
            assert!(!Tcp::new(place).with_followed(["192.0.2.1"]).is_private(), "{place}");
        }
        for place in ["chat.example:1", "notlocalhost:1", "192.0.2.1:1", "[2001:db8::1]:1", "0.0.0.0:1", ":1", ""] {
            assert!(!Tcp::new(place).is_private(), "{place}");
        }
    }

    #[test]
    fn advice_leads_to_the_same_host_or_to_one_that_is_named() {
        let tcp = Tcp::new("chat.example:1");
        for advice in ["chat.example:2", "tcp://Chat.Example:2"] {
            assert!(tcp.advised(advice).is_some_and(|there| there.eq_ignore_ascii_case("chat.example:2")), "{advice}");
        }
        for advice in ["other.example:2", "192.0.2.1:2", "tls://chat.example:2", "chat.example", ""] {
            assert_eq!(tcp.advised(advice), None, "{advice}");
        }
        let tcp = tcp.with_followed(["other.example", "[::1]:7"]);
        assert_eq!(tcp.advised("other.example:2").as_deref(), Some("other.example:2"));
        assert_eq!(tcp.advised("[::1]:7").as_deref(), Some("[::1]:7"));
        assert_eq!(tcp.advised("[::1]:8"), None, "another port was named");
    }
}
