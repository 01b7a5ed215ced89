//! How many connections each origin has, and each site of IPv6 addresses, and how many of them have no name yet; and
//! how much of anything an origin may have at the most.

use std::collections::HashMap;

use chatcore::{Limits, QuotaKey, QuotaSource, Refusal};

/// An origin, or a site, may have at most one of this many of all connections.
const SHARE: u32 = 2;

/// All sites together may have as many connections as there are, so one site may have more than an origin, but not all.
const SITE_SHARE_OF_FOUR: usize = 3;

/// At most one of this many connections is for those who resume a session.
const RESERVE_SHARE: usize = 8;

/// How many of all connections are for those who resume a session, if so many are asked for.
pub(crate) const fn reserve(connections_for_resumes: usize, connections_max: usize) -> usize {
    let most = connections_max / RESERVE_SHARE;
    if connections_for_resumes < most { connections_for_resumes } else { most }
}

/// As many of anything an origin may have however few there are: of so few, it is no matter who has them.
const FEW: u32 = 16;

/// The limits of a hub, of which no origin may have more than half of what there is for all, unless that is few: then
/// two have to come together before others find nothing left.
pub(crate) fn in_halves(mut limits: Limits) -> Limits {
    let of_origins = [
        (&mut limits.sessions_of_origin_max, limits.sessions_max),
        (&mut limits.rooms_of_origin_max, limits.rooms_max),
        (&mut limits.members_of_origin_max, limits.members_max),
        (&mut limits.memberships_of_origin_max, limits.memberships_max),
        (&mut limits.watches_of_origin_max, limits.hub_watches_max),
        (&mut limits.waiting_of_origin_max, limits.waiting_max),
        (&mut limits.detached_of_origin_max, limits.detached_max),
    ];
    for (of_origin, of_all) in of_origins {
        *of_origin = (*of_origin).min((of_all / SHARE).max(FEW));
    }
    limits
}

/// Where a connection is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) origin: QuotaKey,
    /// The site that the origin belongs to; none if there is nothing wider.
    pub(crate) site: Option<QuotaKey>,
    /// Many share the origin: it counts nowhere, neither for itself nor for its site.
    pub(crate) is_shared: bool,
}

impl Place {
    /// In which it counts.
    pub(crate) fn keys(self) -> impl Iterator<Item = QuotaKey> {
        let counted = (!self.is_shared).then_some([Some(self.origin), self.site]);
        counted.into_iter().flatten().flatten()
    }

    /// The largest network that it answers for: its site, or its origin if it belongs to none or many share it.
    pub(crate) fn widest(self) -> QuotaKey {
        self.site.filter(|_| !self.is_shared).unwrap_or(self.origin)
    }

    /// As the hub takes it.
    pub(crate) fn source(self, site_factor: u32) -> QuotaSource {
        let source = QuotaSource::from(self.origin);
        match self.site {
            _ if self.is_shared => source.shared(),
            Some(site) => source.with_site(site, site_factor),
            None => source,
        }
    }
}

/// How many connections an origin may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) connections_of_origin_max: usize,
    pub(crate) handshakes_of_origin_max: usize,
    /// How many times the two hold for a site.
    pub(crate) site_factor: u32,
}

/// The numbers of connections. There is an entry for each origin and each site that has a connection, so there are no
/// more than two for each connection.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Hashed with a key, because peers choose their addresses.
    of: HashMap<QuotaKey, Count>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    connections: u32,
    handshakes: u32,
}

impl Counts {
    /// Whether one more connection may come from there, if there are so many for all.
    pub(crate) fn check(&self, place: Place, bounds: Bounds, connections_max: usize) -> Result<(), Refusal> {
        if place.is_shared {
            return Ok(());
        }
        let of_site = |of_origin: usize| of_origin.saturating_mul(bounds.site_factor as usize);
        let site_share = (connections_max / 4 * SITE_SHARE_OF_FOUR).max(1);
        let bounds = [
            (
                Some(place.origin),
                bounds.connections_of_origin_max.min((connections_max / SHARE as usize).max(1)),
                bounds.handshakes_of_origin_max,
            ),
            (
                place.site,
                of_site(bounds.connections_of_origin_max).min(site_share),
                of_site(bounds.handshakes_of_origin_max),
            ),
        ];
        for (key, connections_max, handshakes_max) in bounds {
            let count = key.and_then(|key| self.of.get(&key)).copied().unwrap_or_default();
            if count.connections as usize >= connections_max {
                return Err(Refusal::ConnectionsOfOrigin { connections_of_origin_max: small(connections_max) });
            }
            if count.handshakes as usize >= handshakes_max {
                return Err(Refusal::HandshakesOfOrigin { handshakes_of_origin_max: small(handshakes_max) });
            }
        }
        Ok(())
    }

    /// A connection has come, which has no name yet.
    pub(crate) fn enter(&mut self, place: Place) {
        for key in place.keys() {
            let count = self.of.entry(key).or_default();
            count.connections += 1;
            count.handshakes += 1;
        }
    }

    /// A connection has a name by now, or will never have one.
    pub(crate) fn end_handshake(&mut self, place: Place) {
        for key in place.keys() {
            self.of.entry(key).or_default().handshakes -= 1;
        }
    }

    /// A connection is gone, which is no handshake any more.
    pub(crate) fn leave(&mut self, place: Place) {
        for key in place.keys() {
            let count = self.of.entry(key).or_default();
            count.connections -= 1;
            if count.connections == 0 {
                self.of.remove(&key);
            }
        }
    }

    /// How many connections of an origin, or of a site, have no name yet.
    #[cfg(feature = "mio")]
    pub(crate) fn handshakes(&self, key: QuotaKey) -> u32 {
        self.of.get(&key).map_or(0, |count| count.handshakes)
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.of.is_empty()
    }
}

fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_origin_has_more_than_half_of_anything() {
        let few = Limits::default().with_sessions_max(6_000).with_rooms_max(20).with_hub_watches_max(100_000);
        let Limits {
            sessions_of_origin_max, rooms_of_origin_max, watches_of_origin_max, members_of_origin_max, ..
        } = in_halves(few);
        assert_eq!((sessions_of_origin_max, rooms_of_origin_max, watches_of_origin_max), (3_000, 16, 50_000));
        assert_eq!(members_of_origin_max, Limits::default().members_of_origin_max, "that is less");
        let none = in_halves(Limits::default().with_detached_of_origin_max(0));
        assert_eq!(none.detached_of_origin_max, 0, "who asked for none gets none");
    }
}
