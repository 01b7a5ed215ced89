//! How many connections each origin has, and which of them have had no name for the longest time.

use std::collections::BTreeSet;

use chatcore::{QuotaKey, QuotaSource, Refusal};

use crate::config::DriverLimits;
use crate::counts::{Counts, Place};
use crate::origin::Prefixes;
use crate::peer::Peer;

/// The connections by where they come from.
#[derive(Debug, Default)]
pub(crate) struct Census {
    prefixes: Prefixes,
    counts: Counts,
    /// Sites by how many connections without a name they have. An origin that belongs to none is one.
    by_handshakes: BTreeSet<(u32, QuotaKey)>,
    /// The keys of connections without a name: by site, and there by how long they have been so.
    nameless: BTreeSet<(QuotaKey, u64, usize)>,
    last_serial: u64,
}

impl Census {
    pub(crate) fn new(prefixes: Prefixes) -> Self {
        Self { prefixes, ..Self::default() }
    }

    /// Where a peer comes from, as the hub takes it.
    pub(crate) fn origin(&self, peer: &Peer) -> QuotaKey {
        peer.origin(self.prefixes)
    }

    /// The same, and the site that it belongs to.
    pub(crate) fn place(&self, peer: &Peer, is_shared: bool) -> Place {
        Place { origin: self.origin(peer), site: peer.site(self.prefixes), is_shared }
    }

    /// The same, as the hub charges it.
    pub(crate) fn source(&self, peer: &Peer, limits: &DriverLimits) -> QuotaSource {
        self.place(peer, !limits.is_counted(peer)).source(limits.site_factor)
    }

    /// Whether a peer may have one more connection, if there are so many for all.
    pub(crate) fn check(&self, peer: &Peer, limits: &DriverLimits, connections_max: usize) -> Result<(), Refusal> {
        let place = self.place(peer, !limits.is_counted(peer));
        self.counts.check(place, limits.bounds(), connections_max)
    }

    /// A connection has come, which has no name yet. Returns by what it is known until it has.
    pub(crate) fn enter(&mut self, place: Place, key: usize) -> u64 {
        self.last_serial += 1;
        if !place.is_shared {
            self.count(place, Counts::enter);
            self.nameless.insert((place.widest(), self.last_serial, key));
        }
        self.last_serial
    }

    /// A connection has a name by now, or will never have one.
    pub(crate) fn end_handshake(&mut self, place: Place, serial: u64, key: usize) {
        if !place.is_shared {
            self.count(place, Counts::end_handshake);
            self.nameless.remove(&(place.widest(), serial, key));
        }
    }

    /// A connection is gone, which is no handshake any more.
    pub(crate) fn leave(&mut self, place: Place) {
        self.counts.leave(place);
    }

    /// Of each site, the connection that has had no name for the longest time: first of the site that has most of them.
    /// Sites that have a single one are left out, and so are origins that many share.
    pub(crate) fn longest_nameless(&self) -> impl Iterator<Item = usize> {
        let sites = self.by_handshakes.iter().rev().take_while(|(handshakes, _)| *handshakes > 1);
        sites.filter_map(|(_, site)| self.nameless.range((*site, 0, 0)..).next()).map(|(.., key)| *key)
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.nameless.is_empty() && self.by_handshakes.is_empty()
    }

