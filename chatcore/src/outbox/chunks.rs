//! What is to be written, without a copy.

use alloc::collections::vec_deque;
use alloc::vec::Vec;
use core::fmt;

use super::segment::Segment;
use crate::redacted::Length;

/// The bytes to write, as an iterator of slices in order. The slices are borrowed, and none is empty.
/// `Debug` shows how many bytes there are, and none of the bytes, because they may hold secrets.
///
/// ```
/// use chatcore::{Client, ClientConfig, Instant};
///
/// let mut client = Client::new(Instant::ZERO, ClientConfig::default(), 7);
/// client.register(Instant::ZERO, "bob", b"")?;
/// let chunks = client.transmit();
/// let bytes = chunks.bytes();
/// let mut slices = [&[][..]; 16]; // for a vectored write
/// let filled = chunks.fill(&mut slices);
/// assert_eq!(slices[..filled].concat().len(), bytes);
/// # Ok::<(), chatcore::ClientError>(())
/// ```
#[derive(Clone)]
pub struct Chunks<'a> {
    pub(super) preface: &'a [u8],
    /// The rest of a segment that is written in part.
    pub(super) first: &'a [u8],
    pub(super) older: vec_deque::Iter<'a, Segment>,
    pub(super) tail: &'a [u8],
}

impl<'a> From<&'a [u8]> for Chunks<'a> {
    /// These bytes, in one piece.
    fn from(bytes: &'a [u8]) -> Self {
        Self::of(bytes)
    }
}

impl<'a> Chunks<'a> {
    /// One piece.
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Self { preface: bytes, first: &[], older: vec_deque::Iter::default(), tail: &[] }
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.preface.is_empty() && self.first.is_empty() && self.older.len() == 0 && self.tail.is_empty()
    }

    /// How many bytes there are.
    pub fn bytes(&self) -> usize {
        self.clone().map(<[u8]>::len).sum()
    }

    /// The first slices up to this many bytes, the last of them cut there: for a driver that lets others have their
    /// turn before it writes the rest.
    ///
    /// ```
    /// # use chatcore::{Client, ClientConfig, Instant};
    /// # let mut client = Client::new(Instant::ZERO, ClientConfig::default(), 7);
    /// # client.register(Instant::ZERO, "bob", b"")?;
    /// let chunks = client.transmit();
    /// assert!(chunks.bytes() > 20);
    /// let first: Vec<&[u8]> = chunks.take_bytes(20).collect();
    /// assert_eq!(first.concat().len(), 20);
    /// # Ok::<(), chatcore::ClientError>(())
    /// ```
    pub fn take_bytes(self, bytes_max: usize) -> impl Iterator<Item = &'a [u8]> + Clone {
        let mut left = bytes_max;
        self.map_while(move |chunk| {
            let chunk = &chunk[..chunk.len().min(left)];
            left -= chunk.len();
            (!chunk.is_empty()).then_some(chunk)
        })
    }

    /// Copies all bytes into one `Vec`.
    pub fn concat(self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.for_each(|chunk| bytes.extend_from_slice(chunk));
        bytes
    }

    /// Puts the first slices into an array for a vectored write, as many as it has room for, and returns how many. The
    /// rest is for the next write.
    pub fn fill(self, slices: &mut [&'a [u8]]) -> usize {
        slices.iter_mut().zip(self).map(|(slice, chunk)| *slice = chunk).count()
    }
}

impl fmt::Debug for Chunks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Chunks").field(&Length(self.bytes())).finish()
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        for first in [&mut self.preface, &mut self.first] {
            if !first.is_empty() {
                return Some(core::mem::take(first));
            }
        }
        match self.older.next() {
            Some(segment) => Some(segment.bytes.as_slice()),
            None => Some(core::mem::take(&mut self.tail)).filter(|tail| !tail.is_empty()),
        }
    }
}
