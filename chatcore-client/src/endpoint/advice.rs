//! Where a server's advice leads.

use std::net::{IpAddr, SocketAddr};

use super::{Address, Endpoint, Place, Target, bare, parse};

impl Target {
    /// Where a server to which a client is connected here advises it to go (protocol.md, *Advice*); none if the client does
    /// not go there:
    ///
    /// - What says no scheme is meant in ours.
    /// - Who is connected over TLS goes nowhere without TLS: else whoever can stop a server could read along from then on. The
    ///   certificate there must be for the host that the advice names.
    /// - Who has not left this machine leaves it over TLS alone.
    /// - A server of another machine sends nobody to this one: what listens here may trust that only what runs here connects.
    /// - A host is a number, or ours: to look a name up would hold up the caller's loop.
    pub(crate) fn advised(&self, advice: &str) -> Option<Self> {
        let place = match (&self.endpoint.place, advice.contains("://")) {
            (_, true) => advice.parse::<Endpoint>().ok()?.place,
            (Place::Network { layers, .. }, false) => parse::network(advice, advice, layers.clone()).ok()?,
            #[cfg(unix)]
            (Place::Unix(_), false) => return None,
        };
        let address = self.address_of(&place)?;
        let target = Self { endpoint: self.endpoint.with_place(place), address };
        let is_kept =
            if self.is_encrypted() { target.is_encrypted() } else { !self.is_private() || target.is_private() };
        (is_kept && (self.address.is_local() || !target.address.is_local())).then_some(target)
    }

