//! What each origin uses of what there is for all: sessions, rooms, places to wait, buffers, and cost.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use core::mem;

use slab::Slab;

use super::rate::{Bucket, Pace};
use super::sites::{Numbers, Sites};
use crate::handshake::{QuotaKey, Registration, Site};
use crate::limits::Limits;
use crate::time::Instant;

/// Buffers are counted in units of this many bytes: so most messages change no count.
const GRANULE_BYTES: usize = 4096;

/// Accounts without a session that are kept until their cost is paid off, at the most.
const IDLE_MAX: usize = 65_536;

/// Accounts of one size class that are compared, at the most.
const COMPARED_MAX: usize = 64;

/// The accounts of all origins that have sessions, or had some lately.
#[derive(Debug, Default)]
pub(super) struct Origins {
    accounts: Slab<Account>,
    by_origin: BTreeMap<QuotaKey, u32>,
    sites: Sites,
    /// Accounts by how much they hold, in powers of two.
    by_size: BTreeSet<(u32, u32)>,
    /// Accounts that hold more than their share.
    over_share: usize,
    /// Accounts that nobody used when they were put here, and when they will say nothing any more.
    idle: VecDeque<(Instant, u32)>,
    /// Detached sessions in all, but for those that have lost their places to others.
    detached: u32,
    /// These, by account, and there by how long they have waited.
    waiting: BTreeSet<(u32, Instant, u32)>,
    /// Counted accounts by how many of these they have.
    by_detached: BTreeSet<(u32, u32)>,
}

#[derive(Debug)]
struct Account {
    origin: QuotaKey,
    site: Option<Site>,
    /// Whether the limits on numbers hold for it.
    is_counted: bool,
    /// Sessions, closing connections and rooms that count here.
    users: u32,
    numbers: Numbers,
    /// Signs of life that it has demanded of others.
    demands: Bucket,
    granules: u64,
    bucket: Bucket,
    /// It is in the queue of accounts that nobody uses, or was when it was put there.
    is_queued: bool,
}

/// Where there is a place for a session that is to wait without its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Some are free.
    Free,
    /// This session has to leave it.
    Of(usize),
    /// There is none.
    Nowhere,
}

/// What a session, or what is left of one, uses of its origin's account.
#[derive(Debug)]
pub(super) struct Share {
    account: u32,
    granules: u32,
}

impl Share {
    /// Whether its count is right for this many bytes.
    #[inline]
    pub(super) const fn is_right_for(&self, bytes: usize) -> bool {
        self.granules as usize == bytes / GRANULE_BYTES
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.granules as u64 * GRANULE_BYTES as u64
    }

    /// The account that it counts in.
    pub(super) const fn account(&self) -> u32 {
        self.account
    }
}

impl Account {
    /// What it has caused is paid off by then.
    fn paid_off_at(&self) -> Instant {
        self.bucket.paid_off_at().max(self.demands.paid_off_at())
    }
}

impl Origins {
    /// The share of what a registration begins or goes on with. It must be closed.
    pub(super) fn open(&mut self, now: Instant, registration: &Registration) -> Share {
        let account = self.account(now, registration.origin);
        self.set_counted(account, registration.is_counted());
        self.set_site(account, registration.site);
        self.accounts[account as usize].users += 1;
        Share { account, granules: 0 }
    }

    /// The share of something that a session leaves behind, or that goes with another connection.
    pub(super) fn split(&mut self, share: &Share) -> Share {
        self.accounts[share.account as usize].users += 1;
        Share { account: share.account, granules: 0 }
    }

    pub(super) fn close(&mut self, mut share: Share, limits: &Limits) {
        self.set(&mut share, 0, limits);
        let account = &mut self.accounts[share.account as usize];
        account.users -= 1;
        self.queue_if_idle(share.account);
    }

    /// Whose account a share counts in.
    pub(super) fn origin(&self, share: &Share) -> QuotaKey {
        self.accounts[share.account as usize].origin
    }

    fn queue_if_idle(&mut self, index: u32) {
        let account = &mut self.accounts[index as usize];
        if account.users == 0 && !mem::replace(&mut account.is_queued, true) {
            self.idle.push_back((account.paid_off_at(), index));
            if self.idle.len() > IDLE_MAX {
                self.forget_first(Instant::MAX);
            }
        }
    }

