//! The values in reports.

use std::collections::BTreeMap;
use std::fmt;
use std::num::ParseIntError;
use std::ops::Deref;
use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chatcore::MessageId;
use serde::{Serialize, Serializer};

use super::amounts::Count;
use crate::User;

/// A message's id. It is text for programs, because many read numbers of this size inexactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id(MessageId);

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<MessageId> for Id {
    fn from(id: MessageId) -> Self {
        Self(id)
    }
}

impl FromStr for Id {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(|number| Self(MessageId(number)))
    }
}

/// A user: the name, which programs read, and how people read it, if that is known and another spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    name: String,
    spelling: Option<String>,
}

impl Named {
    pub(crate) fn new(name: impl Into<String>, spelling: Option<String>) -> Self {
        Self { name: name.into(), spelling }
    }

    pub(crate) fn spelled(&self) -> &str {
        self.spelling.as_ref().unwrap_or(&self.name)
    }
}

impl From<String> for Named {
    fn from(name: String) -> Self {
        Self::new(name, None)
    }
}

impl From<&str> for Named {
    fn from(name: &str) -> Self {
        Self::new(name, None)
    }
}

impl Deref for Named {
    type Target = str;

    fn deref(&self) -> &str {
        &self.name
    }
}

impl Serialize for Named {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.name.serialize(serializer)
    }
}

/// Users in a list: their names, and how those are spelled that spell them in another way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Users {
    names: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    display_names: BTreeMap<String, String>,
    /// There are others, whom the program has no room for.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    more: bool,
}

impl Users {
    pub(crate) fn of(users: Vec<User>, more: bool) -> Self {
        let names = users.iter().map(|user| user.name.to_string()).collect();
        let display_names =
            users.into_iter().filter_map(|user| Some((user.name.to_string(), user.display_name?))).collect();
        Self { names, display_names, more }
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The names, each as its user spells it.
    pub(super) fn spelled(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| self.display_names.get(name).unwrap_or(name).as_str())
    }

    pub(crate) const fn count(&self) -> Count {
        Count { known: self.names.len(), is_open: self.more }
    }
}

/// A body, as text if it is that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Body {
    Text { body: String },
    Bytes { body_base64: String },
}

impl Body {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(body) => Self::Text { body },
            Err(error) => Self::Bytes { body_base64: BASE64_STANDARD.encode(error.as_bytes()) },
        }
    }

    /// The bytes that it was.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text { body } => body.clone().into_bytes(),
            Self::Bytes { body_base64 } => BASE64_STANDARD.decode(body_base64).expect("it was encoded here"),
        }
    }
}
