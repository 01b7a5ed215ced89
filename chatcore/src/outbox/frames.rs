//! The frames of an outbox, one after another.

use super::contents::Outbox;
use super::segment::Position;
use super::tally;
use alloc::vec::Vec;

use crate::wire::{self, Content, Kind};

/// How far somebody has gone through the frames that are not acknowledged.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cursor {
    at: Position,
    /// Numbered frames before it.
    passed: u64,
}

/// Numbered frames that another client is to get.
#[derive(Debug, Default)]
pub(crate) struct Copied {
    pub(crate) frames: Vec<u8>,
    /// How many they are.
    pub(crate) count: u32,
    /// How many of them, from the first on, may have arrived.
    pub(crate) arrived: u32,
}

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

impl Outbox {
    pub(super) fn frames(&self) -> Frames<'_> {
        Frames { outbox: self, at: self.start_position() }
    }

    /// The number of the first numbered frame that is not wholly written: the peer cannot have this one or any after
    /// it.
    pub(crate) fn first_unwritten(&self) -> u64 {
        self.first_unwritten_and_broken().0
    }

    /// The same, with the frame that is half written.
    pub(super) fn first_unwritten_and_broken(&self) -> (u64, Option<Frame<'_>>) {
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

    /// The frames of some kinds that are kept.
    pub(crate) fn copy_of(&self, is_wanted: impl Fn(Kind) -> bool) -> Copied {
        let (mut copied, mut cursor) = (Copied::default(), Cursor::default());
        loop {
            let (start, at) = (self.start_position(), cursor.at);
            let Some((content, may_have_arrived)) = self.next_kept(&mut cursor) else { return copied };
            if is_wanted(content.kind) {
                let frame = Frames { outbox: self, at: at.max(start) }.next().expect("it was there");
                copied.frames.extend_from_slice(frame.bytes);
                copied.count += 1;
                copied.arrived += u32::from(may_have_arrived);
            }
        }
    }

    /// The last frames that were put in, this many of them from the first on, may have arrived at another client.
    pub(crate) const fn put_again(&mut self, copied: &Copied) {
        self.handed_over = self.numbered - (copied.count - copied.arrived) as u64;
    }

    /// The next frame that is kept, with whether it may have arrived: because it went out whole, on this connection or
    /// one before. The cursor moves past it. None after the last.
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
}
