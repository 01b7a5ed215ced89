//! The certificate and the key as files.

use std::fs;
use std::path::Path;

use chatcore_server::{Tls, TlsError};

/// Reads both. An error is a sentence that names the file.
pub(crate) fn load(certificate: &Path, key: &Path) -> Result<Tls, String> {
    let read = |path: &Path| fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()));
    Tls::from_pem(&read(certificate)?, &read(key)?).map_err(|error| match error {
        TlsError::NoKey | TlsError::KeySyntax(_) => format!("cannot use {}: {error}", key.display()),
        TlsError::Mismatch | TlsError::Other(_) => {
            format!("cannot use {} and {}: {error}", certificate.display(), key.display())
        }
        error => format!("cannot use {}: {error}", certificate.display()),
    })
}
