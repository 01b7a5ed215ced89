//! What is asked for: a name, a password, or what to do.

use zeroize::Zeroizing;

use super::{App, PROGRAM};
use crate::program::console::{Ask, Input};
use crate::program::full::field::Field;
use crate::program::full::keys::Key;

impl App {
    /// Asks whoever sits there for something.
    ///
    /// No question changes where the line goes that somebody types: if it comes while lines are typed, it waits for an Enter, and
    /// keys go on with the line.
    pub(crate) fn ask(&mut self, ask: Ask) {
        if let Ask::Command { room } = ask {
            let is_first = !std::mem::replace(&mut self.takes_commands, true);
            self.field = None;
            if let Some(room) = room.filter(|_| is_first && self.open == PROGRAM && self.draft().is_empty()) {
                self.open(&room);
            }
        } else if self.field.as_ref().is_none_or(|field| field.ask != ask) {
            self.field = Some(Field::new(ask, self.takes_commands));
        }
    }

    /// Tells how long a message can be.
    pub(crate) const fn set_body_bytes_max(&mut self, bytes_max: usize) {
        self.body_bytes_max = Some(bytes_max);
    }

    /// Whether keys are for the line of the conversation that is open.
    pub(in crate::program::full) fn types_line(&self) -> bool {
        self.takes_commands && self.field.as_ref().is_none_or(|field| field.is_closed)
    }

    /// A key for what is asked.
    pub(super) fn press_field(&mut self, key: &Key) {
        let Some(field) = &mut self.field else {
            // It may be a password that is typed before it is asked for: nobody is to see it, and nobody to get it.
            self.hint = Some("wait: the server has not answered yet".to_owned());
            return;
        };
        match key {
            Key::Ctrl('d') if field.text().is_empty() => self.want_end(),
            Key::Enter => self.enter_field(),
            key => {
                if !field.press(key) {
                    self.hint = Some("that is too long".to_owned());
                }
            }
        }
    }

    fn enter_field(&mut self) {
        let Some(field) = self.field.take() else { return };
        let text = Zeroizing::new(field.text().to_owned());
        self.wanted.push_back(if field.is_secret() { Input::Secret(text) } else { Input::Line(text.to_string()) });
    }

    /// Opens what is asked, which waited for that. True if it waited.
    pub(super) fn open_field(&mut self) -> bool {
        let Some(field) = self.field.as_mut().filter(|field| field.is_closed) else { return false };
        (field.is_closed, self.takes_commands) = (false, false);
        true
    }
}
