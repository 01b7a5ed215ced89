//! What is left on the screen when another user begins: what belongs to the terminal, and nothing of what was said.

use super::{App, PROGRAM};
use crate::program::full::composer::Composer;

impl App {
    /// Another user begins. Nothing of the one before is shown to whoever sees this one's screen, kept as this one's,
    /// or sent by this one.
    pub(crate) fn forget(&mut self) {
        // Each field is named, so that nobody adds one without a word on whose it is.
        let Self {
            // Of the terminal, the connection and the program: they stay.
            screen,
            clock,
            colours,
            body_bytes_max,
            trouble,
            has_focus,
            field,
            keys_thrown_away,
            end,
            wishes,
            now_ms,
            drawn,
            // What the program has told stays of it.
            mut conversations,
            // Of the user: they go.
            open: _,
            takes_commands: _,
            completion: _,
            history: _,
            known: _,
            help: _,
            own_name: _,
            own_spelling: _,
            marks: _,
            pasted_bytes: _,
            hint: _,
            news: _,
            looks: _,
            search: _,
            presence: _,
            watched: _,
            wanted: _,
            rosters: _,
            uses: _,
            spellings: _,
            said: _,
            unchecked_bytes: _,
        } = std::mem::replace(self, Self::new());
        if let Some(mut told) = conversations.remove(PROGRAM) {
            told.draft = Composer::default();
            self.conversations.insert(PROGRAM.to_owned(), told);
        }
        (self.screen, self.clock, self.colours) = (screen, clock, colours);
        (self.body_bytes_max, self.trouble, self.has_focus) = (body_bytes_max, trouble, has_focus);
        (self.field, self.end, self.wishes) = (field, end, wishes);
        self.keys_thrown_away = keys_thrown_away;
        (self.now_ms, self.drawn) = (now_ms, drawn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::input::Ask;
    use crate::program::report::{Body, Report};

    #[test]
    fn another_user_finds_nothing_of_the_one_before() {
        let message = Report::Message {
            id: chatcore::MessageId(1).into(),
            time: 1,
            from: "bob".into(),
            to: "alice".into(),
            body: Body::new(b"for alice".to_vec()),
        };
        let mut app = App::new();
        app.report(&Report::Registered { name: "alice".into(), display_name: None });
        app.ask(Ask::Command { room: Some("#lobby".into()) });
        app.report(&message);
        app.conversation("#lobby").draft.set("half a sentence".into());
        app.conversation(PROGRAM).draft.set("/half".into());
        app.forget();
        assert_eq!(app.conversations.keys().collect::<Vec<_>>(), [PROGRAM]);
        assert_eq!((app.open.as_str(), app.draft().text(), app.own_name()), (PROGRAM, "", None));
        assert!(!app.types_line(), "no line is taken until there is a session");
        assert!(app.kept().is_empty());
        assert!(app.conversations[PROGRAM].numbers().next().is_some(), "what the program told is still there");
    }
}
