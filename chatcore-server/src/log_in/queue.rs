//! What waits for a thread: origins take turns.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

use chatcore::QuotaKey;

/// Jobs of many origins. Each origin with jobs has its turn before one has its next.
///
/// An origin belongs to a site: somebody may have many origins of one. When the queue is full, a site that has more than
/// others makes room for them.
#[derive(Debug)]
pub(super) struct Queue<T> {
    jobs: HashMap<QuotaKey, Jobs<T>>,
    /// Jobs of each site that has any.
    of_sites: HashMap<QuotaKey, usize>,
    /// Whose turn it is. Each origin that has jobs stands here once.
    turns: VecDeque<QuotaKey>,
    len: usize,
    len_max: usize,
    len_of_origin_max: usize,
}

/// Those of an origin: there is one at the least.
#[derive(Debug)]
struct Jobs<T> {
    site: QuotaKey,
    waiting: VecDeque<T>,
}

impl<T> Queue<T> {
    pub(super) fn new(len_max: usize, len_of_origin_max: usize) -> Self {
        let (jobs, of_sites) = (HashMap::new(), HashMap::new());
        Self { jobs, of_sites, turns: VecDeque::new(), len: 0, len_max, len_of_origin_max }
    }

    /// Gives the job back if too many wait. If it took the place of another one, which was pushed later than all others of
    /// its origin, returns that one.
    pub(super) fn push(&mut self, origin: QuotaKey, site: QuotaKey, job: T) -> Result<Option<T>, T> {
        let of_origin = self.jobs.get(&origin).map_or(0, |jobs| jobs.waiting.len());
        if of_origin >= self.len_of_origin_max {
            return Err(job);
        }
        let mut displaced = None;
        if self.len >= self.len_max {
            displaced = self.displace_for(site);
            if displaced.is_none() {
                return Err(job);
            }
        }
        match self.jobs.entry(origin) {
            Entry::Occupied(entry) => entry.into_mut().waiting.push_back(job),
            Entry::Vacant(entry) => {
                entry.insert(Jobs { site, waiting: VecDeque::from([job]) });
                self.turns.push_back(origin);
            }
        }
        *self.of_sites.entry(site).or_default() += 1;
        self.len += 1;
        Ok(displaced)
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        let origin = self.turns.pop_front()?;
        let job = self.take(origin, VecDeque::pop_front);
        if self.jobs.contains_key(&origin) {
            self.turns.push_back(origin);
        }
        job
    }

    /// The newest job of the origin that has most of the site that has most, if that has more than this site will have.
    fn displace_for(&mut self, site: QuotaKey) -> Option<T> {
        let of_site = self.of_sites.get(&site).map_or(0, |len| *len);
        let (&most, &len) = self.of_sites.iter().max_by_key(|(_, len)| **len)?;
        // Two with about as many do not displace each other.
        if len <= of_site + 1 {
            return None;
        }
        let of_most = self.jobs.iter().filter(|(_, jobs)| jobs.site == most);
        let (&origin, _) = of_most.max_by_key(|(_, jobs)| jobs.waiting.len())?;
        let job = self.take(origin, VecDeque::pop_back);
        if !self.jobs.contains_key(&origin) {
            self.turns.retain(|turn| *turn != origin);
        }
        job
    }

    /// Takes a job of an origin that has some.
    fn take(&mut self, origin: QuotaKey, pop: impl FnOnce(&mut VecDeque<T>) -> Option<T>) -> Option<T> {
        let Entry::Occupied(mut entry) = self.jobs.entry(origin) else { return None };
        let (job, site) = (pop(&mut entry.get_mut().waiting), entry.get().site);
        if entry.get().waiting.is_empty() {
            entry.remove();
        }
        if let Entry::Occupied(mut of_site) = self.of_sites.entry(site) {
            *of_site.get_mut() -= 1;
            if *of_site.get() == 0 {
                of_site.remove();
            }
        }
        self.len -= 1;
        job
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An origin that is the only one of its site.
    fn push(queue: &mut Queue<u32>, origin: u128, job: u32) -> Result<Option<u32>, u32> {
        queue.push(QuotaKey(origin), QuotaKey(origin), job)
    }

    #[test]
    fn origins_take_turns_and_none_fills_the_queue() {
        let mut queue = Queue::new(5, 3);
        let pushed = [(1, 10), (1, 11), (1, 12), (1, 13), (2, 20), (3, 30)];
        let refused = pushed.map(|(origin, job)| push(&mut queue, origin, job).err());
        assert_eq!(refused, [None, None, None, Some(13), None, None]);
        let popped: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(popped, [10, 20, 30, 11, 12]);
        assert_eq!(push(&mut queue, 1, 14), Ok(None), "it has room again");
    }

    #[test]
    fn who_has_most_in_a_full_queue_makes_room_for_others() {
        let mut queue = Queue::new(4, 4);
        for job in 10..14 {
            assert_eq!(push(&mut queue, 1, job), Ok(None));
        }
        assert_eq!(push(&mut queue, 1, 14), Err(14), "not for itself");
        assert_eq!(push(&mut queue, 2, 20), Ok(Some(13)));
        assert_eq!(push(&mut queue, 2, 21), Ok(Some(12)));
        assert_eq!(push(&mut queue, 2, 22), Err(22), "it has as many");
        assert_eq!(push(&mut queue, 3, 30).map(|displaced| displaced.is_some()), Ok(true));
        assert_eq!(push(&mut queue, 4, 40).map(|displaced| displaced.is_some()), Ok(true));
        assert_eq!(push(&mut queue, 5, 50), Err(50), "each has one");
        let popped: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(popped, [10, 20, 30, 40]);
        assert!(queue.jobs.is_empty() && queue.of_sites.is_empty() && queue.turns.is_empty() && queue.len == 0);
    }

    #[test]
    fn a_site_with_many_origins_makes_room_as_one() {
        let mut queue = Queue::new(4, 4);
        let site = QuotaKey(100);
        for origin in 1..=4 {
            assert_eq!(queue.push(QuotaKey(origin), site, 0), Ok(None));
        }
        assert_eq!(queue.push(QuotaKey(5), site, 0), Err(0), "not for itself");
        assert_eq!(push(&mut queue, 200, 1), Ok(Some(0)));
        assert_eq!(push(&mut queue, 200, 2), Ok(Some(0)));
        let popped: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(popped.len(), 4, "{popped:?}");
        assert!(queue.turns.is_empty() && queue.len == 0);
    }
}
