//! The whole of what a chat is: sessions with what they are to be told, and rooms with who is in them.
//!
//! What a session is told is a stream in one order, of which only two things may be missing: messages of a room, and who
//! came into it or went. Both are told of in their place. Answers that have no place in the stream come in any order.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::mem;
use std::ops::RangeInclusive;

use chatcore::{DeliveryStatus, Event, Instant, LeaveCode, MessageId, RejectCode, RoomName, UserName};

pub(crate) const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];
pub(crate) const ROOMS: [&str; 2] = ["#lobby", "#kitchen"];

/// More than a frame takes beside a body.
const FRAME_BYTES: usize = 64;

/// What an outbox must have room for beside a body, and what it can still hold of an acknowledged stream.
const SPARE_BYTES: usize = 256 + 256;

/// What makes room in an outbox between what a session hears at one time: the acknowledgement of what it heard before, a
/// resume, and the acknowledgement of what it has just heard of this.
const TIMES_OF_ROOM_MAX: u32 = 3;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) id: MessageId,
    pub(crate) from: usize,
    pub(crate) room: Option<usize>,
    pub(crate) body: Vec<u8>,
}

/// Somebody has come into a room, or gone out of it for a reason.
#[derive(Clone, Debug, PartialEq)]
struct News {
    room: usize,
    user: usize,
    left: Option<LeaveCode>,
}

/// What a session is told in order.
#[derive(Clone, Debug)]
enum Entry {
    /// It may be missed if the outbox was perhaps full.
    Message { message: Message, may_be_missed: bool },
    /// All that happened at one time, in no order. If the contrary follows before it was told, nobody need hear of either.
    News(Vec<News>),
    /// A join or a leave is done: messages of the room come only between the two.
    Done { number: u64, left: Option<usize> },
}

/// What a request is answered with somewhere in the stream.
#[derive(Debug, PartialEq)]
enum Answer {
    Accepted(MessageId),
    Rejected(RejectCode),
    /// The page may be empty, and not the last, if the outbox was perhaps full.
    Members {
        users: BTreeSet<usize>,
        may_be_empty: bool,
    },
}

/// What was left out of a room, and not told yet.
#[derive(Debug, Default)]
struct Unheard {
    missed: Vec<MessageId>,
    /// Misses that it was told of at this time since the last message. They are told at once, but when there is room.
    misses_told: u32,
    /// Who is in the room, and is not known to be, or the other way round.
    changed: BTreeSet<usize>,
    /// It is told that there were changes; which, is known when the stream has come to its end.
    is_stale: bool,
}

pub(crate) struct Session {
    /// Messages with higher ids that bear its name are its own.
    since: MessageId,
    /// Until when it waits for a connection.
    pub(crate) detached_until: Option<Instant>,
    requests: u64,
    stream: VecDeque<Entry>,
    answers: BTreeMap<u64, Answer>,
    unheard: [Unheard; ROOMS.len()],
    /// What was accepted of it for users, and to whom it went.
    sent: BTreeMap<MessageId, usize>,
    /// What of that was in the stream of somebody who broke off, and it is not told yet.
    undelivered: BTreeSet<MessageId>,
    /// Bytes that its outbox holds, at the most.
    owed_bytes: usize,
    /// That was perhaps too much for what somebody had to tell.
    was_full: bool,
}

impl Session {
    fn has_room(&self, body_bytes: usize, outbox_bytes_max: usize) -> bool {
        self.owed_bytes + body_bytes + SPARE_BYTES <= outbox_bytes_max
    }

    fn owe(&mut self, entry: Entry, body_bytes: usize) {
        self.stream.push_back(entry);
        self.owed_bytes += body_bytes + FRAME_BYTES;
    }

    /// Counts a request.
    fn ask(&mut self) -> u64 {
        self.requests += 1;
        self.owed_bytes += FRAME_BYTES;
        self.requests
    }

    fn answer(&mut self, answer: Answer) {
        let number = self.ask();
        self.answers.insert(number, answer);
    }

