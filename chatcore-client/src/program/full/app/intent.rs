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
    /// It is looked for in what was said here.
    LookFor,
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
        if self.looks {
            return Intent::LookFor;
        }
        match command::parse(text) {
            Ok(None) => Intent::Nothing { to: self.open.clone() },
            Ok(Some(Command::Say(body))) => self.saying(text, body),
            Ok(Some(Command::Send { to, body })) => Intent::Send { to, body: without_end(body) },
            Ok(Some(command)) => Intent::Command(command),
            // A recipient alone, as Tab puts it there, says nothing.
            Err(ParseError::NoText(name)) => self.opening(name.strip_prefix('@').map(str::to_owned).unwrap_or(name)),
            Err(error) => Intent::Fault(error),
        }
    }

    /// A recipient without a text.
    fn opening(&self, name: String) -> Intent {
        if name.starts_with('#') && !self.conversations.contains_key(&name) {
            return Intent::Fault(ParseError::NoText(name));
        }
        Intent::Open(name)
    }

    /// A text that names no recipient.
    fn saying(&self, text: &str, body: String) -> Intent {
        let to = self.open.clone();
        match self.draft().begun_for() {
            // A line that was begun as private never becomes public, nor another's, because its beginning was damaged.
            // Who wants that says so with a sign, or cuts the text and puts it into an empty line.
            Some(user) if mapped(user.to_owned()) != to && !has_doubled_sign(text) => {
                Intent::Withheld { begun_for: user.to_owned() }
            }
            _ if to == PROGRAM => Intent::NoRecipient,
            _ => Intent::Send { to, body: without_end(body) },
        }
    }
}

/// A text without the line ends after its last line, which whoever pastes lines has put in without wanting an empty
/// one.
fn without_end(mut body: String) -> String {
    body.truncate(body.trim_end_matches(['\r', '\n']).len());
    body
}
