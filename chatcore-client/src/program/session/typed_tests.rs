//! What becomes of what a person enters, by how far the program is when it takes that.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::parts::{Session, Stage};
use super::run::HELD_MAX;
use super::tests::{serve, session};
use super::waits::NameWait;
use crate::program::command::Command;
use crate::program::console::Console;
use crate::program::failure::Failure;
use crate::program::input::Input;
use crate::program::report::Report;
use crate::program::stop::Stop;
use crate::program::writer::Writer;

/// After which a test fails that waits for something.
const PATIENCE: Duration = Duration::from_secs(60);

/// The reasons of the complaints that were shown.
type Complaints = Rc<RefCell<Vec<String>>>;

/// A person on the full screen, who has entered this.
struct Person {
    inputs: VecDeque<Input>,
    urgent: Option<Command>,
    complaints: Complaints,
    writer: Writer,
}

impl Console for Person {
    fn poll(&mut self) -> Option<Input> {
        self.inputs.pop_front()
    }

    fn poll_urgent(&mut self) -> Option<Command> {
        self.urgent.take()
    }

    fn show(&mut self, report: &Report) {
        if let Report::InputError { reason, .. } = report {
            self.complaints.borrow_mut().push(reason.clone());
        }
    }

    fn writer(&self) -> &Writer {
        &self.writer
    }

    fn finish(&mut self, _stop: &Stop) -> Result<(), Failure> {
        Ok(())
    }
}

/// The program of somebody who has entered this, and what it complains of.
fn entered<const N: usize>(address: &str, inputs: [Input; N]) -> (Session, Complaints) {
    entered_with(address, inputs, None)
}

/// The same, with a command that is not to wait.
fn entered_with<const N: usize>(address: &str, inputs: [Input; N], urgent: Option<Command>) -> (Session, Complaints) {
    let complaints = Complaints::default();
    let args = ["chatcore-client", "--connect", address, "--name", "alice", "--no-state"];
    let person = |writer, _: &_| Person { inputs: inputs.into(), urgent, complaints: Rc::clone(&complaints), writer };
    (session(&args, person), complaints)
}

fn line(text: &str) -> Input {
    Input::Line(text.to_owned())
}

/// On the full screen the question for a name stays open while a name that was waited for is asked for again.
#[test]
fn an_answer_that_comes_after_the_name_is_there_is_said_nowhere() {
    let (address, serving) = serve(|_| {});
    let secret = Input::Secret(String::from("s3cret").into());
    let (mut session, complaints) = entered(&address, [line("carol"), secret, line("@bob:carol")]);
    session.own.saved.room = Some("#lobby".to_owned());
    let until = Instant::now() + PATIENCE;
    while session.stage != Stage::Open {
        assert!(until > Instant::now(), "{:?}", session.stage);
        session.take_restored().unwrap();
        session.take_connected().unwrap();
        session.drive().unwrap();
        session.poll.poll(&mut session.events, Some(Duration::from_millis(10))).unwrap();
    }
    session.take_input().unwrap();
    assert_eq!((session.requests.open(), session.held.len(), session.stage), (0, 0, Stage::Open));
    assert_eq!(*complaints.borrow(), ["not_taken"; 3]);
    let _server = serving.join().unwrap();
}

#[test]
fn a_name_that_comes_when_a_password_is_asked_for_waits_for_no_session() {
    let (mut session, complaints) = entered("127.0.0.1:1", [line("carol")]);
    session.own.saved.room = Some("#lobby".to_owned());
    session.stage = Stage::LoggingIn;
    session.take_input().unwrap();
    assert!(session.held.is_empty());
    assert_eq!(*complaints.borrow(), ["not_taken"]);
}

/// No room comes before there is a session, and without an answer there is none.
#[test]
fn an_answer_is_read_however_many_commands_wait_for_a_session() {
    let answers = [(Stage::Naming, line("carol")), (Stage::LoggingIn, Input::Secret(String::from("s3cret").into()))];
    for (stage, answer) in answers {
        let (mut session, _) = entered("127.0.0.1:1", [answer]);
        session.held.extend((0..HELD_MAX).map(|_| Command::Who.into()));
        session.stage = stage;
        session.take_input().unwrap();
        assert_eq!(session.stage, Stage::Registering, "after {stage:?}");
    }
}

/// While the server is asked for a name or a session, and while so much waits that no more is read.
#[test]
fn who_wants_to_connect_or_to_leave_does_not_wait_for_the_server() {
    let later = Instant::now() + Duration::from_secs(600);
    for (stage, held) in [(Stage::Registering, 0), (Stage::Open, HELD_MAX)] {
        for command in [Command::Reconnect, Command::Quit] {
            let (mut session, _) = entered_with("127.0.0.1:1", [], Some(command.clone()));
            let words = "it is in use".to_owned();
            session.name_wait =
                Some(NameWait { name: "alice".to_owned(), again_at: later, until: None, words, told_s: None });
            session.held.extend((0..held).map(|_| Command::Who.into()));
            session.stage = stage;
            session.take_input().unwrap();
            let is_hurried = session.name_wait.is_some_and(|waited| waited.again_at < later);
            let is_quit = session.input_ended;
            assert_eq!((is_hurried, is_quit), (command == Command::Reconnect, command == Command::Quit), "{stage:?}");
        }
    }
}
