//! What the terminal shows of who gets the line. Enter gives it to nobody else.

use ratatui::layout::Rect;

use super::{App, Intent, PROGRAM};
use crate::program::full::keymap::Action;
use crate::program::full::keys::Key;

/// Who gets the line if it is entered, as the prompt says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::program::full) enum Reader {
    /// A user or a room, spelled as the prompt spells it.
    Named(String),
    /// The program, which asks this.
    Program(String),
    /// Nobody: it is a command, or nothing is done with it.
    Nobody,
}

/// What a picture says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::program::full) struct Pictured {
    pub(in crate::program::full) reader: Reader,
    /// The conversation that is open; none if there was no room for anything.
    pub(in crate::program::full) open: Option<String>,
    pub(in crate::program::full) area: Rect,
    /// There was no room for all of it.
    pub(in crate::program::full) is_cut: bool,
}

/// What the terminal shows of it. A picture that is drawn is seen when all of it is written.
#[derive(Default)]
pub(in crate::program::full) struct Seen {
    written: Option<Pictured>,
    /// The one that is being written.
    drawn: Option<Pictured>,
    /// The conversation that is open was chosen by its place, or by the program, and no picture of it is written yet.
    pub(super) is_chosen_unseen: bool,
}

impl Seen {
    pub(in crate::program::full) fn draw(&mut self, picture: Pictured) {
        self.drawn = Some(picture);
    }

    fn write(&mut self) {
        self.written = self.drawn.take().or(self.written.take());
    }

    /// Whether it stands there, and stands there also when the picture that is on its way is written.
    fn shows(&self, reader: &Reader) -> bool {
        let is_shown = self.written.as_ref().is_some_and(|written| written.reader == *reader);
        is_shown && (self.drawn.is_none() || self.drawn == self.written)
    }
}

impl App {
    /// All that was drawn is written.
    pub(crate) fn see_picture(&mut self) {
        let seen = self.drawn.seen.get_mut();
        seen.write();
        // A line may name no reader in the one before, and in this one neither.
        let shows_open = seen.written.as_ref().is_some_and(|written| written.open.as_ref() == Some(&self.open));
        if seen.is_chosen_unseen && shows_open && self.shows(&self.reader()) {
            self.drawn.seen.get_mut().is_chosen_unseen = false;
        }
    }

    /// The terminal shows something else than what was drawn, or shows it in a window of another size.
    pub(crate) fn lose_picture(&mut self) {
        let seen = self.drawn.seen.get_mut();
        (seen.written, seen.drawn) = (None, None);
    }

    /// Who gets the line if it is entered now.
    pub(in crate::program::full) fn reader(&self) -> Reader {
        match &self.field {
            // Enter puts it away.
            Some(field) if field.is_withdrawn => Reader::Nobody,
            // The prompt says what is asked also while Enter only opens it.
            Some(field) => Reader::Program(field.label()),
            None if !self.types_line() => Reader::Nobody,
            None => match self.intent() {
                Intent::Nothing { to } | Intent::Send { to, .. } if to != PROGRAM => Reader::Named(to),
                _ => Reader::Nobody,
            },
        }
    }

    /// Whether the terminal shows that the line goes there.
    pub(super) fn shows(&self, reader: &Reader) -> bool {
        self.drawn.seen.borrow().shows(reader)
    }

    /// Whether a key would send a line to whom the terminal does not show yet, or answer what it does not show, so that
    /// it is better pressed after the next picture. What somebody opened by its place in the list, before they saw what
    /// it is, they have not named: that key is refused.
    pub(in crate::program::full) fn awaits_picture(&self, key: &Key) -> bool {
        let enters_answer = *key == Key::Enter && self.awaits_answer();
        let sends_line = self.screen.keys.action(key) == Some(Action::Send) && self.awaits_line();
        (enters_answer || sends_line) && self.help.is_none() && !self.is_about_to_end() && !self.shows(&self.reader())
    }

    /// An answer is typed, perhaps before the terminal shows what is asked.
    fn awaits_answer(&self) -> bool {
        self.field.as_ref().is_some_and(|field| !field.is_closed && !field.is_withdrawn && !field.text().is_empty())
    }

    fn awaits_line(&self) -> bool {
        self.field.is_none()
            && self.types_line()
            && !self.has_chosen_unseen()
            && matches!(self.intent(), Intent::Send { .. })
    }

    /// Whether a key ends the program, whatever else waits.
    pub(in crate::program::full) fn quits(&self, key: &Key) -> bool {
        self.screen.keys.action(key) == Some(Action::Quit)
    }

    /// Whether a key does something that has nothing to do with what is typed, so that it need not wait behind a line.
    /// The list of keys has: while it is there, Enter closes it.
    pub(in crate::program::full) fn acts_at_once(&self, key: &Key) -> bool {
        let action = self.screen.keys.action(key);
        matches!(action, Some(Action::Redraw | Action::Suspend | Action::Mouse | Action::Reconnect))
    }

