//! What is being typed: text of several lines, with a cursor, steps back, and whom it was begun for.

mod layout;

use std::collections::VecDeque;

use tui_input::{Input as Line, InputRequest};

pub(super) use self::layout::{Picture, picture};
use crate::program::command::{self, Command, ParseError};

/// Bytes that one text can have: the longest body that any server can allow, and a recipient.
const TEXT_BYTES_MAX: usize = (16 << 20) + 1024;

/// Steps back, at the most.
const STEPS_MAX: usize = 200;

/// Bytes of the texts that steps back lead to, at the most.
const STEPS_BYTES_MAX: usize = 1 << 20;

/// A text that is being typed.
#[derive(Debug, Default)]
pub(super) struct Composer {
    line: Line,
    steps: VecDeque<Step>,
    steps_bytes: usize,
    last: Change,
    begun_for: Option<String>,
    /// How far back in what was said before, from 1; 0 is the text itself.
    pub(super) recalled: usize,
}

/// What the text was before a change, where the cursor was, and whom it was begun for: a step back loses none of these.
#[derive(Debug)]
struct Step {
    text: String,
    /// In characters.
    cursor: usize,
    begun_for: Option<String>,
}

/// What a change was. Changes of one kind that follow each other are one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Change {
    #[default]
    None,
    Typed,
    Deleted,
    Other,
}

impl Composer {
    pub(super) fn text(&self) -> &str {
        self.line.value()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text().is_empty()
    }

    /// Where the cursor is, in bytes.
    pub(super) fn cursor(&self) -> usize {
        let text = self.text();
        text.char_indices().nth(self.line.cursor()).map_or(text.len(), |(at, _)| at)
    }

    /// The user for whom alone it was begun, whatever has become of it since. It is forgotten with the last character.
    pub(super) fn begun_for(&self) -> Option<&str> {
        self.begun_for.as_deref()
    }

    /// Puts text in at the cursor. False, and nothing is changed, if there is no room for it.
    pub(super) fn insert(&mut self, text: &str) -> bool {
        let cursor = self.cursor();
        self.replace(cursor, cursor, text)
    }

    /// Puts text in place of what is between two places, and the cursor after it.
    pub(super) fn replace(&mut self, from: usize, to: usize, text: &str) -> bool {
        let old = self.text();
        if old.len() - (to - from) + text.len() > TEXT_BYTES_MAX {
            return false;
        }
        let whole = [&old[..from], text, &old[to..]].concat();
        let cursor = old[..from].chars().count() + text.chars().count();
        let is_typed = from == to && text.chars().nth(1).is_none() && text != "\n";
        self.keep_step(if is_typed { Change::Typed } else { Change::Other });
        self.put(whole, cursor);
        true
    }

    /// Puts another text in its place, which is begun for nobody unless it says so.
    pub(super) fn set(&mut self, text: String) {
        self.keep_step(Change::Other);
        self.begun_for = None;
        let cursor = text.chars().count();
        self.put(text, cursor);
    }

    /// Does what a key for editing does.
    pub(super) fn edit(&mut self, request: InputRequest) {
        let before = self.step();
        let changed = self.line.handle(request).is_some_and(|changed| changed.value);
        if !changed {
            self.last = Change::None;
            return;
        }
        let is_one = matches!(request, InputRequest::DeletePrevChar | InputRequest::DeleteNextChar);
        self.push_step(if is_one { Change::Deleted } else { Change::Other }, before);
        self.changed();
    }

    /// Goes a step back.
    pub(super) fn undo(&mut self) {
        let Some(Step { text, cursor, begun_for }) = self.steps.pop_back() else { return };
        self.steps_bytes -= text.len();
        (self.last, self.begun_for) = (Change::None, begun_for);
        self.put(text, cursor);
    }

