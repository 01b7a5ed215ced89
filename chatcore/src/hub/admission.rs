//! How a connection comes to its session: a new one, or one that it had.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::mem;
use core::time::Duration;

use super::conn_id::ConnId;
use super::event::{CloseReason, HubEvent};
use super::ordered::{Answer, Attachment, Details, Rare, Session, Sessions};
use super::parts::Hub;
use super::work::{PASSED, of_bytes};
use crate::handshake::{Refusal, Registration, Request};
use crate::liveness::Liveness;
use crate::name::UserName;
use crate::time::Instant;
use crate::wire::{HubMessage, OVERHEAD_BYTES_MAX, Ping, Resumed, Token, Welcome};

/// What a registration begins if somebody has its name already: [`Hub::admit_as`]. If nobody has it, a new user begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Admission {
    /// A new user. If somebody has the name, the registration is refused.
    #[default]
    NewUser,
    /// Another session of the user that has the name: a second device. It is in the rooms that the user is in. What
    /// others write to the user comes to all its sessions, and what one of them writes to the others, too. The user has
    /// at most [`Limits::sessions_of_user_max`](crate::Limits::sessions_of_user_max) of them, and detached ones count
    /// until they expire: a program that finds so many with [`Hub::sessions_of`] may let its user [take one
    /// over](Self::TakeOver).
    AnotherSession,
    /// A session that the user has already, with its rooms and with what is queued for it, but without what it watches:
    /// the client has lost the session's token, and the program vouches for it. It is the detached session whose time
    /// is over first, or the oldest one if none is detached. The connection that has it is closed as taken over.
    TakeOver,
}

/// A registration that a hub does not admit: [`Hub::admit`] returns it.
#[derive(Debug)]
pub struct NotAdmitted {
    /// Why.
    pub refusal: Refusal,
    /// The registration, to be admitted in another way or dropped.
    pub registration: Registration,
}

impl fmt::Display for NotAdmitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.refusal, f)
    }
}

impl core::error::Error for NotAdmitted {}

impl Hub {
    /// Admits a client: begins a session under the name that it asked for, which must be free, or resumes its session
    /// on this connection (protocol.md, *Sessions*). The returned id stands for the connection in all calls and outputs
    /// from now on. The driver drops the [`Handshake`](crate::Handshake).
    ///
    /// # Errors
    ///
    /// Why the client is refused, and its registration. Give the [`refusal`](NotAdmitted::refusal) to
    /// [`Handshake::refuse`](crate::Handshake::refuse); the client may then try again. Or admit the
    /// [`registration`](NotAdmitted::registration) in another way.
    pub fn admit(&mut self, now: Instant, registration: Registration) -> Result<ConnId, Box<NotAdmitted>> {
        self.admit_as(now, registration, Admission::NewUser)
    }

    /// As [`admit`](Self::admit), for a program that knows who the client is. The [`Admission`] says what a
    /// registration begins if somebody has its name already. It does not concern a client that resumes a session: the
    /// session's token decides.
    ///
    /// ```
    /// use chatcore::{Admission, Handshake, Hub, Instant, Limits, Refusal};
    /// # use chatcore::{Client, ClientConfig, Registration};
    ///
    /// # let now = Instant::ZERO;
    /// # let mut hub = Hub::new(Limits::default(), [7; 32]);
    /// # let register = |name: &str| -> Result<Registration, Box<dyn std::error::Error>> {
    /// #     let mut client = Client::new(now, ClientConfig::default(), 7);
    /// #     client.register(now, name, b"")?;
    /// #     let arrived = client.transmit().concat();
    /// #     Ok(Handshake::new(now, &Limits::default()).receive(now, &mut &arrived[..])?.expect("it is whole"))
    /// # };
    /// # let (telephone, laptop) = (register("alice")?, register("alice")?);
    /// hub.admit(now, telephone)?;
    /// // By itself, the hub gives nobody a name that is in use. The program knows that the laptop is Alice's, too.
    /// let not_admitted = hub.admit(now, laptop).expect_err("the name is in use");
    /// assert!(matches!(not_admitted.refusal, Refusal::NameInUse { .. }));
    /// hub.admit_as(now, not_admitted.registration, Admission::AnotherSession)?;
    /// assert_eq!((hub.users(), hub.sessions()), (1, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`admit`](Self::admit).
    pub fn admit_as(
        &mut self,
        now: Instant,
        mut registration: Registration,
        admission: Admission,
    ) -> Result<ConnId, Box<NotAdmitted>> {
        let admitted =
            self.charge_registration(now, &mut registration).and_then(|()| self.decide(&mut registration, admission));
        admitted.map_err(|refusal| NotAdmitted { refusal, registration }.into())
    }

