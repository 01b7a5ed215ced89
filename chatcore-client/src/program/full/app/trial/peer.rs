//! The connection: what a server sends becomes reports, and commands become requests, as in the program.

use std::time::Duration;

use chatcore::{Client, ClientConfig, Closed, Event, Inbox, Instant};

use crate::program::command::Command;
use crate::program::failure;
use crate::program::report::{Report, Users};
use crate::program::requests::{Listed, PendingRequest, Requests, mapped};
use crate::program::session::told;

/// Who is at the keyboard.
const NAME: &str = "alice";

/// The first bytes of a hub: version 1 of the protocol, and no feature.
const PREFACE: &[u8] = b"\xc4chat\r\n\0\x01\0\0\0\0\0\0\0";

/// Welcomes alice: frames of 65792 bytes, bodies of 65536, and the usual limits.
const WELCOME: &[u8] = b"\x3a\0\0\0\x02\x05alice\0\0\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\
    \xfc\0\x01\x01\0\xfc\0\0\x01\0\xfc\0\0\x40\0\xfb\x10\x27\xfb\x60\xea\xfb\x60\xea\x40\xfb\0\x01\xfb\x20\x4e\xfb\x40\x9c";

/// What says that there is a new session.
pub(super) fn registered() -> Report {
    Report::Registered { name: NAME.to_owned(), display_name: None }
}

/// A session with a server that sends anything.
pub(super) struct Peer {
    client: Client,
    inbox: Inbox,
    requests: Requests,
    own_name: String,
}

impl Peer {
    pub(super) fn new() -> Self {
        let config = ClientConfig::default().with_reconnect(None);
        let mut client = Client::new(Instant::ZERO, config, 7);
        client.register(Instant::ZERO, NAME, b"").expect("a fresh client may register");
        let mut inbox = Inbox::new();
        // What it has not used is in the inbox.
        let _ = inbox.receive(Instant::ZERO, &mut client, &[PREFACE, WELCOME].concat());
        let welcomed = client.poll_event();
        assert!(matches!(welcomed, Some(Event::Registered { .. })), "{welcomed:?}");
        Self { client, inbox, requests: Requests::default(), own_name: NAME.to_owned() }
    }

    /// What these bytes tell. After an end there is another session.
    pub(super) fn receive(&mut self, bytes: &[u8]) -> Vec<Report> {
        // What went wrong comes as an event.
        let _ = self.inbox.receive(Instant::ZERO, &mut self.client, bytes);
        let mut reports = Vec::new();
        while let Some(event) = self.client.poll_event() {
            if let Event::Closed(closed) = event {
                reports.extend(lost(&closed));
                let asked = self.requests.abandon();
                *self = Self::new();
                reports.push(registered());
                let again = asked.into_iter().filter_map(|(_, pending)| pending.again());
                reports.extend(again.filter_map(|command| self.execute(command)));
                return reports;
            }
            reports.extend(self.report(event));
        }
        self.forget_written();
        reports
    }

    /// What is written is gone: nobody reads it.
    fn forget_written(&mut self) {
        let written = self.client.transmit().concat().len();
        self.client.transmitted(Instant::ZERO, written);
    }

    fn report(&mut self, event: Event) -> Option<Report> {
        match event {
            Event::Accepted { number, id, .. } => {
                let to = self.requests.answered(number)?.to();
                Some(Report::Accepted { number, to, id: id.into() })
            }
            Event::Rejected { number, code, .. } => {
                let pending = self.requests.answered(number)?;
                let request = pending.name();
                let number = request.is_none().then_some(number);
                Some(Report::Rejected { number, to: pending.to(), reason: code.to_string(), request })
            }
            Event::Done { number, .. } => match self.requests.answered(number)? {
                PendingRequest::Join { room } => {
                    Some(Report::Joined { room, name: self.own_name.clone(), display_name: None })
                }
                PendingRequest::Leave { room } => {
                    Some(Report::Left { room, name: self.own_name.as_str().into(), reason: "left".to_owned() })
                }
                _ => None,
            },
            // The pages that would follow are not asked for.
            Event::Online { users, .. } | Event::Members { users, .. } => {
                let Listed { pending, users, is_cut } = self.requests.listed(users, true)?;
                let users = Users::of(users, is_cut);
                Some(match pending {
                    PendingRequest::Roster { room } => Report::Roster { room, users },
                    _ => Report::Online { users },
                })
            }
            event => {
                let report = told(event, &self.own_name, None);
                if let Some(Report::Renamed { name, .. }) = &report {
                    self.own_name.clone_from(name);
                }
                report
            }
        }
    }

    /// What is told as soon as something is asked for.
    pub(super) fn execute(&mut self, command: Command) -> Option<Report> {
        let now = Instant::ZERO;
        let (pending, number) = match command {
            Command::Send { to, body } => {
                let number = self.client.send(now, &to, body.as_bytes());
                (PendingRequest::message(&to, body.as_bytes()), number)
            }
            Command::Join(room) | Command::Rejoin(room) => {
                let number = self.client.join(now, &room);
                (PendingRequest::Join { room: mapped(room) }, number)
            }
            Command::Leave(Some(room)) => {
                let number = self.client.leave(now, &room);
                (PendingRequest::Leave { room: mapped(room) }, number)
            }
            Command::Watch(names) => {
                let number = self.client.watch(now, &names.iter().map(String::as_str).collect::<Vec<_>>());
                (PendingRequest::Watch { names }, number)
            }
            Command::Who if !self.requests.is_listing() => (PendingRequest::Who, self.client.who(now, 0)),
            Command::Roster(Some(room)) if !self.requests.is_listing() => {
                let number = self.client.roster(now, &room, 0);
                (PendingRequest::Roster { room: mapped(room) }, number)
            }
            _ => return None,
        };
        self.forget_written();
        match (number, pending) {
            (Ok(number), pending @ (PendingRequest::Who | PendingRequest::Roster { .. })) => {
                self.requests.list(number, pending);
                None
            }
            (Ok(number), pending) => {
                let sending = match &pending {
                    PendingRequest::Message { to, .. } => Some(Report::Sending { number, to: to.clone() }),
                    _ => None,
                };
                self.requests.ask(number, pending);
                sending
            }
            (Err(error), _) => Some(Report::Error { reason: "not_sent".to_owned(), detail: error.to_string() }),
        }
    }
}

/// What is told of the end of a connection.
fn lost(closed: &Closed) -> [Report; 2] {
    let (reason, detail) = (failure::reason(closed).to_owned(), closed.to_string());
    let after = Duration::from_secs(1);
    [Report::Reconnecting { reason, detail, error: None, attempt: 1, after }, Report::SessionLost]
}
