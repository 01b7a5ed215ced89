//! Who speaks at present.

use slab::Slab;

use super::session::Session;
use crate::wire::{Head, MessageId};

/// The head of the last message that went from one user to another. The next message from the same user differs from it
/// in few bytes.
#[derive(Debug, Default)]
pub(super) struct Speaker {
    /// The user's session.
    session: usize,
    head: Head,
}

impl Speaker {
    /// What stands before the body of a message that a user gets from this sender.
    #[inline]
    pub(super) fn head(&mut self, id: MessageId, sender: usize, sessions: &Slab<Session>, body_bytes: usize) -> &Head {
        if self.session != sender || !self.head.follow(id, body_bytes) {
            self.session = sender;
            self.head = Head::of_deliver(id, sessions[sender].name.as_str(), body_bytes);
        }
        &self.head
    }

    /// A session has ended. Its index may become another's.
    pub(super) fn forget(&mut self, session: usize) {
        if self.session == session {
            self.head = Head::default();
        }
    }
}
