//! What can be wrong with files of certificates and keys.

/// Why TLS cannot be spoken with what was given. `Display` says what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// There is no certificate.
    #[error("there is no certificate in it: PEM is needed, with a line -----BEGIN CERTIFICATE-----")]
    NoCertificate,
    /// The certificates are not in PEM.
    #[error("it is not in PEM ({0}): each certificate stands between -----BEGIN CERTIFICATE----- and its end")]
    CertificateSyntax(String),
    /// What stands in PEM is no certificate.
    #[error("a certificate in it cannot be read ({0}): one by X.509, version 3, is needed")]
    Certificate(String),
    /// There is no key.
    #[error("there is no key in it: PEM is needed, with a line -----BEGIN PRIVATE KEY-----")]
    NoKey,
    /// The key is not in PEM.
    #[error("it is not in PEM ({0}): the key of the certificate is needed, without a password")]
    KeySyntax(String),
    /// The key is another certificate's.
    #[error("the key is not that of the certificate: the client's own certificate must be the first")]
    Mismatch,
    /// The system trusts nobody, or does not say whom.
    #[error("it is not known whom the system trusts ({0}): install its certificates of authorities, or name one's own")]
    System(String),
    /// Something else that TLS says.
    #[error("TLS cannot use them: {0}")]
    Other(String),
}
