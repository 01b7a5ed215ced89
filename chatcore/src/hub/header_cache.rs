//! What stands before the body of a message.

use super::ordered::Sessions;
use crate::wire::{Head, MessageId};

/// The header of the last message that went from one user to another. The next one from the same user differs from it
/// in few bytes.
#[derive(Debug, Default)]
pub(super) struct HeaderCache {
    /// The sender's session.
    sender: usize,
    head: Head,
}

impl HeaderCache {
    /// The header of a message from this sender.
    #[inline]
    pub(super) fn header(&mut self, id: MessageId, sender: usize, sessions: &Sessions, body_bytes: usize) -> &Head {
        if self.sender != sender || !self.head.follow(id, body_bytes) {
            self.sender = sender;
            self.head = Head::of_deliver(id, sessions[sender].name.as_str(), body_bytes);
        }
        &self.head
    }

    /// A session has ended. Its index may become another's.
    pub(super) fn forget(&mut self, session: usize) {
        if self.sender == session {
            self.head = Head::default();
        }
    }
}
