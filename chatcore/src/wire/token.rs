//! What proves that a connection belongs to a session.

use core::fmt;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::redacted::Secret;

/// 128 bits that nobody can guess: a secret of a hub and the client whose session it is. Who has it is that
/// client.
///
/// Comparing takes the same time wherever two tokens differ, and printing does not show it.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token([u8; 16]);

impl Token {
    /// A token from its bytes: one that was stored, or drawn at random.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes, to be stored where nobody else can read them.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Token {}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Token").field(&Secret).finish()
    }
}
