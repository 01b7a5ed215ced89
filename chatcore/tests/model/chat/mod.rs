//! The whole of what a chat is: sessions with what they are to be told, and rooms with who is in them.
//!
//! What a session is told is a stream in one order, of which only two things may be missing: messages of a room, and
//! who came into it or went. Both are told of in their place. Answers that have no place in the stream come in any
//! order.

mod requests;
mod session;
mod taking_over;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chatcore::{DeliveryStatus, Event, Instant, LeaveCode, Limits, MessageId, RejectCode, SessionId};

pub(crate) use self::requests::{Body, Request};
use self::session::{Entry, FRAME_BYTES, Message, News, Session};

pub(crate) const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];
pub(crate) const ROOMS: [&str; 2] = ["#lobby", "#kitchen"];

/// Whose each device is. Two users have two of them, each with a session of its own.
pub(crate) const DEVICES: [usize; 6] = [0, 1, 2, 3, 0, 1];

pub(crate) struct Chat {
    /// The program decides about joins and messages.
    is_asking: bool,
    decision_time_max: Duration,
    outbox_bytes_max: usize,
    /// What a page of a list needs in an outbox.
    page_bytes: usize,
    last_id: MessageId,
    /// Sessions that ever began.
    begun: u64,
    /// By the device.
    pub(crate) sessions: BTreeMap<usize, Session>,
    /// The users in each room.
    members: [BTreeSet<usize>; ROOMS.len()],
}

impl Chat {
    pub(crate) fn new(limits: &Limits, is_asking: bool) -> Self {
        Self {
            is_asking,
            decision_time_max: limits.decision_time_max,
            outbox_bytes_max: limits.outbox_bytes_max as usize,
            page_bytes: limits.frame_bytes_max() as usize,
            last_id: MessageId(0),
            begun: 0,
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

    /// The rooms that a user is in.
    fn rooms_of(&self, user: usize) -> BTreeSet<usize> {
        (0..ROOMS.len()).filter(|room| self.members[*room].contains(&user)).collect()
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
    pub(crate) fn begin(&mut self, device: usize, id: SessionId) {
        let user = DEVICES[device];
        self.begun += 1;
        let mut session = Session::new(user, id, self.begun, self.last_id);
        let rooms = self.rooms_of(user);
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
            let is_shared = ended.shared.is_some_and(|(after, until)| after < id && id <= until);
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
            let shared = (ended.since, self.last_id);
            return siblings.into_iter().for_each(|sibling| self.session(sibling).share(shared));
        }
        let rooms: Vec<_> = (0..ROOMS.len()).filter(|room| self.members[*room].remove(&user)).collect();
        self.tell_news(&rooms, user, Some(why));
    }

    /// Whether a session ends at this time, if nobody comes back.
    pub(crate) fn ends_one_at(&self, time: Instant) -> bool {
        self.sessions.values().any(|session| session.detached_until == Some(time))
    }

    /// When a user's name is free, if none of its sessions has a connection.
    pub(crate) fn free_at(&self, user: usize) -> Option<Instant> {
        let mut sessions = self.sessions.values().filter(|session| session.user == user);
        sessions.try_fold(Instant::ZERO, |last, session| Some(last.max(session.detached_until?)))
    }

    /// Time has passed: sessions end for which nobody has come back, and questions are over that nobody has answered.
    pub(crate) fn expire(&mut self, now: Instant) {
        let end = |(device, session): (&usize, &Session)| Some((session.detached_until?, None, *device));
        loop {
            let ends = self.sessions.iter().filter_map(end);
            let questions = self.sessions.iter().flat_map(|(device, session)| {
                let open = session.waiting.iter().filter(|waiting| waiting.is_open());
                open.map(|waiting| (waiting.until, waiting.question, *device))
            });
            // If both are due at the same time, sessions end first.
            match ends.chain(questions).min().filter(|(due, ..)| *due <= now) {
                Some((_, None, device)) => self.end(device, LeaveCode::TimedOut),
                Some((due, Some(question), _)) => self.decide(due, question, Err(RejectCode::Unavailable)),
                None => return,
            }
        }
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

    /// A device has acknowledged everything, and has looked again since: there was room to tell it what it does not
    /// know.
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
