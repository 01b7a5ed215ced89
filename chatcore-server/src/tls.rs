//! The server's certificate and key.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use webpki::{EndEntityCert, KeyUsage};

use crate::handshake_cost::HandshakeCost;
use crate::short_chains::ShortChains;

/// What a client may ask for by ALPN (RFC 7301), if it asks for anything.
const ALPN: &[u8] = b"chatcore/1";

/// The same before a WebSocket. Where none is spoken, who sends HTTP is told so in HTTP.
const WEB_ALPN: &[u8] = b"http/1.1";

/// The certificate and the key with which a server shows who it is ([`Config::tls`](crate::Config::tls)). It speaks TLS
/// 1.3 and 1.2. Clones share it.
///
/// The best key is one of ECDSA P-256, or Ed25519. With others a handshake takes the processor longer, and costs its
/// origin as much more: twice as much with ECDSA P-384 and with RSA of 2 048 bits, and 16 times as much with RSA of 4
/// 096.
///
/// `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    asks_clients: bool,
    handshake_cost: HandshakeCost,
}

impl Tls {
    /// Takes a certificate with those that vouch for it, the server's first, and the key of the first, all in PEM (RFC
    /// 7468).
    ///
    /// # Errors
    ///
    /// If one of the two is not in PEM or missing, if they do not belong together, or if the certificate is over or not
    /// valid yet.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain = CertificateDer::pem_slice_iter(certificates)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| TlsError::CertificateSyntax(error.to_string()))?;
        let Some((first, others)) = chain.split_first() else { return Err(TlsError::NoCertificate) };
        check_time(first, others)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            pem::Error::NoItemsFound => TlsError::NoKey,
            error => TlsError::KeySyntax(error.to_string()),
        })?;
        let signing = ring::sign::any_supported_type(&key).map_err(|error| TlsError::other(&error))?;
        let handshake_cost = HandshakeCost::of(&*signing).map_err(|error| TlsError::other(&error))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::other(&error))?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => TlsError::Mismatch,
                error => TlsError::other(&error),
            })?;
        config.alpn_protocols = vec![ALPN.to_vec(), WEB_ALPN.to_vec()];
        // Sessions are kept by the clients, in tickets.
        config.ticketer = ring::Ticketer::new().map_err(|error| TlsError::other(&error))?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Self { config: Arc::new(config), asks_clients: false, handshake_cost })
    }

    /// The same for clients that show certificates of their own. These must be issued by one of these authorities,
    /// whose certificates are in PEM, and be good for clients
    /// ([`LogInRequest::client_certificate`](crate::LogInRequest)). If a certificate is required, a client without one
    /// is refused. A client may show three certificates beside its own, and its handshake may have 20 KiB: more would
    /// be more work than it is charged for. Nobody resumes by tickets: a certificate is looked at in each handshake,
    /// and so it is of no use when it is over.
    ///
    /// # Errors
    ///
    /// If there is no certificate in it, or one that is no authority's.
    pub fn with_client_authorities(self, authorities: &[u8], is_required: bool) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for authority in CertificateDer::pem_slice_iter(authorities) {
            let authority = authority.map_err(|error| TlsError::CertificateSyntax(error.to_string()))?;
            roots.add(authority).map_err(|error| TlsError::Certificate(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(TlsError::NoCertificate);
        }
        let provider = Arc::new(provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let verifier = if is_required { verifier } else { verifier.allow_unauthenticated() };
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::other(&error))?
            .with_client_cert_verifier(ShortChains::of(
                verifier.build().map_err(|error| TlsError::Other(error.to_string()))?,
            ))
            .with_cert_resolver(Arc::clone(&self.config.cert_resolver));
        config.alpn_protocols.clone_from(&self.config.alpn_protocols);
        // Nobody comes back without showing a certificate again: with a ticket, `rustls` takes the certificate that was
        // shown at first, although it is over by now.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self { config: Arc::new(config), asks_clients: true, ..self })
    }

    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// What a handshake costs its origin.
    pub(crate) const fn handshake_cost(&self) -> HandshakeCost {
        self.handshake_cost
    }

    /// Clients are asked for certificates.
    pub(crate) const fn asks_clients(&self) -> bool {
        self.asks_clients
    }
}

/// The ciphers of `ring`, without what would let a client choose costly work: keys are agreed on with X25519 or P-256,
/// which every client of TLS 1.3 has. With P-384 that takes more than ten times as long.
fn provider() -> CryptoProvider {
    CryptoProvider { kx_groups: vec![ring::kx_group::X25519, ring::kx_group::SECP256R1], ..ring::default_provider() }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.config, &other.config)
    }
}

impl Eq for Tls {}

/// Refuses a certificate that no client would take at present.
fn check_time(first: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> Result<(), TlsError> {
    let certificate = EndEntityCert::try_from(first).map_err(|error| TlsError::Certificate(error.to_string()))?;
    // Nobody vouches for it here; but its time is looked at before that.
    let verified = certificate.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &[],
        others,
        UnixTime::now(),
        KeyUsage::server_auth(),
        None,
        None,
    );
    match verified.err() {
        Some(webpki::Error::CertExpired { time, not_after }) => {
            Err(TlsError::Expired { days: days_between(not_after, time) })
        }
        Some(webpki::Error::CertNotValidYet { time, not_before }) => {
            Err(TlsError::NotYet { days: days_between(time, not_before) })
        }
        _ => Ok(()),
    }
}

fn days_between(earlier: UnixTime, later: UnixTime) -> u64 {
    const DAY_S: u64 = 24 * 60 * 60;
    later.as_secs().saturating_sub(earlier.as_secs()) / DAY_S
}

/// Why a certificate and a key cannot be used. `Display` says what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// There is no certificate.
    #[error("there is no certificate in it: PEM is needed, with a line -----BEGIN CERTIFICATE-----")]
    NoCertificate,
    /// The certificates are not in PEM.
    #[error("it is not in PEM ({0}): the certificate is needed, with those that vouch for it after it")]
    CertificateSyntax(String),
    /// There is no key.
    #[error("there is no key in it: PEM is needed, with a line -----BEGIN PRIVATE KEY-----")]
    NoKey,
    /// The key is not in PEM.
    #[error("it is not in PEM ({0}): the key of the certificate is needed, without a password")]
    KeySyntax(String),
    /// The first certificate is none.
    #[error("the certificate cannot be read ({0}): one by X.509, version 3, is needed")]
    Certificate(String),
    /// The key is another certificate's.
    #[error("the key is not that of the certificate: the server's own certificate must be the first")]
    Mismatch,
    /// The certificate is over.
    #[error("the certificate ended {days} days ago: get a new one")]
    Expired {
        /// For how many days.
        days: u64,
    },
    /// The certificate is not valid yet.
    #[error("the certificate is not valid before {days} days from now: look at the clock of this machine")]
    NotYet {
        /// For how many days.
        days: u64,
    },
    /// Something else that TLS says.
    #[error("TLS cannot use them: {0}")]
    Other(String),
}

impl TlsError {
    fn other(error: &rustls::Error) -> Self {
        Self::Other(error.to_string())
    }
}
