//! The whole of what a chat is: sessions with what they are to be told, and rooms with who is in them.
//!
//! What a session is told is a stream in one order, of which only two things may be missing: messages of a room, and who
//! came into it or went. Both are told of in their place. Answers that have no place in the stream come in any order.

mod session;

use std::collections::{BTreeMap, BTreeSet};

use chatcore::{DeliveryStatus, Event, Instant, LeaveCode, MessageId, RejectCode};

use self::session::{Answer, Entry, FRAME_BYTES, Message, News, Session};

pub(crate) const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];
pub(crate) const ROOMS: [&str; 2] = ["#lobby", "#kitchen"];

/// Whose each device is. Two users have two of them, each with a session of its own.
pub(crate) const DEVICES: [usize; 6] = [0, 1, 2, 3, 0, 1];

pub(crate) struct Chat {
    outbox_bytes_max: usize,
    /// What a page of a list needs in an outbox.
    page_bytes: usize,
    last_id: MessageId,
    /// By the device.
    pub(crate) sessions: BTreeMap<usize, Session>,
    /// The users in each room.
    members: [BTreeSet<usize>; ROOMS.len()],
}

impl Chat {
    pub(crate) fn new(outbox_bytes_max: u32, frame_bytes_max: u32) -> Self {
        Self {
            outbox_bytes_max: outbox_bytes_max as usize,
            page_bytes: frame_bytes_max as usize,
            last_id: MessageId(0),
            sessions: BTreeMap::new(),
            members: Default::default(),
        }
    }

    /// Rooms that somebody is in.
    pub(crate) fn rooms(&self) -> usize {
        self.members.iter().filter(|members| !members.is_empty()).count()
    }

    /// Users who have a session.
    pub(crate) fn users(&self) -> usize {
        self.sessions.values().map(|session| session.user).collect::<BTreeSet<_>>().len()
    }

    /// Whether a user has a session.
    pub(crate) fn has(&self, user: usize) -> bool {
        self.sessions.values().any(|session| session.user == user)
    }

    /// The devices with the other sessions of a device's user.
    pub(crate) fn siblings(&self, device: usize) -> Vec<usize> {
        let all = self.sessions.iter();
        let siblings = all.filter(|(other, session)| **other != device && session.user == DEVICES[device]);
        siblings.map(|(other, _)| *other).collect()
    }

    /// A session begins. It is in the rooms of its user.
    pub(crate) fn begin(&mut self, device: usize) {
        let user = DEVICES[device];
        let mut session = Session::new(user, self.last_id);
        let rooms: BTreeSet<_> = (0..ROOMS.len()).filter(|room| self.members[*room].contains(&user)).collect();
        if !rooms.is_empty() {
            session.owe(Entry::Own { rooms, is_in: true }, FRAME_BYTES);
        }
        assert!(self.sessions.insert(device, session).is_none(), "the device has no session");
    }

    /// A session ends. Whoever has sent something to it that is in its stream yet is to be told.
    pub(crate) fn end(&mut self, device: usize, why: LeaveCode) {
        let siblings = self.siblings(device);
        let ended = self.sessions.remove(&device).expect("the device has a session");
        let user = ended.user;
        for entry in ended.stream {
            let Entry::Message { message: Message { id, from, room: None, .. }, .. } = entry else { continue };
            if siblings.iter().any(|sibling| self.sessions[sibling].since < id) {
                continue;
            }
            let is_shared = id <= ended.shared_until;
            let status = if is_shared { DeliveryStatus::Unconfirmed } else { DeliveryStatus::Undelivered };
            let senders = self.sessions.values_mut().filter(|sender| sender.user == from && sender.since < id);
            senders.for_each(|sender| {
                sender.due.insert(id, status);
            });
        }
        for sender in self.sessions.values_mut() {
            sender.owed_bytes += sender.sent.values().filter(|to| **to == user).count() * FRAME_BYTES;
        }
        if !siblings.is_empty() {
            let last_id = self.last_id;
            return siblings.into_iter().for_each(|sibling| self.session(sibling).shared_until = last_id);
        }
        let rooms: Vec<_> = (0..ROOMS.len()).filter(|room| self.members[*room].remove(&user)).collect();
        self.tell_news(&rooms, user, Some(why));
    }

    /// Those end for which nobody has come back.
    pub(crate) fn expire(&mut self, now: Instant) {
        let until = |(user, session): (&usize, &Session)| session.detached_until.map(|until| (until, *user));
        let mut expired: Vec<_> = self.sessions.iter().filter_map(until).filter(|(until, _)| *until <= now).collect();
        expired.sort_unstable();
        for (_, user) in expired {
            self.end(user, LeaveCode::TimedOut);
        }
    }

    // ---- what users ask for ----

    /// Whether a message of a device for a user is sure to be accepted, or that nobody of that name is here.
    pub(crate) fn is_sure(&self, device: usize, to: usize, body: &[u8]) -> bool {
        let concerned = self.sessions.values().filter(|session| [to, DEVICES[device]].contains(&session.user));
        concerned.into_iter().all(|session| session.has_room(body.len(), self.outbox_bytes_max))
    }

