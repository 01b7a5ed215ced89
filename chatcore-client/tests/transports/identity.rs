//! Certificates, made where they are needed.
#![allow(dead_code, reason = "each test file uses another part of it")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

/// An authority of a test's own.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) certificate: String,
}

/// A certificate, those that vouch for it, and its key.
pub(crate) struct Identity {
    pub(crate) chain: String,
    pub(crate) key: String,
}

fn key() -> KeyPair {
    KeyPair::generate().expect("there is randomness")
}

pub(crate) fn params(hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    CertificateParams::new(hosts).expect("they are hosts")
}

impl Authority {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        Self::named(&format!("authority {}", COUNT.fetch_add(1, Ordering::Relaxed)))
    }

    /// One that calls itself so.
    pub(crate) fn named(name: &str) -> Self {
        Self::with_key(name, key())
    }

    /// One that calls itself so, and has this key.
    pub(crate) fn with_key(name: &str, key: KeyPair) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("it vouches for itself").pem();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// A certificate for these hosts.
    pub(crate) fn vouches_for(&self, hosts: &[&str]) -> Identity {
        self.vouches(&params(hosts))
    }

    pub(crate) fn vouches(&self, params: &CertificateParams) -> Identity {
        let key = key();
        let certificate = params.signed_by(&key, &self.issuer).expect("it signs");
        Identity { chain: certificate.pem(), key: key.serialize_pem() }
    }

    /// Its certificate in a file.
    pub(crate) fn file(&self, folder: &Path) -> String {
        let path = folder.join("authority.pem");
        fs::write(&path, &self.certificate).expect("the folder is ours");
        path.to_str().expect("it is text").into()
    }
}

impl Identity {
    /// A certificate that vouches for itself.
    pub(crate) fn alone(params: &CertificateParams) -> Self {
        let key = key();
        let certificate = params.self_signed(&key).expect("it vouches for itself");
        Self { chain: certificate.pem(), key: key.serialize_pem() }
    }

    /// The certificate and the key in files.
    pub(crate) fn files(&self, folder: &Path, name: &str) -> [String; 2] {
        let paths = ["cert", "key"].map(|what| folder.join(format!("{name}.{what}.pem")));
        fs::write(&paths[0], &self.chain).expect("the folder is ours");
        fs::write(&paths[1], &self.key).expect("the folder is ours");
        #[cfg(unix)]
        fs::set_permissions(&paths[1], std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("the file is ours");
        paths.map(|path| path.to_str().expect("it is text").into())
    }

    /// What a server shows that is no program of ours; with an authority, it wants a certificate of the client.
    pub(crate) fn server(&self, clients: Option<&Authority>) -> Arc<ServerConfig> {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("the provider speaks them");
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                let certificate = CertificateDer::from_pem_slice(authority.certificate.as_bytes()).expect("PEM");
                roots.add(certificate).expect("it is a certificate");
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().expect("it trusts somebody"))
            }
        };
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(self.chain.as_bytes()).collect();
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).expect("PEM");
        let mut config = builder.with_single_cert(chain.expect("PEM"), key).expect("they belong together");
        config.alpn_protocols = vec![b"chatcore/1".to_vec()];
        Arc::new(config)
    }
}
