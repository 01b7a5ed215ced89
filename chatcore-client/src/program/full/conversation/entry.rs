//! One thing that is shown in a conversation.

use crate::program::report::Id;

/// What an entry takes beside its text, about.
const ENTRY_BYTES: usize = 192;

/// What became of a message of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It waits for a place among what is sent.
    Waiting,
    /// It is sent, and has no answer.
    Pending {
        number: u64,
    },
    Accepted {
        id: String,
    },
    /// Another session of ours has sent it.
    Elsewhere {
        id: String,
    },
    /// It reaches nobody, for this reason.
    Undelivered {
        why: String,
    },
    /// The recipient may have it or not, for this reason.
    Unconfirmed {
        why: String,
    },
}

/// One thing that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Somebody else said it.
    Heard {
        /// None if nobody has kept it.
        id: Option<Id>,
        time_ms: u64,
        from: String,
        body: Vec<u8>,
        /// It names us.
        is_mention: bool,
    },
    /// We said it.
    Said { time_ms: u64, body: Vec<u8>, fate: Fate },
    /// What the program tells.
    Notice { time_ms: u64, text: String },
}

impl Entry {
    /// Unix time in milliseconds.
    pub(crate) fn time_ms(&self) -> u64 {
        match self {
            Self::Heard { time_ms, .. } | Self::Said { time_ms, .. } | Self::Notice { time_ms, .. } => *time_ms,
        }
    }

    pub(crate) fn body(&self) -> &[u8] {
        match self {
            Self::Heard { body, .. } | Self::Said { body, .. } => body,
            Self::Notice { text, .. } => text.as_bytes(),
        }
    }

    /// What it takes in memory.
    pub(crate) fn cost_bytes(&self) -> usize {
        let name = if let Self::Heard { from, .. } = self { from.len() } else { 0 };
        ENTRY_BYTES + self.body().len() + name
    }
}
