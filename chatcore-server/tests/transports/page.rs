//! The page for browsers, over real sockets.

use std::fs;
use std::io::{Read, Write};
use std::process::Command;

use crate::support::{PROGRAM, Peer, Server, User, connect};
use crate::talk::talk;
use crate::tls::TlsServer;
use crate::websocket::{Stream, break_off, come_back};

const INDEX: &str = include_str!("../../page/index.html");

/// A server that listens on TCP, and then for browsers.
fn page_server(flags: &[&str]) -> Server {
    let mut command = Command::new(PROGRAM);
    command.args(["--listen", "127.0.0.1:0", "--page-listen", "127.0.0.1:0"]).args(flags);
    Server::listening(2, &mut command)
}

/// A request with this line, a `Host` and these headers.
fn request(line: &str, headers: &[&str]) -> String {
    let lines = [line, "Host: localhost"].into_iter().chain(headers.iter().copied()).chain(["", ""]);
    lines.collect::<Vec<_>>().join("\r\n")
}

/// All that is answered up to the end, as a head and a body.
fn answer_over(mut stream: impl Read + Write, request: &str) -> (String, String) {
    stream.write_all(request.as_bytes()).expect("the server reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the server closes in an orderly way");
    let answer = String::from_utf8(answer).expect("it is text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("it has a head");
    (head.into(), body.into())
}

fn answer(server: &Server, request: &str) -> (String, String) {
    answer_over(connect(server.addresses[1]), request)
}

fn get(server: &Server, path: &str, headers: &[&str]) -> (String, String) {
    answer(server, &request(&format!("GET {path} HTTP/1.1"), headers))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[test]
fn a_browser_gets_the_page_and_all_that_belongs_to_it() {
    let mut server = page_server(&[]);
    for (path, content_type, expected) in [
        ("/", "text/html; charset=utf-8", INDEX),
        ("/?from=here", "text/html; charset=utf-8", INDEX),
        ("/page.css", "text/css; charset=utf-8", include_str!("../../page/page.css")),
        ("/page.js", "text/javascript; charset=utf-8", include_str!("../../page/page.js")),
    ] {
        let (head, body) = get(&server, path, &["Connection: keep-alive", "Accept-Encoding: gzip"]);
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert_eq!(body, expected);
        for (name, value) in [
            ("Content-Type", content_type),
            ("Content-Length", &expected.len().to_string()),
            ("Connection", "close"),
            ("Cache-Control", "no-cache"),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
        ] {
            assert_eq!(header(&head, name), Some(value), "{name} of {path}: {head}");
        }
        let policy = header(&head, "Content-Security-Policy").expect("there is a policy");
        for directive in [
            "default-src 'none'",
            "script-src 'self' 'wasm-unsafe-eval'",
            "connect-src 'self'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ] {
            assert!(policy.split("; ").any(|known| known == directive), "{directive}: {policy}");
        }
        assert!(!policy.contains("unsafe-inline") && !policy.contains('*'), "{policy}");
    }
    // What is no text: a browser compiles the module while it comes only if its type is this one.
    let module = include_bytes!("../../page/chatcore.wasm").len().to_string();
    let (head, _) = answer(&server, &request("HEAD /chatcore.wasm HTTP/1.1", &[]));
    assert_eq!(header(&head, "Content-Type"), Some("application/wasm"), "{head}");
    assert_eq!(header(&head, "Content-Length"), Some(module.as_str()), "{head}");
    assert!(get(&server, "/icon.svg", &[]).0.contains("Content-Type: image/svg+xml\r\n"));
    // What a browser adds to an address is not logged.
    server.logged(&["INFO", "fetched", "file=/page.js", "status=200"]);
    assert_eq!(server.count_logged(&["from=here"]), 0);
}

#[test]
fn a_browser_that_has_a_file_gets_no_second_copy() {
    let server = page_server(&[]);
    let (head, _) = get(&server, "/", &[]);
    let tag = header(&head, "ETag").expect("there is a tag");
    for known in [tag.to_owned(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        let (head, body) = get(&server, "/", &[&format!("If-None-Match: {known}")]);
        assert!(head.starts_with("HTTP/1.1 304 Not Modified\r\n"), "{known}: {head}");
        assert_eq!((body.as_str(), header(&head, "ETag")), ("", Some(tag)));
        assert!(header(&head, "Content-Security-Policy").is_some(), "{head}");
    }
    let (head, body) = get(&server, "/page.css", &[&format!("If-None-Match: {tag}")]);
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && !body.is_empty(), "another file has another tag: {head}");
}

#[test]
fn head_gets_the_same_without_a_body() {
    let server = page_server(&[]);
    let (of_get, _) = get(&server, "/", &[]);
    let (of_head, body) = answer(&server, &request("HEAD / HTTP/1.1", &[]));
    assert_eq!((of_head, body.as_str()), (of_get, ""));
    let (head, body) = answer(&server, &request("HEAD /nothing HTTP/1.1", &[]));
    assert!(head.starts_with("HTTP/1.1 404 Not Found\r\n") && body.is_empty(), "{head}");
}

#[test]
fn what_is_no_request_for_a_file_is_told_so_and_nobody_else_notices() {
    let mut server = page_server(&["--log-origin-lines-per-s", "0"]);
    let mut alice = User::registered(server.address(), "alice");
    let get = "GET / HTTP/1.1";
    let websocket = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"];
    for (text, status, sentence) in [
        (request("GET /nothing HTTP/1.1", &[]), "404 Not Found", "there is nothing at this path"),
        (request("GET /../page/index.html HTTP/1.1", &[]), "404 Not Found", "there is nothing at this path"),
        (request("GET /%2e%2e/Cargo.toml HTTP/1.1", &[]), "404 Not Found", "there is nothing at this path"),
        (request("GET http://localhost/ HTTP/1.1", &[]), "404 Not Found", "there is nothing at this path"),
        (request("GET /page.js/ HTTP/1.1", &[]), "404 Not Found", "there is nothing at this path"),
        (request("POST / HTTP/1.1", &["Content-Length: 2"]) + "hi", "405 Method Not Allowed", "with GET or HEAD"),
        (request("DELETE /page.js HTTP/1.1", &[]), "405 Method Not Allowed", "with GET or HEAD"),
        (request("OPTIONS * HTTP/1.1", &[]), "405 Method Not Allowed", "with GET or HEAD"),
        (request("CONNECT evil.example:443 HTTP/1.1", &[]), "405 Method Not Allowed", "with GET or HEAD"),
        (request("GET / HTTP/1.0", &[]), "505 HTTP Version Not Supported", "HTTP/1.1 is spoken here"),
        (request(get, &["Content-Length: 2"]) + "hi", "400 Bad Request", "a request has no body here"),
        (request(get, &["Host: 127.0.0.1"]), "400 Bad Request", "the header Host came more than once"),
        (request(get, &[]).replace("localhost", "evil.example"), "421 Misdirected Request", "the name in Host"),
        (request(get, &["Origin: https://evil.example"]), "403 Forbidden", "pages of this origin may not connect"),
        (request(get, &websocket), "400 Bad Request", "Sec-WebSocket-Key must be"),
        (request(get, &["Sec-WebSocket-Key: x"]), "426 Upgrade Required", "send Connection: Upgrade"),
    ] {
        let (head, body) = answer(&server, &text);
        assert!(head.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{text}{head}");
        assert!(body.contains(sentence), "{text}{body}");
        assert_eq!(header(&head, "Content-Length"), Some(body.len().to_string().as_str()), "{head}");
        assert_eq!(header(&head, "X-Content-Type-Options"), Some("nosniff"), "{head}");
        server.logged(&["INFO", "closed before it had a name", sentence]);
    }
    alice.tell_oneself("alice");
    server.assert_running();
}

#[test]
fn of_several_requests_on_a_connection_the_first_is_answered() {
    let server = page_server(&[]);
    let first = request("GET /page.css HTTP/1.1", &[]);
    let (head, body) = answer(&server, &(first + &request("GET / HTTP/1.1", &[]).repeat(1_000)));
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert_eq!(body, include_str!("../../page/page.css"));
}

#[test]
fn half_a_request_is_told_so_in_time() {
    let server = page_server(&["--handshake-time-max", "0.3"]);
    let (head, body) = answer(&server, "GET / HTTP/1.1\r\nHost: local");
    assert!(head.starts_with("HTTP/1.1 408 Request Timeout\r\n") && body.contains("too long"), "{head}");
    // A body would be taken for a part of the next answer.
    let (head, body) = answer(&server, "HEAD / HTTP/1.1\r\nHost: local");
    assert!(head.starts_with("HTTP/1.1 408 Request Timeout\r\n") && body.is_empty(), "{head}");
}

#[test]
fn users_talk_over_the_websocket_that_is_where_the_page_is() {
    let server = page_server(&[]);
    let mut alice = Peer::registered_over(Stream::open(connect(server.addresses[1])), "alice");
    let mut bob = Peer::registered(server.address(), "bob");
    talk(&mut alice, &mut bob);
    assert!(get(&server, "/", &[]).0.starts_with("HTTP/1.1 200 OK\r\n"), "while the page can be had");
}

#[test]
fn the_page_is_there_over_tls_as_well() {
    let tls = TlsServer::start_with("wss://127.0.0.1:0/chat/", &[]);
    let (head, body) = answer_over(tls.connect(), &request("GET /chat/ HTTP/1.1", &[]));
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert_eq!(body, INDEX);
    let (head, body) =
        answer_over(tls.connect(), &request("GET /chat/page.js HTTP/1.1", &["Origin: https://localhost"]));
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && !body.is_empty(), "{head}");
    let (head, _) = answer_over(tls.connect(), &request("GET / HTTP/1.1", &[]));
    assert!(head.starts_with("HTTP/1.1 404 Not Found\r\n"), "{head}");
}

#[test]
fn the_server_says_where_a_browser_finds_the_page() {
    let mut command = Command::new(PROGRAM);
    command.args(["--listen", "127.0.0.1:0", "--listen", "ws://0.0.0.0:0/chat", "--page-listen", "127.0.0.1:0"]);
    let server = Server::listening(3, &mut command);
    let [chat, page] = [1, 2].map(|index: usize| server.addresses[index].port());
    assert_eq!(server.line(), format!("chat in a browser at http://localhost:{chat}/chat"));
    assert_eq!(server.line(), format!("chat in a browser at http://127.0.0.1:{page}/"));
}

#[test]
fn the_page_goes_and_comes_while_the_server_runs_and_its_address_stays() {
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    let path = folder.path().join("server.toml");
    fs::write(&path, "").expect("the folder is ours");
    let mut command = Command::new(PROGRAM);
    command.args(["--config", path.to_str().expect("it is text")]);
    command.args(["--listen", "127.0.0.1:0", "--listen", "ws://127.0.0.1:0"]);
    let mut server = Server::listening(2, &mut command);
    let mut alice = Peer::registered_over(Stream::open(connect(server.addresses[1])), "alice");
    assert!(get(&server, "/", &[]).0.starts_with("HTTP/1.1 200 OK\r\n"));

    fs::write(&path, "page = \"no\"\n").expect("the folder is ours");
    server.signal("HUP");
    server.logged(&["INFO", "changed", "setting=page", "from=yes", "to=no"]);
    server.logged(&["INFO", "reloaded"]);
    let (head, body) = get(&server, "/", &[]);
    assert!(head.starts_with("HTTP/1.1 426 Upgrade Required\r\n"), "{head}");
    assert!(body.contains("a WebSocket is spoken here"), "{body}");

    fs::write(&path, "page_listen = \"127.0.0.1:0\"\n").expect("the folder is ours");
    server.signal("HUP");
    server.logged(&["INFO", "changed", "setting=page", "from=no", "to=yes"]);
    server.logged(&["WARN", "changes with a restart", "setting=page_listen", "from=none", "to=127.0.0.1:0"]);
    assert!(get(&server, "/", &[]).0.starts_with("HTTP/1.1 200 OK\r\n"));
    let mut bob = Peer::registered(server.address(), "bob");
    talk(&mut alice, &mut bob);
}

/// The default with a port of the system's choice, since a test has no fixed ones.
#[test]
fn where_nobody_has_asked_for_a_page_its_sessions_wait_for_ten_minutes() {
    let output = Command::new(PROGRAM).arg("--print-config").output().expect("the program runs");
    let config = String::from_utf8(output.stdout).expect("it is text");
    let default = config.lines().find_map(|line| line.strip_prefix("page_listen = \"")?.split('"').next());
    let (host, port_options) = default.and_then(|default| default.split_once(':')).expect("there is a default");
    let options = port_options.strip_prefix("12380").expect("the port is the documented one");
    let mut command = Command::new(PROGRAM);
    command.args(["--listen", "ws://127.0.0.1:0", "--page-listen", &format!("{host}:0{options}")]);
    let mut server = Server::listening(2, &mut command);
    let [chat, page] = [server.addresses[0], server.addresses[1]];
    let ((of_others, _), (window, token)) = (break_off(chat, "alice"), break_off(page, "bob"));
    assert_eq!([of_others, window], [60_000, 600_000]);
    server.logged(&["lost its connection", "name=bob"]);
    come_back(page, "bob", token);
}

#[test]
fn an_address_that_was_asked_for_and_is_in_use_is_an_error() {
    let taken = page_server(&[]);
    let address = taken.addresses[1].to_string();
    let output = Command::new(PROGRAM).args(["--listen", "127.0.0.1:0", "--page-listen", &address]).output();
    let output = output.expect("the program runs");
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(words.contains(&format!("cannot listen on {address}: the address is in use")), "{words}");
}
