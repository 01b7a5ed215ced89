//! What happened, as people and as programs read it.

use std::collections::BTreeMap;
use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;
use std::time::Duration;

use crate::User;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chatcore::MessageId;
use serde::{Serialize, Serializer};

use crate::program::escape::{escape, escape_body, escape_json};

/// One event, one line. The order of the fields is the order in the JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Report {
    Registered {
        name: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        display_name: Option<String>,
    },
    Message {
        id: Id,
        /// Unix time in milliseconds.
        time: u128,
        from: String,
        /// Us, or a room.
        to: String,
        #[serde(flatten)]
        body: Body,
    },
    /// Another session of ours has sent it.
    Sent {
        id: Id,
        /// Unix time in milliseconds.
        time: u128,
        to: String,
        #[serde(flatten)]
        body: Body,
    },
    /// A connection is being made.
    #[serde(skip)]
    Connecting {
        to: String,
    },
    /// It stands, and nobody has said for whom it is.
    #[serde(skip)]
    Connected,
    /// A message goes on its way.
    #[serde(skip)]
    Sending {
        number: u64,
        to: String,
    },
    /// A message cannot go on its way. An [`Report::Error`] tells it to everybody else.
    #[serde(skip)]
    NotSending {
        to: String,
        why: String,
    },
    Accepted {
        #[serde(skip)]
        number: u64,
        to: String,
        id: Id,
    },
    Rejected {
        /// Of a message.
        #[serde(skip)]
        number: Option<u64>,
        to: String,
        reason: String,
        /// What was asked for; none for a message.
        #[serde(skip_serializing_if = "Option::is_none")]
        request: Option<&'static str>,
    },
    /// Nobody will ever tell what became of a message: the session that sent it is gone.
    Unanswered {
        #[serde(skip)]
        number: u64,
        to: String,
    },
    /// The recipient's session ended before these were written to it.
    Undelivered {
        to: String,
        ids: Vec<Id>,
    },
    /// The recipient's session ended before it acknowledged these, which were written to it.
    Unconfirmed {
        to: String,
        ids: Vec<Id>,
    },
    Online {
        #[serde(flatten)]
        users: Users,
    },
    Roster {
        room: String,
        #[serde(flatten)]
        users: Users,
    },
    Joined {
        room: String,
        name: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        display_name: Option<String>,
    },
    Left {
        room: String,
        name: String,
        reason: String,
    },
    /// Messages that the server had no room for, because we were too slow.
    Missed {
        room: String,
        count: u64,
        first_id: Id,
        last_id: Id,
    },
    /// Who is in the room is not what was told.
    Stale {
        room: String,
    },
    Presence {
        name: String,
        online: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        display_name: Option<String>,
    },
    Reconnecting {
        reason: String,
        #[serde(skip)]
        detail: String,
        /// Where no connection could be made, and why; none if the one that is lost stood.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
        attempt: u32,
        #[serde(rename = "after_ms", serialize_with = "millis")]
        after: Duration,
    },
    Resumed {
        name: String,
        /// By another process than the one before.
        #[serde(skip)]
        is_restart: bool,
    },
    /// The server was asked for something, and has said nothing for so long.
    Silent {
        #[serde(rename = "for_ms", serialize_with = "millis")]
        after: Duration,
    },
    /// It says something again.
    Heard,
    /// An operator of the server has given us another name.
    Renamed {
        from: String,
        name: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        display_name: Option<String>,
        detail: String,
    },
    SessionLost,
    /// A person wants to leave, and so many messages have no answer.
    #[serde(skip)]
    Leaving {
        answers: usize,
    },
    /// Something came to nothing that no line of input asked for.
    Error {
        reason: String,
        detail: String,
    },
    /// A line of input came to nothing.
    #[serde(rename = "error")]
    InputError {
        reason: String,
        detail: String,
        /// The line, from 1. None if a person typed it.
        #[serde(skip_serializing_if = "Option::is_none")]
        line: Option<u64>,
    },
    Help {
        text: &'static str,
    },
    Closed {
        reason: String,
    },
}

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

    fn shown(&self) -> Vec<String> {
        let names = self.names.iter().map(|name| shown(name, self.display_names.get(name)));
        names.chain(self.more.then(|| "and more".to_owned())).collect()
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

/// What somebody has said: who and where, in signs that no body can put at the start of a line, and the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Speech {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// How much a report says against the program's having done what it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// It was accepted, and is not known to have arrived.
    Unconfirmed,
    /// It came to nothing.
    Rejected,
}

