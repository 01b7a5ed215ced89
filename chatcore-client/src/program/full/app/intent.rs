//! What Enter would do. The prompt shows it, and Enter does it: one function says it for both.

use super::{App, PROGRAM};
use crate::program::command::{self, Command, ParseError};
use crate::program::full::composer::has_doubled_sign;
use crate::program::requests::mapped;

/// What becomes of a line if it is entered as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::program::full) enum Intent {
    /// There is nothing to say. What is typed goes there, if that is somebody.
    Nothing {
        to: String,
    },
    /// This is said to a user or in a room.
    Send {
        to: String,
        body: String,
    },
    Command(Command),
    /// The conversation is opened: a recipient is named, and no text.
    Open(String),
    /// It names no recipient, and none is open.
    NoRecipient,
    /// It was begun for one user alone, and would go to somebody else, whom nothing in it names.
    Withheld {
        begun_for: String,
    },
    /// It is none of these.
    Fault(ParseError),
}

impl App {
    /// What Enter does now.
    pub(in crate::program::full) fn intent(&self) -> Intent {
        let text = self.draft().text();
        match command::parse(text) {
            Ok(None) => Intent::Nothing { to: self.open.clone() },
            Ok(Some(Command::Say(body))) => self.saying(text, body),
            Ok(Some(Command::Send { to, body })) => Intent::Send { to, body },
            Ok(Some(command)) => Intent::Command(command),
            Err(ParseError::NoText(name)) => match name.strip_prefix('@') {
                Some(user) => Intent::Open(user.to_owned()),
                None if self.conversations.contains_key(&name) => Intent::Open(name),
                None => Intent::Fault(ParseError::NoText(name)),
            },
            Err(error) => Intent::Fault(error),
        }
    }

    /// A text that names no recipient.
    fn saying(&self, text: &str, body: String) -> Intent {
        let to = self.open.clone();
        match self.draft().begun_for() {
            // A line that was begun as private never becomes public, nor another's, because its beginning was damaged. Who
            // wants that says so with a sign, or cuts the text and puts it into an empty line.
            Some(user) if mapped(user.to_owned()) != to && !has_doubled_sign(text) => {
                Intent::Withheld { begun_for: user.to_owned() }
            }
            _ if to == PROGRAM => Intent::NoRecipient,
            _ => Intent::Send { to, body },
        }
    }
}
