//! The buffers in which the frames of an outbox lie, and positions in them.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::redacted::Length;

#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) bytes: Bytes,
    /// Numbered frames in it, after the start.
    pub(super) numbered: u32,
}

#[derive(Clone)]
pub(super) enum Bytes {
    Own(Vec<u8>),
    Shared(Arc<[u8]>),
}

impl Bytes {
    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Own(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, bytes) = match self {
            Self::Own(bytes) => ("Own", &bytes[..]),
            Self::Shared(bytes) => ("Shared", &bytes[..]),
        };
        f.debug_tuple(name).field(&Length(bytes.len())).finish()
    }
}

/// A position in an outbox: the segment, counted from the first (the tail is the last), and the offset in it. The end
/// of an older segment is the beginning of the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) segment: u32,
    pub(super) offset: u32,
}

/// A position in the tail, and how many numbered frames are between the start and it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark {
    pub(super) offset: u32,
    pub(super) numbered: u32,
}

impl Position {
    pub(super) fn plus(self, bytes: usize) -> Self {
        Self { offset: self.offset + small(bytes), ..self }
    }
}

/// Distances within a segment, and numbers of segments.
pub(super) fn small(number: usize) -> u32 {
    u32::try_from(number).expect("an outbox is bounded far below that")
}

/// Bytes of frames, which were checked when they came.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "an outbox is bounded far below that")]
pub(super) const fn of_frames(bytes: usize) -> u32 {
    debug_assert!(bytes <= u32::MAX as usize, "an outbox is bounded far below that");
    bytes as u32
}

pub(super) fn small_count(count: u64) -> u32 {
    u32::try_from(count).expect("a segment holds fewer frames than that")
}
