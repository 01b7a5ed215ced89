//! How events cross over to JavaScript: many with one call, as bytes that `js/src/decode.ts` reads.
//!
//! Numbers are in little-endian order. A text, or a body, is its length as a `u32` and its bytes. What may be missing
//! has a byte before it: 1 if it is there, else 0. A time is a count of milliseconds as an `f64`.

use alloc::vec::Vec;
use core::time::Duration;

/// Bytes to which values are added.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn byte(&mut self, byte: u8) -> &mut Self {
        self.bytes.push(byte);
        self
    }

    pub(crate) fn flag(&mut self, flag: bool) -> &mut Self {
        self.byte(flag.into())
    }

    pub(crate) fn count(&mut self, count: u32) -> &mut Self {
        self.bytes.extend_from_slice(&count.to_le_bytes());
        self
    }

    pub(crate) fn number(&mut self, number: u64) -> &mut Self {
        self.bytes.extend_from_slice(&number.to_le_bytes());
        self
    }

    pub(crate) fn time(&mut self, time: Duration) -> &mut Self {
        self.bytes.extend_from_slice(&(time.as_secs_f64() * 1e3).to_le_bytes());
        self
    }

    /// # Panics
    ///
    /// If it has 4 GiB or more, which the memory of a module does not hold.
    pub(crate) fn blob(&mut self, blob: &[u8]) -> &mut Self {
        self.count(blob.len().try_into().expect("a module has less memory"));
        self.bytes.extend_from_slice(blob);
        self
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.blob(text.as_bytes())
    }

    pub(crate) fn option<T>(&mut self, value: Option<T>, encode: impl FnOnce(&mut Self, T)) -> &mut Self {
        self.flag(value.is_some());
        if let Some(value) = value {
            encode(self, value);
        }
        self
    }

    pub(crate) fn option_text(&mut self, text: Option<&str>) -> &mut Self {
        self.option(text, |to, text| {
            to.text(text);
        })
    }
}
