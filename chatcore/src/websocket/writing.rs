//! What is to be written, frame by frame.

use alloc::vec::Vec;
use core::fmt;

use super::header::{HEADER_BYTES_MAX, Opcode, encode};
use super::mask::Mask;
use crate::redacted::Length;

/// The longest frame that a stream is put into: its header has two bytes of length.
const STREAM_FRAME_BYTES_MAX: u16 = u16::MAX;
const MASK_BYTES: usize = 4;

/// The frame that is being written. It has begun when its header is known, and started when part of that is written.
#[derive(Default)]
pub(super) struct Writer {
    /// When all of it is written, its last bytes are the mask, turned as far as the payload is written.
    header: [u8; HEADER_BYTES_MAX],
    header_bytes: u8,
    header_written: u8,
    /// Bytes of payload that are not written.
    left: u32,
    /// It is of the length that somebody said, whatever waits.
    is_message: bool,
}

impl Writer {
    pub(super) const fn has_begun(&self) -> bool {
        self.header_bytes > 0
    }

    pub(super) const fn has_started(&self) -> bool {
        self.header_written > 0
    }

    /// Begins a message of one frame.
    pub(super) fn begin_message(&mut self, opcode: Opcode, length: u32, mask: Option<Mask>) {
        debug_assert!(!self.has_begun(), "one frame is written after the other");
        self.begin(opcode, length, mask);
        self.is_message = true;
    }

    /// Lets the frame be as long as what waits, unless it has started.
    #[inline]
    pub(super) fn follow(&mut self, waiting: usize, is_client: bool, draw: impl FnOnce() -> Option<Mask>) {
        if self.has_started() || self.is_message {
            return;
        }
        let length = u16::try_from(waiting).unwrap_or(STREAM_FRAME_BYTES_MAX).into();
        if length == 0 {
            self.cancel();
        } else if !self.has_begun() || length != self.left {
            let mask = if self.has_begun() { self.mask(is_client) } else { draw() };
            self.begin(Opcode::Binary, length, mask);
        }
    }

    #[inline]
    fn begin(&mut self, opcode: Opcode, length: u32, mask: Option<Mask>) {
        self.header_bytes = encode(opcode, length, mask, &mut self.header);
        (self.header_written, self.left, self.is_message) = (0, length, false);
    }

    /// Forgets a frame that has not started.
    pub(super) fn cancel(&mut self) {
        debug_assert!(!self.has_started(), "a frame that has started is written to its end");
        (self.header_bytes, self.left, self.is_message) = (0, 0, false);
    }

    #[inline]
    pub(super) fn header(&self) -> &[u8] {
        &self.header[usize::from(self.header_written)..usize::from(self.header_bytes)]
    }

    pub(super) const fn left(&self) -> usize {
        self.left as usize
    }

    /// The mask of what is left of the payload, at a client.
    #[inline]
    pub(super) fn mask(&self, is_client: bool) -> Option<Mask> {
        if !is_client || !self.has_begun() {
            return None;
        }
        let header = &self.header[..usize::from(self.header_bytes)];
        header.last_chunk::<MASK_BYTES>().map(|key| Mask::new(*key))
    }

    /// This much of the header and of the payload is written. Returns how much was payload.
    ///
    /// # Panics
    ///
    /// If it is more than there is.
    #[inline]
    pub(super) fn transmitted(&mut self, count: usize, is_client: bool) -> usize {
        if self.header_written == 0 && count == usize::from(self.header_bytes) + self.left() {
            let payload = self.left();
            (self.header_bytes, self.left, self.is_message) = (0, 0, false);
            return payload;
        }
        let of_header = count.min(self.header().len());
        self.header_written += u8::try_from(of_header).expect("a header has at most 14 bytes");
        let payload = count - of_header;
        assert!(
            payload <= self.left(),
            "the driver reports more bytes as transmitted than it was given: it reports what was taken of transmit(), once"
        );
        self.left -= u32::try_from(payload).expect("it is at most what is left");
        if self.left == 0 && self.header_written == self.header_bytes {
            (self.header_bytes, self.header_written, self.is_message) = (0, 0, false);
        } else if let Some(mut mask) = self.mask(is_client)
            && payload > 0
        {
            mask.skip(payload);
            let end = usize::from(self.header_bytes);
            self.header[end - MASK_BYTES..end].copy_from_slice(&mask.key());
        }
        payload
    }
}

/// What is to be written now, in this order: a control frame, the header of a frame, and payload.
/// [`WebSocket::transmit`](super::WebSocket::transmit) returns it.
///
/// `Debug` shows how many bytes there are, and none of them.
#[derive(Clone, Copy)]
pub struct Outgoing<'a> {
    /// A pong or a close, or its rest.
    pub control: &'a [u8],
    /// The header of the frame that carries the payload, or its rest.
    pub header: &'a [u8],
    /// How many bytes of payload belong after the header: at most as many as wait.
    pub payload_bytes: usize,
    /// At a client, what the payload is masked with: a copy of it, because what waits may have to be written again.
    pub mask: Option<Mask>,
}

impl<'a> Outgoing<'a> {
    /// Whether there is nothing to write.
    pub const fn is_empty(&self) -> bool {
        self.control.is_empty() && self.header.is_empty() && self.payload_bytes == 0
    }

    /// How many bytes there are to write.
    pub const fn bytes(&self) -> usize {
        self.control.len() + self.header.len() + self.payload_bytes
    }

    /// All of it for a vectored write: what stands in this value, and the payload of what waits. None of the slices is
    /// empty. Nothing is copied, so it is for a server, which masks nothing.
    pub fn slices<P: Iterator<Item = &'a [u8]>>(self, waiting: P) -> impl Iterator<Item = &'a [u8]> + use<'a, P> {
        debug_assert!(self.mask.is_none(), "a client masks what it writes: `append` does");
        let mut left = self.payload_bytes;
        let payload = waiting.map_while(move |piece| {
            let piece = &piece[..piece.len().min(left)];
            left -= piece.len();
            (left > 0 || !piece.is_empty()).then_some(piece)
        });
        [self.control, self.header].into_iter().chain(payload).filter(|slice| !slice.is_empty())
    }

    /// Appends all of it to a buffer, with the payload of what waits, which is masked if it is a client's.
    pub fn append<'b>(self, waiting: impl Iterator<Item = &'b [u8]>, buffer: &mut Vec<u8>) {
        buffer.extend_from_slice(self.control);
        buffer.extend_from_slice(self.header);
        let start = buffer.len();
        for piece in waiting {
            let left = start + self.payload_bytes - buffer.len();
            if left == 0 {
                break;
            }
            buffer.extend_from_slice(&piece[..piece.len().min(left)]);
        }
        if let Some(mut mask) = self.mask {
            mask.apply(&mut buffer[start..]);
        }
    }
}

impl fmt::Debug for Outgoing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("control", &Length(self.control.len()))
            .field("header", &Length(self.header.len()))
            .field("payload_bytes", &self.payload_bytes)
            .field("mask", &self.mask)
            .finish()
    }
}
