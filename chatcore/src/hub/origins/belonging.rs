//! To which site an origin belongs, and what counts there with it.
//!
//! An origin that has something keeps its site, or that it has none: its members of very many rooms would have to be
//! counted anew. When the limits on numbers hold for it no more, or again, that takes a few steps: nothing of it counts
//! in the site but its members, which go on counting there for the others of the site until it has nothing any more.

use alloc::vec::Vec;

use super::accounts::Origins;
use super::numbers::Numbers;
use super::ranking::Party;
use super::sites::SiteAccount;
use crate::handshake::Site;
use crate::hub::rate::Pace;

impl Origins {
    /// From now on the limits on numbers hold for an account, or do not. Then it counts in no site.
    pub(super) fn set_counted(&mut self, index: u32, is_counted: bool) {
        let account = &self.accounts[index as usize];
        if account.is_counted == is_counted {
            return;
        }
        let detached = account.numbers.detached;
        self.rank_detached(index, detached, 0);
        self.count_in_site(index, false);
        let account = &mut self.accounts[index as usize];
        account.is_counted = is_counted;
        account.site = account.belongs_to.filter(|_| is_counted);
        self.count_in_site(index, true);
        self.rank_detached(index, 0, detached);
    }

    /// What an account has in number and in buffers counts in its site from now on, too, or no more.
    fn count_in_site(&mut self, index: u32, is_coming: bool) {
        let account = &self.accounts[index as usize];
        let (numbers, granules) = (account.numbers, account.granules);
        let Some(site) = account.site else { return };
        self.change_site(site, |site| {
            if is_coming {
                site.numbers += numbers;
                site.granules += granules;
            } else {
                site.numbers -= numbers;
                site.granules -= granules;
            }
        });
        self.rank_size_in_site(index, site, is_coming);
    }

    /// An account belongs to a site from now on, or to none. One that has something keeps the site that it has. What it
    /// says of the factor of its site holds at any rate.
    pub(super) fn set_site(&mut self, index: u32, site: Option<Site>, pace: &Pace) {
        let account = &self.accounts[index as usize];
        let (before, is_used, is_counted) = (account.belongs_to, account.users > 0, account.is_counted);
        let is_same = before.map(|before| self.sites.get(before).key) == site.map(|site| site.key);
        if is_same {
            if let (Some(index), Some(Site { factor, .. })) = (before, site) {
                self.set_factor(index, factor, pace);
            }
        } else if !is_used {
            let after = site.map(|site| self.sites.enter(site, pace));
            if let Some(before) = before {
                self.sites.leave(before);
            }
            let account = &mut self.accounts[index as usize];
            (account.belongs_to, account.site) = (after, after.filter(|_| is_counted));
        }
    }

    /// From now on the limits of an origin hold so many times for all sites.
    pub(in crate::hub) fn set_factors(&mut self, factor: u32, pace: &Pace) {
        let sites: Vec<u32> = self.sites.indices().collect();
        for site in sites {
            self.set_factor(site, factor, pace);
        }
    }

    fn set_factor(&mut self, site: u32, factor: u32, pace: &Pace) {
        if self.sites.get(site).factor != factor {
            self.change_site(site, |site| (site.factor, site.pace) = (factor, pace.times(factor)));
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

#[cfg(all(test, feature = "sim"))]
mod tests {
    use alloc::collections::BTreeMap;

    use super::super::audit::Uses;
    use super::*;
    use crate::handshake::{Handshake, QuotaKey, Registration};
    use crate::limits::Limits;
    use crate::time::Instant;
    use crate::wire::{ClientMessage, Message, Preface, Register};

    const NOW: Instant = Instant::from_millis(1);

    fn registration(limits: &Limits, origin: u128) -> Registration {
        let mut said = Preface::OURS.encode().to_vec();
        ClientMessage::Register(Register { name: "alice", credential: b"", frame_bytes_max: u32::MAX })
            .encode(&mut said);
        let registration = Handshake::new(NOW, limits).receive(NOW, &mut &said[..]);
        let registration = registration.expect("it is right").expect("it is whole");
        registration.with_origin(QuotaKey(origin)).with_site(QuotaKey(100), 2)
    }

    #[test]
    fn what_an_origin_has_counts_in_its_site_while_the_limits_on_numbers_hold_for_it() {
        let limits = Limits::default();
        let (mut origins, pace) = (Origins::new(&limits), Pace::new(limits.origin_rate));
        let [mut first, other] = [1, 2].map(|origin| origins.open(NOW, &registration(&limits, origin), &pace));
        for share in [&first, &other] {
            origins.enter(share);
            origins.count_membership(share, 7, true);
        }
        origins.set(&mut first, 100_000);
        origins.detach(&first, NOW, 3);
        let site = origins.accounts[first.account() as usize].site.expect("it belongs to one");
        let mut numbers = Numbers { sessions: 1, memberships: 1, ..Numbers::default() };
        let uses = |numbers, bytes| Uses { numbers, bytes, members: [(7, 1)].into() };
        let of_other = uses(numbers, 0);
        numbers.detached = 1;
        let mut found: BTreeMap<u32, Uses> =
            [(first.account(), uses(numbers, first.bytes())), (other.account(), of_other)].into();
        assert_eq!(origins.audit(&found), Ok(()));
        // It is shared, and shared no more, while it has something.
        for (is_shared, of_site) in [(true, 1), (false, 4), (true, 1)] {
            let registration = registration(&limits, 1);
            let registration = if is_shared { registration.with_shared_origin() } else { registration };
            let share = origins.open(NOW, &registration, &pace);
            origins.enter(&share);
            found.get_mut(&first.account()).expect("it is there").numbers.sessions += 1;
            assert_eq!(origins.audit(&found), Ok(()), "{is_shared}");
            assert_eq!(origins.sites.get(site).numbers.sessions, of_site);
        }
    }
}
