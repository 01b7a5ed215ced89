//! What the full screen shows, and what keys and reports do to it. It touches no terminal.

mod pressing;
mod reports;

use std::collections::{BTreeMap, VecDeque};

use tui_input::Input as Line;

use super::conversation::Conversation;
use crate::program::command::{self, Command};
use crate::program::console::{Ask, Input};

/// The name of the conversation that holds what the program tells.
pub(super) const PROGRAM: &str = "";

/// The state of the screen.
pub(crate) struct App {
    /// By user or room; [`PROGRAM`] is first.
    pub(super) conversations: BTreeMap<String, Conversation>,
    /// The one that is shown.
    pub(super) open: String,
    pub(super) line: Line,
    pub(super) ask: Option<Ask>,
    pub(super) own_name: Option<String>,
    /// The state of the connection, if it is not well.
    pub(super) trouble: Option<String>,
    /// What was wrong with the last key or line.
    pub(super) hint: Option<String>,
    wanted: VecDeque<Input>,
    now_ms: u64,
}

/// To whom a line goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Recipient {
    Nobody,
    Program,
    User(String),
    Room(String),
}

impl App {
    pub(crate) fn new() -> Self {
        Self {
            conversations: [(PROGRAM.to_owned(), Conversation::default())].into(),
            open: PROGRAM.to_owned(),
            line: Line::default(),
            ask: None,
            own_name: None,
            trouble: None,
            hint: None,
            wanted: VecDeque::new(),
            now_ms: 0,
        }
    }

    /// Tells the time, in milliseconds since 1970.
    pub(crate) fn set_time(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
    }

    /// Asks whoever sits there for something.
    pub(crate) fn ask(&mut self, ask: Ask) {
        if self.ask.as_ref() == Some(&ask) {
            return;
        }
        if let Ask::Command { room: Some(room) } = &ask
            && self.open == PROGRAM
        {
            self.open(&room.clone());
        }
        // A name or a password is no message.
        if !matches!((&self.ask, &ask), (Some(Ask::Command { .. }), Ask::Command { .. })) {
            self.line.reset();
        }
        self.ask = Some(ask);
    }

    /// The next thing that somebody wants done.
    pub(crate) fn poll(&mut self) -> Option<Input> {
        self.wanted.pop_front()
    }

    /// Shows a conversation, with the line that was begun in it.
    pub(super) fn open(&mut self, name: &str) {
        if matches!(self.ask, Some(Ask::Command { .. }))
            && let Some(conversation) = self.conversations.get_mut(&self.open)
        {
            conversation.draft = self.line.value_and_reset();
        }
        let conversation = self.conversations.entry(name.to_owned()).or_default();
        conversation.unread = 0;
        self.line = Line::new(std::mem::take(&mut conversation.draft));
        name.clone_into(&mut self.open);
    }

    /// To whom the line goes as it is now.
    pub(super) fn recipient(&self) -> Recipient {
        match command::parse(self.line.value()) {
            Ok(Some(Command::Send { to, .. })) => Recipient::of(&to),
            Ok(Some(Command::Say(_)) | None) => Recipient::of(&self.open),
            Ok(Some(_)) => Recipient::Program,
            Err(_) => Recipient::Nobody,
        }
    }
}

impl Recipient {
    fn of(name: &str) -> Self {
        if name == PROGRAM {
            Self::Nobody
        } else if name.starts_with('#') {
            Self::Room(name.to_owned())
        } else {
            Self::User(name.to_owned())
        }
    }
}
