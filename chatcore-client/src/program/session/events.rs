//! What happens.

use std::time::{Duration, Instant};

use crate::{Closed, Driver, Event, RefusalCode, TlsFault, User, UserName};
use chatcore::{GoodbyeCode, LeaveCode, RoomName};

use super::parts::{Lost, Session, Stage};
use super::told::told;
use crate::program::command::Command;
use crate::program::failure::{self, Failure};
use crate::program::report::{Named, Report, Users};
use crate::program::requests::{Listed, PendingRequest};
use crate::program::state::is_resumable;

impl Session {
    pub(super) fn handle(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Registered { name, display_name, .. } => {
                let name = name.to_string();
                self.arrived(&name, &Report::Registered { name: name.clone(), display_name })
            }
            Event::Resumed => {
                let ((name, display_name), is_restart) = (self.own_user(), self.stage == Stage::Registering);
                self.arrived(&name, &Report::Resumed { name: name.clone(), display_name, is_restart })?;
                // A person is to see them; what is written for a program says what happens, and nothing else.
                if is_restart && self.console.is_interactive() { self.list_subscriptions(0) } else { Ok(()) }
            }
            Event::SessionLost { unsent_from, .. } => {
                self.own.is_known = true;
                self.show(&Report::SessionLost)?;
                self.start_over(unsent_from)
            }
            Event::Reconnecting { why, attempt, after, .. } => self.reconnecting(why, attempt, after),
            // A user that leaves needs no name any more.
            Event::Refused { .. } if self.stage == Stage::Quitting => Ok(()),
            Event::Refused { code, detail, wait, .. } => {
                self.lost = None;
                let outcome = match code {
                    RefusalCode::Denied => self.denied(detail),
                    RefusalCode::NameInUse if self.waits_for_names() => self.wait_for_name(detail, wait),
                    code => {
                        let held = self.who_has_the_name().filter(|_| code == RefusalCode::NameInUse);
                        // Whoever runs that program knows better than the server when it ends.
                        let held = held.map(|who| who + "; --reconnect-for SECONDS waits for it");
                        let detail = held.unwrap_or_else(|| detail + &try_again(code, wait));
                        self.refused(&code.to_string(), detail)
                    }
                };
                // A person may think for long, and the server does not wait: connect again when there is a name.
                self.driver.take_if(|_| self.own.is_known);
                outcome
            }
            Event::Accepted { number, id, .. } => match self.requests.answered(number) {
                Some(pending) => self.show(&Report::Accepted { number, to: pending.to(), id: id.into() }),
                // It was asked for before the program was started again.
                None => Ok(()),
            },
            Event::Rejected { number, code, .. } => match self.requests.answered(number) {
                Some(pending) => self.rejected(number, pending, code.to_string()),
                None => Ok(()),
            },
            Event::Done { number, .. } => match self.requests.answered(number) {
                Some(pending) => self.done(pending),
                None => Ok(()),
            },
            // Another page was asked for before the program was started again.
            Event::Online { number, .. } | Event::Members { number, .. } if !self.requests.awaits_page(number) => {
                Ok(())
            }
            Event::Online { users, next, .. } | Event::Members { users, next, .. } => self.listed(users, next),
            Event::Subscribed { rooms, users, next, .. } => self.subscribed(&rooms, &users, next),
            Event::Closed(closed) => self.closed(closed),
            event => self.tell(event),
        }
    }

    /// Shows what an event tells by itself, and keeps what it changes.
    fn tell(&mut self, event: Event) -> Result<(), Failure> {
        let Some(report) = told(event, &self.own.name, self.own_spelling()) else { return Ok(()) };
        let is_kept = match &report {
            // Another session of ours has joined or left.
            Report::Joined { room, name, .. } if *name == self.own.name => {
                self.own.saved.rooms.insert(room.clone());
                true
            }
            Report::Left { room, name, .. } if **name == self.own.name => {
                self.own.saved.rooms.remove(room);
                true
            }
            Report::Renamed { name, .. } => {
                self.own.name.clone_from(name);
                true
            }
            _ => false,
        };
        if is_kept {
            self.keep();
        }
        self.show(&report)
    }

    /// The connection is lost, or another one could not be made.
    fn reconnecting(&mut self, why: Closed, attempt: u32, after: Duration) -> Result<(), Failure> {
        let reason = failure::reason(&why).to_owned();
        let error = self.why_not_reached(&why);
        // Of a connection that held the session, everybody knows where it led.
        let is_attempt = self.lost.is_some() || self.stage == Stage::Registering;
        let at = if is_attempt { format!("{}: ", self.address()) } else { String::new() };
        let detail = match (self.tls_fault(), &error) {
            (Some(fault), None) => format!("{at}{why}: {fault}"),
            (_, Some(error)) => format!("cannot connect to {error}"),
            (None, None) => format!("{at}{why}"),
        };
        let reconnect_for = self.reconnect_for;
        let until = || reconnect_for.and_then(|patience| Instant::now().checked_add(patience));
        self.lost.get_or_insert_with(|| Lost { why, until: until() });
        if self.reconnect_for.is_some_and(|patience| patience.is_zero()) {
            // It is over before anybody tries.
            return Ok(());
        }
        self.show(&Report::Reconnecting { reason, detail, error, attempt, after })
    }

    /// There is a session, new or old.
    fn arrived(&mut self, name: &str, report: &Report) -> Result<(), Failure> {
        (self.lost, self.name_wait, self.own.is_known) = (None, None, true);
        name.clone_into(&mut self.own.name);
        if let Some(limits) = self.driver.as_ref().and_then(|driver| driver.client().limits()) {
            self.console.set_body_bytes_max(limits.body_bytes_max as usize);
        }
        // Whoever is told of the session finds it again, also if the program is killed at once.
        self.keep();
        if let Some(held) = self.own.held.take() {
            self.tell_unkept(&held)?;
        }
        self.show(report)?;
        if self.stage != Stage::Registering || self.keeping.begins_later() {
            return Ok(());
        }
        self.begin();
        Ok(())
    }

    /// Takes commands from now on: there is a session, and it was told.
    pub(super) fn begin(&mut self) {
        if self.stage == Stage::Registering {
            self.stage = Stage::Open;
            self.restore_kept();
            self.join_rooms();
            self.prompt();
        }
    }

    /// A program before this one came into these rooms, and watched these users.
    fn subscribed(&mut self, rooms: &[RoomName], users: &[UserName], next: Option<u64>) -> Result<(), Failure> {
        let (name, display_name) = self.own_user();
        let (rooms_kept, users_kept, goes_on) = self.own.saved.subscribe(rooms, users);
        let (rooms, users) = (&rooms[..rooms_kept], &users[..users_kept]);
        self.keep();
        for room in rooms {
            let (room, name, display_name) = (room.to_string(), name.clone(), display_name.clone());
            self.show(&Report::StillIn { room, name, display_name })?;
        }
        // That tells how it stands with each.
        if !users.is_empty() {
            self.held.push_back(Command::Watch(users.iter().map(ToString::to_string).collect()).into());
        }
        next.filter(|_| goes_on).map_or(Ok(()), |cursor| self.list_subscriptions(cursor))
    }

    fn done(&mut self, pending: PendingRequest) -> Result<(), Failure> {
        let (name, display_name) = self.own_user();
        match pending {
            PendingRequest::Join { room } => {
                let is_new = self.own.saved.rooms.insert(room.clone());
                self.keep();
                self.show(&if is_new {
                    Report::Joined { room, name, display_name }
                } else {
                    Report::StillIn { room, name, display_name }
                })
            }
            PendingRequest::Leave { room } => {
                self.own.saved.rooms.remove(&room);
                self.keep();
                let name = Named::new(name, display_name);
                self.show(&Report::Left { room, name, reason: LeaveCode::Left.to_string() })
            }
            PendingRequest::Watch { names } => {
                self.own.saved.watched.extend(names);
                self.keep();
                Ok(())
            }
            PendingRequest::Unwatch { names } => {
                self.own.saved.watched.retain(|name| !names.contains(name));
                self.keep();
                Ok(())
            }
            PendingRequest::Message { .. } | PendingRequest::Who | PendingRequest::Roster { .. } => Ok(()),
        }
    }

    /// Our name, and how others see it if that is not the same.
    fn own_user(&self) -> (String, Option<String>) {
        (self.own.name.clone(), self.own_spelling().map(str::to_owned))
    }

    fn own_spelling(&self) -> Option<&str> {
        self.driver.as_ref()?.client().ticket()?.display_name.as_deref()
    }

    fn rejected(&mut self, number: u64, pending: PendingRequest, reason: String) -> Result<(), Failure> {
        let is_current = |current: &mut String| matches!(&pending, PendingRequest::Join { room } if room == current);
        let has_no_room = self.own.saved.room.take_if(is_current).is_some();
        let request = pending.name();
        let number = request.is_none().then_some(number);
        self.show(&Report::Rejected { number, to: pending.to(), reason, request })?;
        if has_no_room && self.stage == Stage::Open {
            // Nobody types the next line for a room that it does not go to.
            self.prompt();
        }
        Ok(())
    }

    fn listed(&mut self, users: Vec<User>, next: Option<u64>) -> Result<(), Failure> {
        let listed = self.requests.listed(users, next.is_none());
        if let Some(cursor) = next.filter(|_| listed.is_none()) {
            self.list_on(cursor);
        }
        match listed {
            Some(Listed { pending: PendingRequest::Roster { room }, users, is_cut }) => {
                self.show(&Report::Roster { room, users: Users::of(users, is_cut) })
            }
            Some(Listed { users, is_cut, .. }) => self.show(&Report::Online { users: Users::of(users, is_cut) }),
            None => Ok(()),
        }
    }

    pub(super) fn closed(&mut self, closed: Closed) -> Result<(), Failure> {
        if self.ends_session(&closed) {
            self.forget();
        }
        // Who leaves while there is no connection has left, and so has who does not know yet that there is none.
        let is_late = self.stage == Stage::Quitting && closed == Closed::Disconnected;
        self.left(if is_late { Closed::Left } else { closed })
    }

    /// Whether the session is over for the server, too. Without a connection it stays where it is, and so it may if the
    /// connection breaks before the server has answered our goodbye.
    pub(super) fn ends_session(&self, closed: &Closed) -> bool {
        let is_connected = self.driver.as_ref().is_some_and(Driver::connected);
        !is_resumable(closed) && self.lost.is_none() && (is_connected || *closed != Closed::Left)
    }

    /// The same, where the session may still be there.
    pub(super) fn left(&mut self, closed: Closed) -> Result<(), Failure> {
        let is_read = self.stage == Stage::Registering && self.restoring.is_some();
        if is_read || matches!(self.stage, Stage::Naming | Stage::LoggingIn) {
            // A person may think for longer than the server waits: connect again when there is a name.
            self.driver = None;
            return Ok(());
        }
        self.end(closed)
    }

    /// It is over for this reason. Who stays until the server stops ends well with it.
    pub(super) fn end(&mut self, closed: Closed) -> Result<(), Failure> {
        self.stage = Stage::Over;
        let reason = failure::reason(&closed);
        if closed == Closed::Left || self.stay && reason == GoodbyeCode::ShuttingDown.name() {
            self.over = Some(reason);
            return Ok(());
        }
        let address = self.address();
        Err(match self.tls_fault() {
            Some(fault) => Failure::BrokenTls { closed, fault: Box::new(fault), address },
            None => Failure::Closed { closed, address },
        })
    }

    /// The server to which we are connected, or would be.
    pub(super) fn address(&self) -> String {
        let advised = self.driver.as_ref().map(|driver| driver.endpoint().to_string());
        advised.unwrap_or_else(|| self.connect.address())
    }

    /// Where the last connection could not be made, and why; none if it stood.
    fn why_not_reached(&self, why: &Closed) -> Option<String> {
        let driver = self.driver.as_ref()?;
        let address = driver.failed_address()?;
        Some(match (self.tls_fault(), driver.last_error()) {
            (Some(fault), _) => format!("{address}: {fault}"),
            (None, Some(error)) => format!("{address}: {error}"),
            (None, None) => format!("{address}: {why}"),
        })
    }

    /// What was wrong with TLS when the last connection broke, or could not be made.
    fn tls_fault(&self) -> Option<TlsFault> {
        self.driver.as_ref()?.last_error().and_then(TlsFault::of)
    }
}

/// When to try again, of a server that is busy, or of a name that may be free then.
fn try_again(code: RefusalCode, wait: Option<Duration>) -> String {
    let Some(seconds) = wait.map(|wait| wait.as_secs_f64()) else { return String::new() };
    match code {
        RefusalCode::RateLimited => format!("; try again in {seconds:.1} s"),
        RefusalCode::NameInUse => format!("; it may be free in {seconds:.1} s: --reconnect-for SECONDS waits for it"),
        _ => String::new(),
    }
}
