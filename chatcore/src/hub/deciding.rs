//! What a program decides itself: its questions and answers, and the requests that wait for them.
//!
//! The requests of a session are done in their order. While one waits for its answer, those after it wait, too, whether
//! the program is asked about them or not. So a message follows the join of its room, and messages keep their order.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use super::event::CloseReason;
use super::ordered::BegunList;
use super::parts::Hub;
use super::question_id::QuestionId;
use super::questions::{Asking, Question, Requested, UnknownQuestion, Waiting, Wanted};
use super::requests::Handled;
use super::timers::TimerKey;
use super::work::{Budget, SLICE_WORK_MAX, Work, of_bytes};
use crate::name::{ROOM_SIGN, RoomName, UserName, cost_of_mapping};
use crate::time::Instant;
use crate::transition::{self, State};
use crate::wire::{self, ClientMessage, Content, Join, Kind, Message, ProtocolError, RejectCode, Send, Watch};

/// When a session is looked at again whose input waits for answers.
const AGAIN_AFTER: Duration = Duration::from_millis(10);

impl Hub {
    /// Says about which requests the hub asks the program, which then decides them: rules for rooms, moderation, bans
    /// and prices are made of this.
    ///
    /// The program drains [`poll_question`](Self::poll_question) after any input, as it drains the actions, and answers
    /// each with [`answer`](Self::answer), in any order. While a request of a session waits for its answer, the later
    /// ones wait, too, so that all are done in their order. A request that is not answered within
    /// [`Limits::decision_time_max`](crate::Limits::decision_time_max) is rejected with
    /// [`RejectCode::Unavailable`](crate::RejectCode::Unavailable). How many wait is bounded by
    /// [`Limits::waiting_of_session_max`](crate::Limits::waiting_of_session_max) and
    /// [`Limits::waiting_max`](crate::Limits::waiting_max): beyond that, the hub pauses the connection.
    ///
    /// A question tells what a client requests, and not what has become of its requests before: they may wait for their
    /// own answers. So an answer that depends on who is in a room, for example, is to be given after the answers to all
    /// earlier questions of that session.
    ///
    /// ```
    /// use chatcore::{Asking, Hub, Instant, Limits, RejectCode, Requested};
    ///
    /// let mut hub = Hub::new(Limits::default(), [7; 32]).with_asking(Asking::new().joins());
    /// # let now = Instant::ZERO;
    /// while let Some(question) = hub.poll_question() {
    ///     let is_allowed = match &question.request {
    ///         Requested::Join { room } => room.as_str() != "#staff" || question.user.as_str() == "alice",
    ///         _ => true,
    ///     };
    ///     hub.answer(now, question.id, if is_allowed { Ok(()) } else { Err(RejectCode::Denied) })?;
    /// }
    /// # Ok::<(), chatcore::UnknownQuestion>(())
    /// ```
    #[must_use]
    pub fn with_asking(mut self, asking: Asking) -> Self {
        let was_on = self.questions.is_on();
        self.questions.ask_about(asking);
        self.ordered.unordered().0.set_asking(was_on, self.questions.is_on());
        self
    }

    /// The next question; none if there is no further one.
    pub fn poll_question(&mut self) -> Option<Question> {
        let mut question = self.questions.poll()?;
        // Its user may have been renamed since.
        if let Some(user) = self.user_of(question.session) {
            question.user.clone_from(user);
        }
        Some(question)
    }

    /// Whether [`poll_question`](Self::poll_question) has one, unless its session has ended meanwhile.
    pub fn has_questions(&self) -> bool {
        self.questions.has_fresh()
    }

    /// Answers a question: the hub does what the client requests, which may still be rejected for another reason, or
    /// rejects it with the given code. It does so at once, unless a request before it waits, or much is on its way.
    ///
    /// # Errors
    ///
    /// [`UnknownQuestion`] if the question waits for no answer. Nothing happens then.
    pub fn answer(
        &mut self,
        now: Instant,
        question: QuestionId,
        answer: Result<(), RejectCode>,
    ) -> Result<(), UnknownQuestion> {
        self.clock(now);
        self.questions.decide(question, answer, &mut self.ordered.unordered().0.timers)?;
        let mut work = Work::new(SLICE_WORK_MAX);
        self.advance_answered(&mut work);
        self.note_work(work.spent());
        Ok(())
    }

