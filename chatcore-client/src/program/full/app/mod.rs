//! What the full screen shows, and what keys and reports do to it. It touches no terminal.

mod asking;
mod editing;
mod forgetting;
mod intent;
mod keeping;
mod pressing;
mod reports;
mod rooms;
mod scrolling;
mod searching;
mod seen;
mod switching;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "fuzzing"))]
mod trial;
#[cfg(test)]
mod typing_tests;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ratatui::layout::Rect;

pub(super) use self::intent::Intent;
use self::rooms::Rosters;
pub(super) use self::searching::Search;
#[cfg(test)]
pub(super) use self::seen::tests::{enter_seen, see};
pub(super) use self::seen::{Pictured, Seen};
#[cfg(any(test, feature = "fuzzing"))]
pub use self::trial::Trial;
use super::clock::Clock;
use super::colours::Colours;
use super::completion::{Completion, Known};
use super::conversation::{Conversation, Place};
use super::field::Field;
use super::help::Help;
use super::history::History;
use super::mention::Spellings;
use super::settings::Screen;
use crate::program::command::Command;
use crate::program::input::Input;
use crate::program::report::Id;

/// The name of the conversation that holds what the program tells.
pub(super) const PROGRAM: &str = "";

/// News covers where we are and what is unread for so long, in milliseconds, if no key ends it.
const NEWS_MS: u64 = 10_000;

/// The state of the screen.
pub(crate) struct App {
    /// By user or room; [`PROGRAM`] is first.
    pub(super) conversations: BTreeMap<String, Conversation>,
    /// The one that is shown.
    pub(super) open: String,
    /// A name or a password that is asked for.
    pub(super) field: Option<Field>,
    /// What is typed is for somebody, or a command.
    takes_commands: bool,
    /// Keys and pastes that brought text, and were thrown away, while there was nothing that they could be for.
    keys_thrown_away: usize,
    completion: Option<Completion>,
    history: History,
    known: Known,
    pub(super) help: Option<Help>,
    pub(super) screen: Screen,
    /// Bytes of a message that the server takes; none until it has said so.
    body_bytes_max: Option<usize>,
    pub(super) own_name: Option<String>,
    /// How we spell it, if that is not the same.
    own_spelling: Option<String>,
    /// The state of the connection, if it is not well.
    pub(super) trouble: Option<Trouble>,
    /// The last message that was read by the end of the run before this one, of each conversation.
    marks: BTreeMap<String, Id>,
    /// The bytes of a paste that is not over: until then keys do nothing.
    pub(super) pasted_bytes: Option<usize>,
    /// What was wrong with the last key or line.
    pub(super) hint: Option<String>,
    /// What happened lately that matters wherever somebody looks, and until when it is shown.
    news: Option<(String, u64)>,
    /// What is typed is looked for, and said to nobody.
    looks: bool,
    /// What is looked for in the conversation that is open.
    pub(super) search: Option<Search>,
    /// Who is online, of those of whom the server tells it.
    pub(super) presence: BTreeMap<String, bool>,
    /// Users about whom somebody asked, and whose state is not told yet.
    watched: BTreeSet<String>,
    pub(super) clock: Clock,
    pub(super) colours: Colours,
    /// Somebody looks at the terminal, as far as it tells.
    has_focus: bool,
    wanted: VecDeque<Input>,
    rosters: Rosters,
    end: End,
    /// What the terminal is to do.
    wishes: VecDeque<Wish>,
    now_ms: u64,
    /// Times that a conversation was used.
    uses: u64,
    /// How many spellings of our name are still looked for in this turn.
    spellings: Spellings,
    /// How often what was said has changed.
    said: u64,
    /// Bytes that came since it was checked whether all conversations together keep too many.
    unchecked_bytes: usize,
    /// Where the last picture has what, for whoever scrolls or clicks.
    pub(super) drawn: Drawn,
}

/// What is not well with the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) what: String,
    /// Why, if that is known. It may be long.
    pub(super) why: Option<String>,
}

/// Where a picture has what. Drawing sets it, which changes nothing else.
#[derive(Default)]
pub(super) struct Drawn {
    pub(super) list: Cell<Rect>,
    /// The conversation that each row of the list has, or goes on with.
    pub(super) list_rows: RefCell<Vec<String>>,
    /// The first conversation in the list, from 0.
    pub(super) list_first: Cell<usize>,
    pub(super) messages: Cell<Rect>,
    pub(super) prompt: Cell<Rect>,
    /// There was no room for the prompt.
    pub(super) is_too_small: Cell<bool>,
    /// There was room for a part alone of who reads what is typed.
    pub(super) hides_recipient: Cell<bool>,
    /// Who gets the line, by what the terminal shows.
    pub(super) seen: RefCell<Seen>,
}

/// Whether somebody wants to leave, which is told once, and how that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    No,
    Wanted,
    Told,
    /// It is being done, and no line is taken any more.
    Begun,
    /// It is to be done whatever is waited for.
    AtOnce,
}

/// What the terminal is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Draw all anew.
    Redraw,
    /// Leave the screen to the shell for a while.
    Suspend,
    /// Send the mouse's clicks, or keep them.
    Mouse(bool),
}

