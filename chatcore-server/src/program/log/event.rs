//! What an event says.

use std::fmt::{self, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use tracing::field::{Field, Visit};

/// Bytes of a value, or of a message: what is longer is cut. So a line has an end.
const VALUE_BYTES_MAX: usize = 1024;

/// The fields that say where the peer is whom an event is about: its address, or its origin.
const PEER: &str = "peer";
pub(super) const ORIGIN: &str = "origin";

/// Bits of an IPv6 address that belong to one person, as far as lines are concerned: with more, somebody could have so
/// many lines as there are networks of their own.
const SITE_BITS: u8 = 48;

/// A message, and its fields in their order.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) message: String,
    pub(super) fields: Vec<(&'static str, Value)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Integer(i128),
    Bool(bool),
}

impl Content {
    /// Where those are whom the event is about: an address, or a site of IPv6, whether the event names a peer or an
    /// origin.
    pub(super) fn origin(&self) -> Option<String> {
        self.fields.iter().find_map(|(name, value)| match (*name, value) {
            (ORIGIN, Value::Text(origin)) => Some(origin_of(origin)),
            // A peer without an address is its own origin: `unix`.
            (PEER, Value::Text(peer)) => Some(match peer.parse::<SocketAddr>() {
                Ok(address) => of_address(address.ip(), SITE_BITS),
                Err(_) => peer.clone(),
            }),
            _ => None,
        })
    }
}

/// The same of what is written as an address, or as a network.
fn origin_of(text: &str) -> String {
    let (address, bits) = text.split_once('/').unwrap_or((text, ""));
    match address.parse() {
        // A network that is wider has no narrower one.
        Ok(address) => of_address(address, bits.parse().map_or(SITE_BITS, |bits: u8| bits.min(SITE_BITS))),
        Err(_) => text.into(),
    }
}

fn of_address(address: IpAddr, bits: u8) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            format!("{}/{bits}", Ipv6Addr::from(u128::from(address) & mask))
        }
    }
}

impl Visit for Content {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = Cut::default();
        // It fails where it is cut.
        let _ = write!(text, "{value:?}");
        self.record_text(field, text.0);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let mut text = Cut::default();
        let _ = text.write_str(value);
        self.record_text(field, text.0);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.fields.push((field.name(), Value::Integer(value.into())));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.fields.push((field.name(), Value::Integer(value.into())));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.fields.push((field.name(), Value::Bool(value)));
    }
}

impl Content {
    fn record_text(&mut self, field: &Field, text: String) {
        match field.name() {
            "message" => self.message = text,
            name => self.fields.push((name, Value::Text(text))),
        }
    }
}

/// Text that ends where it is too long.
#[derive(Default)]
struct Cut(String);

impl Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let left = VALUE_BYTES_MAX.saturating_sub(self.0.len());
        if text.len() <= left {
            self.0.push_str(text);
            return Ok(());
        }
        let end = (0..=left).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        self.0.push_str(&text[..end]);
        self.0.push('…');
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_about_the_origin_of_its_peer_or_the_one_that_it_names() {
        let origin = |name: &'static str, value: &str| {
            let fields = vec![("name", Value::Text("alice".into())), (name, Value::Text(value.into()))];
            Content { message: String::new(), fields }.origin()
        };
        assert_eq!(origin("peer", "192.0.2.1:5"), Some("192.0.2.1".into()));
        assert_eq!(origin("peer", "[2001:db8:1:2::7]:5"), Some("2001:db8:1::/48".into()));
        assert_eq!(origin("origin", "2001:db8:1:2::/64"), Some("2001:db8:1::/48".into()));
        assert_eq!(origin("origin", "2001:db8::/32"), Some("2001:db8::/32".into()), "it is wider");
        for name in ["peer", "origin"] {
            assert_eq!(origin(name, "unix"), Some("unix".into()));
        }
        assert_eq!(origin("address", "192.0.2.1:5"), None);
    }

    #[test]
    fn what_is_long_is_cut_between_two_letters() {
        let mut text = Cut::default();
        assert!(write!(text, "{}€b", "a".repeat(VALUE_BYTES_MAX - 1)).is_err());
        assert_eq!(text.0.len(), VALUE_BYTES_MAX - 1 + '…'.len_utf8());
        let mut text = Cut::default();
        assert!(write!(text, "{}", "a".repeat(VALUE_BYTES_MAX)).is_ok());
    }
}
