//! Files that a server gives to requests that ask for no WebSocket.
#![cfg(all(unix, feature = "websocket"))]

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use chatcore::websocket::UpgradeRules;
use chatcore_transport::{Base, FileResponse, Files, FilesError, Flushed, Input, Socket, Transport, WebSocketStream};
use socket2::SockRef;

const LONG: &[u8] = &[b'x'; 1 << 20];

fn files() -> Files {
    let files = Files::default().with_file("/", "text/html", b"<title>page</title>".as_slice()).expect("it is a file");
    files.with_file("/long", "text/plain", LONG).expect("it is a file")
}

/// A server's end whose WebSocket is at this path, and the socket of who asks it.
fn server_at(path: &str) -> (Transport, UnixStream) {
    let (ours, theirs) = UnixStream::pair().expect("the system has sockets");
    ours.set_nonblocking(true).expect("a socket may be told not to block");
    SockRef::from(&ours).set_send_buffer_size(4 << 10).expect("it may be small");
    let base = Base::Plain(Socket::Unix(mio::net::UnixStream::from_std(ours)));
    let rules = UpgradeRules::default().with_path(path).expect("it is a path");
    let stream = WebSocketStream::server_with_files(base, Arc::new(rules), Arc::new(files()));
    (Transport::WebSocket(Box::new(stream)), theirs)
}

fn ask(peer: &mut UnixStream, line: &str) {
    write!(peer, "{line} HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("there is room");
}

/// Writes and reads in turn, until all has come.
fn finish(server: &mut Transport, mut peer: UnixStream) -> Vec<u8> {
    let (mut arrived, mut buffer) = (Vec::new(), vec![0; 64 << 10]);
    peer.set_nonblocking(true).expect("a socket may be told not to block");
    while server.response().is_some_and(|response| !response.is_sent()) {
        while let Ok(count) = peer.read(&mut buffer) {
            arrived.extend_from_slice(&buffer[..count]);
        }
        assert!(!matches!(server.flush(), Flushed::Broken(_)));
    }
    server.end_writing().expect("the peer is there");
    peer.set_nonblocking(false).expect("a socket may be told to block");
    peer.read_to_end(&mut arrived).expect("it ends in an orderly way");
    arrived
}

#[test]
fn a_file_goes_as_far_as_the_socket_takes_it_and_nothing_of_it_is_copied() {
    let (mut server, mut peer) = server_at("/");
    ask(&mut peer, "GET /long");
    assert!(matches!(server.read(&mut [0; 4096]), Input::Overhead(_)));
    let told = server
        .take_new_response()
        .map(|response| (response.path().to_owned(), response.status(), response.bytes() > LONG.len()));
    assert_eq!(told, Some(("/long".to_owned(), 200, true)));
    assert!(server.take_new_response().is_none(), "it is told once");
    assert!(server.is_blocked(), "the socket holds less");
    // What comes meanwhile, and the end of the peer's side, end nothing.
    ask(&mut peer, "GET /");
    assert!(matches!(server.read(&mut [0; 4096]), Input::Overhead(_)));
    peer.shutdown(Shutdown::Write).expect("it is open");
    assert!(matches!(server.read(&mut [0; 4096]), Input::None));
    let told = finish(&mut server, peer);
    assert_eq!(told.windows(9).filter(|bytes| bytes == b"HTTP/1.1 ").count(), 1, "one request of a connection counts");
    assert!(told.ends_with(LONG));
}

#[test]
fn who_ends_before_all_has_gone_ends_at_once() {
    let (mut server, mut peer) = server_at("/");
    ask(&mut peer, "GET /long");
    assert!(matches!(server.read(&mut [0; 4096]), Input::Overhead(_)));
    server.end_writing().expect("the peer is there");
    assert!(server.response().is_none() && !server.is_blocked(), "nothing is kept");
    let mut told = Vec::new();
    peer.read_to_end(&mut told).expect("it ends in an orderly way");
    assert!(told.starts_with(b"HTTP/1.1 200 OK\r\n") && told.len() < LONG.len());
}

#[test]
fn the_page_is_where_the_websocket_is_and_its_files_are_beside_it() {
    for (websocket, asked, status) in [
        ("/", "/", 200),
        ("/", "/long", 200),
        ("/", "/long/", 404),
        ("/", "//long", 404),
        ("/chat", "/chat", 200),
        ("/chat", "/long", 200),
        ("/chat", "/", 404),
        ("/chat", "/chat/long", 404),
        ("/chat/", "/chat/", 200),
        ("/chat/", "/chat/long", 200),
        ("/chat/", "/chat", 404),
        ("/chat/", "/chat/../chat/long", 404),
        ("/chat/", "/long", 404),
    ] {
        let (mut server, mut peer) = server_at(websocket);
        ask(&mut peer, &format!("HEAD {asked}"));
        let input = server.read(&mut [0; 4096]);
        assert_eq!(matches!(input, Input::Overhead(_)), status == 200, "{input:?}");
        assert_eq!(server.response().map(FileResponse::is_sent), (status == 200).then_some(true));
        server.end_writing().expect("the peer is there");
        let mut told = String::new();
        peer.read_to_string(&mut told).expect("it is text");
        assert!(told.starts_with(&format!("HTTP/1.1 {status} ")), "{asked} at {websocket}: {told}");
        assert!(told.ends_with("\r\n\r\n"), "no body goes with HEAD: {told}");
    }
}

#[test]
fn what_could_not_be_asked_for_or_said_is_no_file() {
    let with = |path: &str, content_type: &str| files().with_file(path, content_type, b"".as_slice()).unwrap_err();
    for path in ["", "style.css", "/a b", "/a?b", "/a#b", "/ä", "/a\r\nEvil: x"] {
        assert_eq!(with(path, "text/css"), FilesError::Path(path.into()));
    }
    for content_type in ["", " ", "text/css\r\nEvil: x", "text/ä"] {
        assert_eq!(with("/a", content_type), FilesError::ContentType(content_type.into()));
    }
    assert_eq!(with("/long", "text/plain"), FilesError::Repeated("/long".into()));
    let policy = "default-src 'self'\r\nEvil: x";
    assert_eq!(files().with_content_security_policy(policy), Err(FilesError::Policy(policy.into())));
    let other = files().with_content_security_policy("default-src 'self'").expect("it is a policy");
    assert_ne!(other, files(), "and each response has it");
    assert_eq!(format!("{other:?}"), r#"{"/", "/long"}"#);
}
