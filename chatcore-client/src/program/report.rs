//! What happened, as people and as programs read it.

mod amounts;
#[cfg(test)]
mod tests;
mod values;
mod words;

use std::time::Duration;

use serde::{Serialize, Serializer};

pub(crate) use self::amounts::{Count, LISTED_NAMES_MAX, amount, more_bytes, more_names};
pub(crate) use self::values::{Body, Id, Named, Users};
pub(crate) use self::words::{Speech, safe};
use crate::program::escape::escape_json;

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
        from: Named,
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
    /// How far the connection is that a person waits for.
    #[serde(skip)]
    Link {
        to: String,
        state: LinkState,
        /// It has been so for a while.
        is_long: bool,
    },
    /// A name is waited for, as was told before, and now it is not as long.
    #[serde(skip)]
    AskingAgain {
        detail: String,
    },
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
    /// We are in the room, as before: nobody has seen us come.
    #[serde(rename = "joined")]
    StillIn {
        room: String,
        name: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        display_name: Option<String>,
    },
    Left {
        room: String,
        name: Named,
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
        #[serde(skip_serializing_if = "Option::is_none")]
        display_name: Option<String>,
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
        text: String,
    },
    Closed {
        reason: String,
    },
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkState {
    /// It is being made.
    Connecting,
    /// It stands, and the server has not answered what it was asked for.
    Unanswered,
    /// There is nothing to wait for.
    Settled,
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
        matches!(
            self,
            Self::Sending { .. }
                | Self::NotSending { .. }
                | Self::Link { is_long: false, .. }
                | Self::AskingAgain { .. }
        )
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
}

fn millis<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
