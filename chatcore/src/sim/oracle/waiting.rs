//! Sessions that wait for a connection: for how long each of them must, and may.

use alloc::format;
use core::mem;
use core::time::Duration;

use super::account::Oracle;
use super::facts::Session;
use crate::sim::names::user_of;
use crate::sim::network::WireId;
use crate::sim::violation::{Property, Violation};
use crate::wire::Announced;
use crate::{CloseReason, Instant, Limits, SessionId, UserName};

impl Session {
    /// When its time is over, if it waits for a connection.
    pub(super) fn waits_until(&self) -> Option<Instant> {
        self.is_detached.then(|| self.detached_at + self.resume_time)
    }
}

impl Oracle {
    /// Connections come from so many origins: devices share them in turn. So many belong to each site.
    pub(in crate::sim) fn with_origins(self, origins: usize, origins_of_site: usize) -> Self {
        Self { origins, origins_of_site, ..self }
    }

    /// Sessions that wait for a connection.
    pub(in crate::sim) fn detached(&self) -> usize {
        self.detached
    }

    /// How often a session went on after the hub's resume time, and ended before that, because it had its own.
    pub(in crate::sim) fn own_times(&self) -> (u64, u64) {
        (self.resumed_late, self.expired_early)
    }

    /// The hub is being shut down.
    pub(in crate::sim) fn stops(&mut self) {
        self.is_stopping = true;
    }

    /// A session waits for a connection.
    pub(in crate::sim) fn detaches(&mut self, id: SessionId, reason: CloseReason) -> Result<(), Violation> {
        let Some(session) = self.current.get(&id).copied() else { return Ok(()) };
        self.check_silent(session, reason)?;
        let detached = &mut self.sessions[session];
        if !mem::replace(&mut detached.is_detached, true) {
            detached.detached_at = self.now;
            self.detached += 1;
        }
        let resume_time = self.sessions[session].resume_time;
        self.hold(!resume_time.is_zero(), Property::Bounds, || {
            format!("session {session} waits for its client, and has no time for that")
        })
    }

    pub(super) fn reattach(&mut self, session: usize) {
        if mem::take(&mut self.sessions[session].is_detached) {
            self.detached -= 1;
        }
    }

    /// A client goes on with a session, which nobody may do whose time is over.
    pub(super) fn check_in_time(&mut self, session: usize) -> Result<(), Violation> {
        let Some(until) = self.sessions[session].waits_until() else { return Ok(()) };
        let of_hub = self.sessions[session].detached_at + self.limits.resume_time_max;
        self.resumed_late += u64::from(of_hub <= self.now);
        self.hold(self.now < until, Property::Bounds, || {
            format!("a client goes on with session {session}, which was over at {until}")
        })
    }

    /// No session is there whose time is over, when the hub has nothing to do.
    pub(in crate::sim) fn check_expired(&self) -> Result<(), Violation> {
        let mut living = self.current.values().map(|session| (*session, self.sessions[*session].waits_until()));
        let overdue = living.find(|(_, until)| until.is_some_and(|until| until <= self.now));
        self.hold(overdue.is_none(), Property::Bounds, || format!("a session waits, and is over: {overdue:?}"))
    }

    /// A session that loses its connection, or has lost it, ends for that no earlier than it has to.
    pub(super) fn check_end(&mut self, index: usize, reason: CloseReason) -> Result<(), Violation> {
        let session = &self.sessions[index];
        let Session { is_confirmed, resume_time, detached_at, .. } = *session;
        let until = session.waits_until();
        let is_right = match reason {
            CloseReason::Expired => until.is_some_and(|until| until <= self.now),
            CloseReason::Displaced => !self.has_room_for_all() && self.is_over_first(index),
            CloseReason::Disconnected | CloseReason::TimedOut | CloseReason::Unanswered => {
                !is_confirmed || resume_time.is_zero() || self.is_stopping || !self.has_room_for_all()
            }
            _ => true,
        };
        let is_early = reason == CloseReason::Expired && self.now < detached_at + self.limits.resume_time_max;
        self.expired_early += u64::from(is_early);
        self.hold(is_right, Property::Fate, || {
            format!("session {index}, which waits for {resume_time:?}, ends too early ({until:?}): {reason}")
        })
    }

    /// As many sessions may wait as there are.
    fn has_room_for_all(&self) -> bool {
        let Limits { detached_max, detached_of_origin_max, .. } = self.limits;
        // Of a site that has more origins than one, there may be places for three quarters alone.
        let of_site =
            if self.origins_of_site > 0 { detached_of_origin_max.max(detached_max / 4 * 3) } else { u32::MAX };
        detached_max.min(detached_of_origin_max).min(of_site) as usize >= self.sessions_max()
    }

    /// Of those of its origin that have waited before now, a session is the one whose time is over first.
    fn is_over_first(&self, session: usize) -> bool {
        let origin_of = |session: &Session| session.device % self.origins;
        let session = &self.sessions[session];
        let others = self.current.values().map(|other| &self.sessions[*other]);
        let mut others = others.filter(|other| origin_of(other) == origin_of(session) && other.detached_at < self.now);
        others.all(|other| other.waits_until().is_none_or(|until| session.waits_until() <= Some(until)))
    }

    /// A client is told how long the session of its connection waits when that breaks.
    pub(in crate::sim) fn check_announced(&self, wire: WireId, limits: Option<&Announced>) -> Result<(), Violation> {
        let (Some(facts), Some(limits)) = (self.wires.get(&wire), limits) else { return Ok(()) };
        let told = Duration::from_millis(limits.resume_ms_max.into());
        self.hold(told == facts.resume_time, Property::Fate, || {
            format!("{wire} is told that its session waits for {told:?}, and it waits for {:?}", facts.resume_time)
        })
    }

    /// Somebody asks for a name, and is told when it will be free: if nobody has a connection who holds it, when all of
    /// them are over.
    pub(in crate::sim) fn is_held(&self, name: &UserName, wait: Duration) -> Result<(), Violation> {
        let mut holders = self.living_of(user_of(name.as_str())).map(|(_, session)| session.waits_until());
        let Some(free_at) = holders.try_fold(Instant::ZERO, |last, until| Some(last.max(until?))) else {
            return Ok(());
        };
        let is_right = free_at == Instant::ZERO || self.now + wait == free_at;
        self.hold(is_right, Property::Fate, || {
            format!("{name} is said to be free in {wait:?}, and it will be at {free_at}")
        })
    }
}
