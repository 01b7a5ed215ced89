//! What waits for a thread: origins take turns.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

use chatcore::QuotaKey;

/// Jobs of many origins. Each origin with jobs has its turn before one has its next.
#[derive(Debug)]
pub(super) struct Queue<T> {
    jobs: HashMap<QuotaKey, VecDeque<T>>,
    /// Whose turn it is. Each origin that has jobs stands here once.
    turns: VecDeque<QuotaKey>,
    len: usize,
    len_max: usize,
    len_of_origin_max: usize,
}

impl<T> Queue<T> {
    pub(super) fn new(len_max: usize, len_of_origin_max: usize) -> Self {
        Self { jobs: HashMap::new(), turns: VecDeque::new(), len: 0, len_max, len_of_origin_max }
    }

    /// Gives the job back if too many wait.
    pub(super) fn push(&mut self, origin: QuotaKey, job: T) -> Result<(), T> {
        if self.len >= self.len_max || self.len_of_origin_max == 0 {
            return Err(job);
        }
        match self.jobs.entry(origin) {
            Entry::Occupied(entry) if entry.get().len() >= self.len_of_origin_max => return Err(job),
            Entry::Occupied(entry) => entry.into_mut().push_back(job),
            Entry::Vacant(entry) => {
                entry.insert(VecDeque::from([job]));
                self.turns.push_back(origin);
            }
        }
        self.len += 1;
        Ok(())
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        let origin = self.turns.pop_front()?;
        let jobs = self.jobs.get_mut(&origin).expect("an origin that has a turn has jobs");
        let job = jobs.pop_front();
        if jobs.is_empty() {
            self.jobs.remove(&origin);
        } else {
            self.turns.push_back(origin);
        }
        self.len -= 1;
        job
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_take_turns_and_none_fills_the_queue() {
        let mut queue = Queue::new(5, 3);
        let pushed = [(1, 10), (1, 11), (1, 12), (1, 13), (2, 20), (3, 30), (4, 40)];
        let refused = pushed.map(|(origin, job)| queue.push(QuotaKey(origin), job).err());
        assert_eq!(refused, [None, None, None, Some(13), None, None, Some(40)]);
        let popped: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(popped, [10, 20, 30, 11, 12]);
        assert_eq!(queue.push(QuotaKey(1), 14), Ok(()), "it has room again");
    }
}
