//! When timers may run off: nobody is timed out whose signs of life have come and wait to be read.

use std::time::Duration;

use chatcore::Instant;

use crate::read_queue::Mark;

/// How long timers wait for those who waited for their go when they were due.
const WAIT_MAX: Duration = Duration::from_millis(100);

/// How long timers are held, at the most, while the server is awake: so long a million connections take that all have
/// news. Pauses that are over wait for them, too.
const HELD_TIME_MAX: Duration = Duration::from_secs(3);

/// From one turn to the next. What takes longer is no turn: the server slept, or its machine did.
const SLEEP_TIME_MIN: Duration = Duration::from_secs(1);

/// Timers that are held until all have had their go of whom the system has told by then.
#[derive(Debug)]
pub(crate) struct HeldTimers {
    /// Events that the system hands out at once, at the most.
    events_max: usize,
    /// Events in full batches since the last batch that was not full, or since timers ran off: there may be more that
    /// nobody has seen.
    events_in_full_batches: usize,
    noted_at: Instant,
    /// How long the server has been awake since timers ran off.
    held_time: Duration,
    /// Those before the mark have had no go yet, since then.
    waiting: Option<(Mark, Instant)>,
}

impl HeldTimers {
    pub(crate) const fn new(now: Instant, events_max: usize) -> Self {
        Self { events_max, events_in_full_batches: 0, noted_at: now, held_time: Duration::ZERO, waiting: None }
    }

    /// The system has handed out so many events, and whoever waits for its go now is before the mark. The system hands
    /// out in turn: when it has told of more than there are connections, it has told of each that had news at first.
    /// What it told before the server slept does not count. However full the batches are, timers are not held for ever.
    pub(crate) fn note(&mut self, now: Instant, events: usize, connections: usize, mark: Mark) {
        let passed = now.saturating_since(std::mem::replace(&mut self.noted_at, now));
        let has_slept = passed >= SLEEP_TIME_MIN;
        // On a machine that is short of time each turn may look like a sleep.
        self.held_time += if has_slept { WAIT_MAX } else { passed };
        let before = if has_slept { 0 } else { self.events_in_full_batches };
        self.events_in_full_batches = if events < self.events_max { 0 } else { before + events };
        let may_be_more = (1..=connections).contains(&self.events_in_full_batches);
        if may_be_more && self.held_time < HELD_TIME_MAX {
            self.waiting = None;
        } else {
            self.waiting.get_or_insert((mark, now));
        }
    }

    /// Whether they may run off now. If so, they are held again from now on.
    pub(crate) fn may_run(&mut self, now: Instant, has_passed: impl FnOnce(Mark) -> bool) -> bool {
        let is_over =
            |(mark, since): &mut (Mark, Instant)| has_passed(*mark) || now.saturating_since(*since) >= WAIT_MAX;
        let may_run = self.waiting.take_if(is_over).is_some();
        if may_run {
            (self.events_in_full_batches, self.held_time) = (0, Duration::ZERO);
        }
        may_run
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Load;
    use crate::read_queue::ReadQueue;

    const NOW: Instant = Instant::from_millis(1_000);

    /// Timers with batches of so many events, and a queue.
    struct Bench {
        timers: HeldTimers,
        queue: ReadQueue,
        connections: usize,
    }

    impl Bench {
        /// With 25 connections.
        fn new() -> Self {
            Self { timers: HeldTimers::new(NOW, 10), queue: ReadQueue::default(), connections: 25 }
        }

        /// A turn in which so many connections have news, and so many have their go. Whether timers run off.
        fn turn(&mut self, now: Instant, news: usize, goes: usize) -> bool {
            (0..news).for_each(|key| self.queue.push(Load::Light, key));
            self.timers.note(now, news, self.connections, self.queue.mark());
            for _ in 0..goes {
                self.queue.pop(Load::Light);
            }
            self.timers.may_run(now, |mark| self.queue.has_passed(mark))
        }
    }

    #[test]
    fn they_wait_for_those_of_whom_the_system_has_not_told_yet() {
        let mut bench = Bench::new();
        // All 25 had news, and each is read in the turn in which the system tells of it.
        assert_eq!([10, 10, 5].map(|news| bench.turn(NOW, news, news)), [false, false, true]);
        assert!(bench.turn(NOW, 0, 0), "nobody waits");
    }

    #[test]
    fn they_run_off_however_long_the_batches_are_full() {
        let mut bench = Bench::new();
        let runs = [(); 6].map(|()| bench.turn(NOW, 10, 10));
        assert_eq!(runs, [false, false, true, false, false, true]);
    }

    #[test]
    fn they_run_off_however_long_the_turns_are_while_the_batches_are_full() {
        // A turn of so many milliseconds, after so many turns at the most.
        for (turn_ms, turns_max) in [(3, 1_001), (100, 31), (999, 5), (60_000, 31)] {
            let mut bench = Bench { connections: usize::MAX, ..Bench::new() };
            let mut now = NOW;
            // The second time as the first.
            for _ in 0..2 {
                let run = (1..=turns_max).find(|_| {
                    now = now + Duration::from_millis(turn_ms);
                    bench.turn(now, 10, 10)
                });
                assert!(run.is_some(), "they are held for more than {turns_max} turns of {turn_ms} ms");
                assert!(run > Some(3), "nobody was waited for: turns of {turn_ms} ms");
            }
        }
    }

    #[test]
    fn slow_turns_are_no_sleep() {
        let mut bench = Bench::new();
        let mut now = NOW;
        let runs = [(); 6].map(|()| {
            now = now + Duration::from_millis(150);
            bench.turn(now, 10, 10)
        });
        assert_eq!(runs, [false, false, true, false, false, true]);
    }

    #[test]
    fn what_the_system_told_before_the_server_slept_does_not_count() {
        let mut bench = Bench::new();
        assert_eq!([10, 10].map(|news| bench.turn(NOW, news, news)), [false, false]);
        let later = NOW + Duration::from_secs(60);
        assert_eq!([10, 10, 5].map(|news| bench.turn(later, news, news)), [false, false, true]);
    }

    #[test]
    fn they_wait_for_those_who_have_had_no_go_yet_but_not_for_ever() {
        let mut bench = Bench::new();
        // The last ten of them have theirs two turns later.
        assert_eq!([10, 10, 5].map(|news| bench.turn(NOW, news, 5)), [false; 3]);
        assert!(!bench.turn(NOW, 0, 9) && bench.turn(NOW, 0, 1));
        assert!(!bench.turn(NOW, 5, 0));
        assert!(!bench.turn(NOW + WAIT_MAX / 2, 0, 0));
        assert!(bench.turn(NOW + WAIT_MAX, 0, 0), "nobody holds them for longer");
    }
}