    /// Moves the cursor to the line above or below. False if there is none.
    pub(super) fn move_line(&mut self, is_up: bool) -> bool {
        let (text, cursor) = (self.text(), self.cursor());
        let start = text[..cursor].rfind('\n').map_or(0, |at| at + 1);
        let column = text[start..cursor].chars().count();
        let target = if is_up {
            let Some(end) = start.checked_sub(1) else { return false };
            text[..end].rfind('\n').map_or(0, |at| at + 1)
        } else {
            let Some(end) = text[cursor..].find('\n') else { return false };
            cursor + end + 1
        };
        let length = text[target..].lines().next().unwrap_or_default().chars().count();
        let at = text[..target].chars().count() + column.min(length);
        self.line.handle(InputRequest::SetCursor(at));
        self.last = Change::None;
        true
    }

    /// The text, and whom it was begun for: whoever reads it again must not send it to others.
    pub(super) fn kept(&self) -> String {
        match &self.begun_for {
            Some(name) if addressed(self.text()).as_ref() != Some(name) => format!("@{name}:{}", self.text()),
            _ => self.text().to_owned(),
        }
    }

    /// Takes the text away. There is no step back: it is said.
    pub(super) fn take(&mut self) -> String {
        let text = self.line.value_and_reset();
        (self.steps, self.steps_bytes, self.last, self.recalled) = (VecDeque::new(), 0, Change::None, 0);
        self.begun_for = None;
        text
    }

    fn put(&mut self, text: String, cursor: usize) {
        // What was cut before can be put in. The cursor is set twice: what is cut next is not added to that.
        self.line = std::mem::take(&mut self.line).with_value(text).with_cursor(cursor);
        self.line.handle(InputRequest::SetCursor(cursor));
        self.changed();
    }

    fn changed(&mut self) {
        if self.text().trim().is_empty() {
            self.begun_for = None;
        } else if let Some(name) = addressed(self.text()) {
            self.begun_for = Some(name);
        }
    }

    fn keep_step(&mut self, change: Change) {
        if change == Change::Other || change != self.last {
            self.push_step(change, self.step());
        }
        self.last = change;
    }

    fn step(&self) -> Step {
        Step { text: self.text().to_owned(), cursor: self.line.cursor(), begun_for: self.begun_for.clone() }
    }

    fn push_step(&mut self, change: Change, step: Step) {
        if change != Change::Other && change == self.last {
            return;
        }
        self.last = change;
        self.steps_bytes += step.text.len();
        self.steps.push_back(step);
        while self.steps.len() > STEPS_MAX || self.steps_bytes > STEPS_BYTES_MAX {
            let Some(step) = self.steps.pop_front() else { return };
            self.steps_bytes -= step.text.len();
        }
    }
}

/// The user to whom a text goes because it says so, or would if it had a text.
fn addressed(text: &str) -> Option<String> {
    if has_doubled_sign(text) {
        return None;
    }
    match command::parse(text) {
        Ok(Some(Command::Send { to, .. })) if !to.starts_with('#') => Some(to),
        Err(ParseError::NoText(name)) => name.strip_prefix('@').map(str::to_owned),
        _ => None,
    }
}

