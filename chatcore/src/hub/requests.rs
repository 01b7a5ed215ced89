//! What a session says: decoded, checked against the transition table, and given to the part that it concerns.

use super::event::CloseReason;
use super::lists;
use super::ordered::{Answer, Sessions};
use super::parts::Hub;
use super::work::{Budget, of_bytes};
use crate::name::{self, ROOM_SIGN, cost_of_mapping};
use crate::transition::{self, State};
use crate::wire::{
    self, Ack, ClientMessage, Content, Done, Kind, Message, Ping, Pong, ProtocolError, RejectCode, Rejected, Send,
    Unwatch, Watch,
};

/// Whether a frame is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handled {
    Done,
    /// It ended the session.
    Ended,
    /// It has to wait for work that goes first; nothing has been done with it.
    Later,
}

impl Hub {
    /// Takes a frame from a session.
    #[inline]
    pub(super) fn handle(
        &mut self,
        index: usize,
        content: Content<'_>,
        budget: &mut Budget,
    ) -> Result<Handled, ProtocolError> {
        if self.questions.is_on() {
            return self.handle_or_ask(index, content, budget);
        }
        self.take(index, content, None, budget)
    }

    /// Does what a frame wants. It has a number if it was counted before.
    #[expect(clippy::inline_always, reason = "a call costs each message 40 instructions")]
    #[inline(always)]
    pub(super) fn take(
        &mut self,
        index: usize,
        content: Content<'_>,
        number: Option<u64>,
        budget: &mut Budget,
    ) -> Result<Handled, ProtocolError> {
        // Nearly all that comes is one of these two, and the way through all messages costs more than they do.
        match content.kind {
            Kind::SEND => self.handle_send(index, content, number, budget),
            Kind::ACK => self.handle_ack(index, content, budget),
            _ => self.handle_other(index, content, number, budget),
        }
    }

    /// The same, for frames that come seldom in this way.
    #[inline(never)]
    pub(super) fn take_slowly(
        &mut self,
        index: usize,
        content: Content<'_>,
        number: Option<u64>,
        budget: &mut Budget,
    ) -> Result<Handled, ProtocolError> {
        self.take(index, content, number, budget)
    }

    /// Lets a session into a room, or out of one.
    #[inline(never)]
    fn handle_membership(
        &mut self,
        index: usize,
        content: Content<'_>,
        number: Option<u64>,
        budget: &mut Budget,
    ) -> Result<Handled, ProtocolError> {
        let Self { ordered, delivery, .. } = self;
        let Some(mut membership) = ordered.membership(index, budget) else { return Ok(Handled::Later) };
        budget.spend(of_bytes(content.fields.len()));
        let message = ClientMessage::decode(content)?;
        transition::at_hub(State::Registered, content.kind)?;
        let (number, _) = delivery.replies.number(membership.sessions(), index, number);
        let mut cost = 0;
        let outcome = match message {
            Some(ClientMessage::Join(join)) => membership.join(join.room, &mut cost),
            Some(ClientMessage::Leave(leave)) => membership.leave(leave.room, &mut cost),
            _ => unreachable!("the kind is one of these two"),
        };
        answer(membership.sessions(), index, number, outcome);
        budget.spend(cost);
        Ok(Handled::Done)
    }