impl Report {
    /// Whether it is for a screen that shows the state of all, and for nobody else.
    pub(crate) const fn is_internal(&self) -> bool {
        matches!(self, Self::Sending { .. } | Self::NotSending { .. } | Self::Connecting { .. } | Self::Connected)
    }

    /// As a program reads it.
    pub(crate) fn json(&self) -> String {
        escape_json(&serde_json::to_string(self).expect("reports are plain structures"))
    }

    /// None if it says nothing against it.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        match self {
            Self::Undelivered { .. } | Self::Unconfirmed { .. } | Self::Unanswered { .. } => Some(Verdict::Unconfirmed),
            // Another error is no answer to anything: a name is waited for, or the session is not kept.
            Self::Rejected { .. } | Self::InputError { .. } => Some(Verdict::Rejected),
            _ => None,
        }
    }

    /// What somebody has said. None if the program speaks: then [`Report::text`] is all of it.
    pub(crate) fn speech(&self) -> Option<Speech> {
        let (head, body) = match self {
            // A name holds no blank, so nothing in it ends the head.
            Self::Message { from, to, body, .. } if to.starts_with('#') => {
                (format!("[{}] <{}>", bracketed(to), bracketed(from)), body)
            }
            Self::Message { from, body, .. } => (format!("<{}>", bracketed(from)), body),
            Self::Sent { to, body, .. } => (format!("[to {}]", bracketed(to)), body),
            _ => return None,
        };
        Some(Speech { head, body: body.bytes() })
    }

    /// What is listed, and all that is in the list.
    pub(crate) fn listing(&self) -> Option<(String, Vec<String>)> {
        match self {
            Self::Online { users } => Some(("online".to_owned(), users.shown())),
            Self::Roster { room, users } => Some((format!("in {}", safe(room)), users.shown())),
            _ => None,
        }
    }

    /// As a person reads it. Whatever it holds comes from others, and is made harmless.
    pub(crate) fn text(&self) -> String {
        if let Some(Speech { head, body }) = self.speech() {
            return format!("{head} {}", escape_body(&body));
        }
        if let Some((what, names)) = self.listing() {
            return format!("{what}: {}", names.join(", "));
        }
        self.words()
    }

    fn words(&self) -> String {
        match self {
            Self::Registered { name, display_name } => {
                format!("you are {}; /help lists the commands", shown(name, display_name.as_ref()))
            }
            // These are told in other ways.
            Self::Message { .. } | Self::Sent { .. } | Self::Online { .. } | Self::Roster { .. } => String::new(),
            Self::Connecting { to } => format!("connecting to {}", safe(to)),
            Self::Connected => "connected".to_owned(),
            Self::Sending { to, .. } => format!("sending to {}", safe(to)),
            Self::NotSending { why, .. } => safe(why),
            Self::Accepted { to, .. } => format!("accepted for {}", safe(to)),
            Self::Rejected { to, reason, request, .. } => rejected(&safe(to), reason, *request),
            Self::Unanswered { to, .. } => {
                format!("nobody knows whether {} gets a message: the session is gone", safe(to))
            }
            Self::Undelivered { to, ids } => {
                format!("not delivered: {} was gone before it could get {}", safe(to), messages(ids))
            }
            Self::Unconfirmed { to, ids } => {
                format!("unconfirmed: {} was gone before it said that it had got {}", safe(to), messages(ids))
            }
            Self::Joined { room, name, display_name } => {
                format!("[{}] {} joined", safe(room), shown(name, display_name.as_ref()))
            }
            Self::Left { room, name, reason } => {
                let how = match reason.as_str() {
                    "left" => "left",
                    "quit" => "quit",
                    "timed_out" => "timed out",
                    "renamed" => "has another name now",
                    other => &format!("is gone ({})", safe(other)),
                };
                format!("[{}] {} {how}", safe(room), safe(name))
            }
            Self::Missed { room, count: 1, .. } => format!("you missed 1 message in {}", safe(room)),
            Self::Missed { room, count, .. } => format!("you missed {count} messages in {}", safe(room)),
            Self::Stale { room } => {
                let room = safe(room);
                format!("the members of {room} have changed: /roster {room} lists them")
            }
            Self::Presence { name, online, display_name } => {
                let state = if *online { "online" } else { "offline" };
                format!("{} is {state}", shown(name, display_name.as_ref()))
            }
            Self::Reconnecting { detail, after, .. } => {
                format!("{}; reconnecting in {:.1} s", safe(detail), after.as_secs_f64())
            }
            // What the process before had sent and had no answer to is not known here.
            Self::Resumed { name, is_restart: true } => {
                format!("resumed: you are still {}, and nothing is lost of what others said", safe(name))
            }
            Self::Resumed { name, .. } => format!("resumed: you are still {}, and nothing is lost", safe(name)),
            Self::Renamed { name, display_name, detail, .. } => {
                let why = if detail.is_empty() { String::new() } else { format!(": {}", safe(detail)) };
                format!("you are now called {}{why}", shown(name, display_name.as_ref()))
            }
            Self::Silent { after } => format!("no answer from the server for {} s", after.as_secs()),
            Self::Heard => "the server answers again".to_owned(),
            Self::Leaving { answers } => leaving(*answers),
            Self::SessionLost => "the server does not know the session any more; registering anew. What was accepted just before may not \
                 have arrived"
                .to_owned(),
            Self::Error { detail, .. } | Self::InputError { detail, .. } => safe(detail),
            Self::Help { text } => (*text).to_owned(),
            Self::Closed { reason } => format!("closed: {}", safe(reason)),
        }
    }
}

