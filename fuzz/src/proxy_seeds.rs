//! Seeds for the header of the PROXY protocol: one for each kind.

use crate::seed::Seed;

/// The first byte: the others arrive in pieces of this many bytes, less one.
const PIECE: u8 = 4;

pub(crate) fn proxy_seeds() -> Vec<Seed> {
    let ipv4 = [192, 0, 2, 7, 198, 51, 100, 1, 0x30, 0x39, 0x01, 0xBB];
    let tls = [&ipv4[..], &[0x20, 0, 5, 1, 0, 0, 0, 0]].concat();
    [
        ("v2-ipv4", v2(0x21, 0x11, &ipv4)),
        ("v2-ipv4-and-tls", v2(0x21, 0x11, &tls)),
        ("v2-ipv6", v2(0x21, 0x21, &[7; 36])),
        ("v2-unix", v2(0x21, 0x31, &[7; 216])),
        ("v2-local", v2(0x20, 0x00, b"")),
        ("v2-too-short-for-its-addresses", v2(0x21, 0x11, &ipv4[..11])),
        ("v2-too-long", v2(0x21, 0x11, &[0; 2048])),
        ("v1-ipv4", b"PROXY TCP4 192.0.2.7 198.51.100.1 12345 443\r\n".to_vec()),
        ("v1-ipv6", b"PROXY TCP6 2001:db8::1 ::1 12345 443\r\n".to_vec()),
        ("v1-unknown", b"PROXY UNKNOWN\r\n".to_vec()),
        ("v1-too-long", [b"PROXY TCP4 ", &[b'1'; 120][..]].concat()),
        ("none", b"GET / HTTP/1.1\r\n".to_vec()),
    ]
    .map(|(name, header)| {
        let bytes = [&[PIECE][..], &header, b"\xC4chat"].concat();
        Seed { target: "proxy_header", name: name.into(), bytes }
    })
    .into()
}

fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).expect("it is short").to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[command, family][..], &length, rest].concat()
}
