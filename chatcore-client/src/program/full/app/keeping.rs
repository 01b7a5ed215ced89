//! What a person finds again the next time: what was typed and not sent, how far was read, and what was said.

use std::collections::{BTreeMap, VecDeque};

use super::{App, NEWS_MS, PROGRAM};
use crate::program::full::conversation::{Conversation, Entry, Fate};
use crate::program::full::mention;
use crate::program::report::safe;
use crate::program::requests::beginning;
use crate::program::state::{Kept, KeptMessage, Unanswered};

impl App {
    /// Shows what was left the last time, above what there is by now.
    pub(crate) fn restore(&mut self, kept: Kept) {
        for (name, draft) in kept.drafts {
            let conversation = self.conversation(&name);
            if conversation.draft.is_empty() {
                conversation.draft.set(draft);
            }
        }
        let own_name = self.own_name.clone().unwrap_or_default();
        for (name, messages) in kept.history {
            self.conversation(&name).put_before(messages.into_iter().map(|message| entry(message, &own_name)));
        }
        self.marks = kept.read.into_iter().filter_map(|(name, id)| Some((name, id.parse().ok()?))).collect();
        for (name, mark) in &self.marks {
            let is_seen = *name == self.open && self.has_focus;
            if let Some(conversation) = self.conversations.get_mut(name) {
                conversation.mark_after(*mark, is_seen);
            }
        }
        self.restore_unanswered(kept.unanswered);
    }

    /// Shows what had no answer when the program ended, in its place and all together: what was sent may have arrived,
    /// or not. The key for what was said before brings it into the line again.
    fn restore_unanswered(&mut self, unanswered: BTreeMap<String, VecDeque<Unanswered>>) {
        let (mut sent, mut unsent) = (Vec::new(), Vec::new());
        for (name, all) in unanswered {
            for Unanswered { text, is_sent } in all {
                let named = if is_sent { &mut sent } else { &mut unsent };
                named.push(format!("to {}: {}", safe(&name), safe(&beginning(text.as_bytes()))));
                // With its recipient: no text is taken for a command, or goes to somebody whom it names.
                let sign = if name.starts_with('#') { "" } else { "@" };
                self.history.push(&name, &format!("{sign}{name}:{text}"));
                let fate = if is_sent {
                    let why = "the program ended before there was an answer: it may not have arrived".to_owned();
                    Fate::Unconfirmed { why }
                } else {
                    Fate::Undelivered { why: "the program ended before it could be sent".to_owned() }
                };
                let said = Entry::Said { time_ms: self.now_ms, body: text.into_bytes(), fate };
                let is_open = name == self.open;
                let conversation = self.conversation(&name);
                conversation.push(said);
                if !is_open {
                    conversation.fail_unseen();
                }
            }
        }
        let sent = told_of(&sent, "may not have arrived", "may not have arrived");
        let unsent = told_of(&unsent, "was not sent", "were not sent");
        let told = sent.into_iter().chain(unsent).collect::<Vec<_>>().join(". ");
        if told.is_empty() {
            return;
        }
        self.hint = None;
        self.news = Some((told.clone(), self.now_ms.saturating_add(NEWS_MS)));
        let notice = Entry::Notice { time_ms: self.now_ms, text: told };
        self.conversation(PROGRAM).push(notice);
    }

    /// Our messages from this number on have not gone out, and never will. Before the end nobody can say so: they may
    /// go out at any time, and then what is kept would say something that is wrong.
    pub(crate) fn take_back(&mut self, unsent_from: u64) {
        for fate in self.conversations.values_mut().flat_map(Conversation::fates) {
            if matches!(fate, Fate::Pending { number } if *number >= unsent_from) {
                *fate = Fate::Waiting;
            }
        }
    }

    /// How often what was said may have changed. What the program tells is no part of it.
    pub(crate) const fn said(&self) -> u64 {
        self.said
    }

    /// What is left for the next time.
    pub(crate) fn kept(&self) -> Kept {
        let history = self.kept_conversations().map(|(name, all)| (name.clone(), messages(all).collect()));
        Kept { history: history.collect(), ..self.kept_drafts() }
    }

    /// The same without what was said, which is much.
    pub(crate) fn kept_drafts(&self) -> Kept {
        let is_looked_for = |name: &String| self.looks && *name == self.open;
        // Where everybody starts, a line is typed like any other.
        let begun = self.conversations.iter().filter(|(name, one)| !one.draft.is_empty() && !is_looked_for(name));
        let drafts = begun.map(|(name, conversation)| (name.clone(), conversation.draft.kept()));
        let unanswered = self.kept_conversations().map(|(name, all)| (name.clone(), unanswered(all).collect()));
        let unanswered = unanswered.filter(|(_, all): &(_, VecDeque<_>)| !all.is_empty()).collect();
        Kept { drafts: drafts.collect(), unanswered, read: self.read(), ..Kept::default() }
    }

