//! To which site an origin belongs, and what counts there with it.

use alloc::vec::Vec;

use super::accounts::Origins;
use super::numbers::Numbers;
use super::ranking::Party;
use super::sites::SiteAccount;
use crate::handshake::Site;

impl Origins {
    /// From now on the limits on numbers hold for an account, or do not.
    pub(super) fn set_counted(&mut self, index: u32, is_counted: bool) {
        let account = &mut self.accounts[index as usize];
        if account.is_counted != is_counted {
            let detached = account.numbers.detached;
            self.rank_detached(index, detached, 0);
            self.accounts[index as usize].is_counted = is_counted;
            self.rank_detached(index, 0, detached);
        }
    }

    /// From now on an account belongs to a site, or to none.
    pub(super) fn set_site(&mut self, account: u32, site: Option<Site>) {
        let before = self.accounts[account as usize].site;
        let is_same = match (before, site) {
            (Some(before), Some(site)) => self.sites.get(before).key == site.key,
            (before, site) => before.is_none() && site.is_none(),
        };
        if !is_same {
            if let Some(before) = before {
                self.transfer(account, before, false);
                self.sites.leave(before);
            }
            let after = site.map(|site| self.sites.enter(site));
            self.accounts[account as usize].site = after;
            if let Some(after) = after {
                self.transfer(account, after, true);
            }
        }
        if let (Some(Site { factor, .. }), Some(index)) = (site, self.accounts[account as usize].site)
            && self.sites.get(index).factor != factor
        {
            self.change_site(index, |site| site.factor = factor);
        }
    }

    /// What an account counts counts in a site from now on, too, or no more.
    fn transfer(&mut self, account: u32, site: u32, is_coming: bool) {
        let own = &self.accounts[account as usize];
        let (numbers, granules) = (own.numbers, own.granules);
        self.change_site(site, |site| {
            if is_coming {
                site.numbers += numbers;
                site.granules += granules;
            } else {
                site.numbers -= numbers;
                site.granules -= granules;
            }
        });
        self.rank_size_in_site(account, site, is_coming);
        let (before, after) = if is_coming { (0, numbers.detached) } else { (numbers.detached, 0) };
        self.by_detached.change_in_site(account, site, before, after);
        let of_account = (Party::Origin(account), 0)..=(Party::Origin(account), u32::MAX);
        let members: Vec<_> = self.members.range(of_account).map(|((_, room), number)| (*room, *number)).collect();
        for (room, number) in members {
            self.count_members(Party::Site(site), room, number, is_coming);
        }
    }

    /// What counts of an account becomes something else, and so does what counts of its site.
    pub(super) fn count(&mut self, index: u32, change: impl Fn(&mut Numbers)) {
        let account = &mut self.accounts[index as usize];
        change(&mut account.numbers);
        if let Some(site) = account.site {
            self.change_site(site, |site| change(&mut site.numbers));
        }
    }

    /// What counts of a site becomes something else.
    pub(super) fn change_site(&mut self, site: u32, change: impl FnOnce(&mut SiteAccount)) {
        let counted = self.sites.get_mut(site);
        let (granules, detached) = (counted.granules_as_origin(), counted.detached_as_origin());
        change(counted);
        let (holds, has_detached) = (counted.granules_as_origin(), counted.detached_as_origin());
        self.hold(Party::Site(site), None, granules, holds);
        self.by_detached.change(Party::Site(site), None, detached, has_detached);
    }

    /// So many members of a room come from a party, more than before or less.
    pub(super) fn count_members(&mut self, party: Party, room: u32, number: u32, is_coming: bool) {
        let members = self.members.entry((party, room)).or_default();
        *members = if is_coming { *members + number } else { *members - number };
        if *members == 0 {
            self.members.remove(&(party, room));
        }
    }
}
