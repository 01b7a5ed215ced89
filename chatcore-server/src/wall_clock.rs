//! The clock of the world, which people set, and which goes on while the machine sleeps.

use std::time::{Duration, SystemTime};

use chatcore::{Hub, Instant};

/// How often the clock is looked at, at the most.
const LOOK_TIME: Duration = Duration::from_millis(500);

/// By less than this the two clocks may seem to differ because a look at both takes its time.
const DRIFT_MIN: Duration = Duration::from_millis(20);

/// Where the driver's clock stands on the clock of the world. The ids of messages hold the time of the latter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WallClock {
    read: fn() -> Duration,
    /// The Unix time at which the driver's clock began, as it was last seen.
    unix_epoch: Duration,
    next_look: Instant,
}

impl WallClock {
    /// The system's clock, at the beginning of the driver's.
    pub(crate) fn start() -> Self {
        Self::reading(unix_time)
    }

    /// A clock that shows the Unix time that this gives.
    pub(crate) fn reading(read: fn() -> Duration) -> Self {
        Self { read, unix_epoch: read(), next_look: Instant::ZERO }
    }

    /// Shows something else from now on.
    #[cfg(test)]
    pub(crate) const fn set_reading(&mut self, read: fn() -> Duration) {
        self.read = read;
    }

    /// The Unix time at which the driver's clock began.
    pub(crate) const fn unix_epoch(&self) -> Duration {
        self.unix_epoch
    }

    /// Tells the hub if the clock was set, or if the driver's stood still. Cheap: it is called in each turn.
    #[inline]
    pub(crate) fn guide(&mut self, hub: &mut Hub, now: Instant) {
        if now >= self.next_look {
            self.look(hub, now);
        }
    }

    fn look(&mut self, hub: &mut Hub, now: Instant) {
        self.next_look = now + LOOK_TIME;
        let unix_epoch = (self.read)().saturating_sub(now.as_duration());
        if unix_epoch.abs_diff(self.unix_epoch) >= DRIFT_MIN {
            self.unix_epoch = unix_epoch;
            hub.set_unix_epoch(now, unix_epoch);
        }
    }
}

/// The Unix time; zero if the clock is set before 1970.
fn unix_time() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use chatcore::{Audience, Limits, MessageId, UserName};

    use super::*;

    /// Seconds that the clock of the world shows.
    static SHOWN_S: AtomicU64 = AtomicU64::new(0);

    fn shown() -> Duration {
        Duration::from_secs(SHOWN_S.load(Ordering::Relaxed))
    }

    const START_S: u64 = 1_800_000_000;

    /// The one test that has the clock.
    #[test]
    fn messages_have_the_time_of_the_world_within_a_second_after_its_clock_was_set_and_their_ids_rise() {
        SHOWN_S.store(START_S, Ordering::Relaxed);
        let mut clock = WallClock::reading(shown);
        let mut hub = Hub::new(Limits::default(), [7; 32]).with_unix_epoch(clock.unix_epoch());
        let (server, mut last) = (UserName::new("server").expect("it can be a name"), MessageId(0));
        // Seconds of the driver's clock, and what the world's shows then; and the time of a message.
        for (now_s, shown_s, told_s) in [
            (1, 1, 1),
            // The machine has slept for an hour.
            (2, 3_602, 3_602),
            (3, 3_603, 3_603),
            // Somebody sets the clock back by half an hour: ids rise, and so their time stands still.
            (4, 1_804, 3_603),
            (1_802, 3_602, 3_603),
            (1_900, 3_700, 3_700),
        ] {
            SHOWN_S.store(START_S + shown_s, Ordering::Relaxed);
            let now = Instant::from_millis(now_s * 1_000);
            clock.guide(&mut hub, now);
            let id = hub.say(now, &server, Audience::All, b"now").expect("it can be said");
            while hub.poll_action().is_some() {}
            assert_eq!(id.unix_time().as_secs(), START_S + told_s, "at {now_s} s");
            assert!(id > last, "ids rise");
            last = id;
        }
    }

    #[test]
    fn the_clock_is_looked_at_twice_a_second_at_the_most() {
        static LOOKS: AtomicU64 = AtomicU64::new(0);
        let mut clock = WallClock::reading(|| Duration::from_secs(LOOKS.fetch_add(1, Ordering::Relaxed)));
        let mut hub = Hub::new(Limits::default(), [7; 32]);
        for millis in 0..2_000 {
            clock.guide(&mut hub, Instant::from_millis(millis));
        }
        assert_eq!(LOOKS.load(Ordering::Relaxed), 1 + 4);
    }
}