    /// How far each conversation was read, in this run or before.
    fn read(&self) -> BTreeMap<String, String> {
        let mut read = self.marks.clone();
        for (name, conversation) in self.kept_conversations() {
            if let Some(id) = conversation.read_until() {
                let mark = read.entry(name.clone()).or_insert(id);
                *mark = id.max(*mark);
            }
        }
        read.into_iter().map(|(name, id)| (name, id.to_string())).collect()
    }

    fn kept_conversations(&self) -> impl Iterator<Item = (&String, &Conversation)> {
        self.conversations.iter().filter(|(name, _)| *name != PROGRAM)
    }
}

/// What became of one line, or of several, and which these are.
fn told_of(named: &[String], one: &str, several: &str) -> Option<String> {
    let what = match named.len() {
        0 => return None,
        1 => format!("1 line {one}"),
        count => format!("{count} lines {several}"),
    };
    Some(format!("{what}: {}", named.join("; ")))
}

fn unanswered(conversation: &Conversation) -> impl Iterator<Item = Unanswered> {
    conversation.numbers().filter_map(|number| match conversation.entry(number)? {
        Entry::Said { body, fate: fate @ (Fate::Waiting | Fate::Pending { .. }), .. } => {
            let text = String::from_utf8_lossy(body).into_owned();
            Some(Unanswered { text, is_sent: *fate != Fate::Waiting })
        }
        _ => None,
    })
}

fn messages(conversation: &Conversation) -> impl Iterator<Item = KeptMessage> {
    conversation.numbers().filter_map(|number| match conversation.entry(number)? {
        Entry::Heard { id, time_ms, from, body, .. } => {
            let id = id.map(|id| id.to_string());
            Some(KeptMessage { id, time_ms: *time_ms, from: Some(from.clone()), body: body.clone() })
        }
        // What reached nobody is no part of what was said.
        Entry::Said { time_ms, body, fate: Fate::Accepted { id } | Fate::Elsewhere { id } } => {
            Some(KeptMessage { id: Some(id.clone()), time_ms: *time_ms, from: None, body: body.clone() })
        }
        Entry::Said { .. } | Entry::Notice { .. } => None,
    })
}

