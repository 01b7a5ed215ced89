//! What the server takes from its machine: descriptors, processor time, memory. Looks into /proc, so this is
//! for Linux.
#![cfg(target_os = "linux")]

mod support;

use std::fs;
use std::net::TcpStream;

use chatcore::wire::HubMessage;

use support::{Peer, Server, User, opening};

const SHORTAGE: [&str; 2] = ["WARN", "no more connections are accepted for now"];

#[test]
fn without_descriptors_it_waits_for_one_without_spinning() {
    let mut server = Server::start_under("ulimit -n 32", &["--idle-time-max", "1"]);
    let mut user = Peer::registered(server.address(), "user");
    let crowd: Vec<TcpStream> = (0..40).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
    let mut late = Peer::connect(server.address());
    late.put(&opening("late"));
    server.logged(&SHORTAGE);

    // Half a second each: three seconds, in which the system has people waiting all the time.
    let (ticks, sleeps) = (server.cpu_ticks(), server.sleeps());
    user.pass_pings(6);
    let (ticks, sleeps) = (server.cpu_ticks() - ticks, server.sleeps() - sleeps);
    assert!(ticks <= 30, "{ticks} of about 300 ticks of processor time");
    assert!(sleeps <= 60, "woken up {sleeps} times");

    drop(crowd);
    late.take_preface();
    assert!(matches!(late.take(), HubMessage::Welcome(_)));
    user.pass_pings(1);
    assert_eq!(server.count_logged(&SHORTAGE), 1, "it is logged once");
}

#[test]
fn it_takes_all_descriptors_that_the_system_allows_and_has_no_more_connections_than_these() {
    let mut server = Server::start_under("ulimit -S -n 64; ulimit -H -n 256", &[]);
    server.logged(&["INFO", "the system allows up to 256 open files"]);
    server.logged(&["INFO", "there is room for 239 connections, the last 29 of them"]);
    assert_eq!(server.descriptors_max(), [256; 2]);
}

#[test]
fn at_the_limit_of_connections_the_next_waits_for_one_to_end() {
    let mut server = Server::start(&["--connections-max", "2"]);
    let mut alice = User::registered(server.address(), "alice");
    let bob = User::registered(server.address(), "bob");
    let mut carol = Peer::connect(server.address());
    carol.put(&opening("carol"));
    server.logged(&[SHORTAGE[0], SHORTAGE[1], "there are 2"]);
    alice.tell("bob", b"so it is only us");
    drop(bob);
    carol.take_preface();
    assert!(matches!(carol.take(), HubMessage::Welcome(_)));
    alice.close();
}

#[test]
fn silent_users_cost_no_processor_time() {
    let server = Server::start(&["--idle-time-max", "1"]);
    let mut user = Peer::registered(server.address(), "user");
    user.pass_pings(1);
    let (ticks, sleeps) = (server.cpu_ticks(), server.sleeps());
    user.pass_pings(6);
    let (ticks, sleeps) = (server.cpu_ticks() - ticks, server.sleeps() - sleeps);
    assert!(ticks <= 3, "{ticks} of about 300 ticks of processor time");
    assert!(sleeps <= 30, "woken up {sleeps} times for 6 pings and their answers");
}

#[test]
fn a_silent_user_costs_less_than_a_kibibyte() {
    const BYTES_MAX: u64 = 1 << 10;
    // Every user is a descriptor of this process too.
    let users = usize::min(5_000, descriptors_max() - 200);
    let server = Server::start_under("ulimit -n $(ulimit -H -n)", &[]);
    let mut first = User::registered(server.address(), "first");
    first.tell_oneself("first");

    let before = server.resident_bytes();
    let silent: Vec<Peer> = (0..users).map(|i| Peer::registered(server.address(), &format!("user{i}"))).collect();
    let grown = server.resident_bytes() - before;
    let each = grown / silent.len() as u64;
    println!("{} users: {grown} bytes, {each} each", silent.len());
    assert!(each < BYTES_MAX, "{each} bytes each, with {users} users");
}

/// Descriptors that this process may have.
fn descriptors_max() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").expect("Linux has it");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).expect("it is limited");
    line.split_whitespace().next().and_then(|soft| soft.parse().ok()).unwrap_or(usize::MAX)
}
