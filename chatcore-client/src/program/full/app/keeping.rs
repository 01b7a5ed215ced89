//! What a person finds again the next time: what was typed and not sent, and what was said.

use super::{App, PROGRAM};
use crate::program::full::conversation::{Conversation, Entry, Fate};
use crate::program::state::{Kept, KeptMessage};

impl App {
    /// Shows what was left the last time, above what there is by now.
    pub(crate) fn restore(&mut self, kept: Kept) {
        for (name, draft) in kept.drafts {
            let conversation = self.conversation(&name);
            if conversation.draft.is_empty() {
                conversation.draft.set(draft);
            }
        }
        for (name, messages) in kept.history {
            self.conversation(&name).put_before(messages.into_iter().map(entry));
        }
    }

    /// What is left for the next time.
    pub(crate) fn kept(&self) -> Kept {
        let history = self.kept_conversations().map(|(name, all)| (name.clone(), messages(all).collect()));
        Kept { history: history.collect(), ..self.kept_drafts() }
    }

    /// The same without what was said, which is much.
    pub(crate) fn kept_drafts(&self) -> Kept {
        let begun = self.kept_conversations().filter(|(_, conversation)| !conversation.draft.is_empty());
        let drafts = begun.map(|(name, conversation)| (name.clone(), conversation.draft.kept()));
        Kept { drafts: drafts.collect(), ..Kept::default() }
    }

    fn kept_conversations(&self) -> impl Iterator<Item = (&String, &Conversation)> {
        self.conversations.iter().filter(|(name, _)| *name != PROGRAM)
    }
}

fn messages(conversation: &Conversation) -> impl Iterator<Item = KeptMessage> {
    conversation.numbers().filter_map(|number| match conversation.entry(number)? {
        Entry::Heard { time_ms, from, body, .. } => {
            Some(KeptMessage { id: None, time_ms: *time_ms, from: Some(from.clone()), body: body.clone() })
        }
        // What reached nobody is no part of what was said.
        Entry::Said { time_ms, body, fate: Fate::Accepted { id } | Fate::Elsewhere { id } } => {
            Some(KeptMessage { id: Some(id.clone()), time_ms: *time_ms, from: None, body: body.clone() })
        }
        Entry::Said { .. } | Entry::Notice { .. } => None,
    })
}

fn entry(message: KeptMessage) -> Entry {
    let KeptMessage { id, time_ms, from, body } = message;
    match from {
        Some(from) => Entry::Heard { time_ms, from, body, is_mention: false },
        None => Entry::Said { time_ms, body, fate: Fate::Accepted { id: id.unwrap_or_default() } },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::console::Ask;
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
    }
}
