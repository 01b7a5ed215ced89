//! What was said with one user, or in one room, as far as it is kept.

mod entry;
mod members;

use std::collections::{BTreeSet, VecDeque};

use chatcore::MessageId;

pub(super) use self::entry::{Entry, Fate};
pub(super) use self::members::{Members, Membership};
use super::composer::Composer;
use crate::program::report::Id;

/// Entries of one conversation that are kept, at the most.
pub(super) const ENTRIES_MAX: usize = 10_000;

/// Bytes of one conversation that are kept, at the most.
pub(super) const CONVERSATION_BYTES_MAX: usize = 16 << 20;

/// Entries that are shown unfolded at a time, at the most.
const UNFOLDED_MAX: usize = 100;

/// What stands in the lowest row of the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Place {
    /// The newest.
    #[default]
    End,
    /// This row of the entry with this number.
    At { number: u64, row: usize },
}

/// All that is known of it.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    entries: VecDeque<Entry>,
    /// The number of the first entry that is kept. Entries are numbered from 0.
    first: u64,
    bytes: usize,
    /// Messages that nobody has seen here.
    pub(super) unread: usize,
    /// How many of them name us.
    pub(super) mentions: usize,
    /// How many of them are ours, and were not delivered, or may not have been.
    pub(super) failures: usize,
    /// The first entry that came after somebody stopped reading.
    pub(super) marker: Option<u64>,
    pub(super) place: Place,
    /// The long entries that are shown whole.
    unfolded: BTreeSet<u64>,
    /// Who is there, if it is a room.
    pub(super) members: Members,
    pub(super) membership: Membership,
    /// A person has taken it out of the list.
    pub(super) is_closed: bool,
    /// It is a room that is being left because it was closed.
    pub(super) is_being_left: bool,
    /// The user that it is with was gone since the last message: whoever writes next may be somebody else.
    pub(super) is_gone: bool,
    /// How often we have said something in it.
    said: u64,
    /// What is being typed for it.
    pub(super) draft: Composer,
    /// When it was used last, counted in uses of all conversations.
    pub(super) used: u64,
}

impl Conversation {
    /// Adds what was said or told, and forgets the oldest that there is no room for.
    pub(super) fn push(&mut self, entry: Entry) {
        self.bytes += entry.cost_bytes();
        self.said += u64::from(matches!(entry, Entry::Said { .. }));
        self.entries.push_back(entry);
        while self.entries.len() > ENTRIES_MAX || self.bytes > CONVERSATION_BYTES_MAX && self.entries.len() > 1 {
            self.forget_oldest();
        }
    }

    /// Puts older entries before all that there are, which get other numbers by that: nobody has looked at them yet.
    pub(super) fn put_before(&mut self, older: impl Iterator<Item = Entry>) {
        let since = std::mem::take(&mut self.entries);
        (self.first, self.bytes) = (0, 0);
        (self.marker, self.place) = (None, Place::End);
        older.chain(since).for_each(|entry| self.push(entry));
    }

    /// Forgets the oldest entry. The last stays.
    pub(super) fn forget_oldest(&mut self) {
        if self.entries.len() < 2 {
            return;
        }
        let Some(entry) = self.entries.pop_front() else { return };
        self.bytes -= entry.cost_bytes();
        self.unfolded.remove(&self.first);
        self.first += 1;
        if let Place::At { number, row } = &mut self.place
            && *number < self.first
        {
            (*number, *row) = (self.first, 0);
        }
        self.marker = self.marker.map(|marker| marker.max(self.first));
    }

