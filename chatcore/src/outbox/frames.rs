//! The frames of an outbox, one after another.

use super::{Outbox, Position, tally};
use crate::wire::{self, Kind};

/// A frame where it lies.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) kind: Kind,
    pub(super) start: Position,
    pub(super) end: Position,
    pub(super) bytes: &'a [u8],
}

/// The frames from a place on, in order.
pub(super) struct Frames<'a> {
    pub(super) outbox: &'a Outbox,
    pub(super) at: Position,
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        let mut segment = self.outbox.segment(self.at.segment)?;
        if self.at.offset as usize == segment.len() {
            self.at = Position { segment: self.at.segment + 1, offset: 0 };
            segment = self.outbox.segment(self.at.segment)?;
        }
        let rest = &segment[self.at.offset as usize..];
        if rest.is_empty() {
            return None;
        }
        tally::walked(1);
        let (kind, bytes) = wire::measure(rest);
        let start = self.at;
        self.at = start.plus(bytes);
        Some(Frame { kind, start, end: self.at, bytes: &rest[..bytes] })
    }
}
