//! Peers that take more than their share: they alone bear it.

mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use chatcore::wire::{ClientMessage, HubMessage, Ping, Pong, Send};
use chatcore::{Event, GoodbyeCode, RejectCode};

use support::{Peer, Server, User, encode, frame, opening};

/// One round of talk between two users who behave.
#[track_caller]
fn chat(alice: &mut User, bob: &mut User) {
    alice.tell("bob", b"ping");
    assert_eq!(bob.message().1, b"ping");
    bob.tell("alice", b"pong");
    assert_eq!(alice.message().1, b"pong");
}

/// Sends to a user who does not read until its outbox is full. Returns how many messages it took.
fn fill(sender: &mut User, name: &str, body: &[u8]) -> usize {
    for sent in 0.. {
        sender.send(name, body);
        match sender.answer() {
            Event::Accepted { .. } => {}
            Event::Rejected { code, .. } => {
                assert_eq!(code, RejectCode::RecipientFull);
                return sent;
            }
            other => panic!("{other:?}"),
        }
    }
    unreachable!("an outbox has an end")
}

#[test]
fn a_user_that_never_acknowledges_is_told_and_closed_alone() {
    let flags = ["--body-bytes-max", "4096", "--outbox-bytes-max", "65536", "--stall-time-max", "0.5"];
    let mut server = Server::start(&flags);
    let mut alice = User::registered(server.address(), "alice");
    let mut bob = User::registered(server.address(), "bob");
    let mut victim = Peer::registered(server.address(), "victim");

    let accepted = fill(&mut alice, "victim", &vec![b'x'; 4096]);
    assert!((13..=16).contains(&accepted), "{accepted} messages of 4 KiB in 64 KiB");
    while server.count_logged(&["left", "name=victim"]) == 0 {
        // It is there, but it has nothing.
        let _ = victim.stream.write_all(&encode(&ClientMessage::Pong(Pong { nonce: 0 })));
        chat(&mut alice, &mut bob);
    }
    server.logged(&["left", "name=victim", "did not keep up"]);
    chat(&mut alice, &mut bob);

    for _ in 0..accepted {
        assert!(matches!(victim.take(), HubMessage::Deliver(message) if message.body.len() == 4096));
    }
    victim.assert_goodbye(GoodbyeCode::SlowConsumer);
}

#[test]
fn a_user_that_never_reads_costs_its_outbox_and_no_more() {
    const OUTBOX_BYTES: u64 = 4 << 20;
    let mut server = Server::start(&["--stall-time-max", "0.5", "--flush-time-max", "0.2", "--resume-time-max", "0"]);
    let mut alice = User::registered(server.address(), "alice");
    let mut bob = User::registered(server.address(), "bob");
    let _victim = Peer::registered(server.address(), "victim");

    let before = server.resident_bytes();
    fill(&mut alice, "victim", &vec![b'x'; 65_536]);
    let grown = server.resident_bytes().saturating_sub(before);
    // A growing vector may have up to as much again in reserve.
    assert!(grown < 3 * OUTBOX_BYTES, "{grown} bytes for an outbox of {OUTBOX_BYTES}");

    while server.count_logged(&["left", "name=victim"]) == 0 {
        chat(&mut alice, &mut bob);
    }
    alice.send("victim", b"are you there?");
    assert!(matches!(alice.answer(), Event::Rejected { code: RejectCode::NoSuchUser, .. }));
    chat(&mut alice, &mut bob);
}

#[test]
fn who_reads_late_gets_everything_in_order() {
    // More than the system's own buffers take, so that the server has to wait for the reader.
    const MESSAGES: u32 = 400;
    let server = Server::start(&["--outbox-bytes-max", "33554432"]);
    let mut alice = User::registered(server.address(), "alice");
    let mut bob = User::registered(server.address(), "bob");
    let body = |i: u32| i.to_le_bytes().repeat(65_536 / 4);
    for i in 0..MESSAGES {
        alice.tell("bob", &body(i));
    }
    for i in 0..MESSAGES {
        assert!(bob.message().1 == body(i), "message {i}");
    }
}

#[test]
fn a_server_that_slept_ends_nobody_whose_sign_of_life_was_waiting() {
    let flags = ["--idle-time-max", "1"];
    let server = Server::start(&flags);
    let clock = Server::start(&flags);
    let mut alice = Peer::registered(server.address(), "alice");
    let mut silent = Peer::registered(server.address(), "silent");
    let mut ticking = Peer::registered(clock.address(), "ticking");

    server.signal("STOP");
    alice.say(&ClientMessage::Ping(Ping { nonce: 7 }));
    ticking.pass_pings(3);
    server.signal("CONT");
    while !matches!(alice.take(), HubMessage::Pong(pong) if pong.nonce == 7) {}
    alice.pass_pings(1);
    while !matches!(silent.take(), HubMessage::Goodbye(_)) {}
}

