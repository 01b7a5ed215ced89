//! Which session has which name.

use hashbrown::HashTable;
use siphasher::sip::SipHasher13;
use slab::Slab;

use super::session::Session;

/// Names to sessions. Peers choose the names, so the hash is keyed: nobody can pick names that collide.
/// It is never iterated, so the key changes nothing that can be seen.
#[derive(Debug)]
pub(super) struct Directory {
    sessions: HashTable<usize>,
    key: [u8; 16],
}

impl Directory {
    pub(super) fn new(key: [u8; 16]) -> Self {
        Self { sessions: HashTable::new(), key }
    }

    /// The session that has this name, which is mapped. Names are mapped when they are given, so whatever is found
    /// here needed no mapping.
    #[inline]
    pub(super) fn find(&self, name: &[u8], sessions: &Slab<Session>) -> Option<usize> {
        self.sessions.find(hash(&self.key, name), |index| sessions[*index].name.as_bytes() == name).copied()
    }

    pub(super) fn hash(&self, name: &[u8]) -> u64 {
        hash(&self.key, name)
    }

    /// The session whose name has this hash, most likely: names are not looked at.
    pub(super) fn likely(&self, hash: u64) -> Option<usize> {
        self.sessions.find(hash, |_| true).copied()
    }

    /// Enters a session under its name, which is free.
    pub(super) fn insert(&mut self, index: usize, sessions: &Slab<Session>) {
        let name = |index: &usize| hash(&self.key, sessions[*index].name.as_bytes());
        self.sessions.insert_unique(name(&index), index, name);
    }

    /// Takes a session out, so that its name is free.
    pub(super) fn remove(&mut self, index: usize, sessions: &Slab<Session>) {
        let hash = hash(&self.key, sessions[index].name.as_bytes());
        let entry = self.sessions.find_entry(hash, |other| *other == index);
        entry.expect("an open session is in the directory").remove();
    }
}

#[inline]
pub(super) fn hash(key: &[u8; 16], name: &[u8]) -> u64 {
    SipHasher13::new_with_key(key).hash(name)
}
