//! Who may open a WebSocket.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::SUBPROTOCOL;
use super::origin::{Authority, Host, Origin};
use super::upgrade_error::UpgradeError;

/// Which requests open a WebSocket at a server, and which pages may make them.
///
/// A browser lets any page connect to any server, so a server checks who asks. By its `Origin`, a browser says which
/// page that is; other programs send none. By its `Host`, a page whose own name somebody has pointed at this server's
/// address (DNS rebinding) gives itself away.
///
/// ```
/// use chatcore::websocket::UpgradeRules;
///
/// let rules = UpgradeRules::default()
///     .with_path("/chat")?
///     .with_host("chat.example")?
///     .with_origin("https://www.chat.example")?
///     .with_tls(true);
/// # Ok::<(), chatcore::websocket::RuleError>(())
/// ```
#[derive(Clone, Debug)]
pub struct UpgradeRules {
    path: String,
    subprotocols: Vec<String>,
    hosts: Vec<String>,
    origins: Vec<String>,
    is_secure: bool,
}

/// The path `/`, the subprotocol [`SUBPROTOCOL`], no host but addresses and `localhost`, no origin but that of the
/// host, and no TLS.
impl Default for UpgradeRules {
    fn default() -> Self {
        let (path, subprotocols) = (String::from("/"), vec![SUBPROTOCOL.to_string()]);
        Self { path, subprotocols, hosts: Vec::new(), origins: Vec::new(), is_secure: false }
    }
}

/// A rule that no request could keep.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// See [`UpgradeRules::with_path`].
    #[error("{0:?} is no path: it begins with a slash, as in /chat, and has visible ASCII but ? and #")]
    Path(String),
    /// See [`UpgradeRules::with_subprotocols`].
    #[error("{0:?} is no subprotocol: it has letters, digits, dots, dashes and the like, as in chatcore.v1")]
    Subprotocol(String),
    /// See [`UpgradeRules::with_host`].
    #[error("{0:?} is no host: it is a name as in chat.example, without a port")]
    Host(String),
    /// See [`UpgradeRules::with_origin`].
    #[error("{0:?} is no origin: it is a scheme, a host and maybe a port, as in https://chat.example, without a path")]
    Origin(String),
}

impl UpgradeRules {
    /// The same with this path, which a request must ask for. What follows a `?` in a request is ignored.
    ///
    /// # Errors
    ///
    /// [`RuleError::Path`] if it does not begin with a slash, or has characters that no path has.
    pub fn with_path(mut self, path: &str) -> Result<Self, RuleError> {
        let is_path =
            path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#".contains(&byte));
        if !is_path {
            return Err(RuleError::Path(path.into()));
        }
        self.path = path.into();
        Ok(self)
    }

    /// The path that a request must ask for.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The same with these subprotocols, the best first, of which a request must offer one. With none, a request need
    /// offer none, and none is chosen.
    ///
    /// # Errors
    ///
    /// [`RuleError::Subprotocol`] if one is no token (RFC 9110, 5.6.2).
    pub fn with_subprotocols(mut self, subprotocols: &[&str]) -> Result<Self, RuleError> {
        if let Some(other) = subprotocols.iter().find(|subprotocol| !is_token(subprotocol)) {
            return Err(RuleError::Subprotocol((*other).into()));
        }
        self.subprotocols = subprotocols.iter().copied().map(String::from).collect();
        Ok(self)
    }

    /// The same with one more name of this server, which a request may ask for in its `Host`, with any port. Addresses
    /// and `localhost` are always allowed: nobody else can point those here.
    ///
    /// # Errors
    ///
    /// [`RuleError::Host`] if it is no name.
    pub fn with_host(mut self, host: &str) -> Result<Self, RuleError> {
        if !matches!(Host::parse(host), Some(Host::Name(_))) {
            return Err(RuleError::Host(host.into()));
        }
        self.hosts.push(host.into());
        Ok(self)
    }

