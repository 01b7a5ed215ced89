//! What each origin and each site holds of the buffers.

use super::accounts::{GRANULE_BYTES, Origins, Share};
use super::ranking::Party;

/// Parties of one size class that are compared, at the most.
const COMPARED_MAX: usize = 64;

impl Origins {
    /// Counts this many bytes for a share.
    pub(in crate::hub) fn set(&mut self, share: &mut Share, bytes: usize) {
        let granules = u32::try_from(bytes / GRANULE_BYTES).unwrap_or(u32::MAX);
        let account = &mut self.accounts[share.account as usize];
        let (before, site) = (account.granules, account.site);
        account.granules = before - u64::from(share.granules) + u64::from(granules);
        let after = account.granules;
        share.granules = granules;
        self.hold(Party::Origin(share.account), site, before, after);
        if let Some(site) = site {
            self.change_site(site, |site| site.granules = site.granules - before + after);
        }
    }

    /// A party holds more or less than before.
    pub(super) fn hold(&mut self, party: Party, site: Option<u32>, before: u64, after: u64) {
        self.by_size.change(party, site, size_class(before), size_class(after));
        let is_over = |granules: u64| granules * GRANULE_BYTES as u64 > self.share_bytes;
        match (is_over(before), is_over(after)) {
            (false, true) => self.over_share += 1,
            (true, false) => self.over_share -= 1,
            _ => {}
        }
    }

    /// Somebody holds more than one share.
    #[inline]
    pub(in crate::hub) const fn is_any_over_share(&self) -> bool {
        self.over_share > 0
    }

    /// Whether an origin holds more than its share, or its site does.
    pub(in crate::hub) fn is_over_share(&self, account: u32) -> bool {
        let site = self.accounts[account as usize].site.map(Party::Site);
        [Some(Party::Origin(account)), site].into_iter().flatten().any(|party| self.bytes(party) > self.share_bytes)
    }

    /// Bytes that a party holds; those of a site by its factor, as if it were one origin.
    pub(in crate::hub) fn bytes(&self, party: Party) -> u64 {
        let granules = match party {
            Party::Origin(account) => self.accounts[account as usize].granules,
            Party::Site(site) => self.sites.get(site).granules_as_origin(),
        };
        granules * GRANULE_BYTES as u64
    }

    /// The party that holds most; if very many hold about as much, one of those.
    pub(in crate::hub) fn largest(&self) -> Option<Party> {
        let (_, as_large) = self.by_size.highest()?;
        as_large.take(COMPARED_MAX).max_by_key(|party| self.bytes(*party))
    }

    /// The account of a party that holds most.
    pub(in crate::hub) fn largest_of(&self, party: Party) -> Option<u32> {
        let site = match party {
            Party::Origin(account) => return Some(account),
            Party::Site(site) => site,
        };
        let (_, as_large) = self.by_size.highest_of(site)?;
        as_large.take(COMPARED_MAX).max_by_key(|account| self.accounts[*account as usize].granules)
    }

    /// Whether an account belongs to a party.
    pub(in crate::hub) fn is_of(&self, account: u32, party: Party) -> bool {
        match party {
            Party::Origin(other) => account == other,
            Party::Site(site) => self.accounts[account as usize].site == Some(site),
        }
    }

    /// Ranks an account that comes into a site, or goes, by what it holds there.
    pub(super) fn rank_size_in_site(&mut self, account: u32, site: u32, is_coming: bool) {
        let class = size_class(self.accounts[account as usize].granules);
        let (before, after) = if is_coming { (0, class) } else { (class, 0) };
        self.by_size.change_in_site(account, site, before, after);
    }
}

/// Which power of two a size is below.
pub(super) const fn size_class(granules: u64) -> u32 {
    u64::BITS - granules.leading_zeros()
}
