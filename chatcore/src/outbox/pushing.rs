//! What is put into an outbox.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;

use super::contents::Outbox;
use super::pool::{self, Class, Pool};
use super::segment::{Bytes, Mark, Position, Segment, of_frames, small};
use super::tally;
use crate::wire::{HEAD_ROOM, Head, Message};

impl Outbox {
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

    pub(super) fn give_back(&mut self, buffer: Vec<u8>, pool: &mut Pool) {
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
}