#[test]
fn whoever_has_much_to_say_takes_turns_with_whoever_has_little() {
    let server = Server::start(&[]);
    let mut alice = User::registered(server.address(), "alice");
    let mut bob = User::registered(server.address(), "bob");
    let mut talker = Peer::registered(server.address(), "talker");
    let talk = encode(&ClientMessage::Send(Send { to: "bob", body: &[b'x'; 1000] })).repeat(2_000);

    // So that it finds both waiting when it goes on, the talker with 2 MB first.
    server.signal("STOP");
    talker.put(&talk[..64 << 10]);
    let talking = thread::spawn(move || {
        talker.put(&talk[64 << 10..]);
        talker
    });
    alice.send("bob", b"a word");
    server.signal("CONT");

    let before = (0..2_000).take_while(|_| bob.message().0 == "talker").count();
    assert!(before < 1_000, "{before} of 2000 messages came first");
    drop(talking.join().unwrap());
}

/// A peer that says the same again and again, and reads what it is answered, until it is dropped.
struct Flooder {
    socket: TcpStream,
    writing: Option<JoinHandle<()>>,
    reading: Option<JoinHandle<()>>,
}

impl Flooder {
    fn start(server: SocketAddr, name: &str, flood: &[u8]) -> Self {
        let Peer { stream: mut writer, .. } = Peer::registered(server, name);
        let (mut reader, socket) = (writer.try_clone().unwrap(), writer.try_clone().unwrap());
        let flood = flood.repeat((64 << 10) / flood.len());
        let writing = thread::spawn(move || while writer.write_all(&flood).is_ok() {});
        let reading = thread::spawn(move || {
            let mut answers = vec![0; 64 << 10];
            while reader.read(&mut answers).is_ok_and(|count| count > 0) {}
        });
        Self { socket, writing: Some(writing), reading: Some(reading) }
    }
}

impl Drop for Flooder {
    fn drop(&mut self) {
        let is_flooding = self.writing.as_ref().is_some_and(|thread| !thread.is_finished());
        // The server may have ended, if the test has failed.
        let _ = self.socket.shutdown(Shutdown::Both);
        for thread in [self.writing.take(), self.reading.take()].into_iter().flatten() {
            let _ = thread.join();
        }
        assert!(is_flooding || thread::panicking(), "it floods to the end");
    }
}

/// The time that a message and its answer take, in the median. Acceptances may come later.
fn median_round(alice: &mut User, bob: &mut User) -> Duration {
    let mut rounds: Vec<Duration> = (0..101)
        .map(|_| {
            let start = Instant::now();
            alice.send("bob", b"ping");
            bob.body_beside_acceptances();
            bob.send("alice", b"pong");
            alice.body_beside_acceptances();
            start.elapsed()
        })
        .collect();
    rounds.sort_unstable();
    rounds[rounds.len() / 2]
}

#[test]
fn a_flood_from_several_connections_delays_nobody_beyond_a_bound() {
    // The rates do not act: it is the turns that keep the others talking.
    let mut server = Server::start(&["--session-cost-per-s", "0", "--origin-cost-per-s", "0"]);
    let mut alice = User::registered(server.address(), "alice");
    let mut bob = User::registered(server.address(), "bob");
    let quiet = median_round(&mut alice, &mut bob);
    let bound = Duration::max(20 * quiet, Duration::from_millis(60));
    for (kind, (what, flood)) in [
        // There is no answer to it.
        ("frames to be skipped", frame(&[0x80; 1000])),
        ("pings", encode(&ClientMessage::Ping(Ping { nonce: 7 }))),
        ("sends", encode(&ClientMessage::Send(Send { to: "nobody", body: &[b'x'; 16] }))),
    ]
    .into_iter()
    .enumerate()
    {
        let flooders: Vec<Flooder> =
            (0..8).map(|i| Flooder::start(server.address(), &format!("flooder{kind}{i}"), &flood)).collect();
        let flooded = median_round(&mut alice, &mut bob);
        println!("{what}: a round of talk takes {flooded:?}, and {quiet:?} when it is quiet");
        assert!(flooded <= bound, "{what}: a round of talk takes {flooded:?}, and {quiet:?} when it is quiet");
        drop(flooders);
        server.assert_running();
    }
}

#[test]
fn an_origin_that_connects_too_often_is_heard_later() {
    // A connection costs 50.
    let server = Server::start(&["--origin-cost-per-s", "100", "--origin-cost-burst", "100"]);
    let begin = Instant::now();
    let mut peers: Vec<_> = (0..3).map(|_| Peer::connect(server.address())).collect();
    for peer in &mut peers {
        peer.put(&opening("alice"));
        peer.take_preface();
    }
    let waited = begin.elapsed();
    assert!(waited >= Duration::from_millis(400), "the third waits for half a second: {waited:?}");
}