    // ---- what it is told ----

    fn hear(&mut self, event: &Event) {
        match event {
            Event::Message { id, from, room, body, .. } => {
                let room = room.as_ref().map(room_of);
                let told = Message { id: *id, from: user_of(from), room, body: body.clone() };
                self.reach(|entry| matches!(entry, Entry::Message { message, .. } if *message == told));
                if let Some(room) = room {
                    let Unheard { missed, misses_told, .. } = &mut self.unheard[room];
                    assert!(missed.is_empty(), "{missed:?} is told before {told:?}");
                    *misses_told = 0;
                }
            }
            Event::Missed { room, first_id, last_id, count, .. } => {
                self.hear_missed(room_of(room), *first_id..=*last_id, *count);
            }
            Event::Joined { room, name, .. } => self.hear_news(room_of(room), user_of(name), None),
            Event::Left { room, name, reason, .. } => self.hear_news(room_of(room), user_of(name), Some(*reason)),
            Event::Stale { room, .. } => {
                assert!(self.was_full, "{room} is stale though there was room");
                self.unheard[room_of(room)].is_stale = true;
            }
            Event::Done { number, .. } => {
                let is_it = |entry: &Entry| matches!(entry, Entry::Done { number: done, .. } if done == number);
                if let Entry::Done { left: Some(room), .. } = self.reach(is_it) {
                    let Unheard { missed, .. } = mem::take(&mut self.unheard[room]);
                    assert!(missed.is_empty(), "{missed:?} is told before the leave is done");
                }
            }
            Event::Accepted { number, id, .. } => self.hear_answer(*number, &Answer::Accepted(*id)),
            Event::Rejected { number, code, .. } => self.hear_answer(*number, &Answer::Rejected(*code)),
            Event::Members { number, users, next, .. } => {
                let users: BTreeSet<_> = users.iter().map(|user| user_of(&user.name)).collect();
                let may_be_empty = matches!(self.answers.get(number), Some(Answer::Members { may_be_empty: true, .. }));
                if may_be_empty && (users.is_empty(), *next) == (true, Some(0)) {
                    self.answers.remove(number);
                } else {
                    assert_eq!(*next, None, "so few fit a page");
                    self.hear_answer(*number, &Answer::Members { users, may_be_empty });
                }
            }
            Event::Report { status, to, ids, .. } => {
                for id in ids {
                    assert_eq!(
                        self.sent.remove(id),
                        Some(user_of(to)),
                        "{id} went to {to} alone, and is reported once"
                    );
                    let is_undelivered = self.undelivered.remove(id);
                    assert_eq!(is_undelivered, *status == DeliveryStatus::Undelivered, "whether {id} was written");
                }
            }
            other => panic!("nobody asked for {other:?}"),
        }
    }

    fn hear_answer(&mut self, number: u64, answer: &Answer) {
        assert_eq!(self.answers.remove(&number).as_ref(), Some(answer), "the answer to request {number}, once");
    }

    fn hear_missed(&mut self, room: usize, told: RangeInclusive<MessageId>, count: u64) {
        while self.unheard[room].missed.last() != Some(told.end()) {
            let entry = self.stream.pop_front();
            self.leave_out(entry.unwrap_or_else(|| panic!("{told:?} of room {room} is not missed in this place")));
        }
        let Unheard { missed, misses_told, .. } = &mut self.unheard[room];
        let all = (&missed[0], missed.len() as u64);
        assert_eq!((told.start(), count), all, "all that is missed is told at once: {missed:?}");
        missed.clear();
        *misses_told += 1;
        assert!(*misses_told <= TIMES_OF_ROOM_MAX, "misses that follow each other are told with one missed");
    }

    fn hear_news(&mut self, room: usize, user: usize, left: Option<LeaveCode>) {
        let told = News { room, user, left };
        let entry = self.reach(|entry| matches!(entry, Entry::News(news) if news.contains(&told)));
        if let Entry::News(mut news) = entry {
            news.retain(|other| *other != told);
            self.stream.push_front(Entry::News(news));
        }
        let Unheard { changed, is_stale, .. } = &self.unheard[room];
        assert!(changed.is_empty() || *is_stale, "changes of {changed:?} are told before {told:?}");
    }

