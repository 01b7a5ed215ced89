//! Questions: requests of clients that the program wants to decide about, and what waits for its answers.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use slab::Slab;

use super::ordered::{BegunList, LISTED_NAME_BYTES};
use super::question_id::QuestionId;
use super::session_id::SessionId;
use super::timers::{TimerKey, Timers};
use crate::name::{RoomName, UserName};
use crate::time::Instant;
use crate::wire::{self, Content, Kind, RejectCode};

/// About which requests a hub asks its program: [`Hub::with_asking`](super::Hub::with_asking). Without any, it asks
/// about none, and that costs nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asking {
    joins: bool,
    sends: bool,
    watches: bool,
}

impl Asking {
    /// About nothing.
    pub const fn new() -> Self {
        Self { joins: false, sends: false, watches: false }
    }

    /// About joins of rooms, too.
    #[must_use]
    pub const fn joins(self) -> Self {
        Self { joins: true, ..self }
    }

    /// About messages to users and to rooms, too.
    #[must_use]
    pub const fn sends(self) -> Self {
        Self { sends: true, ..self }
    }

    /// About watches, too.
    #[must_use]
    pub const fn watches(self) -> Self {
        Self { watches: true, ..self }
    }

    pub(crate) const fn is_about(self, kind: Kind) -> bool {
        match kind {
            Kind::JOIN => self.joins,
            Kind::SEND => self.sends,
            Kind::WATCH => self.watches,
            _ => false,
        }
    }
}

/// What a hub asks its program: whether it may do what a client requests.
/// [`Hub::poll_question`](super::Hub::poll_question) returns it, and [`Hub::answer`](super::Hub::answer) takes the
/// answer, at once or later. A question is a value that may go to another thread.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Question {
    /// Which question it is.
    pub id: QuestionId,
    /// The session that requests it.
    pub session: SessionId,
    /// The name of the session's user, when the program takes the question.
    pub user: UserName,
    /// What it requests.
    pub request: Requested,
}

/// What a client requests.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Requested {
    /// To send a message to a user, who need not be there.
    SendToUser {
        /// The recipient.
        to: UserName,
        /// The body.
        body: Vec<u8>,
    },
    /// To send a message to a room, in which it need not be.
    SendToRoom {
        /// The room.
        room: RoomName,
        /// The body.
        body: Vec<u8>,
    },
    /// To join a room, which need not be there.
    Join {
        /// The room.
        room: RoomName,
    },
    /// To watch users.
    Watch {
        /// The users, in the order of the list.
        names: Vec<UserName>,
    },
}

/// The program answered a question that does not wait for an answer: it is answered already, its time
/// ([`Limits::decision_time_max`](crate::Limits::decision_time_max)) is over, its session has ended or was taken over,
/// or another hub asked it, such as the one before a restart. The field is the id that the program gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} waits for no answer: it has one, its time is over, its session has ended, or another hub asked it")]
pub struct UnknownQuestion(pub QuestionId);

/// Requests that wait.
#[derive(Debug, Default)]
pub(super) struct Questions {
    /// What tells its questions from those of other hubs.
    mark: u32,
    /// It asks about something.
    is_on: bool,
    /// The last input was not used up, because too much waits.
    pub(super) holds_up_input: bool,
    asking: Asking,
    all: Slab<Waiting>,
    asked: u32,
    /// What the program has not taken yet.
    fresh: VecDeque<Question>,
    /// Sessions whose first request may be done now.
    ready: VecDeque<SessionId>,
    /// Requests that waited and are done, with their numbers, for a simulator that looks.
    #[cfg(feature = "sim")]
    pub(super) done: Option<VecDeque<(SessionId, u64)>>,
}

/// A request that waits: for its own answer, or for that of a request before it.
#[derive(Debug)]
pub(super) struct Waiting {
    serial: u32,
    /// The entry of its question among the timers.
    pub(super) armed: Option<Instant>,
    pub(super) session: SessionId,
    pub(super) number: u64,
    kind: Kind,
    fields: Box<[u8]>,
    /// The names of its list, as far as they are resolved.
    pub(super) list: Option<Box<BegunList>>,
    /// None until it is decided.
    pub(super) verdict: Option<Result<(), RejectCode>>,
}

/// What a frame wants that is to wait.
#[derive(Default)]
pub(super) struct Wanted {
    /// What the program is asked; none if it is not asked, or if the frame can mean nothing.
    pub(super) request: Option<Requested>,
    /// The names of its list, if they are resolved.
    pub(super) list: Option<Box<BegunList>>,
}

/// What a request that waits takes beside its fields and names. The same on every platform, so that runs are the same.
const WAITING_BYTES: usize = 72;

const _: () = assert!(size_of::<Waiting>() <= WAITING_BYTES);

impl Waiting {
    pub(super) fn content(&self) -> Content<'_> {
        Content { kind: self.kind, fields: &self.fields }
    }

    /// Bytes that it makes the hub keep: what the program has of it counts, too. Names of a list count from the
    /// beginning, as if all of them were resolved.
    pub(super) fn bytes(&self) -> usize {
        WAITING_BYTES + 2 * (self.fields.len() + self.names() * LISTED_NAME_BYTES)
    }

    /// Names of its list, at the most: a name has at least one byte.
    fn names(&self) -> usize {
        let is_list = matches!(self.kind, Kind::WATCH | Kind::UNWATCH);
        let names = wire::read_count(&self.fields).filter(|_| is_list).unwrap_or_default();
        usize::try_from(names).unwrap_or(usize::MAX).min(self.fields.len())
    }
}

