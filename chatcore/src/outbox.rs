//! What one side still owes the other: frames in order, kept until they are acknowledged.
//!
//! The frames lie one after another as they go over the wire, so that nothing has to be remembered about
//! them: the length and the kind of each are read where they stand.
//!
//! ```text
//!            start              written              end
//!   gone       │   on its way      │   to be written   │
//!  ────────────┼───────────────────┼───────────────────┤
//! ```

use alloc::vec::Vec;

use crate::wire::{self, Fault, Message, OVERHEAD_BYTES_MAX};

/// A buffer of at most this many bytes is kept while it is empty; a larger one is given back.
const IDLE_BYTES_MAX: usize = 512;

#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox {
    /// What must be written before any frame: the rest of the preface.
    preface: &'static [u8],
    frames: Vec<u8>,
    /// Before it everything is acknowledged, or was never to be.
    start: usize,
    /// Before it everything is with the transport.
    written: usize,
    /// Numbered frames that were put in since the session began.
    numbered: u64,
    /// How many of those are acknowledged.
    acknowledged: u64,
}

impl Outbox {
    /// An outbox whose first bytes are our preface.
    pub(crate) fn with_preface() -> Self {
        Self { preface: &wire::OUR_PREFACE, ..Self::default() }
    }

    /// Puts a message at the end. A numbered one stays until it is acknowledged; its number is returned.
    pub(crate) fn push<'a>(&mut self, message: &impl Message<'a>) -> u64 {
        if message.kind().is_numbered() {
            self.numbered += 1;
        }
        message.encode(&mut self.frames);
        self.numbered
    }

    /// Bytes that are kept: to be written, or not acknowledged yet.
    pub(crate) fn kept_bytes(&self) -> usize {
        self.frames.len() - self.start
    }

    /// A message with a body of this length surely fits into an outbox of at most `bytes_max`.
    pub(crate) fn has_room(&self, body_bytes: usize, bytes_max: u32) -> bool {
        self.kept_bytes() + body_bytes + OVERHEAD_BYTES_MAX as usize <= bytes_max as usize
    }

    /// Nothing is to be written.
    pub(crate) fn is_written(&self) -> bool {
        self.preface.is_empty() && self.written == self.frames.len()
    }

    /// Numbered frames are kept.
    pub(crate) fn awaits_ack(&self) -> bool {
        self.acknowledged < self.numbered
    }

    /// What is to be written, in order.
    pub(crate) fn transmit(&self) -> [&[u8]; 2] {
        [self.preface, &self.frames[self.written..]]
    }

    /// The transport has taken this many bytes of [`Outbox::transmit`].
    pub(crate) fn transmitted(&mut self, count: usize) {
        let of_preface = count.min(self.preface.len());
        self.preface = &self.preface[of_preface..];
        let of_frames = count - of_preface;
        assert!(
            of_frames <= self.frames.len() - self.written,
            "the driver reports more bytes as transmitted than it was given"
        );
        self.written += of_frames;
        self.discard_unnumbered();
        self.invariants();
    }

    /// The peer has everything up to `count`. True if that is news: repeated and older counts are not. A
    /// count that was never written is its fault.
    pub(crate) fn acknowledge(&mut self, count: u64) -> Result<bool, Fault> {
        let (mut start, mut acknowledged) = (self.start, self.acknowledged);
        while acknowledged < count {
            let beyond = Fault::AckBeyondSent { acknowledged: count, sent: acknowledged };
            if start == self.written {
                return Err(beyond);
            }
            let (kind, bytes) = wire::measure(&self.frames[start..]);
            if start + bytes > self.written {
                return Err(beyond);
            }
            start += bytes;
            acknowledged += u64::from(kind.is_numbered());
        }
        let is_news = acknowledged > self.acknowledged;
        (self.start, self.acknowledged) = (start, acknowledged);
        self.discard_unnumbered();
        self.invariants();
        Ok(is_news)
    }

    /// Lets go of written frames that nobody acknowledges, up to the first that somebody must.
    fn discard_unnumbered(&mut self) {
        while self.start < self.written {
            let (kind, bytes) = wire::measure(&self.frames[self.start..]);
            if kind.is_numbered() || self.start + bytes > self.written {
                break;
            }
            self.start += bytes;
        }
        self.reclaim();
    }

    /// Gives memory back: all of it when nothing is kept, and what lies before the start once it is the
    /// larger half, so that a byte is moved once on average at the most.
    fn reclaim(&mut self) {
        if self.start == self.frames.len() {
            self.frames.clear();
            if self.frames.capacity() > IDLE_BYTES_MAX {
                self.frames = Vec::new();
            }
        } else if self.start > self.frames.len() / 2 {
            self.frames.drain(..self.start);
        } else {
            return;
        }
        self.written -= self.start;
        self.start = 0;
    }

    fn invariants(&self) {
        debug_assert!(self.start <= self.written, "what is gone was written first");
        debug_assert!(self.written <= self.frames.len(), "what was written was put in first");
        debug_assert!(self.acknowledged <= self.numbered, "what is acknowledged was put in first");
        debug_assert!(self.preface.is_empty() || self.written == 0, "the preface goes first");
    }
}
