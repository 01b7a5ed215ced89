//! Text that is looked for in what was said.

use super::App;
use crate::program::full::conversation::Place;
use crate::program::full::text::contains;

/// Characters of what is looked for, at the most.
const NEEDLE_CHARS_MAX: usize = 100;

/// What is looked for, and where the last hit is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::program::full) struct Search {
    /// In lower case.
    pub(in crate::program::full) needle: String,
    /// The number of the entry.
    pub(in crate::program::full) at: u64,
}

impl App {
    /// Looks for what is typed, which leaves the line: nobody who looks for something wants to say it. A step back
    /// brings it again.
    pub(super) fn search_typed(&mut self) {
        let text = self.draft().text().to_owned();
        if text.trim().is_empty() {
            self.hint = Some("type what to look for, and press Enter; Esc goes back to what you say".to_owned());
            self.looks = true;
            return;
        }
        self.search(&text);
        if self.search.is_some() {
            self.looks = false;
            self.draft_mut().set(String::new());
        }
    }

    /// What is typed next is to be said again. What was typed to be looked for goes: nobody wants to say it. A step
    /// back brings it again.
    pub(super) fn stop_looking(&mut self) {
        if std::mem::take(&mut self.looks) && !self.draft().is_empty() {
            self.draft_mut().set(String::new());
        }
    }

    /// Looks for a text, whatever its case, from the newest message back. An empty one ends the search.
    pub(crate) fn search(&mut self, text: &str) {
        self.search = None;
        if text.trim().chars().nth(NEEDLE_CHARS_MAX).is_some() {
            self.hint = Some(format!("what is looked for has {NEEDLE_CHARS_MAX} characters at most"));
            return;
        }
        let needle = text.trim().to_lowercase();
        let Some(conversation) = self.conversations.get(&self.open).filter(|_| !needle.is_empty()) else { return };
        let end = conversation.end();
        self.search = Some(Search { needle, at: end });
        if !self.search_on(true) {
            self.search = None;
            self.hint = Some(format!("nothing that is kept of this conversation holds {:?}", text.trim()));
        }
    }

    /// Goes to the next hit that is older, or newer. False if there is none.
    pub(crate) fn search_on(&mut self, is_older: bool) -> bool {
        let Some(Search { needle, at }) = self.search.clone() else { return false };
        let Some(conversation) = self.conversations.get(&self.open) else { return false };
        let is_hit = |number: &u64| conversation.entry(*number).is_some_and(|entry| contains(entry.body(), &needle));
        let hits: Vec<u64> = conversation.numbers().filter(is_hit).collect();
        let found = if is_older {
            hits.iter().rev().find(|number| **number < at)
        } else {
            hits.iter().find(|number| **number > at)
        };
        let Some(&found) = found else {
            let where_to = if is_older { "older" } else { "newer" };
            self.hint = Some(format!("there is no {where_to} message with {needle:?}"));
            return false;
        };
        let which = hits.iter().position(|number| *number == found).map_or(0, |at| at + 1);
        self.hint = Some(format!("message {which} of {} with {needle:?}", hits.len()));
        self.search = Some(Search { needle, at: found });
        self.show_entry(found);
        true
    }

    /// Looks at an entry, with half a screen of what came after it.
    fn show_entry(&mut self, number: u64) {
        self.look_at(Place::At { number, row: 0 });
        let half = self.drawn.messages.get().height / 2;
        self.scroll(-isize::try_from(half).unwrap_or(0));
    }
}
