//! The end that a signal asks for, and how those who are waited for until then share the time.
//!
//! All times count from the signal. So who takes longer takes it from those that come later, and the program ends in time all
//! the same.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Until then the server may answer the goodbye.
pub(crate) const GOODBYE_TIME_MAX: Duration = Duration::from_millis(600);

/// Until then the disk may take a session of which nobody is told before.
pub(crate) const TOLD_TIME_MAX: Duration = Duration::from_millis(800);

/// Until then the reader may take the output.
pub(crate) const OUTPUT_TIME_MAX: Duration = Duration::from_secs(1);

/// Until then the disk may take what is saved last.
pub(crate) const DISK_TIME_MAX: Duration = Duration::from_millis(1_200);

/// Then the program ends, whatever it waits for. What is between, last words and a busy machine may take.
pub(crate) const END_TIME_MAX: Duration = Duration::from_millis(1_900);

/// What each of them has at least, however late its turn comes: a machine can be busy.
const TURN_TIME_MIN: Duration = Duration::from_millis(100);

/// Whether the program is to end, and since when.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    is_asked: Arc<AtomicBool>,
    since: OnceLock<Instant>,
}

impl Stop {
    /// What asks for it when it is raised. The handler of a signal may do that.
    pub(crate) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_asked)
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.since().is_some()
    }

    /// As far as somebody has looked: who is woken by the signal looks at once.
    fn since(&self) -> Option<Instant> {
        self.is_asked.load(Ordering::Acquire).then(|| *self.since.get_or_init(Instant::now))
    }

    /// Until when somebody is waited for who has until so long after the signal; none as long as there was none. Whoever waits
    /// asks for it once.
    pub(crate) fn until(&self, time_max: Duration) -> Option<Instant> {
        self.since().map(|since| (since + time_max).max(Instant::now() + TURN_TIME_MIN))
    }
}

#[cfg(test)]
impl Stop {
    /// One that was asked for.
    pub(crate) fn asked() -> Self {
        let stop = Self::default();
        stop.flag().store(true, Ordering::Release);
        stop
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_waited_for_ends_in_time_whoever_takes_longer() {
        let stop = Stop::asked();
        // Far enough from now that no machine is too busy for it.
        let since = Instant::now() + Duration::from_secs(3_600);
        stop.since.set(since).unwrap();
        for time_max in [GOODBYE_TIME_MAX, TOLD_TIME_MAX, OUTPUT_TIME_MAX, DISK_TIME_MAX] {
            assert_eq!(stop.until(time_max), Some(since + time_max), "they count from the signal, and do not add up");
            assert!(time_max < END_TIME_MAX);
        }
        assert!(Stop::default().until(GOODBYE_TIME_MAX).is_none());
        // The machine was busy, and whoever comes late is not turned away.
        let late = Stop::asked();
        let now = Instant::now();
        late.since.set(now.checked_sub(END_TIME_MAX).unwrap()).unwrap();
        assert!(late.until(OUTPUT_TIME_MAX).unwrap() >= now + TURN_TIME_MIN);
    }
}