    /// Takes a frame while the hub asks about some. What is asked about waits, and so does what comes after it.
    #[cold]
    #[inline(never)]
    pub(super) fn handle_or_ask(
        &mut self,
        index: usize,
        content: Content<'_>,
        budget: &mut Budget,
    ) -> Result<Handled, ProtocolError> {
        let sessions = self.ordered.sessions();
        let waiting = sessions[index].waiting().len();
        let is_question = self.questions.are_about(content.kind);
        // A goodbye ends the session, and what came before it is to be done first.
        let waits = waiting > 0 && (content.kind.is_numbered() || content.kind == Kind::GOODBYE);
        if !waits && !is_question {
            return self.take_slowly(index, content, None, budget);
        }
        let is_full = waiting >= sessions.limits.waiting_of_session_max as usize
            || self.questions.len() >= sessions.limits.waiting_max as usize
            || !sessions.may_wait(index);
        if is_full || content.kind == Kind::GOODBYE {
            self.questions.holds_up_input = true;
            return Ok(Handled::Later);
        }
        let Some(wanted) = self.wanted(index, content, is_question, budget)? else { return Ok(Handled::Later) };
        let (sessions, _) = self.ordered.unordered();
        let number = self.delivery.replies.count(sessions, index);
        let (session, is_asked) = (sessions.id_of(index), wanted.request.is_some());
        let (at, id) = self.questions.add(session, &sessions[index].name, number, content, wanted);
        sessions.wait(index, at, self.questions.get(at).bytes());
        if is_asked {
            let until = sessions.now + sessions.limits.decision_time_max;
            self.questions.arm(id, &mut sessions.timers, until);
        } else if waiting == 0 {
            // What can be nobody's name needs no answer, and nothing is before it.
            self.questions.make_ready(session);
        }
        Ok(Handled::Done)
    }

    /// What a frame wants that is to wait. None if that is still to be found out in the next call: a list of names that
    /// the program is asked about is resolved as far as the work goes.
    fn wanted(
        &mut self,
        index: usize,
        content: Content<'_>,
        is_question: bool,
        budget: &mut Budget,
    ) -> Result<Option<Wanted>, ProtocolError> {
        let (sessions, _) = self.ordered.unordered();
        let is_list = matches!(content.kind, Kind::WATCH | Kind::UNWATCH);
        // A list of which some names are resolved already has paid for this.
        if !is_list || !sessions.has_begun_list(index) {
            budget.spend(of_bytes(content.fields.len()));
        }
        // A list that is too long is not read, and rejected in its place.
        let is_too_long =
            wire::read_count(content.fields).is_some_and(|count| count > sessions.watches_max(index).into());
        if is_list && is_too_long {
            return Ok(Some(Wanted::default()));
        }
        let message = ClientMessage::decode(content)?;
        if let Some(message) = &message {
            transition::at_hub(State::Registered, message.kind())?;
        }
        let Some(message) = message.filter(|_| is_question) else { return Ok(Some(Wanted::default())) };
        if let ClientMessage::Watch(Watch { names }) = &message {
            if !self.presence.resolve_list(sessions, index, names, budget) {
                return Ok(None);
            }
            let list = sessions.take_begun_list(index).unwrap_or_default();
            let names: Option<Vec<UserName>> = list.resolved.iter().cloned().collect();
            let request = names.map(|names| Requested::Watch { names });
            return Ok(Some(Wanted { request, list: Some(list) }));
        }
        let mut cost = 0;
        let request = requested(&message, &mut cost);
        budget.spend(cost);
        Ok(Some(Wanted { request, list: None }))
    }

    /// Pauses a connection whose input waits for answers, at least until the given time.
    #[cold]
    #[inline(never)]
    pub(super) fn pause_for_answers(&mut self, index: usize, until: Option<Instant>) -> Option<Instant> {
        if !mem::take(&mut self.questions.holds_up_input) {
            return until;
        }
        let (sessions, _) = self.ordered.unordered();
        until.max(Some(sessions.pause_until(index, sessions.now + AGAIN_AFTER)))
    }

    /// Nobody has answered in time.
    pub(super) fn question_timer(&mut self, id: QuestionId) {
        self.questions.disarmed(id);
        let timers = &mut self.ordered.unordered().0.timers;
        self.questions.decide(id, Err(RejectCode::Unavailable), timers).expect("who is armed waits for an answer");
    }

