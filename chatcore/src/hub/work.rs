//! How much one call of a hub does.

/// Bytes that are copied for one unit of work, at the most.
const COPIED_BYTES: usize = 1024;

/// Units of work that one [`Hub::receive`](super::Hub::receive) begins with. It goes on beyond that until the step is
/// done that uses it up.
pub(super) const CALL_WORK_MAX: u32 = 8_192;

/// The same of one slice of what a hub does by itself.
pub(super) const SLICE_WORK_MAX: u32 = 2_048;

/// Units for a name that has to be mapped by the tables of Unicode.
pub(super) const MAPPING_WORK: u32 = 32;

/// Slots of a list that one unit of work passes over.
pub(super) const SLOTS: usize = 16;

/// A budget of work. A unit is a frame taken, a frame put into an outbox, a session or a group looked at; and 1 KiB
/// copied.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    left: i64,
    spent: u32,
}

impl Work {
    pub(super) const fn new(units: u32) -> Self {
        Self { left: units as i64, spent: 0 }
    }

    #[inline]
    pub(super) const fn is_spent(&self) -> bool {
        self.left <= 0
    }

    #[inline]
    pub(super) const fn spend(&mut self, units: u32) {
        self.left -= units as i64;
        self.spent = self.spent.saturating_add(units);
    }

    pub(super) const fn spent(&self) -> u32 {
        self.spent
    }
}

/// Units for a frame with so many bytes.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "frames and batches are bounded far below 4 TiB")]
pub(super) const fn of_bytes(bytes: usize) -> u32 {
    1 + (bytes / COPIED_BYTES) as u32
}

/// Units that one call does at the most, with these limits: what it begins with, and the longest step that may begin
/// before it is used up. The longest steps are a message or a batch of one room, a list of names, a page, and the end of
/// a session.
#[cfg(any(test, feature = "sim"))]
pub(super) fn of_call_max(limits: &crate::limits::Limits) -> u32 {
    let message = 2 * of_bytes(limits.body_bytes_max as usize + (64 << 10));
    let names = limits.watches_max * (MAPPING_WORK + 4);
    let end = 2 * (limits.rooms_of_user_max + limits.watches_max) + limits.announced_members_max;
    let page = 600 + 1024 / 16;
    CALL_WORK_MAX + 2 * SLICE_WORK_MAX + message + names + end + page
}
