//! Whether the peer is still there: silence first asks, then ends.

use core::time::Duration;

use crate::time::Instant;

/// When something was last heard, and whether the silence since has been asked about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Liveness {
    heard: Instant,
    probed: bool,
}

/// What a silence calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// Nothing yet.
    Short,
    /// A ping.
    Probe,
    /// The end.
    Dead,
}

impl Liveness {
    pub(crate) const fn new(now: Instant) -> Self {
        Self { heard: now, probed: false }
    }

    pub(crate) const fn hear(&mut self, now: Instant) {
        *self = Self::new(now);
    }

    /// When [`Liveness::check`] will say something else than [`Silence::Short`].
    pub(crate) fn due(&self, probe_after: Duration, dead_after: Duration) -> Instant {
        self.heard + if self.probed { dead_after } else { probe_after.min(dead_after) }
    }

    /// What the silence calls for now; a probe is called for once.
    pub(crate) fn check(&mut self, now: Instant, probe_after: Duration, dead_after: Duration) -> Silence {
        let silence = now - self.heard;
        if silence >= dead_after {
            Silence::Dead
        } else if silence >= probe_after && !self.probed {
            self.probed = true;
            Silence::Probe
        } else {
            Silence::Short
        }
    }
}
