//! A run of the program: what it is made of, how it begins, and what it shows.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::{Closed, Driver, RefusalCode};
use chatcore::Position;
use mio::{Events, Poll, Waker};

use super::connect::{Connect, WAKER};
use super::connecting::Connecting;
use super::keeping::Keeping;
use super::restoring::{Restored, Restoring};
use super::waits::{Leaving, NameWait, Silence, ToldLink};
use crate::program::args::Args;
use crate::program::command::Command;
use crate::program::console::Console;
use crate::program::console::filter::Filter;
use crate::program::console::plain::Plain;
use crate::program::failure::Failure;
use crate::program::full::FullScreen;
use crate::program::input::Ask;
use crate::program::password::Password;
use crate::program::report::Report;
use crate::program::requests::Requests;
use crate::program::signals::Signals;
use crate::program::state::{Kept, SavedState};
use crate::program::terminal::Settings;

/// What the server is told by who could give a password, and has not.
const PASSWORD_ADVICE: &str = "; --password, --password-file FILE or --password-command COMMAND give a password";

/// One run of the program.
pub(crate) struct Session {
    pub(super) connect: Connect,
    /// None while a person thinks about a name for longer than the server waits.
    pub(super) driver: Option<Driver>,
    /// What is kept for a name that is to be asked for.
    pub(super) restoring: Option<Restoring>,
    /// What is to be the driver.
    pub(super) connecting: Option<Connecting>,
    pub(super) waker: Arc<Waker>,
    pub(super) poll: Poll,
    pub(super) events: Events,
    pub(super) console: Box<dyn Console>,
    pub(super) stay: bool,
    pub(super) linger: Duration,
    pub(super) reconnect_for: Option<Duration>,
    /// The rooms to join as soon as there is a session.
    pub(super) rooms: Vec<String>,
    pub(super) keeping: Keeping,
    pub(super) signals: Arc<Signals>,
    pub(super) stage: Stage,
    pub(super) own: Identity,
    pub(super) requests: Requests,
    /// The line of input that is dealt with, from 1; none where a person types.
    pub(super) input_line: Option<u64>,
    /// Commands that wait until there is room for them.
    pub(super) held: VecDeque<Held>,
    /// The page of a listing that waits so.
    pub(super) next_page: Option<u64>,
    /// Messages whose fate nobody will tell.
    pub(super) unanswered: usize,
    pub(super) input_ended: bool,
    pub(super) rest: Rest,
    /// When the answers to what was sent are waited for no longer.
    pub(super) linger_until: Option<Instant>,
    /// How long they are waited for from when there is a session again; none if that time is not interrupted.
    pub(super) linger_left: Option<Duration>,
    /// Our goodbye is said, and its answer is waited for.
    pub(super) leaving: Option<Leaving>,
    /// It has ended as it was to end, for this reason.
    pub(super) over: Option<&'static str>,
    pub(super) lost: Option<Lost>,
    /// A name that somebody else has.
    pub(super) name_wait: Option<NameWait>,
    /// The server says nothing, which was told.
    pub(super) silence_told: Option<Silence>,
    /// How far the connection is, which was told.
    pub(super) link: Option<ToldLink>,
    pub(super) shown: Shown,
}

/// A command that waits.
pub(super) struct Held {
    pub(super) command: Command,
    /// The line of input that it was; none if it was none.
    pub(super) line: Option<u64>,
}

impl From<Command> for Held {
    fn from(command: Command) -> Self {
        Self { command, line: None }
    }
}

/// The input that is sent no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// All that was there was looked at.
    Seen,
    /// There is more.
    Unread,
}

/// How far what was told is shown, and so far it is acknowledged.
#[derive(Default)]
pub(super) struct Shown {
    /// All before the second is shown when all before the first is, in the screen's count.
    pub(super) awaited: Option<(u64, Position)>,
    /// The last that was shown.
    pub(super) position: Option<Position>,
}

/// Who we are.
#[derive(Default)]
pub(super) struct Identity {
    /// The name that was asked for, or that we have.
    pub(super) name: String,
    /// What proves the right to it.
    pub(super) password: Option<Password>,
    pub(super) saved: SavedState,
    /// What a person finds again, until there is a session.
    pub(super) kept: Option<Kept>,
    /// Where and why it cannot be kept, which was told.
    pub(super) unkept: Option<String>,
    /// Why it could not be kept if it were ours: another program has it.
    pub(super) held: Option<io::Error>,
    /// There is a session, or there was one.
    pub(super) is_known: bool,
    /// What was kept the last time is there again.
    pub(super) is_restored: bool,
}

/// A connection that is being looked for again.
pub(super) struct Lost {
    pub(super) why: Closed,
    /// Until when; none for ever.
    pub(super) until: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// A person is asked for a name.
    Naming,
    /// A person is asked for a password.
    LoggingIn,
    /// The server is asked for it.
    Registering,
    Open,
    /// Our goodbye is said.
    Quitting,
    Over,
}

