//! What is told to a session for the first time, and whether it is true.

use alloc::format;

use super::account::Oracle;
use super::facts::{Membership, Request, Sent, Session, To};
use crate::sim::names::{room_of, spelling, user_of};
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
            Event::Report { status, to, ids } => {
                ids.iter().try_for_each(|id| self.learn_report(session, *status, user_of(to.as_str()), *id))
            }
            Event::Presence { name, online, display_name } => {
                self.check_shown(name, display_name.as_deref(), *online)?;
                self.learn_presence(session, user_of(name.as_str()), *online)
            }
            Event::Joined { room, name, display_name } => {
                self.check_shown(name, display_name.as_deref(), true)?;
                self.learn_joined(session, room, name)
            }
            Event::Missed { room, first_id, last_id, count } => {
                self.learn_missed(session, room, (*first_id, *last_id), *count)
            }
            Event::Stale { room } => self.learn_stale(session, room),
            Event::Left { room, name, reason } => self.learn_left(session, room, name, *reason),
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
        let user = self.sessions[session].user;
        let sent = &self.messages[message];
        let to = room.map_or(To::User(user), |room| To::Room(room_of(room.as_str())));
        self.hold(user_of(from.as_str()) == sent.sender && to == sent.to, Property::Isolation, || {
            format!("user {user} gets message {message} from {from} for {to:?}: {sent:?}")
        })?;
        let Some(taken) = sent.taken else {
            return Err(self.violation(Property::Fate, format!("message {message} arrives, which the hub never took")));
        };
        self.hold(!matches!(sent.answer, Some(Err(_))), Property::Fate, || {
            format!("message {message} was rejected, and arrives")
        })?;
        self.hold(sent.reports.get(&user) != Some(&DeliveryStatus::Undelivered), Property::Fate, || {
            format!("message {message} was reported undelivered to user {user}, and arrives")
        })?;
        let delay = self.now - sent.at;
        self.hold(self.delay_max.is_none_or(|delay_max| delay <= delay_max), Property::Fairness, || {
            format!("message {message} took {delay:?} to user {user}, more than {:?}", self.delay_max)
        })?;
        let twice = self.sessions_of(user).any(|(other, _)| sent.seen.contains_key(&other));
        self.hold(!twice, Property::Once, || format!("message {message} comes twice to user {user}"))?;
        if let To::Room(room) = sent.to {
            let membership = self.sessions[session].membership(room, taken.order);
            self.hold(membership != Membership::No && taken.session != session, Property::Rooms, || {
                format!("user {user} gets message {message} of room {room}, in which it is not: {taken:?}")
            })?;
        }
        if let To::Room(room) = sent.to {
            self.reach(session, room, id, id)?;
        }
        let last = self.sessions[session].last_message.replace(id);
        self.hold(last.is_none_or(|last| last < id), Property::Order, || {
            format!("user {user} gets message {message}, which is {id}, after {last:?}")
        })?;
        self.delay = self.delay.max(delay);
        self.messages[message].seen.insert(session, place);
        self.identify(message, id)
    }

    /// A message has this id, and ids rise in the order in which the hub takes messages.
    fn identify(&mut self, message: usize, id: MessageId) -> Result<(), Violation> {
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
        let message = match asked.request {
            Request::Send { message } => Some(message),
            Request::Join { room } => {
                // Who is in it is not known before somebody says so.
                self.sessions[session].beside.retain(|(other, _), _| *other != room);
                None
            }
            _ => None,
        };
        Ok(message)
    }

    fn check_accepted(&self, message: usize) -> Result<(), Violation> {
        let sent = &self.messages[message];
        let Some(taken) = sent.taken else { return Ok(()) };
        let possible = match sent.to {
            To::User(user) => self.sessions_of(user).any(|(_, other)| other.may_have_been_there(taken.order)),
            To::Room(room) => self.sessions[taken.session].membership(room, taken.order) != Membership::No,
        };
        self.hold(possible, Property::Fate, || format!("message {message} is accepted, which is for nobody: {sent:?}"))
    }

    fn learn_rejected(&mut self, message: usize, code: RejectCode) -> Result<(), Violation> {
        self.messages[message].answer = Some(Err(code));
        let sent = &self.messages[message];
        self.hold(sent.seen.is_empty(), Property::Fate, || {
            format!("message {message} is rejected, though it has arrived: {code}")
        })?;
        let Some(taken) = sent.taken else { return Ok(()) };
        let is_true = match (code, sent.to) {
            (RejectCode::NoSuchUser, To::User(user)) => {
                !self.sessions_of(user).any(|(_, other)| other.was_there(taken.order))
            }
            (RejectCode::NotAMember, To::Room(room)) => {
                self.sessions[taken.session].membership(room, taken.order) != Membership::Yes
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

    fn learn_report(
        &mut self,
        session: usize,
        status: DeliveryStatus,
        to: usize,
        id: MessageId,
    ) -> Result<(), Violation> {
        let Some(message) = self.by_id.get(&id).copied() else {
            return Err(self.violation(Property::Fate, format!("{id} is reported {status}, which nobody was told of")));
        };
        let before = self.messages[message].reports.insert(to, status);
        let sent = &self.messages[message];
        self.hold(matches!(sent.to, To::User(_)), Property::Fate, || {
            format!("message {message} is reported {status} for user {to}, though it was for a room")
        })?;
        let is_own = sent.taken.is_some_and(|taken| taken.session == session);
        self.hold(is_own, Property::Isolation, || format!("message {message} is reported to somebody else"))?;
        self.hold(before.is_none(), Property::Fate, || format!("message {message} is reported twice for user {to}"))?;
        let seen = self.sessions_of(to).any(|(session, _)| sent.seen.contains_key(&session));
        self.hold(status != DeliveryStatus::Undelivered || !seen, Property::Fate, || {
            format!("message {message} is reported undelivered, but user {to} has seen it")
        })?;
        let over = self.sessions_of(to).any(|(_, other)| other.ended.is_some());
        self.hold(over, Property::Fate, || format!("message {message} is reported {status}, but user {to} is there"))?;
        if status == DeliveryStatus::Unconfirmed { self.check_unconfirmed(message, to) } else { Ok(()) }
    }

    /// Nobody is told that a message may have arrived which never went out.
    fn check_unconfirmed(&mut self, message: usize, to: usize) -> Result<(), Violation> {
        let Sent { taken, written, .. } = &self.messages[message];
        let Some(order) = taken.map(|taken| taken.order) else { return Ok(()) };
        let is_for = |other: &Session| other.begun < order && other.may_have_been_there(order);
        let recipient = self.sessions_of(to).find_map(|(index, other)| is_for(other).then_some(index));
        let Some(recipient) = recipient.filter(|recipient| !written.contains(recipient)) else { return Ok(()) };
        let session = &mut self.sessions[recipient];
        session.halves += 1;
        let (halves, connections) = (session.halves, session.connections);
        self.hold(halves <= connections, Property::Fate, || {
            format!("message {message} is reported unconfirmed, but was never written to user {to}")
        })
    }

    /// Every change is told, and nothing but changes, to those who watch; besides, a watch is answered with how it stands.
    fn learn_presence(&mut self, session: usize, other: usize, online: bool) -> Result<(), Violation> {
        let before = self.sessions[session].presence.insert(other, online);
        let told = &self.sessions[session];
        let user = told.user;
        let (mut is_watched, mut is_answer) = (false, false);
        for (number, asked) in told.watches_of(other) {
            match (&asked.request, asked.answer) {
                (Request::Watch { .. }, None | Some(Ok(()))) => is_watched = true,
                (Request::Unwatch { .. }, Some(_)) => is_watched = false,
                _ => {}
            }
            is_answer |= number > told.last_answer && matches!(asked.request, Request::Watch { .. });
        }
        self.hold(is_watched, Property::Presence, || format!("user {user} is told of user {other}, and did not ask"))?;
        self.hold(before != Some(online) || is_answer, Property::Presence, || {
            format!("user {user} is told twice that user {other} is online: {online}, and missed what was in between")
        })
    }

    /// A user that is there is shown as it spelled its name.
    fn check_shown(&self, name: &UserName, display_name: Option<&str>, is_there: bool) -> Result<(), Violation> {
        let (shown, spelling) = (display_name.unwrap_or(name.as_str()), spelling(user_of(name.as_str())));
        self.hold(!is_there || shown == spelling, Property::Presence, || format!("{name} is shown as {shown}"))
    }

    fn learn_joined(&mut self, session: usize, room: &RoomName, name: &UserName) -> Result<(), Violation> {
        let key = (room_of(room.as_str()), user_of(name.as_str()));
        let tally = self.sessions[session].tallies.entry(key).or_default();
        tally.joined += 1;
        let told = tally.joined;
        let joins = self.joins.get(&key).copied().unwrap_or_default();
        self.hold(told <= joins, Property::Rooms, || {
            format!("{name} joined {room} {joins} times, but is told {told}")
        })?;
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
        let tally = self.sessions[session].tallies.entry(key).or_default();
        let told = match reason {
            LeaveCode::Left => &mut tally.left,
            LeaveCode::TimedOut => &mut tally.timed_out,
            _ => &mut tally.quit,
        };
        *told += 1;
        let told = *told;
        let possible = if reason == LeaveCode::Left {
            self.leaves.get(&key).copied().unwrap_or_default()
        } else {
            let ended = self.sessions_of(key.1).filter(|(_, other)| other.has_asked_into(key.0));
            let ended = ended.filter_map(|(_, other)| other.ended?.reason);
            ended.filter(|ended| looks_like(*ended) == reason).count()
        };
        self.hold(told <= possible, Property::Rooms, || {
            format!("session {session} is told that {name} has left {room} ({reason}) {told} times, not {possible}")
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
        CloseReason::Disconnected | CloseReason::TimedOut | CloseReason::Expired => LeaveCode::TimedOut,
        _ => LeaveCode::Quit,
    }
}
