//! What proves that a connection belongs to a session.

use core::fmt;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::redacted::Secret;

/// A session's secret: 128 bits that nobody can guess (protocol.md, *welcome*). Only the hub and the client of the
/// session know it. Anybody who has it can take the session over.
///
/// A comparison takes the same time wherever two tokens differ, and `Debug` does not show the bits.
///
/// ```
/// use chatcore::Token;
///
/// let token = Token::from_bytes([7; 16]);
/// assert_eq!(token, Token::from_bytes(*token.as_bytes()));
/// assert!(!format!("{token:?}").contains('7'));
/// ```
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token([u8; 16]);

impl Token {
    /// A token from its bytes, such as those that a program stored.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes of the token. Store them where nobody else can read them.
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
