//! In which order connections have their go: those with little to say before those with much.

use std::collections::VecDeque;

use crate::load::Load;

/// The two queues. A key may be out of date: its connection may have ended, or wait for something else by now.
#[derive(Debug, Default)]
pub(crate) struct ReadQueue {
    light: Queue,
    heavy: Queue,
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
