//! The header of the PROXY protocol: with it a proxy says, before all else, whose connection it carries.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use proxy_header::{ParseConfig, Protocol, ProxyHeader};

use crate::{Input, Socket};

/// Bytes of a header, at the most. One with addresses has 52, and what proxies add is mostly about TLS.
pub const PROXY_HEADER_BYTES_MAX: usize = 2048;

/// How a header of version 2 begins.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The signature, what it is about, and its length.
const FIXED_BYTES: usize = SIGNATURE.len() + 4;
/// How a header of version 1 begins, which is a line.
const WORD: &[u8] = b"PROXY ";
/// Bytes of the line, by the specification.
const LINE_BYTES_MAX: usize = 107;

/// What a proxy says of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proxied {
    /// Where the client connects from. None if the proxy does not say, or speaks for itself: to see whether the server
    /// is there, for example.
    pub source: Option<SocketAddr>,
    /// The client speaks TLS with the proxy.
    pub is_encrypted: bool,
}

/// Why a connection has no header of the PROXY protocol.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// It begins with something else.
    #[error("it does not begin with a header of the PROXY protocol: the proxy must send one, of version 1 or 2")]
    None,
    /// The header is longer than [`PROXY_HEADER_BYTES_MAX`], or a line than 107 bytes.
    #[error("its header of the PROXY protocol is too long: it has at most {max} bytes here", max = PROXY_HEADER_BYTES_MAX)]
    TooLong,
    /// The header is not well-formed, or not about a stream.
    #[error("its header of the PROXY protocol is malformed")]
    Malformed,
    /// The connection ends before the header does.
    #[error("it ended before its header of the PROXY protocol did")]
    Cut,
    /// The connection broke.
    #[error("it broke before its header of the PROXY protocol had come: {0}")]
    Broken(#[source] io::Error),
}

/// Takes a header, of version 1 or 2, from a connection in pieces, and never asks for a byte of what comes after it.
#[derive(Default)]
pub struct ProxyReader {
    bytes: Vec<u8>,
}

impl ProxyReader {
    /// How many bytes the next piece may have, at the most; at least 1.
    pub fn wanted(&self) -> usize {
        let have = self.bytes.len();
        match self.bytes.get(SIGNATURE.len()..FIXED_BYTES) {
            _ if have < SIGNATURE.len() => SIGNATURE.len() - have,
            _ if self.bytes.starts_with(WORD) => {
                let left = if self.bytes.ends_with(b"\r") { 1 } else { 2 };
                left.min(LINE_BYTES_MAX - have)
            }
            Some(&[_, _, high, low]) => FIXED_BYTES + usize::from(u16::from_be_bytes([high, low])) - have,
            _ => FIXED_BYTES - have,
        }
    }

    /// Nothing has come.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Takes the next piece. None until the header is whole.
    ///
    /// # Errors
    ///
    /// It is none.
    ///
    /// # Panics
    ///
    /// If the piece is longer than what is [wanted](Self::wanted).
    pub fn receive(&mut self, piece: &[u8]) -> Result<Option<Proxied>, ProxyError> {
        assert!(piece.len() <= self.wanted(), "a piece may be as long as what is wanted");
        self.bytes.extend_from_slice(piece);
        let begins_as = |start: &[u8]| self.bytes.iter().zip(start).all(|(byte, expected)| byte == expected);
        if begins_as(WORD) {
            if self.bytes.len() < SIGNATURE.len() {
                return Ok(None);
            }
            return match self.bytes.iter().position(|byte| *byte == b'\n') {
                Some(at) if at + 1 == self.bytes.len() => self.parse().map(Some),
                // Before the end of the line, where no header has one.
                Some(_) => Err(ProxyError::Malformed),
                None if self.bytes.len() >= LINE_BYTES_MAX => Err(ProxyError::TooLong),
                None => Ok(None),
            };
        }
        if !begins_as(SIGNATURE) {
            return Err(ProxyError::None);
        }
        if self.bytes.len() < FIXED_BYTES {
            return Ok(None);
        }
        if self.bytes.len() + self.wanted() > PROXY_HEADER_BYTES_MAX {
            return Err(ProxyError::TooLong);
        }
        if self.wanted() > 0 { Ok(None) } else { self.parse().map(Some) }
    }

    /// Reads the header, which is whole.
    fn parse(&self) -> Result<Proxied, ProxyError> {
        let config = ParseConfig { include_tlvs: true, ..ParseConfig::default() };
        let (header, bytes) = ProxyHeader::parse(&self.bytes, config).map_err(|_| ProxyError::Malformed)?;
        let address = header.proxied_address();
        if bytes != self.bytes.len() || address.is_some_and(|address| address.protocol != Protocol::Stream) {
            return Err(ProxyError::Malformed);
        }
        let source = address.map(|address| address.source);
        Ok(Proxied { source, is_encrypted: source.is_some() && header.ssl().is_some_and(|ssl| ssl.client_ssl()) })
    }

    /// Reads from a socket.
    pub(crate) fn read(&mut self, socket: &mut Socket) -> Result<Option<Proxied>, ProxyError> {
        let mut buffer = [0; PROXY_HEADER_BYTES_MAX];
        loop {
            let wanted = self.wanted().min(buffer.len());
            match socket.read_input(&mut buffer[..wanted]) {
                Input::Bytes { count, .. } => {
                    if let Some(proxied) = self.receive(&buffer[..count])? {
                        return Ok(Some(proxied));
                    }
                }
                Input::Overhead(_) => {}
                Input::None => return Ok(None),
                Input::End(Ok(())) => return Err(ProxyError::Cut),
                Input::End(Err(error)) => return Err(ProxyError::Broken(error)),
            }
        }
    }
}

