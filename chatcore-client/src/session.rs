//! The program's loop: lines become commands, events become reports.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chatcore::GoodbyeCode;
use chatcore_client::{ClientError, Closed, Driver, Event, UserName, connect_any};
use mio::{Events, Poll, Token, Waker};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::Failure;
use crate::args::Args;
use crate::command::{self, Command};
use crate::input::{Input, Lines};
use crate::report::{Body, Report};
use crate::screen::Screen;

const SOCKET: Token = Token(0);
const WAKER: Token = Token(1);

const NAME_PROMPT: &str = "your name: ";
const PROMPT: &str = "> ";

/// One run of the program.
pub(crate) struct Session {
    connect: Connect,
    /// None while a person thinks about a name for longer than the server waits.
    driver: Option<Driver>,
    poll: Poll,
    events: Events,
    lines: Lines,
    screen: Screen,
    interactive: bool,
    stay: bool,
    linger: Duration,
    /// A signal has asked us to leave.
    signalled: Arc<AtomicBool>,
    stage: Stage,
    /// The name that was asked for, or that we have.
    name: String,
    /// To whom the messages went that are not answered yet, by their numbers.
    unanswered: BTreeMap<u64, String>,
    /// Names of a listing that is under way.
    listing: Option<Vec<String>>,
    /// A command that waits until there is room for it.
    held: Option<Command>,
    input_ended: bool,
    /// When the answers to what was sent are waited for no longer.
    linger_until: Option<Instant>,
}

/// Where to, and how long that may take.
#[derive(Clone, Debug)]
struct Connect {
    address: String,
    timeout: Duration,
}

