//! The program's loop, with a console that counts, and a server that says what the test wants.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use chatcore::MessageId;
use chatcore::wire::{
    Announced, ClientMessage, Deliver, HubMessage, Message, Online, PREFACE_BYTES, Preface, Token, Welcome, take,
};
use clap::Parser;
use mio::{Poll, Waker};

use super::connect::{Connect, WAKER};
use super::parts::{Held, Session, Stage};
use super::run::{EVENTS_MAX, HELD_MAX, HELD_TEXT_BYTES_MAX};
use crate::program::args::Args;
use crate::program::command::Command;
use crate::program::console::Console;
use crate::program::failure::Failure;
use crate::program::input::Input;
use crate::program::report::Report;
use crate::program::signals::Signals;
use crate::program::stop::Stop;
use crate::program::writer::Writer;

/// Messages that come at once. All of them fit into one read, and into what the system keeps on the way.
const MESSAGES: usize = 3 * EVENTS_MAX;

/// After which a test fails that waits for something.
const PATIENCE: Duration = Duration::from_secs(60);

/// Commands that are read ahead where nothing bounds that, before a test gives up.
const READ_MAX: usize = 10_000;

const LIMITS: Announced = Announced {
    frame_bytes_max: 100_000,
    body_bytes_max: 65_536,
    outbox_bytes_max: 1 << 20,
    stall_ms_max: 3_600_000,
    idle_ms_max: 3_600_000,
    resume_ms_max: 3_600_000,
    rooms_max: 64,
    watches_max: 64,
    cost_per_s: 0,
    cost_burst: 0,
};

/// Messages between two looks of a person's console at its keys, or between two pictures.
#[derive(Debug, Default)]
struct Counts {
    shown: usize,
    since_keys: usize,
    since_picture: usize,
    most_between_keys: usize,
    most_between_pictures: usize,
}

/// A console of a person, which counts.
struct Counting {
    counts: Rc<RefCell<Counts>>,
    /// All that the server says is on its way.
    is_said: Receiver<()>,
    writer: Writer,
}

impl Console for Counting {
    fn poll(&mut self) -> Option<Input> {
        let mut counts = self.counts.borrow_mut();
        counts.most_between_keys = counts.most_between_keys.max(counts.since_keys);
        counts.since_keys = 0;
        None
    }

    fn show(&mut self, report: &Report) {
        match report {
            // The loop goes on when all that it is to read is there.
            Report::Registered { .. } => self.is_said.recv_timeout(PATIENCE).expect("the server says it"),
            Report::Message { .. } => {
                let mut counts = self.counts.borrow_mut();
                counts.shown += 1;
                counts.since_keys += 1;
                counts.since_picture += 1;
            }
            _ => {}
        }
    }

    fn refresh(&mut self) -> Result<(), Failure> {
        let mut counts = self.counts.borrow_mut();
        counts.most_between_pictures = counts.most_between_pictures.max(counts.since_picture);
        counts.since_picture = 0;
        // The only way out of the loop that waits for nothing.
        if counts.shown == MESSAGES { Err(Failure::System(io::ErrorKind::Interrupted.into())) } else { Ok(()) }
    }

    fn writer(&self) -> &Writer {
        &self.writer
    }

    fn finish(&mut self, _stop: &Stop) -> Result<(), Failure> {
        Ok(())
    }
}

/// Waits until somebody asks for a name.
fn await_name(server: &mut TcpStream) {
    server.set_read_timeout(Some(PATIENCE)).unwrap();
    server.read_exact(&mut [0; PREFACE_BYTES]).unwrap();
    server.write_all(&Preface::OURS.encode()).unwrap();
    let (mut heard, mut buffer) = (Vec::new(), [0; 1_000]);
    loop {
        let count = server.read(&mut buffer).unwrap();
        assert!(count > 0, "it asks");
        heard.extend_from_slice(&buffer[..count]);
        let mut rest = &heard[..];
        if let Some(content) = take(&mut rest, LIMITS.frame_bytes_max).unwrap() {
            assert!(matches!(ClientMessage::decode(content), Ok(Some(ClientMessage::Register(_)))));
            return;
        }
    }
}

/// A server that gives whoever asks for a name that name, and then does this.
pub(super) fn serve(then: impl FnOnce(&mut TcpStream) + Send + 'static) -> (String, JoinHandle<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serving = thread::spawn(move || {
        let mut server = listener.accept().unwrap().0;
        await_name(&mut server);
        let mut bytes = Vec::new();
        let token = Token::from_bytes([7; 16]);
        HubMessage::Welcome(Welcome { name: "alice", display_name: None, token, limits: LIMITS }).encode(&mut bytes);
        server.write_all(&bytes).unwrap();
        then(&mut server);
        server
    });
    (address, serving)
}

