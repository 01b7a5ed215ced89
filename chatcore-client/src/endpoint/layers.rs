//! What is spoken above TCP, and how URLs say it.

/// What is spoken above TCP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layers {
    pub(crate) is_encrypted: bool,
    /// The path at which there is a WebSocket, and a query if it has one; none without one.
    pub(crate) web_path: Option<String>,
}

impl Layers {
    /// The scheme of a URL.
    pub(super) const fn scheme(&self) -> &'static str {
        match (self.is_encrypted, self.web_path.is_some()) {
            (false, false) => "tcp",
            (true, false) => "tls",
            (false, true) => "ws",
            (true, true) => "wss",
        }
    }

    /// The port that a URL of the scheme need not name.
    pub(super) const fn default_port(&self) -> Option<u16> {
        match (self.is_encrypted, self.web_path.is_some()) {
            (_, false) => None,
            (false, true) => Some(80),
            (true, true) => Some(443),
        }
    }

    /// A host and a port as they stand in a URL of the scheme.
    pub(crate) fn authority(&self, host: &str, port: u16) -> String {
        if self.default_port() == Some(port) { host.to_owned() } else { format!("{host}:{port}") }
    }
}