    fn decide(&mut self, registration: &mut Registration, admission: Admission) -> Result<ConnId, Refusal> {
        let limits = &self.ordered.sessions().limits;
        let body_bytes_max = limits.body_bytes_max.min(registration.frame_bytes_max.saturating_sub(OVERHEAD_BYTES_MAX));
        let holder = self.holder(&registration.name);
        match (&registration.request, holder) {
            (&Request::Resume { token, received, attempt }, holder) => {
                let sessions = self.ordered.sessions();
                let has_token = |session: &usize| sessions[*session].details.token == token;
                let session = holder.and_then(|holder| sessions.ring(holder).find(has_token));
                let session = session.or_else(|| self.renamed_holder(&token)).ok_or(Refusal::SessionOver)?;
                let sessions = self.ordered.sessions();
                // What is queued for it may be as long as it has taken before.
                if attempt <= sessions[session].details.attempt || body_bytes_max < sessions[session].body_bytes_max {
                    return Err(Refusal::StaleResume);
                }
                self.resume(session, received, (attempt, body_bytes_max), registration)
            }
            (Request::Name { .. }, holder) => {
                let name = registration.name.clone();
                let key = name.confusable_key();
                if self.reserved.contains(&*key) {
                    return Err(Refusal::Reserved);
                }
                if let Some(refusal) = self.ban_of(&key) {
                    return Err(refusal);
                }
                match (admission, holder) {
                    (Admission::NewUser, Some(holder)) => Err(self.name_in_use(holder, registration)),
                    (Admission::AnotherSession, Some(holder)) => {
                        self.join_user(holder, &key, body_bytes_max, registration)
                    }
                    (Admission::TakeOver, Some(holder)) => self.take_over(holder, body_bytes_max, registration),
                    (_, None) => self.register(&key, body_bytes_max, registration),
                }
            }
        }
    }

    /// The oldest session of the user that holds a name. One whose time is over in this very moment is there no more,
    /// whether the driver has said so or not.
    pub(super) fn holder(&mut self, name: &UserName) -> Option<usize> {
        loop {
            let sessions = self.ordered.sessions();
            let oldest = sessions.find(name.as_bytes())?;
            let over = sessions.ring(oldest).find_map(|index| Some((index, over(sessions, index)?)));
            match over {
                Some((index, reason)) => self.end(index, reason),
                None => return Some(oldest),
            }
        }
    }

    /// The session of a client that knows it by a name that it had before it was renamed.
    fn renamed_holder(&mut self, token: &Token) -> Option<usize> {
        let sessions = self.ordered.sessions();
        let index = sessions.find_by_token(token)?;
        let Some(reason) = over(sessions, index) else { return Some(index) };
        self.end(index, reason);
        None
    }

    /// Nobody gets a name early. But whether its holder is still there is found out at once.
    fn name_in_use(&mut self, holder: usize, asking: &Registration) -> Refusal {
        let (sessions, _) = self.ordered.unordered();
        let mut free_at = free_at(sessions, holder, asking);
        let mut next = sessions.next_in_ring(holder, holder);
        while let Some(sibling) = next {
            free_at = free_at.max(self::free_at(sessions, sibling, asking));
            next = sessions.next_in_ring(sibling, holder);
        }
        Refusal::NameInUse { wait: free_at - sessions.now }
    }

    /// A user begins, with its first session. The key is what its name looks like.
    fn register(&mut self, key: &str, body_bytes_max: u32, registration: &mut Registration) -> Result<ConnId, Refusal> {
        let sessions = self.ordered.sessions();
        if sessions.lookalikes(&registration.name, key).next().is_some() {
            return Err(Refusal::Confusable);
        }
        let (conn, index) = self.begin(key, body_bytes_max, registration)?;
        let (sessions, _) = self.ordered.unordered();
        let cost = self.presence.changed(sessions, registration.name.as_str());
        let account = sessions[index].share.account();
        sessions.origins.charge_news(sessions.now, account, cost, &sessions.origin_pace);
        Ok(conn)
    }

    /// Another session of a user begins, in the rooms that the user is in.
    fn join_user(
        &mut self,
        sibling: usize,
        key: &str,
        body_bytes_max: u32,
        registration: &mut Registration,
    ) -> Result<ConnId, Refusal> {
        let (sessions, rooms) = (self.ordered.sessions(), self.ordered.rooms());
        let own = registration.limits.or_else(|| sessions.user_limits(sibling)).unwrap_or_default();
        let sessions_of_user_max = own.sessions_of_user_max.unwrap_or(sessions.limits.sessions_of_user_max);
        if sessions.ring(sibling).count() >= sessions_of_user_max as usize {
            return Err(Refusal::TooManySessions { sessions_of_user_max });
        }
        let memberships_max = sessions.limits.memberships_max;
        let memberships = sessions[sibling].details.rooms.len();
        if rooms.memberships() + memberships > memberships_max as usize {
            return Err(Refusal::MembershipsFull { memberships_max });
        }
        if let Err(memberships_max) = sessions.origins.check_memberships(registration, memberships, &sessions.limits) {
            return Err(Refusal::MembershipsFull { memberships_max });
        }
        // A room that is full takes nobody else. But its members bring their devices: who could not log in until it has
        // left a room could not leave it.
        let (conn, session) = self.begin(key, body_bytes_max, registration)?;
        let (sessions, rooms) = self.ordered.unordered();
        let user_value = sessions[sibling].user_value();
        sessions[session].set_user_value(user_value);
        rooms.enter_rooms_of(sessions, session, sibling);
        self.note_work(u32::try_from(self.ordered.sessions()[session].details.rooms.len()).unwrap_or(u32::MAX));
        Ok(conn)
    }

