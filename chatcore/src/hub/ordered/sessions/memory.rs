//! What peers make the hub keep.

use alloc::collections::BTreeSet;

use slab::Slab;

use super::session::Session;
use crate::hub::conn::{Conn, ConnState};

/// Sessions of one size class that are compared, at the most.
const COMPARED_MAX: usize = 8;

/// Slots that one search for smaller sessions looks at.
const SEARCHED_MAX: usize = 1024;

/// Bytes that a hub keeps for its peers ([`Hub::memory`](crate::Hub::memory)), by kind (protocol.md, *Bounds*). The
/// fixed size of each session and room is not in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Memory {
    /// Bytes in the outboxes of sessions that have a connection.
    pub outboxes: u64,
    /// Bytes in the outboxes of detached sessions. Bytes that they share with other outboxes may count here alone.
    pub detached: u64,
    /// Bytes that are still to be written to closing connections, or to be reported to the senders of ended sessions'
    /// messages.
    pub closing: u64,
    /// Bytes of frames that are not whole, which the driver keeps.
    pub partial: u64,
}

impl Memory {
    /// The sum of all kinds, which [`Limits::buffer_bytes_max`](crate::Limits::buffer_bytes_max) bounds.
    pub const fn total(&self) -> u64 {
        self.outboxes + self.detached + self.closing + self.partial
    }
}

/// Which sessions and connections hold the buffers.
#[derive(Debug, Default)]
pub(in crate::hub) struct Buffers {
    pub(in crate::hub) detached: u64,
    pub(in crate::hub) closing: u64,
    pub(in crate::hub) partial: u64,
    /// Large sessions, by the account of their origin and their size class.
    large: BTreeSet<(u32, u8, usize)>,
    /// Where the next search for smaller ones begins.
    search_from: usize,
    /// The same among connections.
    search_conns_from: usize,
}

impl Buffers {
    pub(in crate::hub) const fn memory(&self, handed_out: u64) -> Memory {
        let beside = self.detached + self.closing;
        let (outboxes, detached) = if handed_out >= beside {
            (handed_out - beside, self.detached)
        } else {
            (0, handed_out.saturating_sub(self.closing))
        };
        Memory { outboxes, detached, closing: self.closing, partial: self.partial }
    }

    /// A session holds more or less than before. From this many bytes on it is found by its size.
    pub(in crate::hub) fn list(&mut self, index: usize, session: &mut Session, bytes_min: usize) {
        let class = size_class(session.buffer_bytes(), bytes_min);
        if class != session.size_class {
            self.unlist(index, session);
            if class > 0 && !session.is_closing {
                session.size_class = class;
                // A set that never becomes empty allocates nothing when one comes and goes.
                if self.large.is_empty() {
                    self.large.insert((u32::MAX, 0, usize::MAX));
                }
                self.large.insert((session.share.account(), class, index));
            }
        }
    }

    /// A session goes, or changes its origin.
    pub(in crate::hub) fn unlist(&mut self, index: usize, session: &mut Session) {
        if session.size_class > 0 {
            self.large.remove(&(session.share.account(), session.size_class, index));
            session.size_class = 0;
        }
    }

    /// The session of an origin that holds most; of several that hold about as much, the one that has acknowledged
    /// nothing for the longest time.
    pub(in crate::hub) fn largest_of(&mut self, account: u32, sessions: &Slab<Session>) -> Option<usize> {
        let (_, class, _) = self.large.range((account, 0, 0)..=(account, u8::MAX, usize::MAX)).next_back()?;
        let as_large = self.large.range((account, *class, 0)..=(account, *class, usize::MAX)).take(COMPARED_MAX);
        as_large.map(|(_, _, index)| *index).min_by_key(|index| sessions[*index].unacked_since)
    }

    /// The same among smaller sessions of some accounts, of which some are looked at: none if none of those holds
    /// anything.
    pub(in crate::hub) fn search_of(
        &mut self,
        is_of: impl Fn(u32) -> bool,
        sessions: &Slab<Session>,
        slots: usize,
    ) -> Option<usize> {
        let candidates = next_slots(&mut self.search_from, slots);
        let of_account = |index: &usize| {
            let session = sessions.get(*index);
            session.is_some_and(|session| is_of(session.share.account()) && !session.is_closing)
        };
        let found = candidates.filter(of_account).max_by_key(|index| sessions[*index].share.bytes());
        found.filter(|index| sessions[*index].share.bytes() > 0)
    }

    /// The closing connection of some accounts that holds most, of some that are looked at.
    pub(in crate::hub) fn search_closing(
        &mut self,
        is_of: impl Fn(u32) -> bool,
        conns: &Slab<Conn>,
        slots: usize,
    ) -> Option<usize> {
        let held = |index: &usize| match &conns.get(*index)?.state {
            ConnState::Closing(closing) if !closing.is_over && is_of(closing.share.account()) => {
                Some(closing.outbox.held_bytes()).filter(|bytes| *bytes > 0)
            }
            _ => None,
        };
        let candidates = next_slots(&mut self.search_conns_from, slots);
        candidates.filter_map(|index| Some((held(&index)?, index))).max().map(|(_, index)| index)
    }
}

/// The slots that a search looks at, which begins where the last one ended.
fn next_slots(from: &mut usize, slots: usize) -> impl Iterator<Item = usize> + use<> {
    let (start, slots) = (*from, slots.max(1));
    *from = (start + SEARCHED_MAX) % slots;
    (0..SEARCHED_MAX.min(slots)).map(move |step| (start + step) % slots)
}

/// Which power of two above the smallest listed size it is; 0 if it is below.
fn size_class(bytes: usize, bytes_min: usize) -> u8 {
    let times = bytes / bytes_min;
    times.checked_ilog2().and_then(|class| u8::try_from(class + 1).ok()).unwrap_or_default()
}
