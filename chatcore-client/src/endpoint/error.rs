//! What is wrong with the text of an address.

/// Why a text is no [`Endpoint`](super::Endpoint). `Display` says what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// Nothing that is an address looks like this.
    #[error(
        "{given:?} is no address of a server: HOST:PORT is one, such as 127.0.0.1:12345 or [::1]:12345, and so are \
         tls://HOST:PORT, ws://HOST/PATH, wss://HOST/PATH and unix:///PATH"
    )]
    Syntax {
        /// As it was given.
        given: String,
    },
    /// The scheme is none of those that are known.
    #[error(
        "{scheme}:// is not spoken here: tcp://HOST:PORT, tls://HOST:PORT, ws://HOST/PATH, wss://HOST/PATH and unix:///PATH are"
    )]
    Scheme {
        /// As it was given.
        scheme: String,
    },
    /// The port is missing, or no number of a port.
    #[error("{given:?} names no port: a number from 1 to 65535 follows the host, as in {example}")]
    Port {
        /// As it was given.
        given: String,
        /// An address that would be right.
        example: &'static str,
    },
    /// There is something before the host, as in `user:password@host`.
    #[error("an address of a server holds no user and no password: leave out what is before the @")]
    User,
    /// The path of a Unix socket does not begin at the root.
    #[error("{path:?} is no absolute path: unix:// has one after it, as in unix:///run/chatcore.sock")]
    Path {
        /// As it was given.
        path: String,
    },
    /// TLS needs a name by which a certificate can be checked.
    #[error("no certificate can be for {host:?}: it is for a name of letters, digits, dashes and dots, or a number")]
    Host {
        /// As it was given.
        host: String,
    },
    /// What the scheme needs is not part of this build.
    #[error("{scheme}:// is not part of this build: it needs the feature {feature} of chatcore-client")]
    Feature {
        /// As it was given.
        scheme: &'static str,
        /// The feature that is missing.
        feature: &'static str,
    },
    /// The system has no Unix sockets.
    #[error("this system has no Unix sockets: HOST:PORT is an address here, such as 127.0.0.1:12345")]
    NoUnix,
}
