//! Connections that come through a proxy, which says whose they are.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Instant;

use chatcore::wire::{ClientMessage, Goodbye, HubMessage, Send};
use chatcore::{GoodbyeCode, RefusalCode};

use crate::support::{PATIENCE, PROGRAM, Peer, Server, connect};
use crate::tls::TlsServer;
use crate::websocket::Stream;

const SOURCE: &str = "192.0.2.7:12345";

/// A header of version 2 about this source.
fn header() -> Vec<u8> {
    let signature = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0C";
    [&signature[..], &[192, 0, 2, 7, 198, 51, 100, 1, 0x30, 0x39, 0x01, 0xBB]].concat()
}

/// A server that listens on TCP, and then at an address for proxies on this machine.
fn server(listen: &str, flags: &[&str]) -> Server {
    let mut command = Command::new(PROGRAM);
    command.args(["--listen", "127.0.0.1:0", "--listen", listen, "--proxy-from", "127.0.0.0/8"]).args(flags);
    Server::listening(2, &mut command)
}

/// A connection of a proxy that has sent this.
fn proxied(server: SocketAddr, header: &[u8]) -> TcpStream {
    let mut stream = connect(server);
    stream.write_all(header).expect("the server reads");
    stream
}

#[test]
fn the_address_in_the_header_is_the_clients() {
    let mut server = server("127.0.0.1:0?proxy=yes", &[]);
    let (v1, none) = (&b"PROXY TCP6 2001:db8::1 ::1 12345 443\r\n"[..], &b"PROXY UNKNOWN\r\n"[..]);
    for (name, header, peer) in
        [("alice", &header()[..], SOURCE), ("bob", v1, "[2001:db8::1]:12345"), ("carol", none, "127.0.0.1")]
    {
        let mut peers = Peer::registered_over(proxied(server.addresses[1], header), name);
        server.logged(&["joined", name, &format!("peer={peer}")]);
        peers.say(&ClientMessage::Send(Send { to: name, body: b"hello" }));
        assert!(matches!(peers.take_beside_acks(), HubMessage::Deliver(_)));
    }
}

#[test]
fn the_networks_of_a_site_have_so_many_users_together() {
    let server = server("127.0.0.1:0?proxy=yes", &["--sessions-of-origin-max", "1", "--site-factor", "2"]);
    let comes_from = |network: &str, name| {
        let header = format!("PROXY TCP6 2001:db8:{network}::1 ::1 12345 443\r\n");
        let mut peer = Peer::over(proxied(server.addresses[1], header.as_bytes()));
        peer.put(&crate::support::opening(name));
        peer.take_preface();
        let refused = match peer.take() {
            HubMessage::Welcome(_) => None,
            HubMessage::Refused(refused) => Some(refused.detail.to_owned()),
            other => panic!("{other:?}"),
        };
        (peer, refused)
    };
    let (alice, bob) = (comes_from("0:1", "alice"), comes_from("0:2", "bob"));
    assert_eq!((alice.1, bob.1), (None, None));
    let (_, refused) = comes_from("0:3", "carol");
    assert!(refused.as_ref().is_some_and(|detail| detail.contains("this address has 2 sessions")), "{refused:?}");
    assert_eq!(comes_from("1:1", "carol").1, None, "another site");
}

#[test]
fn the_bounds_of_an_address_are_for_that_in_the_header() {
    let mut server = server("127.0.0.1:0?proxy=yes", &["--connections-of-origin-max", "1"]);
    let mut alice = Peer::registered_over(proxied(server.addresses[1], &header()), "alice");
    let mut bob = Peer::over(proxied(server.addresses[1], &header()));
    bob.take_preface();
    let refused = bob.take();
    assert!(matches!(&refused, HubMessage::Refused(refused) if refused.code == RefusalCode::HubFull), "{refused:?}");
    bob.assert_end();
    server.logged(&["INFO", "turned away", &format!("peer={SOURCE}")]);
    Peer::registered_over(proxied(server.addresses[1], b"PROXY TCP6 2001:db8::1 ::1 12345 443\r\n"), "carol");
    // When it is gone, there is room for another one from there.
    alice.say(&ClientMessage::Goodbye(Goodbye { code: GoodbyeCode::Left, detail: "", reconnect: None }));
    alice.assert_goodbye(GoodbyeCode::Left);
    drop(alice);
    server.logged(&["left", "alice"]);
    let comes = || {
        let mut peer = Peer::over(proxied(server.addresses[1], &[header(), crate::support::opening("bob")].concat()));
        peer.take_preface();
        matches!(peer.take(), HubMessage::Welcome(_))
    };
    // The server may hear of the end a little later.
    let by = Instant::now() + PATIENCE;
    while !comes() {
        assert!(Instant::now() < by, "there is room");
    }
}

#[test]
fn of_those_who_find_no_room_behind_a_proxy_only_some_linger() {
    let flags = ["--connections-of-origin-max", "1", "--linger-time-max", "600"];
    let mut server = server("127.0.0.1:0?proxy=yes", &flags);
    let _alice = Peer::registered_over(proxied(server.addresses[1], &header()), "alice");
    let refused: Vec<_> = (0..80)
        .map(|_| {
            let mut peer = Peer::over(proxied(server.addresses[1], &header()));
            peer.take_preface();
            assert!(matches!(peer.take(), HubMessage::Refused(_)));
            peer.assert_end();
            peer
        })
        .collect();
    server.signal("USR1");
    server.logged(&["status", "users=1 ", "connections=65 "]);
    drop(refused);
}

