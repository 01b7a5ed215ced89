//! Rooms: who is in them, and what their members are told.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Hub;
use super::circles::Seat;
use super::output::Output;
use crate::name::{RoomName, UserName};
use crate::wire::{HubMessage, Joined, LeaveCode, Left, Members, Message, MessageId, RejectCode, RoomDeliver, Roster};

/// A room's frame of at least this many bytes is shared by its members' outboxes; a shorter one is cheaper
/// copied.
const SHARED_FRAME_BYTES_MIN: usize = 1024;

/// Seats that one page of a list looks at, at the most, so that a circle that was once large does not work long for a
/// page.
pub(super) const PAGE_SEATS_MAX: usize = 4096;

impl Hub {
    pub(super) fn join(&mut self, index: usize, room: &str) -> Result<(), RejectCode> {
        let room = RoomName::new(room).map_err(|_| RejectCode::InvalidName)?;
        let found = self.rooms.find(room.as_str());
        let joined = &self.sessions[index].details.rooms;
        match found {
            Some(circle) if joined.iter().any(|seat| seat.circle() == circle) => return Ok(()),
            _ if joined.len() >= self.limits.rooms_of_user_max as usize => return Err(RejectCode::TooManyRooms),
            Some(circle) if self.rooms.members(circle) >= self.limits.members_max as usize => {
                return Err(RejectCode::RoomFull);
            }
            None if self.rooms.len() >= self.limits.rooms_max as usize => return Err(RejectCode::HubRoomsFull),
            _ => {}
        }
        let seat = self.rooms.enter(room.as_str(), index);
        self.sessions[index].details.rooms.push(seat);
        if found.is_none() {
            self.outputs.push_back(Output::RoomOpened { room: room.clone() });
        }
        let name = self.sessions[index].name.clone();
        let joined = HubMessage::Joined(Joined { room: room.as_str(), name: name.as_str() });
        self.announce(seat.circle(), self.rooms.members(seat.circle()), Some(index), &joined);
        Ok(())
    }

    pub(super) fn leave(&mut self, index: usize, room: &str) -> Result<(), RejectCode> {
        let seat = self.seat(index, room)?;
        let session = &mut self.sessions[index];
        session.details.rooms.retain(|other| *other != seat);
        let name = session.name.clone();
        self.leave_room(seat, &name, LeaveCode::Left);
        Ok(())
    }

    /// Lets somebody out of a room, who knows of no seat there any more.
    pub(super) fn leave_room(&mut self, seat: Seat, name: &UserName, code: LeaveCode) {
        let room = RoomName::from_hub(self.rooms.name(seat.circle())).expect("it was a room's name");
        let members = self.rooms.members(seat.circle());
        if self.rooms.leave(seat) {
            self.outputs.push_back(Output::RoomClosed { room });
            return;
        }
        let left = HubMessage::Left(Left { room: room.as_str(), name: name.as_str(), code });
        self.announce(seat.circle(), members, None, &left);
    }

    /// Tells a room who has come or gone, unless it is too large for that, or all are going.
    fn announce(&mut self, circle: usize, members: usize, except: Option<usize>, message: &HubMessage<'_>) {
        if members <= self.limits.announced_members_max as usize && !self.shutting_down {
            self.spread(circle, except, message, None);
        }
    }

    /// Puts a message into the outbox of every member but the sender. One who has no room for it cannot stay: what is
    /// accepted reaches everybody, or the sender is told.
    pub(super) fn accept_for_room(&mut self, sender: usize, to: &str, body: &[u8]) -> Result<MessageId, RejectCode> {
        let circle = self.seat(sender, to)?.circle();
        let id = self.next_message_id();
        let (room, from) = (RoomName::from_hub(self.rooms.name(circle)), self.sessions[sender].name.clone());
        let room = room.expect("it was a room's name");
        let deliver = HubMessage::RoomDeliver(RoomDeliver { id, room: room.as_str(), from: from.as_str(), body });
        self.spread(circle, Some(sender), &deliver, Some(body.len()));
        Ok(id)
    }

    /// The seat of a session in a room that it is in.
    fn seat(&self, index: usize, room: &str) -> Result<Seat, RejectCode> {
        let room = RoomName::new(room).map_err(|_| RejectCode::NotAMember)?;
        let circle = self.rooms.find(room.as_str()).ok_or(RejectCode::NotAMember)?;
        let mut seats = self.sessions[index].details.rooms.iter();
        seats.find(|seat| seat.circle() == circle).copied().ok_or(RejectCode::NotAMember)
    }

    /// Encodes a message once and gives it to all members but one. With the length of its body it is somebody's
    /// message, for which nothing is taken from the reserve.
    fn spread(&mut self, circle: usize, except: Option<usize>, message: &HubMessage<'_>, body_bytes: Option<usize>) {
        let mut frame = Vec::new();
        message.encode(&mut frame);
        let is_shared = frame.len() >= SHARED_FRAME_BYTES_MIN && self.rooms.members(circle) > 2;
        let shared: Option<Arc<[u8]>> = is_shared.then(|| frame.as_slice().into());
        for seat in 0..self.rooms.seats(circle) {
            let Some(member) = self.rooms.in_seat(circle, seat).filter(|member| Some(*member) != except) else {
                continue;
            };
            match body_bytes {
                Some(body_bytes) if !self.has_room(member, body_bytes) => self.doom(member),
                None if self.sessions[member].doomed => continue,
                _ => {}
            }
            self.put(member, |outbox, pool| match &shared {
                Some(shared) => outbox.push_shared(shared, 1, pool),
                None => outbox.push_frames(&frame, 1, pool),
            });
            self.doom_if_overfull(member);
        }
    }

    pub(super) fn list_members(&mut self, index: usize, Roster { room, cursor }: Roster<'_>) -> Result<(), RejectCode> {
        let circle = self.seat(index, room)?.circle();
        let number = self.sessions[index].received;
        let in_seat = |hub: &Self, seat| hub.rooms.in_seat(circle, seat);
        let (names, next) = self.page(index, cursor, self.rooms.seats(circle), in_seat);
        let names = names.iter().map(UserName::as_str).collect();
        self.notify(index, &HubMessage::Members(Members { number, names, next }));
        Ok(())
    }

    /// A page of names, from one of so many seats on. Who has left too much unread for a page gets an empty one, and
    /// may ask again: coming back to much that waits is no reason to be closed.
    pub(super) fn page(
        &self,
        index: usize,
        cursor: u64,
        seats: usize,
        in_seat: impl Fn(&Self, usize) -> Option<usize>,
    ) -> (Vec<UserName>, Option<u64>) {
        let start = usize::try_from(cursor).unwrap_or(usize::MAX);
        let mut names = Vec::new();
        if !self.sessions[index].outbox.has_room(self.limits.frame_bytes_max() as usize, self.limits.outbox_bytes_max) {
            return (names, Some(cursor));
        }
        for seat in start..seats {
            if names.len() == self.limits.page_names_max() || seat - start == PAGE_SEATS_MAX {
                return (names, Some(seat as u64));
            }
            if let Some(session) = in_seat(self, seat) {
                names.push(self.sessions[session].name.clone());
            }
        }
        (names, None)
    }
}
