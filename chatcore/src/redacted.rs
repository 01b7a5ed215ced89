//! What `Debug` shows in place of what nobody may read: of a secret that it is one, and of bytes that may hold one how
//! many they are.

use core::fmt;

use alloc::vec::Vec;
use zeroize::Zeroizing;

/// Stands for a token, a credential, a key or a seed.
pub(crate) struct Secret;

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Stands for this many bytes of a buffer: frames that carry tokens and credentials pass through it.
pub(crate) struct Length(pub(crate) usize);

impl fmt::Debug for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} bytes]", self.0)
    }
}

/// What proves the right to a name. It is overwritten when it is dropped.
pub(crate) struct Credential(Zeroizing<Vec<u8>>);

impl Credential {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Secret.fmt(f)
    }
}
