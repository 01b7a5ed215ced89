//! Masking (RFC 6455, 5.3).

use core::fmt;

use crate::redacted::Secret;

/// The mask of a frame, turned so that it begins with the next byte of payload. Masking twice gives what was there
/// before. Printing does not show it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Mask(u32);

impl Mask {
    pub(super) const fn new(key: [u8; 4]) -> Self {
        Self(u32::from_le_bytes(key))
    }

    pub(super) const fn key(self) -> [u8; 4] {
        self.0.to_le_bytes()
    }

    /// Masks the next bytes of the payload where they are. The mask goes on after them.
    #[inline]
    pub fn apply(&mut self, payload: &mut [u8]) {
        let twice = u64::from(self.0) | u64::from(self.0) << 32;
        // The compiler does several words at a time.
        let (words, rest) = payload.as_chunks_mut::<8>();
        for word in words {
            *word = (u64::from_le_bytes(*word) ^ twice).to_le_bytes();
        }
        for (byte, key) in rest.iter_mut().zip(twice.to_le_bytes()) {
            *byte ^= key;
        }
        self.skip(payload.len());
    }

    /// Goes on after this many bytes of the payload.
    #[inline]
    pub(super) const fn skip(&mut self, bytes: usize) {
        self.0 = self.0.rotate_right([0, 8, 16, 24][bytes % 4]);
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mask").field(&Secret).finish()
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn each_byte_has_the_byte_of_the_key_that_its_place_in_the_payload_says() {
        let key = [0x37, 0xFA, 0x21, 0x3D];
        let payload: Vec<u8> = (0..=99).collect();
        let expected: Vec<u8> = payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        for first in 0..payload.len() {
            for second in [first, first + 1, first + 7, payload.len()] {
                let mut masked = payload.clone();
                let mut mask = Mask::new(key);
                let second = second.min(payload.len());
                mask.apply(&mut masked[..first]);
                mask.apply(&mut masked[first..second]);
                mask.apply(&mut masked[second..]);
                assert_eq!(masked, expected, "cut at {first} and {second}");
            }
        }
    }
}
