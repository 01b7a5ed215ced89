//! What a session is subscribed to: the rooms that its user is in, and the names that it watches.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;

use super::account::Oracle;
use super::facts::Request;
use crate::sim::names::{name_of, number_of, room_name, room_of};
use crate::sim::violation::{Property, Violation};
use crate::{RoomName, UserName};

impl Oracle {
    /// A page has nothing that the session is not subscribed to as far as it was told, and one page alone has all.
    pub(super) fn learn_subscribed(
        &self,
        session: usize,
        number: u64,
        (rooms, users): (&[RoomName], &[UserName]),
        is_last: bool,
    ) -> Result<(), Violation> {
        let told = &self.sessions[session];
        let index = usize::try_from(number).unwrap_or(usize::MAX) - 1;
        let is_all = is_last && told.asked[index].request == Request::Subscriptions { is_first: true };
        let watched = told.watched();
        let listed_rooms: BTreeSet<usize> = rooms.iter().map(|room| room_of(room.as_str())).collect();
        let listed_users: BTreeSet<usize> = users.iter().map(|user| number_of(user.as_str())).collect();
        let is_true = if is_all {
            listed_rooms == told.own_rooms && rooms.len() == listed_rooms.len()
        } else {
            listed_rooms.is_subset(&told.own_rooms)
        };
        self.hold(is_true, Property::Rooms, || {
            format!("session {session} is told that it is in {rooms:?}, and it is in {:?}", told.own_rooms)
        })?;
        let is_true = if is_all {
            listed_users == watched && users.len() == watched.len()
        } else {
            listed_users.is_subset(&watched)
        };
        self.hold(is_true, Property::Presence, || {
            format!("session {session} is told that it watches {users:?}, and it watches {watched:?}")
        })
    }

    /// The names of all that a device's session is subscribed to by this account, when all is at rest.
    pub(in crate::sim) fn subscriptions_of(&self, device: usize) -> BTreeSet<String> {
        let Some(session) = self.lives[device].session else { return BTreeSet::new() };
        let user = self.user_with(device);
        let rooms = self.rooms_of(session).filter(|room| self.is_in(user, *room)).map(room_name);
        rooms.chain(self.sessions[session].watched().into_iter().map(name_of)).collect()
    }
}
