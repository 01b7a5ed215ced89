//! Where the right password of a name has come from.

use chatcore::{QuotaKey, UserName};

use super::origin::Origin;
use super::recent::Recent;

/// Homes of one name. When there are so many, the one goes from which the right password has not come for the longest
/// time.
const HOMES_OF_NAME_MAX: usize = 16;

/// Those of one site. A machine that has ever other networks of its site takes the place of none elsewhere.
const HOMES_OF_SITE_MAX: usize = 4;

/// Names that have homes. A name has some only when somebody knows its password.
const NAMES_MAX: usize = 16_384;

/// Bytes of memory for all homes, at the most.
pub(super) const BYTES_MAX: u64 = NAMES_MAX as u64 * 1280;

/// The homes of all names. Whoever logs in from very many networks takes homes from their own name alone.
#[derive(Debug)]
pub(super) struct Homes(Recent<UserName, Vec<Home>>);

#[derive(Clone, Copy, Debug)]
struct Home {
    origin: Origin,
    /// The site of IPv6 that it belongs to.
    site: Option<QuotaKey>,
}

impl Default for Homes {
    fn default() -> Self {
        Self(Recent::new(NAMES_MAX))
    }
}

impl Homes {
    pub(super) fn contains(&self, name: &UserName, origin: Origin) -> bool {
        self.0.get(name).is_some_and(|homes| homes.iter().any(|home| home.origin == origin))
    }

    /// The right password of a name has come from there.
    pub(super) fn insert(&mut self, name: UserName, origin: Origin, site: Option<QuotaKey>) {
        // In the order in which it came last.
        let mut homes = self.0.remove(&name).unwrap_or_default();
        homes.retain(|home| home.origin != origin);
        if site.is_some() && homes.iter().filter(|home| home.site == site).count() >= HOMES_OF_SITE_MAX {
            let oldest = homes.iter().position(|home| home.site == site);
            oldest.map(|oldest| homes.remove(oldest));
        }
        if homes.len() >= HOMES_OF_NAME_MAX {
            homes.remove(0);
        }
        homes.push(Home { origin, site });
        self.0.insert(name, homes);
    }

    /// A name is at home there no more.
    #[cfg(test)]
    pub(super) fn remove(&mut self, name: &UserName, origin: Origin) {
        let mut homes = self.0.remove(name).unwrap_or_default();
        homes.retain(|home| home.origin != origin);
        self.0.insert(name.clone(), homes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> UserName {
        name.parse().expect("it is a name")
    }

    const fn origin(key: u128) -> Origin {
        Origin::Network(QuotaKey(key))
    }

    #[test]
    fn a_name_has_so_many_homes_and_the_one_goes_that_was_not_used_for_the_longest_time() {
        let mut homes = Homes::default();
        for key in 0..HOMES_OF_NAME_MAX as u128 {
            homes.insert(name("alice"), origin(key), None);
        }
        homes.insert(name("alice"), origin(0), None);
        homes.insert(name("alice"), origin(100), None);
        assert!(homes.contains(&name("alice"), origin(0)), "it was used lately");
        assert!(!homes.contains(&name("alice"), origin(1)));
        assert!((2..HOMES_OF_NAME_MAX as u128).all(|key| homes.contains(&name("alice"), origin(key))));
    }

    #[test]
    fn networks_of_one_site_take_few_places_among_the_homes_of_a_name() {
        let mut homes = Homes::default();
        for key in 0..4 {
            homes.insert(name("alice"), origin(key), None);
        }
        for key in 100..200 {
            homes.insert(name("alice"), origin(key), Some(QuotaKey(1 << 100)));
        }
        assert!((0..4).all(|key| homes.contains(&name("alice"), origin(key))));
        let kept = (100..200).filter(|key| homes.contains(&name("alice"), origin(*key)));
        assert_eq!(kept.collect::<Vec<_>>(), [196, 197, 198, 199]);
    }
}
