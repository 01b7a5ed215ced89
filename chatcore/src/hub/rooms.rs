//! Rooms: who is in them, and what their members are told.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;

use super::Hub;
use super::circles::Seat;
use super::event::HubEvent;
use crate::name::{RoomName, UserName};
use crate::outbox::{Outbox, Pool};
use crate::wire::{Head, HubMessage, Joined, LeaveCode, Left, Members, Message, MessageId, RejectCode, Roster};

/// What is said in a room in one batch is shared by its members' outboxes if it has at least this many bytes; what is
/// shorter is cheaper copied.
const SHARED_BYTES_MIN: usize = 1024;

/// Bytes that are said in a room before its members get them, at the most, but for the last message.
const SAID_BYTES_MAX: usize = 64 << 10;

/// What was said in one room in this batch.
#[derive(Debug, Default)]
pub(super) struct Said {
    circle: Option<usize>,
    /// What members get, one frame behind the other.
    frames: Vec<u8>,
    /// Whose they are: nobody gets its own.
    parts: Vec<Part>,
}

/// Frames of one sender, one behind the other.
#[derive(Debug)]
struct Part {
    sender: usize,
    /// Where they end.
    end: usize,
    count: u32,
}

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
            self.events.push_back(HubEvent::RoomOpened { room: room.clone() });
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
            self.events.push_back(HubEvent::RoomClosed { room });
            return;
        }
        let left = HubMessage::Left(Left { room: room.as_str(), name: name.as_str(), code });
        self.announce(seat.circle(), members, None, &left);
    }

    /// Tells a room who has come or gone, unless it is too large for that, or all are going.
    fn announce(&mut self, circle: usize, members: usize, except: Option<usize>, message: &HubMessage<'_>) {
        if members <= self.limits.announced_members_max as usize && !self.shutting_down {
            self.spread(circle, except, message);
        }
    }

    /// Takes what a member says, for all but itself.
    pub(super) fn accept_for_room(&mut self, sender: usize, to: &str, body: &[u8]) -> Result<MessageId, RejectCode> {
        self.check_body(body)?;
        let circle = self.seat(sender, to)?.circle();
        if self.said.circle.is_some_and(|other| other != circle) || self.said.frames.len() >= SAID_BYTES_MAX {
            self.spread_said();
        }
        let id = self.next_message_id();
        let from = self.sessions[sender].name.as_str();
        let head = Head::of_room_deliver(id, self.rooms.name(circle), from, body.len());
        self.said.circle = Some(circle);
        head.write(body, &mut self.said.frames);
        let end = self.said.frames.len();
        match self.said.parts.last_mut() {
            Some(part) if part.sender == sender => (part.end, part.count) = (end, part.count + 1),
            _ => self.said.parts.push(Part { sender, end, count: 1 }),
        }
        Ok(id)
    }

    /// Gives all members what was said in their room: all of it at once, so that what it costs to look at a member is
    /// shared by many messages. To be done before anything else happens to any of them.
    #[inline]
    pub(super) fn spread_said(&mut self) {
        if let Some(circle) = self.said.circle.take() {
            self.spread_in(circle);
        }
    }

    fn spread_in(&mut self, circle: usize) {
        let mut said = mem::take(&mut self.said);
        let is_shared = said.frames.len() >= SHARED_BYTES_MIN && self.rooms.members(circle) > 2;
        let shared: Option<Arc<[u8]>> = is_shared.then(|| said.frames.as_slice().into());
        let count = said.parts.iter().map(|part| part.count).sum();
        for seat in 0..self.rooms.seats(circle) {
            let Some(member) = self.rooms.in_seat(circle, seat) else { continue };
            if said.parts.iter().any(|part| part.sender == member) {
                let mut start = 0;
                for part in &said.parts {
                    let frames = &said.frames[mem::replace(&mut start, part.end)..part.end];
                    if part.sender != member {
                        self.tell(member, frames.len(), |outbox, pool| outbox.push_frames(frames, part.count, pool));
                    }
                }
                continue;
            }
            self.tell(member, said.frames.len(), |outbox, pool| match &shared {
                Some(shared) => outbox.push_shared(shared, count, pool),
                None => outbox.push_frames(&said.frames, count, pool),
            });
        }
        said.frames.clear();
        said.parts.clear();
        self.said = said;
    }

    /// Puts what somebody said into the outbox of a member. One who has no room for it cannot stay: what is accepted
    /// reaches everybody, or the sender is told.
    fn tell(&mut self, member: usize, bytes: usize, put: impl FnOnce(&mut Outbox, &mut Pool)) {
        if !self.fits(member, bytes) {
            self.doom(member);
        }
        self.put(member, put);
        self.doom_if_overfull(member);
    }

    /// The seat of a session in a room that it is in.
    fn seat(&self, index: usize, room: &str) -> Result<Seat, RejectCode> {
        let room = RoomName::new(room).map_err(|_| RejectCode::NotAMember)?;
        let circle = self.rooms.find(room.as_str()).ok_or(RejectCode::NotAMember)?;
        let mut seats = self.sessions[index].details.rooms.iter();
        seats.find(|seat| seat.circle() == circle).copied().ok_or(RejectCode::NotAMember)
    }

    /// Encodes a message once and gives it to all members but one.
    fn spread(&mut self, circle: usize, except: Option<usize>, message: &HubMessage<'_>) {
        let mut frame = Vec::new();
        message.encode(&mut frame);
        for seat in 0..self.rooms.seats(circle) {
            let member = self.rooms.in_seat(circle, seat).filter(|member| Some(*member) != except);
            if let Some(member) = member.filter(|member| !self.sessions[*member].doomed) {
                self.put(member, |outbox, pool| outbox.push_frames(&frame, 1, pool));
                self.doom_if_overfull(member);
            }
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
