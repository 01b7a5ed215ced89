//! What the full screen shows, and what keys and reports do to it. It touches no terminal.

mod pressing;
mod reports;
mod rooms;
mod scrolling;
mod searching;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};

use ratatui::layout::Rect;
use tui_input::Input as Line;

use self::rooms::Rosters;
pub(super) use self::searching::Search;
use super::clock::Clock;
use super::colours::Colours;
use super::conversation::{Conversation, Place};
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
    /// What is looked for in the conversation that is open.
    pub(super) search: Option<Search>,
    /// Who is online, of those of whom the server tells it.
    pub(super) presence: BTreeMap<String, bool>,
    pub(super) clock: Clock,
    pub(super) colours: Colours,
    /// Somebody looks at the terminal, as far as it tells.
    has_focus: bool,
    wanted: VecDeque<Input>,
    rosters: Rosters,
    now_ms: u64,
    /// Times that a conversation was used.
    uses: u64,
    /// Bytes that came since it was checked whether all conversations together keep too many.
    unchecked_bytes: usize,
    /// Where the last picture has what, for whoever scrolls or clicks.
    pub(super) drawn: Drawn,
}

/// Where a picture has what. Drawing sets it, which changes nothing else.
#[derive(Default)]
pub(super) struct Drawn {
    pub(super) list: Cell<Rect>,
    /// The first conversation in the list, from 0.
    pub(super) list_first: Cell<usize>,
    pub(super) messages: Cell<Rect>,
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
            search: None,
            presence: BTreeMap::new(),
            clock: Clock::utc(),
            colours: Colours::None,
            has_focus: true,
            wanted: VecDeque::new(),
            rosters: Rosters::default(),
            now_ms: 0,
            uses: 0,
            unchecked_bytes: 0,
            drawn: Drawn::default(),
        }
    }

    pub(crate) fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    pub(crate) fn with_colours(self, colours: Colours) -> Self {
        Self { colours, ..self }
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
        self.wanted.pop_front().or_else(|| self.next_roster())
    }

    /// Shows a conversation, with the line that was begun in it.
    pub(super) fn open(&mut self, name: &str) {
        let has_line = matches!(self.ask, Some(Ask::Command { .. }));
        let is_other = *name != self.open;
        if let Some(conversation) = self.conversations.get_mut(&self.open) {
            if has_line {
                conversation.draft = self.line.value_and_reset();
            }
            if is_other {
                conversation.stop_reading();
            }
        }
        self.search.take_if(|_| is_other);
        let conversation = self.conversation(name);
        if is_other {
            // The newest is seen first, and the marker tells where somebody stopped reading.
            conversation.place = Place::End;
        }
        conversation.read();
        let draft = std::mem::take(&mut conversation.draft);
        self.line = Line::new(draft);
        name.clone_into(&mut self.open);
        self.want_roster(name);
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
