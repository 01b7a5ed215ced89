//! Rooms: who is in them, and the fan-out of what is said there.

mod fanout;
mod telling;

use alloc::borrow::Cow;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use compact_str::CompactString;

use self::fanout::{Fanout, News};
pub(super) use self::telling::{tell_joined, tell_left};
use super::announcements::Announcements;
use super::sessions::{Answer, Membership, MissedRun, Session, Sessions};
use crate::hub::event::HubEvent;
use crate::hub::groups::{Groups, MemberSlot};
use crate::hub::work::{SLOTS, Work};
use crate::name::{ROOM_SIGN, RoomName, UserName, cost_of_mapping};
use crate::wire::{Head, HubMessage, Joined, LeaveCode, Left, MessageId, Missed, RejectCode};

/// Bytes of one batch of a room, at the most, but for its last message.
const BATCH_BYTES_MAX: usize = 64 << 10;

/// Batches, and bytes of them, that wait before their members get them, at the most.
const PENDING_MAX: usize = 64;
const PENDING_BYTES_MAX: usize = 256 << 10;

/// Batches that are kept to be used again, so that saying something in a room allocates nothing; and how large those
/// are at the most.
const SPARE_MAX: usize = PENDING_MAX;
const SPARE_BYTES_MAX: usize = 2 * BATCH_BYTES_MAX;

/// Rooms of a session that are looked at before it counts as one that something waits for.
const LOOKED_AT_MAX: usize = 64;

pub(in crate::hub) struct Rooms {
    groups: Groups,
    /// What is still to be put into the outboxes of members, in the order in which it was accepted.
    pending: VecDeque<Fanout>,
    pending_bytes: usize,
    /// Of those that ever were, how many wait no more.
    flushed: u64,
    spare: Vec<Fanout>,
    /// The accounts of the origins that have opened the rooms, by room.
    openers: Vec<u32>,
}

impl Rooms {
    pub(in crate::hub) fn new(key: [u8; 16]) -> Self {
        Self {
            groups: Groups::new(key),
            pending: VecDeque::new(),
            pending_bytes: 0,
            flushed: 0,
            spare: Vec::new(),
            openers: Vec::new(),
        }
    }

    pub(in crate::hub) fn len(&self) -> usize {
        self.groups.len()
    }

    /// The names of all rooms.
    pub(in crate::hub) fn names(&self) -> impl Iterator<Item = &str> {
        self.groups.iter_names()
    }

    pub(in crate::hub) fn name(&self, room: usize) -> &str {
        self.groups.name(room)
    }

    pub(in crate::hub) fn find_mapped(&self, room: &RoomName) -> Option<usize> {
        self.groups.find(room.as_str().as_bytes())
    }

    /// Memberships in all rooms together.
    pub(in crate::hub) const fn memberships(&self) -> usize {
        self.groups.memberships()
    }

    pub(in crate::hub) fn members(&self, room: usize) -> usize {
        self.groups.members(room)
    }

    /// Members are in slots with numbers below this.
    pub(in crate::hub) fn slots(&self, room: usize) -> usize {
        self.groups.slots(room)
    }

    pub(in crate::hub) fn member(&self, room: usize, slot: usize) -> Option<usize> {
        self.groups.member(room, slot)
    }

