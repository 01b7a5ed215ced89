//! Requests that open no WebSocket, at a server that has files.

use chatcore::websocket::{FileRequest, HttpRequest, Upgrade, UpgradeError, UpgradeRules};

/// A request with this line, a `Host` and these headers.
fn request(line: &str, headers: &[&str]) -> String {
    let lines = [line, "Host: localhost:8080"].into_iter().chain(headers.iter().copied()).chain(["", ""]);
    lines.collect::<Vec<_>>().join("\r\n")
}

fn requested(request: &str) -> Result<HttpRequest, UpgradeError> {
    let requested = Upgrade::new().receive_http(&UpgradeRules::default(), request.as_bytes())?;
    Ok(requested.expect("the request is whole"))
}

#[track_caller]
fn file(request: &str) -> FileRequest {
    match requested(request) {
        Ok(HttpRequest::File(file)) => file,
        other => panic!("{request}: {other:?}"),
    }
}

const WEBSOCKET: [&str; 5] = [
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol: chatcore.v1",
];

#[test]
fn a_request_for_a_file_says_which_and_how() {
    for (line, path, is_head) in [
        ("GET / HTTP/1.1", "/", false),
        ("HEAD /style.css HTTP/1.1", "/style.css", true),
        ("GET /a?b?c HTTP/1.1", "/a", false),
        ("GET /../etc/passwd HTTP/1.1", "/../etc/passwd", false),
        ("GET /%2e%2e/a HTTP/1.1", "/%2e%2e/a", false),
        ("GET http://localhost:8080/ HTTP/1.1", "http://localhost:8080/", false),
    ] {
        let text = request(line, &["Connection: keep-alive"]);
        let file = file(&text);
        assert_eq!((file.path(), file.is_head(), file.head_bytes()), (path, is_head, text.len()), "{line}");
    }
}

#[test]
fn a_request_for_a_websocket_is_one_at_a_server_with_files_too() {
    let text = request("GET / HTTP/1.1", &WEBSOCKET);
    let Ok(HttpRequest::WebSocket(accepted)) = requested(&text) else { panic!("it opens a WebSocket") };
    let alone = Upgrade::new().receive(&UpgradeRules::default(), text.as_bytes());
    assert_eq!(Ok(Some(accepted)), alone);
    // What is meant to open one is told why it does not, and gets no file.
    let without = |name: &str| {
        let headers: Vec<&str> = WEBSOCKET.into_iter().filter(|header| !header.starts_with(name)).collect();
        requested(&request("GET / HTTP/1.1", &headers)).unwrap_err()
    };
    assert_eq!(without("Upgrade"), UpgradeError::NoUpgrade, "a proxy took it out");
    assert_eq!(without("Connection"), UpgradeError::NoUpgrade);
    assert_eq!(without("Sec-WebSocket-Key"), UpgradeError::Key);
    assert_eq!(requested(&request("POST / HTTP/1.1", &WEBSOCKET)), Err(UpgradeError::Method));
    assert_eq!(requested(&request("GET /other HTTP/1.1", &WEBSOCKET)), Err(UpgradeError::Path));
}

#[test]
fn a_request_for_a_file_may_be_cut_anywhere() {
    let text = request("GET /a HTTP/1.1", &[]);
    let rules = UpgradeRules::default();
    let mut byte_by_byte = Upgrade::new();
    for length in 0..text.len() {
        assert_eq!(byte_by_byte.receive_http(&rules, &text.as_bytes()[..length]), Ok(None), "{length} bytes");
    }
    let input = [text.as_bytes(), b"GET /b HTTP/1.1\r\n"].concat();
    let Ok(Some(HttpRequest::File(file))) = byte_by_byte.receive_http(&rules, &input) else { panic!("it is whole") };
    assert_eq!((file.path(), file.head_bytes()), ("/a", text.len()), "what follows it stays");
}

#[test]
fn a_file_is_for_those_who_may_connect_and_ask_as_they_should() {
    let get = "GET / HTTP/1.1";
    for (text, status, error) in [
        (request("POST / HTTP/1.1", &[]), 405, UpgradeError::FileMethod),
        (request("OPTIONS * HTTP/1.1", &[]), 405, UpgradeError::FileMethod),
        (request("head / HTTP/1.1", &[]), 405, UpgradeError::FileMethod),
        (request("GET / HTTP/1.0", &[]), 505, UpgradeError::HttpVersion),
        (request(get, &["Content-Length: 3"]), 400, UpgradeError::Body),
        (request(get, &["Transfer-Encoding: chunked"]), 400, UpgradeError::Body),
        (request(get, &["Host: localhost"]), 400, UpgradeError::Repeated { header: "Host" }),
        (request(get, &["Origin: http://evil.example"]), 403, UpgradeError::Origin),
        (request(get, &[]).replace("localhost:8080", "evil.example"), 421, UpgradeError::UnknownHost),
        (request(get, &[]).replace("localhost:8080", "a b"), 400, UpgradeError::InvalidHost),
    ] {
        assert_eq!(requested(&text), Err(error.clone()), "{text}");
        assert_eq!(error.status(), status, "{error}");
    }
    assert!(UpgradeError::FileMethod.response().contains("\r\nAllow: GET, HEAD\r\n"));
    assert_eq!(file(&request(get, &["Origin: http://localhost:8080"])).path(), "/");
}

#[test]
fn no_body_goes_with_what_head_is_told() {
    let error = UpgradeError::FileNotFound;
    assert_eq!(error.status(), 404);
    assert_eq!(error.response_to(b"GET /a HTTP/1.1\r\n"), error.response());
    let (head, body) =
        error.response().split_once("\r\n\r\n").map(|(head, body)| (head.to_owned(), body.len())).unwrap();
    assert!(body > 0 && head.contains(&format!("Content-Length: {body}")), "{head}");
    assert_eq!(error.response_to(b"HEAD /a HTTP/1.1\r\n"), head + "\r\n\r\n");
}

#[test]
fn a_tag_is_known_that_is_listed_weak_or_not() {
    for (headers, is_known) in [
        (&[][..], false),
        (&["If-None-Match: \"a\""], true),
        (&["If-None-Match: W/\"a\""], true),
        (&["If-None-Match: \"b\", \"a\""], true),
        (&["If-None-Match: \"b\"", "if-none-match: \"a\""], true),
        (&["If-None-Match: *"], true),
        (&["If-None-Match: \"b\""], false),
        (&["If-None-Match: a"], false),
        (&["If-None-Match: \"ab\""], false),
        (&["If-Match: \"a\""], false),
    ] {
        assert_eq!(file(&request("GET / HTTP/1.1", headers)).knows("\"a\""), is_known, "{headers:?}");
    }
}
