//! Names to indices, under a keyed hash.

use hashbrown::HashTable;
use siphasher::sip::SipHasher13;

/// A table from names to indices of a slab that holds the names. Peers choose the names, so the hash is keyed: nobody
/// can pick names that collide. It is never iterated, so that the key changes nothing that can be seen.
pub(super) struct NameTable {
    indices: HashTable<usize>,
    key: [u8; 16],
}

impl NameTable {
    pub(super) fn new(key: [u8; 16]) -> Self {
        Self { indices: HashTable::new(), key }
    }

    /// How many names there are.
    pub(super) fn len(&self) -> usize {
        self.indices.len()
    }

    #[inline]
    pub(super) fn hash(&self, name: &[u8]) -> u64 {
        SipHasher13::new_with_key(&self.key).hash(name)
    }

    /// The index of this name, which is mapped. A mapped name maps to itself, so what is found needs no mapping.
    #[inline]
    pub(super) fn find<'a>(&self, name: &[u8], name_of: impl Fn(usize) -> &'a [u8]) -> Option<usize> {
        self.indices.find(self.hash(name), |index| name_of(*index) == name).copied()
    }

    /// The index of a name with this hash, most likely: the names are not compared.
    pub(super) fn guess(&self, hash: u64) -> Option<usize> {
        self.indices.find(hash, |_| true).copied()
    }

    /// Enters an index under its name, which is not in the table.
    pub(super) fn insert<'a>(&mut self, index: usize, name_of: impl Fn(usize) -> &'a [u8]) {
        let key = self.key;
        let hash = |index: &usize| SipHasher13::new_with_key(&key).hash(name_of(*index));
        self.indices.insert_unique(hash(&index), index, hash);
    }

    pub(super) fn remove(&mut self, index: usize, name: &[u8]) {
        let entry = self.indices.find_entry(self.hash(name), |other| *other == index);
        entry.expect("what is removed was inserted").remove();
    }
}
