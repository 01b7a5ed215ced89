//! The program's loop, with a console that counts, and a server that says what the test wants.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use chatcore::MessageId;
use chatcore::wire::{
    Announced, ClientMessage, Deliver, HubMessage, Message, PREFACE_BYTES, Preface, Token, Welcome, take,
};
use clap::Parser;
use mio::{Poll, Waker};

use super::connect::{Connect, WAKER};
use super::parts::Session;
use super::run::EVENTS_MAX;
use crate::program::args::Args;
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

/// However much comes at once: a key is seen, and shown, after no more events than these. Time would say nothing of a machine that
/// others use as well.
#[test]
fn between_two_looks_at_the_keys_no_more_than_a_number_of_events_is_handled() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (says, is_said) = channel();
    let serving = thread::spawn(move || {
        let mut server = listener.accept().unwrap().0;
        await_name(&mut server);
        let mut bytes = Vec::new();
        let token = Token::from_bytes([7; 16]);
        HubMessage::Welcome(Welcome { name: "alice", display_name: None, token, limits: LIMITS }).encode(&mut bytes);
        server.write_all(&bytes).unwrap();
        bytes.clear();
        for id in 1..=MESSAGES as u64 {
            HubMessage::Deliver(Deliver { id: MessageId(id), from: "bob", body: b"hi" }).encode(&mut bytes);
        }
        assert!(bytes.len() < 64 << 10, "{} bytes", bytes.len());
        server.write_all(&bytes).unwrap();
        says.send(()).unwrap();
        server
    });
    let args = Args::parse_from(["chatcore-client", "--connect", &address, "--name", "alice", "--no-state"]);
    let poll = Poll::new().unwrap();
    let waker = Arc::new(Waker::new(poll.registry(), WAKER).unwrap());
    let counts = Rc::<RefCell<Counts>>::default();
    let writer = Writer::start(std::fs::File::create("/dev/null").unwrap(), Arc::clone(&waker)).unwrap();
    let console = Box::new(Counting { counts: Rc::clone(&counts), is_said, writer });
    let own = (poll, waker, Arc::<Signals>::default());
    let mut session = Session::begin_at(&args, None, Connect::new(&args).unwrap(), own, console).unwrap();
    assert!(matches!(session.go_on(), Err(Failure::System(_))));
    let _server = serving.join().unwrap();
    let counts = counts.borrow();
    assert_eq!(counts.shown, MESSAGES);
    assert!(counts.most_between_keys <= EVENTS_MAX && counts.most_between_pictures <= EVENTS_MAX, "{counts:?}");
}
