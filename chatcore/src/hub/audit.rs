//! Counts anew what the hub counts as it goes: for the simulator.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::string::String;

use super::conn::ConnState;
use super::event::CloseReason;
use super::origins::{Party, Uses};
use super::parts::Hub;
use super::question_id::QuestionId;
use super::questions::Waiting;
use super::session_id::SessionId;
use super::timers::TimerKey;
use crate::outbox::Outbox;
use crate::wire::HEADER_BYTES;

/// Buffers found in outboxes.
#[derive(Default)]
struct Found {
    own: u64,
    shared: BTreeMap<*const u8, usize>,
}

impl Found {
    fn add(&mut self, outbox: &Outbox) {
        let Self { own, shared } = self;
        outbox.audit_buffers(
            |bytes| *own += bytes as u64,
            |at, bytes| {
                shared.insert(at, bytes);
            },
        );
    }

    fn bytes(&self) -> u64 {
        self.own + self.shared.values().map(|bytes| *bytes as u64).sum::<u64>()
    }
}

impl Hub {
    /// Somebody is still to be told of what has changed.
    pub(crate) fn owes_news(&self) -> bool {
        let mut sessions = self.ordered.sessions().iter();
        self.has_pending() || self.presence.owes_news() || sessions.any(|(_, session)| session.is_lagging)
    }

    /// Bytes that each origin holds, and each site as if it were one; how many sessions it has; and the bytes of the
    /// buffers that these are filling.
    pub(crate) fn bytes_of_origins(&self) -> impl Iterator<Item = (u64, u64, u64)> {
        let sessions = self.ordered.sessions();
        let mut counts: BTreeMap<Party, (u64, u64)> = BTreeMap::new();
        for (_, session) in sessions.iter() {
            let account = session.share.account();
            for party in [Some(Party::Origin(account)), sessions.origins.site_of(account)].into_iter().flatten() {
                let (count, filling) = counts.entry(party).or_default();
                *count += 1;
                *filling += session.outbox().filling_bytes() as u64;
            }
        }
        counts.into_iter().map(|(party, (count, filling))| (sessions.origins.bytes(party), count, filling))
    }

    /// No session keeps more than its outbox may hold with the reserve, and the one frame that shows that this is used
    /// up, whether it is written, whether it is acknowledged, and whether the session has a connection.
    fn audit_outboxes(&self) -> Result<(), String> {
        let sessions = self.ordered.sessions();
        let frame_bytes_max = HEADER_BYTES + sessions.limits.frame_bytes_max() as usize;
        let kept_max = sessions.limits.outbox_bytes_hard_max() + frame_bytes_max;
        for (index, session) in sessions.iter() {
            let kept = session.outbox().kept_bytes();
            if kept > kept_max {
                return Err(format!("{kept} bytes are kept for session {index}, and {kept_max} may be"));
            }
        }
        Ok(())
    }

    /// The sessions of each user form a ring, that of all of them one for each name, and are in the same rooms.
    fn audit_users(&self) -> Result<(), String> {
        let sessions = self.ordered.sessions();
        let mut users: BTreeMap<&str, usize> = BTreeMap::new();
        for (index, session) in sessions.iter() {
            *users.entry(session.name.as_str()).or_default() += 1;
            let Some(oldest) = sessions.find(session.name.as_bytes()) else {
                return Err(format!("nobody finds session {index}"));
            };
            if !sessions.is_of_same_user(oldest, index) {
                return Err(format!("session {index} is not in the ring of session {oldest}"));
            }
            let key = session.name.confusable_key();
            if session.looks_like() != Some(&*key).filter(|key| *key != session.name.as_str()) {
                return Err(format!("session {index} is {}, and is not known to look like that", session.name));
            }
            let rooms = |index: usize| {
                let memberships = sessions[index].details.rooms.iter();
                memberships.map(|membership| membership.slot.group()).collect::<BTreeSet<_>>()
            };
            if rooms(index) != rooms(oldest) {
                return Err(format!("sessions {oldest} and {index} of one user are not in the same rooms"));
            }
        }
        if users.len() != self.users() {
            return Err(format!("{} users are counted, {} found", self.users(), users.len()));
        }
        sessions.audit_former_names()?;
        for (name, count) in users {
            let in_ring = sessions.find(name.as_bytes()).map_or(0, |oldest| sessions.ring(oldest).count());
            if in_ring != count {
                return Err(format!("{name} has {count} sessions, and {in_ring} in the ring"));
            }
        }
        Ok(())
    }