    /// Does requests that are decided, as far as the work goes.
    pub(super) fn advance_answered(&mut self, work: &mut Work) {
        while !work.is_spent()
            && let Some(session) = self.questions.first_ready()
        {
            work.spend(1);
            let index = self.ordered.sessions().by_id(session);
            let is_done = index.is_none_or(|index| self.do_first_waiting(index, work));
            if is_done {
                self.questions.drop_first_ready();
            } else if self.ordered.rooms().has_pending() {
                // What was said in rooms goes first.
                return;
            }
        }
    }

    /// Does the first request of a session that waits, if it is decided. True if there is none.
    fn do_first_waiting(&mut self, index: usize, work: &mut Work) -> bool {
        let Some(at) = self.ordered.sessions()[index].waiting().front().copied() else { return true };
        let Some(verdict) = self.questions.get(at).verdict else { return true };
        let (sessions, _) = self.ordered.unordered();
        // What it causes is charged as what comes of input is, and waits as that does.
        if let Some(until) = sessions.paused_until(index).filter(|_| verdict.is_ok()) {
            sessions.timers.push(TimerKey::Answered(sessions.id_of(index)), until);
            return true;
        }
        let (_, cost_max) = sessions.work_and_cost_max(index);
        let mut waiting = self.questions.remove(at);
        let number = waiting.number;
        let mut budget = Budget::new(work.left().max(1), cost_max);
        let outcome = match verdict {
            Ok(()) => self.take_waiting(index, &mut waiting, &mut budget),
            Err(code) => {
                let (sessions, _) = self.ordered.unordered();
                self.delivery.replies.number(sessions, index, Some(number));
                sessions.rejected(index, number, code);
                Ok(Handled::Done)
            }
        };
        work.spend(budget.work());
        match outcome {
            Ok(Handled::Later) => {
                let at_again = self.questions.put_back(waiting);
                debug_assert_eq!(at, at_again, "nothing has taken its place");
                self.ordered.unordered().0.charge_later(index, budget.cost());
                return false;
            }
            Ok(Handled::Ended) => unreachable!("no request ends a session"),
            Err(error) => {
                self.end(index, CloseReason::ProtocolError(error));
                return true;
            }
            Ok(Handled::Done) => {}
        }
        let (sessions, _) = self.ordered.unordered();
        #[cfg(feature = "sim")]
        if let Some(done) = &mut self.questions.done {
            done.push_back((waiting.session, number));
        }
        sessions.wait_no_more(index, waiting.bytes());
        sessions.charge_later(index, budget.cost());
        false
    }

    /// Does what a request wants that waited. Its list is not the one that the input has begun meanwhile.
    fn take_waiting(
        &mut self,
        index: usize,
        waiting: &mut Waiting,
        budget: &mut Budget,
    ) -> Result<Handled, ProtocolError> {
        let number = Some(waiting.number);
        let of_input = self.exchange_list(index, waiting.list.take());
        let outcome = self.take_slowly(index, waiting.content(), number, budget);
        waiting.list = self.exchange_list(index, of_input);
        outcome
    }

    fn exchange_list(&mut self, index: usize, list: Option<Box<BegunList>>) -> Option<Box<BegunList>> {
        let (sessions, _) = self.ordered.unordered();
        let before = sessions.take_begun_list(index);
        if let Some(list) = list {
            sessions.begin_list(index, list);
        }
        before
    }
}

/// What a message that is no list requests, if it can mean anything at all, and what it costs to find out.
fn requested(message: &ClientMessage<'_>, cost: &mut u32) -> Option<Requested> {
    match message {
        ClientMessage::Send(Send { to, body }) => {
            *cost += cost_of_mapping(to);
            let body = body.to_vec();
            if to.starts_with(ROOM_SIGN) {
                return Some(Requested::SendToRoom { room: RoomName::new(to).ok()?, body });
            }
            Some(Requested::SendToUser { to: UserName::new(to).ok()?, body })
        }
        ClientMessage::Join(Join { room }) => {
            *cost += cost_of_mapping(room);
            Some(Requested::Join { room: RoomName::new(room).ok()? })
        }
        _ => None,
    }
}
