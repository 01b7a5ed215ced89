//! What has arrived, until the client has used it.

use chatcore::{Client, Instant, Received};

/// A larger buffer is not kept when it is empty: one large frame does not cost its memory for ever.
const KEPT_BYTES_MAX: usize = 64 << 10;

/// The start of a frame that is not whole.
#[derive(Default)]
pub(crate) struct Inbox {
    partial: Vec<u8>,
}

impl Inbox {
    /// Gives a client what has arrived, and keeps what it does not use.
    pub(crate) fn receive(&mut self, now: Instant, client: &mut Client, bytes: &[u8]) -> Received {
        if self.partial.is_empty() {
            let mut input = bytes;
            let received = client.receive(now, &mut input);
            self.partial.extend_from_slice(input);
            return received;
        }
        self.partial.extend_from_slice(bytes);
        let mut input = &self.partial[..];
        let received = client.receive(now, &mut input);
        let used = self.partial.len() - input.len();
        self.partial.drain(..used);
        if self.partial.is_empty() && self.partial.capacity() > KEPT_BYTES_MAX {
            self.partial = Vec::new();
        }
        received
    }

    /// Drops what it keeps: the rest does not come any more.
    pub(crate) fn clear(&mut self) {
        self.partial = Vec::new();
    }

    /// How many bytes it keeps.
    pub(crate) const fn len(&self) -> usize {
        self.partial.len()
    }
}
