//! The certificate and the key as files.

use super::files;
use crate::{Tls, TlsError};

/// Where they are, and whether clients show certificates, too.
#[derive(Clone, Debug, Default)]
pub(super) struct TlsFiles {
    pub(super) cert: Option<String>,
    pub(super) key: Option<String>,
    /// Who issues those of the clients.
    pub(super) client_ca: Option<String>,
    pub(super) client_auth: ClientAuth,
}

/// Whether a client must show a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ClientAuth {
    #[default]
    Optional,
    Required,
}

/// What the two are called.
pub(super) const CLIENT_AUTH: &[&str] = &["optional", "required"];

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
            (None, None) if self.client_ca.is_some() => {
                Err("tls_client_ca needs tls_cert and tls_key: the server shows its certificate first".into())
            }
            _ if self.client_ca.is_none() && self.client_auth == ClientAuth::Required => {
                Err("tls_client_auth is required, so tls_client_ca must say who issues the certificates of clients"
                    .into())
            }
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
        let Some(client_ca) = &self.client_ca else { return Ok(Some(tls)) };
        let client_ca_pem = read("tls_client_ca", client_ca)?;
        let tls = tls.with_client_authorities(&client_ca_pem, self.client_auth == ClientAuth::Required);
        tls.map(Some).map_err(|error| format!("tls_client_ca is {client_ca:?}: {error}"))
    }
}
