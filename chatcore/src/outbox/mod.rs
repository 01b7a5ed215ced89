//! What one end sends the other: frames in order, kept until they are acknowledged.
//!
//! The frames lie one after another as they go over the wire, so that nothing has to be remembered about them: the
//! length and the kind of each are read where they stand. They lie in segments: buffers from a [`Pool`] that are given
//! back as soon as all in them is acknowledged, or frames that other outboxes hold, too, which are shared and not
//! copied. New frames are put into the tail; a tail that is full becomes the last of the older segments. No frame lies
//! in two segments.
//!
//! ```text
//!        start            written               end
//!   gone   │  on its way     │  to be written    │
//!  ────────┼─────────────────┼───────────────────┤
//!      │   older   │   older   │      tail       │
//! ```

mod chunks;
mod frames;
mod letting_go;
mod pool;
mod tally;
#[cfg(test)]
mod tests;

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::hint::black_box;
use core::mem;

pub use self::chunks::Chunks;
use self::frames::{Frame, Frames};
use self::pool::Class;
pub(crate) use self::pool::Pool;
#[cfg(test)]
pub(crate) use self::tally::Tally;

use crate::redacted::Length;
use crate::wire::{self, Content, HEAD_ROOM, Head, Message, OVERHEAD_BYTES_MAX, PREFACE_BYTES};

/// All of the preface.
#[expect(clippy::cast_possible_truncation, reason = "it has 16 bytes")]
const PREFACE_BYTES_LEFT: u8 = PREFACE_BYTES as u8;

#[derive(Default)]
pub(crate) struct Outbox {
    /// Bytes that are kept: to be written, or not acknowledged yet.
    kept: u32,
    /// How many of those are to be written.
    unwritten: u32,
    /// Before it everything is with the transport.
    written: Position,
    /// The last segment, to which frames are added.
    tail: Vec<u8>,
    /// Numbered frames in the tail, after the start.
    tail_numbered: u32,
    /// End of the last complete flush. Peers usually acknowledge exactly this point, so `acknowledge` checks it before it
    /// scans frames.
    tail_mark: Mark,
    /// How much of the first segment is acknowledged, or was never to be.
    start: u32,
    /// What must be written before any frame: this many bytes at the end of the preface.
    preface_left: u8,
    /// How large the next tail is to be.
    class: Class,
    /// The first frame that is kept is known to be numbered.
    opens_numbered: bool,
    /// Numbered frames that were put in since the session began.
    numbered: u64,
    /// How many of those are acknowledged.
    acknowledged: u64,
    /// Up to this number they went out to connections that are gone, and may have arrived.
    handed_over: u64,
    /// The segments before the tail. None of them is empty.
    older: VecDeque<Segment>,
    /// Bytes of memory that the segments hold, whether something is in them or not.
    held: u32,
}

/// A position in an outbox: the segment, counted from the first (the tail is the last), and the offset in it. The end of an
/// older segment is the beginning of the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Position {
    segment: u32,
    offset: u32,
}

/// A position in the tail, and how many numbered frames are between the start and it.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    offset: u32,
    numbered: u32,
}

/// How far somebody has gone through the frames that are not acknowledged.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cursor {
    at: Position,
    /// Numbered frames before it.
    passed: u64,
}

#[derive(Clone, Debug)]
struct Segment {
    bytes: Bytes,
    /// Numbered frames in it, after the start.
    numbered: u32,
}

#[derive(Clone)]
enum Bytes {
    Own(Vec<u8>),
    Shared(Arc<[u8]>),
}

