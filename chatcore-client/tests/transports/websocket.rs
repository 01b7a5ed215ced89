//! A WebSocket to the server's program, and to servers that nobody here wrote.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;

use chatcore_client::chatcore::wire::Preface;
use chatcore_client::{ClientConfig, Connection, Endpoint, Tls};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket, accept_hdr};

use crate::identity::Authority;
use crate::programs::{PATIENCE, Server, run};
use crate::{hang_up, listen, registered, say, welcome};

/// The request that opened a WebSocket: its path, and its host.
type Asked = (String, String);

/// The server's end of a WebSocket, by tungstenite, and what was asked for.
#[expect(clippy::result_large_err, reason = "the callback's type is the library's")]
fn open<S: Read + Write>(stream: S) -> (WebSocket<S>, Asked) {
    let mut asked = (String::new(), String::new());
    let socket = accept_hdr(stream, |request: &Request, mut response: Response| {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        asked = (request.uri().to_string(), header("host").to_owned());
        if header("sec-websocket-protocol") != "chatcore.v1" {
            let mut refused = ErrorResponse::new(None);
            *refused.status_mut() = StatusCode::BAD_REQUEST;
            return Err(refused);
        }
        response.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("chatcore.v1"));
        Ok(response)
    });
    (socket.unwrap_or_else(|error| panic!("{error}")), asked)
}

/// Takes what a client says until it has asked for a name, lets it have alice, and takes what it says until it leaves.
/// Returns how the WebSocket ended, and how many bytes came. The welcome is the last that it says.
fn serve<S: Read + Write>(socket: &mut WebSocket<S>) -> (Error, usize) {
    let mut count = 0;
    let mut is_admitted = false;
    loop {
        match socket.read() {
            Ok(Message::Binary(bytes)) => count += bytes.len(),
            Ok(_) => {}
            Err(error) => return (error, count),
        }
        if count > 16 && !is_admitted {
            is_admitted = true;
            socket.send(Message::Ping("are you there?".into())).unwrap();
            let said = [&Preface::OURS.encode()[..], &welcome("alice")].concat();
            // The stream goes on wherever a message ends.
            for piece in said.chunks(7) {
                socket.send(Message::binary(piece.to_vec())).unwrap();
            }
        }
    }
}

fn accept_tls(config: Arc<ServerConfig>, stream: TcpStream) -> StreamOwned<ServerConnection, TcpStream> {
    StreamOwned::new(ServerConnection::new(config).unwrap(), stream)
}

#[test]
fn a_client_talks_over_a_websocket_of_somebody_elses() {
    let (listener, port) = listen();
    let server = thread::spawn(move || {
        let (mut socket, asked) = open(listener.accept().unwrap().0);
        let (end, count) = serve(&mut socket);
        (asked, end, count)
    });
    let address = format!("ws://127.0.0.1:{port}/chat?room=1");
    let mut alice = Connection::connect(&address, PATIENCE).unwrap();
    alice.register("alice", PATIENCE).unwrap();
    alice.send("bob", &vec![7; 60_000], PATIENCE).unwrap();
    drop(alice);
    let (asked, end, count) = server.join().unwrap();
    assert_eq!(asked, ("/chat?room=1".into(), format!("127.0.0.1:{port}")));
    assert!(matches!(end, Error::ConnectionClosed), "it ends with a close frame: {end:?}");
    assert!(count > 60_000, "{count}");
}

#[test]
fn a_websocket_over_tls_asks_for_http() {
    let authority = Authority::new();
    let mut config = Arc::unwrap_or_clone(authority.vouches_for(&["127.0.0.1"]).server(None));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let (listener, port) = listen();
    let server = thread::spawn(move || {
        let (mut socket, asked) = open(accept_tls(Arc::new(config), listener.accept().unwrap().0));
        let (end, _) = serve(&mut socket);
        (asked, end)
    });
    let endpoint: Endpoint = format!("wss://127.0.0.1:{port}").parse().unwrap();
    let endpoint = endpoint.with_tls(Tls::trusting(authority.certificate.as_bytes()).unwrap());
    let mut alice = Connection::connect_with(&endpoint, PATIENCE, &ClientConfig::default()).unwrap();
    alice.register("alice", PATIENCE).unwrap();
    drop(alice);
    let (asked, end) = server.join().unwrap();
    assert_eq!(asked, ("/".into(), format!("127.0.0.1:{port}")));
    assert!(matches!(end, Error::ConnectionClosed), "{end:?}");
}

#[test]
fn who_opens_no_websocket_is_told_in_one_line() {
    for (answer, expected) in [
        (&b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"[..], "with the HTTP status 404"),
        (b"HTTP/1.1 200 OK\r\n\r\nhello", "with the HTTP status 200"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "did not answer in HTTP"),
        (b"", "the server ended the connection before it could be used"),
    ] {
        let (listener, port) = listen();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            say(&mut stream, answer);
            hang_up(&stream);
        });
        let address = format!("ws://127.0.0.1:{port}/chat");
        let (code, stdout, stderr) = run(&["--connect", &address, "--name", "alice", "--json"], "");
        assert_eq!((code, stdout), (1, vec![r#"{"event":"closed","reason":"cannot_connect"}"#.to_owned()]));
        assert!(stderr[0].contains(&address) && stderr[0].contains(expected), "{stderr:?}");
        server.join().unwrap();
    }
}

#[test]
fn the_program_talks_over_a_websocket() {
    let (listener, port) = listen();
    let server = thread::spawn(move || serve(&mut open(listener.accept().unwrap().0).0).1);
    let address = format!("ws://localhost:{port}/");
    let args = ["--connect", &address, "--name", "alice", "--json", "--linger", "0"];
    let (_, stdout, _) = run(&args, "");
    assert_eq!(stdout[0], registered("alice"));
    assert!(server.join().unwrap() > 16);
}

#[test]
fn people_over_websockets_talk_through_the_servers_program() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let [certificate, key] = authority.vouches_for(&["127.0.0.1"]).files(folder.path(), "server");
    let ca = authority.file(folder.path());
    let listen = ["--listen", "ws://127.0.0.1:0/chat", "--listen", "wss://127.0.0.1:0/chat"];
    let server = Server::listening(&[&listen[..], &["--tls-cert", &certificate, "--tls-key", &key]].concat());
    let line = server.program.line();
    let wss = line.strip_prefix("listening on wss ").expect("it listens there, too");
    let (ws, wss) = (format!("{}/chat", server.address), format!("wss://{wss}/chat"));
    let bob = server.client_at(&wss, &["--ca", &ca, "--json", "--name", "bob", "--stay"]);
    bob.expect(&registered("bob"));
    let body = "x".repeat(60_000);
    let args = ["--connect", &ws, "--name", "alice", "--json"];
    let (code, stdout, stderr) = run(&args, &format!("@bob:{body}\n").repeat(20));
    assert_eq!((code, stderr, stdout.len()), (0, vec![], 22), "{stdout:?}");
    for _ in 0..20 {
        assert_eq!(bob.event()["body"], body);
    }
    let (code, _, stderr) = run(&["--connect", &server.address, "--name", "alice", "--json"], "");
    assert_eq!(code, 1);
    assert!(stderr[0].contains("with the HTTP status 404"), "{stderr:?}");
    bob.signal("TERM");
    assert_eq!(bob.end().0.code(), Some(0));
}
