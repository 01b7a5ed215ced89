//! The certificate and the key as files.

use std::fs;

use crate::{Tls, TlsError};

/// Where they are.
#[derive(Clone, Debug, Default)]
pub(super) struct TlsFiles {
    pub(super) cert: Option<String>,
    pub(super) key: Option<String>,
}

impl TlsFiles {
    /// Reads both, if they are given.
    ///
    /// # Errors
    ///
    /// What is wrong, and with which file or setting.
    pub(super) fn load(&self) -> Result<Option<Tls>, String> {
        let (cert, key) = match (&self.cert, &self.key) {
            (None, None) => return Ok(None),
            (Some(cert), Some(key)) => (cert, key),
            (Some(_), None) => return Err("tls_cert needs tls_key: the file with the key of the certificate".into()),
            (None, Some(_)) => return Err("tls_key needs tls_cert: the file with the certificate of the key".into()),
        };
        let read = |path: &str| fs::read(path).map_err(|error| format!("cannot read {path}: {error}"));
        let tls = Tls::from_pem(&read(cert)?, &read(key)?).map_err(|error| match error {
            TlsError::NoKey | TlsError::KeySyntax(_) => format!("cannot use {key}: {error}"),
            TlsError::Mismatch | TlsError::Other(_) => format!("cannot use {cert} and {key}: {error}"),
            error => format!("cannot use {cert}: {error}"),
        })?;
        Ok(Some(tls))
    }
}
