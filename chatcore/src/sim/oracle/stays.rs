//! What belongs to a user and not to one of its sessions: the rooms that it is in, from the beginning of its first
//! session to the end of its last one.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec;

use super::account::Oracle;
use super::facts::{Membership, Move, Request, Session, Stay, TakenRequest};
use crate::RoomName;
use crate::sim::violation::{Property, Violation};

impl Oracle {
    /// A session begins. If its user has no other, so does a stay: that which the session is a part of.
    pub(super) fn stay_with(&mut self, user: usize, session: usize) -> usize {
        if self.living_of(user).next().is_some()
            && let Some(stay) = self.stays_of[user].last()
        {
            self.stays[*stay].sessions.push(session);
            return *stay;
        }
        let stay = self.stays.len();
        self.stays.push(Stay { sessions: vec![session], moves: BTreeMap::new(), over: None });
        self.stays_of[user].push(stay);
        stay
    }

    /// The hub takes a join or a leave, which the session asks for next.
    pub(super) fn moves(&mut self, session: usize, room: usize, is_join: bool) {
        let Session { user, stay, .. } = self.sessions[session];
        self.note_move(user, stay, room, is_join, Some(session));
    }

    /// A user joins or leaves a room, as the session asks for next, or as the program does next if there is none.
    pub(super) fn note_move(&mut self, user: usize, stay: usize, room: usize, is_join: bool, session: Option<usize>) {
        let index = session.map_or(self.own_moves.len(), |session| self.sessions[session].asked.len());
        self.stays[stay].moves.entry(room).or_default().push(Move { session, index });
        let counts = if is_join {
            self.asked_into.entry(room).or_default().insert(stay);
            &mut self.joins
        } else {
            &mut self.leaves
        };
        *counts.entry((room, user)).or_default() += 1;
    }

    /// Whether a session was in a room, when the hub took the request of this place.
    pub(super) fn membership(&self, session: usize, room: usize, order: u64) -> Membership {
        let Session { stay, begun, begun_after, .. } = &self.sessions[session];
        let is_alone = self.stays[*stay].sessions.len() == 1;
        let mut membership = Membership::No;
        for (_, asked) in self.moves_of(*stay, room).take_while(|(_, asked)| asked.order < order) {
            membership = match (&asked.request, asked.answer) {
                // It is not sure that the hub has heard it. If nobody else has the rooms, they are over.
                (Request::Leave { .. }, None) if !asked.is_sure && !is_alone && membership != Membership::No => {
                    Membership::Perhaps
                }
                // Whatever the answer: afterwards it is not in it.
                (Request::Leave { .. }, _) => Membership::No,
                (_, Some(Ok(()))) => Membership::Yes,
                (_, None) if membership == Membership::No => Membership::Perhaps,
                (_, Some(Err(_)) | None) => membership,
            }
        }
        match membership {
            // What was said before its time it gets only if it was still on its way then.
            _ if order <= *begun_after => Membership::No,
            Membership::Yes if order <= *begun => Membership::Perhaps,
            membership => membership,
        }
    }

    fn moves_of(&self, stay: usize, room: usize) -> impl Iterator<Item = (Option<usize>, &TakenRequest)> {
        let moves = self.stays[stay].moves.get(&room).into_iter().flatten();
        moves.map(|Move { session, index }| {
            let of_session = session.map(|session| &self.sessions[session].asked[*index]);
            (*session, of_session.unwrap_or_else(|| &self.own_moves[*index]))
        })
    }

    /// The rooms that a session's user has asked to be let into, or out of, during this stay.
    pub(super) fn rooms_of(&self, session: usize) -> impl Iterator<Item = usize> {
        self.stays[self.sessions[session].stay].moves.keys().copied()
    }

    /// In this stay somebody has asked to be let into the room at least once.
    pub(super) fn has_asked_into(&self, stay: usize, room: usize) -> bool {
        self.asked_into.get(&room).is_some_and(|stays| stays.contains(&stay))
    }

    /// Whether a user is in a room, when all is at rest. Where nobody was told the answer to a join, the user's
    /// sessions were told what came of it.
    pub(super) fn is_in(&self, user: usize, room: usize) -> bool {
        let Some((session, facts)) = self.living_of(user).next() else { return false };
        match self.membership(session, room, u64::MAX) {
            Membership::Yes => true,
            Membership::Perhaps => facts.own_rooms.contains(&room),
            Membership::No => false,
        }
    }

    /// A session is told what concerns only those who are in a room.
    pub(super) fn check_is_in(&self, session: usize, room: usize, what: &str) -> Result<(), Violation> {
        let Session { user, own_rooms, .. } = &self.sessions[session];
        self.hold(own_rooms.contains(&room), Property::Rooms, || {
            format!(
                "session {session} of user {user} is told {what} room {room}, in which it is not as far as it knows"
            )
        })
    }

    /// A session's own join or leave is done.
    pub(super) fn learn_moved(&mut self, session: usize, room: usize, is_join: bool) -> Result<(), Violation> {
        let told = &mut self.sessions[session];
        if is_join {
            told.own_rooms.insert(room);
            // Who is in it is not known before somebody says so.
            told.forget_others(room);
            return Ok(());
        }
        let was_in = told.own_rooms.remove(&room);
        self.hold(was_in, Property::Rooms, || {
            format!("session {session} has left room {room}, in which it was not as far as it knows")
        })
    }

    /// A session is told that its own user has come into a room or gone out of it: another of its sessions has asked
    /// for that, perhaps before this one began.
    pub(super) fn learn_own_news(
        &mut self,
        session: usize,
        room: &RoomName,
        number: usize,
        is_join: bool,
    ) -> Result<(), Violation> {
        let Session { user, stay, .. } = self.sessions[session];
        let is_such = |request: &Request| matches!(request, Request::Join { .. }) == is_join;
        let possible =
            self.moves_of(stay, number).filter(|(of, asked)| *of != Some(session) && is_such(&asked.request)).count();
        let told = &mut self.sessions[session];
        let tally = told.tallies.entry((number, user)).or_default();
        let count = if is_join { &mut tally.joined } else { &mut tally.left };
        *count += 1;
        let count = *count;
        let is_new = if is_join { told.own_rooms.insert(number) } else { told.own_rooms.remove(&number) };
        told.forget_others(number);
        self.hold(is_new, Property::Rooms, || {
            format!(
                "session {session} is told that its own user {user} is in {room}: {is_join}, which it knows already"
            )
        })?;
        self.hold(count <= possible, Property::Rooms, || {
            format!(
                "session {session} is told {count} times that its own user {user} is in {room}: {is_join}, but other \
                 sessions have asked for it {possible} times"
            )
        })
    }
}
