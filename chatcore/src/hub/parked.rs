//! How much the sessions without a connection take up, in all and for each origin.

use alloc::collections::BTreeMap;

use crate::handshake::Origin;
use crate::limits::Limits;

#[derive(Debug, Default)]
pub(super) struct Parked {
    sessions: usize,
    bytes: u64,
    by_origin: BTreeMap<Origin, u32>,
}

impl Parked {
    /// One more session with an outbox of so many bytes may be kept.
    pub(super) fn takes(&self, origin: Origin, outbox_bytes: usize, limits: &Limits) -> bool {
        let of_origin = self.by_origin.get(&origin).copied().unwrap_or_default();
        !limits.resume_time_max.is_zero()
            && self.sessions < limits.detached_max as usize
            && of_origin < limits.detached_of_origin_max
            && self.has_room(outbox_bytes, limits)
    }

    /// So many bytes more may be kept.
    pub(super) fn has_room(&self, bytes: usize, limits: &Limits) -> bool {
        self.bytes + bytes as u64 <= limits.buffer_bytes_max
    }

    pub(super) fn enter(&mut self, origin: Origin, outbox_bytes: usize) {
        self.sessions += 1;
        self.bytes += outbox_bytes as u64;
        *self.by_origin.entry(origin).or_default() += 1;
    }

    /// How many there are, and how many bytes are kept for them.
    #[cfg(feature = "sim")]
    pub(super) const fn totals(&self) -> (usize, u64) {
        (self.sessions, self.bytes)
    }

    /// The outbox of one of them has grown.
    pub(super) fn grow(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    pub(super) fn leave(&mut self, origin: Origin, outbox_bytes: usize) {
        self.sessions -= 1;
        self.bytes -= outbox_bytes as u64;
        let of_origin = self.by_origin.get_mut(&origin).expect("who leaves has entered");
        *of_origin -= 1;
        if *of_origin == 0 {
            self.by_origin.remove(&origin);
        }
    }
}
