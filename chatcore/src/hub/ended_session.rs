//! What is still to be known of a session that has ended: whose messages it may have had.

use crate::name::UserName;
use crate::wire::MessageId;

/// A session that has ended, as far as its end concerns those who wrote to its user.
#[derive(Debug)]
pub(super) struct EndedSession {
    pub(super) name: UserName,
    /// Messages with higher ids have gone to another session of the user, which goes on.
    pub(super) ids_max: MessageId,
    /// Messages that may have reached another session of the user, which has ended.
    pub(super) shared: Option<SharedIds>,
}

/// Messages with ids above the first, up to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SharedIds {
    pub(super) after: MessageId,
    pub(super) until: MessageId,
}

impl SharedIds {
    pub(super) fn contain(self, id: MessageId) -> bool {
        self.after < id && id <= self.until
    }

    /// These and those of another session, which may be more than both together.
    pub(super) fn and(self, before: Option<Self>) -> Self {
        Self { after: before.map_or(self.after, |before| before.after.min(self.after)), ..self }
    }
}
