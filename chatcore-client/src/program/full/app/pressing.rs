//! What keys do.

use super::editing::editing;
use super::{App, Intent, PROGRAM, Wish};
use crate::program::command::Command;
use crate::program::full::background::Background;
use crate::program::full::help::Help;
use crate::program::full::keymap::Action;
use crate::program::full::keys::{Key, PASTE_BYTES_MAX};
use crate::program::input::Input;
use crate::program::requests::mapped;

/// Inputs that the program has not taken, at the most.
const WANTED_MAX: usize = 100;

/// Rows of one turn of the mouse's wheel.
const WHEEL_ROWS: isize = 3;

impl App {
    /// Does what a key is for.
    pub(crate) fn press(&mut self, key: &Key) {
        match key {
            Key::FocusLost => return self.look_away(),
            Key::FocusGained => return self.look_back(),
            Key::Background(colour) => return self.screen.theme.tell(Background::of_colour(*colour)),
            _ => (self.hint, self.news) = (None, None),
        }
        let action = self.screen.keys.action(key);
        // What comes behind the key that leaves is no line any more, also if it was read together with it.
        if self.is_about_to_end() && action != Some(Action::Quit) {
            return;
        }
        if self.press_help(key) {
            return;
        }
        if let Some(action) = action
            && self.act_anywhere(action)
        {
            return;
        }
        if !self.types_line() {
            return self.press_field(key);
        }
        if !matches!(action, Some(Action::Complete | Action::CompleteBack)) {
            self.completion = None;
        }
        match (action, key) {
            (Some(Action::OpenNumbered), key) => self.open_numbered(key),
            (Some(action), _) => self.act(action),
            (None, Key::Char('?')) if self.draft().is_empty() && !self.looks => self.help = Some(Help::default()),
            (None, Key::Char(c)) => self.insert(c.encode_utf8(&mut [0; 4])),
            (None, Key::Paste(text)) => self.insert(text),
            (None, Key::Click { column, row }) => {
                // The list may be another one by now.
                if let Some(name) = self.conversation_at(*column, *row) {
                    self.open_unseen(&name);
                }
            }
            (None, Key::ScrollUp { .. }) => self.scroll(WHEEL_ROWS),
            (None, Key::ScrollDown { .. }) => self.scroll(-WHEEL_ROWS),
            (None, Key::PasteTooLong) => {
                self.hint = Some(format!("not put in: it has more than {} MB", PASTE_BYTES_MAX >> 20));
            }
            _ => {}
        }
    }

    /// Takes text that was typed at once. Its end costs no more than one key.
    pub(crate) fn type_text(&mut self, text: &str) {
        if self.is_about_to_end() {
            return;
        }
        let mut chars = text.chars();
        // What the first characters do, depends on what is shown.
        while !self.types_line() || self.help.is_some() || self.draft().is_empty() {
            let Some(c) = chars.next() else { return };
            self.press(&Key::Char(c));
        }
        if !chars.as_str().is_empty() {
            (self.hint, self.completion) = (None, None);
            self.insert(chars.as_str());
        }
    }

    /// True if the key was for the list of keys. What types something closes it, and is typed: nobody loses an `@` by
    /// it.
    fn press_help(&mut self, key: &Key) -> bool {
        let Some(mut help) = self.help.take() else { return false };
        if help.press(key) {
            self.help = Some(help);
            return true;
        }
        if *key == Key::Char('?') && self.types_line() {
            self.insert("?");
            return true;
        }
        // Nobody sees what a click would open.
        matches!(key, Key::Esc | Key::Function(_) | Key::Enter | Key::Click { .. })
    }

