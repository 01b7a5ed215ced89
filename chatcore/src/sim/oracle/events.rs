//! What is told to a session for the first time, and whether it is true.

use alloc::format;

use super::account::Oracle;
use super::facts::{Gap, Membership, Request, Session, To};
use super::operator::PROGRAM;
use crate::sim::names::{name_of, number_of, room_of, user_of};
use crate::sim::server::PROGRAM_NAME;
use crate::sim::violation::{Property, Violation};
use crate::{CloseReason, DeliveryStatus, Event, LeaveCode, MessageId, RejectCode, RoomName, UserName};

impl Oracle {
    /// A session's stream goes on with this, at this place.
    pub(super) fn learn(&mut self, session: usize, place: u64, event: &Event) -> Result<(), Violation> {
        match event {
            Event::Message { id, from, room, body } => {
                let message = self.message_of(body)?;
                self.learn_message(session, place, message, (*id, from, room.as_ref()))
            }
            Event::Sent { id, to, body } => {
                let message = self.message_of(body)?;
                self.learn_copy(session, place, message, (*id, to))
            }
            Event::Renamed { name, .. } => self.learn_renamed(session, name),
            Event::Accepted { number, id } => {
                let message = self.answer(session, *number, Ok(()))?;
                let Some(message) = message else {
                    return Err(self.violation(Property::Fate, format!("request {number} is no message")));
                };
                self.messages[message].answer = Some(Ok(*id));
                self.identify(message, *id)?;
                self.check_accepted(message)
            }
            Event::Rejected { number, code } => match self.answer(session, *number, Err(*code))? {
                Some(message) => self.learn_rejected(message, *code),
                None => Ok(()),
            },
            Event::Done { number } | Event::Online { number, .. } | Event::Members { number, .. } => {
                let message = self.answer(session, *number, Ok(()))?;
                self.hold(message.is_none(), Property::Fate, || format!("message {message:?} is merely done"))
            }
            Event::Subscribed { number, rooms, users, next } => {
                let message = self.answer(session, *number, Ok(()))?;
                self.hold(message.is_none(), Property::Fate, || format!("message {message:?} is answered by a list"))?;
                self.learn_subscribed(session, *number, (rooms, users), next.is_none())
            }
            Event::Report { status, to, ids } => {
                let to = user_of(to.as_str());
                ids.iter().try_for_each(|id| self.learn_report((session, place), *status, to, *id))
            }
            Event::Presence { name, online, display_name } => {
                self.check_shown(name, display_name.as_deref(), *online)?;
                self.learn_presence(session, number_of(name.as_str()), *online)
            }
            Event::Joined { room, name, display_name } => {
                self.check_shown(name, display_name.as_deref(), true)?;
                if user_of(name.as_str()) == self.sessions[session].user {
                    return self.learn_own_news(session, room, room_of(room.as_str()), true);
                }
                self.learn_joined(session, room, name)
            }
            Event::Missed { room, first_id, last_id, count } => {
                let (first, last, count) = (*first_id, *last_id, *count);
                self.learn_missed(session, room, Gap { first, last, count, place })
            }
            Event::Stale { room } => self.learn_stale(session, room),
            Event::Left { room, name, code } => {
                if user_of(name.as_str()) == self.sessions[session].user && *code == LeaveCode::Left {
                    return self.learn_own_news(session, room, room_of(room.as_str()), false);
                }
                self.learn_left(session, room, name, *code)
            }
            _ => Err(self.violation(Property::Isolation, format!("nobody knows what this means: {event:?}"))),
        }
    }

