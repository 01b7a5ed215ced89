//! The accounts of all origins that have sessions, or had some lately.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use core::mem;

use slab::Slab;

use super::numbers::Numbers;
use super::ranking::{Party, Ranking};
use super::sites::Sites;
use crate::handshake::{QuotaKey, Registration};
use crate::hub::rate::{Bucket, Pace};
use crate::limits::Limits;
use crate::time::Instant;

/// Buffers are counted in units of this many bytes: so most messages change no count.
pub(super) const GRANULE_BYTES: usize = 4096;

/// Accounts without a session that are kept until their cost is paid off, at the most.
const IDLE_MAX: usize = 65_536;

/// All accounts.
#[derive(Debug)]
pub(in crate::hub) struct Origins {
    pub(super) accounts: Slab<Account>,
    pub(super) by_origin: BTreeMap<QuotaKey, u32>,
    pub(super) sites: Sites,
    /// Bytes that one origin may hold.
    pub(super) share_bytes: u64,
    /// Parties by how much they hold, in powers of two.
    pub(super) by_size: Ranking,
    /// Parties that hold more than their share.
    pub(super) over_share: usize,
    /// Members of each room that come from each party.
    pub(super) members: BTreeMap<(Party, u32), u32>,
    /// Accounts that nobody used when they were put here, and when they will say nothing any more.
    idle: VecDeque<(Instant, u32)>,
    /// Detached sessions in all, but for those that have lost their places to others.
    pub(super) detached: u32,
    /// These, by account, and there by how long they have waited.
    pub(super) waiting: BTreeSet<(u32, Instant, u32)>,
    /// Counted parties by how many of these they have.
    pub(super) by_detached: Ranking,
}

/// What is counted for one origin.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) origin: QuotaKey,
    /// The site in which it counts; none for one that is not counted.
    pub(super) site: Option<u32>,
    /// The site in which its members of rooms count, and it itself when it is counted. It stays while the account is
    /// used.
    pub(super) belongs_to: Option<u32>,
    /// Whether the limits on numbers hold for it.
    pub(super) is_counted: bool,
    /// Sessions, closing connections and rooms that count here.
    pub(super) users: u32,
    pub(super) numbers: Numbers,
    /// Signs of life that it has demanded of others.
    pub(super) demands: Bucket,
    pub(super) granules: u64,
    pub(super) bucket: Bucket,
    /// It is in the queue of accounts that nobody uses, or was when it was put there.
    is_queued: bool,
}

/// What a session, or what is left of one, uses of its origin's account.
#[derive(Debug)]
pub(in crate::hub) struct Share {
    pub(super) account: u32,
    pub(super) granules: u32,
}

impl Share {
    /// Whether its count is right for this many bytes.
    #[inline]
    pub(in crate::hub) const fn is_right_for(&self, bytes: usize) -> bool {
        self.granules as usize == bytes / GRANULE_BYTES
    }

    pub(in crate::hub) const fn bytes(&self) -> u64 {
        self.granules as u64 * GRANULE_BYTES as u64
    }

    /// The account that it counts in.
    pub(in crate::hub) const fn account(&self) -> u32 {
        self.account
    }
}

impl Origins {
    pub(in crate::hub) fn new(limits: &Limits) -> Self {
        Self {
            accounts: Slab::new(),
            by_origin: BTreeMap::new(),
            sites: Sites::default(),
            share_bytes: limits.origin_buffer_bytes_max,
            by_size: Ranking::default(),
            over_share: 0,
            members: BTreeMap::new(),
            idle: VecDeque::new(),
            detached: 0,
            waiting: BTreeSet::new(),
            by_detached: Ranking::default(),
        }
    }

    /// The share of what a registration begins or goes on with. It must be closed.
    pub(in crate::hub) fn open(&mut self, now: Instant, registration: &Registration, pace: &Pace) -> Share {
        let account = self.account(now, registration.source.origin);
        self.set_site(account, registration.source.counted_site(), pace);
        self.set_counted(account, registration.source.is_counted());
        self.accounts[account as usize].users += 1;
        Share { account, granules: 0 }
    }

    /// The share of something that a session leaves behind, or that goes with another connection.
    pub(in crate::hub) fn split(&mut self, share: &Share) -> Share {
        self.accounts[share.account as usize].users += 1;
        Share { account: share.account, granules: 0 }
    }

    pub(in crate::hub) fn close(&mut self, mut share: Share) {
        self.set(&mut share, 0);
        let account = &mut self.accounts[share.account as usize];
        account.users -= 1;
        self.queue_if_idle(share.account);
    }

    /// Whose account a share counts in.
    pub(in crate::hub) fn origin(&self, share: &Share) -> QuotaKey {
        self.accounts[share.account as usize].origin
    }

    pub(super) fn queue_if_idle(&mut self, index: u32) {
        let account = &mut self.accounts[index as usize];
        if account.users == 0 && !mem::replace(&mut account.is_queued, true) {
            let paid_off_at = self.paid_off_at(index);
            self.idle.push_back((paid_off_at, index));
            if self.idle.len() > IDLE_MAX {
                self.forget_first(Instant::MAX);
            }
        }
    }

    /// What an account has caused is paid off by then, and if it is the last of its site, what that has caused.
    fn paid_off_at(&self, index: u32) -> Instant {
        let account = &self.accounts[index as usize];
        let of_site = account.belongs_to.map(|site| self.sites.get(site)).filter(|site| site.accounts == 1);
        let of_site = of_site.map_or(Instant::ZERO, |site| site.bucket.paid_off_at());
        account.bucket.paid_off_at().max(account.demands.paid_off_at()).max(of_site)
    }

    /// The index of an origin's account, which is made if there is none.
    pub(super) fn account(&mut self, now: Instant, origin: QuotaKey) -> u32 {
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
            belongs_to: None,
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
        if self.paid_off_at(index) > now {
            return self.queue_if_idle(index);
        }
        let Account { origin, belongs_to, .. } = self.accounts.remove(index as usize);
        self.by_origin.remove(&origin);
        if let Some(site) = belongs_to {
            self.sites.leave(site);
        }
    }
}