impl Questions {
    pub(super) fn new(mark: u32) -> Self {
        Self { mark, ..Self::default() }
    }

    /// The id of the question of a request that waits there.
    fn id(&self, index: usize, serial: u32) -> QuestionId {
        QuestionId { index: u32::try_from(index).expect("questions are limited by a u32"), serial, hub: self.mark }
    }

    pub(super) const fn ask_about(&mut self, asking: Asking) {
        self.asking = asking;
        self.is_on = asking.joins || asking.sends || asking.watches;
    }

    /// The hub asks about something.
    #[inline]
    pub(super) const fn is_on(&self) -> bool {
        self.is_on
    }

    pub(super) const fn are_about(&self, kind: Kind) -> bool {
        self.asking.is_about(kind)
    }

    /// Requests that wait, of all sessions.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// A request waits from now on: for an answer if there is a question. Returns where it is, and its question's id.
    pub(super) fn add(
        &mut self,
        session: SessionId,
        user: &UserName,
        number: u64,
        content: Content<'_>,
        Wanted { request, list }: Wanted,
    ) -> (usize, QuestionId) {
        // A program that does not poll keeps nothing that nobody waits for.
        while let Some(id) = self.fresh.front().map(|question| question.id)
            && self.undecided(id).is_none()
        {
            self.fresh.pop_front();
        }
        self.asked = self.asked.wrapping_add(1);
        let (serial, index) = (self.asked, self.all.vacant_key());
        let id = self.id(index, serial);
        let verdict = if request.is_none() { Some(Ok(())) } else { None };
        let Content { kind, fields } = content;
        let waiting = Waiting { serial, armed: None, session, number, kind, fields: fields.into(), list, verdict };
        let index = self.all.insert(waiting);
        self.fresh.extend(request.map(|request| Question { id, session, user: user.clone(), request }));
        (index, id)
    }

    pub(super) fn poll(&mut self) -> Option<Question> {
        loop {
            let question = self.fresh.pop_front()?;
            // Its session may have ended, or its time.
            if self.undecided(question.id).is_some() {
                return Some(question);
            }
        }
    }

    pub(super) fn has_fresh(&self) -> bool {
        !self.fresh.is_empty()
    }

    fn undecided(&mut self, id: QuestionId) -> Option<&mut Waiting> {
        if id.hub != self.mark {
            return None;
        }
        let waiting = self.all.get_mut(id.index as usize)?;
        (waiting.serial == id.serial && waiting.verdict.is_none()).then_some(waiting)
    }

    /// A question must be answered by then.
    pub(super) fn arm(&mut self, id: QuestionId, timers: &mut Timers, until: Instant) {
        let Waiting { armed, .. } = &mut self.all[id.index as usize];
        timers.arm(TimerKey::Question(id), armed, until);
    }

    /// The time of a question is over.
    pub(super) fn disarmed(&mut self, id: QuestionId) {
        if let Some(waiting) = self.undecided(id) {
            waiting.armed = None;
        }
    }

    /// A question is answered. Its session may go on.
    pub(super) fn decide(
        &mut self,
        id: QuestionId,
        verdict: Result<(), RejectCode>,
        timers: &mut Timers,
    ) -> Result<(), UnknownQuestion> {
        let waiting = self.undecided(id).ok_or(UnknownQuestion(id))?;
        waiting.verdict = Some(verdict);
        timers.disarm(TimerKey::Question(id), &mut waiting.armed);
        let session = waiting.session;
        self.ready.push_back(session);
        Ok(())
    }

    #[cfg(feature = "sim")]
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Waiting)> {
        self.all.iter()
    }

    #[cfg(feature = "sim")]
    pub(super) fn find(&self, id: QuestionId) -> Option<&Waiting> {
        self.all.get(id.index as usize).filter(|waiting| (waiting.serial, self.mark) == (id.serial, id.hub))
    }

    pub(super) fn get(&self, index: usize) -> &Waiting {
        &self.all[index]
    }

    pub(super) fn remove(&mut self, index: usize) -> Waiting {
        self.all.remove(index)
    }

    /// A session's requests are nobody's any more.
    pub(super) fn forget(&mut self, waiting: VecDeque<usize>, timers: &mut Timers) {
        for index in waiting {
            let Waiting { serial, mut armed, .. } = self.remove(index);
            timers.disarm(TimerKey::Question(self.id(index, serial)), &mut armed);
        }
    }

    /// It could not be done yet. Returns where it is.
    pub(super) fn put_back(&mut self, waiting: Waiting) -> usize {
        self.all.insert(waiting)
    }

    pub(super) fn make_ready(&mut self, session: SessionId) {
        self.ready.push_back(session);
    }

    /// Something may be done now.
    #[inline]
    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    pub(super) fn first_ready(&self) -> Option<SessionId> {
        self.ready.front().copied()
    }

    pub(super) fn drop_first_ready(&mut self) {
        self.ready.pop_front();
    }
}
