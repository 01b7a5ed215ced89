//! From one conversation to another.

use super::{App, PROGRAM};
use crate::program::command::Command;
use crate::program::full::conversation::Conversation;
use crate::program::full::keys::Key;
use crate::program::input::Input;

impl App {
    /// The conversations of the list, in its order. A person has closed the others.
    pub(in crate::program::full) fn listed_conversations(&self) -> impl Iterator<Item = (&String, &Conversation)> {
        self.conversations.iter().filter(|(_, conversation)| !conversation.is_closed)
    }

    /// Shows the conversation before or after the one that is shown.
    pub(super) fn step(&mut self, is_forward: bool) {
        let names: Vec<&String> = self.listed_conversations().map(|(name, _)| name).collect();
        let at = names.iter().position(|name| **name == self.open).unwrap_or(0);
        let next = if is_forward { at + 1 } else { at + names.len() - 1 } % names.len();
        self.open_unseen(&names[next].clone());
    }

    /// Shows the conversation with the place in the list that is the key's digit. 0 is the tenth.
    pub(super) fn open_numbered(&mut self, key: &Key) {
        let Key::Alt(digit) = key else { return };
        let Some(digit) = digit.to_digit(10).and_then(|digit| usize::try_from(digit).ok()) else { return };
        let place = if digit == 0 { 10 } else { digit };
        let name = self.listed_conversations().nth(place - 1).map(|(name, _)| name.clone());
        match name {
            Some(name) => self.open_unseen(&name),
            None => self.hint = Some(format!("the list has no {place} conversations")),
        }
    }

    /// Shows a conversation with messages that nobody has seen, those of users first.
    pub(super) fn open_unread(&mut self) {
        let unread = self.conversations.iter().filter(|(_, conversation)| conversation.unread > 0);
        let name = unread.map(|(name, _)| name).min_by_key(|name| (name.starts_with('#'), name.as_str())).cloned();
        match name {
            Some(name) => self.open_unseen(&name),
            None => self.hint = Some("nothing is new".to_owned()),
        }
    }

