//! Hosts to which a server may send its clients.

use std::str::FromStr;

use super::{EndpointError, Layers, Place, parse};

/// A host that a client connects to if a server advises it, though it is not the server's own: `host`, or `host:port`
/// for that port alone. [`Driver::with_followed`](crate::Driver::with_followed) takes them.
///
/// ```
/// use chatcore_client::FollowedHost;
///
/// assert!("other.example".parse::<FollowedHost>().is_ok());
/// assert!("[2001:db8::1]:12345".parse::<FollowedHost>().is_ok());
/// assert!("other.example:0".parse::<FollowedHost>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowedHost {
    host: String,
    /// None for all.
    port: Option<u16>,
}

impl FollowedHost {
    /// Whether it is the one that the advice names.
    pub(super) fn is(&self, host: &str, port: u16) -> bool {
        self.host == host && self.port.is_none_or(|own| own == port)
    }
}

impl FromStr for FollowedHost {
    type Err = EndpointError;

    fn from_str(given: &str) -> Result<Self, EndpointError> {
        // The colons of a number of IPv6 stand within its brackets.
        let has_port = given.rsplit_once(']').map_or(given, |(_, rest)| rest).contains(':');
        let authority = if has_port { given.to_owned() } else { format!("{given}:1") };
        let place = parse::network(given, &authority, Layers::default())?;
        let Place::Network { host, port, .. } = place else { unreachable!("it is a host") };
        Ok(Self { host, port: has_port.then_some(port) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_a_port_stands_for_all_of_its_ports() {
        let host: FollowedHost = "Other.Example".parse().unwrap();
        assert!(host.is("other.example", 1) && host.is("other.example", 2) && !host.is("example", 1));
        let port: FollowedHost = "other.example:2".parse().unwrap();
        assert!(!port.is("other.example", 1) && port.is("other.example", 2));
        let number: FollowedHost = "[2001:db8::1]".parse().unwrap();
        assert!(number.is("[2001:db8::1]", 7));
        for nonsense in ["", "a:b", "a:0", "a:1:2", "::1", "tls://a", "a@b"] {
            assert!(nonsense.parse::<FollowedHost>().is_err(), "{nonsense}");
        }
    }
}
