//! A session that the program gives to another client of its user. The account of the new client begins anew, because
//! the counts of both directions do. But what the clients before it have acknowledged does not come again, and all else
//! that their session was to be told does.

use alloc::format;
use core::iter;

use super::account::Oracle;
use super::facts::{Ended, HandedOn, Session};
use crate::sim::names::{name_of, number_of, user_of};
use crate::sim::network::WireId;
use crate::sim::violation::{Property, Violation};
use crate::{Instant, SessionId, UserName};

impl Oracle {
    /// Another client goes on with a session.
    pub(in crate::sim) fn taken_over(&mut self, id: SessionId, wire: WireId, name: &UserName) -> Result<(), Violation> {
        let user = user_of(name.as_str());
        let before = self.current.get(&id).copied().filter(|before| self.sessions[*before].user == user);
        let Some(before) = before else {
            return Err(self.violation(Property::Once, format!("{name} goes on with a session that had ended")));
        };
        let facts = self.wires.get(&wire).filter(|facts| facts.is_vouched && self.user_with(facts.device) == user);
        let Some(device) = facts.map(|facts| facts.device) else {
            let detail = format!("{wire} gets a session of {name}, and nobody vouches for it");
            return Err(self.violation(Property::Isolation, detail));
        };
        self.check_in_time(before)?;
        self.check_choice(user, before)?;
        self.check_ban(name)?;
        let had = self.current_name(user);
        self.hold(number_of(name.as_str()) == had, Property::Isolation, || {
            format!("{name} gets a session of a user who is {}", name_of(had))
        })?;
        self.reattach(before);
        let session = self.sessions.len();
        let Session { stay, begun, begun_after, begun_place, sent, .. } = self.sessions[before];
        let mut heir = Session::new(user, device, stay, begun);
        (heir.begun_after, heir.begun_place, heir.predecessor) = (begun_after, begun_place, Some(before));
        // The welcome tells the name.
        heir.named = self.names_of(user);
        self.sessions.push(heir);
        self.of_user[user].push(session);
        self.stays[stay].sessions.push(session);
        let order = self.order;
        let old = &mut self.sessions[before];
        old.ended = Some(Ended { after: order, before: order, place: self.over });
        old.handed_on = Some(HandedOn { order, sent });
        old.waiting.clear();
        self.weigh_session(session);
        self.owes_rooms(session);
        self.current.insert(id, session);
        self.take_up(wire, session);
        self.takeovers += 1;
        Ok(())
    }

    /// It is the detached session whose time is over first, or the oldest one if none is detached.
    fn check_choice(&self, user: usize, chosen: usize) -> Result<(), Violation> {
        let waits_until = |session: usize| self.sessions[session].waits_until().unwrap_or(Instant::MAX);
        let living = || self.living_of(user).map(|(session, _)| session);
        let is_first = living().all(|other| match waits_until(chosen) {
            Instant::MAX => !self.sessions[other].is_detached && self.root_of(chosen) <= self.root_of(other),
            until => until <= waits_until(other),
        });
        self.hold(is_first, Property::Isolation, || {
            format!("session {chosen} of user {user} is taken over, and the time of another one is over earlier")
        })
    }

    /// How often another client took a session over.
    pub(in crate::sim) fn takeovers(&self) -> u64 {
        self.takeovers
    }

    /// The session that a device's process knows has gone to another client.
    pub(in crate::sim) fn is_handed_on(&self, device: usize) -> bool {
        let session = self.lives[device].session;
        session.is_some_and(|session| self.sessions[session].handed_on.is_some())
    }

    /// A session, and before it what other clients had of it.
    pub(super) fn line_of(&self, session: usize) -> impl Iterator<Item = usize> {
        iter::successors(Some(session), |session| self.sessions.get(*session)?.predecessor)
    }

    /// The first in a line.
    pub(super) fn root_of(&self, session: usize) -> usize {
        self.line_of(session).last().unwrap_or(session)
    }

    /// Two are of one session, whichever clients had it.
    pub(super) fn are_one(&self, one: usize, other: usize) -> bool {
        one == other || self.root_of(one) == self.root_of(other)
    }

    /// A client that had the session before was told something, at the place that is given for each if it was, and has
    /// acknowledged that.
    pub(super) fn was_settled(&self, session: usize, place_in: impl Fn(usize) -> Option<u64>) -> bool {
        let mut before = self.line_of(session).skip(1);
        before.any(|before| place_in(before).is_some_and(|place| place <= self.sessions[before].acked))
    }

    /// A session was told something, or need not be, because a client that had it before has acknowledged it.
    pub(super) fn has_been_told(&self, session: usize, place_in: impl Fn(usize) -> Option<u64>) -> bool {
        place_in(session).is_some() || self.was_settled(session, place_in)
    }

    /// What the hub took then was before the client of this session took it over.
    pub(super) fn is_from_before(&self, session: usize, order: u64) -> bool {
        let handed_on = self.sessions[session].predecessor.and_then(|before| self.sessions[before].handed_on);
        handed_on.is_some_and(|handed_on| order <= handed_on.order)
    }
}
