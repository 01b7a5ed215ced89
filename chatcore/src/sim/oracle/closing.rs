//! What must be true when everything has come to rest.

use alloc::format;
use alloc::vec::Vec;

use super::account::Oracle;
use super::facts::{Membership, Session, Taken, To};
use super::operator::PROGRAM;
use crate::sim::names::{name_of, user_with_name};
use crate::sim::violation::{Property, Violation};

impl Oracle {
    /// Nothing is on its way any more, and everybody is online.
    pub(in crate::sim) fn close(&self) -> Result<(), Violation> {
        for message in 0..self.messages.len() {
            self.close_message(message)?;
        }
        (0..self.sessions.len()).try_for_each(|session| self.close_gaps(session))?;
        self.current.values().try_for_each(|session| self.close_session(*session))
    }

    /// What became of a message that the hub took responsibility for.
    fn close_message(&self, message: usize) -> Result<(), Violation> {
        let sent = &self.messages[message];
        // A sender that was told the id knows that the message was accepted.
        let (Some(taken), Some(id)) = (sent.taken, sent.id) else { return Ok(()) };
        match sent.to {
            To::User(user) => {
                for (index, session) in self.living_of(user).filter(|(_, session)| session.begun < taken.order) {
                    let has_arrived = self.has_been_told(index, |session| sent.seen.get(&session).copied());
                    self.check_arrived(has_arrived, message, session)?;
                }
                if sent.sender == PROGRAM {
                    return self.hold(sent.reports.is_empty(), Property::Fate, || {
                        format!("message {message} is reported, though the program has said it: {:?}", sent.reports)
                    });
                }
                self.close_copies(message, taken)?;
                self.close_reports(message)
            }
            To::Room(room) => {
                let stays = self.asked_into.get(&room).into_iter().flatten();
                for index in stays.flat_map(|stay| &self.stays[*stay].sessions).copied() {
                    let session = &self.sessions[index];
                    let is_for = || {
                        !self.are_one(index, taken.session)
                            && session.was_there(taken.order)
                            && self.membership(index, room, taken.order) == Membership::Yes
                    };
                    let has_arrived = || self.has_been_told(index, |session| sent.seen.get(&session).copied());
                    if session.ended.is_none() && !has_arrived() && is_for() {
                        self.check_arrived(self.has_missed(index, room, id), message, session)?;
                    }
                }
                self.hold(sent.reports.is_empty(), Property::Fate, || {
                    format!("message {message} is reported, though it was for a room: {:?}", sent.reports)
                })
            }
        }
    }

    /// Each other session of a message's sender that was there knows that it was sent, unless the user wrote to itself.
    fn close_copies(&self, message: usize, taken: Taken) -> Result<(), Violation> {
        let sent = &self.messages[message];
        let sender = self.sessions[taken.session].user;
        if sent.to == To::User(sender) {
            return Ok(());
        }
        let mut others = self.living_of(sender).filter(|(index, session)| {
            !self.are_one(*index, taken.session)
                && session.begun < taken.order
                && !self.has_been_told(*index, |session| sent.copied.get(&session).copied())
        });
        let unknowing = others.next();
        self.hold(unknowing.is_none(), Property::Fate, || {
            format!("message {message} was accepted, but another session of user {sender} does not know: {unknowing:?}")
        })
    }

    /// A message has come to a session that is there, or it knows that it has missed it.
    fn check_arrived(&self, has_arrived: bool, message: usize, session: &Session) -> Result<(), Violation> {
        let Session { user, device, .. } = session;
        self.hold(has_arrived, Property::Fate, || {
            format!("message {message} was accepted for user {user}, whose device {device} is there and has not got it")
        })
    }

    fn close_session(&self, index: usize) -> Result<(), Violation> {
        let session = &self.sessions[index];
        let user = session.user;
        for asked in &session.asked {
            self.hold(asked.answer.is_some(), Property::Fate, || format!("user {user} got no answer: {asked:?}"))?;
        }
        for name in session.watched() {
            let other = user_with_name(name);
            let online = self.living_of(other).next().is_some() && self.current_name(other) == name;
            let told = session.presence.get(&name);
            self.hold(told == Some(&online), Property::Presence, || {
                format!("user {user} was told {told:?} of {}, who is online: {online}", name_of(name))
            })?;
        }
        self.close_name(index)?;
        for room in self.rooms_of(index) {
            let (told, is_in) = (session.own_rooms.contains(&room), self.is_in(user, room));
            self.hold(told == is_in, Property::Rooms, || {
                format!("session {index} of user {user} knows that it is in room {room}: {told}, but it is {is_in}")
            })?;
        }
        for ((room, other), told) in &session.beside {
            if !self.announces_all || !session.own_rooms.contains(room) {
                continue;
            }
            let there = self.is_in(*other, *room);
            self.hold(*told == there, Property::Rooms, || {
                format!("user {user} was told {told} of user {other} in room {room}, but it is {there}")
            })?;
            let name = session.beside_as.get(&(*room, *other)).copied().filter(|_| there);
            self.hold(name.is_none_or(|name| name == self.current_name(*other)), Property::Rooms, || {
                format!("user {user} knows user {other} in room {room} under another name than it has: {name:?}")
            })?;
        }
        Ok(())
    }

    /// The users who are online, as the hub must list them when all is at rest.
    pub(in crate::sim) fn online(&self) -> Vec<usize> {
        (0..self.of_user.len()).filter(|user| self.living_of(*user).next().is_some()).collect()
    }
}
