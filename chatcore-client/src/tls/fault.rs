//! Why TLS does not stand between a client and a server.

use std::fmt::Write;
use std::io;

use chatcore_transport::rustls;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, InvalidMessage};

/// Names of a certificate that are shown, at the most.
const NAMES_SHOWN_MAX: usize = 8;

/// Why TLS does not stand between a client and a server: what was wrong, and with what. What the server wrote is in it:
/// escape `Display` before a terminal shows it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsFault {
    /// Nobody who is trusted vouches for the certificate.
    #[error("nobody who is trusted here vouches for its certificate")]
    UnknownAuthority,
    /// An authority that is trusted has the name of the one that signed the certificate, and another kind of key.
    /// Somebody else may have taken the name: many certificates that vouch for themselves are of `localhost`.
    #[error(
        "its certificate is signed in the name of an authority that is trusted here, but not with that authority's kind of \
         key: another one has the same name"
    )]
    OtherKey,
    /// The certificate is for others.
    #[error("its certificate is not for {host}, {}", for_whom(names))]
    WrongName {
        /// The host that was connected to.
        host: String,
        /// The hosts that the certificate is for.
        names: Vec<String>,
    },
    /// The certificate is over.
    #[error("its certificate ended {}", ago(*days))]
    Expired {
        /// For how many days; none if it is not known.
        days: Option<u64>,
    },
    /// The certificate is not valid yet.
    #[error("its certificate is not valid before {}; is the clock of this machine right?", from_now(*days))]
    NotYet {
        /// In how many days it will be; none if it is not known.
        days: Option<u64>,
    },
    /// Whoever gave out the certificate has taken it back.
    #[error("its certificate was revoked")]
    Revoked,
    /// The certificate is for something else than a server, such as for an authority.
    #[error("its certificate cannot be a server's ({0})")]
    Unusable(String),
    /// The other end answered in something else.
    #[error("it speaks no TLS at this port")]
    NoTls,
    /// The other end speaks TLS, and no version of it that is taken here.
    #[error("it takes neither TLS 1.3 nor TLS 1.2 at this port, or no TLS at all")]
    Version,
    /// The other end speaks TLS, and something else than chatcore above it.
    #[error("it speaks TLS at this port, but not chatcore")]
    NoChatcore,
    /// The server wants to see a certificate of ours.
    #[error("it wants a certificate of the client")]
    ClientCertificateMissing,
    /// The server does not take the certificate that it was shown.
    #[error("it does not take the client's certificate ({0})")]
    ClientCertificateRefused(String),
    /// The connection ended while TLS was being agreed on.
    #[error("it ended the connection before TLS stood; it may speak no TLS at this port")]
    Ended,
    /// Something else that TLS says.
    #[error("TLS says: {0}")]
    Other(String),
}

impl TlsFault {
    /// What an error of a transport says of TLS; none if it does not come from there.
    pub fn of(error: &io::Error) -> Option<Self> {
        let inner = error.get_ref()?;
        inner.downcast_ref::<Self>().cloned().or_else(|| inner.downcast_ref::<rustls::Error>().map(Self::from))
    }
}

impl From<&rustls::Error> for TlsFault {
    fn from(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(error) => Self::from(error),
            rustls::Error::InvalidMessage(
                InvalidMessage::InvalidContentType
                | InvalidMessage::UnknownProtocolVersion
                | InvalidMessage::MessageTooLarge
                | InvalidMessage::InvalidEmptyPayload,
            ) => Self::NoTls,
            rustls::Error::AlertReceived(alert) => Self::from(*alert),
            rustls::Error::PeerIncompatible(_) => Self::Version,
            rustls::Error::NoApplicationProtocol => Self::NoChatcore,
            other => Self::Other(other.to_string()),
        }
    }
}

impl From<&CertificateError> for TlsFault {
    fn from(error: &CertificateError) -> Self {
        match error {
            // Whoever signed it has the name of an authority that is trusted, and another key.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownAuthority,
            CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => Self::OtherKey,
            CertificateError::UnsupportedSignatureAlgorithmContext { .. } => Self::Unusable(
                "it is signed by a method that is not taken here: ECDSA with P-256 or P-384, Ed25519, and RSA with SHA-256 \
                 or longer are"
                    .into(),
            ),
            CertificateError::NotValidForNameContext { expected, presented } => {
                let names = presented.iter().filter_map(|name| host_of(name)).collect();
                Self::WrongName { host: expected.to_str().into_owned(), names }
            }
            CertificateError::NotValidForName => Self::WrongName { host: "this host".into(), names: Vec::new() },
            CertificateError::ExpiredContext { time, not_after } => {
                Self::Expired { days: Some(days_between(*not_after, *time)) }
            }
            CertificateError::Expired => Self::Expired { days: None },
            CertificateError::NotValidYetContext { time, not_before } => {
                Self::NotYet { days: Some(days_between(*time, *not_before)) }
            }
            CertificateError::NotValidYet => Self::NotYet { days: None },
            CertificateError::Revoked => Self::Revoked,
            other => Self::Unusable(unusable(&other.to_string())),
        }
    }
}