    fn learn_message(
        &mut self,
        session: usize,
        place: u64,
        message: usize,
        (id, from, room): (MessageId, &UserName, Option<&RoomName>),
    ) -> Result<(), Violation> {
        let Session { user, stay, .. } = self.sessions[session];
        let sent = &self.messages[message];
        let to = room.map_or(To::User(user), |room| To::Room(room_of(room.as_str())));
        let is_from_sender = match sent.sender {
            PROGRAM => from.as_str() == PROGRAM_NAME,
            device => user_of(from.as_str()) == self.user_with(device),
        };
        self.hold(is_from_sender && to == sent.to, Property::Isolation, || {
            format!("user {user} gets message {message} from {from} for {to:?}: {sent:?}")
        })?;
        let Some(taken) = sent.taken else {
            return Err(self.violation(Property::Fate, format!("message {message} arrives, which the hub never took")));
        };
        self.check_from(message, from, taken.order)?;
        self.hold(!matches!(sent.answer, Some(Err(_))), Property::Fate, || {
            format!("message {message} was rejected, and arrives")
        })?;
        let is_undelivered = sent.reports.values().any(|(status, _)| *status == DeliveryStatus::Undelivered);
        self.hold(!is_undelivered, Property::Fate, || {
            format!("message {message} was reported undelivered to user {user}, and arrives")
        })?;
        let delay = self.now - sent.at;
        self.hold(self.delay_max.is_none_or(|delay_max| delay <= delay_max), Property::Fairness, || {
            format!("message {message} took {delay:?} to user {user}, more than {:?}", self.delay_max)
        })?;
        // Other sessions of the same stay get it, too.
        let had_it = |other: usize| sent.seen.contains_key(&other);
        let twice =
            self.sessions_of(user).any(|(other, facts)| (other == session || facts.stay != stay) && had_it(other));
        let was_acknowledged = self.was_settled(session, |before| sent.seen.get(&before).copied());
        self.hold(!twice && !was_acknowledged, Property::Once, || {
            format!("message {message} comes twice to user {user}")
        })?;
        match sent.to {
            To::Room(room) => {
                let membership = self.membership(session, room, taken.order);
                let is_own = self.are_one(taken.session, session);
                self.hold(membership != Membership::No && !is_own, Property::Rooms, || {
                    format!("user {user} gets message {message} of room {room}, in which it is not: {taken:?}")
                })?;
                // What was not acknowledged comes again, whether its user is still in that room or not.
                if !self.is_from_before(session, taken.order) {
                    self.check_is_in(session, room, "a message of")?;
                }
                self.reach(session, room, id, id)?;
            }
            To::User(_) => {
                self.hold(self.sessions[session].may_have_got(taken.order), Property::Isolation, || {
                    format!("session {session} of user {user} gets message {message}, and was not there: {taken:?}")
                })?;
            }
        }
        self.follow_order(session, message, id)?;
        self.delay = self.delay.max(delay);
        self.messages[message].seen.insert(session, place);
        self.identify(message, id)
    }

    /// Another session of its user has sent a message.
    fn learn_copy(
        &mut self,
        session: usize,
        place: u64,
        message: usize,
        (id, to): (MessageId, &UserName),
    ) -> Result<(), Violation> {
        let told = &self.sessions[session];
        let sent = &self.messages[message];
        let sender = self.user_with(sent.sender);
        let (to, name) = (user_of(to.as_str()), number_of(to.as_str()));
        let is_own = told.user == sender && sent.to == To::User(to) && to != sender && sent.addressed == name;
        let is_due =
            sent.taken.is_some_and(|taken| !self.are_one(taken.session, session) && told.may_have_got(taken.order));
        self.hold(is_own && is_due, Property::Isolation, || {
            format!("session {session} of user {} is told that it has sent message {message}: {sent:?}", told.user)
        })?;
        self.hold(!matches!(sent.answer, Some(Err(_))), Property::Fate, || {
            format!("message {message} was rejected, and session {session} is told that it was sent")
        })?;
        let was_acknowledged = self.was_settled(session, |before| sent.copied.get(&before).copied());
        let is_first = self.messages[message].copied.insert(session, place).is_none() && !was_acknowledged;
        self.hold(is_first, Property::Once, || format!("session {session} is told twice of message {message}"))?;
        self.follow_order(session, message, id)?;
        self.identify(message, id)
    }

    /// Whatever a session is told of messages comes in the order of their ids.
    fn follow_order(&mut self, session: usize, message: usize, id: MessageId) -> Result<(), Violation> {
        let last = self.sessions[session].last_message.replace(id);
        self.hold(last.is_none_or(|last| last < id), Property::Order, || {
            format!("session {session} gets message {message}, which is {id}, after {last:?}")
        })
    }

