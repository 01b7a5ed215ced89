//! Frames: a length (u32, little-endian), then that many bytes, the first of which is the kind.

use alloc::vec::Vec;
use core::fmt;

use super::kind::Kind;
use super::protocol_error::ProtocolError;
use crate::redacted::Length;

/// Bytes before a frame's content: its length.
pub const HEADER_BYTES: usize = 4;

/// The most bytes that a message takes in addition to its body, its kind included. So a frame of
/// [`body_bytes_max`](super::Announced::body_bytes_max) and this many bytes holds the longest body.
pub const OVERHEAD_BYTES_MAX: u32 = 256;

/// The content of a frame: a kind, and its encoded fields. `Debug` shows only how many bytes the fields have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Content<'a> {
    /// Which message it is.
    pub kind: Kind,
    /// Its fields, encoded.
    pub fields: &'a [u8],
}

impl fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, fields } = self;
        f.debug_struct("Content").field("kind", kind).field("fields", &Length(fields.len())).finish()
    }
}

/// Takes one frame off the input, and advances `input` past it. Returns none, and leaves `input` as it is, until the
/// frame is whole. `frame_bytes_max` is the most bytes after the length.
///
/// # Errors
///
/// [`ProtocolError::FrameTooLong`] as soon as the length is there, or [`ProtocolError::FrameEmpty`].
pub fn take<'a>(input: &mut &'a [u8], frame_bytes_max: u32) -> Result<Option<Content<'a>>, ProtocolError> {
    let Some((header, rest)) = input.split_first_chunk::<HEADER_BYTES>() else {
        return Ok(None);
    };
    let bytes = u32::from_le_bytes(*header);
    if bytes > frame_bytes_max {
        return Err(ProtocolError::FrameTooLong { bytes, bytes_max: frame_bytes_max });
    }
    let Some((content, rest)) = rest.split_at_checked(bytes as usize) else {
        return Ok(None);
    };
    let (kind, fields) = content.split_first().ok_or(ProtocolError::FrameEmpty)?;
    *input = rest;
    Ok(Some(Content { kind: Kind(*kind), fields }))
}

/// Appends a frame whose fields are written by `fields`.
pub(super) fn encode(kind: Kind, out: &mut Vec<u8>, fields: impl FnOnce(&mut Vec<u8>)) {
    let header = out.len();
    out.extend_from_slice(&[0, 0, 0, 0, kind.0]);
    fields(out);
    let content = out.len() - header - HEADER_BYTES;
    let length = u32::try_from(content).expect("bodies and lists are limited far below 4 GiB");
    out[header..header + HEADER_BYTES].copy_from_slice(&length.to_le_bytes());
}

/// The kind and the whole length of the frame that starts here, in bytes that this side encoded.
pub(crate) fn measure(frames: &[u8]) -> (Kind, usize) {
    let (header, content) = frames.split_first_chunk::<HEADER_BYTES>().expect("frames are kept whole");
    (Kind(content[0]), HEADER_BYTES + u32::from_le_bytes(*header) as usize)
}

/// What is in one whole frame that this side encoded.
pub(crate) fn content(frame: &[u8]) -> Content<'_> {
    Content { kind: Kind(frame[HEADER_BYTES]), fields: &frame[HEADER_BYTES + 1..] }
}