impl Connect {
    fn connect(&self, poll: &mut Poll, events: &mut Events) -> Result<Driver, Failure> {
        Ok(connect_any(&self.address, self.timeout, poll, events, SOCKET)?)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// A person is asked for a name.
    Naming,
    /// The server is asked for it.
    Registering,
    Chatting,
    /// Our goodbye is said.
    Leaving,
    Over,
}

impl Session {
    /// Connects, and begins to read the input.
    pub(crate) fn start(args: &Args, interactive: bool) -> Result<Self, Failure> {
        let mut poll = Poll::new().map_err(Failure::Start)?;
        let mut events = Events::with_capacity(64);
        let connect = Connect { address: args.connect.clone(), timeout: args.connect_timeout };
        let driver = connect.connect(&mut poll, &mut events)?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER).map_err(Failure::Start)?);
        let signalled = watch_signals(Arc::clone(&waker)).map_err(Failure::Start)?;
        let (lines, screen) = if interactive {
            let (lines, printer) = Lines::from_terminal(waker).map_err(Failure::Start)?;
            (lines, Screen::Terminal(printer))
        } else {
            (Lines::from_stdin(waker).map_err(Failure::Start)?, Screen::lines(args.json))
        };
        let mut session = Self {
            connect,
            driver: Some(driver),
            poll,
            events,
            lines,
            screen,
            interactive,
            stay: args.stay,
            linger: args.linger,
            signalled,
            stage: Stage::Naming,
            name: String::new(),
            unanswered: BTreeMap::new(),
            listing: None,
            held: None,
            input_ended: false,
            linger_until: None,
        };
        match &args.name {
            Some(name) => session.register(name)?,
            None => session.lines.ask(NAME_PROMPT),
        }
        Ok(session)
    }

    /// Goes on until it is over.
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        loop {
            self.take_input()?;
            self.leave_if_done()?;
            let more = self.drive()?;
            if self.stage == Stage::Over {
                return self.screen.flush();
            }
            let timeout = if more { Some(Duration::ZERO) } else { self.timeout() };
            if timeout != Some(Duration::ZERO) {
                self.screen.flush()?;
            }
            match self.poll.poll(&mut self.events, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(Failure::Start(error)),
                _ => {}
            }
        }
    }

    /// Lets the connection do what it can. True if something may have become possible by that.
    fn drive(&mut self) -> Result<bool, Failure> {
        let Some(driver) = &mut self.driver else { return Ok(false) };
        let mut more = driver.drive().map_err(Failure::Start)?;
        while let Some(event) = self.driver.as_mut().and_then(Driver::poll_event) {
            self.handle(event)?;
            more = true;
        }
        Ok(more)
    }

    fn timeout(&self) -> Option<Duration> {
        let linger = self.linger_until.map(|until| until.saturating_duration_since(Instant::now()));
        [self.driver.as_ref().and_then(Driver::timeout), linger].into_iter().flatten().min()
    }

    // ---- what is asked for ----

    fn take_input(&mut self) -> Result<(), Failure> {
        while matches!(self.stage, Stage::Naming | Stage::Chatting) {
            if let Some(command) = self.held.take() {
                self.execute(command)?;
                if self.held.is_some() {
                    break;
                }
            }
            if self.input_ended {
                break;
            }
            match self.lines.poll() {
                Some(Input::Line(line)) => self.take_line(&line)?,
                Some(Input::Unusable { reason, detail }) => self.complain(reason, detail)?,
                Some(Input::End) => self.input_ended = true,
                None => break,
            }
        }
        Ok(())
    }

    fn take_line(&mut self, line: &str) -> Result<(), Failure> {
        if self.stage == Stage::Naming {
            // The chat that this one grew from registered with `#alice`.
            let name = line.trim();
            let name = name.strip_prefix('#').unwrap_or(name);
            if name.is_empty() {
                self.lines.ask(NAME_PROMPT);
                return Ok(());
            }
            return self.register(name);
        }
        match command::parse(line) {
            Ok(Some(command)) => self.execute(command)?,
            Ok(None) => {}
            Err(error) => self.complain(error.reason(), error.to_string())?,
        }
        if self.stage == Stage::Chatting {
            self.lines.ask(PROMPT);
        }
        Ok(())
    }

    fn register(&mut self, name: &str) -> Result<(), Failure> {
        let driver = match &mut self.driver {
            Some(driver) => driver,
            none => none.insert(self.connect.connect(&mut self.poll, &mut self.events)?),
        };
        match driver.register(name, b"") {
            Ok(()) => {
                name.clone_into(&mut self.name);
                self.stage = Stage::Registering;
                Ok(())
            }
            Err(error) => self.refused(name, error.to_string()),
        }
    }

    fn refused(&mut self, name: &str, detail: String) -> Result<(), Failure> {
        if !self.interactive {
            return Err(Failure::Refused { name: name.to_owned(), detail });
        }
        self.stage = Stage::Naming;
        self.complain("refused", detail)?;
        self.lines.ask(NAME_PROMPT);
        Ok(())
    }

    fn execute(&mut self, command: Command) -> Result<(), Failure> {
        let Some(driver) = &mut self.driver else { return Ok(()) };
        match command {
            Command::Send { to, body } => match driver.send(&to, body.as_bytes()) {
                Ok(number) => {
                    // As others see the name, where we know how the server maps it.
                    let to = UserName::new(&to).map_or(to, |mapped| mapped.to_string());
                    self.unanswered.insert(number, to);
                }
                Err(ClientError::OutboxFull { .. }) => self.held = Some(Command::Send { to, body }),
                Err(error @ ClientError::BodyTooLong { .. }) => {
                    self.complain("body_too_long", error.to_string())?;
                }
                Err(error) => self.complain("not_sent", error.to_string())?,
            },
            Command::Who if self.listing.is_some() => self.held = Some(Command::Who),
            Command::Who => match driver.who(0) {
                Ok(_) => self.listing = Some(Vec::new()),
                Err(ClientError::OutboxFull { .. }) => self.held = Some(Command::Who),
                Err(error) => self.complain("not_sent", error.to_string())?,
            },
            Command::Help => self.show(&Report::Help { text: command::HELP })?,
            Command::Quit => self.leave(),
        }
        Ok(())
    }

    /// Says goodbye when there is nothing more to do.
    fn leave_if_done(&mut self) -> Result<(), Failure> {
        if matches!(self.stage, Stage::Leaving | Stage::Over) {
            return Ok(());
        }
        if self.signalled.load(Ordering::Acquire) {
            self.leave();
        }
        let waits = self.stage == Stage::Registering || self.stay && !self.interactive;
        if !self.input_ended || waits {
            return Ok(());
        }
        if self.interactive || self.open_requests() == 0 {
            self.leave();
            return Ok(());
        }
        let until = *self.linger_until.get_or_insert_with(|| Instant::now() + self.linger);
        if until <= Instant::now() {
            return Err(Failure::Unanswered(self.open_requests()));
        }
        Ok(())
    }

    fn open_requests(&self) -> usize {
        self.unanswered.len() + usize::from(self.listing.is_some()) + usize::from(self.held.is_some())
    }

    fn leave(&mut self) {
        self.linger_until = None;
        self.stage = Stage::Leaving;
        match &mut self.driver {
            Some(driver) => driver.leave(),
            None => self.stage = Stage::Over,
        }
    }

    // ---- what happens ----

    fn handle(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Registered { name, .. } => {
                if self.stage == Stage::Registering {
                    self.stage = Stage::Chatting;
                }
                self.name = name.to_string();
                self.show(&Report::Registered { name: self.name.clone() })?;
                self.lines.ask(PROMPT);
                Ok(())
            }
            Event::Refused { detail, .. } => {
                let name = self.name.clone();
                self.refused(&name, detail)
            }
            Event::Message { id, from, body } => {
                let (from, to) = (from.to_string(), self.name.clone());
                self.show(&Report::Message { id, from, to, body: Body::new(body) })
            }
            Event::Accepted { number, .. } => match self.unanswered.remove(&number) {
                Some(to) => self.show(&Report::Accepted { to }),
                None => Ok(()),
            },
            Event::Rejected { number, code } => match self.unanswered.remove(&number) {
                Some(to) => self.show(&Report::Rejected { to, reason: code.to_string() }),
                None => Ok(()),
            },
            Event::Online { names, next, .. } => self.listed(&names, next),
            Event::Closed(closed) => self.closed(closed),
            _ => Ok(()),
        }
    }

    fn listed(&mut self, names: &[UserName], next: Option<u64>) -> Result<(), Failure> {
        let Some(listing) = &mut self.listing else { return Ok(()) };
        listing.extend(names.iter().map(UserName::to_string));
        if let (Some(cursor), Some(driver)) = (next, &mut self.driver) {
            // Only one small request is under way at a time, so there is room for it; if we are leaving,
            // nobody waits for the rest.
            if driver.who(cursor).is_ok() {
                return Ok(());
            }
        }
        let mut names = self.listing.take().unwrap_or_default();
        names.sort_unstable();
        self.show(&Report::Online { names })
    }

    fn closed(&mut self, closed: Closed) -> Result<(), Failure> {
        if self.stage == Stage::Naming {
            // A person may think for longer than the server waits: connect again when there is a name.
            self.driver = None;
            return Ok(());
        }
        let reason = reason(&closed);
        self.stage = Stage::Over;
        if matches!(closed, Closed::Left) || self.stay && reason == GoodbyeCode::ShuttingDown.name() {
            return self.screen.close(reason);
        }
        self.screen.fail(reason)?;
        Err(Failure::Closed(closed))
    }

    fn complain(&mut self, reason: &str, detail: String) -> Result<(), Failure> {
        self.show(&Report::Error { reason: reason.to_owned(), detail })
    }

    fn show(&mut self, report: &Report) -> Result<(), Failure> {
        self.screen.show(report)
    }
}

/// Why it ended, for programs.
fn reason(closed: &Closed) -> &'static str {
    match closed {
        Closed::Left => GoodbyeCode::Left.name(),
        Closed::Goodbye { code, .. } => code.name(),
        Closed::Error { .. } | Closed::Fault(_) => "protocol_error",
        Closed::Foreign(_) => "not_chatcore",
        Closed::TimedOut => GoodbyeCode::TimedOut.name(),
        _ => "disconnected",
    }
}

/// The first signal asks us to leave; the second ends the program at once.
fn watch_signals(waker: Arc<Waker>) -> io::Result<Arc<AtomicBool>> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let signalled = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&signalled);
    thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            if flag.swap(true, Ordering::AcqRel) || waker.wake().is_err() {
                std::process::exit(128 + signal);
            }
        }
    })?;
    Ok(signalled)
}
