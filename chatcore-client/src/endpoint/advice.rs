//! Where a server's advice leads.

use super::resolve::literal;
use super::{Address, Endpoint, FollowedHost, Place, Target, parse};

/// Where advice leads that is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Advised {
    pub(crate) endpoint: Endpoint,
    /// None if the host must be looked up: then [`Target::permits`] decides about each address.
    pub(crate) address: Option<Address>,
}

impl Target {
    /// Where a server to which a client is connected here advises it to go (protocol.md, *Advice*); none if the client
    /// does not go there. The session's token, and what proves the right to the name, go to the same server or to a
    /// host that the program has named, and to nobody else:
    ///
    /// - What says no scheme is meant in ours.
    /// - A host of the program's list may be anywhere. Over TLS, its certificate must be for the host that the advice
    ///   names.
    /// - Ours may be at another port.
    /// - A number over TLS is another place of our host: the certificate there must be for our host. On this machine it
    ///   may be another place of this machine.
    /// - A number without TLS is our own address, or leads from this machine to this machine.
    /// - [`permits`](Self::permits) holds in any case.
    pub(crate) fn advised(&self, advice: &str, followed: &[FollowedHost]) -> Option<Advised> {
        let place = match (&self.endpoint.place, advice.contains("://")) {
            (_, true) => advice.parse::<Endpoint>().ok()?.place,
            (Place::Network { layers, .. }, false) => parse::network(advice, advice, layers.clone()).ok()?,
            #[cfg(unix)]
            (Place::Unix(_), false) => return None,
        };
        let advised = self.placed(place, followed)?;
        let permitted = advised
            .address
            .as_ref()
            .is_none_or(|address| self.permits(&Self { endpoint: advised.endpoint.clone(), address: address.clone() }));
        permitted.then_some(advised)
    }

    /// Whether advice may lead from here to there:
    ///
    /// - Who is connected over TLS goes nowhere without TLS: else whoever can stop a server could read along from then
    ///   on.
    /// - Who has not left this machine leaves it over TLS alone.
    /// - A server of another machine sends nobody to this one: what listens here may trust that only what runs here
    ///   connects.
    pub(crate) fn permits(&self, target: &Self) -> bool {
        let is_kept =
            if self.is_encrypted() { target.is_encrypted() } else { !self.is_private() || target.is_private() };
        is_kept && (self.address.is_local() || !target.address.is_local())
    }