impl App {
    pub(crate) fn new() -> Self {
        Self {
            conversations: [(PROGRAM.to_owned(), Conversation::default())].into(),
            open: PROGRAM.to_owned(),
            field: None,
            takes_commands: false,
            keys_thrown_away: 0,
            completion: None,
            history: History::default(),
            known: Known::default(),
            help: None,
            screen: Screen::default(),
            body_bytes_max: None,
            own_name: None,
            own_spelling: None,
            trouble: None,
            marks: BTreeMap::new(),
            pasted_bytes: None,
            hint: None,
            news: None,
            looks: false,
            search: None,
            presence: BTreeMap::new(),
            watched: BTreeSet::new(),
            clock: Clock::utc(),
            colours: Colours::None,
            has_focus: true,
            wanted: VecDeque::new(),
            rosters: Rosters::default(),
            end: End::No,
            wishes: VecDeque::new(),
            now_ms: 0,
            uses: 0,
            spellings: Spellings::default(),
            said: 0,
            unchecked_bytes: 0,
            drawn: Drawn::default(),
        }
    }

    pub(crate) fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Begins another turn of the program, at this time in milliseconds since 1970.
    pub(crate) fn begin_turn(&mut self, now_ms: u64) {
        self.set_time(now_ms);
        self.spellings = Spellings::default();
    }

    /// Tells the time, in milliseconds since 1970.
    pub(crate) const fn set_time(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
    }

    pub(crate) fn with_colours(self, colours: Colours) -> Self {
        Self { colours, ..self }
    }

    /// Keys, looks and notices as a file says.
    pub(crate) fn with_screen(self, screen: Screen) -> Self {
        Self { screen, ..self }
    }

    /// Tells of a paste that goes on. True if that is news.
    pub(crate) fn set_pasted_bytes(&mut self, bytes: Option<usize>) -> bool {
        std::mem::replace(&mut self.pasted_bytes, bytes) != bytes
    }

    /// What happened lately, as long as it is news.
    pub(super) fn news(&self) -> Option<&str> {
        self.news.as_ref().filter(|(_, until_ms)| self.now_ms < *until_ms).map(|(text, _)| text.as_str())
    }

    /// Whether the last message that was told names us.
    pub(crate) const fn was_mention(&self) -> bool {
        self.spellings.has_found()
    }

    pub(crate) fn own_name(&self) -> Option<&str> {
        self.own_name.as_deref()
    }

    /// A user's name as it is shown: our own as we spell it.
    pub(super) fn shown_name<'a>(&'a self, name: &'a str) -> &'a str {
        let spelling = self.own_spelling.as_deref().filter(|_| self.own_name() == Some(name));
        spelling.unwrap_or(name)
    }

    /// Clicks and the wheel are ours, and not the terminal's.
    pub(crate) const fn has_mouse(&self) -> bool {
        self.screen.mouse
    }

    /// The next thing that somebody wants done.
    pub(crate) fn poll(&mut self) -> Option<Input> {
        if let Some(input) = self.wanted.pop_front().or_else(|| self.next_roster()) {
            return Some(input);
        }
        if self.end != End::Wanted {
            return None;
        }
        self.end = End::Told;
        Some(Input::End)
    }

    /// The next thing that is to be done whatever was wanted before it.
    pub(crate) fn poll_urgent(&mut self) -> Option<Command> {
        let is_urgent = |input: &Input| matches!(input, Input::Command(command) if command.is_urgent());
        let nth = self.wanted.iter().position(is_urgent)?;
        match self.wanted.remove(nth)? {
            Input::Command(command) => Some(command),
            _ => None,
        }
    }

    /// Somebody wants to leave. What was wanted before may still be there.
    pub(crate) const fn has_ended(&self) -> bool {
        !matches!(self.end, End::No)
    }

    /// Somebody wants to leave, and that is still to be done.
    const fn is_about_to_end(&self) -> bool {
        matches!(self.end, End::Wanted | End::Told)
    }

    /// Somebody wants to leave; and if that is known, at once.
    pub(in crate::program::full) fn want_end(&mut self) {
        self.end = match self.end {
            End::No => End::Wanted,
            End::Told | End::Begun => End::AtOnce,
            end => end,
        };
    }

    /// The program is about to end: no line is taken any more, and what is typed stays.
    pub(crate) fn leave(&mut self) {
        (self.takes_commands, self.field, self.help, self.completion) = (false, None, None, None);
        if self.end != End::AtOnce {
            self.end = End::Begun;
        }
    }

    /// Whether somebody wants to leave whatever is waited for.
    pub(crate) const fn leaves_at_once(&self) -> bool {
        matches!(self.end, End::AtOnce)
    }

    /// The next thing that the terminal is to do.
    pub(crate) fn poll_wish(&mut self) -> Option<Wish> {
        self.wishes.pop_front()
    }

    /// Shows a conversation, with what was begun in it.
    pub(super) fn open(&mut self, name: &str) {
        self.completion = None;
        let is_other = *name != self.open;
        if let Some(conversation) = self.conversations.get_mut(&self.open).filter(|_| is_other) {
            conversation.stop_reading();
        }
        self.search.take_if(|_| is_other);
        if is_other {
            self.stop_looking();
        }
        let conversation = self.conversation(name);
        if is_other {
            // The newest is seen first, and the marker tells where somebody stopped reading.
            conversation.place = Place::End;
        }
        (conversation.is_closed, conversation.is_being_left) = (false, false);
        conversation.read();
        name.clone_into(&mut self.open);
        self.drawn.seen.get_mut().is_chosen_unseen = false;
        self.want_roster(name);
    }
}
