//! What was said with one user, or in one room, as far as it is kept.

use std::collections::VecDeque;

/// Messages of one conversation that are kept, at the most.
const ENTRIES_MAX: usize = 2_000;

/// What became of a message of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It waits for a place among what is sent.
    Waiting,
    /// It is sent, and has no answer.
    Pending {
        number: u64,
    },
    Accepted {
        id: String,
    },
    /// It reaches nobody, for this reason.
    Undelivered {
        why: String,
    },
    /// It was written to the recipient, who may not have it.
    Unconfirmed,
}

/// One thing that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// Somebody else said it.
    Heard { time_ms: u64, from: String, body: Vec<u8> },
    /// We said it.
    Said { time_ms: u64, body: String, fate: Fate },
    /// What the program tells.
    Notice { time_ms: u64, text: String },
}

/// All that is known of it.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    pub(super) entries: VecDeque<Entry>,
    /// Messages that came since it was shown last.
    pub(super) unread: usize,
    /// What is being typed for it.
    pub(super) draft: String,
}

impl Conversation {
    pub(super) fn push(&mut self, entry: Entry) {
        self.entries.push_back(entry);
        if self.entries.len() > ENTRIES_MAX {
            self.entries.pop_front();
        }
    }

    /// The fate of a message of ours, the oldest of which this holds.
    pub(super) fn fate(&mut self, holds: impl Fn(&Fate) -> bool) -> Option<&mut Fate> {
        self.entries.iter_mut().find_map(|entry| match entry {
            Entry::Said { fate, .. } if holds(fate) => Some(fate),
            _ => None,
        })
    }
}
