//! Who has how much of something.

use alloc::collections::BTreeSet;

/// Who may have a share: an origin by the index of its account, or a site by its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::hub) enum Party {
    Origin(u32),
    Site(u32),
}

/// Parties by their rank, and the origins of each site by theirs. Who has rank 0 is not in it.
#[derive(Debug, Default)]
pub(super) struct Ranking {
    all: BTreeSet<(u32, Party)>,
    of_sites: BTreeSet<(u32, u32, u32)>,
}

impl Ranking {
    /// A party gets another rank. An origin that belongs to a site is ranked there, too.
    pub(super) fn change(&mut self, party: Party, site: Option<u32>, before: u32, after: u32) {
        if before == after {
            return;
        }
        // A set that never becomes empty allocates nothing when one comes and goes.
        if self.all.is_empty() {
            self.all.insert((0, Party::Site(u32::MAX)));
        }
        if before > 0 {
            self.all.remove(&(before, party));
        }
        if after > 0 {
            self.all.insert((after, party));
        }
        if let (Party::Origin(account), Some(site)) = (party, site) {
            self.change_in_site(account, site, before, after);
        }
    }

    /// An origin gets another rank in its site alone: it comes there, or goes.
    pub(super) fn change_in_site(&mut self, account: u32, site: u32, before: u32, after: u32) {
        if before > 0 {
            self.of_sites.remove(&(site, before, account));
        }
        if after > 0 {
            self.of_sites.insert((site, after, account));
        }
    }

    /// The same parties have the same ranks.
    #[cfg(feature = "sim")]
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let ranked =
            |ranking: &Self| ranking.all.iter().copied().filter(|(rank, _)| *rank > 0).collect::<BTreeSet<_>>();
        ranked(self) == ranked(other) && self.of_sites == other.of_sites
    }

    /// Those with the highest rank there is, and that rank.
    pub(super) fn highest(&self) -> Option<(u32, impl DoubleEndedIterator<Item = Party> + '_)> {
        let (rank, _) = *self.all.last().filter(|(rank, _)| *rank > 0)?;
        Some((rank, self.all.range((rank, Party::Origin(0))..).map(|(_, party)| *party)))
    }

    /// The same among the origins of a site.
    pub(super) fn highest_of(&self, site: u32) -> Option<(u32, impl DoubleEndedIterator<Item = u32> + '_)> {
        let (_, rank, _) = *self.of_sites.range((site, 0, 0)..=(site, u32::MAX, u32::MAX)).next_back()?;
        let as_high = self.of_sites.range((site, rank, 0)..=(site, rank, u32::MAX));
        Some((rank, as_high.map(|(.., account)| *account)))
    }
}