    /// There are no more of anything than the limits say; and the limits of a user's own are right for all its
    /// sessions.
    fn audit_limits(&self) -> Result<(), String> {
        let (sessions, rooms) = (self.ordered.sessions(), self.ordered.rooms());
        let limits = &sessions.limits;
        let at_most = |what: &str, count: usize, max: u32| {
            if count <= max as usize { Ok(()) } else { Err(format!("there are {count} {what}, and {max} are allowed")) }
        };
        at_most("sessions", sessions.len(), limits.sessions_max)?;
        at_most("rooms", rooms.len(), limits.rooms_max)?;
        at_most("memberships", rooms.memberships(), limits.memberships_max)?;
        self.audit_origins()?;
        for (_, session) in sessions.iter() {
            for membership in &session.details.rooms {
                // Members bring further sessions into a room that is full.
                let members = rooms.all_members(membership.slot.group());
                let users = members.filter(|member| sessions.is_oldest(*member)).count();
                at_most("users in a room", users, limits.members_max)?;
            }
        }
        sessions.audit_user_limits().map_err(|index| format!("the limits of session {index} are not those of its user"))
    }

    /// What each origin counts is what there is of it.
    fn audit_origins(&self) -> Result<(), String> {
        let (sessions, rooms) = (self.ordered.sessions(), self.ordered.rooms());
        let mut found: BTreeMap<u32, Uses> = BTreeMap::new();
        let mut openers: BTreeMap<usize, u32> = BTreeMap::new();
        for (_, session) in sessions.iter() {
            let Uses { numbers, bytes, .. } = found.entry(session.share.account()).or_default();
            let is_waiting = session.is_detached() && session.closing() != Some(CloseReason::Displaced);
            numbers.sessions += 1;
            numbers.detached += u32::from(is_waiting);
            numbers.waiting += u32::try_from(session.waiting().len()).expect("they are few");
            *bytes += session.share.bytes();
            let Uses { numbers, members, .. } = found.entry(session.home().account()).or_default();
            numbers.memberships += u32::try_from(session.details.rooms.len()).expect("they are few");
            numbers.watches += u32::try_from(session.details.watches.len()).expect("they are few");
            for membership in &session.details.rooms {
                let room = membership.slot.group();
                *members.entry(room).or_default() += 1;
                openers.insert(room, rooms.opener(room));
            }
        }
        for opener in openers.into_values() {
            found.entry(opener).or_default().numbers.rooms += 1;
        }
        for (_, conn) in sessions.conns() {
            if let ConnState::Closing(last) = &conn.state {
                found.entry(last.share.account()).or_default().bytes += last.share.bytes();
            }
        }
        for (_, share) in self.reports.outboxes() {
            found.entry(share.account()).or_default().bytes += share.bytes();
        }
        sessions.origins.audit(&found)
    }

    /// Requests that wait for answers of the program, of all sessions.
    pub(crate) fn waiting(&self) -> usize {
        self.questions.len()
    }

    /// What waits in a session goes on by itself when its rates have room for it.
    pub(crate) fn is_paused(&self, session: SessionId) -> bool {
        self.ordered.sessions().timers.has(TimerKey::Answered(session))
    }

    /// The number of the request that a question is about, in its session; none if that does not wait.
    pub(crate) fn number_of(&self, question: QuestionId) -> Option<u64> {
        self.questions.find(question).map(|waiting| waiting.number)
    }

    /// Keeps what was done of them from now on, for [`next_done`](Self::next_done).
    pub(crate) fn noting_done(mut self) -> Self {
        self.questions.done = Some(VecDeque::new());
        self
    }

