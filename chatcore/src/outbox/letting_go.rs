//! What leaves an outbox: frames that are acknowledged, frames that nobody acknowledges, and what moves to another
//! connection.

use core::mem;

use super::contents::Outbox;
use super::frames::{Frame, Frames};
use super::pool::{self, Class, Pool};
use super::segment::{Bytes, Mark, Position, Segment, small, small_count};
use super::tally;
use crate::wire::{HEADER_BYTES, ProtocolError};

/// Frames that nobody acknowledges and that one call lets go of beside those that it is about: more than what opens a
/// connection.
const DISCARDED_MAX: u32 = 256;

impl Outbox {
    /// The peer has everything up to `count`. Returns how many segments and frames it lets go of one by one; none if
    /// the count is repeated or older. A count that was never written is a protocol error of the peer.
    pub(crate) fn acknowledge(&mut self, count: u64, pool: &mut Pool) -> Result<Option<u32>, ProtocolError> {
        tally::called(0);
        if count <= self.acknowledged {
            return Ok(None);
        }
        let (start, numbered) = self.position_after(count)?;
        for _ in 0..start.segment {
            self.drop_first(pool);
        }
        self.advance(start.offset, numbered);
        self.acknowledged = count;
        let discarded = self.discard_unnumbered(0, pool);
        self.invariants();
        Ok(Some(start.segment + numbered + discarded))
    }

    /// The position after the numbered frame of this count, and how many of those before it are in the same segment.
    fn position_after(&self, count: u64) -> Result<(Position, u32), ProtocolError> {
        let mut acknowledged = self.acknowledged;
        let mut at = self.start_position();
        loop {
            tally::walked(1);
            let too_many = ProtocolError::AckBeyondSent { acknowledged: count, sent: acknowledged };
            let Some(segment) = self.segment(at.segment) else { return Err(too_many) };
            let of_segment = u64::from(self.numbered_in(at.segment));
            let end = Position { offset: small(segment.len()), ..at };
            let is_tail = end.segment == self.tail_position().segment;
            // Most of the time all of it is acknowledged at once, and its frames need not be looked at.
            if acknowledged + of_segment <= count && end <= self.written {
                acknowledged += of_segment;
                match acknowledged == count {
                    true if is_tail => return Ok((end, self.tail_numbered)),
                    true => return Ok((Position { segment: at.segment + 1, offset: 0 }, 0)),
                    false => at = Position { segment: at.segment + 1, offset: 0 },
                }
                continue;
            }
            let mark = self.tail_mark;
            if is_tail && mark.numbered > 0 && acknowledged + u64::from(mark.numbered) == count {
                return Ok((Position { offset: mark.offset, ..at }, mark.numbered));
            }
            let before = acknowledged;
            for frame in (Frames { outbox: self, at }).take_while(|frame| frame.end <= end.min(self.written)) {
                acknowledged += u64::from(frame.kind.is_numbered());
                if acknowledged == count {
                    return Ok((frame.end, small_count(acknowledged - before)));
                }
            }
            return Err(ProtocolError::AckBeyondSent { acknowledged: count, sent: acknowledged });
        }
    }

    /// Takes off what a peer that comes back has: everything up to `count`. An error if that was let go of already, or
    /// was never written: then the session cannot go on.
    pub(crate) fn resume_at(&mut self, count: u64, pool: &mut Pool) -> Result<(), ProtocolError> {
        if count < self.acknowledged {
            return Err(ProtocolError::AckBeyondSent { acknowledged: self.acknowledged, sent: count });
        }
        self.acknowledge(count, pool).map(drop)
    }

    /// Begins anew on another connection, with an opening that holds no numbered frame: what is not acknowledged is to
    /// be written again after it. The segments move; at most one of them is copied. Unnumbered frames between numbered
    /// ones are written again, too: acknowledgements, pings and pongs say nothing when they come late.
    pub(crate) fn restart(&mut self, opening: Self, pool: &mut Pool) {
        debug_assert!(opening.older.is_empty() && opening.numbered == 0, "an opening is short, and not numbered");
        self.handed_over = self.handed_over.max(self.first_unwritten() - 1);
        // What opened the last connection must not come again. Nothing counts as unwritten before it is dropped.
        (self.written, self.unwritten) = (self.tail_position().plus(self.tail.len()), 0);
        self.discard_unnumbered(0, pool);
        self.strip_front(pool);
        let Self { tail, preface_left, kept, held, .. } = opening;
        self.kept += kept;
        self.held += held;
        self.preface_left = preface_left;
        (self.written, self.unwritten, self.tail_mark) = (Position::default(), self.kept, Mark::default());
        if tail.is_empty() {
            self.give_back(tail, pool);
        } else if self.kept == kept {
            // Nothing else is left: what comes goes after the opening.
            let empty = mem::replace(&mut self.tail, tail);
            self.give_back(empty, pool);
        } else {
            if self.older.capacity() == 0 {
                self.older = pool.take_list();
            }
            self.older.push_front(Segment { bytes: Bytes::Own(tail), numbered: 0 });
        }
        self.opens_numbered = false;
        self.invariants();
    }

    /// Lets the first segment begin with a frame that is kept.
    fn strip_front(&mut self, pool: &mut Pool) {
        let start = mem::take(&mut self.start) as usize;
        if start == 0 {
            return;
        }
        match self.older.front() {
            None => {
                self.tail.drain(..start);
                tally::copied(self.tail.len());
            }
            Some(first) => {
                let rest = &first.bytes.as_slice()[start..];
                let mut copy = pool.take(Class::default(), rest.len());
                copy.extend_from_slice(rest);
                tally::copied(rest.len());
                self.held += small(copy.capacity());
                let first = self.older.front_mut().expect("it was there");
                let old = mem::replace(&mut first.bytes, Bytes::Own(copy));
                self.release(old, pool);
            }
        }
    }

