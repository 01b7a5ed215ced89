//! What has arrived for a client, until it has used it.

use alloc::vec::Vec;
use core::fmt;

use super::parts::Client;
use crate::received::Received;
use crate::redacted::Length;
use crate::time::Instant;

/// A larger buffer is not kept when it is empty: one large frame does not cost its memory for ever.
const KEPT_BYTES_MAX: usize = 64 << 10;

/// The start of a frame that is not whole, for a driver of a [`Client`] that reads into a buffer of its own. It is to a
/// client what a `HubConnection` is to a hub, as far as input goes.
///
/// It keeps less than one frame: at most as many bytes as [`frame_bytes_max`](super::ClientConfig::frame_bytes_max) and
/// 4. Most of the time it keeps nothing, and copies nothing.
///
/// `Debug` shows how many bytes it keeps, and none of them.
///
/// ```
/// use chatcore::{Client, ClientConfig, Inbox, Instant, Received};
///
/// let now = Instant::ZERO;
/// let (mut client, mut inbox) = (Client::new(now, ClientConfig::default(), 7), Inbox::new());
/// // What the transport gives goes in as it comes: here, in the middle of a preface.
/// assert_eq!(inbox.receive(now, &mut client, b"\xC4ch"), Received::NeedInput);
/// assert_eq!(inbox.len(), 3);
/// inbox.receive(now, &mut client, b"at\r\n\0\x01\0\0\0\0\0\0\0");
/// assert!(inbox.is_empty());
/// // A transport that breaks takes the rest with it.
/// inbox.receive(now, &mut client, b"\x0b\0\0");
/// client.disconnect(now);
/// inbox.clear();
/// ```
#[derive(Default)]
pub struct Inbox {
    partial: Vec<u8>,
}

impl Inbox {
    /// An empty one.
    pub const fn new() -> Self {
        Self { partial: Vec::new() }
    }

    /// Gives the client what has arrived, and keeps what it does not use: see [`Client::receive`].
    pub fn receive(&mut self, now: Instant, client: &mut Client, bytes: &[u8]) -> Received {
        if self.partial.is_empty() {
            let mut rest = bytes;
            let received = client.receive(now, &mut rest);
            self.partial.extend_from_slice(rest);
            return received;
        }
        self.partial.extend_from_slice(bytes);
        let mut rest = &self.partial[..];
        let received = client.receive(now, &mut rest);
        let used = self.partial.len() - rest.len();
        self.partial.drain(..used);
        if self.partial.is_empty() && self.partial.capacity() > KEPT_BYTES_MAX {
            self.partial = Vec::new();
        }
        received
    }

    /// Drops what it keeps: the transport is gone, and the rest does not come any more.
    pub fn clear(&mut self) {
        self.partial = Vec::new();
    }

    /// How many bytes it keeps.
    pub const fn len(&self) -> usize {
        self.partial.len()
    }

    /// Whether it keeps nothing.
    pub const fn is_empty(&self) -> bool {
        self.partial.is_empty()
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("partial", &Length(self.partial.len())).finish()
    }
}
