//! Counts anew what is counted of origins and sites: for the simulator.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use core::fmt::Debug;

use super::accounts::{GRANULE_BYTES, Origins};
use super::buffers::size_class;
use super::numbers::Numbers;
use super::ranking::{Party, Ranking};

/// What one origin was found to use.
#[derive(Debug, Default)]
pub(in crate::hub) struct Uses {
    pub(in crate::hub) numbers: Numbers,
    pub(in crate::hub) bytes: u64,
    /// Its members in each room.
    pub(in crate::hub) members: BTreeMap<usize, u32>,
}

impl Origins {
    /// The site that an account belongs to, if it belongs to any.
    pub(in crate::hub) fn site_of(&self, account: u32) -> Option<Party> {
        self.accounts[account as usize].site.map(Party::Site)
    }

    /// Who is ranked by what is what the counts say.
    fn audit_rankings(&self) -> Result<(), String> {
        let (mut by_size, mut by_detached) = (Ranking::default(), Ranking::default());
        let mut accounts: BTreeMap<u32, u32> = BTreeMap::new();
        for (index, account) in &self.accounts {
            let party = Party::Origin(u32::try_from(index).expect("there are fewer accounts"));
            by_size.change(party, account.site, 0, size_class(account.granules));
            if account.is_counted {
                by_detached.change(party, account.site, 0, account.numbers.detached);
            }
            expect("an origin counts in", &account.site, &account.belongs_to.filter(|_| account.is_counted))?;
            if let Some(site) = account.belongs_to {
                *accounts.entry(site).or_default() += 1;
            }
        }
        for site in self.sites.indices() {
            let counted = self.sites.get(site);
            by_size.change(Party::Site(site), None, 0, size_class(counted.granules_as_origin()));
            by_detached.change(Party::Site(site), None, 0, counted.detached_as_origin());
            expect("accounts of a site", &counted.accounts, &accounts.remove(&site).unwrap_or_default())?;
        }
        for (what, counted, found) in
            [("size", &self.by_size, &by_size), ("detached sessions", &self.by_detached, &by_detached)]
        {
            if !counted.is_same(found) {
                return Err(format!("who has most by {what}: {counted:?} is ranked, {found:?} found"));
            }
        }
        Ok(())
    }

    /// What is counted is what was found of each account, and in its site what was found of its accounts.
    pub(in crate::hub) fn audit(&self, found: &BTreeMap<u32, Uses>) -> Result<(), String> {
        let mut sites: BTreeMap<u32, (Numbers, u64)> = BTreeMap::new();
        let (mut members, mut over_share) = (BTreeMap::new(), 0);
        let nothing = Uses::default();
        for (index, account) in &self.accounts {
            let index = u32::try_from(index).expect("there are fewer accounts");
            let uses = found.get(&index).unwrap_or(&nothing);
            expect("an origin has", &account.numbers, &uses.numbers)?;
            expect("an origin holds", &(account.granules * GRANULE_BYTES as u64), &uses.bytes)?;
            over_share += usize::from(uses.bytes > self.share_bytes);
            if let Some(site) = account.site {
                let (numbers, granules) = sites.entry(site).or_default();
                *numbers += uses.numbers;
                *granules += account.granules;
            }
            for (room, number) in &uses.members {
                let room = u32::try_from(*room).expect("there are fewer rooms");
                for party in [Some(Party::Origin(index)), account.belongs_to.map(Party::Site)].into_iter().flatten() {
                    *members.entry((party, room)).or_default() += number;
                }
            }
        }
        expect("members come from", &self.members, &members)?;
        for (site, (numbers, granules)) in sites {
            let counted = self.sites.get(site);
            expect("a site has", &(counted.numbers, counted.granules), &(numbers, granules))?;
            over_share += usize::from(self.bytes(Party::Site(site)) > self.share_bytes);
        }
        expect("parties above their share", &self.over_share, &over_share)?;
        let detached: u32 = found.values().map(|uses| uses.numbers.detached).sum();
        expect("detached sessions", &self.detached, &detached)?;
        self.audit_rankings()
    }
}

fn expect<T: PartialEq + Debug>(what: &str, counted: &T, found: &T) -> Result<(), String> {
    if counted == found { Ok(()) } else { Err(format!("{what}: {counted:?} by the counts, {found:?} found")) }
}
