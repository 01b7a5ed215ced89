//! The certificate and the key as files.

use super::files;
use crate::{Tls, TlsError};

/// Where they are.
#[derive(Clone, Debug, Default)]
pub(super) struct TlsFiles {
    pub(super) cert: Option<String>,
    pub(super) key: Option<String>,
}

/// Bytes of each, at the most.
const FILE_BYTES_MAX: u64 = 1 << 20;

impl TlsFiles {
    pub(super) const fn is_given(&self) -> bool {
        self.cert.is_some() || self.key.is_some()
    }

    /// # Errors
    ///
    /// If one of them is given alone.
    pub(super) fn check(&self) -> Result<(), String> {
        match (&self.cert, &self.key) {
            (Some(_), None) => Err("tls_cert needs tls_key: the file with the key of the certificate".into()),
            (None, Some(_)) => Err("tls_key needs tls_cert: the file with the certificate of the key".into()),
            _ => Ok(()),
        }
    }

    /// Reads both, if they are given.
    ///
    /// # Errors
    ///
    /// What is wrong, and with which file or setting.
    pub(super) fn load(&self) -> Result<Option<Tls>, String> {
        let (Some(cert), Some(key)) = (&self.cert, &self.key) else { return Ok(None) };
        let read = |name: &str, path: &String| {
            files::read(path.as_ref(), FILE_BYTES_MAX).map_err(|why| format!("{name} is {path:?}: the file {why}"))
        };
        let (cert_pem, key_pem) = (read("tls_cert", cert)?, read("tls_key", key)?);
        let tls = Tls::from_pem(&cert_pem, &key_pem).map_err(|error| match error {
            TlsError::NoKey | TlsError::KeySyntax(_) => format!("tls_key is {key:?}: {error}"),
            TlsError::Mismatch | TlsError::Other(_) => format!("tls_cert is {cert:?} and tls_key is {key:?}: {error}"),
            error => format!("tls_cert is {cert:?}: {error}"),
        })?;
        Ok(Some(tls))
    }
}
