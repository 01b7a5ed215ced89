//! Seeds for the targets of WebSocket: one for each rule.

use crate::seed::Seed;

/// The first byte of an input: which end it is, and what is carried.
const SERVER_OF_MESSAGES: u8 = 0;
const CLIENT_OF_MESSAGES: u8 = 1;
const SERVER_OF_STREAM: u8 = 2;
/// The second: the others arrive in pieces of this many bytes, less one.
const PIECE: u8 = 4;

const FIN: u8 = 0x80;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;

pub(crate) fn websocket_seeds() -> Vec<Seed> {
    frames()
        .into_iter()
        .map(|(name, end, frames)| ("websocket_frames", name, [&[end, PIECE][..], &frames].concat()))
        .chain(heads().into_iter().map(|(name, end, head)| {
            ("websocket_upgrade", name, [&[end, PIECE][..], head.as_bytes(), b"\x82\x80\0\0\0\0"].concat())
        }))
        .map(|(target, name, bytes)| Seed { target, name: name.into(), bytes })
        .collect()
}

/// A client's frame.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    const KEY: [u8; 4] = *b"\x11\x22\x33\x44";
    let length = u8::try_from(payload.len()).expect("these are short");
    let payload = payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key);
    [first, 0x80 | length].into_iter().chain(KEY).chain(payload).collect()
}

fn frames() -> Vec<(&'static str, u8, Vec<u8>)> {
    let text = |payload: &str| masked(FIN | TEXT, payload.as_bytes());
    let stream = masked(FIN | BINARY, b"\xC4chat\r\n\n\x01\0\0\0\0\0\0\0");
    let empty_fragments = [masked(BINARY, b""), masked(0, b"").repeat(3)].concat();
    vec![
        ("text", SERVER_OF_MESSAGES, text("héllo")),
        ("text-that-is-none", SERVER_OF_MESSAGES, masked(FIN | TEXT, b"a\xED\xA0\x80")),
        ("text-in-a-stream", SERVER_OF_STREAM, text("hello")),
        ("a-stream", SERVER_OF_STREAM, [stream.clone(), masked(FIN | PING, b"p"), stream.clone()].concat()),
        (
            "fragments-and-a-ping",
            SERVER_OF_MESSAGES,
            [masked(TEXT, b"\xF0\x9F"), masked(FIN | PING, b"p"), masked(FIN, b"\xA6\x80")].concat(),
        ),
        ("fragments-of-nothing", SERVER_OF_MESSAGES, empty_fragments),
        ("nothing-to-continue", SERVER_OF_MESSAGES, masked(FIN, b"x")),
        ("not-ended", SERVER_OF_MESSAGES, [masked(BINARY, b"x"), text("y")].concat()),
        ("close", SERVER_OF_MESSAGES, masked(FIN | CLOSE, b"\x03\xE8bye")),
        ("close-of-one-byte", SERVER_OF_MESSAGES, masked(FIN | CLOSE, b"\x03")),
        ("close-with-no-code", SERVER_OF_MESSAGES, masked(FIN | CLOSE, b"\x03\xED")),
        ("closed-and-more", SERVER_OF_MESSAGES, [masked(FIN | CLOSE, b""), text("late")].concat()),
        ("reserved-bit", SERVER_OF_MESSAGES, masked(FIN | 0x40 | BINARY, b"x")),
        ("unknown-opcode", SERVER_OF_MESSAGES, masked(FIN | 3, b"x")),
        ("not-masked", SERVER_OF_MESSAGES, b"\x82\x01x".to_vec()),
        ("masked-by-a-server", CLIENT_OF_MESSAGES, text("x")),
        ("of-a-server", CLIENT_OF_MESSAGES, b"\x81\x02hi\x89\x01p\x01\x01a\x80\x01b\x88\x02\x03\xE8".to_vec()),
        ("control-in-fragments", SERVER_OF_MESSAGES, masked(PING, b"x")),
        ("control-too-long", SERVER_OF_MESSAGES, b"\x89\xFE\x00\x7E".to_vec()),
        ("length-of-two-bytes", CLIENT_OF_MESSAGES, [&b"\x82\x7E\x00\x7E"[..], &[7; 126]].concat()),
        ("length-not-minimal", CLIENT_OF_MESSAGES, b"\x82\x7E\x00\x01x".to_vec()),
        ("length-of-64-bits", SERVER_OF_MESSAGES, b"\x82\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0x".to_vec()),
        ("length-of-63-bits", SERVER_OF_MESSAGES, b"\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0x".to_vec()),
    ]
}

