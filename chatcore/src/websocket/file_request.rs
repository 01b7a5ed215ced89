//! A request that asks for a file and for no WebSocket, at a server that has files.

use alloc::string::String;
use alloc::vec::Vec;

use httparse::Request;

use super::head::Headers;

/// A request for a file (RFC 9110, 9.3.1 and 9.3.2), from who may ask: the server answers it with its own words, and
/// closes the transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRequest {
    head_bytes: usize,
    path: String,
    is_head: bool,
    /// A list, as in the header.
    known_tags: Vec<u8>,
}

impl FileRequest {
    /// What a request says whose method is `GET`, or `HEAD`.
    pub(super) fn of(request: &Request<'_, '_>, head_bytes: usize, is_head: bool) -> Self {
        let target = request.path.unwrap_or_default();
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        let mut known_tags = Vec::new();
        for tag in Headers(request.headers).list("If-None-Match") {
            known_tags.extend_from_slice(tag);
            known_tags.push(b',');
        }
        Self { head_bytes, path: path.into(), is_head, known_tags }
    }

    /// How many bytes of the input the request has used.
    pub const fn head_bytes(&self) -> usize {
        self.head_bytes
    }

    /// What it asks for, up to a `?`. It is as the peer has sent it: nothing is decoded or resolved, so that `/../a`
    /// and `/%61` are paths of their own. What does not begin with a slash is no path, but a whole URI.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The method is `HEAD`: no body goes with the response.
    pub const fn is_head(&self) -> bool {
        self.is_head
    }

    /// Whether the peer has what bears this entity tag already (`If-None-Match`; RFC 9110, 13.1.2). The tag has its
    /// quotes.
    pub fn knows(&self, tag: &str) -> bool {
        self.known_tags.split(|byte| *byte == b',').any(|known| {
            // A tag that is weak counts as well.
            let opaque = known.strip_prefix(b"W/").unwrap_or(known);
            known == b"*" || opaque == tag.as_bytes()
        })
    }
}
