//! What is asked of the server.

use std::collections::VecDeque;

use crate::{ClientError, Driver};

use super::parts::{Held, Session, Stage};
use crate::program::command::{Command, ParseError};
use crate::program::failure::Failure;
use crate::program::report::Report;
use crate::program::requests::{PendingRequest, mapped};

impl Session {
    /// Does what a line asks for, as far as that needs no server. Returns what the server is to be asked for: from here
    /// on it names its room, and nothing that is read after it changes that.
    pub(super) fn prepare(&mut self, command: Command) -> Result<Option<Command>, Failure> {
        Ok(match command {
            Command::Say(body) => {
                let room = self.current_room(&ParseError::NoRecipient.to_string())?;
                room.map(|to| Command::Send { to, body })
            }
            Command::Join(room) => {
                // What is typed next is meant for it, answered or not.
                self.own.saved.room = Some(mapped(room.clone()));
                Some(Command::Rejoin(room))
            }
            Command::Leave(room) => {
                let left = self.chosen_room(room, "/leave #room leaves a room")?;
                self.own.saved.room.take_if(|current| Some(&*current) == left.as_ref());
                left.map(|room| Command::Leave(Some(room)))
            }
            Command::Roster(room) => {
                let room = self.chosen_room(room, "/roster #room lists who is in a room")?;
                room.map(|room| Command::Roster(Some(room)))
            }
            Command::Reconnect => {
                self.hurry();
                None
            }
            Command::Help(text) => {
                self.show(&Report::Help { text })?;
                None
            }
            Command::Quit if self.console.is_interactive() => {
                self.ask_before_leaving()?;
                self.quit();
                None
            }
            // A script is told what became of all that it asked for before.
            Command::Quit => {
                (self.input_ended, self.stay) = (true, false);
                None
            }
            command => Some(command),
        })
    }

    /// Asks the server for what a command wants. Returns the command if there is no room for it now.
    pub(super) fn request(&mut self, command: &Command) -> Result<Option<Command>, Failure> {
        match command {
            Command::Send { to, body } => {
                let pending = PendingRequest::message(to, body.as_bytes());
                self.ask(command, pending, |driver| driver.send(to, body.as_bytes()))
            }
            Command::SendBytes { to, body } => {
                let pending = PendingRequest::message(to, body);
                self.ask(command, pending, |driver| driver.send(to, body))
            }
            Command::Rejoin(room) => {
                let pending = PendingRequest::Join { room: mapped(room.clone()) };
                self.ask(command, pending, |driver| driver.join(room))
            }
            Command::Leave(Some(room)) => {
                let pending = PendingRequest::Leave { room: room.clone() };
                self.ask(command, pending, |driver| driver.leave(room))
            }
            Command::Watch(names) => {
                let pending = PendingRequest::Watch { names: names.iter().cloned().map(mapped).collect() };
                self.ask(command, pending, |driver| driver.watch(&borrowed(names)))
            }
            Command::Unwatch(names) => {
                let pending = PendingRequest::Unwatch { names: names.iter().cloned().map(mapped).collect() };
                self.ask(command, pending, |driver| driver.unwatch(&borrowed(names)))
            }
            Command::Roster(Some(room)) => self.list(PendingRequest::Roster { room: room.clone() }),
            Command::Who => self.list(PendingRequest::Who),
            // The rest is done, or has another form, when it is read.
            Command::Say(_)
            | Command::Join(_)
            | Command::Leave(None)
            | Command::Roster(None)
            | Command::Reconnect
            | Command::Help(_)
            | Command::Quit => Ok(None),
        }
    }

    /// Asks for what a person typed before they leave. A list is for nobody any more, and no message waits behind one.
    pub(super) fn ask_before_leaving(&mut self) -> Result<(), Failure> {
        while let Some(Held { command, line }) = self.held.pop_front() {
            if matches!(command, Command::Who | Command::Roster(_)) {
                continue;
            }
            if let Some(command) = self.request(&command)? {
                self.held.push_front(Held { command, line });
                break;
            }
        }
        Ok(())
    }

    /// Asks the server for something that has one answer. Without a session it waits for one.
    fn ask(
        &mut self,
        command: &Command,
        pending: PendingRequest,
        request: impl FnOnce(&mut Driver) -> Result<u64, ClientError>,
    ) -> Result<Option<Command>, Failure> {
        let Some(driver) = self.driver.as_mut().filter(|_| self.stage == Stage::Open) else {
            return Ok(Some(command.clone()));
        };
        match request(driver) {
            Ok(number) => {
                if let PendingRequest::Message { to, .. } = &pending {
                    let to = to.clone();
                    self.show(&Report::Sending { number, to })?;
                }
                self.requests.ask(number, pending);
            }
            Err(error) if error.passes() => return Ok(Some(command.clone())),
            Err(error) => {
                match pending {
                    PendingRequest::Message { to, .. } => {
                        self.show(&Report::NotSending { to, why: error.to_string() })?;
                    }
                    PendingRequest::Join { room } => drop(self.own.saved.room.take_if(|current| *current == room)),
                    _ => {}
                }
                self.cannot_ask(error)?;
            }
        }
        Ok(None)
    }