pub(crate) fn safe(text: &str) -> String {
    escape(text.as_bytes())
}

/// A name that stands in brackets. One that holds some itself would look like others, and is quoted.
fn bracketed(name: &str) -> String {
    let name = safe(name);
    if name.contains(['<', '>', '[', ']', '"']) { format!("\"{}\"", name.replace('"', "\\\"")) } else { name }
}

fn shown(name: &String, display_name: Option<&String>) -> String {
    safe(display_name.unwrap_or(name))
}

fn messages(ids: &[Id]) -> String {
    if let [_] = ids { "a message".to_owned() } else { format!("{} messages", ids.len()) }
}

fn leaving(answers: usize) -> String {
    let what = match answers {
        0 => "the server's goodbye",
        1 => "1 answer",
        more => &format!("{more} answers"),
    };
    format!("leaving, waiting for {what}: nothing more is sent; Ctrl-C ends at once")
}

fn rejected(to: &str, reason: &str, request: Option<&str>) -> String {
    let why = match reason {
        "no_such_user" => &format!("{to} is not here"),
        "recipient_full" => &format!("{to} has too much unread; try again later"),
        "not_a_member" => &format!("you are not in {to}; /join {to} goes there"),
        "not_sent" => "the connection broke before it could be sent",
        "invalid_name" => &format!("{to} is no name that anything can have"),
        "too_many_rooms" => "you are in as many rooms as the server allows",
        "room_full" => &format!("{to} has as many members as the server allows"),
        "hub_rooms_full" => "the server has as many rooms as it may have",
        "too_many_watches" => "you watch as many users as the server allows",
        other => &safe(other),
    };
    match request {
        None => format!("not delivered: {why}"),
        Some("roster") => format!("cannot list who is there: {why}"),
        // A user that wants to leave does not want to be told how to come in.
        Some("leave") => format!("cannot leave: you are not in {to}"),
        Some(request) => format!("cannot {request}: {why}"),
    }
}

