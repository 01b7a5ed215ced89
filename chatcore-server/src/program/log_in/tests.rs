//! Who gets which name, by the rules.

use std::net::Ipv4Addr;
use std::time::Duration;

use chatcore::{QuotaKey, RefusalCode};

use super::passwords::tests::quick_hash;
use super::*;
use crate::quota_key;

const STRANGER: Origin = Origin::Local { uid: None };

fn passwords(users: &[(&str, &str)]) -> Arc<Passwords> {
    let lines: Vec<_> = users.iter().map(|(name, password)| format!("{name}:{}", quick_hash(password))).collect();
    let (passwords, faults) = Passwords::parse(&lines.join("\n"));
    assert_eq!(faults, []);
    Arc::new(passwords)
}

/// A gate with these rules, a clock, and what was answered on a thread of the pool and not at once.
struct Desk {
    gate: Gate,
    now: Instant,
    slow: usize,
}

impl Desk {
    fn new(rules: Rules) -> Self {
        let gate = Gate::default();
        gate.set_rules(rules);
        Self { gate, now: Instant::now(), slow: 0 }
    }

    /// Lets somebody ask, as the server does: first for what is known at once.
    fn asks(&mut self, name: &str, password: &str, origin: Origin, is_private: bool) -> Result<Admission, Refusal> {
        let name = name.parse().expect("it can be a name");
        let asker = Asker {
            name: &name,
            password: password.as_bytes(),
            origin,
            site: None,
            is_origin_shared: false,
            is_private,
            is_certified: false,
        };
        self.gate.decide_at_once(self.now, asker).unwrap_or_else(|| {
            self.slow += 1;
            self.gate.decide(self.now, asker)
        })
    }

    /// The same from this machine.
    fn logs_in(&mut self, name: &str, password: &str) -> Result<Admission, Refusal> {
        self.asks(name, password, STRANGER, true)
    }

    fn code(&mut self, name: &str, password: &str) -> Option<RefusalCode> {
        self.logs_in(name, password).err().map(|refusal| refusal.code())
    }
}

#[test]
fn without_rules_everybody_is_a_guest_at_once_whatever_the_password() {
    let mut desk = Desk::new(Rules::default());
    for (name, password, is_private) in [("alice", "", true), ("bob", "", false), ("carol", "secret", false)] {
        assert_eq!(desk.asks(name, password, STRANGER, is_private), Ok(Admission::NewUser));
    }
    assert_eq!(desk.slow, 0);
}

#[test]
fn a_name_with_a_password_needs_it_in_all_spellings_and_so_do_its_look_alikes() {
    let mut desk = Desk::new(Rules { passwords: Some(passwords(&[("cop", "secret")])), ..Rules::default() });
    for spelling in ["cop", "COP", "\u{ff43}op"] {
        assert_eq!(desk.code(spelling, ""), Some(RefusalCode::Denied), "{spelling}");
        assert_eq!(desk.code(spelling, "wrong"), Some(RefusalCode::Denied), "{spelling}");
        assert_eq!(desk.logs_in(spelling, "secret"), Ok(Admission::AnotherSession), "{spelling}");
    }
    let look_alike = "\u{441}\u{43e}\u{440}";
    assert_eq!(desk.logs_in(look_alike, ""), Err(Refusal::Confusable));
    assert_eq!(desk.logs_in(look_alike, "secret"), Err(Refusal::Denied));
    desk.slow = 0;
    assert_eq!(desk.logs_in("carol", ""), Ok(Admission::NewUser), "others are guests");
    assert_eq!(desk.slow, 0, "who is a guest is known at once");
}

#[test]
fn who_sends_a_password_is_no_guest_under_a_name_that_has_none() {
    let mut desk = Desk::new(Rules { passwords: Some(passwords(&[("alice", "secret")])), ..Rules::default() });
    assert_eq!(desk.logs_in("alcie", "secret"), Err(Refusal::Denied));
}

#[test]
fn without_guests_an_unknown_name_is_answered_as_a_known_one() {
    let mut desk =
        Desk::new(Rules { guests: Guests::No, passwords: Some(passwords(&[("cop", "secret")])), ..Rules::default() });
    for password in ["", "wrong"] {
        let known = desk.logs_in("cop", password);
        assert!(known.is_err());
        for unknown in ["carol", "\u{441}\u{43e}\u{440}"] {
            assert_eq!(desk.logs_in(unknown, password), known, "{unknown} {password:?}");
        }
    }
}

