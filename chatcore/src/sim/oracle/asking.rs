//! Requests that wait for answers of the program: which they are, what was decided, and what the hub does then.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::account::Oracle;
use super::facts::{Decisions, Request, Session, To, WaitingRequest};
use crate::sim::names::{number_of, room_of, user_of};
use crate::sim::violation::{Property, Violation};
use crate::wire::Kind;
use crate::{Asking, Instant, Question, QuestionId, RejectCode, Requested, SessionId, UserName};

impl WaitingRequest {
    /// The time in which the program has to decide is over.
    fn is_overdue(&self, now: Instant, time_max: Duration) -> bool {
        self.came_at + time_max <= now
    }

    /// It waits for nothing but those before it.
    const fn is_decided(&self) -> bool {
        !self.is_question || self.verdict.is_some()
    }
}

impl Oracle {
    /// The hub asks the program about these requests.
    pub(in crate::sim) fn with_asking(self, asking: Option<Asking>) -> Self {
        Self { asking: asking.unwrap_or_default(), ..self }
    }

    pub(in crate::sim) fn decisions(&self) -> Decisions {
        self.decisions
    }

    /// A request has come. It waits if the program is asked about it, or if one before it waits. Of what comes after
    /// that in the batch in which its session ended, nothing is done.
    pub(super) fn comes(
        &mut self,
        session: usize,
        kind: Kind,
        request: Request,
        is_sure: bool,
    ) -> Result<(), Violation> {
        if let Request::Send { message } = request {
            self.comes_message(session, message)?;
        }
        let is_question = self.asking.is_about(kind);
        if !is_question && self.sessions[session].waiting.is_empty() {
            self.does(session, request, is_sure, Ok(()));
            return Ok(());
        }
        // It is kept twice: once by the program.
        self.weigh(&request);
        self.weigh(&request);
        let came_at = self.now;
        let waiting = WaitingRequest { request, came_at, is_question, question: None, verdict: None };
        self.sessions[session].waiting.push_back(waiting);
        let of_session = self.sessions[session].waiting.len();
        let is_bounded = of_session <= self.limits.waiting_of_session_max as usize;
        self.hold(!is_sure || is_bounded, Property::Bounds, || {
            format!("{of_session} requests of session {session} wait")
        })
    }

    /// Requests that wait.
    fn waiting(&self) -> usize {
        self.current.values().map(|session| self.sessions[*session].waiting.len()).sum()
    }

    /// The program takes a question about the request of this number. It is what a session requests, asked once, in the
    /// order in which the requests came.
    pub(in crate::sim) fn is_asked(&mut self, question: &Question, number: Option<u64>) -> Result<(), Violation> {
        let Question { id, session, user, .. } = question;
        self.decisions.questions += 1;
        let is_new = self.question_ids.insert(*id);
        self.hold(is_new, Property::Once, || format!("{id} is asked twice"))?;
        let session = self.session_that_waits(*session)?;
        self.hold(user_of(user.as_str()) == self.sessions[session].user, Property::Isolation, || {
            format!("{id} is said to be of {user}, but is of session {session}")
        })?;
        let request = self.requested(&question.request)?;
        let (now, time_max) = (self.now, self.limits.decision_time_max);
        let Session { asked, waiting, .. } = &mut self.sessions[session];
        let done = asked.len() as u64;
        let place = number.and_then(|number| usize::try_from(number.checked_sub(done + 1)?).ok());
        if let Some(place) = place.filter(|place| *place < waiting.len()) {
            // What was not asked in time is left out.
            let is_first = waiting
                .iter()
                .take(place)
                .all(|before| !before.is_question || before.question.is_some() || before.is_overdue(now, time_max));
            let waiting = &mut waiting[place];
            if is_first && waiting.is_question && waiting.question.is_none() && waiting.request == request {
                waiting.question = Some(*id);
                return Ok(());
            }
        }
        Err(self.violation(Property::Order, format!("{id} is not what session {session} requests next: {question:?}")))
    }

    fn session_that_waits(&self, id: SessionId) -> Result<usize, Violation> {
        let session = self.current.get(&id).copied();
        session.ok_or_else(|| {
            self.violation(Property::Isolation, format!("a request of {id} is kept, and that session has ended"))
        })
    }

