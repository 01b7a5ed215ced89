//! How often somebody may try a password.
//!
//! Each wrong password fills a bucket, which drains with time; whose bucket is full has to wait until there is room for
//! one more. There is a bucket for each origin, one for each name as each origin asks for it, and one for each name as
//! all ask for it. The last is so wide that it slows down those alone who guess from everywhere.
//!
//! An origin from which the right password of a name has come is a home of the name. There the bucket of the name and
//! the origin is the only one: no tries for other names, and none from elsewhere, make the owner wait. So nobody can
//! lock an owner out but who guesses the same name from the same origin, or, for an owner away from home, from the same
//! origin or from everywhere. Each wait ends after the time that one place takes to come free, but whoever takes that
//! place first makes the others wait again: who shares an origin with the owner can do that for as long as they like.
//!
//! An origin that many share, as a proxy's address, has no bucket for all names: one of its users would fill it for
//! all.
//!
//! All of this is bounded, and nobody can make the server forget what concerns somebody else: a name has homes of its
//! own ([`Homes`]), and buckets that are full stay when there are too many ([`Buckets`]).

use std::time::{Duration, Instant};

use chatcore::{QuotaKey, UserName};

use super::buckets::{Buckets, Pace};
use super::homes::{self, Homes};
use super::origin::Origin;

/// Wrong passwords from one origin for one name: at once, and after that one in this time.
const PAIR: Pace = Pace { burst: 5, every: Duration::from_secs(60) };

/// Those from one origin for names that are not at home there. The setting says how many at once.
const ORIGIN_EVERY: Duration = Duration::from_secs(10);

/// Those for one name, from all origins from which the right one has not come.
const NAME: Pace = Pace { burst: 100, every: Duration::from_secs(5) };

/// Buckets of each kind for each thread. One hashes some 50 passwords in a second, and each fills a bucket for a minute
/// at the most: fewer than so many are filled at a time.
const LEN_OF_THREAD_MAX: usize = 3_276;

/// Buckets of each kind for few threads.
const LEN_MIN: usize = 16_384;

/// Buckets of each kind for so many threads, at the most.
fn len_max(threads: usize) -> usize {
    threads.saturating_mul(LEN_OF_THREAD_MAX).max(LEN_MIN)
}

/// Bytes of memory for all that, at the most. Each kind of bucket has keys with a name, twice.
pub(super) fn bytes_max(threads: usize) -> u64 {
    3 * len_max(threads) as u64 * 512 + homes::BYTES_MAX
}

/// Who has tried.
#[derive(Debug)]
pub(super) struct Attempts {
    origins: Buckets<Origin>,
    pairs: Buckets<(UserName, Origin)>,
    names: Buckets<UserName>,
    homes: Homes,
}

/// A try that is counted. Which buckets it has filled is known from then on: the name may be at home before it is
/// decided.
#[derive(Debug)]
pub(super) struct Try {
    pair: (UserName, Origin),
    is_at_home: bool,
    is_origin_counted: bool,
}

impl Default for Attempts {
    fn default() -> Self {
        let (origins, pairs) = (Buckets::new(LEN_MIN), Buckets::new(LEN_MIN));
        Self { origins, pairs, names: Buckets::new(LEN_MIN), homes: Homes::default() }
    }
}

impl Attempts {
    /// So many threads hash passwords.
    pub(super) fn set_threads(&mut self, threads: usize) {
        let len_max = len_max(threads);
        (self.origins.len_max, self.pairs.len_max, self.names.len_max) = (len_max, len_max, len_max);
    }

    /// How long it takes until there is room for one more try; zero if there is. `origin_burst` is how many wrong ones
    /// the origin has at once for all names together; none if these are not counted.
    pub(super) fn wait(&self, now: Instant, name: &UserName, origin: Origin, origin_burst: Option<u32>) -> Duration {
        let pair = (name.clone(), origin);
        let of_pair = self.pairs.wait(now, &pair, PAIR);
        if self.is_home(&pair) {
            return of_pair;
        }
        let of_origin = origin_burst
            .map_or(Duration::ZERO, |burst| self.origins.wait(now, &origin, Pace { burst, every: ORIGIN_EVERY }));
        of_pair.max(of_origin).max(self.names.wait(now, name, NAME))
    }

    /// Counts a try as a wrong one before anybody knows, so that those at the same time count, too.
    ///
    /// # Errors
    ///
    /// How long it takes until there is room for it.
    pub(super) fn begin(
        &mut self,
        now: Instant,
        name: &UserName,
        origin: Origin,
        origin_burst: Option<u32>,
    ) -> Result<Try, Duration> {
        let wait = self.wait(now, name, origin, origin_burst);
        if !wait.is_zero() {
            return Err(wait);
        }
        let pair = (name.clone(), origin);
        let begun = Try { is_at_home: self.is_home(&pair), is_origin_counted: origin_burst.is_some(), pair };
        self.pairs.fill(now, begun.pair.clone(), PAIR.every);
        if !begun.is_at_home {
            self.names.fill(now, name.clone(), NAME.every);
            if begun.is_origin_counted {
                self.origins.fill(now, origin, ORIGIN_EVERY);
            }
        }
        Ok(begun)
    }

