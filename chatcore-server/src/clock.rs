//! The driver's clock: the core is told the time as a distance from the server's start.

use std::time::Instant as SystemInstant;

use chatcore::Instant;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    epoch: SystemInstant,
    /// What a test shows in its place.
    #[cfg(test)]
    ticks: Option<&'static Ticks>,
}

impl Clock {
    /// A clock that begins now.
    pub(crate) fn start() -> Self {
        Self {
            epoch: SystemInstant::now(),
            #[cfg(test)]
            ticks: None,
        }
    }

    pub(crate) fn now(self) -> Instant {
        #[cfg(test)]
        if let Some(ticks) = self.ticks {
            return ticks.next();
        }
        Instant::from_duration(self.epoch.elapsed())
    }
}

/// A time that goes on only when somebody looks at it.
#[cfg(test)]
#[derive(Debug)]
struct Ticks(std::sync::atomic::AtomicU64);

#[cfg(test)]
impl Ticks {
    fn next(&self) -> Instant {
        Instant::from_millis(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
    }
}

#[cfg(test)]
impl Clock {
    /// A clock for a test: each look at it shows a millisecond more than the last one.
    pub(crate) fn ticking() -> Self {
        let ticks = Box::leak(Box::new(Ticks(std::sync::atomic::AtomicU64::new(1))));
        Self { epoch: SystemInstant::now(), ticks: Some(ticks) }
    }

    /// So much time goes by at once.
    pub(crate) fn advance_millis(self, millis: u64) {
        self.ticks.expect("a test shows the time").0.fetch_add(millis, std::sync::atomic::Ordering::Relaxed);
    }
}