    /// The index of an origin's account, which is made if there is none.
    fn account(&mut self, now: Instant, origin: QuotaKey) -> u32 {
        // Each that comes lets up to two go that are not needed any more.
        for _ in 0..2 {
            if self.idle.front().is_some_and(|(paid_off_at, _)| *paid_off_at <= now) {
                self.forget_first(now);
            }
        }
        if let Some(account) = self.by_origin.get(&origin) {
            return *account;
        }
        let account = Account {
            origin,
            site: None,
            is_counted: true,
            users: 0,
            numbers: Numbers::default(),
            demands: Bucket::default(),
            granules: 0,
            bucket: Bucket::default(),
            is_queued: false,
        };
        let account = u32::try_from(self.accounts.insert(account)).expect("there are fewer origins than that");
        self.by_origin.insert(origin, account);
        account
    }

    /// Lets the first of the idle accounts go, if it says nothing any more.
    fn forget_first(&mut self, now: Instant) {
        let Some((_, index)) = self.idle.pop_front() else { return };
        let account = &mut self.accounts[index as usize];
        account.is_queued = false;
        if account.users > 0 {
            return;
        }
        if account.paid_off_at() > now {
            return self.queue_if_idle(index);
        }
        let Account { origin, .. } = self.accounts.remove(index as usize);
        self.by_origin.remove(&origin);
    }

    // ---- cost ----

    pub(super) fn bucket(&self, share: &Share) -> Bucket {
        self.accounts[share.account as usize].bucket
    }

    pub(super) fn charge(&mut self, now: Instant, account: u32, cost: u32, pace: &Pace) {
        self.accounts[account as usize].bucket.charge(now, cost, pace);
    }

    /// Charges an origin for a connection that carries no session any more. If it has used up its rate, until when it
    /// waits.
    pub(super) fn charge_closing(&mut self, now: Instant, account: u32, cost: u32, pace: &Pace) -> Option<Instant> {
        self.charge(now, account, cost, pace);
        self.accounts[account as usize].bucket.paused_until(now, pace)
    }

    /// Lets no bucket be further behind than a burst of its new pace.
    pub(super) fn change_pace(&mut self, now: Instant, pace: &Pace) {
        for (_, account) in &mut self.accounts {
            account.bucket.forgive(now, pace);
        }
    }

    /// Charges an origin for asking to be let in, and for what that has cost already. If it has asked too often, when it
    /// may ask again.
    pub(super) fn charge_admission(
        &mut self,
        now: Instant,
        origin: QuotaKey,
        (cost, cost_before): (u32, u32),
        pace: &Pace,
    ) -> Result<(), Instant> {
        self.with_bucket(now, origin, |bucket| {
            let paused = bucket.paused_until(now, pace);
            bucket.charge(now, if paused.is_none() { cost + cost_before } else { cost_before }, pace);
            paused.map_or(Ok(()), Err)
        })
    }

    /// Charges an origin for what has no session. If it has used up its rate, until when it waits.
    pub(super) fn charge_stranger(
        &mut self,
        now: Instant,
        origin: QuotaKey,
        cost: u32,
        pace: &Pace,
    ) -> Option<Instant> {
        if pace.is_unlimited() {
            return None;
        }
        self.with_bucket(now, origin, |bucket| {
            // Strangers cannot use up more: the sessions of the origin have to wait for it, too.
            if bucket.paused_until(now, pace).is_none() {
                bucket.charge(now, cost, pace);
            }
            bucket.paused_until(now, pace)
        })
    }

    /// Does something with the bucket of an origin that may have no session.
    fn with_bucket<T>(&mut self, now: Instant, origin: QuotaKey, change: impl FnOnce(&mut Bucket) -> T) -> T {
        let index = self.account(now, origin);
        let outcome = change(&mut self.accounts[index as usize].bucket);
        self.queue_if_idle(index);
        outcome
    }

    // ---- buffers ----