/// Whether a text begins with a sign that stands for itself.
pub(super) fn has_doubled_sign(text: &str) -> bool {
    let mut signs = text.trim_start().chars().map(command::ascii_sign);
    matches!((signs.next(), signs.next()), (Some('@'), Some('@')) | (Some('#'), Some('#')) | (Some('/'), Some('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn composer(text: &str) -> Composer {
        let mut composer = Composer::default();
        for c in text.chars() {
            assert!(composer.insert(c.encode_utf8(&mut [0; 4])));
        }
        composer
    }

    #[test]
    fn whom_a_text_was_begun_for_is_known_until_it_is_empty() {
        let mut text = composer("@bob:secret");
        assert_eq!(text.begun_for(), Some("bob"));
        text.edit(InputRequest::GoToStart);
        text.edit(InputRequest::DeleteNextChar);
        assert_eq!((text.text(), text.begun_for()), ("bob:secret", Some("bob")));
        text.edit(InputRequest::DeleteLine);
        assert_eq!(text.begun_for(), None);
        text.undo();
        assert_eq!((text.text(), text.begun_for()), ("bob:secret", Some("bob")), "a step back brings it back");
        text.set("hi".into());
        assert_eq!(text.begun_for(), None, "another text is not begun for bob");
        text.undo();
        assert_eq!((text.text(), text.begun_for()), ("bob:secret", Some("bob")));
        assert_eq!(composer("@bo").begun_for(), Some("bo"));
        for text in ["hello @bob", "@@bob look", "@", "#lobby:x", "/watch bob", "＠＠bob"] {
            assert_eq!(composer(text).begun_for(), None, "{text}");
        }
    }

    #[test]
    fn what_is_seen_as_one_sign_is_one_key() {
        use InputRequest::{DeleteNextChar, DeletePrevChar, GoToNextChar, GoToPrevChar, GoToStart};
        let family = "👩\u{200d}👩\u{200d}👧";
        for sign in [family, "👍🏽", "🇩🇪", "❤\u{fe0f}", "1\u{fe0f}\u{20e3}", "中", "한"] {
            let text = format!("a{sign}b");
            let edited = |requests: &[InputRequest]| {
                let mut text = composer(&text);
                for request in requests {
                    text.edit(*request);
                }
                assert!(text.insert("|"));
                text.text().to_owned()
            };
            assert_eq!(edited(&[GoToPrevChar, GoToPrevChar]), format!("a|{sign}b"));
            assert_eq!(edited(&[GoToStart, GoToNextChar, GoToNextChar]), format!("a{sign}|b"));
            assert_eq!(edited(&[GoToPrevChar, DeletePrevChar]), "a|b", "{sign}");
            assert_eq!(edited(&[GoToStart, GoToNextChar, DeleteNextChar]), "a|b", "{sign}");
        }
    }

    #[test]
    fn steps_lead_back_word_by_word() {
        let mut text = composer("hello");
        text.edit(InputRequest::DeletePrevChar);
        text.edit(InputRequest::DeletePrevChar);
        assert!(text.insert("a block\nof lines"));
        for before in ["hel", "hello", ""] {
            text.undo();
            assert_eq!(text.text(), before);
        }
        text.undo();
        assert_eq!(text.text(), "");
        // What was cut can be put in again.
        let mut text = composer("one two");
        text.edit(InputRequest::DeletePrevWord);
        assert!(text.insert("and "));
        text.edit(InputRequest::Yank);
        assert_eq!(text.text(), "one and two");
        // It is what was cut last, and not all that was ever cut.
        let mut text = composer("one");
        text.edit(InputRequest::DeleteLine);
        assert!(text.insert("t") && text.insert("wo"));
        text.edit(InputRequest::DeleteLine);
        text.edit(InputRequest::Yank);
        assert_eq!(text.text(), "two");
    }

    #[test]
    fn steps_back_take_no_more_than_a_bound() {
        let mut text = composer("");
        for _ in 0..STEPS_MAX * 2 {
            assert!(text.insert(&"x".repeat(1_000)));
        }
        assert!(text.steps_bytes <= STEPS_BYTES_MAX && text.steps.len() <= STEPS_MAX);
        assert_eq!(text.steps_bytes, text.steps.iter().map(|step| step.text.len()).sum::<usize>());
        assert!(!text.insert(&"x".repeat(TEXT_BYTES_MAX)), "there is no room");
        assert_eq!(text.text().len(), STEPS_MAX * 2 * 1_000);
    }

    #[test]
    fn the_cursor_moves_from_line_to_line() {
        let mut text = composer("");
        assert!(text.insert("first\né\nthird"));
        assert!(text.move_line(true));
        assert!(text.insert("!"));
        assert!(text.move_line(true) && !text.move_line(true));
        assert!(text.insert("?"));
        assert_eq!(text.text(), "fi?rst\né!\nthird");
        assert!(text.move_line(false) && text.move_line(false) && !text.move_line(false));
        assert_eq!(&text.text()[text.cursor()..], "ird");
    }
}