    /// A message has this id, and ids rise in the order in which the hub takes messages.
    pub(super) fn identify(&mut self, message: usize, id: MessageId) -> Result<(), Violation> {
        let sent = &mut self.messages[message];
        let before = sent.id.replace(id);
        let other = self.by_id.insert(id, message);
        self.hold(before.is_none_or(|before| before == id), Property::Order, || {
            format!("message {message} is {before:?} for one and {id} for another")
        })?;
        self.hold(other.is_none_or(|other| other == message), Property::Order, || {
            format!("messages {message} and {other:?} are both {id}")
        })?;
        let order = |message: &usize| self.messages[*message].taken.map(|taken| taken.order);
        let earlier = self.by_id.range(..id).next_back().and_then(|(_, message)| order(message));
        let later = self.by_id.range(MessageId(id.0 + 1)..).next().and_then(|(_, message)| order(message));
        let own = order(&message);
        if before.is_none() {
            self.learn_unknown_reports(message, id)?;
        }
        self.hold(earlier < own && later.is_none_or(|later| own < Some(later)), Property::Order, || {
            format!("message {message} is {id}, which is not its place")
        })
    }

    /// A request is answered: the message that it was, if it was one.
    fn answer(
        &mut self,
        session: usize,
        number: u64,
        answer: Result<(), RejectCode>,
    ) -> Result<Option<usize>, Violation> {
        let last = core::mem::replace(&mut self.sessions[session].last_answer, number);
        self.hold(last < number, Property::Fate, || format!("request {number} is answered after {last}"))?;
        let index = usize::try_from(number).unwrap_or(usize::MAX) - 1;
        let Some(asked) = self.sessions[session].asked.get_mut(index) else {
            return Err(
                self.violation(Property::Fate, format!("request {number} is answered, which the hub never took"))
            );
        };
        asked.answer = Some(answer);
        let (verdict, request) = (asked.verdict, asked.request.clone());
        let is_of_program = matches!(answer, Err(RejectCode::Denied | RejectCode::Unavailable));
        let is_as_decided = if verdict.is_err() { answer == verdict } else { !is_of_program };
        self.hold(is_as_decided, Property::Fate, || {
            format!("request {number} is answered {answer:?}, and the program has decided {verdict:?}")
        })?;
        match request {
            Request::Send { message } => return Ok(Some(message)),
            Request::Join { room } if answer.is_ok() => self.learn_moved(session, room, true)?,
            Request::Leave { room } if answer.is_ok() => self.learn_moved(session, room, false)?,
            _ => {}
        }
        Ok(None)
    }

    fn check_accepted(&self, message: usize) -> Result<(), Violation> {
        let sent = &self.messages[message];
        let Some(taken) = sent.taken else { return Ok(()) };
        let possible = match sent.to {
            To::User(user) => {
                sent.addressed == self.name_at(user, taken.order)
                    && self.sessions_of(user).any(|(_, other)| other.may_have_been_there(taken.order))
            }
            To::Room(room) => self.membership(taken.session, room, taken.order) != Membership::No,
        };
        self.hold(possible, Property::Fate, || format!("message {message} is accepted, which is for nobody: {sent:?}"))
    }

    fn learn_rejected(&mut self, message: usize, code: RejectCode) -> Result<(), Violation> {
        self.messages[message].answer = Some(Err(code));
        let sent = &self.messages[message];
        self.hold(sent.seen.is_empty() && sent.copied.is_empty(), Property::Fate, || {
            format!("message {message} is rejected, though it has arrived: {code}")
        })?;
        let Some(taken) = sent.taken else { return Ok(()) };
        let is_true = match (code, sent.to) {
            (RejectCode::NoSuchUser, To::User(user)) => {
                sent.addressed != self.name_at(user, taken.order)
                    || !self.sessions_of(user).any(|(_, other)| other.was_there(taken.order))
            }
            (RejectCode::NotAMember, To::Room(room)) => {
                self.membership(taken.session, room, taken.order) != Membership::Yes
            }
            // The sender's origin may have used up its share, whomever it writes to.
            (RejectCode::RecipientFull, _) => {
                self.check_full("a message is rejected")?;
                true
            }
            _ => false,
        };
        self.hold(is_true, Property::Fate, || format!("message {message} is rejected without reason: {code}, {sent:?}"))
    }