    /// Takes the conversation that is shown out of the list, until there is something new in it. A room is left: who
    /// closes its window wants to hear no more of it.
    pub(super) fn close(&mut self) {
        if self.open == PROGRAM {
            self.hint = Some("what the program tells stays: /quit leaves".to_owned());
            return;
        }
        if !self.draft().is_empty() {
            self.hint = Some("not closed: send first what is typed here, or cut it (Ctrl-U)".to_owned());
            return;
        }
        if self.has_chosen_unseen() {
            self.hint = Some("not closed: you have not seen yet what is open; the same key again closes it".to_owned());
            return;
        }
        let name = self.open.clone();
        self.step(false);
        let conversation = self.conversation(&name);
        conversation.is_closed = true;
        if conversation.membership.is_member() {
            conversation.is_being_left = true;
            self.wanted.push_back(Input::Command(Command::Leave(Some(name))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::full::app::see;
    use crate::program::input::Ask;
    use crate::program::report::{Body, Report};

    fn said(id: u64, from: &str, to: &str) -> Report {
        let (from, to, body) = (from.into(), to.into(), Body::new(b"hi".to_vec()));
        Report::Message { id: chatcore::MessageId(id).into(), time: 0, from, to, body }
    }

    fn of_room(is_in: bool, name: &str) -> Report {
        let (room, name) = ("#lobby".to_owned(), name.to_owned());
        if is_in {
            Report::Joined { room, name, display_name: None }
        } else {
            Report::Left { room, name: name.into(), reason: "left".into() }
        }
    }

    /// Alice, with bob, carol and a room.
    fn alice() -> App {
        let mut app = App::new();
        app.report(&Report::Registered { name: "alice".into(), display_name: None });
        app.ask(Ask::Command { room: None });
        app.report(&of_room(true, "alice"));
        for (id, from) in (1..).zip(["bob", "carol"]) {
            app.report(&said(id, from, "alice"));
        }
        while app.poll().is_some() {}
        app
    }

    fn listed(app: &App) -> Vec<&str> {
        app.listed_conversations().map(|(name, _)| name.as_str()).collect()
    }

    /// Presses Alt and this, sees what is there then, and returns what is open.
    fn press(app: &mut App, c: char) -> String {
        app.press(&Key::Alt(c));
        see(app);
        app.open.clone()
    }

    #[test]
    fn alt_and_a_digit_open_the_conversation_at_that_place() {
        let mut app = alice();
        assert_eq!(listed(&app), [PROGRAM, "#lobby", "bob", "carol"]);
        assert_eq!(['3', '2', '4', '1'].map(|c| press(&mut app, c)), ["bob", "#lobby", "carol", PROGRAM]);
        assert_eq!(press(&mut app, '0'), PROGRAM);
        assert_eq!(app.hint.as_deref(), Some("the list has no 10 conversations"));
        for number in 0..7 {
            app.report(&said(10 + number, &format!("user{number}"), "alice"));
        }
        assert_eq!(press(&mut app, '0'), "user5", "the tenth");
    }

    #[test]
    fn a_conversation_that_is_closed_comes_back_with_what_is_new_and_with_all_that_was_said() {
        let mut app = alice();
        assert_eq!(press(&mut app, 'x'), PROGRAM);
        assert!(app.hint.is_some() && listed(&app).len() == 4, "the program's own stays");
        assert_eq!(press(&mut app, '4'), "carol");
        app.press(&Key::Char('h'));
        assert_eq!(press(&mut app, 'x'), "carol", "nothing that is typed is lost");
        app.press(&Key::Ctrl('u'));
        assert_eq!(press(&mut app, 'x'), "bob");
        assert_eq!(listed(&app), [PROGRAM, "#lobby", "bob"]);
        assert_eq!(press(&mut app, 'n'), PROGRAM, "it is passed over");
        assert!(app.poll().is_none(), "the server is asked for nothing");
        app.report(&Report::Presence { name: "carol".into(), online: false, display_name: None });
        assert_eq!(listed(&app).len(), 3, "that she went is nothing new");
        app.report(&said(9, "carol", "alice"));
        assert_eq!(listed(&app), [PROGRAM, "#lobby", "bob", "carol"]);
        assert_eq!(app.conversations["carol"].len(), 4, "what she said, that she went, and that this may be another");
    }

    #[test]
    fn a_room_that_is_closed_is_left() {
        let mut app = alice();
        assert_eq!(press(&mut app, '2'), "#lobby");
        while app.poll().is_some() {}
        assert_eq!(press(&mut app, 'x'), PROGRAM);
        let leave = Command::Leave(Some("#lobby".into()));
        assert!(matches!(app.poll(), Some(Input::Command(command)) if command == leave));
        app.report(&said(9, "bob", "#lobby"));
        app.report(&of_room(false, "alice"));
        assert_eq!(listed(&app), [PROGRAM, "bob", "carol"]);
        app.report(&of_room(true, "alice"));
        assert_eq!(listed(&app).len(), 4, "another session of ours has joined it");
        // What nobody is in is closed without a word to the server.
        app.report(&of_room(false, "alice"));
        app.open("#lobby");
        while app.poll().is_some() {}
        press(&mut app, 'x');
        assert!(app.poll().is_none() && listed(&app).len() == 3);
    }

    #[test]
    fn a_key_asks_for_a_connection_at_once_whatever_is_typed() {
        let mut app = alice();
        app.press(&Key::Char('h'));
        app.press(&Key::Function(5));
        assert!(matches!(app.poll(), Some(Input::Command(Command::Reconnect))));
        assert_eq!(app.draft().text(), "h");
        // The name may be waited for.
        let mut app = App::new();
        app.ask(Ask::Name);
        app.press(&Key::Function(5));
        assert!(matches!(app.poll(), Some(Input::Command(Command::Reconnect))));
    }
}
