//! How a connection comes to its session: a new one, or one that it had.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use super::conn_id::ConnId;
use super::event::{CloseReason, HubEvent};
use super::ordered::{Answer, Attachment, Details, NameForms, Session};
use super::parts::Hub;
use crate::handshake::{QuotaKey, Refusal, Registration, Request};
use crate::liveness::Liveness;
use crate::name::{UserName, cost_of_mapping};
use crate::outbox::Outbox;
use crate::time::Instant;
use crate::wire::{HubMessage, OVERHEAD_BYTES_MAX, Ping, Resumed, Token, Welcome};

/// What a registration or a resume costs its origin, beside what the names that its connection asked for have cost to map.
const ADMISSION_COST: u32 = 100;

/// How long an origin that asks too often waits beyond the time at which one more may ask: many may be waiting.
const AGAIN_AFTER_MIN: Duration = Duration::from_secs(1);

/// The cost of a new connection for its origin, for [`Hub::charge_origin`], in the units of protocol.md, *Cost*.
pub const CONNECTION_COST: u32 = 50;

impl Hub {
    /// Charges an origin for connections that have no session yet: [`CONNECTION_COST`] for a new connection, and
    /// [`Handshake::take_cost`](crate::Handshake::take_cost) for names that a handshake refused. `cost` is in the units
    /// of protocol.md, *Cost*.
    ///
    /// If the origin has used up [`Limits::origin_rate`](crate::Limits::origin_rate), the call returns a time: the
    /// driver should not read from the origin's handshakes until then.
    ///
    /// ```
    /// use chatcore::{CONNECTION_COST, Hub, Instant, Limits, QuotaKey, Rate};
    ///
    /// let origin_rate = Rate { per_s: 10, burst: 60 }; // one connection at once, and one in five seconds
    /// let mut hub = Hub::new(Limits::default().with_origin_rate(origin_rate), [7; 32]);
    /// let (now, origin) = (Instant::ZERO, QuotaKey(1));
    /// assert_eq!(hub.charge_origin(now, origin, CONNECTION_COST), None);
    /// assert!(hub.charge_origin(now, origin, CONNECTION_COST) > Some(now));
    /// ```
    pub fn charge_origin(&mut self, now: Instant, origin: QuotaKey, cost: u32) -> Option<Instant> {
        self.clock(now);
        let (sessions, _) = self.ordered.unordered();
        sessions.origins.charge_stranger(sessions.now, origin, cost, &sessions.origin_pace)
    }

    /// Admits a client: begins a session under the name that it asked for, or resumes its session on this connection
    /// (protocol.md, *Sessions*). The returned id stands for the connection in all calls and outputs from now on. The
    /// driver drops the [`Handshake`](crate::Handshake).
    ///
    /// # Errors
    ///
    /// Why the client is refused. Give this to [`Handshake::refuse`](crate::Handshake::refuse); the client may then try
    /// again.
    pub fn admit(&mut self, now: Instant, registration: Registration) -> Result<ConnId, Refusal> {
        self.clock(now);
        self.decide(registration)
    }

    fn decide(&mut self, registration: Registration) -> Result<ConnId, Refusal> {
        let Registration { name, display_name, request, frame_bytes_max, origin, cost, outbox } = registration;
        let limits = &self.ordered.sessions().limits;
        let body_bytes_max = limits.body_bytes_max.min(frame_bytes_max.saturating_sub(OVERHEAD_BYTES_MAX));
        let (sessions, _) = self.ordered.unordered();
        if sessions.is_shutting_down {
            return Err(Refusal::ShuttingDown);
        }
        // What a name looks like is found as its mapping is.
        let cost = cost + cost_of_looks(&name, &request);
        let (now, pace) = (sessions.now, sessions.origin_pace);
        sessions
            .origins
            .charge_admission(now, origin, (ADMISSION_COST, cost), &pace)
            .map_err(|until| Refusal::RateLimited { wait: until - now + AGAIN_AFTER_MIN })?;
        let holder = self.holder(&name);
        let sessions = self.ordered.sessions();
        match (request, holder) {
            (Request::Resume { token, received, attempt }, Some(holder)) if sessions[holder].details.token == token => {
                // What is queued for it may be as long as it has taken before.
                if attempt <= sessions[holder].details.attempt || body_bytes_max < sessions[holder].body_bytes_max {
                    return Err(Refusal::StaleResume);
                }
                self.resume(holder, received, (attempt, body_bytes_max), origin, outbox)
            }
            (Request::Resume { .. }, _) => Err(Refusal::SessionOver),
            (Request::Name { .. }, holder) => {
                let key = name.confusable_key();
                match holder {
                    _ if self.reserved.contains(&*key) => Err(Refusal::Reserved),
                    Some(holder) => Err(self.name_in_use(holder)),
                    None => self.register((&name, display_name, &key), body_bytes_max, origin, outbox),
                }
            }
        }
    }

