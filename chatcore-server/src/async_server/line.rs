//! A line in which registrations wait until one of a number of places is theirs.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chatcore::{QuotaKey, Refusal};
use tokio::sync::oneshot;

use super::config::AsyncConfig;
use super::origin::Origin;
use crate::counts::Place;
use crate::turn_queue::TurnQueue;

/// When a client may ask again that was refused because too many of its origin wait.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Of those who wait at least so many have to be gone before they are looked for.
const GONE_MIN: usize = 64;

/// Gives places to registrations. Sites take turns, and in a site its origins ([`TurnQueue`]).
#[derive(Debug)]
pub(super) struct Line {
    of_origin_max: usize,
    of_site_max: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Places that nobody has. While there are some, nobody waits.
    free: usize,
    waiting: TurnQueue<oneshot::Sender<()>>,
    /// How many of those who wait are gone.
    gone: usize,
    /// How many have a place or wait, of each origin and of each site.
    of: HashMap<QuotaKey, usize>,
}

/// A place. When it is dropped, it is the next one's.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    line: &'a Line,
    place: Place,
}

/// One who waits, or has a place that it has not found yet.
struct Waiting<'a> {
    line: &'a Line,
    turn: oneshot::Receiver<()>,
    is_over: bool,
}

/// One who is counted among those of its origin.
struct Counted<'a> {
    line: &'a Line,
    place: Place,
    is_over: bool,
}

impl Line {
    /// A line for those who ask for names.
    pub(super) fn of_names(config: &AsyncConfig) -> Self {
        let of_origin_max = config.undecided_of_origin_max;
        Self::new(config.undecided_max, of_origin_max, of_origin_max.saturating_mul(config.site_factor as usize))
    }

    /// A line for those who resume a session, of whom one address may have many when its network comes back: who is
    /// refused may be too late the next time. Still, no origin has all places.
    pub(super) fn of_resumes(config: &AsyncConfig) -> Self {
        let names = Self::of_names(config);
        let (half, three_quarters) = (config.undecided_max / 2, config.undecided_max / 4 * 3);
        Self::new(config.undecided_max, names.of_origin_max.max(half), names.of_site_max.max(three_quarters))
    }

    fn new(places: usize, of_origin_max: usize, of_site_max: usize) -> Self {
        let waiting = TurnQueue::new(usize::MAX);
        let state = State { free: places, waiting, gone: 0, of: HashMap::new() };
        Self { of_origin_max, of_site_max, state: Mutex::new(state) }
    }