    /// Takes a frame that is neither a message nor an acknowledgement.
    #[inline(never)]
    fn handle_other(
        &mut self,
        index: usize,
        content: Content<'_>,
        number: Option<u64>,
        budget: &mut Budget,
    ) -> Result<Handled, ProtocolError> {
        let may_go_on = match content.kind {
            Kind::JOIN | Kind::LEAVE => return self.handle_membership(index, content, number, budget),
            // What was said before a goodbye still goes to the client that says it.
            Kind::GOODBYE => self.ordered.membership(index, budget).is_some(),
            // The end of a session is news.
            Kind::ERROR => self.ordered.has_room(budget),
            _ => true,
        };
        if !may_go_on {
            return Ok(Handled::Later);
        }
        // A list of which some names are resolved already has paid for this.
        let is_list = matches!(content.kind, Kind::WATCH | Kind::UNWATCH);
        if !is_list || !self.ordered.sessions().has_begun_list(index) {
            budget.spend(of_bytes(content.fields.len()));
        }
        // A list is judged before it is decoded.
        if is_list
            && wire::read_count(content.fields)
                .is_some_and(|count| count > self.ordered.sessions().watches_max(index).into())
        {
            let (sessions, _) = self.ordered.unordered();
            let (number, _) = self.delivery.replies.number(sessions, index, number);
            sessions.rejected(index, number, RejectCode::TooManyWatches);
            return Ok(Handled::Done);
        }
        let message = ClientMessage::decode(content)?;
        if let Some(message) = &message {
            transition::at_hub(State::Registered, message.kind())?;
        }
        if let Some(ClientMessage::Watch(Watch { names }) | ClientMessage::Unwatch(Unwatch { names })) = &message
            && !self.presence.resolve_list(self.ordered.unordered().0, index, names, budget)
        {
            return Ok(Handled::Later);
        }
        let number = if content.kind.is_numbered() {
            self.delivery.replies.number(self.ordered.unordered().0, index, number).0
        } else {
            0
        };
        // Unknown and optional: skipped, but counted above if it is numbered.
        Ok(message.map_or(Handled::Done, |message| self.apply(index, number, &message, budget)))
    }

    /// Does what a message asks for, which has this number if it is numbered.
    fn apply(&mut self, index: usize, number: u64, message: &ClientMessage<'_>, budget: &mut Budget) -> Handled {
        let Self { ordered, presence, .. } = self;
        let (sessions, rooms) = ordered.unordered();
        let mut cost = 0;
        match message {
            ClientMessage::Roster(roster) => {
                if let Err(code) = lists::members(sessions, rooms, (index, number), *roster, &mut cost) {
                    answer(sessions, index, number, Err(code));
                }
            }
            ClientMessage::Who(who) => lists::online(sessions, (index, number), *who, &mut cost),
            ClientMessage::Subscriptions(subscriptions) => {
                lists::subscriptions(sessions, rooms, presence, (index, number), *subscriptions, &mut cost);
            }
            ClientMessage::Watch(_) => {
                let watched = presence.watch(sessions, index, &mut cost);
                answer(sessions, index, number, watched);
            }
            ClientMessage::Unwatch(_) => {
                presence.unwatch(sessions, index, &mut cost);
                answer(sessions, index, number, Ok(()));
            }
            ClientMessage::Ping(Ping { nonce }) => {
                sessions.answer(index, Answer::Pong(Pong { nonce: *nonce }));
            }
            // It has done its work by being heard.
            ClientMessage::Pong(_) => {}
            ClientMessage::Goodbye(_) => {
                self.end(index, CloseReason::Left);
                return Handled::Ended;
            }
            ClientMessage::Error(error) => {
                self.end(index, CloseReason::ReportedByPeer(error.code));
                return Handled::Ended;
            }
            ClientMessage::Send(_) | ClientMessage::Ack(_) | ClientMessage::Join(_) | ClientMessage::Leave(_) => {
                unreachable!("they are taken by functions of their own")
            }
            ClientMessage::Register(_) | ClientMessage::Resume(_) => {
                unreachable!("no row of the transitions lets it come here")
            }
        }
        budget.spend(cost);
        Handled::Done
    }

    #[inline(never)]
    fn handle_ack(
        &mut self,
        index: usize,
        content: Content<'_>,
        budget: &mut Budget,
    ) -> Result<Handled, ProtocolError> {
        let count = match wire::read_ack(content.fields) {
            Some(count) => count,
            None => wire::fields::<Ack>(content)?.count,
        };
        budget.spend(1);
        let (sessions, _) = self.ordered.unordered();
        if let Some(work) = sessions.acknowledge(index, count)? {
            // The senders of these frames have paid for that.
            budget.spend_for_others(work);
            if sessions[index].is_lagging {
                budget.spend(self.catch_up(index));
            }
        }
        Ok(Handled::Done)
    }

