//! Input that connections keep because the hub has not taken it yet: of all together, and of each origin.

use std::collections::HashMap;

use chatcore::QuotaKey;

use crate::load::Load;

/// Bytes that all connections keep, from which on only little is read.
pub(crate) const RESTS_BYTES_MAX: usize = 64 << 20;

/// Bytes that the connections of an origin keep, from which on only little is read of these.
const OF_ORIGIN_BYTES_MAX: usize = RESTS_BYTES_MAX / 8;

/// What is read at once then of a connection that has much to say. Never nothing, so that it holds up nobody else.
pub(crate) const READ_BYTES_MIN: usize = 1 << 10;

/// The same of one that has little to say: as much as while others wait.
pub(crate) const LIGHT_READ_BYTES_MAX: usize = 4 << 10;

/// Memory for what is kept.
#[derive(Debug, Default)]
pub(crate) struct Rests {
    bytes: usize,
    /// Of the origins that keep some. Hashed with a key, because peers choose their addresses.
    of: HashMap<QuotaKey, usize>,
}

impl Rests {
    /// A connection of this origin keeps so many bytes.
    pub(crate) fn add(&mut self, origin: QuotaKey, bytes: usize) {
        if bytes > 0 {
            self.bytes += bytes;
            *self.of.entry(origin).or_default() += bytes;
        }
    }

    /// It keeps them no more.
    pub(crate) fn remove(&mut self, origin: QuotaKey, bytes: usize) {
        let Some(of_origin) = self.of.get_mut(&origin).filter(|_| bytes > 0) else { return };
        self.bytes -= bytes;
        *of_origin -= bytes;
        if *of_origin == 0 {
            self.of.remove(&origin);
        }
    }

    /// Nobody keeps so much that less is read of anybody.
    pub(crate) const fn are_short(&self) -> bool {
        self.bytes < OF_ORIGIN_BYTES_MAX
    }

    /// Bytes that may be read at once of a connection. While much is kept only little is read of those who have much to
    /// say, so that those who are held up do not fill the memory: if all keep too much, or those of its origin do, which is
    /// none if the limits on numbers do not hold for it.
    pub(crate) fn read_bytes_max(&self, origin: Option<QuotaKey>, load: Load) -> usize {
        let of_origin = origin.and_then(|origin| self.of.get(&origin)).copied().unwrap_or_default();
        if self.bytes < RESTS_BYTES_MAX && of_origin < OF_ORIGIN_BYTES_MAX {
            return usize::MAX;
        }
        match load {
            Load::Light => LIGHT_READ_BYTES_MAX,
            Load::Heavy => READ_BYTES_MIN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREEDY: QuotaKey = QuotaKey(1);
    const OTHER: QuotaKey = QuotaKey(2);

    fn read_bytes_max(rests: &Rests, origin: QuotaKey) -> [usize; 2] {
        [Load::Light, Load::Heavy].map(|load| rests.read_bytes_max(Some(origin), load))
    }

    #[test]
    fn an_origin_that_keeps_much_is_read_slowly_and_no_other() {
        let mut rests = Rests::default();
        rests.add(GREEDY, OF_ORIGIN_BYTES_MAX - 1);
        assert!(rests.are_short());
        assert_eq!(read_bytes_max(&rests, GREEDY), [usize::MAX; 2]);
        rests.add(GREEDY, 1);
        assert!(!rests.are_short());
        assert_eq!(read_bytes_max(&rests, GREEDY), [LIGHT_READ_BYTES_MAX, READ_BYTES_MIN]);
        assert_eq!(read_bytes_max(&rests, OTHER), [usize::MAX; 2]);
        assert_eq!(rests.read_bytes_max(None, Load::Heavy), usize::MAX, "many share this one");
        rests.remove(GREEDY, 1);
        assert_eq!(read_bytes_max(&rests, GREEDY), [usize::MAX; 2]);
        rests.remove(GREEDY, OF_ORIGIN_BYTES_MAX - 1);
        assert!(rests.of.is_empty() && rests.bytes == 0, "{rests:?}");
    }

    #[test]
    fn when_all_keep_too_much_those_with_much_to_say_are_read_slowly() {
        let mut rests = Rests::default();
        for origin in 10..18 {
            rests.add(QuotaKey(origin), OF_ORIGIN_BYTES_MAX);
        }
        assert_eq!(read_bytes_max(&rests, OTHER), [LIGHT_READ_BYTES_MAX, READ_BYTES_MIN]);
        rests.remove(QuotaKey(10), 1);
        assert_eq!(read_bytes_max(&rests, OTHER), [usize::MAX; 2]);
    }
}
