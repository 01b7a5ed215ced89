//! Openings: who may connect, and what others are told.

use std::fs;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use chatcore::websocket::HEAD_BYTES_MAX;

use super::client::{Stream, ws_server};
use super::read_to_end;
use crate::support::{PROGRAM, Peer, Server, User, connect};

/// A request with these headers, and those that all have.
fn request(headers: &[&str]) -> String {
    let always = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"];
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    let lines = ["GET / HTTP/1.1"].into_iter().chain(headers.iter().copied()).chain(always).chain([key, "", ""]);
    lines.collect::<Vec<_>>().join("\r\n")
}

const SUBPROTOCOL: &str = "Sec-WebSocket-Protocol: chatcore.v1";
const HOST: &str = "Host: localhost";

/// What a server answers to a request, up to its end.
fn answer(server: &Server, request: &[u8]) -> (String, String) {
    let mut stream = connect(server.addresses[1]);
    let address = stream.local_addr().expect("it is connected").to_string();
    stream.write_all(request).expect("the server reads");
    let answer = read_to_end(&mut stream).expect("the server closes in an orderly way");
    (String::from_utf8_lossy(&answer).into_owned(), address)
}

#[test]
fn a_request_that_opens_no_websocket_is_answered_in_http_and_nobody_else_notices() {
    let mut server = ws_server(&["--log-origin-lines-per-s", "0"]);
    let mut alice = User::registered(server.address(), "alice");
    let mut bob = Peer::registered_over(Stream::open(connect(server.addresses[1])), "bob");
    let with = |headers: &[&str]| request(headers).into_bytes();
    let long = format!("X-Long: {}", "x".repeat(HEAD_BYTES_MAX));
    let many: Vec<String> = (0..100).map(|number| format!("X-{number}: 1")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).chain([HOST, SUBPROTOCOL]).collect();
    let cases: [(Vec<u8>, &str, &str); 11] = [
        (with(&[HOST, HOST, SUBPROTOCOL]), "400 Bad Request", "the header Host came more than once"),
        (with(&[SUBPROTOCOL]), "400 Bad Request", "Host must name the host that is asked"),
        (with(&["Host: chat.example", SUBPROTOCOL]), "421 Misdirected Request", "does not have the name in Host"),
        (
            with(&[HOST, SUBPROTOCOL, "Origin: https://evil.example"]),
            "403 Forbidden",
            "pages of this origin may not connect",
        ),
        (with(&[HOST]), "400 Bad Request", "offer a subprotocol that is spoken here"),
        (with(&[HOST, &long]), "431 Request Header Fields Too Large", "the head of the request is too long"),
        (with(&many), "431 Request Header Fields Too Large", "the request has too many headers"),
        (
            request(&[HOST, SUBPROTOCOL]).replace("GET / ", "GET /chat ").into_bytes(),
            "404 Not Found",
            "there is no WebSocket at this path",
        ),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(), "405 Method Not Allowed", "opened with GET"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(), "426 Upgrade Required", "a WebSocket is spoken here"),
        (b"\xC4chat\r\n\0\x01\0\0\0\0\0\0\0".to_vec(), "400 Bad Request", "this is no HTTP request"),
    ];
    for (request, status, sentence) in cases {
        let (answer, address) = answer(&server, &request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{answer}");
        let (head, body) = answer.split_once("\r\n\r\n").expect("it has a body");
        assert!(body.contains(sentence) && head.contains(&format!("Content-Length: {}", body.len())), "{answer}");
        server.logged(&["INFO", &address, "closed before it had a name", sentence]);
        assert_eq!(server.count_logged(&[&address]), 1, "it is logged once");
    }
    alice.tell("bob", b"did you notice?");
    let chatcore::wire::HubMessage::Deliver(deliver) = bob.take_beside_acks() else { panic!("a message comes") };
    assert_eq!(deliver.body, b"did you notice?");
}

#[test]
fn the_reason_survives_what_the_peer_goes_on_to_send() {
    let server = ws_server(&[]);
    let mut request = request(&[HOST]).into_bytes();
    request.resize(700 << 10, b'x');
    let (answer, _) = answer(&server, &request);
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("offer a subprotocol"), "{answer}");
}

#[test]
fn a_request_may_come_byte_by_byte_and_frames_with_its_end() {
    let server = ws_server(&[]);
    let mut stream = connect(server.addresses[1]);
    // A ping comes with the last byte.
    let (request, last) = (request(&[HOST, SUBPROTOCOL]), b"\n\x89\x82\0\0\0\0hi");
    for byte in request.as_bytes()[..request.len() - 1].chunks(1) {
        stream.write_all(byte).expect("the server reads");
    }
    stream.write_all(last).expect("the server reads");
    let mut answered = Vec::new();
    while !answered.ends_with(b"\r\n\r\n\x8A\x02hi") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("the server answers");
        answered.push(byte[0]);
    }
    assert!(answered.starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"));
}