    /// Forgets all entries, and tells that in their place.
    pub(super) fn forget_all(&mut self, time_ms: u64) {
        let text = "what was here is forgotten: all conversations together have no room for it".to_owned();
        self.push(Entry::Notice { time_ms, text });
        while self.entries.len() > 1 {
            self.forget_oldest();
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The number that the next entry gets.
    pub(super) fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// The numbers of the entries that are kept.
    pub(super) fn numbers(&self) -> std::ops::Range<u64> {
        self.first..self.end()
    }

    pub(super) fn entry(&self, number: u64) -> Option<&Entry> {
        let at = number.checked_sub(self.first)?;
        self.entries.get(usize::try_from(at).ok()?)
    }

    /// Who has spoken, the last first, and as often as they have.
    pub(super) fn speakers(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().rev().filter_map(|entry| match entry {
            Entry::Heard { from, .. } => Some(from.as_str()),
            _ => None,
        })
    }

    /// The oldest message of ours that is in such a state.
    pub(super) fn fate(&mut self, holds: impl Fn(&Fate) -> bool) -> Option<&mut Fate> {
        self.fates().find(|fate| holds(fate))
    }

    /// What became of each message of ours, from the oldest on.
    pub(super) fn fates(&mut self) -> impl DoubleEndedIterator<Item = &mut Fate> {
        self.entries.iter_mut().filter_map(|entry| match entry {
            Entry::Said { fate, .. } => Some(fate),
            _ => None,
        })
    }

    /// One of our own messages was not delivered, or may not have been, and nobody sees that here: it counts as one
    /// that names us.
    pub(super) fn fail_unseen(&mut self) {
        self.unread += 1;
        self.mentions += 1;
        self.failures += 1;
    }

    /// Somebody sees all that there is.
    pub(super) fn read(&mut self) {
        (self.unread, self.mentions, self.failures) = (0, 0, 0);
        let end = self.end();
        self.marker.take_if(|marker| *marker == end);
    }

    /// Nobody looks at it any more: what comes from here on is new.
    pub(super) fn stop_reading(&mut self) {
        if self.place == Place::End {
            self.marker = Some(self.end());
        }
    }

    /// The last message that somebody has read, as far as there is one here. If all that there is is new, it is the
    /// lowest id.
    pub(super) fn read_until(&self) -> Option<Id> {
        let end = if self.unread == 0 { self.end() } else { self.marker.unwrap_or(self.first) };
        let read = (self.first..end).rev().find_map(|number| self.id(number));
        read.or_else(|| (self.unread > 0).then_some(Id::from(MessageId(0))))
    }

    /// Somebody has read until there, in a run before this one: what others have said since is new.
    pub(super) fn mark_after(&mut self, mark: Id, is_seen: bool) {
        let is_new = |number: &u64| self.id(*number).is_some_and(|id| id > mark);
        let Some(marker) = self.numbers().find(is_new) else { return };
        self.marker = Some(marker);
        if is_seen {
            return;
        }
        let new = || (marker..self.end()).filter_map(|number| self.entry(number));
        let unread = new().filter(|entry| matches!(entry, Entry::Heard { .. })).count();
        let mentions = new().filter(|entry| matches!(entry, Entry::Heard { is_mention: true, .. })).count();
        (self.unread, self.mentions) = (unread, mentions);
    }

    /// The id of what others have said.
    fn id(&self, number: u64) -> Option<Id> {
        match self.entry(number)? {
            Entry::Heard { id, .. } => *id,
            Entry::Said { .. } | Entry::Notice { .. } => None,
        }
    }

    pub(super) fn is_unfolded(&self, number: u64) -> bool {
        self.unfolded.contains(&number)
    }

    pub(super) fn unfold(&mut self, number: u64) {
        if self.unfolded.len() >= UNFOLDED_MAX {
            self.unfolded.pop_first();
        }
        self.unfolded.insert(number);
    }

    pub(super) fn fold_all(&mut self) {
        self.unfolded.clear();
    }

    /// Whether it is lost without a loss: nobody types there, nobody is there, and we have said nothing to whoever it
    /// is with, who may be one of thousands that somebody has made up.
    pub(super) fn is_idle(&self) -> bool {
        self.draft.is_empty() && !self.membership.is_member() && self.said == 0
    }
}