    /// What a question is about, as whoever requests it has put it.
    fn requested(&self, requested: &Requested) -> Result<Request, Violation> {
        let numbers = |names: &[UserName]| names.iter().map(|name| number_of(name.as_str())).collect::<Vec<_>>();
        let (to, body) = match requested {
            Requested::Join { room } => return Ok(Request::Join { room: room_of(room.as_str()) }),
            Requested::Watch { names } => return Ok(Request::Watch { names: numbers(names) }),
            Requested::SendToUser { to, body } => (To::User(user_of(to.as_str())), body),
            Requested::SendToRoom { room, body } => (To::Room(room_of(room.as_str())), body),
        };
        let message = self.message_of(body)?;
        self.hold(self.messages[message].to == to, Property::Isolation, || {
            format!("message {message} is asked about as one for {to:?}: {:?}", self.messages[message])
        })?;
        Ok(Request::Send { message })
    }

    /// The program has answered. Either the hub knows the question, or it is decided, overdue or nobody's.
    pub(in crate::sim) fn answered(
        &mut self,
        id: QuestionId,
        verdict: Result<(), RejectCode>,
        is_known: bool,
    ) -> Result<(), Violation> {
        let (now, time_max) = (self.now, self.limits.decision_time_max);
        let mut found = None;
        for session in self.current.values() {
            let mut waiting = self.sessions[*session].waiting.iter();
            if let Some(place) = waiting.position(|waiting| waiting.question == Some(id)) {
                found = Some((*session, place));
            }
        }
        let waiting = found.map(|(session, place)| &mut self.sessions[session].waiting[place]);
        let detail = match (waiting, is_known) {
            (Some(waiting), true) if waiting.verdict.is_none() => {
                waiting.verdict = Some(verdict);
                self.decisions.denials += u64::from(verdict.is_err());
                return Ok(());
            }
            (Some(waiting), false) if waiting.verdict.is_none() && !waiting.is_overdue(now, time_max) => {
                format!("{id} waits, and its answer is not taken: {waiting:?}")
            }
            (Some(waiting), true) => format!("{id} is answered twice: {waiting:?}"),
            (None, true) => format!("an answer to {id} is taken, which waits no more"),
            (_, false) => return Ok(()),
        };
        Err(self.violation(Property::Once, detail))
    }

    /// The hub has done the next request of a session that waited, as it was decided.
    pub(in crate::sim) fn did(&mut self, id: SessionId, number: u64) -> Result<(), Violation> {
        let session = self.session_that_waits(id)?;
        let expected = self.sessions[session].asked.len() as u64 + 1;
        self.hold(number == expected, Property::Order, || {
            format!("request {number} of session {session} is done, before request {expected}")
        })?;
        let Some(waiting) = self.sessions[session].waiting.pop_front() else {
            return Err(self.violation(
                Property::Once,
                format!("request {number} of session {session} is done, but nothing waits"),
            ));
        };
        let verdict = match waiting.verdict {
            Some(verdict) => verdict,
            None if waiting.is_question => {
                let is_overdue = waiting.is_overdue(self.now, self.limits.decision_time_max);
                self.hold(is_overdue, Property::Fate, || {
                    format!("request {number} of session {session} is done, and nobody has decided it: {waiting:?}")
                })?;
                self.decisions.late += 1;
                Err(RejectCode::Unavailable)
            }
            None => Ok(()),
        };
        self.does(session, waiting.request, true, verdict);
        Ok(())
    }

    /// The hub keeps as many requests as wait by this account, and they are no more than may. In the middle of a step
    /// that is not known: the hub may have ended a session, and what waited with it, and not have told.
    pub(in crate::sim) fn check_waiting(&self, kept: usize) -> Result<(), Violation> {
        let waiting = self.waiting();
        let is_bounded = waiting <= self.limits.waiting_max as usize;
        self.hold(waiting == kept && is_bounded, Property::Bounds, || {
            format!("{waiting} requests wait, and the hub keeps {kept}")
        })
    }

    /// When the hub has nothing to do, the first request of each session that waits is one that is not decided, but in
    /// sessions that are paused, because a rate is used up.
    pub(in crate::sim) fn check_undecided(&self, is_paused: impl Fn(SessionId) -> bool) -> Result<(), Violation> {
        let (now, time_max) = (self.now, self.limits.decision_time_max);
        for (_, index) in self.current.iter().filter(|(id, _)| !is_paused(**id)) {
            let Session { user, waiting, .. } = &self.sessions[*index];
            let is_held_up = waiting.front().is_some_and(|first| first.is_decided() || first.is_overdue(now, time_max));
            let what =
                || -> String { format!("session {index} of user {user} waits for nothing: {:?}", waiting.front()) };
            self.hold(!is_held_up, Property::Progress, what)?;
        }
        Ok(())
    }
}