    /// Counts this many bytes for a share.
    pub(super) fn set(&mut self, share: &mut Share, bytes: usize, limits: &Limits) {
        let granules = u32::try_from(bytes / GRANULE_BYTES).unwrap_or(u32::MAX);
        let account = &mut self.accounts[share.account as usize];
        let before = account.granules;
        account.granules = before - u64::from(share.granules) + u64::from(granules);
        share.granules = granules;
        let after = account.granules;
        if size_class(before) != size_class(after) {
            // A set that never becomes empty allocates nothing when one comes and goes. No account is in this class.
            if self.by_size.is_empty() {
                self.by_size.insert((0, u32::MAX));
            }
            self.by_size.remove(&(size_class(before), share.account));
            if after > 0 {
                self.by_size.insert((size_class(after), share.account));
            }
        }
        let is_over = |granules: u64| granules * GRANULE_BYTES as u64 > limits.origin_buffer_bytes_max;
        match (is_over(before), is_over(after)) {
            (false, true) => self.over_share += 1,
            (true, false) => self.over_share -= 1,
            _ => {}
        }
    }

    /// Some origin holds more than its share.
    #[inline]
    pub(super) const fn is_any_over_share(&self) -> bool {
        self.over_share > 0
    }

    /// Bytes that an origin holds.
    pub(super) fn bytes(&self, account: u32) -> u64 {
        self.accounts[account as usize].granules * GRANULE_BYTES as u64
    }

    /// The account that holds most; if very many hold about as much, one of those.
    pub(super) fn largest(&self) -> Option<u32> {
        let (class, _) = self.by_size.last().filter(|(class, _)| *class > 0)?;
        let as_large = self.by_size.range((*class, 0)..).take(COMPARED_MAX).map(|(_, account)| *account);
        as_large.max_by_key(|account| self.accounts[*account as usize].granules)
    }

    // ---- sessions and rooms ----

    /// Whether one more session may begin that comes from there. If not, how many its origin or its site may have.
    pub(super) fn check_session(&self, registration: &Registration, limits: &Limits) -> Result<(), u32> {
        let account = self.by_origin.get(&registration.origin).map(|account| &self.accounts[*account as usize]);
        let of_origin = account.map_or(0, |account| account.numbers.sessions);
        let of_site = registration.site.map(|site| (site, self.sites.numbers(site).sessions));
        let max = limits.sessions_of_origin_max;
        check(registration.is_counted(), of_origin, of_site, max)
    }

    /// A session counts here from now on.
    pub(super) fn enter(&mut self, share: &Share) {
        self.count(share.account, |numbers| numbers.sessions += 1);
    }

    /// A session counts here no more.
    pub(super) fn leave(&mut self, share: &Share) {
        self.count(share.account, |numbers| numbers.sessions -= 1);
    }

    /// Whether a session of this origin may open one more room.
    pub(super) fn may_open_room(&self, share: &Share, limits: &Limits) -> bool {
        let account = &self.accounts[share.account as usize];
        let of_site = account.site.map(|site| (site, self.sites.numbers(site).rooms));
        check(account.is_counted, account.numbers.rooms, of_site, limits.rooms_of_origin_max).is_ok()
    }

    /// A session of this origin has opened a room. Returns the account, in which the room counts until it is closed.
    pub(super) fn open_room(&mut self, share: &Share) -> u32 {
        self.accounts[share.account as usize].users += 1;
        self.count(share.account, |numbers| numbers.rooms += 1);
        share.account
    }

    pub(super) fn close_room(&mut self, account: u32) {
        self.accounts[account as usize].users -= 1;
        self.count(account, |numbers| numbers.rooms -= 1);
        self.queue_if_idle(account);
    }

    /// Whether a registration may demand a sign of life of somebody now. If so, it has.
    pub(super) fn demand(&mut self, now: Instant, registration: &Registration, limits: &Limits) -> bool {
        if !registration.is_counted() {
            return true;
        }
        let pace = Pace::new(limits.probe_rate);
        let index = self.account(now, registration.origin);
        let demands = &mut self.accounts[index as usize].demands;
        let mut charged = *demands;
        charged.charge(now, 1, &pace);
        let may_demand = charged.paused_until(now, &pace).is_none();
        if may_demand {
            *demands = charged;
        }
        self.queue_if_idle(index);
        may_demand
    }

    /// From now on the limits on numbers hold for an account, or do not.
    fn set_counted(&mut self, index: u32, is_counted: bool) {
        let account = &mut self.accounts[index as usize];
        if account.is_counted != is_counted {
            let detached = account.numbers.detached;
            self.rank(index, detached, 0);
            self.accounts[index as usize].is_counted = is_counted;
            self.rank(index, 0, detached);
        }
    }

