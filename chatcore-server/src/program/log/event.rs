//! What an event says.

use std::fmt::{self, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use chatcore::QuotaKey;
use chatcore_server::quota_key;
use tracing::field::{Field, Visit};

/// Bytes of a value, or of a message: what is longer is cut. So a line has an end.
const VALUE_BYTES_MAX: usize = 1024;

/// The field that says where the peer is whom an event is about.
const PEER: &str = "peer";

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
    /// The address that the event is about, and the number of its origin.
    pub(super) fn origin(&self) -> Option<Origin> {
        let (_, value) = self.fields.iter().find(|(name, _)| *name == PEER)?;
        let Value::Text(text) = value else { return None };
        let address: SocketAddr = text.parse().ok()?;
        Some(Origin::of(address.ip()))
    }
}

/// Where peers come from, as the server counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    key: QuotaKey,
    is_ipv6: bool,
}

impl Origin {
    pub(super) fn of(address: IpAddr) -> Self {
        Self { key: quota_key(address), is_ipv6: address.to_canonical().is_ipv6() }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_ipv6 {
            return write!(f, "{}/64", Ipv6Addr::from(self.key.0));
        }
        // An IPv4 address has no more bits.
        let bits = u32::try_from(self.key.0).unwrap_or(u32::MAX);
        write!(f, "{}", std::net::Ipv4Addr::from(bits))
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
    fn an_origin_is_an_address_or_the_network_that_a_customer_has() {
        let origin = |address: &str| Origin::of(address.parse().unwrap());
        assert_eq!(origin("192.0.2.1").to_string(), "192.0.2.1");
        assert_eq!(origin("::ffff:192.0.2.1"), origin("192.0.2.1"));
        assert_eq!(origin("2001:db8::7").to_string(), "2001:db8::/64");
        assert_eq!(origin("2001:db8::7"), origin("2001:db8::8"));
        assert_ne!(origin("::1"), origin("0.0.0.1"));
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