#[test]
fn the_header_may_come_byte_by_byte_and_with_all_that_follows() {
    let server = server("127.0.0.1:0?proxy=yes", &[]);
    let mut stream = connect(server.addresses[1]);
    for byte in header() {
        stream.write_all(&[byte]).expect("the server reads");
    }
    Peer::registered_over(stream, "alice");
    let mut peer = Peer::over(connect(server.addresses[1]));
    peer.put(&[header(), crate::support::opening("bob")].concat());
    peer.take_preface();
    assert!(matches!(peer.take(), HubMessage::Welcome(_)));
}

#[test]
fn the_header_comes_before_tls_and_before_a_websocket() {
    let mut tls = TlsServer::start_with("wss://127.0.0.1:0?proxy=yes", &["--proxy-from", "127.0.0.1"]);
    let mut stream = tls.connect();
    stream.sock.write_all(&header()).expect("the server reads");
    Peer::registered_over(Stream::open(stream), "alice");
    tls.server.logged(&["joined", "alice", &format!("peer={SOURCE}")]);
}

#[test]
fn a_proxy_may_come_over_a_unix_socket() {
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    let path = folder.path().join("chat.sock");
    let listen = format!("unix://{}?proxy=yes", path.display());
    let mut server = Server::listening(1, Command::new(PROGRAM).args(["--listen", "127.0.0.1:0", "--listen", &listen]));
    let mut stream = std::os::unix::net::UnixStream::connect(&path).expect("the server listens");
    stream.write_all(&header()).expect("the server reads");
    Peer::registered_over(stream, "alice");
    server.logged(&["joined", "alice", &format!("peer={SOURCE}")]);
}

/// What the server answers, up to its end.
fn answer(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the server closes in an orderly way");
    String::from_utf8(answer).expect("it is text")
}

#[test]
fn who_sends_no_header_is_told_so_and_nobody_else_notices() {
    let mut server = server("127.0.0.1:0?proxy=yes", &["--log-origin-lines-per-s", "0"]);
    let mut alice = Peer::registered_over(proxied(server.addresses[1], &header()), "alice");
    let long = [&header()[..14], &[0xFF, 0xFF], &[0; 3000]].concat();
    let mut malformed = header();
    malformed[12] = 0x2F;
    for (said, sentence) in [
        (crate::support::opening("mallory"), "does not begin with a header of the PROXY protocol"),
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "does not begin with a header of the PROXY protocol"),
        (long, "its header of the PROXY protocol is too long"),
        ([b"PROXY TCP4 ", &[b'1'; 200][..]].concat(), "its header of the PROXY protocol is too long"),
        (malformed, "its header of the PROXY protocol is malformed"),
    ] {
        let stream = proxied(server.addresses[1], &said);
        let address = stream.local_addr().expect("it is connected").to_string();
        assert!(answer(stream).starts_with("Connections come to this port through a proxy"));
        server.logged(&["INFO", "closed before it had a name", &address, sentence]);
        assert_eq!(server.count_logged(&[&address]), 1, "it is logged once");
    }
    let stream = proxied(server.addresses[1], &header()[..20]);
    stream.shutdown(std::net::Shutdown::Write).expect("it is open");
    let address = stream.local_addr().expect("it is connected").to_string();
    answer(stream);
    server.logged(&["INFO", "closed before it had a name", &address, "it ended before its header"]);
    alice.say(&ClientMessage::Send(Send { to: "alice", body: b"did you notice?" }));
    assert!(matches!(alice.take_beside_acks(), HubMessage::Deliver(_)));
}

#[test]
fn a_header_that_does_not_come_in_time_is_not_waited_for() {
    let mut server = server("127.0.0.1:0?proxy=yes", &["--handshake-time-max", "0.3"]);
    let stream = proxied(server.addresses[1], &header()[..20]);
    let address = stream.local_addr().expect("it is connected").to_string();
    assert_eq!(answer(stream), "");
    server.logged(&["INFO", &address, "no registration came in time"]);
}

#[test]
fn a_stranger_is_turned_away_where_proxies_come() {
    let mut command = Command::new(PROGRAM);
    command.args(["--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0?proxy=yes", "--proxy-from", "192.0.2.0/24"]);
    let mut server = Server::listening(2, &mut command);
    let stream = proxied(server.addresses[1], &header());
    let address = stream.local_addr().expect("it is connected").to_string();
    assert!(answer(stream).starts_with("Connections come to this port through a proxy"));
    server.logged(&["INFO", "closed before it had a name", &address, "add it to proxy_from"]);
    Peer::registered(server.address(), "alice");
}

#[test]
fn an_address_for_proxies_needs_to_know_where_they_are() {
    for (flags, expected) in [
        (&["--listen", "127.0.0.1:0?proxy=yes"][..], "proxy_from must say where the proxies are"),
        (&["--proxy-from", "10.0.0.0/40"], "\"10.0.0.0/40\" is no network"),
    ] {
        let output =
            Command::new(PROGRAM).args(flags).arg("--check-config").stdin(Stdio::null()).output().expect("it runs");
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words}");
        assert!(words.contains(expected), "{words}");
    }
}
