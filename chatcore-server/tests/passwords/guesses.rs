//! Passwords that are guessed, and some that are none.

use chatcore::wire::Preface;
use chatcore::{ErrorCode, RefusalCode};

use super::{Answer, Folder, log_in, register, take_answer};
use crate::support::{Peer, User, encode};

#[test]
fn who_tries_too_often_is_told_how_long_to_wait() {
    let folder = Folder::with(&[("alice", "one")]);
    let mut server = folder.server(&["--log-level", "debug"]);
    for _ in 0..5 {
        assert_eq!(log_in(&server, "alice", "two").0.code(), Some(RefusalCode::Denied));
    }
    let (answer, _) = log_in(&server, "alice", "one");
    let Answer::Refused { code: RefusalCode::RateLimited, wait_ms: Some(wait_ms), detail } = answer else {
        panic!("{answer:?}")
    };
    assert!((1..=60_000).contains(&wait_ms), "{wait_ms}");
    assert!(detail.contains("too many wrong credentials"), "{detail}");
    server.logged(&["INFO log-in refused", "too many wrong credentials"]);
    assert_eq!(server.count_logged(&["hashed a password"]), 5);
    assert_eq!(log_in(&server, "bob", "").0, Answer::Welcome, "guests of that address are none of it");
}

/// Names that a client may ask for before the server closes its connection.
const TRIES_OF_CONNECTION: usize = 8;

#[test]
fn a_flood_of_tries_is_slowed_down_and_each_is_told_when_to_come_again() {
    const ROUNDS: usize = 10;
    const CONNECTIONS: usize = 16;
    let folder = Folder::with(&[("alice", "one")]);
    let mut server = folder.server(&["--log-level", "debug", "--uncounted-origin", "none"]);
    let mut bob = User::registered(server.address(), "bob");
    let mut waits = Vec::new();
    let mut denied = 0;
    for round in 0..ROUNDS {
        let mut peers: Vec<Peer> = (0..CONNECTIONS).map(|_| Peer::connect(server.address())).collect();
        for (number, peer) in peers.iter_mut().enumerate() {
            // All at once, and none of them waits for an answer.
            let mut bytes = Preface::OURS.encode().to_vec();
            for guess in 0..TRIES_OF_CONNECTION {
                let name = if guess % 2 == 0 { "alice".into() } else { format!("user{round}x{number}x{guess}") };
                bytes.extend(encode(&register(&name, "two")));
            }
            peer.put(&bytes);
        }
        bob.tell_oneself("bob");
        for peer in &mut peers {
            peer.take_preface();
            for _ in 0..TRIES_OF_CONNECTION {
                match take_answer(peer) {
                    Answer::Refused { code: RefusalCode::Denied, .. } => denied += 1,
                    Answer::Refused { code: RefusalCode::RateLimited, wait_ms: Some(wait_ms), .. } => {
                        waits.push(wait_ms);
                    }
                    other => panic!("{other:?}"),
                }
            }
            peer.assert_fault(ErrorCode::TooManyAttempts, "");
        }
    }
    assert_eq!(denied + waits.len(), ROUNDS * CONNECTIONS * TRIES_OF_CONNECTION);
    // 20 at once, and one more each 10 s.
    assert!((20..40).contains(&denied), "{denied} were looked at");
    assert!(waits.iter().all(|wait_ms| (1..=60_000).contains(wait_ms)), "{waits:?}");
    server.logged(&["INFO log-in refused", "too many wrong credentials"]);
    assert_eq!(server.count_logged(&["hashed a password"]), denied);
    bob.tell_oneself("bob");
}

#[test]
fn whose_origin_is_shared_does_not_wait_for_those_who_try_other_names() {
    let folder = Folder::with(&[("alice", "one"), ("bob", "two")]);
    let mut server = folder.server(&["--log-level", "debug"]);
    for guess in 0..30 {
        assert_eq!(log_in(&server, &format!("user{guess}"), "two").0.code(), Some(RefusalCode::Denied));
    }
    assert_eq!(log_in(&server, "alice", "one").0, Answer::Welcome);
    assert_eq!(server.count_logged(&["hashed a password"]), 31);
    // Where the origin counts, an owner who has been there before has a way in of their own.
    let mut server = folder.server(&["--log-level", "debug", "--uncounted-origin", "none"]);
    assert_eq!(log_in(&server, "alice", "one").0, Answer::Welcome);
    let locked_out = (0..30)
        .find(|guess| log_in(&server, &format!("user{guess}"), "two").0.code() == Some(RefusalCode::RateLimited));
    assert!(locked_out >= Some(20), "{locked_out:?}");
    assert_eq!(log_in(&server, "bob", "two").0.code(), Some(RefusalCode::RateLimited));
    assert_eq!(log_in(&server, "alice", "one").0, Answer::Welcome);
    server.logged(&["INFO log-in refused", "too many wrong credentials"]);
}

#[test]
fn a_password_of_a_megabyte_is_a_fault_that_nobody_else_notices() {
    let folder = Folder::with(&[("alice", "one")]);
    let mut server = folder.server(&["--log-level", "debug"]);
    let mut bob = User::registered(server.address(), "bob");
    let mut peer = Peer::connect(server.address());
    let mut bytes = Preface::OURS.encode().to_vec();
    bytes.extend(encode(&register("alice", &"x".repeat(1 << 20))));
    peer.put(&bytes);
    peer.take_preface();
    peer.assert_fault(ErrorCode::FrameTooLong, "");
    server.logged(&["INFO closed before it had a name", "peer=127.0.0.1"]);
    assert_eq!(server.count_logged(&["hashed a password"]), 0);
    bob.tell_oneself("bob");
}
