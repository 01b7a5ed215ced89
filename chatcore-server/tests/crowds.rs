//! Many connections of one address, and what others notice of them. Addresses of this machine stand for others: those
//! of 127.0.0.0/8, all of which Linux has.
#![cfg(target_os = "linux")]

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Instant;

use chatcore::RefusalCode;
use chatcore::wire::{ClientMessage, HubMessage, Preface, Refused, Resume, Token, Welcome};
use socket2::{Domain, Socket, Type};

use support::{PATIENCE, PROGRAM, Peer, Server, encode, opening};

/// No address is excepted from the bounds.
const ALL_COUNT: [&str; 2] = ["--uncounted-origin", "none"];

/// A connection from 127.0.0.`last`.
fn connect_from(last: u8, server: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("the system has sockets");
    socket.bind(&SocketAddr::from(([127, 0, 0, last], 0)).into()).expect("Linux has all addresses of the loopback");
    socket.connect(&server.into()).expect("the server listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("the time is not zero");
    socket.into()
}

/// What a peer is told that asks for a name: the code of a refusal and when to come again; none if it is welcome.
fn ask(mut peer: Peer, name: &str) -> Option<(RefusalCode, Option<u32>, String)> {
    peer.put(&opening(name));
    peer.take_preface();
    match peer.take() {
        HubMessage::Welcome(_) => None,
        HubMessage::Refused(Refused { code, wait_ms, detail }) => Some((code, wait_ms, detail.to_owned())),
        other => panic!("{other:?}"),
    }
}

/// Asks with one connection after the other, until one is welcome.
fn ask_until_welcome(connect: impl Fn() -> Peer, name: &str) {
    let by = Instant::now() + PATIENCE;
    while let Some((code, ..)) = ask(connect(), name) {
        assert_eq!(code, RefusalCode::HubFull);
        assert!(Instant::now() < by, "there is room again");
    }
}

#[test]
fn an_address_has_so_many_connections_without_a_name_and_who_is_turned_away_learns_why() {
    let mut server = Server::start(&[&ALL_COUNT[..], &["--handshakes-of-origin-max", "2"]].concat());
    let address = server.address();
    let silent = [(); 2].map(|()| connect_from(2, address));
    let (code, wait_ms, detail) = ask(Peer::over(connect_from(2, address)), "carol").expect("there are two");
    assert_eq!(code, RefusalCode::HubFull);
    assert!(wait_ms.is_some_and(|wait_ms| wait_ms > 0));
    assert!(detail.contains("this address has 2 connections that have no name yet"), "{detail}");
    server.logged(&["INFO", "turned away", "peer=127.0.0.2:", "no name yet"]);
    assert_eq!(ask(Peer::over(connect_from(3, address)), "elsewhere"), None, "others notice nothing");

    // Nobody reads what it says, and it gets all that there is to be told, and an orderly end.
    let mut peer = Peer::over(connect_from(2, address));
    peer.take_preface();
    assert!(matches!(peer.take(), HubMessage::Refused(_)));
    peer.assert_end();

    drop(silent);
    ask_until_welcome(|| Peer::over(connect_from(2, address)), "carol");
}

#[test]
fn an_address_has_so_many_connections_and_those_with_a_name_count() {
    let server = Server::start(&[&ALL_COUNT[..], &["--connections-of-origin-max", "2"]].concat());
    let address = server.address();
    let register = |name| Peer::registered_over(connect_from(2, address), name);
    let (alice, _bob) = (register("alice"), register("bob"));
    let (code, _, detail) = ask(Peer::over(connect_from(2, address)), "carol").expect("there are two");
    assert_eq!(code, RefusalCode::HubFull);
    assert!(detail.contains("this address has 2 connections, and may have no more"), "{detail}");
    drop(alice);
    ask_until_welcome(|| Peer::over(connect_from(2, address)), "carol");
}

#[test]
fn an_address_has_so_many_users_and_this_machine_is_not_bounded_by_default() {
    let elsewhere = ["--uncounted-origin", "127.0.0.2/32"];
    for (flags, is_bounded) in [(&ALL_COUNT[..], true), (&elsewhere, true), (&[], false)] {
        let server = Server::start(&[flags, &["--sessions-of-origin-max", "1"]].concat());
        let _alice = Peer::registered(server.address(), "alice");
        let refused = ask(Peer::connect(server.address()), "bob");
        let is_refused = refused.is_some_and(|(code, _, detail)| {
            assert_eq!(code, RefusalCode::HubFull);
            assert!(detail.contains("this address has 1 sessions"), "{detail}");
            true
        });
        assert_eq!(is_refused, is_bounded, "{flags:?}");
    }
}

#[test]
fn the_last_connections_are_for_those_who_come_back() {
    let server = Server::start(&["--connections-max", "16"]);
    let address = server.address();
    let mut alice = Peer::connect(address);
    alice.put(&opening("alice"));
    alice.take_preface();
    let HubMessage::Welcome(Welcome { token, .. }) = alice.take() else { panic!("she is welcome") };
    let _others: Vec<Peer> = (1..14).map(|i| Peer::registered(address, &format!("user{i}"))).collect();
    let (code, wait_ms, detail) = ask(Peer::connect(address), "late").expect("two are left");
    assert_eq!(code, RefusalCode::HubFull);
    assert!(wait_ms.is_some());
    assert!(detail.contains("for users who come back"), "{detail}");
    resume(Peer::connect(address), "alice", token);
}

fn resume(mut peer: Peer, name: &str, token: Token) {
    let resume = Resume { name, token, received: Some(0), attempt: 1, frame_bytes_max: u32::MAX };
    peer.put(&[&Preface::OURS.encode()[..], &encode(&ClientMessage::Resume(resume))].concat());
    peer.take_preface();
    let answer = peer.take();
    assert!(matches!(answer, HubMessage::Resumed(_)), "{answer:?}");
}

#[test]
fn when_few_connections_are_left_the_address_with_most_nameless_ones_gives_one_up_for_each_that_comes() {
    let mut server = Server::start(&[&ALL_COUNT[..], &["--connections-max", "16"]].concat());
    let address = server.address();
    // Half of all, and six more.
    let mut most: Vec<TcpStream> = (0..8).map(|_| connect_from(2, address)).collect();
    let mut less: Vec<TcpStream> = (0..6).map(|_| connect_from(3, address)).collect();
    for i in 0..3 {
        assert_eq!(ask(Peer::over(connect_from(4 + i, address)), &format!("user{i}")), None);
    }
    server.logged(&["closed before it had a name", "peer=127.0.0.2:", "nearly full"]);
    let first = &mut most[0];
    let mut told = Vec::new();
    first.read_to_end(&mut told).expect("it ends in an orderly way");
    assert!(!told.is_empty(), "it is told why");
    for stream in most.iter_mut().skip(3).chain(&mut less) {
        stream.set_nonblocking(true).expect("a socket may be told not to block");
        assert_eq!(
            stream.read(&mut [0]).map_err(|error| error.kind()),
            Err(ErrorKind::WouldBlock),
            "it is still there"
        );
    }
}

#[test]
fn who_gives_its_place_up_at_the_opening_of_its_websocket_is_told_so_in_http() {
    let mut command = Command::new(PROGRAM);
    command.args(["--listen", "127.0.0.1:0", "--listen", "ws://127.0.0.1:0", "--connections-max", "16"]);
    let server = Server::listening(2, command.args(ALL_COUNT));
    let mut most: Vec<TcpStream> = (0..8).map(|_| connect_from(2, server.addresses[1])).collect();
    most[0].write_all(b"GET / HTTP/1.1\r\n").expect("the server reads");
    // The server looks at connections in the order in which they come.
    assert_eq!(ask(Peer::over(connect_from(4, server.address())), "early"), None);
    let _less: Vec<TcpStream> = (0..6).map(|_| connect_from(3, server.address())).collect();
    for i in 0..3 {
        assert_eq!(ask(Peer::over(connect_from(5 + i, server.address())), &format!("user{i}")), None);
    }
    let mut told = String::new();
    most[0].read_to_string(&mut told).expect("it ends in an orderly way");
    assert!(told.starts_with("HTTP/1.1 503 "), "{told}");
}