    /// Changes how many handshakes an origin has, and its site.
    fn count(&mut self, place: Place, change: fn(&mut Counts, Place)) {
        let site = place.widest();
        self.by_handshakes.remove(&(self.counts.handshakes(site), site));
        change(&mut self.counts, place);
        let handshakes = self.counts.handshakes(site);
        if handshakes > 0 {
            self.by_handshakes.insert((handshakes, site));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, SocketAddr};

    use super::*;

    fn peer(address: &str) -> Peer {
        Peer::from(SocketAddr::new(address.parse::<IpAddr>().expect("it is an address"), 1))
    }

    fn limits() -> DriverLimits {
        DriverLimits::default().with_connections_of_origin_max(3).with_handshakes_of_origin_max(2).with_site_factor(2)
    }

    const MANY: usize = 1_000;

    impl Census {
        fn come(&mut self, peer: &Peer, key: usize) -> u64 {
            self.enter(self.place(peer, false), key)
        }

        fn get_name(&mut self, peer: &Peer, serial: u64, key: usize) {
            self.end_handshake(self.place(peer, false), serial, key);
        }

        fn go(&mut self, peer: &Peer) {
            self.leave(self.place(peer, false));
        }
    }

    #[test]
    fn connections_of_an_address_are_bounded_with_a_name_and_without_one() {
        let (mut census, limits) = (Census::default(), limits());
        let (peer, other) = (peer("192.0.2.1"), self::peer("192.0.2.2"));
        let serials = [1, 2].map(|key| census.come(&peer, key));
        let handshakes = Err(Refusal::HandshakesOfOrigin { handshakes_of_origin_max: 2 });
        assert_eq!(census.check(&peer, &limits, MANY), handshakes);
        assert_eq!(census.check(&other, &limits, MANY), Ok(()));
        census.get_name(&peer, serials[0], 1);
        assert_eq!(census.check(&peer, &limits, MANY), Ok(()));
        let serial = census.come(&peer, 3);
        let connections = Err(Refusal::ConnectionsOfOrigin { connections_of_origin_max: 3 });
        assert_eq!(census.check(&peer, &limits, MANY), connections);
        for (serial, key) in [(serials[1], 2), (serial, 3)] {
            census.get_name(&peer, serial, key);
        }
        assert_eq!(census.check(&peer, &limits, MANY), connections);
        census.go(&peer);
        assert_eq!(census.check(&peer, &limits, MANY), Ok(()));
        census.go(&peer);
        census.go(&peer);
        assert!(census.is_empty(), "{census:?}");
    }

    #[test]
    fn a_network_of_ipv6_is_one_origin_and_a_site_may_have_some_of_them() {
        let (mut census, limits) = (Census::default(), limits());
        let mut come = |address: &str| {
            let peer = peer(address);
            let outcome = census.check(&peer, &limits, MANY);
            if outcome.is_ok() {
                let serial = census.come(&peer, 1);
                census.get_name(&peer, serial, 1);
            }
            outcome
        };
        for address in ["2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:1:ffff::"] {
            assert_eq!(come(address), Ok(()));
        }
        assert_eq!(come("2001:db8:0:1::3"), Err(Refusal::ConnectionsOfOrigin { connections_of_origin_max: 3 }));
        for address in ["2001:db8:0:2::", "2001:db8:0:3::", "2001:db8:0:4::"] {
            assert_eq!(come(address), Ok(()));
        }
        assert_eq!(come("2001:db8:0:5::"), Err(Refusal::ConnectionsOfOrigin { connections_of_origin_max: 6 }));
        assert_eq!(come("2001:db8:1:5::"), Ok(()), "another site");
    }

    #[test]
    fn an_origin_that_is_its_own_site_counts_once() {
        let prefixes = Prefixes { origin_bits: 56, site_bits: 56 };
        let (mut census, limits) = (Census::new(prefixes), limits());
        let peer = peer("2001:db8::1");
        let serial = census.come(&peer, 1);
        assert_eq!(census.check(&peer, &limits, MANY), Ok(()), "two may have no name");
        assert_eq!(census.longest_nameless().count(), 0, "it is alone");
        census.come(&peer, 2);
        let handshakes = Err(Refusal::HandshakesOfOrigin { handshakes_of_origin_max: 2 });
        assert_eq!(census.check(&peer, &limits, MANY), handshakes);
        census.get_name(&peer, serial, 1);
        census.go(&peer);
        assert_eq!(census.check(&peer, &limits, MANY), Ok(()));
    }

    #[test]
    fn networks_that_are_not_counted_and_programs_of_this_machine_are_not_bounded() {
        let mut census = Census::default();
        let limits = limits().with_uncounted_origins(["10.0.0.0/8".parse().expect("it is a network")]);
        let mut peers = vec![peer("10.1.2.3"), peer("::ffff:10.1.2.3")];
        #[cfg(unix)]
        peers.push(Peer::Local { uid: None });
        for peer in peers {
            for key in 0..10 {
                census.come(&peer, key);
            }
            assert_eq!(census.check(&peer, &limits, MANY), Ok(()), "{peer}");
        }
        census.come(&peer("127.0.0.1"), 1);
        census.come(&peer("127.0.0.1"), 2);
        assert!(census.check(&peer("127.0.0.1"), &limits, MANY).is_err(), "others were named");
        assert_eq!(census.check(&peer("127.0.0.1"), &DriverLimits::default(), MANY), Ok(()));
    }

    #[test]
    fn an_origin_that_many_share_uses_up_nothing_of_its_site_and_shields_nobody_in_it() {
        let gateway = peer("2001:db8:0:1::1");
        let limits = limits().with_uncounted_origins(["2001:db8:0:1::/64".parse().expect("it is a network")]);
        let mut census = Census::default();
        let of_gateway = census.place(&gateway, !limits.is_counted(&gateway));
        let serials: Vec<u64> = (0..20).map(|key| census.enter(of_gateway, key)).collect();
        let neighbour = peer("2001:db8:0:2::1");
        assert_eq!(census.check(&neighbour, &limits, MANY), Ok(()), "the gateway has more than a site may have");
        for key in [30, 31] {
            census.come(&neighbour, key);
        }
        assert_eq!(census.longest_nameless().collect::<Vec<_>>(), [30], "those of the gateway are older");
        for (key, serial) in (0..).zip(serials) {
            census.end_handshake(of_gateway, serial, key);
            census.leave(of_gateway);
        }
        assert_eq!(census.longest_nameless().collect::<Vec<_>>(), [30]);
    }

    #[test]
    fn loopback_that_a_proxy_names_is_not_counted_if_the_proxy_is_on_this_machine() {
        let limits = limits().with_uncounted_origins(
            ["127.0.0.0/8", "::1", "10.0.0.0/8"].map(|network| network.parse().expect("it is a network")),
        );
        let mut here = vec![peer("127.0.0.1"), peer("::1")];
        #[cfg(unix)]
        here.push(Peer::Local { uid: None });
        for source in ["127.0.0.1", "::1", "::ffff:127.0.0.1"].map(peer) {
            for proxy in &here {
                assert!(!limits.is_counted(&source.named_by(proxy)), "{source} by {proxy}");
            }
            assert!(limits.is_counted(&source.named_by(&peer("10.0.0.1"))), "{source}");
        }
        assert!(!limits.is_counted(&peer("10.0.0.2").named_by(&peer("10.0.0.1"))), "its network is not counted");
    }

    #[test]
    fn no_origin_may_have_more_than_half_of_all_connections() {
        let mut census = Census::default();
        let limits = DriverLimits::default();
        for key in 0..5 {
            assert_eq!(census.check(&peer("192.0.2.1"), &limits, 10), Ok(()));
            census.come(&peer("192.0.2.1"), key);
        }
        let refusal = Refusal::ConnectionsOfOrigin { connections_of_origin_max: 5 };
        assert_eq!(census.check(&peer("192.0.2.1"), &limits, 10), Err(refusal));
        assert_eq!(census.check(&peer("192.0.2.2"), &limits, 10), Ok(()));
        assert_eq!(census.check(&peer("192.0.2.3"), &limits, 1), Ok(()), "one is always possible");
    }

    #[test]
    fn the_hub_is_told_the_site_of_those_who_are_counted_and_that_the_others_share_their_origins() {
        let census = Census::default();
        let limits = limits().with_uncounted_origins(["2001:db8::/64".parse().expect("it is a network")]);
        let source = |address| census.source(&peer(address), &limits);
        let (origin, site) = (census.origin(&peer("2001:db8:0:1::1")), census.place(&peer("2001:db8::"), false).site);
        let counted = QuotaSource::from(origin).with_site(site.expect("it is of IPv6"), 2);
        assert_eq!(source("2001:db8:0:1::1"), counted);
        assert_eq!(source("2001:db8::1"), QuotaSource::from(census.origin(&peer("2001:db8::"))).shared());
        assert_eq!(source("192.0.2.1"), census.origin(&peer("192.0.2.1")).into());
    }

    #[test]
    fn the_origin_with_most_nameless_connections_is_first_and_there_the_oldest_one() {
        let mut census = Census::default();
        let (many, few, single) = (peer("192.0.2.1"), peer("192.0.2.2"), peer("192.0.2.3"));
        census.come(&single, 1);
        for key in [2, 3] {
            census.come(&few, key);
        }
        let serials: Vec<u64> = [4, 5, 6].into_iter().map(|key| census.come(&many, key)).collect();
        assert_eq!(census.longest_nameless().collect::<Vec<_>>(), [4, 2]);
        census.get_name(&many, serials[0], 4);
        census.get_name(&many, serials[1], 5);
        assert_eq!(census.longest_nameless().collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn a_site_with_one_nameless_connection_in_each_network_is_first_as_one() {
        let mut census = Census::default();
        let nat = peer("192.0.2.1");
        for key in [1, 2] {
            census.come(&nat, key);
        }
        let of_site: Vec<_> = (0..5).map(|number| peer(&format!("2001:db8:0:{number}::1"))).collect();
        let serials: Vec<u64> = (10..).zip(&of_site).map(|(key, peer)| census.come(peer, key)).collect();
        census.come(&peer("2001:db8:1::1"), 20);
        assert_eq!(census.longest_nameless().collect::<Vec<_>>(), [10, 1]);
        // In a site, the oldest goes, whichever network has most.
        census.come(&of_site[3], 30);
        assert_eq!(census.longest_nameless().collect::<Vec<_>>(), [10, 1]);
        for (key, (peer, serial)) in (10..).zip(of_site.iter().zip(serials)).take(4) {
            census.get_name(peer, serial, key);
        }
        assert_eq!(census.longest_nameless().collect::<Vec<_>>(), [14, 1], "two are left of the site");
    }
}
