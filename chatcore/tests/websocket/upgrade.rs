//! The opening: each rule, at both ends.

use chatcore::websocket::{
    Accepted, AnswerError, HEAD_BYTES_MAX, HEADERS_MAX, RequestError, SUBPROTOCOL, Upgrade, UpgradeError,
    UpgradeRequest, UpgradeRules,
};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// The headers of a request that opens a WebSocket.
const HEADERS: [(&str, &str); 6] = [
    ("Host", "localhost:8080"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", KEY),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Protocol", "chatcore.v1"),
];

fn head(first_line: &str, headers: &[(&str, &str)]) -> String {
    let mut lines = vec![first_line.to_owned()];
    lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
    lines.join("\r\n") + "\r\n\r\n"
}

/// The request with one header in place of the one of the same name.
fn with(name: &str, value: &str) -> String {
    let mut headers = HEADERS.to_vec();
    headers.retain(|(other, _)| *other != name);
    headers.push((name, value));
    head("GET / HTTP/1.1", &headers)
}

/// The request and one header more.
fn and(name: &str, value: &str) -> String {
    head("GET / HTTP/1.1", &[&HEADERS[..], &[(name, value)]].concat())
}

fn without(name: &str) -> String {
    let headers: Vec<_> = HEADERS.into_iter().filter(|(other, _)| *other != name).collect();
    head("GET / HTTP/1.1", &headers)
}

fn upgrade(rules: &UpgradeRules, request: &str) -> Result<Option<String>, UpgradeError> {
    let accepted = Upgrade::new().receive(rules, request.as_bytes())?.expect("the request is whole");
    assert_eq!(accepted.head_bytes(), request.len());
    Ok(accepted.subprotocol().map(String::from))
}

fn refused(request: &str) -> UpgradeError {
    upgrade(&UpgradeRules::default(), request).expect_err(request)
}

#[test]
fn the_request_of_the_rfc_is_accepted_with_its_response() {
    let request = head("GET / HTTP/1.1", &HEADERS);
    let accepted = Upgrade::new().receive(&UpgradeRules::default(), request.as_bytes()).unwrap().unwrap();
    assert_eq!(accepted.subprotocol(), Some(SUBPROTOCOL));
    assert_eq!(
        accepted.response(),
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chatcore.v1\r\n\r\n"
    );
}

#[test]
fn a_request_may_be_cut_anywhere_and_what_follows_it_stays() {
    let request = head("GET / HTTP/1.1", &HEADERS);
    let input = [request.as_bytes(), b"\x82\x80frames"].concat();
    let rules = UpgradeRules::default();
    let at_once = Upgrade::new().receive(&rules, &input).unwrap();
    assert_eq!(at_once.as_ref().map(Accepted::head_bytes), Some(request.len()));
    let mut byte_by_byte = Upgrade::new();
    for length in 0..request.len() {
        assert_eq!(byte_by_byte.receive(&rules, &input[..length]), Ok(None), "{length} bytes");
        let mut in_two = Upgrade::new();
        assert_eq!(in_two.receive(&rules, &input[..length]), Ok(None));
        assert_eq!(in_two.receive(&rules, &input).unwrap(), at_once);
    }
    assert_eq!(byte_by_byte.receive(&rules, &input[..request.len()]).unwrap(), at_once);
}

#[test]
fn lists_may_have_more_elements_in_any_case_and_in_several_headers() {
    let rules = UpgradeRules::default();
    for request in [
        with("Connection", "keep-alive, UPGRADE"),
        with("Upgrade", "h2c, WebSocket"),
        with("Sec-WebSocket-Protocol", " other ,chatcore.v1"),
        and("Sec-WebSocket-Protocol", "other"),
        and("connection", "keep-alive"),
        and("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"),
        and("Cookie", "session=1"),
        and("Content-Length", "0"),
        and("User-Agent", "\u{fc}ser agent"),
    ] {
        let accepted = Upgrade::new().receive(&rules, request.as_bytes()).expect(&request).unwrap();
        assert_eq!(accepted.subprotocol(), Some(SUBPROTOCOL));
        assert!(!accepted.response().contains("Extensions"), "no extension is spoken");
        assert!(!accepted.response().contains("Cookie"));
    }
}