    /// From now on an account belongs to a site, or to none.
    fn set_site(&mut self, index: u32, site: Option<Site>) {
        let account = &mut self.accounts[index as usize];
        let before = mem::replace(&mut account.site, site);
        if before != site {
            self.sites.transfer(account.numbers, before, site);
        }
    }

    /// What counts of an account becomes something else, and so does what counts of its site.
    fn count(&mut self, index: u32, change: impl Fn(&mut Numbers)) {
        let account = &mut self.accounts[index as usize];
        change(&mut account.numbers);
        self.sites.change(account.site, change);
    }

    // ---- detached sessions ----

    /// Where one more session of this origin may wait. If all places are taken, the one is given up that would be
    /// free first: of the origin that has most of them, or of this origin if no other has more. If all places of its site
    /// are taken, it is one of this origin.
    pub(super) fn place(&self, share: &Share, limits: &Limits) -> Place {
        let own = &self.accounts[share.account as usize];
        let own_detached = if own.is_counted { own.numbers.detached } else { 0 };
        let of_site = own.site.map(|site| (site, self.sites.numbers(site).detached));
        if check(own.is_counted, own_detached, of_site, limits.detached_of_origin_max).is_err() {
            return self.first_free(share.account);
        }
        if self.detached < limits.detached_max {
            return Place::Free;
        }
        match self.by_detached.last() {
            Some((most, fullest)) if *most > own_detached + 1 => self.first_free(*fullest),
            _ => self.first_free(share.account),
        }
    }

    fn first_free(&self, account: u32) -> Place {
        let first = self.waiting.range((account, Instant::ZERO, 0)..).next();
        let first = first.filter(|(found, ..)| *found == account);
        first.map_or(Place::Nowhere, |(.., session)| Place::Of(*session as usize))
    }

    /// A session waits until then.
    pub(super) fn detach(&mut self, share: &Share, until: Instant, session: usize) {
        self.waiting.insert((share.account, until, index(session)));
        self.count_detached(share.account, 1);
    }

    /// A session that would have waited until then waits no more, or has lost its place.
    pub(super) fn reattach(&mut self, share: &Share, until: Instant, session: usize) {
        self.waiting.remove(&(share.account, until, index(session)));
        self.count_detached(share.account, -1);
    }

    fn count_detached(&mut self, account: u32, change: i32) {
        self.detached = self.detached.saturating_add_signed(change);
        let before = self.accounts[account as usize].numbers.detached;
        self.count(account, |numbers| numbers.detached = numbers.detached.saturating_add_signed(change));
        let after = self.accounts[account as usize].numbers.detached;
        self.rank(account, before, after);
    }

    /// Ranks an account by how many detached sessions it has, if it is counted.
    fn rank(&mut self, account: u32, before: u32, after: u32) {
        if !self.accounts[account as usize].is_counted {
            return;
        }
        // A set that never becomes empty allocates nothing when one comes and goes. No account has this number.
        if self.by_detached.is_empty() {
            self.by_detached.insert((0, u32::MAX));
        }
        if before > 0 {
            self.by_detached.remove(&(before, account));
        }
        if after > 0 {
            self.by_detached.insert((after, account));
        }
    }

    /// What an account counts: sessions, rooms, and detached sessions.
    #[cfg(feature = "sim")]
    pub(super) fn numbers(&self, account: u32) -> [u32; 3] {
        let Numbers { sessions, rooms, detached } = self.accounts[account as usize].numbers;
        [sessions, rooms, detached]
    }

    #[cfg(feature = "sim")]
    pub(super) const fn detached(&self) -> u32 {
        self.detached
    }
}

/// Whether there may be one more of an origin that has this many, and of its site. If not, how many there may be.
fn check(is_counted: bool, of_origin: u32, of_site: Option<(Site, u32)>, max: u32) -> Result<(), u32> {
    if !is_counted {
        return Ok(());
    }
    let site_max = of_site.map(|(site, number)| (number, max.saturating_mul(site.factor)));
    let full = [Some((of_origin, max)), site_max].into_iter().flatten().find(|(number, max)| number >= max);
    full.map_or(Ok(()), |(_, max)| Err(max))
}

fn index(session: usize) -> u32 {
    u32::try_from(session).expect("sessions are limited by a u32")
}

/// Which power of two a size is below.
const fn size_class(granules: u64) -> u32 {
    u64::BITS - granules.leading_zeros()
}