    /// The password of a try that was begun was right: it does not count. The origin's others do, and so do those of
    /// others for the name. The origin belongs to this site, if to any.
    pub(super) fn succeeded(&mut self, begun: Try, site: Option<QuotaKey>) {
        let Try { pair, is_at_home, is_origin_counted } = begun;
        if !is_at_home {
            self.names.drain(&pair.0, NAME.every);
            if is_origin_counted {
                self.origins.drain(&pair.1, ORIGIN_EVERY);
            }
        }
        self.pairs.remove(&pair);
        let (name, origin) = pair;
        self.homes.insert(name, origin, site);
    }

    fn is_home(&self, (name, origin): &(UserName, Origin)) -> bool {
        self.homes.contains(name, *origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BURST: u32 = 20;

    /// An origin whose tries for all names are not counted together.
    const PROXY: u128 = 127;

    struct Desk {
        attempts: Attempts,
        now: Instant,
    }

    impl Desk {
        fn new() -> Self {
            Self { attempts: Attempts::default(), now: Instant::now() }
        }

        fn tries(&mut self, name: &str, origin: u128) -> Result<Try, Duration> {
            let burst = (origin != PROXY).then_some(BURST);
            self.attempts.begin(self.now, &name.parse().unwrap(), Origin::Network(QuotaKey(origin)), burst)
        }

        fn logs_in(&mut self, name: &str, origin: u128) -> Result<(), Duration> {
            let begun = self.tries(name, origin)?;
            self.attempts.succeeded(begun, None);
            Ok(())
        }

        /// How many wrong passwords are let through.
        fn failures(&mut self, name: &str, origin: u128) -> usize {
            std::iter::from_fn(|| self.tries(name, origin).ok()).count()
        }
    }

    #[test]
    fn after_five_wrong_passwords_for_a_name_an_origin_waits_for_a_minute() {
        let mut desk = Desk::new();
        assert_eq!(desk.failures("alice", 1), 5);
        assert_eq!(desk.tries("alice", 1).err(), Some(Duration::from_secs(60)));
        // The right one has to wait, too: who guesses must not learn that it was right.
        assert_eq!(desk.logs_in("alice", 1), Err(Duration::from_secs(60)));
        desk.now += Duration::from_secs(45);
        assert_eq!(desk.tries("alice", 1).err(), Some(Duration::from_secs(15)));
        desk.now += Duration::from_secs(15);
        assert_eq!(desk.logs_in("alice", 1), Ok(()));
        assert_eq!(desk.failures("alice", 1), 5, "a right one starts anew");
    }

    #[test]
    fn an_origin_that_tries_many_names_waits_and_its_neighbours_do_not() {
        let mut desk = Desk::new();
        let names = (0..100).map(|number| format!("user{number}"));
        let passed = names.filter(|name| desk.tries(name, 1).is_ok()).count();
        assert_eq!(passed, 20);
        assert_eq!(desk.tries("alice", 1).err(), Some(Duration::from_secs(10)));
        assert_eq!(desk.logs_in("alice", 2), Ok(()));
    }

    #[test]
    fn an_owner_at_home_does_not_wait_for_those_who_try_other_names_there() {
        let mut desk = Desk::new();
        assert_eq!(desk.logs_in("alice", 1), Ok(()));
        assert_eq!((0..100).filter(|number| desk.tries(&format!("user{number}"), 1).is_ok()).count(), 20);
        assert_eq!(desk.logs_in("bob", 1), Err(Duration::from_secs(10)), "who was never there does");
        assert_eq!(desk.logs_in("alice", 1), Ok(()));
        assert_eq!(desk.failures("alice", 1), 5, "guesses at home are as few as elsewhere");
        assert_eq!(desk.tries("alice", 1).err(), Some(Duration::from_secs(60)));
    }

    #[test]
    fn tries_at_a_home_are_no_others() {
        let mut desk = Desk::new();
        for number in 0..50 {
            let name = format!("user{number}");
            assert_eq!(desk.logs_in(&name, 1), Ok(()));
            assert_eq!(desk.failures(&name, 1), 5);
        }
        assert_eq!(desk.logs_in("alice", 1), Ok(()), "they fill no bucket of the origin");
        for origin in 1..=30 {
            desk.logs_in("bob", origin).unwrap();
            desk.failures("bob", origin);
        }
        assert_eq!(desk.logs_in("bob", 31), Ok(()), "nor one of the name");
    }

    #[test]
    fn one_user_with_many_networks_takes_no_home_from_another() {
        let mut desk = Desk::new();
        assert_eq!(desk.logs_in("alice", 1), Ok(()));
        for origin in 0..2 * LEN_MIN as u128 {
            assert_eq!(desk.logs_in("mallory", 1_000 + origin), Ok(()));
        }
        assert_eq!((0..100).filter(|number| desk.tries(&format!("user{number}"), 1).is_ok()).count(), 20);
        assert_eq!(desk.logs_in("bob", 1), Err(Duration::from_secs(10)));
        assert_eq!(desk.logs_in("alice", 1), Ok(()), "it is still her home");
    }

    #[test]
    fn tries_for_very_many_names_buy_no_more_for_one() {
        let mut desk = Desk::new();
        assert_eq!(desk.failures("alice", PROXY), 5);
        for number in 0..2 * LEN_MIN {
            assert!(desk.tries(&format!("user{number}"), PROXY).is_ok());
        }
        assert_eq!(desk.tries("alice", PROXY).err(), Some(Duration::from_secs(60)));
    }

    #[test]
    fn what_many_threads_hash_in_a_minute_makes_the_server_forget_nothing() {
        const THREADS: usize = 8;
        let mut desk = Desk::new();
        desk.attempts.set_threads(THREADS);
        assert!(desk.tries("alice", PROXY).is_ok());
        for second in 0..59 {
            desk.now += Duration::from_secs(1);
            for number in 0..50 * THREADS {
                assert!(desk.tries(&format!("user{second}-{number}"), PROXY).is_ok());
            }
        }
        assert_eq!(desk.failures("alice", PROXY), 4);
    }

    #[test]
    fn a_try_takes_back_what_it_has_filled_although_the_name_is_at_home_by_then() {
        let mut desk = Desk::new();
        for _ in 0..10 {
            desk.now += Duration::from_secs(60);
            let attempts = ["alice", "alice"].map(|name| desk.tries(name, 1).unwrap());
            for begun in attempts {
                desk.attempts.succeeded(begun, None);
            }
            desk.attempts.homes.remove(&"alice".parse().unwrap(), Origin::Network(QuotaKey(1)));
        }
        let passed = (0..100).filter(|number| desk.tries(&format!("user{number}"), 1).is_ok()).count();
        assert_eq!(passed, 20);
    }

    #[test]
    fn behind_a_shared_origin_names_alone_are_counted() {
        let mut desk = Desk::new();
        assert!((0..100).all(|number| desk.tries(&format!("user{number}"), PROXY).is_ok()));
        assert_eq!(desk.logs_in("alice", PROXY), Ok(()));
        assert_eq!(desk.failures("bob", PROXY), 5);
        assert_eq!(desk.tries("bob", PROXY).err(), Some(Duration::from_secs(60)));
    }

    #[test]
    fn right_passwords_in_between_buy_an_origin_no_more_tries_for_other_names() {
        let mut desk = Desk::new();
        let names = (0..100).map(|number| format!("user{number}"));
        let passed = names.filter(|name| desk.logs_in("mallory", 1).is_ok() && desk.tries(name, 1).is_ok()).count();
        assert_eq!(passed, 20);
    }

    #[test]
    fn guesses_from_everywhere_slow_down_strangers_and_not_the_owner_at_home() {
        let mut desk = Desk::new();
        assert_eq!(desk.logs_in("alice", 0), Ok(()));
        let passed: usize = (1..=100).map(|origin| desk.failures("alice", origin)).sum();
        assert_eq!(passed, 100);
        assert_eq!(
            desk.tries("alice", 1_000).err(),
            Some(Duration::from_secs(5)),
            "a stranger waits, for a short time"
        );
        assert_eq!(desk.logs_in("alice", 0), Ok(()));
        desk.now += Duration::from_secs(5);
        assert_eq!(desk.logs_in("alice", 1_001), Ok(()), "and so does the owner on a journey");
    }

    #[test]
    fn tries_at_the_same_time_all_count() {
        let mut desk = Desk::new();
        // None has its answer yet.
        let begun = (0..50).filter(|_| desk.tries("alice", 1).is_ok()).count();
        assert_eq!(begun, 5);
    }

    #[test]
    fn no_wait_is_longer_than_one_place_takes() {
        let mut desk = Desk::new();
        for round in 0..1_000 {
            desk.now += Duration::from_millis(round);
            for (name, origin) in [("alice", 1), ("bob", 1), ("alice", 2), ("carol", 3)] {
                if let Err(wait) = desk.tries(name, origin) {
                    assert!(wait <= PAIR.every, "{wait:?}");
                }
            }
        }
    }

    #[test]
    fn users_of_this_machine_do_not_wait_for_each_other() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        let name = "alice".parse().unwrap();
        let [mine, others] = [Some(1), Some(2)].map(|uid| Origin::Local { uid });
        while attempts.begin(now, &name, others, Some(BURST)).is_ok() {}
        assert!(attempts.wait(now, &name, mine, Some(BURST)).is_zero());
    }
}
