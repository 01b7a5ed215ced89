//! Turns that are too short for what is to be done: everything is done, in order, in several.

mod support;

use std::net::Shutdown;
use std::thread;
use std::time::{Duration, Instant};

use chatcore::RefusalCode;
use chatcore::wire::{ClientMessage, Deliver, HubMessage, Ping, Pong, Refused, Send};

use support::{Peer, Server, User, encode, opening};

/// Shorter than anything takes, so that each turn does one step of each kind.
const TINY_TURN: [&str; 2] = ["--turn-time", "0.000001"];

/// Messages to bob, numbered.
fn numbered(count: u32) -> Vec<u8> {
    (0..count).flat_map(|i| encode(&ClientMessage::Send(Send { to: "bob", body: &i.to_le_bytes() }))).collect()
}

/// Takes messages until this many have come, and checks their order.
#[track_caller]
fn take_numbered(bob: &mut Peer, count: u32) {
    let mut i: u32 = 0;
    while i < count {
        let nonce = match bob.take_beside_acks() {
            HubMessage::Deliver(Deliver { body, .. }) => {
                assert_eq!(body, i.to_le_bytes(), "message {i}");
                i += 1;
                continue;
            }
            // A reader that says nothing is asked whether it is there.
            HubMessage::Ping(Ping { nonce }) => nonce,
            other => panic!("{other:?} in place of message {i}"),
        };
        bob.say(&ClientMessage::Pong(Pong { nonce }));
    }
}

/// Writes in a thread, so that somebody can read meanwhile.
fn put_beside(mut peer: Peer, bytes: Vec<u8>) -> thread::JoinHandle<Peer> {
    thread::spawn(move || {
        peer.put(&bytes);
        peer
    })
}

#[test]
fn what_one_write_brings_arrives_in_order_however_many_turns_it_takes() {
    const MESSAGES: u32 = 20_000;
    let server = Server::start(&TINY_TURN);
    let alice = Peer::registered(server.address(), "alice");
    let mut bob = Peer::registered(server.address(), "bob");
    let putting = put_beside(alice, numbered(MESSAGES));
    take_numbered(&mut bob, MESSAGES);
    putting.join().unwrap().take_accepted(u64::from(MESSAGES));
}

#[test]
fn in_tiny_turns_those_with_little_to_say_have_theirs_beside_one_with_much() {
    const MESSAGES: u32 = 20_000;
    let server = Server::start(&TINY_TURN);
    let alice = Peer::registered(server.address(), "alice");
    let mut bob = Peer::registered(server.address(), "bob");
    let (mut carol, mut dave) =
        (User::registered(server.address(), "carol"), User::registered(server.address(), "dave"));
    let putting = put_beside(alice, numbered(MESSAGES));
    for _ in 0..20 {
        carol.tell("dave", b"a word");
        assert_eq!(dave.message().1, b"a word");
    }
    take_numbered(&mut bob, MESSAGES);
    putting.join().unwrap().take_accepted(u64::from(MESSAGES));
}

#[test]
fn a_long_frame_and_short_ones_after_it_are_taken_in_tiny_turns() {
    let server =
        Server::start(&["--body-bytes-max", "1000000", "--outbox-bytes-max", "8000000", "--turn-time", "0.000001"]);
    let alice = Peer::registered(server.address(), "alice");
    let mut bob = Peer::registered(server.address(), "bob");
    let long = vec![b'x'; 1_000_000];
    let mut bytes = numbered(5_000);
    bytes.extend(encode(&ClientMessage::Send(Send { to: "bob", body: &long })));
    bytes.extend(numbered(5_000));
    let putting = put_beside(alice, bytes);
    take_numbered(&mut bob, 5_000);
    assert!(matches!(bob.take_beside_acks(), HubMessage::Deliver(Deliver { body, .. }) if body == long));
    take_numbered(&mut bob, 5_000);
    putting.join().unwrap().take_accepted(10_001);
}

