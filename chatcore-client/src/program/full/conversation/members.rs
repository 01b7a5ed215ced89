//! Who is in a room.

use std::collections::BTreeSet;

use crate::program::report::{Count, LISTED_NAMES_MAX, Users};

/// Whether we are in a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Membership {
    #[default]
    Unknown,
    In,
    /// We were in it with the session before, and are about to join it again.
    ComingBack,
    Out,
}

impl Membership {
    /// Whether we are in the room, or soon, unless the server says no.
    pub(crate) const fn is_member(self) -> bool {
        matches!(self, Self::In | Self::ComingBack)
    }
}

/// Who is in a room, as far as that is known.
#[derive(Debug, Default)]
pub(crate) struct Members {
    /// None until the server has listed them, or if they have changed since in a way that was not told.
    names: Option<BTreeSet<String>>,
    /// Members whose names are not kept.
    more: Count,
}

impl Members {
    /// The server has listed them.
    pub(crate) fn set(&mut self, users: &Users) {
        self.more = users.count().beside(LISTED_NAMES_MAX);
        self.names = Some(users.names().iter().take(LISTED_NAMES_MAX).cloned().collect());
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
        if names.len() < LISTED_NAMES_MAX {
            names.insert(name.to_owned());
        } else {
            self.more.known += 1;
        }
    }

    pub(crate) fn leave(&mut self, name: &str) {
        if let Some(names) = &mut self.names
            && !names.remove(name)
        {
            self.more = self.more.beside(1);
        }
    }

    /// Whether a user may be among them: of some, the names are not kept.
    pub(crate) fn has(&self, name: &str) -> bool {
        !self.more.is_none() || self.names.as_ref().is_some_and(|names| names.contains(name))
    }

    /// In the order of their names.
    pub(crate) fn names(&self) -> impl ExactSizeIterator<Item = &String> {
        static NOBODY: BTreeSet<String> = BTreeSet::new();
        self.names.as_ref().unwrap_or(&NOBODY).iter()
    }

    /// How many there are; none if nobody knows.
    pub(crate) fn count(&self) -> Option<Count> {
        self.names.as_ref().map(|names| Count { known: names.len() + self.more.known, ..self.more })
    }
}
