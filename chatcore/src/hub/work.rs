//! How much one call of a hub does.

/// Bytes that are copied for one unit of work, at the most.
const COPIED_BYTES: usize = 1024;

/// Units of work that one [`Hub::receive`](super::Hub::receive) begins with, at the most. It goes on beyond that until
/// the step is done that uses it up.
pub(super) const CALL_WORK_MAX: u32 = 4_096;

/// The same for a session that has caused no work lately.
pub(super) const FIRST_WORK_MAX: u32 = 256;

/// What is between the two.
pub(super) const MORE_WORK_MAX: u32 = CALL_WORK_MAX - FIRST_WORK_MAX;

/// The same of one slice of what a hub does by itself.
pub(super) const SLICE_WORK_MAX: u32 = 512;

/// The part of what a call has left that it may do for others.
const FOR_OTHERS_PART: u32 = 64;

/// Frames of an outbox that one unit of work passes over, if there is nothing to do for them.
pub(super) const PASSED: u32 = 16;

/// Slots of a list that one unit of work passes over.
pub(super) const SLOTS: usize = 16;

/// Watches of one session that one unit of work passes over.
pub(super) const SCANNED: usize = 64;

/// A budget of work. A unit is a frame taken, a frame put into an outbox, a session or a group looked at; 1 KiB
/// copied; or 16 frames that an outbox passes over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    left: i64,
    begun_with: u32,
}

impl Work {
    pub(super) const fn new(units: u32) -> Self {
        Self { left: units as i64, begun_with: units }
    }

    #[inline]
    pub(super) const fn is_spent(&self) -> bool {
        self.left <= 0
    }

    #[inline]
    pub(super) const fn spend(&mut self, units: u32) {
        self.left -= units as i64;
    }

    pub(super) fn left(&self) -> u32 {
        u32::try_from(self.left).unwrap_or_default()
    }

    /// Gives up what is left.
    fn stop(&mut self) {
        (self.begun_with, self.left) = (self.spent(), 0);
    }

    pub(super) fn spent(&self) -> u32 {
        u32::try_from(i64::from(self.begun_with) - self.left).unwrap_or(u32::MAX)
    }
}

/// What one call may do, and what it costs the session that caused it.
#[derive(Debug)]
pub(super) struct Budget {
    work: Work,
    /// Work that was done for others meanwhile.
    for_others: u32,
    /// Cost of work that is done later.
    for_later: u32,
    cost_max: u32,
}

impl Budget {
    /// A call ends with the work that it may do, or with the cost that its session may have.
    pub(super) fn new(units: u32, cost_max: u32) -> Self {
        Self { work: Work::new(units.min(cost_max)), for_others: 0, for_later: 0, cost_max }
    }

    /// Of a command of the program: a whole slice of what goes first may be done.
    pub(super) fn of_command() -> Self {
        Self::new(SLICE_WORK_MAX * FOR_OTHERS_PART, u32::MAX)
    }

    #[inline]
    pub(super) const fn is_spent(&self) -> bool {
        self.work.is_spent()
    }

    /// Work that the session causes and that is done at once.
    #[inline]
    pub(super) const fn spend(&mut self, units: u32) {
        self.work.spend(units);
    }

    /// Work that the session causes and that is done later.
    pub(super) fn spend_later(&mut self, units: u32) {
        self.for_later = self.for_later.saturating_add(units);
        if self.cost() >= self.cost_max {
            self.work.stop();
        }
    }

    /// Does a little of the work that others have caused: a small part of what the call has left, because many may come
    /// who have to wait for the same.
    pub(super) fn work_for_others<T>(&mut self, work: impl FnOnce(&mut Work) -> T) -> T {
        let mut slice = Work::new((self.work.left() / FOR_OTHERS_PART).max(1));
        let done = work(&mut slice);
        self.spend_for_others(slice.spent());
        done
    }

    /// Work that others have caused.
    #[inline]
    pub(super) const fn spend_for_others(&mut self, units: u32) {
        self.for_others += units;
        self.work.spend(units);
    }

    pub(super) fn work(&self) -> u32 {
        self.work.spent()
    }

    pub(super) fn cost(&self) -> u32 {
        (self.work.spent() - self.for_others).saturating_add(self.for_later)
    }
}

/// Units for a frame with this many bytes.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "frames and batches are bounded far below 4 TiB")]
pub(super) const fn of_bytes(bytes: usize) -> u32 {
    1 + (bytes / COPIED_BYTES) as u32
}

/// Units for finding this many names among those that a session watches.
pub(super) fn of_scans(names: usize, watches: usize) -> u32 {
    u32::try_from(2 * names * (1 + watches / SCANNED)).unwrap_or(u32::MAX)
}

/// Units that one call does at the most, with these limits: what it begins with, and the longest steps that may begin
/// before that is used up. These are a message or a batch of one room, a message for all sessions of two users, a list
/// of names, a page, and the end of a session. Limits of users of their own come on top. docs/src/architecture.md,
/// *Bounded work*, has the same as a table.
#[cfg(any(test, feature = "sim"))]
pub(super) fn of_call_max(limits: &crate::limits::Limits) -> u32 {
    use crate::name::{MAPPED_BYTE_COST, SPELLING_BYTES_MAX};
    const PAGE: u32 = 2_000;
    const BATCH_BYTES: usize = 64 << 10;
    let message = 2 * of_bytes(limits.body_bytes_max as usize + BATCH_BYTES);
    let copies = 2 * limits.sessions_of_user_max * of_bytes(limits.body_bytes_max as usize);
    let name = u32::try_from(SPELLING_BYTES_MAX).unwrap_or(u32::MAX) * MAPPED_BYTE_COST;
    let lists = of_scans(limits.watches_max as usize, limits.watches_max as usize) + 3 * limits.watches_max;
    let end = 2 * (limits.rooms_of_user_max + limits.watches_max) + limits.announced_members_max;
    CALL_WORK_MAX + 2 * SLICE_WORK_MAX + message + copies + lists + name + end + PAGE
}
