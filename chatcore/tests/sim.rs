//! Thousands of random runs of the simulator, attacks of each kind, and that a run can be repeated.

use chatcore::sim::{self, Flood, Plan, Random, Summary, World};

/// Random runs, in as many tests as there are processors to be expected, so that they run side by side.
const RUNS: u64 = 2_000;
const TESTS: u64 = 4;

/// Seeds that break a promise if one mechanism is taken out of the hub. If what a run draws changes, they are other
/// runs: take each out again, and search.
const PINNED: [(u64, &str); 51] = [
    (1, "what a member shares with others does not count for it"),
    (2, "a message goes to the first session of its recipient"),
    (2, "the sender's other sessions are not told of a message"),
    (2, "the other sessions of a user are not told of a join"),
    (3, "a message is reported though another session of its recipient has it"),
    (3, "nobody has the name when the first session of a user has ended"),
    (4, "a request does not wait for the answers to those before it"),
    (4, "a question without an answer has no time"),
    (4, "any number of requests wait"),
    (4, "every question is asked twice"),
    (4, "whatever is reported is unconfirmed"),
    (5, "who takes a session over is not told its rooms"),
    (5, "who takes a session over is in no room"),
    (5, "who takes a session over does not get what was queued for it"),
    (5, "who takes a session over watches what the client before watched"),
    (5, "whatever is reported is undelivered"),
    (7, "a session is over before its time"),
    (11, "how long a session waits is ignored when it begins"),
    (11, "a session waits for as long as the hub says, whatever its client was told"),
    (12, "who is put into a room is not told"),
    (13, "nobody is paused"),
    (14, "an answer is followed before those to earlier requests"),
    (14, "what the program denies is done"),
    (14, "a request waits on when its session has ended"),
    (14, "a request waits on when its session is taken over"),
    (14, "the client before goes on when its session is taken over"),
    (16, "who is banned is let in"),
    (16, "who is banned keeps its sessions"),
    (20, "a room is told that a user has left when one of its sessions has ended"),
    (20, "a report goes to the first session of the sender"),
    (21, "a session that begins is not in the rooms of its user"),
    (31, "nobody stalls"),
    (43, "who takes a session over does not get reports again"),
    (45, "the token of the client before is good for a session that is taken over"),
    (45, "another session is taken over than that whose time is over first"),
    (45, "for want of a place the session goes whose time is over last"),
    (54, "who is taken out of a room is not told"),
    (56, "what the program says in a room reaches nobody"),
    (63, "a session that goes on waits for as long as the connection before said"),
    (64, "a session that is taken over waits for as long as the client before said"),
    (65, "who takes a session over does not get copies again"),
    (69, "a member is not told what it has missed"),
    (70, "what the program says to a user goes to its first session"),
    (93, "the session is taken over that was left first, and not the one whose time is over first"),
    (101, "a watcher is not told what it was to be told while it had no room"),
    (147, "what the client before may have had counts as undelivered"),
    (179, "a report does not say that a session that has ended may have had the message"),
    (293, "an origin over its share is neither refused nor ended"),
    (353, "a slice of the hub's own work has no end"),
    (363, "a goodbye does not wait for the answers to what was requested before it"),
    (712, "a member is not told that a room is stale"),
];

/// Tells how to replay a run that has panicked.
struct Replay(u64);

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let seed = self.0;
            eprintln!(
                "replay: cargo run -p chatcore --features sim --example simulate -- --runs 1 --seed {seed} --verbose"
            );
        }
    }
}

fn run(seed: u64) -> Summary {
    let replay = Replay(seed);
    match sim::run(seed) {
        Ok(summary) => summary,
        Err(violation) => panic!("seed {}: {violation}", replay.0),
    }
}

/// Every so manieth run, and what happened in them all, so that nobody is content with runs in which nothing happens.
fn every_promise_is_kept(part: u64) {
    let mut all = Summary::default();
    for seed in (part..RUNS).step_by(usize::try_from(TESTS).expect("it is small")) {
        all += run(seed);
    }
    let runs = RUNS / TESTS;
    assert!(all.seen > 100 * runs, "only {} messages were seen", all.seen);
    assert!(all.resumptions > runs, "only {} sessions were resumed", all.resumptions);
    assert!(all.lives > 5 * runs, "only {} processes were started", all.lives);
    // A check says nothing of what does not happen. Users are renamed in other runs.
    let never = all.counters().filter(|(what, count)| *count == 0 && *what != "renames").map(|(what, _)| what);
    assert_eq!(never.collect::<Vec<_>>(), [""; 0], "of these there were none");
}

#[test]
fn every_promise_is_kept_in_the_first_part_of_the_runs() {
    every_promise_is_kept(0);
}

#[test]
fn every_promise_is_kept_in_the_second_part_of_the_runs() {
    every_promise_is_kept(1);
}

#[test]
fn every_promise_is_kept_in_the_third_part_of_the_runs() {
    every_promise_is_kept(2);
}

#[test]
fn every_promise_is_kept_in_the_fourth_part_of_the_runs() {
    every_promise_is_kept(3);
}

#[test]
fn runs_that_need_each_mechanism_keep_every_promise() {
    for (seed, why) in PINNED {
        println!("seed {seed}: {why}");
        run(seed);
    }
}

/// Runs in which users are renamed.
const RENAMING_RUNS: u64 = 300;

#[test]
fn every_promise_is_kept_while_users_are_renamed() {
    let mut all = Summary::default();
    for seed in 0..RENAMING_RUNS {
        let mut random = Random::new(seed);
        let plan = Plan::draw_renaming(&mut random);
        match World::new(random.draw(), plan).run() {
            Ok(summary) => all += summary,
            Err(violation) => panic!(
                "{violation}; replay: cargo run -p chatcore --features sim --example simulate -- --runs 1 --seed {seed} \
                 --renames --verbose"
            ),
        }
    }
    let Summary { renames, resumptions, copies, takeovers, questions, operations, .. } = all;
    let happened = [resumptions, copies, takeovers, questions, operations];
    assert!(renames > 2 * RENAMING_RUNS && happened.iter().all(|count| *count > 0), "{all:?}");
}

/// Seeds of each kind of attack.
const ATTACKS: u64 = 3;

#[test]
fn fair_pairs_are_not_delayed_by_any_flood() {
    for flood in Flood::ALL {
        let mut all = Summary::default();
        for seed in 0..ATTACKS {
            let mut random = Random::new(seed);
            let plan = Plan::draw_attack_of(&mut random, &[flood]);
            match World::new(random.draw(), plan).run() {
                Ok(summary) => all += summary,
                Err(violation) => panic!("{flood:?}, seed {seed}: {violation}"),
            }
        }
        assert!(all.seen > 20 * ATTACKS, "only {} messages were seen beside {flood:?}", all.seen);
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in 0..20 {
        assert_eq!(run(seed), run(seed), "seed {seed}");
    }
    assert_ne!(run(0).trace, run(1).trace);
}
