//! The only place that names the encoding library. The bytes are specified in protocol.md and pinned by
//! the test vectors, so that this module can be written again over another library without a change that
//! a peer could see.

use alloc::vec::Vec;

use bincode::config::{Configuration, LittleEndian, Varint};
use bincode::enc::write::{SizeWriter, Writer};
use bincode::error::{DecodeError, EncodeError};
use serde::{Deserialize, Serialize};

use super::kind::Kind;
use super::protocol_error::ProtocolError;

/// What one message may claim in memory while it is decoded: twice the longest body, so that it is never met.
/// Frames are bounded before they come here; this is the second lock on the door.
const DECODED_BYTES_MAX: usize = 32 << 20;

const CONFIG: Configuration<LittleEndian, Varint> = bincode::config::standard();
const LIMITED: Configuration<LittleEndian, Varint, bincode::config::Limit<DECODED_BYTES_MAX>> =
    CONFIG.with_limit::<DECODED_BYTES_MAX>();

struct Tail<'a>(&'a mut Vec<u8>);

impl Writer for Tail<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// Appends the fields of a message.
pub(super) fn encode(fields: &impl Serialize, out: &mut Vec<u8>) {
    bincode::serde::encode_into_writer(fields, Tail(out), CONFIG)
        .expect("messages are plain structures, and a Vec takes every byte");
}

/// Bytes that the fields of a message take in their one valid form.
fn encoded_bytes(fields: &impl Serialize) -> usize {
    let mut size = SizeWriter::default();
    bincode::serde::encode_into_writer(fields, &mut size, CONFIG).expect("messages are plain structures");
    size.bytes_written
}

/// Reads the fields of a message, borrowed, from exactly these bytes.
///
/// The library accepts numbers in a longer form than they need, and bytes after the end. Both show in
/// the lengths, because every longer form makes the whole longer.
pub(super) fn decode<'a, T: Deserialize<'a> + Serialize>(kind: Kind, bytes: &'a [u8]) -> Result<T, ProtocolError> {
    let (fields, used) =
        bincode::serde::borrow_decode_from_slice::<T, _>(bytes, LIMITED).map_err(|error| match error {
            // A length beyond a usize is met where that has 32 bits; elsewhere it is beyond the limit.
            DecodeError::UnexpectedEnd { .. } | DecodeError::LimitExceeded | DecodeError::OutsideUsizeRange(_) => {
                ProtocolError::Truncated { kind }
            }
            _ => ProtocolError::InvalidValue { kind },
        })?;
    if encoded_bytes(&fields) != used {
        return Err(ProtocolError::NotCanonical { kind });
    }
    match bytes.len() - used {
        0 => Ok(fields),
        bytes => Err(ProtocolError::TrailingBytes { kind, bytes }),
    }
}