#[test]
fn what_breaks_a_rule_is_told_which_one() {
    let get = |line| head(line, &HEADERS);
    let spoken = UpgradeError::Subprotocol { spoken: "chatcore.v1".into() };
    let cases = [
        (get("POST / HTTP/1.1"), 405, UpgradeError::Method),
        (get("get / HTTP/1.1"), 405, UpgradeError::Method),
        (get("GET / HTTP/1.0"), 505, UpgradeError::HttpVersion),
        (get("GET / HTTP/2.0"), 505, UpgradeError::HttpVersion),
        (get("GET /"), 400, UpgradeError::Malformed),
        (get("GET /other HTTP/1.1"), 404, UpgradeError::Path),
        (get("GET http://localhost/ HTTP/1.1"), 404, UpgradeError::Path),
        (and("Content-Length", "1"), 400, UpgradeError::Body),
        (and("Content-Length", "zero"), 400, UpgradeError::Body),
        (and("Transfer-Encoding", "chunked"), 400, UpgradeError::Body),
        (and("Host", "localhost"), 400, UpgradeError::Repeated { header: "Host" }),
        (
            and("Origin", "http://a").replace("\r\n\r\n", "\r\nOrigin: http://b\r\n\r\n"),
            400,
            UpgradeError::Repeated { header: "Origin" },
        ),
        (and("sec-websocket-key", KEY), 400, UpgradeError::Repeated { header: "Sec-WebSocket-Key" }),
        (and("Sec-WebSocket-Version", "13"), 400, UpgradeError::Repeated { header: "Sec-WebSocket-Version" }),
        (without("Host"), 400, UpgradeError::InvalidHost),
        (with("Host", "a b"), 400, UpgradeError::InvalidHost),
        (with("Host", "chat.example"), 421, UpgradeError::UnknownHost),
        (with("Host", "localhost.evil.example"), 421, UpgradeError::UnknownHost),
        (and("Origin", "http://evil.example"), 403, UpgradeError::Origin),
        (and("Origin", "null"), 403, UpgradeError::Origin),
        (and("Origin", ""), 403, UpgradeError::Origin),
        (without("Upgrade"), 426, UpgradeError::NoUpgrade),
        (without("Connection"), 426, UpgradeError::NoUpgrade),
        (with("Connection", "close"), 426, UpgradeError::NoUpgrade),
        (with("Upgrade", "websockets"), 426, UpgradeError::NoUpgrade),
        (without("Sec-WebSocket-Version"), 426, UpgradeError::WebSocketVersion),
        (with("Sec-WebSocket-Version", "8"), 426, UpgradeError::WebSocketVersion),
        (with("Sec-WebSocket-Version", "13, 8"), 426, UpgradeError::WebSocketVersion),
        (without("Sec-WebSocket-Key"), 400, UpgradeError::Key),
        (with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25j"), 400, UpgradeError::Key),
        (with("Sec-WebSocket-Key", "not base64 at all!!!!!=="), 400, UpgradeError::Key),
        (without("Sec-WebSocket-Protocol"), 400, spoken.clone()),
        (with("Sec-WebSocket-Protocol", "chatcore.v2, Chatcore.v1"), 400, spoken),
        (and("Bad header", "x"), 400, UpgradeError::Malformed),
        (and("Folded", "x\r\n y"), 400, UpgradeError::Malformed),
        (with("Host", "localhost").replace("\r\nUpgrade", "\nUpgrade"), 400, UpgradeError::BareLineFeed),
        (String::from("\x16\x03\x01"), 400, UpgradeError::NotHttp),
        (String::from("\r\n"), 400, UpgradeError::NotHttp),
    ];
    for (request, status, error) in cases {
        assert_eq!(refused(&request), error, "{request}");
        assert_eq!(error.status(), status, "{error}");
        let response = error.response();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        assert!(head.contains(&format!("\r\nContent-Length: {}", body.len())), "{head}");
        assert_eq!(body, format!("{error}\n"));
        assert!(head.contains("close"), "{head}");
        assert_eq!(head.contains("\r\nSec-WebSocket-Version: 13\r\n"), status == 426, "{head}");
        assert_eq!(head.contains("\r\nAllow: GET"), status == 405, "{head}");
    }
    assert_eq!(Upgrade::new().receive(&UpgradeRules::default(), b"\xC4chat"), Err(UpgradeError::NotHttp));
}

#[test]
fn a_head_has_a_longest_form() {
    let padded = |bytes: usize| {
        let rest = head("GET / HTTP/1.1", &HEADERS).len() + "Pad: \r\n".len();
        and("Pad", &"x".repeat(bytes - rest))
    };
    let longest = padded(HEAD_BYTES_MAX);
    assert_eq!(longest.len(), HEAD_BYTES_MAX);
    assert!(upgrade(&UpgradeRules::default(), &longest).is_ok());
    let error = refused(&padded(HEAD_BYTES_MAX + 1));
    assert_eq!((error.status(), error), (431, UpgradeError::HeadTooLong));

    let many = |count: usize| {
        let more = (HEADERS.len()..count).map(|_| ("A", "b"));
        head("GET / HTTP/1.1", &HEADERS.into_iter().chain(more).collect::<Vec<_>>())
    };
    assert!(upgrade(&UpgradeRules::default(), &many(HEADERS_MAX)).is_ok());
    let error = refused(&many(HEADERS_MAX + 1));
    assert_eq!((error.status(), error), (431, UpgradeError::TooManyHeaders));
}

#[test]
fn pages_may_connect_to_where_they_come_from_and_where_they_are_listed() {
    let rules = UpgradeRules::default().with_host("chat.example").unwrap().with_origin("https://app.example").unwrap();
    let ask = |rules: &UpgradeRules, host: &str, origin: &str| {
        let request = with("Host", host).replace("\r\n\r\n", &format!("\r\nOrigin: {origin}\r\n\r\n"));
        upgrade(rules, &request).map(drop)
    };
    for (host, origin) in [
        ("localhost:8080", "http://localhost:8080"),
        ("localhost", "http://localhost:80"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("chat.example", "http://CHAT.example"),
        ("chat.example:8080", "https://app.example"),
        ("192.0.2.1", "https://app.example:443"),
    ] {
        assert_eq!(ask(&rules, host, origin), Ok(()), "{origin} at {host}");
    }
    for (host, origin) in [
        ("localhost:8080", "http://localhost"),
        ("localhost:8080", "https://localhost:8080"),
        ("chat.example", "http://app.example"),
        ("chat.example", "https://app.example:8443"),
        ("127.0.0.1", "http://localhost"),
        ("127.0.0.1", "http://127.0.0.1, http://127.0.0.1"),
    ] {
        assert_eq!(ask(&rules, host, origin), Err(UpgradeError::Origin), "{origin} at {host}");
    }
    // Over TLS the pages of the host are other ones.
    let rules = rules.with_tls(true);
    assert_eq!(ask(&rules, "chat.example", "https://chat.example"), Ok(()));
    assert_eq!(ask(&rules, "chat.example", "http://chat.example"), Err(UpgradeError::Origin));
    // A page whose name is pointed here is told that it has the wrong host, whatever origin it has.
    assert_eq!(ask(&rules, "evil.example", "https://evil.example"), Err(UpgradeError::UnknownHost));
}

#[test]
fn the_server_chooses_the_best_subprotocol_that_is_offered() {
    let rules = UpgradeRules::default().with_subprotocols(&["chatcore.v2", "chatcore.v1"]).unwrap();
    let offers = |offers| upgrade(&rules, &with("Sec-WebSocket-Protocol", offers));
    assert_eq!(offers("chatcore.v1, chatcore.v2"), Ok(Some("chatcore.v2".into())));
    assert_eq!(offers("chatcore.v1"), Ok(Some("chatcore.v1".into())));
    let spoken = "chatcore.v2, chatcore.v1".into();
    assert_eq!(offers("v1"), Err(UpgradeError::Subprotocol { spoken }));
    let any = UpgradeRules::default().with_subprotocols(&[]).unwrap();
    assert_eq!(upgrade(&any, &without("Sec-WebSocket-Protocol")), Ok(None));
    assert_eq!(upgrade(&any, &head("GET / HTTP/1.1", &HEADERS)), Ok(None), "none is chosen");
}

#[test]
fn the_path_is_that_of_the_rules_and_a_query_does_not_matter() {
    let rules = UpgradeRules::default().with_path("/chat/v1").unwrap();
    let ask = |target| upgrade(&rules, &head(&format!("GET {target} HTTP/1.1"), &HEADERS)).map(drop);
    assert_eq!(ask("/chat/v1"), Ok(()));
    assert_eq!(ask("/chat/v1?room=lobby"), Ok(()));
    assert_eq!(ask("/chat/v1/"), Err(UpgradeError::Path));
    assert_eq!(ask("/"), Err(UpgradeError::Path));
}

// ---- the client's end ----

const ANSWER: [(&str, &str); 4] = [
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ("Sec-WebSocket-Protocol", "chatcore.v1"),
];

/// The request whose key is that of the RFC.
fn request(subprotocols: &[&str]) -> UpgradeRequest {
    UpgradeRequest::new("chat.example:8080", "/chat?a=b", subprotocols, *b"the sample nonce").unwrap()
}

fn answered(answer: &str) -> Result<Option<String>, AnswerError> {
    let answer = request(&["other", SUBPROTOCOL]).receive(answer.as_bytes())?.expect("it is whole");
    Ok(answer.subprotocol().map(String::from))
}

#[test]
fn a_client_asks_as_the_rfc_says() {
    let expected = "GET /chat?a=b HTTP/1.1\r\nHost: chat.example:8080\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    assert_eq!(request(&[]).bytes(), format!("{expected}\r\n").as_bytes());
    let protocols = "Sec-WebSocket-Protocol: other, chatcore.v1\r\n\r\n";
    assert_eq!(request(&["other", SUBPROTOCOL]).bytes(), format!("{expected}{protocols}").as_bytes());
}

#[test]
fn an_answer_may_be_cut_anywhere_and_what_follows_it_stays() {
    let answer = head("HTTP/1.1 101 Switching Protocols", &ANSWER);
    let input = [answer.as_bytes(), b"\x82\x00"].concat();
    let mut request = request(&[SUBPROTOCOL]);
    for length in 0..answer.len() {
        assert_eq!(request.receive(&input[..length]), Ok(None), "{length} bytes");
    }
    let answered = request.receive(&input).unwrap().unwrap();
    assert_eq!((answered.head_bytes(), answered.subprotocol()), (answer.len(), Some(SUBPROTOCOL)));
}

#[test]
fn an_answer_that_opens_no_websocket_is_told_why() {
    let answer = |line: &str, change: &[(&str, &str)]| {
        let mut headers = ANSWER.to_vec();
        headers.retain(|(name, _)| change.iter().all(|(other, _)| other != name));
        headers.extend(change.iter().filter(|(_, value)| !value.is_empty()));
        head(line, &headers)
    };
    let switch = "HTTP/1.1 101 Switching Protocols";
    assert_eq!(answered(&answer(switch, &[])), Ok(Some("chatcore.v1".into())));
    for (answer, error) in [
        (answer("HTTP/1.1 403 Forbidden", &[]), AnswerError::Status { status: 403 }),
        (answer("HTTP/1.0 101 Switching Protocols", &[]), AnswerError::Malformed),
        (answer(switch, &[("Upgrade", "h2c")]), AnswerError::NoUpgrade),
        (answer(switch, &[("Connection", "")]), AnswerError::NoUpgrade),
        (answer(switch, &[("Sec-WebSocket-Accept", "")]), AnswerError::Key),
        (answer(switch, &[("Sec-WebSocket-Accept", "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=")]), AnswerError::Key),
        (answer(switch, &[("Sec-WebSocket-Extensions", "permessage-deflate")]), AnswerError::Extension),
        (answer(switch, &[("Sec-WebSocket-Protocol", "")]), AnswerError::Subprotocol),
        (answer(switch, &[("Sec-WebSocket-Protocol", "another")]), AnswerError::Subprotocol),
        (
            answer(switch, &[("Sec-WebSocket-Protocol", "other"), ("sec-websocket-protocol", "other")]),
            AnswerError::Repeated { header: "Sec-WebSocket-Protocol" },
        ),
        (answer(switch, &[("Pad", &"x".repeat(HEAD_BYTES_MAX))]), AnswerError::HeadTooLong),
        (answer(switch, &[("A", "b"); HEADERS_MAX]), AnswerError::TooManyHeaders),
        (answer("HTTP/1.1 x", &[]), AnswerError::Malformed),
        (String::from("SSH-2.0"), AnswerError::NotHttp),
        (String::from("\u{0}"), AnswerError::NotHttp),
    ] {
        assert_eq!(answered(&answer), Err(error), "{answer}");
    }
    // Who offers no subprotocol gets none.
    let answer = head(switch, &ANSWER);
    assert_eq!(request(&[]).receive(answer.as_bytes()), Err(AnswerError::Subprotocol));
    let answer = head(switch, &ANSWER[..3]);
    assert_eq!(request(&[]).receive(answer.as_bytes()).unwrap().unwrap().subprotocol(), None);
}

#[test]
fn a_request_that_no_server_could_understand_is_not_made() {
    let make = |host: &str, target: &str, subprotocols: &[&str]| {
        UpgradeRequest::new(host, target, subprotocols, [0; 16]).unwrap_err()
    };
    for host in ["", "a\r\nEvil: x", "a/b", "a:b", "::1"] {
        assert_eq!(make(host, "/", &[]), RequestError::Host(host.into()));
    }
    for target in ["", "chat", "/a b", "/a\r\nEvil: x", "/a#b", "http://a/"] {
        assert_eq!(make("a", target, &[]), RequestError::Target(target.into()));
    }
    for subprotocol in ["", "a,b", "a\r\nEvil: x"] {
        assert_eq!(make("a", "/", &["b", subprotocol]), RequestError::Subprotocol(subprotocol.into()));
    }
    assert!(matches!(make("a", &format!("/{}", "x".repeat(HEAD_BYTES_MAX)), &[]), RequestError::TooLong(_)));
}