impl fmt::Debug for ProxyReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyReader").field("bytes", &self.bytes.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).expect("it is short").to_be_bytes();
        [SIGNATURE, &[command, family], &length, rest].concat()
    }

    /// What comes of bytes that are given in pieces of this length, and how many of them are used.
    fn read(bytes: &[u8], piece_max: usize) -> (Result<Option<Proxied>, String>, usize) {
        let (mut reader, mut used) = (ProxyReader::default(), 0);
        while used < bytes.len() {
            let end = bytes.len().min(used + piece_max.min(reader.wanted()));
            let received = reader.receive(&bytes[used..end]);
            used = end;
            match received {
                Ok(None) => {}
                other => return (other.map_err(|error| error.to_string()), used),
            }
        }
        (Ok(None), used)
    }

    const IPV4: &[u8] = &[192, 0, 2, 7, 198, 51, 100, 1, 0x30, 0x39, 0x01, 0xBB];

    #[test]
    fn a_header_is_read_however_it_is_cut_and_nothing_after_it() {
        let tls = [IPV4, &[0x20, 0, 5, 1, 0, 0, 0, 0]].concat();
        let ipv6: Vec<u8> =
            [&[0x20, 0x01, 0x0D, 0xB8][..], &[0; 11], &[1], &[0; 16], &[0x30, 0x39, 0x01, 0xBB]].concat();
        let some = |source: &str, is_encrypted| Proxied { source: Some(source.parse().unwrap()), is_encrypted };
        let none = Proxied { source: None, is_encrypted: false };
        for (header, expected) in [
            (v2(0x21, 0x11, IPV4), some("192.0.2.7:12345", false)),
            (v2(0x21, 0x11, &tls), some("192.0.2.7:12345", true)),
            (v2(0x21, 0x21, &ipv6), some("[2001:db8::1]:12345", false)),
            (v2(0x20, 0x00, b""), none),
            (v2(0x20, 0x11, &tls), none),
            (v2(0x21, 0x00, b"what is not known"), none),
            (v2(0x21, 0x31, &[7; 216]), none),
            (b"PROXY TCP4 192.0.2.7 198.51.100.1 12345 443\r\n".to_vec(), some("192.0.2.7:12345", false)),
            (b"PROXY TCP6 2001:db8::1 ::1 12345 443\r\n".to_vec(), some("[2001:db8::1]:12345", false)),
            (b"PROXY UNKNOWN\r\n".to_vec(), none),
            (b"PROXY UNKNOWN ::1 ::1 1 1\r\n".to_vec(), none),
        ] {
            let bytes = [&header[..], b"\xC4chat"].concat();
            for piece_max in [1, 2, 3, 5, 11, 12, 13, 100] {
                let (read, used) = read(&bytes, piece_max);
                assert_eq!((read, used), (Ok(Some(expected)), header.len()), "{header:?} in pieces of {piece_max}");
            }
            for cut in 0..header.len() {
                assert_eq!(read(&header[..cut], 7).0, Ok(None), "{header:?} up to {cut}");
            }
        }
    }

    #[test]
    fn what_is_no_header_is_told_apart() {
        let long_line = [b"PROXY TCP4 ", &[b'1'; 200][..]].concat();
        // A byte more than a line has, which is well-formed else.
        let byte_more = format!("{:<106}\r\n", "PROXY UNKNOWN").into_bytes();
        for (bytes, words) in [
            (b"\xC4chat\r\n\0\x01\0\0\0\0\0\0\0".to_vec(), "does not begin with a header"),
            (b"GET / HTTP/1.1\r\n".to_vec(), "does not begin with a header"),
            (b"PROXY\r\n".to_vec(), "does not begin with a header"),
            (b"\r\n\r\n\0\r\nQUIT\r".to_vec(), "does not begin with a header"),
            (v2(0x21, 0x11, &[0; 2049]), "too long"),
            (v2(0x21, 0x11, &vec![0; 65535]), "too long"),
            (long_line, "too long"),
            (byte_more, "too long"),
            (v2(0x11, 0x11, IPV4), "malformed"),
            (v2(0x22, 0x11, IPV4), "malformed"),
            (v2(0x21, 0x41, IPV4), "malformed"),
            (v2(0x21, 0x12, IPV4), "malformed"),
            (v2(0x21, 0x11, &IPV4[..11]), "malformed"),
            (v2(0x21, 0x21, IPV4), "malformed"),
            (b"PROXY TCP4 192.0.2.7 198.51.100.1 12345\r\n".to_vec(), "malformed"),
            (b"PROXY TCP4 192.0.2.7 198.51.100.1 12345 443\n".to_vec(), "malformed"),
            (b"PROXY TCP4 192.0.2.7 198.51.100.1\n12345 443".to_vec(), "malformed"),
            (b"PROXY TCP4 192.0.2.7 198.51.100.1 \n12345 443".to_vec(), "malformed"),
            (b"PROXY TCP4 ::1 ::1 12345 443\r\n".to_vec(), "malformed"),
            (b"PROXY UDP4 192.0.2.7 198.51.100.1 12345 443\r\n".to_vec(), "malformed"),
        ] {
            for piece_max in [1, 3, 100] {
                let error = read(&bytes, piece_max).0.expect_err("it is none");
                assert!(error.contains(words), "{bytes:?}: {error}");
            }
        }
    }
}
