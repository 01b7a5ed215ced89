//! Input that connections keep because the hub has not taken it yet: of all together, and of each site.

use std::collections::HashMap;

use chatcore::QuotaKey;

use crate::load::Load;

/// Bytes that all connections keep, from which on only little is read.
pub(crate) const RESTS_BYTES_MAX: usize = 64 << 20;

/// Bytes that the connections of a site keep, from which on only little is read of these.
const OF_SITE_BYTES_MAX: usize = RESTS_BYTES_MAX / 8;

/// What is read at once then of a connection that has much to say. Never nothing, so that it holds up nobody else.
pub(crate) const READ_BYTES_MIN: usize = 1 << 10;

/// The same of one that has little to say: as much as while others wait.
const LIGHT_READ_BYTES_MAX: usize = 4 << 10;

/// Memory for what is kept. A site is known by [`Place::widest`](crate::counts::Place::widest).
#[derive(Debug, Default)]
pub(crate) struct Rests {
    bytes: usize,
    /// Of the sites that keep some. Hashed with a key, because peers choose their addresses.
    of: HashMap<QuotaKey, usize>,
}

impl Rests {
    /// A connection keeps so many bytes. It is of this site, or of none if the limits on numbers do not hold for it.
    pub(crate) fn add(&mut self, site: Option<QuotaKey>, bytes: usize) {
        self.bytes += bytes;
        if let Some(site) = site.filter(|_| bytes > 0) {
            *self.of.entry(site).or_default() += bytes;
        }
    }

    /// It keeps them no more.
    pub(crate) fn remove(&mut self, site: Option<QuotaKey>, bytes: usize) {
        self.bytes -= bytes;
        let Some(site) = site.filter(|_| bytes > 0) else { return };
        let of_site = self.of.entry(site).or_default();
        *of_site -= bytes;
        if *of_site == 0 {
            self.of.remove(&site);
        }
    }

    /// Nobody keeps so much that less is read of anybody.
    pub(crate) const fn are_short(&self) -> bool {
        self.bytes < OF_SITE_BYTES_MAX
    }

    /// Whether only little is to be read of a connection, so that those who are held up do not fill the memory: all
    /// keep too much, or those of its site do.
    pub(crate) fn are_long_for(&self, site: Option<QuotaKey>) -> bool {
        let of_site = site.and_then(|site| self.of.get(&site)).copied().unwrap_or_default();
        self.bytes >= RESTS_BYTES_MAX || of_site >= OF_SITE_BYTES_MAX
    }
}

/// Bytes that are read at once of a connection of which only little is to be read.
pub(crate) const fn slow_read_bytes(load: Load) -> usize {
    match load {
        Load::Light => LIGHT_READ_BYTES_MAX,
        Load::Heavy => READ_BYTES_MIN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREEDY: QuotaKey = QuotaKey(1);
    const OTHER: QuotaKey = QuotaKey(2);

    #[test]
    fn a_site_that_keeps_much_is_read_slowly_and_no_other() {
        let mut rests = Rests::default();
        rests.add(Some(GREEDY), OF_SITE_BYTES_MAX - 1);
        assert!(rests.are_short() && !rests.are_long_for(Some(GREEDY)));
        rests.add(Some(GREEDY), 1);
        assert!(!rests.are_short() && rests.are_long_for(Some(GREEDY)));
        assert!(!rests.are_long_for(Some(OTHER)));
        assert!(!rests.are_long_for(None), "many share this one");
        rests.remove(Some(GREEDY), 1);
        assert!(!rests.are_long_for(Some(GREEDY)));
        rests.remove(Some(GREEDY), OF_SITE_BYTES_MAX - 1);
        assert!(rests.of.is_empty() && rests.bytes == 0, "{rests:?}");
    }

    #[test]
    fn when_all_keep_too_much_all_are_read_slowly() {
        let mut rests = Rests::default();
        for site in 10..18 {
            rests.add(Some(QuotaKey(site)), OF_SITE_BYTES_MAX);
        }
        assert!(rests.are_long_for(Some(OTHER)) && rests.are_long_for(None));
        rests.remove(Some(QuotaKey(10)), 1);
        assert!(!rests.are_long_for(Some(OTHER)));
        assert!(slow_read_bytes(Load::Heavy) < slow_read_bytes(Load::Light));
    }
}