    fn cannot_ask(&mut self, error: ClientError) -> Result<(), Failure> {
        let reason = if let ClientError::BodyTooLong { .. } = error { "body_too_long" } else { "not_sent" };
        self.complain_of_input(reason, error.to_string())
    }

    /// Begins a listing, when the one before is over. Without a session it waits for one.
    fn list(&mut self, pending: PendingRequest) -> Result<Option<Command>, Failure> {
        if self.requests.is_listing() || self.stage != Stage::Open {
            return Ok(pending.again());
        }
        match self.page(&pending, 0) {
            Some(Ok(number)) => self.requests.list(number, pending),
            Some(Err(error)) if !error.passes() => self.cannot_ask(error)?,
            Some(Err(_)) | None => return Ok(pending.again()),
        }
        Ok(None)
    }

    /// Asks for the page of the listing that starts there.
    pub(super) fn list_on(&mut self, cursor: u64) {
        let Some(pending) = self.requests.listing().cloned() else { return };
        match self.page(&pending, cursor) {
            Some(Ok(number)) => self.requests.list_on(number),
            Some(Err(error)) if error.passes() => self.next_page = Some(cursor),
            // A user that leaves does without it: half a list would look like a whole one.
            Some(Err(_)) | None => self.requests.stop_listing(),
        }
    }

    fn page(&mut self, pending: &PendingRequest, cursor: u64) -> Option<Result<u64, ClientError>> {
        let driver = self.driver.as_mut()?;
        Some(match pending {
            PendingRequest::Roster { room } => driver.roster(room, cursor),
            _ => driver.who(cursor),
        })
    }

    /// Asks for a page of what the session is subscribed to. If there is no room for that, what was saved has to do.
    pub(super) fn list_subscriptions(&mut self, cursor: u64) -> Result<(), Failure> {
        match self.driver.as_mut().map(|driver| driver.subscriptions(cursor)) {
            Some(Err(error)) if !error.passes() => self.cannot_ask(error),
            _ => Ok(()),
        }
    }

    /// The room that is named, or else the current one.
    fn chosen_room(&mut self, named: Option<String>, usage: &str) -> Result<Option<String>, Failure> {
        match named {
            Some(room) => Ok(Some(mapped(room))),
            None => self.current_room(usage),
        }
    }

    fn current_room(&mut self, usage: &str) -> Result<Option<String>, Failure> {
        if self.own.saved.room.is_none() {
            self.complain_of_input("no_room", format!("{usage}; /join #room makes that the room for what names none"))?;
        }
        Ok(self.own.saved.room.clone())
    }

    /// Joins the rooms of the configuration, once. What names no recipient goes to the first, if it goes nowhere yet.
    pub(super) fn join_rooms(&mut self) {
        for room in std::mem::take(&mut self.rooms).into_iter().map(mapped) {
            self.own.saved.room.get_or_insert_with(|| room.clone());
            if !self.own.saved.rooms.contains(&room) {
                self.held.push_back(Command::Rejoin(room).into());
            }
        }
    }

    /// The session is gone: what is known of each request, and all of it again that may be asked for again.
    pub(super) fn start_over(&mut self, unsent_from: u64) -> Result<(), Failure> {
        let saved = std::mem::take(&mut self.own.saved);
        self.next_page = None;
        let mut again: Vec<Command> = saved.rooms.iter().cloned().map(Command::Rejoin).collect();
        self.own.saved.room = saved.room;
        if !saved.watched.is_empty() {
            again.push(Command::Watch(saved.watched.into_iter().collect()));
        }
        for (number, pending) in self.requests.abandon() {
            match pending {
                PendingRequest::Message { to, .. } if number >= unsent_from => {
                    let reason = "not_sent".to_owned();
                    self.show(&Report::Rejected { number: Some(number), to, reason, request: None })?;
                }
                PendingRequest::Message { to, .. } => {
                    self.unanswered += 1;
                    self.show(&Report::Unanswered { number, to })?;
                }
                other => again.extend(other.again()),
            }
        }
        let mut again: VecDeque<Held> = again.into_iter().map(Held::from).collect();
        again.append(&mut self.held);
        self.held = again;
        self.stage = if self.stage == Stage::Open { Stage::Registering } else { self.stage };
        Ok(())
    }
}

fn borrowed(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}
