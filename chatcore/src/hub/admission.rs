//! How a connection comes to its session: a new one, or one that it had.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::Hub;
use super::conn_id::ConnId;
use super::deadlines::Whose;
use super::event::{CloseReason, HubEvent};
use super::link::{Link, Role};
use super::session::{Details, Place, Run, Session};
use crate::handshake::{Origin, Refusal, Registration, Request};
use crate::liveness::Liveness;
use crate::name::UserName;
use crate::outbox::Outbox;
use crate::time::Instant;
use crate::wire::{HubMessage, Ping, Resumed, Token, Welcome};

impl Hub {
    pub(super) fn decide(&mut self, registration: Registration) -> Result<ConnId, Refusal> {
        if self.shutting_down {
            return Err(Refusal::ShuttingDown);
        }
        self.spread_said();
        let Registration { name, request, origin, outbox } = registration;
        let holder = self.holder(&name);
        match (request, holder) {
            (Request::Resume { token, received, attempt }, Some(holder))
                if self.sessions[holder].details.token == token && self.sessions[holder].is_news(received, attempt) =>
            {
                self.sessions[holder].details.attempt = attempt;
                self.resume(holder, received, origin, outbox)
            }
            (Request::Resume { .. }, _) => Err(Refusal::CannotResume),
            (Request::Name { .. }, Some(holder)) => Err(self.name_in_use(holder)),
            (Request::Name { .. }, None) => self.register(&name, origin, outbox),
        }
    }

    /// Whose name it is. A session whose time is over in this very moment has it no more, whether the driver has said
    /// so or not.
    fn holder(&mut self, name: &UserName) -> Option<usize> {
        let holder = self.directory.find(name.as_bytes(), &self.sessions)?;
        match self.sessions[holder].place {
            Place::Parked { until } if until <= self.now => {
                self.end(holder, CloseReason::Expired);
                None
            }
            _ => Some(holder),
        }
    }

    /// Nobody gets a name early. But whether its holder is still there is found out at once.
    fn name_in_use(&mut self, holder: usize) -> Refusal {
        let session = &mut self.sessions[holder];
        let free_at = match session.place {
            Place::Parked { until } => until,
            Place::Connected(_) => {
                if session.liveness.probe(self.now, self.limits.probe_time_max) {
                    let nonce = self.now.as_nanos();
                    self.notify(holder, &HubMessage::Ping(Ping { nonce }));
                    self.arm_session(holder);
                }
                self.sessions[holder].liveness.dead_at(self.limits.idle_time_max) + self.limits.resume_time_max
            }
        };
        Refusal::NameInUse { wait: free_at - self.now }
    }

    fn register(&mut self, name: &UserName, origin: Origin, outbox: Outbox) -> Result<ConnId, Refusal> {
        let users_max = self.limits.users_max;
        if self.sessions.len() >= users_max as usize {
            return Err(Refusal::HubFull { users_max });
        }
        let index = self.sessions.vacant_key();
        let conn = self.link(index);
        let token = Token::from_bytes(self.secrets.draw());
        self.sessions.insert(Session {
            name: name.clone(),
            place: Place::Connected(conn),
            outbox,
            write_queued: false,
            received: 0,
            ack_due: false,
            is_owed: false,
            liveness: Liveness::new(self.now),
            full_since: Instant::MAX,
            accepted: Run::default(),
            doomed: false,
            peer: u32::MAX,
            details: Box::new(Details {
                armed: None,
                token,
                origin,
                attempt: 0,
                born: self.message_id,
                rooms: Vec::new(),
                watches: Vec::new(),
            }),
        });
        self.directory.insert(index, &self.sessions);
        self.events.push_back(HubEvent::SessionStarted { conn, name: name.clone() });
        self.tell_watchers(name.as_str(), true);
        // The outbox may come with a preface, and then is not empty before the welcome.
        self.queue_write(index);
        let limits = self.limits.announced();
        self.push(index, &HubMessage::Welcome(Welcome { name: name.as_str(), token, limits }));
        self.arm_session(index);
        Ok(conn)
    }

    /// Goes on with a session on a new connection. What the peer has is taken off first, and what it lacks is to be
    /// written again. The last connection with the right token wins.
    fn resume(
        &mut self,
        index: usize,
        received: Option<u64>,
        origin: Origin,
        mut outbox: Outbox,
    ) -> Result<ConnId, Refusal> {
        self.tell_accepted(index);
        let session = &mut self.sessions[index];
        let count = received.unwrap_or_else(|| session.outbox.acknowledged());
        let kept_bytes = session.outbox.kept_bytes();
        if session.outbox.settle(count, &mut self.pool).is_err() {
            // Nobody else will come for it. But whoever is connected may be further than what comes late.
            if session.is_parked() {
                self.end(index, CloseReason::OutOfStep);
            }
            return Err(Refusal::CannotResume);
        }
        match session.place {
            Place::Parked { .. } => self.parked.leave(session.details.origin, kept_bytes),
            Place::Connected(other) => self.drop_link(index, other, CloseReason::TakenOver),
        }
        let session = &mut self.sessions[index];
        let limits = self.limits.announced();
        outbox.push(&HubMessage::Resumed(Resumed { received: session.received, sent: count, limits }), &mut self.pool);
        outbox.adopt(&session.outbox, &mut self.pool);
        session.outbox = outbox;
        session.details.origin = origin;
        session.write_queued = false;
        session.ack_due = false;
        session.full_since = Instant::MAX;
        session.liveness = Liveness::new(self.now);
        let name = session.name.clone();
        let conn = self.link(index);
        self.sessions[index].place = Place::Connected(conn);
        self.events.push_back(HubEvent::Resumed { conn, name });
        self.queue_write(index);
        self.arm_session(index);
        Ok(conn)
    }

    /// A new connection for a session.
    fn link(&mut self, session: usize) -> ConnId {
        let index = u32::try_from(self.links.vacant_key()).expect("a driver has fewer connections than that");
        self.conns_ever = self.conns_ever.wrapping_add(1);
        let conn = ConnId { index, serial: self.conns_ever };
        self.links.insert(Link { conn, role: Role::Session(session) });
        conn
    }

    /// Moves a session's deadline to where it belongs.
    pub(super) fn arm_session(&mut self, index: usize) {
        let session = &mut self.sessions[index];
        let due = session.due_at(&self.limits);
        self.deadlines.arm(Whose::Session(index), &mut session.details.armed, due);
    }
}