/// The program with these arguments at this console.
pub(super) fn session<C: Console + 'static>(args: &[&str], console: impl FnOnce(Writer, &Arc<Waker>) -> C) -> Session {
    let args = Args::parse_from(args);
    let poll = Poll::new().unwrap();
    let waker = Arc::new(Waker::new(poll.registry(), WAKER).unwrap());
    let writer = Writer::start(std::fs::File::create("/dev/null").unwrap(), Arc::clone(&waker)).unwrap();
    let console = Box::new(console(writer, &waker));
    let own = (poll, waker, Arc::<Signals>::default());
    Session::begin_at(&args, None, Connect::new(&args).unwrap(), own, console).unwrap()
}

/// Goes on with the program at this console until the console lets it end.
fn go_on<C: Console + 'static>(address: &str, console: impl FnOnce(Writer, &Arc<Waker>) -> C) {
    let mut session = session(&["chatcore-client", "--connect", address, "--name", "alice", "--no-state"], console);
    assert!(matches!(session.go_on(), Err(Failure::System(_))));
}

/// However much comes at once: a key is seen, and shown, after no more events than these. Time would say nothing of a
/// machine that others use as well.
#[test]
fn between_two_looks_at_the_keys_no_more_than_a_number_of_events_is_handled() {
    let (says, is_said) = channel();
    let (address, serving) = serve(move |server| {
        let mut bytes = Vec::new();
        for id in 1..=MESSAGES as u64 {
            HubMessage::Deliver(Deliver { id: MessageId(id), from: "bob", body: b"hi" }).encode(&mut bytes);
        }
        assert!(bytes.len() < 64 << 10, "{} bytes", bytes.len());
        server.write_all(&bytes).unwrap();
        says.send(()).unwrap();
    });
    let counts = Rc::<RefCell<Counts>>::default();
    go_on(&address, |writer, _| Counting { counts: Rc::clone(&counts), is_said, writer });
    let _server = serving.join().unwrap();
    let counts = counts.borrow();
    assert_eq!(counts.shown, MESSAGES);
    assert!(counts.most_between_keys <= EVENTS_MAX && counts.most_between_pictures <= EVENTS_MAX, "{counts:?}");
}

/// A script whose inputs are these.
struct Script {
    inputs: std::array::IntoIter<Input, 3>,
    writer: Writer,
}

impl Console for Script {
    fn is_interactive(&self) -> bool {
        false
    }

    fn poll(&mut self) -> Option<Input> {
        self.inputs.next()
    }

    fn line(&self) -> Option<u64> {
        Some(1)
    }

    fn show(&mut self, _report: &Report) {}

    fn writer(&self) -> &Writer {
        &self.writer
    }

    fn finish(&mut self, _stop: &Stop) -> Result<(), Failure> {
        Ok(())
    }
}

/// A script without end, all of whose lines are this command, but for the first.
struct Endless {
    first: VecDeque<Command>,
    command: Command,
    read: Rc<Cell<usize>>,
    /// So many were read when this was looked at last.
    read_before: usize,
    waker: Arc<Waker>,
    writer: Writer,
}

impl Console for Endless {
    fn is_interactive(&self) -> bool {
        false
    }

    fn poll(&mut self) -> Option<Input> {
        self.read.set(self.read.get() + 1);
        Some(Input::Command(self.first.pop_front().unwrap_or_else(|| self.command.clone())))
    }

    fn show(&mut self, _report: &Report) {}

    fn refresh(&mut self) -> Result<(), Failure> {
        let (before, now) = (std::mem::replace(&mut self.read_before, self.read.get()), self.read.get());
        // It ends when no more is read, or when that goes on for ever.
        if now > 0 && now == before || now > READ_MAX {
            return Err(Failure::System(io::ErrorKind::Interrupted.into()));
        }
        // The loop is not to wait.
        self.waker.wake().map_err(Failure::System)
    }

    fn writer(&self) -> &Writer {
        &self.writer
    }

    fn finish(&mut self, _stop: &Stop) -> Result<(), Failure> {
        Ok(())
    }
}

/// How many commands are read while a server answers none.
fn read_ahead(command: Command) -> usize {
    read_ahead_after([], command)
}

/// The same where these are the first.
fn read_ahead_after<const N: usize>(first: [Command; N], command: Command) -> usize {
    let (address, serving) = serve(|_| {});
    let read = Rc::<Cell<usize>>::default();
    go_on(&address, |writer, waker| Endless {
        first: first.into(),
        command,
        read: Rc::clone(&read),
        read_before: 0,
        waker: Arc::clone(waker),
        writer,
    });
    let _server = serving.join().unwrap();
    read.get()
}

#[test]
fn behind_a_command_that_waits_no_more_is_read_than_a_number() {
    assert_eq!(read_ahead(Command::Who), 1 + HELD_MAX, "the first one is asked for");
}

#[test]
fn behind_a_command_that_waits_no_more_is_read_than_so_many_bytes() {
    const BODY_BYTES: usize = 60_000;
    let read = read_ahead(Command::Send { to: "bob".into(), body: "x".repeat(BODY_BYTES) });
    let asked_max = LIMITS.outbox_bytes_max as usize / BODY_BYTES;
    let held = HELD_TEXT_BYTES_MAX.div_ceil(BODY_BYTES);
    assert!((held + 1..=asked_max + held).contains(&read), "{read}");
}