    /// The address of a place, without a look-up.
    fn address_of(&self, place: &Place) -> Option<Address> {
        match place {
            Place::Network { host, port, .. } => {
                match (bare(host).parse::<IpAddr>(), &self.endpoint.place, &self.address) {
                    (Ok(ip), ..) => Some(Address::Ip(SocketAddr::new(ip, *port))),
                    (Err(_), Place::Network { host: ours, .. }, Address::Ip(address)) if ours == host => {
                        let mut address = *address;
                        address.set_port(*port);
                        Some(Address::Ip(address))
                    }
                    _ => None,
                }
            }
            #[cfg(unix)]
            Place::Unix(path) => Some(Address::Unix(path.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client that is connected to this endpoint, which is at this address.
    fn at(endpoint: &str, ip: &str) -> Target {
        let endpoint: Endpoint = endpoint.parse().expect(endpoint);
        Target { endpoint, address: Address::Ip(SocketAddr::new(ip.parse().expect(ip), 1)) }
    }

    /// Where it goes after this advice.
    fn advised(from: &Target, advice: &str) -> Option<String> {
        from.advised(advice).map(|target| target.endpoint.to_string())
    }

    #[test]
    fn over_tcp_advice_is_a_host_and_a_port() {
        let from = at("chat.example:1", "192.0.2.1");
        for advice in ["192.0.2.2:2", "[2001:db8::1]:2", "chat.example:2"] {
            assert_eq!(advised(&from, advice).as_deref(), Some(advice));
            assert_eq!(advised(&from, &format!("tcp://{advice}")).as_deref(), Some(advice));
        }
        let same = from.advised("chat.example:2").expect("it is the same host");
        assert_eq!(same.address, Address::Ip("192.0.2.1:2".parse().unwrap()), "no name is looked up");
        for nonsense in ["", "b", "192.0.2.2:0", "://", "http://192.0.2.2:2", "other.example:2"] {
            assert_eq!(advised(&from, nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn who_has_not_left_the_machine_leaves_it_over_tls_alone() {
        // The last one is a name of this machine, which its text does not tell.
        let local = [("127.0.0.1:1", "127.0.0.1"), ("[::1]:1", "::1"), ("here.example:1", "127.0.1.1")];
        for from in local.map(|(endpoint, ip)| at(endpoint, ip)) {
            assert!(from.is_private());
            assert_eq!(advised(&from, "192.0.2.1:2"), None, "{from:?}");
            assert_eq!(advised(&from, "127.0.0.1:2").as_deref(), Some("127.0.0.1:2"));
            #[cfg(feature = "tls")]
            assert_eq!(advised(&from, "tls://192.0.2.1:2").as_deref(), Some("tls://192.0.2.1:2"));
        }
    }

    #[test]
    fn nobody_elses_server_sends_a_client_to_its_own_machine() {
        let from = at("chat.example:1", "192.0.2.1");
        for advice in
            ["127.0.0.1:2", "[::1]:2", "[::ffff:127.0.0.1]:2", "0.0.0.0:2", "[::]:2", "unix:///run/other.sock"]
        {
            assert_eq!(advised(&from, advice), None, "{advice}");
        }
    }

    #[cfg(feature = "tls")]
    #[test]
    fn who_has_tls_keeps_it() {
        let from = at("tls://chat.example:1", "192.0.2.1");
        assert_eq!(advised(&from, "chat.example:2").as_deref(), Some("tls://chat.example:2"));
        assert_eq!(advised(&from, "192.0.2.2:2").as_deref(), Some("tls://192.0.2.2:2"));
        assert_eq!(advised(&from, "tls://192.0.2.2:2").as_deref(), Some("tls://192.0.2.2:2"));
        for advice in ["tcp://chat.example:2", "tcp://192.0.2.2:2", "tcp://127.0.0.1:2", "unix:///run/chat.sock"] {
            assert_eq!(advised(&from, advice), None, "{advice}");
        }
        let here = at("tls://127.0.0.1:1", "127.0.0.1");
        assert_eq!(advised(&here, "tcp://127.0.0.1:2"), None, "not even on the same machine");
        let open = at("chat.example:1", "192.0.2.1");
        assert_eq!(advised(&open, "tls://chat.example:2").as_deref(), Some("tls://chat.example:2"));
    }

    #[cfg(feature = "tls")]
    #[test]
    fn whom_a_client_trusts_stays_the_same() {
        let tls = crate::tls::tests::trusting();
        let mut from = at("tls://chat.example:1", "192.0.2.1");
        from.endpoint = from.endpoint.with_tls(tls.clone());
        let target = from.advised("192.0.2.2:2").expect("it is over TLS");
        assert_eq!(target.endpoint.tls, Some(tls));
    }

    #[cfg(feature = "websocket")]
    #[test]
    fn a_websocket_keeps_its_path_where_the_advice_has_no_scheme() {
        let from = at("ws://chat.example/chat", "192.0.2.1");
        assert_eq!(advised(&from, "192.0.2.2:2").as_deref(), Some("ws://192.0.2.2:2/chat"));
        assert_eq!(advised(&from, "ws://192.0.2.2/other").as_deref(), Some("ws://192.0.2.2/other"));
        #[cfg(feature = "tls")]
        {
            let from = at("wss://chat.example/chat", "192.0.2.1");
            assert_eq!(advised(&from, "chat.example:2").as_deref(), Some("wss://chat.example:2/chat"));
            assert_eq!(advised(&from, "tls://192.0.2.2:2").as_deref(), Some("tls://192.0.2.2:2"));
            assert_eq!(advised(&from, "ws://chat.example/chat"), None);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_unix_socket_leads_to_another_one() {
        let from = Target { endpoint: "unix:///a".parse().unwrap(), address: Address::Unix("/a".into()) };
        assert_eq!(advised(&from, "unix:///b").as_deref(), Some("unix:///b"));
        assert_eq!(advised(&from, "127.0.0.1:2"), None, "it says no scheme, and ours has no port");
        assert_eq!(advised(&from, "tcp://127.0.0.1:2").as_deref(), Some("127.0.0.1:2"));
        assert_eq!(advised(&from, "tcp://192.0.2.1:2"), None);
    }
}
