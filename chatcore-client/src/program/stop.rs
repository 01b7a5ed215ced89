//! The end that a signal asks for, and how those who are waited for until then share the time.
//!
//! All times count from the signal. So who takes longer takes it from those that come later, and the program ends in
//! time all the same.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, MutexGuard, OnceLock, PoisonError};
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

/// How long a terminal may take for what leaves the full screen, counted from there. A person waits for it without a
/// signal, too.
pub(crate) const SCREEN_TIME_MAX: Duration = Duration::from_millis(600);

/// How long whoever reads our words may take for those on messages without an answer and on what is not saved.
pub(crate) const REMARKS_TIME_MAX: Duration = Duration::from_millis(100);

/// The same for the last words, which say why the program ends.
pub(crate) const LAST_WORDS_TIME_MAX: Duration = Duration::from_millis(300);

/// How often one who waits looks whether a signal has come.
pub(crate) const LOOK_TIME: Duration = Duration::from_millis(100);

// Each has its time after the one before, and with all that is waited for in turn the program ends by itself, in time.
const _: () = {
    let [goodbye, told, output] =
        [GOODBYE_TIME_MAX.as_millis(), TOLD_TIME_MAX.as_millis(), OUTPUT_TIME_MAX.as_millis()];
    assert!(goodbye < told && told < output && output < DISK_TIME_MAX.as_millis());
    let shown = later(output, goodbye + SCREEN_TIME_MAX.as_millis());
    let saved = later(DISK_TIME_MAX.as_millis(), shown + TURN_TIME_MIN.as_millis()) + REMARKS_TIME_MAX.as_millis();
    assert!(saved + LAST_WORDS_TIME_MAX.as_millis() < END_TIME_MAX.as_millis());
};

const fn later(one: u128, other: u128) -> u128 {
    if one > other { one } else { other }
}

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

    /// Until when somebody is waited for who has until so long after the signal; none as long as there was none.
    /// Whoever waits asks for it once.
    pub(crate) fn until(&self, time_max: Duration) -> Option<Instant> {
        self.since().map(|since| (since + time_max).max(Instant::now() + TURN_TIME_MIN))
    }
}

/// Waits for something until then, if there is a bound, and until the time that is told, as soon as one is. False if it
/// does not come.
pub(crate) fn wait_for<T>(
    changed: &Condvar,
    mut state: MutexGuard<'_, T>,
    until: Option<Instant>,
    told: impl Fn() -> Option<Instant>,
    holds: impl Fn(&T) -> bool,
) -> bool {
    let mut told_until = None;
    while !holds(&state) {
        told_until = told_until.or_else(&told);
        let until = [until, told_until].into_iter().flatten().min();
        let left = until.map_or(LOOK_TIME, |until| until.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return false;
        }
        let waited = changed.wait_timeout(state, left.min(LOOK_TIME));
        // A panic of a thread ends the program.
        state = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
    true
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