impl From<AlertDescription> for TlsFault {
    fn from(alert: AlertDescription) -> Self {
        match alert {
            AlertDescription::ProtocolVersion => Self::Version,
            AlertDescription::NoApplicationProtocol => Self::NoChatcore,
            AlertDescription::CertificateRequired => Self::ClientCertificateMissing,
            AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA => Self::ClientCertificateRefused(format!("{alert:?}")),
            other => Self::Other(format!("the server refuses with the alert {other:?}")),
        }
    }
}

/// What a certificate cannot be, in words.
fn unusable(detail: &str) -> String {
    if detail.contains("CaUsedAsEndEntity") {
        "it is that of an authority: one for a server has CA:FALSE among its basic constraints".into()
    } else {
        detail.into()
    }
}

/// A host out of what the verifier tells of a certificate's names: `DnsName("a.example")`, `IpAddress(192.0.2.1)`.
fn host_of(name: &str) -> Option<String> {
    let inner = name.strip_prefix("DnsName(").or_else(|| name.strip_prefix("IpAddress("))?.strip_suffix(')')?;
    Some(inner.trim_matches('"').to_owned())
}

fn for_whom(names: &[String]) -> String {
    let Some((first, others)) = names.split_first() else { return "but names no host that it is for".into() };
    let mut text = format!("but for {first}");
    for name in others.iter().take(NAMES_SHOWN_MAX - 1) {
        let _ = write!(text, ", {name}");
    }
    match names.len().saturating_sub(NAMES_SHOWN_MAX) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

fn days_between(earlier: UnixTime, later: UnixTime) -> u64 {
    const DAY_S: u64 = 24 * 60 * 60;
    later.as_secs().saturating_sub(earlier.as_secs()) / DAY_S
}

fn ago(days: Option<u64>) -> String {
    match days {
        None => "some time ago".into(),
        Some(0) => "within the last day".into(),
        Some(1) => "a day ago".into(),
        Some(days) => format!("{days} days ago"),
    }
}

fn from_now(days: Option<u64>) -> String {
    match days {
        None => "some time from now".into(),
        Some(0) => "some hours from now".into(),
        Some(1) => "a day from now".into(),
        Some(days) => format!("{days} days from now"),
    }
}

#[cfg(test)]
mod tests {
    use rustls::OtherError;
    use std::sync::Arc;

    use super::*;

    #[test]
    fn the_names_of_a_certificate_are_shown_as_hosts_and_not_all_of_many() {
        assert_eq!(host_of(r#"DnsName("chat.example")"#).as_deref(), Some("chat.example"));
        assert_eq!(host_of("IpAddress(192.0.2.1)").as_deref(), Some("192.0.2.1"));
        assert_eq!(host_of("DirectoryName"), None);
        let names = |count: u32| (0..count).map(|i| format!("n{i}")).collect();
        let wrong = |names| TlsFault::WrongName { host: "a".into(), names }.to_string();
        assert_eq!(wrong(names(0)), "its certificate is not for a, but names no host that it is for");
        assert_eq!(wrong(names(2)), "its certificate is not for a, but for n0, n1");
        assert!(wrong(names(20)).ends_with("n6, n7 and 12 more"), "{}", wrong(names(20)));
    }

    #[test]
    fn an_error_of_tls_is_found_in_that_of_a_transport() {
        let wrapped = io::Error::new(io::ErrorKind::InvalidData, rustls::Error::NoApplicationProtocol);
        assert_eq!(TlsFault::of(&wrapped), Some(TlsFault::NoChatcore));
        assert_eq!(TlsFault::of(&io::Error::new(io::ErrorKind::InvalidData, TlsFault::NoTls)), Some(TlsFault::NoTls));
        assert_eq!(TlsFault::of(&io::ErrorKind::ConnectionReset.into()), None);
        let other = CertificateError::Other(OtherError(Arc::new(io::Error::other("odd"))));
        assert!(matches!(TlsFault::from(&other), TlsFault::Unusable(_)));
    }
}