    /// The sessions in a room.
    pub(in crate::hub) fn all_members(&self, room: usize) -> impl Iterator<Item = usize> + '_ {
        (0..self.slots(room)).filter_map(move |slot| self.member(room, slot))
    }

    /// The room of this name as it was sent, and what it cost to find out. Names are looked up before they are mapped.
    fn find<'a>(&self, spelling: &'a str, cost: &mut u32) -> Result<(Option<usize>, Cow<'a, str>), RejectCode> {
        if spelling.starts_with(ROOM_SIGN)
            && let Some(room) = self.groups.find(spelling.as_bytes())
        {
            return Ok((Some(room), Cow::Borrowed(spelling)));
        }
        *cost += cost_of_mapping(spelling);
        let name = RoomName::new(spelling).map_err(|_| RejectCode::InvalidName)?;
        Ok((self.groups.find(name.as_str().as_bytes()), Cow::Owned(name.as_str().into())))
    }

    /// The room of this name, and where it stands among those that the session is in.
    pub(in crate::hub) fn membership(
        &self,
        sessions: &Sessions,
        session: usize,
        spelling: &str,
        cost: &mut u32,
    ) -> Result<(usize, usize), RejectCode> {
        let (room, _) = self.find(spelling, cost).map_err(|_| RejectCode::NotAMember)?;
        let room = room.ok_or(RejectCode::NotAMember)?;
        let mut rooms = sessions[session].details.rooms.iter();
        let position = rooms.position(|membership| membership.slot.group() == room);
        Ok((room, position.ok_or(RejectCode::NotAMember)?))
    }

    // ---- coming and going ----

    pub(super) fn join(
        &mut self,
        sessions: &mut Sessions,
        session: usize,
        spelling: &str,
        cost: &mut u32,
    ) -> Result<(), RejectCode> {
        let (room, name) = self.find(spelling, cost)?;
        let (limits, joined) = (&sessions.limits, &sessions[session].details.rooms);
        let entering = sessions.ring(session).count();
        let exceeds = |members: usize, members_max: u32| members + entering > members_max as usize;
        let members = room.map_or(0, |room| self.groups.members(room));
        match room {
            Some(room) if joined.iter().any(|membership| membership.slot.group() == room) => return Ok(()),
            _ if joined.len() >= sessions.rooms_of_user_max(session) as usize => return Err(RejectCode::TooManyRooms),
            // A user with many sessions may be too many for an empty room, too.
            _ if exceeds(members, limits.members_max) => return Err(RejectCode::RoomFull),
            None if self.groups.len() >= limits.rooms_max as usize => return Err(RejectCode::HubRoomsFull),
            None if !sessions.origins.may_open_room(&sessions[session].share, limits) => {
                return Err(RejectCode::HubRoomsFull);
            }
            _ if exceeds(self.groups.memberships(), limits.memberships_max) => return Err(RejectCode::HubRoomsFull),
            _ if !sessions.origins.may_have_memberships(sessions[session].home(), entering, limits) => {
                return Err(RejectCode::HubRoomsFull);
            }
            Some(room) if !sessions.origins.may_enter(sessions[session].home(), room, entering, limits) => {
                return Err(RejectCode::RoomFull);
            }
            _ => {}
        }
        let group = self.enter(sessions, session, &name);
        if room.is_none() {
            self.note_opener(sessions, group, session);
            let room = room_name(&name);
            sessions.events.push_back(HubEvent::RoomOpened { room });
        }
        if sessions.has_room_events {
            let (room, name) = (room_name(&name), name_of(sessions, session));
            sessions.events.push_back(HubEvent::RoomJoined { room, name });
        }
        let mut next = sessions.next_in_ring(session, session);
        while let Some(sibling) = next {
            self.enter(sessions, sibling, &name);
            tell_joined(sessions, sibling, &name);
            *cost += 2;
            next = sessions.next_in_ring(sibling, session);
        }
        let members = self.groups.members(group);
        *cost += self.announce(sessions, group, members, News::Joined(session), &name_of(sessions, session));
        Ok(())
    }

    /// A room has begun with this session.
    fn note_opener(&mut self, sessions: &mut Sessions, room: usize, session: usize) {
        if self.openers.len() <= room {
            self.openers.resize(room + 1, u32::MAX);
        }
        self.openers[room] = sessions.open_room(session);
    }

    /// The account of the origin that has opened a room.
    #[cfg(feature = "sim")]
    pub(in crate::hub) fn opener(&self, room: usize) -> u32 {
        self.openers[room]
    }

    fn enter(&mut self, sessions: &mut Sessions, session: usize, name: &str) -> usize {
        let slot = self.groups.enter(name, session);
        sessions[session].details.rooms.push(Membership { slot, missed: None, is_stale: false });
        sessions.count_membership(session, slot.group(), true);
        slot.group()
    }

    /// A session begins whose user has another one: it comes into the rooms of that, and is told so. What was said
    /// there just before may still come to it.
    pub(in crate::hub) fn enter_rooms_of(&mut self, sessions: &mut Sessions, session: usize, sibling: usize) {
        for position in 0..sessions[sibling].details.rooms.len() {
            let room = sessions[sibling].details.rooms[position].slot.group();
            let name = CompactString::from(self.groups.name(room));
            self.enter(sessions, session, &name);
            tell_joined(sessions, session, &name);
        }
    }

    /// Tells a session anew in which rooms it is.
    pub(in crate::hub) fn tell_rooms(&self, sessions: &mut Sessions, session: usize) {
        for position in 0..sessions[session].details.rooms.len() {
            let room = sessions[session].details.rooms[position].slot.group();
            tell_joined(sessions, session, self.groups.name(room));
        }
    }

    pub(super) fn leave(
        &mut self,
        sessions: &mut Sessions,
        session: usize,
        spelling: &str,
        cost: &mut u32,
    ) -> Result<(), RejectCode> {
        let (room, position) = self.membership(sessions, session, spelling, cost)?;
        let name = name_of(sessions, session);
        let mut next = sessions.next_in_ring(session, session);
        while let Some(sibling) = next {
            *cost += 2 + u32::try_from(sessions[sibling].details.rooms.len() / SLOTS).unwrap_or(u32::MAX);
            let slot = self.take_membership(sessions, sibling, room);
            tell_left(sessions, sibling, self.groups.name(room));
            self.groups.leave(slot);
            next = sessions.next_in_ring(sibling, session);
        }
        let slot = self.take_membership_at(sessions, session, position);
        *cost += self.leave_slot(sessions, slot, session, &name, LeaveCode::Left);
        Ok(())
    }

    fn take_membership(&self, sessions: &mut Sessions, session: usize, room: usize) -> MemberSlot {
        let mut rooms = sessions[session].details.rooms.iter();
        let position = rooms.position(|membership| membership.slot.group() == room);
        self.take_membership_at(sessions, session, position.expect("all sessions of a user are in its rooms"))
    }

    /// Takes a room from those that a session is in, and tells it what it missed there: afterwards it would not be
    /// told.
    fn take_membership_at(&self, sessions: &mut Sessions, session: usize, position: usize) -> MemberSlot {
        let membership = sessions[session].details.rooms.swap_remove(position);
        sessions.count_membership(session, membership.slot.group(), false);
        if let Some(MissedRun { first, last, count }) = membership.missed {
            let room = self.groups.name(membership.slot.group());
            sessions.answer(session, Answer::Missed(Missed { room, first_id: first, last_id: last, count }));
        }
        membership.slot
    }

    /// A session has ended: its memberships end with it, and those of its user, unless that has another session.
    /// Returns the work that this makes.
    pub(in crate::hub) fn leave_all(
        &mut self,
        sessions: &mut Sessions,
        memberships: Vec<Membership>,
        session: usize,
        name: &UserName,
        code: LeaveCode,
    ) -> u32 {
        let sibling = sessions.find(name.as_bytes());
        let leave = |membership: Membership| {
            if sibling.is_none() {
                return self.leave_slot(sessions, membership.slot, session, name, code);
            }
            self.groups.leave(membership.slot);
            1
        };
        let work = memberships.into_iter().map(leave).sum();
        // The next member in this slot has nothing to do with its news.
        self.pending.iter_mut().for_each(|fanout| fanout.replace_subject(session, sibling.unwrap_or(usize::MAX)));
        work
    }

    fn leave_slot(
        &mut self,
        sessions: &mut Sessions,
        slot: MemberSlot,
        session: usize,
        name: &UserName,
        code: LeaveCode,
    ) -> u32 {
        let members = self.groups.members(slot.group());
        let room = self.groups.name(slot.group());
        if sessions.has_room_events {
            let (room, name) = (room_name(room), name.clone());
            sessions.events.push_back(HubEvent::RoomLeft { room, name, code });
        }
        if members == 1 {
            let room = room_name(room);
            sessions.events.push_back(HubEvent::RoomClosed { room });
        }
        if self.groups.leave(slot) {
            sessions.origins.close_room(self.openers[slot.group()]);
            return 1;
        }
        self.announce(sessions, slot.group(), members, News::Left(session, code), name)
    }

    /// Tells the rooms of a user that it has another name than before: it leaves them under that name, and is back
    /// under its own. Returns what it costs.
    pub(super) fn announce_renamed(&mut self, sessions: &Sessions, session: usize, before: &UserName) -> u32 {
        let mut cost = 0;
        for membership in &sessions[session].details.rooms {
            let room = membership.slot.group();
            let members = self.groups.members(room);
            cost += self.announce(sessions, room, members, News::Left(session, LeaveCode::Renamed), before);
            cost += self.announce(sessions, room, members, News::Joined(session), &sessions[session].name);
        }
        cost
    }

    /// Tells a room who has come or gone, unless it is too large for that, or all are going. Returns what it costs.
    fn announce(&mut self, sessions: &Sessions, room: usize, members: usize, news: News, name: &UserName) -> u32 {
        if members > sessions.limits.announced_members_max as usize || sessions.is_shutting_down {
            return 1;
        }
        let id = self.groups.id(room);
        // A member goes whose coming is not told yet, or the other way round: nobody need know.
        if let Some(last) = self.pending.back()
            && last.is_undone_by(id, news)
        {
            self.drop_last();
            return 1;
        }
        let room = self.groups.name(room);
        let message = match news {
            News::Joined(session) => {
                let display_name = sessions[session].display_name();
                HubMessage::Joined(Joined { room, name: name.as_str(), display_name })
            }
            News::Left(_, code) => HubMessage::Left(Left { room, name: name.as_str(), code }),
        };
        let mut fanout = self.spare.pop().unwrap_or_default();
        fanout.begin_news(id, news, &message);
        self.queue(fanout);
        u32::try_from(members).unwrap_or(u32::MAX)
    }

    fn queue(&mut self, fanout: Fanout) {
        self.groups.wait(fanout.group().index());
        self.pending_bytes += fanout.bytes();
        self.pending.push_back(fanout);
    }

    fn drop_last(&mut self) {
        if let Some(mut fanout) = self.pending.pop_back() {
            self.groups.waited(fanout.group());
            self.pending_bytes -= fanout.bytes();
            fanout.clear();
            self.keep(fanout);
        }
    }

    fn keep(&mut self, fanout: Fanout) {
        if self.spare.len() < SPARE_MAX && fanout.capacity() <= SPARE_BYTES_MAX {
            self.spare.push(fanout);
        }
    }

    // ---- fan-out ----

    /// Takes what a user says, for all members but the session that says it.
    #[inline]
    pub(super) fn say(&mut self, sender: usize, from: &UserName, room: usize, id: MessageId, body: &[u8]) {
        let head = Head::of_room_deliver(id, self.groups.name(room), from.as_str(), body.len());
        let group = self.groups.id(room);
        let before = match self.pending.back() {
            Some(last) if last.takes_messages_of(group) && last.bytes() < BATCH_BYTES_MAX => last.bytes(),
            _ => {
                let mut fanout = self.spare.pop().unwrap_or_default();
                fanout.begin_messages(group);
                self.queue(fanout);
                0
            }
        };
        let fanout = self.pending.back_mut().expect("there is one by now");
        fanout.add(sender, id, &head, body);
        self.pending_bytes += fanout.bytes() - before;
    }

    /// Takes what the program says, for all members: after what it said to all before, up to this, if that is on its
    /// way.
    pub(super) fn announce_in(
        &mut self,
        announced: Option<MessageId>,
        from: &UserName,
        room: usize,
        id: MessageId,
        body: &[u8],
    ) {
        let group = self.groups.id(room);
        let takes_it = |last: &Fanout, announced: MessageId| {
            last.is_after(announced) && last.takes_messages_of(group) && last.bytes() < BATCH_BYTES_MAX
        };
        // It may not join what goes before the announcement.
        if let Some(announced) = announced
            && !self.pending.back().is_some_and(|last| takes_it(last, announced))
        {
            let mut fanout = self.spare.pop().unwrap_or_default();
            fanout.begin_messages_after(group, announced);
            self.queue(fanout);
        }
        self.say(usize::MAX, from, room, id, body);
    }

    /// How many batches there have been, those that wait included.
    pub(super) fn batches(&self) -> u64 {
        self.flushed + self.pending.len() as u64
    }

    /// How many of them wait no more, or any number if none waits.
    pub(super) fn flushed_batches(&self) -> u64 {
        if self.pending.is_empty() { u64::MAX } else { self.flushed }
    }

    /// Something waits to be fanned out.
    #[inline]
    pub(in crate::hub) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// No more may wait.
    #[inline]
    pub(in crate::hub) fn is_full(&self) -> bool {
        self.pending.len() >= PENDING_MAX || self.pending_bytes >= PENDING_BYTES_MAX
    }

    /// Something may wait for this session, because it is in that room: what it gets later must not overtake that.
    pub(super) fn is_waiting_for(&self, session: &Session, work: &mut Work) -> bool {
        let rooms = &session.details.rooms;
        if rooms.len() > LOOKED_AT_MAX {
            return true;
        }
        work.spend(u32::try_from(rooms.len() / SLOTS).unwrap_or(u32::MAX));
        rooms.iter().any(|membership| self.groups.is_waiting(membership.slot.group()))
    }

    /// All that waits is news of this session: who changes its own membership again need not wait for them.
    pub(super) fn has_only_news_of(&self, session: usize) -> bool {
        matches!(self.pending.front(), Some(fanout) if self.pending.len() == 1 && fanout.is_news_of(session))
    }

    /// Puts what waits into the outboxes of members, as far as the work goes. True if nothing waits any more.
    #[cold]
    #[inline(never)]
    pub(super) fn flush(
        &mut self,
        sessions: &mut Sessions,
        announcements: &mut Announcements,
        work: &mut Work,
    ) -> bool {
        while let Some(mut fanout) = self.pending.pop_front() {
            if !fanout.run(&self.groups, sessions, announcements, work) {
                self.pending.push_front(fanout);
                return false;
            }
            self.flushed += 1;
            self.groups.waited(fanout.group());
            self.pending_bytes -= fanout.bytes();
            fanout.finish(&mut sessions.pool);
            self.keep(fanout);
        }
        true
    }

    /// The frames that a fan-out holds to be shared.
    #[cfg(feature = "sim")]
    pub(in crate::hub) fn shared_frames(&self, mut tell: impl FnMut(*const u8, usize)) {
        for fanout in &self.pending {
            if let Some(frames) = fanout.shared() {
                tell(frames.as_ptr(), frames.len());
            }
        }
    }

    /// Work for a page that looks at this many slots.
    pub(in crate::hub) fn page_work(slots: usize, names: usize) -> u32 {
        u32::try_from(slots / SLOTS + names).unwrap_or(u32::MAX)
    }
}

fn room_name(name: &str) -> RoomName {
    RoomName::from_hub(name).expect("it is a room's name")
}

fn name_of(sessions: &Sessions, session: usize) -> UserName {
    sessions[session].name.clone()
}