    /// The next request that waited and is done, by its session and its number there.
    pub(crate) fn next_done(&mut self) -> Option<(SessionId, u64)> {
        self.questions.done.as_mut()?.pop_front()
    }

    /// Each request that waits is in the queue of its session, which is there. They are no more than may wait, and each
    /// that is not decided has its time.
    fn audit_questions(&self) -> Result<(), String> {
        let sessions = self.ordered.sessions();
        let all: BTreeMap<usize, &Waiting> = self.questions.iter().collect();
        let mut found = 0;
        for (index, session) in sessions.iter() {
            let mut bytes = 0;
            for at in session.waiting() {
                let Some(waiting) = all.get(at).filter(|waiting| waiting.session == sessions.id_of(index)) else {
                    return Err(format!("session {index} waits for a request that is not its own"));
                };
                bytes += waiting.bytes();
                if waiting.verdict.is_some() != waiting.armed.is_none() {
                    return Err(format!("a request of session {index} has an answer and a time for it, or neither"));
                }
            }
            let waiting = session.waiting().len();
            if waiting > sessions.limits.waiting_of_session_max as usize {
                return Err(format!("{waiting} requests of session {index} wait"));
            }
            if bytes != session.details.rare.as_ref().map_or(0, |rare| rare.waiting_bytes) {
                return Err(format!("what waits of session {index} is not counted right"));
            }
            found += waiting;
        }
        if found != all.len() || found > sessions.limits.waiting_max as usize {
            return Err(format!("{} requests wait, {found} of them in the queues of sessions", all.len()));
        }
        Ok(())
    }

    /// What is counted is what there is, and every share keeps to its bound.
    pub(crate) fn audit(&self) -> Result<(), String> {
        if self.has_seldom_pending != (self.ordered.announcements().has_pending() || self.shutting_down.is_some()) {
            return Err("it is not noted right whether anything seldom is pending".into());
        }
        self.audit_users()?;
        self.audit_limits()?;
        self.audit_questions()?;
        self.audit_outboxes()?;
        let sessions = self.ordered.sessions();
        let (mut found, mut partial, mut detached_bytes, mut closing) = (Found::default(), 0, 0, 0);
        for (index, session) in sessions.iter() {
            found.add(session.outbox());
            partial += u64::from(session.leftover);
            if !session.share.is_right_for(session.buffer_bytes()) {
                return Err(format!("the share of session {index} is not counted right"));
            }
            if session.is_detached() {
                detached_bytes += session.outbox().held_bytes() as u64;
                // It is compacted to twice what is needed at the most, and what it grows by is twice as large at the
                // most.
                if session.outbox().held_bytes() > 4096 + 6 * session.outbox().kept_bytes() {
                    return Err(format!("detached session {index} holds more memory than what is kept for it needs"));
                }
            }
        }
        for (_, conn) in sessions.conns() {
            if let ConnState::Closing(last) = &conn.state {
                found.add(&last.outbox);
                closing += last.outbox.held_bytes() as u64;
            }
        }
        for (outbox, _) in self.reports.outboxes() {
            found.add(outbox);
            closing += outbox.held_bytes() as u64;
        }
        self.ordered.rooms().shared_frames(|at, bytes| {
            found.shared.insert(at, bytes);
        });
        self.ordered.announcements().shared_frames(|at, bytes| {
            found.shared.insert(at, bytes);
        });
        let expect = |what: &str, counted: u64, found: u64| {
            if counted == found { Ok(()) } else { Err(format!("{what}: {counted} are counted, {found} found")) }
        };
        expect("bytes handed out by the pool", sessions.pool.handed_out(), found.bytes())?;
        expect("bytes of partial frames", sessions.buffers.partial, partial)?;
        expect("bytes of detached sessions", sessions.buffers.detached, detached_bytes)?;
        expect("bytes of closing connections", sessions.buffers.closing, closing)?;
        Ok(())
    }
}
