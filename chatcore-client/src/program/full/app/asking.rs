//! What is asked for: a name, a password, or what to do.

use zeroize::Zeroizing;

use super::{App, End, PROGRAM};
use crate::program::full::field::Field;
use crate::program::full::keys::Key;
use crate::program::input::{Ask, Input};

/// What whoever types before anything is asked is told.
const TOO_EARLY: &str = "wait: what you type before there is an answer is thrown away";

impl App {
    /// Asks whoever sits there for something.
    ///
    /// No question changes where the line goes that somebody types: if it comes while lines are typed, it waits for an
    /// Enter, and keys go on with the line. And a question that is not asked any more, of which the answer was half
    /// typed, stays until an Enter, or the end of the answer would be a line. So does one for a password of which
    /// nothing is typed yet.
    pub(crate) fn ask(&mut self, ask: Ask) {
        self.hint.take_if(|hint| hint == TOO_EARLY);
        if let Ask::Command { room } = ask {
            let is_first = !std::mem::replace(&mut self.takes_commands, true);
            self.field.take_if(|field| field.is_closed || field.has_no_answer());
            if let Some(field) = &mut self.field {
                field.is_withdrawn = true;
            }
            if let Some(room) = room.filter(|_| is_first && self.open == PROGRAM && self.draft().is_empty()) {
                self.open_unseen(&room);
            }
        } else {
            // A question that was withdrawn has the keys, and no line.
            let is_closed = self.types_line();
            let because = self.hint.clone();
            match &mut self.field {
                Some(field) if field.ask == ask => field.is_withdrawn = false,
                _ => self.field.insert(Field::new(ask, is_closed)).because = because,
            }
        }
        self.tell_of_what_was_typed_early();
    }

    /// Tells that text was thrown away, where it stays: the keys that come next would end a hint.
    fn tell_of_what_was_typed_early(&mut self) {
        if std::mem::take(&mut self.keys_thrown_away) > 0 {
            let told = "what you typed before this was thrown away: it might have been a password";
            self.notice(PROGRAM, told.to_owned());
            self.hint.get_or_insert_with(|| told.to_owned());
        }
    }

    /// A name is asked for because of a wait that gets shorter.
    pub(super) fn count_wait_down(&mut self, told: String) {
        let Some(field) = self.field.as_mut().filter(|field| field.ask == Ask::Name) else { return };
        if self.hint.is_some() && self.hint == field.because {
            self.hint = Some(told.clone());
        }
        field.because = Some(told);
    }

    /// Whether an answer is half typed.
    pub(crate) fn is_answering(&self) -> bool {
        self.field.as_ref().is_some_and(|field| !field.is_withdrawn && !field.text().is_empty())
    }

    /// Tells how long a message can be.
    pub(crate) const fn set_body_bytes_max(&mut self, bytes_max: usize) {
        self.body_bytes_max = Some(bytes_max);
    }

    /// Whether keys are for the line of the conversation that is open.
    pub(in crate::program::full) fn types_line(&self) -> bool {
        self.takes_commands && self.field.as_ref().is_none_or(|field| field.is_closed)
    }

    /// A key for what is asked.
    pub(super) fn press_field(&mut self, key: &Key) {
        let Some(field) = &mut self.field else {
            // It may be a password that is typed before it is asked for: nobody is to see it, and nobody to get it.
            if self.end != End::Begun {
                self.keys_thrown_away += usize::from(matches!(key, Key::Char(_) | Key::Paste(_)));
                self.hint = Some(TOO_EARLY.to_owned());
            }
            return;
        };
        match key {
            Key::Enter | Key::Esc if field.is_withdrawn => self.field = None,
            // It would be gone with the answer.
            _ if field.is_withdrawn => {
                self.hint = Some("not typed: Enter goes on, and then a line can be typed".to_owned());
            }
            Key::Ctrl('d') if field.text().is_empty() => self.want_end(),
            Key::Enter => self.enter_field(),
            key => {
                if !field.press(key) {
                    self.hint = Some("that is too long".to_owned());
                }
            }
        }
    }

    fn enter_field(&mut self) {
        // What was typed was for something else.
        if !self.shows(&self.reader()) {
            self.hint = Some("not taken: you have not seen yet what is asked; Enter again answers it".to_owned());
            return;
        }
        let Some(field) = self.field.take() else { return };
        let text = Zeroizing::new(field.text().to_owned());
        self.wanted.push_back(if field.is_secret() { Input::Secret(text) } else { Input::Line(text.to_string()) });
    }

