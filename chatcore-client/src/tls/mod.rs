//! Whom a client trusts, and how it shows who it is.

mod error;
mod fault;

use std::fmt;
use std::sync::Arc;

use chatcore_transport::rustls;
use rustls::client::{Resumption, WantsClientCert};
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::BuilderVerifierExt;

pub use self::error::TlsError;
pub use self::fault::TlsFault;
use crate::endpoint::host::bare;
use crate::endpoint::layers::Layers;

/// What a client asks for by ALPN (RFC 7301) where it speaks the protocol without anything between.
const ALPN: &[u8] = b"chatcore/1";

/// The same, where it opens a WebSocket.
#[cfg(feature = "websocket")]
const WEB_ALPN: &[u8] = b"http/1.1";

/// How many sessions of TLS a client can resume, which spares it and the server most of a handshake.
const RESUMABLE_MAX: usize = 8;

/// How a client speaks TLS: whom it trusts, and with which certificate it shows who it is, if the server asks. It
/// speaks TLS 1.3 and 1.2. Clones share it.
///
/// `Debug` shows nothing of it.
///
/// ```no_run
/// use std::time::Duration;
///
/// use chatcore_client::{ClientConfig, Connection, Endpoint, Tls};
///
/// // A server of our own, whose certificate nobody else vouches for.
/// let tls = Tls::trusting(&std::fs::read("authority.pem")?)?;
/// let endpoint = "tls://chat.example:12346".parse::<Endpoint>()?.with_tls(tls);
/// let chat = Connection::connect_with(&endpoint, Duration::from_secs(5), &ClientConfig::default())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Tls(Arc<Configs>);

/// What is asked for by ALPN is part of a configuration.
struct Configs {
    stream: Arc<ClientConfig>,
    #[cfg(feature = "websocket")]
    web: Arc<ClientConfig>,
}

impl Tls {
    /// Trusts whom the system trusts. On macOS and Windows the system itself judges a certificate, with what its users
    /// and administrators have set; on others it names files, as do the variables `SSL_CERT_FILE` and `SSL_CERT_DIR`.
    ///
    /// # Errors
    ///
    /// [`TlsError::System`] if nobody is found whom the system trusts.
    pub fn of_system() -> Result<Self, TlsError> {
        let verified = builder()?.with_platform_verifier().map_err(|error| TlsError::System(error.to_string()))?;
        Ok(Self::new(verified))
    }

    /// Trusts the authorities whose certificates these are, in PEM (RFC 7468), and nobody else. A server whose
    /// certificate vouches for itself is its own authority.
    ///
    /// # Errors
    ///
    /// If there is no certificate, or one cannot be read.
    pub fn trusting(authorities: &[u8]) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in chain(authorities)? {
            roots.add(certificate).map_err(|error| TlsError::Certificate(error.to_string()))?;
        }
        Ok(Self::new(builder()?.with_root_certificates(roots)))
    }

    /// The same, with a certificate that a server gets which asks for one: it and those that vouch for it, the client's
    /// own first, and its key, all in PEM.
    ///
    /// # Errors
    ///
    /// If one of the two is not in PEM or missing, or if they do not belong together.
    pub fn with_certificate(&self, certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain = chain(certificates)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            pem::Error::NoItemsFound => TlsError::NoKey,
            error => TlsError::KeySyntax(error.to_string()),
        })?;
        let mut config = ClientConfig::clone(&self.0.stream);
        let shown = CertifiedKey::from_der(chain, key, config.crypto_provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => TlsError::Mismatch,
            error => TlsError::Other(error.to_string()),
        })?;
        config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(shown));
        Ok(Self::of(config))
    }

    fn new(verified: ConfigBuilder<ClientConfig, WantsClientCert>) -> Self {
        Self::of(verified.with_no_client_auth())
    }

    fn of(mut config: ClientConfig) -> Self {
        // A session of TLS that is resumed has the certificates with which it began: so these are for this alone.
        config.resumption = Resumption::in_memory_sessions(RESUMABLE_MAX);
        config.alpn_protocols = vec![ALPN.to_vec()];
        #[cfg(feature = "websocket")]
        let web = {
            let mut web = config.clone();
            web.alpn_protocols = vec![WEB_ALPN.to_vec()];
            Arc::new(web)
        };
        Self(Arc::new(Configs {
            stream: Arc::new(config),
            #[cfg(feature = "websocket")]
            web,
        }))
    }

    /// For what is above it.
    #[cfg_attr(not(feature = "websocket"), expect(unused_variables, reason = "there is one kind alone"))]
    pub(crate) fn config(&self, layers: &Layers) -> Arc<ClientConfig> {
        #[cfg(feature = "websocket")]
        if layers.web_path.is_some() {
            return Arc::clone(&self.0.web);
        }
        Arc::clone(&self.0.stream)
    }
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, TlsError> {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Other(error.to_string()))
}

/// The certificates in a file of PEM: at least one.
fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let found = found.map_err(|error| TlsError::CertificateSyntax(error.to_string()))?;
    if found.is_empty() { Err(TlsError::NoCertificate) } else { Ok(found) }
}

/// Whom the certificate of a host must name; none if none can.
pub(crate) fn server_name(host: &str) -> Option<ServerName<'static>> {
    // A scope says which of our own interfaces leads there.
    let name = bare(host).split('%').next().unwrap_or_default();
    ServerName::try_from(name.to_owned()).ok()
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// One is a clone of the other.
impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Tls {}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn self_signed() -> (String, String) {
        let signed = rcgen::generate_simple_self_signed(["localhost".into()]).expect("it is a name");
        (signed.cert.pem(), signed.signing_key.serialize_pem())
    }

    /// Trusts somebody.
    pub(crate) fn trusting() -> Tls {
        Tls::trusting(self_signed().0.as_bytes()).expect("it is a certificate")
    }

    #[test]
    fn what_is_no_certificate_is_told_with_what_would_be_right() {
        let (certificate, key) = self_signed();
        let cut = "-----BEGIN CERTIFICATE-----\nAAAA";
        let other = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(Tls::trusting(b""), Err(TlsError::NoCertificate));
        assert_eq!(Tls::trusting(key.as_bytes()), Err(TlsError::NoCertificate));
        assert!(matches!(Tls::trusting(cut.as_bytes()), Err(TlsError::CertificateSyntax(_))));
        assert!(matches!(Tls::trusting(other.as_bytes()), Err(TlsError::Certificate(_))));

        let tls = trusting();
        let shown = |certificate: &str, key: &str| tls.with_certificate(certificate.as_bytes(), key.as_bytes());
        assert!(shown(&certificate, &key).is_ok());
        assert_eq!(shown("", &key), Err(TlsError::NoCertificate));
        assert_eq!(shown(&certificate, ""), Err(TlsError::NoKey));
        assert_eq!(shown(&certificate, &self_signed().1), Err(TlsError::Mismatch));
        assert!(matches!(shown(&certificate, "-----BEGIN PRIVATE KEY-----\nA"), Err(TlsError::KeySyntax(_))));
    }

    #[test]
    fn the_host_of_a_certificate_has_neither_brackets_nor_a_scope() {
        let shown = |host| server_name(host).map(|name| name.to_str().into_owned());
        assert_eq!(shown("chat.example").as_deref(), Some("chat.example"));
        assert_eq!(shown("[::1]").as_deref(), Some("::1"));
        assert_eq!(shown("[fe80::1%eth0]").as_deref(), Some("fe80::1"));
        assert_eq!(shown("a b"), None);
    }
}