    /// Goes on in the stream to what it is told. Whatever is before that is left out.
    fn reach(&mut self, is_it: impl Fn(&Entry) -> bool) -> Entry {
        loop {
            let entry = self.stream.pop_front().expect("what is told is in the stream, in this order");
            if is_it(&entry) {
                return entry;
            }
            self.leave_out(entry);
        }
    }

    fn leave_out(&mut self, entry: Entry) {
        match entry {
            Entry::Message { message: Message { id, room: Some(room), .. }, may_be_missed: true } => {
                self.unheard[room].missed.push(id);
            }
            Entry::News(news) => {
                for News { room, user, .. } in news {
                    let changed = &mut self.unheard[room].changed;
                    if !changed.remove(&user) {
                        changed.insert(user);
                    }
                }
            }
            other => panic!("{other:?} is left out"),
        }
    }

    /// All that could be told by now is told.
    fn come_to_the_end(&mut self) {
        assert!(self.answers.is_empty(), "unanswered: {:?}", self.answers);
        assert!(self.undelivered.is_empty(), "not reported: {:?}", self.undelivered);
        while let Some(entry) = self.stream.pop_front() {
            self.leave_out(entry);
        }
        for unheard in &mut self.unheard {
            unheard.misses_told = 0;
            if mem::take(&mut unheard.is_stale) {
                unheard.changed.clear();
            }
        }
    }
}

pub(crate) struct Chat {
    outbox_bytes_max: usize,
    /// What a page of a list needs in an outbox.
    page_bytes: usize,
    last_id: MessageId,
    pub(crate) sessions: BTreeMap<usize, Session>,
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

    pub(crate) fn begin(&mut self, user: usize) {
        let session = Session {
            since: self.last_id,
            detached_until: None,
            requests: 0,
            stream: VecDeque::new(),
            answers: BTreeMap::new(),
            unheard: Default::default(),
            sent: BTreeMap::new(),
            undelivered: BTreeSet::new(),
            owed_bytes: 0,
            was_full: false,
        };
        assert!(self.sessions.insert(user, session).is_none(), "the name is free");
    }

