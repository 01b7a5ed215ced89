//! What waits for its turn: sites take turns, and in a site its origins.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

use chatcore::QuotaKey;

use crate::counts::Place;

/// Jobs of many origins, each of which belongs to a site: somebody may have many origins of one. Each site with jobs
/// has its turn before one has its next, and so has each origin of a site. So nobody waits for longer because of how
/// many others wait, or of how many origins they have, but for how many sites they come from.
///
/// When the queue is full, a site that has more than others makes room for them.
#[derive(Debug)]
pub(crate) struct TurnQueue<T> {
    sites: HashMap<QuotaKey, Site<T>>,
    /// Whose turn it is. Each site that has jobs stands here once.
    turns: VecDeque<QuotaKey>,
    len: usize,
    len_max: usize,
}

/// The jobs of a site: there is one at the least, and one for each origin.
#[derive(Debug)]
struct Site<T> {
    origins: HashMap<QuotaKey, VecDeque<T>>,
    /// Whose turn it is. Each origin stands here once.
    turns: VecDeque<QuotaKey>,
    len: usize,
}

impl<T> TurnQueue<T> {
    pub(crate) fn new(len_max: usize) -> Self {
        Self { sites: HashMap::new(), turns: VecDeque::new(), len: 0, len_max }
    }

    /// Gives the job back if too many wait: of all, or this many of its origin. If it took the place of another one,
    /// which was pushed later than all others of its origin, returns that one.
    pub(crate) fn push(&mut self, place: Place, len_of_origin_max: usize, job: T) -> Result<Option<T>, T> {
        let site = place.widest();
        let of_origin = self.sites.get(&site).and_then(|site| site.origins.get(&place.origin));
        if of_origin.map_or(0, VecDeque::len) >= len_of_origin_max {
            return Err(job);
        }
        let mut displaced = None;
        if self.len >= self.len_max {
            displaced = self.displace_for(site);
            if displaced.is_none() {
                return Err(job);
            }
        }
        self.insert(place, job);
        Ok(displaced)
    }

    fn insert(&mut self, place: Place, job: T) {
        let site = match self.sites.entry(place.widest()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                self.turns.push_back(*entry.key());
                entry.insert(Site { origins: HashMap::new(), turns: VecDeque::new(), len: 0 })
            }
        };
        match site.origins.entry(place.origin) {
            Entry::Occupied(entry) => entry.into_mut().push_back(job),
            Entry::Vacant(entry) => {
                entry.insert(VecDeque::from([job]));
                site.turns.push_back(place.origin);
            }
        }
        site.len += 1;
        self.len += 1;
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        let key = self.turns.pop_front()?;
        let site = self.sites.get_mut(&key)?;
        let job = site.pop();
        if site.len == 0 {
            self.sites.remove(&key);
        } else {
            self.turns.push_back(key);
        }
        self.len -= 1;
        job
    }

    /// How many jobs there are.
    #[cfg(feature = "tokio")]
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Drops the jobs that nobody wants any more.
    #[cfg(feature = "tokio")]
    pub(crate) fn retain(&mut self, is_wanted: impl Fn(&T) -> bool) {
        for site in self.sites.values_mut() {
            site.origins.retain(|_, jobs| {
                jobs.retain(&is_wanted);
                !jobs.is_empty()
            });
            site.turns.retain(|origin| site.origins.contains_key(origin));
            site.len = site.origins.values().map(VecDeque::len).sum();
        }
        self.sites.retain(|_, site| site.len > 0);
        self.turns.retain(|site| self.sites.contains_key(site));
        self.len = self.sites.values().map(|site| site.len).sum();
    }

    /// The newest job of the origin that has most of the site that has most, if that has more than this site will have.
    fn displace_for(&mut self, site: QuotaKey) -> Option<T> {
        let of_site = self.sites.get(&site).map_or(0, |site| site.len);
        // Two with about as many do not displace each other. So the other has one left.
        let most = self.sites.values_mut().max_by_key(|site| site.len).filter(|most| most.len > of_site + 1)?;
        let job = most.pop_newest()?;
        self.len -= 1;
        Some(job)
    }
}

impl<T> Site<T> {
    fn pop(&mut self) -> Option<T> {
        let origin = self.turns.pop_front()?;
        let Entry::Occupied(mut entry) = self.origins.entry(origin) else { return None };
        let job = entry.get_mut().pop_front();
        if entry.get().is_empty() {
            entry.remove();
        } else {
            self.turns.push_back(origin);
        }
        self.len -= 1;
        job
    }

