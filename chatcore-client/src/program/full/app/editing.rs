//! What keys do to the line that is typed.

use std::collections::HashSet;

use tui_input::InputRequest;

use super::{App, Intent, PROGRAM};
use crate::program::full::completion::Completion;
use crate::program::full::composer::Composer;
use crate::program::full::keymap::Action;
use crate::program::full::keys::PASTE_BYTES_MAX;
use crate::program::report::more_names;

/// Words that are shown of those that a beginning can become, at the most.
const OFFERS_SHOWN_MAX: usize = 12;

impl App {
    /// What is typed in the conversation that is open.
    pub(in crate::program::full) fn draft(&self) -> &Composer {
        static NOTHING: std::sync::OnceLock<Composer> = std::sync::OnceLock::new();
        self.conversations.get(&self.open).map_or_else(|| NOTHING.get_or_init(Composer::default), |open| &open.draft)
    }

    pub(super) fn draft_mut(&mut self) -> &mut Composer {
        &mut self.conversations.entry(self.open.clone()).or_default().draft
    }

    /// Puts text in, if the whole can be said.
    pub(super) fn insert(&mut self, text: &str) {
        let bytes = self.draft().text().len() + text.len();
        if let Some(bytes_max) = self.body_bytes_max.filter(|max| bytes > *max) {
            let head = match self.intent() {
                Intent::Send { body, .. } => self.draft().text().len() - body.len(),
                Intent::Open(name) => name.len() + 2,
                _ => 0,
            };
            let bytes = bytes - head.min(self.draft().text().len());
            if bytes > bytes_max {
                self.hint = Some(format!("{bytes} bytes are too long: {bytes_max} at most"));
                return;
            }
        }
        if !self.draft_mut().insert(text) {
            self.hint = Some(format!("there is no room for more than {} MB", PASTE_BYTES_MAX >> 20));
        }
    }

    /// Completes the word at the cursor, or goes on to the next.
    pub(super) fn complete(&mut self, is_forward: bool) {
        let begun = self.completion.take().or_else(|| self.begin_completion());
        let Some(mut completion) = begun else {
            self.hint = Some("nothing that is known begins like this".to_owned());
            return;
        };
        let (from, to) = (completion.from, completion.to);
        let word = completion.step(is_forward).to_owned();
        if self.draft_mut().replace(from, to, &word) {
            completion.to = from + word.len();
            self.hint = shown_offers(&completion);
            self.completion = Some(completion);
        }
    }

    fn begin_completion(&self) -> Option<Completion> {
        let draft = self.draft();
        let rooms = self.conversations.keys().map(String::as_str).filter(|name| name.starts_with('#'));
        Completion::start(draft.text(), draft.cursor(), self.likely_names().into_iter(), rooms)
    }

    /// The users that a beginning may mean, the likeliest first: who spoke here last and is here, who is here, who was
    /// heard of last, and who was talked to.
    fn likely_names(&self) -> Vec<&str> {
        let users = || self.conversations.keys().map(String::as_str).filter(|name| !name.starts_with('#'));
        let partner = users().filter(|name| *name == self.open);
        let here = || self.conversations.get(&self.open).into_iter();
        let speakers =
            here().flat_map(|here| here.speakers().filter(|name| !here.members.is_known() || here.members.has(name)));
        let members = here().flat_map(|here| here.members.names().map(String::as_str));
        let mut seen: HashSet<&str> = [PROGRAM].into();
        seen.extend(self.own_name());
        let all = partner.chain(speakers).chain(members).chain(self.known.names()).chain(users());
        all.filter(|name| seen.insert(name)).collect()
    }

    /// The line above or below, or what was said here before or after.
    pub(super) fn recall(&mut self, is_earlier: bool) {
        if self.draft_mut().move_line(is_earlier) {
            return;
        }
        let recalled = self.draft().recalled;
        let ago = if is_earlier { recalled + 1 } else { recalled.saturating_sub(1) };
        if ago == recalled {
            return;
        }
        if recalled == 0 && !self.draft().text().trim().is_empty() {
            // What is typed and was never said is not lost by it, and still says whom it was begun for.
            let (place, text) = (self.open.clone(), self.draft().kept());
            self.history.push(&place, &text);
            return self.recall_ago(2);
        }
        self.recall_ago(ago);
    }

    fn recall_ago(&mut self, ago: usize) {
        let text = self.history.get(&self.open, ago).map(str::to_owned);
        let draft = self.draft_mut();
        match text {
            Some(text) => draft.set(text),
            None if ago == 0 => draft.set(String::new()),
            None => return,
        }
        draft.recalled = ago;
    }
}

/// What a beginning can become, around what is chosen. None if it can become one thing alone.
fn shown_offers(completion: &Completion) -> Option<String> {
    let (offers, chosen) = completion.offers();
    if offers.len() < 2 {
        return None;
    }
    let first = chosen.unwrap_or(0).saturating_sub(OFFERS_SHOWN_MAX / 2);
    let shown = offers.iter().enumerate().skip(first).take(OFFERS_SHOWN_MAX).map(|(at, offer)| {
        let offer = offer.trim_end().trim_end_matches(':');
        if chosen == Some(at) { format!("[{offer}]") } else { offer.to_owned() }
    });
    let hidden = completion.count().beside(first + OFFERS_SHOWN_MAX);
    let more = (!hidden.is_none()).then(|| more_names(hidden));
    Some(shown.chain(more).collect::<Vec<_>>().join("  "))
}

/// What an action does to a line.
pub(super) const fn editing(action: Action) -> Option<InputRequest> {
    Some(match action {
        Action::Left => InputRequest::GoToPrevChar,
        Action::Right => InputRequest::GoToNextChar,
        Action::WordLeft => InputRequest::GoToPrevWord,
        Action::WordRight => InputRequest::GoToNextWord,
        Action::LineStart => InputRequest::GoToStart,
        Action::LineEnd => InputRequest::GoToEnd,
        Action::Backspace => InputRequest::DeletePrevChar,
        Action::Delete | Action::DeleteOrQuit => InputRequest::DeleteNextChar,
        Action::DeleteWordBack => InputRequest::DeletePrevWord,
        Action::DeleteWord => InputRequest::DeleteNextWord,
        Action::DeleteAll => InputRequest::DeleteLine,
        Action::DeleteToEnd => InputRequest::DeleteTillEnd,
        Action::Yank => InputRequest::Yank,
        _ => return None,
    })
}