#[test]
fn a_password_that_others_can_read_is_refused_whether_it_is_right_or_not() {
    let mut desk = Desk::new(Rules { passwords: Some(passwords(&[("alice", "secret")])), ..Rules::default() });
    let origin = Origin::Network(quota_key(Ipv4Addr::new(192, 0, 2, 1).into()));
    let refusals = [("alice", "secret"), ("alice", "wrong"), ("carol", "secret")]
        .map(|(name, password)| desk.asks(name, password, origin, false).unwrap_err());
    assert_eq!(desk.slow, 0, "nothing is hashed for it");
    assert!(refusals.iter().all(|refusal| *refusal == refusals[0]), "{refusals:?}");
    let words = refusals[0].to_string();
    assert!(words.contains("connect over TLS") && words.len() <= chatcore::DETAIL_BYTES_MAX, "{words}");
    assert_eq!(desk.asks("alice", "secret", origin, true), Ok(Admission::AnotherSession));
}

#[test]
fn who_tries_too_often_waits_and_nothing_is_hashed_meanwhile() {
    let mut desk = Desk::new(Rules { passwords: Some(passwords(&[("alice", "secret")])), ..Rules::default() });
    for _ in 0..5 {
        assert_eq!(desk.logs_in("alice", "wrong"), Err(Refusal::Denied));
    }
    desk.slow = 0;
    let locked = Err(Refusal::LockedOut { wait: Duration::from_secs(60) });
    assert_eq!(desk.logs_in("alice", "secret"), locked);
    assert_eq!(desk.slow, 0);
    // Others of this machine come in meanwhile.
    let other = Origin::Local { uid: Some(7) };
    assert_eq!(desk.asks("alice", "secret", other, true), Ok(Admission::AnotherSession));
    desk.now += Duration::from_secs(60);
    assert_eq!(desk.logs_in("alice", "secret"), Ok(Admission::AnotherSession));
}

#[test]
fn an_unknown_name_is_locked_as_a_known_one_is() {
    let mut desk =
        Desk::new(Rules { guests: Guests::No, passwords: Some(passwords(&[("alice", "secret")])), ..Rules::default() });
    let mut answers = |name: &str| [(); 7].map(|()| desk.logs_in(name, "wrong"));
    assert_eq!(answers("alice"), answers("carol"));
}

#[test]
fn of_reserved_names_the_rules_say_whether_their_owners_get_them() {
    let passwords = passwords(&[("admin", "secret")]);
    let reserved = || ["admin", "server"].map(|name| name.parse::<UserName>().expect("it can be a name"));
    for guests in [Guests::Yes, Guests::ReservedOnly, Guests::No] {
        let mut rules = Rules { guests, passwords: Some(Arc::clone(&passwords)), ..Rules::default() };
        let kept: Vec<_> = reserved().into_iter().filter(|name| !rules.is_owned(name)).collect();
        rules.reserved = kept.iter().map(|name| name.confusable_key().into_owned()).collect();
        let mut desk = Desk::new(rules);
        let owner = if guests == Guests::Yes { Err(Refusal::Reserved) } else { Ok(Admission::AnotherSession) };
        assert_eq!(desk.logs_in("admin", "secret"), owner, "{guests:?}");
        assert!(desk.logs_in("admin", "").is_err(), "{guests:?}");
        assert_eq!(desk.logs_in("server", ""), Err(Refusal::Reserved), "{guests:?}");
        assert_eq!(desk.logs_in("bob", "").is_ok(), guests != Guests::No, "{guests:?}");
    }
}

#[cfg(unix)]
#[test]
fn over_a_unix_socket_a_user_of_this_machine_gets_its_own_name_alone_and_guests_do_not() {
    // Each system has it.
    let root = Origin::Local { uid: Some(0) };
    let mut desk = Desk::new(Rules { has_unix_users: true, guests: Guests::No, ..Rules::default() });
    assert_eq!(desk.asks("root", "", root, true), Ok(Admission::AnotherSession));
    let words = desk.asks("alice", "", root, true).unwrap_err().to_string();
    assert!(words.contains("you are root"), "{words}");
    let nobody = Origin::Local { uid: Some(4_000_000_000) };
    let words = desk.asks("alice", "", nobody, true).unwrap_err().to_string();
    assert!(words.contains("no user with the number 4000000000"), "{words}");
    assert!(desk.asks("alice", "", Origin::Local { uid: None }, true).is_err());

    let network = Origin::Network(QuotaKey(7));
    assert!(desk.asks("alice", "", network, true).is_err(), "there are no guests");
    let mut desk = Desk::new(Rules { has_unix_users: true, ..Rules::default() });
    assert!(desk.asks("root", "", network, true).is_err());
    assert_eq!(desk.asks("no-such-user", "", network, true), Ok(Admission::NewUser));
}

#[test]
fn the_memory_for_hashes_is_that_of_the_largest_times_the_threads() {
    assert_eq!(Rules { threads: 4, ..Rules::default() }.memory_bytes(), 0);
    let passwords = Some(passwords(&[("alice", "secret")]));
    let memory_bytes = |threads| Rules { passwords: passwords.clone(), threads, ..Rules::default() }.memory_bytes();
    // The hashes of tests have the least.
    assert_eq!(memory_bytes(5) - memory_bytes(4), 8 << 10);
}