    /// Waits for a place.
    ///
    /// # Errors
    ///
    /// If too many of the origin, or of its site, have one or wait. An origin that many share has no bound.
    pub(super) async fn enter(&self, origin: Origin) -> Result<Turn<'_>, Refusal> {
        let mut counted = self.count(origin)?;
        let waiting = self.lock().join(origin.place);
        if let Some(turn) = waiting {
            let mut waiting = Waiting { line: self, turn, is_over: false };
            (&mut waiting.turn).await.expect("those who wait are dropped from the line only when they are gone");
            waiting.is_over = true;
        }
        counted.is_over = true;
        Ok(Turn { line: self, place: origin.place })
    }

    fn count(&self, origin: Origin) -> Result<Counted<'_>, Refusal> {
        let mut state = self.lock();
        let Place { origin: key, site, is_shared } = origin.place;
        // Where there is nobody yet there is room, so that no entry is left at zero.
        let is_full = |key: Option<QuotaKey>, max| key.and_then(|key| state.of.get(&key)).is_some_and(|of| *of >= max);
        if !is_shared && (is_full(Some(key), self.of_origin_max) || is_full(site, self.of_site_max)) {
            return Err(Refusal::RateLimited { wait: AGAIN_AFTER });
        }
        for key in origin.place.keys() {
            *state.of.entry(key).or_default() += 1;
        }
        Ok(Counted { line: self, place: origin.place, is_over: false })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes a place, or begins to wait for one.
    fn join(&mut self, place: Place) -> Option<oneshot::Receiver<()>> {
        if self.free > 0 {
            self.free -= 1;
            return None;
        }
        let (turn, waiting) = oneshot::channel();
        self.waiting.push(place, usize::MAX, turn).expect("the queue has no bound");
        Some(waiting)
    }

    /// A place is the next one's.
    fn hand_on(&mut self) {
        while let Some(turn) = self.waiting.pop() {
            if turn.send(()).is_ok() {
                return;
            }
            self.gone -= 1;
        }
        self.free += 1;
    }

    /// One who waited is gone. Looking for such takes a time that others have paid for by going.
    fn note_gone(&mut self) {
        self.gone += 1;
        if self.gone >= GONE_MIN.max(self.waiting.len() / 2) {
            self.waiting.retain(|turn| !turn.is_closed());
            self.gone = 0;
        }
    }

    fn uncount(&mut self, place: Place) {
        for key in place.keys() {
            if let Some(of) = self.of.get_mut(&key) {
                *of -= 1;
                if *of == 0 {
                    self.of.remove(&key);
                }
            }
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.line.lock();
        state.uncount(self.place);
        state.hand_on();
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let mut state = self.line.lock();
        self.turn.close();
        match self.turn.try_recv() {
            Ok(()) => state.hand_on(),
            Err(_) => state.note_gone(),
        }
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.line.lock().uncount(self.place);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn line(undecided_max: usize, of_origin_max: usize) -> Line {
        let config = AsyncConfig::default().with_undecided_max(undecided_max);
        Line::of_names(&config.with_undecided_of_origin_max(of_origin_max).with_site_factor(2))
    }

    fn origin(key: u128) -> Origin {
        Origin::from(QuotaKey(key))
    }

    type Entering<'a> = Pin<Box<dyn Future<Output = Result<Turn<'a>, Refusal>> + 'a>>;

    /// Begins to wait.
    fn wait(line: &Line, origin: Origin) -> Entering<'_> {
        let mut entering: Entering<'_> = Box::pin(line.enter(origin));
        assert!(poll(&mut entering).is_none(), "there is no place for it yet");
        entering
    }

    fn poll<'a>(entering: &mut Entering<'a>) -> Option<Turn<'a>> {
        match entering.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(turn) => Some(turn.expect("there is room")),
            Poll::Pending => None,
        }
    }

    fn enter(line: &Line, origin: Origin) -> Option<Result<Turn<'_>, Refusal>> {
        match pin!(line.enter(origin)).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(turn) => Some(turn),
            Poll::Pending => None,
        }
    }

    #[test]
    fn who_comes_from_elsewhere_does_not_wait_behind_many_of_a_site() {
        let line = line(1, 4);
        let first = enter(&line, origin(1)).expect("there is a place").expect("there is room");
        let mut of_site: Vec<_> = (10..16).map(|key| wait(&line, origin(key).with_site(QuotaKey(100)))).collect();
        let mut other = wait(&line, origin(2));
        drop(first);
        let second = poll(&mut of_site[0]).expect("it came first");
        assert!(poll(&mut other).is_none());
        drop(second);
        assert!(of_site[1..].iter_mut().all(|entering| poll(entering).is_none()));
        assert!(poll(&mut other).is_some());
    }

    #[test]
    fn an_origin_and_a_site_have_their_bounds_and_a_shared_origin_has_none() {
        let line = line(100, 2);
        let enter_all = |origins: Vec<Origin>| -> Vec<_> {
            origins.into_iter().filter_map(|origin| enter(&line, origin).expect("there are places").ok()).collect()
        };
        let of_origin = enter_all(vec![origin(1); 5]);
        assert_eq!(of_origin.len(), 2);
        assert_eq!(enter_all((10..20).map(|key| origin(key).with_site(QuotaKey(100))).collect()).len(), 4);
        // However many come through a gateway, its site has its own room.
        let of_site = |key| origin(key).with_site(QuotaKey(200));
        let of_gateway = enter_all(vec![of_site(20).shared(); 50]);
        assert_eq!(of_gateway.len(), 50);
        assert_eq!(enter_all((21..30).map(of_site).collect()).len(), 4);
        drop((of_origin, of_gateway));
        assert!(line.lock().of.is_empty());
        assert_eq!(line.lock().free, 100);
    }

    #[test]
    fn who_is_gone_leaves_nothing_behind() {
        let line = line(1, 1);
        let first = enter(&line, origin(1)).expect("there is a place").expect("there is room");
        for _ in 0..10 * GONE_MIN {
            drop(wait(&line, origin(2)));
            assert!(line.lock().waiting.len() <= GONE_MIN);
        }
        // One has its place, and is gone before it finds it.
        let given = wait(&line, origin(3));
        let mut last = wait(&line, origin(2));
        drop(first);
        drop(given);
        let last = poll(&mut last).expect("the place is its own by now");
        assert_eq!(line.lock().free, 0);
        drop(last);
        let state = line.lock();
        assert_eq!((state.free, state.gone, state.waiting.len(), state.of.len()), (1, 0, 0, 0));
    }
}
