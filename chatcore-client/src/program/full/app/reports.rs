//! What happens, as the screen shows it.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::{App, NEWS_MS, PROGRAM, Trouble};
use crate::program::full::conversation::{Conversation, Entry, Fate, Place};
use crate::program::full::mention;
use crate::program::report::{Id, LISTED_NAMES_MAX, LinkState, Report, safe};
use crate::program::requests::mapped;

/// Bytes of all conversations together that are kept, at the most, but for what [`CHECKED_BYTES`] lets through.
pub(in crate::program::full) const KEPT_BYTES_MAX: usize = 64 << 20;

/// After so many bytes it is checked how many all conversations keep.
pub(in crate::program::full) const CHECKED_BYTES: usize = 1 << 20;

/// Bytes of a conversation that is forgotten whole, at the least. What is told in its place has fewer.
const FORGOTTEN_BYTES_MIN: usize = 1 << 10;

/// Conversations that are kept, at the most.
pub(in crate::program::full) const CONVERSATIONS_MAX: usize = 500;

impl App {
    /// Shows what happened.
    pub(crate) fn report(&mut self, report: &Report) {
        self.known.hear(report);
        if let Report::Rejected { to, reason, request, .. } = report {
            self.rejected(to, *request, reason);
        }
        match report {
            Report::Registered { name, display_name } => {
                // Who has never seen it finds the rest from there.
                self.arrived(name, display_name.as_ref(), format!("{}, ? the keys", report.text()));
                self.forget_rosters();
            }
            Report::Resumed { name, display_name, .. } => self.arrived(name, display_name.as_ref(), report.text()),
            Report::Renamed { name, display_name, .. } => {
                (self.own_name, self.own_spelling) = (Some(name.clone()), display_name.clone());
                self.notice_and_hint(report.text());
            }
            Report::Message { id, time, from, to, body } => {
                let place: &str = if to.starts_with('#') { to } else { from };
                self.heard(place, *id, millis(*time), from, body.bytes());
            }
            Report::Sent { id, time, to, body } => {
                let fate = Fate::Elsewhere { id: id.to_string() };
                self.push(to, Entry::Said { time_ms: millis(*time), body: body.bytes(), fate });
            }
            Report::Sending { .. }
            | Report::Accepted { .. }
            | Report::Rejected { number: Some(_), .. }
            | Report::Unanswered { .. }
            | Report::Undelivered { .. }
            | Report::Unconfirmed { .. } => self.fate_of(report),
            Report::Rejected { number: None, to, request: Some("roster"), .. } if self.is_own_roster(to) => {}
            Report::Roster { room, users } => {
                self.listed(room, users);
                if !self.is_own_roster(room) {
                    self.answer(report.text());
                }
            }
            Report::Joined { room, name, .. } | Report::StillIn { room, name, .. } => {
                self.joined(room, name);
                self.notice(room, in_room(room, report));
            }
            Report::Left { room, name, reason } => {
                self.left(room, name);
                self.notice(room, in_room(room, report));
                // Who left has gone from the room alone. All else frees the name.
                if reason != "left" {
                    self.is_gone(name, Some(in_room(room, report)));
                }
            }
            Report::Missed { room, .. } => self.notice(room, report.text()),
            Report::Stale { room } => self.members_changed(room),
            Report::Presence { name, online, .. } => self.presence(name, *online, report),
            Report::Reconnecting { detail, attempt, after, .. } => {
                if *attempt == 1 {
                    self.notice(PROGRAM, report.text());
                }
                // When it goes on is what somebody looks for, and a narrow screen shows only the beginning.
                let what = format!("reconnecting in {:.1} s", after.as_secs_f64());
                self.is_in_trouble(Trouble { what, why: Some(safe(detail)) });
            }
            // The status has it already.
            Report::Link { is_long: true, .. } => {}
            Report::Link { state: LinkState::Settled, .. } | Report::Heard => self.trouble = None,
            Report::Link { .. } => {
                // Why the attempt before failed is still good to know.
                let why = self.trouble.take().and_then(|trouble| trouble.why);
                self.trouble = Some(Trouble { what: report.text(), why });
            }
            Report::AskingAgain { .. } => self.count_wait_down(report.text()),
            Report::Silent { .. } | Report::Leaving { .. } => {
                self.is_in_trouble(Trouble { what: report.text(), why: None });
            }
            Report::NotSending { to, why } => {
                let why = format!("not delivered: {}", safe(why));
                self.set_fate(to, |fate| *fate == Fate::Waiting, Fate::Undelivered { why });
                self.tell_of_failure(to, report);
            }
            Report::Error { .. } | Report::InputError { .. } => {
                self.hint = Some(report.text());
                if let Some(field) = &mut self.field {
                    field.because = Some(report.text());
                }
                self.notice(PROGRAM, report.text());
            }
            // A command asked for these, and whoever typed it looks at what is open.
            Report::Rejected { .. } | Report::Online { .. } => self.answer(report.text()),
            Report::Help { .. } => {
                self.answer(report.text());
                // Its end says how to leave.
                let conversation = self.conversation(&self.open.clone());
                conversation.unfold(conversation.end() - 1);
            }
            Report::SessionLost | Report::Closed { .. } => self.notice_and_hint(report.text()),
        }
    }

