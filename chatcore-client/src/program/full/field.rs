//! A name or a password that is asked for.

use zeroize::Zeroizing;

use super::keys::Key;
use crate::program::input::Ask;

/// Bytes of a name or a password, at the most. There is room for them from the beginning, so that no part of a password
/// stays where it was moved from.
const FIELD_BYTES_MAX: usize = 1024;

/// What is asked for, and what is typed for it.
pub(super) struct Field {
    pub(super) ask: Ask,
    text: Zeroizing<String>,
    /// Who sits there was typing something else, and has not seen it yet: keys belong to that.
    pub(super) is_closed: bool,
    /// It is not asked for any more. Who sits there may be in the midst of it: until they say that they have seen it,
    /// keys belong to nothing else.
    pub(super) is_withdrawn: bool,
    /// Why it is asked, if that was told.
    pub(super) because: Option<String>,
}

impl Field {
    pub(super) fn new(ask: Ask, is_closed: bool) -> Self {
        let text = Zeroizing::new(String::with_capacity(FIELD_BYTES_MAX));
        Self { ask, text, is_closed, is_withdrawn: false, because: None }
    }

    pub(super) const fn is_secret(&self) -> bool {
        matches!(self.ask, Ask::Password { .. })
    }

    /// Whether it can go without a word: nothing is typed, and what somebody is about to type is no secret.
    pub(super) fn has_no_answer(&self) -> bool {
        self.text.is_empty() && !self.is_secret()
    }

    /// What the program waits for, if whoever sits there is to type it now.
    pub(super) fn waits_for(&self) -> Option<&'static str> {
        let what = if self.is_secret() { "waiting for your password" } else { "waiting for your name" };
        (!self.is_closed && !self.is_withdrawn).then_some(what)
    }

    /// Why it is asked: whoever types the answer sees it until it is given.
    pub(super) fn because(&self) -> Option<&str> {
        self.because.as_deref().filter(|_| self.waits_for().is_some())
    }

    /// What is asked.
    pub(super) fn label(&self) -> String {
        match &self.ask {
            _ if self.is_withdrawn => "you have a name now; Enter goes on: ".to_owned(),
            Ask::Password { name } => format!("password for {name}: "),
            Ask::Name | Ask::Command { .. } => "your name: ".to_owned(),
        }
    }

    /// What may be seen of what is typed.
    pub(super) fn shown(&self) -> String {
        if self.is_secret() { "•".repeat(self.text.chars().count()) } else { self.text.to_string() }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Does what a key is for. False if there is no room for it.
    pub(super) fn press(&mut self, key: &Key) -> bool {
        match key {
            Key::Char(c) => return self.push(*c),
            Key::Paste(text) => return text.lines().next().unwrap_or_default().chars().all(|c| self.push(c)),
            Key::PasteTooLong => return false,
            Key::Backspace => drop(self.text.pop()),
            Key::Ctrl('u' | 'w') | Key::BackspaceWord | Key::Esc => self.text.clear(),
            _ => {}
        }
        true
    }

    fn push(&mut self, c: char) -> bool {
        let has_room = self.text.len() + c.len_utf8() <= FIELD_BYTES_MAX;
        if has_room {
            self.text.push(c);
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_dots_and_never_moves() {
        let mut field = Field::new(Ask::Password { name: "alice".into() }, false);
        let place = field.text.as_ptr();
        assert!(field.press(&Key::Paste("gehéim\nnot this".into())));
        assert_eq!((field.text(), field.shown().as_str()), ("gehéim", "••••••"));
        assert!(!field.press(&Key::Paste("x".repeat(FIELD_BYTES_MAX))));
        assert_eq!((field.text.len(), field.text.as_ptr()), (FIELD_BYTES_MAX, place));
        field.press(&Key::Ctrl('u'));
        assert_eq!(field.shown(), "");
    }
}