fn entry(message: KeptMessage, own_name: &str) -> Entry {
    let KeptMessage { id, time_ms, from, body } = message;
    match from {
        Some(from) => {
            let is_mention = mention::names(&body, own_name, &mut mention::Spellings::default());
            Entry::Heard { id: id.and_then(|id| id.parse().ok()), time_ms, from, body, is_mention }
        }
        None => Entry::Said { time_ms, body, fate: Fate::Accepted { id: id.unwrap_or_default() } },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::input::Ask;
    use crate::program::report::{Body, Report};

    #[test]
    fn what_was_left_is_there_again_above_what_has_come_since() {
        let message = |time, body: &[u8]| Report::Message {
            id: chatcore::MessageId(time).into(),
            time: time.into(),
            from: "bob".into(),
            to: "alice".into(),
            body: Body::new(body.to_vec()),
        };
        let mut app = App::new();
        app.ask(Ask::Command { room: None });
        app.report(&message(1, b"before"));
        app.conversation("carol").draft.set("half a sentence".into());
        app.conversation("#lobby").draft.set("@bob:secret".into());
        assert!(app.conversation("#lobby").draft.replace(0, 5, ""));
        app.conversation(PROGRAM).draft.set("@bob:a long letter".into());
        let kept = app.kept();
        assert_eq!(kept.drafts["carol"], "half a sentence");
        assert_eq!(kept.drafts["#lobby"], "@bob:secret", "what was begun for one is not for others the next time");
        let mut app = App::new();
        app.ask(Ask::Command { room: None });
        app.report(&message(2, b"after"));
        app.restore(kept);
        let bob = &app.conversations["bob"];
        let bodies = bob.numbers().map(|number| match bob.entry(number) {
            Some(Entry::Heard { body, .. }) => body.clone(),
            other => panic!("{other:?}"),
        });
        assert_eq!(bodies.collect::<Vec<_>>(), [b"before".to_vec(), b"after".to_vec()]);
        assert_eq!(app.conversations["carol"].draft.text(), "half a sentence");
        assert_eq!(app.draft().text(), "@bob:a long letter");
    }

    #[test]
    fn what_had_no_answer_is_named_once_and_can_be_said_again() {
        let mut app = App::new();
        app.ask(Ask::Command { room: None });
        for (to, text) in [("bob", "G2"), ("#lobby", "G1"), ("bob", "G3"), ("bob", "G4")] {
            app.say(to, text.into());
        }
        app.report(&Report::Sending { number: 1, to: "bob".into() });
        app.report(&Report::Sending { number: 2, to: "#lobby".into() });
        app.report(&Report::Sending { number: 3, to: "bob".into() });
        app.report(&Report::Accepted { number: 3, to: "bob".into(), id: chatcore::MessageId(7).into() });
        app.report(&Report::Sending { number: 4, to: "bob".into() });
        app.take_back(4);
        let mut app = started(app.kept());
        assert_eq!(
            app.news(),
            Some("2 lines may not have arrived: to #lobby: G1; to bob: G2. 1 line was not sent: to bob: G4")
        );
        let bob = &app.conversations["bob"];
        let fates: Vec<_> = bob.numbers().map(|number| bob.entry(number).unwrap()).collect();
        assert!(
            matches!(
                fates[..],
                [
                    Entry::Said { fate: Fate::Accepted { .. }, .. },
                    Entry::Said { fate: Fate::Unconfirmed { .. }, .. },
                    Entry::Said { fate: Fate::Undelivered { .. }, .. }
                ]
            ),
            "{fates:?}"
        );
        assert_eq!((bob.unread, bob.mentions), (2, 2));
        assert_eq!([1, 2].map(|ago| app.history.get("bob", ago)), [Some("@bob:G4"), Some("@bob:G2")]);
        assert!(app.kept().unanswered.is_empty(), "it was named, and is not pending any more");
        app = started(app.kept());
        assert_eq!(app.news(), None);
    }

    /// It is much, and is copied and saved whenever it may have changed.
    #[test]
    fn what_the_program_tells_does_not_change_what_was_said() {
        let mut app = started(Kept::default());
        app.report(&said(1, "bob", "alice"));
        let before = app.said();
        app.ask(Ask::Name);
        for seconds in (0..10).rev() {
            app.report(&Report::AskingAgain { detail: format!("alice is in use; asking again in {seconds} s") });
        }
        app.report(&Report::SessionLost);
        app.report(&Report::Presence { name: "bob".into(), online: false, display_name: None });
        assert_eq!(app.said(), before);
        let changes = |app: &mut App, report: &Report| {
            let before = app.said();
            app.report(report);
            app.said() > before
        };
        let (to, id) = (|| "bob".to_owned(), chatcore::MessageId(3).into());
        assert!(changes(&mut app, &said(2, "bob", "alice")));
        assert!(changes(&mut app, &Report::Sent { id, time: 0, to: to(), body: Body::new(b"hi".to_vec()) }));
        assert!(changes(&mut app, &Report::Undelivered { to: to(), ids: vec![id] }));
        app.say("bob", "hello".to_owned());
        assert!(changes(&mut app, &Report::Sending { number: 1, to: to() }));
        assert!(changes(&mut app, &Report::Accepted { number: 1, to: to(), id: chatcore::MessageId(4).into() }));
    }

    fn said(id: u64, from: &str, to: &str) -> Report {
        let body = Body::new(format!("{id}, alice").into_bytes());
        let id = chatcore::MessageId(id).into();
        Report::Message { id, time: 0, from: from.into(), to: to.into(), body }
    }

    fn started(kept: Kept) -> App {
        let mut app = App::new();
        app.report(&Report::Registered { name: "alice".into(), display_name: None });
        app.ask(Ask::Command { room: None });
        app.restore(kept);
        app
    }

    /// The counts, and the body of the entry at the marker.
    fn new(app: &App, name: &str) -> (usize, usize, Option<String>) {
        let conversation = &app.conversations[name];
        let marked = conversation.marker.and_then(|number| conversation.entry(number));
        let body = marked.map(|entry| String::from_utf8_lossy(entry.body()).into_owned());
        (conversation.unread, conversation.mentions, body)
    }

    #[test]
    fn where_somebody_stopped_reading_is_marked_after_a_restart() {
        let mut app = started(Kept::default());
        app.open("#lobby");
        app.report(&said(1, "bob", "#lobby"));
        app.report(&said(2, "bob", "#lobby"));
        app.open("#garden");
        app.report(&said(3, "bob", "#lobby"));
        app.report(&said(4, "bob", "#garden"));
        app.report(&said(5, "carol", "alice"));
        let kept = app.kept();
        let read = |name: &str| kept.read.get(name).map(String::as_str);
        assert_eq!((read("#lobby"), read("#garden"), read("carol")), (Some("2"), Some("4"), Some("0")));

        // With what was said: it is new from there on.
        let mut app = started(kept.clone());
        assert_eq!(new(&app, "#lobby"), (1, 1, Some("3, alice".into())));
        assert_eq!(new(&app, "#garden"), (0, 0, None));
        assert_eq!(new(&app, "carol"), (1, 1, Some("5, alice".into())), "nobody has looked at it");
        app.report(&said(6, "bob", "#lobby"));
        assert_eq!(new(&app, "#lobby"), (2, 2, Some("3, alice".into())));
        app.open("#lobby");
        assert_eq!(new(&app, "#lobby"), (0, 0, Some("3, alice".into())), "the marker is there to be seen");
        assert_eq!(app.kept().read["#lobby"], "6");

        // Without: what comes once more is not new, and what comes then is.
        let mut app = started(Kept { history: BTreeMap::new(), ..kept });
        assert!(!app.conversations.contains_key("#lobby"), "a mark alone is no conversation");
        app.report(&said(2, "bob", "#lobby"));
        assert_eq!(new(&app, "#lobby"), (0, 0, None));
        app.report(&said(7, "bob", "#lobby"));
        assert_eq!(new(&app, "#lobby"), (1, 1, Some("7, alice".into())));
        assert_eq!((&*app.kept().read["#lobby"], &*app.kept().read["#garden"]), ("2", "4"));
    }
}