    fn release(&mut self, bytes: Bytes, pool: &mut Pool) {
        tally::walked(1);
        match bytes {
            Bytes::Own(buffer) => self.give_back(buffer, pool),
            Bytes::Shared(frames) => {
                self.held -= small(frames.len());
                pool.release(frames);
            }
        }
    }

    /// Gives all buffers back.
    pub(crate) fn give_all(mut self, pool: &mut Pool) {
        let mut older = mem::take(&mut self.older);
        for segment in older.drain(..) {
            self.release(segment.bytes, pool);
        }
        pool.give_list(older);
        let tail = mem::take(&mut self.tail);
        self.give_back(tail, pool);
    }

    /// What a connection that is given up must still be written before it can be told why: the frame that is half
    /// written. For the session's own outbox it stays as it is, but it may arrive.
    pub(crate) fn take_broken_frame(&mut self, pool: &mut Pool) -> Self {
        let mut rest = Self { preface_left: self.preface_left, ..Self::default() };
        let (number, broken) = self.first_unwritten_and_broken();
        if let Some(Frame { kind, bytes, start, .. }) = broken {
            rest.push_frames(bytes, u32::from(kind.is_numbered()), pool);
            let written = self.written.offset - start.offset;
            rest.written.offset = written;
            rest.unwritten -= written;
            if kind.is_numbered() {
                self.handed_over = self.handed_over.max(number);
            }
        }
        rest
    }

    /// Moves what is kept into one buffer of its size, if it lies in much more memory than it needs. What comes next
    /// begins in a small one.
    pub(crate) fn compact(&mut self, pool: &mut Pool) {
        const TIMES_MAX: usize = 2;
        self.class = Class::default();
        if self.held_bytes() <= TIMES_MAX * self.kept_bytes().max(pool::BYTES_MIN) {
            return;
        }
        let mut tail = pool.take_exactly(self.kept_bytes());
        let older = self.older.iter().map(|segment| segment.bytes.as_slice());
        let mut start = self.start as usize;
        for segment in older.chain([&self.tail[..]]) {
            tail.extend_from_slice(&segment[mem::take(&mut start)..]);
        }
        tally::copied(tail.len());
        let mut older = mem::take(&mut self.older);
        for segment in older.drain(..) {
            self.release(segment.bytes, pool);
        }
        pool.give_list(older);
        self.held += small(tail.capacity());
        let old = mem::replace(&mut self.tail, tail);
        self.give_back(old, pool);
        self.tail_numbered = small_count(self.numbered - self.acknowledged);
        self.written = Position::default().plus(self.kept_bytes() - self.unwritten_bytes());
        (self.start, self.tail_mark) = (0, Mark::default());
        self.invariants();
    }

    /// Lets go of written frames that nobody acknowledges, up to the first that somebody must: of as many as this many
    /// bytes hold, and some more. What is left of very many goes with later calls. Returns how many they are.
    pub(super) fn discard_unnumbered(&mut self, bytes: usize, pool: &mut Pool) -> u32 {
        let mut discarded = 0;
        while discarded < DISCARDED_MAX + small(bytes / HEADER_BYTES) {
            if self.opens_numbered || self.kept == 0 {
                break;
            }
            let Some(frame) = self.frames().next() else { unreachable!("what is kept is in frames") };
            if frame.kind.is_numbered() {
                self.opens_numbered = true;
            } else if frame.end <= self.written {
                self.advance(frame.end.offset, 0);
                self.drop_if_empty(pool);
                discarded += 1;
            } else {
                return discarded;
            }
        }
        self.drop_if_empty(pool);
        discarded
    }

    /// What lies before this offset of the first segment is gone, and this many numbered frames with it.
    fn advance(&mut self, offset: u32, numbered: u32) {
        self.kept -= offset - self.start;
        self.start = offset;
        self.opens_numbered = false;
        if let Some(first) = self.older.front_mut() {
            first.numbered -= numbered;
        } else {
            self.tail_numbered -= numbered;
            self.tail_mark.numbered = self.tail_mark.numbered.saturating_sub(numbered);
        }
    }

    /// Gives back the first segment, if there is nothing after the start in it.
    fn drop_if_empty(&mut self, pool: &mut Pool) {
        if let Some(first) = self.older.front() {
            if self.start as usize == first.bytes.as_slice().len() {
                self.drop_first(pool);
            }
        } else if self.start as usize == self.tail.len() {
            // The next tail is to be as large as this one had to be.
            if let Some(class) = Class::of(&self.tail) {
                self.class = if self.tail.len() <= self.tail.capacity() / 4 { class.smaller() } else { class };
            }
            let tail = mem::take(&mut self.tail);
            self.give_back(tail, pool);
            pool.give_list(mem::take(&mut self.older));
            (self.start, self.written, self.opens_numbered) = (0, Position::default(), false);
        }
    }

    /// Gives back the first of the older segments, which is written.
    fn drop_first(&mut self, pool: &mut Pool) {
        let Segment { bytes, .. } = self.older.pop_front().expect("there is an older segment");
        self.kept -= small(bytes.as_slice().len()) - self.start;
        (self.start, self.opens_numbered) = (0, false);
        self.written.segment -= 1;
        self.release(bytes, pool);
    }
}