    /// The same with one more origin whose pages may connect, besides that of the host which a request asks for.
    ///
    /// # Errors
    ///
    /// [`RuleError::Origin`] if it is no scheme, host and maybe port.
    pub fn with_origin(mut self, origin: &str) -> Result<Self, RuleError> {
        if Origin::parse(origin).is_none() {
            return Err(RuleError::Origin(origin.into()));
        }
        self.origins.push(origin.into());
        Ok(self)
    }

    /// The same for a server that its users reach over TLS, whether it ends there or at a proxy: pages of its host then
    /// have an `https` origin.
    #[must_use]
    pub const fn with_tls(mut self, is_secure: bool) -> Self {
        self.is_secure = is_secure;
        self
    }

    // ---- what a request has ----

    pub(super) fn check_target(&self, target: &str) -> Result<(), UpgradeError> {
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        if path == self.path { Ok(()) } else { Err(UpgradeError::Path) }
    }

    pub(super) fn check_host_and_origin(&self, host: &[u8], origin: Option<&[u8]>) -> Result<(), UpgradeError> {
        let text = str::from_utf8(host).map_err(|_| UpgradeError::InvalidHost)?;
        let authority = Authority::parse(text).ok_or(UpgradeError::InvalidHost)?;
        let is_ours = match authority.host {
            Host::V4(_) | Host::V6(_) => true,
            Host::Name(name) => {
                self.hosts.iter().map(String::as_str).chain(["localhost"]).any(|ours| name.eq_ignore_ascii_case(ours))
            }
        };
        if !is_ours {
            return Err(UpgradeError::UnknownHost);
        }
        let Some(origin) = origin else { return Ok(()) };
        let origin = str::from_utf8(origin).ok().and_then(Origin::parse).ok_or(UpgradeError::Origin)?;
        let mut listed = self.origins.iter().filter_map(|listed| Origin::parse(listed));
        if origin == Origin::of_host(self.is_secure, authority) || listed.any(|listed| listed == origin) {
            Ok(())
        } else {
            Err(UpgradeError::Origin)
        }
    }

    /// The subprotocol to speak, of those that are offered.
    pub(super) fn choose<'a>(
        &self,
        offered: &(impl Iterator<Item = &'a [u8]> + Clone),
    ) -> Result<Option<&str>, UpgradeError> {
        if self.subprotocols.is_empty() {
            return Ok(None);
        }
        let is_offered = |ours: &&String| offered.clone().any(|offer| offer == ours.as_bytes());
        match self.subprotocols.iter().find(is_offered) {
            Some(chosen) => Ok(Some(chosen)),
            None => Err(UpgradeError::Subprotocol { spoken: self.subprotocols.join(", ") }),
        }
    }
}

/// Whether it is what HTTP calls a token (RFC 9110, 5.6.2).
pub(super) fn is_token(text: &str) -> bool {
    let is_of_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_of_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_no_request_could_keep_is_refused() {
        for path in ["", "chat", "/a b", "/a?b", "/a#b", "/ä"] {
            assert_eq!(UpgradeRules::default().with_path(path).unwrap_err(), RuleError::Path(path.into()));
        }
        for subprotocol in ["", "a b", "a,b", "ä"] {
            let error = UpgradeRules::default().with_subprotocols(&["chat", subprotocol]).unwrap_err();
            assert_eq!(error, RuleError::Subprotocol(subprotocol.into()));
        }
        for host in ["", "a:80", "[::1]", "127.0.0.1", "a/b"] {
            assert_eq!(UpgradeRules::default().with_host(host).unwrap_err(), RuleError::Host(host.into()));
        }
        for origin in ["", "null", "a.example", "https://a.example/"] {
            assert_eq!(UpgradeRules::default().with_origin(origin).unwrap_err(), RuleError::Origin(origin.into()));
        }
    }
}
