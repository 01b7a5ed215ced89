//! Groups of sessions that are told the same: the members of a room, or the watchers of a name.

use compact_str::CompactString;
use slab::Slab;

use super::name_table::NameTable;

/// Groups by name. A group begins with the first session that enters it, and ends with the last that leaves.
pub(super) struct Groups {
    all: Slab<Group>,
    names: NameTable,
    /// Sessions in all groups together.
    members: usize,
    begun: u32,
}

struct Group {
    name: CompactString,
    /// Unlike that of a group that had the same index before.
    serial: u32,
    /// Sessions, each in a slot that it keeps while it is a member: so a listing by pages misses nobody.
    slots: Slab<usize>,
    /// Slots that were ever used: all members are in slots below this.
    slots_used: usize,
    /// What waits to be told to its members.
    waiting: u32,
}

/// A group that may have ended since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct GroupId {
    index: u32,
    serial: u32,
}

impl GroupId {
    pub(super) const fn index(self) -> usize {
        self.index as usize
    }
}

/// A session's place in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MemberSlot {
    group: u32,
    number: u32,
}

impl MemberSlot {
    pub(super) const fn group(self) -> usize {
        self.group as usize
    }
}

impl Groups {
    pub(super) fn new(key: [u8; 16]) -> Self {
        Self { all: Slab::new(), names: NameTable::new(key), members: 0, begun: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Memberships in all groups together.
    pub(super) const fn memberships(&self) -> usize {
        self.members
    }

    /// The group of this name, which is mapped.
    pub(super) fn find(&self, name: &[u8]) -> Option<usize> {
        self.names.find(name, |group| self.all[group].name.as_bytes())
    }

    pub(super) fn id(&self, group: usize) -> GroupId {
        GroupId { index: small(group), serial: self.all[group].serial }
    }

    /// Whether the group goes on.
    pub(super) fn contains(&self, id: GroupId) -> bool {
        self.all.get(id.index()).is_some_and(|group| group.serial == id.serial)
    }

    /// One more thing waits to be told to the members.
    pub(super) fn wait(&mut self, group: usize) {
        self.all[group].waiting += 1;
    }

    /// One of those things waits no more. The group may have ended since.
    pub(super) fn waited(&mut self, id: GroupId) {
        if self.contains(id) {
            self.all[id.index()].waiting -= 1;
        }
    }

    /// Something waits to be told to the members.
    #[inline]
    pub(super) fn is_waiting(&self, group: usize) -> bool {
        self.all[group].waiting > 0
    }

    pub(super) fn name(&self, group: usize) -> &str {
        &self.all[group].name
    }

    pub(super) fn iter_names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|(_, group)| group.name.as_str())
    }

    pub(super) fn members(&self, group: usize) -> usize {
        self.all[group].slots.len()
    }

    /// The members are in slots with numbers below this.
    pub(super) fn slots(&self, group: usize) -> usize {
        self.all[group].slots_used
    }

    /// The session in this slot, if there is one.
    #[inline]
    pub(super) fn member(&self, group: usize, slot: usize) -> Option<usize> {
        self.all[group].slots.get(slot).copied()
    }

    /// Takes a session in that is no member yet.
    pub(super) fn enter(&mut self, name: &str, session: usize) -> MemberSlot {
        let group = self.find(name.as_bytes()).unwrap_or_else(|| self.begin(name));
        let Group { slots, slots_used, .. } = &mut self.all[group];
        let number = slots.insert(session);
        *slots_used = (*slots_used).max(number + 1);
        self.members += 1;
        MemberSlot { group: small(group), number: small(number) }
    }

    fn begin(&mut self, name: &str) -> usize {
        self.begun = self.begun.wrapping_add(1);
        let group = Group { name: name.into(), serial: self.begun, slots: Slab::new(), slots_used: 0, waiting: 0 };
        let group = self.all.insert(group);
        self.names.insert(group, |group| self.all[group].name.as_bytes());
        group
    }

    /// Lets a session out. True if it was the last member, so that the group is over.
    pub(super) fn leave(&mut self, slot: MemberSlot) -> bool {
        let group = slot.group();
        let slots = &mut self.all[group].slots;
        slots.remove(slot.number as usize);
        self.members -= 1;
        let was_last = slots.is_empty();
        if was_last {
            let Group { name, .. } = self.all.remove(group);
            self.names.remove(group, name.as_bytes());
        }
        was_last
    }
}

fn small(index: usize) -> u32 {
    u32::try_from(index).expect("groups and their slots are limited by u32s")
}
