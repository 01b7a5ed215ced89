//! The program's loop: lines become commands, events become reports.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chatcore_client::chatcore::GoodbyeCode;
use chatcore_client::{ClientError, Closed, Driver, Event, RefusalCode, UserName, connect_any};
use mio::{Events, Poll, Token, Waker};

use crate::args::Args;
use crate::command::{self, Command};
use crate::failure::{self, Failure};
use crate::input::{Input, Lines};
use crate::report::{Body, Report};
use crate::requests::Requests;
use crate::screen::Screen;
use crate::signals;
use crate::terminal::Settings;

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
    requests: Requests,
    /// A command that waits until there is room for it.
    held: Option<Command>,
    /// The page of a listing that waits so.
    next_page: Option<u64>,
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
    /// Connects, and begins to read the input. With the settings of a terminal it is for a person.
    pub(crate) fn start(args: &Args, terminal: Option<Settings>) -> Result<Self, Failure> {
        let mut poll = Poll::new().map_err(Failure::System)?;
        let mut events = Events::with_capacity(64);
        let connect = Connect { address: args.connect.clone(), timeout: args.connect_timeout };
        let driver = connect.connect(&mut poll, &mut events)?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER).map_err(Failure::System)?);
        let interactive = terminal.is_some();
        let signalled = signals::watch(Arc::clone(&waker), terminal).map_err(Failure::System)?;
        let (lines, screen) = if interactive {
            let (lines, printer) = Lines::from_terminal(waker).map_err(Failure::System)?;
            (lines, Screen::Terminal(printer))
        } else {
            (Lines::from_stdin(waker).map_err(Failure::System)?, Screen::lines(args.json))
        };
        let mut session = Self {
            connect,
            driver: Some(driver),
            poll,
            events,
            lines,
            screen,
            interactive,
            stay: args.stay && !interactive,
            linger: args.linger,
            signalled,
            stage: Stage::Naming,
            name: String::new(),
            requests: Requests::default(),
            held: None,
            next_page: None,
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
        let outcome = self.go_on();
        let shown = self.screen.finish();
        outcome.and(shown)
    }

    fn go_on(&mut self) -> Result<(), Failure> {
        while self.stage != Stage::Over {
            self.take_input()?;
            self.leave_if_done()?;
            if self.drive()? {
                // What did not fit before may fit now.
                continue;
            }
            self.screen.flush()?;
            let timeout = self.timeout();
            match self.poll.poll(&mut self.events, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(Failure::System(error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// A terminal that does not keep up holds up the server, and not our memory. Who leaves is not held up.
    fn is_held_up(&self) -> bool {
        !self.screen.has_room() && self.stage != Stage::Leaving
    }

    /// Lets the connection do what it can. True if something has become possible by that.
    fn drive(&mut self) -> Result<bool, Failure> {
        if self.is_held_up() {
            return Ok(false);
        }
        let Some(driver) = &mut self.driver else { return Ok(self.stage == Stage::Over) };
        let mut more = driver.drive().map_err(Failure::System)?;
        while let Some(event) = self.driver.as_mut().and_then(Driver::poll_event) {
            self.handle(event)?;
            more = true;
        }
        Ok(more)
    }

    fn timeout(&self) -> Option<Duration> {
        let linger = self.linger_until.map(|until| until.saturating_duration_since(Instant::now()));
        let driver = self.driver.as_ref().filter(|_| !self.is_held_up()).and_then(Driver::timeout);
        [driver, linger].into_iter().flatten().min()
    }

    // ---- what is asked for ----

    fn take_input(&mut self) -> Result<(), Failure> {
        if let Some(cursor) = self.next_page.take() {
            self.list_on(cursor);
        }
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
            // Nobody can have it, so that the server was not even asked.
            Err(error) => self.refused(name, &RefusalCode::InvalidName.to_string(), error.to_string()),
        }
    }

    fn refused(&mut self, name: &str, reason: &str, detail: String) -> Result<(), Failure> {
        if !self.interactive {
            return Err(Failure::Refused { name: name.to_owned(), reason: reason.to_owned(), detail });
        }
        self.stage = Stage::Naming;
        self.complain(reason, detail)?;
        self.lines.ask(NAME_PROMPT);
        Ok(())
    }

    fn execute(&mut self, command: Command) -> Result<(), Failure> {
        let Some(driver) = &mut self.driver else { return Ok(()) };
        match command {
            Command::Send { to, body } => match driver.send(&to, body.as_bytes()) {
                Ok(number) => self.requests.sent(number, to),
                Err(ClientError::OutboxFull { .. }) => self.held = Some(Command::Send { to, body }),
                Err(error @ ClientError::BodyTooLong { .. }) => {
                    self.complain("body_too_long", error.to_string())?;
                }
                Err(error) => self.complain("not_sent", error.to_string())?,
            },
            Command::Who if self.requests.is_listing() => self.held = Some(Command::Who),
            Command::Who => match driver.who(0) {
                Ok(_) => self.requests.list(),
                Err(ClientError::OutboxFull { .. }) => self.held = Some(Command::Who),
                Err(error) => self.complain("not_sent", error.to_string())?,
            },
            Command::Help => self.show(&Report::Help { text: command::HELP })?,
            Command::Quit if self.interactive => self.leave(),
            // A script is told what became of all that it asked for before.
            Command::Quit => (self.input_ended, self.stay) = (true, false),
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
            return Ok(());
        }
        let waits = self.stage == Stage::Registering || self.stay;
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
        self.requests.open() + usize::from(self.held.is_some())
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
            // Who leaves needs no name any more.
            Event::Refused { .. } if self.stage == Stage::Leaving => Ok(()),
            Event::Refused { code, detail } => {
                let name = self.name.clone();
                self.refused(&name, &code.to_string(), detail)
            }
            Event::Message { id, from, body } => {
                let (from, to) = (from.to_string(), self.name.clone());
                self.show(&Report::Message { id, from, to, body: Body::new(body) })
            }
            Event::Accepted { number, .. } => match self.requests.answered(number) {
                Some(to) => self.show(&Report::Accepted { to }),
                None => Ok(()),
            },
            Event::Rejected { number, code } => match self.requests.answered(number) {
                Some(to) => self.show(&Report::Rejected { to, reason: code.to_string() }),
                None => Ok(()),
            },
            Event::Online { names, next, .. } => self.listed(&names, next),
            Event::Closed(closed) => self.closed(closed),
            _ => Ok(()),
        }
    }

    fn listed(&mut self, names: &[UserName], next: Option<u64>) -> Result<(), Failure> {
        self.requests.listed(names);
        if let Some(cursor) = next {
            self.list_on(cursor);
            return Ok(());
        }
        match self.requests.listing_ended() {
            Some(names) => self.show(&Report::Online { names }),
            None => Ok(()),
        }
    }

    /// Asks for the page that starts there.
    fn list_on(&mut self, cursor: u64) {
        let Some(driver) = &mut self.driver else { return };
        match driver.who(cursor) {
            Ok(_) => {}
            Err(ClientError::OutboxFull { .. }) => self.next_page = Some(cursor),
            // Who leaves does without it: half a list would look like a whole one.
            Err(_) => drop(self.requests.listing_ended()),
        }
    }

    fn closed(&mut self, closed: Closed) -> Result<(), Failure> {
        if self.stage == Stage::Naming {
            // A person may think for longer than the server waits: connect again when there is a name.
            self.driver = None;
            return Ok(());
        }
        self.stage = Stage::Over;
        let reason = failure::reason(&closed);
        // The server answers everything before its goodbye. If it has not, nobody knows what became of the rest.
        if closed == Closed::Left && self.requests.messages() > 0 {
            return Err(Failure::Unanswered(self.requests.messages()));
        }
        if closed == Closed::Left || self.stay && reason == GoodbyeCode::ShuttingDown.name() {
            return self.show(&Report::Closed { reason: reason.to_owned() });
        }
        Err(Failure::Closed(closed))
    }

    fn complain(&mut self, reason: &str, detail: String) -> Result<(), Failure> {
        self.show(&Report::Error { reason: reason.to_owned(), detail })
    }

    fn show(&mut self, report: &Report) -> Result<(), Failure> {
        self.screen.show(report)
    }
}
