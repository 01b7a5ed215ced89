//! What is to be written, without a copy.

use alloc::collections::vec_deque;
use alloc::vec::Vec;

use super::{Shared, to_usize};

/// Bytes that are to be written, as pieces in order. None of them is copied, and none is empty.
#[derive(Clone, Debug)]
pub struct Chunks<'a> {
    pub(super) preface: &'a [u8],
    /// The rest of a shared frame.
    pub(super) partial: &'a [u8],
    pub(super) own: &'a [u8],
    /// How many bytes of own frames lie before those.
    pub(super) own_at: u64,
    pub(super) shared: vec_deque::Iter<'a, Shared>,
}

impl<'a> Chunks<'a> {
    /// One piece.
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Self { preface: bytes, partial: &[], own: &[], own_at: 0, shared: vec_deque::Iter::default() }
    }

    /// Nothing is to be written.
    pub fn is_empty(&self) -> bool {
        self.clone().next().is_none()
    }

    /// All of it in one piece: a copy.
    pub fn concat(self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.for_each(|chunk| bytes.extend_from_slice(chunk));
        bytes
    }

    /// The first pieces as slices for a vectored write, as many as there is room for; how many those are. What does
    /// not fit is for the next write.
    pub fn fill(self, slices: &mut [&'a [u8]]) -> usize {
        slices.iter_mut().zip(self).map(|(slice, chunk)| *slice = chunk).count()
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        for first in [&mut self.preface, &mut self.partial] {
            if !first.is_empty() {
                return Some(core::mem::take(first));
            }
        }
        let next = self.shared.clone().next();
        match next.map(|shared| to_usize(shared.own_before - self.own_at)) {
            Some(0) => self.shared.next().map(|shared| &*shared.frame),
            Some(bytes) => {
                let (own, rest) = self.own.split_at(bytes);
                self.own = rest;
                self.own_at += bytes as u64;
                Some(own)
            }
            None => Some(core::mem::take(&mut self.own)).filter(|own| !own.is_empty()),
        }
    }
}