    /// The session that holds a name. One whose time is over in this very moment holds it no more, whether the driver has
    /// said so or not.
    fn holder(&mut self, name: &UserName) -> Option<usize> {
        let sessions = self.ordered.sessions();
        let holder = sessions.find(name.as_bytes())?;
        match sessions[holder].attachment {
            Attachment::Detached { until } if until <= sessions.now => {
                self.end(holder, CloseReason::Expired);
                None
            }
            _ if sessions[holder].is_closing => {
                let reason = sessions[holder].details.closing.as_deref().copied().unwrap_or(CloseReason::SlowConsumer);
                self.end(holder, reason);
                None
            }
            _ => Some(holder),
        }
    }

    /// Nobody gets a name early. But whether its holder is still there is found out at once.
    fn name_in_use(&mut self, holder: usize) -> Refusal {
        let (sessions, _) = self.ordered.unordered();
        let now = sessions.now;
        let free_at = match sessions[holder].attachment {
            Attachment::Detached { until } => until,
            Attachment::Attached(_) => {
                let (probe_time_max, idle_time_max, resume_time_max) =
                    (sessions.limits.probe_time_max, sessions.limits.idle_time_max, sessions.limits.resume_time_max);
                if sessions[holder].liveness.probe(now, probe_time_max) {
                    sessions.answer(holder, Answer::Ping(Ping { nonce: now.as_nanos() }));
                    sessions.arm(holder);
                }
                // Nobody comes back to a session whose welcome may not have arrived.
                let window = if sessions[holder].is_confirmed { resume_time_max } else { Duration::ZERO };
                sessions[holder].liveness.dead_at(idle_time_max) + window
            }
        };
        Refusal::NameInUse { wait: free_at - now }
    }

    fn register(
        &mut self,
        (name, display_name, key): (&UserName, Option<Box<str>>, &str),
        body_bytes_max: u32,
        origin: QuotaKey,
        outbox: Outbox,
    ) -> Result<ConnId, Refusal> {
        let token = Token::from_bytes(self.secrets.draw());
        let (sessions, _) = self.ordered.unordered();
        let users_max = sessions.limits.users_max;
        if sessions.len() >= users_max as usize {
            return Err(Refusal::HubFull { users_max });
        }
        if sessions.has_lookalike(name, key) {
            return Err(Refusal::Confusable);
        }
        let looks_like = (key != name.as_str()).then(|| key.into());
        let forms = NameForms { display_name: display_name.clone(), looks_like };
        let forms = (forms.display_name.is_some() || forms.looks_like.is_some()).then(|| forms.into());
        let index = sessions.vacant_key();
        let conn = sessions.open_conn(index);
        let share = sessions.origins.open(sessions.now, origin);
        let details = Details {
            armed: None,
            token,
            attempt: 0,
            created_at_id: self.delivery.last_id,
            rooms: Vec::new(),
            watches: Vec::new(),
            forms,
            begun_list: None,
            closing: None,
        };
        let now = sessions.now;
        sessions.insert(Session::new(name.clone(), conn, details.into(), outbox, share, body_bytes_max, now));
        sessions.events.push_back(HubEvent::SessionStarted { conn, name: name.clone() });
        self.presence.changed(sessions, name.as_str());
        // The outbox may come with a preface, and then is not empty before the welcome.
        sessions.queue_write(index);
        let limits = sessions.limits.announced();
        let welcome = Welcome { name: name.as_str(), display_name: display_name.as_deref(), token, limits };
        sessions.push_welcome(index, welcome);
        sessions.arm(index);
        Ok(conn)
    }

    /// Goes on with a session on a new connection. What the peer has is taken off first, and what it lacks is to be
    /// written again. The last connection with the right token wins.
    fn resume(
        &mut self,
        index: usize,
        received: Option<u64>,
        (attempt, body_bytes_max): (u64, u32),
        origin: QuotaKey,
        mut opening: Outbox,
    ) -> Result<ConnId, Refusal> {
        let (sessions, _) = self.ordered.unordered();
        sessions.tell_accepted(index);
        let count = received.unwrap_or_else(|| sessions[index].outbox().acknowledged());
        if sessions.resume_at(index, count).is_err() {
            return Err(Refusal::StaleResume);
        }
        sessions[index].details.attempt = attempt;
        sessions[index].body_bytes_max = body_bytes_max;
        sessions[index].is_confirmed = true;
        if let Attachment::Attached(other) = sessions[index].attachment {
            sessions.drop_conn(index, other, CloseReason::TakenOver);
        }
        sessions.pool.adopt(opening.held_bytes());
        let limits = sessions.limits.announced();
        let resumed = Resumed { received: sessions[index].received, sent: count, limits };
        opening.push(&HubMessage::Resumed(resumed), &mut sessions.pool);
        let share = sessions.origins.open(sessions.now, origin);
        let conn = sessions.attach(index, opening, share);
        sessions.set_leftover(index, 0);
        sessions[index].liveness = Liveness::new(sessions.now);
        let name = sessions[index].name.clone();
        sessions.events.push_back(HubEvent::Resumed { conn, name });
        sessions.arm(index);
        if sessions[index].is_lagging {
            self.catch_up(index);
        }
        Ok(conn)
    }
}

/// Units for finding what a name looks like that a session is to begin with.
fn cost_of_looks(name: &UserName, request: &Request) -> u32 {
    match request {
        Request::Name { .. } if !name.as_str().is_ascii() => cost_of_mapping(name.as_str()),
        _ => 0,
    }
}
