//! What each site has of what there is for all.

use alloc::collections::BTreeMap;

use slab::Slab;

use super::numbers::Numbers;
use crate::handshake::{QuotaKey, Site};
use crate::hub::rate::{Bucket, Pace};

/// The sites to which an account belongs.
#[derive(Debug, Default)]
pub(super) struct Sites {
    all: Slab<SiteAccount>,
    by_key: BTreeMap<QuotaKey, u32>,
}

/// A site.
#[derive(Debug)]
pub(super) struct SiteAccount {
    pub(super) key: QuotaKey,
    /// How many times a limit for one origin holds for it.
    pub(super) factor: u32,
    /// Accounts that belong to it.
    pub(super) accounts: u32,
    pub(super) numbers: Numbers,
    pub(super) granules: u64,
    pub(super) bucket: Bucket,
    /// An origin's, as many times as its factor says.
    pub(super) pace: Pace,
}

impl SiteAccount {
    /// What it holds, as one origin: a share that is as large as the factor counts as one.
    pub(super) const fn granules_as_origin(&self) -> u64 {
        self.granules / self.factor as u64
    }

    /// Its detached sessions, likewise.
    pub(super) const fn detached_as_origin(&self) -> u32 {
        self.numbers.detached / self.factor
    }
}

impl Sites {
    pub(super) fn find(&self, key: QuotaKey) -> Option<u32> {
        self.by_key.get(&key).copied()
    }

    pub(super) fn indices(&self) -> impl Iterator<Item = u32> {
        self.by_key.values().copied()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut SiteAccount> {
        self.all.iter_mut().map(|(_, site)| site)
    }

    #[inline]
    pub(super) fn get(&self, site: u32) -> &SiteAccount {
        &self.all[site as usize]
    }

    #[inline]
    pub(super) fn get_mut(&mut self, site: u32) -> &mut SiteAccount {
        &mut self.all[site as usize]
    }

    /// The index of a site to which one more account belongs.
    pub(super) fn enter(&mut self, Site { key, factor }: Site, pace: &Pace) -> u32 {
        let Self { all, by_key } = self;
        let site = *by_key.entry(key).or_insert_with(|| {
            let (numbers, bucket, pace) = (Numbers::default(), Bucket::default(), pace.times(factor));
            let site = SiteAccount { key, factor, accounts: 0, numbers, granules: 0, bucket, pace };
            u32::try_from(all.insert(site)).expect("there are no more sites than origins")
        });
        all[site as usize].accounts += 1;
        site
    }

    /// One account of a site, which counts nothing there, belongs to it no more.
    pub(super) fn leave(&mut self, site: u32) {
        let left = self.get_mut(site);
        left.accounts -= 1;
        if left.accounts == 0 {
            let SiteAccount { key, .. } = self.all.remove(site as usize);
            self.by_key.remove(&key);
        }
    }
}
