//! What sessions are told of the rooms that they are in, beside what is said there.

use alloc::boxed::Box;

use super::fanout::{NOTICE_BYTES_MAX, tell_missed};
use super::{Answer, Membership, Rooms, Sessions, name_of};
use crate::wire::{HubMessage, Joined, LeaveCode, Left, Stale};

impl Rooms {
    /// Tells a session what it has missed, as far as its outbox has room. True if it knows all.
    pub(in crate::hub) fn catch_up(&self, sessions: &mut Sessions, session: usize) -> bool {
        for position in 0..sessions[session].details.rooms.len() {
            let Membership { slot, missed, is_stale } = &sessions[session].details.rooms[position];
            let (room, missed, is_stale) = (slot.group(), *missed, *is_stale);
            if missed.is_none() && !is_stale {
                continue;
            }
            if !sessions.fits(session, 2 * NOTICE_BYTES_MAX) {
                return false;
            }
            if let Some(missed) = missed {
                tell_missed(sessions, session, self.groups.name(room), missed);
            }
            if is_stale {
                sessions.push(session, &HubMessage::Stale(Stale { room: self.groups.name(room) }));
            }
            let membership = &mut sessions[session].details.rooms[position];
            (membership.missed, membership.is_stale) = (None, false);
        }
        true
    }
}

/// Tells a session that it is in a room into which another session of its user has come.
pub(in crate::hub::ordered) fn tell_joined(sessions: &mut Sessions, session: usize, room: &str) {
    let user = &sessions[session];
    let (name, display_name) = (user.name.clone(), user.display_name().map(Box::<str>::from));
    let joined = Joined { room, name: name.as_str(), display_name: display_name.as_deref() };
    sessions.answer(session, Answer::Joined(joined));
}

/// Tells a session that it is in a room no more, because another session of its user, or the program, has left it.
pub(in crate::hub::ordered) fn tell_left(sessions: &mut Sessions, session: usize, room: &str) {
    let name = name_of(sessions, session);
    sessions.answer(session, Answer::Left(Left { room, name: name.as_str(), code: LeaveCode::Left }));
}