fn heads() -> Vec<(&'static str, u8, String)> {
    const SERVER: u8 = 0;
    const CLIENT: u8 = 1;
    let request = "GET / HTTP/1.1\r\nHost: localhost:8080\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                   Sec-WebSocket-Protocol: other, chatcore.v1\r\n";
    let and = |header: &str| format!("{request}{header}\r\n\r\n");
    let instead = |old: &str, new: &str| format!("{}\r\n", request.replacen(old, new, 1));
    let file = "GET /page.js?v=2 HTTP/1.1\r\nHost: localhost:8080\r\nConnection: keep-alive\r\nAccept: */*\r\n\r\n";
    let answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                  Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chatcore.v1\r\n";
    vec![
        ("request", SERVER, format!("{request}\r\n")),
        ("same-origin", SERVER, and("Origin: http://localhost:8080")),
        ("other-origin", SERVER, and("Origin: https://evil.example")),
        ("name-of-the-server", SERVER, instead("localhost:8080", "chat.example")),
        ("other-host", SERVER, instead("localhost:8080", "evil.example")),
        ("address", SERVER, instead("localhost:8080", "[::1]:8080")),
        ("two-hosts", SERVER, and("Host: localhost")),
        ("body", SERVER, and("Content-Length: 5")),
        ("chunked", SERVER, and("Transfer-Encoding: chunked")),
        ("post", SERVER, instead("GET", "POST")),
        ("old-http", SERVER, instead("HTTP/1.1", "HTTP/1.0")),
        ("old-version", SERVER, instead(": 13", ": 8")),
        ("no-key", SERVER, instead("dGhl", "*")),
        ("no-upgrade", SERVER, instead("Upgrade", "Up")),
        ("other-subprotocol", SERVER, instead("chatcore.v1", "chatcore.v2")),
        ("extensions-and-cookies", SERVER, and("Sec-WebSocket-Extensions: permessage-deflate\r\nCookie: a=b")),
        ("file", SERVER, file.into()),
        (
            "file-that-is-known",
            SERVER,
            file.replace("Accept: */*", "If-None-Match: W/\"a\", \"b\"\r\nIf-None-Match: *"),
        ),
        ("head-of-a-file", SERVER, file.replacen("GET", "HEAD", 1)),
        (
            "head-of-a-file-that-is-refused",
            SERVER,
            file.replacen("GET", "HEAD", 1).replacen("localhost", "evil.example", 1),
        ),
        ("file-by-post", SERVER, file.replacen("GET", "POST", 1)),
        ("file-at-a-whole-uri", SERVER, file.replacen("/page.js", "http://localhost:8080/../page.js", 1)),
        ("file-for-another-page", SERVER, file.replacen("Accept: */*", "Origin: https://evil.example", 1)),
        ("files-in-a-row", SERVER, file.repeat(3)),
        ("file-or-websocket", SERVER, file.replacen("Accept: */*", "Sec-WebSocket-Key: x", 1)),
        ("bare-line-feed", SERVER, instead("\r\n", "\n")),
        ("answer", CLIENT, format!("{answer}\r\n")),
        ("answer-to-another-key", CLIENT, format!("{}\r\n", answer.replace("s3pP", "S3pP"))),
        ("answer-with-an-extension", CLIENT, format!("{answer}Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n")),
        ("refused", CLIENT, String::from("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")),
    ]
}
