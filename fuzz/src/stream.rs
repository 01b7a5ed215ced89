//! What a hub writes to one user, from the first byte to the last: the mailbox of the model.

use chatcore::wire::{HubMessage, Message, PREFACE_BYTES, take};

use crate::written::check_written;

/// All bytes that were ever put into a user's outbox, told apart by what became of them. A hub may only append to them:
/// a message lost, repeated or moved would change what stands here already.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    bytes: Vec<u8>,
    /// How many of them the transport has taken.
    written: usize,
    /// How many numbered frames the user has acknowledged.
    acknowledged: u64,
}

impl Stream {
    /// Compares what is to be written now with what was before, and returns the messages that are new.
    pub(crate) fn extend(&mut self, unwritten: &[u8]) -> Vec<HubMessage<'_>> {
        let known = self.bytes.len() - self.written;
        assert!(unwritten.starts_with(&self.bytes[self.written..]), "what was unwritten still is, in the same order");
        // The first messages come after the preface.
        let from = self.bytes.len().max(PREFACE_BYTES);
        self.bytes.extend_from_slice(&unwritten[known..]);
        check_written(&self.bytes[from..])
    }

    /// The messages that [`Stream::extend`] would return, and still will.
    pub(crate) fn peek<'a>(&self, unwritten: &'a [u8]) -> Vec<HubMessage<'a>> {
        let known = self.bytes.len() - self.written;
        check_written(&unwritten[known..])
    }

    pub(crate) fn transmitted(&mut self, count: usize) {
        self.written += count;
    }

    /// What the transport has taken.
    pub(crate) fn written(&self) -> &[u8] {
        &self.bytes[..self.written]
    }

    /// A count that the user may acknowledge: this many frames less than it has received whole.
    pub(crate) fn acknowledge(&mut self, less: u8) -> u64 {
        let mut frames = self.written().get(PREFACE_BYTES..).unwrap_or_default();
        let mut count: u64 = 0;
        while let Ok(Some(content)) = take(&mut frames, u32::MAX) {
            count += u64::from(content.kind.is_numbered());
        }
        let count = count.saturating_sub(u64::from(less));
        self.acknowledged(count);
        count
    }

    /// The user says that it has this many.
    pub(crate) fn acknowledged(&mut self, count: u64) {
        self.acknowledged = self.acknowledged.max(count);
    }

    /// Bytes that the hub must keep: from the first frame that is not written, or numbered and not acknowledged.
    pub(crate) fn kept_bytes(&self) -> usize {
        let mut frames = &self.bytes[PREFACE_BYTES..];
        let mut number = 0;
        loop {
            let kept = frames.len();
            let Ok(Some(content)) = take(&mut frames, u32::MAX) else { return kept };
            number += u64::from(content.kind.is_numbered());
            let is_written = self.bytes.len() - frames.len() <= self.written;
            if !is_written || (content.kind.is_numbered() && number > self.acknowledged) {
                return kept;
            }
        }
    }
}

/// The message tells what became of somebody else, or what an operator has done: it may come at any time.
pub(crate) fn is_notice(message: &HubMessage<'_>) -> bool {
    use HubMessage::{Joined, Left, Presence, Renamed, Report};
    matches!(message, Joined(_) | Left(_) | Presence(_) | Renamed(_) | Report(_))
}

/// The message answers a request or brings another user's: nothing may bring one forth but a request.
pub(crate) fn is_mail(message: &HubMessage<'_>) -> bool {
    message.kind().is_numbered()
}
