//! Places for sessions that wait without their connections.

use super::accounts::{Account, Origins, Share};
use super::numbers::Bound;
use super::ranking::Party;
use crate::limits::Limits;
use crate::time::Instant;

/// Where there is a place for a session that is to wait without its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hub) enum Place {
    /// Some are free.
    Free,
    /// This session has to leave it.
    Of(usize),
    /// There is none.
    Nowhere,
}

impl Origins {
    /// Where one more session of this origin may wait. If all places are taken, the one is given up that would be
    /// free first: of the origin that has most of them, which is one of the site that has most, or of this origin if
    /// nobody else has more. If all places of its site are taken, it is one of this origin.
    pub(in crate::hub) fn place(&self, share: &Share, limits: &Limits) -> Place {
        let own = &self.accounts[share.account as usize];
        let bound = Bound { of_origin: limits.detached_of_origin_max, of_all: limits.detached_max };
        if self.check(share.account, 1, bound, |numbers| numbers.detached).is_err() {
            return self.first_free(share.account);
        }
        if self.detached < limits.detached_max {
            return Place::Free;
        }
        let own_rank = if own.is_counted { own.numbers.detached } else { 0 };
        let own_rank = own_rank.max(own.site.map_or(0, |site| self.sites.get(site).detached_as_origin()));
        let fullest = self.by_detached.highest().filter(|(most, _)| *most > own_rank + 1);
        let fullest = fullest.and_then(|(_, mut as_full)| as_full.next_back());
        self.first_free(fullest.and_then(|party| self.fullest_of(party)).unwrap_or(share.account))
    }

    /// The account of a party that has most places.
    fn fullest_of(&self, party: Party) -> Option<u32> {
        let site = match party {
            Party::Origin(account) => return Some(account),
            Party::Site(site) => site,
        };
        let (_, mut as_full) = self.by_detached.highest_of(site)?;
        as_full.next_back()
    }

    fn first_free(&self, account: u32) -> Place {
        let first = self.waiting.range((account, Instant::ZERO, 0)..).next();
        let first = first.filter(|(found, ..)| *found == account);
        first.map_or(Place::Nowhere, |(.., session)| Place::Of(*session as usize))
    }

    /// A session waits until then.
    pub(in crate::hub) fn detach(&mut self, share: &Share, until: Instant, session: usize) {
        self.waiting.insert((share.account, until, index(session)));
        self.count_detached(share.account, 1);
    }

    /// A session that would have waited until then waits no more, or has lost its place.
    pub(in crate::hub) fn reattach(&mut self, share: &Share, until: Instant, session: usize) {
        self.waiting.remove(&(share.account, until, index(session)));
        self.count_detached(share.account, -1);
    }

    fn count_detached(&mut self, account: u32, change: i32) {
        self.detached = self.detached.saturating_add_signed(change);
        let before = self.accounts[account as usize].numbers.detached;
        self.count(account, |numbers| numbers.detached = numbers.detached.saturating_add_signed(change));
        let after = self.accounts[account as usize].numbers.detached;
        self.rank_detached(account, before, after);
    }

    /// Ranks an account by how many detached sessions it has, if it is counted.
    pub(super) fn rank_detached(&mut self, account: u32, before: u32, after: u32) {
        let Account { site, is_counted, .. } = self.accounts[account as usize];
        if is_counted {
            self.by_detached.change(Party::Origin(account), site, before, after);
        }
    }
}

fn index(session: usize) -> u32 {
    u32::try_from(session).expect("sessions are limited by a u32")
}
