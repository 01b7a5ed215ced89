//! The certificate with which a client shows who it is.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

/// A certificate of a client, which an authority has issued that the server trusts with that
/// ([`Tls::with_client_authorities`](crate::Tls::with_client_authorities)).
///
/// `Debug` shows the subject alone.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientCertificate(Arc<[u8]>);

impl ClientCertificate {
    pub(crate) fn new(certificate: &CertificateDer<'_>) -> Self {
        Self(certificate.as_ref().into())
    }

    /// The certificate, in DER (X.690).
    pub fn der(&self) -> &[u8] {
        &self.0
    }

    /// Whose certificate it is: the common name of its subject. Without one, the first address of e-mail among its
    /// alternative names, and without that the first name of DNS there. None if there is none of these, or two common
    /// names.
    pub fn subject(&self) -> Option<String> {
        let (_, certificate) = X509Certificate::from_der(&self.0).ok()?;
        let mut common_names = certificate.subject().iter_common_name();
        if let Some(common_name) = common_names.next() {
            let is_alone = common_names.next().is_none();
            return common_name.as_str().ok().filter(|name| is_alone && !name.is_empty()).map(Into::into);
        }
        let alternatives = certificate.subject_alternative_name().ok()??;
        let names = &alternatives.value.general_names;
        let email = names.iter().find_map(|name| match name {
            GeneralName::RFC822Name(address) => Some(*address),
            _ => None,
        });
        let dns = names.iter().find_map(|name| match name {
            GeneralName::DNSName(name) => Some(*name),
            _ => None,
        });
        email.or(dns).map(Into::into)
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate").field("subject", &self.subject()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType};

    use super::*;

    fn subject(common_names: &[&str], alternatives: Vec<SanType>) -> Option<String> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        for name in common_names {
            params.distinguished_name.push(DnType::CommonName, *name);
        }
        params.subject_alt_names = alternatives;
        let key = KeyPair::generate().expect("there is randomness");
        let certificate = params.self_signed(&key).expect("it signs for itself");
        let certificate = ClientCertificate::new(certificate.der());
        assert_eq!(format!("{certificate:?}").matches("subject").count(), 1);
        certificate.subject()
    }

    #[test]
    fn a_subject_is_a_common_name_or_an_address_or_a_name_of_dns() {
        let email = || SanType::Rfc822Name("alice@chat.example".try_into().expect("it is ASCII"));
        let dns = |name: &str| SanType::DnsName(name.try_into().expect("it is ASCII"));
        assert_eq!(subject(&["Älice"], vec![email()]).as_deref(), Some("Älice"));
        assert_eq!(subject(&[], vec![dns("a.example"), email()]).as_deref(), Some("alice@chat.example"));
        assert_eq!(subject(&[], vec![dns("a.example"), dns("b.example")]).as_deref(), Some("a.example"));
        assert_eq!(subject(&[], vec![]), None);
        assert_eq!(ClientCertificate(b"no certificate"[..].into()).subject(), None);
    }
}
