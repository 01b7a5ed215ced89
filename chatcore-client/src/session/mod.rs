//! The program's loop: lines become commands, events become reports.

mod commands;
mod connect;
mod events;

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chatcore_client::chatcore::Position;
use chatcore_client::{Closed, Driver, RefusalCode};
use mio::{Events, Poll, Token, Waker};

use self::connect::{Connect, Restored};
use crate::args::Args;
use crate::command::{self, Command};
use crate::failure::Failure;
use crate::input::{Input, Lines};
use crate::report::Report;
use crate::requests::Requests;
use crate::screen::Screen;
use crate::signals;
use crate::state::{SavedState, Slot};
use crate::terminal::Settings;

const SOCKET: Token = Token(0);
const WAKER: Token = Token(1);

const NAME_PROMPT: &str = "your name: ";

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
    reconnect_for: Option<Duration>,
    /// A signal has asked the program to quit.
    signalled: Arc<AtomicBool>,
    stage: Stage,
    own: Identity,
    requests: Requests,
    /// Commands that wait until there is room for them.
    held: VecDeque<Command>,
    /// The page of a listing that waits so.
    next_page: Option<u64>,
    /// Messages whose fate nobody will tell.
    unanswered: usize,
    input_ended: bool,
    /// When the answers to what was sent are waited for no longer.
    linger_until: Option<Instant>,
    lost: Option<Lost>,
    shown: Shown,
}

/// How far what was told is shown, and so far it is acknowledged.
#[derive(Default)]
struct Shown {
    /// All before the second is shown when all before the first is, in the screen's count.
    awaited: Option<(u64, Position)>,
    /// The last that was shown.
    position: Option<Position>,
}

/// Who we are.
#[derive(Default)]
struct Identity {
    /// The name that was asked for, or that we have.
    name: String,
    saved: SavedState,
    /// Where the session is saved. None if it is not.
    slot: Option<Slot>,
    /// It cannot be kept, which was told.
    is_unkept: bool,
    /// There is a session, or there was one.
    is_known: bool,
}

/// A connection that is being looked for again.
struct Lost {
    why: Closed,
    /// Until when; none for ever.
    until: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// A person is asked for a name.
    Naming,
    /// The server is asked for it.
    Registering,
    Open,
    /// Our goodbye is said.
    Quitting,
    Over,
}