fn millis<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(to: &str, body: &[u8]) -> Report {
        let id = MessageId(u64::MAX);
        let time = id.unix_time().as_millis();
        Report::Message { id: id.into(), time, from: "bob".into(), to: to.into(), body: Body::new(body.to_vec()) }
    }

    #[test]
    fn json_has_its_fields_in_order() {
        assert_eq!(
            message("alice", b"hello").json(),
            r#"{"event":"message","id":"18446744073709551615","time":3934712855551,"from":"bob","to":"alice","body":"hello"}"#
        );
        assert!(message("#lobby", b"\xff\x00").json().ends_with(r##","to":"#lobby","body_base64":"/wA="}"##));
        let rejected = |request| {
            let (to, reason) = ("carol".into(), "no_such_user".into());
            Report::Rejected { number: None, to, reason, request }
        };
        assert_eq!(rejected(None).json(), r#"{"event":"rejected","to":"carol","reason":"no_such_user"}"#);
        assert!(rejected(Some("join")).json().ends_with(r#""reason":"no_such_user","request":"join"}"#));
        let user = |name: &str, display_name: Option<&str>| {
            User::new(name.parse().unwrap()).with_display_name(display_name.map(Into::into))
        };
        let online = |users: Vec<User>| Report::Online { users: Users::of(users, false) };
        assert_eq!(online(vec![user("a", None)]).json(), r#"{"event":"online","names":["a"]}"#);
        let two = online(vec![user("a", None), user("bob", Some("Bob"))]);
        assert_eq!(two.json(), r#"{"event":"online","names":["a","bob"],"display_names":{"bob":"Bob"}}"#);
        assert_eq!(two.text(), "online: a, Bob");
        let cut = Report::Online { users: Users::of(vec![user("a", None)], true) };
        assert_eq!(cut.json(), r#"{"event":"online","names":["a"],"more":true}"#);
        assert_eq!(cut.text(), "online: a, and more");
        assert_eq!(Report::SessionLost.json(), r#"{"event":"session_lost"}"#);
        let (reason, detail, after) = ("timed_out".into(), "nothing was heard".into(), Duration::from_micros(1_500));
        let reconnecting = Report::Reconnecting { reason, detail, error: None, attempt: 1, after };
        assert_eq!(reconnecting.json(), r#"{"event":"reconnecting","reason":"timed_out","attempt":1,"after_ms":1}"#);
        assert_eq!(reconnecting.text(), "nothing was heard; reconnecting in 0.0 s");
        let silent = Report::Silent { after: Duration::from_millis(12_300) };
        assert_eq!(silent.json(), r#"{"event":"silent","for_ms":12300}"#);
        assert_eq!(silent.text(), "no answer from the server for 12 s");
        assert_eq!(Report::Heard.json(), r#"{"event":"heard"}"#);
        let error = |line| Report::InputError { reason: "not_utf8".into(), detail: "x".into(), line };
        assert_eq!(error(None).json(), r#"{"event":"error","reason":"not_utf8","detail":"x"}"#);
        assert_eq!(error(Some(7)).json(), r#"{"event":"error","reason":"not_utf8","detail":"x","line":7}"#);
    }

    #[test]
    fn what_was_missed_is_told_in_numbers() {
        let missed = |count| {
            let [first_id, last_id] = [5, 300].map(|id| MessageId(id).into());
            Report::Missed { room: "#lobby".into(), count, first_id, last_id }
        };
        assert_eq!(
            missed(120).json(),
            r##"{"event":"missed","room":"#lobby","count":120,"first_id":"5","last_id":"300"}"##
        );
        assert_eq!(missed(120).text(), "you missed 120 messages in #lobby");
        assert_eq!(missed(1).text(), "you missed 1 message in #lobby");
        let stale = Report::Stale { room: "#lobby".into() };
        assert_eq!(stale.json(), r##"{"event":"stale","room":"#lobby"}"##);
        assert_eq!(stale.text(), "the members of #lobby have changed: /roster #lobby lists them");
    }

    #[test]
    fn who_is_renamed_is_told_why() {
        let renamed = |display_name: Option<&str>, detail: &str| Report::Renamed {
            from: "alice".into(),
            name: "guest-7".into(),
            display_name: display_name.map(Into::into),
            detail: detail.into(),
        };
        let why = "the name is\x1b[31m somebody's";
        assert_eq!(
            renamed(Some("Guest-7"), why).text(),
            "you are now called Guest-7: the name is\\u{1b}[31m somebody's"
        );
        assert_eq!(renamed(None, "").text(), "you are now called guest-7");
        assert_eq!(
            renamed(None, "why").json(),
            r#"{"event":"renamed","from":"alice","name":"guest-7","detail":"why"}"#
        );
        let left = Report::Left { room: "#lobby".into(), name: "alice".into(), reason: "renamed".into() };
        assert_eq!(left.text(), "[#lobby] alice has another name now");
    }

    #[test]
    fn a_name_with_brackets_cannot_be_mistaken_for_others() {
        let said = |from: &str, to: &str| {
            let (id, body) = (MessageId(1).into(), Body::new(b"hi".into()));
            Report::Message { id, time: 0, from: from.into(), to: to.into(), body }.text()
        };
        assert_eq!(said("x]<bob", "#lobby"), r#"[#lobby] <"x]<bob"> hi"#);
        assert_eq!(said("bob", "#a]<x"), r##"["#a]<x"] <bob> hi"##);
        assert_eq!(said(r#""x>""#, "alice"), r#"<"\"x>\""> hi"#);
        let (id, body) = (MessageId(1).into(), Body::new(b"hi".into()));
        assert_eq!(Report::Sent { id, time: 0, to: "a]".into(), body }.text(), r#"[to "a]"] hi"#);
    }

    #[test]
    fn people_see_bytes_that_are_no_text_escaped() {
        assert_eq!(message("alice", b"ok\xff\x1b[31m").text(), "<bob> ok\\xff\\u{1b}[31m");
        assert_eq!(message("#lobby", b"hello").text(), "[#lobby] <bob> hello");
    }
}
