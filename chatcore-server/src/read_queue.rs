//! In which order connections have their go: those with little to say before those with much.

use std::collections::VecDeque;
use std::time::Duration;

use chatcore::Instant;

/// What a connection may cost all the time, and has little to say: a unit, as the hub counts them, in so long.
const LIGHT_UNIT_TIME: Duration = Duration::from_micros(500);

/// What it may cost at once beyond that.
const LIGHT_COST_MAX: u32 = 512;

/// The two queues. A key may be out of date: its connection may have ended, or wait for something else by now.
#[derive(Debug, Default)]
pub(crate) struct ReadQueue {
    light: Queue,
    heavy: Queue,
}

/// What is remembered, at the most: who stops costing much is light again after two seconds.
const REMEMBERED_COST_MAX: u32 = 8 * LIGHT_COST_MAX;

/// How much a connection has to say, from what it has cost lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// Little: it is served first.
    Light,
    /// Much, or it has no session: nobody knows what comes of it.
    Heavy,
}

/// What a connection has cost lately, as the time at which that is made up for if it costs nothing more: a token bucket,
/// which is slower than the hub's and takes nothing away.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    made_up_at: Instant,
}

impl Usage {
    pub(crate) fn add(&mut self, now: Instant, cost: u32) {
        let latest = now + LIGHT_UNIT_TIME * REMEMBERED_COST_MAX;
        self.made_up_at = latest.min(self.made_up_at.max(now) + LIGHT_UNIT_TIME * cost);
    }

    pub(crate) fn load(self, now: Instant) -> Load {
        if self.made_up_at - now <= LIGHT_UNIT_TIME * LIGHT_COST_MAX { Load::Light } else { Load::Heavy }
    }
}

/// A place in the two queues: everybody who waits when it is marked is before it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mark {
    light: u64,
    heavy: u64,
}

#[derive(Debug, Default)]
struct Queue {
    keys: VecDeque<usize>,
    /// Keys that were ever entered.
    entered: u64,
}

impl Queue {
    /// Keys that were ever taken out.
    fn taken(&self) -> u64 {
        self.entered - self.keys.len() as u64
    }
}

impl ReadQueue {
    pub(crate) fn is_empty(&self) -> bool {
        self.light.keys.is_empty() && self.heavy.keys.is_empty()
    }

    pub(crate) fn len(&self, load: Load) -> usize {
        self.queue(load).keys.len()
    }

    pub(crate) fn push(&mut self, load: Load, key: usize) {
        let queue = match load {
            Load::Light => &mut self.light,
            Load::Heavy => &mut self.heavy,
        };
        queue.keys.push_back(key);
        queue.entered += 1;
    }

    pub(crate) fn pop(&mut self, load: Load) -> Option<usize> {
        match load {
            Load::Light => self.light.keys.pop_front(),
            Load::Heavy => self.heavy.keys.pop_front(),
        }
    }

    /// The place after all who wait now.
    pub(crate) const fn mark(&self) -> Mark {
        Mark { light: self.light.entered, heavy: self.heavy.entered }
    }

    /// Whether everybody before the mark has had a go.
    pub(crate) fn has_passed(&self, mark: Mark) -> bool {
        self.light.taken() >= mark.light && self.heavy.taken() >= mark.heavy
    }

    const fn queue(&self, load: Load) -> &Queue {
        match load {
            Load::Light => &self.light,
            Load::Heavy => &self.heavy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_costs_much_is_heavy_until_that_is_made_up_for() {
        let (start, mut usage) = (Instant::from_millis(1), Usage::default());
        usage.add(start, LIGHT_COST_MAX);
        assert_eq!(usage.load(start), Load::Light);
        usage.add(start, 5);
        assert_eq!(usage.load(start), Load::Heavy);
        assert_eq!(usage.load(start + LIGHT_UNIT_TIME * 4), Load::Heavy);
        assert_eq!(usage.load(start + LIGHT_UNIT_TIME * 5), Load::Light);
        usage.add(start, 1_000_000);
        assert_eq!(usage.load(start + Duration::from_secs(2)), Load::Light, "what is long ago is forgotten");
        // A message of 64 KiB, or to a room of 100, twenty times a second.
        let (mut now, mut usage) = (start, Usage::default());
        for _ in 0..100 {
            usage.add(now, 100);
            assert_eq!(usage.load(now), Load::Light);
            now = now + Duration::from_millis(50);
        }
    }

    #[test]
    fn a_mark_is_passed_when_all_who_waited_had_their_go_however_many_come_after() {
        let mut queue = ReadQueue::default();
        assert!(queue.has_passed(queue.mark()));
        queue.push(Load::Light, 1);
        queue.push(Load::Heavy, 2);
        let mark = queue.mark();
        queue.push(Load::Light, 3);
        assert_eq!(queue.pop(Load::Light), Some(1));
        assert!(!queue.has_passed(mark), "the heavy one still waits");
        assert_eq!(queue.pop(Load::Heavy), Some(2));
        // It has more, and is entered again.
        queue.push(Load::Heavy, 2);
        assert!(queue.has_passed(mark));
        assert_eq!((queue.len(Load::Light), queue.len(Load::Heavy)), (1, 1));
    }
}
