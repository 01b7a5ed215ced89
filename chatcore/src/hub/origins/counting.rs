//! What each origin and each site has in number, and whether it may have more.

use super::accounts::{Account, Origins, Share};
use super::numbers::{Bound, Numbers};
use super::ranking::Party;
use crate::handshake::{QuotaSource, Registration};
use crate::limits::Limits;

impl Origins {
    /// Whether an account may have so many more of something. If not, how many it, or its site, may have.
    pub(super) fn check(
        &self,
        account: u32,
        more: u32,
        bound: Bound,
        number: impl Fn(&Numbers) -> u32,
    ) -> Result<(), u32> {
        let Account { numbers, site, is_counted, .. } = &self.accounts[account as usize];
        if !is_counted {
            return Ok(());
        }
        let site = site.map(|site| self.sites.get(site));
        bound.check(more, number(numbers), site.map(|site| (number(&site.numbers), site.factor)))
    }

    /// Whether one more session may begin that comes from there, after these have ended. If not, how many its origin or
    /// its site may have.
    pub(in crate::hub) fn check_session<'a>(
        &self,
        registration: &Registration,
        ended: impl IntoIterator<Item = &'a Share>,
        limits: &Limits,
    ) -> Result<(), u32> {
        let account = self.by_origin.get(&registration.source.origin).copied();
        let site = self.site_to_count_in(registration.source).and_then(|(site, _)| site);
        let (mut of_origin, mut of_site) = (0, 0);
        for share in ended {
            of_origin += u32::from(account == Some(share.account));
            of_site += u32::from(site.is_some() && self.accounts[share.account as usize].site == site);
        }
        let bound = Bound { of_origin: limits.sessions_of_origin_max, of_all: limits.sessions_max };
        self.check_new(registration, 1, bound, |numbers| numbers.sessions, (of_origin, of_site))
    }

    /// Whether a session that comes from there may begin in so many rooms. If not, how many memberships its origin or
    /// its site may have.
    pub(in crate::hub) fn check_memberships(
        &self,
        registration: &Registration,
        more: usize,
        limits: &Limits,
    ) -> Result<(), u32> {
        let bound = Bound { of_origin: limits.memberships_of_origin_max, of_all: limits.memberships_max };
        self.check_new(registration, small(more), bound, |numbers| numbers.memberships, (0, 0))
    }

    /// As [`Origins::check`], for an origin and a site that may have no account yet, and of which so many are gone by
    /// then.
    fn check_new(
        &self,
        registration: &Registration,
        more: u32,
        bound: Bound,
        number: impl Fn(&Numbers) -> u32,
        (gone_of_origin, gone_of_site): (u32, u32),
    ) -> Result<(), u32> {
        let source = registration.source;
        if !source.is_counted() {
            return Ok(());
        }
        let account = self.by_origin.get(&source.origin).map(|account| &self.accounts[*account as usize]);
        let of_origin = account.map_or(0, |account| number(&account.numbers)) - gone_of_origin;
        let of_site = self.site_to_count_in(source).map(|(site, factor)| {
            let of_site = site.map_or(0, |site| number(&self.sites.get(site).numbers));
            (of_site - gone_of_site, factor)
        });
        bound.check(more, of_origin, of_site)
    }

    /// In which site a session that comes from there will count, if any has an account there, and how many times the
    /// limits of an origin hold for it. An origin that has something keeps its site.
    fn site_to_count_in(&self, source: QuotaSource) -> Option<(Option<u32>, u32)> {
        let said = source.counted_site();
        let account = self.by_origin.get(&source.origin).map(|account| &self.accounts[*account as usize]);
        let Some(account) = account.filter(|account| account.users > 0 && source.is_counted()) else {
            return said.map(|site| (self.sites.find(site.key), site.factor));
        };
        account.belongs_to.map(|index| {
            let kept = self.sites.get(index);
            let factor = said.filter(|site| site.key == kept.key).map_or(kept.factor, |site| site.factor);
            (Some(index), factor)
        })
    }

    /// A session that begins counts here.
    pub(in crate::hub) fn enter(&mut self, share: &Share) {
        self.count(share.account, |own| own.sessions += 1);
    }

    /// A session that comes from elsewhere counts here from now on.
    pub(in crate::hub) fn take_over(&mut self, share: &Share, numbers: Numbers) {
        self.count(share.account, |own| *own += numbers);
    }

    /// A session counts here no more.
    pub(in crate::hub) fn leave(&mut self, share: &Share, numbers: Numbers) {
        self.count(share.account, |own| *own -= numbers);
    }

    /// What a session held counts here no more, nor do its rooms.
    pub(in crate::hub) fn forget_held(&mut self, share: &Share, held: Numbers, rooms: impl Iterator<Item = usize>) {
        self.count(share.account, |own| *own -= held);
        rooms.for_each(|room| self.count_member(share, room, false));
    }

    /// A session comes into a room, or goes.
    pub(in crate::hub) fn count_membership(&mut self, share: &Share, room: usize, is_coming: bool) {
        self.count(share.account, |own| {
            own.memberships = if is_coming { own.memberships + 1 } else { own.memberships - 1 };
        });
        self.count_member(share, room, is_coming);
    }

    fn count_member(&mut self, share: &Share, room: usize, is_coming: bool) {
        let room = index(room);
        self.count_members(Party::Origin(share.account), room, 1, is_coming);
        if let Some(site) = self.accounts[share.account as usize].belongs_to {
            self.count_members(Party::Site(site), room, 1, is_coming);
        }
    }

    /// A session has watches, or requests that wait, more than before or less.
    pub(in crate::hub) fn count_more(&mut self, share: &Share, more: Numbers) {
        self.count(share.account, |own| *own += more);
    }

    pub(in crate::hub) fn count_less(&mut self, share: &Share, less: Numbers) {
        self.count(share.account, |own| *own -= less);
    }

    /// Whether a session of this origin may open one more room.
    pub(in crate::hub) fn may_open_room(&self, share: &Share, limits: &Limits) -> bool {
        let bound = Bound { of_origin: limits.rooms_of_origin_max, of_all: limits.rooms_max };
        self.check(share.account, 1, bound, |numbers| numbers.rooms).is_ok()
    }

    /// Whether sessions of this origin may have so many memberships more.
    pub(in crate::hub) fn may_have_memberships(&self, share: &Share, more: usize, limits: &Limits) -> bool {
        let bound = Bound { of_origin: limits.memberships_of_origin_max, of_all: limits.memberships_max };
        self.check(share.account, small(more), bound, |numbers| numbers.memberships).is_ok()
    }

    /// Whether so many sessions of this origin may come into a room.
    pub(in crate::hub) fn may_enter(&self, share: &Share, room: usize, more: usize, limits: &Limits) -> bool {
        let Account { site, is_counted, .. } = &self.accounts[share.account as usize];
        let members = |party| self.members.get(&(party, index(room))).copied().unwrap_or_default();
        let of_site = site.map(|site| (members(Party::Site(site)), self.sites.get(site).factor));
        let bound = Bound { of_origin: limits.members_of_origin_max, of_all: limits.members_max };
        !is_counted || bound.check(small(more), members(Party::Origin(share.account)), of_site).is_ok()
    }

    /// Whether sessions of this origin may watch so many names more.
    pub(in crate::hub) fn may_watch(&self, share: &Share, more: usize, limits: &Limits) -> bool {
        let bound = Bound { of_origin: limits.watches_of_origin_max, of_all: limits.hub_watches_max };
        self.check(share.account, small(more), bound, |numbers| numbers.watches).is_ok()
    }

    /// Whether one more request of this origin may wait for an answer of the program.
    pub(in crate::hub) fn may_wait(&self, share: &Share, limits: &Limits) -> bool {
        let bound = Bound { of_origin: limits.waiting_of_origin_max, of_all: limits.waiting_max };
        self.check(share.account, 1, bound, |numbers| numbers.waiting).is_ok()
    }

    /// A session of this origin has opened a room. Returns the account, in which the room counts until it is closed.
    pub(in crate::hub) fn open_room(&mut self, share: &Share) -> u32 {
        self.accounts[share.account as usize].users += 1;
        self.count(share.account, |numbers| numbers.rooms += 1);
        share.account
    }

    pub(in crate::hub) fn close_room(&mut self, account: u32) {
        self.accounts[account as usize].users -= 1;
        self.count(account, |numbers| numbers.rooms -= 1);
        self.queue_if_idle(account);
    }
}

fn index(room: usize) -> u32 {
    u32::try_from(room).expect("rooms are limited by a u32")
}

/// How many, of which there are never as many.
fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