/// Names that are too long for any server wait, too, after a list that waits for another.
#[test]
fn names_count_as_much_as_what_is_said() {
    const NAME_BYTES: usize = 60_000;
    let watch = Command::Watch(vec!["x".repeat(NAME_BYTES / 2); 2]);
    let held = HELD_TEXT_BYTES_MAX.div_ceil(NAME_BYTES);
    assert_eq!(read_ahead_after([Command::Who, Command::Who], watch), 2 + held);
}

/// Answers so many requests for a list, each when the test says so, and waits until the test is over.
fn answer_lists(server: &mut TcpStream, count: u64, answers: &Receiver<()>) {
    let (mut heard, mut buffer, mut number) = (Vec::new(), [0; 1_000], 0);
    while number < count {
        let read = server.read(&mut buffer).unwrap();
        assert!(read > 0, "it asks");
        heard.extend_from_slice(&buffer[..read]);
        let mut rest = &heard[..];
        while let Some(content) = take(&mut rest, LIMITS.frame_bytes_max).unwrap() {
            if matches!(ClientMessage::decode(content), Ok(Some(ClientMessage::Who(_)))) {
                number += 1;
                answers.recv_timeout(PATIENCE).unwrap();
                let mut bytes = Vec::new();
                HubMessage::Online(Online { number, users: Vec::new(), next: None }).encode(&mut bytes);
                server.write_all(&bytes).unwrap();
            }
        }
        let used = heard.len() - rest.len();
        heard.drain(..used);
    }
}

#[test]
fn what_waits_for_an_answer_has_as_much_time_for_its_own_as_if_it_had_not_waited() {
    let (says, answers) = channel();
    let (address, serving) = serve(move |server| answer_lists(server, 2, &answers));
    let args = ["chatcore-client", "--connect", &address, "--name", "alice", "--no-state", "--linger", "1000"];
    let inputs = [Input::Command(Command::Who), Input::Command(Command::Who), Input::End];
    let mut session = session(&args, |writer, _| Script { inputs: inputs.into_iter(), writer });
    let mut await_linger = |after: Option<Instant>| {
        let until = Instant::now() + PATIENCE;
        while session.linger_until <= after {
            assert!(until > Instant::now(), "still {:?} after {after:?}", session.linger_until);
            session.take_restored().unwrap();
            session.take_connected().unwrap();
            session.take_input().unwrap();
            session.leave_if_done().unwrap();
            session.drive().unwrap();
            session.poll.poll(&mut session.events, Some(Duration::from_millis(10))).unwrap();
        }
        session.linger_until
    };
    let first = await_linger(None);
    says.send(()).unwrap();
    // The second list is asked for.
    await_linger(first);
    says.send(()).unwrap();
    let _server = serving.join().unwrap();
}

/// What has waited, as if it was asked in a session.
fn take_held(session: &mut Session, held: Held) {
    session.held.push_back(held);
    session.stage = Stage::Open;
    session.take_input().unwrap();
    assert!(session.held.is_empty());
}

/// A server that loses one session after the other keeps no script for ever.
#[test]
fn what_is_asked_again_for_a_session_that_was_lost_has_no_more_time_than_was_left() {
    let args = ["chatcore-client", "--connect", "127.0.0.1:1", "--name", "alice", "--no-state", "--linger", "1000"];
    let inputs = [Input::End, Input::End, Input::End];
    let mut session = session(&args, |writer, _| Script { inputs: inputs.into_iter(), writer });
    let until = Instant::now() + Duration::from_secs(500);
    (session.linger_until, session.input_ended) = (Some(until), true);
    // It needs no server to be done with.
    take_held(&mut session, Command::Reconnect.into());
    assert_eq!(session.linger_until, Some(until));
    take_held(&mut session, Held { command: Command::Reconnect, line: Some(1) });
    assert_eq!(session.linger_until, None);
}

/// The program would not sleep until the name is there if that time ended meanwhile.
#[test]
fn the_time_for_answers_stands_still_while_a_name_is_waited_for() {
    let args = ["chatcore-client", "--connect", "127.0.0.1:1", "--name", "alice", "--no-state", "--linger", "1000"];
    let inputs = [Input::End, Input::End, Input::End];
    let mut session = session(&args, |writer, _| Script { inputs: inputs.into_iter(), writer });
    session.held.push_back(Command::Who.into());
    (session.linger_until, session.input_ended) = (Some(Instant::now()), true);
    session.leave_if_done().unwrap();
    assert_eq!((session.linger_until, session.timeout()), (None, None));
    session.stage = Stage::Open;
    assert!(matches!(session.leave_if_done(), Err(Failure::Unanswered { .. })), "nothing is left of the time");
    // Of a time that is not over, what is left goes on.
    session.linger_until = Some(Instant::now() + Duration::from_secs(500));
    session.stage = Stage::Registering;
    session.leave_if_done().unwrap();
    session.stage = Stage::Open;
    session.leave_if_done().unwrap();
    assert!(session.linger_until.is_some_and(|until| until <= Instant::now() + Duration::from_secs(500)));
}
