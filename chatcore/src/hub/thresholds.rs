//! From where on the hub does what is worth it only for many, or for much. None of it changes what peers get.

#[derive(Clone, Copy, Debug)]
pub(crate) struct Thresholds {
    /// Sessions from which on it reads ahead: with fewer, the processor's nearest caches hold them all, and there is
    /// nothing to wait for.
    pub(super) prefetch_sessions: usize,
    /// Members from which on what others are to be written goes before what is said in their room.
    pub(super) many_members: usize,
    /// Bytes from which on a batch of a room is shared by its members' outboxes; a shorter one is cheaper copied.
    pub(super) shared_bytes: usize,
    /// The same for a member whose outbox holds `backlog_bytes`: what it gets is kept for long, and then a copy for
    /// each is more memory than a share.
    pub(super) shared_bytes_of_backlog: usize,
    pub(super) backlog_bytes: usize,
    /// Bytes from which on a session is found by how much it holds.
    pub(super) listed_bytes: usize,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            prefetch_sessions: 256,
            many_members: 32,
            shared_bytes: 1024,
            shared_bytes_of_backlog: 128,
            backlog_bytes: 64 << 10,
            listed_bytes: 256 << 10,
        }
    }
}

impl Thresholds {
    /// Whether this many bytes for many outboxes are better shared than copied into one that holds so much.
    #[inline]
    pub(super) const fn is_worth_sharing(&self, bytes: usize, backlog: usize) -> bool {
        bytes >= self.shared_bytes || (bytes >= self.shared_bytes_of_backlog && backlog >= self.backlog_bytes)
    }

    /// For tests, in which there are few of everything.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) const fn of_few() -> Self {
        Self {
            prefetch_sessions: 2,
            many_members: 2,
            shared_bytes: 64,
            shared_bytes_of_backlog: 32,
            backlog_bytes: 256,
            listed_bytes: 512,
        }
    }
}
