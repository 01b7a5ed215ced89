//! What of an outbox goes to the transport.

use super::chunks::Chunks;
use super::contents::Outbox;
use super::pool::Pool;
use super::segment::{Mark, Position, of_frames, small};
use super::tally;
use crate::wire::{self, PREFACE_BYTES};

impl Outbox {
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
        assert!(
            left_over <= self.unwritten_bytes(),
            "the driver reports more bytes as transmitted than it was given: it reports what was taken of transmit(), once"
        );
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
}