#[test]
fn who_does_not_finish_the_opening_is_told_so_in_time() {
    let mut server = ws_server(&["--handshake-time-max", "0.3"]);
    let whole = request(&[HOST, SUBPROTOCOL]);
    let (answer_to_half, address) = answer(&server, &whole.as_bytes()[..40]);
    assert!(answer_to_half.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{answer_to_half}");
    server.logged(&["INFO", &address, "no registration came in time"]);
    // A browser opens connections in advance: an answer to nothing would be taken for one to its next request.
    assert_eq!(answer(&server, b"").0, "");
    // The time is for the opening and the registration together.
    let (opened, _) = answer(&server, whole.as_bytes());
    assert!(opened.starts_with("HTTP/1.1 101 "), "{opened}");
}

#[test]
fn a_server_that_stops_tells_it_to_who_is_at_its_opening() {
    let mut server = ws_server(&[]);
    let mut stream = connect(server.addresses[1]);
    stream.write_all(&request(&[HOST, SUBPROTOCOL]).as_bytes()[..40]).expect("the server reads");
    // The server looks at connections in the order in which they come.
    Peer::registered_over(Stream::open(connect(server.addresses[1])), "alice");
    server.signal("TERM");
    let answer = read_to_end(&mut stream).expect("the server closes in an orderly way");
    assert!(answer.starts_with(b"HTTP/1.1 503 Service Unavailable\r\n"), "{}", String::from_utf8_lossy(&answer));
    drop(stream);
    assert!(server.exit_status().success());
}

#[test]
fn hosts_and_origins_that_are_set_may_connect_and_change_while_the_server_runs() {
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    let path = folder.path().join("server.toml");
    fs::write(&path, "websocket_hosts = [\"chat.example\"]\nwebsocket_origins = [\"https://a.example\"]\n").unwrap();
    let mut server = ws_server(&["--config", path.to_str().expect("it is text")]);
    let opens = |server: &Server, headers: &[&str]| {
        let mut stream = connect(server.addresses[1]);
        stream.write_all(request(&[headers, &[SUBPROTOCOL]].concat()).as_bytes()).expect("the server reads");
        let mut status = [0; 12];
        stream.read_exact(&mut status).expect("the server answers");
        status.ends_with(b" 101")
    };
    assert!(opens(&server, &["Host: chat.example:1234", "Origin: https://a.example"]));
    assert!(opens(&server, &["Host: chat.example", "Origin: http://chat.example"]));
    assert!(!opens(&server, &["Host: chat.example", "Origin: https://b.example"]));
    fs::write(&path, "websocket_origins = [\"https://b.example\"]\n").unwrap();
    server.signal("HUP");
    server.logged(&["websocket_hosts"]);
    server.logged(&["websocket_origins"]);
    assert!(!opens(&server, &["Host: chat.example", "Origin: https://b.example"]));
    assert!(opens(&server, &["Host: 127.0.0.1", "Origin: https://b.example"]));
}

#[test]
fn a_path_a_host_and_an_origin_that_cannot_be_are_named() {
    for (flags, expected) in [
        (&["--websocket-host", "chat.example:80"][..], "chat.example:80\" is no host"),
        (&["--websocket-origin", "chat.example"], "chat.example\" is no origin"),
        (&["--listen", "ws://localhost:0/a b"], "\"/a b\" is no path"),
        (&["--listen", "ws://localhost:0/a#b"], "\"/a#b\" is no path"),
    ] {
        let mut command = Command::new(PROGRAM);
        command.args(flags).arg("--check-config").stdin(Stdio::null());
        let output = command.output().expect("the program runs");
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words}");
        assert!(words.contains(expected) && words.contains(flags[1]), "{words}");
    }
}

#[test]
fn a_websocket_at_another_path_is_found_there() {
    let mut command = Command::new(PROGRAM);
    command.args(["--listen", "127.0.0.1:0", "--listen", "ws://127.0.0.1:0/chat"]);
    let server = Server::listening(2, &mut command);
    let mut stream = connect(server.addresses[1]);
    let request = request(&[HOST, SUBPROTOCOL]).replace("GET / ", "GET /chat?from=here ");
    stream.write_all(request.as_bytes()).expect("the server reads");
    let mut status = [0; 12];
    stream.read_exact(&mut status).expect("the server answers");
    assert_eq!(&status, b"HTTP/1.1 101");
}
