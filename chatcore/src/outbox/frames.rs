//! The frames of an outbox, one after another.

use alloc::collections::vec_deque;
use alloc::sync::Arc;

use super::Shared;
use crate::wire::{self, Kind};

/// A frame where it lies.
pub(super) struct Frame<'a> {
    pub(super) kind: Kind,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) bytes: Bytes<'a>,
}

pub(super) enum Bytes<'a> {
    Own(&'a [u8]),
    Shared(&'a Arc<[u8]>),
}

impl<'a> Bytes<'a> {
    pub(super) fn as_slice(&self) -> &'a [u8] {
        match self {
            Self::Own(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

/// The frames from the start, in order.
pub(super) struct Frames<'a> {
    pub(super) at: u64,
    pub(super) own: &'a [u8],
    pub(super) own_at: u64,
    pub(super) shared: vec_deque::Iter<'a, Shared>,
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    #[expect(clippy::inline_always, reason = "a frame that goes through memory costs more than looking at it")]
    #[inline(always)]
    fn next(&mut self) -> Option<Frame<'a>> {
        let start = self.at;
        let (kind, bytes) = match self.shared.clone().next() {
            Some(shared) if shared.own_before == self.own_at => {
                self.shared.next();
                (wire::measure(&shared.frame).0, Bytes::Shared(&shared.frame))
            }
            _ if self.own.is_empty() => return None,
            _ => {
                let (kind, bytes) = wire::measure(self.own);
                let (frame, rest) = self.own.split_at(bytes);
                self.own = rest;
                self.own_at += bytes as u64;
                (kind, Bytes::Own(frame))
            }
        };
        self.at += bytes.as_slice().len() as u64;
        Some(Frame { kind, start, end: self.at, bytes })
    }
}