    /// Begins a session on a new connection.
    fn begin(
        &mut self,
        key: &str,
        body_bytes_max: u32,
        registration: &mut Registration,
    ) -> Result<(ConnId, usize), Refusal> {
        let sessions = self.ordered.sessions();
        let sessions_max = sessions.limits.sessions_max;
        if sessions.len() >= sessions_max as usize {
            return Err(Refusal::HubFull { sessions_max });
        }
        let checked = sessions.origins.check_session(registration, [], &sessions.limits);
        checked.map_err(|sessions_of_origin_max| Refusal::OriginFull { sessions_of_origin_max })?;
        let (sessions, _) = self.ordered.unordered();
        let token = Token::from_bytes(self.secrets.draw());
        let name = &registration.name;
        let looks_like = (key != name.as_str()).then(|| key.into());
        let display_name = registration.display_name.clone();
        let rare = (display_name.is_some() || looks_like.is_some())
            .then(|| Rare { display_name, looks_like, ..Rare::default() }.into());
        let index = sessions.vacant_key();
        let conn = sessions.open_conn(index);
        let share = sessions.origins.open(sessions.now, registration, &sessions.origin_pace);
        let details = Details {
            armed: None,
            home: Some(sessions.origins.split(&share)),
            heard_before_pause: sessions.now,
            serial: sessions.next_serial(),
            resume_time: registration.resume_time,
            token,
            attempt: 0,
            created_at_id: self.delivery.last_id,
            rooms: Vec::new(),
            watches: Vec::new(),
            rare,
            begun_list: None,
        };
        let (now, outbox) = (sessions.now, mem::take(&mut registration.outbox));
        sessions.insert(Session::new(name.clone(), conn, details.into(), outbox, share, body_bytes_max, now));
        let sibling = sessions.siblings(index).next();
        let own = registration.limits.or_else(|| sibling.and_then(|sibling| sessions.user_limits(sibling)));
        if let Some(own) = own {
            sessions.set_user_limits(index, own);
        }
        let session = sessions.id_of(index);
        sessions.events.push_back(HubEvent::SessionStarted { session, conn, name: name.clone() });
        // The outbox may come with a preface, and then is not empty before the welcome.
        sessions.queue_write(index);
        self.welcome(index);
        Ok((conn, index))
    }

    fn welcome(&mut self, index: usize) {
        let (sessions, _) = self.ordered.unordered();
        let session = &sessions[index];
        let (name, display_name) = (session.name.clone(), session.display_name().map(Box::<str>::from));
        let (token, limits) = (session.details.token, sessions.announced(index));
        let welcome = Welcome { name: name.as_str(), display_name: display_name.as_deref(), token, limits };
        sessions.push_welcome(index, welcome);
        sessions.arm(index);
    }

    /// Gives a session to another client of its user, which goes on with its rooms and with what is queued for it. It
    /// is the detached one whose time is over first, or the oldest if none is detached.
    fn take_over(
        &mut self,
        oldest: usize,
        body_bytes_max: u32,
        registration: &mut Registration,
    ) -> Result<ConnId, Refusal> {
        let sessions = self.ordered.sessions();
        let detached_until = |index: &usize| match sessions[*index].attachment {
            Attachment::Detached { until } => until,
            Attachment::Attached(_) => Instant::MAX,
        };
        let index = sessions.ring(oldest).min_by_key(detached_until).unwrap_or(oldest);
        if body_bytes_max < sessions[index].body_bytes_max {
            return Err(Refusal::ShorterFrames);
        }
        let token = Token::from_bytes(self.secrets.draw());
        let (sessions, _) = self.ordered.unordered();
        if let Attachment::Attached(other) = sessions[index].attachment {
            sessions.drop_conn(index, other, CloseReason::TakenOver);
        }
        self.questions.forget(sessions.take_waiting(index), &mut sessions.timers);
        sessions.forget_token(index);
        let messages = sessions.messages_of(index);
        let watches = mem::take(&mut sessions[index].details.watches);
        sessions.forget_watches(index, watches.len());
        self.presence.unwatch_all(watches);
        let opening = mem::take(&mut registration.outbox);
        sessions.pool.adopt(opening.held_bytes());
        let share = sessions.origins.open(sessions.now, registration, &sessions.origin_pace);
        let conn = sessions.begin_anew(index, opening, share);
        sessions.set_leftover(index, 0);
        let session = &mut sessions[index];
        (session.details.token, session.details.attempt) = (token, 0);
        session.details.resume_time = registration.resume_time;
        session.body_bytes_max = body_bytes_max;
        if session.display_name() != registration.display_name.as_deref() {
            session.rare().display_name.clone_from(&registration.display_name);
        }
        let (session, name) = (sessions.id_of(index), registration.name.clone());
        sessions.events.push_back(HubEvent::TakenOver { session, conn, name });
        if let Some(own) = registration.limits {
            sessions.set_user_limits(index, own);
        }
        self.welcome(index);
        let (sessions, rooms) = self.ordered.unordered();
        rooms.tell_rooms(sessions, index);
        sessions.put_messages(index, &messages);
        self.note_work(of_bytes(messages.frames.len()) + messages.count / PASSED);
        Ok(conn)
    }

