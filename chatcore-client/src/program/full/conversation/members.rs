//! Who is in a room.

use std::collections::BTreeSet;

/// Names of one room that are kept, at the most. The others are counted.
pub(crate) const MEMBERS_MAX: usize = 5_000;

/// Whether we are in a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Membership {
    #[default]
    Unknown,
    In,
    Out,
}

/// Who is in a room, as far as that is known.
#[derive(Debug, Default)]
pub(crate) struct Members {
    /// None until the server has listed them, or if they have changed since in a way that was not told.
    names: Option<BTreeSet<String>>,
    /// Members whose names are not kept.
    more: usize,
}

impl Members {
    /// The server has listed them.
    pub(crate) fn set<'a>(&mut self, names: impl ExactSizeIterator<Item = &'a String>) {
        self.more = names.len().saturating_sub(MEMBERS_MAX);
        self.names = Some(names.take(MEMBERS_MAX).cloned().collect());
    }

    /// They are not what was told.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn is_known(&self) -> bool {
        self.names.is_some()
    }

    pub(crate) fn join(&mut self, name: &str) {
        let Some(names) = &mut self.names else { return };
        if names.contains(name) {
            return;
        }
        if names.len() < MEMBERS_MAX {
            names.insert(name.to_owned());
        } else {
            self.more += 1;
        }
    }

    pub(crate) fn leave(&mut self, name: &str) {
        if let Some(names) = &mut self.names
            && !names.remove(name)
        {
            self.more = self.more.saturating_sub(1);
        }
    }

    /// Whether a user may be among them: of some, the names are not kept.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.more > 0 || self.names.as_ref().is_some_and(|names| names.contains(name))
    }

    /// In the order of their names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.names.iter().flatten()
    }

    /// How many there are; none if nobody knows.
    pub(crate) fn count(&self) -> Option<usize> {
        self.names.as_ref().map(|names| names.len() + self.more)
    }
}
