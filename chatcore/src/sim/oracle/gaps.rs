//! What is left out when somebody cannot keep up: messages of a room that a member misses, and changes of a room that
//! become stale. Both are told, and nothing is left out without need.

use alloc::format;

use super::account::Oracle;
use super::facts::{Gap, Membership, Request, Session, To};
use crate::sim::names::room_of;
use crate::sim::violation::{Property, Violation};
use crate::{MessageId, RoomName};

/// Bytes that a frame takes beside what a user has said, at the most: names, ids and numbers.
const FRAME_BYTES_MAX: u64 = 150;

impl Oracle {
    /// No more than this is put into outboxes, whichever of all users it is for.
    pub(super) fn weigh(&mut self, request: &Request) {
        let bytes = match request {
            Request::Send { message } => self.messages[*message].bytes as u64,
            Request::Watch { names } | Request::Unwatch { names } => names.len() as u64 * FRAME_BYTES_MAX,
            Request::Who | Request::Roster { .. } => self.of_user.len() as u64 * FRAME_BYTES_MAX,
            Request::Subscriptions { .. } => self.limits.frame_bytes_max().into(),
            Request::Join { .. } | Request::Leave { .. } => 0,
        };
        self.volume += bytes + 2 * FRAME_BYTES_MAX;
    }

    /// The beginning or end of a session, which is news for watchers and rooms, or for the session itself.
    pub(super) fn weigh_session(&mut self, session: usize) {
        self.volume += (self.rooms_of(session).count() as u64 + 2) * FRAME_BYTES_MAX;
    }

    /// All that was ever said would fit the outbox of everybody: nobody can be full. Attackers, whose bytes are not
    /// weighed, may fill what there is for all: they have as many origins as they like.
    fn is_roomy(&self) -> bool {
        if self.delay_max.is_some() {
            return false;
        }
        let bytes_max = self.limits.buffer_bytes_max.min(self.limits.origin_buffer_bytes_max);
        let fits_one = self.volume < u64::from(self.limits.outbox_bytes_max) / 2;
        fits_one && self.volume * (self.sessions_max() as u64) < bytes_max / 2
    }

    /// Something was refused or left out, because somebody is full.
    pub(super) fn check_full(&self, what: &str) -> Result<(), Violation> {
        self.hold(!self.is_roomy(), Property::Fate, || {
            format!("{what} for want of room, but {} bytes were said in all", self.volume)
        })
    }

    pub(super) fn learn_missed(&mut self, session: usize, room: &RoomName, gap: Gap) -> Result<(), Violation> {
        let Gap { first, last, count, .. } = gap;
        self.check_full("messages are missed")?;
        self.missed += 1;
        let room = room_of(room.as_str());
        let Session { user, stay, predecessor, .. } = self.sessions[session];
        if predecessor.is_none() || !self.has_asked_into(stay, room) {
            self.check_is_in(session, room, "what it missed in")?;
        }
        let is_told_again = self.was_settled(session, |before| {
            let mut gaps = self.sessions[before].gaps.get(&room).into_iter().flatten();
            gaps.find(|gap| gap.first == first).map(|gap| gap.place)
        });
        self.hold(!is_told_again, Property::Once, || {
            format!("session {session} is told twice of what it missed: {gap:?}")
        })?;
        let is_possible = first <= last && (1..=last.0 - first.0 + 1).contains(&count);
        self.hold(is_possible, Property::Rooms, || {
            format!("user {user} is told that it missed {count} messages of room {room}, from {first} to {last}")
        })?;
        self.reach(session, room, first, last)?;
        self.sessions[session].gaps.entry(room).or_default().push(gap);
        Ok(())
    }

    /// A session's stream has come so far in a room, with a message or with those that were missed.
    pub(super) fn reach(
        &mut self,
        session: usize,
        room: usize,
        first: MessageId,
        last: MessageId,
    ) -> Result<(), Violation> {
        let before = self.sessions[session].reached.insert(room, last);
        self.hold(before.is_none_or(|before| before < first), Property::Order, || {
            format!("session {session} is told of {first} in room {room} after {before:?}")
        })
    }

    pub(super) fn learn_stale(&mut self, session: usize, room: &RoomName) -> Result<(), Violation> {
        self.check_full("changes of a room are left out")?;
        self.stale += 1;
        let number = room_of(room.as_str());
        // Who is in it is not known any more, before somebody says so.
        self.sessions[session].forget_others(number);
        self.check_is_in(session, number, "a stale of")
    }

    /// A session was told that it missed this message of a room, or a client that had it before was.
    pub(super) fn has_missed(&self, session: usize, room: usize, id: MessageId) -> bool {
        self.has_been_told(session, |session| {
            let mut gaps = self.sessions[session].gaps.get(&room).into_iter().flatten();
            gaps.find(|gap| (gap.first..=gap.last).contains(&id)).map(|gap| gap.place)
        })
    }

    /// What a session was told that it missed is what it missed: counted right, and nothing of it was seen.
    pub(super) fn close_gaps(&self, session: usize) -> Result<(), Violation> {
        for (room, gaps) in &self.sessions[session].gaps {
            gaps.iter().try_for_each(|gap| self.close_gap(session, *room, *gap))?;
        }
        Ok(())
    }

    fn close_gap(&self, session: usize, room: usize, gap: Gap) -> Result<(), Violation> {
        let order_of = |message: &usize| self.messages[*message].taken.map_or(0, |taken| taken.order);
        let before = self.by_id.range(..gap.first).next_back().map_or(0, |(_, message)| order_of(message));
        let after = self.by_id.range(MessageId(gap.last.0 + 1)..).next();
        let after = after.map_or(u64::MAX, |(_, message)| order_of(message));
        let (mut sure, mut possible) = (0, 0);
        let said = self.said_in.get(&room).into_iter().flatten().map(|message| &self.messages[*message]);
        for sent in said {
            let Some(taken) = sent.taken.filter(|taken| !self.are_one(taken.session, session)) else {
                continue;
            };
            let is_known = match sent.id {
                Some(id) if (gap.first..=gap.last).contains(&id) => true,
                // Nobody was told its id: its place tells whether it can be among them.
                None if before < taken.order && taken.order < after && !matches!(sent.answer, Some(Err(_))) => false,
                _ => continue,
            };
            match self.membership(session, room, taken.order) {
                Membership::Yes if is_known => sure += 1,
                Membership::Yes | Membership::Perhaps => possible += 1,
                Membership::No => {}
            }
            self.hold(!is_known || !sent.seen.contains_key(&session), Property::Once, || {
                format!("session {session} has seen {sent:?}, and is told that it missed it: {gap:?}")
            })?;
        }
        self.hold((sure..=sure + possible).contains(&gap.count), Property::Fate, || {
            format!("session {session} missed {sure} messages of room {room}, or {possible} more: {gap:?}")
        })?;
        let is_of_room = |id| self.by_id.get(&id).is_none_or(|message| self.messages[*message].to == To::Room(room));
        self.hold(is_of_room(gap.first) && is_of_room(gap.last), Property::Rooms, || {
            format!("session {session} is told that it missed in room {room} what was said elsewhere: {gap:?}")
        })
    }
}