    /// Opens what is asked, which waited for that. True if it waited.
    pub(super) fn open_field(&mut self) -> bool {
        let Some(field) = self.field.as_mut().filter(|field| field.is_closed) else { return false };
        (field.is_closed, self.takes_commands) = (false, false);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::command::Command;
    use crate::program::full::app::enter_seen;
    use crate::program::report::{LinkState, Report};

    fn types(app: &mut App, text: &str) {
        text.chars().for_each(|c| app.press(&Key::Char(c)));
    }

    #[test]
    fn a_name_that_is_half_typed_when_there_is_one_is_said_nowhere() {
        let mut app = App::new();
        app.ask(Ask::Name);
        assert!(!app.is_answering());
        types(&mut app, "ca");
        assert!(app.is_answering());
        app.ask(Ask::Command { room: Some("#lobby".into()) });
        assert!(!app.is_answering());
        types(&mut app, "rol");
        assert!(app.hint.as_ref().unwrap().starts_with("not typed"), "{:?}", app.hint);
        enter_seen(&mut app);
        types(&mut app, "hello");
        assert_eq!((app.open.as_str(), app.draft().text()), ("#lobby", "hello"), "and then lines are lines");
        assert!(!std::iter::from_fn(|| app.poll()).any(|input| is_said(&input)));
    }

    /// Those that were entered before wait for the session, and there are few. While a name is asked for, more would
    /// have no bound.
    #[test]
    fn no_line_is_entered_while_a_name_is_asked_for() {
        for ask in [Ask::Name, Ask::Password { name: "alice".into() }] {
            let mut app = App::new();
            app.ask(Ask::Command { room: Some("#lobby".into()) });
            app.type_text("begun");
            app.ask(ask);
            let mut commands = 0;
            for _ in 0..20 {
                app.type_text("line");
                enter_seen(&mut app);
                let inputs = std::iter::from_fn(|| app.poll()).filter(is_said);
                commands += inputs.filter(|input| matches!(input, Input::Command(_))).count();
            }
            assert_eq!(commands, 0);
        }
    }

    fn is_said(input: &Input) -> bool {
        !matches!(input, Input::Command(Command::Roster(_)))
    }

    /// The name that was waited for is there, and nobody has begun to type another.
    #[test]
    fn the_first_line_after_a_name_that_was_waited_for_is_a_line() {
        let mut app = App::new();
        app.ask(Ask::Name);
        app.ask(Ask::Command { room: None });
        types(&mut app, "/join #lobby");
        assert_eq!(app.draft().text(), "/join #lobby");
        enter_seen(&mut app);
        assert!(matches!(app.poll(), Some(Input::Command(Command::Join(room))) if room == "#lobby"));
        // A password that somebody is about to type is no line.
        let mut app = App::new();
        app.ask(Ask::Password { name: "alice".into() });
        app.ask(Ask::Command { room: Some("#lobby".into()) });
        types(&mut app, "s3cret");
        enter_seen(&mut app);
        assert!(app.draft().is_empty() && !std::iter::from_fn(|| app.poll()).any(|input| is_said(&input)));
    }

    fn status(app: &App) -> String {
        let mut terminal = ratatui::Terminal::new(ratatui::backend::TestBackend::new(80, 12)).unwrap();
        terminal.draw(|frame| app.draw(frame)).unwrap();
        (0..80).map(|x| terminal.backend().buffer()[(x, 10)].symbol()).collect()
    }

    #[test]
    fn who_is_asked_sees_that_the_program_waits_and_why_until_the_answer_is_given() {
        let in_use = || {
            let detail = "name is in use: asking again in 60 s".to_owned();
            Report::Error { reason: "name_in_use".into(), detail }
        };
        for is_told_first in [true, false] {
            let mut app = App::new();
            for state in [LinkState::Connecting, LinkState::Settled] {
                app.report(&Report::Link { to: "tcp://chat.example".into(), state, is_long: false });
            }
            if is_told_first {
                app.report(&in_use());
            }
            app.ask(Ask::Name);
            if !is_told_first {
                assert!(status(&app).starts_with(" waiting for your name │ the program"), "{}", status(&app));
                app.report(&in_use());
            }
            types(&mut app, "carol");
            assert!(status(&app).contains("asking again in 60 s"), "{}", status(&app));
            enter_seen(&mut app);
            assert!(!status(&app).contains("asking again in 60 s"), "{}", status(&app));
        }
    }

    #[test]
    fn a_wait_that_gets_shorter_is_shown_where_it_was_told_first_and_nowhere_else() {
        let told = |seconds| format!("alice is in use; asking again in {seconds} s");
        let shorter = |seconds| Report::AskingAgain { detail: told(seconds) };
        let mut app = App::new();
        app.report(&Report::Error { reason: "name_in_use".into(), detail: told(9) });
        app.ask(Ask::Name);
        let rows = app.conversations[PROGRAM].len();
        app.report(&shorter(8));
        assert!(status(&app).contains(&told(8)) && !status(&app).contains(&told(9)), "{}", status(&app));
        types(&mut app, "ca");
        app.report(&shorter(7));
        assert!(status(&app).contains(&told(7)), "{}", status(&app));
        app.report(&Report::Error { reason: "invalid_name".into(), detail: "no name".into() });
        app.hint = Some("something else".into());
        app.report(&shorter(6));
        assert!(status(&app).contains("something else"), "it hides nothing: {}", status(&app));
        assert_eq!(app.conversations[PROGRAM].len(), rows + 1, "it is told once");
        app.press(&Key::Enter);
        app.report(&shorter(5));
        assert!(!status(&app).contains("asking again"), "another name is asked for: {}", status(&app));
    }

    #[test]
    fn how_far_the_connection_is_stands_in_the_status_until_there_is_an_answer() {
        let link = |state, is_long| Report::Link { to: "chat.example:1".into(), state, is_long };
        let mut app = App::new();
        for (state, words) in [
            (LinkState::Connecting, " connecting to chat.example:1 │"),
            (LinkState::Unanswered, " connected to chat.example:1, no answer yet │"),
        ] {
            app.report(&link(state, false));
            assert!(status(&app).starts_with(words), "{}", status(&app));
            app.hint = Some("typed too early".into());
            app.report(&link(state, true));
            assert!(status(&app).contains("typed too early"), "it is there already: {}", status(&app));
            app.hint = None;
        }
        app.report(&link(LinkState::Settled, false));
        assert!(status(&app).starts_with(" the program"), "{}", status(&app));
        // Why the attempt before failed stays.
        let after = std::time::Duration::from_secs(1);
        let (reason, detail) = ("disconnected".to_owned(), "it was refused".to_owned());
        app.report(&Report::Reconnecting { reason, detail, error: None, attempt: 2, after });
        app.report(&link(LinkState::Connecting, false));
        assert!(
            status(&app).starts_with(" connecting to") && status(&app).contains("it was refused"),
            "{}",
            status(&app)
        );
    }

    #[test]
    fn who_leaves_says_nothing_more_and_can_leave_at_once() {
        let mut app = App::new();
        app.ask(Ask::Command { room: Some("#lobby".into()) });
        app.press(&Key::Ctrl('c'));
        app.leave();
        types(&mut app, "after");
        enter_seen(&mut app);
        assert!(app.draft().is_empty() && app.hint.is_none() && !app.leaves_at_once());
        app.press(&Key::Ctrl('c'));
        assert!(app.leaves_at_once());
    }

    #[test]
    fn what_is_read_together_with_the_key_that_leaves_and_behind_it_is_not_sent() {
        let mut app = App::new();
        app.ask(Ask::Command { room: None });
        app.type_text("@bob:before");
        enter_seen(&mut app);
        app.type_text("half");
        app.press(&Key::Ctrl('c'));
        app.type_text(" a line");
        enter_seen(&mut app);
        app.press(&Key::Paste("a block".into()));
        assert!(matches!(app.poll(), Some(Input::Command(Command::Send { body, .. })) if body == "before"));
        assert!(matches!(app.poll(), Some(Input::End)) && app.poll().is_none());
        assert_eq!(app.draft().text(), "half", "and what was typed stays");
        app.press(&Key::Ctrl('c'));
        assert!(app.leaves_at_once());
    }

    #[test]
    fn who_types_before_there_is_an_answer_is_told_that_it_is_gone() {
        let gone = |app: &App| {
            let told = &app.conversations[PROGRAM];
            told.numbers()
                .filter(|number| told.entry(*number).unwrap().body().starts_with(b"what you typed before"))
                .count()
        };
        let asks = [Ask::Command { room: None }, Ask::Password { name: "alice".into() }];
        for ask in asks {
            let mut app = App::new();
            types(&mut app, "early");
            assert!(app.hint.as_ref().unwrap().contains("thrown away"), "{:?}", app.hint);
            app.ask(ask);
            assert!(status(&app).contains("what you typed before this was thrown away"), "{}", status(&app));
            types(&mut app, "x");
            app.ask(Ask::Command { room: None });
            assert_eq!(gone(&app), 1, "it is told once, and stays");
        }
        // Nothing was typed.
        let mut app = App::new();
        enter_seen(&mut app);
        app.ask(Ask::Command { room: None });
        assert_eq!(gone(&app), 0);
    }

    #[test]
    fn who_wants_to_connect_or_to_leave_waits_for_nothing_that_was_entered_before() {
        let mut app = App::new();
        app.ask(Ask::Command { room: None });
        for text in ["@bob:one", "/quit"] {
            app.type_text(text);
            enter_seen(&mut app);
        }
        app.press(&Key::Function(5));
        let urgent: Vec<Command> = std::iter::from_fn(|| app.poll_urgent()).collect();
        assert_eq!(urgent, [Command::Quit, Command::Reconnect]);
        let rest: Vec<Input> = std::iter::from_fn(|| app.poll()).collect();
        assert!(matches!(&rest[..], [Input::Command(Command::Send { body, .. })] if body == "one"), "{rest:?}");
    }

    #[test]
    fn a_question_that_comes_back_is_answered() {
        let mut app = App::new();
        app.ask(Ask::Name);
        types(&mut app, "ca");
        app.ask(Ask::Command { room: None });
        app.ask(Ask::Name);
        types(&mut app, "rol");
        enter_seen(&mut app);
        assert!(matches!(app.poll(), Some(Input::Line(name)) if name == "carol"));
    }
}
