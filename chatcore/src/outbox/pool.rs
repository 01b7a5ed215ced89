//! Buffers that outboxes have given back, for the next that need one. So in the long run nothing is allocated, and an
//! outbox need not hold on to memory that it may never use again.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::segment::Segment;
use super::tally;
use crate::redacted::Length;

/// Sizes of buffers: each class is twice as large as the one before.
const CLASSES: usize = 9;

/// Bytes of the smallest buffers: some short messages.
pub(super) const BYTES_MIN: usize = 512;

/// Bytes of the largest.
pub(super) const BYTES_MAX: usize = BYTES_MIN << (CLASSES - 1);

/// Bytes that are kept for later, at the most. What is given back beyond that goes to the allocator.
const KEPT_BYTES_MAX: usize = 16 << 20;

/// Lists of segments that are kept for later, at the most, and how many segments each has room for.
const KEPT_LISTS_MAX: usize = 1024;
const LIST_SEGMENTS_MAX: usize = 64;

/// How large a buffer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Class(u8);

impl Class {
    /// The smallest that has room for this many bytes; none if no class has.
    fn for_bytes(bytes: usize) -> Option<Self> {
        (0..CLASSES).find(|class| bytes <= BYTES_MIN << class).map(Self::new)
    }

    /// The one that a buffer is of; none if it is of none.
    pub(super) fn of(buffer: &Vec<u8>) -> Option<Self> {
        let times = buffer.capacity() / BYTES_MIN;
        times.checked_ilog2().map(|class| class as usize).filter(|class| *class < CLASSES).map(Self::new)
    }

    #[expect(clippy::cast_possible_truncation, reason = "there are few")]
    const fn new(class: usize) -> Self {
        Self(class as u8)
    }

    pub(super) const fn larger(self) -> Self {
        Self(if self.0 as usize + 1 < CLASSES { self.0 + 1 } else { self.0 })
    }

    pub(super) const fn smaller(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

/// Buffers for outboxes.
#[derive(Default)]
pub(crate) struct Pool {
    free: [Vec<Vec<u8>>; CLASSES],
    /// Bytes of the free buffers.
    bytes: usize,
    /// Bytes of the buffers that are handed out and not given back, shared ones once.
    handed_out: u64,
    /// More than this is too much.
    limit: u64,
    lists: Vec<VecDeque<Segment>>,
    /// Where a frame is written whose length is not known before. It is no larger than the largest buffer.
    pub(super) scratch: Vec<u8>,
}

/// Shows no frame, as an outbox.
impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("bytes", &self.bytes)
            .field("handed_out", &self.handed_out)
            .field("limit", &self.limit)
            .field("scratch", &Length(self.scratch.len()))
            .finish_non_exhaustive()
    }
}

impl Pool {
    /// An empty buffer of this class, or a larger one if this many bytes must fit.
    pub(super) fn take(&mut self, class: Class, bytes: usize) -> Vec<u8> {
        let Some(needed) = Class::for_bytes(bytes) else { return self.take_exactly(bytes) };
        let class = usize::from(class.max(needed).0);
        match self.free[class].pop() {
            Some(buffer) => {
                self.bytes -= buffer.capacity();
                self.handed_out += buffer.capacity() as u64;
                buffer
            }
            None => self.take_exactly(BYTES_MIN << class),
        }
    }

    /// An empty buffer with room for this many bytes and no more.
    pub(super) fn take_exactly(&mut self, bytes: usize) -> Vec<u8> {
        let buffer = Vec::with_capacity(bytes);
        self.handed_out += buffer.capacity() as u64;
        buffer
    }

    pub(super) fn give(&mut self, mut buffer: Vec<u8>) {
        // A handshake's buffers come from no pool.
        self.handed_out = self.handed_out.saturating_sub(buffer.capacity() as u64);
        if let Some(class) = Class::of(&buffer)
            && self.bytes + buffer.capacity() <= KEPT_BYTES_MAX
        {
            buffer.clear();
            self.bytes += buffer.capacity();
            self.free[usize::from(class.0)].push(buffer);
        }
    }

    /// A copy of frames for several outboxes to share. Its maker releases it, too.
    pub(crate) fn share(&mut self, frames: &[u8]) -> Arc<[u8]> {
        self.handed_out += frames.len() as u64;
        tally::copied(frames.len());
        frames.into()
    }

    /// Somebody does not need shared frames any more.
    pub(crate) fn release(&mut self, frames: Arc<[u8]>) {
        // `into_inner` would need a sized type. The hub is on one thread, so that the count is what it says.
        if Arc::strong_count(&frames) == 1 {
            self.handed_out -= frames.len() as u64;
        }
        drop(frames);
    }

    /// An outbox that was filled from another pool, and holds this many bytes, gives its buffers back to this one.
    pub(crate) const fn adopt(&mut self, held_bytes: usize) {
        self.handed_out += held_bytes as u64;
    }

    /// Says how many bytes may be handed out before that is too much.
    pub(crate) const fn set_limit(&mut self, limit: u64) {
        self.limit = limit;
    }

    /// More is handed out than may be.
    #[inline]
    pub(crate) const fn is_over_limit(&self) -> bool {
        self.handed_out > self.limit
    }

    /// Bytes of the buffers that are handed out and not given back, shared ones once.
    pub(crate) const fn handed_out(&self) -> u64 {
        self.handed_out
    }

    pub(super) fn take_list(&mut self) -> VecDeque<Segment> {
        self.lists.pop().unwrap_or_default()
    }

    pub(super) fn give_list(&mut self, list: VecDeque<Segment>) {
        if (1..=LIST_SEGMENTS_MAX).contains(&list.capacity()) && self.lists.len() < KEPT_LISTS_MAX {
            self.lists.push(list);
        }
    }
}