impl Session {
    /// Begins to connect, and to read the input. With the settings of a terminal it is for a person.
    pub(crate) fn start(args: &Args, password: Option<Password>, terminal: Option<Settings>) -> Result<Self, Failure> {
        let poll = Poll::new().map_err(Failure::System)?;
        let connect = Connect::new(args)?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER).map_err(Failure::System)?);
        let signals = Signals::watch(Arc::clone(&waker), terminal.clone()).map_err(Failure::System)?;
        let console = console(args, terminal, &waker).map_err(Failure::System)?;
        Self::begin_at(args, password, connect, (poll, waker, signals), console)
    }

    /// The same where all of this is there.
    pub(super) fn begin_at(
        args: &Args,
        password: Option<Password>,
        connect: Connect,
        (poll, waker, signals): (Poll, Arc<Waker>, Arc<Signals>),
        console: Box<dyn Console>,
    ) -> Result<Self, Failure> {
        let mut session = Self {
            connect,
            driver: None,
            restoring: None,
            connecting: None,
            waker,
            poll,
            events: Events::with_capacity(64),
            stay: args.stay && !console.is_interactive(),
            console,
            linger: args.linger,
            reconnect_for: args.reconnect_for,
            rooms: args.rooms.clone(),
            keeping: Keeping::default(),
            signals,
            stage: Stage::Naming,
            own: Identity { password, ..Identity::default() },
            requests: Requests::default(),
            input_line: None,
            held: VecDeque::new(),
            next_page: None,
            unanswered: 0,
            input_ended: false,
            rest: Rest::Seen,
            linger_until: None,
            linger_left: None,
            leaving: None,
            over: None,
            lost: None,
            name_wait: None,
            silence_told: None,
            link: None,
            shown: Shown::default(),
        };
        if let Some(name) = &args.name {
            session.begin_to_restore(name.clone())?;
        } else {
            session.begin_to_connect(None, Restored::default())?;
            session.console.ask_first();
        }
        Ok(session)
    }

    /// Asks for a line.
    pub(super) fn prompt(&mut self) {
        self.console.ask(Ask::Command { room: self.own.saved.room.clone() });
    }

    /// The password does not give the right to the name, or there was none.
    pub(super) fn denied(&mut self, detail: String) -> Result<(), Failure> {
        let reason = RefusalCode::Denied.to_string();
        let is_private = self.driver.as_ref().is_some_and(Driver::is_private);
        if !self.console.is_interactive() {
            let advice = if self.own.password.is_none() && is_private { PASSWORD_ADVICE } else { "" };
            return self.refused(&reason, detail + advice);
        }
        if !is_private {
            return self.refused(&reason, detail);
        }
        self.forget();
        self.stage = Stage::LoggingIn;
        self.complain(&reason, detail)?;
        self.console.ask(Ask::Password { name: self.own.name.clone() });
        Ok(())
    }

    /// The name is not ours.
    pub(super) fn refused(&mut self, reason: &str, detail: String) -> Result<(), Failure> {
        self.forget();
        // It was for this name.
        self.own.password = None;
        if !self.console.is_interactive() {
            let (address, name) = (self.address(), self.own.name.clone());
            return Err(Failure::Refused { address, name, reason: reason.to_owned(), detail });
        }
        self.stage = Stage::Naming;
        self.complain(reason, detail)?;
        self.console.ask(Ask::Name);
        Ok(())
    }

    /// Says that what the input asks for cannot be done.
    pub(super) fn complain_of_input(&mut self, reason: &str, detail: String) -> Result<(), Failure> {
        self.show(&Report::InputError { reason: reason.to_owned(), detail, line: self.input_line })
    }

    /// Says that something else cannot be done.
    pub(super) fn complain(&mut self, reason: &str, detail: String) -> Result<(), Failure> {
        self.show(&Report::Error { reason: reason.to_owned(), detail })
    }

    pub(super) fn show(&mut self, report: &Report) -> Result<(), Failure> {
        let is_behind = !self.console.has_shown(self.console.position());
        if self.stage == Stage::Quitting && self.console.is_interactive() && is_behind {
            // Nobody reads it, and to lay it out would hold up the end.
            return self.console.check();
        }
        // Nothing overtakes what is told before it.
        if let Some(report) = self.keeping.put_off(report) {
            self.console.show(report);
        }
        self.console.check()
    }
}

/// Whether somebody waits for the fate of a message.
pub(super) const fn is_message(held: &Held) -> bool {
    matches!(held.command, Command::Send { .. } | Command::SendBytes { .. } | Command::Say(_))
}

/// Bytes of what a command says, and of the names in it.
pub(super) fn text_bytes(held: &Held) -> usize {
    match &held.command {
        Command::Send { to, body } => to.len() + body.len(),
        Command::SendBytes { to, body } => to.len() + body.len(),
        Command::Watch(names) | Command::Unwatch(names) => names.iter().map(String::len).sum(),
        Command::Say(text) | Command::Join(text) | Command::Rejoin(text) | Command::Help(text) => text.len(),
        Command::Leave(room) | Command::Roster(room) => room.as_ref().map_or(0, String::len),
        Command::Who | Command::Reconnect | Command::Quit => 0,
    }
}

/// Where whoever commands us is.
fn console(args: &Args, terminal: Option<Settings>, waker: &Arc<Waker>) -> io::Result<Box<dyn Console>> {
    Ok(match terminal {
        Some(settings) if args.is_plain() => Box::new(Plain::start(settings, waker)?),
        Some(settings) => Box::new(FullScreen::start(settings, args.screen.clone(), waker)?),
        None => Box::new(Filter::start(args.json, waker)?),
    })
}