    pub(crate) fn send(&mut self, now: Instant, device: usize, to: usize, body: &[u8]) {
        if !self.has(to) {
            return self.session(device).answer(Answer::Rejected(RejectCode::NoSuchUser));
        }
        let (id, from, bytes) = (self.next_id(now), DEVICES[device], body.len());
        let message = Message { id, from, room: None, body: body.to_vec() };
        for (other, session) in &mut self.sessions {
            if session.user == to {
                session.owe(Entry::Message { message: message.clone(), may_be_missed: false }, bytes);
            } else if session.user == from && *other != device {
                session.owe(Entry::Sent { id, to, body: body.to_vec() }, bytes);
            }
            if session.user == from {
                session.sent.insert(id, to);
            }
        }
        self.session(device).answer(Answer::Accepted(id));
    }

    pub(crate) fn say(&mut self, now: Instant, device: usize, room: usize, body: &[u8]) {
        let from = DEVICES[device];
        if !self.members[room].contains(&from) {
            return self.session(device).answer(Answer::Rejected(RejectCode::NotAMember));
        }
        let id = self.next_id(now);
        let message = Message { id, from, room: Some(room), body: body.to_vec() };
        for (other, session) in &mut self.sessions {
            if *other == device || !self.members[room].contains(&session.user) {
                continue;
            }
            let may_be_missed = !session.has_room(body.len(), self.outbox_bytes_max);
            session.owe(Entry::Message { message: message.clone(), may_be_missed }, body.len());
        }
        self.session(device).answer(Answer::Accepted(id));
    }

    pub(crate) fn join(&mut self, device: usize, room: usize) {
        if self.members[room].insert(DEVICES[device]) {
            self.tell_news(&[room], DEVICES[device], None);
            self.tell_siblings(device, room, true);
        }
        let number = self.session(device).ask();
        self.session(device).owe(Entry::Done { number, left: None }, 0);
    }

    pub(crate) fn leave(&mut self, device: usize, room: usize) {
        if !self.members[room].remove(&DEVICES[device]) {
            return self.session(device).answer(Answer::Rejected(RejectCode::NotAMember));
        }
        self.tell_news(&[room], DEVICES[device], Some(LeaveCode::Left));
        self.tell_siblings(device, room, false);
        let number = self.session(device).ask();
        self.session(device).owe(Entry::Done { number, left: Some(room) }, 0);
    }

    pub(crate) fn roster(&mut self, device: usize, room: usize) {
        let may_be_empty = !self.sessions[&device].has_room(self.page_bytes, self.outbox_bytes_max);
        let users = self.members[room].clone();
        let is_member = users.contains(&DEVICES[device]);
        let members = Answer::Members { users, may_be_empty };
        self.session(device).answer(if is_member { members } else { Answer::Rejected(RejectCode::NotAMember) });
        self.session(device).owed_bytes += FRAME_BYTES;
    }

    // ---- what they are told ----

    /// A device looks at all that was told to it.
    pub(crate) fn hear(&mut self, device: usize, events: &[Event]) {
        let session = self.session(device);
        for event in events {
            session.hear(event);
        }
        session.come_to_the_end();
    }

    /// A device has acknowledged everything, and has looked again since: there was room to tell it what it does not know.
    pub(crate) fn catch_up(&mut self, device: usize) {
        let session = self.session(device);
        (session.owed_bytes, session.was_full) = (0, false);
        for (room, unheard) in session.unheard.iter().enumerate() {
            let (missed, changed) = (&unheard.missed, &unheard.changed);
            assert!(missed.is_empty(), "nobody has told device {device} that it missed {missed:?} of room {room}");
            assert!(changed.is_empty(), "nobody has told device {device} that {changed:?} changed in room {room}");
        }
    }

    // ---- inside ----

    fn session(&mut self, device: usize) -> &mut Session {
        self.sessions.get_mut(&device).expect("the device has a session")
    }

    /// Tells the other sessions of a device's user that they are in a room, or are not.
    fn tell_siblings(&mut self, device: usize, room: usize, is_in: bool) {
        for sibling in self.siblings(device) {
            self.session(sibling).owe(Entry::Own { rooms: [room].into(), is_in }, 0);
        }
    }

    /// Ids rise, and hold the time in milliseconds above 23 bits for other things.
    fn next_id(&mut self, now: Instant) -> MessageId {
        let MessageId(last) = self.last_id;
        self.last_id = MessageId((last + 1).max((now.as_nanos() / 1_000_000) << 23));
        self.last_id
    }

    /// Tells those who are in rooms that somebody came into them, or went.
    fn tell_news(&mut self, rooms: &[usize], user: usize, left: Option<LeaveCode>) {
        for session in self.sessions.values_mut().filter(|session| session.user != user) {
            let rooms = rooms.iter().filter(|room| self.members[**room].contains(&session.user));
            let news: Vec<_> = rooms.map(|room| News { room: *room, user, left }).collect();
            if !news.is_empty() {
                session.was_full |= !session.has_room(0, self.outbox_bytes_max);
                session.owe(Entry::News(news), FRAME_BYTES);
            }
        }
    }
}
