//! Whether two runs were the same, and what happened in one.

use alloc::boxed::Box;
use core::fmt;
use core::hash::Hasher;

use siphasher::sip::SipHasher13;

use super::network::WireId;
use crate::Instant;

/// A function that a run calls with the time and a description of each thing that happens.
pub type Listener = Box<dyn FnMut(Instant, fmt::Arguments<'_>)>;

/// A hash of all that was written, by whom and when.
#[derive(Default)]
pub(super) struct Trace {
    hasher: SipHasher13,
    listener: Option<Listener>,
}

impl Trace {
    pub(super) fn listen(&mut self, listener: Listener) {
        self.listener = Some(listener);
    }

    pub(super) fn bytes(&mut self, now: Instant, wire: WireId, bytes: &[u8]) {
        self.hasher.write_u64(now.as_nanos());
        self.hasher.write_u64(wire.0);
        self.hasher.write(bytes);
    }

    /// Something that whoever reads along wants to know.
    pub(super) fn note(&mut self, now: Instant, note: fmt::Arguments<'_>) {
        if let Some(listener) = &mut self.listener {
            listener(now, note);
        }
    }

    pub(super) fn hash(&self) -> u64 {
        self.hasher.finish()
    }
}