impl Bytes {
    fn as_slice(&self) -> &[u8] {
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

impl Position {
    fn plus(self, bytes: usize) -> Self {
        Self { offset: self.offset + small(bytes), ..self }
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

    // ---- what is put in ----

    /// Puts a message at the end. A numbered one stays until it is acknowledged; its number is returned.
    pub(crate) fn push<'a>(&mut self, message: &impl Message<'a>, pool: &mut Pool) -> u64 {
        // Its length is known when it is written, and a tail must not grow to hold it: a tail that could grow would be
        // given back only when all in it is acknowledged, which may never be.
        let mut frame = mem::take(&mut pool.scratch);
        frame.clear();
        message.encode(&mut frame);
        self.push_frames(&frame, u32::from(message.kind().is_numbered()), pool);
        if frame.capacity() <= pool::BYTES_MAX {
            pool.scratch = frame;
        }
        self.numbered
    }

    /// Puts a frame at the end.
    #[inline]
    pub(crate) fn push_frame(&mut self, head: &Head, body: &[u8], pool: &mut Pool) {
        self.reserve(HEAD_ROOM + body.len(), pool);
        head.write(body, &mut self.tail);
        tally::called(head.frame_bytes(body));
        self.pushed(head.frame_bytes(body), u32::from(head.is_numbered()));
    }

    /// Puts whole frames at the end that are encoded already, this many of them numbered.
    pub(crate) fn push_frames(&mut self, frames: &[u8], numbered: u32, pool: &mut Pool) {
        self.reserve(frames.len(), pool);
        self.tail.extend_from_slice(frames);
        tally::called(frames.len());
        self.pushed(frames.len(), numbered);
    }

    /// Puts frames at the end that are encoded already, all of them numbered, without a copy if that is less memory.
    /// Returns how many bytes were copied.
    pub(crate) fn push_shared(&mut self, frames: &Arc<[u8]>, numbered: u32, pool: &mut Pool) -> usize {
        if !self.tail.is_empty() {
            // A tail that is closed early would keep memory that nothing is in.
            if self.tail.capacity() - self.tail.len() >= frames.len() {
                self.push_frames(frames, numbered, pool);
                return frames.len();
            }
            self.close_tail(pool);
        }
        tally::called(0);
        self.append(Segment { bytes: Bytes::Shared(Arc::clone(frames)), numbered }, pool);
        let bytes = small(frames.len());
        self.held += bytes;
        self.kept += bytes;
        self.unwritten += bytes;
        self.numbered += u64::from(numbered);
        0
    }

    #[inline]
    fn pushed(&mut self, bytes: usize, numbered: u32) {
        let bytes = of_frames(bytes);
        self.kept += bytes;
        self.unwritten += bytes;
        self.tail_numbered += numbered;
        self.numbered += u64::from(numbered);
    }

    /// Makes room for this many bytes in the tail.
    #[inline]
    fn reserve(&mut self, bytes: usize, pool: &mut Pool) {
        if self.tail.capacity() - self.tail.len() < bytes {
            self.begin_tail(bytes, pool);
        }
    }

    /// Begins a tail with room for this many bytes.
    #[cold]
    fn begin_tail(&mut self, bytes: usize, pool: &mut Pool) {
        if !self.tail.is_empty() {
            self.class = Class::of(&self.tail).unwrap_or_default().larger();
            self.close_tail(pool);
        }
        let too_small = mem::replace(&mut self.tail, pool.take(self.class, bytes));
        self.held += small(self.tail.capacity());
        self.give_back(too_small, pool);
    }

    fn give_back(&mut self, buffer: Vec<u8>, pool: &mut Pool) {
        self.held -= small(buffer.capacity());
        pool.give(buffer);
    }

    /// The tail is a segment like the others, and another one begins.
    fn close_tail(&mut self, pool: &mut Pool) {
        let tail = self.tail_position();
        if self.written == tail.plus(self.tail.len()) {
            self.written = Position { segment: tail.segment + 1, offset: 0 };
        }
        let bytes = Bytes::Own(mem::take(&mut self.tail));
        let numbered = mem::take(&mut self.tail_numbered);
        self.tail_mark = Mark::default();
        self.append(Segment { bytes, numbered }, pool);
    }

    fn append(&mut self, segment: Segment, pool: &mut Pool) {
        if self.older.capacity() == 0 {
            self.older = pool.take_list();
        }
        self.older.push_back(segment);
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

    /// As [`Outbox::held_bytes`], counted anew.
    fn recount_held(&self) -> usize {
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

    /// The number of the first numbered frame that is not wholly written: the peer cannot have this one or any after it.
    pub(crate) fn first_unwritten(&self) -> u64 {
        self.first_unwritten_and_broken().0
    }

    /// The same, with the frame that is half written.
    fn first_unwritten_and_broken(&self) -> (u64, Option<Frame<'_>>) {
        let written = self.written.segment;
        tally::walked(written.into());
        let before: u64 = (0..written).map(|segment| u64::from(self.numbered_in(segment))).sum();
        let mut number = self.acknowledged + 1 + before;
        let at = Position { segment: written, offset: 0 }.max(self.start_position());
        for frame in (Frames { outbox: self, at }) {
            if frame.end > self.written {
                return (number, Some(frame).filter(|frame| frame.start < self.written));
            }
            number += u64::from(frame.kind.is_numbered());
        }
        (number, None)
    }

    /// The next frame that is kept, with whether it may have arrived: because it went out whole, on this connection or one
    /// before. The cursor moves past it. None after the last.
    pub(crate) fn next_kept(&self, cursor: &mut Cursor) -> Option<(Content<'_>, bool)> {
        let mut frames = Frames { outbox: self, at: cursor.at.max(self.start_position()) };
        let frame = frames.next();
        cursor.at = frames.at;
        let frame = frame?;
        cursor.passed += u64::from(frame.kind.is_numbered());
        let number = self.acknowledged + cursor.passed;
        let may_have_arrived = number <= self.handed_over || frame.end <= self.written;
        Some((wire::content(frame.bytes), may_have_arrived))
    }

    /// Reads where the next frame is put, so that it is near in memory by then.
    #[inline]
    pub(crate) fn prefetch_end(&self) {
        black_box(self.tail.last().copied());
    }

    // ---- what goes out ----

    /// What is to be written, in order.
    pub(crate) fn transmit(&self) -> Chunks<'_> {
        let preface = &wire::OUR_PREFACE[PREFACE_BYTES - usize::from(self.preface_left)..];
        let (segment, offset) = (self.written.segment as usize, self.written.offset as usize);
        match self.older.get(segment) {
            Some(first) => Chunks {
                preface,
                first: &first.bytes.as_slice()[offset..],
                older: self.older.range(segment + 1..),
                tail: &self.tail,
            },
            None => Chunks { preface, first: &self.tail[offset..], ..Chunks::of(&[]) },
        }
    }

    /// The transport has taken this many bytes of [`Outbox::transmit`].
    pub(crate) fn transmitted(&mut self, count: usize, pool: &mut Pool) {
        let of_preface = count.min(usize::from(self.preface_left));
        self.preface_left -= u8::try_from(of_preface).expect("it is at most what is left");
        let mut left_over = count - of_preface;
        assert!(left_over <= self.unwritten_bytes(), "the driver reports more bytes as transmitted than it was given");
        self.unwritten -= of_frames(left_over);
        while let Some(segment) = self.older.get(self.written.segment as usize) {
            let left = segment.bytes.as_slice().len() - self.written.offset as usize;
            if left_over < left {
                break;
            }
            left_over -= left;
            tally::walked(1);
            self.written = Position { segment: self.written.segment + 1, offset: 0 };
        }
        self.written = self.written.plus(left_over);
        if self.unwritten == 0 {
            self.tail_mark = Mark { offset: small(self.tail.len()), numbered: self.tail_numbered };
        }
        // Before a numbered frame nothing may go.
        if !self.opens_numbered {
            self.discard_unnumbered(count, pool);
        }
        self.invariants();
    }

    // ---- where things are ----

    fn start_position(&self) -> Position {
        Position { segment: 0, offset: self.start }
    }

    /// Where the tail begins.
    fn tail_position(&self) -> Position {
        Position { segment: small(self.older.len()), offset: 0 }
    }

    /// The bytes of a segment; none after the tail.
    fn segment(&self, segment: u32) -> Option<&[u8]> {
        match self.older.get(segment as usize) {
            Some(older) => Some(older.bytes.as_slice()),
            None => (segment == self.tail_position().segment).then_some(&self.tail),
        }
    }

    fn numbered_in(&self, segment: u32) -> u32 {
        self.older.get(segment as usize).map_or(self.tail_numbered, |older| older.numbered)
    }

    fn frames(&self) -> Frames<'_> {
        Frames { outbox: self, at: self.start_position() }
    }

    fn invariants(&self) {
        debug_assert!(self.unwritten <= self.kept, "what is gone was written first");
        debug_assert!(self.start_position() <= self.written, "what is gone was written first");
        debug_assert!(self.written <= self.tail_position().plus(self.tail.len()), "what was written was put in first");
        debug_assert!(self.acknowledged <= self.numbered, "what is acknowledged was put in first");
        debug_assert!(self.held_bytes() == self.recount_held(), "what is held is what the segments hold");
    }
}

/// Distances within a segment, and numbers of segments.
fn small(number: usize) -> u32 {
    u32::try_from(number).expect("an outbox is bounded far below that")
}

/// Bytes of frames, which were checked when they came.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "an outbox is bounded far below that")]
const fn of_frames(bytes: usize) -> u32 {
    debug_assert!(bytes <= u32::MAX as usize, "an outbox is bounded far below that");
    bytes as u32
}

fn small_count(count: u64) -> u32 {
    u32::try_from(count).expect("a segment holds fewer frames than that")
}