    /// True if the action is one that is the same whatever is typed.
    fn act_anywhere(&mut self, action: Action) -> bool {
        let wish = match action {
            Action::Redraw => Wish::Redraw,
            Action::Suspend => Wish::Suspend,
            Action::Mouse => {
                self.screen.mouse = !self.screen.mouse;
                let whose = if self.screen.mouse { "the mouse is ours" } else { "the mouse is the terminal's" };
                self.hint = Some(format!("{whose}; the same key changes it"));
                Wish::Mouse(self.screen.mouse)
            }
            Action::Help => {
                self.help = Some(Help::default());
                return true;
            }
            Action::Reconnect => {
                if self.wanted.len() < WANTED_MAX {
                    self.wanted.push_back(Input::Command(Command::Reconnect));
                }
                return true;
            }
            Action::Quit => {
                self.want_end();
                return true;
            }
            _ => return false,
        };
        self.wishes.push_back(wish);
        true
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Send => self.enter(),
            Action::NewLine => self.insert("\n"),
            Action::Complete => self.complete(true),
            Action::CompleteBack => self.complete(false),
            Action::Earlier => self.recall(true),
            Action::Later => self.recall(false),
            Action::Undo => self.draft_mut().undo(),
            Action::NextConversation => self.step(true),
            Action::PreviousConversation => self.step(false),
            Action::NextUnread => self.open_unread(),
            Action::Close => self.close(),
            Action::PageUp => self.page_back(),
            Action::PageDown => self.page_forth(),
            Action::ScrollToStart => self.scroll_to_start(),
            Action::ScrollToEnd => self.scroll_to_end(),
            Action::Unfold => self.unfold(),
            // What is typed is looked for; then the key goes from one hit to the next.
            Action::Search if self.search.is_some() => drop(self.search_on(true)),
            Action::Search => self.search_typed(),
            Action::SearchBack => drop(self.search_on(false)),
            Action::Cancel => {
                self.stop_looking();
                self.search("");
            }
            Action::DeleteOrQuit if self.draft().is_empty() && self.looks => self.stop_looking(),
            Action::DeleteOrQuit if self.draft().is_empty() => self.want_end(),
            action => {
                if let Some(request) = editing(action) {
                    self.draft_mut().edit(request);
                }
            }
        }
    }

    /// Does what the prompt says.
    fn enter(&mut self) {
        // Nothing is sent while nobody sees to whom.
        if self.drawn.is_too_small.get() || self.open_field() {
            return;
        }
        if self.wanted.len() >= WANTED_MAX {
            self.hint = Some("the server has not taken what you said before; try again".to_owned());
            return;
        }
        match self.intent() {
            Intent::Nothing { .. } => drop(self.draft_mut().take()),
            Intent::LookFor if self.draft().text().trim().is_empty() => self.stop_looking(),
            Intent::LookFor => self.search_typed(),
            Intent::Send { .. } if self.drawn.hides_recipient.get() => {
                self.hint = Some("not sent: the window is too small to show who would read it".to_owned());
            }
            Intent::Send { .. } if !self.shows(&self.reader()) => {
                self.hint = Some("not sent: you have not seen yet who would read it; Enter again sends it".to_owned());
            }
            Intent::Send { to, body } => self.send(to, body),
            // What names no room means the one that is open.
            Intent::Command(Command::Leave(None) | Command::Roster(None)) if self.has_chosen_unseen() => {
                self.hint = Some("not done: you have not seen yet what is open; Enter again does it".to_owned());
            }
            Intent::Command(command) => self.command(command),
            Intent::Open(name) => {
                self.draft_mut().take();
                self.open(&mapped(name));
            }
            Intent::NoRecipient => {
                self.hint =
                    Some("to whom? /join #lobby goes into that room; @name:text sends text to a user".to_owned());
            }
            Intent::Withheld { begun_for } => {
                self.hint = Some(format!(
                    "not sent: this was begun for {begun_for} alone; begin it with @{begun_for}: again, or cut it (Ctrl-U)"
                ));
            }
            Intent::Fault(error) => self.hint = Some(error.to_string()),
        }
    }

    fn send(&mut self, to: String, body: String) {
        if let Some(bytes_max) = self.body_bytes_max.filter(|max| body.len() > *max) {
            self.hint = Some(format!("{} bytes are too long: {bytes_max} at most", body.len()));
            return;
        }
        self.entered();
        let place = self.say(&to, body.clone());
        // Who names a user in a room goes on with that user: a slip after it is read by one. Nothing else changes who
        // reads what is typed next.
        if self.open == PROGRAM || self.open.starts_with('#') && !place.starts_with('#') {
            self.open(&place);
        } else if place != self.open {
            self.hint = Some(format!("said to {place}"));
        }
        self.wanted.push_back(Input::Command(Command::Send { to, body }));
    }

    fn command(&mut self, command: Command) {
        self.entered();
        match &command {
            Command::Join(room) => self.open(&mapped(room.clone())),
            Command::Leave(None) | Command::Roster(None) if self.open.starts_with('#') => {
                let room = Some(self.open.clone());
                let named =
                    if matches!(command, Command::Leave(_)) { Command::Leave(room) } else { Command::Roster(room) };
                self.wanted.push_back(Input::Command(named));
                return;
            }
            Command::Leave(None) | Command::Roster(None) => {
                let word = if matches!(command, Command::Leave(_)) { "leave" } else { "roster" };
                self.hint = Some(format!("which room? no room is open here: /{word} #room names one"));
                return;
            }
            Command::Watch(names) => self.watched.extend(names.iter().cloned().map(mapped)),
            // Nobody tells any more whether they are there.
            Command::Unwatch(names) => {
                for name in names {
                    self.presence.remove(&mapped(name.clone()));
                }
            }
            _ => {}
        }
        self.wanted.push_back(Input::Command(command));
    }

    /// The line is done with, and can be recalled.
    fn entered(&mut self) {
        let text = self.draft_mut().take();
        let place = self.open.clone();
        self.history.push(&place, &text);
    }
}