    /// The endpoint and the address of a place, if they are known or named.
    fn placed(&self, place: Place, followed: &[FollowedHost]) -> Option<Advised> {
        let (host, port, layers) = match &place {
            Place::Network { host, port, layers } => (host, *port, layers),
            #[cfg(unix)]
            Place::Unix(path) => {
                let address = Some(Address::Unix(path.clone()));
                return Some(Advised { endpoint: self.endpoint.with_place(place), address });
            }
        };
        let literal = literal(host, port);
        if followed.iter().any(|followed| followed.is(host, port)) {
            return Some(Advised { endpoint: self.endpoint.with_place(place), address: literal.map(Address::Ip) });
        }
        let ours = match &self.endpoint.place {
            Place::Network { host, .. } => Some(host),
            #[cfg(unix)]
            Place::Unix(_) => None,
        };
        let address = match (literal, &self.address) {
            (Some(address), _) => address,
            (None, Address::Ip(address)) if ours == Some(host) => {
                let mut address = *address;
                address.set_port(port);
                address
            }
            (None, _) => return None,
        };
        let there = Address::Ip(address);
        let is_our_address = matches!(&self.address, Address::Ip(ours) if ours.ip() == address.ip());
        let is_here = is_our_address || self.address.is_local() && there.is_local();
        let may_be_elsewhere = layers.is_encrypted && ours.is_some() && !self.address.is_local();
        if !is_here && !may_be_elsewhere {
            return None;
        }
        let place = match ours {
            // Who gave a name has a certificate for the name, wherever that is.
            Some(ours) if layers.is_encrypted => Place::Network { host: ours.clone(), port, layers: layers.clone() },
            _ => place,
        };
        Some(Advised { endpoint: self.endpoint.with_place(place), address: Some(there) })
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    /// A client that is connected to this endpoint, which is at this address.
    fn at(endpoint: &str, ip: &str) -> Target {
        let endpoint: Endpoint = endpoint.parse().expect(endpoint);
        Target { endpoint, address: Address::Ip(SocketAddr::new(ip.parse().expect(ip), 1)) }
    }

    /// Where it goes after this advice.
    fn advised(from: &Target, advice: &str) -> Option<String> {
        from.advised(advice, &[]).map(|advised| advised.endpoint.to_string())
    }

    /// At which address.
    fn address(from: &Target, advice: &str, followed: &[&str]) -> Option<String> {
        let followed: Vec<FollowedHost> = followed.iter().map(|host| host.parse().expect(host)).collect();
        let address = from.advised(advice, &followed)?.address;
        Some(address.map_or_else(|| "to be looked up".to_owned(), |address| address.to_string()))
    }

    #[test]
    fn over_tcp_advice_is_a_host_and_a_port() {
        let from = at("chat.example:1", "192.0.2.1");
        for advice in ["192.0.2.1:2", "chat.example:2"] {
            assert_eq!(advised(&from, advice).as_deref(), Some(advice));
            assert_eq!(advised(&from, &format!("tcp://{advice}")).as_deref(), Some(advice));
        }
        let same = address(&from, "chat.example:2", &[]);
        assert_eq!(same.as_deref(), Some("192.0.2.1:2"), "no name is looked up");
        for advice in ["192.0.2.2:2", "[2001:db8::1]:2", "other.example:2"] {
            assert_eq!(advised(&from, advice), None, "{advice} may be anybody");
        }
        for nonsense in ["", "b", "192.0.2.1:0", "://", "http://192.0.2.1:2"] {
            assert_eq!(advised(&from, nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_host_that_the_program_has_named_is_followed() {
        let from = at("chat.example:1", "192.0.2.1");
        let named = ["other.example", "192.0.2.2:2"];
        assert_eq!(address(&from, "other.example:7", &named).as_deref(), Some("to be looked up"));
        assert_eq!(address(&from, "192.0.2.2:2", &named).as_deref(), Some("192.0.2.2:2"));
        assert_eq!(address(&from, "192.0.2.2:3", &named), None, "this port was not named");
        assert_eq!(address(&from, "else.example:7", &named), None);
        let local = at("127.0.0.1:1", "127.0.0.1");
        assert_eq!(address(&local, "192.0.2.2:2", &named), None, "it is named, and still leads off the machine");
        assert_eq!(address(&from, "127.0.0.1:2", &["127.0.0.1"]), None, "it is named, and still leads onto ours");
    }

    #[test]
    fn each_address_of_a_named_host_must_keep_what_the_connection_has() {
        let target = |endpoint, ip| at(endpoint, ip);
        let local = at("127.0.0.1:1", "127.0.0.1");
        assert!(local.permits(&target("other.example:1", "127.0.0.1")));
        assert!(!local.permits(&target("other.example:1", "192.0.2.2")));
        let open = at("chat.example:1", "192.0.2.1");
        assert!(open.permits(&target("other.example:1", "192.0.2.2")));
        assert!(!open.permits(&target("other.example:1", "127.0.0.1")));
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
            {
                assert_eq!(advised(&from, "tls://192.0.2.1:2"), None, "it is nobody whom it knows");
                let named = address(&from, "tls://192.0.2.1:2", &["192.0.2.1"]);
                assert_eq!(named.as_deref(), Some("192.0.2.1:2"));
            }
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
        for advice in ["192.0.2.1:2", "tls://192.0.2.1:2"] {
            assert_eq!(address(&from, advice, &[]).as_deref(), Some("192.0.2.1:2"));
            assert_eq!(advised(&from, advice).as_deref(), Some("tls://chat.example:2"), "also at our own address");
        }
        for (ours, ip, advice) in
            [("tls://localhost:1", "127.0.0.1", "127.0.0.1:2"), ("tls://here.example:1", "::1", "127.0.0.1:2")]
        {
            let (from, host) = (at(ours, ip), ours.trim_end_matches(":1"));
            assert_eq!(advised(&from, advice), Some(format!("{host}:2")), "also on this machine");
            assert_eq!(address(&from, advice, &[]).as_deref(), Some(advice));
        }
        for advice in ["192.0.2.2:2", "tls://192.0.2.2:2"] {
            assert_eq!(address(&from, advice, &[]).as_deref(), Some("192.0.2.2:2"));
            assert_eq!(
                advised(&from, advice).as_deref(),
                Some("tls://chat.example:2"),
                "the certificate is for our host"
            );
            let named = from.advised(advice, &["192.0.2.2".parse().unwrap()]).expect("it is named");
            assert_eq!(
                named.endpoint.to_string(),
                "tls://192.0.2.2:2",
                "the certificate is for the host of the advice"
            );
        }
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
        let advised = from.advised("192.0.2.2:2", &[]).expect("it is over TLS");
        assert_eq!(advised.endpoint.tls, Some(tls));
    }

    #[cfg(feature = "websocket")]
    #[test]
    fn a_websocket_keeps_its_path_where_the_advice_has_no_scheme() {
        let from = at("ws://chat.example/chat", "192.0.2.1");
        assert_eq!(advised(&from, "192.0.2.1:2").as_deref(), Some("ws://192.0.2.1:2/chat"));
        assert_eq!(advised(&from, "ws://192.0.2.1/other").as_deref(), Some("ws://192.0.2.1/other"));
        #[cfg(feature = "tls")]
        {
            let from = at("wss://chat.example/chat", "192.0.2.1");
            assert_eq!(advised(&from, "chat.example:2").as_deref(), Some("wss://chat.example:2/chat"));
            assert_eq!(advised(&from, "tls://192.0.2.2:2").as_deref(), Some("tls://chat.example:2"));
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
