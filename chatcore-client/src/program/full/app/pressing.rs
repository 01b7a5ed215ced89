//! What keys do.

use tui_input::{Input as Line, InputRequest};
use zeroize::Zeroizing;

use super::{App, PROGRAM};
use crate::program::command::{self, Command};
use crate::program::console::{Ask, Input};
use crate::program::full::keys::Key;
use crate::program::requests::mapped;

/// Inputs that the program has not taken, at the most.
const WANTED_MAX: usize = 100;

/// Rows of one turn of the mouse's wheel.
const WHEEL_ROWS: isize = 3;

impl App {
    /// Does what a key is for.
    pub(crate) fn press(&mut self, key: Key) {
        self.hint = None;
        match key {
            Key::Ctrl('c' | 'd') => self.wanted.push_back(Input::End),
            Key::Enter => self.enter(),
            Key::NewLine => self.insert("\n"),
            Key::Char(c) => self.insert(c.encode_utf8(&mut [0; 4])),
            Key::Paste(text) => self.insert(&text),
            Key::Alt('n') | Key::Ctrl('n') | Key::Next => self.step(true),
            Key::Alt('p') | Key::Ctrl('p') | Key::Previous => self.step(false),
            Key::Click { column, row } => {
                if let Some(name) = self.conversation_at(column, row) {
                    self.open(&name);
                }
            }
            Key::FocusLost => self.look_away(),
            Key::FocusGained => self.look_back(),
            key if self.scroll_by(&key) => {}
            key => {
                if let Some(request) = editing(&key) {
                    self.line.handle(request);
                }
            }
        }
    }

    /// Moves through what was said. False if the key is for something else.
    fn scroll_by(&mut self, key: &Key) -> bool {
        match key {
            Key::PageUp => self.page_back(),
            Key::PageDown => self.page_forth(),
            Key::ScrollUp { .. } => self.scroll(WHEEL_ROWS),
            Key::ScrollDown { .. } => self.scroll(-WHEEL_ROWS),
            Key::Alt('<') => self.scroll_to_start(),
            Key::Alt('>') => self.scroll_to_end(),
            Key::Ctrl('o') => self.unfold(),
            // What is typed is looked for; then the keys go from one hit to the next.
            Key::Ctrl('r') if self.search.is_some() => drop(self.search_on(true)),
            Key::Ctrl('r') => {
                let text = self.line.value().to_owned();
                self.search(&text);
            }
            Key::Ctrl('s') => drop(self.search_on(false)),
            Key::Esc => self.search(""),
            _ => return false,
        }
        true
    }

    fn insert(&mut self, text: &str) {
        let (value, cursor) = (self.line.value(), self.line.cursor());
        let at = value.char_indices().nth(cursor).map_or(value.len(), |(at, _)| at);
        let whole = [&value[..at], text, &value[at..]].concat();
        self.line = Line::new(whole).with_cursor(cursor + text.chars().count());
    }

    /// Shows the conversation before or after the one that is shown.
    fn step(&mut self, is_forward: bool) {
        let names: Vec<&String> = self.conversations.keys().collect();
        let at = names.iter().position(|name| **name == self.open).unwrap_or(0);
        let next = if is_forward { at + 1 } else { at + names.len() - 1 } % names.len();
        self.open(&names[next].clone());
    }

    fn enter(&mut self) {
        let text = self.line.value().to_owned();
        match &self.ask {
            Some(Ask::Name) => self.wanted.push_back(Input::Line(text)),
            Some(Ask::Password { .. }) => self.wanted.push_back(Input::Secret(Zeroizing::new(text))),
            Some(Ask::Command { .. }) => return self.enter_line(&text),
            None => return,
        }
        self.line.reset();
    }

    fn enter_line(&mut self, text: &str) {
        if self.wanted.len() >= WANTED_MAX {
            self.hint = Some("the server has not taken what you said before; try again".to_owned());
            return;
        }
        let command = match command::parse(text) {
            Ok(Some(Command::Say(body))) if self.open != PROGRAM => Command::Send { to: self.open.clone(), body },
            Ok(Some(Command::Say(_))) => {
                self.hint = Some("to whom? @name:text sends text to a user, #room:text to a room".to_owned());
                return;
            }
            Ok(Some(command)) => command,
            Ok(None) => return,
            Err(error) => {
                self.hint = Some(error.to_string());
                return;
            }
        };
        self.line.reset();
        match &command {
            Command::Send { to, body } => {
                let to = self.say(to, body.clone());
                self.open(&to);
            }
            Command::Join(room) => self.open(&mapped(room.clone())),
            _ => {}
        }
        self.wanted.push_back(Input::Command(command));
    }
}

/// What a key does to a line.
const fn editing(key: &Key) -> Option<InputRequest> {
    Some(match key {
        Key::Left | Key::Ctrl('b') => InputRequest::GoToPrevChar,
        Key::Right | Key::Ctrl('f') => InputRequest::GoToNextChar,
        Key::WordLeft | Key::Alt('b') => InputRequest::GoToPrevWord,
        Key::WordRight | Key::Alt('f') => InputRequest::GoToNextWord,
        Key::Home | Key::Ctrl('a') => InputRequest::GoToStart,
        Key::End | Key::Ctrl('e') => InputRequest::GoToEnd,
        Key::Backspace => InputRequest::DeletePrevChar,
        Key::Delete => InputRequest::DeleteNextChar,
        Key::BackspaceWord | Key::Ctrl('w') => InputRequest::DeletePrevWord,
        Key::DeleteWord | Key::Alt('d') => InputRequest::DeleteNextWord,
        Key::Ctrl('u') => InputRequest::DeleteLine,
        Key::Ctrl('k') => InputRequest::DeleteTillEnd,
        Key::Ctrl('y') => InputRequest::Yank,
        _ => return None,
    })
}