    fn is_in_trouble(&mut self, trouble: Trouble) {
        // What else is told matters less, and would cover it.
        (self.trouble, self.hint, self.news) = (Some(trouble), None, None);
    }

    fn arrived(&mut self, name: &str, spelling: Option<&String>, told: String) {
        (self.own_name, self.own_spelling) = (Some(name.to_owned()), spelling.cloned());
        self.trouble = None;
        self.notice_and_hint(told);
    }

    fn heard(&mut self, place: &str, id: Id, time_ms: u64, from: &str, body: Vec<u8>) {
        let own_name = self.own_name.as_deref().unwrap_or_default();
        let is_mention = mention::names(&body, own_name, &mut self.spellings);
        let is_seen = *place == self.open && self.has_focus;
        let mark = self.marks.get(place).copied();
        if self.conversations.get_mut(place).is_some_and(|one| std::mem::take(&mut one.is_gone)) {
            self.notice(place, format!("{} was gone: this may be somebody else with the same name", safe(from)));
        }
        let entry = Entry::Heard { id: Some(id), time_ms, from: from.to_owned(), body, is_mention };
        let conversation = self.push(place, entry);
        if is_seen && conversation.place == Place::End {
            return;
        }
        if conversation.marker.is_none() && mark.is_some() {
            // Nobody has looked at it since the start, and a run before this one tells how far was read.
            if mark >= Some(id) {
                return;
            }
            conversation.marker = conversation.end().checked_sub(1);
        }
        conversation.unread += 1;
        conversation.mentions += usize::from(is_mention);
    }

    /// The session of a user has ended, so that others may have the name. It is told once where we talked to each
    /// other.
    fn is_gone(&mut self, name: &str, told: Option<String>) {
        let is_us = self.own_name.as_deref() == Some(name);
        let Some(conversation) = self.conversations.get_mut(name).filter(|_| name != PROGRAM && !is_us) else { return };
        if !std::mem::replace(&mut conversation.is_gone, true)
            && let Some(told) = told
        {
            self.notice(name, told);
        }
    }

    /// What we say: it waits until it has a place among what is sent.
    pub(in crate::program::full) fn say(&mut self, to: &str, body: String) -> String {
        // As others see the name: so it is called in what becomes of the message.
        let to = mapped(to.to_owned());
        let said = Entry::Said { time_ms: self.now_ms, body: body.into_bytes(), fate: Fate::Waiting };
        let conversation = self.push(&to, said);
        (conversation.marker, conversation.place) = (None, Place::End);
        to
    }

    /// What became of messages of ours.
    fn fate_of(&mut self, report: &Report) {
        match report {
            Report::Sending { number, to } => {
                self.set_fate(to, |fate| *fate == Fate::Waiting, Fate::Pending { number: *number });
            }
            Report::Accepted { number, to, id } => {
                self.set_fate(to, is_pending(*number), Fate::Accepted { id: id.to_string() });
            }
            Report::Rejected { number: Some(number), to, reason, .. } => {
                if reason == "no_such_user" {
                    self.is_gone(to, None);
                }
                self.set_fate(to, is_pending(*number), Fate::Undelivered { why: report.text() });
                self.tell_of_failure(to, report);
            }
            Report::Unanswered { number, to } => {
                self.set_fate(to, is_pending(*number), Fate::Unconfirmed { why: report.text() });
                self.tell_of_failure(to, report);
            }
            Report::Undelivered { to, ids } => {
                self.set_fates(to, ids, report, &|why| Fate::Undelivered { why });
                self.tell_of_failure(to, report);
            }
            Report::Unconfirmed { to, ids } => {
                self.set_fates(to, ids, report, &|why| Fate::Unconfirmed { why });
                self.tell_of_failure(to, report);
            }
            _ => {}
        }
    }

    /// A message of ours was not delivered, or may not have been. Whoever looks elsewhere is told, and finds it by its
    /// count.
    fn tell_of_failure(&mut self, to: &str, report: &Report) {
        let is_open = *to == self.open;
        let Some(conversation) = self.conversations.get_mut(to) else { return };
        if is_open && conversation.place == Place::End {
            return;
        }
        conversation.fail_unseen();
        self.hint = None;
        self.news = Some((format!("{to}: {}", report.text()), self.now_ms.saturating_add(NEWS_MS)));
    }

    fn set_fate(&mut self, to: &str, holds: impl Fn(&Fate) -> bool, fate: Fate) {
        if let Some(found) = self.conversations.get_mut(to).and_then(|conversation| conversation.fate(holds)) {
            *found = fate;
            self.said += 1;
        }
    }