    fn pop_newest(&mut self) -> Option<T> {
        let (&origin, jobs) = self.origins.iter_mut().max_by_key(|(_, jobs)| jobs.len())?;
        let job = jobs.pop_back();
        if jobs.is_empty() {
            self.origins.remove(&origin);
            self.turns.retain(|turn| *turn != origin);
        }
        self.len -= 1;
        job
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn place(origin: u128, site: Option<u128>) -> Place {
        Place {
            origin: QuotaKey(origin),
            site: match site {
                Some(site) => Some(QuotaKey(site)),
                None => None,
            },
            is_shared: false,
        }
    }

    /// An origin that is the only one of its site.
    fn push(queue: &mut TurnQueue<u32>, origin: u128, job: u32) -> Result<Option<u32>, u32> {
        queue.push(place(origin, None), 4, job)
    }

    fn pop_all(queue: &mut TurnQueue<u32>) -> Vec<u32> {
        let popped = std::iter::from_fn(|| queue.pop()).collect();
        assert!(queue.sites.is_empty() && queue.turns.is_empty() && queue.len == 0);
        popped
    }

    #[test]
    fn origins_take_turns_and_none_fills_the_queue() {
        let mut queue = TurnQueue::new(5);
        let pushed = [(1, 10), (1, 11), (1, 12), (1, 13), (2, 20), (3, 30)];
        let refused = pushed.map(|(origin, job)| queue.push(place(origin, None), 3, job).err());
        assert_eq!(refused, [None, None, None, Some(13), None, None]);
        assert_eq!(pop_all(&mut queue), [10, 20, 30, 11, 12]);
        assert_eq!(push(&mut queue, 1, 14), Ok(None), "it has room again");
    }

    #[test]
    fn a_site_has_one_turn_however_many_origins_it_has() {
        let mut queue = TurnQueue::new(10);
        for (origin, job) in [(1, 10), (1, 11), (2, 20), (3, 30)] {
            assert_eq!(queue.push(place(origin, Some(100)), 4, job), Ok(None));
        }
        for (origin, job) in [(4, 40), (4, 41), (5, 50)] {
            assert_eq!(push(&mut queue, origin, job), Ok(None));
        }
        assert_eq!(pop_all(&mut queue), [10, 40, 50, 20, 41, 30, 11]);
    }

    #[test]
    fn an_origin_that_many_share_does_not_take_the_turns_of_its_site() {
        let mut queue = TurnQueue::new(10);
        let gateway = Place { is_shared: true, ..place(1, Some(100)) };
        for job in 10..13 {
            assert_eq!(queue.push(gateway, 4, job), Ok(None));
        }
        for (origin, job) in [(2, 20), (3, 30)] {
            assert_eq!(queue.push(place(origin, Some(100)), 4, job), Ok(None));
        }
        assert_eq!(pop_all(&mut queue), [10, 20, 11, 30, 12]);
    }

    #[test]
    fn who_has_most_in_a_full_queue_makes_room_for_others() {
        let mut queue = TurnQueue::new(4);
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
        assert_eq!(pop_all(&mut queue), [10, 20, 30, 40]);
    }

    #[test]
    fn a_site_with_many_origins_makes_room_as_one() {
        let mut queue = TurnQueue::new(4);
        for origin in 1..=4 {
            assert_eq!(queue.push(place(origin, Some(100)), 4, 0), Ok(None));
        }
        assert_eq!(queue.push(place(5, Some(100)), 4, 0), Err(0), "not for itself");
        assert_eq!(push(&mut queue, 200, 1), Ok(Some(0)));
        assert_eq!(push(&mut queue, 200, 2), Ok(Some(0)));
        assert_eq!(pop_all(&mut queue).len(), 4);
    }

    #[cfg(feature = "tokio")]
    #[test]
    fn what_nobody_wants_is_dropped_and_the_turns_of_others_stay() {
        let mut queue = TurnQueue::new(10);
        for (origin, job) in [(1, 10), (2, 20), (1, 11), (3, 31)] {
            assert_eq!(push(&mut queue, origin, job), Ok(None));
        }
        queue.retain(|job| job % 10 == 1);
        assert_eq!(queue.len(), 2);
        assert_eq!(pop_all(&mut queue), [11, 31]);
    }
}
