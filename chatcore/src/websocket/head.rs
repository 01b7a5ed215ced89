//! The head of an HTTP message, as both ends of the opening read it.

use alloc::string::String;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use httparse::Header;
use sha1::{Digest as _, Sha1};

/// The longest head of a request or a response, its blank line included.
pub const HEAD_BYTES_MAX: usize = 8 << 10;
/// The most headers of a request or a response.
pub const HEADERS_MAX: usize = 64;

/// Bytes of a key before they are written in base64 (RFC 6455, 4.1).
pub(super) const NONCE_BYTES: usize = 16;

/// Looks for the end of a head, at each byte once however it arrives.
#[derive(Debug, Default)]
pub(super) struct HeadEnd {
    scanned: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadFault {
    TooLong,
    BareLineFeed,
}

impl HeadEnd {
    pub(super) const START: Self = Self { scanned: 0 };

    /// How many bytes the head has that the input begins with. None until its blank line has come.
    pub(super) fn find(&mut self, input: &[u8]) -> Result<Option<usize>, HeadFault> {
        let input = &input[..input.len().min(HEAD_BYTES_MAX)];
        while let Some(found) = input.iter().skip(self.scanned).position(|byte| *byte == b'\n') {
            let end = self.scanned + found + 1;
            self.scanned = end;
            let head = &input[..end];
            if !head.ends_with(b"\r\n") {
                return Err(HeadFault::BareLineFeed);
            }
            if head.ends_with(b"\r\n\r\n") {
                return Ok(Some(end));
            }
        }
        self.scanned = input.len();
        if input.len() == HEAD_BYTES_MAX { Err(HeadFault::TooLong) } else { Ok(None) }
    }
}

/// A header that may stand there once came twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Repeated(pub(super) &'static str);

/// The headers of a head.
#[derive(Clone, Copy)]
pub(super) struct Headers<'a>(pub(super) &'a [Header<'a>]);

impl<'a> Headers<'a> {
    fn all(self, name: &'static str) -> impl Iterator<Item = &'a [u8]> + Clone {
        self.0
            .iter()
            .filter(move |header| header.name.eq_ignore_ascii_case(name))
            .map(|header| header.value.trim_ascii())
    }

    /// A header that may stand there once.
    pub(super) fn once(self, name: &'static str) -> Result<Option<&'a [u8]>, Repeated> {
        let mut all = self.all(name);
        let first = all.next();
        if all.next().is_some() { Err(Repeated(name)) } else { Ok(first) }
    }

    /// The elements of a list, which may be in several headers of the same name.
    pub(super) fn list(self, name: &'static str) -> impl Iterator<Item = &'a [u8]> + Clone {
        let elements = self.all(name).flat_map(|value| value.split(|byte| *byte == b','));
        elements.map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
    }

    /// Whether a list has any element.
    pub(super) fn lists_any(self, name: &'static str) -> bool {
        self.list(name).next().is_some()
    }

    /// Whether a list has this element, in whatever case.
    pub(super) fn lists(self, name: &'static str, element: &str) -> bool {
        self.list(name).any(|listed| listed.eq_ignore_ascii_case(element.as_bytes()))
    }
}

/// Whether a key is 16 bytes in base64.
pub(super) fn is_key(key: &[u8]) -> bool {
    // A whole group more than they need.
    let mut decoded = [0; NONCE_BYTES + 2];
    STANDARD.decode_slice(key, &mut decoded) == Ok(NONCE_BYTES)
}

/// The key of these bytes.
pub(super) fn key_of(nonce: [u8; NONCE_BYTES]) -> String {
    STANDARD.encode(nonce)
}

/// What a server answers to a key, to show that it has read it as one (RFC 6455, 4.2.2).
pub(super) fn answer_to_key(key: &[u8]) -> String {
    const SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    STANDARD.encode(Sha1::new().chain_update(key).chain_update(SUFFIX).finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_a_key_is_that_of_the_rfc() {
        assert_eq!(answer_to_key(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_key_is_sixteen_bytes() {
        assert!(is_key(b"dGhlIHNhbXBsZSBub25jZQ=="));
        assert!(is_key(key_of([0xFF; NONCE_BYTES]).as_bytes()));
        for no_key in
            [&b""[..], b"dGhlIHNhbXBsZSBub25jZQ", b"dGhlIHNhbXBsZSBub25j", b"dGhlIHNhbXBsZSBub25jZWVl", b"-_", b"=="]
        {
            assert!(!is_key(no_key), "{no_key:?}");
        }
        assert!(!is_key(&[b'A'; 4096]));
    }

    #[test]
    fn the_end_of_a_head_is_found_however_it_arrives_and_each_byte_is_looked_at_once() {
        let input = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
        let end = input.len() - 4;
        let mut byte_by_byte = HeadEnd::default();
        for length in 0..end {
            assert_eq!(byte_by_byte.find(&input[..length]), Ok(None), "{length} bytes");
            assert_eq!(byte_by_byte.scanned, length);
            let mut at_once = HeadEnd::default();
            at_once.find(&input[..length]).unwrap();
            assert_eq!(at_once.find(input), Ok(Some(end)));
        }
        assert_eq!(byte_by_byte.find(&input[..end]), Ok(Some(end)));
    }

    #[test]
    fn a_head_is_bounded() {
        let mut longest = [b'a'; HEAD_BYTES_MAX];
        longest[HEAD_BYTES_MAX - 4..].copy_from_slice(b"\r\n\r\n");
        assert_eq!(HeadEnd::default().find(&longest), Ok(Some(HEAD_BYTES_MAX)));
        assert_eq!(HeadEnd::default().find(&longest[..HEAD_BYTES_MAX - 1]), Ok(None));
        longest[HEAD_BYTES_MAX - 1] = b'a';
        assert_eq!(HeadEnd::default().find(&longest), Err(HeadFault::TooLong));
        assert_eq!(HeadEnd::default().find(b"GET / HTTP/1.1\n"), Err(HeadFault::BareLineFeed));
        assert_eq!(HeadEnd::default().find(b"\n"), Err(HeadFault::BareLineFeed));
    }
}
