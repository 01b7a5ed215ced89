//! Reports in words, as a person reads them. Whatever they hold comes from others, and is made harmless.

use super::amounts::{LISTED_NAMES_MAX, more_names};
use super::{Id, LinkState, Report, Users};
use crate::program::escape::{escape, escape_body};

/// What somebody has said: who and where, in signs that no body can put at the start of a line, and the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Speech {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Report {
    /// What somebody has said. None if the program speaks: then [`Report::text`] is all of it.
    pub(crate) fn speech(&self) -> Option<Speech> {
        let (head, body) = match self {
            // A name holds no blank, so nothing in it ends the head.
            Self::Message { from, to, body, .. } if to.starts_with('#') => {
                (format!("[{}] <{}>", bracketed(to), bracketed(from.spelled())), body)
            }
            Self::Message { from, body, .. } => (format!("<{}>", bracketed(from.spelled())), body),
            Self::Sent { to, body, .. } => (format!("[to {}]", bracketed(to)), body),
            _ => return None,
        };
        Some(Speech { head, body: body.bytes() })
    }

    /// What is listed, and all that is in the list.
    pub(crate) fn listing(&self) -> Option<(String, Vec<String>)> {
        self.listed(usize::MAX)
    }

    /// The same with so many names, and how many others there are.
    fn listed(&self, names_max: usize) -> Option<(String, Vec<String>)> {
        match self {
            Self::Online { users } => Some(("online".to_owned(), shown_users(users, names_max))),
            Self::Roster { room, users } => Some((format!("in {}", safe(room)), shown_users(users, names_max))),
            _ => None,
        }
    }

    /// As a person reads it. Whatever it holds comes from others, and is made harmless.
    pub(crate) fn text(&self) -> String {
        if let Some(Speech { head, body }) = self.speech() {
            return format!("{head} {}", escape_body(&body));
        }
        if let Some((what, names)) = self.listed(LISTED_NAMES_MAX) {
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
            Self::Link { to, state: LinkState::Connecting, .. } => format!("connecting to {}", safe(to)),
            Self::Link { to, state: LinkState::Unanswered, .. } => {
                format!("connected to {}, no answer yet", safe(to))
            }
            Self::Link { to, state: LinkState::Settled, .. } => format!("connected to {}", safe(to)),
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
            Self::StillIn { room, .. } => format!("[{}] you are still in this room", safe(room)),
            Self::Left { room, name, reason } => {
                let how = match reason.as_str() {
                    "left" => "left",
                    "quit" => "quit",
                    "timed_out" => "timed out",
                    "renamed" => "has another name now",
                    other => &format!("is gone ({})", safe(other)),
                };
                format!("[{}] {} {how}", safe(room), safe(name.spelled()))
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
            Self::Resumed { name, display_name, is_restart } => {
                let of_what = if *is_restart { " of what others said" } else { "" };
                format!("resumed: you are still {}, and nothing is lost{of_what}", shown(name, display_name.as_ref()))
            }
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
            Self::InputError { detail, line: Some(line), .. } => format!("line {line}: {}", safe(detail)),
            Self::Error { detail, .. } | Self::InputError { detail, .. } | Self::AskingAgain { detail } => safe(detail),
            Self::Help { text } => text.clone(),
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

fn shown_users(users: &Users, names_max: usize) -> Vec<String> {
    let hidden = users.count().beside(names_max);
    let names = users.spelled().take(names_max).map(safe);
    names.chain((!hidden.is_none()).then(|| more_names(hidden))).collect()
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
        "not_sent" => "the session ended before it could be sent",
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
