//! What is in an outbox, and where.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;
use core::hint::black_box;

use super::pool::Class;
use super::segment::{Bytes, Mark, Position, Segment, small};
use crate::redacted::Length;
use crate::wire::{OVERHEAD_BYTES_MAX, PREFACE_BYTES};

/// All of the preface.
#[expect(clippy::cast_possible_truncation, reason = "it has 16 bytes")]
const PREFACE_BYTES_LEFT: u8 = PREFACE_BYTES as u8;

#[derive(Default)]
pub(crate) struct Outbox {
    /// Bytes that are kept: to be written, or not acknowledged yet.
    pub(super) kept: u32,
    /// How many of those are to be written.
    pub(super) unwritten: u32,
    /// Before it everything is with the transport.
    pub(super) written: Position,
    /// The last segment, to which frames are added.
    pub(super) tail: Vec<u8>,
    /// Numbered frames in the tail, after the start.
    pub(super) tail_numbered: u32,
    /// End of the last complete flush. Peers usually acknowledge exactly this point, so `acknowledge` checks it before
    /// it scans frames.
    pub(super) tail_mark: Mark,
    /// How much of the first segment is acknowledged, or was never to be.
    pub(super) start: u32,
    /// What must be written before any frame: this many bytes at the end of the preface.
    pub(super) preface_left: u8,
    /// How large the next tail is to be.
    pub(super) class: Class,
    /// The first frame that is kept is known to be numbered.
    pub(super) opens_numbered: bool,
    /// Numbered frames that were put in since the session began.
    pub(super) numbered: u64,
    /// How many of those are acknowledged.
    pub(super) acknowledged: u64,
    /// Up to this number they went out to connections that are gone, and may have arrived.
    pub(super) handed_over: u64,
    /// The segments before the tail. None of them is empty.
    pub(super) older: VecDeque<Segment>,
    /// Bytes of memory that the segments hold, whether something is in them or not.
    pub(super) held: u32,
}

/// Shows no frame: a welcome holds a token, and a registration a credential.
impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox")
            .field("kept", &self.kept)
            .field("unwritten", &self.unwritten)
            .field("written", &self.written)
            .field("start", &self.start)
            .field("numbered", &self.numbered)
            .field("acknowledged", &self.acknowledged)
            .field("handed_over", &self.handed_over)
            .field("older", &self.older)
            .field("tail", &Length(self.tail.len()))
            .field("held", &self.held)
            .finish_non_exhaustive()
    }
}

impl Clone for Outbox {
    /// The copy's buffers are as large as what is in them.
    fn clone(&self) -> Self {
        let (tail, older) = (self.tail.clone(), self.older.clone());
        let mut copy = Self { tail, older, ..*self };
        copy.held = small(copy.recount_held());
        copy
    }
}

impl Outbox {
    /// An outbox whose first bytes are our preface.
    pub(crate) fn with_preface() -> Self {
        Self { preface_left: PREFACE_BYTES_LEFT, ..Self::default() }
    }

    /// Of a session that the peer knows, this many numbered frames have arrived, and none of them is kept here.
    pub(crate) fn continue_from(&mut self, count: u64) {
        debug_assert!(self.numbered == 0, "a session goes on before anything is put in");
        (self.numbered, self.acknowledged) = (count, count);
    }

    // ---- what is told of it ----

    /// Bytes that are kept: to be written, or not acknowledged yet.
    pub(crate) const fn kept_bytes(&self) -> usize {
        self.kept as usize
    }

    /// Bytes of memory that it holds, whether something is in them or not. What it shares with others counts in each.
    pub(crate) const fn held_bytes(&self) -> usize {
        self.held as usize
    }

    /// Bytes of the buffer that is being filled. The next one is at most twice as large.
    #[cfg(feature = "sim")]
    pub(crate) const fn filling_bytes(&self) -> usize {
        self.tail.capacity()
    }

    /// As [`Outbox::held_bytes`], counted anew.
    pub(super) fn recount_held(&self) -> usize {
        let older = self.older.iter().map(|segment| match &segment.bytes {
            Bytes::Own(buffer) => buffer.capacity(),
            Bytes::Shared(frames) => frames.len(),
        });
        self.tail.capacity() + older.sum::<usize>()
    }

    /// The buffers that it alone holds, and those that it shares, each with how many share it: to audit what a pool has
    /// handed out.
    #[cfg(feature = "sim")]
    pub(crate) fn audit_buffers(&self, mut own: impl FnMut(usize), mut shared: impl FnMut(*const u8, usize)) {
        own(self.tail.capacity());
        for segment in &self.older {
            match &segment.bytes {
                Bytes::Own(buffer) => own(buffer.capacity()),
                Bytes::Shared(frames) => shared(frames.as_ptr(), frames.len()),
            }
        }
    }

    /// A message with a body of this length surely fits into an outbox of at most `bytes_max`.
    pub(crate) const fn has_room(&self, body_bytes: usize, bytes_max: u32) -> bool {
        self.fits(body_bytes + OVERHEAD_BYTES_MAX as usize, bytes_max)
    }

    /// Frames of this many bytes fit into an outbox of at most `bytes_max`.
    pub(crate) const fn fits(&self, bytes: usize, bytes_max: u32) -> bool {
        self.kept_bytes() + bytes <= bytes_max as usize
    }

    /// Bytes of frames that the transport has not taken.
    pub(crate) const fn unwritten_bytes(&self) -> usize {
        self.unwritten as usize
    }

    /// Nothing is to be written.
    pub(crate) const fn is_written(&self) -> bool {
        self.preface_left == 0 && self.unwritten == 0
    }

    /// No frame is to be written.
    pub(crate) const fn has_only_preface(&self) -> bool {
        self.unwritten == 0
    }

    /// Numbered frames are kept.
    pub(crate) const fn awaits_ack(&self) -> bool {
        self.acknowledged < self.numbered
    }

    /// How many numbered frames the peer has acknowledged.
    pub(crate) const fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// How many segments it lies in.
    pub(crate) fn segments(&self) -> u32 {
        self.tail_position().segment + 1
    }

    /// The number that the next numbered frame gets.
    pub(crate) const fn next_number(&self) -> u64 {
        self.numbered + 1
    }

    /// Reads where the next frame is put, so that it is near in memory by then.
    #[inline]
    pub(crate) fn prefetch_end(&self) {
        black_box(self.tail.last().copied());
    }

    // ---- where things are ----

    pub(super) fn start_position(&self) -> Position {
        Position { segment: 0, offset: self.start }
    }

    /// Where the tail begins.
    pub(super) fn tail_position(&self) -> Position {
        Position { segment: small(self.older.len()), offset: 0 }
    }

    /// The bytes of a segment; none after the tail.
    pub(super) fn segment(&self, segment: u32) -> Option<&[u8]> {
        match self.older.get(segment as usize) {
            Some(older) => Some(older.bytes.as_slice()),
            None => (segment == self.tail_position().segment).then_some(&self.tail),
        }
    }

    pub(super) fn numbered_in(&self, segment: u32) -> u32 {
        self.older.get(segment as usize).map_or(self.tail_numbered, |older| older.numbered)
    }

    pub(super) fn invariants(&self) {
        debug_assert!(self.unwritten <= self.kept, "what is gone was written first");
        debug_assert!(self.start_position() <= self.written, "what is gone was written first");
        debug_assert!(self.written <= self.tail_position().plus(self.tail.len()), "what was written was put in first");
        debug_assert!(self.acknowledged <= self.numbered, "what is acknowledged was put in first");
        debug_assert!(self.held_bytes() == self.recount_held(), "what is held is what the segments hold");
    }
}
