//! What must be true when everything has come to rest.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::vec::Vec;

use super::account::Oracle;
use super::facts::{Membership, Request, Session, To};
use crate::sim::violation::{Property, Violation};

impl Oracle {
    /// Nothing is on its way any more, and everybody is online.
    pub(in crate::sim) fn close(&self) -> Result<(), Violation> {
        for message in 0..self.messages.len() {
            self.close_message(message)?;
        }
        (0..self.sessions.len()).try_for_each(|session| self.close_gaps(session))?;
        self.current.iter().try_for_each(|(user, session)| self.close_session(*user, &self.sessions[*session]))
    }

    /// What became of a message that the hub took responsibility for.
    fn close_message(&self, message: usize) -> Result<(), Violation> {
        let sent = &self.messages[message];
        // A sender that was told the id knows that the message was accepted.
        let (Some(taken), Some(_)) = (sent.taken, sent.id) else { return Ok(()) };
        let sender_lives = self.sessions[taken.session].ended.is_none();
        let mut is_for_somebody = false;
        let recipients: Vec<usize> = match sent.to {
            To::User(user) => self.of_user.get(user).cloned().unwrap_or_default(),
            To::Room(room) => self.asked_into.get(&room).into_iter().flatten().copied().collect(),
        };
        for index in recipients {
            let recipient = &self.sessions[index];
            let was_there = recipient.was_there(taken.order);
            let is_seen = sent.seen.contains_key(&index);
            let is_for = is_seen
                || match sent.to {
                    To::User(_) => was_there,
                    To::Room(room) => {
                        index != taken.session
                            && was_there
                            && recipient.membership(room, taken.order) == Membership::Yes
                    }
                };
            if is_for {
                is_for_somebody = true;
                self.close_delivery(message, index, sender_lives)?;
            }
        }
        let reported = !sent.reports.is_empty();
        let is_direct = matches!(sent.to, To::User(_));
        self.hold(is_for_somebody || reported || !is_direct || !sender_lives, Property::Fate, || {
            format!("message {message} was accepted, and vanished: {sent:?}")
        })
    }

    fn close_delivery(&self, message: usize, recipient: usize, sender_lives: bool) -> Result<(), Violation> {
        let sent = &self.messages[message];
        let session = &self.sessions[recipient];
        let user = session.user;
        let report = sent.reports.get(&user);
        let seen = sent.seen.get(&recipient);
        if session.ended.is_none() {
            let is_missed = match (sent.to, sent.id) {
                (To::Room(room), Some(id)) => self.has_missed(recipient, room, id),
                _ => false,
            };
            self.hold(seen.is_some() || is_missed, Property::Fate, || {
                format!("message {message} was accepted for user {user}, who is there and has not got it")
            })?;
            return self.hold(report.is_none(), Property::Fate, || {
                format!("message {message} is reported {report:?}, but user {user} is there")
            });
        }
        if !sender_lives || matches!(sent.to, To::Room(_)) {
            return Ok(());
        }
        let is_settled = seen.is_some_and(|place| *place <= session.acked);
        let may_be_settled = seen.is_some_and(|place| *place <= session.acked_perhaps);
        let holds = if report.is_some() { !is_settled } else { may_be_settled };
        self.hold(holds, Property::Fate, || {
            let (acked, ended) = (session.acked, session.ended);
            format!(
                "message {message} for user {user}, whose session {recipient} ended: reported {report:?}, seen at \
                 {seen:?}, acknowledged up to {acked}, {ended:?}"
            )
        })
    }

    fn close_session(&self, user: usize, session: &Session) -> Result<(), Violation> {
        let mut watched = BTreeSet::new();
        for asked in &session.asked {
            self.hold(asked.answer.is_some(), Property::Fate, || format!("user {user} got no answer: {asked:?}"))?;
            match (&asked.request, asked.answer) {
                (Request::Watch { users }, Some(Ok(()))) => watched.extend(users),
                (Request::Unwatch { users }, _) => watched.retain(|watched| !users.contains(watched)),
                _ => {}
            }
        }
        for other in watched {
            let (told, online) = (session.presence.get(&other), self.current.contains_key(&other));
            self.hold(told == Some(&online), Property::Presence, || {
                format!("user {user} was told {told:?} of user {other}, who is online: {online}")
            })?;
        }
        for ((room, other), told) in &session.beside {
            if !self.announces_all || session.membership(*room, u64::MAX) != Membership::Yes {
                continue;
            }
            let there = self.current.get(other).map(|other| self.sessions[*other].membership(*room, u64::MAX));
            let there = there == Some(Membership::Yes);
            self.hold(*told == there, Property::Rooms, || {
                format!("user {user} was told {told} of user {other} in room {room}, but it is {there}")
            })?;
        }
        Ok(())
    }

    /// The users who are online or in a room, as the hub must list them when all is at rest.
    pub(in crate::sim) fn online(&self) -> Vec<usize> {
        self.current.keys().copied().collect()
    }
}