    /// Whether a key ends the program if nothing is typed.
    pub(in crate::program::full) fn quits_without_line(&self, key: &Key) -> bool {
        self.screen.keys.action(key) == Some(Action::DeleteOrQuit)
    }

    /// Tells that not all is kept that was typed behind a line that waited for a picture.
    pub(in crate::program::full) fn tell_of_keys_thrown_away(&mut self) {
        let told = "the screen stood still, and more was typed than is kept: the end of it was thrown away";
        self.notice(PROGRAM, told.to_owned());
        self.hint = Some(told.to_owned());
    }

    /// Whether nobody has seen yet what is open: somebody has chosen it by its place. What they do with it is refused.
    pub(super) fn has_chosen_unseen(&self) -> bool {
        self.drawn.seen.borrow().is_chosen_unseen
    }

    /// Opens what somebody chose by its place, or the program by itself: until it is seen, nobody knows what it is.
    pub(super) fn open_unseen(&mut self, name: &str) {
        let is_other = *name != self.open;
        self.open(name);
        self.drawn.seen.get_mut().is_chosen_unseen |= is_other;
    }
}

#[cfg(test)]
pub(in crate::program::full) mod tests {
    use super::*;
    use crate::program::command::Command;
    use crate::program::input::{Ask, Input};
    use crate::program::report::{Body, Report};
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    fn draw(app: &App, width: u16, height: u16) {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| app.draw(frame)).unwrap();
    }

    /// Whoever sits there sees all as it is now.
    pub(in crate::program::full) fn see(app: &mut App) {
        draw(app, 80, 16);
        app.see_picture();
    }

    /// Presses Enter when it is seen what that does.
    pub(in crate::program::full) fn enter_seen(app: &mut App) {
        see(app);
        app.press(&Key::Enter);
    }

    fn sent(app: &mut App) -> Vec<String> {
        let inputs = std::iter::from_fn(|| app.poll());
        let to = |input| match input {
            Input::Command(Command::Send { to, .. }) => Some(to),
            _ => None,
        };
        inputs.filter_map(to).collect()
    }

    /// A room is open, and bob has said something that nobody has seen.
    fn app() -> App {
        let mut app = App::new();
        app.ask(Ask::Command { room: None });
        app.open("#lobby");
        see(&mut app);
        let (from, to, body) = ("bob".into(), "alice".into(), Body::new(b"hi".to_vec()));
        app.report(&Report::Registered { name: "alice".into(), display_name: None });
        app.report(&Report::Message { id: chatcore::MessageId(1).into(), time: 0, from, to, body });
        app
    }

    #[test]
    fn a_line_goes_to_nobody_but_whom_the_last_written_picture_named() {
        let mut app = app();
        app.type_text("to all");
        app.press(&Key::Enter);
        assert_eq!(sent(&mut app), ["#lobby"], "the room was seen, and no picture is awaited for each line");
        app.type_text("@bob:hi");
        assert!(app.awaits_picture(&Key::Enter), "whom the line itself names");
        app.press(&Key::Enter);
        assert_eq!((sent(&mut app).len(), app.draft().text()), (0, "@bob:hi"));
        assert!(app.hint.as_ref().unwrap().starts_with("not sent"), "{:?}", app.hint);
        draw(&app, 80, 16);
        assert!(app.awaits_picture(&Key::Enter), "what is drawn is not written");
        app.see_picture();
        assert!(!app.awaits_picture(&Key::Enter));
        app.press(&Key::Enter);
        assert_eq!(sent(&mut app), ["bob"]);
        // Nor to the room, while a picture that names bob is on its way.
        see(&mut app);
        app.type_text("@bob:x");
        draw(&app, 80, 16);
        app.press(&Key::Ctrl('u'));
        app.open("#lobby");
        app.type_text("to all");
        app.press(&Key::Enter);
        assert_eq!(sent(&mut app), [] as [&str; 0]);
    }

    #[test]
    fn an_answer_that_is_typed_before_the_question_is_seen_waits_for_the_picture() {
        let mut app = App::new();
        app.ask(Ask::Name);
        app.type_text("ines");
        assert!(app.awaits_picture(&Key::Enter), "or the next line would be a part of the name");
        draw(&app, 80, 24);
        app.see_picture();
        assert!(!app.awaits_picture(&Key::Enter));
        app.press(&Key::Enter);
        assert!(matches!(app.poll(), Some(Input::Line(name)) if name == "ines"));
    }

    #[test]
    fn what_was_opened_by_its_place_takes_no_line_before_it_is_seen() {
        for keys in [vec![Key::Alt('a')], vec![Key::Alt('n')], vec![Key::Alt('3')], vec![Key::Alt('p'), Key::Alt('p')]]
        {
            let mut app = app();
            for key in &keys {
                app.press(key);
            }
            app.type_text("secret");
            assert!(app.open != "#lobby" && !app.awaits_picture(&Key::Enter), "{keys:?}");
            app.press(&Key::Enter);
            assert_eq!(sent(&mut app), [] as [&str; 0], "{keys:?}");
        }
        let mut app = app();
        app.press(&Key::Alt('a'));
        app.type_text("secret");
        enter_seen(&mut app);
        assert_eq!(sent(&mut app), ["bob"]);
    }

    fn asked(app: &mut App) -> Vec<Command> {
        let inputs = std::iter::from_fn(|| app.poll());
        let commands = inputs.filter_map(|input| match input {
            Input::Command(command) => Some(command),
            _ => None,
        });
        commands.collect()
    }

    #[test]
    fn what_was_opened_by_its_place_is_neither_left_nor_closed_before_it_is_seen() {
        let in_rooms = || {
            let mut app = app();
            for room in ["#garden", "#lobby"] {
                app.report(&Report::Joined { room: room.into(), name: "alice".into(), display_name: None });
            }
            see(&mut app);
            asked(&mut app);
            app
        };
        let leave = |room: &str| Command::Leave(Some(room.into()));
        let roster = |room: &str| Command::Roster(Some(room.into()));
        for (line, command) in [("/leave", leave("#garden")), ("/roster", roster("#garden"))] {
            // It is typed behind the key, or was begun there before, and another command stands in the last picture.
            for is_begun in [false, true] {
                let mut app = in_rooms();
                if is_begun {
                    app.conversation("#garden").draft.set(line.to_owned());
                    app.type_text("/leave");
                    see(&mut app);
                }
                app.press(&Key::Alt('p'));
                assert_eq!(app.open, "#garden");
                // The roster of a room that is opened is asked for by the program itself.
                asked(&mut app);
                if !is_begun {
                    app.type_text(line);
                }
                app.see_picture();
                app.press(&Key::Enter);
                assert_eq!((asked(&mut app), app.draft().text()), (vec![], line));
                assert!(app.hint.as_ref().unwrap().starts_with("not done: you have not seen yet"), "{:?}", app.hint);
                enter_seen(&mut app);
                assert_eq!(asked(&mut app), std::slice::from_ref(&command));
            }
        }
        // What names its room is done, and so is what is for none.
        let mut app = in_rooms();
        app.press(&Key::Alt('p'));
        asked(&mut app);
        for line in ["/leave #lobby", "/who"] {
            app.type_text(line);
            app.press(&Key::Enter);
        }
        assert_eq!(asked(&mut app), [leave("#lobby"), Command::Who]);

        let mut app = in_rooms();
        app.press(&Key::Alt('p'));
        asked(&mut app);
        app.press(&Key::Alt('x'));
        assert_eq!((asked(&mut app), app.open.as_str()), (vec![], "#garden"));
        assert!(app.hint.as_ref().unwrap().starts_with("not closed: you have not seen yet"), "{:?}", app.hint);
        see(&mut app);
        app.press(&Key::Alt('x'));
        assert_eq!((asked(&mut app), app.open.as_str()), (vec![leave("#garden")], PROGRAM));
        // What the program opens in its place, nobody has seen either.
        let mut app = in_rooms();
        app.press(&Key::Alt('x'));
        app.press(&Key::Alt('x'));
        assert_eq!((asked(&mut app), app.open.as_str()), (vec![leave("#lobby")], "#garden"));
    }

    #[test]
    fn a_window_of_another_size_shows_nothing_yet() {
        let mut app = app();
        app.type_text("hello");
        app.lose_picture();
        assert!(app.awaits_picture(&Key::Enter));
        app.press(&Key::Enter);
        assert_eq!(sent(&mut app), [] as [&str; 0]);
        // A picture that is too small says no, and is not waited for.
        draw(&app, 10, 3);
        app.see_picture();
        assert!(!app.awaits_picture(&Key::Enter));
        app.press(&Key::Enter);
        assert_eq!(sent(&mut app), [] as [&str; 0]);
        enter_seen(&mut app);
        assert_eq!(sent(&mut app), ["#lobby"]);
    }

    /// A name would be public, and a line in the place of a password would go to the server as one.
    #[test]
    fn a_question_takes_no_answer_before_it_is_seen() {
        let mut app = app();
        app.ask(Ask::Name);
        app.type_text("one");
        app.press(&Key::Enter);
        app.type_text("two");
        app.press(&Key::Enter);
        assert!(!std::iter::from_fn(|| app.poll()).any(|input| matches!(input, Input::Line(_))));
        enter_seen(&mut app);
        assert!(matches!(app.poll(), Some(Input::Line(name)) if name == "two"));
        // Who has seen it before they open it, may answer at once.
        app.ask(Ask::Command { room: None });
        app.ask(Ask::Name);
        see(&mut app);
        app.press(&Key::Enter);
        app.type_text("three");
        app.press(&Key::Enter);
        assert!(matches!(app.poll(), Some(Input::Line(name)) if name == "three"));
    }
}