    /// Goes on with a session on a new connection. What the peer has is taken off first, and what it lacks is to be
    /// written again. The last connection with the right token wins.
    fn resume(
        &mut self,
        index: usize,
        received: Option<u64>,
        (attempt, body_bytes_max): (u64, u32),
        registration: &mut Registration,
    ) -> Result<ConnId, Refusal> {
        let (sessions, _) = self.ordered.unordered();
        sessions.tell_accepted(index);
        let count = received.unwrap_or_else(|| sessions[index].outbox().acknowledged());
        if sessions.resume_at(index, count).is_err() {
            return Err(Refusal::StaleResume);
        }
        sessions[index].details.attempt = attempt;
        sessions[index].details.resume_time = registration.resume_time;
        sessions[index].body_bytes_max = body_bytes_max;
        sessions[index].is_confirmed = true;
        if let Attachment::Attached(other) = sessions[index].attachment {
            sessions.drop_conn(index, other, CloseReason::TakenOver);
        }
        let mut opening = mem::take(&mut registration.outbox);
        sessions.pool.adopt(opening.held_bytes());
        if let Some(own) = registration.limits {
            sessions.set_user_limits(index, own);
        }
        let limits = sessions.announced(index);
        let resumed = Resumed { received: sessions[index].received, sent: count, limits };
        opening.push(&HubMessage::Resumed(resumed), &mut sessions.pool);
        let share = sessions.origins.open(sessions.now, registration, &sessions.origin_pace);
        let conn = sessions.attach(index, opening, share);
        sessions.set_leftover(index, 0);
        sessions[index].liveness = Liveness::new(sessions.now);
        let (session, name) = (sessions.id_of(index), sessions[index].name.clone());
        // If its client is not to hear of its name with what comes again, it hears of it now.
        let renaming =
            sessions[index].renaming().filter(|renaming| name != registration.name && renaming.told_at <= count);
        if let Some(why) = renaming.map(|renaming| renaming.why.clone()) {
            sessions.tell_renamed(index, &why);
        }
        sessions.events.push_back(HubEvent::Resumed { session, conn, name });
        sessions.arm(index);
        if sessions[index].is_lagging {
            self.catch_up(index);
        }
        Ok(conn)
    }
}

/// Why a session is there no more, if its time is over in this very moment, or if it is marked to be ended.
fn over(sessions: &Sessions, index: usize) -> Option<CloseReason> {
    match sessions[index].attachment {
        Attachment::Detached { until } if until <= sessions.now => Some(CloseReason::Expired),
        _ => sessions[index].closing(),
    }
}

/// When a name will be free that a session holds, if nothing comes from its client any more. Whether the client is
/// there is found out at once, unless the origin of the one who asks for the name has demanded that too often.
fn free_at(sessions: &mut Sessions, index: usize, asking: &Registration) -> Instant {
    let now = sessions.now;
    match sessions[index].attachment {
        Attachment::Detached { until } => until,
        Attachment::Attached(_) => {
            let (probe_time_max, idle_time_max) = (sessions.limits.probe_time_max, sessions.limits.idle_time_max);
            if !sessions[index].liveness.is_awaited()
                && sessions.origins.demand(now, asking, &sessions.limits)
                && sessions[index].liveness.probe(now, probe_time_max)
            {
                sessions.answer(index, Answer::Ping(Ping { nonce: now.as_nanos() }));
                sessions.arm(index);
            }
            // Nobody comes back to a session whose welcome may not have arrived.
            let window = if sessions[index].is_confirmed { sessions.resume_time_max(index) } else { Duration::ZERO };
            sessions[index].liveness.dead_at(idle_time_max) + window
        }
    }
}
