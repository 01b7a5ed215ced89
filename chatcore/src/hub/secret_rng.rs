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

/// What tells the ids of the hub with this seed from those of others. It is of another stream than the secrets, and
/// tells nothing of them.
pub(super) struct Marks {
    /// What all ids of questions bear.
    pub(super) questions: u32,
    /// After which the serial numbers of connections begin.
    pub(super) conns: u32,
    /// The same of sessions.
    pub(super) sessions: u32,
}

impl Marks {
    pub(super) fn of(seed: [u8; 32]) -> Self {
        const STREAM: u64 = 1;
        let mut rng = ChaCha20Rng::from_seed(seed);
        rng.set_stream(STREAM);
        let [questions, conns, sessions] = core::array::from_fn(|_| rng.next_u32());
        Self { questions, conns, sessions }
    }
}

impl fmt::Debug for SecretRng {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SecretRng").field(&Secret).finish()
    }
}
