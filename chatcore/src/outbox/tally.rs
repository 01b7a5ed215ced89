//! What is really done to outboxes, counted where it is done, for the tests that hold the work of a call to its bound.
//! It does not ask what anybody says of it. Without tests it is nothing.

/// Counts of one thread, from the beginning.
#[cfg(test)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// Bytes copied into segments, or within them.
    pub(crate) copied: u64,
    /// Times that something was put in or acknowledged.
    pub(crate) calls: u64,
    /// Frames and segments passed over or let go of.
    pub(crate) walked: u64,
}

#[cfg(test)]
std::thread_local! {
    // Frames are walked over where there is no pool, and a field in each outbox would go with it.
    static TALLY: core::cell::Cell<Tally> = const { core::cell::Cell::new(Tally { copied: 0, calls: 0, walked: 0 }) };
}

#[cfg(test)]
impl Tally {
    pub(crate) fn now() -> Self {
        TALLY.get()
    }

    /// What was done since another one.
    pub(crate) const fn since(self, before: Self) -> Self {
        Self {
            copied: self.copied - before.copied,
            calls: self.calls - before.calls,
            walked: self.walked - before.walked,
        }
    }

    fn add(copied: usize, calls: u64, walked: u64) {
        let before = TALLY.get();
        TALLY.set(Self {
            copied: before.copied + copied as u64,
            calls: before.calls + calls,
            walked: before.walked + walked,
        });
    }
}

/// This many bytes are copied.
#[cfg(test)]
pub(super) fn copied(bytes: usize) {
    Tally::add(bytes, 0, 0);
}

/// Something is put in, with this many bytes of it copied, or acknowledged.
#[cfg(test)]
pub(super) fn called(copied: usize) {
    Tally::add(copied, 1, 0);
}

/// This many frames or segments are passed over.
#[cfg(test)]
pub(super) fn walked(count: u64) {
    Tally::add(0, 0, count);
}

#[cfg(not(test))]
#[inline]
pub(super) const fn copied(_: usize) {}

#[cfg(not(test))]
#[inline]
pub(super) const fn called(_: usize) {}

#[cfg(not(test))]
#[inline]
pub(super) const fn walked(_: u64) {}
