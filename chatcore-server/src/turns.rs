//! What the turns of the event loop share.

use chatcore::Instant;
use mio::Events;

use crate::ack_delay::AckDelay;
use crate::buffers::BUFFER_BYTES;
use crate::held_timers::HeldTimers;

/// Events that are taken from the system at once.
pub(crate) const EVENTS_MAX: usize = 1024;

/// What the turns of a server need beside it, from the first to the last. It has no `Debug`, because the buffer holds
/// what others have said.
pub(crate) struct Turns {
    pub(crate) events: Events,
    /// All connections are read into this.
    pub(crate) buffer: Box<[u8]>,
    pub(crate) timers: HeldTimers,
    pub(crate) ack_delay: AckDelay,
}

impl Turns {
    /// The turns of a server that takes so many events from the system at once, and begins now.
    pub(crate) fn new(events_max: usize, now: Instant) -> Self {
        Self {
            events: Events::with_capacity(events_max),
            buffer: vec![0; BUFFER_BYTES].into_boxed_slice(),
            timers: HeldTimers::new(now, events_max),
            ack_delay: AckDelay::new(now),
        }
    }
}