    /// Of messages with these ids. Those that are shown no more, or that an older run has sent, are told.
    fn set_fates(&mut self, to: &str, ids: &[Id], report: &Report, fate: &dyn Fn(String) -> Fate) {
        let mut wanted: BTreeSet<String> = ids.iter().map(Id::to_string).collect();
        if let Some(conversation) = self.conversations.get_mut(to) {
            for found in conversation.fates().rev() {
                let (Fate::Accepted { id } | Fate::Elsewhere { id }) = found else { continue };
                if wanted.remove(id.as_str()) {
                    *found = fate(report.text());
                    self.said += 1;
                }
                if wanted.is_empty() {
                    break;
                }
            }
        }
        if !wanted.is_empty() {
            self.notice(to, report.text());
        }
    }

    fn presence(&mut self, name: &str, is_online: bool, report: &Report) {
        if self.presence.len() < LISTED_NAMES_MAX || self.presence.contains_key(name) {
            self.presence.insert(name.to_owned(), is_online);
        }
        let has_own_place = self.conversations.contains_key(name);
        if !is_online {
            self.is_gone(name, None);
        }
        // A command asked for it, and whoever typed that looks at what is open.
        if self.watched.remove(name) && *name != self.open {
            self.answer(report.text());
        } else {
            self.notice(if has_own_place { name } else { PROGRAM }, report.text());
        }
    }

    fn notice_and_hint(&mut self, told: String) {
        self.notice(PROGRAM, told.clone());
        self.hint = None;
        self.news = (self.open != PROGRAM).then(|| (told, self.now_ms.saturating_add(NEWS_MS)));
    }

    /// Shows an answer where whoever asked looks.
    fn answer(&mut self, text: String) {
        self.notice(&self.open.clone(), text);
    }

    pub(super) fn notice(&mut self, place: &str, text: String) {
        self.push(place, Entry::Notice { time_ms: self.now_ms, text });
    }

    /// Adds to a conversation, which may be a new one, within the bounds of all.
    fn push(&mut self, place: &str, entry: Entry) -> &mut Conversation {
        self.said += u64::from(!matches!(entry, Entry::Notice { .. }));
        self.unchecked_bytes += entry.cost_bytes();
        if self.unchecked_bytes > CHECKED_BYTES {
            self.unchecked_bytes = 0;
            self.forget_what_is_too_much();
        }
        let conversation = self.conversation(place);
        // What the program tells of it is no reason to open it again, nor is what comes until the room is left.
        conversation.is_closed &= matches!(entry, Entry::Notice { .. }) || conversation.is_being_left;
        conversation.push(entry);
        conversation
    }

    /// A conversation that is used now. There is always room for it.
    pub(super) fn conversation(&mut self, name: &str) -> &mut Conversation {
        if !self.conversations.contains_key(name) && self.conversations.len() >= CONVERSATIONS_MAX {
            self.forget_conversation();
        }
        self.uses += 1;
        let conversation = self.conversations.entry(name.to_owned()).or_default();
        conversation.used = self.uses;
        conversation
    }

    /// Forgets the conversation that was not used for longest: one that nobody would miss, if there is one.
    fn forget_conversation(&mut self) {
        let others = self.conversations.iter().filter(|(name, _)| **name != self.open && *name != PROGRAM);
        let oldest = others.min_by_key(|(_, conversation)| (!conversation.is_idle(), conversation.used));
        if let Some(name) = oldest.map(|(name, _)| name.clone()) {
            self.conversations.remove(&name);
        }
    }

    /// The oldest of the fullest conversation goes, and its last if there is no other way, until they fit together. The
    /// one that is open keeps one entry.
    fn forget_what_is_too_much(&mut self) {
        let mut kept: usize = self.conversations.values().map(Conversation::bytes).sum();
        while kept > KEPT_BYTES_MAX {
            let (now_ms, open) = (self.now_ms, self.open.as_str());
            let can_forget =
                |name: &str, some: &Conversation| some.len() > 1 || name != open && some.bytes() > FORGOTTEN_BYTES_MIN;
            let others = self.conversations.iter_mut().filter(|(name, some)| can_forget(name, some));
            // Of those that are about as full, the one that was not used for longest.
            let fullest = others.max_by_key(|(_, some)| (some.bytes() / CHECKED_BYTES, Reverse(some.used)));
            let Some((_, fullest)) = fullest else { return };
            let before = fullest.bytes();
            // Not one by one: to find the fullest costs more than to forget.
            while fullest.len() > 1 && before - fullest.bytes() < CHECKED_BYTES.min(kept - KEPT_BYTES_MAX) {
                fullest.forget_oldest();
            }
            if before == fullest.bytes() {
                fullest.forget_all(now_ms);
            }
            kept -= before - fullest.bytes();
        }
    }
}

/// What happened in a room, without the room's name: it stands there.
fn in_room(room: &str, report: &Report) -> String {
    let text = report.text();
    text.strip_prefix(&format!("[{room}] ")).unwrap_or(&text).to_owned()
}

fn is_pending(number: u64) -> impl Fn(&Fate) -> bool {
    move |fate| *fate == Fate::Pending { number }
}

fn millis(time: u128) -> u64 {
    u64::try_from(time).unwrap_or(u64::MAX)
}