    /// A session ends. Whoever has sent something to it that is in its stream yet is to be told.
    pub(crate) fn end(&mut self, user: usize, why: LeaveCode) {
        let ended = self.sessions.remove(&user).expect("the user has a session");
        for entry in ended.stream {
            if let Entry::Message { message: Message { id, from, room: None, .. }, .. } = entry
                && let Some(sender) = self.sessions.get_mut(&from).filter(|sender| sender.since < id)
            {
                sender.undelivered.insert(id);
            }
        }
        for sender in self.sessions.values_mut() {
            sender.owed_bytes += sender.sent.values().filter(|to| **to == user).count() * FRAME_BYTES;
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

    /// Whether a message for a user is sure to be accepted, or that nobody of that name is here.
    pub(crate) fn is_sure(&self, to: usize, body: &[u8]) -> bool {
        self.sessions.get(&to).is_none_or(|session| session.has_room(body.len(), self.outbox_bytes_max))
    }

    pub(crate) fn send(&mut self, now: Instant, from: usize, to: usize, body: Vec<u8>) {
        if !self.sessions.contains_key(&to) {
            return self.session(from).answer(Answer::Rejected(RejectCode::NoSuchUser));
        }
        let (id, bytes) = (self.next_id(now), body.len());
        let message = Message { id, from, room: None, body };
        self.session(to).owe(Entry::Message { message, may_be_missed: false }, bytes);
        self.session(from).answer(Answer::Accepted(id));
        self.session(from).sent.insert(id, to);
    }

    pub(crate) fn say(&mut self, now: Instant, from: usize, room: usize, body: &[u8]) {
        if !self.members[room].contains(&from) {
            return self.session(from).answer(Answer::Rejected(RejectCode::NotAMember));
        }
        let id = self.next_id(now);
        let message = Message { id, from, room: Some(room), body: body.to_vec() };
        for member in self.members[room].iter().filter(|member| **member != from) {
            let session = self.sessions.get_mut(member).expect("members have sessions");
            let may_be_missed = !session.has_room(body.len(), self.outbox_bytes_max);
            session.owe(Entry::Message { message: message.clone(), may_be_missed }, body.len());
        }
        self.session(from).answer(Answer::Accepted(id));
    }

    pub(crate) fn join(&mut self, user: usize, room: usize) {
        if self.members[room].insert(user) {
            self.tell_news(&[room], user, None);
        }
        let number = self.session(user).ask();
        self.session(user).owe(Entry::Done { number, left: None }, 0);
    }

    pub(crate) fn leave(&mut self, user: usize, room: usize) {
        if !self.members[room].remove(&user) {
            return self.session(user).answer(Answer::Rejected(RejectCode::NotAMember));
        }
        self.tell_news(&[room], user, Some(LeaveCode::Left));
        let number = self.session(user).ask();
        self.session(user).owe(Entry::Done { number, left: Some(room) }, 0);
    }

    pub(crate) fn roster(&mut self, user: usize, room: usize) {
        let may_be_empty = !self.sessions[&user].has_room(self.page_bytes, self.outbox_bytes_max);
        let users = self.members[room].clone();
        let is_member = users.contains(&user);
        let members = Answer::Members { users, may_be_empty };
        self.session(user).answer(if is_member { members } else { Answer::Rejected(RejectCode::NotAMember) });
        self.session(user).owed_bytes += FRAME_BYTES;
    }

    // ---- what they are told ----

    /// A user looks at all that was told to it.
    pub(crate) fn hear(&mut self, user: usize, events: &[Event]) {
        let session = self.session(user);
        for event in events {
            session.hear(event);
        }
        session.come_to_the_end();
    }

    /// A user has acknowledged everything, and has looked again since: there was room to tell it what it does not know.
    pub(crate) fn catch_up(&mut self, user: usize) {
        let session = self.session(user);
        (session.owed_bytes, session.was_full) = (0, false);
        for (room, Unheard { missed, changed, .. }) in session.unheard.iter().enumerate() {
            assert!(missed.is_empty(), "nobody has told user {user} that it missed {missed:?} of room {room}");
            assert!(changed.is_empty(), "nobody has told user {user} that {changed:?} changed in room {room}");
        }
    }

    // ---- inside ----

    fn session(&mut self, user: usize) -> &mut Session {
        self.sessions.get_mut(&user).expect("the user has a session")
    }

    /// Ids rise, and hold the time in milliseconds above 23 bits for other things.
    fn next_id(&mut self, now: Instant) -> MessageId {
        let MessageId(last) = self.last_id;
        self.last_id = MessageId((last + 1).max((now.as_nanos() / 1_000_000) << 23));
        self.last_id
    }

    /// Tells those who are in rooms that somebody came into them, or went.
    fn tell_news(&mut self, rooms: &[usize], user: usize, left: Option<LeaveCode>) {
        for (other, session) in self.sessions.iter_mut().filter(|(other, _)| **other != user) {
            let rooms = rooms.iter().filter(|room| self.members[**room].contains(other));
            let news: Vec<_> = rooms.map(|room| News { room: *room, user, left }).collect();
            if !news.is_empty() {
                session.was_full |= !session.has_room(0, self.outbox_bytes_max);
                session.owe(Entry::News(news), FRAME_BYTES);
            }
        }
    }
}

fn user_of(name: &UserName) -> usize {
    NAMES.into_iter().position(|known| known == name.as_str()).expect("a known name")
}

fn room_of(name: &RoomName) -> usize {
    ROOMS.into_iter().position(|known| known == name.as_str()).expect("a known room")
}
