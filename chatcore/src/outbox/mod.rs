//! What one side still owes the other: frames in order, kept until they are acknowledged.
//!
//! The frames lie one after another as they go over the wire, so that nothing has to be remembered about
//! them: the length and the kind of each are read where they stand. A long frame that many outboxes hold is
//! shared instead of copied, and only its place is remembered.
//!
//! ```text
//!            start              written              end
//!   gone       │   on its way      │   to be written   │
//!  ────────────┼───────────────────┼───────────────────┤
//! ```
//!
//! All places are counted in bytes since the connection began, shared frames included, so that none of them
//! moves when what lies before it is let go.

mod chunks;
mod frames;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

pub use self::chunks::Chunks;
use self::frames::{Bytes, Frames};

use crate::wire::{self, Content, Fault, Kind, Message, OVERHEAD_BYTES_MAX, PREFACE_BYTES};

/// A buffer of at most this many bytes is kept while it is empty; a larger one is given back.
const IDLE_BYTES_MAX: usize = 512;

/// All of the preface.
#[expect(clippy::cast_possible_truncation, reason = "it has 16 bytes")]
const PREFACE_BYTES_LEFT: u8 = PREFACE_BYTES as u8;

static NONE_SHARED: VecDeque<Shared> = VecDeque::new();

#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox {
    /// What must be written before any frame: so many bytes at the end of the preface.
    preface_left: u8,
    /// The frames that are this outbox's own.
    own: Vec<u8>,
    /// How many bytes of its own frames were let go.
    own_gone: u64,
    /// The frames that are shared, in order. Most outboxes have none, and are smaller for it.
    #[expect(clippy::box_collection, reason = "there is one outbox for each user, and seldom a shared frame")]
    shared: Option<Box<VecDeque<Shared>>>,
    /// Before it everything is acknowledged, or was never to be.
    start: u64,
    /// Before it everything is with the transport.
    written: u64,
    end: u64,
    /// Numbered frames that were put in since the session began.
    numbered: u64,
    /// How many of those are acknowledged.
    acknowledged: u64,
    /// Up to this number they went out to connections that are gone, and may have arrived.
    handed_over: u64,
}

/// A frame that other outboxes hold, too.
#[derive(Clone, Debug)]
struct Shared {
    at: u64,
    /// How many bytes of own frames lie before it.
    own_before: u64,
    frame: Arc<[u8]>,
}

impl Shared {
    fn end(&self) -> u64 {
        self.at + self.frame.len() as u64
    }
}

impl Outbox {
    /// An outbox whose first bytes are our preface.
    pub(crate) fn with_preface() -> Self {
        Self { preface_left: PREFACE_BYTES_LEFT, ..Self::default() }
    }

    /// Of a session that the peer knows, so many numbered frames have arrived, and none of them is kept here.
    pub(crate) fn continue_from(&mut self, count: u64) {
        debug_assert!(self.numbered == 0, "a session goes on before anything is put in");
        (self.numbered, self.acknowledged) = (count, count);
    }

