//! What happened, as people and as programs read it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;

use crate::escape::{escape, escape_json};

/// One event, one line. The order of the fields is the order in the JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Report {
    Registered {
        name: String,
    },
    Message {
        id: u64,
        from: String,
        to: String,
        #[serde(flatten)]
        body: Body,
    },
    Accepted {
        to: String,
    },
    Rejected {
        to: String,
        reason: String,
    },
    Online {
        names: Vec<String>,
    },
    /// A line of input, or something like it, that came to nothing.
    Error {
        reason: String,
        detail: String,
    },
    Help {
        text: &'static str,
    },
    Closed {
        reason: String,
    },
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

    fn shown(&self) -> String {
        match self {
            Self::Text { body } => escape(body.as_bytes()),
            Self::Bytes { body_base64 } => {
                let bytes = BASE64_STANDARD.decode(body_base64).expect("it was encoded here");
                escape(&bytes)
            }
        }
    }
}

impl Report {
    /// As a program reads it.
    pub(crate) fn json(&self) -> String {
        escape_json(&serde_json::to_string(self).expect("reports are plain structures"))
    }

    /// As a person reads it. Whatever it holds comes from others, and is made harmless.
    pub(crate) fn text(&self) -> String {
        let name = |name: &str| escape(name.as_bytes());
        match self {
            Self::Registered { name: own } => format!("you are {}; /help lists the commands", name(own)),
            Self::Message { from, body, .. } => format!("{}: {}", name(from), body.shown()),
            Self::Accepted { to } => format!("accepted for {}", name(to)),
            Self::Rejected { to, reason } => match reason.as_str() {
                "no_such_user" => format!("not delivered: {} is not here", name(to)),
                "recipient_full" => format!("not delivered: {} has too much unread; try again later", name(to)),
                other => format!("not delivered to {}: {}", name(to), name(other)),
            },
            Self::Online { names } => {
                let names: Vec<String> = names.iter().map(|each| name(each)).collect();
                format!("online: {}", names.join(", "))
            }
            Self::Error { detail, .. } => name(detail),
            Self::Help { text } => (*text).to_owned(),
            Self::Closed { reason } => format!("closed: {}", name(reason)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &[u8]) -> Report {
        Report::Message { id: 7, from: "bob".into(), to: "alice".into(), body: Body::new(body.to_vec()) }
    }

    #[test]
    fn json_has_its_fields_in_order() {
        assert_eq!(message(b"hello").json(), r#"{"event":"message","id":7,"from":"bob","to":"alice","body":"hello"}"#);
        assert_eq!(
            message(b"\xff\x00").json(),
            r#"{"event":"message","id":7,"from":"bob","to":"alice","body_base64":"/wA="}"#
        );
        let rejected = Report::Rejected { to: "carol".into(), reason: "no_such_user".into() };
        assert_eq!(rejected.json(), r#"{"event":"rejected","to":"carol","reason":"no_such_user"}"#);
        assert_eq!(Report::Online { names: vec!["a".into()] }.json(), r#"{"event":"online","names":["a"]}"#);
    }

    #[test]
    fn people_see_bytes_that_are_no_text_escaped() {
        assert_eq!(message(b"ok\xff\x1b[31m").text(), "bob: ok\\xff\\u{1b}[31m");
    }
}