impl Session {
    /// Connects, and begins to read the input. With the settings of a terminal it is for a person.
    pub(crate) fn start(args: &Args, terminal: Option<Settings>) -> Result<Self, Failure> {
        let mut poll = Poll::new().map_err(Failure::System)?;
        let mut events = Events::with_capacity(64);
        let connect = Connect::new(args);
        let restored = args.name.as_ref().map(|name| connect.restore(name)).unwrap_or_default();
        // That nobody listens there is told before a person types.
        let driver = connect.connect(&mut poll, &mut events, restored.ticket.as_ref())?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER).map_err(Failure::System)?);
        let interactive = terminal.is_some();
        let signalled = signals::watch(Arc::clone(&waker), terminal).map_err(Failure::System)?;
        let (lines, screen) = if interactive {
            let (lines, printer) = Lines::from_terminal(waker).map_err(Failure::System)?;
            (lines, Screen::Terminal(printer))
        } else {
            let screen = Screen::lines(args.json, Arc::clone(&waker)).map_err(Failure::System)?;
            (Lines::from_stdin(waker).map_err(Failure::System)?, screen)
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
            reconnect_for: args.reconnect_for,
            signalled,
            stage: Stage::Naming,
            own: Identity::default(),
            requests: Requests::default(),
            held: VecDeque::new(),
            next_page: None,
            unanswered: 0,
            input_ended: false,
            linger_until: None,
            lost: None,
            shown: Shown::default(),
        };
        match &args.name {
            Some(name) => session.register(name, restored)?,
            None => session.lines.ask(NAME_PROMPT),
        }
        Ok(session)
    }

    /// Goes on until it is over.
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        let outcome = self.go_on();
        if outcome.is_err() && !matches!(self.stage, Stage::Quitting | Stage::Over) {
            self.hang_up();
        }
        let shown = self.screen.finish(&self.signalled);
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
            self.give_up_if_due()?;
            self.screen.check()?;
            let timeout = self.timeout();
            match self.poll.poll(&mut self.events, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(Failure::System(error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Says goodbye without waiting for an answer, so that nobody takes us for somebody who comes back.
    fn hang_up(&mut self) {
        let Some(driver) = self.driver.as_mut().filter(|driver| driver.connected()) else { return };
        driver.close();
        // The outcome is of no more use.
        let _ = driver.drive();
        self.forget();
    }

    /// An output that does not keep up holds up what is taken, and so the server, and not our memory. Who leaves is not
    /// held up.
    fn is_held_up(&self) -> bool {
        !self.screen.has_room() && self.stage != Stage::Quitting
    }

    /// Lets the connection do what it can. True if something has become possible by that.
    fn drive(&mut self) -> Result<bool, Failure> {
        let Some(driver) = &mut self.driver else { return Ok(self.stage == Stage::Over) };
        let mut more = driver.drive().map_err(Failure::System)?;
        while !self.is_held_up() {
            let Some(event) = self.driver.as_mut().and_then(Driver::poll_event) else { break };
            self.handle(event)?;
            more = true;
        }
        Ok(self.acknowledge() || more)
    }

    /// Takes what is shown by now. True if that was news.
    fn acknowledge(&mut self) -> bool {
        let Some(driver) = &mut self.driver else { return false };
        let mut has_taken = false;
        loop {
            let position = driver.client().position();
            if self.shown.awaited.is_none() && self.shown.position != Some(position) {
                self.shown.awaited = Some((self.screen.position(), position));
            }
            let shown = self.shown.awaited.take_if(|(until, _)| self.screen.has_shown(*until));
            let Some((_, position)) = shown else { return has_taken };
            driver.take_events(position);
            self.shown.position = Some(position);
            has_taken = true;
        }
    }

    /// All that was told is where it is found again.
    fn has_shown_all(&self) -> bool {
        self.shown.awaited.is_none()
    }

    fn timeout(&self) -> Option<Duration> {
        let give_up_at = self.lost.as_ref().and_then(|lost| lost.until);
        let own = [self.linger_until, give_up_at].into_iter().flatten().min();
        let own = own.map(|until| until.saturating_duration_since(Instant::now()));
        let driver = self.driver.as_ref().and_then(Driver::timeout);
        [driver, own].into_iter().flatten().min()
    }

    fn give_up_if_due(&mut self) -> Result<(), Failure> {
        let is_due = |lost: &mut Lost| lost.until.is_some_and(|until| until <= Instant::now());
        match self.lost.take_if(is_due) {
            Some(Lost { why, .. }) => {
                self.stage = Stage::Over;
                Err(Failure::Closed(why))
            }
            None => Ok(()),
        }
    }

    // ---- the input ----

    fn take_input(&mut self) -> Result<(), Failure> {
        if let Some(cursor) = self.next_page.take() {
            self.list_on(cursor);
        }
        while matches!(self.stage, Stage::Naming | Stage::Open) {
            if self.stage == Stage::Open
                && let Some(command) = self.held.pop_front()
            {
                if let Some(command) = self.execute(&command)? {
                    self.held.push_front(command);
                    break;
                }
                continue;
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
            let name = command::without_room_sign(line.trim());
            if name.is_empty() {
                self.lines.ask(NAME_PROMPT);
                return Ok(());
            }
            // It may be the same name once more.
            self.own.slot = None;
            let restored = self.connect.restore(name);
            if self.driver.is_none() || restored.ticket.is_some() {
                self.driver = None;
                self.shown = Shown::default();
                self.driver = Some(self.connect.connect(&mut self.poll, &mut self.events, restored.ticket.as_ref())?);
            }
            return self.register(name, restored);
        }
        match command::parse(line) {
            Ok(Some(command)) => {
                let held = self.execute(&command)?;
                self.held.extend(held);
            }
            Ok(None) => {}
            Err(error) => self.complain(error.reason(), error.to_string())?,
        }
        if self.stage == Stage::Open {
            self.prompt();
        }
        Ok(())
    }

    /// Asks for a line.
    fn prompt(&mut self) {
        let room = self.own.saved.room.as_deref().unwrap_or_default();
        self.lines.ask(&format!("{room}> "));
    }

    // ---- the name ----

    /// Asks for a name, or for the session that was saved for it.
    fn register(&mut self, name: &str, restored: Restored) -> Result<(), Failure> {
        name.clone_into(&mut self.own.name);
        self.stage = Stage::Registering;
        (self.own.slot, self.own.saved) = (restored.slot, restored.saved);
        if let Some(error) = restored.error {
            self.tell_unkept(&error)?;
        }
        // With a ticket, it is asked for already.
        let Some(driver) = self.driver.as_mut().filter(|_| restored.ticket.is_none()) else { return Ok(()) };
        // If nobody can have it, the server is not even asked.
        let asked = driver.register(name, b"");
        asked.or_else(|error| self.refused(&RefusalCode::InvalidName.to_string(), error.to_string()))
    }

    /// The name is not ours.
    fn refused(&mut self, reason: &str, detail: String) -> Result<(), Failure> {
        self.forget();
        if !self.interactive {
            return Err(Failure::Refused { name: self.own.name.clone(), reason: reason.to_owned(), detail });
        }
        self.stage = Stage::Naming;
        // The prompt of a line that is being typed cannot be changed any more.
        let how = if self.lines.is_asked() { "; the next line is taken for your name" } else { "" };
        self.complain(reason, detail + how)?;
        self.lines.ask(NAME_PROMPT);
        Ok(())
    }

    // ---- the end ----

    /// Says goodbye when there is nothing more to do.
    fn leave_if_done(&mut self) -> Result<(), Failure> {
        if matches!(self.stage, Stage::Quitting | Stage::Over) {
            return Ok(());
        }
        if self.signalled.load(Ordering::Acquire) {
            self.quit();
            return Ok(());
        }
        if !self.input_ended || self.stay {
            return Ok(());
        }
        let registering = self.stage == Stage::Registering;
        if registering && self.lost.is_none() {
            // The answer has a time-out of its own.
            return Ok(());
        }
        if self.interactive || !registering && self.open_requests() == 0 {
            // What is not shown when we quit counts as never received. The output tells when it is.
            if self.has_shown_all() {
                self.quit();
            }
            return Ok(());
        }
        if self.is_held_up() {
            // The answers may be there, and nobody reads them: that is not the server's time.
            self.linger_until = None;
            return Ok(());
        }
        let until = *self.linger_until.get_or_insert_with(|| Instant::now() + self.linger);
        if until > Instant::now() {
            return Ok(());
        }
        Err(match self.lost.take() {
            Some(Lost { why, .. }) => Failure::Closed(why),
            None => Failure::Unanswered(self.open_requests() + self.unanswered),
        })
    }

    /// Messages whose sender waits for an answer.
    fn open_messages(&self) -> usize {
        let held = self.held.iter().filter(|command| matches!(command, Command::Send { .. } | Command::Say(_)));
        self.requests.messages() + held.count() + self.unanswered
    }

    fn open_requests(&self) -> usize {
        self.requests.open() + self.held.len()
    }

    fn quit(&mut self) {
        self.linger_until = None;
        self.stage = Stage::Quitting;
        match &mut self.driver {
            Some(driver) => driver.close(),
            None => self.stage = Stage::Over,
        }
    }

    // ---- what is saved ----

    /// Saves the session as it is now.
    fn keep(&mut self) -> Result<(), Failure> {
        let ticket = self.driver.as_ref().and_then(|driver| driver.client().ticket());
        let (Some(slot), Some(ticket)) = (&self.own.slot, ticket) else { return Ok(()) };
        match slot.save(ticket, &self.own.saved) {
            Ok(()) => Ok(()),
            Err(error) => self.tell_unkept(&error),
        }
    }

    fn forget(&self) {
        if let Some(slot) = &self.own.slot {
            slot.forget();
        }
    }

    /// That it cannot be kept is no reason not to chat.
    fn tell_unkept(&mut self, error: &io::Error) -> Result<(), Failure> {
        if std::mem::replace(&mut self.own.is_unkept, true) {
            return Ok(());
        }
        self.complain("not_kept", self.connect.why_unkept(error))
    }

    // ---- what is shown ----

    fn complain(&mut self, reason: &str, detail: String) -> Result<(), Failure> {
        self.show(&Report::Error { reason: reason.to_owned(), detail })
    }

    fn show(&mut self, report: &Report) -> Result<(), Failure> {
        self.screen.show(report);
        self.screen.check()
    }
}
