//! What each site has of what there is for all, in numbers. A site is a larger network: many origins belong to it.

use alloc::collections::BTreeMap;

use crate::handshake::{QuotaKey, Site};

/// What is bounded in number, for an origin and for a site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) sessions: u32,
    pub(super) rooms: u32,
    pub(super) detached: u32,
}

/// The sites of which something counts.
#[derive(Debug, Default)]
pub(super) struct Sites(BTreeMap<QuotaKey, Numbers>);

impl Sites {
    /// What counts of a site.
    pub(super) fn numbers(&self, site: Site) -> Numbers {
        self.0.get(&site.key).copied().unwrap_or_default()
    }

    /// What counts of a site becomes something else.
    pub(super) fn change(&mut self, site: Option<Site>, change: impl FnOnce(&mut Numbers)) {
        let Some(site) = site else { return };
        let numbers = self.0.entry(site.key).or_default();
        change(numbers);
        if *numbers == Numbers::default() {
            self.0.remove(&site.key);
        }
    }

    /// What counts of an origin counts for another site from now on, if for any.
    pub(super) fn transfer(&mut self, origin: Numbers, from: Option<Site>, to: Option<Site>) {
        self.change(from, |numbers| {
            numbers.sessions -= origin.sessions;
            numbers.rooms -= origin.rooms;
            numbers.detached -= origin.detached;
        });
        self.change(to, |numbers| {
            numbers.sessions += origin.sessions;
            numbers.rooms += origin.rooms;
            numbers.detached += origin.detached;
        });
    }
}