    /// Tells a session what it has missed, as far as its outbox has room. Returns the work that it took.
    #[cold]
    pub(super) fn catch_up(&mut self, index: usize) -> u32 {
        let (sessions, rooms) = self.ordered.unordered();
        let has_caught_up = rooms.catch_up(sessions, index) && self.presence.catch_up(sessions, index);
        sessions[index].is_lagging = !has_caught_up;
        let details = &sessions[index].details;
        u32::try_from(details.rooms.len() + details.watches.len()).unwrap_or(u32::MAX)
    }

    // ---- messages ----

    #[expect(clippy::inline_always, reason = "likewise")]
    #[inline(always)]
    fn handle_send(
        &mut self,
        sender: usize,
        content: Content<'_>,
        number: Option<u64>,
        budget: &mut Budget,
    ) -> Result<Handled, ProtocolError> {
        // Nearly everybody writes to a name as it was shown.
        let fast = wire::read_send(content.fields);
        if let Some((to, body)) = fast
            && let Some(recipient) = self.recipient(sender, to)
        {
            let Some(to) = self.ordered.recipient(recipient, sender, budget) else { return Ok(Handled::Later) };
            budget.spend(of_bytes(body.len()));
            budget.spend(self.delivery.deliver(to, sender, number, body));
            return Ok(Handled::Done);
        }
        self.handle_send_slowly(sender, content, number, fast, budget)
    }

    /// Takes a send to a room, to somebody whose name is spelt in another way, or to nobody.
    #[inline(never)]
    fn handle_send_slowly(
        &mut self,
        sender: usize,
        content: Content<'_>,
        number: Option<u64>,
        fast: Option<(&[u8], &[u8])>,
        budget: &mut Budget,
    ) -> Result<Handled, ProtocolError> {
        let fast = fast.and_then(|(to, body)| Some(Send { to: core::str::from_utf8(to).ok()?, body }));
        let Send { to, body } = match fast {
            Some(send) => send,
            None => wire::fields(content)?,
        };
        if to.starts_with(ROOM_SIGN) {
            let Some(fanout) = self.ordered.pending_fanout(budget) else { return Ok(Handled::Later) };
            budget.spend(of_bytes(body.len()));
            self.delivery.say(fanout, sender, number, Send { to, body }, budget);
            return Ok(Handled::Done);
        }
        // A spelling that cannot be a name is nobody's.
        let recipient = name::map(to).ok().and_then(|name| self.ordered.sessions().find(name.as_bytes()));
        if let Some(recipient) = recipient {
            let Some(next) = self.ordered.recipient(recipient, sender, budget) else {
                // It is mapped again, and charged once.
                budget.work_for_others(|work| work.spend(cost_of_mapping(to)));
                return Ok(Handled::Later);
            };
            budget.spend(cost_of_mapping(to) + of_bytes(body.len()));
            budget.spend(self.delivery.deliver(next, sender, number, body));
        } else {
            budget.spend(cost_of_mapping(to) + of_bytes(body.len()));
            self.delivery.reject(self.ordered.unordered().0, sender, number, body);
        }
        Ok(Handled::Done)
    }

    /// Resolves a recipient by its exact bytes: tries the prefetched guess, then the sender's last recipient, then the
    /// names.
    #[expect(clippy::inline_always, reason = "likewise")]
    #[inline(always)]
    fn recipient(&mut self, sender: usize, to: &[u8]) -> Option<usize> {
        if to.first() == Some(&(ROOM_SIGN as u8)) {
            return None;
        }
        let (sessions, _) = self.ordered.unordered();
        let guess = self.prefetch.guess().unwrap_or(sessions[sender].last_recipient as usize);
        let recipient = match sessions.get(guess) {
            Some(session) if session.name.as_bytes() == to => guess,
            _ => sessions.find(to)?,
        };
        sessions[sender].last_recipient = u32::try_from(recipient).unwrap_or(u32::MAX);
        Some(recipient)
    }
}

/// Answers a request.
fn answer(sessions: &mut Sessions, index: usize, number: u64, outcome: Result<(), RejectCode>) {
    sessions.answer(
        index,
        match outcome {
            Ok(()) => Answer::Done(Done { number }),
            Err(code) => Answer::Rejected(Rejected { number, code }),
        },
    );
}