#[test]
fn what_was_sent_before_the_end_is_taken_in() {
    const MESSAGES: u32 = 20_000;
    let server = Server::start(&TINY_TURN);
    let alice = Peer::registered(server.address(), "alice");
    let mut bob = Peer::registered(server.address(), "bob");
    let putting = put_beside(alice, numbered(MESSAGES));
    let ending = thread::spawn(move || {
        let alice = putting.join().unwrap();
        alice.stream.shutdown(Shutdown::Write).unwrap();
        alice
    });
    take_numbered(&mut bob, MESSAGES);
    drop(ending.join().unwrap());
}

#[test]
fn a_server_with_tiny_turns_sleeps_when_there_is_nothing_to_do() {
    let server = Server::start(&[&TINY_TURN[..], &["--idle-time-max", "1"]].concat());
    let mut user = Peer::registered(server.address(), "user");
    user.pass_pings(1);
    let ticks = server.cpu_ticks();
    user.pass_pings(2);
    let ticks = server.cpu_ticks() - ticks;
    assert!(ticks <= 5, "{ticks} of about 100 ticks of processor time");
}

#[test]
fn who_has_used_up_its_rate_is_slowed_down_and_loses_nothing() {
    const MESSAGES: u32 = 10_000;
    let mut server =
        Server::start(&["--session-cost-per-s", "10000", "--session-cost-burst", "100", "--idle-time-max", "1"]);
    let alice = Peer::registered(server.address(), "alice");
    let mut bob = Peer::registered(server.address(), "bob");
    let (start, ticks) = (Instant::now(), server.cpu_ticks());
    let putting = put_beside(alice, numbered(MESSAGES));
    take_numbered(&mut bob, MESSAGES);
    let mut alice = putting.join().unwrap();
    alice.take_accepted(u64::from(MESSAGES));
    let (taken, ticks) = (start.elapsed(), server.cpu_ticks() - ticks);
    assert!(ticks <= 25, "{ticks} of about 100 ticks of processor time: it sleeps through the pauses");
    assert!(taken >= Duration::from_millis(900), "10 000 messages at 10 000 a second take {taken:?}");
    // It is not taken for silent, and it is heard again.
    alice.say(&ClientMessage::Ping(Ping { nonce: 7 }));
    while !matches!(alice.take_beside_acks(), HubMessage::Pong(pong) if pong.nonce == 7) {}
    assert_eq!(server.count_logged(&["name=alice", "reason"]), 0, "nothing ended");
}

#[test]
fn what_a_slowed_down_peer_sent_before_its_end_is_taken_in() {
    const MESSAGES: u32 = 5_000;
    let mut server = Server::start(&["--session-cost-per-s", "10000", "--session-cost-burst", "100"]);
    let mut alice = Peer::registered(server.address(), "alice");
    let mut bob = Peer::registered(server.address(), "bob");
    // It fits the system's buffers, so that the end is there long before the pauses are over.
    alice.put(&numbered(MESSAGES));
    alice.stream.shutdown(Shutdown::Write).unwrap();
    take_numbered(&mut bob, MESSAGES);
    server.logged(&["lost its connection", "name=alice"]);
}

#[test]
fn who_registers_too_often_is_told_when_to_come_back() {
    let server = Server::start(&["--origin-cost-per-s", "20", "--origin-cost-burst", "500"]);
    // A connection costs 50, and a register 100 more. These are there before the burst is used up.
    let mut peers: Vec<_> = (0..9).map(|_| Peer::connect(server.address())).collect();
    let mut users = Vec::new();
    let wait_ms = loop {
        let mut peer = peers.pop().expect("somebody is refused");
        peer.put(&opening(&format!("user{}", users.len())));
        peer.take_preface();
        match peer.take() {
            HubMessage::Welcome(_) => users.push(peer),
            HubMessage::Refused(Refused { code: RefusalCode::RateLimited, wait_ms, .. }) => break wait_ms,
            other => panic!("{other:?}"),
        }
    };
    assert!(!users.is_empty(), "the burst lets some in");
    assert!(wait_ms.is_some_and(|wait_ms| (1..=10_000).contains(&wait_ms)), "{wait_ms:?}");
}
