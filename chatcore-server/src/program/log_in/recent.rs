//! A map that forgets.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::mem;

/// A map of bounded size that forgets what was changed longest ago. What was changed lately is young; when the young
/// ones are half of all that there may be, those that were old by then are forgotten together. So a change takes no
/// time for looking through others.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    young_max: usize,
}

impl<K: Eq + Hash, V> Recent<K, V> {
    /// With so many entries at the most.
    pub(super) fn new(len_max: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), young_max: (len_max / 2).max(1) }
    }

    pub(super) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.young_max && !self.young.contains_key(&key) {
            self.old = mem::take(&mut self.young);
        }
        self.old.remove(&key);
        self.young.insert(key, value);
    }

    pub(super) fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.young.remove(key).or_else(|| self.old.remove(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_small_and_forgets_the_oldest_first() {
        let mut recent = Recent::new(8);
        for key in 0..100 {
            recent.insert(key, key);
            assert!(recent.young.len() + recent.old.len() <= 8);
            // The last four are always there.
            assert!((0..4).all(|back| key < back || recent.get(&(key - back)) == Some(&(key - back))), "{key}");
        }
        assert_eq!(recent.get(&90), None);
        recent.remove(&99);
        assert_eq!(recent.get(&99), None);
    }

    #[test]
    fn what_changes_stays() {
        let mut recent = Recent::new(8);
        for key in 1..100 {
            recent.insert(0, key);
            recent.insert(key, key);
        }
        assert_eq!(recent.get(&0), Some(&99));
    }
}