    /// Puts a message at the end. A numbered one stays until it is acknowledged; its number is returned.
    pub(crate) fn push<'a>(&mut self, message: &impl Message<'a>) -> u64 {
        let before = self.own.len();
        message.encode(&mut self.own);
        self.pushed(message.kind(), self.own.len() - before)
    }

    /// Puts a frame at the end that is encoded already.
    pub(crate) fn push_frame(&mut self, frame: &[u8]) -> u64 {
        self.own.extend_from_slice(frame);
        self.pushed(wire::measure(frame).0, frame.len())
    }

    /// Puts a frame at the end that is encoded already, without a copy.
    pub(crate) fn push_shared(&mut self, frame: &Arc<[u8]>) -> u64 {
        let own_before = self.own_gone + self.own.len() as u64;
        self.shared.get_or_insert_default().push_back(Shared { at: self.end, own_before, frame: Arc::clone(frame) });
        self.pushed(wire::measure(frame).0, frame.len())
    }

    fn pushed(&mut self, kind: Kind, bytes: usize) -> u64 {
        self.end += bytes as u64;
        self.numbered += u64::from(kind.is_numbered());
        self.numbered
    }

    /// Bytes that are kept: to be written, or not acknowledged yet.
    pub(crate) fn kept_bytes(&self) -> usize {
        usize::try_from(self.end - self.start).expect("an outbox is bounded far below that")
    }

    /// A message with a body of this length surely fits into an outbox of at most `bytes_max`.
    pub(crate) fn has_room(&self, body_bytes: usize, bytes_max: u32) -> bool {
        self.kept_bytes() + body_bytes + OVERHEAD_BYTES_MAX as usize <= bytes_max as usize
    }

    /// Nothing is to be written.
    pub(crate) fn is_written(&self) -> bool {
        self.preface_left == 0 && self.written == self.end
    }

    /// No frame is to be written.
    pub(crate) fn has_only_preface(&self) -> bool {
        self.written == self.end
    }

    /// Numbered frames are kept.
    pub(crate) fn awaits_ack(&self) -> bool {
        self.acknowledged < self.numbered
    }

    /// What is to be written, in order.
    pub(crate) fn transmit(&self) -> Chunks<'_> {
        // Shared frames that are written, wholly or in part, have their beginning before here.
        let shared = self.shared();
        let begun = shared.partition_point(|shared| shared.at < self.written);
        let (mut at, mut own_at, mut partial) = (self.written, self.own_gone, &[][..]);
        if let Some(last) = begun.checked_sub(1).map(|last| &shared[last]) {
            let left = last.end().saturating_sub(self.written);
            partial = &last.frame[last.frame.len() - to_usize(left)..];
            at += left;
            own_at = last.own_before + (at - last.end());
        } else {
            // Places are counted from the beginning, in which everything that is gone was own or shared.
            own_at += at - self.own_start();
        }
        Chunks {
            preface: self.preface(),
            partial,
            own: &self.own[to_usize(own_at - self.own_gone)..],
            own_at,
            shared: shared.range(begun..),
        }
    }

    /// Where the first byte of `own` lies, if no shared frame lies before it that is still held.
    fn own_start(&self) -> u64 {
        let first = self.shared().front();
        first.map_or(self.end - self.own.len() as u64, |first| first.at - (first.own_before - self.own_gone))
    }

    /// The transport has taken this many bytes of [`Outbox::transmit`].
    pub(crate) fn transmitted(&mut self, count: usize) {
        let of_preface = count.min(usize::from(self.preface_left));
        self.preface_left -= u8::try_from(of_preface).expect("it is at most what is left");
        let of_frames = (count - of_preface) as u64;
        assert!(of_frames <= self.end - self.written, "the driver reports more bytes as transmitted than it was given");
        self.written += of_frames;
        self.discard_unnumbered();
        self.invariants();
    }

    /// The peer has everything up to `count`. True if that is news: repeated and older counts are not. A
    /// count that was never written is its fault.
    pub(crate) fn acknowledge(&mut self, count: u64) -> Result<bool, Fault> {
        let (mut start, mut acknowledged) = (self.start, self.acknowledged);
        let mut frames = self.frames();
        while acknowledged < count {
            let frame = frames.next().filter(|frame| frame.end <= self.written);
            let Some(frame) = frame else {
                return Err(Fault::AckBeyondSent { acknowledged: count, sent: acknowledged });
            };
            start = frame.end;
            acknowledged += u64::from(frame.kind.is_numbered());
        }
        let is_news = acknowledged > self.acknowledged;
        (self.start, self.acknowledged) = (start, acknowledged);
        self.discard_unnumbered();
        self.invariants();
        Ok(is_news)
    }

    /// A peer that comes back says what it has: everything up to `count`. A count that was let go already, or that was
    /// never written, is nothing to go on from.
    pub(crate) fn settle(&mut self, count: u64) -> Result<(), Fault> {
        if count < self.acknowledged {
            return Err(Fault::AckBeyondSent { acknowledged: self.acknowledged, sent: count });
        }
        self.acknowledge(count).map(drop)
    }

    /// Takes over what another outbox of the same session still owes: its numbered frames, to be written again.
    /// Unnumbered ones belonged to the connection that is gone.
    pub(crate) fn adopt(&mut self, old: &Self) {
        self.continue_from(old.acknowledged);
        self.handed_over = old.handed_over.max(old.first_unwritten() - 1);
        for frame in old.frames().filter(|frame| frame.kind.is_numbered()) {
            match frame.bytes {
                Bytes::Own(bytes) => self.push_frame(bytes),
                Bytes::Shared(bytes) => self.push_shared(bytes),
            };
        }
        self.invariants();
    }

    /// What a connection that is given up must still be written before it can be told why: the frame that is half
    /// written. For the session's own outbox it stays as it is, but it may arrive.
    pub(crate) fn take_broken_frame(&mut self) -> Self {
        let mut rest = Self { preface_left: self.preface_left, ..Self::default() };
        let broken = self.frames().find(|frame| frame.end > self.written);
        if let Some(frame) = broken.filter(|frame| frame.start < self.written) {
            rest.push_frame(frame.bytes.as_slice());
            rest.written = self.written - frame.start;
            if frame.kind.is_numbered() {
                self.handed_over = self.handed_over.max(self.first_unwritten());
            }
        }
        rest
    }

    /// An unnumbered frame of this kind, put in before all numbered ones, has not gone out whole.
    pub(crate) fn still_opens_with(&self, kind: Kind) -> bool {
        self.frames().take_while(|frame| !frame.kind.is_numbered()).any(|frame| frame.kind == kind)
    }

    /// The number of the first numbered frame that is not wholly written: the peer cannot have this one or any behind it.
    pub(crate) fn first_unwritten(&self) -> u64 {
        let written = self.frames().take_while(|frame| frame.end <= self.written);
        self.acknowledged + 1 + written.filter(|frame| frame.kind.is_numbered()).count() as u64
    }

    /// How many numbered frames the peer has acknowledged.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// The number that the next numbered frame gets.
    pub(crate) fn next_number(&self) -> u64 {
        self.numbered + 1
    }

    /// The numbered frames that are not acknowledged, each with whether it may have arrived: because it went out whole,
    /// on this connection or one before.
    pub(crate) fn unacknowledged(&self) -> impl Iterator<Item = (Content<'_>, bool)> {
        let numbered = self.frames().filter(|frame| frame.kind.is_numbered());
        (self.acknowledged + 1..).zip(numbered).map(|(number, frame)| {
            let may_have_arrived = number <= self.handed_over || frame.end <= self.written;
            (wire::content(frame.bytes.as_slice()), may_have_arrived)
        })
    }

    fn frames(&self) -> Frames<'_> {
        Frames {
            at: self.start,
            own: &self.own[to_usize(self.own_at_start() - self.own_gone)..],
            own_at: self.own_at_start(),
            shared: self.shared().iter(),
        }
    }

    /// How many bytes of own frames lie before the start.
    fn own_at_start(&self) -> u64 {
        // No shared frame before the start is held.
        self.own_gone + (self.start - self.own_start())
    }

    /// Lets go of written frames that nobody acknowledges, up to the first that somebody must.
    fn discard_unnumbered(&mut self) {
        self.drop_shared();
        let written = self.written;
        let start = self
            .frames()
            .take_while(|frame| !frame.kind.is_numbered() && frame.end <= written)
            .last()
            .map(|frame| frame.end);
        if let Some(start) = start {
            self.start = start;
            self.drop_shared();
        }
        self.reclaim();
    }

    /// Lets go of shared frames before the start.
    fn drop_shared(&mut self) {
        let Some(shared) = &mut self.shared else { return };
        while let Some(first) = shared.pop_front_if(|first| first.end() <= self.start) {
            let own = to_usize(first.own_before - self.own_gone);
            self.own.drain(..own);
            self.own_gone += own as u64;
        }
    }

    /// Gives memory back: all of it when nothing is kept, and what lies before the start once it is the
    /// larger half, so that a byte is moved once on average at the most.
    fn reclaim(&mut self) {
        if self.start == self.end {
            self.own_gone += self.own.len() as u64;
            self.own.clear();
            if self.own.capacity() > IDLE_BYTES_MAX {
                self.own = Vec::new();
            }
            self.shared = None;
            return;
        }
        let gone = to_usize(self.own_at_start() - self.own_gone);
        if gone > self.own.len() / 2 {
            self.own.drain(..gone);
            self.own_gone += gone as u64;
        }
    }

    fn shared(&self) -> &VecDeque<Shared> {
        self.shared.as_deref().unwrap_or(&NONE_SHARED)
    }

    fn preface(&self) -> &'static [u8] {
        &wire::OUR_PREFACE[PREFACE_BYTES - usize::from(self.preface_left)..]
    }

    fn invariants(&self) {
        debug_assert!(self.start <= self.written, "what is gone was written first");
        debug_assert!(self.written <= self.end, "what was written was put in first");
        debug_assert!(self.acknowledged <= self.numbered, "what is acknowledged was put in first");
        debug_assert!(self.own_start() <= self.start, "what is kept is held");
    }
}

/// Distances within an outbox, which is bounded.
fn to_usize(bytes: u64) -> usize {
    usize::try_from(bytes).expect("an outbox is bounded far below that")
}
