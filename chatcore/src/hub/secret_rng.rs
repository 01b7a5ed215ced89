//! Where the hub's secrets come from: the seed that the driver gave.

use core::fmt;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::redacted::Secret;

/// A stream of bytes that nobody can guess who has not the seed. Printing does not show it.
pub(super) struct SecretRng(ChaCha20Rng);

impl SecretRng {
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Self(ChaCha20Rng::from_seed(seed))
    }

    pub(super) fn draw(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.0.fill_bytes(&mut bytes);
        bytes
    }
}

impl fmt::Debug for SecretRng {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SecretRng").field(&Secret).finish()
    }
}