    /// Every change is told, and nothing but changes, to those who watch; besides, a watch is answered with how it
    /// stands.
    fn learn_presence(&mut self, session: usize, name: usize, online: bool) -> Result<(), Violation> {
        let before = self.sessions[session].presence.insert(name, online);
        let told = &self.sessions[session];
        let user = told.user;
        let (mut is_watched, mut is_answer) = (false, false);
        for (number, asked) in told.watches_of(name) {
            match (&asked.request, asked.answer) {
                (Request::Watch { .. }, None | Some(Ok(()))) => is_watched = true,
                (Request::Unwatch { .. }, Some(_)) => is_watched = false,
                _ => {}
            }
            is_answer |= number > told.last_answer && matches!(asked.request, Request::Watch { .. });
        }
        self.hold(is_watched, Property::Presence, || {
            format!("user {user} is told of {}, and did not ask", name_of(name))
        })?;
        self.hold(before != Some(online) || is_answer, Property::Presence, || {
            let name = name_of(name);
            format!("user {user} is told twice that {name} is online: {online}, and missed what was in between")
        })
    }

    fn learn_joined(&mut self, session: usize, room: &RoomName, name: &UserName) -> Result<(), Violation> {
        let key = (room_of(room.as_str()), user_of(name.as_str()));
        self.check_is_in(session, key.0, "who joins")?;
        let tally = self.sessions[session].tallies.entry(key).or_default();
        tally.joined += 1;
        let told = tally.joined;
        let joins = self.joins.get(&key).copied().unwrap_or_default() + self.renamed(key.1);
        self.hold(told <= joins, Property::Rooms, || {
            format!("{name} joined {room} {joins} times, but is told {told}")
        })?;
        self.sessions[session].beside_as.insert(key, number_of(name.as_str()));
        let before = self.sessions[session].beside.insert(key, true);
        self.hold(!self.announces_all || before != Some(true), Property::Rooms, || {
            format!("session {session} is told that {name} joins {room}, who was there")
        })
    }

    fn learn_left(
        &mut self,
        session: usize,
        room: &RoomName,
        name: &UserName,
        reason: LeaveCode,
    ) -> Result<(), Violation> {
        let key = (room_of(room.as_str()), user_of(name.as_str()));
        self.check_is_in(session, key.0, "who leaves")?;
        let tally = self.sessions[session].tallies.entry(key).or_default();
        let told = match reason {
            LeaveCode::Left => &mut tally.left,
            LeaveCode::TimedOut => &mut tally.timed_out,
            LeaveCode::Renamed => &mut tally.renamed,
            _ => &mut tally.quit,
        };
        *told += 1;
        let told = *told;
        let possible = match reason {
            LeaveCode::Left => self.leaves.get(&key).copied().unwrap_or_default(),
            LeaveCode::Renamed => self.renamed(key.1),
            _ => {
                let stays = self.stays_of.get(key.1).into_iter().flatten();
                let over =
                    stays.filter(|stay| self.has_asked_into(**stay, key.0)).filter_map(|stay| self.stays[*stay].over);
                over.filter(|over| looks_like(*over) == reason).count()
            }
        };
        self.hold(told <= possible, Property::Rooms, || {
            format!("session {session} is told that {name} has left {room} ({reason}) {told} times, not {possible}")
        })?;
        let known_as = self.sessions[session].beside_as.remove(&key);
        let is_known = known_as.is_none_or(|known_as| known_as == number_of(name.as_str()));
        self.hold(!self.announces_all || is_known, Property::Rooms, || {
            format!("session {session} is told that {name} has left {room}, whom it knows as {known_as:?}")
        })?;
        let before = self.sessions[session].beside.insert(key, false);
        self.hold(!self.announces_all || before != Some(false), Property::Rooms, || {
            format!("session {session} is told that {name} leaves {room}, who was not there")
        })
    }
}

/// How the end of a session looks to those in its rooms.
fn looks_like(reason: CloseReason) -> LeaveCode {
    match reason {
        CloseReason::Disconnected
        | CloseReason::TimedOut
        | CloseReason::Unanswered
        | CloseReason::Expired
        | CloseReason::Displaced => LeaveCode::TimedOut,
        _ => LeaveCode::Quit,
    }
}
